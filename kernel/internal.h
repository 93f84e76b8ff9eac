/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of kernel/ share. No C++ sees this.
 */
#ifndef SIP_EXT_INTERNAL_H
#define SIP_EXT_INTERNAL_H

#include <linux/cache.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/sysctl.h>
#include <linux/tcp.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "boundary.h"

/* The settings of the boundary, and ours. */
enum { SIPX_SETTING_ENABLED = SIPX_SETTINGS, SIPX_SETTING_LOG, SIPX_SETTING_TCP_CONNECTIONS_PER_HOST,
	SIPX_SETTING_TCP_MEMORY_PER_HOST, SIPX_NET_SETTINGS };

/* Settings that are lists. */
enum { SIPX_LIST_MEDIA_HOSTS, SIPX_LIST_MEDIA_DENY_PORTS, SIPX_LISTS };

/* What all lists begin with; the entries follow. Never changed once others see it. */
struct sipx_list {
	struct rcu_head rcu;
	u32 size;	/* of all of it, in bytes */
	u32 count;	/* of its entries */
};

struct sipx_settings {
	unsigned int values[SIPX_NET_SETTINGS];
	unsigned int version;	/* one more with each change */
	struct sipx_list __rcu *lists[SIPX_LISTS];
	/* those, and an empty one that ends it on some kernels */
	struct ctl_table table[SIPX_NET_SETTINGS + SIPX_LISTS + 1];
	struct ctl_table_header *header;
};

/* Outside addresses whose ports are known at once: see leaving.c. */
#define SIPX_LEAVING_SETS 4
/* Of the table of hosts that have TCP connections: short chains up to some ten thousands. */
#define SIPX_TCP_HOST_BITS 10

/* One namespace. The core's tables follow it in memory. */
struct sipx_net {
	spinlock_t lock;	/* over the tables: sipx_lock() */
	bool closing;		/* no packet and no tick any more */
	bool ending;		/* somebody brings the ends below to the core */
	struct task_struct *holder;	/* of the lock */
	struct hlist_head ends;	/* of connections, met while the lock was held */
	bool missed;		/* ends of connections that the core was not told of: see connection.c */
	struct net *net;
	void *memory;		/* what was allocated for it and the tables */
	u64 __percpu *counters;	/* SIPX_REASON_COUNT of them */
	struct delayed_work tick;
	spinlock_t leaving_lock;
	u64 leaving_pause_ns;	/* no reading before */
	struct sipx_leaving *leaving[SIPX_LEAVING_SETS];
	spinlock_t tcp_lock;	/* over the lists and hosts; nothing is taken under it */
	u32 tcp_count;		/* of connections in the lists */
	u32 tcp_half_open;	/* of those in tcp_begun */
	struct list_head tcp_begun;	/* that nobody has answered yet, the oldest first */
	struct list_head tcp_idle;
	struct list_head tcp_waiting;	/* for time to pass */
	u32 tcp_seed;
	struct hlist_head tcp_hosts[1 << SIPX_TCP_HOST_BITS];
	struct delayed_work tcp_tick;
	atomic_long_t tcp_bytes;	/* that they hold */
	struct ratelimit_state log_pace;
	struct sipx_settings settings;
} ____cacheline_aligned;

/* of `stamped` below */
#define SIPX_BOTH_STAMPED 3
#define SIPX_STAMPED_ANEW (1 << 4)	/* for direction 0 */

/* Connections that one tick looks at, whether they still have the helper. */
#define SIPX_SWEPT 64

/*
 * A TCP connection that is followed. The core's part follows it in memory. Whoever finds one
 * is in an RCU section; it is freed a grace period after its end.
 */
struct sipx_tcp {
	spinlock_t lock;	/* over the core's part and what follows up to the empty line */
	u8 stamped;		/* directions that send timestamps: one bit each; and four bits
				 * further those whose next one counts, whatever was before */
	bool was_answered;	/* the other end's SYN was seen */
	bool is_open;		/* and the answer to that: both ends are where they say */
	bool is_evicted;	/* it passes, as it did until now */
	u32 stamps[IP_CT_DIR_MAX];	/* the last timestamp from each side (RFC 7323 3.2) */

	/* under tcp_lock */
	bool waits;		/* it is in tcp_waiting */
	bool has_ended;		/* it is in no list */
	bool is_begun;		/* it is in tcp_begun, and does not count for its host */

	u32 began_s;
	struct nf_conn *ct;	/* a reference */
	struct sipx_net *sn;
	struct sipx_tcp_host *host;	/* a reference */
	union {
		struct list_head link;
		struct rcu_head rcu;
	};
};

/* Who has begun a connection that is followed; or, of IPv6, the first 64 bits: see tcp_hosts.c. */
struct sipx_tcp_host {
	struct hlist_node link;
	struct sipx_net *sn;
	struct sipx_tcp_host *network;	/* those 64 bits, with a reference; of IPv4 itself */
	union nf_inet_addr address;
	u16 l3num;
	u16 zone;
	u32 references;		/* under tcp_lock, as what follows */
	u32 open;		/* connections of it that were answered */
	atomic_long_t bytes;	/* that all of them hold */
};

/*
 * Whether somebody may have that much of all, beyond the least that there is to have, where
 * `left` is left then. As parts of all, what one has is at most twice the square of what is
 * left: alone half, and N that take all that they get leave one in 2N or so. With a bound in
 * proportion each would leave the same part of what the one before has left.
 */
static inline bool sipx_leaves_enough(u64 has, u64 all, s64 left)
{
	return left >= 0 && has * all <= 2 * (u64)left * left;
}

static inline struct sipx_stream *sipx_stream_of(struct sipx_tcp *tcp)
{
	return (struct sipx_stream *)(tcp + 1);
}

static inline struct sipx_tcp *sipx_tcp_of(struct sipx_stream *stream)
{
	return (struct sipx_tcp *)stream - 1;
}

/* Behind each object of SIPX_SLAB_CONNECTION. */
struct sipx_end {
	struct hlist_node node;
	struct nf_conn *ct;
};

static inline struct sipx_state *sipx_state_of(struct sipx_net *sn)
{
	return (struct sipx_state *)(sn + 1);
}

static inline struct sipx_net *sipx_net_of(struct sipx_state *state)
{
	return (struct sipx_net *)state - 1;
}

/* How a pinhole wants the connection translated whose first packet has this tuple. */
struct sipx_wish {
	struct nf_conntrack_tuple tuple;
	union nf_inet_addr address;
	__be16 port;
	u8 translate;
	bool certain;	/* from the very socket to the very socket that a session named */
};

/* What one CPU needs for a packet. */
struct sipx_cpu {
	spinlock_t busy;	/* bottom halves of one CPU may run at once on PREEMPT_RT */
	struct sipx_workspace *workspace;
	u64 refusals;	/* of the packet at work, if they are logged: see log.c */
};

struct sipx_packet {
	struct sk_buff *skb;
	struct nf_conn *ct;
	enum ip_conntrack_info ctinfo;
	unsigned int protoff;
	struct sipx_net *sn;
	struct sipx_connection_data *data;
	u32 left;	/* jiffies that the kernel would give the connection */
	u8 assist;
};

/* What the header of a TCP segment says. Offsets are from its beginning. */
struct sipx_tcp_header {
	struct sipx_segment segment;
	u32 length;		/* with options */
	u32 payload_length;
	const u8 *payload;	/* once it was opened; see sipx_segment_open() */
	u32 stamp;		/* the timestamp (RFC 7323 3.2) */
	bool has_stamp;
	bool is_signed;		/* RFC 2385, RFC 5925 */
	u8 sack;		/* where that option is; 0: nowhere */
	u8 multipath;		/* of a SYN: where that one is (RFC 8684 3.1); 0: nowhere */
};

struct sipx_sink {
	struct seq_file *seq;
};

/* What the NAT half offers to the conntrack half. RCU. */
struct sipx_nat_hooks {
	void (*plan_edits)(const struct sipx_packet_info *info);
	bool (*apply_edits)(const struct sipx_packet_info *info);
	void (*translate_destination)(struct nf_conn *ct, struct nf_conntrack_expect *exp);
	void (*translate_source)(struct nf_conn *ct, struct nf_conntrack_expect *exp);
	u16 (*mapped_port)(const struct nf_conn *ct, const struct sipx_endpoint *inside,
			   const struct sipx_endpoint *outside);
};

extern const struct sipx_nat_hooks __rcu *sipx_nat_hooks;

/* What the conntrack half offers to the NAT half, as long as this is attached. RCU. */
struct sipx_ct_hooks {
	/* sipx_core_inside_of() where that connection goes to; it takes the core's lock */
	bool (*inside_of)(const struct nf_conn *ct, union nf_inet_addr *address, __be16 *port);
};

/*
 * The only symbol that is exported: its name is what the kernel prints when the NAT half
 * is loaded without the other. NULL detaches and waits for those who are in a hook.
 */
int nf_conntrack_sip_ext_attach_nat(const struct sipx_nat_hooks *hooks,
				    const struct sipx_ct_hooks **ct_hooks);

/* helper.c */
/* All but its payload, and sipx_set_far(). Bottom halves are off. */
void sipx_describe(struct sipx_packet *packet, struct sipx_packet_info *info);
void sipx_set_far(struct sipx_packet_info *info, const struct nf_conn *ct);
bool sipx_is_for_router(const struct sk_buff *skb, const struct nf_conn *ct);
/* What is kept with a connection that has our helper, else NULL; RCU. */
struct sipx_connection_data *sipx_data_of(const struct nf_conn *ct);
/* After the core kept something for the connection. Returns the packet's verdict. */
unsigned int sipx_settle(struct sipx_packet *packet);

/* tcp.c */
u32 sipx_tcp_size(void);	/* of the objects of SIPX_SLAB_TCP */
/* One segment; RCU. Returns its verdict. */
unsigned int sipx_tcp_segment(struct sipx_packet *packet);
/* The connection ends, or is followed no more. Any context, RCU. */
void sipx_tcp_end(struct sipx_connection_data *data);
/* All of a namespace go on without us. No packet and no tick is on its way any more. */
void sipx_tcp_hand_over(struct sipx_net *sn);
/* All of a namespace. What they hold is given back after a grace period. */
void sipx_tcp_end_all(struct sipx_net *sn);
void sipx_tcp_tick(struct work_struct *work);
/* Looks at some, and ends those that ended without a word: see sipx_ct_is_lost(). */
void sipx_tcp_sweep(struct sipx_net *sn);

/* tcp_hosts.c */
/* The host that began that connection, with a reference. NULL: no memory. */
struct sipx_tcp_host *sipx_tcp_host_hold(struct sipx_net *sn, const struct nf_conn *ct);
void sipx_tcp_host_release(struct sipx_tcp_host *host);

/* segment.c */
/* False: there is no memory for it. */
bool sipx_segment_read(const struct sipx_packet *packet, struct sipx_tcp_header *header);
/* The packet becomes what the answer says. False: it cannot, for lack of memory, which is counted, and
 * its sender shall send it again.
 */
bool sipx_segment_write(struct sipx_packet *packet, const struct sipx_tcp_header *header,
			const struct sipx_segment_answer *answer);
/* The payload can be read. False: no memory, or it is corrupt, which is counted: as if it had been lost. */
bool sipx_segment_open(struct sipx_packet *packet, struct sipx_tcp_header *header);
/* Its checksum is to be computed when it leaves; several packets of `size` each, if needed. */
void sipx_segment_finish(struct sk_buff *skb, struct tcphdr *tcp, u32 payload_length, u16 size);

/* emission.c */
/* Under its lock. NULL: none is wished, or no memory. */
struct sk_buff *sipx_emission_make(const struct sipx_tcp *tcp, const struct sipx_emission *emission);
/* Without a lock; bottom halves off. */
void sipx_emission_send(struct net *net, struct sk_buff *skb);

/* memory.c */
extern struct sipx_cpu __percpu *sipx_cpus;
extern struct kmem_cache *sipx_tcp_hosts;
int sipx_memory_init(void);
void sipx_memory_exit(void);

/* log.c */
void sipx_log_init(struct sipx_net *sn);
const char *sipx_reason_name(enum sipx_reason reason);
/* RCU. */
void sipx_log_refusal(const struct sipx_packet *packet, enum sipx_reason reason);
/* What was noted on this CPU; bottom halves are off. */
void sipx_log_noted(const struct sipx_packet *packet);

/* netns.c */
int sipx_netns_init(void);
void sipx_netns_stop(void);	/* waits for packets and ticks; none follow */
void sipx_netns_exit(void);
struct sipx_net *sipx_net_get_rcu(const struct net *net);	/* NULL: its tables are gone */
struct sipx_net *sipx_net_owned(const struct net *net);	/* while the namespace stands */
bool sipx_net_stopped(const struct sipx_net *sn);	/* no packet and no tick any more */
void sipx_net_arm(struct sipx_net *sn, struct delayed_work *work);	/* in a second */

/* For pr_debug(): texts of this CPU, one for each of three places (an end's is its direction). */
const char *sipx_trace_end(const struct nf_conn *ct, u8 dir);
const char *sipx_trace_endpoint(const struct sipx_endpoint *endpoint, u8 place);

/* tables.c: /proc/net/sip_ext/ */
int sipx_tables_create(struct net *net);
void sipx_tables_remove(struct net *net);

/* leaving.c */
/* The table of conntrack, and its size; RCU. */
struct hlist_nulls_head *sipx_ct_table(u32 *buckets);
/* Of so many sockets in a row: a connection of another than the `inside` one leaves from an
 * `outside` one. RCU, bottom halves off.
 */
bool sipx_leave_for_another(struct sipx_net *sn, u16 zone, const struct sipx_endpoint *outside,
			    const struct sipx_endpoint *inside, u32 count);
/* False: when the table was last read to its end, no connection of that inside socket left from
 * another port of the outside address than its own. RCU, bottom halves off.
 */
bool sipx_may_be_moved(struct sipx_net *sn, u16 zone, const struct sipx_endpoint *inside,
		       const struct sipx_endpoint *outside);
void sipx_leaving_free(struct sipx_net *sn);

/* sockets.c */
bool sipx_is_local(struct net *net, u8 l3num, const union nf_inet_addr *address);

/* route.c. The default route leads there from that other address; RCU. */
bool sipx_is_far(const struct nf_conn *ct, const union nf_inet_addr *from,
		 const union nf_inet_addr *address);

/* It neither ends at the router nor begins there; false where that cannot be seen. */
bool sipx_is_forwarded(const struct sk_buff *skb, const struct nf_conn *ct);

/* media_hosts.c; here and below a list may be NULL, which is an empty one */
/* Takes the text to pieces. An ERR_PTR: said what is wrong, with `before` before it. */
struct sipx_list *sipx_media_hosts_parse(char *text, const char *before);
void sipx_media_hosts_print(const struct sipx_list *list, char *text, size_t room);
bool sipx_media_hosts_contain(const struct sipx_list *list, const struct sipx_endpoint *host);

/* deny_ports.c: the same for ports */
struct sipx_list *sipx_deny_ports_parse(char *text, const char *before);
void sipx_deny_ports_print(const struct sipx_list *list, char *text, size_t room);
bool sipx_deny_ports_contain(const struct sipx_list *list, u16 port);

/* settings.c */
int sipx_settings_init(void);	/* of what the parameters say; an error: said why */
void sipx_settings_exit(void);
int sipx_settings_begin(struct net *net, struct sipx_settings *settings);
void sipx_settings_end(struct sipx_settings *settings);

/* connection.c */
u32 sipx_end_offset(void);	/* of the sipx_end in its object */
void sipx_end_forget(void *connection);	/* the object is given back */
void sipx_connection_ends(struct sipx_net *sn, struct nf_conn *ct,
			  struct sipx_connection_data *data);
/* It ends, or has ended; or userspace took the helper off (CTA_HELP), and may have given it another
 * one: then its data are not ours, and nobody says when it ends. */
bool sipx_ct_is_lost(const struct nf_conn *ct);
u32 sipx_ct_left(const struct nf_conn *ct);	/* jiffies */
void sipx_ct_keep(struct nf_conn *ct, struct sk_buff *skb, u32 lifetime_s);

/* pinhole.c */
extern struct nf_conntrack_expect_policy sipx_expect_policy[SIPX_CLASSES];

#ifdef SIPX_KUNIT
int sipx_kunit_helper_init(void);
void sipx_kunit_helper_exit(void);
int sipx_kunit_nat_init(void);
void sipx_kunit_nat_exit(void);
#endif

/* Every lifetime is clipped to what 32-bit clocks can hold. */
static inline u32 sipx_jiffies(u32 seconds)
{
	return min_t(u32, seconds, INT_MAX / HZ - 1) * HZ;
}

/* One end of that tuple. */
static inline void sipx_set_endpoint(struct sipx_endpoint *endpoint,
				     const struct nf_conntrack_tuple *tuple,
				     const union nf_inet_addr *address, __be16 port)
{
	memcpy(endpoint->bytes, address, sizeof(endpoint->bytes));
	endpoint->port = ntohs(port);
	endpoint->family = tuple->src.l3num == NFPROTO_IPV4 ? SIPX_IPV4 : SIPX_IPV6;
	endpoint->protocol = tuple->dst.protonum;
}

/* Of a packet from source to destination. */
static inline void sipx_set_tuple(struct nf_conntrack_tuple *tuple,
				  const struct sipx_endpoint *source,
				  const struct sipx_endpoint *destination)
{
	memset(tuple, 0, sizeof(*tuple));
	memcpy(&tuple->src.u3, source->bytes, sizeof(tuple->src.u3));
	memcpy(&tuple->dst.u3, destination->bytes, sizeof(tuple->dst.u3));
	tuple->src.u.all = htons(source->port);
	tuple->dst.u.all = htons(destination->port);
	tuple->src.l3num = source->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	tuple->dst.protonum = source->protocol;
}

/* One id for both directions, also where a zone counts in one of them. */
static inline u16 sipx_zone_of(const struct nf_conn *ct)
{
	return nf_ct_zone_id(nf_ct_zone(ct), IP_CT_DIR_ORIGINAL);
}

static inline void sipx_net_count(struct sipx_net *sn, enum sipx_reason reason)
{
	this_cpu_inc(sn->counters[reason]);
}

static inline bool sipx_logs(const struct sipx_net *sn)
{
	return unlikely(READ_ONCE(sn->settings.values[SIPX_SETTING_LOG]));
}

/* The packet passes as it came, for that reason. */
static inline void sipx_refuse(const struct sipx_packet *packet, enum sipx_reason reason)
{
	sipx_net_count(packet->sn, reason);
	if (sipx_logs(packet->sn))
		sipx_log_refusal(packet, reason);
}

/* Bottom halves are off for a forwarded packet already, and once more takes its time. True: sipx_bh_enable(). */
static inline bool sipx_bh_disable(void)
{
	if (softirq_count())
		return false;
	local_bh_disable();
	return true;
}

static inline void sipx_bh_enable(bool disabled)
{
	if (disabled)
		local_bh_enable();
}

/* A packet begins. What was noted since the last one is what time has brought, and no packet was refused for it. */
static inline void sipx_forget_refusals(void)
{
	this_cpu_write(sipx_cpus->refusals, 0);
}

/* What the core has refused of that packet. Bottom halves are off. */
static inline void sipx_log_refusals(const struct sipx_packet *packet)
{
	if (sipx_logs(packet->sn))
		sipx_log_noted(packet);
}

/* @dir: of the packets that the wish is about, on a connection that either end may have begun */
static inline bool sipx_is_as_wished(const struct nf_conn *ct, enum ip_conntrack_dir dir,
				     const struct sipx_wish *wish)
{
	const struct nf_conntrack_tuple *back = &ct->tuplehash[!dir].tuple;

	switch (wish->translate) {
	case SIPX_TRANSLATE_DESTINATION:
		return nf_inet_addr_cmp(&back->src.u3, &wish->address) &&
		       back->src.u.all == wish->port;
	case SIPX_TRANSLATE_SOURCE:
		return nf_inet_addr_cmp(&back->dst.u3, &wish->address) &&
		       back->dst.u.all == wish->port;
	default:
		return false;
	}
}

/* A connection that stands where a pinhole wants one, and not as wished. */
static inline bool sipx_is_stale(const struct nf_conn *ct, enum ip_conntrack_dir dir,
				 const struct sipx_wish *wish)
{
	if (nfct_help(ct) || sipx_is_as_wished(ct, dir, wish))
		return false;
	/* an earlier pinhole of these ports, of a call that is over: its media must not
	 * meet the new owner
	 */
	if (wish->translate != SIPX_TRANSLATE_NONE && test_bit(IPS_EXPECTED_BIT, &ct->status))
		return true;
	/* media that began before its answer did, and left from another port (R16), or a
	 * packet that came before the pinhole: nobody has answered
	 */
	return dir == IP_CT_DIR_ORIGINAL &&
	       (wish->certain || !test_bit(IPS_SEEN_REPLY_BIT, &ct->status));
}

/* RCU. */
static inline void sipx_end_stale(const struct nf_conn *self, const struct sipx_wish *wish)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(nf_ct_net(self), nf_ct_zone(self), &wish->tuple);
	if (!hash)
		return;
	ct = nf_ct_tuplehash_to_ctrack(hash);
	if (ct != self && sipx_is_stale(ct, NF_CT_DIRECTION(hash), wish))
		nf_ct_kill(ct);
	nf_ct_put(ct);
}

#endif
