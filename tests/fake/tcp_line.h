// SPDX-License-Identifier: GPL-2.0
// A TCP connection through the router with an end at each side: what one says, cut as the test
// wants it, and what the other one reads. Nothing is lost unless the test says so.
#ifndef SIP_EXT_FAKE_TCP_LINE_H
#define SIP_EXT_FAKE_TCP_LINE_H

#include <deque>

#include "router.h"

namespace fake {

class tcp_line {
public:
	tcp_line(router &gate, const endpoint &client, const endpoint &server);

	// False: it did not come about. `ahead`: of the numbers that the ends begin with, so that the router
	// can tell this connection from one before on the same ports.
	bool connect(u32 ahead = 0);
	// One segment for each size, the last size for the rest; none: segments of full size.
	void say(bool client, const std::string &bytes, const std::vector<size_t> &cuts = {});
	// The same bytes again, in one segment, for as many as are not acknowledged but at least the
	// last so many.
	void say_again(bool client, size_t least);
	void finish(bool client);
	void reset(bool client);

	// For router::emitted: what is not for this connection is left.
	void deliver(const arrival &one);
	// What that end read and the test has not seen yet.
	std::string read(bool client);
	bool is_open() const { return open_; }
	bool all_acked() const { return ends_[0].una == ends_[0].next && ends_[1].una == ends_[1].next; }
	bool saw_end(bool client) const { return ends_[!client].saw_end; }
	// The client's socket as the server sees it, and the server's as the client does.
	const endpoint &seen_client() const { return ends_[1].far; }
	const endpoint &client() const { return ends_[0].near; }
	const endpoint &server() const { return ends_[0].far; }
	u32 packets() const { return packets_; }

	size_t mss = 1460;
	bool aggregates = false;	// what is cut larger than that came as several packets (GRO)
	std::function<bool(const segment &)> lose;	// true: this one is lost before the router
	std::function<bool(const segment &)> lose_behind;
	std::function<void(const arrival &)> watch;	// what leaves the router

private:
	struct end {
		endpoint near{};	// as it knows itself
		endpoint far{};		// as it sees the other
		u32 first = 0;
		u32 una = 0;
		u32 next = 0;
		u32 expected = 0;	// of the other
		u32 window_edge = 0;
		std::string said, unread;
		bool saw_end = false;
	};

	end &end_of(bool client) { return ends_[client ? 0 : 1]; }
	segment blank(const end &from) const;
	void put(const end &from, const segment &what);
	void take(const arrival &one);
	void take_data(end &at, const segment &what);
	void settle();
	void retry(end &at);

	router &gate_;
	end ends_[2];
	std::deque<arrival> under_way_;
	u32 packets_ = 0;
	bool open_ = false;
};

} // namespace fake

#endif
