// SPDX-License-Identifier: GPL-2.0
// Runs a case of the road without a packet: parse, sides, understand, plan, render, on a
// workspace of its own and with a small stand-in for what is remembered between messages.
#include "check_edits.h"
#include "road_cases_header.h"
#include "road_cases_media.h"
#include "road_cases_sdp.h"

#include "../../plan.h"
#include "../../sip_parse.h"
#include "../../text_writer.h"

namespace sip_cases {

using namespace sip;

namespace {

constexpr u32 header_count = sizeof(header_road_cases) / sizeof(header_road_cases[0]);
constexpr u32 sdp_count = sizeof(sdp_road_cases) / sizeof(sdp_road_cases[0]);
constexpr u32 media_count = sizeof(media_road_cases) / sizeof(media_road_cases[0]);
constexpr u32 max_message = 4096;	// more than any case is long
constexpr u16 binding_offset = 20000;

// Too large for a kernel's stack, and nothing that would need a constructor.
alignas(64) u8 workspace_memory[sizeof(workspace)];
char first_output[max_message];
char second_output[max_message];

// What is remembered of the one connection that a case is about.
struct memory {
	spelling written{};
	inner_literal literal{};
	stand_ins stands_for{};
	known_socket known[max_sockets]{};
	u8 known_count = 0;
	binding held[max_wishes]{};
};

memory remembered;

// What carries the messages of the case at hand.
struct carrier {
	u8 protocol = SIPX_UDP;
	bool one_port = false;
};

carrier carried_by;

constexpr endpoint ipv4(u8 a, u8 b, u8 c, u8 d, u16 port)
{
	return {{a, b, c, d}, port, SIPX_IPV4, SIPX_UDP};
}

constexpr endpoint inside4 = ipv4(10, 0, 0, 10, 5060);
constexpr endpoint outside4 = ipv4(203, 0, 113, 1, 40000);
constexpr endpoint peer4 = ipv4(198, 51, 100, 1, 5060);
constexpr endpoint inside6 = {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10}, 5060, SIPX_IPV6, SIPX_UDP};
constexpr endpoint outside6 = {{0x20, 1, 0xd, 0xb8, 0, 0xf, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 40000, SIPX_IPV6, SIPX_UDP};
constexpr endpoint peer6 = {{0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 5060, SIPX_IPV6, SIPX_UDP};

void set_line(road_line line, bool outward, sipx_packet_info &info)
{
	const bool ipv6 = line == road_line::near6;
	endpoint inner = ipv6 ? inside6 : inside4;
	endpoint outer = ipv6 ? outside6 : outside4;
	if (line == road_line::same4)
		outer.port = inner.port;
	if (line == road_line::high4)
		inner.port = outer.port = 49152;
	if (line == road_line::routed4)
		outer = inner;
	inner.protocol = outer.protocol = carried_by.protocol;
	const endpoint peer = with_protocol(ipv6 ? peer6 : peer4, carried_by.protocol);
	info.source_inner = outward ? inner : peer;
	info.source_outer = outward ? outer : peer;
	info.destination_inner = outward ? peer : inner;
	info.destination_outer = outward ? peer : outer;
	info.reply = !outward;
}

void recall(plan &p)
{
	p.before = p.after = remembered.written;
	p.literal = remembered.literal;
	p.stands_for = remembered.stands_for;
	p.one_port = carried_by.one_port;
	for (u8 i = 0; i < remembered.known_count; i++)
		p.known[p.known_count++] = remembered.known[i];
}

void hold_wishes(plan &p, const endpoint &outside)
{
	for (u8 i = 0; i < p.wish_count; i++) {
		binding &held = remembered.held[i];
		held.inside = p.wishes[i].inside;
		held.outside = with_port(with_protocol(outside, held.inside.protocol),
					 static_cast<u16>(held.inside.port + binding_offset));
		p.wishes[i].held = &held;
	}
}

void remember_socket(const binding_wish &wish)
{
	for (u8 i = 0; i < remembered.known_count; i++)
		if (same_socket(remembered.known[i].inside, wish.inside)) {
			remembered.known[i].spoken_of &= wish.spoken_of;
			return;
		}
	if (remembered.known_count < max_sockets - 1)
		remembered.known[remembered.known_count++] = {wish.inside, wish.held->outside, wish.spoken_of};
}

void remember(const plan &p)
{
	remembered.written = p.after;
	remembered.literal = p.literal;
	remembered.literal.fresh = false;
	remembered.stands_for = p.stands_for;
	for (u8 i = 0; i < p.wish_count; i++)
		if (p.wishes[i].held && p.wishes[i].signalling)
			remember_socket(p.wishes[i]);
}

// One message down the road. Null, or what went wrong.
const char *translate(road_line line, bool outward, text_view message, text_writer &out)
{
	workspace &work = *reinterpret_cast<workspace *>(workspace_memory);
	plan &p = work.what;
	sipx_packet_info info{};
	set_line(line, outward, info);
	info.workspace = reinterpret_cast<sipx_workspace *>(workspace_memory);
	info.payload = reinterpret_cast<const u8 *>(message.data());
	info.payload_length = message.size();
	info.nat_present = 1;
	if (parse(message, work.view) != parse_error::none)
		return "the message is not understood";
	work.where = sides_of(info);
	if (work.where.translated && work.where.from_inside != outward)
		return "the sides are mixed up";
	understand(work.view, work.where, work.event);
	identify(work.view, message, work.where, work.event);
	reset_plan(p, work.event.media_count);
	recall(p);
	plan_media(work.event, work.where, p);
	sipx_core_plan_edits(&info);
	if (p.what != verdict::translate) {
		remember(p);
		out.put(message);
		return p.reason == SIPX_COUNT_unchanged ? nullptr : "the plan refuses the message";
	}
	if (const char *broken = check_edits(p, message.size()))
		return broken;
	hold_wishes(p, work.where.outer);
	rewrite made;
	if (!render_edits(work, message, 65535, made))
		return "the edits do not fit";
	out.put(message.sub(0, made.offset));
	out.put(text_view(reinterpret_cast<const char *>(work.out), made.new_length));
	out.put(message.sub(made.offset + made.old_length));
	remember(p);
	return out.overflowed() ? "the message is too long for a case" : nullptr;
}

bool has_sdp(text_view message)
{
	workspace &work = *reinterpret_cast<workspace *>(workspace_memory);
	return parse(message, work.view) == parse_error::none && work.view.body_count;
}

struct failure_text {
	text_writer writer;

	bool say(text_view what, u32 step, text_view got)
	{
		writer.put(what);
		writer.put(" in step ");
		writer.put_number(step + 1);
		writer.put(":\n");
		writer.put(got);
		return false;
	}
};

bool run_step(road_line line, const road_step &step, u32 number, failure_text &failure)
{
	const bool outward = step.way != road_way::in;
	const text_view expected = step.expected.empty() ? step.message : step.expected;
	text_writer out(first_output, sizeof(first_output));
	if (const char *broken = translate(line, outward, step.message, out))
		return failure.say(text_view(broken, static_cast<u32>(__builtin_strlen(broken))), number, step.message);
	if (!(out.text() == expected) && !carried_by.one_port)
		return failure.say("unexpected translation", number, out.text());
	if (step.way != road_way::out || has_sdp(expected))
		return true;
	// R4: what comes back is what was written.
	text_writer back(second_output, sizeof(second_output));
	if (translate(line, false, out.text(), back) || !(back.text() == step.message))
		return failure.say("the way back is not exact", number, back.text());
	return true;
}

} // namespace

u32 road_case_count() { return header_count + sdp_count + media_count; }

const road_case &road_case_at(u32 index)
{
	if (index < header_count)
		return header_road_cases[index];
	index -= header_count;
	return index < sdp_count ? sdp_road_cases[index] : media_road_cases[index - sdp_count];
}

namespace {

bool run_case(u32 index, char *failure, u32 size)
{
	const road_case &it = road_case_at(index);
	failure_text text{text_writer(failure, size - 1)};
	bool good = true;
	remembered = {};
	for (u32 i = 0; good && i < 4 && it.steps[i].way != road_way::end; i++)
		good = run_step(it.line, it.steps[i], i, text);
	failure[text.writer.size()] = '\0';
	return good;
}

} // namespace

bool run_road_case(u32 index, char *failure, u32 size)
{
	carried_by = {};
	return run_case(index, failure, size);
}

bool run_road_case_over_tcp(u32 index, bool one_port, char *failure, u32 size)
{
	carried_by = {SIPX_TCP, one_port};
	return run_case(index, failure, size);
}

} // namespace sip_cases
