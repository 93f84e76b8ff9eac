// SPDX-License-Identifier: GPL-2.0
/*
 * How long a connection lives.
 */
#include "compat.h"
#include "internal.h"

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

bool sipx_connection_stands(struct sipx_state *state, u32 zone, const struct sipx_endpoint *source,
			    const struct sipx_endpoint *destination)
{
	return false;
}

u16 sipx_mapped_port(struct sipx_packet *packet, const struct sipx_endpoint *inside,
		     const struct sipx_endpoint *outside)
{
	return 0;
}
