// SPDX-License-Identifier: GPL-2.0
#include "bindings.h"

namespace sip {

namespace {

// RFC 4787 REQ-3 asks for ports above 1023; this range keeps clear of the kernel's own
// ephemeral ports (32768 and up).
constexpr u16 first_media_port = 10000;
constexpr u16 last_media_port = 32767;
// In a range that is half full 64 tries from a random start fail once in 2^64 times.
constexpr u32 port_attempts = 64;

struct binding_key {
	u8 bytes[16];
	u32 zone;
	u16 port;
	u8 family;
	u8 protocol;
};

u64 hash_of(const endpoint &e, u32 zone)
{
	binding_key key{};
	for (u32 i = 0; i < 16; i++)
		key.bytes[i] = e.bytes[i];
	key.zone = zone;
	key.port = e.port;
	key.family = e.family;
	key.protocol = e.protocol;
	return sipx_hash(&key, sizeof(key));
}

bool matches(const endpoint &a, const endpoint &b)
{
	return same_endpoint(a, b) && a.protocol == b.protocol;
}

// The NAT rules gave that socket to the signalling of a host: what its peer sends there
// arrives at that host.
bool is_mapped(const state &tables, const endpoint &outside)
{
	const connection *at = tables.connections;
	while (at && !matches(at->ends.outer, outside))
		at = at->next;
	return at;
}

bool is_free(const binding_site &site, const endpoint &outside, const endpoint &inside)
{
	return !find_binding_outside(tables_of(site.opaque), outside, site.zone) &&
	       !sipx_port_taken(site.packet, &outside, &inside);
}

// `outside` is free for `inside`, and the ports after it for those after that one.
bool is_run_free(const binding_site &site, const endpoint &outside, const endpoint &inside, u32 run)
{
	for (u32 i = 0; i < run; i++) {
		const u32 last = outside.port > inside.port ? outside.port : inside.port;
		if (last + i > 65535 || !is_free(site, with_port(outside, static_cast<u16>(outside.port + i)),
						 with_port(inside, static_cast<u16>(inside.port + i))))
			return false;
	}
	return true;
}

// The first of `run` free ports for `inside`; 0 if none was found.
u16 choose_port(const binding_site &site, const endpoint &inside, u16 preferred, u32 run)
{
	const endpoint outside = with_protocol(site.outside, inside.protocol);
	if (preferred && is_run_free(site, with_port(outside, preferred), inside, run))
		return preferred;

	constexpr u32 slots = (last_media_port - first_media_port + 1) / 2;
	const u32 start = sipx_random() % slots;
	for (u32 i = 0; i < port_attempts; i++) {
		const u32 slot = (start + i) % slots;
		const u16 port = static_cast<u16>(first_media_port + 2 * slot + (inside.port & 1));
		const endpoint candidate = with_port(outside, port);
		if (!preferred && is_mapped(tables_of(site.opaque), candidate))
			continue;
		if (is_run_free(site, candidate, inside, run))
			return port;
	}
	return 0;
}

binding *make_binding(const binding_site &site, const endpoint &inside, u16 port, sipx_reason *why)
{
	state &tables = tables_of(site.opaque);
	if (tables.binding_count >= max_bindings) {
		*why = SIPX_COUNT_limit_bindings;
		return nullptr;
	}
	auto *made = make<binding>();
	if (!made) {
		*why = SIPX_COUNT_no_memory;
		return nullptr;
	}
	made->inside = inside;
	made->outside = with_port(with_protocol(site.outside, inside.protocol), port);
	made->zone = site.zone;
	made->references = 1;
	tables.by_inside.insert(hash_of(made->inside, site.zone), made);
	tables.by_outside.insert(hash_of(made->outside, site.zone), made);
	tables.binding_count++;
	return made;
}

} // namespace

binding *find_binding_inside(const binding_site &site, const endpoint &inside)
{
	binding *at = tables_of(site.opaque).by_inside.first(hash_of(inside, site.zone));
	while (at && !(at->zone == site.zone && matches(at->inside, inside) &&
		       same_address(at->outside, site.outside)))
		at = at->next_inside;
	return at;
}

binding *find_binding_outside(state &tables, const endpoint &outside, u32 zone)
{
	binding *at = tables.by_outside.first(hash_of(outside, zone));
	while (at && !(at->zone == zone && matches(at->outside, outside)))
		at = at->next_outside;
	return at;
}

void take_reference(binding *held)
{
	held->references++;
}

void drop_reference(state &tables, binding *held)
{
	if (!held || --held->references)
		return;
	tables.by_inside.remove(hash_of(held->inside, held->zone), held);
	tables.by_outside.remove(hash_of(held->outside, held->zone), held);
	tables.binding_count--;
	discard(held);
}

binding *hold_binding(const binding_site &site, const endpoint &inside, u16 preferred, sipx_reason *why)
{
	if (binding *found = find_binding_inside(site, inside)) {
		take_reference(found);
		return found;
	}
	const u16 port = choose_port(site, inside, preferred, 1);
	if (!port) {
		*why = SIPX_COUNT_no_port;
		return nullptr;
	}
	return make_binding(site, inside, port, why);
}

bool hold_binding_pair(const binding_site &site, const endpoint &inside, binding *pair[2], sipx_reason *why)
{
	const endpoint next = with_port(inside, static_cast<u16>(inside.port + 1));
	const bool fresh = !find_binding_inside(site, inside) && !find_binding_inside(site, next);
	const u16 port = fresh ? choose_port(site, inside, inside.port, 2) : 0;
	if (fresh && !port) {
		*why = SIPX_COUNT_no_port;
		return false;
	}
	pair[0] = fresh ? make_binding(site, inside, port, why) : hold_binding(site, inside, inside.port, why);
	if (!pair[0])
		return false;
	const u16 after = static_cast<u16>(pair[0]->outside.port + 1);
	pair[1] = fresh ? make_binding(site, next, after, why) : hold_binding(site, next, after, why);
	if (pair[1])
		return true;
	drop_reference(tables_of(site.opaque), pair[0]);
	return false;
}

} // namespace sip
