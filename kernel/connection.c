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

void sipx_connection_keep(struct sipx_packet *packet, u32 lifetime_s)
{
	sipx_ct_keep(packet->ct, packet->skb, lifetime_s);
}

void sipx_connection_shorten(struct sipx_packet *packet, u32 lifetime_s)
{
	sipx_compat_ct_refresh(packet->ct, packet->skb, sipx_jiffies(lifetime_s));
}
