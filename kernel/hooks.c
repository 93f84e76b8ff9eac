// SPDX-License-Identifier: GPL-2.0
/*
 * Where the NAT half attaches. The conntrack half works without it and never waits for it.
 */
#include <linux/module.h>

#include "internal.h"

const struct sipx_nat_hooks __rcu *sipx_nat_hooks __read_mostly;
static DEFINE_MUTEX(attaching);

static bool inside_of(const struct nf_conn *ct, union nf_inet_addr *address, __be16 *port)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct sipx_net *sn = sipx_net_get_rcu(nf_ct_net(ct));
	struct sipx_endpoint outside, inside;
	bool known;

	if (!sn || sipx_net_stopped(sn))
		return false;
	sipx_set_endpoint(&outside, tuple, &tuple->dst.u3, tuple->dst.u.all);
	local_bh_disable();
	known = sipx_core_inside_of(sipx_state_of(sn), sipx_zone_of(ct), &outside, &inside);
	local_bh_enable();
	if (!known)
		return false;
	memcpy(address, inside.bytes, sizeof(*address));
	*port = htons(inside.port);
	return true;
}

static const struct sipx_ct_hooks sipx_ct_hooks = {
	.inside_of	= inside_of,
};

int nf_conntrack_sip_ext_attach_nat(const struct sipx_nat_hooks *hooks,
				    const struct sipx_ct_hooks **ct_hooks)
{
	int err = 0;

	*ct_hooks = &sipx_ct_hooks;

	mutex_lock(&attaching);
	if (hooks && rcu_access_pointer(sipx_nat_hooks))
		err = -EBUSY;
	else
		rcu_assign_pointer(sipx_nat_hooks, hooks);
	mutex_unlock(&attaching);
	if (!hooks)
		synchronize_rcu();
	return err;
}
EXPORT_SYMBOL_GPL(nf_conntrack_sip_ext_attach_nat);

bool sipx_nat_plan_edits(const struct sipx_packet_info *info)
{
	const struct sipx_nat_hooks *hooks = rcu_dereference(sipx_nat_hooks);

	if (hooks)
		hooks->plan_edits(info);
	return hooks;
}

bool sipx_nat_apply_edits(const struct sipx_packet_info *info)
{
	const struct sipx_nat_hooks *hooks = rcu_dereference(sipx_nat_hooks);

	return hooks && hooks->apply_edits(info);
}

u16 sipx_mapped_port(struct sipx_packet *packet, const struct sipx_endpoint *inside,
		     const struct sipx_endpoint *outside, bool at_once)
{
	const struct sipx_nat_hooks *hooks = rcu_dereference(sipx_nat_hooks);
	u16 zone = sipx_zone_of(packet->ct);

	if (!hooks || (!at_once && !sipx_may_be_moved(packet->sn, zone, inside, outside)))
		return 0;
	return hooks->mapped_port(packet->ct, inside, outside);
}
