// SPDX-License-Identifier: GPL-2.0
// What every kernel must compile; if not, the build stops here.
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <linux/module.h>

struct nf_conntrack_expect *probe(struct nf_conn *ct);
struct nf_conntrack_expect *probe(struct nf_conn *ct)
{
	return nf_ct_expect_alloc(ct);
}
