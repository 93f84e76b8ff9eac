// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

namespace sip {

namespace {

stream_wishes plan_stream(const media_wish &media, plan &p)
{
	stream_wishes wishes{none, none};
	if (media.refusal != usable || media.rtp.port == 0)
		return wishes;
	if (media.rtcp_follows)
		return wish_binding_pair(p, media.rtp);
	wishes.rtp = wish_binding(p, media.rtp, false);
	if (media.rtcp.port)
		wishes.rtcp = wish_binding(p, media.rtcp, false);
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

stream_wishes wish_binding_pair(plan &p, const endpoint &rtp)
{
	const endpoint rtcp = with_port(rtp, static_cast<u16>(rtp.port + 1));
	const bool fresh = find_wish(p, rtp) == none && find_wish(p, rtcp) == none;
	const stream_wishes wishes{wish_binding(p, rtp, false), wish_binding(p, rtcp, false)};
	if (fresh && wishes.rtcp != none)
		p.wishes[wishes.rtp].pair = true;
	return wishes;
}

void plan_media(const call_event &event, const sides &where, plan &p)
{
	if (!where.translated || !where.from_inside || !event.has_media)
		return;
	for (u8 i = 0; i < event.media_count; i++)
		p.streams[i] = plan_stream(event.media[i], p);
}

} // namespace sip
