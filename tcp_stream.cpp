// SPDX-License-Identifier: GPL-2.0
// Segments in, segments out; see tcp_stream.h. How new bytes are taken in is stream_input.cpp.
#include "stream_waiting.h"

namespace sip {

namespace {

// RFC 6928: what a sender may send at once without an acknowledgement. What is ours left
// its sender under his congestion control, but may leave here all at once.
constexpr u32 burst = 14600;
constexpr u32 most_at_once = 4 * burst;
// A packet has 64 KB, headers and options included.
constexpr u32 max_payload = 65535 - 120;
// RFC 7323 2.3: further ahead of what was acknowledged nothing was sent that can arrive.
constexpr u32 max_window = 1u << 30;
// States of stream_flow::duplicates; below is_lost they are counted (RFC 5681 3.2).
constexpr u8 none_missing = 0;
constexpr u8 is_lost = 3;
constexpr u8 recovers = 4;	// what was lost was sent again
constexpr u8 recovers_more = 5;	// its acknowledgement says that more was lost
// One segment on any path that is not slower still.
constexpr u32 usual_segment = 1460;
// Times max_held_ms: a message that goes on, but slowly, is not held longer in all.
constexpr u32 slowest = 4;
// Of what nobody else sends again: 1, 2, 4 ... 64 seconds (RFC 6298 5.5).
constexpr u32 first_retry_ms = 1000;
constexpr u8 max_doublings = 6;

bool is_mapped(const stream_flow &flow)
{
	return flow.mode != flow_mode::through || flow.store || flow.in_end != flow.out_end;
}

// ---- acknowledgements ------------------------------------------------------------------

// A position that the receiver has for sure, or that we know the byte of.
void make_probe(stream_flow &flow, stream_answer &answer)
{
	const u32 ours = flow.out_sent - 1 - flow.out_head;

	answer.head = answer.tail = {};
	answer.fin = answer.same_payload = false;
	answer.seq = flow.out_sent - 1;
	answer.ours = {&flow.last_byte, 1};
	if (flow.mode == flow_mode::through || before(answer.seq, flow.out_head - 1))
		answer.seq = flow.out_acked - 1;
	else if (flow.store && !before(answer.seq, flow.out_head) && ours < flow.store->stored + flow.store->held)
		answer.ours = {flow.store->output() + ours, 1};
}

// Bytes [from, to) of the receiver's stream, as far as they are ours and the window allows.
text_view ours_between(const stream_flow &flow, u32 from, u32 to)
{
	to = earlier(to, flow.out_end);
	if (!before(from, to) || before(from, flow.out_head))
		return {};
	return {flow.store->output() + (from - flow.out_head), to - from};
}

void emit(const stream_host &host, const work &at, u32 from, u32 to, stream_emission &emission)
{
	stream_flow &flow = at.flow;
	const text_view bytes = ours_between(flow, from, to);

	if (bytes.empty())
		return;
	emission = {at.direction, flow.window_sent, from, flow.ack_sent, bytes};
	flow.store->sent_ms = at.now_ms;
	flow.out_sent = later(flow.out_sent, from + bytes.size());
	host.count(host.context, stream_count::emitted);
}

// What acknowledgements let go on: output that had no room so far, and output that was lost,
// where its sender cannot know because it was told that it arrived. One lost segment after
// the other, as RFC 6582 does.
void emit_after_ack(const stream_host &host, const work &at, stream_emission &emission)
{
	stream_flow &flow = at.flow;

	if (!runs_of(flow))
		return;
	if (flow.duplicates == is_lost && after(flow.in_told, flow.in_head)) {
		flow.store->recover = flow.out_sent;
		flow.duplicates = recovers_more;
	}
	if (flow.duplicates == recovers_more) {
		flow.duplicates = recovers;
		emit(host, at, flow.out_head, earlier(flow.out_head + usual_segment, flow.out_edge), emission);
	} else {
		// RFC 5681 3.1: two bytes for each that has arrived
		const u32 more = flow.duplicates ? 0 : lesser(2 * at.acked, most_at_once);
		const u32 to = later(flow.out_acked + burst, flow.out_sent + more);
		emit(host, at, flow.out_sent, earlier(flow.out_edge, to), emission);
	}
}

// The receiver has more than before.
void note_progress(stream_flow &flow, u32 ack, u32 now_ms)
{
	if (flow.store)
		flow.store->sent_ms = now_ms;
	const bool partial = flow.duplicates >= recovers && runs_of(flow) && before(ack, flow.store->recover);

	flow.duplicates = partial ? recovers_more : none_missing;
	flow.tries = 0;
}

// RFC 5681 2; one that opens the window is none.
void note_duplicate(stream_flow &flow, const stream_segment &segment)
{
	const bool same_window = segment.ack + segment.window == flow.out_edge;
	const bool is_empty = segment.payload.empty() && !segment.fin;
	if (is_empty && same_window && before(segment.ack, flow.out_sent) && flow.duplicates < is_lost)
		flow.duplicates++;
}

// The receiver of `flow` has everything before segment.ack, and room. Returns what its
// sender is told. An acknowledgement of bytes that never left changes nothing.
u32 take_ack(const stream_host &host, stream_flow &flow, const stream_segment &segment)
{
	const u32 ack = segment.ack;

	if (after(ack, flow.out_sent))
		return to_in(flow, ack);
	if (before(ack, flow.out_acked))
		return flow.in_acked - (flow.out_acked - ack);
	if (ack == flow.out_acked)
		note_duplicate(flow, segment);
	flow.out_edge = later(flow.out_edge, ack + segment.window);
	if (ack != flow.out_acked) {
		acknowledge_output(flow, ack);
		note_progress(flow, ack, segment.now_ms);
		settle_store(host, flow);
	}
	const bool all = flow.mode != flow_mode::through && ack == out_next(flow);
	flow.in_acked = later(flow.in_acked, all ? in_next(flow) : to_in(flow, ack));
	flow.in_told = later(flow.in_told, flow.in_acked);
	return flow.in_acked;
}

// What an emission of `flow` would say, too: the newest that its end said. A repeated SYN, a
// RST without ACK, what was overtaken and what is forged say nothing.
void note_ack_sent(stream_flow &flow, const stream_flow &other, const stream_segment &segment, u32 ack)
{
	if (!segment.has_ack || !other.started || after(segment.ack, other.out_sent) || before(ack, flow.ack_sent))
		return;
	flow.ack_sent = ack;
	flow.window_sent = segment.window_field;
}

// What of a block is news for the sender. Bytes of which he holds the last copy are never in
// it: a byte of his is in the block if all that it became is (F, tcp_stream.h). Where messages
// are mapped as one, F may yet change.
bool translate_block(const stream_flow &flow, const stream_range &block, stream_range &out)
{
	const bool is_exact = runs_of(flow) < max_runs || !after(block.right, flow.out_head);
	const u32 left_at = block.left - flow.out_acked, right_at = block.right - flow.out_acked;

	if (!is_exact || left_at >= right_at || right_at > flow.out_sent - flow.out_acked)
		return false;
	u32 left = to_in(flow, block.left);
	if (to_out(flow, left) != block.left)
		left++;
	out = {later(left, flow.in_acked), to_in(flow, block.right)};
	return before(out.left, out.right);
}

// Blocks that say nothing to the sender, as that of an answer to a probe (RFC 2883), give
// their place to what waits here beyond a hole: he need not repeat it. It may yet be thrown
// away, as RFC 2018 8 lets any receiver do.
[[gnu::noinline]] sack_fate translate_sacks(stream_flow &flow, const stream_segment &segment, stream_answer &answer)
{
	u32 waits = 0;
	bool same = true;

	for (u32 i = 0; i < segment.sack_count; i++) {
		stream_range &out = answer.sacks[i];
		if (!translate_block(flow, segment.sacks[i], out) && !waiting_range(flow, waits++, out)) {
			if (!i)
				return sack_fate::blank;
			out = answer.sacks[i - 1];
		}
		flow.in_told = later(flow.in_told, out.right);
		same &= out.left == segment.sacks[i].left && out.right == segment.sacks[i].right;
	}
	return same ? sack_fate::keep : sack_fate::replace;
}

// ---- data ------------------------------------------------------------------------------

// What a segment covers, in the sender's positions.
struct stretch {
	u32 start;
	u32 end;
	u32 size() const { return end - start; }
};

// Where what is ours of [start, end) begins and ends, in the receiver's positions. There are
// runs. The sender's first unacknowledged byte stands for everything before it.
stretch ours_for(const stream_flow &flow, const stretch &in, u32 head)
{
	u32 from = flow.out_head;
	if (after(in.start, flow.in_acked) && !before(in.start, flow.in_head)) {
		from = earlier(to_out(flow, in.start), flow.out_end);
		// what had no room yet goes first
		from = later(earlier(from, flow.out_sent), flow.out_head);
	}
	if (!after(in.end, flow.in_head) && before(in.start, flow.in_head))
		return {from, from};
	const u32 most = from + greater(burst, lesser(in.size(), max_payload)) - head;
	const u32 to = earlier(earlier(to_out(flow, in.end), flow.out_end), earlier(most, flow.out_edge));
	return {from, later(from, to)};
}

// Without runs: everything that may leave has one offset.
void compose_plain(const stream_flow &flow, const stream_segment &segment, const stretch &in, stream_answer &answer)
{
	const u32 stop = flow.mode == flow_mode::through ? in.end : flow.in_end + flow.released;

	answer.seq = to_out(flow, in.start);
	if (before(in.start, stop))
		answer.head = segment.payload.sub(0, stop - in.start);
	answer.fin = segment.fin && flow.mode == flow_mode::through && !before(in.end, flow.in_end);
}

// Payload before the runs, bytes of the runs, payload behind them (only once the direction
// is passed through): what of these three the segment covers. FIN stands behind all.
void compose_runs(const stream_flow &flow, const stream_segment &segment, const stretch &in, stream_answer &answer)
{
	if (before(in.start, flow.in_head))
		answer.head = segment.payload.sub(0, flow.in_head - in.start);
	const stretch ours = ours_for(flow, in, answer.head.size());
	const bool through = flow.mode == flow_mode::through;

	if (!(through && after(in.start, flow.in_end)))
		answer.ours = ours_between(flow, ours.start, ours.end);
	answer.seq = answer.head.empty() ? ours.start : to_out(flow, in.start);
	if (through && after(in.start, flow.in_end))
		answer.seq = to_out(flow, in.start);
	if (!through || (ours.end != flow.out_end && !after(in.start, flow.in_end)))
		return;
	const u32 skip = before(in.start, flow.in_end) ? flow.in_end - in.start : 0;
	const text_view rest = segment.payload.sub(skip);
	answer.tail = rest.sub(0, max_payload - answer.head.size() - answer.ours.size());
	answer.fin = segment.fin && answer.tail.size() == rest.size() && !before(in.end, flow.in_end);
}

// What leaves for a segment whose new bytes were taken in, and what waited for them.
void compose(const stream_host &host, stream_flow &flow, const stream_segment &segment, u32 end, stream_answer &answer)
{
	const stretch in{segment.seq, end};

	answer.fin = false;
	if (runs_of(flow))
		compose_runs(flow, segment, in, answer);
	else
		compose_plain(flow, segment, in, answer);
	const u32 size = answer.head.size() + answer.ours.size() + answer.tail.size();
	if (!size && !answer.fin) {
		host.count(host.context, stream_count::held);
		return make_probe(flow, answer);
	}
	flow.ended |= answer.fin;
	// of head and tail, one may be all there is
	answer.same_payload = size == segment.payload.size() && answer.fin == segment.fin && answer.ours.empty() &&
			      (answer.head.empty() || answer.tail.empty());
	if (!answer.ours.empty()) {
		flow.store->sent_ms = segment.now_ms;
		if (before(answer.seq, flow.out_sent))
			host.count(host.context, stream_count::resent);
	}
	const u32 sent = answer.seq + size + answer.fin;
	if (sent - flow.out_acked <= max_window)
		flow.out_sent = later(flow.out_sent, sent);
}

// FIN with everything before it: what is held will never be complete.
void take_fin(const stream_host &host, const work &at)
{
	stream_flow &flow = at.flow;

	if (held_of(flow))
		give_up(host, at, stream_count::cut);
	flow.mode = flow_mode::through;
}

void carry_data(const stream_host &host, const work &at, const stream_segment &segment, stream_answer &answer)
{
	stream_flow &flow = at.flow;
	const u32 end = segment.seq + segment.payload.size();
	u32 covers = end;

	if (segment.urgent && flow.mode != flow_mode::through)
		give_up(host, at, stream_count::urgent);
	if (flow.mode != flow_mode::through) {
		const u32 next = in_next(flow);
		if (after(segment.seq, next)) {
			host.count(host.context, stream_count::hole);
			keep_waiting(host, at, segment.seq, segment.payload);
			return make_probe(flow, answer);
		}
		u32 taken = next;
		if (after(end, next))
			taken += take_in(host, at, segment.payload.sub(next - segment.seq));
		const bool whole = !after(end, flow.mode == flow_mode::through ? end : taken);
		if (segment.fin && whole && !before(end, in_next(flow)))
			take_fin(host, at);
		const u32 own = flow.in_end;
		take_waiting(host, at);
		if (flow.in_end != own)
			covers = later(end, flow.in_end);
	}
	compose(host, flow, segment, covers, answer);
}

// No payload: the position alone. In front of what the sender was told it is a keep-alive
// (RFC 1122 4.2.3.6), and must be old for the receiver, too. Beyond the receiver's window,
// where the byte is that asked for it, nothing would be read of the segment (RFC 9293
// 3.10.7.4).
u32 place_empty(const stream_flow &flow, u32 seq)
{
	if (!is_mapped(flow))
		return seq;
	if (!after(seq, flow.in_acked))
		return flow.out_acked - (flow.in_acked - seq);
	// not in front of what has no room yet
	u32 there = flow.out_sent;
	if (flow.mode == flow_mode::through || before(seq, flow.in_end))
		there = runs_of(flow) ? earlier(to_out(flow, seq), flow.out_sent) : to_out(flow, seq);
	return runs_of(flow) ? earlier(there, later(flow.out_edge, flow.out_acked)) : there;
}

// RST counts only at exactly the position that the receiver expects (RFC 5961 3.2): there it
// arrives if it was at exactly the position that we expect, and nowhere near it else. A
// receiver in doubt asks, and the answer is exact.
u32 place_rst(const stream_flow &flow, u32 seq)
{
	const bool beyond = flow.mode != flow_mode::through && after(seq, flow.in_acked) && seq != in_next(flow);

	return beyond ? flow.out_sent + (seq - flow.in_acked) : place_empty(flow, seq);
}

// RFC 5961 5.2: who does not know both numbers has sent it, or it is much too late, and its
// receiver will not read it. We must not, either: what we keep of it would leave with the next
// segment of the true sender.
bool is_acceptable(const stream_flow &other, const stream_segment &segment)
{
	const u32 old = other.out_sent - other.out_acked + greater(65535, other.out_edge - other.out_acked);

	return segment.has_ack && other.out_sent - segment.ack <= old;
}

// A stranger would have to guess both (RFC 5961 1.2).
bool is_plausible(const stream_flow &flow, const stream_flow &other, const stream_segment &segment)
{
	constexpr u32 near = 65535;	// a window without scaling, in front of what is expected and behind
	const bool through = flow.mode == flow_mode::through;
	const u32 expected = through ? flow.in_end + (flow.out_sent - flow.out_end) : in_next(flow);
	return !segment.rst && is_acceptable(other, segment) && segment.seq - (expected - near) <= 2 * near;
}

// ---- beginnings ------------------------------------------------------------------------

void start_flow(const stream_host &host, stream_flow &flow, stream_flow &other, const stream_segment &segment)
{
	free_store(host, flow);
	free_waiting(host, flow);
	flow = {};
	flow.first = segment.seq;
	flow.in_head = flow.in_end = flow.in_acked = flow.in_told = segment.seq + 1;
	flow.out_head = flow.out_end = flow.out_acked = flow.out_sent = flow.out_edge = segment.seq + 1;
	flow.mode = flow_mode::fresh;
	flow.started = true;
	// nothing older can be acknowledged
	flow.ack_sent = other.first + 1;
	other.ack_sent = flow.first + 1;
}

bool is_unused(const stream_flow &flow) { return !flow.started || in_next(flow) == flow.first + 1; }

// Some count from the same number on each time.
bool may_restart(const tcp_stream &stream, const stream_segment &syn)
{
	const bool fresh = is_unused(stream.flows[0]) && is_unused(stream.flows[1]);
	if (stream.flows[syn.direction].first == syn.seq)
		return stream.reset && !syn.has_ack;
	return is_over(stream) || fresh;
}

// A SYN begins a direction, unless it is a stranger's in a connection that lives. Data on it
// are left to be sent again (RFC 9293 3.10.7.4 lets a receiver take none of it, and so does
// RFC 7413), but where they say that this is not SIP.
void carry_syn(const stream_host &host, tcp_stream &stream, const stream_segment &segment, stream_answer &answer)
{
	stream_flow &flow = stream.flows[segment.direction];

	const bool answers = !segment.has_ack || segment.ack == stream.flows[!segment.direction].first + 1;
	if (!flow.started || (answers && may_restart(stream, segment))) {
		if (!segment.has_ack)
			end_stream(host, stream);
		start_flow(host, flow, stream.flows[!segment.direction], segment);
	} else if (flow.first != segment.seq && !segment.has_ack) {	// see is_begun_anew()
		stream.anew = segment.seq;
		stream.asked[segment.direction] = true;
		stream.asked[!segment.direction] = false;
	}
	if (segment.payload.empty() || flow.first != segment.seq || flow.mode == flow_mode::through)
		return;
	message_frame frame;
	if (frame.scan(segment.payload) == frame_state::foreign) {
		pass_stream_through(host, stream, stream_count::not_sip);
		flow.out_sent = later(flow.out_sent, segment.seq + 1 + segment.payload.size());
		return;
	}
	answer.same_payload = false;
	host.count(host.context, stream_count::stripped);
}

// Both ends have lost the connection and begin another one on its ports: one alone would not get
// such an answer to its SYN (RFC 5961 4.2). Conntrack goes over to it, too.
bool is_begun_anew(const tcp_stream &stream, const stream_segment &segment)
{
	return segment.syn && segment.has_ack && stream.asked[!segment.direction] && segment.ack == stream.anew + 1;
}

void begin_anew(const stream_host &host, tcp_stream &stream, u8 direction)
{
	stream_segment syn{};
	syn.seq = stream.anew;
	end_stream(host, stream);
	start_flow(host, stream.flows[direction], stream.flows[!direction], syn);
}

// Both directions from their beginning, or none. What has no bytes may have overtaken the SYN
// that it comes behind, as the answer to a SYN that came twice.
bool is_followed(const stream_host &host, tcp_stream &stream, const stream_segment &segment)
{
	const bool both = stream.flows[0].started && stream.flows[1].started;
	const bool is_empty = segment.payload.empty() && !segment.fin;
	const bool begun = stream.flows[0].mode != flow_mode::through || stream.flows[1].mode != flow_mode::through;
	if (!both && !is_empty && begun)
		pass_stream_through(host, stream, stream_count::mid_stream);
	return both;
}

} // namespace

stream_answer carry_segment(const stream_host &host, tcp_stream &stream, const stream_segment &segment)
{
	const u8 there = segment.direction, back = !there;
	stream_flow &flow = stream.flows[there], &other = stream.flows[back];
	stream_answer answer{};
	answer.same_payload = true;
	answer.fin = segment.fin;
	answer.seq = segment.seq;
	answer.ack = segment.ack;
	if (is_begun_anew(stream, segment))
		begin_anew(host, stream, back);
	const u32 acked = other.out_acked;

	if (!segment.syn && !is_followed(host, stream, segment))
		return answer;
	if (segment.has_ack && other.started) {
		answer.ack = take_ack(host, other, segment);
		if (segment.sack_count)
			answer.sack = translate_sacks(other, segment, answer);
	}
	if (segment.syn) {
		carry_syn(host, stream, segment, answer);
		answer.plausible = flow.started && flow.first == segment.seq;
		return answer;
	}
	answer.plausible = is_plausible(flow, other, segment);
	if (answer.plausible)	// who sent that SYN goes on, or never did send it
		stream.asked[there] = false;
	if (segment.rst)
		answer.seq = place_rst(flow, segment.seq);
	else if (segment.payload.empty() && !segment.fin)
		answer.seq = place_empty(flow, segment.seq);
	else if (flow.mode != flow_mode::through && !is_acceptable(other, segment))
		make_probe(flow, answer);
	else
		carry_data(host, {stream, flow, there, segment.now_ms}, segment, answer);
	// RFC 5961 3.2: others are forged, or too late
	stream.reset |= segment.rst && (answer.seq == flow.out_sent || answer.seq == flow.out_acked);
	note_ack_sent(flow, other, segment, answer.ack);
	emit_after_ack(host, {stream, other, back, segment.now_ms, other.out_acked - acked}, answer.emission);
	return answer;
}

namespace {

// Nobody waits longer for an answer to a message than 64*T1 (RFC 3261 17.1.1.2), which is
// what max_held_ms should be; a message that goes on gets a multiple of it in all.
bool is_too_slow(const stream_host &host, const stream_flow &flow, u32 now_ms)
{
	const stream_store &store = *flow.store;

	return now_ms - store.moved_ms >= host.max_held_ms || now_ms - store.began_ms >= slowest * host.max_held_ms;
}

// Output that its sender was told of: he sends only what is left to him, ever more rarely,
// or nothing at all.
bool is_alone(const stream_flow &flow) { return runs_of(flow) && after(flow.in_told, flow.in_head); }

// One byte at least: it asks for the window (RFC 9293 3.8.6.1).
void retry(const stream_host &host, const work &at, stream_emission &emission)
{
	stream_flow &flow = at.flow;
	const bool is_new = flow.out_sent == flow.out_head;	// held so far, now to be let out

	if (!is_new && at.now_ms - flow.store->sent_ms < first_retry_ms << flow.tries)
		return;
	const u32 room = earlier(flow.out_edge, flow.out_head + burst);
	emit(host, at, flow.out_head, later(flow.out_head + 1, room), emission);
	flow.tries += flow.tries < max_doublings;
}

} // namespace

bool stream_waits(const tcp_stream &stream)
{
	for (const stream_flow &flow : stream.flows)
		if (held_of(flow) || flow.waiting || is_alone(flow))
			return true;
	return false;
}

bool tick_stream(const stream_host &host, tcp_stream &stream, u32 now_ms, stream_emission (&emissions)[2])
{
	for (u8 direction = 0; direction < 2; direction++) {
		stream_flow &flow = stream.flows[direction];
		const work at{stream, flow, direction, now_ms};
		emissions[direction] = {};
		if (held_of(flow) && is_too_slow(host, flow, now_ms))
			give_up(host, at, stream_count::too_slow);
		if (flow.waiting && now_ms - flow.waiting->began_ms >= host.max_held_ms)
			free_waiting(host, flow);
		if (is_alone(flow))
			retry(host, at, emissions[direction]);
	}
	return stream_waits(stream);
}

void pass_stream_through(const stream_host &host, tcp_stream &stream, stream_count why)
{
	for (u8 direction = 0; direction < 2; direction++)
		if (stream.flows[direction].mode != flow_mode::through)
			give_up(host, {stream, stream.flows[direction], direction, 0}, why);
}

void end_stream(const stream_host &host, tcp_stream &stream)
{
	for (stream_flow &flow : stream.flows) {
		free_store(host, flow);
		free_waiting(host, flow);
	}
	stream = {};
}

bool is_over(const tcp_stream &stream)
{
	return stream.reset || (stream.flows[0].ended && stream.flows[1].ended);
}

bool is_untouched(const tcp_stream &stream)
{
	return !is_mapped(stream.flows[0]) && !is_mapped(stream.flows[1]);
}

u32 bytes_of_stream(const tcp_stream &stream)
{
	u32 sum = 0;
	for (const stream_flow &flow : stream.flows)
		sum += (flow.store ? flow.store->size : 0) + (flow.waiting ? flow.waiting->size : 0);
	return sum;
}

} // namespace sip
