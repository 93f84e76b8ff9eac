// SPDX-License-Identifier: GPL-2.0
// Content-Type and multipart bodies (RFC 3261 20.15, RFC 2046 5.1, RFC 5621): finds the
// SDP parts by their type.
#ifndef SIP_EXT_MULTIPART_PARSE_H
#define SIP_EXT_MULTIPART_PARSE_H

#include "header_name.h"
#include "sdp_parse.h"

namespace sip {

// What lies under a signature or in cipher text is nobody's to change (RFC 1847).
inline content_type type_of(cursor type, cursor subtype)
{
	if (type.is<"application">())
		return subtype.is<"sdp">() ? content_type::sdp : content_type::other;
	if (!type.is<"multipart">() || subtype.is<"signed">() || subtype.is<"encrypted">())
		return content_type::other;
	return content_type::multipart;
}

// A type that cannot be read is a type that is not ours.
inline void read_content_type(cursor value, content &out)
{
	parameter found;

	out.boundary = {};
	value.skip_lws();
	if (value.is<"application/sdp">()) {
		out.type = content_type::sdp;
		return;
	}
	out.type = content_type::other;
	if (value.done())
		return;
	const cursor type = value.take_while(cc_token);
	value.skip_lws();
	if (type.done() || !value.accept('/'))
		return;
	value.skip_lws();
	out.type = type_of(type, value.take_while(cc_token));
	while (next_parameter(value, found))
		if (found.name.is<"boundary">())
			out.boundary = found.value;
}

// Any coding but the plain ones hides the text (RFC 3261 20.12, RFC 2045 6).
inline void read_encoding(cursor value, content &out)
{
	value.skip_lws();
	value.trim_end();
	if (!value.done() && !value.is<"identity">() && !value.is<"binary">() &&
	    !value.is<"7bit">() && !value.is<"8bit">())
		out.encoded = true;
}

// What a part says twice could be changed in one place only.
inline bool read_part_field(parser &p, header name, cursor field, content &part)
{
	switch (name) {
	case header::content_type:
		if (part.type != content_type::none)
			return p.fail(parse_error::body);
		read_content_type(field, part);
		return true;
	case header::content_encoding:
	case header::content_transfer_encoding:
		read_encoding(field, part);
		return true;
	case header::content_length:
		field.skip_lws();
		field.trim_end();
		if (field.done() || !part.length.empty())
			return p.fail(parse_error::body);
		part.length = p.span_of(field);
		return true;
	default:
		return true;
	}
}

// The header of a part, up to the empty line. A part may have none (RFC 2046 5.1).
inline bool read_part_header(parser &p, cursor &text, content &part)
{
	line_reader lines(text);
	cursor field;

	while (!lines.done()) {
		(void)lines.take_folded(field);
		if (field.done())
			break;
		const header name = take_header_name(field);
		if (name != header::other && !read_part_field(p, name, field, part))
			return false;
	}
	text = {lines.at(), lines.end()};
	return true;
}

enum class delimiter : u8 { none, opens, closes };

// A line "--boundary" or "--boundary--", perhaps with blanks behind.
inline delimiter match_delimiter(cursor line, cursor boundary)
{
	if (line.peek() != '-' || line.peek(1) != '-' || line.left() < 2 + boundary.left())
		return delimiter::none;
	line.skip(2);
	if (!same_bytes(line.at(), boundary.at(), boundary.left()))
		return delimiter::none;
	line.skip(boundary.left());
	const bool closes = line.peek() == '-' && line.peek(1) == '-';
	if (closes)
		line.skip(2);
	line.skip_blanks();
	if (!line.done())
		return delimiter::none;
	return closes ? delimiter::closes : delimiter::opens;
}

// The text up to the next delimiter of this boundary, without the line end before it,
// which belongs to the delimiter. At the end of the text: as if it were closed there.
inline delimiter take_part(line_reader &lines, cursor boundary, cursor &part)
{
	const char *begin = lines.at();
	cursor line;

	while (!lines.done()) {
		(void)lines.take(line);
		const delimiter found = match_delimiter(line, boundary);
		if (found == delimiter::none)
			continue;

		const char *stop = line.at();
		if (stop > begin && stop[-1] == '\n')
			stop--;
		if (stop > begin && stop[-1] == '\r')
			stop--;
		part = {begin, stop};
		return found;
	}
	part = {begin, lines.at()};
	return delimiter::closes;
}

inline bool usable_boundary(cursor boundary)
{
	return !boundary.done() && boundary.left() <= max_boundary &&
	       boundary.find('\\') == boundary.end();
}

// Goes to the first part. A multipart body in which its boundary never opens one is
// not understood.
inline bool skip_preamble(parser &p, line_reader &lines, cursor boundary)
{
	cursor preamble;

	if (!usable_boundary(boundary) ||
	    take_part(lines, boundary, preamble) != delimiter::opens)
		return p.fail(parse_error::body);
	return true;
}

// The parts of a multipart inside of a multipart. Deeper ones are not understood.
inline bool parse_inner_multipart(parser &p, cursor text, cursor boundary)
{
	line_reader lines(text);
	delimiter next = delimiter::opens;

	if (!skip_preamble(p, lines, boundary))
		return false;
	while (next == delimiter::opens) {
		content inner;
		cursor part;

		next = take_part(lines, boundary, part);
		if (!read_part_header(p, part, inner))
			return false;
		if (inner.encoded)
			continue;
		if (inner.type == content_type::multipart)
			return p.fail(parse_error::body);
		if (inner.type == content_type::sdp && !parse_sdp(p, part, inner.length))
			return false;
	}
	return true;
}

inline bool parse_multipart(parser &p, cursor text, cursor boundary)
{
	line_reader lines(text);
	delimiter next = delimiter::opens;

	if (!skip_preamble(p, lines, boundary))
		return false;
	while (next == delimiter::opens) {
		content inner;
		cursor part;

		next = take_part(lines, boundary, part);
		if (!read_part_header(p, part, inner))
			return false;
		if (inner.encoded)
			continue;
		const u8 bodies = p.view.body_count;
		if (inner.type == content_type::multipart &&
		    !parse_inner_multipart(p, part, inner.boundary))
			return false;
		// The view has no place for a second length around the same SDP.
		if (inner.type == content_type::multipart && !inner.length.empty() &&
		    p.view.body_count != bodies)
			return p.fail(parse_error::body);
		if (inner.type == content_type::sdp && !parse_sdp(p, part, inner.length))
			return false;
	}
	return true;
}

inline bool parse_body(parser &p, cursor text)
{
	if (text.done() || p.body.encoded)
		return true;
	if (p.body.type == content_type::sdp)
		return parse_sdp(p, text, {});
	if (p.body.type == content_type::multipart)
		return parse_multipart(p, text, p.body.boundary);
	return true;
}

} // namespace sip

#endif
