// SPDX-License-Identifier: GPL-2.0
// The cost of parse(): `parse_bench time` measures here and now; `parse_bench count N` parses
// message N once in count_here(), for callgrind; `parse_bench list` names the messages.
#include "sip_parse.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// In parse_bench_core.cpp, built as the kernel builds it.
extern "C" int count_here(const char *bytes, u32 size, sip::message_view *view);

namespace {

struct sample {
	std::string name;
	std::string bytes;
};

std::string repeat(const std::string &text, size_t count)
{
	std::string all;

	for (size_t i = 0; i < count; i++)
		all += text;
	return all;
}

const char fields[] = "Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\nFrom: <sip:a@h.example>;tag=1\r\n"
		      "To: <sip:b@h.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n";

std::string with(const std::string &more)
{
	return "INVITE sip:b@h.example SIP/2.0\r\n" + std::string(fields) + more + "\r\n";
}

std::string with_sdp(const std::string &text)
{
	return with("Content-Type: application/sdp\r\n") + "v=0\r\n" + text;
}

std::vector<sample> messages()
{
	const std::string sdp =
		"v=0\r\no=- 3890844526 3890844527 IN IP4 192.168.1.20\r\ns=pjmedia\r\nb=AS:84\r\n"
		"t=0 0\r\na=X-nat:0\r\nm=audio 4000 RTP/AVP 96 97 98 99 3 0 8 9 101\r\n"
		"c=IN IP4 192.168.1.20\r\nb=TIAS:64000\r\na=rtcp:4001 IN IP4 192.168.1.20\r\na=sendrecv\r\n"
		"a=rtpmap:96 speex/16000\r\na=rtpmap:97 speex/8000\r\na=rtpmap:98 speex/32000\r\n"
		"a=rtpmap:99 iLBC/8000\r\na=fmtp:99 mode=30\r\na=rtpmap:3 GSM/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n";
	const std::string invite =
		"INVITE sip:6002@pbx.example.net SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.168.1.20:5060;rport;branch=z9hG4bKPj6bzlxS3vLdkEhT5Kb\r\n"
		"Max-Forwards: 70\r\nFrom: \"Alice\" <sip:6001@pbx.example.net>;tag=Xa3vK9xkYq\r\n"
		"To: <sip:6002@pbx.example.net>\r\nContact: \"Alice\" <sip:6001@192.168.1.20:5060;ob>\r\n"
		"Call-ID: 2dZbqGmJYnSgqMgwVvTkCeYgR3\r\nCSeq: 11302 INVITE\r\n"
		"Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER\r\n"
		"Supported: replaces, 100rel, timer, norefersub\r\nSession-Expires: 1800\r\nMin-SE: 90\r\n"
		"User-Agent: Phone 3.24 (Linux 6.1)\r\nContent-Type: application/sdp\r\nContent-Length: " +
		std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
	const std::string options =
		"OPTIONS sip:6001@192.168.1.20:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK1\r\n"
		"From: <sip:198.51.100.1>;tag=a1\r\nTo: <sip:6001@192.168.1.20>\r\nCall-ID: 7@198.51.100.1\r\n"
		"CSeq: 10 OPTIONS\r\nMax-Forwards: 70\r\nContact: <sip:198.51.100.1:5060>\r\nUser-Agent: PBX\r\n"
		"Content-Length: 0\r\n\r\n";
	std::string rtp(1029, '\x5a');

	rtp[0] = '\x80';
	return {{"INVITE with SDP", invite}, {"OPTIONS", options}, {"RTP", rtp},
		{"text that is not SIP", std::string(1029, 'x')}};
}

std::vector<sample> worst()
{
	const size_t size = 65000;
	std::vector<sample> all;

	for (const std::string &text : {
#include "tests/cases/worst_inputs.h"
	})
		all.push_back({"worst " + std::to_string(all.size()), text.substr(0, 65535)});
	return all;
}

std::vector<sample> everything()
{
	std::vector<sample> all = messages();

	for (sample &one : worst())
		all.push_back(one);
	return all;
}

double nanoseconds(const sample &one)
{
	static sip::message_view view;
	const u32 rounds = u32(1 + 20000000 / (one.bytes.size() + 100));
	double best = 1e18;

	for (u32 round = 0; round < 5; round++) {
		const auto start = std::chrono::steady_clock::now();
		for (u32 i = 0; i < rounds / 10 + 1; i++)
			count_here(one.bytes.data(), u32(one.bytes.size()), &view);
		const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
		best = std::min(best, took.count() / (rounds / 10 + 1));
	}
	return best;
}

} // namespace

int main(int argc, char **argv)
{
	const std::vector<sample> all = everything();
	static sip::message_view view;

	if (argc == 3 && !strcmp(argv[1], "count")) {
		const sample &one = all.at(size_t(atoi(argv[2])));
		count_here(one.bytes.data(), u32(one.bytes.size()), &view);
		return 0;
	}
	for (size_t i = 0; i < all.size(); i++) {
		if (argc == 2 && !strcmp(argv[1], "list")) {
			std::string start = all[i].bytes.substr(all[i].bytes.size() > 2000 ? 200 : 0, 30);
			for (char &c : start)
				if (c < ' ' || c > '~')
					c = '.';
			printf("%zu\t%zu\t%s\t%s\n", i, all[i].bytes.size(), all[i].name.c_str(), start.c_str());
		} else {
			const double ns = nanoseconds(all[i]);
			printf("%-22s %6zu bytes %10.0f ns %6.2f ns/byte\n", all[i].name.c_str(),
			       all[i].bytes.size(), ns, ns / double(all[i].bytes.size()));
		}
	}
	return 0;
}
