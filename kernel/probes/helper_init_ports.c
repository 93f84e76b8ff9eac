// SPDX-License-Identifier: GPL-2.0
// Helpers are keyed by a port.
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <linux/module.h>

void probe(struct nf_conntrack_helper *helper, const struct nf_conntrack_expect_policy *policy);
void probe(struct nf_conntrack_helper *helper, const struct nf_conntrack_expect_policy *policy)
{
	nf_ct_helper_init(helper, AF_INET, IPPROTO_UDP, "probe", 1, 1, 1, policy, 3, NULL, NULL, THIS_MODULE);
}
