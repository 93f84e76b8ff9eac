// SPDX-License-Identifier: GPL-2.0
// Registering copies the helpers into objects of the kernel.
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

int probe(struct nf_conntrack_helper *helpers, struct nf_conntrack_helper **registered);
int probe(struct nf_conntrack_helper *helpers, struct nf_conntrack_helper **registered)
{
	return nf_conntrack_helpers_register(helpers, 2, registered);
}
