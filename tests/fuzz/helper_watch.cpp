// SPDX-License-Identifier: GPL-2.0
#include "helper_watch.h"

#include <algorithm>
#include <map>

#include "../../bindings.h"

namespace fuzz {

using namespace fake;

namespace {

// The inside end of a connection.
const endpoint &inside_end(const router &gate, const connection &c)
{
	return gate.is_inside(c.original.source) ? c.original.source : c.reply.source;
}

const endpoint &outside_end(const router &gate, const connection &c)
{
	return gate.is_inside(c.original.source) ? c.reply.source : c.original.source;
}

bool is_media_host(const router &gate, const endpoint &e)
{
	const std::string text = host_of(e);
	return std::any_of(
		gate.rules.media_hosts.begin(), gate.rules.media_hosts.end(),
		[&text](const std::string &prefix) { return text.compare(0, prefix.size(), prefix) == 0; });
}

// Where packets come in to; family 0: the pinhole leads outside.
endpoint inside_target(const router &gate, const sipx_pinhole &wished)
{
	if (wished.translate == SIPX_TRANSLATE_SOURCE)
		return {};
	const endpoint &target =
		wished.translate == SIPX_TRANSLATE_DESTINATION ? wished.translated : wished.destination;
	return wished.translate == SIPX_TRANSLATE_DESTINATION || gate.is_inside(target) ? target : endpoint{};
}

std::string target_fault(const router &gate, const endpoint &target)
{
	if (target.port < 1024)
		return "S4 a pinhole to a port below 1024";
	if (gate.rules.denied_ports.count(target.port))
		return "S4 a pinhole to a port on the deny list";
	if (!sip::is_media_address(target))
		return "S4 a pinhole to an address that nobody has";
	if (gate.is_mine(target))
		return "S4 a pinhole to the router itself";
	return "";
}

std::string owner_fault(const router &gate, const standing &one, const endpoint &target)
{
	const endpoint &owner = inside_end(gate, *one.master);
	const bool listed = !one.wished.helper && is_media_host(gate, target);
	return sip::same_address(owner, target) || listed ? "" : "S4 a pinhole to another host than the sender";
}

std::string source_fault(const router &gate, const standing &one)
{
	const sipx_pinhole &wished = one.wished;
	const bool signalling = wished.helper;
	if (signalling && !sip::same_address(wished.source, outside_end(gate, *one.master)))
		return "S3 signalling from somebody else than the server";
	if (!wished.source.family && gate.rules.values[SIPX_SETTING_MEDIA_SOURCE] != SIPX_MEDIA_FROM_ANY)
		return "S5 media from anybody";
	if (wished.destination.protocol != SIPX_TCP)
		return "";
	const u32 *values = gate.rules.values;
	return values[signalling ? SIPX_SETTING_TCP_INBOUND : SIPX_SETTING_TCP_MEDIA] ?
		       "" :
		       "S2 a pinhole for TCP towards the inside";
}

// A call inside has named it for its media, or the administrator has.
bool is_named(router &gate, const endpoint &remote, u32 zone)
{
	const sip::state &tables = sip::tables_of(gate.state());
	const endpoint *bound = sip::find_media_inside(sip::tables_of(gate.state()), remote, zone);
	if (gate.rules.denied_ports.count(bound ? bound->port : remote.port))
		return false;
	const bool known = sip::is_media_inside(tables, remote, zone) || is_media_host(gate, remote);
	return bound || (known && !gate.is_mine(remote));
}

// Of a pinhole that leads from the inside to the other end: outside, but for what was named inside
// when it was opened.
std::string remote_fault(router &gate, const standing &one, told_sockets &told)
{
	const endpoint &remote = one.wished.destination, &peer = outside_end(gate, *one.master);
	if (remote.port < 1024)
		return "S4 a way to a port below 1024 of the other end: " + text_of(remote);
	if (!sip::is_media_address(remote))
		return "S4 a way to an address that nobody has: " + text_of(remote);
	if (sip::same_address(remote, peer) || gate.way_to(peer, remote) == SIPX_WAY_OUT || told.count(remote))
		return "";
	if (!is_named(gate, remote, one.master->zone))
		return "S4 a way to the router or the inside that nobody there has named: " + text_of(remote);
	told.insert(remote);
	return "";
}

std::string pinhole_fault(router &gate, const standing &one, told_sockets &told)
{
	const sipx_pinhole &wished = one.wished;
	const endpoint target = inside_target(gate, wished);
	// Media comes in from any port, and leaves from a known one.
	if (!wished.helper && wished.source.port)
		return remote_fault(gate, one, told);
	if (!target.family)
		return wished.helper ? "a door that leads outside" : "media from any port that leads outside";
	for (const std::string &fault :
	     {target_fault(gate, target), owner_fault(gate, one, target), source_fault(gate, one)})
		if (!fault.empty())
			return fault + ": " + text_of(wished.source) + " to " + text_of(target);
	return "";
}

// Pinholes of each inside host; where one may name another's media, one is whose call asked first.
std::string crowded_host(const router &gate)
{
	if (!gate.rules.media_hosts.empty())
		return "";
	std::map<std::string, u32> counts;
	for (const standing &one : gate.standing_pinholes())
		if (++counts[host_of(one.inside)] > 2 * gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST])
			return "S7 more pinholes of one host than allowed: " + text_of(one.inside);
	return "";
}

u64 refusals_of(const router &gate)
{
	u64 sum = 0;
	for (const sipx_reason why : {SIPX_COUNT_limit_calls, SIPX_COUNT_limit_host, SIPX_COUNT_limit_registrations,
				      SIPX_COUNT_limit_bindings, SIPX_COUNT_limit_media_host,
				      SIPX_COUNT_limit_connections_host, SIPX_COUNT_no_port,
				      SIPX_COUNT_too_many_sockets, SIPX_COUNT_expectation_clash,
				      SIPX_COUNT_expectations_full, SIPX_COUNT_no_memory})
		sum += gate.count(why);
	return sum;
}

} // namespace

std::string broken_state(router &gate, told_sockets &told)
{
	for (const standing &one : gate.standing_pinholes()) {
		const std::string fault = pinhole_fault(gate, one, told);
		if (!fault.empty())
			return fault;
	}
	const u32 *values = gate.rules.values;
	// A reserve of one is taken before the bound is looked at; it is given back with its message.
	if (live_objects(SIPX_SLAB_CALL) > values[SIPX_SETTING_MAX_CALLS])
		return "S7 more calls than allowed";
	if (live_objects(SIPX_SLAB_REGISTRATION) > values[SIPX_SETTING_MAX_REGISTRATIONS])
		return "S7 more registrations than allowed";
	if (live_objects(SIPX_SLAB_CONNECTION) > gate.connection_count())
		return "S7 more connections than the kernel has";
	// Of IPv6 the network is one as well; what one host has opened another's call may keep.
	if (live_objects(SIPX_SLAB_HOST) > 2 * (live_objects(SIPX_SLAB_CONNECTION) + live_objects(SIPX_SLAB_BINDING) +
						 live_objects(SIPX_SLAB_PINHOLE)))
		return "S7 hosts without anything";
	if (live_objects(SIPX_SLAB_BINDING) > values[SIPX_SETTING_MAX_MEDIA])
		return "S7 more outside ports than allowed";
	const std::string crowded = crowded_host(gate);
	if (!crowded.empty())
		return crowded;
	// Two ways for RTP and RTCP, and a door for each socket.
	if (live_objects(SIPX_SLAB_PINHOLE) >
	    4 * live_objects(SIPX_SLAB_STREAM) + 4 * live_objects(SIPX_SLAB_CONNECTION))
		return "S7 more pinholes than anything needs";
	return "";
}

belongings::belongings(const router &gate) : before_(gate.standing_pinholes()), refusals_(refusals_of(gate))
{
	for (const standing &one : before_)
		peers_.push_back(outside_end(gate, *one.master));
}

std::string belongings::missing(const router &gate, const endpoint &inside) const
{
	// Where room is short the newest may take from the oldest that is not answered.
	if (refusals_of(gate) != refusals_)
		return "";
	const std::vector<standing> after = gate.standing_pinholes();
	for (const standing &one : before_) {
		if (sip::same_address(one.inside, inside))
			continue;
		const bool there = std::any_of(after.begin(), after.end(),
					       [&one](const standing &other) { return other.handle == one.handle; });
		if (!there)
			return "S6 a pinhole of " + text_of(one.inside) + " ended by a message of " + text_of(inside);
	}
	return "";
}

std::string belongings::missing_of_others(const router &gate, const endpoint &stranger) const
{
	if (refusals_of(gate) != refusals_)
		return "";
	const std::vector<standing> after = gate.standing_pinholes();
	for (size_t i = 0; i < before_.size(); i++) {
		const sipx_pinhole &wished = before_[i].wished;
		// Another connection of the same host may have opened it anew.
		const auto same = [&wished](const standing &other) {
			return sip::same_endpoint(other.wished.source, wished.source) &&
			       sip::same_endpoint(other.wished.destination, wished.destination) &&
			       sip::same_endpoint(other.wished.translated, wished.translated);
		};
		if (!sip::same_address(peers_[i], stranger) && std::none_of(after.begin(), after.end(), same))
			return "S6 a pinhole of a call with " + text_of(peers_[i]) + " ended by " + text_of(stranger);
	}
	return "";
}

} // namespace fuzz
