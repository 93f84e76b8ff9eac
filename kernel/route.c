// SPDX-License-Identifier: GPL-2.0
/*
 * What routes say. Which end of an untranslated connection is the outside: the one that the
 * default route leads to; a network without NAT has no other sign of it. And which packets only
 * pass through.
 */
#include <net/ip_fib.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "internal.h"

/*
 * What counts as the default route: all that a pair of halves covers (0/1 and 128/1, as VPNs
 * set it to outweigh the other), and of IPv6 2000::/3, or that in halves.
 */
#define DEFAULT4_LENGTH 1
#define DEFAULT6_LENGTH 4

/* What a route says. */
struct route {
	bool found;
	bool local;		/* it ends at the router */
	bool by_default;	/* nothing else leads there */
	int device;		/* it leaves by that */
};

/* RCU. */
static struct route route4(struct net *net, __be32 from, __be32 to)
{
	struct flowi4 flow = { .saddr = from, .daddr = to, .flowi4_iif = LOOPBACK_IFINDEX };
	struct fib_result result;

	if (fib_lookup(net, &flow, &result, 0))
		return (struct route){};
	if (result.type != RTN_UNICAST)
		return (struct route){ .found = true, .local = result.type == RTN_LOCAL };
	return (struct route){
		.found = true,
		.by_default = result.prefixlen <= DEFAULT4_LENGTH,
		.device = FIB_RES_DEV(result)->ifindex,
	};
}

static struct route route6(struct net *net, const struct in6_addr *from, const struct in6_addr *to)
{
	struct route said = {};
#if IS_ENABLED(CONFIG_IPV6)
	struct rt6_info *route = rt6_lookup(net, to, from, 0, NULL, 0);

	if (!route)
		return said;
	said.found = !route->dst.error;
	said.local = route->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST);
	said.by_default = said.found && route->rt6i_dst.plen <= DEFAULT6_LENGTH;
	said.device = said.local || !said.found ? 0 : route->dst.dev->ifindex;
	ip6_rt_put(route);
#endif
	return said;
}

static struct route route_to(struct net *net, u8 l3num, const union nf_inet_addr *from,
			     const union nf_inet_addr *to)
{
	if (l3num == NFPROTO_IPV4)
		return route4(net, from->ip, to->ip);
	return route6(net, &from->in6, &to->in6);
}

bool sipx_is_far(const struct nf_conn *ct, const union nf_inet_addr *from,
		 const union nf_inet_addr *address)
{
	return route_to(nf_ct_net(ct), nf_ct_l3num(ct), from, address).by_default;
}

static struct route route_of(const struct sipx_packet *packet, const struct sipx_endpoint *from,
			     const struct sipx_endpoint *to)
{
	union nf_inet_addr source, destination;

	memcpy(&source, from->bytes, sizeof(source));
	memcpy(&destination, to->bytes, sizeof(destination));
	return route_to(nf_ct_net(packet->ct), nf_ct_l3num(packet->ct), &source, &destination);
}

enum sipx_way sipx_way_to(struct sipx_packet *packet, const struct sipx_endpoint *inside,
			  const struct sipx_endpoint *peer, const struct sipx_endpoint *remote)
{
	struct route way, like;

	/* no packet of that connection's family goes there */
	if (remote->family != inside->family)
		return SIPX_WAY_OUT;
	way = route_of(packet, inside, remote);
	if (way.local)
		return SIPX_WAY_ROUTER;
	if (way.by_default)
		return SIPX_WAY_OUT;
	like = route_of(packet, inside, peer);
	return way.found == like.found && way.device == like.device ? SIPX_WAY_OUT : SIPX_WAY_INSIDE;
}

bool sipx_is_forwarded(const struct sk_buff *skb, const struct nf_conn *ct)
{
	const struct dst_entry *route = skb_dst(skb);

	/* what the router sends itself came in by no interface */
	if (!route || !skb->skb_iif)
		return false;
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return skb_rtable(skb)->rt_type != RTN_LOCAL;
	return !(container_of(route, struct rt6_info, dst)->rt6i_flags & RTF_LOCAL);
}
