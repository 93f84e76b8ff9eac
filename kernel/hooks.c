// SPDX-License-Identifier: GPL-2.0
/*
 * Where the NAT half attaches. The conntrack half works without it and never waits for it.
 */
#include <linux/module.h>

#include "internal.h"

const struct sipx_nat_hooks __rcu *sipx_nat_hooks __read_mostly;
static DEFINE_MUTEX(attaching);

int nf_conntrack_sip_ext_attach_nat(const struct sipx_nat_hooks *hooks)
{
	int err = 0;

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
	const struct sipx_nat_hooks *hooks;

	rcu_read_lock();
	hooks = rcu_dereference(sipx_nat_hooks);
	if (hooks)
		hooks->plan_edits(info);
	rcu_read_unlock();
	return hooks;
}

bool sipx_nat_apply_edits(const struct sipx_packet_info *info)
{
	const struct sipx_nat_hooks *hooks;
	bool applied;

	rcu_read_lock();
	hooks = rcu_dereference(sipx_nat_hooks);
	applied = hooks && hooks->apply_edits(info);
	rcu_read_unlock();
	return applied;
}
