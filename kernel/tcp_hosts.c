// SPDX-License-Identifier: GPL-2.0
/*
 * What each host has of the TCP connections that are followed. A connection counts for the
 * one who began it, inside or outside: nobody can be made to pay for what others begin. Only
 * those that were answered count: the address of one who sends a SYN may be a lie.
 *
 * A host's own limits are those of its address. What must be left to others counts for all
 * addresses of IPv6 that share their first 64 bits: one machine can have all of them.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include "internal.h"

/* Not a family of addresses: the first 64 bits of one. */
#define IPV6_NETWORK 64

static struct hlist_head *bucket_of(struct sipx_net *sn, const struct nf_conntrack_man *man, u16 zone)
{
	u32 hash = jhash2(man->u3.all, ARRAY_SIZE(man->u3.all), sn->tcp_seed ^ zone);

	return &sn->tcp_hosts[hash_32(hash, SIPX_TCP_HOST_BITS)];
}

/* Under tcp_lock. */
static struct sipx_tcp_host *find_host(const struct hlist_head *bucket, const struct nf_conntrack_man *man,
				       u16 zone)
{
	struct sipx_tcp_host *host;

	hlist_for_each_entry(host, bucket, link)
		if (host->zone == zone && host->l3num == man->l3num &&
		    nf_inet_addr_cmp(&host->address, &man->u3))
			return host;
	return NULL;
}

/* Its memory is made before it is known whether it is needed: nothing is made under the lock. */
static struct sipx_tcp_host *hold(struct sipx_net *sn, const struct nf_conntrack_man *man, u16 zone,
				  struct sipx_tcp_host *network)
{
	struct sipx_tcp_host *spare = kmem_cache_alloc(sipx_tcp_hosts, GFP_ATOMIC | __GFP_NOWARN), *host;
	struct hlist_head *bucket = bucket_of(sn, man, zone);

	if (spare)
		*spare = (struct sipx_tcp_host){
			.sn = sn, .network = network ?: spare, .address = man->u3, .l3num = man->l3num, .zone = zone,
		};
	spin_lock_bh(&sn->tcp_lock);
	host = find_host(bucket, man, zone);
	if (!host && spare) {
		host = spare;
		hlist_add_head(&host->link, bucket);
		spare = NULL;
	}
	if (host)
		host->references++;
	spin_unlock_bh(&sn->tcp_lock);
	if (spare)
		kmem_cache_free(sipx_tcp_hosts, spare);
	return host;
}

static void release(struct sipx_tcp_host *host)
{
	struct sipx_net *sn = host->sn;
	bool last;

	spin_lock_bh(&sn->tcp_lock);
	last = !--host->references;
	if (last)
		hlist_del(&host->link);
	spin_unlock_bh(&sn->tcp_lock);
	if (last)
		kmem_cache_free(sipx_tcp_hosts, host);
}

static struct sipx_tcp_host *hold_network(struct sipx_net *sn, struct nf_conntrack_man man, u16 zone)
{
	man.l3num = IPV6_NETWORK;
	memset(&man.u3.ip6[2], 0, 8);
	return hold(sn, &man, zone, NULL);
}

/* Each reference to a host is one to its network, too. */
struct sipx_tcp_host *sipx_tcp_host_hold(struct sipx_net *sn, const struct nf_conn *ct)
{
	const struct nf_conntrack_man *man = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.src;
	struct sipx_tcp_host *network = NULL, *host;
	u16 zone = sipx_zone_of(ct);

	if (man->l3num == NFPROTO_IPV6) {
		network = hold_network(sn, *man, zone);
		if (!network)
			return NULL;
	}
	host = hold(sn, man, zone, network);
	if (!host && network)
		release(network);
	return host;
}

void sipx_tcp_host_release(struct sipx_tcp_host *host)
{
	struct sipx_tcp_host *network = host->network;
	bool alone = network == host;

	release(host);
	if (!alone)
		release(network);
}
