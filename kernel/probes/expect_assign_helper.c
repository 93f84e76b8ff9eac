// SPDX-License-Identifier: GPL-2.0
// The helper for the expected connection has a member of its own.
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

void probe(struct nf_conntrack_expect *exp, struct nf_conntrack_helper *helper);
void probe(struct nf_conntrack_expect *exp, struct nf_conntrack_helper *helper)
{
	rcu_assign_pointer(exp->assign_helper, helper);
}
