// SPDX-License-Identifier: GPL-2.0
// Connections and packets. Expectations are in expectations.cpp.
#include "router.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "keys.h"

namespace fake {

namespace {

constexpr u32 state_align = 64;		// boundary.h: sipx_core_state_size()
constexpr u8 garbage = 0xa5;		// what a workspace holds from the message before

} // namespace

router::router() : index_(std::make_unique<index>()), workspace_(sipx_core_workspace_size() + state_align)
{
	const size_t size = (state_align + sipx_core_state_size() + state_align - 1) / state_align * state_align;
	memory_ = std::aligned_alloc(state_align, size);
	std::memset(memory_, 0, size);
	*static_cast<router **>(memory_) = this;
	state_ = reinterpret_cast<sipx_state *>(static_cast<u8 *>(memory_) + state_align);
}

router::~router()
{
	sipx_core_state_exit(state_);
	// The namespace is gone for the core: its connections end without a word.
	for (auto &c : connections_)
		c->data.connection = nullptr;
	while (!connections_.empty())
		end(connections_.front().get());
	if (handles())
		broken("references to expectations or connections are left at exit");
	std::free(memory_);
}

bool router::is_inside(const endpoint &e) const
{
	const std::string host = host_of(e);
	for (const auto &prefix : rules.inside)
		if (host.compare(0, prefix.size(), prefix) == 0)
			return true;
	return false;
}

bool router::is_mine(const endpoint &e) const
{
	return sip::same_address(e, rules.outside4) || sip::same_address(e, rules.outside6);
}

// The inside is one network, and all else is another.
sipx_way router::way_to(const endpoint &peer, const endpoint &remote) const
{
	if (is_mine(remote))
		return SIPX_WAY_ROUTER;
	return is_inside(remote) == is_inside(peer) || !is_inside(remote) ? SIPX_WAY_OUT : SIPX_WAY_INSIDE;
}

// What the default route, or where it leads to both or to neither the setting media_hosts says.
void router::set_far(sipx_packet_info &info) const
{
	const endpoint &source = info.source_inner, &destination = info.destination_inner;
	info.source_far = rules.default_route && !is_inside(source);
	info.destination_far = rules.default_route && !is_inside(destination);
	const bool one = sipx_is_media_host(state_, &source), other = sipx_is_media_host(state_, &destination);
	if (info.source_far != info.destination_far || one == other)
		return;
	info.source_far = !one;
	info.destination_far = !other;
}

connection *router::look_up(const tuple &wanted, bool &reply)
{
	const auto found = index_->find({rules.zone, wanted});
	if (found == index_->end())
		return nullptr;
	reply = found->second.reply;
	return found->second.at;
}

const connection *router::find(const endpoint &from, const endpoint &to) const
{
	const auto found = index_->find({rules.zone, {from, to}});
	return found == index_->end() ? nullptr : found->second.at;
}

// nf_nat_masquerade: the same port where the way back is free with it, else another.
void router::masquerade(connection &made)
{
	endpoint outer = made.original.source.family == SIPX_IPV6 ? rules.outside6 : rules.outside4;
	outer.protocol = made.original.source.protocol;
	const auto mapped = rules.map_port.find(made.original.source);
	outer.port = mapped != rules.map_port.end() ? mapped->second : made.original.source.port;
	if (rules.shift_ports && mapped == rules.map_port.end())
		outer.port = next_port_++;
	while (index_->count({made.zone, {made.reply.source, outer}}))
		outer.port = next_port_++;
	made.reply.destination = outer;
}

// False: the packet goes no further.
bool router::translate_by_rules(connection &made, fate &how)
{
	const bool from_inside = is_inside(made.original.source);
	const auto forwarded = rules.forward.find(made.original.destination);
	if (forwarded != rules.forward.end()) {
		made.reply.source = forwarded->second;
		if (from_inside && rules.hairpin)
			masquerade(made);
		return true;
	}
	if (is_mine(made.original.destination)) {
		how = fate::local;
		return false;
	}
	if (from_inside && rules.masquerade && !is_inside(made.original.destination))
		masquerade(made);
	if (!from_inside && rules.firewall) {
		how = fate::refused;
		return false;
	}
	return true;
}

void router::enter(connection &made)
{
	(*index_)[{made.zone, made.original}] = {&made, false};
	(*index_)[{made.zone, made.reply}] = {&made, true};
}

connection *router::begin(const tuple &first, fate &how)
{
	auto made = std::make_shared<connection>();
	made->original = first;
	made->reply = {first.destination, first.source};
	made->zone = rules.zone;
	made->began_ms = now_ms();
	made->helper = rules.helper_ports.count(first.destination.port) != 0;
	if (const sipx_expectation *hit = match(first))
		translate_by(*hit, *made);
	else if (!translate_by_rules(*made, how))
		return nullptr;
	if (index_->count({made->zone, made->reply})) {
		how = fate::clashed;
		return nullptr;
	}
	made->id = next_id_++;
	connections_.push_back(std::move(made));
	return connections_.back().get();
}

// udp_packet() and tcp_packet(): before the helper, with each packet.
void router::refresh(connection &c, bool reply)
{
	c.seen_reply |= reply;
	if (c.original.source.protocol == SIPX_TCP) {
		c.until_ms = now_ms() + u64{c.finished ? rules.tcp_closed_timeout_s : rules.tcp_timeout_s} * 1000;
		return;
	}
	const bool stream = c.seen_reply && now_ms() > c.began_ms + 2000;
	c.until_ms = now_ms() + u64{stream ? rules.udp_stream_timeout_s : rules.udp_timeout_s} * 1000;
}

// All but the payload. What is kept from the packet before is garbage.
sipx_packet_info router::describe(connection &c, bool reply, sipx_packet &packet)
{
	const tuple &there = reply ? c.reply : c.original;
	const tuple &back = reply ? c.original : c.reply;
	const u32 default_s = static_cast<u32>((c.until_ms - now_ms()) / 1000);
	if (u64{c.data.keep_until_s} * 1000 > c.until_ms)	// keep_again() of kernel/helper.c
		c.until_ms = u64{c.data.keep_until_s} * 1000;

	u8 *workspace = workspace_.data();
	workspace += state_align - reinterpret_cast<size_t>(workspace) % state_align;
	std::memset(workspace, garbage, sipx_core_workspace_size());

	sipx_packet_info info{};
	info.packet = &packet;
	info.state = state_;
	info.workspace = reinterpret_cast<sipx_workspace *>(workspace);
	info.data = &c.data;
	info.master = c.master && c.master->helper ? &c.master->data : nullptr;
	info.source_inner = there.source;
	info.source_outer = back.destination;
	info.destination_outer = there.destination;
	info.destination_inner = back.source;
	info.zone = c.zone;
	info.default_timeout_s = default_s;
	info.reply = reply;
	info.nat_present = rules.nat_present;
	set_far(info);
	info.assist = rules.assist;
	return info;
}

void router::leave_core(const connection &c)
{
	in_packet_ = false;
	if (locked_)
		broken("the lock is held after a packet");
	for (const wish &wanted : stale_)
		end_stale(wanted, &c);
	stale_.clear();
}

u16 router::through_core(connection &c, bool reply, std::string &bytes)
{
	// Exactly as long as the datagram: a look beyond its end is seen.
	sipx_packet packet{this, &c, &bytes, std::make_unique<u8[]>(bytes.size())};
	std::memcpy(packet.payload.get(), bytes.data(), bytes.size());
	sipx_packet_info info = describe(c, reply, packet);
	info.payload = packet.payload.get();
	info.payload_length = static_cast<u32>(bytes.size());
	in_packet_ = true;
	const sipx_reason glance = sipx_core_glance(info.payload, info.payload_length);
	const u64 before = glance == SIPX_REASON_COUNT ? 0 : count(glance);
	sipx_core_packet(&info);
	if (glance != SIPX_REASON_COUNT && count(glance) != before + 1)
		broken("at a glance a datagram was something else");
	leave_core(c);
	return packet.redirected;
}

delivery router::send(const endpoint &from, const endpoint &to, const std::string &bytes)
{
	delivery result;
	result.bytes = bytes;
	end_what_is_due();
	connection *c = look_up({from, to}, result.reply);
	const bool fresh = !c;
	if (fresh)
		c = begin({from, to}, result.how);
	if (!c)
		return result;
	refresh(*c, result.reply);
	if (fresh)
		enter(*c);
	u16 redirected = 0;
	if (c->helper && !bytes.empty())
		redirected = through_core(*c, result.reply, result.bytes);
	result.how = fate::arrived;
	result.source = result.reply ? c->original.destination : c->reply.destination;
	result.destination = result.reply ? c->original.source : c->reply.source;
	if (redirected)
		result.destination.port = redirected;
	result.connection = c->id;
	result.expected = c->expected;
	return result;
}

void router::end(connection *ended)
{
	index_->erase({ended->zone, ended->original});
	index_->erase({ended->zone, ended->reply});
	for (auto at = table_.begin(); at != table_.end();) {
		sipx_expectation *e = *at++;
		if (e->master == ended)
			take_off(e);
	}
	ended->ended = true;
	end_stream(*ended);
	if (rules.misses_ends)
		sipx_core_connections_missed(state_);
	else if (ended->helper && ended->data.connection)
		sipx_core_connection_gone(state_, &ended->data);
	if (ended->references && ended->helper)
		broken("a connection that ended is still held");
	connections_.remove_if([ended](const auto &c) { return c.get() == ended; });
}

sipx_connection_data *router::change_helper(const endpoint &from, const endpoint &to, bool ours)
{
	bool reply;
	connection *c = look_up({from, to}, reply);
	if (!c)
		return nullptr;
	for (auto at = table_.begin(); at != table_.end();) {
		sipx_expectation *e = *at++;
		if (e->master == c)
			take_off(e);
	}
	c->helper = ours;
	c->data = {};
	return &c->data;
}

void router::end(const endpoint &from, const endpoint &to)
{
	bool reply;
	if (connection *c = look_up({from, to}, reply))
		end(c);
}

void router::end_all()
{
	while (!connections_.empty())
		end(connections_.front().get());
}

void router::end_what_is_due()
{
	for (auto at = table_.begin(); at != table_.end();) {
		sipx_expectation *e = *at++;
		if (e->until_ms <= now_ms())
			take_off(e);
	}
	std::vector<connection *> due;
	for (const auto &c : connections_)
		if (c->until_ms <= now_ms())
			due.push_back(c.get());
	for (connection *c : due)
		end(c);
}

void router::advance_ms(u64 span_ms)
{
	const u64 end_ms = now_ms() + span_ms;
	for (;;) {
		const bool streams = streams_at_ms_ && (!tick_at_ms_ || streams_at_ms_ < tick_at_ms_);
		const u64 next_ms = streams ? streams_at_ms_ : tick_at_ms_;
		if (!next_ms || next_ms > end_ms)
			break;
		if (next_ms > now_ms())
			set_now_ms(next_ms);
		(streams ? streams_at_ms_ : tick_at_ms_) = 0;
		end_what_is_due();
		if (streams)
			tick_streams();
		else
			tick();
	}
	set_now_ms(end_ms);
	end_what_is_due();
}

void router::tick()
{
	enum sipx_tick again;
	while ((again = sipx_core_tick(state_)) == SIPX_TICK_AT_ONCE)
		tick_parts++;
	if (again == SIPX_TICK_LATER)
		arm_tick();
}

void router::arm_tick()
{
	if (!tick_at_ms_)
		tick_at_ms_ = now_ms() + 1000;
}

void router::lock()
{
	if (locked_)
		broken("the lock is taken twice");
	locked_ = true;
}

void router::unlock()
{
	if (!locked_)
		broken("the lock is given back without being held");
	locked_ = false;
}

void router::need_lock(const char *who) const
{
	if (!locked_)
		broken(std::string(who) + " without the lock");
}

sipx_conntrack *router::hold(sipx_packet &packet)
{
	held_++;
	packet.of->references++;
	for (const auto &c : connections_)
		if (c.get() == packet.of)
			return new sipx_conntrack{this, c};
	broken("a packet of no connection");
}

void router::release(sipx_conntrack *handle)
{
	held_--;
	handle->of->references--;
	delete handle;
}

bool router::port_taken(const endpoint &outside, const endpoint &inside) const
{
	if (is_mine(outside) && rules.taken_ports.count(outside.port))
		return true;
	for (const auto &c : connections_) {
		if (c->zone != rules.zone || c->original.source.protocol != outside.protocol)
			continue;
		const bool leaves = sip::same_endpoint(c->reply.destination, outside);
		const bool forwarded = sip::same_endpoint(c->original.destination, outside) && !c->expected &&
				       !sip::same_endpoint(c->reply.source, outside);
		if ((leaves && !sip::same_endpoint(c->original.source, inside)) ||
		    (forwarded && !sip::same_endpoint(c->reply.source, inside)))
			return true;
	}
	return false;
}

u16 router::mapped_port(const endpoint &inside, const endpoint &outside) const
{
	for (const auto &c : connections_)
		if (sip::same_endpoint(c->original.source, inside) && c->original.source.protocol == inside.protocol &&
		    sip::same_address(c->reply.destination, outside) && c->zone == rules.zone)
			return c->reply.destination.port;
	return 0;
}

bool router::stands(u32 zone, const endpoint &source, const endpoint &destination) const
{
	return index_->count({zone, {source, destination}}) != 0;
}

std::string router::show_calls()
{
	sipx_sink sink;
	for (u32 part = 0; part < sipx_core_parts(); part++)
		sipx_core_show_calls(state_, part, &sink);
	return sink.text;
}

std::string router::show_registrations()
{
	sipx_sink sink;
	for (u32 part = 0; part < sipx_core_parts(); part++)
		sipx_core_show_registrations(state_, part, &sink);
	return sink.text;
}

} // namespace fake

using namespace fake;

namespace {

router &router_of(sipx_state *state)
{
	return **reinterpret_cast<router **>(reinterpret_cast<u8 *>(state) - state_align);
}

void need_packet(sipx_packet *packet)
{
	if (!packet->on->in_packet())
		broken("a packet is used after it is gone");
}

} // namespace

void sipx_lock(sipx_state *state) { router_of(state).lock(); }
void sipx_unlock(sipx_state *state) { router_of(state).unlock(); }
void sipx_count(sipx_state *state, sipx_reason reason) { router_of(state).note(reason); }
void sipx_tick_arm(sipx_state *state) { router_of(state).arm_tick(); }
u32 sipx_setting(const sipx_state *state, enum sipx_setting setting)
{
	return router_of(const_cast<sipx_state *>(state)).rules.values[setting];
}

u32 sipx_settings_version(const sipx_state *state)
{
	const auto &rules = router_of(const_cast<sipx_state *>(state)).rules;
	size_t version = 0;
	const auto mix = [&version](size_t value) { version = version * 31 + value; };
	for (const u32 value : rules.values)
		mix(value);
	for (const std::string &host : rules.media_hosts)
		mix(std::hash<std::string>{}(host));
	for (const u16 port : rules.denied_ports)
		mix(port);
	return static_cast<u32>(version);
}

void sipx_print(sipx_sink *sink, const char *text, u32 length) { sink->text.append(text, length); }

sipx_conntrack *sipx_conntrack_hold(sipx_packet *packet)
{
	need_packet(packet);
	return packet->on->hold(*packet);
}

bool sipx_conntrack_has_ended(const sipx_conntrack *conntrack)
{
	return conntrack->of->ended || !conntrack->of->helper;
}

void sipx_conntrack_release(sipx_conntrack *conntrack) { conntrack->on->release(conntrack); }

void sipx_connection_keep(sipx_conntrack *conntrack, u32 lifetime_s)
{
	const u64 until_ms = now_ms() + u64{lifetime_s} * 1000;
	if (conntrack->of->until_ms < until_ms)
		conntrack->of->until_ms = until_ms;
}

void sipx_connection_shorten(sipx_conntrack *conntrack, u32 lifetime_s)
{
	conntrack->of->until_ms = now_ms() + u64{lifetime_s} * 1000;
}

bool sipx_ports_taken(sipx_packet *packet, const sipx_endpoint *outside, const sipx_endpoint *inside, u32 count)
{
	need_packet(packet);
	if (fault_strikes(fault_port))
		return true;
	for (u32 i = 0; i < count; i++) {
		const endpoint there = sip::with_port(*outside, static_cast<u16>(outside->port + i));
		const router &gate = *packet->on;
		if (gate.is_mine(there) && gate.rules.taken_ports.count(there.port))
			return true;
		if (inside && gate.port_taken(there, sip::with_port(*inside, static_cast<u16>(inside->port + i))))
			return true;
	}
	return false;
}

u16 sipx_mapped_port(sipx_packet *packet, const sipx_endpoint *inside, const sipx_endpoint *outside, bool)
{
	need_packet(packet);
	return packet->on->mapped_port(*inside, *outside);
}

enum sipx_way sipx_way_to(sipx_packet *packet, const sipx_endpoint *, const sipx_endpoint *peer,
			  const sipx_endpoint *remote)
{
	need_packet(packet);
	return packet->on->way_to(*peer, *remote);
}

bool sipx_connection_stands(sipx_state *state, u32 zone, const sipx_endpoint *source,
			    const sipx_endpoint *destination)
{
	return router_of(state).stands(zone, *source, *destination);
}

bool sipx_is_media_host(const sipx_state *state, const sipx_endpoint *host)
{
	const std::string text = host_of(*host);
	for (const auto &prefix : router_of(const_cast<sipx_state *>(state)).rules.media_hosts)
		if (text.compare(0, prefix.size(), prefix) == 0)
			return true;
	return false;
}

bool sipx_is_denied_port(const sipx_state *state, u16 port)
{
	return router_of(const_cast<sipx_state *>(state)).rules.denied_ports.count(port);
}

bool sipx_nat_plan_edits(const sipx_packet_info *info)
{
	if (!info->packet->on->rules.nat_present)
		return false;
	info->packet->on->plans++;
	sipx_core_plan_edits(info);
	return true;
}

bool sipx_nat_apply_edits(const sipx_packet_info *info)
{
	return info->packet->on->rules.nat_present && sipx_core_apply_edits(info);
}

void sipx_packet_redirect(sipx_packet *packet, u16 port) { packet->redirected = port; }

bool sipx_packet_replace(sipx_packet *packet, u32 offset, u32 old_length, const u8 *bytes, u32 new_length)
{
	constexpr u32 max_datagram = 65535 - 20 - 8;
	std::string &old = *packet->bytes;
	need_packet(packet);
	if (offset > old.size() || old_length > old.size() - offset)
		broken("a replacement lies outside of the datagram");
	if (const auto meanwhile = std::exchange(packet->on->during_rewrite, nullptr))
		meanwhile();
	if (fault_strikes(fault_replace) || old.size() - old_length + new_length > max_datagram)
		return false;
	old.replace(offset, old_length, reinterpret_cast<const char *>(bytes), new_length);
	packet->payload.reset();
	return true;
}
