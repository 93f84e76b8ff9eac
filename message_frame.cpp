// SPDX-License-Identifier: GPL-2.0
#include "message_frame.h"

#include "header_name.h"

namespace sip {

namespace {

cursor cursor_of(text_view text) { return {text.data(), text.data() + text.size()}; }

bool is_alpha(char c) { return u8((c | 0x20) - 'a') < 26; }

// RFC 3986 3.1.
bool is_scheme(char c) { return is_alpha(c) || is_in(c, cc_digit) || c == '+' || c == '-' || c == '.'; }

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

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

// Up to the URI's scheme, byte by byte. What is no SIP mostly shows in its first word:
// TLS with its first byte, "GET /" with the slash, SSH with its CR.
frame_state message_frame::scan_prefix(text_view message)
{
	u32 line_ends = 0;

	while (at_ == 0 && line_ends < message.size() && is_line_end(message[line_ends]))
		line_ends++;
	if (line_ends) {
		length_ = line_ends;
		return frame_state::idle;
	}
	while (at_ < message.size() && part_ < part::start_line) {
		if (at_ == max_undecided || !scan_prefix_byte(message, message[at_]))
			return frame_state::foreign;
		at_++;
	}
	// Behind the colon a host may follow, and that may be ours to change.
	return part_ <= part::colon ? frame_state::undecided : frame_state::more;
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

	while (part_ != part::body) {
		const char *stop = find_byte(begin + at_, end, '\n');
		at_ = u32(stop - begin);
		if (stop == end)
			return at_ > max_message ? frame_state::too_long : frame_state::more;
		const u32 before = at_;
		const frame_state state = end_line(message, before);
		if (state != frame_state::more || at_ == before)
			return state;
	}
	return frame_state::more;
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
	return end_field(field);
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
