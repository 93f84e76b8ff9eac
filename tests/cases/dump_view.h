// SPDX-License-Identifier: GPL-2.0
// A message_view as text, so that a case can write down the whole of what it expects.
//
//   INVITE sip:bob@b.example cseq 1		or "200 INVITE cseq 1"; a method that is
//						not known by name: "?FOO ..."
//   ids <call-id> <from-tag> <to-tag>		"-" where there is none
//   parties <from-uri> <to-uri>
//   via <sent-by>[:port] [branch=..] [rport]	the topmost
//   counts vias=.. contacts=..		where not 1 and 0; "contacts=*" for the star
//   start N, length N, expires N, session-expires N, encoded, cseq-method M
//   body <its first characters>		rest N: bytes behind the message
//   @place[body or via.stream] host:port [user] [sips] [expires=N]
//   +sdp o=I c=I streams=N			I: number of the address; part-length=N, length=N
//   =kind transport [rtp] port[/count] c=I ...	one per m= section
#ifndef SIP_EXT_CASES_DUMP_VIEW_H
#define SIP_EXT_CASES_DUMP_VIEW_H

#include "../../message_view.h"

namespace sip_cases {

using sip::text_view;

// Text that grows in a buffer of the caller and stops at its end.
class dump_text {
public:
	dump_text(char *buffer, u32 size) : buffer_(buffer), size_(size) {}

	dump_text &operator<<(text_view text)
	{
		for (u32 i = 0; i < text.size(); i++)
			put(text[i]);
		return *this;
	}
	dump_text &operator<<(u32 number)
	{
		char digits[10];
		u32 count = 0;

		do {
			digits[count++] = char('0' + number % 10);
			number /= 10;
		} while (number);
		while (count)
			put(digits[--count]);
		return *this;
	}
	void put(char c)
	{
		if (length_ < size_)
			buffer_[length_++] = c;
		else
			full_ = true;
	}
	text_view text() const { return {buffer_, length_}; }
	bool full() const { return full_; }

private:
	char *buffer_;
	u32 size_;
	u32 length_ = 0;
	bool full_ = false;
};

inline text_view name_of(sip::parse_error error)
{
	constexpr text_view names[] = {"none", "not_sip", "start_line", "header", "number", "length",
				       "body", "missing_header", "too_many_addresses",
				       "too_many_streams"};
	return names[u8(error)];
}

inline text_view name_of(sip::method method)
{
	constexpr text_view names[] = {"?", "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS",
				       "PRACK", "UPDATE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE",
				       "INFO", "REFER"};
	return names[u8(method)];
}

inline text_view name_of(sip::place where)
{
	constexpr text_view names[] = {
		"request-uri", "via", "via-received", "via-maddr", "contact", "record-route", "route",
		"path", "service-route", "refer-to", "from", "to", "reply-to", "referred-by",
		"p-asserted-identity", "p-preferred-identity", "remote-party-id", "diversion",
		"history-info", "uri-maddr", "sdp-origin", "sdp-connection", "sdp-rtcp", "sdp-candidate",
		"sdp-candidate-related", "sdp-path"};
	return names[u8(where)];
}

inline text_view name_of(sip::media_kind kind)
{
	constexpr text_view names[] = {"other", "audio", "video", "image", "text", "application",
				       "message"};
	return names[u8(kind)];
}

inline text_view name_of(sip::media_transport transport)
{
	constexpr text_view names[] = {"other", "udp", "tcp"};
	return names[u8(transport)];
}

inline text_view name_of(sip::media_direction direction)
{
	constexpr text_view names[] = {"", " sendrecv", " sendonly", " recvonly", " inactive"};
	return names[u8(direction)];
}

inline text_view name_of(sip::setup_role role)
{
	constexpr text_view names[] = {"", " active", " passive", " actpass", " holdconn"};
	return names[u8(role)];
}

inline void dump_or_dash(dump_text &out, text_view text)
{
	if (text.empty())
		out << "-";
	else
		out << text;
}

inline void dump_start(dump_text &out, text_view bytes, const sip::message_view &view)
{
	if (view.request) {
		if (view.request_method == sip::method::unknown)
			out << "?";
		out << bytes.sub(view.method_name) << " " << bytes.sub(view.request_uri);
	} else {
		out << view.status << " " << name_of(view.request_method);
	}
	out << " cseq " << view.cseq << "\n";
	const text_view expected = view.request ? bytes.sub(view.method_name)
						: name_of(view.request_method);
	if (!(bytes.sub(view.cseq_method) == expected))
		out << "cseq-method " << bytes.sub(view.cseq_method) << "\n";
}

inline void dump_dialog(dump_text &out, text_view bytes, const sip::message_view &view)
{
	out << "ids " << bytes.sub(view.call_id) << " ";
	dump_or_dash(out, bytes.sub(view.from_tag));
	out << " ";
	dump_or_dash(out, bytes.sub(view.to_tag));
	out << "\nparties " << bytes.sub(view.from_uri) << " " << bytes.sub(view.to_uri) << "\nvia "
	    << bytes.sub(view.via.sent_by_host);
	if (view.via.sent_by_port)
		out << ":" << view.via.sent_by_port;
	if (!view.via.branch.empty())
		out << " branch=" << bytes.sub(view.via.branch);
	if (view.via.has_rport)
		out << " rport";
	out << "\n";
	if (view.via_count == 1 && !view.contact_count && !view.contact_star)
		return;
	out << "counts vias=" << view.via_count << " contacts=";
	if (view.contact_star)
		out << "*\n";
	else
		out << view.contact_count << "\n";
}

inline void dump_body(dump_text &out, text_view bytes, const sip::message_view &view)
{
	if (view.start)
		out << "start " << view.start << "\n";
	if (view.has_content_length)
		out << "length " << view.content_length_value << "\n";
	if (view.has_expires)
		out << "expires " << view.expires << "\n";
	if (view.session_expires)
		out << "session-expires " << view.session_expires << "\n";
	if (view.has_content_encoding)
		out << "encoded\n";
	if (view.end > view.body_start) {
		out << "body ";
		for (u32 i = view.body_start; i < view.end && i < view.body_start + 12u; i++) {
			if (bytes[i] < ' ' || bytes[i] > '~')
				break;
			out.put(bytes[i]);
		}
		out << "\n";
	}
	if (bytes.size() > view.end)
		out << "rest " << (bytes.size() - view.end) << "\n";
}

inline bool in_sdp(sip::place where)
{
	return where >= sip::place::sdp_origin;
}

inline void dump_address(dump_text &out, text_view bytes, const sip::address_ref &ref)
{
	const bool numbered = in_sdp(ref.where) || ref.where == sip::place::via ||
			      ref.where == sip::place::via_received ||
			      ref.where == sip::place::via_maddr;

	out << "@" << name_of(ref.where);
	if (numbered)
		out << "[" << ref.index;
	if (numbered && ref.stream != sip::none)
		out << "." << ref.stream;
	if (numbered)
		out << "]";
	out << " " << (ref.bracketed ? text_view("[") : text_view()) << bytes.sub(ref.host)
	    << (ref.bracketed ? text_view("]") : text_view());
	if (!ref.port.empty())
		out << ":" << bytes.sub(ref.port);
	if (ref.has_user)
		out << " user";
	if (ref.secure)
		out << " sips";
	if (ref.has_expires)
		out << " expires=" << ref.expires;
	if (ref.transport != sip::uri_transport::unsaid)
		out << (ref.transport == sip::uri_transport::tcp   ? text_view(" tcp")
			: ref.transport == sip::uri_transport::udp ? text_view(" udp")
								   : text_view(" transport"));
	out << "\n";
}

inline void dump_index(dump_text &out, text_view name, u8 index)
{
	out << name;
	if (index == sip::none)
		out << "-";
	else
		out << index;
}

inline void dump_sdp(dump_text &out, text_view bytes, const sip::sdp_body &body, u32 end)
{
	dump_index(out, "+sdp o=", body.origin);
	dump_index(out, " c=", body.connection);
	out << " streams=" << body.stream_count;
	if (!body.part_content_length.empty())
		out << " part-length=" << bytes.sub(body.part_content_length);
	if (body.text.end() != end)
		out << " length=" << body.text.length;
	out << "\n";
}

inline void dump_stream(dump_text &out, text_view bytes, const sip::media_stream &stream)
{
	out << "=" << name_of(stream.kind) << " " << name_of(stream.transport)
	    << (stream.rtp ? text_view(" rtp ") : text_view(" ")) << bytes.sub(stream.port);
	if (stream.port_count != 1)
		out << "/" << stream.port_count;
	dump_index(out, " c=", stream.connection);
	if (!stream.rtcp_port.empty()) {
		out << " rtcp=" << bytes.sub(stream.rtcp_port);
		dump_index(out, "@", stream.rtcp_address);
		if (stream.rtcp_is_name)
			out << "name";
	}
	out << name_of(stream.direction) << name_of(stream.setup);
	const struct {
		bool said;
		text_view text;
	} flags[] = {{stream.rtcp_mux, " mux"},		{stream.rtcp_mux_only, " mux-only"},
		     {stream.bundled, " bundled"},	{stream.bundle_only, " bundle-only"},
		     {stream.has_candidates, " ice"},	{stream.connection_is_name, " name"},
		     {stream.msrp_cema, " cema"},
		     {stream.on_hold_address, " hold"}};
	for (const auto &flag : flags)
		if (flag.said)
			out << flag.text;
	out << "\n";
}

// The view of a message that parse() accepted.
inline void dump_view(dump_text &out, text_view bytes, const sip::message_view &view)
{
	dump_start(out, bytes, view);
	dump_dialog(out, bytes, view);
	dump_body(out, bytes, view);
	for (u32 i = 0; i < view.address_count; i++)
		dump_address(out, bytes, view.addresses[i]);
	for (u32 i = 0; i < view.body_count; i++) {
		const sip::sdp_body &body = view.bodies[i];

		dump_sdp(out, bytes, body, view.end);
		for (u32 j = 0; j < body.stream_count; j++)
			dump_stream(out, bytes, view.streams[body.first_stream + j]);
	}
}

} // namespace sip_cases

#endif
