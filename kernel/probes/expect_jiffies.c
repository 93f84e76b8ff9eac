// SPDX-License-Identifier: GPL-2.0
// Expectations end by a jiffies stamp and are collected lazily (else: by a timer).
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

u32 *probe(struct nf_conntrack_expect *exp);
u32 *probe(struct nf_conntrack_expect *exp)
{
	return &exp->timeout;
}
