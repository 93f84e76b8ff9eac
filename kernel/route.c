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

/* RCU. */
static bool is_far4(struct net *net, __be32 address)
{
	struct flowi4 flow = { .daddr = address, .flowi4_iif = LOOPBACK_IFINDEX };
	struct fib_result result;

	if (fib_lookup(net, &flow, &result, 0))
		return false;
	return result.type == RTN_UNICAST && result.prefixlen == 0;
}

static bool is_far6(struct net *net, const struct in6_addr *address)
{
#if IS_ENABLED(CONFIG_IPV6)
	struct rt6_info *route = rt6_lookup(net, address, NULL, 0, NULL, 0);
	bool far;

	if (!route)
		return false;
	far = !route->dst.error && route->rt6i_dst.plen == 0;
	ip6_rt_put(route);
	return far;
#else
	return false;
#endif
}

bool sipx_is_far(struct net *net, const struct nf_conn *ct, const union nf_inet_addr *address)
{
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return is_far4(net, address->ip);
	return is_far6(net, &address->in6);
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
