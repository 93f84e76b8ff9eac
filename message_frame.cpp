// SPDX-License-Identifier: GPL-2.0
#include "message_frame.h"

#include "header_name.h"

namespace sip {

namespace {

cursor cursor_of(text_view text) { return {text.data(), text.data() + text.size()}; }

bool is_alpha(char c) { return u8((c | 0x20) - 'a') < 26; }

// RFC 3986 3.1.
bool is_scheme(char c) { return is_alpha(c) || is_in(c, cc_digit) || c == '+' || c == '-' || c == '.'; }

// Content-Length, or l: all other fields say nothing here, and most of them are told by the
// ninth byte of their line.
bool may_be_length(text_view field)
{
	const char first = field[0] | 0x20;
	return first == 'l' || (first == 'c' && field.size() > 8 && (field[8] | 0x20) == 'l');
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

bool is_padding(char c) { return c == '\0' || c == ' '; }

constexpr u8 stun_cookie[] = {0x21, 0x12, 0xa4, 0x42};	// RFC 8489 5
constexpr u32 stun_header = 20;
// A Binding has a few attributes; longer is none.
constexpr u32 max_stun = 1500;

// A Binding request, indication, response or error (RFC 8489 5). One byte alone says
// nothing yet: NUL may be a keep-alive by itself.
bool begins_like_stun(text_view bytes)
{
	if (bytes.empty() || u8(bytes[0]) > 1)
		return false;
	return bytes.size() > 1 ? bytes[1] == 0x01 || bytes[1] == 0x11 : bytes[0] == 0x01;
}

// The last word of a request line: SIP/2.0, or a SIP that we do not know, which frames
// its messages the same way as far as anybody can tell.
bool ends_in_sip_version(cursor line)
{
	line.trim_end();
	if (line.left() < 8 || !is_in(line.end()[-8], cc_blank))
		return false;
	return cursor{line.end() - 7, line.end()}.looking_at<"sip/">();
}

} // namespace

frame_state message_frame::scan(text_view message)
{
	if (part_ < part::start_line) {
		const frame_state early = scan_prefix(message);
		if (part_ < part::start_line)
			return early;
	}
	if (part_ != part::body) {
		const frame_state early = scan_lines(message);
		if (early != frame_state::more || part_ != part::body)
			return early;
	}
	return message.size() < length_ ? frame_state::more : frame_state::complete;
}

// A STUN message is as long as its header says. What only begins like one is nothing that
// could be told apart from what follows it.
frame_state message_frame::scan_stun(text_view message)
{
	const u32 there = message.size() < sizeof(stun_cookie) + 4 ? message.size() : sizeof(stun_cookie) + 4;

	for (u32 i = 4; i < there; i++)
		if (u8(message[i]) != stun_cookie[i - 4])
			return frame_state::foreign;
	if (message.size() < 4)
		return frame_state::more;
	const u32 length = stun_header + (u32{u8(message[2])} << 8 | u8(message[3]));
	if (length % 4 || length > max_stun)
		return frame_state::foreign;
	length_ = length;
	return message.size() < length ? frame_state::more : frame_state::idle;
}

// What may stand between messages, or `undecided` where nothing of it does.
frame_state message_frame::scan_idle(text_view message)
{
	u32 size = 0;

	if (place_ == frame_place::between && begins_like_stun(message))
		return scan_stun(message);
	while (size < message.size() && (is_line_end(message[size]) ||
					 (place_ == frame_place::between && is_padding(message[size]) &&
					  !begins_like_stun(message.sub(size)))))
		size++;
	length_ = size;
	return size ? frame_state::idle : frame_state::undecided;
}

// Up to the URI's scheme, byte by byte. What is no SIP mostly shows in its first word:
// TLS with its first byte, "GET /" with the slash, SSH with its CR.
frame_state message_frame::scan_prefix(text_view message)
{
	if (at_ == 0) {
		const frame_state idle = scan_idle(message);
		if (idle != frame_state::undecided)
			return idle;
	}
	while (at_ < message.size() && part_ < part::start_line) {
		if (at_ == max_undecided || !scan_prefix_byte(message, message[at_]))
			return frame_state::foreign;
		at_++;
		if (part_ == part::method)
			skip_method(message);
	}
	// Behind the colon a host may follow, and that may be ours to change.
	return part_ <= part::colon ? frame_state::undecided : frame_state::more;
}

void message_frame::skip_method(text_view message)
{
	const u32 most = message.size() < max_undecided ? message.size() : max_undecided;

	at_ = u32(find_class<false>(message.data() + at_, message.data() + most, cc_token) - message.data());
}

bool message_frame::scan_prefix_byte(text_view message, char c)
{
	switch (part_) {
	case part::begin:
		part_ = part::method;
		return is_in(c, cc_token);
	case part::method:
		if (is_in(c, cc_blank))
			part_ = part::gap;
		else if (c == '/' && at_ == 3 && cursor_of(message).looking_at<"sip">())
			part_ = part::status_line;
		else
			return is_in(c, cc_token);
		return true;
	case part::gap:
		// RFC 4475 3.1.2.7 and 3.1.2.9: angle brackets and more blanks than one
		if (is_alpha(c))
			part_ = part::scheme;
		return is_alpha(c) || is_in(c, cc_blank) || c == '<';
	case part::scheme:
		if (c == ':')
			part_ = part::colon;
		return c == ':' || is_scheme(c);
	case part::colon:
		part_ = c == '/' ? part::slash : part::start_line;
		return !is_line_end(c);
	default:
		// "http://": no URI that SIP carries names an authority in this way
		part_ = part::start_line;
		return c != '/' && !is_line_end(c);
	}
}

frame_state message_frame::scan_lines(text_view message)
{
	const char *begin = message.data(), *end = begin + message.size();
	line_reader lines(cursor{begin + at_, end});
	cursor line;

	while (lines.take(line)) {
		const u32 stop = u32(lines.at() - begin) - 1;
		if (says_nothing(begin + field_, stop - field_) && !lines.done() && !is_in(*lines.at(), cc_blank)) {
			line_ = field_ = stop + 1;
			continue;
		}
		at_ = stop;
		const frame_state state = end_line(message, stop);
		if (state != frame_state::more || at_ == stop || part_ == part::body)
			return state;
	}
	at_ = message.size();
	return at_ > max_message ? frame_state::too_long : frame_state::more;
}

// A field that is no Content-Length, and no empty line. Its first byte says so, or its ninth.
bool message_frame::says_nothing(const char *field, u32 size) const
{
	if (part_ != part::header)
		return false;
	return !is_in(*field, cc_framing) || ((*field | 0x20) == 'c' && !may_be_length({field, size}));
}

// The line feed at `stop` ends a line. at_ stays there where it cannot be said yet whether
// the field ends with it: RFC 3261 7.3.1, the next line may begin with a blank.
frame_state message_frame::end_line(text_view message, u32 stop)
{
	if (part_ != part::header)
		return end_start_line(message, stop);
	if (stop == line_ || (stop == line_ + 1 && message[line_] == '\r'))
		return end_header(stop);
	if (stop + 1 == message.size())
		return frame_state::more;
	line_ = at_ = stop + 1;
	if (is_in(message[line_], cc_blank))
		return frame_state::more;
	const text_view field = message.sub(field_, stop - field_);
	field_ = line_;
	return may_be_length(field) ? end_field(field) : frame_state::more;
}

frame_state message_frame::end_start_line(text_view message, u32 stop)
{
	if (part_ == part::start_line && !ends_in_sip_version(cursor_of(message.sub(0, stop))))
		return frame_state::foreign;
	part_ = part::header;
	line_ = field_ = at_ = stop + 1;
	return frame_state::more;
}

// Two equal ones leave no doubt where the message ends; what else they may mean is the
// parser's to say.
frame_state message_frame::end_field(text_view field)
{
	cursor text = cursor_of(field);
	u32 value;

	if (take_header_name(text) != header::content_length)
		return frame_state::more;
	text.skip_lws();
	text.trim_end();
	if (!read_number(text, ~0u, value) || !text.done() || (has_body_ && value != body_))
		return frame_state::bad_length;
	has_body_ = true;
	body_ = value;
	return value > max_message ? frame_state::too_long : frame_state::more;
}

frame_state message_frame::end_header(u32 stop)
{
	part_ = part::body;
	length_ = stop + 1 + body_;
	return length_ > max_message ? frame_state::too_long : frame_state::more;
}

} // namespace sip
