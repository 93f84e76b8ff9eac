// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that are sent besides those of the two ends: of bytes that are ours, when nobody
 * else has a segment that could carry them. Each looks to its receiver like one from the other
 * end. Any of them may be lost, and so may fail to be made.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp.h>

#include "compat.h"
#include "internal.h"

/* What all packets between two ends have that use timestamps (RFC 7323 3.2). */
#define STAMPS_LENGTH TCPOLEN_TSTAMP_ALIGNED

/* ---- made of the connection, as its receiver sees it ---------------------------------------- */

static void put_ip4(struct sk_buff *skb, const struct nf_conntrack_tuple *back, u32 length)
{
	struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = htons(sizeof(*ip) + length);
	ip->frag_off = htons(IP_DF);
	ip->protocol = IPPROTO_TCP;
	ip->saddr = back->dst.u3.ip;
	ip->daddr = back->src.u3.ip;
	skb->protocol = htons(ETH_P_IP);
}

static void put_ip6(struct sk_buff *skb, const struct nf_conntrack_tuple *back, u32 length)
{
	struct ipv6hdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 6;
	ip->payload_len = htons(length);
	ip->nexthdr = IPPROTO_TCP;
	ip->saddr = back->dst.u3.in6;
	ip->daddr = back->src.u3.in6;
	skb->protocol = htons(ETH_P_IPV6);
}

/* A segment without timestamps may be dropped where the connection has them (RFC 7323 3.2). */
static void put_stamps(struct sk_buff *skb, const struct sipx_tcp *tcp, u8 dir)
{
	u8 *option = skb_put(skb, STAMPS_LENGTH);

	option[0] = TCPOPT_NOP;
	option[1] = TCPOPT_NOP;
	option[2] = TCPOPT_TIMESTAMP;
	option[3] = TCPOLEN_TIMESTAMP;
	put_unaligned_be32(tcp->stamps[dir], option + 4);
	put_unaligned_be32(tcp->stamps[!dir], option + 8);
}

static struct tcphdr *put_tcp(struct sk_buff *skb, const struct nf_conntrack_tuple *back,
			      const struct sipx_emission *emission)
{
	struct tcphdr *header;

	skb_set_transport_header(skb, skb->len);
	header = skb_put_zero(skb, sizeof(*header));
	header->source = back->dst.u.tcp.port;
	header->dest = back->src.u.tcp.port;
	header->seq = htonl(emission->seq);
	header->ack_seq = htonl(emission->ack);
	header->ack = 1;
	header->psh = 1;
	header->window = htons(emission->window_field);
	return header;
}

struct sk_buff *sipx_emission_make(const struct sipx_tcp *tcp, const struct sipx_emission *emission)
{
	const struct nf_conntrack_tuple *back = &tcp->ct->tuplehash[!emission->reply].tuple;
	u32 options = (tcp->stamped & SIPX_BOTH_STAMPED) == SIPX_BOTH_STAMPED ? STAMPS_LENGTH : 0;
	u32 length = sizeof(struct tcphdr) + options + emission->length;
	struct tcphdr *header;
	struct sk_buff *skb;

	if (!emission->length || length > U16_MAX - sizeof(struct ipv6hdr))
		return NULL;
	skb = alloc_skb(MAX_HEADER + sizeof(struct ipv6hdr) + length, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, MAX_HEADER);
	skb_reset_network_header(skb);
	if (back->src.l3num == NFPROTO_IPV4)
		put_ip4(skb, back, length);
	else
		put_ip6(skb, back, length);
	header = put_tcp(skb, back, emission);
	if (options)
		put_stamps(skb, tcp, emission->reply);
	header->doff = (sizeof(*header) + options) / 4;
	skb_put_data(skb, emission->payload, emission->length);
	sipx_segment_finish(skb, header, emission->length, emission->size);
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	skb->mark = READ_ONCE(tcp->ct->mark);
#endif
	return skb;
}

/* ---- on its way ------------------------------------------------------------------------------- */

/* By the addresses that it bears, none of which need be the router's own. */
static struct dst_entry *route4(struct net *net, struct sk_buff *skb)
{
	const struct tcphdr *tcp = tcp_hdr(skb);
	struct iphdr *ip = ip_hdr(skb);
	struct flowi4 flow = {
		.daddr = ip->daddr,
		.saddr = ip->saddr,
		.flowi4_mark = skb->mark,
		.flowi4_proto = IPPROTO_TCP,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
		.fl4_sport = tcp->source,
		.fl4_dport = tcp->dest,
	};
	struct rtable *route = ip_route_output_flow(net, &flow, NULL);

	if (IS_ERR(route))
		return NULL;
	ip->ttl = ip4_dst_hoplimit(&route->dst);
	__ip_select_ident(net, ip, skb_shinfo(skb)->gso_segs ?: 1);
	ip_send_check(ip);
	return &route->dst;
}

static struct dst_entry *route6(struct net *net, struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct tcphdr *tcp = tcp_hdr(skb);
	struct ipv6hdr *ip = ipv6_hdr(skb);
	struct flowi6 flow = {
		.daddr = ip->daddr,
		.saddr = ip->saddr,
		.flowi6_mark = skb->mark,
		.flowi6_proto = IPPROTO_TCP,
		.fl6_sport = tcp->source,
		.fl6_dport = tcp->dest,
	};
	struct dst_entry *dst = ip6_route_output(net, NULL, &flow);

	if (dst->error) {
		dst_release(dst);
		return NULL;
	}
	dst = xfrm_lookup(net, dst, flowi6_to_flowi(&flow), NULL, 0);
	if (IS_ERR(dst))
		return NULL;
	ip->hop_limit = ip6_dst_hoplimit(dst);
	return dst;
#else
	return NULL;
#endif
}

/* What NAT and the helper do to the connection's packets is done: they shall not see it. */
void sipx_emission_send(struct net *net, struct sk_buff *skb)
{
	struct dst_entry *dst = ip_hdr(skb)->version == 4 ? route4(net, skb) : route6(net, skb);

	if (!dst) {
		kfree_skb(skb);
		return;
	}
	skb_dst_set(skb, dst);
	skb->dev = dst->dev;
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	dst_output(net, NULL, skb);
}
