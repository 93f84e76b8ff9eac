// SPDX-License-Identifier: GPL-2.0
#include "inside.h"

#include "bindings.h"

namespace sip {

namespace {

// Neither the sender's own (that needs no permission), nor the router's outside address or
// the peer, which a prefix in the setting might include.
bool is_other_inside(const sides &where, const endpoint &host)
{
	return host.family == where.outer.family && !same_address(host, where.inner) &&
	       !same_address(host, where.outer) && !same_address(host, where.peer);
}

bool is_admitted(const sipx_state *opaque, const sides &where, const endpoint &host, plan &p)
{
	if (!is_other_inside(where, host))
		return false;
	if (is_media_host(p, host))
		return true;
	if (p.host_count == max_media_hosts || !sipx_is_media_host(opaque, &host))
		return false;
	p.hosts[p.host_count++] = host;
	return true;
}

void admit_stream(const sipx_state *opaque, const sides &where, plan &p, media_wish &wish)
{
	if (wish.refusal != SIPX_COUNT_media_not_owner || !is_admitted(opaque, where, with_port(wish.rtp, 0), p))
		return;
	const bool low = wish.rtp.port && wish.rtp.port < lowest_media_port;
	wish.refusal = low ? static_cast<u8>(SIPX_COUNT_media_port_low) : usable;
}

// ---- direct media

endpoint inside_of(sipx_state *opaque, u32 zone, const endpoint &outside)
{
	const endpoint *inside = outside.port ? find_media_inside(tables_of(opaque), outside, zone) : nullptr;
	return inside ? *inside : endpoint{};
}

direct_ends find_ends(sipx_state *opaque, u32 zone, const media_wish &wish)
{
	const direct_ends unknown{};
	direct_ends ends{inside_of(opaque, zone, wish.rtp), inside_of(opaque, zone, wish.rtcp)};
	if (wish.refusal != usable || wish.on_hold || !ends.rtp.port)
		return unknown;
	if (!wish.rtcp.port || (!ends.rtcp.port && wish.rtcp_mux && wish.rtcp_follows))
		return ends;
	if (!ends.rtcp.port || !same_address(ends.rtp, ends.rtcp))
		return unknown;
	// The text has no other place for RTCP than the next port.
	return wish.rtcp_follows && ends.rtcp.port != ends.rtp.port + 1 ? unknown : ends;
}

// A c= line can name one host alone: all streams that it counts for are at that one, or
// none of them is told (R2).
bool scope_agrees(const workspace &work, u8 index)
{
	const direct_ends *ends = work.what.direct;
	const u8 connection = work.view.streams[index].connection;
	for (u8 i = 0; i < work.view.stream_count; i++) {
		const media_stream &other = work.view.streams[i];
		if (other.connection != connection || other.port_number == 0)
			continue;
		if (!ends[i].rtp.port || other.port_count > 1 || !same_address(ends[i].rtp, ends[index].rtp))
			return false;
	}
	return true;
}

} // namespace

void admit_media_hosts(const sipx_state *opaque, workspace &work)
{
	call_event &event = work.event;
	if (!work.where.from_inside || !event.has_media)
		return;
	for (u8 i = 0; i < event.media_count; i++)
		admit_stream(opaque, work.where, work.what, event.media[i]);
	for (u8 i = 0; i < work.view.body_count; i++) {
		const u8 origin = work.view.bodies[i].origin;
		if (origin == none)
			continue;
		const endpoint host = make_endpoint(work.view.addresses[origin].address, 0, SIPX_UDP);
		(void)is_admitted(opaque, work.where, host, work.what);
	}
}

void find_direct_media(sipx_state *opaque, workspace &work)
{
	call_event &event = work.event;
	if (work.where.from_inside || !event.has_media || !sipx_setting(opaque, SIPX_SETTING_DIRECT_MEDIA))
		return;
	direct_ends *ends = work.what.direct;
	{
		table_lock lock(opaque);
		for (u8 i = 0; i < work.view.stream_count; i++)
			ends[i] = find_ends(opaque, work.where.zone, event.media[i]);
	}
	for (u8 i = 0; i < work.view.stream_count; i++) {
		if (!ends[i].rtp.port || !scope_agrees(work, i))
			continue;
		event.media[i].direct = true;
		event.media[i].rtp = ends[i].rtp;
		event.media[i].rtcp = ends[i].rtcp;
	}
}

} // namespace sip
