// SPDX-License-Identifier: GPL-2.0
// The road of one message through the helper: parse, understand, plan, carry out. And the
// end of what has outlived its time.
#include "bindings.h"
#include "calls.h"
#include "connections.h"
#include "hosts.h"
#include "inside.h"
#include "keyed_hash.h"
#include "options.h"
#include "plan.h"
#include "registrations.h"
#include "road.h"
#include "segments.h"
#include "sip_parse.h"

namespace sip {

namespace {

sipx_reason reason_of(parse_error error)
{
	switch (error) {
	case parse_error::not_sip:
		return SIPX_COUNT_not_sip;
	case parse_error::start_line:
		return SIPX_COUNT_malformed_start_line;
	case parse_error::number:
		return SIPX_COUNT_malformed_number;
	case parse_error::length:
		return SIPX_COUNT_malformed_length;
	case parse_error::body:
		return SIPX_COUNT_malformed_body;
	case parse_error::missing_header:
		return SIPX_COUNT_missing_header;
	case parse_error::too_many_addresses:
		return SIPX_COUNT_too_many_addresses;
	case parse_error::too_many_streams:
		return SIPX_COUNT_too_many_streams;
	default:
		return SIPX_COUNT_malformed_header;
	}
}

// RFC 8489 5: its first two bits are 0, and its header ends at byte 20.
bool is_stun(text_view bytes)
{
	return bytes.size() >= 20 && static_cast<u8>(bytes[0]) < 0x04 && bytes.sub(4, 4) == "\x21\x12\xa4\x42";
}

// RFC 5626 3.5.1 and 4.4.1: CRLFs, or a STUN message, or a datagram of NULs that some
// phones send.
bool is_keep_alive(text_view bytes)
{
	for (u32 i = 0; i < bytes.size(); i++) {
		const char c = bytes[i];
		if (c != '\r' && c != '\n' && c != '\0' && c != ' ')
			return is_stun(bytes);
	}
	return true;
}

// Objects made under the first lock, used under the second: what remains is discarded.
struct reserve {
	connection *fresh_connection = nullptr;
	host *of = nullptr;	// the sender's or receiver's inside, a user of it; null: nothing is left behind
	registration *fresh_registration = nullptr;
	call_reserve calls;
};

void discard_reserve(const scene &on, reserve &spare)
{
	if (spare.fresh_connection)
		discard(spare.fresh_connection);
	release_host(on.tables(), spare.of);
	if (spare.fresh_registration)
		discard(spare.fresh_registration);
	discard_reserve(spare.calls);
	spare = {};
}

// What asks somebody outside for a time.
bool asks_for_time(const call_event &event, const sides &where)
{
	const bool asks = event.kind == event_kind::register_request || event.kind == event_kind::subscribe_request;
	return asks && where.from_inside;
}

bool needs_connection(const scene &on, const call_event &event, const plan &p)
{
	for (u8 i = 0; i < p.wish_count; i++)
		if (p.wishes[i].signalling)
			return true;
	if (p.literal.length || p.fresh_stand_in || asks_for_time(event, on.where))
		return true;
	return begins_call(event, on.where) ||
	       (event.kind == event_kind::session && find_call(on.tables(), event, on.where));
}

bool reserve_registration(const scene &on, const call_event &event, reserve &spare, sipx_reason &why)
{
	const connection *owner = connection_of(*on.data);
	const bool subscription = event.kind == event_kind::subscribe_request;
	const u64 name = subscription ? subscription_name(event) : event.address_of_record;
	if (owner && find_registration(*owner, name, subscription))
		return true;
	registration *instead;
	if (!has_room_for_registration(on.opaque, spare.of, instead, why))
		return false;
	if (instead) {
		sipx_count(on.opaque, why);
		end_registration(on.opaque, *instead->owner, instead);
	}
	spare.fresh_registration = make<registration>();
	why = SIPX_COUNT_no_memory;
	return spare.fresh_registration;
}

bool reserve_host(const scene &on, const call_event &event, const connection *owner, reserve &spare)
{
	spare.of = owner ? owner->of : hold_host(on.tables(), on.where.inner, on.where.zone);
	if (!spare.of)
		return false;
	if (owner)
		spare.of->users++;
	if (event.media_count || !spare.of->most_media)
		spare.of->most_media = sipx_setting(on.opaque, SIPX_SETTING_MAX_MEDIA_PER_HOST);
	return true;
}

bool reserve_connection(const scene &on, const call_event &event, const plan &p, reserve &spare)
{
	const connection *owner = connection_of(*on.data);
	if (!owner && !needs_connection(on, event, p))
		return true;
	if (!reserve_host(on, event, owner, spare))
		return false;
	if (owner)
		return true;
	limit_connections(on.opaque, *spare.of);
	spare.fresh_connection = make<connection>();
	return spare.fresh_connection;
}

// Everything that can fail, before anything is changed.
bool make_reserve(const scene &on, workspace &work, reserve &spare, sipx_reason &why)
{
	const call_event &event = work.event;
	why = SIPX_COUNT_no_memory;
	if (!reserve_connection(on, event, work.what, spare))
		return false;
	if (asks_for_time(event, on.where) && !reserve_registration(on, event, spare, why))
		return false;
	if (event.kind == event_kind::session && !reserve_call(on, event, spare.calls, why))
		return false;
	const bool ports_move = on.where.outer.port != on.where.inner.port;
	binding_site site{on.packet, on.opaque, on.where.outer, on.where.zone, ports_move};
	site.of = spare.of;
	site.by = connection_of(*on.data);
	site.call = event.call;
	return !on.where.translated || reserve_bindings(site, work.what, why);
}

// The answer may come at the port that the Via names: through the door to it, on a connection of its own. Null: it
// did not.
connection *asked_by(const scene &on)
{
	connection *master = on.master ? connection_of(*on.master) : nullptr;
	return master && same_endpoint(master->ends.peer, on.where.peer) ? master : nullptr;
}

connection *registering(const scene &on, const call_event &event, connection *owner)
{
	if (owner && awaits(*owner, event.transaction))
		return owner;
	connection *master = asked_by(on);
	return master ? master : owner;
}

// Returns the call that it says something new of; null: none.
call *remember(const scene &on, const call_event &event, const plan &p, connection *owner, reserve &spare)
{
	const bool from_inside = on.where.from_inside;
	switch (event.kind) {
	case event_kind::register_request:
		if (from_inside && owner)
			note_register(on, event, *owner, spare.fresh_registration);
		break;
	case event_kind::register_granted:
		owner = registering(on, event, owner);
		if (!from_inside && owner)
			grant_registration(on, event, *owner);
		break;
	case event_kind::subscribe_request:
		if (from_inside && owner)
			note_subscribe(on, event, *owner, spare.fresh_registration);
		break;
	case event_kind::subscribe_granted:
		owner = registering(on, event, owner);
		if (!from_inside && owner)
			grant_subscription(on, event, *owner);
		break;
	case event_kind::register_refused:
	case event_kind::subscribe_refused:
		owner = registering(on, event, owner);
		if (!from_inside && owner)
			refuse_registration(on, event, *owner);
		break;
	case event_kind::session:
		return note_session(on, event, p, owner, spare.calls);
	case event_kind::session_failed:
		note_failure(on, event);
		break;
	case event_kind::bye:
		note_bye(on, event);
		break;
	case event_kind::session_over:
		note_bye_answer(on, event);
		break;
	case event_kind::other:
		break;
	}
	return nullptr;
}

// The connections that the message had to do with: its own, that of its call where the call
// began on another one, and that whose door it came through.
void settle_all(const scene &on, const call_event &event, connection *owner)
{
	if (owner) {
		owner->ordinary_s = on.default_timeout_s;
		settle_lifetime(*owner, on.now_ms);
	}
	const call *c = event.kind == event_kind::other ? nullptr : find_call(on.tables(), event, on.where);
	if (c && c->owner != owner)
		settle_lifetime(*c->owner, on.now_ms);
	connection *master = on.master ? connection_of(*on.master) : nullptr;
	if (master && master != owner)
		settle_lifetime(*master, on.now_ms);
}

// The second half of carrying out: nothing here can fail but the pinholes, and a message
// whose pinhole could not be opened is still a message (its media falls back to plain NAT).
void commit(const scene &on, workspace &work, reserve &spare)
{
	if (!(on.data->flags & connection_gone)) {
		if (spare.fresh_connection && !connection_of(*on.data)) {
			attach_connection(on, spare.fresh_connection, spare.of);
			spare.fresh_connection = nullptr;
		}
		connection *owner = connection_of(*on.data);
		remember_spelling(*on.data, work.what.after);
		if (owner)
			adopt_sockets(on, work.event, *owner, work.what);
		if (owner && work.what.literal.fresh)
			remember_literal(on, *owner, work.what.literal);
		if (owner && work.what.fresh_stand_in)
			remember_stand_ins(on, *owner, work.what.stands_for);
		if (owner)
			mind_via(on, work.event, *owner);
		call *changed = remember(on, work.event, work.what, owner, spare);
		if (changed && work.digest && work.what.what == verdict::translate)
			keep_invite(on, work, *changed);
		if (owner)
			mind_contact(on, work.event, *owner);
		connection *asked = work.event.status ? asked_by(on) : nullptr;
		if (asked && asked != owner)
			mind_contact(on, work.event, *asked);
		settle_all(on, work.event, owner);
	}
	release_bindings(on.tables(), work.what);
	discard_reserve(on, spare);
}

bool changes_nothing(const scene &on, const call_event &event, const plan &p)
{
	const bool tcp = on.where.inner.protocol == SIPX_TCP;
	if (!tcp && on.data->flags & connection_has_more)	// it may listen elsewhere
		return false;
	const bool fresh = p.fresh_stand_in || p.literal.fresh || !(p.before == p.after);
	return event.kind == event_kind::other && p.wish_count == 0 && !fresh;
}

// The edits make the message longer by no more than this.
u32 most_growth(const plan &p, const sides &where)
{
	constexpr u32 longest_ipv4 = 15;
	bool ipv4 = where.outer.family == SIPX_IPV4;
	for (u8 i = 0; i < p.value_count; i++) {
		const edit_value &value = p.values[i];
		const endpoint &e = value.wish == none ? value.fixed : p.wishes[value.wish].inside;
		ipv4 &= e.family == SIPX_IPV4;
	}
	return p.edit_count * (ipv4 ? longest_ipv4 : u32{sizeof(value_text::address)});
}

// The last step that can fail. Over TCP the edits are in the workspace, and the stream must
// have room for them; or the message has been written there at once.
bool apply_edits(const sipx_packet_info &info, workspace &work, stream_message *message)
{
	plan &p = work.what;
	if (message) {
		p.whole_size = info.payload_length + most_growth(p, work.where);
		p.whole = message->room(p.whole_size);
	}
	if (!sipx_nat_apply_edits(&info))
		return false;
	if (!message)
		return true;
	const rewrite &made = work.made;
	const char *bytes = reinterpret_cast<const char *>(work.out);
	if (p.whole) {
		message->fill(info.payload_length - made.old_length + made.new_length);
		return true;
	}
	p.reason = SIPX_COUNT_no_memory;
	return message->take({made.offset, made.old_length, bytes, made.new_length});
}

// Reserve, rewrite, commit: everything or nothing. Returns what to count.
sipx_reason carry_out(const sipx_packet_info &info, const scene &on, workspace &work, stream_message *message)
{
	plan &p = work.what;
	reserve spare;
	sipx_reason why = SIPX_COUNT_too_many_sockets;
	{
		table_lock lock(on.opaque);
		if (!room_for_sockets(connection_of(*on.data), p) || !make_reserve(on, work, spare, why)) {
			release_bindings(on.tables(), p);
			discard_reserve(on, spare);
			return why;
		}
	}
	const bool edited = p.what == verdict::translate;
	if (edited && !apply_edits(info, work, message)) {
		table_lock lock(on.opaque);
		release_bindings(on.tables(), p);
		discard_reserve(on, spare);
		return p.reason;
	}
	table_lock lock(on.opaque);
	commit(on, work, spare);
	return edited ? SIPX_COUNT_translated : SIPX_COUNT_unchanged;
}

// What the plan must know of the messages before this one.
void recall_connection(const sipx_packet_info &info, const sides &where, plan &p)
{
	// A connection that came through a signalling pinhole begins with what the one knows
	// that the pinhole belongs to.
	const bool blank = spelling_of(*info.data) == spelling{};
	const sipx_connection_data &data = blank && info.master ? *info.master : *info.data;
	p.before = p.after = spelling_of(data);
	if (!info.master && !(data.flags & connection_has_more))
		return;
	table_lock lock(info.state);
	const connection *own = connection_of(*info.data);
	if (own && (own->literal.length || own->sockets[1].bound || !info.master))
		recall(*own, where.outer, p);
	else if (const connection *master = info.master ? connection_of(*info.master) : nullptr)
		recall(*master, where.outer, p);
}

// The outside port of that inside socket towards the same server; 0: it does not speak to it.
u16 datagram_port(const sipx_packet_info &info, const sides &where, const endpoint &inside)
{
	const endpoint peer = with_protocol(where.peer, SIPX_UDP);
	const endpoint outside = with_port(with_protocol(where.outer, SIPX_UDP), 0);
	if (!sipx_connection_stands(info.state, where.zone, &inside, &peer))
		return 0;
	const connection *at = find_connection(tables_of(info.state), inside, peer, where.zone);
	return at ? at->ends.outer.port : sipx_mapped_port(info.packet, &inside, &outside, true);
}

bool is_known(const plan &p, const endpoint &inside)
{
	for (u8 i = 0; i < p.known_count; i++)
		if (same_socket(p.known[i].inside, inside))
			return true;
	return false;
}

// It may be reached by UDP, too, and its sender does not say that it wants TCP.
bool may_be_datagrams(const contact_wish &contact, const sides &where)
{
	const bool udp = contact.any_transport || contact.address.protocol == SIPX_UDP;
	return udp && same_address(contact.address, where.inner) && contact.address.port >= lowest_media_port;
}

// A request too large for UDP goes over TCP (RFC 3261 18.1.1), and its Contact still names the
// socket that the server reaches its sender at by UDP: its own outside one stands for it.
void find_datagram_contacts(const sipx_packet_info &info, workspace &work)
{
	u32 room = max_sockets - 1u;
	for (u8 i = 0; room && i < work.event.contact_count; i++) {
		const contact_wish &contact = work.event.contacts[i];
		const endpoint inside = with_protocol(contact.address, SIPX_UDP);
		if (!may_be_datagrams(contact, work.where) || is_known(work.what, inside))
			continue;
		table_lock lock(info.state);
		const endpoint outside = with_protocol(work.where.outer, SIPX_UDP);
		const binding_site site{info.packet, info.state, outside, work.where.zone, false};
		const binding *bound = find_binding_inside(site, inside);
		const u16 port = datagram_port(info, work.where, inside);
		if (!port && !(bound && bound->signalling))
			continue;
		const u8 wish = wish_binding(work.what, inside, true);
		if (wish == none)
			return;
		work.what.wishes[wish].hint = port;
		room--;
	}
}

// Which sockets and which edits the message needs. `unchanged`: nothing stands against it.
sipx_reason plan_message(const sipx_packet_info &info, workspace &work)
{
	plan &p = work.what;
	const bool tcp = work.where.inner.protocol == SIPX_TCP;
	p.one_port = tcp && !sipx_setting(info.state, SIPX_SETTING_TCP_INBOUND);
	admit_media_hosts(info.state, work);
	if (!p.one_port)
		plan_sockets(work.event, work.where, p);
	if (!work.where.translated)
		return SIPX_COUNT_unchanged;
	p.same_port = info.assist;
	if (info.nat_present)
		plan_media(work.event, work.where, p);
	if (info.assist)
		return SIPX_COUNT_unchanged;
	if (!info.nat_present)
		return SIPX_COUNT_no_nat_module;
	p.leave_identity = !sipx_setting(info.state, SIPX_SETTING_IDENTITY);
	recall_connection(info, work.where, p);
	if (tcp && work.where.from_inside)
		find_datagram_contacts(info, work);
	find_direct_media(info.state, work);
	if (!sipx_nat_plan_edits(&info))
		return SIPX_COUNT_no_nat_module;
	return p.what == verdict::pass ? p.reason : SIPX_COUNT_unchanged;
}

// What a tick may do before others get the lock: a look at a connection is one.
constexpr u32 work_of_tick = 4096;

// Each of its streams has pinholes, and is looked at.
u32 work_of(const call &c)
{
	u32 work = work_of_end;
	for (const stream *s = c.streams; s && work < work_of_tick / 2; s = s->next)
		work += work_of_end;
	return work;
}

// False: there is more to do than may be done at once. The oldest calls come first.
bool expire_connection(sipx_state *opaque, connection &at, u64 now_ms, u32 &left)
{
	state &tables = tables_of(opaque);
	if (!spend(left, 1))
		return false;
	for (call *c = at.calls.tail, *newer; c; c = newer) {
		newer = c->on_owner.previous;
		if (c->expires_ms > now_ms)
			expect_expiry(tables, c->expires_ms);
		else if (spend(left, work_of(*c)))
			expire_call(opaque, *c, now_ms);
		else
			return false;
	}
	if (!expire_registrations(opaque, at, now_ms, left))
		return false;
	for (const registration *r = at.registrations; r; r = r->next)
		expect_expiry(tables, next_change(*r));
	if (at.needs_less || at.needs_more)
		settle_lifetime(at, now_ms);
	return true;
}

// All connections, from the one that a tick has come to.
bool expire(sipx_state *opaque, connection *at, u64 now_ms)
{
	state &tables = tables_of(opaque);
	u32 left = work_of_tick;
	while (at && expire_connection(opaque, *at, now_ms, left))
		at = at->next;
	tables.expiring = at;
	return !at;
}

[[gnu::noinline]] parse_error read_message(const sipx_packet_info &info)
{
	const text_view bytes(reinterpret_cast<const char *>(info.payload), info.payload_length);
	return parse(bytes, workspace_of(info.workspace).view);
}

} // namespace

bool read_whole(const sipx_packet_info &info)
{
	const text_view bytes(reinterpret_cast<const char *>(info.payload), info.payload_length);
	return read_message(info) == parse_error::none && is_framed(bytes, workspace_of(info.workspace).view);
}

sipx_reason carry_message(const sipx_packet_info &info, stream_message *message, u64 digest)
{
	if (!message)	// before anything that hangs on them is looked at
		workspace_of(info.workspace).settings = sipx_settings_version(info.state);
	const parse_error error = read_message(info);
	return error == parse_error::none ? carry_read(info, message, digest) : reason_of(error);
}

sipx_reason carry_read(const sipx_packet_info &info, stream_message *message, u64 digest)
{
	const text_view bytes(reinterpret_cast<const char *>(info.payload), info.payload_length);
	workspace &work = workspace_of(info.workspace);
	work.digest = digest;
	work.again = false;
	work.where = sides_of(info);
	if (work.where.undecided)
		return SIPX_COUNT_no_inside;
	understand(work.view, work.where, work.event);
	reset_plan(work.what, work.event.media_count);
	const sipx_reason refused = plan_message(info, work);
	if (refused != SIPX_COUNT_unchanged)
		return refused;
	const scene on{info.packet, info.state, info.data, info.master, sipx_now_ms(), info.default_timeout_s,
		       info.assist != 0, work.where};
	if (!changes_nothing(on, work.event, work.what)) {
		identify(work.view, bytes, work.where, work.event);
		return carry_out(info, on, work, message);
	}
	if (work.what.what != verdict::translate)
		return SIPX_COUNT_unchanged;
	kept_options fresh;
	const bool may_come_again = !message && describe_options(info, work, bytes, fresh);
	if (!apply_edits(info, work, message))
		return work.what.reason;
	if (may_come_again)
		keep_options(info, work, fresh);
	return SIPX_COUNT_translated;
}

void close_connection(const sipx_packet_info &info)
{
	table_lock lock(info.state);
	connection *closed = connection_of(*info.data);
	if (!closed)
		return;
	closed->ordinary_s = info.default_timeout_s;
	close_connection(info.state, *closed, sipx_now_ms());
}

namespace {

// The datagram leaves as it did before, and is not read. It is on the same connection.
bool leaves_again(const sipx_packet_info &info, u64 digest)
{
	if (info.data->flags & connection_has_more || !connection_of(*info.data) ||
	    !may_be_kept(tables_of(info.state), digest))
		return false;
	workspace &work = workspace_of(info.workspace);
	work.where = sides_of(info);
	const scene on{info.packet, info.state, info.data, nullptr, sipx_now_ms(), info.default_timeout_s, false,
		       work.where};
	table_lock lock(info.state);
	work.again = repeat_invite(on, digest, work.kept);
	return work.again;
}

// Over UDP it is sent again until it is answered (RFC 3261 17.1.1.2).
sipx_reason carry_invite(const sipx_packet_info &info, text_view datagram)
{
	const bool edited = info.nat_present && !info.assist && !info.master;
	const u64 digest = edited ? keyed_hash(datagram.data(), datagram.size()) : 0;
	if (!digest || !leaves_again(info, digest))
		return carry_message(info, nullptr, digest);
	return sipx_nat_apply_edits(&info) ? SIPX_COUNT_translated : SIPX_COUNT_rewrite_failed;
}

sipx_reason carry_options(const sipx_packet_info &info, text_view datagram)
{
	workspace &work = workspace_of(info.workspace);
	work.again = info.nat_present && !info.assist && !info.master && is_like_before(info, work, datagram);
	if (!work.again)
		return carry_message(info, nullptr, 0);
	return sipx_nat_apply_edits(&info) ? SIPX_COUNT_translated : SIPX_COUNT_rewrite_failed;
}

sipx_reason carry_datagram(const sipx_packet_info &info, text_view datagram)
{
	constexpr u64 invite = 0x20455449564e49, seven_bytes = ~u64{0} >> 8;	// "INVITE "
	constexpr u64 options = 0x20534e4f4954504f;	// "OPTIONS "
	const u64 begin = datagram.size() >= 8 ? detail::load<8>(datagram.data()) : 0;
	if (begin == options)
		return carry_options(info, datagram);
	return (begin & seven_bytes) == invite ? carry_invite(info, datagram) : carry_message(info, nullptr, 0);
}

} // namespace

} // namespace sip

using namespace sip;

u32 sipx_core_state_size(void) { return sizeof(state); }
u32 sipx_core_workspace_size(void) { return sizeof(workspace); }

u32 sipx_core_slab_size(sipx_slab slab)
{
	switch (slab) {
	case SIPX_SLAB_CONNECTION:
		return sizeof(connection);
	case SIPX_SLAB_BINDING:
		return sizeof(binding);
	case SIPX_SLAB_REGISTRATION:
		return sizeof(registration);
	case SIPX_SLAB_CALL:
		return sizeof(call);
	case SIPX_SLAB_STREAM:
		return sizeof(stream);
	case SIPX_SLAB_ENDS:
		return sizeof(stream_ends);
	case SIPX_SLAB_PINHOLE:
		return sizeof(pinhole);
	case SIPX_SLAB_HOST:
		return sizeof(host);
	case SIPX_SLAB_INVITE:
		return sizeof(kept_invite);
	case SIPX_SLAB_OPTIONS:
		return sizeof(kept_options);
	case SIPX_SLAB_TCP:
		return sizeof(sipx_stream);
	case SIPX_SLABS:
		break;
	}
	return 0;
}

void sipx_core_state_exit(sipx_state *opaque)
{
	table_lock lock(opaque);
	end_all_connections(opaque);
}

sipx_reason sipx_core_glance(const u8 *payload, u32 length)
{
	const text_view bytes(reinterpret_cast<const char *>(payload), length);
	if (is_keep_alive(bytes))
		return SIPX_COUNT_keep_alive;
	return begins_like_sip(bytes) ? SIPX_REASON_COUNT : SIPX_COUNT_not_sip;
}

void sipx_core_packet(const sipx_packet_info *info)
{
	const text_view bytes(reinterpret_cast<const char *>(info->payload), info->payload_length);
	const sipx_reason reason = is_keep_alive(bytes) ? SIPX_COUNT_keep_alive :
				   carry_datagram(*info, bytes);
	sipx_count(info->state, reason);
}

void sipx_core_connection_gone(sipx_state *opaque, sipx_connection_data *data)
{
	table_lock lock(opaque);
	data->flags |= connection_gone;
	if (connection *at = connection_of(*data))
		end_connection(opaque, at);
	data->connection = nullptr;
}

void sipx_core_connections_missed(sipx_state *opaque)
{
	table_lock lock(opaque);
	end_lost_connections(opaque);
}

bool sipx_core_inside_of(sipx_state *opaque, u32 zone, const sipx_endpoint *outside, sipx_endpoint *inside)
{
	table_lock lock(opaque);
	const endpoint *found = find_media_inside(tables_of(opaque), *outside, zone);
	if (found)
		*inside = *found;
	return found;
}

sipx_tick sipx_core_tick(sipx_state *opaque)
{
	table_lock lock(opaque);
	state &tables = tables_of(opaque);
	const u64 now_ms = sipx_now_ms();
	connection *from = tables.expiring;
	if (!from && tables.next_expiry_ms && tables.next_expiry_ms <= now_ms) {
		tables.next_expiry_ms = 0;
		from = tables.connections;
	}
	if (!expire(opaque, from, now_ms))
		return SIPX_TICK_AT_ONCE;
	look_for_lost_connections(opaque);
	return tables.next_expiry_ms || tables.connections ? SIPX_TICK_LATER : SIPX_TICK_NO_MORE;
}
