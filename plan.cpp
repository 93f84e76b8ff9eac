// SPDX-License-Identifier: GPL-2.0
#include "plan.h"
#include "text_writer.h"

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

// Puts that socket in a row with those before it, from `port` on.
void link_from(const endpoint &last, u32 port, plan &p)
{
	for (; port < last.port; port++) {
		const u8 first = find_wish(p, with_port(last, static_cast<u16>(port)));
		const u8 second = wish_binding(p, with_port(last, static_cast<u16>(port + 1)), false);
		if (first != none && second != none)
			link(p, first, second, false);
	}
}

stream_wishes plan_stream(const media_wish &media, plan &p)
{
	stream_wishes wishes{none, none};
	const bool wanted = media.refusal == usable && media.rtp.port;
	if (wanted)
		wishes.rtp = wish_binding(p, media.rtp, false);
	if (!media.rtcp.port || !(wanted || media.rtcp_named))
		return wishes;
	wishes.rtcp = wish_binding(p, media.rtcp, false);
	const bool next = u32{media.rtp.port} + 1 == media.rtcp.port && same_address(media.rtp, media.rtcp);
	if (next && wishes.rtp != none && wishes.rtcp != none)
		link(p, wishes.rtp, wishes.rtcp, !media.rtcp_follows);
	return wishes;
}

} // namespace

void reset_plan(plan &p, u8 media_count)
{
	p.what = verdict::pass;
	p.reason = SIPX_COUNT_unchanged;
	p.wish_count = 0;
	p.value_count = 0;
	p.scope_count = 0;
	p.edit_count = 0;
	p.whole = nullptr;
	p.known_count = 0;
	p.host_count = 0;
	p.literal.length = 0;
	p.literal.fresh = false;
	p.same_port = false;
	p.leave_identity = false;
	p.one_port = false;
	p.fresh_stand_in = false;
	p.stands_for = {};
	p.before = p.after = {};
	for (u8 i = 0; i < media_count; i++)
		p.streams[i] = {none, none};
}

bool keep_edits(const workspace &work, kept_edits &kept)
{
	const plan &p = work.what;
	const char *out = reinterpret_cast<const char *>(work.out);
	text_writer text(kept.text, sizeof(kept.text));
	u32 from = work.made.offset, address = none, address_text = 0;
	if (p.edit_count > max_kept_edits)
		return false;
	for (u32 i = 0; i < p.edit_count; i++) {
		const edit &e = p.edits[i];
		const bool known = e.kind == edit_kind::address && e.value == address;
		const u32 at = known ? address_text : text.size();
		out += e.offset - from;
		if (!known)
			text.put(text_view(out, e.written));
		if (e.kind == edit_kind::address) {
			address = e.value;
			address_text = at;
		}
		if (e.length > 255 || text.overflowed())
			return false;
		kept.offset[i] = e.offset;
		kept.length[i] = static_cast<u8>(e.length);
		kept.written[i] = static_cast<u8>(e.written);
		kept.place[i] = static_cast<u8>(at);
		out += e.written;
		from = u32{e.offset} + e.length;
	}
	kept.count = static_cast<u8>(p.edit_count);
	return true;
}

bool listens_elsewhere(const endpoint &socket, const sides &where)
{
	return same_address(socket, where.inner) && socket.port != where.inner.port && socket.port >= lowest_media_port;
}

void plan_sockets(const call_event &event, const sides &where, plan &p)
{
	if (where.translated || !where.from_inside || event.status)
		return;
	const bool datagrams = where.inner.protocol == SIPX_UDP;
	if (datagrams && !event.asks_rport && listens_elsewhere(event.via, where))
		(void)wish_binding(p, event.via, true);
	for (u8 i = 0; i < event.contact_count && p.wish_count < max_sockets - 1; i++)
		if (listens_elsewhere(event.contacts[i].address, where))
			(void)wish_binding(p, event.contacts[i].address, true);
}

void plan_media(const call_event &event, const sides &where, plan &p)
{
	if (!where.translated || !where.from_inside || !event.has_media)
		return;
	for (u8 i = 0; i < event.media_count; i++) {
		const media_wish &media = event.media[i];
		// the text names the first port alone (RFC 8866 5.14)
		if (media.pair && media.refusal == usable)
			link_from(media.rtp, event.media[media.line].rtp.port, p);
		p.streams[i] = plan_stream(media, p);
	}
}

} // namespace sip
