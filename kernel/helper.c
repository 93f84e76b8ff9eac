// SPDX-License-Identifier: GPL-2.0
/*
 * The conntrack helpers "sip-ext" and "sip-ext-assist": what a packet goes through, and
 * the module that they live in.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ipv6.h>

#include "compat.h"
#include "internal.h"

#define HELPER_NAME		"sip-ext"
#define ASSIST_NAME		"sip-ext-assist"
/* see sipx_compat_helper_init() */
#define HELPER_KEY_PORT		0
#define ASSIST_KEY_PORT		65535

/* ---- from a packet to its description -------------------------------------------------- */

static u8 protocol_of(const struct sk_buff *skb, const struct nf_conn *ct)
{
	u8 protocol;
	__be16 fragment;

	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return ip_is_fragment(ip_hdr(skb)) ? 0 : ip_hdr(skb)->protocol;
	protocol = ipv6_hdr(skb)->nexthdr;
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_TCP)
		return protocol;
	if (ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &protocol, &fragment) < 0 || fragment)
		return 0;
	return protocol;
}

/*
 * The datagram's length, or a negative number: not a whole datagram of its own. Bytes
 * between the end of the datagram and that of the packet are nobody's: left alone.
 */
static int datagram_length(const struct sk_buff *skb, unsigned int protoff)
{
	const struct udphdr *udp = (const struct udphdr *)(skb->data + protoff);
	unsigned int room = skb->len - protoff;

	if (ntohs(udp->len) != room)
		return -1;
	return room - sizeof(*udp);
}

static void set_endpoints(struct sipx_packet_info *info, const struct nf_conn *ct,
			  enum ip_conntrack_dir dir)
{
	const struct nf_conntrack_tuple *there = &ct->tuplehash[dir].tuple;
	const struct nf_conntrack_tuple *back = &ct->tuplehash[!dir].tuple;

	sipx_set_endpoint(&info->source_inner, there, &there->src.u3, there->src.u.all);
	sipx_set_endpoint(&info->source_outer, back, &back->dst.u3, back->dst.u.all);
	sipx_set_endpoint(&info->destination_outer, there, &there->dst.u3, there->dst.u.all);
	sipx_set_endpoint(&info->destination_inner, back, &back->src.u3, back->src.u.all);
}

/*
 * Where nothing is translated, routes say which end is the outside: that which the default
 * route leads to. Where it leads to both or to neither, a list of the inside may say it.
 */
void sipx_set_far(struct sipx_packet_info *info, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *there = &ct->tuplehash[info->reply].tuple;
	bool source, destination;

	if (ct->status & IPS_NAT_MASK)
		return;
	info->source_far = sipx_is_far(ct, &there->dst.u3, &there->src.u3);
	info->destination_far = sipx_is_far(ct, &there->src.u3, &there->dst.u3);
	if (info->source_far != info->destination_far)
		return;
	source = sipx_is_media_host(info->state, &info->source_inner);
	destination = sipx_is_media_host(info->state, &info->destination_inner);
	if (source == destination)
		return;
	info->source_far = !source;
	info->destination_far = !destination;
}

/* ---- through the core ---------------------------------------------------------------- */

/* Conntrack gives the connection its ordinary timeout with each packet, before us. */
static void keep_again(struct nf_conn *ct, struct sk_buff *skb,
		       const struct sipx_connection_data *data)
{
	u32 until = READ_ONCE(data->keep_until_s), now;

	if (!until)
		return;
	now = div_u64(sipx_now_ms(), 1000);
	if (until > now)
		sipx_ct_keep(ct, skb, until - now);
}

/*
 * A connection that never makes it into the table (its first packet loses a race and is
 * dropped) ends without a word to its helper. So the first packet that the core keeps
 * something for is confirmed here, where the loss is seen. Ends that happened while the
 * core was at work are seen here, too.
 */
unsigned int sipx_settle(struct sipx_packet *packet)
{
	struct nf_conn *ct = packet->ct;
	unsigned int verdict = NF_ACCEPT;

	/* who ends the connection marks it first and looks at the data then */
	smp_mb();
	if (!READ_ONCE(packet->data->connection))
		return NF_ACCEPT;
	nf_conntrack_get(&ct->ct_general);
	if (!nf_ct_is_confirmed(ct))
		verdict = nf_conntrack_confirm(packet->skb);
	if (!nf_ct_is_confirmed(ct) || nf_ct_is_dying(ct)) {
		local_bh_disable();
		sipx_core_connection_gone(sipx_state_of(packet->sn), packet->data);
		local_bh_enable();
	}
	nf_ct_put(ct);
	return verdict;
}

struct sipx_connection_data *sipx_data_of(const struct nf_conn *ct)
{
	struct nf_conn_help *help = nfct_help(ct);
	struct nf_conntrack_helper *helper = help ? rcu_dereference(help->helper) : NULL;

	return helper && helper->me == THIS_MODULE ? (void *)help->data : NULL;
}

/*
 * From elsewhere to the router itself, untranslated: nobody inside is spoken to, and the
 * one who began is not inside (S4, S5).
 */
bool sipx_is_for_router(const struct sk_buff *skb, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *there = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *back = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	return !sipx_is_forwarded(skb, ct) && nf_inet_addr_cmp(&there->dst.u3, &back->src.u3) &&
	       sipx_is_local(nf_ct_net(ct), nf_ct_l3num(ct), &there->dst.u3);
}

void sipx_describe(struct sipx_packet *packet, struct sipx_packet_info *info)
{
	enum ip_conntrack_dir dir = CTINFO2DIR(packet->ctinfo);

	*info = (struct sipx_packet_info){
		.packet = packet,
		.state = sipx_state_of(packet->sn),
		.data = packet->data,
		/* of the connection that a pinhole of ours belongs to */
		.master = packet->ct->master ? sipx_data_of(packet->ct->master) : NULL,
		.workspace = this_cpu_ptr(sipx_cpus)->workspace,
		.zone = sipx_zone_of(packet->ct),
		.default_timeout_s = packet->left / HZ,
		.reply = dir == IP_CT_DIR_REPLY,
		.nat_present = rcu_access_pointer(sipx_nat_hooks) != NULL,
		.assist = packet->assist,
	};
	set_endpoints(info, packet->ct, dir);
}

static unsigned int through_core(struct sipx_packet *packet, unsigned int length)
{
	struct sipx_cpu *cpu = this_cpu_ptr(sipx_cpus);
	struct sipx_packet_info info;

	sipx_forget_refusals();
	sipx_describe(packet, &info);
	pr_debug("%s > %s: datagram of %u bytes\n", sipx_trace_end(packet->ct, info.reply),
		 sipx_trace_end(packet->ct, !info.reply), length);
	sipx_set_far(&info, packet->ct);
	info.payload = packet->skb->data + packet->protoff + sizeof(struct udphdr);
	info.payload_length = length;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&cpu->busy);
	sipx_core_packet(&info);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_unlock(&cpu->busy);
	sipx_log_refusals(packet);
	return sipx_settle(packet);
}

static unsigned int datagram(struct sipx_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	enum sipx_reason what;
	unsigned int verdict;
	bool disabled;
	int length;

	if (skb_is_gso(skb)) {
		sipx_refuse(packet, SIPX_COUNT_aggregate);
		return NF_ACCEPT;
	}
	if (skb->len < packet->protoff + sizeof(struct udphdr))
		return NF_ACCEPT;
	if (skb_is_nonlinear(skb) && skb_linearize(skb)) {
		sipx_refuse(packet, SIPX_COUNT_no_memory);
		return NF_ACCEPT;
	}
	length = datagram_length(skb, packet->protoff);
	if (length < 0) {
		sipx_refuse(packet, SIPX_COUNT_malformed_length);
		return NF_ACCEPT;
	}
	if (!length) {
		sipx_net_count(packet->sn, SIPX_COUNT_keep_alive);
		return NF_ACCEPT;
	}
	if (sipx_is_for_router(skb, packet->ct)) {
		sipx_refuse(packet, SIPX_COUNT_for_router);
		return NF_ACCEPT;
	}
	what = sipx_core_glance(skb->data + packet->protoff + sizeof(struct udphdr), length);
	if (what == SIPX_COUNT_keep_alive) {
		sipx_net_count(packet->sn, what);
		return NF_ACCEPT;
	}
	if (what != SIPX_REASON_COUNT) {
		sipx_refuse(packet, what);
		return NF_ACCEPT;
	}
	disabled = sipx_bh_disable();
	verdict = through_core(packet, length);
	sipx_bh_enable(disabled);
	return verdict;
}

/* Switched off, nothing new begins; what stands, stands as long as it was to stand. */
static unsigned int segment_or_datagram(struct sipx_packet *packet, u8 protocol)
{
	if (protocol == IPPROTO_TCP)
		return sipx_tcp_segment(packet);
	if (READ_ONCE(packet->sn->settings.values[SIPX_SETTING_ENABLED]))
		return datagram(packet);
	return NF_ACCEPT;
}

/*
 * Untranslated, the bytes of a TCP segment would be taken for others: see tcp.c. Without tables there
 * are no counters either.
 */
static unsigned int while_leaving(const struct sipx_packet *packet)
{
	if (!READ_ONCE(packet->data->stream))
		return NF_ACCEPT;
	if (packet->sn)
		sipx_net_count(packet->sn, SIPX_COUNT_stream_leaving);
	return NF_DROP;
}

/* RCU, as in all hooks. */
static unsigned int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			 enum ip_conntrack_info ctinfo, u8 assist)
{
	struct sipx_packet packet = {
		.skb = skb, .ct = ct, .ctinfo = ctinfo, .protoff = protoff, .assist = assist,
		.sn = sipx_net_get_rcu(nf_ct_net(ct)),
	};
	struct nf_conn_help *extension = nfct_help(ct);
	u8 protocol;

	if (!extension)
		return NF_ACCEPT;
	packet.data = (void *)extension->data;
	if (!packet.sn || sipx_net_stopped(packet.sn) || nf_ct_is_dying(ct))
		return while_leaving(&packet);
	/* on lo a packet passes twice; the first time it was on its way out */
	if (nf_is_loopback_packet(skb))
		return NF_ACCEPT;
	/* an ICMP error about the connection comes here as well */
	protocol = protocol_of(skb, ct);
	if (protocol != nf_ct_protonum(ct))
		return NF_ACCEPT;
	packet.left = sipx_ct_left(ct);
	keep_again(ct, skb, packet.data);
	return segment_or_datagram(&packet, protocol);
}

static int help_full(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		     enum ip_conntrack_info ctinfo)
{
	return help(skb, protoff, ct, ctinfo, 0);
}

static int help_assist(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		       enum ip_conntrack_info ctinfo)
{
	return help(skb, protoff, ct, ctinfo, 1);
}

/* Any context; RCU. */
static void connection_ends(struct nf_conn *ct)
{
	struct sipx_net *sn = sipx_net_get_rcu(nf_ct_net(ct));
	struct nf_conn_help *extension = nfct_help(ct);
	struct sipx_connection_data *data;

	if (!sn || !extension)
		return;
	data = (void *)extension->data;
	if (READ_ONCE(data->stream))
		sipx_tcp_end(data);
	if (READ_ONCE(data->connection))
		sipx_connection_ends(sn, ct, data);
}

void sipx_packet_redirect(struct sipx_packet *packet, u16 port)
{
	struct sk_buff *skb = packet->skb;
	struct udphdr *udp;

	if (skb_ensure_writable(skb, packet->protoff + sizeof(*udp)))
		return;
	udp = (struct udphdr *)(skb->data + packet->protoff);
	if (udp->check || skb->ip_summed == CHECKSUM_PARTIAL) {
		inet_proto_csum_replace2(&udp->check, skb, udp->dest, htons(port), false);
		if (!udp->check)
			udp->check = CSUM_MANGLED_0;
	}
	udp->dest = htons(port);
}

/* ---- the module --------------------------------------------------------------------- */

#define HELPERS 8	/* two names, two families, two protocols */

static struct nf_conntrack_helper helpers[HELPERS] __read_mostly;
static struct nf_conntrack_helper *registered[HELPERS];

static void init_helper(struct nf_conntrack_helper *helper, u16 l3num, u16 protocol, bool assist)
{
	sipx_compat_helper_init(helper, l3num, protocol, assist ? ASSIST_NAME : HELPER_NAME,
				assist ? ASSIST_KEY_PORT : HELPER_KEY_PORT, sipx_expect_policy,
				SIPX_CLASSES - 1, assist ? help_assist : help_full);
	helper->destroy = connection_ends;
	/* one NAT half serves both; "ip_nat_" and the longer name do not fit */
	strscpy(helper->nat_mod_name, NF_NAT_HELPER_NAME(HELPER_NAME),
		sizeof(helper->nat_mod_name));
}

static int register_helpers(void)
{
	int i, err;

	for (i = 0; i < HELPERS; i++)
		init_helper(&helpers[i], i & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4,
			    i & 2 ? IPPROTO_TCP : IPPROTO_UDP, i & 4);
	err = sipx_compat_helpers_register(helpers, HELPERS, registered);
	if (err == -EBUSY)
		pr_err("cannot load: a helper named \"%s\" or \"%s\", or with their key ports, is already registered\n",
		       HELPER_NAME, ASSIST_NAME);
	else if (err)
		pr_err("cannot load: this kernel refuses our helpers (error %d)\n", err);
	return err;
}

static int sip_ext_init(void)
{
	int err;

	NF_CT_HELPER_BUILD_BUG_ON(sizeof(struct sipx_connection_data));
	BUILD_BUG_ON(SIPX_CLASSES > NF_CT_MAX_EXPECT_CLASSES);
	BUILD_BUG_ON(sizeof(HELPER_NAME) > NF_CT_HELPER_NAME_LEN);
	BUILD_BUG_ON(sizeof(ASSIST_NAME) > NF_CT_HELPER_NAME_LEN);
	BUILD_BUG_ON(sizeof(NF_NAT_HELPER_NAME(HELPER_NAME)) > NF_CT_HELPER_NAME_LEN);

	err = sipx_settings_init();
	if (err)
		return err;
	err = sipx_memory_init();
	if (err) {
		pr_err("cannot load: out of memory\n");
		goto leave_settings;
	}
	err = sipx_netns_init();
	if (err) {
		pr_err("cannot load: no room for the tables of a network namespace (error %d)\n",
		       err);
		goto free_memory;
	}
	err = register_helpers();
	if (err)
		goto leave_netns;
	return 0;

leave_netns:
	sipx_netns_exit();
free_memory:
	sipx_memory_exit();
leave_settings:
	sipx_settings_exit();
	return err;
}

static void sip_ext_exit(void)
{
	/* Nobody may look at the private data of a connection once the helpers are gone:
	 * connections then end without a word.
	 */
	sipx_netns_stop();
	sipx_compat_helpers_unregister(helpers, HELPERS, registered);
	sipx_netns_exit();
	sipx_memory_exit();
	sipx_settings_exit();
}

#ifdef SIPX_KUNIT
int sipx_kunit_helper_init(void)
{
	return sip_ext_init();
}

void sipx_kunit_helper_exit(void)
{
	sip_ext_exit();
}
#else
module_init(sip_ext_init);
module_exit(sip_ext_exit);
#endif

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SIP application layer gateway: connection tracking half");
#ifndef SIPX_KUNIT
MODULE_VERSION(SIPX_VERSION);
MODULE_ALIAS_NFCT_HELPER(HELPER_NAME);
MODULE_ALIAS_NFCT_HELPER(ASSIST_NAME);
MODULE_SOFTDEP("post: nf_nat_sip_ext");
#endif
