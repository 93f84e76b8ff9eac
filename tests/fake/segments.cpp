// SPDX-License-Identifier: GPL-2.0
// TCP segments through the router: what kernel/tcp.c does with the core's answers.
#include <cstring>

#include "router.h"

namespace fake {

namespace {

constexpr u32 max_payload = 65535 - 120;
constexpr u8 was_reset = 4;

sipx_stream *stream_of(const connection &c) { return static_cast<sipx_stream *>(c.data.stream); }

sipx_segment describe_segment(const segment &what, u32 room, u16 mss)
{
	sipx_segment in{};
	in.syn = what.syn;
	in.fin = what.fin;
	in.rst = what.rst;
	in.urgent = what.urgent;
	in.has_ack = what.has_ack;
	in.window = what.window;
	in.window_field = static_cast<u16>(what.window);
	in.seq = what.seq;
	in.ack = what.ack;
	in.mss = what.syn ? mss : 0;
	in.room = static_cast<u16>(room);
	in.merged = what.merged;
	return in;
}

std::string text_of(const u8 *bytes, u32 length) { return std::string(reinterpret_cast<const char *>(bytes), length); }

// As segmentation offload does.
void put_packets(const segment &whole, u32 size, const arrival &like, std::vector<arrival> &out)
{
	if (!size || whole.payload.size() > max_payload)
		broken("packets of no size, or one that is too large");
	for (size_t at = 0; at == 0 || at < whole.payload.size(); at += size) {
		arrival one = like;
		one.what = whole;
		one.what.seq = whole.seq + static_cast<u32>(at);
		one.what.payload = whole.payload.substr(at, size);
		one.what.fin = whole.fin && at + size >= whole.payload.size();
		out.push_back(one);
	}
}

arrival on_way(const connection &c, bool reply)
{
	arrival result;
	result.how = fate::arrived;
	result.source = reply ? c.original.destination : c.reply.destination;
	result.destination = reply ? c.original.source : c.reply.source;
	return result;
}

} // namespace

void router::put_emission(const connection &c, const sipx_emission &made, std::vector<arrival> &out)
{
	if (!made.length)
		return;
	segment what;
	what.seq = made.seq;
	what.ack = made.ack;
	what.has_ack = true;
	what.window = made.window_field;
	what.payload = text_of(made.payload, made.length);
	arrival like = on_way(c, made.reply);
	like.emission = true;
	put_packets(what, made.size, like, out);
}

// nf_ct_seq_offset(), as conntrack asks for it with each segment, before its helper sees that.
void router::look_at_acknowledgement(const connection &c, bool reply, const segment &what)
{
	const told_shift &told = c.told[!reply];
	const u32 offset = static_cast<int>(what.ack - 1 - told.position) > 0 ? told.after : told.before;
	unknowing_ += what.has_ack && !what.syn && what.ack - offset != told.came;
}

void router::through_stream(connection &c, bool reply, const segment &what, std::vector<arrival> &out)
{
	const auto payload = std::make_unique<u8[]>(what.payload.size());
	std::memcpy(payload.get(), what.payload.data(), what.payload.size());
	sipx_packet packet{this, &c, nullptr};
	sipx_packet_info info = describe(c, reply, packet);
	info.payload = payload.get();
	info.payload_length = static_cast<u32>(what.payload.size());
	const arrival like = on_way(c, reply);
	look_at_acknowledgement(c, reply, what);
	const sipx_segment in = describe_segment(what, room_to(like.destination), rules.mss);
	sipx_segment_answer answer;
	std::memset(&answer, 0xa5, sizeof(answer));
	in_packet_ = true;
	sipx_core_segment(&info, stream_of(c), &in, &answer);
	c.told[reply] = {answer.shift_position, answer.shift_before, answer.shift_after,
			 what.seq + static_cast<u32>(what.payload.size()) + what.syn + what.fin};
	segment whole = what;
	whole.seq = answer.seq;
	whole.ack = answer.ack;
	if (!answer.same_payload) {
		const size_t size = what.payload.size();
		if (answer.head > size || u64{answer.tail} + answer.tail_length > size)
			broken("an answer of more than the segment has");
		whole.payload = what.payload.substr(0, answer.head) + text_of(answer.ours, answer.ours_length) +
				what.payload.substr(answer.tail, answer.tail_length);
		whole.fin = answer.fin;
	}
	put_packets(whole, answer.size, like, out);
	put_emission(c, answer.emission, out);
	leave_core(c);
	c.waits = answer.waits;
	if (c.waits && !streams_at_ms_)
		streams_at_ms_ = now_ms() + 1000;
	if (!answer.foreign)
		return;
	if (answer.seq != what.seq || answer.ack != what.ack || !answer.same_payload || answer.waits ||
	    sipx_core_stream_shift(stream_of(c), 0) || sipx_core_stream_shift(stream_of(c), 1) ||
	    sipx_core_stream_bytes(stream_of(c)))
		broken("a stream that is foreign, and yet changed");
	c.foreign = true;
	end_stream(c);
}

void router::end_stream(connection &c)
{
	if (!c.data.stream)
		return;
	sipx_core_stream_end(state_, stream_of(c));
	if (sipx_core_stream_bytes(stream_of(c)))
		broken("a stream that ended holds something");
	sipx_free(SIPX_SLAB_TCP, stream_of(c));
	c.data.stream = nullptr;
}

void router::tick_streams()
{
	std::vector<arrival> out;
	bool more = false;
	for (const auto &c : connections_) {
		if (!c->data.stream || !c->waits)
			continue;
		sipx_emission made[2];
		std::memset(made, 0xa5, sizeof(made));
		c->waits = sipx_core_stream_tick(state_, stream_of(*c), made);
		more |= c->waits;
		put_emission(*c, made[0], out);
		put_emission(*c, made[1], out);
	}
	if (more)
		streams_at_ms_ = now_ms() + 1000;
	for (const arrival &one : out)
		if (emitted)
			emitted(one);
}

std::vector<arrival> router::carry(const endpoint &from, const endpoint &to, const segment &what)
{
	std::vector<arrival> out;
	arrival refused;
	bool reply = false;
	end_what_is_due();
	connection *c = look_up({from, to}, reply);
	// A closed one that begins anew is another one.
	if (c && what.syn && !what.has_ack && c->finished) {
		end(c);
		c = nullptr;
	}
	const bool fresh = !c;
	if (fresh)
		c = begin({from, to}, refused.how);
	if (!c)
		return {refused};
	c->finished |= what.rst ? was_reset : what.fin ? 1 << reply : 0;
	refresh(*c, reply);
	if (fresh)
		enter(*c);
	if (c->helper && !c->foreign && !c->data.stream)
		c->data.stream = sipx_alloc(SIPX_SLAB_TCP);
	if (c->data.stream) {
		through_stream(*c, reply, what, out);
	} else {
		arrival plain = on_way(*c, reply);
		plain.what = what;
		out.push_back(plain);
	}
	return out;
}

} // namespace fake
