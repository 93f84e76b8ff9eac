// SPDX-License-Identifier: GPL-2.0
// From the plan's edits to the bytes that stand there instead. Of the NAT half.
#include "plan.h"
#include "text_writer.h"

namespace sip {

namespace {

const endpoint &endpoint_of(const plan &p, const edit_value &value)
{
	return value.wish == none ? value.fixed : p.wishes[value.wish].held->outside;
}

// Most values of a message have the sender's outside address, each with a port of its own.
void write_address(plan &p, u8 index)
{
	const endpoint &e = endpoint_of(p, p.values[index]);
	const bool inner = p.values[index].wish == none && same_address(e, p.values[destination_value].fixed);
	const value_text &known = p.texts[source_value];
	value_text &text = p.texts[index];
	text_writer address(text.address, sizeof(text.address));
	if (inner && p.literal.length)
		address.put(text_view(p.literal.text, p.literal.length));
	else if (known.address_length && same_address(e, p.values[source_value].fixed))
		address.put(text_view(known.address, known.address_length));
	else
		address.put_address(e);
	text.address_length = static_cast<u8>(address.size());
}

void write_port(plan &p, u8 index)
{
	const u16 number = endpoint_of(p, p.values[index]).port;
	value_text &text = p.texts[index];
	text_writer port(text.port, sizeof(text.port));
	port.put(':');
	port.put_number(number);
	text.port_length = static_cast<u8>(port.size());
	text.port_number = number;
}

// How long what the edit writes is, once its value has its text; for a length it is not known yet.
u32 size_of(const value_text &value, edit_kind kind)
{
	switch (kind) {
	case edit_kind::address:
		return value.address_length;
	case edit_kind::port:
		return value.port_length - 1u;
	case edit_kind::add_port:
		return value.port_number == default_sip_port ? 0 : value.port_length;
	case edit_kind::add_secure_port:
		return value.port_number == default_sips_port ? 0 : value.port_length;
	default:
		return 0;
	}
}

// Those that an edit uses.
void resolve_values(plan &p)
{
	for (u8 i = 0; i < p.value_count; i++)
		p.texts[i].address_length = p.texts[i].port_length = 0;
	for (u32 i = 0; i < p.edit_count; i++) {
		edit &e = p.edits[i];
		if (e.kind == edit_kind::length)
			continue;
		const value_text &value = p.texts[e.value];
		if (e.kind == edit_kind::address && !value.address_length)
			write_address(p, e.value);
		else if (e.kind != edit_kind::address && !value.port_length)
			write_port(p, e.value);
		e.written = static_cast<u16>(size_of(value, e.kind));
	}
}

u32 digits_of(u32 number)
{
	u32 digits = 1;
	while (number >= 10) {
		number /= 10;
		digits++;
	}
	return digits;
}

// How much the edits in that scope add, those that come behind it left out.
u32 change_within(const plan &p, const length_scope &scope)
{
	u32 change = 0;		// modulo 2^32: a message may shrink
	for (u32 i = 0; i < p.edit_count; i++) {
		const edit &e = p.edits[i];
		if (e.offset >= scope.start && e.offset < scope.end)
			change += u32{e.written} - e.length;
	}
	return change;
}

// The scopes of parts come first, and the Content-Length of the message counts the digits of
// theirs as well.
void resolve_lengths(plan &p)
{
	for (u8 scope = 0; scope < p.scope_count; scope++) {
		length_scope &of = p.scopes[scope];
		of.becomes = of.value + change_within(p, of);
		for (u32 i = 0; i < p.edit_count; i++)
			if (p.edits[i].kind == edit_kind::length && p.edits[i].value == scope)
				p.edits[i].written = static_cast<u16>(digits_of(of.becomes));
	}
}

void write_edit(const plan &p, const edit &e, text_writer &out)
{
	const value_text &value = p.texts[e.value];
	switch (e.kind) {
	case edit_kind::length:
		out.put_number(p.scopes[e.value].becomes);
		break;
	case edit_kind::address:
		out.put_fitting(value.address, e.written);
		break;
	case edit_kind::port:
		out.put_fitting(value.port + 1, e.written);
		break;
	default:
		out.put_fitting(value.port, e.written);
		break;
	}
}

// Both ends of what is replaced, and how long that becomes.
rewrite extent_of(const plan &p)
{
	const edit &last = p.edits[p.edit_count - 1];
	const u32 begin = p.edits[0].offset, length = u32{last.offset} + last.length - begin;
	u32 becomes = length;	// modulo 2^32
	for (u32 i = 0; i < p.edit_count; i++)
		becomes += u32{p.edits[i].written} - p.edits[i].length;
	return {begin, length, becomes};
}

// They fit.
void write_edits(const plan &p, text_view message, text_writer &out)
{
	u32 at = p.edits[0].offset;
	for (u32 i = 0; i < p.edit_count; i++) {
		const edit &e = p.edits[i];
		out.put_fitting(message.data() + at, e.offset - at);
		write_edit(p, e, out);
		at = u32{e.offset} + e.length;
	}
}

} // namespace

bool render_edits(workspace &work, text_view message, u32 most, rewrite &made)
{
	plan &p = work.what;
	const u32 room = p.whole ? p.whole_size : sizeof(work.out);
	resolve_values(p);
	resolve_lengths(p);
	made = extent_of(p);
	const u32 whole = message.size() - made.old_length + made.new_length;
	const bool fits = whole <= most && (p.whole ? whole : made.new_length) <= room;
	p.reason = fits ? SIPX_COUNT_rewrite_failed : SIPX_COUNT_too_long;
	if (!fits)
		return false;
	text_writer out(p.whole ? p.whole : reinterpret_cast<char *>(work.out), room);
	if (p.whole)
		out.put_fitting(message.data(), made.offset);
	write_edits(p, message, out);
	if (p.whole)
		out.put(message.sub(made.offset + made.old_length));
	return true;
}

bool render_again(workspace &work, text_view message, rewrite &made)
{
	const kept_edits &kept = work.kept;
	const u32 last = kept.count - 1u;
	const u32 begin = kept.offset[0], end = u32{kept.offset[last]} + kept.length[last];
	text_writer out(reinterpret_cast<char *>(work.out), sizeof(work.out));
	u32 at = begin;
	if (end > message.size())
		return false;
	for (u32 i = 0; i < kept.count; i++) {
		out.put(message.sub(at, kept.offset[i] - at));
		out.put(text_view(kept.text + kept.place[i], kept.written[i]));
		at = u32{kept.offset[i]} + kept.length[i];
	}
	made = {begin, end - begin, out.size()};
	return !out.overflowed();
}

} // namespace sip
