// SPDX-License-Identifier: GPL-2.0
#include "bindings.h"

#include "calls.h"
#include "hosts.h"
#include "registrations.h"

namespace sip {

namespace {

// 10,000 calls fill nine tenths of the usual range: 256 tries at random places fail there once in 5 * 10^11 times.
// Tries in a row would meet rows that are taken. What a binding seems to have is not tried but at first, as it may be
// of another outside address.
constexpr u32 port_looks = 512, port_attempts = 256, blind_attempts = 32;

bool is_free(const binding_site &site, const endpoint &outside, const endpoint &inside)
{
	return !find_binding_outside(tables_of(site.opaque), outside) &&
	       !sipx_ports_taken(site.packet, &outside, &inside, 1);
}

endpoint socket_of(const socket_run &run, u32 index)
{
	return with_port(run.first, static_cast<u16>(run.first.port + index));
}

// Whose ports are not free: `some` leaves the connections of other hosts that are none of ours out of account.
enum class counts : bool { all, some };

// All of them are free from that port on.
bool is_run_free(const binding_site &site, const socket_run &run, u32 port, counts whose = counts::all)
{
	if (!port || port + run.count - 1 > 65535)
		return false;
	const endpoint first = with_port(with_protocol(site.outside, run.first.protocol), static_cast<u16>(port));
	for (u32 i = 0; i < run.count; i++)
		if (find_binding_outside(tables_of(site.opaque), with_port(first, static_cast<u16>(port + i))))
			return false;
	return !sipx_ports_taken(site.packet, &first, whose == counts::all ? &run.first : nullptr, run.count);
}

// Where the router's own NAT has put that socket (a STUN client, media of an earlier call);
// 0: nowhere that a binding may lead to (S4). It may be news to us where the NAT moves ports, or
// where a candidate speaks of it.
u16 mapping_of(const binding_site &site, const endpoint &inside, u16 hint)
{
	const endpoint outside = with_port(with_protocol(site.outside, inside.protocol), 0);
	const u16 port = sipx_mapped_port(site.packet, &inside, &outside, hint || site.ports_move);
	return port < lowest_media_port ? 0 : port;
}

// The text of a message does not say by which transport a number is meant: that of a socket that is listened at
// names nothing else, by the other one neither.
bool names_nothing_else(const binding_site &site, const endpoint &outside)
{
	const state &tables = tables_of(site.opaque);
	const endpoint other = with_protocol(outside, outside.protocol == SIPX_TCP ? SIPX_UDP : SIPX_TCP);
	return !find_outer_end(tables, outside) && !find_outer_end(tables, other) &&
	       !find_binding_outside(tables, other);
}

// Both faces of a socket are of one family and protocol.
u32 &listening_like(state &tables, const endpoint &socket)
{
	return tables.listening[socket.family == SIPX_IPV6][socket.protocol == SIPX_TCP];
}

port_marks &marks_like(state &tables, const endpoint &socket)
{
	return tables.ports[socket.family == SIPX_IPV6][socket.protocol == SIPX_TCP];
}

// Any free one of the range; of the same parity. Who leaves from each port of the range, to whomever, takes none from
// calls: two may share a number where they do not speak with the same socket.
u16 random_port(const binding_site &site, const socket_run &run)
{
	const u32 lowest = sipx_setting(site.opaque, SIPX_SETTING_MEDIA_PORT_MIN);
	const u32 highest = sipx_setting(site.opaque, SIPX_SETTING_MEDIA_PORT_MAX);
	const u32 first = lowest + ((lowest ^ run.first.port) & 1);
	if (lowest > 65535 || highest > 65535 || first + run.count - 1 > highest)
		return 0;
	const endpoint outside = with_protocol(site.outside, run.first.protocol);
	const port_marks &marks = marks_like(tables_of(site.opaque), outside);
	const u32 slots = (highest - (run.count - 1) - first) / 2 + 1;
	const u32 stride = slots > 2 ? 1 + sipx_random() % (slots - 1) : 1;
	u32 begin = sipx_random() % slots, at = begin, attempts = 0;
	u16 shared_number = 0;
	for (u32 looks = 0; looks < slots && looks < port_looks && attempts < port_attempts; looks++) {
		const u32 port = first + at * 2;
		at += stride < slots - at ? stride : stride - slots;
		if (at == begin)	// the two have a common divisor
			at = begin = begin + 1 < slots ? begin + 1 : 0;
		if (looks >= blind_attempts && (marks.has(port) || (run.count > 1 && marks.has(port + 1))))
			continue;
		attempts++;
		if (run.signalling && !names_nothing_else(site, with_port(outside, static_cast<u16>(port))))
			continue;
		if (is_run_free(site, run, port))
			return static_cast<u16>(port);
		if (!shared_number && is_run_free(site, run, port, counts::some))
			shared_number = static_cast<u16>(port);
	}
	return shared_number;
}

// Where all ports are taken chance does not find the few that became free. They may lie outside the range, as the
// own number of who had them may.
bool is_left(const binding_site &site, const socket_run &run)
{
	return run.left >= lowest_media_port &&
	       (is_run_free(site, run, run.left) || is_run_free(site, run, run.left, counts::some));
}

void note_signalling(state &tables, binding &held)
{
	listening_like(tables, held.outside) += !held.signalling;
	held.signalling = true;
}

// Sockets that are listened at have a port each, and media a pair: they are to leave pairs. A quarter of the range
// is theirs.
bool too_many_listen(const binding_site &site, const endpoint &inside)
{
	const u32 lowest = sipx_setting(site.opaque, SIPX_SETTING_MEDIA_PORT_MIN);
	const u32 highest = sipx_setting(site.opaque, SIPX_SETTING_MEDIA_PORT_MAX);
	return listening_like(tables_of(site.opaque), inside) > (highest - lowest) / 4;
}

// The first outside port of a run that has none yet; 0 if none was found. A listening port
// of signalling with its own number would stand where the rules put the next phone that
// sends from that number: it gets any.
u16 choose_port(const binding_site &site, const socket_run &run)
{
	if (run.signalling && is_run_free(site, run, run.hint))
		return run.hint;
	if (run.signalling)
		return too_many_listen(site, run.first) ? 0 : random_port(site, run);
	const u16 mapped = run.mapping_known ? run.mapping : mapping_of(site, run.first, run.hint);
	// A mapping that stands counts more than its parity (R6); all others keep it (RFC 3550 11).
	const u16 wanted[] = {mapped, run.hint, run.first.port};
	for (const u16 port : wanted)
		if (is_run_free(site, run, port))
			return port;
	return run.left && is_left(site, run) ? run.left : random_port(site, run);
}

// The bindings that some of its sockets have already (null: it has none), and where they put
// the run; 0: none has one. False: not in a row, or what the others would need is not free.
bool find_standing(const binding_site &site, const socket_run &run, binding **standing, u16 &port)
{
	port = 0;
	for (u32 i = 0; i < run.count; i++) {
		standing[i] = find_binding_inside(site, socket_of(run, i));
		if (!standing[i])
			continue;
		const u16 outside = standing[i]->outside.port;
		if (outside <= i || outside - i + run.count - 1 > 65535 || (port && port + i != outside))
			return false;
		port = static_cast<u16>(outside - i);
	}
	const endpoint outside = with_protocol(site.outside, run.first.protocol);
	for (u32 i = 0; port && i < run.count; i++)
		if (!standing[i] && !is_free(site, with_port(outside, static_cast<u16>(port + i)), socket_of(run, i)))
			return false;
	return true;
}

bool has_room(const binding_site &site, u32 count, sipx_reason &why)
{
	const u32 at = static_cast<u32>(shared::bindings);
	why = SIPX_COUNT_limit_media_host;
	if (site.of && site.of->held[at] + count > site.of->most_media)
		return false;
	why = SIPX_COUNT_limit_bindings;
	const u32 most = sipx_setting(site.opaque, SIPX_SETTING_MAX_MEDIA);
	return most >= count && has_share(tables_of(site.opaque), site.of, shared::bindings, most - (count - 1));
}

binding *make_binding(const binding_site &site, const endpoint &inside, u16 port, sipx_reason *why)
{
	state &tables = tables_of(site.opaque);
	if (!site.roomy && !has_room(site, 1, *why))
		return nullptr;
	auto *made = make<binding>();
	if (!made) {
		*why = SIPX_COUNT_no_memory;
		return nullptr;
	}
	made->inside = inside;
	made->outside = with_port(with_protocol(site.outside, inside.protocol), port);
	made->zone = site.zone;
	made->references = 1;
	made->of = site.of;
	tables.by_inside.insert(hash_of_socket(made->inside, site.zone), made);
	tables.by_outside.insert(hash_of_socket(made->outside, any_zone), made);
	if (!same_address(inside, site.outside))
		marks_like(tables, made->outside).set(port);
	count_for(tables, site.of, shared::bindings);
	return made;
}

} // namespace

binding *find_binding_inside(const binding_site &site, const endpoint &inside)
{
	const state &tables = tables_of(site.opaque);
	binding *at = tables.by_inside.first(hash_of_socket(inside, site.zone));
	while (at && !(at->zone == site.zone && same_socket(at->inside, inside) &&
		       same_address(at->outside, site.outside)))
		at = at->next_inside;
	return at;
}

const binding *find_binding_outside(const state &tables, const endpoint &outside)
{
	const binding *at = tables.by_outside.first(hash_of_socket(outside, any_zone));
	while (at && !same_socket(at->outside, outside))
		at = at->next_outside;
	return at;
}

const endpoint *find_media_inside(state &tables, const endpoint &outside, u32 zone)
{
	const binding *found = find_binding_outside(tables, outside);
	return found && found->zone == zone && !found->signalling ? &found->inside : nullptr;
}

bool is_media_inside(const state &tables, const endpoint &inside, u32 zone)
{
	const binding *at = tables.by_inside.first(hash_of_socket(inside, zone));
	while (at && !(at->zone == zone && same_socket(at->inside, inside) && !at->signalling))
		at = at->next_inside;
	return at;
}

binding *hold_untranslated(sipx_state *opaque, const endpoint &inside, u32 zone, host *of)
{
	binding_site site{nullptr, opaque, inside, zone, false};
	site.of = of;
	sipx_reason why;
	binding *held = find_binding_inside(site, inside);
	if (!held)
		return make_binding(site, inside, inside.port, &why);
	take_reference(held);
	return held;
}

void take_reference(binding *held)
{
	held->references++;
}

void drop_reference(state &tables, binding *held)
{
	if (!held || --held->references)
		return;
	tables.by_inside.remove(hash_of_socket(held->inside, held->zone), held);
	tables.by_outside.remove(hash_of_socket(held->outside, any_zone), held);
	if (!same_address(held->inside, held->outside))
		marks_like(tables, held->outside).clear(held->outside.port);
	count_no_more(tables, held->of, shared::bindings);
	listening_like(tables, held->outside) -= held->signalling;
	discard(held);
}

bool hold_run(const binding_site &site, const socket_run &run, binding **held, sipx_reason *why)
{
	u16 port = 0;
	const bool none_stands = run.mapping_known && run.count == 2;	// goes_together() has looked
	// Where they cannot stand in a row as they are, a second binding of the same socket
	// lets the text be true; whoever has the first one keeps it.
	const bool fits = none_stands || find_standing(site, run, held, port);
	if (!fits || !port)
		port = choose_port(site, run);
	*why = SIPX_COUNT_no_port;
	for (u32 i = 0; port && i < run.count; i++) {
		if (fits && held[i])
			take_reference(held[i]);
		else
			held[i] = make_binding(site, socket_of(run, i), static_cast<u16>(port + i), why);
		if (held[i] && run.signalling)
			note_signalling(tables_of(site.opaque), *held[i]);
		if (held[i])
			continue;
		while (i)
			drop_reference(tables_of(site.opaque), held[--i]);
		return false;
	}
	return port;
}

namespace {

// The text can say any RTCP port (RFC 3605): then the two go together only where nothing
// is lost by it, be it a mapping or a binding that stands. Who has asked a STUN server about
// RTCP has asked it about RTP, or says in a candidate what it heard (RFC 8445 5.1.1.2).
bool goes_together(const binding_site &site, binding_wish &rtp, const binding_wish &rtcp)
{
	const socket_run run{rtp.inside, 2, 0, false};
	binding *standing[2];
	u16 port;
	if (!find_standing(site, run, standing, port))
		return false;
	if (port)
		return true;
	const u16 mapped = rtp.mapping = mapping_of(site, rtp.inside, rtp.hint);
	rtp.mapping_known = true;
	const u16 next = mapped || rtcp.hint ? mapping_of(site, rtcp.inside, rtcp.hint) : 0;
	if (!mapped)
		return !next;
	return is_run_free(site, run, mapped) && (!next || next == mapped + 1);
}

void cut_loose_links(const binding_site &site, plan &p)
{
	for (u8 i = 0; i < p.wish_count; i++) {
		binding_wish &wish = p.wishes[i];
		if (wish.next == none || !p.wishes[wish.next].loose || goes_together(site, wish, p.wishes[wish.next]))
			continue;
		p.wishes[wish.next].follows = false;
		wish.next = none;
	}
}

// Calls and connections that end for the sockets of one message's line. More would be an attack on
// the time that a message takes (S8).
constexpr u32 most_givers = 8;

// Nothing hangs on it that somebody outside has answered or granted, as far as its oldest calls tell, nor
// what this message is about.
bool only_waits(const binding_site &site, const connection &c)
{
	const call *at = c.calls.tail;
	for (u32 looks = 0; at && looks < 2 * most_givers; at = at->on_owner.previous, looks++)
		if (!at->expendable || at->key == site.call)
			return false;
	for (const registration *r = c.registrations; r; r = r->next)
		if (r->live)
			return false;
	return !c.direct.head && &c != site.by;
}

// False: there is more of it than one message may end.
bool end_what_waits(sipx_state *opaque, connection &c)
{
	for (u32 i = 0; c.calls.tail && i < most_givers; i++)
		end_call(opaque, c.calls.tail);
	for (u32 i = 0; c.registrations && i < most_givers; i++)
		end_registration(opaque, c, c.registrations);
	return is_bare(c);
}

// The oldest that has ports for sockets besides its own, and nothing that lasts. Those that have are looked at
// again when that ends.
connection *find_spare(const binding_site &site, const host &of)
{
	connection *oldest = of.spare.tail;
	for (u32 looks = 0; oldest && looks < most_givers; looks++) {
		connection *newer = oldest->on_spare.previous;
		const bool waits = only_waits(site, *oldest);
		if (waits && end_what_waits(site.opaque, *oldest))
			return oldest;
		if (!waits && oldest != site.by)
			set_spare(tables_of(site.opaque), *oldest, false);
		oldest = newer;
	}
	return nullptr;
}

u32 times_named(const call &c, const binding *held, u32 &looks)
{
	u32 times = 0;
	for (const stream *s = c.streams; s && looks; s = s->next) {
		looks--;
		times += (s->rtp == held) + (s->rtcp == held);
		if (const stream_ends *before = s->before)
			times += (before->rtp == held) + (before->rtcp == held);
	}
	return times;
}

// Whether nobody has that socket but calls that wait for an answer. What it takes to find these again, and to end
// them, is added to `work`. Where that needs most of the looks that are left, others are asked rather.
bool all_may_go(binding_site &site, const binding *held, u32 &work)
{
	const u32 most = site.looks / 4;
	u32 times = 0, looks = most;
	const call *at = held->of->keeping.tail;
	for (; at && looks && times < held->references; at = at->on_keeping.previous)
		if (at->key != site.call)
			times += times_named(*at, held, looks);
	site.looks -= most - looks;
	work += most - looks + held->references * work_of_end;
	return times == held->references;
}

// It may have been named many times.
void end_all_that_name(binding_site &site, const endpoint &outside)
{
	const binding *held = find_binding_outside(tables_of(site.opaque), outside);
	call *newer, *at = held ? held->of->keeping.tail : nullptr;
	for (u32 looks = ~0u; held && at; at = newer) {
		newer = at->on_keeping.previous;
		if (at->key == site.call || !times_named(*at, held, looks))
			continue;
		end_call(site.opaque, at);
		held = find_binding_outside(tables_of(site.opaque), outside);
	}
}

// Where a call had its ports that gave way, others may have some of those as well, or its neighbours: who yields, too.
void make_run_free(binding_site &site, const socket_run &run, const host &yields, u32 weight)
{
	state &tables = tables_of(site.opaque);
	const endpoint first = with_port(with_protocol(site.outside, run.first.protocol), run.left);
	u32 work = 0;
	if (run.left + run.count - 1 > 65535)
		return;
	for (u32 i = 0; i < run.count; i++) {
		const binding *held = find_binding_outside(tables, with_port(first, static_cast<u16>(run.left + i)));
		if (!held)
			continue;
		host *of = held->signalling ? nullptr : held->of;
		const bool gives = of && (of == &yields || yields_to(tables, yielding::ports, *of, site.of, weight));
		if (!gives || !all_may_go(site, held, work))
			return;
	}
	if (!spend(site.looks, work))
		return;
	for (u32 i = 0; i < run.count; i++)
		end_all_that_name(site, with_port(first, static_cast<u16>(run.left + i)));
}

// Of the sockets of its streams, the one that fewest have named.
const binding *least_named(binding_site &site, const call &c)
{
	const binding *least = nullptr;
	for (const stream *s = c.streams; s && spend(site.looks, 1); s = s->next)
		if (s->rtp && (!least || s->rtp->references < least->references))
			least = s->rtp;
	return least;
}

// The call that has waited longest for an answer. `port`, where one is wanted: the outside one that it leaves; those
// whose ports so many have named that it takes too long to free one are passed over.
call *longest_waiting(binding_site &site, const host &of, bool for_port, u16 &port)
{
	for (call *at = of.keeping.tail; at && spend(site.looks, 1); at = at->on_keeping.previous) {
		const binding *first = for_port ? least_named(site, *at) : nullptr;
		const bool crowded = first && first->references * work_of_end > site.looks / 4;
		port = first ? first->outside.port : 0;
		if (at->key != site.call && !crowded)
			return at;
	}
	return nullptr;
}

// Such a connection; then the call that has waited longest for an answer.
bool end_oldest(binding_site &site, const host &yields, socket_run &run, sipx_reason why, u32 weight)
{
	run.left = 0;
	if (connection *spare = find_spare(site, yields)) {
		forget_bare_connection(site.opaque, spare);
		return true;
	}
	const bool for_port = why == SIPX_COUNT_no_port && !run.signalling;
	u16 port;
	call *waiting = longest_waiting(site, yields, for_port, port);
	if (!waiting)
		return false;
	run.left = port ? static_cast<u16>(port ^ ((port ^ run.first.port) & 1)) : 0;
	end_call(site.opaque, waiting);
	if (port)
		make_run_free(site, run, yields, weight);
	return true;
}

// What its host then has of ports and pinholes, with one for each way of a socket's media (weigh_sockets()).
u32 weight_with(const binding_site &site, const socket_run &run)
{
	const u32 weight = (run.signalling ? 1 : 3) * run.count + 1;
	if (!site.of)
		return weight;
	return weight + site.of->held[static_cast<u32>(shared::bindings)] +
	       site.of->held[static_cast<u32>(shared::pinholes)];
}

// For more sockets than there are: whoever has most of what may go gives way, if it has more than
// who asks would have; and a host that has all that it may have, to itself. False: nobody does, or nothing
// is full.
bool make_sockets_free(binding_site &site, sipx_reason why, socket_run &run)
{
	state &tables = tables_of(site.opaque);
	const u32 held = tables.held[static_cast<u32>(shared::bindings)];
	const bool near = why == SIPX_COUNT_limit_bindings && held < sipx_setting(site.opaque, SIPX_SETTING_MAX_MEDIA);
	const bool own = why == SIPX_COUNT_limit_media_host;
	if (why == SIPX_COUNT_no_memory)
		return false;
	const bool listens = run.signalling && why == SIPX_COUNT_no_port;
	const yielding what = listens ? yielding::listening : yielding::ports;
	const u32 weight = weight_with(site, run);
	const host *yields = site.of;
	if (!own)
		yields = who_yields(tables, what, site.of, near, weight);
	if (!yields || !end_oldest(site, *yields, run, why, weight))
		return false;
	sipx_count(site.opaque, why);
	return true;
}

// Apart from what every message costs.
[[gnu::noinline]] bool hold_others(binding_site &site, socket_run &run, binding **held, sipx_reason &why)
{
	run.mapping_known = false;	// what was known of its bindings may hold no longer
	for (u32 i = 0; i < most_givers && make_sockets_free(site, why, run); i++)
		if (hold_run(site, run, held, &why))
			return true;
	return false;
}

bool reserve_run(binding_site &site, plan &p, u8 head, sipx_reason &why)
{
	binding *held[max_run] = {};
	const binding_wish &first = p.wishes[head];
	socket_run run{first.inside, 0, first.hint, !first.media, first.mapping_known, first.mapping};
	for (u8 at = head; at != none; at = p.wishes[at].next)
		run.count++;
	why = SIPX_COUNT_no_port;
	if (run.count > max_run || !(hold_run(site, run, held, &why) || hold_others(site, run, held, why)))
		return false;
	u32 i = 0;
	for (u8 at = head; at != none; at = p.wishes[at].next)
		p.wishes[at].held = held[i++];
	return true;
}

binding *hold_same_port(const binding_site &site, const endpoint &inside, sipx_reason *why)
{
	binding *standing = find_binding_inside(site, inside);
	*why = SIPX_COUNT_no_port;
	if (!standing && is_run_free(site, {inside, 1, 0, false}, inside.port))
		return make_binding(site, inside, inside.port, why);
	if (!standing || standing->outside.port != inside.port)
		return nullptr;
	take_reference(standing);
	return standing;
}

// Where the text is not ours to change (sip-ext-assist): a provider that sees to NAT by
// itself keeps the port and takes the address that it sees. Where that port is not free
// there is nothing to be done, and the message passes all the same.
void reserve_same_ports(const binding_site &site, plan &p)
{
	for (u8 i = 0; i < p.wish_count; i++) {
		sipx_reason why;
		p.wishes[i].held = hold_same_port(site, p.wishes[i].inside, &why);
		if (!p.wishes[i].held)
			sipx_count(site.opaque, why);
	}
}

} // namespace

bool reserve_bindings(binding_site &site, plan &p, sipx_reason &why)
{
	if (!p.wish_count)
		return true;
	site.roomy = has_room(site, p.wish_count, why);
	if (p.same_port) {
		reserve_same_ports(site, p);
		return true;
	}
	cut_loose_links(site, p);
	for (u8 i = 0; i < p.wish_count; i++)
		if (!p.wishes[i].follows && !reserve_run(site, p, i, why))
			return false;
	return true;
}

void release_bindings(state &tables, plan &p)
{
	for (u8 i = 0; i < p.wish_count; i++) {
		drop_reference(tables, p.wishes[i].held);
		p.wishes[i].held = nullptr;
	}
}

} // namespace sip
