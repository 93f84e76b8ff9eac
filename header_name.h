// SPDX-License-Identifier: GPL-2.0
// Which header fields the parser reads, by name and compact form (RFC 3261 7.3.3 and
// the RFCs named below). Every other field is passed over.
#ifndef SIP_EXT_HEADER_NAME_H
#define SIP_EXT_HEADER_NAME_H

#include "cursor.h"

namespace sip {

enum class header : u8 {
	other,
	via, from, to, call_id, cseq, contact, expires, session_expires,
	content_length, content_type, content_encoding, content_transfer_encoding,
	record_route, route, path, service_route, refer_to, reply_to, referred_by,
	p_asserted_identity, p_preferred_identity, remote_party_id, diversion, history_info,
};

// HCOLON: blanks may stand before the colon (RFC 3261 25.1).
template<fixed_text name>
[[gnu::always_inline]] inline bool accept_name(cursor &line)
{
	if (!line.looking_at<name>())
		return false;

	cursor rest = line;
	rest.skip(name.size);
	rest.skip_blanks();
	if (!rest.accept(':'))
		return false;
	line = rest;
	return true;
}

inline header take_content_name(cursor &line)
{
	if (!line.looking_at<"content-">())
		return header::other;
	if (accept_name<"content-length">(line))
		return header::content_length;
	if (accept_name<"content-type">(line))
		return header::content_type;
	if (accept_name<"content-encoding">(line))
		return header::content_encoding;
	if (accept_name<"content-transfer-encoding">(line))
		return header::content_transfer_encoding;
	return header::other;
}

inline header take_c_name(cursor &line)
{
	switch (line.peek(1) | 0x20) {
	case 'a':
		return accept_name<"call-id">(line) ? header::call_id : header::other;
	case 's':
		return accept_name<"cseq">(line) ? header::cseq : header::other;
	case 'o':
		return accept_name<"contact">(line) ? header::contact : take_content_name(line);
	default:
		return accept_name<"c">(line) ? header::content_type : header::other;
	}
}

// Path RFC 3327, P-*-Identity RFC 3325.
inline header take_p_name(cursor &line)
{
	if (accept_name<"path">(line))
		return header::path;
	if (!line.looking_at<"p-">())
		return header::other;
	if (accept_name<"p-asserted-identity">(line))
		return header::p_asserted_identity;
	if (accept_name<"p-preferred-identity">(line))
		return header::p_preferred_identity;
	return header::other;
}

// Refer-To RFC 3515, Referred-By RFC 3892, Remote-Party-ID: its draft never became one.
inline header take_r_name(cursor &line)
{
	if (accept_name<"route">(line))
		return header::route;
	if (accept_name<"record-route">(line))
		return header::record_route;
	if (accept_name<"refer-to">(line) || accept_name<"r">(line))
		return header::refer_to;
	if (accept_name<"referred-by">(line))
		return header::referred_by;
	if (accept_name<"reply-to">(line))
		return header::reply_to;
	if (accept_name<"remote-party-id">(line))
		return header::remote_party_id;
	return header::other;
}

// Session-Expires RFC 4028, Service-Route RFC 3608.
inline header take_s_name(cursor &line)
{
	if (accept_name<"session-expires">(line))
		return header::session_expires;
	if (accept_name<"service-route">(line))
		return header::service_route;
	return header::other;
}

// One of two names of a field, or no field of ours.
template<fixed_text name, fixed_text compact>
[[gnu::always_inline]] inline header take_either(cursor &line, header which)
{
	return accept_name<name>(line) || accept_name<compact>(line) ? which : header::other;
}

template<fixed_text name>
[[gnu::always_inline]] inline header take_one(cursor &line, header which)
{
	return accept_name<name>(line) ? which : header::other;
}

// Inlined where it is used: it is called for every line of a header. Reads the name of a
// field of ours and its colon. For any other field the cursor
// stays where it is.
[[gnu::always_inline]] inline header take_header_name(cursor &line)
{
	switch (line.peek() | 0x20) {
	case 'v':
		return take_either<"via", "v">(line, header::via);
	case 'f':
		return take_either<"from", "f">(line, header::from);
	case 't':
		return take_either<"to", "t">(line, header::to);
	case 'i':
		return take_one<"i">(line, header::call_id);
	case 'm':
		return take_one<"m">(line, header::contact);
	case 'l':
		return take_one<"l">(line, header::content_length);
	case 'x':
		return take_one<"x">(line, header::session_expires);
	case 'b':
		return take_one<"b">(line, header::referred_by);
	case 'e':
		if (accept_name<"expires">(line))
			return header::expires;
		return take_one<"e">(line, header::content_encoding);
	case 'd':	// RFC 5806
		return take_one<"diversion">(line, header::diversion);
	case 'h':	// RFC 7044
		return take_one<"history-info">(line, header::history_info);
	case 'c':
		return take_c_name(line);
	case 'p':
		return take_p_name(line);
	case 'r':
		return take_r_name(line);
	case 's':
		return take_s_name(line);
	default:
		return header::other;
	}
}

} // namespace sip

#endif
