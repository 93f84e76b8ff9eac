// SPDX-License-Identifier: GPL-2.0
#include "message_source.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "pcap.h"

namespace corpora {

namespace {

// What the scenario language of SIPp and the templates of other collections leave open.
std::string fill_in(std::string text)
{
	const std::map<std::string, std::string> words = {
		{"remote_ip", "192.0.2.2"}, {"local_ip", "10.0.0.1"},	   {"media_ip", "10.0.0.1"},
		{"server_ip", "192.0.2.2"}, {"remote_port", "5060"},	   {"local_port", "5060"},
		{"media_port", "6000"},	    {"auto_media_port", "6000"},   {"transport", "UDP"},
		{"local_ip_type", "4"},	    {"media_ip_type", "4"},	   {"call_id", "1-1@10.0.0.1"},
		{"cseq", "1"},		    {"len", "0"},		   {"service", "service"},
		{"branch", "z9hG4bK-1"},    {"pid", "1"},		   {"call_number", "1"},
		{"last_Via:", "Via: SIP/2.0/UDP 10.0.0.1"},
		{"last_From:", "From: <sip:a@10.0.0.1>;tag=1"},
		{"last_To:", "To: <sip:b@192.0.2.2>"},
		{"last_Call-ID:", "Call-ID: 1-1@10.0.0.1"},
		{"last_CSeq:", "CSeq: 1 INVITE"},
	};
	size_t open = 0;

	while ((open = text.find('[', open)) != std::string::npos) {
		const size_t close = text.find(']', open);
		if (close == std::string::npos)
			break;
		const auto word = words.find(text.substr(open + 1, close - open - 1));
		const std::string value = word == words.end() ? "1" : word->second;
		text.replace(open, close - open + 1, value);
		open += value.size();
	}
	return text;
}

// Lines without the indentation of the XML around them; empty lines at the front go.
std::string unindented(const std::string &text)
{
	std::istringstream lines(text);
	std::string line, out;

	while (std::getline(lines, line)) {
		const size_t start = line.find_first_not_of(" \t");
		line = start == std::string::npos ? "" : line.substr(start);
		while (!line.empty() && line.back() == '\r')
			line.pop_back();
		if (!out.empty() || !line.empty())
			out += line + "\r\n";
	}
	return out;
}

int base64_value(char c)
{
	const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t value = digits.find(c);
	return value == std::string::npos ? -1 : int(value);
}

std::string from_base64(const std::string &text)
{
	std::string out;
	u32 bits = 0, count = 0;

	for (char c : text) {
		if (base64_value(c) < 0)
			continue;
		bits = bits << 6 | u32(base64_value(c));
		count += 6;
		if (count >= 8) {
			count -= 8;
			out += char(bits >> count);
		}
	}
	return out;
}

void append_utf8(std::string &out, u32 code)
{
	if (code < 0x80) {
		out += char(code);
	} else if (code < 0x800) {
		out += char(0xc0 | code >> 6);
		out += char(0x80 | (code & 63));
	} else {
		out += char(0xe0 | code >> 12);
		out += char(0x80 | (code >> 6 & 63));
		out += char(0x80 | (code & 63));
	}
}

// The JSON string whose opening quote is at `at`; leaves `at` behind the closing one.
std::string json_string(const std::string &line, size_t &at)
{
	std::string out;

	for (at++; at < line.size() && line[at] != '"'; at++) {
		if (line[at] != '\\' || at + 1 >= line.size()) {
			out += line[at];
			continue;
		}
		const char c = line[++at];
		if (c == 'u' && at + 4 < line.size()) {
			append_utf8(out, u32(strtoul(line.substr(at + 1, 4).c_str(), nullptr, 16)));
			at += 4;
		} else {
			out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
		}
	}
	at++;
	return out;
}

// Every string member of the objects of one line, nested ones included.
std::vector<std::pair<std::string, std::string>> json_members(const std::string &line)
{
	std::vector<std::pair<std::string, std::string>> members;
	std::string key;

	for (size_t at = 0; at < line.size();) {
		if (line[at] != '"') {
			at++;
			continue;
		}
		const std::string text = json_string(line, at);
		size_t next = line.find_first_not_of(" ", at);
		if (next != std::string::npos && line[next] == ':')
			key = text;
		else
			members.emplace_back(key, text);
	}
	return members;
}

bool contains(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

bool looks_like_sdp(const std::string &text)
{
	return text.compare(0, 2, "v=") == 0 || contains(text, "\nm=") || contains(text, "\nc=IN");
}

bool looks_like_uri(const std::string &text)
{
	return contains(text, "sip:") && text.size() < 400;
}

// A request line or a URI alone, as part of a message around it.
std::string around_line(const std::string &line)
{
	const std::string rest = "Via: SIP/2.0/UDP 192.0.2.4\r\nFrom: <sip:a@a.example>;tag=1\r\n"
				 "Call-ID: 1\r\nCSeq: 1 INVITE\r\n";
	std::string text = line;

	while (!text.empty() && (text.back() == '\r' || text.back() == '\n'))
		text.pop_back();
	if (contains(text, " SIP/2.0"))
		return text + "\r\nTo: <sip:b@b.example>\r\n" + rest + "\r\n";
	return "INVITE sip:b@b.example SIP/2.0\r\nTo: " + text + "\r\n" + rest + "\r\n";
}

class walker {
public:
	walker(const std::filesystem::path &top, const message_sink &sink) : top_(top), sink_(sink) {}

	void read(const std::filesystem::path &path)
	{
		std::ifstream in(path, std::ios::binary);
		std::stringstream all;

		all << in.rdbuf();
		file_ = std::filesystem::relative(path, top_).string();
		count_ = 0;
		const std::string text = all.str();
		if (read_pcap(text, [&](const std::string &payload, bool) { give(payload, false); }))
			return;
		const std::string kind = path.extension().string();
		if (kind == ".jsonl" || kind == ".json")
			read_json(text);
		else if (kind == ".xml")
			read_scenario(text);
		else
			read_plain(text, kind != ".sdp" && contains(text, "SIP/2.0"));
	}

private:
	void give(const std::string &bytes, bool whole)
	{
		message found;

		if (bytes.empty())
			return;
		const size_t slash = file_.find('/');
		found.folder = slash == std::string::npos ? "." : file_.substr(0, slash);
		found.name = file_ + (count_ ? "#" + std::to_string(count_) : "");
		count_++;
		found.bytes = bytes;
		found.whole = whole;
		sink_(found);
	}
	void read_json(const std::string &text)
	{
		std::istringstream lines(text);
		std::string line;

		while (std::getline(lines, line)) {
			const bool tcp = contains(line, "\"tcp\"");
			for (const auto &[key, value] : json_members(line)) {
				if (key == "b64" || key == "base64" || key == "payload_b64")
					give(from_base64(value), !tcp);
				else if (looks_like_sdp(value))
					give(as_invite(numbered(value)), true);
				else if (contains(value, "SIP/2.0\r\n") && contains(value, "\r\n\r\n"))
					give(value, false);
				else if (looks_like_uri(value))
					give(around_line(value), false);
			}
		}
	}
	// Ports that a pair of SDPs leaves open.
	static std::string numbered(std::string sdp)
	{
		for (size_t at; (at = sdp.find("PORT")) != std::string::npos;)
			sdp.replace(at, 4, "30000");
		return sdp;
	}
	void read_scenario(const std::string &text)
	{
		const std::string open = "<![CDATA[", close = "]]>";
		size_t at = 0;

		while ((at = text.find(open, at)) != std::string::npos) {
			const size_t stop = text.find(close, at);
			const size_t begin = at + open.size();
			if (stop == std::string::npos)
				break;
			give(unindented(fill_in(text.substr(begin, stop - begin))), false);
			at = stop;
		}
	}
	void read_plain(const std::string &text, bool message_file)
	{
		if (looks_like_sdp(text) && !contains(text, "SIP/2.0"))
			give(as_invite(text), true);
		else if (looks_like_uri(text) && !contains(text, "\n\n") && !contains(text, "\r\n\r\n"))
			give(around_line(text), false);
		give(text, message_file);
	}

	std::filesystem::path top_;
	message_sink sink_;
	std::string file_;
	u32 count_ = 0;
};

} // namespace

std::string with_crlf(const std::string &text)
{
	std::string out;

	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			out += '\r';
		out += text[i];
	}
	return out;
}

std::string as_invite(const std::string &sdp)
{
	return "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example\r\n"
	       "From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\n"
	       "CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n" + sdp;
}

void walk(const std::filesystem::path &top, const message_sink &sink)
{
	std::vector<std::filesystem::path> files;
	walker reader(top, sink);

	for (const auto &entry : std::filesystem::recursive_directory_iterator(top))
		if (entry.is_regular_file())
			files.push_back(entry.path());
	std::sort(files.begin(), files.end());
	for (const auto &path : files)
		reader.read(path);
}

} // namespace corpora
