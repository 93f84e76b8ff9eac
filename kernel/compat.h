/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where kernels differ, and only that: the rest of kernel/ is written against today's
 * kernel. Chosen by kernel/probes/, never by version: stable series backport API changes.
 */
#ifndef SIP_EXT_COMPAT_H
#define SIP_EXT_COMPAT_H

#include <linux/module.h>
#include <linux/poison.h>
#include <linux/sysctl.h>
#include <linux/timer.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_expect.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "probed.h"

#if SIPX_HAVE_UNALIGNED
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#if SIPX_HAVE_GSO_HEADER
#include <net/gso.h>
#endif

#if SIPX_HAVE_SKB_REF_HEADER
#include <linux/skbuff_ref.h>
#endif

/* ---- helpers ---------------------------------------------------------------- */

typedef int sipx_help_fn(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			 enum ip_conntrack_info ctinfo);

/*
 * Kernels that key helpers by a port refuse a second one on a port, whatever its name:
 * @key_port is only that key. No rule of ours comes from it, and port 0 and 65535 keep
 * it from ever matching where a kernel still assigns helpers by port.
 */
static inline void sipx_compat_helper_init(struct nf_conntrack_helper *helper, u16 l3num,
					   u16 protocol, const char *name, u16 key_port,
					   const struct nf_conntrack_expect_policy *policy,
					   unsigned int last_class, sipx_help_fn *help)
{
#if SIPX_HAVE_HELPER_INIT_PORTS
	nf_ct_helper_init(helper, l3num, protocol, name, key_port, key_port, 0, policy,
			  last_class, help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(helper, l3num, protocol, name, policy, last_class, help, NULL,
			  THIS_MODULE);
#endif
}

/* @registered: as many pointers as @helpers, to what the kernel knows them by. */
static inline int sipx_compat_helpers_register(struct nf_conntrack_helper *helpers,
					       unsigned int n,
					       struct nf_conntrack_helper **registered)
{
#if SIPX_HAVE_HELPER_REGISTER_COPIES
	return nf_conntrack_helpers_register(helpers, n, registered);
#else
	unsigned int i;

	for (i = 0; i < n; i++)
		registered[i] = &helpers[i];
	return nf_conntrack_helpers_register(helpers, n);
#endif
}

static inline void sipx_compat_helpers_unregister(struct nf_conntrack_helper *helpers,
						  unsigned int n,
						  struct nf_conntrack_helper **registered)
{
#if SIPX_HAVE_HELPER_REGISTER_COPIES
	unsigned int i;

	/* These kernels leave the helper with its connections: their end must not call
	 * into an unloaded module. Unregistering waits for those who are in it.
	 */
	for (i = 0; i < n; i++)
		WRITE_ONCE(registered[i]->destroy, NULL);
	nf_conntrack_helpers_unregister(registered, n);
#else
	nf_conntrack_helpers_unregister(helpers, n);
#endif
}

/* ---- settings --------------------------------------------------------------- */

#if SIPX_HAVE_SYSCTL_CONST
typedef const struct ctl_table sipx_ctl_table;
#else
typedef struct ctl_table sipx_ctl_table;
#endif

/* @table: an empty entry behind @size others */
static inline struct ctl_table_header *sipx_compat_register_sysctl(struct net *net,
								   struct ctl_table *table,
								   size_t size)
{
#if SIPX_HAVE_SYSCTL_SIZE
	return register_net_sysctl_sz(net, "net/netfilter", table, size);
#else
	return register_net_sysctl(net, "net/netfilter", table);
#endif
}

/* ---- connections -------------------------------------------------------------- */

static inline void sipx_compat_ct_refresh(struct nf_conn *ct, struct sk_buff *skb, u32 jiffies32)
{
#if SIPX_HAVE_REFRESH_SKB
	nf_ct_refresh(ct, skb, jiffies32);
#else
	nf_ct_refresh(ct, jiffies32);
#endif
}

/* ---- expectations --------------------------------------------------------------- */

static inline void sipx_compat_expect_assign(struct nf_conntrack_expect *exp,
					     struct nf_conntrack_helper *helper)
{
#if SIPX_HAVE_EXPECT_ASSIGN_HELPER
	rcu_assign_pointer(exp->assign_helper, helper);
#else
	exp->helper = helper;
#endif
}

/*
 * After nf_ct_expect_related(). Kernels between two changes of the stable series put the
 * master's helper there, to find its policy by, and give it to the connection, too: media
 * would go through the helper and never be offloaded (R26).
 */
static inline void sipx_compat_expect_assign_none(struct nf_conntrack_expect *exp)
{
#if !SIPX_HAVE_EXPECT_ASSIGN_HELPER
	WRITE_ONCE(exp->helper, NULL);
#endif
}

/* The functions below are called under nf_conntrack_expect_lock. */

/* It stands in the table. Its master is alive then, and only then is it safe to touch. */
static inline bool sipx_compat_expect_stands(const struct nf_conntrack_expect *exp)
{
	/* removing poisons the link, and nothing inserts a second time */
	return exp->hnode.pprev && exp->hnode.pprev != (void *)LIST_POISON2;
}

#if SIPX_HAVE_EXPECT_JIFFIES

static inline bool sipx_compat_expect_expired(const struct nf_conntrack_expect *exp)
{
	return nf_ct_exp_is_expired(exp);
}

/* A new end of life. False: it had none left. */
static inline bool sipx_compat_expect_extend(struct nf_conntrack_expect *exp, u32 jiffies32)
{
	if (nf_ct_exp_is_expired(exp))
		return false;
	WRITE_ONCE(exp->timeout, nfct_time_stamp + jiffies32);
	return true;
}

static inline void sipx_compat_expect_remove(struct nf_conntrack_expect *exp)
{
	nf_ct_unlink_expect(exp);
}

#else /* a timer ends each of them */

static inline bool sipx_compat_expect_expired(const struct nf_conntrack_expect *exp)
{
	return false;
}

static inline bool sipx_compat_expect_extend(struct nf_conntrack_expect *exp, u32 jiffies32)
{
	return mod_timer_pending(&exp->timeout, jiffies + jiffies32);
}

static inline void sipx_compat_expect_remove(struct nf_conntrack_expect *exp)
{
	/* where the timer already fired, its handler waits for the lock and removes it */
	nf_ct_remove_expect(exp);
}

#endif

/* Before nf_ct_expect_related(), which adds the lifetime that the policy names. */
static inline void sipx_compat_expect_preset(struct nf_conntrack_expect *exp, u32 jiffies32,
					     u32 policy_jiffies32)
{
#if SIPX_HAVE_EXPECT_JIFFIES
	exp->timeout = nfct_time_stamp + jiffies32 - policy_jiffies32;
#endif
}

/* ---- sockets ----------------------------------------------------------------------- */

#define SIPX_CAN_FIND_LISTENER							\
	(SIPX_EXPORTS___INET_LOOKUP_LISTENER && SIPX_EXPORTS_INET6_LOOKUP_LISTENER)

#if SIPX_HAVE_LISTENER_HASHINFO_NET
#define SIPX_LISTENER_TABLE(net) (net)->ipv4.tcp_death_row.hashinfo,
#elif SIPX_HAVE_LISTENER_HASHINFO
#define SIPX_LISTENER_TABLE(net) &tcp_hashinfo,
#else
#define SIPX_LISTENER_TABLE(net)
#endif

#if SIPX_CAN_FIND_LISTENER
static inline struct sock *sipx_compat_listener4(struct net *net, __be32 address, u16 port)
{
	return __inet_lookup_listener(net, SIPX_LISTENER_TABLE(net) NULL, 0, 0, 0, address, port,
				      0, 0);
}

#if IS_ENABLED(CONFIG_IPV6)
static inline struct sock *sipx_compat_listener6(struct net *net, const struct in6_addr *address,
						 u16 port)
{
	return inet6_lookup_listener(net, SIPX_LISTENER_TABLE(net) NULL, 0, &in6addr_any, 0,
				     address, port, 0, 0);
}
#endif
#endif

#endif
