// SPDX-License-Identifier: GPL-2.0
#include "road_checks.h"

#include <algorithm>
#include <memory>

#include "../../sip_parse.h"
#include "../fake/text.h"

namespace fuzz {

using namespace sip;

namespace {

struct parsed {
	explicit parsed(const std::string &message) : text(message), view(std::make_unique<message_view>())
	{
		error = parse({text.data(), static_cast<u32>(text.size())}, *view);
	}
	std::string at(span s) const { return text.substr(s.offset, s.length); }
	const address_ref &ref(u32 i) const { return view->addresses[i]; }

	std::string text;
	std::unique_ptr<message_view> view;
	parse_error error;
};

bool is_identity(place where) { return where >= place::from && where <= place::history_info; }
bool has_no_port(place where)
{
	return where == place::via_maddr || where == place::uri_maddr || where == place::sdp_origin ||
	       where == place::sdp_connection;
}
u16 port_of(const address_ref &ref)
{
	return ref.port.empty() ? (ref.secure ? default_sips_port : default_sip_port) : ref.port_number;
}

// What a response repeats of the request that it answers (RFC 3261 8.2.6.2 and 12.1.1).
bool is_repeated(const message_view &view, place where)
{
	return !view.request && (where == place::via || where == place::via_maddr || where == place::from ||
				 where == place::to || where == place::record_route || where == place::path);
}

// Everything of the message but what may change: each address with its port, the ports of
// streams, the lengths.
class skeleton {
public:
	explicit skeleton(const parsed &of) : of_(of)
	{
		for (u32 i = 0; i < of.view->address_count; i++)
			take_address(of.ref(i));
		for (u32 i = 0; i < of.view->stream_count; i++) {
			take(of.view->streams[i].port, 'p');
			take(of.view->streams[i].rtcp_port, 'r');
		}
		for (u32 i = 0; i < of.view->body_count; i++)
			take(of.view->bodies[i].part_content_length, 'L');
		take(of.view->content_length, 'l');
	}
	std::string text()
	{
		std::sort(holes_.begin(), holes_.end());
		std::string out;
		u32 at = 0;
		for (const hole &one : holes_) {
			if (one.begin < at) // the port of a stream stands in its a=rtcp, too
				continue;
			out += of_.text.substr(at, one.begin - at) + "\x01" + one.kind;
			at = one.end;
		}
		return out + of_.text.substr(at);
	}

private:
	struct hole {
		u32 begin, end;
		char kind;
		bool operator<(const hole &other) const
		{
			return begin != other.begin ? begin < other.begin : end > other.end;
		}
	};
	void take(span s, char kind)
	{
		if (!s.empty())
			holes_.push_back({s.offset, s.end(), kind});
	}
	// With a port behind a URI's host or a sent-by, which may come and go; elsewhere the port
	// stands apart.
	void take_address(const address_ref &ref)
	{
		const bool together =
			ref.where < place::sdp_origin && ref.where != place::via_received && !has_no_port(ref.where);
		const u32 end = ref.host.end() + ref.bracketed;
		if (together && !ref.port.empty())
			holes_.push_back({ref.host.offset, ref.port.end(), 'a'});
		else if (!ref.host.empty())
			holes_.push_back({ref.host.offset, together ? end : ref.host.end(), 'a'});
		if (!together)
			take(ref.port, 'q');
	}
	const parsed &of_;
	std::vector<hole> holes_;
};

class comparison {
public:
	comparison(const road_line &line, bool outward, const std::string &message, const passed &one)
		: line_(line), outward_(outward), in_(message), out_(one.out), refusals_(one.refusals)
	{
	}

	std::string run()
	{
		if (out_.error != parse_error::none)
			return "the translation is not understood any more";
		if (skeleton(in_).text() != skeleton(out_).text())
			return "something else changed than addresses, ports and lengths";
		if (in_.view->address_count != out_.view->address_count ||
		    in_.view->stream_count != out_.view->stream_count)
			return "other addresses or streams are there than before";
		if (!lengths_hold())
			return "Content-Length is wrong";
		for (u32 i = 0; i < in_.view->address_count; i++) {
			const std::string fault = address_fault(in_.ref(i), out_.ref(i));
			if (!fault.empty())
				return fault + ", address " + std::to_string(i);
		}
		for (u32 i = 0; i < in_.view->stream_count; i++) {
			const std::string fault = stream_fault(i);
			if (!fault.empty())
				return fault + ", stream " + std::to_string(i);
		}
		return "";
	}

private:
	const endpoint &from() const { return outward_ ? line_.inner() : line_.outer(); }
	const endpoint &to() const { return outward_ ? line_.outer() : line_.inner(); }

	bool lengths_hold() const
	{
		const auto rest = [](const parsed &p) { return p.text.substr(p.view->end); };
		if (rest(in_) != rest(out_))
			return false;
		const u32 body = out_.view->end - out_.view->body_start;
		if (out_.view->has_content_length && out_.view->content_length_value != body)
			return false;
		for (u32 i = 0; i < in_.view->body_count; i++)
			if (!part_length_holds(in_.view->bodies[i], out_.view->bodies[i]))
				return false;
		return true;
	}
	// A part may count the line end before the delimiter, or not: as it did before, if it changed.
	bool part_length_holds(const sdp_body &before, const sdp_body &after) const
	{
		const std::string was = in_.at(before.part_content_length), is = out_.at(after.part_content_length);
		if (was.empty() || in_.at(before.text) == out_.at(after.text))
			return was == is;
		return std::stoul(is) - after.text.length == std::stoul(was) - before.text.length;
	}

	bool changed(const address_ref &a, const address_ref &b) const
	{
		return in_.at(a.host) != out_.at(b.host) || in_.at(a.port) != out_.at(b.port);
	}

	std::string address_fault(const address_ref &a, const address_ref &b)
	{
		if (a.where != b.where || a.secure != b.secure || a.index != b.index || a.stream != b.stream ||
		    a.bracketed != b.bracketed)
			return "an address is of another place than before";
		if (!changed(a, b))
			return must_change(a) ? "an inside address is left in a place that is translated" : "";
		const bool reflexive =
			outward_ && a.where == place::sdp_candidate && same_address(line_.outer(), a.address);
		const bool rport_alone = a.host.empty();
		if (!rport_alone && !reflexive && !same_address(from(), a.address))
			return "an address changed that is none of the sender's";
		if (!rport_alone && !same_address(to(), b.address))
			return "an address became another than it is mapped to";
		if (has_no_port(a.where))
			return "";
		return port_fault(a, b);
	}
	std::string port_fault(const address_ref &a, const address_ref &b) const
	{
		if (is_identity(a.where) && a.port.empty() && b.port.empty())
			return "";
		if (a.where == place::via_received || (a.where >= place::sdp_origin && a.port.empty()))
			return a.port.empty() == b.port.empty() && (a.port.empty() || b.port_number == to().port) ?
				       "" :
				       "received and rport do not go together";
		if (a.where == place::sdp_rtcp || a.where == place::sdp_candidate ||
		    a.where == place::sdp_candidate_related || a.where == place::sdp_path)
			return b.port_number == road_line::bound(a.port_number) || reflexive_pair(a) ?
				       "" :
				       "a port of media is mapped to another";
		return is_mapped(port_of(a), port_of(b)) || (is_identity(a.where) && b.port_number == to().port) ?
			       "" :
			       "an address without its port (R2)";
	}
	bool reflexive_pair(const address_ref &a) const { return same_address(line_.outer(), a.address); }
	bool is_mapped(u16 before, u16 after) const
	{
		const u16 own_inside = line_.inner().port, own_outside = line_.outer().port;
		const u16 inside = outward_ ? before : after, outside = outward_ ? after : before;
		if (outside == own_outside)
			return inside == own_inside || outside == road_line::bound(inside) ||
			       (outward_ && inside < lowest_media_port) ||
			       line_.how().one_port;
		return outside == road_line::bound(inside);
	}
	bool must_change(const address_ref &a)
	{
		const bool routing = a.where < place::sdp_origin && a.where != place::via_received;
		if (!outward_ || !same_address(line_.inner(), a.address) || is_repeated(*in_.view, a.where))
			return false;
		if (line_.how().leave_identity && is_identity(a.where))
			return false;
		return routing || a.where == place::sdp_origin;
	}

	std::string stream_fault(u32 i) const
	{
		const media_stream &a = in_.view->streams[i], &b = out_.view->streams[i];
		const bool moved = a.port_number != b.port_number;
		const bool rtcp_moved = a.rtcp_port_number != b.rtcp_port_number;
		if (!outward_ && (moved || rtcp_moved))
			return "a port of the peer's media changed";
		if (moved && b.port_number != road_line::bound(a.port_number))
			return "a media port is mapped to another";
		if (rtcp_moved && b.rtcp_port_number != road_line::bound(a.rtcp_port_number))
			return "an RTCP port is mapped to another";
		if (a.connection == none || !outward_)
			return "";
		const bool was_ours = same_address(line_.inner(), in_.ref(a.connection).address);
		const bool is_outer = same_address(line_.outer(), out_.ref(b.connection).address);
		if (moved && !is_outer)
			return "a media port without its address (R2)";
		const bool left_alone =
			a.port_number < lowest_media_port || (i < refusals_.size() && refusals_[i] != usable);
		if (was_ours && is_outer && !moved && !left_alone)
			return "a media address without its port (R2)";
		return "";
	}

	const road_line &line_;
	const bool outward_;
	const parsed in_, out_;
	const std::vector<u8> &refusals_;
};

// Writing that can be told from what the other end sees.
class plainness {
public:
	plainness(const road_line &line, const std::string &message) : line_(line), in_(message) {}

	bool holds()
	{
		if (in_.error != parse_error::none || !line_.knows_all_sockets())
			return false;
		for (u32 i = 0; i < in_.view->address_count; i++)
			if (!is_plain(in_.ref(i)))
				return false;
		return true;
	}

private:
	bool is_plain(const address_ref &ref)
	{
		if (ref.where >= place::sdp_origin)
			return true;
		if (ref.where == place::via_received || same_address(line_.outer(), ref.address))
			return false;
		if (!same_address(line_.inner(), ref.address))
			return true;
		if (!line_.how().ipv6 && in_.at(ref.host) != fake::host_of(line_.inner()))
			return false;
		if (has_no_port(ref.where) || line_.how().ipv6)
			return !line_.how().ipv6 || agrees_in_text(ref);
		return port_is_plain(ref);
	}
	bool agrees_in_text(const address_ref &ref)
	{
		const std::string text = in_.at(ref.host);
		// An identity that names a host alone does not say how the socket is written, and comes
		// back as that is.
		const bool host_alone = is_identity(ref.where) && ref.port.empty();
		if (host_alone && (text != fake::host_of(line_.inner()) || !line_.writes_usual_literal()))
			return false;
		if (literal_.empty())
			literal_ = text;
		return literal_ == text && (has_no_port(ref.where) || port_is_plain(ref));
	}
	// Where requests go, its own port comes back as the one that it named before.
	bool means_another(place where) const
	{
		const bool route = where == place::record_route || where == place::route || where == place::path ||
				   where == place::service_route;
		const bool contact = where == place::request_uri || where == place::contact || where == place::refer_to;
		return (route || contact) && line_.listens_elsewhere(route);
	}
	// Places of one kind are written alike.
	bool port_is_plain(const address_ref &ref)
	{
		if (ref.port.empty() && is_identity(ref.where))
			return true;
		const u16 port = port_of(ref);
		if (port < lowest_media_port || (!ref.port.empty() && in_.at(ref.port) != std::to_string(port)))
			return false;
		// the bindings of this test know nothing of the connection's own port
		if (port != line_.inner().port && road_line::bound(port) == line_.outer().port)
			return false;
		// what stands between the host and its port goes with a port that is dropped
		if (!ref.port.empty() && ref.port.offset != ref.host.end() + ref.bracketed + 1)
			return false;
		// an identity takes no place of what is listened at
		if (port != line_.inner().port && is_identity(ref.where) && line_.has_no_room_for(port))
			return false;
		if (line_.how().tcp && (port != line_.inner().port || means_another(ref.where)))
			return false;
		place where = ref.where == place::request_uri ? place::contact : ref.where;
		where = where == place::route ? place::record_route : where;
		where = where == place::via && ref.index ? place::via_received : where;
		char &seen = seen_[static_cast<u8>(where)];
		const char this_one = ref.port.empty() ? 'b' : 'p';
		const bool same = !seen || seen == this_one;
		seen = this_one;
		return same;
	}

	const road_line &line_;
	const parsed in_;
	std::string literal_;
	char seen_[32] = {};
};

} // namespace

std::string check_passage(const road_line &line, bool outward, const std::string &message, const passed &one)
{
	if (!one.broken.empty())
		return one.broken;
	if (!one.translated)
		return one.out == message ? "" : "a message that was not translated changed";
	return comparison(line, outward, message, one).run();
}

bool comes_back_exactly(const road_line &line, const std::string &message)
{
	return plainness(line, message).holds();
}

bool repeats_inside(const road_line &line, const std::string &message)
{
	const parsed p(message);
	bool found = false;
	for (u32 i = 0; p.error == parse_error::none && i < p.view->address_count; i++)
		found |= is_repeated(*p.view, p.ref(i).where) && same_address(line.inner(), p.ref(i).address);
	return found;
}

bool same_header(const std::string &one, const std::string &other)
{
	const parsed a(one), b(other);
	if (a.error != parse_error::none || b.error != parse_error::none)
		return false;
	const auto head = [](const parsed &p) {
		std::string text = p.text.substr(0, p.view->body_start);
		return text.replace(p.view->content_length.offset, p.view->content_length.length, "");
	};
	return head(a) == head(b);
}

} // namespace fuzz
