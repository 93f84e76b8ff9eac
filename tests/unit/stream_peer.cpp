// SPDX-License-Identifier: GPL-2.0
#include "stream_peer.h"

#include <algorithm>

namespace model {

namespace {

constexpr u32 rto_min = 200, rto_max = 4000;

} // namespace

u64 peer::unwire(u32 seq, u64 near) const
{
	const u32 there = peer_isn_ + 1 + static_cast<u32>(near);
	return near + static_cast<u64>(static_cast<long long>(static_cast<int>(seq - there)));
}

packet peer::blank() const
{
	packet out;
	out.seq = wire(highest_);	// also where something is being sent again
	out.has_ack = has_peer_;
	out.ack = peer_isn_ + 1 + static_cast<u32>(in_next_ + saw_fin_);
	out.window = static_cast<u32>(std::max(edge(), told_edge_) - in_next_);
	if (again_.left != again_.right)
		out.sacks.push_back(again_);
	if (how_.sack)
		for (const auto &[at, data] : ahead_) {
			const u32 left = peer_isn_ + 1 + static_cast<u32>(at);
			const u32 right = left + static_cast<u32>(data.size());
			if (!out.sacks.empty() && out.sacks.back().right == left)
				out.sacks.back().right = right;
			else if (out.sacks.size() < 3)
				out.sacks.push_back({left, right});
		}
	return out;
}

void peer::connect(u32 now, const std::string &early)
{
	is_client_ = started_ = true;
	early_ = early;
	out_ += early;
	send_syn(now);
}

void peer::send_syn(u32 now)
{
	packet out = blank();
	out.seq = how_.isn;
	out.syn = true;
	out.data = early_;
	send(out);
	arm(now);
}

void peer::take_handshake(const packet &in, u32 now)
{
	if (in.syn && !has_peer_) {
		peer_isn_ = in.seq;
		has_peer_ = started_ = true;
	}
	if (!established_ && in.has_ack && static_cast<int>(in.ack - wire(0)) >= 0) {
		established_ = true;
		window_edge_ = in.window;
		timer_ = 0;
		rto_ = rto_min;
	}
	if (in.syn && is_client_)
		send_ack(now);
	else if (in.syn)
		send_syn(now);
}

void peer::receive(const packet &in, u32 now)
{
	if (reset_)
		return;
	if (in.syn || !established_)
		take_handshake(in, now);
	if (in.syn)
		return push(now);
	if (!has_peer_)
		return;
	const u64 from = unwire(in.seq, in_next_), to = from + in.data.size() + in.fin;
	if (in.rst) {
		reset_ |= from == in_next_ + saw_fin_;
		return;
	}
	const u64 expected = in_next_ + saw_fin_;
	// RFC 9293 3.10.7.4
	const bool old = to < expected || (to == expected && to > from) || (to == from && from < expected);
	const bool beyond = from >= std::max(edge(), told_edge_) && from > expected;
	if (!(how_.strict && (old || beyond)))
		take_ack(in, from, now);
	if (old || beyond) {
		// Without data it may be such an answer itself: two strict peers with full windows
		// would answer each other for ever, with us or without. So it is in Linux.
		if (to > from || (from != expected && now >= answer_again_)) {
			answer_again_ = to > from ? answer_again_ : now + 500;
			if (how_.sack && how_.duplicate_sack && old && !in.data.empty())
				again_ = {in.seq, in.seq + static_cast<u32>(in.data.size())};
			send_ack(now);
			again_ = {};
		}
	} else if (to > from && take_data(in, from, now)) {
		send_ack(now);
	}
	if (how_.keep_alive_ms)
		idle_timer_ = now + how_.keep_alive_ms;
	push(now);
}

// True: to be acknowledged at once.
bool peer::take_data(const packet &in, u64 from, u32 now)
{
	std::string data = in.data;
	u64 at = from;
	if (in.fin)
		fin_at_ = from + in.data.size();
	const u64 limit = std::max(edge(), told_edge_);
	if (at < in_next_) {
		data.erase(0, in_next_ - at);
		at = in_next_;
	}
	if (at + data.size() > limit)
		data.resize(limit > at ? limit - at : 0);
	const bool hole = at > in_next_ || !ahead_.empty();
	const u64 before = in_next_;
	if (!data.empty()) {
		std::string &there = ahead_[at];
		if (there.size() < data.size())
			there = data;
	}
	in_order(now);
	unacked_segments_ += data.size() >= how_.mss ? 1 : 0;
	const bool second = unacked_segments_ >= 2 || !how_.delayed_ack_ms;
	const bool now_please = hole || in_next_ == before || saw_fin_ || second;
	if (!now_please && !ack_timer_)
		ack_timer_ = now + how_.delayed_ack_ms;
	return now_please;
}

void peer::in_order(u32 now)
{
	while (!ahead_.empty() && ahead_.begin()->first <= in_next_) {
		const auto [at, data] = *ahead_.begin();
		ahead_.erase(ahead_.begin());
		if (at + data.size() <= in_next_)
			continue;
		unread_ += data.substr(in_next_ - at);
		in_next_ = at + data.size();
	}
	if (fin_at_ == in_next_)
		saw_fin_ = true;
	if (!how_.read_every_ms)
		read_all(now);
	else if (!read_timer_ && !unread_.empty())
		read_timer_ = now + how_.read_every_ms;
}

void peer::read_all(u32 now)
{
	const u64 before = std::max(edge(), told_edge_) - in_next_;
	const bool some = !unread_.empty();
	received_ += unread_;
	unread_.clear();
	// RFC 9293 3.8.6.2.2: the window opens by a good piece or not at all
	if (how_.read_every_ms && some && before < std::min(how_.mss * 2, how_.buffer / 2))
		send_ack(now);
}

void peer::send_ack(u32)
{
	if (!has_peer_)
		return;
	packet out = blank();
	told_edge_ = std::max(told_edge_, edge());
	ack_timer_ = unacked_segments_ = 0;
	send(out);
}

void peer::take_sacks(const packet &in)
{
	for (const sip::stream_range &block : in.sacks) {
		const int from_una = static_cast<int>(block.left - wire(una_));
		const u64 left = una_ + static_cast<u64>(static_cast<long long>(from_una));
		const u64 right = left + (block.right - block.left);
		if (block.right - block.left > (1u << 30) || left < una_ || right > highest_)
			broken_ += right > highest_ && left >= una_;
		else
			sacked_[left] = std::max(sacked_[left], right);
	}
}

void peer::take_ack(const packet &in, u64 from, u32 now)
{
	if (!in.has_ack)
		return;
	const u64 ack = una_ + static_cast<u64>(static_cast<long long>(static_cast<int>(in.ack - wire(una_))));
	if (ack > highest_ && static_cast<int>(in.ack - wire(una_)) > 0) {
		broken_++;	// of what was never sent
		return;
	}
	if (static_cast<int>(in.ack - wire(una_)) < 0)
		return;
	if (how_.sack)
		take_sacks(in);
	const u64 edge_now = ack + in.window;
	const bool same_window = edge_now == window_edge_;
	if (ack > una_ || from >= last_seq_ || edge_now > window_edge_) {
		window_edge_ = edge_now;
		last_seq_ = from;
	}
	if (ack > una_) {
		una_ = ack;
		next_ = std::max(next_, una_);
		rto_ = rto_min;
		duplicates_ = 0;
		timer_ = una_ < highest_ ? now + rto_ : 0;
		while (!sacked_.empty() && sacked_.begin()->second <= una_)
			sacked_.erase(sacked_.begin());
		if (una_ < recover_)
			send_again(una_, now);
	} else if (una_ < highest_ && in.data.empty() && !in.fin && same_window && ++duplicates_ == 3) {
		recover_ = highest_;
		send_again(una_, now);
	}
}

void peer::send_range(u64 from, u64 to, u32 now)
{
	packet out = blank();
	out.seq = wire(from);
	const u64 stop = std::min<u64>(to, out_.size());
	out.data = out_.substr(from, stop - from);
	out.fin = to > out_.size();
	told_edge_ = std::max(told_edge_, edge());
	ack_timer_ = unacked_segments_ = 0;
	highest_ = std::max(highest_, to);
	send(out);
	if (!timer_)
		arm(now);
}

// From `from`, but not what the receiver is said to have; returns where it ended.
u64 peer::send_again(u64 from, u32 now)
{
	u64 stop = highest_;
	for (const auto &[left, right] : sacked_) {
		if (left <= from && from < right)
			from = right;
		else if (left > from)
			stop = std::min(stop, left);
	}
	if (from >= highest_)
		return highest_;
	stop = std::min<u64>(stop, from + (how_.recut ? 1 + chance(how_.mss) : how_.mss));
	send_range(from, std::max(stop, from + 1), now);
	return stop;
}

void peer::push(u32 now)
{
	if (!established_ || reset_)
		return;
	while (next_ < end()) {
		const u64 room = std::min<u64>(window_edge_, una_ + how_.flight);
		u64 size = std::min<u64>(how_.mss, end() - next_);
		if (next_ + size > room && !(next_ == out_.size() && closed_))
			size = room > next_ ? room - next_ : 0;
		if (!size) {
			if (!timer_)
				arm(now);	// the window is to be asked for
			return;
		}
		const bool under_way = una_ < next_;
		if (under_way && (how_.wait_each_ack || (how_.nagle && size < how_.mss && !closed_)))
			return;
		if (next_ < highest_)
			size = std::min<u64>(size, highest_ - next_);
		next_ += size;
		send_range(next_ - size, next_, now);
	}
}

void peer::write(const std::string &bytes, u32 now)
{
	if (closed_)
		return;
	out_ += bytes;
	push(now);
}

void peer::close(u32 now)
{
	closed_ = true;
	push(now);
}

void peer::abort(u32)
{
	packet out = blank();
	out.seq = wire(highest_);
	out.rst = true;
	reset_ = true;
	send(out);
}

u32 peer::next_timer() const
{
	u32 first = ~0u;
	for (const u32 timer : {timer_, ack_timer_, read_timer_, idle_timer_})
		if (timer && !reset_)
			first = std::min(first, timer);
	return first;
}

void peer::on_timer(u32 now)
{
	if (ack_timer_ && ack_timer_ <= now)
		send_ack(now);
	if (read_timer_ && read_timer_ <= now) {
		read_timer_ = 0;
		read_all(now);
	}
	if (idle_timer_ && idle_timer_ <= now) {
		idle_timer_ = 0;
		if (established_ && una_ == highest_ && una_ == end()) {
			packet out = blank();
			out.seq = wire(next_) - 1;
			if (how_.probe_with_data && next_ && next_ <= out_.size())
				out.data = out_.substr(next_ - 1, 1);
			send(out);
		}
	}
	if (!timer_ || timer_ > now)
		return;
	timer_ = 0;
	rto_ = std::min(rto_ * 2, rto_max);
	if (!established_)
		return send_syn(now);
	if (una_ < highest_) {
		// RFC 2018 8: its receiver has thrown away what it said that it had
		if (!sacked_.empty() && sacked_.begin()->first <= una_)
			sacked_.clear();
		recover_ = highest_;
		const u64 reached = send_again(una_, now);
		if (how_.go_back)
			next_ = std::min(next_, std::max(reached, una_));
	} else if (una_ < end()) {
		if (how_.probe_with_data) {
			next_ = std::max(next_, una_ + 1);
			send_range(una_, una_ + 1, now);
		} else {
			packet out = blank();
			out.seq = wire(una_) - 1;
			send(out);
		}
	}
	if (una_ < end())
		arm(now);
}

std::string peer::state() const
{
	return "una " + std::to_string(una_) + " next " + std::to_string(next_) + " highest " + std::to_string(highest_) +
	       " end " + std::to_string(end()) + " edge " + std::to_string(window_edge_) + "; received " +
	       std::to_string(received_.size()) + " next " + std::to_string(in_next_) + " ahead " +
	       std::to_string(ahead_.size()) + " unread " + std::to_string(unread_.size()) + (saw_fin_ ? " fin" : "") +
	       (established_ ? "" : " not established");
}

} // namespace model
