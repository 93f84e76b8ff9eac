// SPDX-License-Identifier: GPL-2.0
#include "registrations.h"

#include "hosts.h"

namespace sip {

namespace {

constexpr u32 default_expiry_s = 3600;		// RFC 3261 10.2.1.1
constexpr u32 default_refer_s = 180;		// the subscription that a REFER makes: a transfer's time
constexpr u32 fetch = ~0u;			// no Contact in the request: asks, changes nothing
constexpr u32 longest_expiry_s = fetch - 1;	// RFC 3261 20.19 goes up to one more

u32 expiry_of(const contact_wish &contact, const call_event &event, u32 otherwise)
{
	const u32 expiry_s = contact.has_expires ? contact.expires : event.has_expires ? event.expires : otherwise;
	return expiry_s < longest_expiry_s ? expiry_s : longest_expiry_s;
}

// Which socket of its host a Contact of a request names; `none`: another host's.
u8 socket_of(const connection &owner, const contact_wish &contact, const sides &where)
{
	if (same_endpoint(contact.address, where.outer))
		return 0;
	u8 at = contact.any_transport ? find_socket(owner, with_protocol(contact.address, SIPX_UDP)) : none;
	if (at == none)
		at = find_socket(owner, contact.address);
	// Over TCP any port of the own address stands for the connection (T8).
	const bool stands_for = where.inner.protocol == SIPX_TCP && same_address(contact.address, where.inner);
	return at == none && stands_for ? 0 : at;
}

// What the request asks for the sockets of its own host; `socket` is the one it leads to.
u32 requested_expiry(const call_event &event, const connection &owner, const sides &where, u8 &socket)
{
	if (!event.names_contact)
		return fetch;
	u32 longest = 0;
	bool found = false;
	for (u32 i = 0; i < event.contact_count; i++) {
		const contact_wish &contact = event.contacts[i];
		const u8 at = socket_of(owner, contact, where);
		if (at == none)
			continue;
		const u32 expiry = expiry_of(contact, event, default_expiry_s);
		socket = found && longest >= expiry ? socket : at;
		longest = expiry > longest ? expiry : longest;
		found = true;
	}
	return found ? longest : event.has_expires ? event.expires : default_expiry_s;
}

// The socket of this host that a Contact of the answer names, `none` for anybody else's.
u8 socket_named(const connection &owner, const endpoint &contact, bool assist)
{
	if (same_endpoint(contact, assist ? owner.ends.inner : owner.ends.outer))
		return 0;
	for (u8 i = 1; i < max_sockets; i++) {
		const signalling_socket &socket = owner.sockets[i];
		const endpoint &named = socket.bound ? socket.bound->outside : socket.inside;
		if (same_endpoint(contact, named))
			return i;
	}
	const bool untranslated = assist || !owner.ends.translated;
	return untranslated && contact.protocol == SIPX_TCP && same_address(contact, owner.ends.inner) ? 0 : none;
}

// RFC 3261 10.3 step 8: the 2xx lists every Contact with the time that is left to it.
u32 granted_expiry(const call_event &event, const connection &owner, const registration &r, bool assist)
{
	const u32 asked = r.requested_s == fetch ? 0 : r.requested_s;
	u32 longest = 0;
	bool found = false;
	for (u32 i = 0; i < event.contact_count; i++) {
		if (socket_named(owner, event.contacts[i].address, assist) == none)
			continue;
		const u32 expiry = expiry_of(event.contacts[i], event, asked);
		longest = expiry > longest ? expiry : longest;
		found = true;
	}
	if (found || asked == 0)
		return longest;
	// A registrar that lists nothing, or a phone that registered a host name.
	return event.has_expires && event.expires < asked ? event.expires : asked;
}

bool take_pending(registration &r, u64 transaction)
{
	for (u64 &pending : r.pending)
		if (pending == transaction) {
			pending = 0;
			return true;
		}
	return false;
}

registration *find_pending(connection &owner, u64 transaction)
{
	for (registration *r = owner.registrations; r; r = r->next)
		if (take_pending(*r, transaction))
			return r;
	return nullptr;
}

void end_live(sipx_state *opaque, connection &owner, registration &r)
{
	if (!r.live)
		return;
	sipx_count(opaque, r.subscription ? SIPX_COUNT_subscription_ended : SIPX_COUNT_registration_ended);
	end_need(owner, r.live_until_ms);
	r.live = false;
	note_granted(tables_of(opaque), *owner.of, false);
	set_asking(tables_of(opaque), r, true);
	note_spare(tables_of(opaque), owner);
}

void make_live(const scene &on, connection &owner, registration &r, u32 granted_s)
{
	const u32 seconds = granted_s > longest_lifetime_s ? longest_lifetime_s : granted_s;
	const u64 until_ms = on.now_ms + u64{seconds} * 1000;
	if (r.live && until_ms < r.live_until_ms)
		end_need(owner, r.live_until_ms);
	if (!r.live)
		note_granted(on.tables(), *owner.of, true);
	r.live = true;
	r.live_until_ms = until_ms;
	set_asking(on.tables(), r, false);
	note_need(owner, until_ms);
	sipx_count(on.opaque, r.subscription ? SIPX_COUNT_subscription_granted : SIPX_COUNT_registration_granted);
	note_expiry(on.tables(), on.opaque, r.live_until_ms);
}

// The one of that name, made from `spare` if there is none yet; null: there is no spare.
registration *take_registration(const scene &on, u64 name, bool subscription, connection &owner, registration *&spare)
{
	registration *r = find_registration(owner, name, subscription);
	if (r || !spare)
		return r;
	r = spare;
	spare = nullptr;
	r->name = name;
	r->number = ++on.tables().last_number;
	r->subscription = subscription;
	r->owner = &owner;
	r->next = owner.registrations;
	owner.registrations = r;
	count_for(on.tables(), owner.of, shared::registrations);
	set_asking(on.tables(), *r, true);
	return r;
}

// False: it was on its way before.
bool add_pending(const scene &on, registration &r, u64 transaction)
{
	if (r.pending[0] == transaction || r.pending[1] == transaction) {
		sipx_count(on.opaque, SIPX_COUNT_retransmission);
		return false;
	}
	r.pending[1] = r.pending[0];
	r.pending[0] = transaction;
	// RFC 3261 17.1.2.2, timer F
	r.pending_until_ms = on.now_ms + u64{sipx_setting(on.opaque, SIPX_SETTING_TRANSACTION_TIMEOUT)} * 1000;
	note_expiry(on.tables(), on.opaque, r.pending_until_ms);
	return true;
}

// One that is not live and waits for nothing is forgotten.
void forget_if_idle(sipx_state *opaque, connection &owner, registration *r)
{
	if (next_change(*r) == ~0ull)
		end_registration(opaque, owner, r);
}

} // namespace

u64 socket_needed_until(const connection &owner, u8 index)
{
	u64 until_ms = 0;
	for (const registration *r = owner.registrations; r; r = r->next)
		if (r->live && !r->subscription && r->socket == index && r->live_until_ms > until_ms)
			until_ms = r->live_until_ms;
	return until_ms;
}

void settle_door(const scene &on, connection &owner, u8 index)
{
	signalling_socket &socket = owner.sockets[index];
	const u64 until_ms = socket_needed_until(owner, index);
	if (until_ms <= on.now_ms || !may_have_door(on.opaque, socket)) {
		if (index)
			open_for_answers(on, owner, index);
		else
			give_up_door(on.opaque, socket.door);
		return;
	}
	const endpoint &outside = socket.bound ? socket.bound->outside : owner.ends.outer;
	const endpoint registrar = with_port(with_protocol(owner.ends.peer, socket.inside.protocol), 0);
	sipx_pinhole wished = inward(owner.ends, registrar, outside, socket.inside);
	wished.pinhole_class = SIPX_CLASS_SIGNALLING;
	wished.helper = 1;
	scene as = on;
	as.insists = true;
	ensure_pinhole(as, owner, wished, until_ms, socket.door);
}

u64 subscription_name(const call_event &event)
{
	return event.call ^ (event.request_method == method::refer);
}

registration *find_registration(const connection &owner, u64 name, bool subscription)
{
	registration *r = owner.registrations;
	while (r && !(r->name == name && r->subscription == subscription))
		r = r->next;
	return r;
}

bool awaits(const connection &owner, u64 transaction)
{
	for (const registration *r = owner.registrations; r; r = r->next)
		if (r->pending[0] == transaction || r->pending[1] == transaction)
			return true;
	return false;
}

void note_register(const scene &on, const call_event &event, connection &owner, registration *&spare)
{
	registration *r = take_registration(on, event.address_of_record, false, owner, spare);
	if (!r || !add_pending(on, *r, event.transaction))
		return;
	u8 socket = r->live ? r->socket : 0;
	r->requested_s = requested_expiry(event, owner, on.where, socket);
	if (r->live && r->socket == socket)
		settle_door(on, owner, socket);
	r->socket = socket;
}

void grant_registration(const scene &on, const call_event &event, connection &owner)
{
	registration *r = find_pending(owner, event.transaction);
	if (!r) {
		sipx_count(on.opaque, SIPX_COUNT_unmatched_response);
		return;
	}
	const u32 granted_s = granted_expiry(event, owner, *r, on.assist);
	if (granted_s)
		make_live(on, owner, *r, granted_s);
	else if (r->requested_s != fetch)
		end_live(on.opaque, owner, *r);
	settle_door(on, owner, r->socket);
	forget_if_idle(on.opaque, owner, r);
}

void note_subscribe(const scene &on, const call_event &event, connection &owner, registration *&spare)
{
	registration *r = take_registration(on, subscription_name(event), true, owner, spare);
	if (!r || !add_pending(on, *r, event.transaction))
		return;
	const u32 unsaid_s = event.request_method == method::refer ? default_refer_s : default_expiry_s;
	r->requested_s = event.has_expires ? event.expires : unsaid_s;
}

void grant_subscription(const scene &on, const call_event &event, connection &owner)
{
	registration *r = find_pending(owner, event.transaction);
	if (!r)
		return;
	const u32 granted_s = event.has_expires ? event.expires : r->requested_s;
	if (granted_s)
		make_live(on, owner, *r, granted_s);
	else
		end_live(on.opaque, owner, *r);
	forget_if_idle(on.opaque, owner, r);
}

void refuse_registration(const scene &on, const call_event &event, connection &owner)
{
	registration *r = find_pending(owner, event.transaction);
	if (!r)
		sipx_count(on.opaque, SIPX_COUNT_unmatched_response);
	else
		forget_if_idle(on.opaque, owner, r);
}

u64 next_change(const registration &r)
{
	const bool pending = r.pending[0] || r.pending[1];
	const u64 answer_ms = pending ? r.pending_until_ms : ~0ull;
	return r.live && r.live_until_ms < answer_ms ? r.live_until_ms : answer_ms;
}

bool expire_registrations(sipx_state *opaque, connection &owner, u64 now_ms, u32 &left)
{
	for (registration *r = owner.registrations, *after; r; r = after) {
		after = r->next;
		if (next_change(*r) > now_ms)
			continue;
		if (!spend(left, work_of_end))
			return false;
		if (r->pending_until_ms <= now_ms)
			r->pending[0] = r->pending[1] = 0;
		if (r->live && r->live_until_ms <= now_ms) {
			end_live(opaque, owner, *r);
			if (!r->subscription)
				settle_door(scene_of(opaque, owner, now_ms), owner, r->socket);
		}
		forget_if_idle(opaque, owner, r);
	}
	return true;
}

void end_registration(sipx_state *opaque, connection &owner, registration *ended)
{
	end_live(opaque, owner, *ended);
	set_asking(tables_of(opaque), *ended, false);
	list_remove<registration, &registration::next>(owner.registrations, ended);
	count_no_more(tables_of(opaque), owner.of, shared::registrations);
	discard(ended);
}

} // namespace sip
