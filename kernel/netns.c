// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces: the core's tables in each, their lock, counters, and tick.
 *
 * How a namespace ends, in this order: no packet and no tick reaches the core any more
 * (closing), then no end of a connection does (the pointer), then the core gives up its
 * tables. Connections may outlive the tables: their private data is dead then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "internal.h"

struct sipx_pernet {
	struct sipx_net __rcu *sn;	/* as packets and ends of connections find it */
	struct sipx_net *owned;
};

static unsigned int sipx_pernet_id __read_mostly;
static struct workqueue_struct *sipx_workqueue;
/* set once, when the module leaves */
static bool sipx_unloading __read_mostly;

static struct sipx_pernet *pernet_of(const struct net *net)
{
	return net_generic(net, sipx_pernet_id);
}

struct sipx_net *sipx_net_get_rcu(const struct net *net)
{
	return rcu_dereference(pernet_of(net)->sn);
}

struct sipx_net *sipx_net_owned(const struct net *net)
{
	return pernet_of(net)->owned;
}

bool sipx_net_stopped(const struct sipx_net *sn)
{
	return READ_ONCE(sipx_unloading) || READ_ONCE(sn->closing);
}

void sipx_count(struct sipx_state *state, enum sipx_reason reason)
{
	struct sipx_net *sn = sipx_net_of(state);

	pr_debug("%s\n", sipx_reason_name(reason));
	sipx_net_count(sn, reason);
	if (sipx_logs(sn) && reason >= SIPX_FIRST_REFUSAL)
		this_cpu_or(sipx_cpus->refusals, BIT_ULL(reason - SIPX_FIRST_REFUSAL));
}

/* ---- the tick ------------------------------------------------------------------- */

void sipx_net_arm(struct sipx_net *sn, struct delayed_work *work)
{
	if (!delayed_work_pending(work) && !sipx_net_stopped(sn))
		queue_delayed_work(sipx_workqueue, work, HZ);
}

void sipx_tick_arm(struct sipx_state *state)
{
	struct sipx_net *sn = sipx_net_of(state);

	sipx_net_arm(sn, &sn->tick);
}

static void tick(struct work_struct *work)
{
	struct sipx_net *sn = container_of(to_delayed_work(work), struct sipx_net, tick);
	enum sipx_tick again = SIPX_TICK_AT_ONCE;

	while (again == SIPX_TICK_AT_ONCE && !sipx_net_stopped(sn)) {
		local_bh_disable();
		rcu_read_lock();	/* pinholes that others hold as well are opened anew */
		if (xchg(&sn->missed, false))
			sipx_core_connections_missed(sipx_state_of(sn));
		again = sipx_core_tick(sipx_state_of(sn));
		rcu_read_unlock();
		local_bh_enable();
		cond_resched();
	}
	if (sipx_net_stopped(sn))
		return;
	local_bh_disable();
	sipx_tcp_sweep(sn);
	if (again != SIPX_TICK_NO_MORE || READ_ONCE(sn->tcp_count))
		sipx_tick_arm(sipx_state_of(sn));
	local_bh_enable();
}

/* ---- a namespace comes and goes ------------------------------------------------------- */

static void free_net(struct sipx_net *sn)
{
	sipx_leaving_free(sn);
	free_percpu(sn->counters);
	kvfree(sn->memory);
}

static struct sipx_net *alloc_net(struct net *net)
{
	/* the core wants 64, kvzalloc() does not promise it */
	const size_t align = __alignof__(struct sipx_net) > 64 ? __alignof__(struct sipx_net) : 64;
	void *memory = kvzalloc(sizeof(struct sipx_net) + sipx_core_state_size() + align,
				GFP_KERNEL);
	struct sipx_net *sn;

	BUILD_BUG_ON(sizeof(struct sipx_net) % 64);
	if (!memory)
		return NULL;
	sn = PTR_ALIGN(memory, align);
	sn->memory = memory;
	sn->net = net;
	sn->counters = __alloc_percpu(SIPX_REASON_COUNT * sizeof(u64), sizeof(u64));
	if (!sn->counters) {
		kvfree(memory);
		return NULL;
	}
	spin_lock_init(&sn->lock);
	spin_lock_init(&sn->leaving_lock);
	spin_lock_init(&sn->tcp_lock);
	INIT_LIST_HEAD(&sn->tcp_begun);
	INIT_LIST_HEAD(&sn->tcp_idle);
	INIT_LIST_HEAD(&sn->tcp_waiting);
	sn->tcp_seed = sipx_random();
	INIT_DELAYED_WORK(&sn->tick, tick);
	INIT_DELAYED_WORK(&sn->tcp_tick, sipx_tcp_tick);
	sipx_log_init(sn);
	return sn;
}

static int __net_init net_begins(struct net *net)
{
	struct sipx_pernet *pernet = pernet_of(net);
	int err;

	pernet->owned = alloc_net(net);
	if (!pernet->owned)
		return -ENOMEM;
	err = sipx_tables_create(net);
	if (err)
		goto free;
	err = sipx_settings_begin(net, &pernet->owned->settings);
	if (err)
		goto remove;
	rcu_assign_pointer(pernet->sn, pernet->owned);
	return 0;

remove:
	sipx_tables_remove(net);
free:
	free_net(pernet->owned);
	return err;
}

/*
 * A grace period follows, then nets_end(). Packets in flight go by the settings until then: without
 * the list of denied ports they would open what it denies.
 */
static void __net_exit net_closes(struct net *net)
{
	WRITE_ONCE(pernet_of(net)->owned->closing, true);
	sipx_tables_remove(net);
}

static void __net_exit nets_end(struct list_head *nets)
{
	struct net *net;

	list_for_each_entry(net, nets, exit_list) {
		cancel_delayed_work_sync(&pernet_of(net)->owned->tick);
		cancel_delayed_work_sync(&pernet_of(net)->owned->tcp_tick);
		RCU_INIT_POINTER(pernet_of(net)->sn, NULL);
	}
	synchronize_rcu();
	list_for_each_entry(net, nets, exit_list)
		sipx_tcp_end_all(pernet_of(net)->owned);
	/* also those that ended just before */
	rcu_barrier();
	list_for_each_entry(net, nets, exit_list) {
		struct sipx_net *sn = pernet_of(net)->owned;

		sipx_settings_end(&sn->settings);
		local_bh_disable();
		sipx_core_state_exit(sipx_state_of(sn));
		local_bh_enable();
		free_net(sn);
	}
}

static struct pernet_operations sipx_pernet_operations = {
	.init		= net_begins,
	.pre_exit	= net_closes,
	.exit_batch	= nets_end,
	.id		= &sipx_pernet_id,
	.size		= sizeof(struct sipx_pernet),
};

int sipx_netns_init(void)
{
	int err;

	sipx_workqueue = alloc_workqueue("sip_ext", WQ_UNBOUND, 0);
	if (!sipx_workqueue)
		return -ENOMEM;
	err = register_pernet_subsys(&sipx_pernet_operations);
	if (err)
		destroy_workqueue(sipx_workqueue);
	return err;
}

void sipx_netns_stop(void)
{
	struct net *net;

	WRITE_ONCE(sipx_unloading, true);
	synchronize_rcu();
	flush_workqueue(sipx_workqueue);
	down_read(&net_rwsem);
	for_each_net(net)
		sipx_tcp_hand_over(pernet_of(net)->owned);
	up_read(&net_rwsem);
}

void sipx_netns_exit(void)
{
	unregister_pernet_subsys(&sipx_pernet_operations);
	destroy_workqueue(sipx_workqueue);
}
