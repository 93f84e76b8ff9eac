// SPDX-License-Identifier: GPL-2.0
/*
 * The router's own sockets: a port that one of them is bound to is never given away.
 *
 * Lookups are by address, port and namespace; a socket bound to another device still
 * counts where the kernel finds it. Where a kernel does not export a lookup, its sockets
 * are not known and the answer is no.
 */
#include <net/addrconf.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/udp.h>

#include "compat.h"
#include "internal.h"

static bool __maybe_unused found(struct sock *sk)
{
	if (!sk)
		return false;
	sock_gen_put(sk);
	return true;
}

bool sipx_is_local(struct net *net, u8 l3num, const union nf_inet_addr *address)
{
	if (l3num == NFPROTO_IPV4)
		return inet_addr_type(net, address->ip) == RTN_LOCAL;
	return ipv6_chk_addr(net, &address->in6, NULL, 0);
}

static bool taken4(struct net *net, __be32 address, u16 port, u8 protocol)
{
#if SIPX_EXPORTS_UDP4_LIB_LOOKUP
	if (protocol == IPPROTO_UDP)
		return found(udp4_lib_lookup(net, 0, 0, address, htons(port), 0));
#endif
#if SIPX_CAN_FIND_LISTENER
	/* listeners are found without taking a reference */
	if (protocol == IPPROTO_TCP)
		return sipx_compat_listener4(net, address, port);
#endif
	return false;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool taken6(struct net *net, const struct in6_addr *address, u16 port, u8 protocol)
{
#if SIPX_EXPORTS_UDP6_LIB_LOOKUP
	if (protocol == IPPROTO_UDP)
		return found(udp6_lib_lookup(net, &in6addr_any, 0, address, htons(port), 0));
#endif
#if SIPX_CAN_FIND_LISTENER
	if (protocol == IPPROTO_TCP)
		return sipx_compat_listener6(net, address, port);
#endif
	return false;
}
#endif

static bool taken_by_program(struct net *net, u8 l3num, const union nf_inet_addr *address,
			     const struct sipx_endpoint *outside, u32 count)
{
	bool taken = false;
	u32 i;

	for (i = 0; i < count && !taken; i++) {
		if (l3num == NFPROTO_IPV4)
			taken = taken4(net, address->ip, outside->port + i, outside->protocol);
#if IS_ENABLED(CONFIG_IPV6)
		else
			taken = taken6(net, &address->in6, outside->port + i, outside->protocol);
#endif
	}
	return taken;
}

static bool taken_by_router(struct net *net, const struct sipx_endpoint *outside, u32 count)
{
	u8 l3num = outside->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	union nf_inet_addr address;

	memcpy(&address, outside->bytes, sizeof(address));
	/* mostly nobody is bound there, whosever the address is */
	return taken_by_program(net, l3num, &address, outside, count) &&
	       sipx_is_local(net, l3num, &address);
}

bool sipx_ports_taken(struct sipx_packet *packet, const struct sipx_endpoint *outside,
		      const struct sipx_endpoint *inside, u32 count)
{
	if (taken_by_router(nf_ct_net(packet->ct), outside, count))
		return true;
	return inside &&
	       sipx_leave_for_another(packet->sn, sipx_zone_of(packet->ct), outside, inside, count);
}
