// SPDX-License-Identifier: GPL-2.0
// The stream engine: what becomes of each TCP segment of a connection whose messages change
// their length on the way. It knows sequence numbers and where messages end, nothing of what
// they say and nothing of the kernel.
//
// What the receiver reads is exactly the concatenation of the translated messages. How:
//
// * Each direction has a map F from positions of the sender's stream to positions of the
//   receiver's. F never decreases, and the end of a message maps to the end of its
//   translation. A segment [a, b) leaves as the bytes [F(a), F(b)), an acknowledgement y
//   goes back as the greatest x with F(x) <= y. So the sender keeps whatever the receiver
//   may still miss, and however it cuts what it sends again, the same bytes leave.
//   F is exact to the byte up to the first edit of a message; its last byte stands for the
//   rest of its translation.
// * Bytes of an incomplete message are held. They are ours then: once the receiver has all
//   that was let out, it is told to the sender that it has them too, or Nagle's sender (RFC
//   896), and one that waits for each acknowledgement, would never send the rest. That is
//   the one place where more is acknowledged than the receiver has.
// * What is ours is never without somebody who asks for it again. The last byte of a message
//   is not acknowledged to its sender before the whole translation is to the receiver: so
//   the sender's own retransmission timer (RFC 6298) runs, and his first unacknowledged byte
//   stands for all of ours: a segment that has it is answered from the receiver's first
//   missing byte on. That timer slows down while only the receiver gets on. So what its
//   sender was told of is sent again by us, too: as duplicate acknowledgements ask for it
//   (RFC 6582), and once in a second, then two, then four (tick_stream()).
// * A segment that has nothing to let out leaves as a probe: one byte that the receiver has
//   already (as in a keep-alive, RFC 1122 4.2.3.6). It must answer at once with an
//   acknowledgement (RFC 9293 3.10.7.4), while a new byte might wait for a delayed one (RFC
//   1122 4.2.3.2) for half a second. That answer is what covers the held bytes. No
//   acknowledgement is made up.
// * A segment beyond a hole is kept here until the hole is filled; the probe's answer is the
//   duplicate acknowledgement that its sender counts (RFC 5681 3.2). Where the answer has
//   SACK blocks (RFC 2883), they say to him what is kept. He may not forget it for that (RFC
//   2018 8), so it may be thrown away at any time.
// * Bytes of the stream's first words are let out as they come until they say SIP or not, so
//   that nobody waits for us who does not speak SIP; the very first one in any case.
// * At a limit, at a malformed length, at what is no message, at FIN in the midst of one, the
//   held bytes go out as they are, and the direction is passed through from there for good,
//   its offset kept. This needs no memory: what is held becomes output where it lies. No
//   later message is looked for: nobody knows any more where one begins, and a line that
//   looks like a beginning may lie in a body, which strangers write (REQUIREMENTS S1).
// * More is sent than one packet should carry (RFC 6928), or than the receiver has room for
//   (it sees more bytes than the sender sent): the rest leaves as its acknowledgements come
//   (`emission`). Where no emission can be made, the sender's timer still moves it. FIN never
//   leaves with an emission: its sender sends it again until it is acknowledged.
#ifndef SIP_EXT_TCP_STREAM_H
#define SIP_EXT_TCP_STREAM_H

#include "message_frame.h"

namespace sip {

// What happens to streams, for the counters.
enum class stream_count : u8 {
	translated,	// a message left changed
	unchanged,	// a message left as it is
	idle,		// keep-alives between messages
	held,		// a segment was held, and left as a probe
	hole,		// a segment beyond a hole left as a probe, perhaps kept until it is its turn
	resent,		// ours was sent again
	emitted,	// an emission was asked for
	stripped,	// data was taken off a SYN: its sender sends it again
	full,		// new bytes were refused while others wait to be acknowledged
	// why a direction is passed through from here on
	not_sip,
	malformed_length,
	too_long,	// a message longer than max_message or than the connection's share
	too_slow,	// a message that did not go on
	no_memory,
	urgent,
	mid_stream,	// its beginning was not seen
	cut,		// FIN in the midst of a message
	counts
};

// Bytes [offset, offset + old_length) of a message become `bytes`, which lie outside of it.
struct translation {
	u32 offset;
	u32 old_length;
	const char *bytes;
	u32 new_length;
};

struct stream_host;
struct stream_flow;

// One complete message in the hands of its translator.
class stream_message {
public:
	stream_message(const stream_host &host, stream_flow &flow, text_view text, bool is_held)
		: host_(host), flow_(flow), text_(text), is_held_(is_held) {}

	// Good until take() has said yes.
	text_view text() const { return text_; }
	// The message leaves so: there is room, and the bytes are in their place. It cannot be
	// undone, and is asked for once. False: it leaves as it came, or comes again.
	[[nodiscard]] bool take(const translation &what);
	// Room to write it as it leaves, at most so many bytes: then it need not be copied. Null:
	// there is none, or take() has to know what stays.
	[[nodiscard]] char *room(u32 most);
	// It was written there: so many bytes, one at least. It cannot be undone.
	void fill(u32 size);
	bool is_taken() const { return is_taken_; }

private:
	[[nodiscard]] bool take_fresh(const translation &what);
	[[nodiscard]] bool take_held(const translation &what);

	const stream_host &host_;
	stream_flow &flow_;
	text_view text_;
	bool is_held_;	// it lies where the flow holds it, and not in the segment
	bool is_taken_ = false;
};

// What the engine asks of its surroundings; `context` is for them.
struct stream_host {
	void *context;
	// A piece of memory of stream_piece_min << n bytes, or NULL. Never sleeps.
	void *(*take)(void *context, u32 size);
	void (*give)(void *context, void *piece, u32 size);
	// Called once for each complete message.
	void (*translate)(void *context, u8 direction, stream_message &message);
	void (*count)(void *context, stream_count what);
	u32 max_bytes;	// held and unacknowledged, per direction; and as many beyond holes
	u32 max_held_ms;	// since an incomplete message last went on
	// Whether the bytes are one whole message by its Content-Length, and nothing else: then the translator, who
	// has read them for that, is called next. False says nothing. Null: nobody can tell.
	bool (*is_whole)(void *context, text_view bytes) = nullptr;
};

inline constexpr u32 stream_piece_min = SIPX_SMALL_PIECE;

struct stream_range {
	u32 left;
	u32 right;
};

inline constexpr u32 max_sack_blocks = 4;	// as many as fit the option (RFC 2018 3)

struct stream_segment {
	u8 direction;		// 0: from who sent the first SYN
	bool syn, fin, rst, urgent;
	bool has_ack;
	u8 sack_count;
	u16 window_field;	// as written
	u32 window;		// in bytes, scaled (RFC 7323 2.3)
	u32 seq;
	u32 ack;
	stream_range sacks[max_sack_blocks];
	text_view payload;
	u32 now_ms;
};

// A segment that the engine wishes to be sent besides, in `direction`, with ACK and PSH. It
// may get lost like any other.
struct stream_emission {
	u8 direction;
	u16 window_field;
	u32 seq;
	u32 ack;
	text_view payload;	// empty: no emission
};

enum class sack_fate : u8 {
	keep,		// as it came
	replace,	// blocks of the answer, as many as came
	blank,		// the option becomes NOPs
};

// What leaves instead: sequence and acknowledgement numbers; payload[0, head), then `ours`,
// then `tail`, which both may be empty. Views hold until the engine's next call.
struct stream_answer {
	bool same_payload;	// the payload stays as it is: only numbers change, if at all
	bool fin;		// leaves with FIN
	bool plausible;		// both numbers are near what the connection is at, or the SYN is its own
	sack_fate sack;
	u32 seq;
	u32 ack;
	stream_range sacks[max_sack_blocks];
	text_view head;		// of the segment's payload
	text_view ours;
	text_view tail;		// of the segment's payload
	stream_emission emission;
};

// One way a message went: so many bytes became so many.
struct stream_run {
	u32 in;
	u32 out;
};

// Exact for as many messages under way; beyond, the last ones are mapped as one, which costs
// acknowledgements that are less exact, and SACK. Each is looked at for each segment.
inline constexpr u32 max_runs = 32;

// What is ours of one direction: output not yet acknowledged, then input that is held.
struct stream_store_state {
	u32 size;	// of the whole piece
	u32 begin;
	u32 stored;
	u32 held;
	u32 recover;	// RFC 6582: out_sent when a loss was seen
	u32 began_ms;	// when the held message began
	u32 moved_ms;	// when it last went on
	u32 sent_ms;	// when output last left, or was acknowledged
	message_frame frame;	// of the held message
	u32 run_count;
};

struct stream_store : stream_store_state {
	stream_run runs[max_runs];

	u32 room() const { return size - u32(sizeof(stream_store)); }
	char *bytes() { return reinterpret_cast<char *>(this + 1); }
	char *output() { return bytes() + begin; }
	char *input() { return output() + stored; }
};

// As many holes at once; what lies beyond another one is left for its sender to repeat.
inline constexpr u32 max_waiting = 32;

// Bytes beyond holes, so that a lost segment costs no retransmission but its own. Their sender
// has them, too: they can be thrown away at any time.
struct stream_waiting {
	u32 size;	// of all this
	u32 base;	// the position of bytes()[0]
	u32 began_ms;
	u32 count;
	u32 newest;	// index of the range that was added to last (RFC 2018 4)
	stream_range ranges[max_waiting];	// in their order, with a hole before each

	char *bytes() { return reinterpret_cast<char *>(this + 1); }
	u32 room() const { return size - u32(sizeof(stream_waiting)); }
};

enum class flow_mode : u8 {
	through,	// passed through from in_end on; zeroed memory is in this mode
	fresh,		// follows SIP, and no message has been seen
	sip,
};

// One direction. Positions `in` are the sender's, `out` the receiver's. The sequence map:
// before in_head a fixed offset, from in_head to in_end the store's runs, from in_end on the
// held bytes, or a fixed offset again. Without runs, in_head is in_end.
struct stream_flow {
	stream_store *store;
	stream_waiting *waiting;
	u32 in_head, out_head;
	u32 in_end, out_end;
	u32 in_acked;	// what the sender was told
	u32 in_told;	// the same, SACK included
	u32 out_acked;	// what the receiver said
	u32 out_sent;	// what left
	u32 out_edge;	// where the receiver's window ends
	u32 first;	// the SYN's sequence number
	u32 ack_sent;	// the last acknowledgement that left in this direction
	u16 window_sent;
	u16 released;	// of the held bytes: let out as they are
	flow_mode mode;
	char last_byte;	// the one before out_head
	u8 duplicates;
	u8 tries;
	bool started;
	bool ended;	// FIN was seen
};

struct tcp_stream {
	stream_flow flows[2];
	bool reset;
	bool asked[2];	// who has sent a SYN last that is not the connection's
	u32 anew;	// the number of that SYN
};

// Memory per idle connection.
static_assert(sizeof(tcp_stream) <= 160);

// Zeroed memory is a connection whose beginning was not seen: passed through.
//
// One segment, in the order of their arrival; the caller keeps others of the connection out.
[[nodiscard]] stream_answer carry_segment(const stream_host &host, tcp_stream &stream, const stream_segment &segment);

// Something may have to be done though nobody sends anything.
[[nodiscard]] bool stream_waits(const tcp_stream &stream);
// Once a second or so while it returns true: time limits, and what nobody else asks for.
[[nodiscard]] bool tick_stream(const stream_host &host, tcp_stream &stream, u32 now_ms,
			       stream_emission (&emissions)[2]);

// Passes both directions through from here on.
void pass_stream_through(const stream_host &host, tcp_stream &stream, stream_count why);

// Frees everything.
void end_stream(const stream_host &host, tcp_stream &stream);

// Reset, or both ends have said all.
[[nodiscard]] bool is_over(const tcp_stream &stream);
// Nothing that the engine does would change a packet, now or later.
[[nodiscard]] bool is_untouched(const tcp_stream &stream);
[[nodiscard]] u32 bytes_of_stream(const tcp_stream &stream);

} // namespace sip

#endif
