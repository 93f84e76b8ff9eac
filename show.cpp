// SPDX-License-Identifier: GPL-2.0
// The live tables as text, a line each: what /proc/net/sip_ext shows.
#include "connections.h"
#include "text_writer.h"

namespace sip {

namespace {

constexpr u32 line_length = 256;	// the longest line has two streams of IPv6 and stays below

void put_seconds(text_writer &line, u64 until_ms, u64 now_ms)
{
	line.put(" expires=");
	line.put_number(until_ms > now_ms ? (until_ms - now_ms + 999) / 1000 : 0);
}

void put_field(text_writer &line, text_view name, const endpoint &e)
{
	line.put(' ');
	line.put(name);
	line.put('=');
	if (e.port)
		line.put_endpoint(e);
	else
		line.put('-');
}

void finish(sipx_sink *sink, text_writer &line)
{
	line.put('\n');
	sipx_print(sink, line.text().data(), line.size());
}

text_view name_of(call_state state)
{
	switch (state) {
	case call_state::early:
		return "early";
	case call_state::answered:
		return "answered";
	default:
		return "ending";
	}
}

// Those that stand in the kernel's table.
void put_pinhole(text_writer &line, text_view name, const pinhole *open, bool &first)
{
	if (!open || !open->handle || !sipx_pinhole_stands(open->handle))
		return;
	line.put(first ? text_view(" pinholes=") : text_view(","));
	line.put(name);
	first = false;
}

void put_pinholes(text_writer &line, const stream &s)
{
	bool first = true;
	put_pinhole(line, "in", s.in_rtp, first);
	put_pinhole(line, "in-rtcp", s.in_rtcp, first);
	put_pinhole(line, "out", s.out_rtp, first);
	put_pinhole(line, "out-rtcp", s.out_rtcp, first);
	if (first)
		line.put(" pinholes=-");
}

void show_stream(const stream &s, sipx_sink *sink)
{
	char buffer[line_length];
	text_writer line(buffer, sizeof(buffer));
	line.put("  stream ");
	line.put_number(s.line);
	put_field(line, "inside", s.inside_rtp);
	put_field(line, "outside", s.rtp ? s.rtp->outside : s.inside_rtp);
	put_field(line, "remote", s.remote_rtp);
	put_pinholes(line, s);
	finish(sink, line);
}

void show_call(const call &c, sipx_sink *sink, u64 now_ms)
{
	char buffer[line_length];
	text_writer line(buffer, sizeof(buffer));
	line.put("call ");
	line.put_number(c.number);
	line.put(' ');
	line.put(name_of(c.state));
	put_field(line, "inside", c.owner->sockets[0].inside);
	put_field(line, "peer", c.peer);
	put_seconds(line, c.expires_ms, now_ms);
	finish(sink, line);
	for (const stream *s = c.streams; s; s = s->next)
		show_stream(*s, sink);
}

void show_registration(const connection &owner, const registration &r, sipx_sink *sink, u64 now_ms)
{
	char buffer[line_length];
	text_writer line(buffer, sizeof(buffer));
	const signalling_socket &socket = owner.sockets[r.socket];
	line.put(r.subscription ? text_view("subscription ") : text_view("registration "));
	line.put_number(r.number);
	line.put(r.live ? text_view(" live") : text_view(" asked"));
	put_field(line, "inside", socket.inside);
	put_field(line, "outside", socket.bound ? socket.bound->outside : owner.ends.outer);
	put_field(line, r.subscription ? text_view("notifier") : text_view("registrar"), owner.ends.peer);
	put_seconds(line, r.live ? r.live_until_ms : r.pending_until_ms, now_ms);
	finish(sink, line);
}

} // namespace

} // namespace sip

using namespace sip;

u32 sipx_core_parts(void) { return bucket_count; }

void sipx_core_show_calls(sipx_state *opaque, u32 part, sipx_sink *sink)
{
	table_lock lock(opaque);
	const u64 now_ms = sipx_now_ms();
	for (const call *c = tables_of(opaque).calls.first(part); c; c = c->next_hash)
		if (c->state != call_state::over)
			show_call(*c, sink, now_ms);
}

void sipx_core_show_registrations(sipx_state *opaque, u32 part, sipx_sink *sink)
{
	table_lock lock(opaque);
	const u64 now_ms = sipx_now_ms();
	for (const host *of = tables_of(opaque).hosts.first(part); of; of = of->next)
		for (const connection *at = of->connections.head; at; at = at->on_host.next)
			for (const registration *r = at->registrations; r; r = r->next)
				show_registration(*at, *r, sink, now_ms);
}
