// SPDX-License-Identifier: GPL-2.0
// nf_ct_refresh() wants the packet.
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

void probe(struct nf_conn *ct, const struct sk_buff *skb);
void probe(struct nf_conn *ct, const struct sk_buff *skb)
{
	nf_ct_refresh(ct, skb, 1);
}
