// SPDX-License-Identifier: GPL-2.0
#include "stream_input.h"

namespace sip {

namespace {

// While a header is not complete nobody knows how far the message goes: bytes are taken in
// portions, and what turns out to be behind the message is put back.
constexpr u32 portion = 1024;
// Room for a message to grow in, asked for before the translator is.
constexpr u32 usual_growth = 1024;

void count(const stream_host &host, stream_count what) { host.count(host.context, what); }

stream_count reason_of(frame_state state)
{
	switch (state) {
	case frame_state::bad_length:
		return stream_count::malformed_length;
	case frame_state::too_long:
		return stream_count::too_long;
	default:
		return stream_count::not_sip;
	}
}

// No room for bytes that must be held. Where others wait to be acknowledged there will be
// room soon, and the sender sends them again; else this was the end of following.
u32 refuse(const stream_host &host, const work &at, u32 wanted)
{
	if (runs_of(at.flow) || at.kept) {
		count(host, stream_count::full);
	} else {
		const u32 used = held_of(at.flow);
		const bool limit = wanted > host.max_bytes || used > host.max_bytes - wanted;
		give_up(host, at, limit ? stream_count::too_long : stream_count::no_memory);
	}
	return 0;
}

// A stream that is not SIP from its first byte is another protocol in both directions: no
// answer that looks like SIP can mean any (REQUIREMENTS S1).
void give_up_for(const stream_host &host, const work &at, frame_state state)
{
	if (state == frame_state::foreign && at.flow.mode == flow_mode::fresh)
		pass_stream_through(host, at.stream, stream_count::not_sip);
	else
		give_up(host, at, reason_of(state));
}

bool fits(const translation &what, u32 size)
{
	return what.offset <= size && what.old_length <= size - what.offset && what.new_length <= max_message &&
	       size - what.old_length + what.new_length > 0;
}

// Bytes that leave as they are. Behind others that are ours they are kept like these.
u32 pass_bytes(const stream_host &host, const work &at, text_view bytes, stream_count what)
{
	stream_flow &flow = at.flow;

	if (!runs_of(flow) && !at.kept) {
		pass_run(flow, bytes);
	} else {
		if (!make_room(host, flow, bytes.size()))
			return refuse(host, at, bytes.size());
		hold_bytes(flow, bytes);
		store_run(flow, bytes.size(), bytes.size());
	}
	count(host, what);
	return bytes.size();
}

// A message that lies within one segment. With nothing to change, and nothing of ours before
// it, it costs no memory and no copy.
u32 translate_fresh(const stream_host &host, const work &at, text_view text)
{
	stream_flow &flow = at.flow;

	if ((runs_of(flow) || at.kept) && !make_room(host, flow, text.size() + usual_growth))
		return refuse(host, at, text.size());
	flow.mode = flow_mode::sip;
	stream_message message(host, flow, text, false);
	host.translate(host.context, at.direction, message);
	if (!message.is_taken())
		return pass_bytes(host, at, text, stream_count::unchanged);
	store_run(flow, text.size(), flow.store->held);
	count(host, stream_count::translated);
	return text.size();
}

// All that is held becomes output; it was `in` bytes. The receiver may have said already
// that it has what was let out of it.
void store_held(stream_flow &flow, u32 in)
{
	const u32 acked = flow.out_acked;

	store_run(flow, in, flow.store->held);
	flow.released = 0;
	if (after(acked, flow.out_head))
		acknowledge_output(flow, acked);
}

void finish_held(const stream_host &host, const work &at, frame_state state)
{
	stream_flow &flow = at.flow;
	const u32 in = flow.store->held;

	if (state == frame_state::idle) {
		store_held(flow, in);
		return count(host, stream_count::idle);
	}
	flow.mode = flow_mode::sip;
	stream_message message(host, flow, {flow.store->input(), in}, true);
	host.translate(host.context, at.direction, message);
	store_held(flow, in);
	count(host, message.is_taken() ? stream_count::translated : stream_count::unchanged);
}

// Only a stream that has not said yet what it is gets its first bytes let out: behind them a
// probe serves better, since it is answered at once. The very first byte, which no edit can
// touch, is let out in any case: with nothing before it a probe would have the number of the
// SYN, and that is no segment which a server could finish the handshake with (with SYN
// cookies it would be answered with RST).
void release(stream_flow &flow, frame_state state)
{
	if (flow.mode != flow_mode::fresh)
		return;
	if (state == frame_state::undecided)
		flow.released = static_cast<u16>(flow.store->held);
	else if (!flow.released && flow.out_end == flow.first + 1)
		flow.released = 1;
}

// Nothing is held.
u32 take_fresh(const stream_host &host, const work &at, text_view bytes)
{
	stream_flow &flow = at.flow;

	if (flow.mode == flow_mode::sip && host.is_whole && host.is_whole(host.context, bytes))
		return translate_fresh(host, at, bytes);
	message_frame frame(flow.mode == flow_mode::fresh ? frame_place::first : frame_place::between);
	const frame_state state = frame.scan(bytes);
	if (state == frame_state::idle)
		return pass_bytes(host, at, bytes.sub(0, frame.length()), stream_count::idle);
	if (state == frame_state::complete)
		return translate_fresh(host, at, bytes.sub(0, frame.length()));
	if (state != frame_state::more && state != frame_state::undecided) {
		give_up_for(host, at, state);
		return 0;
	}
	if (!make_room(host, flow, bytes.size()))
		return refuse(host, at, bytes.size());
	hold_bytes(flow, bytes);
	flow.store->frame = frame;
	flow.store->began_ms = at.now_ms;
	release(flow, state);
	return bytes.size();
}

u32 take_more(const stream_host &host, const work &at, text_view bytes)
{
	stream_flow &flow = at.flow;
	const u32 held = flow.store->held, length = flow.store->frame.length();
	const text_view piece = bytes.sub(0, length ? length - held : portion);

	if (!make_room(host, flow, piece.size()))
		return refuse(host, at, piece.size());
	hold_bytes(flow, piece);
	message_frame &frame = flow.store->frame;
	const frame_state state = frame.scan({flow.store->input(), held + piece.size()});
	if (state == frame_state::complete || state == frame_state::idle) {
		const u32 whole = flow.store->held = frame.length();
		finish_held(host, at, state);
		return whole - held;
	}
	if (state == frame_state::more || state == frame_state::undecided)
		release(flow, state);
	else
		give_up_for(host, at, state);
	return piece.size();
}

} // namespace

bool stream_message::take(const translation &what)
{
	if (!is_taken_ && fits(what, text_.size()))
		is_taken_ = is_held_ ? take_held(what) : take_fresh(what);
	return is_taken_;
}

char *stream_message::room(u32 most)
{
	if (is_taken_ || is_held_ || most > max_message || !make_room(host_, flow_, most))
		return nullptr;
	return flow_.store->input() + flow_.store->held;
}

void stream_message::fill(u32 size)
{
	flow_.store->held += size;
	is_taken_ = true;
}

bool stream_message::take_fresh(const translation &what)
{
	if (!make_room(host_, flow_, text_.size() - what.old_length + what.new_length))
		return false;
	hold_bytes(flow_, text_.sub(0, what.offset));
	hold_bytes(flow_, {what.bytes, what.new_length});
	hold_bytes(flow_, text_.sub(what.offset + what.old_length));
	return true;
}

// In place. What was let out of it cannot change any more.
bool stream_message::take_held(const translation &what)
{
	const u32 size = text_.size();

	if (what.offset < flow_.released)
		return false;
	if (what.new_length > what.old_length && !make_room(host_, flow_, what.new_length - what.old_length))
		return false;
	char *at = flow_.store->input() + what.offset;
	__builtin_memmove(at + what.new_length, at + what.old_length, size - what.offset - what.old_length);
	__builtin_memcpy(at, what.bytes, what.new_length);
	flow_.store->held = size - what.old_length + what.new_length;
	return true;
}

u32 take_in(const stream_host &host, const work &at, text_view bytes)
{
	u32 taken = 0;

	while (taken < bytes.size() && at.flow.mode != flow_mode::through) {
		const text_view rest = bytes.sub(taken);
		const u32 step = held_of(at.flow) ? take_more(host, at, rest) : take_fresh(host, at, rest);
		if (!step)
			break;
		taken += step;
		if (at.flow.store)
			at.flow.store->moved_ms = at.now_ms;
	}
	settle_store(host, at.flow);
	return taken;
}

void give_up(const stream_host &host, const work &at, stream_count why)
{
	stream_flow &flow = at.flow;

	count(host, why);
	flow.mode = flow_mode::through;
	flow.tries = 0;
	if (const u32 held = held_of(flow))
		store_held(flow, held);
	settle_store(host, flow);
}

} // namespace sip
