// SPDX-License-Identifier: GPL-2.0
#include "tcp_line.h"

#include <algorithm>

namespace fake {

namespace {

constexpr u32 window = 60000;
constexpr u32 max_tries = 30;

int distance(u32 from, u32 to) { return static_cast<int>(to - from); }

} // namespace

tcp_line::tcp_line(router &gate, const endpoint &client, const endpoint &server) : gate_(gate)
{
	ends_[0].near = client;
	ends_[0].far = server;
	ends_[0].first = 0xfffffe00;	// the numbers soon wrap
	ends_[1].first = 7000;
}

segment tcp_line::blank(const end &from) const
{
	segment what;
	what.seq = from.next;
	what.ack = from.expected;
	what.has_ack = true;
	what.window = window;
	return what;
}

void tcp_line::put(const end &from, const segment &what)
{
	if (lose && lose(what))
		return;
	for (const arrival &one : gate_.carry(from.near, from.far, what))
		if (one.arrived())
			under_way_.push_back(one);
}

void tcp_line::take_data(end &at, const segment &what)
{
	if (what.payload.empty() && !what.fin)
		return;
	const int old = distance(what.seq, at.expected);
	if (old >= 0 && old <= static_cast<int>(what.payload.size())) {
		at.unread += what.payload.substr(static_cast<size_t>(old));
		at.expected += static_cast<u32>(what.payload.size()) - static_cast<u32>(old);
		if (what.fin && !at.saw_end) {
			at.saw_end = true;
			at.expected++;
		}
	}
	put(at, blank(at));
}

void tcp_line::take(const arrival &one)
{
	packets_++;
	if (watch)
		watch(one);
	if (lose_behind && lose_behind(one.what))
		return;
	for (end &at : ends_) {
		if (!open_ || !sip::same_endpoint(at.near, one.destination) || !sip::same_endpoint(at.far, one.source))
			continue;
		if (one.what.rst) {
			open_ = false;
			continue;
		}
		const int fresh = distance(at.una, one.what.ack);
		if (distance(at.next, one.what.ack) > 0)
			broken("bytes are acknowledged that were never sent");
		if (fresh > 0)
			at.una = one.what.ack;
		if (fresh >= 0)
			at.window_edge = one.what.ack + one.what.window;
		take_data(at, one.what);
	}
}

// Until nothing is on its way any more.
void tcp_line::settle()
{
	while (!under_way_.empty()) {
		const arrival one = under_way_.front();
		under_way_.pop_front();
		take(one);
	}
}

void tcp_line::deliver(const arrival &one)
{
	under_way_.push_back(one);
	settle();
}

bool tcp_line::connect(u32 ahead)
{
	end &client = ends_[0], &server = ends_[1];
	client.first += ahead;
	server.first += ahead;
	segment syn;
	syn.syn = true;
	syn.seq = client.first;
	const auto there = gate_.carry(client.near, client.far, syn);
	if (there.size() != 1 || !there[0].arrived())
		return false;
	server.near = there[0].destination;
	server.far = there[0].source;
	server.expected = there[0].what.seq + 1;
	syn.seq = server.first;
	syn.ack = server.expected;
	syn.has_ack = true;
	const auto back = gate_.carry(server.near, server.far, syn);
	if (back.size() != 1 || !back[0].arrived() || !sip::same_endpoint(back[0].destination, client.near))
		return false;
	client.expected = back[0].what.seq + 1;
	client.una = client.next = client.first + 1;
	server.una = server.next = server.first + 1;
	client.window_edge = client.next + window;
	server.window_edge = server.next + window;
	open_ = true;
	put(client, blank(client));
	settle();
	return true;
}

void tcp_line::say(bool client, const std::string &bytes, const std::vector<size_t> &cuts)
{
	end &at = end_of(client);
	at.said += bytes;
	size_t left = bytes.size(), which = 0;
	while (left) {
		size_t size = cuts.empty() ? mss : cuts[std::min(which++, cuts.size() - 1)];
		const int room = distance(at.next, at.window_edge);
		if (room <= 0) {
			for (u32 tries = 0; tries < max_tries && distance(at.next, at.window_edge) <= 0; tries++)
				retry(at);
			if (open_ && distance(at.next, at.window_edge) <= 0)
				broken("a stream that stalls");
			if (!open_)
				return;
			continue;
		}
		size = std::min({size ? size : 1, left, static_cast<size_t>(room)});
		segment what = blank(at);
		what.payload = at.said.substr(at.next - at.first - 1, size);
		what.merged = static_cast<u16>(aggregates && size > mss ? mss : 0);
		at.next += static_cast<u32>(size);
		left -= size;
		put(at, what);
		settle();
	}
	for (u32 tries = 0; open_ && at.una != at.next && tries < max_tries; tries++)
		retry(at);
	if (open_ && at.una != at.next)
		broken("what was said is never acknowledged");
}

// The retransmission timer (RFC 6298), and what the core's own timers do in the meantime.
void tcp_line::retry(end &at)
{
	gate_.advance_ms(1000);
	if (at.una == at.next || !open_)
		return;
	segment what = blank(at);
	what.seq = at.una;
	what.payload = at.said.substr(at.una - at.first - 1, mss);
	put(at, what);
	settle();
}

void tcp_line::say_again(bool client, size_t least)
{
	end &at = end_of(client);
	const size_t size = std::min(std::max(least, static_cast<size_t>(at.next - at.una)), at.said.size());
	segment what = blank(at);
	what.seq = at.next - static_cast<u32>(size);
	what.payload = at.said.substr(at.said.size() - size);
	put(at, what);
	settle();
}

void tcp_line::finish(bool client)
{
	end &at = end_of(client);
	segment what = blank(at);
	what.fin = true;
	at.next++;
	put(at, what);
	settle();
}

void tcp_line::reset(bool client)
{
	end &at = end_of(client);
	segment what = blank(at);
	what.rst = true;
	put(at, what);
	settle();
	open_ = false;
}

std::string tcp_line::read(bool client)
{
	std::string text;
	text.swap(end_of(client).unread);
	return text;
}

} // namespace fake
