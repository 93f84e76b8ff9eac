// SPDX-License-Identifier: GPL-2.0
#include "hosts.h"

#include "keyed_hash.h"

namespace sip {

namespace {

// Hosts that are looked at for one that may yield: who_yields() finds one among the first unless
// most of what stands is of other networks.
constexpr u32 most_looks = 16;
// Not a family of addresses: the first 64 bits of one.
constexpr u8 ipv6_network = 64;

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

endpoint network_of(const endpoint &inside)
{
	endpoint network{};
	network.family = ipv6_network;
	__builtin_memcpy(network.bytes, inside.bytes, 8);
	return network;
}

bool same_network(const endpoint &a, const endpoint &b)
{
	const bool wide = a.family == SIPX_IPV6 && b.family == SIPX_IPV6;
	return wide ? same_address(network_of(a), network_of(b)) : same_address(a, b);
}

host *add_host(state &tables, const endpoint &address, u32 zone)
{
	auto *made = make<host>();
	if (!made)
		return nullptr;
	made->address = with_port(address, 0);
	made->zone = zone;
	made->network = made;
	for (share &each : made->shares)
		each.of = made;
	tables.hosts.insert(hash_of(address, zone), made);
	return made;
}

host *find_or_add(state &tables, const endpoint &address, u32 zone)
{
	host *found = find_host(tables, address, zone);
	return found ? found : add_host(tables, address, zone);
}

bool is_used(const host &h)
{
	const auto held = [&h](shared what) { return h.held[static_cast<u32>(what)]; };
	return h.users || held(shared::bindings) || held(shared::pinholes);
}

void remove_host(state &tables, host *gone)
{
	if (tables.crowd == gone)
		tables.crowd = nullptr;
	tables.hosts.remove(hash_of(gone->address, gone->zone), gone);
	discard(gone);
}

share &share_of(host &of, yielding what) { return of.shares[static_cast<u32>(what)]; }

// Whom a registrar knows yields last: names cost nothing inside, and what is granted needs somebody
// outside. A host that is not there yet is known to none.
u8 rank_of(const host *of, u32 count)
{
	if (!count)
		return 0;
	return static_cast<u8>(32 - __builtin_clz(count) + (of && of->granted ? 0 : ranks_of_unknown));
}

void set_rank(state &tables, yielding what, share &of, u8 rank)
{
	auto &ranked = tables.ranked[static_cast<u32>(what)];
	if (of.rank)
		ranked[of.rank].remove(&of);
	if (rank)
		ranked[rank].push(&of);
	of.rank = rank;
}

void set_count(state &tables, yielding what, share &of, u32 count)
{
	const u8 rank = rank_of(of.of, count);
	of.count = count;
	if (rank != of.rank)
		set_rank(tables, what, of, rank);
}

void change_count(state &tables, yielding what, host &of, bool more)
{
	share &changed = share_of(of, what);
	const u32 before = changed.count, now = more ? before + 1 : before - 1;
	changed.count = now;
	if ((before ^ now) > (before & now))	// another number of binary digits
		set_count(tables, what, changed, now);
}

} // namespace

void weigh_sockets(state &tables, host &of)
{
	const u32 weight = 1 + of.held[static_cast<u32>(shared::bindings)] +
			   of.held[static_cast<u32>(shared::pinholes)];
	const u8 rank = rank_of(&of, weight);
	const auto weigh = [&](yielding kind, bool yields) {
		share &its = share_of(of, kind);
		const u8 its_rank = yields ? rank : 0;
		if (its.rank != its_rank)
			set_rank(tables, kind, its, its_rank);
	};
	weigh(yielding::pinholes, of.yielding.head);
	weigh(yielding::ports, of.keeping.head || of.spare.head);
	weigh(yielding::listening, of.spare.head);
}

namespace {

// False: it is so already.
template<typename T, neighbours<T> T::*link>
bool enlist(linked_list<T, link> &list, T &object, bool &is_in, bool wanted)
{
	if (is_in == wanted)
		return false;
	is_in = wanted;
	if (wanted)
		list.push(&object);
	else
		list.remove(&object);
	return true;
}

u32 together(const host &of, yielding what)
{
	constexpr shared of_kind[] = {shared::calls, shared::calls, shared::registrations, shared::pinholes,
				      shared::bindings, shared::bindings};
	return of.network->together[static_cast<u32>(of_kind[static_cast<u32>(what)])];
}

// An IPv4 address is a network of its own, and its rank says all of it. Of IPv6 one sender may have any number
// of addresses, of which each has little.
bool yields_near(const host &asks, const host &yields, yielding what)
{
	const bool alone = asks.network == &asks && asks.address.family == SIPX_IPV4;
	return alone || yields.network == asks.network || together(yields, what) > together(asks, what);
}

// Of who yields to that host, which then has so much.
u32 least_rank(yielding what, host *of, u32 comes)
{
	const u32 own = of ? share_of(*of, what).rank : 0, then = rank_of(of, comes);
	return (own > then ? own : then) + (what != yielding::listening);
}

yielding kind_of(bool inside_began) { return inside_began ? yielding::calls_out : yielding::calls_in; }

void keep_first(call *&first, call *at, bool fits)
{
	if (fits && !first)
		first = at;
}

// Who floods from outside has many that look the same. What the inside rings for is somebody's: it comes last, and
// is not looked at again before all others were, if it `turns`.
call *incoming_that_yields(host &of, const endpoint *caller, bool turns)
{
	auto &incoming = of.expendable[false];
	call *over = nullptr, *own_silent = nullptr, *own = nullptr, *silent = nullptr;
	call *const oldest = incoming.tail, *const newest = incoming.head;
	u32 owns = 0;
	bool ends = false;
	u32 looks = 0;
	for (call *at = oldest, *newer; at && !ends && looks < most_looks; at = newer, looks++) {
		newer = at->on_host.previous;
		ends = at == newest;
		const bool rings = at->state == call_state::early && at->called;
		const bool of_caller = caller && same_network(at->peer, *caller);
		owns += of_caller;
		keep_first(over, at, at->state == call_state::over);
		keep_first(own_silent, at, of_caller && !rings);
		keep_first(own, at, of_caller);
		keep_first(silent, at, !rings);
		if (turns && rings) {
			incoming.remove(at);
			incoming.push(at);
		}
	}
	if (over || own_silent)
		return over ? over : own_silent;
	if (owns > 1)
		return own;
	return silent ? silent : oldest;
}

call *call_that_yields(state &tables, const endpoint *caller, host *of, bool near, bool turns)
{
	host *in = who_yields(tables, yielding::calls_in, of, near);
	host *out = caller ? nullptr : who_yields(tables, yielding::calls_out, of, near);
	if (in && out && share_of(*out, yielding::calls_out).rank > share_of(*in, yielding::calls_in).rank)
		in = nullptr;
	if (in)
		return incoming_that_yields(*in, caller, turns);
	return out ? out->expendable[true].tail : nullptr;
}

call *own_call_that_yields(host &of, const endpoint *caller, bool turns)
{
	call *in = incoming_that_yields(of, caller, turns);
	call *out = caller ? nullptr : of.expendable[true].tail;
	return out && (!in || (in->state == call_state::early && in->called)) ? out : in;
}

} // namespace

host *find_host(const state &tables, const endpoint &inside, u32 zone)
{
	host *at = tables.hosts.first(hash_of(inside, zone));
	while (at && !(at->zone == zone && same_address(at->address, inside)))
		at = at->next;
	return at;
}

host *hold_host(state &tables, const endpoint &inside, u32 zone)
{
	host *found = find_or_add(tables, inside, zone);
	if (!found)
		return nullptr;
	if (inside.family == SIPX_IPV6 && found->network == found) {
		host *network = find_or_add(tables, network_of(inside), zone);
		if (!network) {
			remove_host(tables, found);
			return nullptr;
		}
		found->network = network;
		network->users++;
	}
	found->users++;
	return found;
}

void remove_if_unused(state &tables, host *held)
{
	if (is_used(*held))
		return;
	host *network = held->network;
	remove_host(tables, held);
	if (network != held && --network->users == 0)
		remove_host(tables, network);
}

void release_host(state &tables, host *held)
{
	if (held && !--held->users)
		remove_if_unused(tables, held);
}

void join_host(connection &joining, host *of)
{
	of->users++;
	of->connection_count++;
	of->connections.push(&joining);
	joining.of = of;
}

void leave_host(state &tables, connection &leaving)
{
	host *held = leaving.of;
	set_spare(tables, leaving, false);
	held->connections.remove(&leaving);
	held->connection_count--;
	release_host(tables, held);
}

void count_no_more(state &tables, host *of, shared what)
{
	const u32 at = static_cast<u32>(what);
	tables.held[at]--;
	if (!of)
		return;
	of->held[at]--;
	of->network->together[at]--;
	if (!of->users)
		remove_if_unused(tables, of);
}

void hold_pinhole(host &of, pinhole &p)
{
	p.of = &of;
	of.users++;
	of.pinholes++;
}

void drop_pinhole(state &tables, pinhole &p)
{
	p.of->pinholes--;
	release_host(tables, p.of);
	p.of = nullptr;
}

namespace {

void list_pinhole(state &tables, pinhole &p)
{
	host &of = *p.of;
	if (p.insisting)
		return (p.door ? of.network->doors : of.network->media).push(&p);
	if (!of.yielding.head)
		of.network->holders.push(&of);
	if (p.door) {
		of.yielding.push_before(of.newest_door, &p);
		of.newest_door = &p;
	} else {
		of.yielding.push(&p);
	}
	weigh_sockets(tables, of);
}

void unlist_pinhole(state &tables, pinhole &p)
{
	host &of = *p.of;
	if (p.insisting)
		return (p.door ? of.network->doors : of.network->media).remove(&p);
	if (of.newest_door == &p)
		of.newest_door = p.on_host.next;
	of.yielding.remove(&p);
	if (of.yielding.head)
		return;
	of.network->holders.remove(&of);
	weigh_sockets(tables, of);
}

void set_insisting(state &tables, pinhole &p, u32 count)
{
	const bool another_list = p.handle && !p.insisting != !count;
	if (another_list)
		unlist_pinhole(tables, p);
	p.insisting = count;
	if (another_list)
		list_pinhole(tables, p);
}

} // namespace

void insist(state &tables, pinhole &p) { set_insisting(tables, p, p.insisting + 1); }
void insist_no_more(state &tables, pinhole &p) { set_insisting(tables, p, p.insisting - 1); }

void note_placed(state &tables, pinhole &p)
{
	host &of = *p.of;
	const u32 at = static_cast<u32>(shared::pinholes);
	count_for(tables, &of, shared::pinholes);
	if (!tables.crowd || of.network->together[at] > tables.crowd->together[at])
		tables.crowd = of.network;
	list_pinhole(tables, p);
}

void note_no_place(state &tables, pinhole &p)
{
	unlist_pinhole(tables, p);
	count_no_more(tables, p.of, shared::pinholes);
}

// The oldest media have probably come already, so that connections stand for them. The newest doors go first: who
// takes all there is has most of those.
pinhole *pinhole_of_crowd(const state &tables, const host &of)
{
	const u32 at = static_cast<u32>(shared::pinholes);
	const host *crowd = tables.crowd;
	if (!crowd || crowd == of.network || crowd->together[at] / 8 <= tables.held[at] - crowd->together[at])
		return nullptr;
	if (const host *holder = crowd->holders.tail)
		return holder->yielding.tail;
	return crowd->media.tail ? crowd->media.tail : crowd->doors.head;
}

bool yields_to(state &tables, yielding what, host &found, host *of, u32 comes)
{
	weigh_sockets(tables, found);
	return share_of(found, what).rank >= least_rank(what, of, comes);
}

host *who_yields(state &tables, yielding what, host *of, bool near, u32 comes)
{
	const bool of_sockets = what >= yielding::pinholes;
	const u32 own = of ? share_of(*of, what).rank : 0, least = least_rank(what, of, comes);
	host *lighter = nullptr;
	u32 looks = 0;
	for (u32 rank = share_ranks - 1; rank && rank >= least; rank--) {
		share *next, *at = tables.ranked[static_cast<u32>(what)][rank].tail;
		for (; at && looks < most_looks; at = next) {
			next = at->of_rank.previous;
			looks++;
			host *found = at->of;
			if (near && of && !yields_near(*of, *found, what))
				continue;
			if (of_sockets)
				weigh_sockets(tables, *found);
			if (share_of(*found, what).rank >= rank)
				return found;
			// it has less than when it was looked at last
			if (!lighter || share_of(*lighter, what).rank < share_of(*found, what).rank)
				lighter = found;
		}
	}
	if (lighter && share_of(*lighter, what).rank >= least)
		return lighter;
	return own ? of : nullptr;
}

bool has_room_for_call(sipx_state *opaque, host *of, const endpoint *caller, call *&instead, sipx_reason &why,
		       bool turns)
{
	state &tables = tables_of(opaque);
	const u32 most = sipx_setting(opaque, SIPX_SETTING_MAX_CALLS);
	const u32 at = static_cast<u32>(shared::calls);
	const bool host_full = of && of->held[at] >= sipx_setting(opaque, SIPX_SETTING_MAX_CALLS_PER_HOST);
	instead = nullptr;
	if (!host_full && has_share(tables, of, shared::calls, most))
		return true;
	why = host_full ? SIPX_COUNT_limit_host : SIPX_COUNT_limit_calls;
	instead = host_full ? own_call_that_yields(*of, caller, turns) :
			      call_that_yields(tables, caller, of, tables.held[at] < most, turns);
	return instead;
}

bool has_room_for_registration(sipx_state *opaque, host *of, registration *&instead, sipx_reason &why)
{
	state &tables = tables_of(opaque);
	const u32 most = sipx_setting(opaque, SIPX_SETTING_MAX_REGISTRATIONS);
	const u32 at = static_cast<u32>(shared::registrations);
	const bool host_full = of && of->held[at] >= sipx_setting(opaque, SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST);
	instead = nullptr;
	if (!host_full && has_share(tables, of, shared::registrations, most))
		return true;
	why = host_full ? SIPX_COUNT_limit_host : SIPX_COUNT_limit_registrations;
	const host *yields = host_full ? of : who_yields(tables, yielding::registrations, of, tables.held[at] < most);
	instead = yields ? yields->asking.tail : nullptr;
	return instead;
}

void set_expendable(state &tables, call &c, bool expendable)
{
	if (c.expendable == expendable)
		return;
	c.expendable = expendable;
	host &of = *c.owner->of;
	if (expendable) {
		of.expendable[c.caller_inside].push(&c);
	} else {
		set_keeping(tables, c, false);
		of.expendable[c.caller_inside].remove(&c);
	}
	change_count(tables, kind_of(c.caller_inside), of, expendable);
}

void set_asking(state &tables, registration &r, bool asking)
{
	host &of = *r.owner->of;
	if (enlist(of.asking, r, r.asking, asking))
		change_count(tables, yielding::registrations, of, asking);
}

void set_keeping(state &tables, call &c, bool keeping)
{
	host &of = *c.owner->of;
	if (enlist(of.keeping, c, c.keeping, keeping) || c.expendable)
		weigh_sockets(tables, of);
}

void note_granted(state &tables, host &of, bool granted)
{
	const bool was_known = of.granted;
	of.granted += granted ? 1 : -1u;
	if (was_known == (of.granted != 0))
		return;
	for (u32 kind = 0; kind < static_cast<u32>(yielding::pinholes); kind++)
		set_count(tables, static_cast<yielding>(kind), of.shares[kind], of.shares[kind].count);
	weigh_sockets(tables, of);
}

void set_spare(state &tables, connection &owner, bool has_spare)
{
	if (enlist(owner.of->spare, owner, owner.has_spare, has_spare))
		weigh_sockets(tables, *owner.of);
}

} // namespace sip
