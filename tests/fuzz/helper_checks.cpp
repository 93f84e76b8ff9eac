// SPDX-License-Identifier: GPL-2.0
#include "helper_checks.h"

#include <memory>

#include "../../plan.h"
#include "../../sip_parse.h"
#include "../cases/check_edits.h"
#include "../fake/text.h"

namespace fuzz {

using namespace sip;

namespace {

// One for all: its contents do not count, and it is large.
workspace &shared_workspace()
{
	static const auto work = std::make_unique<workspace>();
	return *work;
}

text_view view_of(const std::string &text) { return {text.data(), static_cast<u32>(text.size())}; }

std::string text_at(const std::string &message, span at) { return message.substr(at.offset, at.length); }

bool lengths_hold(const message_view &view)
{
	return !view.has_content_length || view.content_length_value == u32{view.end} - view.body_start;
}

// Plans that message anew, as if nothing were known.
void plan_again(const passage &way, const std::string &message, workspace &work)
{
	sipx_packet_info info{};
	info.source_inner = way.outward ? way.inner : way.peer;
	info.source_outer = way.outward ? way.outer : way.peer;
	info.destination_inner = way.outward ? way.peer : way.inner;
	info.destination_outer = way.outward ? way.peer : way.outer;
	info.workspace = reinterpret_cast<sipx_workspace *>(&work);
	info.payload = reinterpret_cast<const u8 *>(message.data());
	info.payload_length = static_cast<u32>(message.size());
	info.zone = way.zone;
	info.reply = !way.outward;
	info.nat_present = 1;
	info.source_far = !way.outward;
	info.destination_far = way.outward;
	work.where = sides_of(info);
	understand(work.view, work.where, work.event);
	reset_plan(work.what, work.event.media_count);
	work.what.one_port = way.one_port;
	work.what.leave_identity = way.leave_identity;
	plan_media(work.event, work.where, work.what);
	sipx_core_plan_edits(&info);
}

bool in_header(const address_ref &ref)
{
	return ref.where < place::sdp_origin && ref.where != place::via_received;
}

// A response repeats what the other end wrote (RFC 3261 8.2.6.2), even an inside address of
// ours that it made up.
bool is_repeated(const message_view &view, place where)
{
	return !view.request && (where == place::from || where == place::to || where == place::via ||
				 where == place::via_maddr || where == place::record_route ||
				 where == place::path);
}

bool leaks_inner(const passage &way, const message_view &view)
{
	for (u32 i = 0; i < view.address_count; i++) {
		const address_ref &ref = view.addresses[i];
		const bool identity = ref.where >= place::from && ref.where <= place::history_info;
		if (is_repeated(view, ref.where) || (identity && way.leave_identity))
			continue;
		if ((in_header(ref) || ref.where == place::sdp_origin) && same_address(way.inner, ref.address))
			return true;
	}
	return false;
}

// Where the way back is exact: every place written in one way, in the usual form, and the
// outside address nowhere.
class spelled_plainly {
public:
	spelled_plainly(const passage &way, const std::string &message, const message_view &view)
		: way_(way), message_(message), view_(view) {}

	explicit operator bool()
	{
		for (u32 i = 0; i < view_.address_count; i++)
			if (!is_plain(view_.addresses[i]))
				return false;
		return view_.body_count == 0;
	}

private:
	bool is_plain(const address_ref &ref)
	{
		if (ref.where == place::via_received || same_address(way_.outer, ref.address))
			return false;
		if (!same_address(way_.inner, ref.address))
			return true;
		if (text_at(message_, ref.host) != fake::host_of(way_.inner))
			return false;
		if (ref.where == place::uri_maddr || ref.where == place::via_maddr)
			return true;
		const bool identity = ref.where >= place::from && ref.where <= place::history_info;
		if (ref.port.empty() && identity)
			return true;
		const u16 usual = ref.secure ? default_sips_port : default_sip_port;
		const u16 port = ref.port.empty() ? usual : ref.port_number;
		if (port != way_.inner.port ||
		    (!ref.port.empty() && text_at(message_, ref.port) != std::to_string(port)))
			return false;
		return agrees(ref);
	}

	// Places of one kind are written alike.
	bool agrees(const address_ref &ref)
	{
		place where = ref.where == place::request_uri ? place::contact : ref.where;
		where = where == place::route ? place::record_route : where;
		char &seen = seen_[static_cast<u8>(where)];
		const char this_one = ref.port.empty() ? 'b' : 'p';
		const bool same = !seen || seen == this_one;
		seen = this_one;
		return same;
	}

	const passage &way_;
	const std::string &message_;
	const message_view &view_;
	char seen_[32] = {};
};

std::string render(workspace &work, const std::string &message)
{
	rewrite made;
	if (work.what.what != verdict::translate)
		return message;
	if (!render_edits(work, view_of(message), 65535, made))
		return "";
	std::string out = message;
	return out.replace(made.offset, made.old_length, reinterpret_cast<char *>(work.out), made.new_length);
}

// R4: what the inside endpoint wrote comes back to it as it wrote it.
bool comes_back(const passage &way, const std::string &in, const std::string &out, workspace &work)
{
	if (parse(view_of(in), work.view) != parse_error::none)
		return true;
	if (!spelled_plainly(way, in, work.view))
		return true;
	plan_again(way, in, work);
	const spelling written = work.what.after;
	if (parse(view_of(out), work.view) != parse_error::none)
		return false;
	sipx_packet_info info{};
	info.source_inner = info.source_outer = way.peer;
	info.destination_inner = way.inner;
	info.destination_outer = way.outer;
	info.workspace = reinterpret_cast<sipx_workspace *>(&work);
	info.payload = reinterpret_cast<const u8 *>(out.data());
	info.payload_length = static_cast<u32>(out.size());
	reset_plan(work.what, work.event.media_count);
	work.what.before = work.what.after = written;
	sipx_core_plan_edits(&info);
	return work.what.wish_count || render(work, out) == in;
}

} // namespace

std::string broken_promise(const passage &way, const std::string &in, const std::string &out)
{
	if (in == out)
		return "";
	workspace &work = shared_workspace();
	if (parse(view_of(out), work.view) != parse_error::none)
		return "the translation is not understood any more";
	if (!lengths_hold(work.view))
		return "Content-Length is wrong";
	if (way.outward && leaks_inner(way, work.view))
		return "an inside address is left in a place that is translated";
	plan_again(way, out, work);
	if (const char *broken = sip_cases::check_edits(work.what, static_cast<u32>(out.size())))
		return broken;
	if (way.outward && work.what.edit_count)
		return "a second translation changes the message again";
	// Over TCP that needs more than the message: the play itself tries it.
	const bool tcp = way.inner.protocol == SIPX_TCP;
	if (way.outward && !tcp && !comes_back(way, in, out, work))
		return "the way back is not exact";
	return "";
}

bool names_low_port(const std::string &message)
{
	const message_view &view = shared_workspace().view;
	if (parse(view_of(message), shared_workspace().view) != parse_error::none)
		return false;
	for (u32 i = 0; i < view.address_count; i++)
		if (view.addresses[i].where == place::via && view.addresses[i].port_number < lowest_media_port &&
		    !view.addresses[i].port.empty())
			return true;
	return false;
}

bool is_spelled_usually(const endpoint &address, const std::string &message)
{
	workspace &work = shared_workspace();
	if (parse(view_of(message), work.view) != parse_error::none)
		return false;
	for (u32 i = 0; i < work.view.address_count; i++) {
		const address_ref &ref = work.view.addresses[i];
		if (same_address(address, ref.address) && text_at(message, ref.host) != fake::host_of(address))
			return false;
	}
	return true;
}

} // namespace fuzz
