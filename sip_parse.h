// SPDX-License-Identifier: GPL-2.0
// SIP message -> message_view: parse() below is the whole interface. The grammar of RFC
// 3261 25.1, read with what is common in the wild where it can mean one thing only.
// Nothing is allocated or copied, and every byte is looked at a bounded number of times.
#ifndef SIP_EXT_SIP_PARSE_H
#define SIP_EXT_SIP_PARSE_H

#include "address_parse.h"
#include "multipart_parse.h"

namespace sip {

// Fields that may stand once only (RFC 3261 7.3.1), of which the first four and Via
// must stand in every message (RFC 3261 8.1.1).
enum seen_header : u8 {
	seen_call_id = 1,
	seen_cseq = 2,
	seen_from = 4,
	seen_to = 8,
	seen_content_length = 16,
	seen_content_type = 32,
	seen_required = seen_call_id | seen_cseq | seen_from | seen_to,
};

inline bool only_once(parser &p, u8 which)
{
	if (p.seen & which)
		return p.fail(parse_error::header);
	p.seen |= which;
	return true;
}

// Methods are case-sensitive (RFC 3261 7.1), and `name` is exactly as long as `word`.
template<fixed_text word>
[[gnu::always_inline]] inline bool is_method(cursor name)
{
	return name.left() == word.size && same_bytes(name.at(), word.bytes, word.size);
}

inline method method_of(cursor name)
{
	switch (name.peek()) {
	case 'I':
		return is_method<"INVITE">(name) ? method::invite :
		       is_method<"INFO">(name) ? method::info : method::unknown;
	case 'A':
		return is_method<"ACK">(name) ? method::ack : method::unknown;
	case 'B':
		return is_method<"BYE">(name) ? method::bye : method::unknown;
	case 'C':
		return is_method<"CANCEL">(name) ? method::cancel : method::unknown;
	case 'R':
		return is_method<"REGISTER">(name) ? method::register_ :
		       is_method<"REFER">(name) ? method::refer : method::unknown;
	case 'O':
		return is_method<"OPTIONS">(name) ? method::options : method::unknown;
	case 'P':
		return is_method<"PRACK">(name) ? method::prack :
		       is_method<"PUBLISH">(name) ? method::publish : method::unknown;
	case 'U':
		return is_method<"UPDATE">(name) ? method::update : method::unknown;
	case 'S':
		return is_method<"SUBSCRIBE">(name) ? method::subscribe : method::unknown;
	case 'N':
		return is_method<"NOTIFY">(name) ? method::notify : method::unknown;
	case 'M':
		return is_method<"MESSAGE">(name) ? method::message : method::unknown;
	default:
		return method::unknown;
	}
}

// RFC 3261 20.8: one word without blanks.
inline bool parse_call_id(parser &p, cursor text)
{
	text.skip_lws();
	const cursor id = text.take_until(cc_lws);
	text.skip_lws();
	if (id.done() || !text.done())
		return p.fail(parse_error::header);
	p.view.call_id = p.span_of(id);
	return only_once(p, seen_call_id);
}

// RFC 3261 20.16.
inline bool parse_cseq(parser &p, cursor text)
{
	text.skip_lws();
	const char *begin = text.at();
	if (!read_number(text, ~0u, p.view.cseq))
		return p.fail(parse_error::number);
	p.view.cseq_digits = p.span_of({begin, text.at()});
	const bool apart = !text.done() && is_in(*text.at(), cc_lws);
	text.skip_lws();
	const cursor name = text.take_while(cc_token);
	text.skip_lws();
	if (!apart || name.done() || !text.done())
		return p.fail(parse_error::header);
	p.view.cseq_method = p.span_of(name);
	if (!p.view.request)
		p.view.request_method = method_of(name);
	return only_once(p, seen_cseq);
}

// A second Content-Length, even an equal one, leaves open which of them counts and
// could not be kept true by changing one place.
inline bool parse_content_length(parser &p, cursor text)
{
	if (p.seen & seen_content_length)
		return p.fail(parse_error::length);
	p.seen |= seen_content_length;
	text.skip_lws();
	text.trim_end();
	p.view.content_length = p.span_of(text);
	p.view.has_content_length = true;
	if (!read_number(text, ~0u, p.view.content_length_value) || !text.done())
		return p.fail(parse_error::number);
	return true;
}

// The first one counts; a malformed one means an hour (RFC 3261 20.19).
inline void parse_expires(parser &p, cursor text)
{
	if (p.view.has_expires)
		return;
	text.skip_lws();
	text.trim_end();
	p.view.has_expires = true;
	if (!read_number(text, ~0u, p.view.expires) || !text.done())
		p.view.expires = malformed_expires;
}

// RFC 4028 4: a malformed one says nothing.
inline void parse_session_expires(parser &p, cursor text)
{
	text.skip_lws();
	if (!read_number(text, ~0u, p.view.session_expires))
		p.view.session_expires = 0;
}

inline bool parse_content_type(parser &p, cursor text)
{
	read_content_type(text, p.body);
	return only_once(p, seen_content_type);
}

[[gnu::always_inline]] inline bool parse_value(parser &p, header name, cursor value)
{
	switch (name) {
	case header::via:
		return parse_via(p, value);
	case header::from:
		return only_once(p, seen_from) && parse_party(p, value, place::from);
	case header::to:
		return only_once(p, seen_to) && parse_party(p, value, place::to);
	case header::call_id:
		return parse_call_id(p, value);
	case header::cseq:
		return parse_cseq(p, value);
	case header::contact:
		return parse_contact(p, value);
	case header::content_length:
		return parse_content_length(p, value);
	case header::content_type:
		return parse_content_type(p, value);
	case header::content_encoding:
	case header::content_transfer_encoding:
		read_encoding(value, p.body);
		return true;
	case header::expires:
		parse_expires(p, value);
		return true;
	case header::session_expires:
		parse_session_expires(p, value);
		return true;
	case header::record_route:
		return parse_address_list(p, value, place::record_route);
	case header::route:
		return parse_address_list(p, value, place::route);
	case header::path:
		return parse_address_list(p, value, place::path);
	case header::service_route:
		return parse_address_list(p, value, place::service_route);
	case header::refer_to:
		return parse_address_list(p, value, place::refer_to);
	case header::reply_to:
		return parse_address_list(p, value, place::reply_to);
	case header::referred_by:
		return parse_address_list(p, value, place::referred_by);
	case header::p_asserted_identity:
		return parse_address_list(p, value, place::p_asserted_identity);
	case header::p_preferred_identity:
		return parse_address_list(p, value, place::p_preferred_identity);
	case header::remote_party_id:
		return parse_address_list(p, value, place::remote_party_id);
	case header::diversion:
		return parse_address_list(p, value, place::diversion);
	case header::history_info:
		return parse_address_list(p, value, place::history_info);
	case header::other:
		break;
	}
	return true;
}

// Header fields up to the empty line. Where the datagram ends behind the line end of a
// field, the empty line is taken as meant; a line without end has lost its rest.
inline bool parse_headers(parser &p, line_reader &lines)
{
	cursor field;

	while (!lines.done()) {
		if (!lines.take_folded(field))
			return p.fail(parse_error::length);
		if (field.done())
			break;
		const header name = take_header_name(field);
		if (name != header::other && !parse_value(p, name, field))
			return false;
	}
	p.view.has_content_encoding = p.body.encoded;
	if ((p.seen & seen_required) != seen_required || !p.view.via_count)
		return p.fail(parse_error::missing_header);
	return true;
}

// Removes SIP-Version and the blanks around it from the end of a request line. Another
// version of SIP is SIP we do not know; no version is another protocol.
inline bool trim_sip_version(parser &p, cursor &line)
{
	line.trim_end();
	if (line.left() < 8)
		return p.fail(parse_error::not_sip);

	const cursor tail{line.end() - 8, line.end()};
	if (is_in(*tail.at(), cc_blank) && cursor{tail.at() + 1, tail.end()}.is<"sip/2.0">()) {
		line = {line.at(), tail.at()};
		line.trim_end();
		return true;
	}
	cursor word = line;
	while (!word.done() && !word.looking_at<" sip/">())
		word.skip_to(find_byte(word.at() + 1, word.end(), ' '));
	return p.fail(word.done() ? parse_error::not_sip : parse_error::start_line);
}

// Method SP Request-URI SP SIP-Version. More blanks than one are let pass (RFC 4475
// 3.1.2.9), and so are angle brackets (3.1.2.7) and blanks in the URI (3.1.2.8). Its scheme begins with a letter
// (RFC 3986 3.1), as a stream tells SIP by (message_frame.h).
inline bool parse_request_line(parser &p, cursor line)
{
	u8 index;

	const cursor name = line.take_while(cc_token);
	if (name.done() || line.done() || !is_in(*line.at(), cc_blank))
		return p.fail(parse_error::not_sip);
	line.skip_blanks();
	if (!trim_sip_version(p, line))
		return false;
	if (line.peek() == '<' && line.end()[-1] == '>')
		line = {line.at() + 1, line.end() - 1};
	p.view.request = true;
	p.view.method_name = p.span_of(name);
	p.view.request_method = method_of(name);
	p.view.request_uri = p.span_of(line);
	if (u8((line.peek() | 0x20) - 'a') >= 26)
		return p.fail(parse_error::start_line);
	if (!parse_uri(p, line, place::request_uri, index))
		return p.fail(p.error == parse_error::header ? parse_error::start_line : p.error);
	return true;
}

// SIP-Version SP Status-Code SP Reason-Phrase: the code has three digits.
inline bool parse_status_line(parser &p, cursor line)
{
	u32 code = 0;

	if (!line.accept_word<"sip/2.0">() || !is_in(line.done() ? '\0' : *line.at(), cc_blank))
		return p.fail(parse_error::start_line);
	line.skip_blanks();
	cursor digits = line.take_while(cc_digit);
	if (digits.left() != 3 || (!line.done() && !is_in(*line.at(), cc_lws)))
		return p.fail(parse_error::start_line);
	if (!read_number(digits, 699, code) || code < 100)
		return p.fail(parse_error::start_line);
	p.view.status = u16(code);
	return true;
}

// Methods are words that somebody thought of; the longest is that of RFC 4475 3.1.1.2.
inline constexpr u32 max_method = 48;

// A method and a blank, or a version and a slash: what begins otherwise is another protocol, and
// must cost nothing, however long its lines are.
inline bool begins_start_line(cursor text)
{
	const u32 most = text.left() < max_method + 1 ? text.left() : max_method + 1;
	cursor word{text.at(), text.at() + most};

	word.take_while(cc_token);
	return word.at() != text.at() && !word.done() && (*word.at() == '/' || is_in(*word.at(), cc_blank));
}

// A line that never ends is another protocol's.
inline bool parse_start_line(parser &p, line_reader &lines)
{
	cursor line;

	if (!lines.take(line))
		return p.fail(parse_error::not_sip);
	const bool good = line.looking_at<"sip/">() ? parse_status_line(p, line)
						    : parse_request_line(p, line);
	// A start line cannot be folded.
	if (good && !lines.done() && is_in(*lines.at(), cc_blank))
		return p.fail(parse_error::start_line);
	return good;
}

// RFC 3261 18.3: over UDP Content-Length cuts the datagram, or the datagram's end counts.
inline bool find_end(parser &p, cursor &body)
{
	if (!p.view.has_content_length)
		return true;
	if (p.view.content_length_value > body.left())
		return p.fail(parse_error::length);
	body = {body.at(), body.at() + p.view.content_length_value};
	return true;
}

// RFC 3261 7.5: line ends before the start line are nothing.
inline cursor without_line_ends(text_view bytes)
{
	cursor text{bytes.data(), bytes.data() + bytes.size()};
	while (text.peek() == '\r' || text.peek() == '\n')
		text.skip(1);
	return text;
}

// False: parse() would call it not_sip, and this is told by its first word.
inline bool begins_like_sip(text_view bytes)
{
	return begins_start_line(without_line_ends(bytes));
}

// Reads one datagram, or one message framed by Content-Length over TCP. On an error
// the view is not to be used. Of the view, the summary and the entries of its tables
// that the counts cover are written, and nothing else.
[[nodiscard]] inline parse_error parse(text_view bytes, message_view &view)
{
	cursor text = without_line_ends(bytes);
	if (!begins_start_line(text))
		return parse_error::not_sip;
	if (bytes.size() > 65535)
		return parse_error::length;

	static_cast<message_summary &>(view) = message_summary{};
	parser p{.base = bytes.data(), .view = view};
	line_reader lines(text);
	view.start = u16(text.at() - p.base);
	if (!parse_start_line(p, lines) || !parse_headers(p, lines))
		return p.error;
	text = {lines.at(), lines.end()};
	if (!find_end(p, text))
		return p.error;
	view.body_start = u16(text.at() - p.base);
	view.end = u16(text.end() - p.base);
	if (!parse_body(p, text))
		return p.error;
	return parse_error::none;
}

// What was read is one message of a stream by its Content-Length, and nothing else (RFC 3261 18.3). A datagram may
// leave out the empty line behind its header.
[[nodiscard]] inline bool is_framed(text_view bytes, const message_view &view)
{
	const u32 body = view.body_start;
	if (!view.has_content_length || view.start != 0 || view.end != bytes.size() || body < 3)
		return false;
	const u32 last = bytes[body - 2] == '\r' ? body - 3 : body - 2;
	return bytes[body - 1] == '\n' && bytes[last] == '\n';
}

} // namespace sip

#endif
