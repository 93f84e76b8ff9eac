// SPDX-License-Identifier: GPL-2.0
/*
 * From which ports of an outside address connections leave, or are forwarded, and whose they are.
 *
 * Conntrack has no index for this question, so its table is read through, under RCU and
 * without a lock: when somebody asks, and no more than once a second for an address. What
 * is found is kept as one number for each port.
 */
#include <linux/jhash.h>
#include <linux/once.h>
#include <linux/prefetch.h>
#include <linux/slab.h>

#include "internal.h"

/* IPv4 and IPv6 on two uplinks; one that nobody asked for the longest time makes room */
#define SETS SIPX_LEAVING_SETS
#define PORTS_IN_PAGE 1024
#define PAGES (65536 / PORTS_IN_PAGE)
#define SECOND_MS 1000
#define MOVED_BITS 1024
/*
 * Under UML, at the speed of the machine: 65,536 empty buckets take 55 us, 262,144 take
 * 210 us; with 60,000 connections, all of that address, 10 to 19 ms. (Without fetching ahead
 * it was 56 ms.) A question that needs no reading takes 40 ns. So a table is read in slices,
 * each by a question; until its end is reached, what the last pass found counts, too.
 */
#define SLICE_NS (2 * NSEC_PER_MSEC)
#define BUCKETS_IN_STEP 64
#define BUCKETS_AHEAD 16	/* whose first entries are already on their way from memory */
/* A slice that was worth mentioning is followed by a pause: a tenth of one CPU at most. */
#define SHORT_NS (100 * NSEC_PER_USEC)
#define PAUSE_FACTOR 9

/* what stands for a port: nobody, several, or else one inside socket's own number */
enum { NOBODY, SEVERAL, LOWEST_OWNER };

struct sipx_leaving {
	union nf_inet_addr address;
	u16 l3num;
	u16 zone;
	u8 protocol;
	u8 pass;		/* which of both is the newer one */
	bool complete;		/* it came to the end of the table */
	u32 bucket;		/* where reading goes on */
	u32 buckets;		/* of the table that is read */
	u64 complete_ms;	/* when that was */
	u64 asked_ms;
	u32 *pages[2][PAGES];	/* of two passes, by port; missing: nobody */
	/* of two passes: inside sockets that leave from another port than their own, by number */
	DECLARE_BITMAP(moved[2], MOVED_BITS);
};

static u32 owner_number(const union nf_inet_addr *address, u16 port)
{
	static u32 seed __read_mostly;

	net_get_random_once(&seed, sizeof(seed));
	return jhash2(address->all, ARRAY_SIZE(address->all), seed ^ port) | LOWEST_OWNER;
}

/* The lowest bits are the same in many: LOWEST_OWNER. */
static u32 moved_bit(u32 owner)
{
	return (owner >> 2) % MOVED_BITS;
}

static void note_owner(struct sipx_leaving *set, u16 port, u32 owner)
{
	u32 **page = &set->pages[set->pass][port / PORTS_IN_PAGE], *at;

	if (!*page)
		*page = kcalloc(PORTS_IN_PAGE, sizeof(u32), GFP_ATOMIC | __GFP_NOWARN);
	if (!*page)
		return;
	at = *page + port % PORTS_IN_PAGE;
	*at = *at == NOBODY || *at == owner ? owner : SEVERAL;
}

/*
 * Whoever is behind that outside socket: who began, or whom a rule of DNAT leads there. What came
 * through a pinhole of ours is not such a rule's.
 */
static void note_end(struct sipx_leaving *set, const struct nf_conn *ct,
		     const struct nf_conntrack_tuple_hash *hash)
{
	enum ip_conntrack_dir dir = NF_CT_DIRECTION(hash);
	const struct nf_conntrack_man *source = &ct->tuplehash[!dir].tuple.src;
	__be16 port = hash->tuple.dst.u.all;
	u32 owner;

	if (dir == IP_CT_DIR_ORIGINAL && (ct->status & (IPS_DST_NAT | IPS_EXPECTED)) != IPS_DST_NAT)
		return;
	owner = owner_number(&source->u3, ntohs(source->u.all));
	note_owner(set, ntohs(port), owner);
	if (dir == IP_CT_DIR_REPLY && port != source->u.all)
		__set_bit(moved_bit(owner), set->moved[set->pass]);
}

/* Objects may be reused while they are looked at: the worst is a port that looks taken. */
static void note_connection(struct sipx_leaving *set, const struct net *net,
			    const struct nf_conntrack_tuple_hash *hash)
{
	const struct nf_conntrack_tuple *tuple = &hash->tuple;
	const struct nf_conn *ct;

	if (tuple->dst.protonum != set->protocol || tuple->src.l3num != set->l3num ||
	    !nf_inet_addr_cmp(&tuple->dst.u3, &set->address))
		return;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (net_eq(nf_ct_net(ct), net) && sipx_zone_of(ct) == set->zone && !nf_ct_is_expired(ct) &&
	    !nf_ct_is_dying(ct))
		note_end(set, ct, hash);
}

/* The lock of any bucket keeps the table from being exchanged while both are read. */
struct hlist_nulls_head *sipx_ct_table(u32 *buckets)
{
	struct hlist_nulls_head *heads;

	/* packets take it, too, and a reader of /proc may be interrupted by one */
	local_bh_disable();
	nf_conntrack_lock(&nf_conntrack_locks[0]);
	heads = nf_conntrack_hash;
	*buckets = nf_conntrack_htable_size;
	spin_unlock(&nf_conntrack_locks[0]);
	local_bh_enable();
	return heads;
}

static void begin_pass(struct sipx_leaving *set, u32 buckets)
{
	u32 i;

	set->pass ^= 1;
	for (i = 0; i < PAGES; i++)
		if (set->pages[set->pass][i])
			memset(set->pages[set->pass][i], 0, PORTS_IN_PAGE * sizeof(u32));
	bitmap_zero(set->moved[set->pass], MOVED_BITS);
	set->bucket = 0;
	set->buckets = buckets;
	set->complete = false;
}

/* One more slice of the table. RCU, bottom halves off. */
static void read_on(struct sipx_leaving *set, const struct net *net, u64 end_ns)
{
	struct nf_conntrack_tuple_hash *hash;
	struct hlist_nulls_node *node;
	struct hlist_nulls_head *heads;
	u32 buckets;

	heads = sipx_ct_table(&buckets);
	if (set->complete || set->buckets != buckets)
		begin_pass(set, buckets);
	while (set->bucket < buckets) {
		if (set->bucket + BUCKETS_AHEAD < buckets)
			prefetch(heads[set->bucket + BUCKETS_AHEAD].first);
		hlist_nulls_for_each_entry_rcu(hash, node, &heads[set->bucket], hnnode)
			note_connection(set, net, hash);
		if (++set->bucket % BUCKETS_IN_STEP == 0 && ktime_get_ns() > end_ns)
			return;
	}
	set->complete = true;
}

static void refresh(struct sipx_net *sn, struct sipx_leaving *set)
{
	u64 begin, end;

	set->asked_ms = sipx_now_ms();
	if (set->complete && set->asked_ms < set->complete_ms + SECOND_MS)
		return;
	begin = ktime_get_ns();
	if (begin < sn->leaving_pause_ns)
		return;
	read_on(set, sn->net, begin + SLICE_NS);
	set->complete_ms = set->asked_ms;
	end = ktime_get_ns();
	if (end > begin + SHORT_NS)
		sn->leaving_pause_ns = end + PAUSE_FACTOR * (end - begin);
}

static u32 owner_in(const struct sipx_leaving *set, u8 pass, u16 port)
{
	const u32 *page = set->pages[pass][port / PORTS_IN_PAGE];

	return page ? page[port % PORTS_IN_PAGE] : NOBODY;
}

static u32 owner_of(const struct sipx_leaving *set, u16 port)
{
	u32 owner = owner_in(set, set->pass, port);

	if (owner == NOBODY && !set->complete)
		owner = owner_in(set, !set->pass, port);
	return owner;
}

static void clear_set(struct sipx_leaving *set)
{
	u32 i;

	for (i = 0; i < PAGES; i++) {
		kfree(set->pages[0][i]);
		kfree(set->pages[1][i]);
	}
	memset(set, 0, sizeof(*set));
}

static bool is_for(const struct sipx_leaving *set, const struct sipx_endpoint *outside, u16 zone)
{
	return set->l3num == (outside->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6) &&
	       set->protocol == outside->protocol && set->zone == zone &&
	       !memcmp(&set->address, outside->bytes, sizeof(set->address));
}

static struct sipx_leaving *set_of(struct sipx_net *sn, const struct sipx_endpoint *outside, u16 zone)
{
	struct sipx_leaving *set, **oldest = &sn->leaving[0];
	u32 i;

	for (i = 0; i < SETS; i++) {
		set = sn->leaving[i];
		if (set && is_for(set, outside, zone))
			return set;
		if (*oldest && (!set || set->asked_ms < (*oldest)->asked_ms))
			oldest = &sn->leaving[i];
	}
	if (!*oldest)
		*oldest = kzalloc(sizeof(**oldest), GFP_ATOMIC | __GFP_NOWARN);
	set = *oldest;
	if (!set)
		return NULL;
	clear_set(set);
	memcpy(&set->address, outside->bytes, sizeof(set->address));
	set->l3num = outside->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	set->protocol = outside->protocol;
	set->zone = zone;
	return set;
}

/* Under the lock. NULL: no memory. */
static struct sipx_leaving *fresh_set(struct sipx_net *sn, const struct sipx_endpoint *outside, u16 zone)
{
	struct sipx_leaving *set = set_of(sn, outside, zone);

	if (set)
		refresh(sn, set);
	return set;
}

static bool leaves_for_another(const struct sipx_leaving *set, u16 port,
			       const struct sipx_endpoint *inside, u16 inside_port)
{
	u32 owner = owner_of(set, port);
	union nf_inet_addr address;

	if (owner == NOBODY)
		return false;
	memcpy(&address, inside->bytes, sizeof(address));
	return owner != owner_number(&address, inside_port);
}

bool sipx_leave_for_another(struct sipx_net *sn, u16 zone, const struct sipx_endpoint *outside,
			    const struct sipx_endpoint *inside, u32 count)
{
	struct sipx_leaving *set;
	bool any = false;
	u32 i;

	spin_lock(&sn->leaving_lock);
	set = fresh_set(sn, outside, zone);
	for (i = 0; set && i < count && !any; i++)
		any = leaves_for_another(set, outside->port + i, inside, inside->port + i);
	spin_unlock(&sn->leaving_lock);
	return any;
}

bool sipx_may_be_moved(struct sipx_net *sn, u16 zone, const struct sipx_endpoint *inside,
		       const struct sipx_endpoint *outside)
{
	union nf_inet_addr address;
	struct sipx_leaving *set;
	bool may = true;

	memcpy(&address, inside->bytes, sizeof(address));
	spin_lock(&sn->leaving_lock);
	set = fresh_set(sn, outside, zone);
	if (set && set->complete)
		may = test_bit(moved_bit(owner_number(&address, inside->port)), set->moved[set->pass]);
	spin_unlock(&sn->leaving_lock);
	return may;
}

void sipx_leaving_free(struct sipx_net *sn)
{
	u32 i;

	for (i = 0; i < SETS; i++) {
		if (sn->leaving[i])
			clear_set(sn->leaving[i]);
		kfree(sn->leaving[i]);
	}
}
