// SPDX-License-Identifier: GPL-2.0
// oneway [--named HOST] SENDER RECEIVER HOST PORT [DIR...]: sends every message below each
// DIR, or without one the project's own cases, from the socket SENDER (a file descriptor)
// to HOST, and looks that exactly one datagram comes out of RECEIVER, with its lines and a
// length that is right where it was right before.
//   --named HOST  messages name HOST wherever they named the first Via's or c= line's host;
//                 those that named none are left out
// Prints `sent N`, `changed N`, `oversize N`, and `fault TEXT` lines.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/cases/parse_cases.h"
#include "tests/corpora/message_source.h"

namespace {

constexpr size_t largest = 65507;	// what one UDP datagram over IPv4 can carry
constexpr int patience_ms = 3000;	// for each message, until several were lost
constexpr int little_patience_ms = 20;
constexpr u32 several = 5;

std::string repeat(const std::string &text, size_t count)
{
	std::string out;

	while (count--)
		out += text;
	return out;
}

std::string with(const std::string &fields)
{
	return CASE_LINE CASE_VIA CASE_REST + fields + "\r\n";
}

std::string with_sdp(const std::string &sdp)
{
	return with("Content-Type: application/sdp\r\n") + "v=0\r\n" + sdp;
}

std::vector<std::string> worst_inputs(size_t size)
{
	return {
#include "tests/cases/worst_inputs.h"
	};
}

// How much longer the body is than Content-Length says; `unknown` where it says nothing.
constexpr long unknown = -1000000;

struct length_field {
	size_t start = std::string::npos;
	size_t end = 0;
	long slack = unknown;
};

length_field length_of(const std::string &message)
{
	static const char *names[] = {"\r\nContent-Length:", "\r\nl:"};
	const size_t gap = message.find("\r\n\r\n");
	length_field found;

	for (const char *name : names) {
		const size_t at = message.find(name);
		if (gap == std::string::npos || at == std::string::npos || at > gap)
			continue;
		found.start = message.find_first_not_of(" \t", at + strlen(name));
		found.end = message.find_first_not_of("0123456789", found.start);
		if (found.end == found.start || found.end - found.start > 6)
			return {};
		found.slack = long(message.size() - gap - 4) - atol(message.c_str() + found.start);
		return found;
	}
	return found;
}

// The host of the first match of a pattern's group, if it is an IPv4 address.
std::string host_by(const std::string &message, const std::regex &pattern)
{
	std::smatch match;
	const std::string head = message.substr(0, 4000);

	return std::regex_search(head, match, pattern) ? match[1].str() : "";
}

void replace_host(std::string &message, const std::string &host, const std::string &by)
{
	for (size_t at = 0; !host.empty() && (at = message.find(host, at)) != std::string::npos;) {
		const char before = at ? message[at - 1] : ' ';
		const size_t end = at + host.size();
		const char after = end < message.size() ? message[end] : ' ';
		const bool part = before == '.' || isdigit(u8(before)) || isdigit(u8(after));
		if (!part)
			message.replace(at, host.size(), by);
		at += part ? host.size() : by.size();
	}
}

// The message as this host would have sent it.
std::string named(std::string message, const std::string &host)
{
	static const std::regex via("\\n(?:Via|v)[ \\t]*:[^\\n]*?[ \\t](\\d+\\.\\d+\\.\\d+\\.\\d+)",
				    std::regex::icase | std::regex::optimize);
	static const std::regex media("\\nc=IN IP4 (\\d+\\.\\d+\\.\\d+\\.\\d+)",
				      std::regex::icase | std::regex::optimize);
	const length_field before = length_of(message);

	replace_host(message, host_by(message, via), host);
	replace_host(message, host_by(message, media), host);
	const length_field after = length_of(message);
	if (before.slack == 0 && after.slack != unknown) {
		const long right = atol(message.c_str() + after.start) + after.slack;
		message.replace(after.start, after.end - after.start, std::to_string(right));
	}
	return message;
}

class courier {
public:
	courier(int sender, int receiver, const char *host, const char *port)
		: sender_(sender), receiver_(receiver)
	{
		to_.sin_family = AF_INET;
		to_.sin_port = htons(u16(atoi(port)));
		inet_pton(AF_INET, host, &to_.sin_addr);
	}

	void deliver(const std::string &name, const std::string &message)
	{
		if (message.size() > largest) {
			oversize_++;
			return;
		}
		if (take(0))
			fault(last_ + ": came twice");
		last_ = name;
		sent_++;
		if (!send(message)) {
			fault(name + ": cannot be sent: " + strerror(errno));
			return;
		}
		if (!take(lost_ < several ? patience_ms : little_patience_ms))
			fault(name + ": did not arrive"), lost_++;
		else if (arrived_ != message)
			compare(name, message);
	}
	int report()
	{
		if (take(200))
			fault(last_ + ": came twice");
		printf("sent %u\nchanged %u\noversize %u\n", sent_, changed_, oversize_);
		return 0;
	}

private:
	void fault(const std::string &text) { printf("fault %s\n", text.c_str()); }
	// A refusal that an earlier datagram met comes up at the next one.
	bool send(const std::string &message)
	{
		for (int tries = 0; tries < 3; tries++)
			if (sendto(sender_, message.data(), message.size(), 0,
				   reinterpret_cast<sockaddr *>(&to_), sizeof(to_)) >= 0)
				return true;
		return false;
	}
	bool take(int wait_ms)
	{
		pollfd ready{receiver_, POLLIN, 0};

		arrived_.resize(65536);
		for (;;) {
			const ssize_t size = recv(receiver_, arrived_.data(), arrived_.size(), MSG_DONTWAIT);
			if (size >= 0) {
				arrived_.resize(size_t(size));
				return true;
			}
			if (errno == EAGAIN && (!wait_ms || poll(&ready, 1, wait_ms) <= 0))
				return false;
		}
	}
	void compare(const std::string &name, const std::string &message)
	{
		const long slack = length_of(message).slack;

		changed_++;
		if (std::count(message.begin(), message.end(), '\n') !=
		    std::count(arrived_.begin(), arrived_.end(), '\n'))
			fault(name + ": has another number of lines");
		if (slack == 0 && length_of(arrived_).slack != 0)
			fault(name + ": Content-Length is off by " + std::to_string(length_of(arrived_).slack));
	}

	int sender_, receiver_;
	sockaddr_in to_{};
	u32 sent_ = 0, changed_ = 0, oversize_ = 0, lost_ = 0;
	std::string arrived_, last_;
};

void deliver_own_cases(const std::function<void(const std::string &, const std::string &)> &give)
{
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const sip_cases::parse_case &test = sip_cases::parse_case_at(i);
		give({test.name.data(), test.name.size()}, {test.message.data(), test.message.size()});
	}
	size_t number = 0;
	for (size_t size : {1000, 20000, 65000})
		for (const std::string &text : worst_inputs(size))
			give("worst input " + std::to_string(number++), text);
}

} // namespace

int main(int argc, char **argv)
{
	const bool naming = argc > 2 && !strcmp(argv[1], "--named");
	char **words = argv + (naming ? 3 : 1);
	char **end = argv + argc;

	if (end - words < 4) {
		fprintf(stderr, "usage: oneway [--named HOST] SENDER RECEIVER HOST PORT [DIR...]\n");
		return 2;
	}
	courier post(atoi(words[0]), atoi(words[1]), words[2], words[3]);
	const auto give = [&](const std::string &name, const std::string &bytes) {
		const std::string text = naming ? named(bytes, argv[2]) : bytes;
		if (!bytes.empty() && (!naming || text != bytes))
			post.deliver(name, text);
	};
	if (words + 4 == end)
		deliver_own_cases(give);
	for (char **folder = words + 4; folder < end; folder++)
		corpora::walk(*folder, [&](const corpora::message &found) {
			give(found.name, found.bytes);
			if (corpora::with_crlf(found.bytes) != found.bytes)
				give(found.name + " with CR LF", corpora::with_crlf(found.bytes));
		});
	return post.report();
}
