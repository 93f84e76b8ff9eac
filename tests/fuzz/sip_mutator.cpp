// SPDX-License-Identifier: GPL-2.0
#include "sip_mutator.h"

#include <cstring>
#include <iterator>
#include <random>
#include <vector>

// Not there in a program without libFuzzer, which plays its inputs all the same.
extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

namespace fuzz {

namespace {

// The places of tests/fuzz/road_line.h: inside, outside, peer, somebody else; in both families.
const char *const hosts[] = {
	"10.0.0.10",        "10.0.0.10",  "203.0.113.1", "198.51.100.1", "192.0.2.7",       "0.0.0.0",
	"b.example",        "10.0.0.010", "[fd00::10]",  "[fd00::10]",   "[2001:db8:f::1]", "[2001:db8:1::1]",
	"[FD00:0:0::0010]", "[::]",       "127.0.0.1",   "fd00::10",
};
const char *const ports[] = {"",       "",   "",       ":5060",  ":5060", ":40000",  ":5070",  ":5061",
			     ":49152", ":0", ":65535", ":05060", ":80",   " : 5060", ":65536", ":25070"};
const char *const numbers[] = {
	"0",
	"1",
	"9",
	"1023",
	"1024",
	"5060",
	"20000",
	"45536",
	"65535",
	"65536",
	"2147483648",
	"4294967295",
	"4294967296",
	"4294967328",
	"18446744073709551619",
	"0000000000000000000000000000000000000007",
	"-1",
	"+5",
	"0x10",
	"",
};
const char *const uri_fields[] = {
	"Contact",
	"m",
	"Record-Route",
	"Route",
	"Path",
	"Service-Route",
	"Refer-To",
	"r",
	"Reply-To",
	"Referred-By",
	"b",
	"P-Asserted-Identity",
	"P-Preferred-Identity",
	"Remote-Party-ID",
	"Diversion",
	"History-Info",
	"From",
	"To",
	"f",
	"t",
};
const char *const other_fields[] = {
	"Content-Type: application/sdp",
	"c: multipart/mixed;boundary=b",
	"Content-Type: multipart/alternative; boundary=\"b\"",
	"Content-Encoding: gzip",
	"e: identity",
	"Expires: 60",
	"Session-Expires: 90;refresher=uac",
	"x: 1800",
	"Call-ID: other",
	"CSeq: 2 BYE",
	"CSeq: 1 INVITE",
	"Max-Forwards: 70",
	"Content-Length: 0",
	"l: 5",
	"Contact: *",
	"Supported: 100rel",
	"Authorization: Digest username=\"a\", uri=\"sip:10.0.0.10\"",
	"Content-Transfer-Encoding: base64",
};
const char *const start_lines[] = {
	"INVITE",
	"REGISTER",
	"SIP/2.0 200 OK",
	"SIP/2.0 180 Ringing",
	"SIP/2.0 401 Unauthorized",
	"BYE",
	"ACK",
	"CANCEL",
	"SUBSCRIBE",
	"NOTIFY",
	"OPTIONS",
	"UPDATE",
	"PRACK",
	"REFER",
	"PUBLISH",
	"FOO",
	"SIP/2.0 487 Gone",
	"SIP/2.0 302 Moved",
	"MESSAGE",
	"INFO",
};
const char *const sdp_lines[] = {
	"m=audio 20000 RTP/AVP 0",
	"m=video 20002 RTP/SAVPF 31",
	"m=audio 20001/2 RTP/AVP 0",
	"m=image 0 udptl t38",
	"m=text 9 RTP/AVP 0",
	"m=message 7654 TCP/MSRP *",
	"a=rtcp:20001",
	"a=rtcp-mux",
	"a=sendonly",
	"a=inactive",
	"a=setup:active",
	"a=setup:passive",
	"a=group:BUNDLE 1 2",
	"a=mid:1",
	"a=mid:2",
	"a=bundle-only",
	"a=msrp-cema",
	"a=rtcp-mux-only",
	"t=0 0",
	"s=-",
	"v=0",
};
const char *const tokens[] = {
	",",
	";",
	"\"",
	"<",
	">",
	":",
	"[",
	"]",
	" ",
	"\t",
	"\r\n ",
	"\\",
	"@",
	"=",
	"?",
	";maddr=10.0.0.10",
	";received=203.0.113.1",
	";rport",
	";rport=40000",
	";transport=tcp",
	";transport=udp",
	";expires=60",
	";lr",
	";tag=x",
	";branch=z9hG4bKx",
	";x=\",;\\\"\"",
	"sips:",
	"sip:",
	"tel:",
	"\r\n\r\n",
	"--b\r\n",
	"--b--",
	"%2C",
	"(",
	")",
};

class mutator {
public:
	mutator(std::string text, uint32_t seed) : random_(seed), text_(std::move(text)) {}

	std::string run()
	{
		for (uint32_t i = 0, count = 1 + below(4); i < count; i++)
			change();
		if (below(8))
			mend_length();
		return text_;
	}

private:
	uint32_t below(size_t limit) { return limit ? static_cast<uint32_t>(random_() % limit) : 0; }
	template<size_t N> std::string one_of(const char *const (&list)[N]) { return list[below(N)]; }

	void change()
	{
		switch (below(20)) {
		case 0:
		case 1:
		case 2:
			return insert_field(one_of(uri_fields) + ": " + name_address());
		case 3:
			return insert_field((below(2) ? "Via: " : "v: ") + via());
		case 4:
			return insert_field(one_of(other_fields));
		case 5:
		case 6:
			return insert_sdp(below(2) ? one_of(sdp_lines) : sdp_with_address());
		case 7:
		case 8:
			return replace_host();
		case 9:
			return replace_number();
		case 10:
		case 11:
			return line_change();
		case 12:
			return text_.insert(below(text_.size() + 1), one_of(tokens)), void();
		case 13:
			return replace_start();
		case 14:
			return wrap_body();
		case 15:
			return line_ends();
		case 16:
			return behind_host(one_of(ports));
		case 17:
			return behind_host(one_of(tokens));
		default:
			return mutate_bytes();
		}
	}

	std::string name_address()
	{
		static const char *const shapes[] = {"<sip:x@",          "<sip:",    "<sips:x@", "sip:x@",
						     "\"A, B\" <sip:x@", "A <sip:x@"};
		const std::string open = one_of(shapes), uri = open + one_of(hosts) + one_of(ports);
		const std::string inner = below(4) ? "" : one_of(tokens);
		const std::string value = uri + inner + (open.find('<') == open.npos ? "" : ">");
		return below(3) ? value : value + ", " + value;
	}

	std::string via()
	{
		static const char *const transports[] = {"SIP/2.0/UDP ", "SIP/2.0/TCP ", "SIP / 2.0 / UDP ",
							 "SIP/2.0/TLS "};
		std::string value = one_of(transports) + one_of(hosts) + one_of(ports) + ";branch=z9hG4bK" +
				    std::to_string(below(4));
		if (below(2))
			value += one_of(tokens);
		return below(3) ? value : value + ", " + one_of(transports) + one_of(hosts);
	}

	std::string sdp_with_address()
	{
		std::string host = one_of(hosts);
		const bool ipv6 = host.find(':') != host.npos;
		if (host[0] == '[')
			host = host.substr(1, host.size() - 2);
		const std::string family = ipv6 ? " IN IP6 " : " IN IP4 ", port = std::to_string(20000 + below(4));
		switch (below(6)) {
		case 0:
			return "o=- 1 1" + family + host;
		case 1:
		case 2:
			return "c=" + family.substr(1) + host;
		case 3:
			return "a=rtcp:" + port + family + host;
		case 4:
			return "a=path:msrp://" + one_of(hosts) + ":7654/s;tcp";
		default:
			return "a=candidate:1 1 " + std::string(below(4) ? "UDP" : "TCP") + " 1 " + host + " " +
			       port + " typ " + (below(2) ? "host" : "srflx raddr 10.0.0.10 rport 20000");
		}
	}

	size_t head_end() const
	{
		const size_t at = text_.find("\r\n\r\n");
		return at == text_.npos ? text_.size() : at + 2;
	}

	// Begins of lines below `limit`, the first line left out.
	std::vector<size_t> lines(size_t limit) const
	{
		std::vector<size_t> starts;
		for (size_t at = text_.find('\n'); at != text_.npos && at + 1 <= limit; at = text_.find('\n', at + 1))
			starts.push_back(at + 1);
		return starts;
	}

	size_t any_line(size_t limit)
	{
		const std::vector<size_t> starts = lines(limit);
		return starts.empty() ? text_.size() : starts[below(starts.size())];
	}

	void insert_field(const std::string &line) { text_.insert(any_line(head_end()), line + "\r\n"); }

	void insert_sdp(const std::string &line)
	{
		const size_t begin = text_.find("\r\nv=0\r\n");
		if (begin == text_.npos) {
			if (text_.find("application/sdp") == text_.npos)
				insert_field("Content-Type: application/sdp");
			text_ += "v=0\r\no=- 1 1 IN IP4 10.0.0.10\r\ns=-\r\nc=IN IP4 10.0.0.10\r\nt=0 0\r\n" + line +
				 "\r\n";
			return;
		}
		std::vector<size_t> starts = {text_.size()};
		for (const size_t start : lines(text_.size()))
			if (start > begin + 2)
				starts.push_back(start);
		text_.insert(starts[below(starts.size())], line + "\r\n");
	}

	size_t find_host(std::string &found)
	{
		const size_t from = below(text_.size() + 1);
		size_t best = text_.npos;
		for (const char *const host : hosts) {
			const size_t at = text_.find(host, from);
			if (at < best || (at == best && at != text_.npos && found.size() < std::strlen(host))) {
				best = at;
				found = host;
			}
		}
		return best;
	}

	void replace_host()
	{
		std::string found;
		const size_t at = find_host(found);
		if (at != text_.npos)
			text_.replace(at, found.size(), one_of(hosts));
	}

	void behind_host(const std::string &what)
	{
		std::string found;
		const size_t at = find_host(found);
		if (at == text_.npos)
			return;
		size_t end = at + found.size(), stop = end;
		if (what[0] == ':' && stop < text_.size() && text_[stop] == ':')
			for (stop++; stop < text_.size() && text_[stop] >= '0' && text_[stop] <= '9';)
				stop++;
		text_.replace(end, stop - end, what);
	}

	void replace_number()
	{
		const size_t at = text_.find_first_of("0123456789", below(text_.size() + 1));
		if (at == text_.npos)
			return;
		const size_t end = text_.find_first_not_of("0123456789", at);
		text_.replace(at, (end == text_.npos ? text_.size() : end) - at, one_of(numbers));
	}

	// Doubles, removes, moves or folds a line, or writes its name another way.
	void line_change()
	{
		const size_t at = any_line(text_.size()), stop = text_.find('\n', at);
		if (stop == text_.npos)
			return;
		const std::string line = text_.substr(at, stop + 1 - at);
		const size_t blank = text_.find_first_of(" ,;", at);
		switch (below(5)) {
		case 0:
			return text_.insert(at, line), void();
		case 1:
			return text_.erase(at, line.size()), void();
		case 2:
			text_.erase(at, line.size());
			return text_.insert(any_line(text_.size()), line), void();
		case 3:
			if (blank < stop)
				text_.insert(blank + 1, below(2) ? "\r\n " : "\r\n\t");
			return;
		default:
			for (size_t i = at; i < stop && text_[i] != ':'; i++)
				if ((text_[i] | 32) >= 'a' && (text_[i] | 32) <= 'z' && below(2))
					text_[i] ^= 32;
			return;
		}
	}

	void replace_start()
	{
		const size_t end = text_.find("\r\n");
		if (end == text_.npos)
			return;
		const std::string start = one_of(start_lines);
		const bool status = start.compare(0, 4, "SIP/") == 0;
		text_.replace(0, end,
			      status ? start : start + " sip:x@" + one_of(hosts) + one_of(ports) + " SIP/2.0");
		const size_t cseq = text_.find("CSeq: "), stop = text_.find("\r\n", cseq);
		if (!status && cseq != text_.npos && stop != text_.npos)
			text_.replace(cseq, stop - cseq, "CSeq: 1 " + start);
	}

	void wrap_body()
	{
		const size_t type = text_.find("application/sdp"), body = text_.find("\r\n\r\n");
		if (type == text_.npos || body == text_.npos || body < type)
			return;
		const std::string inner = text_.substr(body + 4);
		const std::string length =
			below(2) ? "Content-Length: " + std::to_string(inner.size() + below(2) * 2) + "\r\n" : "";
		text_ = text_.substr(0, body + 4) + "--b\r\nContent-Type: application/sdp\r\n" + length + "\r\n" +
			inner + "\r\n--b\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 10.0.0.10\r\n--b--\r\n";
		text_.replace(type, 15, "multipart/mixed;boundary=b");
	}

	void line_ends()
	{
		if (below(2))
			return text_.insert(0, "\r\n\r\n"), void();
		std::string bare;
		for (const char c : text_)
			if (c != '\r')
				bare += c;
		text_ = bare;
	}

	void mutate_bytes()
	{
		if (!LLVMFuzzerMutate)
			return;
		std::string bytes = text_;
		const size_t size = bytes.size();
		bytes.resize(size + 64);
		bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(bytes.data()), size, bytes.size()));
		text_ = bytes;
	}

	void mend_length()
	{
		const size_t body = text_.find("\r\n\r\n"), at = text_.find("\r\nContent-Length: ");
		if (body == text_.npos || at == text_.npos || at >= body)
			return;
		const size_t begin = at + 18, end = text_.find("\r\n", begin);
		text_.replace(begin, end - begin, std::to_string(text_.size() - body - 4));
		// the number may have got longer or shorter, the body has not
	}

	std::mt19937 random_;
	std::string text_;
};

} // namespace

std::string mutate_message(std::string text, uint32_t seed) { return mutator(std::move(text), seed).run(); }

size_t mutate_input(uint8_t *data, size_t size, size_t max_size, uint32_t seed, size_t skip)
{
	if (size <= skip || seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (skip && seed % 8 == 1) {
		LLVMFuzzerMutate(data, skip, skip);
		return size;
	}
	std::string text = mutate_message(std::string(reinterpret_cast<char *>(data) + skip, size - skip), seed);
	if (text.size() > max_size - skip)
		text.resize(max_size - skip);
	std::memcpy(data + skip, text.data(), text.size());
	return skip + text.size();
}

size_t cross_inputs(std::string one, const std::string &other, uint8_t *out, size_t max_size, uint32_t seed)
{
	std::mt19937 random(seed);
	const size_t begin = other.find('\n', random() % (other.size() + 1));
	const size_t end =
		begin == other.npos ? begin : other.find('\n', begin + 1 + random() % (other.size() - begin));
	if (begin != other.npos) {
		const size_t at = one.find('\n', random() % (one.size() + 1));
		one.insert(at == one.npos ? one.size() : at + 1, other, begin + 1,
			   end == other.npos ? end : end - begin);
	}
	if (one.size() > max_size)
		one.resize(max_size);
	std::memcpy(out, one.data(), one.size());
	return one.size();
}

} // namespace fuzz
