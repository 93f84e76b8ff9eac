// SPDX-License-Identifier: GPL-2.0
// Where a message of a stream ends (RFC 3261 18.3): by Content-Length alone, and a message
// without one has no body. Each byte is looked at once, however the stream is cut.
#ifndef SIP_EXT_MESSAGE_FRAME_H
#define SIP_EXT_MESSAGE_FRAME_H

#include "sip_types.h"

namespace sip {

// What parse() takes: its offsets have 16 bits.
inline constexpr u32 max_message = 65535;
// METHOD SP scheme ':' before which no edit can be. Longer is no SIP that anybody speaks;
// it bounds what a stream that is not SIP can keep us waiting for.
inline constexpr u32 max_undecided = 96;

enum class frame_state : u8 {
	undecided,	// may be SIP or not; no edit can touch any of these bytes
	more,		// SIP, and the message goes on
	complete,	// a message of length() bytes
	idle,		// length() bytes between messages that are none: keep-alives
	foreign,	// not SIP
	bad_length,	// a Content-Length that is no number, or two that differ
	too_long,	// more than max_message
};

// Before the first message of a stream there may be line ends (RFC 3261 7.5), and nothing
// else: what begins otherwise is another protocol. Behind it there may be all that keeps a
// connection alive: RFC 5626 3.5.1 has line ends alone, but NUL, blanks and STUN (RFC 8489),
// which are meant for datagrams, are sent over TCP, too.
enum class frame_place : u8 { first, between };

class message_frame {
public:
	message_frame() = default;
	explicit message_frame(frame_place place) : place_(place) {}

	// `message` begins with the message's first byte and holds at least what it held the
	// last time. After anything but `undecided` and `more` comes a new frame.
	[[nodiscard]] frame_state scan(text_view message);

	// The whole message, once its header has been read; 0 before.
	u32 length() const { return length_; }

private:
	// What the byte at at_ is a part of.
	enum class part : u8 { begin, method, gap, scheme, colon, slash, start_line, status_line, header, body };

	[[nodiscard]] frame_state scan_idle(text_view message);
	[[nodiscard]] frame_state scan_stun(text_view message);
	[[nodiscard]] frame_state scan_prefix(text_view message);
	[[nodiscard]] bool scan_prefix_byte(text_view message, char c);
	void skip_method(text_view message);
	[[nodiscard]] frame_state scan_lines(text_view message);
	[[nodiscard]] bool says_nothing(const char *field, u32 size) const;
	[[nodiscard]] frame_state end_line(text_view message, u32 stop);
	[[nodiscard]] frame_state end_start_line(text_view message, u32 stop);
	[[nodiscard]] frame_state end_field(text_view field);
	[[nodiscard]] frame_state end_header(u32 stop);

	u32 at_ = 0;		// the first byte not looked at
	u32 line_ = 0;		// where its line begins
	u32 field_ = 0;		// where its header field begins, folded lines included
	u32 length_ = 0;
	u32 body_ = 0;		// Content-Length
	part part_ = part::begin;
	frame_place place_ = frame_place::first;
	bool has_body_ = false;
};

} // namespace sip

#endif
