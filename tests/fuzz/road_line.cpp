// SPDX-License-Identifier: GPL-2.0
#include "road_line.h"

#include <cstring>
#include <memory>

#include "../../sip_parse.h"
#include "../cases/check_edits.h"
#include "../fake/text.h"

namespace fuzz {

using namespace sip;

namespace {

// One for all, and full of what the message before left there.
workspace &shared()
{
	static const auto work = std::make_unique<workspace>();
	return *work;
}

text_view view_of(const std::string &text) { return {text.data(), static_cast<u32>(text.size())}; }

endpoint place_at(const char *four, const char *six, const road_line::shape &how, u16 port)
{
	const endpoint address = fake::at(how.ipv6 ? six : four);
	return with_protocol(with_port(address, port), how.tcp ? SIPX_TCP : SIPX_UDP);
}

} // namespace

road_line::road_line(const shape &how)
	: how_(how), inner_(place_at("10.0.0.10", "fd00::10", how, how.inner_port)),
	  outer_(place_at("203.0.113.1", "2001:db8:f::1", how, how.outer_port)),
	  peer_(place_at("198.51.100.1", "2001:db8:1::1", how, 5060))
{
	held_.resize(max_wishes);
}

void road_line::recall()
{
	plan &p = shared().what;
	p.before = p.after = written_;
	p.literal = literal_;
	p.stands_for = stands_for_;
	p.one_port = how_.tcp && how_.one_port;
	p.leave_identity = how_.leave_identity;
	for (const known_socket &one : known_)
		p.known[p.known_count++] = one;
}

void road_line::hold()
{
	plan &p = shared().what;
	for (u8 i = 0; i < p.wish_count; i++) {
		binding &held = held_[i];
		held = {};
		held.inside = p.wishes[i].inside;
		held.outside = with_port(with_protocol(outer_, held.inside.protocol), bound(held.inside.port));
		p.wishes[i].held = &held;
	}
}

void road_line::remember()
{
	const plan &p = shared().what;
	written_ = p.after;
	literal_ = p.literal;
	literal_.fresh = false;
	stands_for_ = p.stands_for;
	for (u8 i = 0; i < p.wish_count; i++) {
		bool there = !p.wishes[i].signalling;
		for (known_socket &one : known_)
			if (same_socket(one.inside, p.wishes[i].inside)) {
				there = true;
				one.spoken_of &= p.wishes[i].spoken_of;
			}
		if (there)
			continue;
		if (known_.size() < max_sockets - 1)
			known_.push_back({p.wishes[i].inside, p.wishes[i].held->outside, p.wishes[i].spoken_of});
		else
			forgot_ = true;
	}
}

bool road_line::has_no_room_for(u16 port) const
{
	for (const known_socket &one : known_)
		if (one.inside.port == port)
			return false;
	return known_.size() == max_sockets - 1;
}

void road_line::render(const std::string &message, passed &result)
{
	rewrite made;
	if (const char *broken = sip_cases::check_edits(shared().what, static_cast<u32>(message.size())))
		result.broken = broken;
	else if (render_edits(shared(), view_of(message), 65535, made)) {
		result.translated = true;
		result.out.replace(made.offset, made.old_length, reinterpret_cast<char *>(shared().out),
				   made.new_length);
		remember();
	} else
		result.reason = shared().what.reason;
}

passed road_line::carry(bool outward, const std::string &message)
{
	// An allocation of its own: a byte read outside is seen.
	const std::unique_ptr<char[]> exact(new char[message.size()]);
	std::memcpy(exact.get(), message.data(), message.size());
	workspace &work = shared();
	sipx_packet_info info{};
	info.source_inner = outward ? inner_ : peer_;
	info.source_outer = outward ? outer_ : peer_;
	info.destination_inner = outward ? peer_ : inner_;
	info.destination_outer = outward ? peer_ : outer_;
	info.workspace = reinterpret_cast<sipx_workspace *>(&work);
	info.payload = reinterpret_cast<const u8 *>(exact.get());
	info.payload_length = static_cast<u32>(message.size());
	info.nat_present = 1;
	info.source_far = !outward;
	info.destination_far = outward;
	info.reply = outward == how_.was_called;
	const text_view bytes(exact.get(), info.payload_length);
	passed result;
	result.out = message;
	result.error = parse(bytes, work.view);
	if (result.error != parse_error::none)
		return result;
	work.where = sides_of(info);
	understand(work.view, work.where, work.event);
	identify(work.view, bytes, work.where, work.event);
	for (u8 i = 0; i < work.event.media_count; i++)
		result.refusals.push_back(work.event.media[i].refusal);
	reset_plan(work.what, work.event.media_count);
	recall();
	plan_media(work.event, work.where, work.what);
	sipx_core_plan_edits(&info);
	result.reason = work.what.reason;
	hold();
	if (work.what.what == verdict::translate)
		render(message, result);
	else if (work.what.reason == SIPX_COUNT_unchanged)
		remember();
	return result;
}

} // namespace fuzz
