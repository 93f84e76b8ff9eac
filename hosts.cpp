// SPDX-License-Identifier: GPL-2.0
#include "hosts.h"

#include "keyed_hash.h"

namespace sip {

namespace {

u64 hash_of(const endpoint &inside, u32 zone)
{
	struct {
		u8 bytes[16];
		u32 zone;
		u32 family;
	} key{{}, zone, inside.family};
	for (u32 i = 0; i < 16; i++)
		key.bytes[i] = inside.bytes[i];
	return keyed_hash(key);
}

} // namespace

host *find_host(const state &tables, const endpoint &inside, u32 zone)
{
	host *at = tables.hosts.first(hash_of(inside, zone));
	while (at && !(at->zone == zone && same_address(at->address, inside)))
		at = at->next;
	return at;
}

void join_host(state &tables, connection &joining, host *&spare)
{
	const endpoint &inside = joining.ends.inner;
	const u32 zone = joining.ends.zone;
	host *found = find_host(tables, inside, zone);
	if (!found) {
		found = spare;
		spare = nullptr;
		found->address = with_port(inside, 0);
		found->zone = zone;
		tables.hosts.insert(hash_of(inside, zone), found);
	}
	found->connections.push(&joining);
	joining.of = found;
}

void leave_host(state &tables, connection &leaving)
{
	host *held = leaving.of;
	held->connections.remove(&leaving);
	if (held->connections.head)
		return;
	tables.hosts.remove(hash_of(held->address, held->zone), held);
	discard(held);
}

bool has_room_for_call(sipx_state *opaque, const host *of, bool inside_begins, call *&instead, sipx_reason &why)
{
	const state &tables = tables_of(opaque);
	const bool full = tables.call_count >= sipx_setting(opaque, SIPX_SETTING_MAX_CALLS);
	const bool host_full = of && of->call_count >= sipx_setting(opaque, SIPX_SETTING_MAX_CALLS_PER_HOST);
	instead = nullptr;
	if (!full && !host_full)
		return true;
	why = host_full ? SIPX_COUNT_limit_host : SIPX_COUNT_limit_calls;
	instead = host_full ? of->expendable[false].tail : tables.expendable[false].tail;
	if (!instead && inside_begins)
		instead = host_full ? of->expendable[true].tail : tables.expendable[true].tail;
	return instead;
}

bool has_room_for_registration(sipx_state *opaque, const host *of, sipx_reason &why)
{
	if (tables_of(opaque).registration_count >= sipx_setting(opaque, SIPX_SETTING_MAX_REGISTRATIONS)) {
		why = SIPX_COUNT_limit_registrations;
		return false;
	}
	why = SIPX_COUNT_limit_host;
	return !of || of->registration_count < sipx_setting(opaque, SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST);
}

void set_expendable(state &tables, call &c, bool expendable)
{
	if (c.expendable == expendable)
		return;
	c.expendable = expendable;
	auto &of_host = c.owner->of->expendable[c.caller_inside];
	auto &of_all = tables.expendable[c.caller_inside];
	if (expendable) {
		of_host.push(&c);
		of_all.push(&c);
	} else {
		of_host.remove(&c);
		of_all.remove(&c);
		set_holding(tables, c, false);
	}
}

void set_holding(state &tables, call &c, bool holding)
{
	if (c.holding == holding)
		return;
	c.holding = holding;
	if (holding)
		tables.holding.push(&c);
	else
		tables.holding.remove(&c);
}

} // namespace sip
