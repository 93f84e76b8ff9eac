// SPDX-License-Identifier: GPL-2.0
/*
 * How long a connection lives, how it ends, and which ones stand.
 *
 * Much that one may ask of conntrack ends connections by the way, those that it finds timed
 * out: a lookup does, so does the search for a free NAT mapping, and an allocation in a full
 * table. Each end comes back to the core, which takes the lock over its tables. Where it is
 * met by the very task that holds this lock, it waits until the lock is given back. For the
 * core this is as if another CPU had met it. So all of conntrack may be used under the lock.
 *
 * Conntrack's table is that of all namespaces: the end of another one's connection may be met
 * as well. Its lock is not taken then, or two CPUs could wait for each other: the tick of that
 * namespace looks for what has ended.
 */
#include "compat.h"
#include "internal.h"

/* ---- the lock, and ends that were met under it ------------------------------------- */

/* The namespace whose lock is held on this CPU, bottom halves being off; never two. */
static DEFINE_PER_CPU(struct sipx_net *, locked);

/* The one whose lock this very task holds; or NULL. */
static struct sipx_net *locked_by_us(void)
{
	struct sipx_net *sn = this_cpu_read(locked);

	/* where locks can be preempted (PREEMPT_RT), it may be another task's */
	return sn && READ_ONCE(sn->holder) == current ? sn : NULL;
}

u32 sipx_end_offset(void)
{
	return ALIGN(sipx_core_slab_size(SIPX_SLAB_CONNECTION), __alignof__(struct sipx_end));
}

static struct sipx_end *end_of(void *connection)
{
	return connection + sipx_end_offset();
}

static struct nf_conn *take_off(struct sipx_end *end)
{
	hlist_del_init(&end->node);
	return end->ct;
}

/* The core's connection goes before its end was told: under the lock, as all ends. */
void sipx_end_forget(void *connection)
{
	struct sipx_end *end = end_of(connection);

	if (!hlist_unhashed(&end->node))
		nf_ct_put(take_off(end));
}

void sipx_connection_ends(struct sipx_net *sn, struct nf_conn *ct,
			  struct sipx_connection_data *data)
{
	struct sipx_net *held = locked_by_us();
	struct sipx_end *end;

	if (!held) {
		local_bh_disable();
		sipx_core_connection_gone(sipx_state_of(sn), data);
		local_bh_enable();
		return;
	}
	if (held != sn) {
		WRITE_ONCE(sn->missed, true);
		sipx_tick_arm(sipx_state_of(sn));
		return;
	}
	end = end_of(data->connection);
	if (!hlist_unhashed(&end->node))
		return;
	nf_conntrack_get(&ct->ct_general);
	end->ct = ct;
	hlist_add_head(&end->node, &sn->ends);
}

static struct nf_conn *next_end(struct sipx_net *sn)
{
	struct nf_conn *ct = NULL;

	spin_lock(&sn->lock);
	if (hlist_empty(&sn->ends))
		sn->ending = false;
	else
		ct = take_off(hlist_entry(sn->ends.first, struct sipx_end, node));
	spin_unlock(&sn->lock);
	return ct;
}

static void bring_ends(struct sipx_net *sn)
{
	struct nf_conn *ct;

	while ((ct = next_end(sn))) {
		struct nf_conn_help *help = nfct_help(ct);

		/* hidden: it is looked for as one that is lost */
		if (help)
			sipx_core_connection_gone(sipx_state_of(sn), (void *)help->data);
		nf_ct_put(ct);
	}
}

void sipx_lock(struct sipx_state *state)
{
	struct sipx_net *sn = sipx_net_of(state);

	spin_lock(&sn->lock);
	WRITE_ONCE(sn->holder, current);
	this_cpu_write(locked, sn);
}

void sipx_unlock(struct sipx_state *state)
{
	struct sipx_net *sn = sipx_net_of(state);
	bool mine = !hlist_empty(&sn->ends) && !sn->ending;

	if (mine)
		sn->ending = true;
	this_cpu_write(locked, NULL);
	WRITE_ONCE(sn->holder, NULL);
	spin_unlock(&sn->lock);
	if (mine)
		bring_ends(sn);
}

/* ---- lifetimes ------------------------------------------------------------------------- */

u32 sipx_ct_left(const struct nf_conn *ct)
{
	s32 left = READ_ONCE(ct->timeout);

	/* a length until the connection is confirmed, a time afterwards */
	if (nf_ct_is_confirmed(ct))
		left -= nfct_time_stamp;
	return max(left, 0);
}

void sipx_ct_keep(struct nf_conn *ct, struct sk_buff *skb, u32 lifetime_s)
{
	u32 wanted = sipx_jiffies(lifetime_s);

	if (sipx_ct_left(ct) < wanted)
		sipx_compat_ct_refresh(ct, skb, wanted);
}

static struct nf_conn *ct_of(struct sipx_conntrack *conntrack)
{
	return (struct nf_conn *)conntrack;
}

struct sipx_conntrack *sipx_conntrack_hold(struct sipx_packet *packet)
{
	nf_conntrack_get(&packet->ct->ct_general);
	return (struct sipx_conntrack *)packet->ct;
}

bool sipx_ct_is_lost(const struct nf_conn *ct)
{
	bool lost = nf_ct_is_dying(ct);

	rcu_read_lock();
	lost |= !sipx_data_of(ct);
	rcu_read_unlock();
	return lost;
}

bool sipx_conntrack_has_ended(const struct sipx_conntrack *conntrack)
{
	return sipx_ct_is_lost(ct_of((struct sipx_conntrack *)conntrack));
}

void sipx_conntrack_release(struct sipx_conntrack *conntrack)
{
	nf_ct_put(ct_of(conntrack));
}

/* Without a packet: none is accounted. */
void sipx_connection_keep(struct sipx_conntrack *conntrack, u32 lifetime_s)
{
	sipx_ct_keep(ct_of(conntrack), NULL, lifetime_s);
}

void sipx_connection_shorten(struct sipx_conntrack *conntrack, u32 lifetime_s)
{
	sipx_compat_ct_refresh(ct_of(conntrack), NULL, sipx_jiffies(lifetime_s));
}

/* ---- which stand ------------------------------------------------------------------------ */

/* A zone may count in one direction alone; its id is that of the first direction then. */
static struct nf_conn *find_connection(struct net *net, u32 zone_id,
				       const struct nf_conntrack_tuple *tuple)
{
	static const u8 directions[] = { NF_CT_DEFAULT_ZONE_DIR, NF_CT_ZONE_DIR_ORIG };
	int i;

	for (i = 0; i < (zone_id ? 2 : 1); i++) {
		struct nf_conntrack_tuple_hash *hash;
		struct nf_conntrack_zone zone;
		struct nf_conn *ct;

		nf_ct_zone_init(&zone, zone_id, directions[i], 0);
		hash = nf_conntrack_find_get(net, &zone, tuple);
		if (!hash)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(hash);
		if (sipx_zone_of(ct) == zone_id)
			return ct;
		nf_ct_put(ct);
	}
	return NULL;
}

/* The table holds both directions of each connection, each as its sender writes it. */
bool sipx_connection_stands(struct sipx_state *state, u32 zone, const struct sipx_endpoint *source,
			    const struct sipx_endpoint *destination)
{
	struct nf_conntrack_tuple tuple;
	struct nf_conn *ct;
	bool stands;

	sipx_set_tuple(&tuple, source, destination);
	ct = find_connection(sipx_net_of(state)->net, zone, &tuple);
	if (!ct)
		return false;
	stands = !nf_ct_is_dying(ct);
	nf_ct_put(ct);
	return stands;
}
