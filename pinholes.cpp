// SPDX-License-Identifier: GPL-2.0
#include "pinholes.h"

#include "connections.h"
#include "hosts.h"
#include "keyed_hash.h"

namespace sip {

namespace {

// A standing pinhole gets a new lifetime only when it would end this much too early; one that
// stands for weeks, because its owner ends it, never.
constexpr u64 renewal_slack_ms = 2000;
constexpr u64 far_ms = 7ull * 24 * 3600 * 1000;

// Who may go where: the kernel's table holds one expectation for it. Of IPv4 a third of the
// bytes says all; a hash tells keys of two lengths apart.
template<u32 address_size>
struct place_key {
	u8 source[address_size];
	u8 destination[address_size];
	u16 source_port;
	u16 destination_port;
	u8 source_family;	// 0: anybody
	u8 protocol;
	u16 zero;
	u32 zone;
};
static_assert(sizeof(place_key<4>) == 20 && sizeof(place_key<16>) == 44);

template<u32 address_size>
u64 hash_of(const scene &on, const sipx_pinhole &wished)
{
	const endpoint &source = wished.source, &destination = wished.destination;
	place_key<address_size> key{{}, {}, source.port, destination.port, source.family,
				    destination.protocol, 0, on.where.zone};
	__builtin_memcpy(key.source, source.bytes, address_size);
	__builtin_memcpy(key.destination, destination.bytes, address_size);
	return keyed_hash(key);
}

u64 place_of(const scene &on, const sipx_pinhole &wished)
{
	return wished.destination.family == SIPX_IPV4 ? hash_of<4>(on, wished) : hash_of<16>(on, wished);
}

// What makes two wishes the same pinhole: not its lifetime, and not the media class, so that
// audio and video on one socket (BUNDLE) share theirs. An odd factor keeps two of one place apart,
// and nobody knows the hash of the place.
u64 digest_of(const sipx_pinhole &wished, u64 place)
{
	constexpr u64 golden = 0x9e3779b97f4a7c15ull;
	const u32 how = wished.translate << 2 | wished.reply << 1 | wished.helper;
	const u64 rest = u64{wished.translated.port} << 16 | how << 8 | wished.translated.family;
	if (wished.translated.family == SIPX_IPV6)
		return place + keyed_hash(wished.translated.bytes) + rest * golden;
	u32 address;
	__builtin_memcpy(&address, wished.translated.bytes, sizeof(address));
	return place + (u64{address} << 32 | rest) * golden;
}

// What is wished, and the hashes of it.
struct request {
	sipx_pinhole &wished;
	u64 place;
	u64 digest;
};

// `of` learns whether any other stands in the same place.
pinhole *find_pinhole(const state &tables, request &of)
{
	of.wished.alone = true;
	for (pinhole *at = tables.pinholes.first(of.place); at; at = at->next) {
		if (at->digest == of.digest)
			return at;
		of.wished.alone &= at->place != of.place;
	}
	return nullptr;
}

sipx_reason reason_of(sipx_pinhole_error error)
{
	switch (error) {
	case SIPX_PINHOLE_TABLE_FULL:
	case SIPX_PINHOLE_CLASS_FULL:
		return SIPX_COUNT_expectations_full;
	case SIPX_PINHOLE_NO_MEMORY:
		return SIPX_COUNT_no_memory;
	default:
		return SIPX_COUNT_expectation_clash;
	}
}

u32 seconds_until(const scene &on, u64 until_ms)
{
	const u64 left_ms = until_ms > on.now_ms ? until_ms - on.now_ms : 0;
	const u64 seconds = (left_ms + 999) / 1000;
	return seconds > longest_lifetime_s ? longest_lifetime_s : static_cast<u32>(seconds);
}

// As it is remembered: rather too long.
u32 rounded(u64 until_ms) { return static_cast<u32>(until_ms >> 10); }
u64 until_ms_of(const pinhole &p) { return (u64{p.until} + 1) << 10; }

// A connection has a bounded number of each class (255); where one is full, the next does:
// 200 calls over one trunk have 800 for audio (R10).
sipx_pinhole_error open_in_any_class(const scene &on, const connection &owner, sipx_pinhole &wished, pinhole &made)
{
	const u8 first = wished.pinhole_class;
	for (u8 i = 0; i < SIPX_CLASSES; i++) {
		const sipx_pinhole_error error = sipx_pinhole_open(on.packet, owner.conntrack, &wished, &made.handle);
		if (error != SIPX_PINHOLE_CLASS_FULL)
			return error;
		wished.pinhole_class = (first + i + 1) % SIPX_CLASSES;
	}
	return SIPX_PINHOLE_CLASS_FULL;
}

// Of these each frees a place.
constexpr u32 most_givers = 32;
// The kernel has closed by itself, and we have not looked at since.
constexpr u32 most_closed = 4096;

// Where most of them are, doors that no registrar keeps open go: they are opened again when a request or
// a dialog needs them. Then what calls that nobody has answered have had longest, whichever name it; with
// the answer they are opened again. A network with an accomplice outside, who answers all its calls, would take
// all there are: one of these does without; once media has come, a connection stands for it. False: there is nothing.
bool make_place(sipx_state *opaque, host &asks)
{
	state &tables = tables_of(opaque);
	for (u32 i = 0; i < most_closed; i++) {
		const host *most = who_yields(tables, yielding::pinholes, &asks, false);
		pinhole *first = most && most != &asks ? most->yielding.tail : pinhole_of_crowd(tables, asks);
		if (!first && most)
			first = most->yielding.tail;
		if (!first)
			return false;
		const bool stands = sipx_pinhole_stands(first->handle);
		take_place(opaque, *first);
		if (!stands)
			continue;
		sipx_count(opaque, SIPX_COUNT_expectations_full);
		return true;
	}
	return false;
}

// Apart from what every pinhole costs.
[[gnu::noinline]] sipx_pinhole_error open_in_another_place(const scene &on, const connection &owner,
							   sipx_pinhole &wished, pinhole &made)
{
	sipx_pinhole_error error = SIPX_PINHOLE_TABLE_FULL;
	for (u32 i = 0; error == SIPX_PINHOLE_TABLE_FULL && i < most_givers; i++) {
		if (!make_place(on.opaque, *owner.of))
			break;
		error = open_in_any_class(on, owner, wished, made);
	}
	return error;
}

[[gnu::always_inline]] inline sipx_pinhole_error open(const scene &on, connection &owner, sipx_pinhole &wished,
						       pinhole &made)
{
	made.master = &owner;
	sipx_pinhole_error error = open_in_any_class(on, owner, wished, made);
	if (error == SIPX_PINHOLE_TABLE_FULL && on.insists)
		error = open_in_another_place(on, owner, wished, made);
	if (error != SIPX_PINHOLE_OPEN) {
		made.handle = nullptr;
		return error;
	}
	note_placed(on.tables(), made);
	sipx_count(on.opaque, SIPX_COUNT_pinhole_opened);
	return error;
}

[[gnu::always_inline]] inline pinhole *open_new(const scene &on, connection &owner, const request &of,
						u64 until_ms, sipx_pinhole_error &error)
{
	auto *made = make<pinhole>();
	if (!made) {
		error = SIPX_PINHOLE_NO_MEMORY;
		return nullptr;
	}
	made->place = of.place;
	made->digest = of.digest;
	made->until = rounded(until_ms);
	made->references = 1;
	made->door = of.wished.helper;
	made->insisting = on.insists;
	of.wished.lifetime_s = seconds_until(on, until_ms);
	hold_pinhole(*owner.of, *made);
	error = open(on, owner, of.wished, *made);
	if (!made->handle) {
		drop_pinhole(on.tables(), *made);
		discard(made);
		return nullptr;
	}
	on.tables().pinholes.insert(made->place, made);
	return made;
}

// Each socket of its media has two, one for each way.
bool may_have_one_more(const host &of)
{
	return of.pinholes / 2 < of.most_media;
}

// Whether it did who has that one. All who have the same door do, or none: one of a registrar is no other one's.
bool insisted(const scene &on, const pinhole &held)
{
	return held.door ? held.insisting : on.insists;
}

// The new one stands before the old one goes, so that no packet falls between them; only
// where the old one is in the way of the new does it go first.
pinhole *replace(const scene &on, connection &owner, const request &of, u64 until_ms, pinhole *&held)
{
	const bool goes = held && held->references == 1 && held->of == owner.of;	// the new one takes its place
	if (!goes && !may_have_one_more(*owner.of)) {
		sipx_count(on.opaque, SIPX_COUNT_limit_media_host);
		return nullptr;
	}
	sipx_pinhole_error error;
	for (;;) {
		pinhole *next = open_new(on, owner, of, until_ms, error);
		if (next)
			return next;
		if (!held || error == SIPX_PINHOLE_NO_MEMORY)
			break;
		give_up_pinhole(on.opaque, held, insisted(on, *held));
	}
	sipx_count(on.opaque, reason_of(error));
	return nullptr;
}

// The inside socket of that pinhole is the host's own; it may name those of other hosts (media_hosts).
bool is_own(const host &of, const sipx_pinhole &wished)
{
	const bool inward = wished.translate == SIPX_TRANSLATE_DESTINATION;
	return same_address(of.address, wished.source) ||
	       same_address(of.address, inward ? wished.translated : wished.destination);
}

// What another host opened, and has: it is not taken from it but by the one whose socket it leads to.
bool stays_with_others(connection &owner, const sipx_pinhole &wished, pinhole &held)
{
	const bool stands = held.handle && sipx_pinhole_stands(held.handle);
	const bool of_another = stands ? held.master->of != owner.of : held.of != owner.of;
	held.shared |= of_another;
	if (!held.shared)
		return false;
	const bool stays = of_another && stands && !is_own(*owner.of, wished);
	(stays ? *held.master : owner).opened_for_hosts = true;
	return stays;
}

// It still stands for as long as it is needed, or stands again. No lock of the kernel's is
// taken where nothing is to change.
void keep_standing(const scene &on, connection &owner, sipx_pinhole &wished, u64 until_ms, pinhole &held)
{
	const bool far = until_ms_of(held) > on.now_ms + far_ms;
	const bool longer = !far && until_ms > until_ms_of(held) + renewal_slack_ms;
	const bool ours = held.master == &owner || stays_with_others(owner, wished, held);
	if (held.handle && ours && !longer && sipx_pinhole_stands(held.handle))
		return;
	wished.lifetime_s = seconds_until(on, until_ms > until_ms_of(held) ? until_ms : until_ms_of(held));
	if (until_ms > until_ms_of(held))
		held.until = rounded(until_ms);
	if (held.handle && ours && sipx_pinhole_renew(held.handle, wished.lifetime_s) == SIPX_PINHOLE_OPEN)
		return;
	take_place(on.opaque, held);
	if (held.of != owner.of && may_have_one_more(*owner.of)) {
		drop_pinhole(on.tables(), held);
		hold_pinhole(*owner.of, held);
	}
	owner.opened_for_others |= !ours;
	const sipx_pinhole_error error = open(on, owner, wished, held);
	if (error != SIPX_PINHOLE_OPEN)
		sipx_count(on.opaque, reason_of(error));
}

} // namespace

void take_place(sipx_state *opaque, pinhole &from)
{
	state &tables = tables_of(opaque);
	if (!from.handle)
		return;
	sipx_pinhole_close(from.handle);
	from.handle = nullptr;
	note_no_place(tables, from);
	sipx_count(opaque, SIPX_COUNT_pinhole_closed);
}

void give_up_pinhole(sipx_state *opaque, pinhole *&held, bool insists)
{
	if (!held)
		return;
	state &tables = tables_of(opaque);
	if (--held->references == 0) {
		take_place(opaque, *held);
		tables.pinholes.remove(held->place, held);
		drop_pinhole(tables, *held);
		discard(held);
	} else if (insists) {
		insist_no_more(tables, *held);
	}
	held = nullptr;
}

void give_up_door(sipx_state *opaque, pinhole *&held)
{
	give_up_pinhole(opaque, held, held && held->insisting);
}

void give_up_pinholes(sipx_state *opaque, stream &of)
{
	give_up_pinhole(opaque, of.in_rtp, of.insists);
	give_up_pinhole(opaque, of.in_rtcp, of.insists);
	give_up_pinhole(opaque, of.out_rtp, of.insists);
	give_up_pinhole(opaque, of.out_rtcp, of.insists);
}

void ensure_pinhole(const scene &on, connection &owner, sipx_pinhole &wished, u64 until_ms, pinhole *&held)
{
	const u64 place = place_of(on, wished), digest = digest_of(wished, place);
	if (held && held->digest == digest) {
		keep_standing(on, owner, wished, until_ms, *held);
		return;
	}
	request of{wished, place, digest};
	pinhole *next = find_pinhole(on.tables(), of);
	if (next) {
		next->references++;
		if (on.insists)
			insist(on.tables(), *next);
		keep_standing(on, owner, wished, until_ms, *next);
	} else {
		next = replace(on, owner, of, until_ms, held);
	}
	give_up_pinhole(on.opaque, held, held && insisted(on, *held));
	held = next;
}

sipx_pinhole inward(const sides &ends, const endpoint &source, const endpoint &outside, const endpoint &inside)
{
	sipx_pinhole wished{};
	wished.source = source;
	wished.destination = ends.translated ? outside : inside;
	if (ends.translated) {
		wished.translated = inside;
		wished.translate = SIPX_TRANSLATE_DESTINATION;
	}
	wished.reply = ends.inside_began;
	return wished;
}

sipx_pinhole outward(const sides &ends, const endpoint &inside, const endpoint &outside, const endpoint &remote)
{
	sipx_pinhole wished{};
	wished.source = inside;
	wished.destination = remote;
	if (ends.translated) {
		wished.translated = outside;
		wished.translate = SIPX_TRANSLATE_SOURCE;
	}
	wished.reply = !ends.inside_began;
	return wished;
}

} // namespace sip
