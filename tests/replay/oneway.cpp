// SPDX-License-Identifier: GPL-2.0
// oneway [--named HOST] SENDER RECEIVER HOST PORT DIR...: sends every message below each DIR
// (`own`: the project's own cases) from the socket SENDER (a file descriptor) to HOST, and looks
// that exactly one datagram comes out of RECEIVER, with its lines and a length that is right where
// it was right before.
//   --named HOST  messages name HOST wherever they named the first Via's or c= line's host;
//                 those that named none are left out
// Prints `sent N`, `changed N`, `oversize N`, and `fault TEXT` lines.
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "one_message.h"
#include "place.h"

namespace {

constexpr size_t largest = 65507;	// what one UDP datagram over IPv4 can carry
constexpr int patience_ms = 3000;	// for each message, until several were lost
constexpr int little_patience_ms = 20;
constexpr unsigned several = 5;

class courier {
public:
	courier(int sender, int receiver, const char *host, const char *port)
		: sender_(sender), receiver_(receiver), to_(one_way::place_of(host, atoi(port)))
	{
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
			if (sendto(sender_, message.data(), message.size(), 0, to_.raw(), to_.size) >= 0)
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
		const std::string wrong = one_way::fault_of(message, arrived_);

		changed_++;
		if (!wrong.empty())
			fault(name + ": " + wrong);
	}

	int sender_, receiver_;
	one_way::place to_;
	u32 sent_ = 0, changed_ = 0, oversize_ = 0, lost_ = 0;
	std::string arrived_, last_;
};

} // namespace

int main(int argc, char **argv)
{
	const bool naming = argc > 2 && !strcmp(argv[1], "--named");
	char **words = argv + (naming ? 3 : 1);
	char **end = argv + argc;

	if (end - words < 5) {
		fprintf(stderr, "usage: oneway [--named HOST] SENDER RECEIVER HOST PORT DIR...\n");
		return 2;
	}
	courier post(atoi(words[0]), atoi(words[1]), words[2], words[3]);
	one_way::each_message({words + 4, end}, naming ? argv[2] : "",
			      [&](const std::string &name, const std::string &text) { post.deliver(name, text); });
	return post.report();
}
