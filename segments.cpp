// SPDX-License-Identifier: GPL-2.0
// SIP over TCP: between the boundary, which has the packets, the stream engine, which finds the
// messages in them, and the road that each message takes.
#include "segments.h"

#include "plan.h"
#include "road.h"
#include "stream_map.h"

namespace sip {

namespace {

// What any path of today carries: IPv6 guarantees 1280 bytes (RFC 8200 5), and tunnels leave
// more than that of IPv4, too.
constexpr u16 usual_size = 1220;
// What any path at all carries: RFC 9293 3.7.1.
constexpr u16 least_size4 = 536;
constexpr u16 least_size6 = 1220;
// Who says less makes a packet of every few bytes: the kernel's own bound (tcp_min_snd_mss).
constexpr u16 smallest_mss = 48;
constexpr u8 stuck_for_good = 3;
constexpr u32 largest_sent = (1u << 13) - 1;
// An emission has no options of the segment that it comes with but timestamps (RFC 7323 3.2).
constexpr u32 timestamps_length = 12;

// Who the engine's questions are for.
struct hosting {
	sipx_state *state;
	sipx_stream *stream;
	const sipx_packet_info *info;	// null: no segment is on its way
	sipx_reason why;		// through: counted once, whatever the engine says
	bool counts;
	sipx_reason no_piece;	// why there was none the last time; a limit has been counted
	bool is_read;		// the next message, by is_whole()
};

// What is counted for a message itself says its road.
sipx_reason reason_of(stream_count what)
{
	switch (what) {
	case stream_count::idle:
		return SIPX_COUNT_keep_alive;
	case stream_count::held:
		return SIPX_COUNT_stream_held;
	case stream_count::hole:
		return SIPX_COUNT_stream_hole;
	case stream_count::resent:
		return SIPX_COUNT_stream_resent;
	case stream_count::emitted:
		return SIPX_COUNT_stream_emitted;
	case stream_count::stripped:
		return SIPX_COUNT_stream_stripped;
	case stream_count::full:
		return SIPX_COUNT_stream_full;
	case stream_count::not_sip:
		return SIPX_COUNT_not_sip;
	case stream_count::malformed_length:
		return SIPX_COUNT_malformed_length;
	case stream_count::too_long:
		return SIPX_COUNT_stream_too_long;
	case stream_count::too_slow:
		return SIPX_COUNT_stream_too_slow;
	case stream_count::no_memory:
		return SIPX_COUNT_no_memory;
	case stream_count::urgent:
		return SIPX_COUNT_stream_urgent;
	case stream_count::mid_stream:
		return SIPX_COUNT_stream_middle;
	case stream_count::cut:
		return SIPX_COUNT_stream_cut;
	case stream_count::translated:
	case stream_count::unchanged:
	case stream_count::counts:
		break;
	}
	return SIPX_REASON_COUNT;
}

hosting &hosting_of(void *context) { return *static_cast<hosting *>(context); }

void *take_piece(void *context, u32 size)
{
	hosting &at = hosting_of(context);
	return sipx_piece_take(at.state, at.stream, size, &at.no_piece);
}

void give_piece(void *context, void *piece, u32 size)
{
	const hosting &at = hosting_of(context);
	sipx_piece_give(at.state, at.stream, piece, size);
}

void count_stream(void *context, stream_count what)
{
	hosting &at = hosting_of(context);
	sipx_reason reason = at.why == SIPX_REASON_COUNT ? reason_of(what) : at.why;
	const bool limit = reason == SIPX_COUNT_no_memory && at.no_piece != SIPX_COUNT_no_memory;
	if (limit)
		reason = at.no_piece;
	if (what >= stream_count::not_sip && reason != SIPX_REASON_COUNT)
		at.stream->why = static_cast<u8>(reason);
	if (at.counts && !limit && reason != SIPX_REASON_COUNT)
		sipx_count(at.state, reason);
	at.counts = at.why == SIPX_REASON_COUNT;
}

void translate_message(void *context, u8, stream_message &message)
{
	hosting &at = hosting_of(context);
	sipx_packet_info info = *at.info;
	info.payload = reinterpret_cast<const u8 *>(message.text().data());
	info.payload_length = message.text().size();
	at.no_piece = SIPX_COUNT_no_memory;
	const sipx_reason reason = at.is_read ? carry_read(info, &message, 0) : carry_message(info, &message, 0);
	at.is_read = false;
	if (reason != SIPX_COUNT_no_memory || at.no_piece == SIPX_COUNT_no_memory)
		sipx_count(at.state, reason);
}

// What ends in the midst of a line goes on in the next segment.
bool is_whole(void *context, text_view bytes)
{
	hosting &at = hosting_of(context);
	if (bytes.empty() || bytes[bytes.size() - 1] != '\n')
		return false;
	sipx_packet_info info = *at.info;
	info.payload = reinterpret_cast<const u8 *>(bytes.data());
	info.payload_length = bytes.size();
	at.is_read = read_whole(info);
	return at.is_read;
}

stream_host host_of(hosting &at)
{
	return {&at, take_piece, give_piece, translate_message, count_stream,
		sipx_setting(at.state, SIPX_SETTING_TCP_BUFFER) * 1024,
		sipx_setting(at.state, SIPX_SETTING_TCP_HOLD) * 1000, is_whole};
}

hosting hosting_for(sipx_state *state, sipx_stream *stream)
{
	return {state, stream, nullptr, SIPX_REASON_COUNT, true, SIPX_COUNT_no_memory, false};
}

// ---- how large packets are -------------------------------------------------------------

u16 least_size(const packet_size &size) { return size.ipv6 ? least_size6 : least_size4; }

void lower(u16 &limit, u32 to)
{
	if (!limit || to < limit)
		limit = static_cast<u16>(lesser(to, 65535));
}

u16 size_of(const packet_size &size, u32 options)
{
	const u32 wanted = size.stuck == stuck_for_good ? least_size(size) : greater(size.sent, usual_size);
	const u32 room = size.limit > options ? size.limit - options : 1;
	return static_cast<u16>(size.limit ? lesser(room, wanted) : wanted);
}

packet_size size_for(u16 mss, const sipx_packet_info &info)
{
	const u8 ipv6 = info.source_inner.family == SIPX_IPV6;
	return {mss && mss < smallest_mss ? smallest_mss : mss, 0, 0, ipv6};
}

// What both ends say of it with this segment. A SYN that begins nothing may be a stranger's: what it says
// counts from the answer on that shows it was none.
void learn_sizes(const sipx_packet_info &info, const sipx_segment &segment, bool anew, sipx_stream &stream)
{
	packet_size &there = stream.sizes[info.reply], &back = stream.sizes[!info.reply];

	if (segment.syn && segment.seq == stream.flows.flows[info.reply].first) {
		there = anew ? size_for(stream.mss_anew, info) : there;
		back = size_for(segment.mss, info);
		there.ipv6 = back.ipv6;
	} else if (segment.syn && !segment.has_ack && segment.seq == stream.flows.anew) {
		stream.mss_anew = segment.mss;
	}
	lower(there.limit, u32{segment.room} + segment.options_length);
	const u32 sent = segment.merged ? segment.merged : info.payload_length;
	there.sent = static_cast<u16>(lesser(greater(there.sent, sent), largest_sent));
}

// More than fits the smallest packet was sent before, and now again.
void note_resent(const stream_flow &flow, u32 sent_before, u32 seq, u32 length, packet_size &size)
{
	if (length <= least_size(size) || !before(seq, sent_before) || size.stuck == stuck_for_good)
		return;
	if (runs_of(flow) || flow.in_end != flow.out_end)
		size.stuck++;
}

void note_progress(packet_size &size)
{
	if (size.stuck != stuck_for_good)
		size.stuck = 0;
}

// ---- between the boundary's structures and the engine's --------------------------------

stream_segment segment_of(const sipx_packet_info &info, const sipx_segment &segment)
{
	stream_segment in{};
	in.direction = info.reply;
	in.syn = segment.syn;
	in.fin = segment.fin;
	in.rst = segment.rst;
	in.urgent = segment.urgent;
	in.has_ack = segment.has_ack;
	in.sack_count = static_cast<u8>(lesser(segment.sack_count, max_sack_blocks));
	in.window_field = segment.window_field;
	in.window = segment.window;
	in.seq = segment.seq;
	in.ack = segment.ack;
	for (u32 i = 0; i < in.sack_count; i++)
		in.sacks[i] = {segment.sacks[i].left, segment.sacks[i].right};
	in.payload = {reinterpret_cast<const char *>(info.payload), info.payload_length};
	in.now_ms = static_cast<u32>(sipx_now_ms());
	return in;
}

const u8 *bytes_of(text_view text) { return reinterpret_cast<const u8 *>(text.data()); }

u8 fate_of(sack_fate fate)
{
	if (fate == sack_fate::keep)
		return SIPX_SACK_KEEP;
	return fate == sack_fate::replace ? SIPX_SACK_REPLACE : SIPX_SACK_BLANK;
}

sipx_emission emission_of(const stream_emission &made, const sipx_stream &stream)
{
	sipx_emission out{};
	if (made.payload.empty())
		return out;
	out.reply = made.direction;
	out.window_field = made.window_field;
	out.seq = made.seq;
	out.ack = made.ack;
	out.size = size_of(stream.sizes[made.direction], timestamps_length);
	out.payload = bytes_of(made.payload);
	out.length = made.payload.size();
	return out;
}

void write_answer(const sipx_packet_info &info, const stream_answer &made, sipx_segment_answer &answer)
{
	answer = {};
	answer.same_payload = made.same_payload;
	answer.fin = made.fin;
	answer.plausible = made.plausible;
	answer.sack = fate_of(made.sack);
	answer.seq = made.seq;
	answer.ack = made.ack;
	for (u32 i = 0; made.sack == sack_fate::replace && i < max_sack_blocks; i++)
		answer.sacks[i] = {made.sacks[i].left, made.sacks[i].right};
	answer.head = made.head.size();
	answer.ours = bytes_of(made.ours);
	answer.ours_length = made.ours.size();
	answer.tail = made.tail.empty() ? info.payload_length : static_cast<u32>(bytes_of(made.tail) - info.payload);
	answer.tail_length = made.tail.size();
}

// What the kernel's window tracking must know of that direction. It asks for the number before the one
// that is acknowledged, as the receiver counts.
void write_shift(const stream_flow &flow, sipx_segment_answer &answer)
{
	answer.shift_position = flow.out_head - 1;
	answer.shift_before = flow.out_head - flow.in_head;
	answer.shift_after = flow.out_end - flow.in_end;
}

// With its first SYN, or one that begins it anew (RFC 9293 3.6.1): what was said of it before is over.
bool has_just_begun(const stream_flow &flow, const stream_flow &other)
{
	return flow.mode == flow_mode::fresh && !other.started;
}

} // namespace

} // namespace sip

using namespace sip;

void sipx_core_segment(const sipx_packet_info *info, sipx_stream *stream, const sipx_segment *segment,
		       sipx_segment_answer *answer)
{
	hosting at = hosting_for(info->state, stream);
	at.info = info;
	const u8 there = info->reply, back = !info->reply;
	const stream_flow &flow = stream->flows.flows[there], &other = stream->flows.flows[back];
	const bool was_closed = is_over(stream->flows);
	const u32 sent = flow.out_sent, other_sent = other.out_sent, acked = other.out_acked;
	const u32 first = other.first;

	const stream_answer made = carry_segment(host_of(at), stream->flows, segment_of(*info, *segment));
	const bool anew = segment->syn && segment->has_ack && other.first != first;
	if (anew || (segment->syn && has_just_begun(flow, other)))
		stream->why = 0;
	if (info->payload_length || segment->syn)
		learn_sizes(*info, *segment, anew, *stream);
	write_answer(*info, made, *answer);
	answer->anew = anew;
	// should a SYN be answered that is not the connection's, the kernel looks at this with no shift
	if (!segment->syn || made.plausible)
		write_shift(flow, *answer);
	if (other.out_acked != acked)
		note_progress(stream->sizes[back]);
	const u32 length = made.same_payload ? info->payload_length
					     : made.head.size() + made.ours.size() + made.tail.size();
	note_resent(flow, sent, made.seq, length, stream->sizes[there]);
	answer->size = size_of(stream->sizes[there], segment->options_length);
	if (!made.emission.payload.empty()) {
		note_resent(other, other_sent, made.emission.seq, made.emission.payload.size(), stream->sizes[back]);
		answer->emission = emission_of(made.emission, *stream);
	}
	answer->waits = stream_waits(stream->flows);
	answer->foreign = is_untouched(stream->flows);
	if (!was_closed && is_over(stream->flows))
		close_connection(*info);
}

bool sipx_core_stream_tick(sipx_state *state, sipx_stream *stream, sipx_emission *emissions)
{
	hosting at = hosting_for(state, stream);
	stream_emission made[2];
	const u32 sent[2] = {stream->flows.flows[0].out_sent, stream->flows.flows[1].out_sent};
	const bool more = tick_stream(host_of(at), stream->flows, static_cast<u32>(sipx_now_ms()), made);
	for (u32 i = 0; i < 2; i++) {
		const stream_emission &one = made[i];
		note_resent(stream->flows.flows[i], sent[i], one.seq, one.payload.size(), stream->sizes[i]);
		emissions[i] = emission_of(one, *stream);
	}
	return more;
}

void sipx_core_stream_through(sipx_state *state, sipx_stream *stream, sipx_reason why)
{
	hosting at = hosting_for(state, stream);
	at.why = why;
	pass_stream_through(host_of(at), stream->flows, stream_count::counts);
}

void sipx_core_stream_end(sipx_state *state, sipx_stream *stream)
{
	hosting at = hosting_for(state, stream);
	end_stream(host_of(at), stream->flows);
}

u32 sipx_core_stream_shift(const sipx_stream *stream, u8 reply)
{
	const stream_flow &flow = stream->flows.flows[reply];
	return flow.out_end - flow.in_end;
}

sipx_reason sipx_core_stream_reason(const sipx_stream *stream)
{
	return stream->why ? static_cast<sipx_reason>(stream->why) : SIPX_REASON_COUNT;
}

u32 sipx_core_stream_bytes(const sipx_stream *stream) { return bytes_of_stream(stream->flows); }
