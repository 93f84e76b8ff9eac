// SPDX-License-Identifier: GPL-2.0
/*
 * Pinholes: kernel expectations.
 *
 * The handle is a reference to the expectation. The expectation itself belongs to the
 * table, from where its lifetime, the end of its master or a person with conntrack -F
 * may take it at any time; it is never inserted a second time. Its master may be touched
 * only while it stands in the table, under nf_conntrack_expect_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "compat.h"
#include "internal.h"

/* the lifetime of expectations that others (conntrackd) make with our classes */
#define POLICY_TIMEOUT_S 180
/* what a master can hold of one class: it counts them in eight bits */
#define CLASS_LIMIT NF_CT_EXPECT_MAX_CNT
/* Media may use the places of signalling where those of media are full, but for these: a
 * registration must find room beside 200 calls.
 */
#define SIGNALLING_ALONE 16

struct nf_conntrack_expect_policy sipx_expect_policy[SIPX_CLASSES] = {
#define POLICY(number, word) \
	[number] = { .name = word, .max_expected = CLASS_LIMIT, .timeout = POLICY_TIMEOUT_S }
	POLICY(SIPX_CLASS_SIGNALLING, "signalling"),
	POLICY(SIPX_CLASS_AUDIO, "audio"),
	POLICY(SIPX_CLASS_VIDEO, "video"),
	POLICY(SIPX_CLASS_OTHER, "other"),
#undef POLICY
};

/* Between the look at the limits and the insertion no other packet of ours comes in. */
static DEFINE_SPINLOCK(insertion);
static unsigned long next_collection;

static struct nf_conntrack_expect *expectation_of(struct sipx_expectation *handle)
{
	return (struct nf_conntrack_expect *)handle;
}

static u16 l3num_of(const struct sipx_endpoint *endpoint)
{
	return endpoint->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

static void address_of(const struct sipx_endpoint *endpoint, union nf_inet_addr *address)
{
	BUILD_BUG_ON(sizeof(*address) != sizeof(endpoint->bytes));
	memcpy(address, endpoint->bytes, sizeof(*address));
}

static void init_tuple(struct nf_conntrack_expect *exp, const struct sipx_pinhole *pinhole)
{
	union nf_inet_addr source, destination;
	__be16 source_port = htons(pinhole->source.port);
	__be16 destination_port = htons(pinhole->destination.port);

	address_of(&pinhole->source, &source);
	address_of(&pinhole->destination, &destination);
	nf_ct_expect_init(exp, pinhole->pinhole_class, l3num_of(&pinhole->destination),
			  pinhole->source.family ? &source : NULL, &destination,
			  pinhole->destination.protocol,
			  pinhole->source.port ? &source_port : NULL, &destination_port);
	exp->flags = NF_CT_EXPECT_PERMANENT;
}

/* RCU. False: it cannot be translated, the NAT half is not there. */
static bool init_translation(struct nf_conntrack_expect *exp, const struct sipx_pinhole *pinhole)
{
#if IS_ENABLED(CONFIG_NF_NAT)
	const struct sipx_nat_hooks *hooks = rcu_dereference(sipx_nat_hooks);

	exp->dir = pinhole->reply ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
	if (pinhole->translate == SIPX_TRANSLATE_NONE)
		return true;
	if (!hooks)
		return false;
	/* shown by conntrack -L expect, and enough to make it again after a failover */
	address_of(&pinhole->translated, &exp->saved_addr);
	exp->saved_proto.all = htons(pinhole->translated.port);
	exp->expectfn = pinhole->translate == SIPX_TRANSLATE_DESTINATION ?
			hooks->translate_destination : hooks->translate_source;
	return true;
#else
	return pinhole->translate == SIPX_TRANSLATE_NONE;
#endif
}

static struct nf_conntrack_expect *make_expectation(struct nf_conn *ct,
						    const struct sipx_pinhole *pinhole,
						    enum sipx_pinhole_error *error)
{
	struct nf_conn_help *help = nfct_help(ct);
	struct nf_conntrack_expect *exp;

	*error = SIPX_PINHOLE_GONE;
	if (!help || nf_ct_is_dying(ct))
		return NULL;
	exp = nf_ct_expect_alloc(ct);
	if (!exp) {
		*error = SIPX_PINHOLE_NO_MEMORY;
		return NULL;
	}
	init_tuple(exp, pinhole);
	if (!init_translation(exp, pinhole)) {
		nf_ct_expect_put(exp);
		return NULL;
	}
	if (pinhole->helper)
		sipx_compat_expect_assign(exp, rcu_dereference(help->helper));
	sipx_compat_expect_preset(exp, sipx_jiffies(pinhole->lifetime_s), POLICY_TIMEOUT_S * HZ);
	return exp;
}

static void drop_expired(struct nf_conn_help *help)
{
	struct nf_conntrack_expect *exp;
	struct hlist_node *next;

	hlist_for_each_entry_safe(exp, next, &help->expectations, lnode)
		if (sipx_compat_expect_expired(exp))
			sipx_compat_expect_remove(exp);
}

/*
 * What nf_ct_expect_related() would do silently and must not: evict the master's oldest
 * expectation of a full class (an answered call), and replace an identical one of the
 * same master (whose handle somebody holds).
 */
static enum sipx_pinhole_error check_place(struct nf_conn *ct, struct nf_conntrack_expect *exp,
					   const struct sipx_pinhole *pinhole, u32 limit)
{
	enum sipx_pinhole_error error = SIPX_PINHOLE_OPEN;
	struct nf_conn_help *help = nfct_help(ct);

	if (!help)
		return SIPX_PINHOLE_GONE;
	if (pinhole->alone && READ_ONCE(help->expecting[exp->class]) < limit)
		return SIPX_PINHOLE_OPEN;
	spin_lock_bh(&nf_conntrack_expect_lock);
	if (help->expecting[exp->class] >= limit)
		drop_expired(help);
	if (help->expecting[exp->class] >= limit)
		error = SIPX_PINHOLE_CLASS_FULL;
	else if (__nf_ct_expect_find(nf_ct_net(ct), nf_ct_zone(ct), &exp->tuple))
		error = SIPX_PINHOLE_BUSY;
	spin_unlock_bh(&nf_conntrack_expect_lock);
	return error;
}

static bool is_expired(struct nf_conntrack_expect *exp, void *unused)
{
	return sipx_compat_expect_expired(exp);
}

/* Kernels that collect lazily count the expired until then. At most once a second. */
static bool collect_expired(struct net *net)
{
	if (!SIPX_HAVE_EXPECT_JIFFIES || time_before(jiffies, next_collection))
		return false;
	next_collection = jiffies + HZ;
	nf_ct_expect_iterate_net(net, is_expired, NULL, 0, 0);
	return true;
}

static enum sipx_pinhole_error error_of(int err)
{
	switch (err) {
	case 0:
		return SIPX_PINHOLE_OPEN;
	case -EBUSY:
	case -EALREADY:
		return SIPX_PINHOLE_BUSY;
	case -EMFILE:
		return SIPX_PINHOLE_TABLE_FULL;
	case -ENOMEM:
		return SIPX_PINHOLE_NO_MEMORY;
	default:
		return SIPX_PINHOLE_GONE;
	}
}

/*
 * Where a timer ends it, that starts with what the policy says: for this one, what it is to
 * live. Setting the timer once more takes as long as the whole insertion. (What userspace makes on
 * another processor at this very moment may live as long; it ends with its connection.)
 */
static int relate(struct nf_conntrack_expect *exp, u32 lifetime_s)
{
	struct nf_conntrack_expect_policy *policy = &sipx_expect_policy[exp->class];
	int err;

	if (SIPX_HAVE_EXPECT_JIFFIES)
		return nf_ct_expect_related(exp, 0);
	WRITE_ONCE(policy->timeout, sipx_jiffies(lifetime_s) / HZ);
	err = nf_ct_expect_related(exp, 0);
	WRITE_ONCE(policy->timeout, POLICY_TIMEOUT_S);
	return err;
}

/* Bottom halves are off: the core holds its lock. */
static enum sipx_pinhole_error insert(struct nf_conn *ct, struct nf_conntrack_expect *exp,
				      const struct sipx_pinhole *pinhole)
{
	bool guest = pinhole->pinhole_class == SIPX_CLASS_SIGNALLING && !pinhole->helper;
	enum sipx_pinhole_error error;

	spin_lock(&insertion);
	error = check_place(ct, exp, pinhole, guest ? CLASS_LIMIT - SIGNALLING_ALONE : CLASS_LIMIT);
	if (error == SIPX_PINHOLE_OPEN) {
		error = error_of(relate(exp, pinhole->lifetime_s));
		if (error == SIPX_PINHOLE_TABLE_FULL && collect_expired(nf_ct_net(ct)))
			error = error_of(relate(exp, pinhole->lifetime_s));
	}
	spin_unlock(&insertion);
	return error;
}

/* ---- connections that a too early packet left behind -------------------------------- */

static void end_stale(const struct nf_conn *self, const struct nf_conntrack_expect *exp,
		      const struct sipx_pinhole *pinhole)
{
	u16 source_port = pinhole->source.port ?: pinhole->likely_port;
	struct sipx_wish wish;

	/* what anyone may use is looked for when it is used: see nat.c */
	if (!pinhole->source.family || !source_port)
		return;
	wish = (struct sipx_wish){
		.tuple = exp->tuple,
		.translate = pinhole->translate,
		.certain = pinhole->translate == SIPX_TRANSLATE_SOURCE,
	};
	wish.tuple.src.u.all = htons(source_port);
	wish.tuple.dst.dir = IP_CT_DIR_ORIGINAL;
	wish.port = htons(pinhole->translated.port);
	address_of(&pinhole->translated, &wish.address);
	sipx_end_stale(self, &wish);
}

/* ---- the boundary ---------------------------------------------------------------------- */

enum sipx_pinhole_error sipx_pinhole_open(struct sipx_packet *packet,
					  struct sipx_conntrack *master,
					  const struct sipx_pinhole *pinhole,
					  struct sipx_expectation **handle)
{
	struct nf_conn *ct = (struct nf_conn *)master;
	enum sipx_pinhole_error error;
	struct nf_conntrack_expect *exp;

	exp = make_expectation(ct, pinhole, &error);
	if (exp) {
		error = insert(ct, exp, pinhole);
		if (error != SIPX_PINHOLE_OPEN)
			nf_ct_expect_put(exp);
	}
	pr_debug("pinhole from %s to %s, there %s: %s\n", sipx_trace_endpoint(&pinhole->source, 0),
		 sipx_trace_endpoint(&pinhole->destination, 1), sipx_trace_endpoint(&pinhole->translated, 2),
		 error == SIPX_PINHOLE_OPEN ? "open" : "refused");
	if (error != SIPX_PINHOLE_OPEN)
		return error;

	if (!pinhole->helper)
		sipx_compat_expect_assign_none(exp);
	*handle = (struct sipx_expectation *)exp;
	end_stale(packet ? packet->ct : ct, exp, pinhole);
	return SIPX_PINHOLE_OPEN;
}

enum sipx_pinhole_error sipx_pinhole_renew(struct sipx_expectation *handle, u32 lifetime_s)
{
	struct nf_conntrack_expect *exp = expectation_of(handle);
	bool stands;

	spin_lock_bh(&nf_conntrack_expect_lock);
	stands = sipx_compat_expect_stands(exp) &&
		 sipx_compat_expect_extend(exp, sipx_jiffies(lifetime_s));
	spin_unlock_bh(&nf_conntrack_expect_lock);
	return stands ? SIPX_PINHOLE_OPEN : SIPX_PINHOLE_GONE;
}

bool sipx_pinhole_stands(const struct sipx_expectation *handle)
{
	const struct nf_conntrack_expect *exp = (const struct nf_conntrack_expect *)handle;

	return sipx_compat_expect_stands(exp) && !sipx_compat_expect_expired(exp);
}

void sipx_pinhole_close(struct sipx_expectation *handle)
{
	struct nf_conntrack_expect *exp = expectation_of(handle);

	spin_lock_bh(&nf_conntrack_expect_lock);
	if (sipx_compat_expect_stands(exp))
		sipx_compat_expect_remove(exp);
	spin_unlock_bh(&nf_conntrack_expect_lock);
	pr_debug("pinhole closed\n");
	nf_ct_expect_put(exp);
}
