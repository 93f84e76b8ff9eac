// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

namespace sip {

namespace {

// The outside port of `second` must come right after that of `first`: what nothing in the
// text can say otherwise outweighs a loose link.
void link(plan &p, u8 first, u8 second, bool loose)
{
	binding_wish &after = p.wishes[second];
	after.loose = loose && (after.loose || !after.follows);
	after.follows = true;
	p.wishes[first].next = second;
}

stream_wishes plan_stream(const media_wish &media, plan &p)
{
	stream_wishes wishes{none, none};
	if (media.refusal != usable || media.rtp.port == 0)
		return wishes;
	wishes.rtp = wish_binding(p, media.rtp, false);
	if (media.rtcp.port == 0)
		return wishes;
	wishes.rtcp = wish_binding(p, media.rtcp, false);
	if (u32{media.rtp.port} + 1 == media.rtcp.port && wishes.rtcp != none)
		link(p, wishes.rtp, wishes.rtcp, !media.rtcp_follows);
	return wishes;
}

} // namespace

void reset_plan(plan &p, u8 stream_count)
{
	p.what = verdict::pass;
	p.reason = SIPX_COUNT_unchanged;
	p.wish_count = 0;
	p.value_count = 0;
	p.scope_count = 0;
	p.edit_count = 0;
	p.known_count = 0;
	p.literal.length = 0;
	p.literal.fresh = false;
	p.before = p.after = {};
	for (u8 i = 0; i < stream_count; i++)
		p.streams[i] = {none, none};
}

void plan_media(const call_event &event, const sides &where, plan &p)
{
	if (!where.translated || !where.from_inside || !event.has_media)
		return;
	for (u8 i = 0; i < event.media_count; i++)
		p.streams[i] = plan_stream(event.media[i], p);
}

} // namespace sip
