// SPDX-License-Identifier: GPL-2.0
// Ours, in its three steps: parse; understand and plan; write the bytes that change. What lies
// between them in a router is left out: locks, tables, and the sockets that are bound for the plan.
#include <memory>

#include "../plan.h"
#include "parser.h"
#include "places.h"

bool parse_alone(const char *bytes, u32 size, sip::message_view *view);

namespace bench {

namespace {

using namespace sip;

workspace &shared()
{
	static const auto work = std::make_unique<workspace>();
	return *work;
}

sipx_packet_info info;

text_view view_of(const std::string &text) { return {text.data(), static_cast<u32>(text.size())}; }

bool parse_message(const sample &message)
{
	return parse_alone(message.bytes.data(), static_cast<u32>(message.bytes.size()), &shared().view);
}

bool describe(const sample &message)
{
	info = {};
	info.source_inner = message.from_inside ? phone : server;
	info.source_outer = message.from_inside ? phone_outside : server;
	info.destination_inner = message.from_inside ? server : phone;
	info.destination_outer = message.from_inside ? server : phone_outside;
	info.workspace = reinterpret_cast<sipx_workspace *>(&shared());
	info.payload = reinterpret_cast<const u8 *>(message.bytes.data());
	info.payload_length = static_cast<u32>(message.bytes.size());
	info.nat_present = 1;
	info.reply = !message.from_inside;
	return message.kind == sort::sip && parse_message(message);
}

bool plan_message(const sample &message)
{
	workspace &work = shared();
	work.where = sides_of(info);
	understand(work.view, work.where, work.event);
	identify(work.view, view_of(message.bytes), work.where, work.event);
	reset_plan(work.what, work.event.media_count);
	plan_media(work.event, work.where, work.what);
	sipx_core_plan_edits(&info);
	return work.what.what == verdict::translate;
}

// Each socket that the plan wants has its port outside.
bool hold(const sample &message)
{
	static binding held[max_wishes];
	plan &p = shared().what;
	if (!describe(message) || !plan_message(message))
		return false;
	for (u8 i = 0; i < p.wish_count; i++) {
		const endpoint &inside = p.wishes[i].inside;
		held[i].inside = inside;
		held[i].outside = with_port(phone_outside, static_cast<u16>(bound_port(inside.port)));
		p.wishes[i].held = &held[i];
	}
	return true;
}

bool apply(const sample &message)
{
	return render_edits(shared(), view_of(message.bytes), 65507, shared().made);
}

// What the other end reads.
std::string translated(const sample &message)
{
	const rewrite &made = shared().made;
	const char *out = reinterpret_cast<const char *>(shared().out);
	std::string bytes = message.bytes;
	return bytes.replace(made.offset, made.old_length, out, made.new_length);
}

} // namespace

std::vector<task> tasks()
{
	return {{"parse", [](const sample &) { return true; }, parse_message, nullptr},
		{"plan", describe, plan_message, nullptr},
		{"apply", hold, apply, translated}};
}

} // namespace bench
