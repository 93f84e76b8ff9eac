// SPDX-License-Identifier: GPL-2.0
/*
 * The NAT half: the rewrite of a packet, what a connection through a pinhole is
 * translated to, and the module that they live in.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ip.h>
#include <linux/module.h>
#include <net/ip.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_helper.h>

#include "compat.h"
#include "internal.h"

/* IPv4 counts the whole packet in 16 bits; IPv6 could hold 40 bytes more */
#define PACKET_MAX 65535
/* the MTU that every path of IPv4 is taken to have (RFC 791 3.1, RFC 9293 3.7.1) */
#define PASSES_EVERYWHERE 576

static const struct sipx_ct_hooks *ct_hooks;

/* ---- what the core of this half asks for -------------------------------------------- */

#ifndef SIPX_KUNIT	/* one module holds both halves there */
void sipx_count(struct sipx_state *state, enum sipx_reason reason)
{
	sipx_net_count(sipx_net_of(state), reason);
}
#endif

/*
 * The phone made its packet fit, and cannot know that it grows here: an error that tells it
 * the MTU would come back for every repetition. So what grew may be cut into fragments, here
 * and, with IPv4, further on, unless it passes everywhere. Packets that asked not to be cut
 * often share one number.
 */
static void allow_fragments(struct sk_buff *skb, const struct nf_conn *ct)
{
	struct iphdr *ip = ip_hdr(skb);

	skb->ignore_df = 1;
	if (ip->version != 4 || !(ip->frag_off & htons(IP_DF)) || skb->len <= PASSES_EVERYWHERE)
		return;
	ip->frag_off &= ~htons(IP_DF);
	__ip_select_ident(nf_ct_net(ct), ip, 1);
	ip_send_check(ip);
}

bool sipx_packet_replace(struct sipx_packet *packet, u32 offset, u32 old_length, const u8 *bytes,
			 u32 new_length)
{
	struct sk_buff *skb = packet->skb;
	u32 start = packet->protoff + sizeof(struct udphdr);

	if (start > skb->len || offset > skb->len - start ||
	    old_length > skb->len - start - offset)
		return false;
	/* with enough room behind the data the kernel would not look */
	if (new_length > old_length && new_length - old_length > PACKET_MAX - min(skb->len, PACKET_MAX))
		return false;
	if (!nf_nat_mangle_udp_packet(skb, packet->ct, packet->ctinfo, packet->protoff, offset,
				      old_length, (const char *)bytes, new_length))
		return false;
	pr_debug("%u bytes at %u became %u\n", old_length, offset, new_length);
	if (new_length > old_length)
		allow_fragments(skb, packet->ct);
	return true;
}

/* ---- connections that come through a pinhole ------------------------------------------ */

static void bind(struct nf_conn *ct, enum nf_nat_manip_type side,
		 const union nf_inet_addr *address, const union nf_conntrack_man_proto *port)
{
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS,
		.min_addr = *address,
		.max_addr = *address,
	};

	if (port) {
		range.flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
		range.min_proto = *port;
		range.max_proto = *port;
	}
	nf_nat_setup_info(ct, &range, side);
}

/*
 * The way back must be free, or the connection is lost when it is confirmed. Whoever has
 * it sent his first packet before there was a pinhole, or through one that is closed.
 */
static void clear_way_back(const struct nf_conn *ct, const struct nf_conntrack_tuple *back)
{
	const struct sipx_wish wish = { .tuple = *back, .translate = SIPX_TRANSLATE_SOURCE };

	sipx_end_stale(ct, &wish);
}

/* The sender's side of the master is untranslated, as seen by who gets the packet. */
static bool sender_is_plain(const struct nf_conn *ct, const struct nf_conntrack_expect *exp)
{
	const struct nf_conntrack_tuple *there = &ct->master->tuplehash[exp->dir].tuple;
	const struct nf_conntrack_tuple *back = &ct->master->tuplehash[!exp->dir].tuple;

	return nf_inet_addr_cmp(&there->src.u3, &back->dst.u3);
}

/*
 * To the inside: DNAT to the socket that the pinhole is for. Where the inside sees the
 * master's peer under its own address, it sees this sender so, too: a rule that
 * masquerades on every interface would otherwise give the stream a source that the
 * inside never answers to, and its own stream could then not leave from the port that
 * was advertised. Where the rules translate the peer, they translate this sender.
 */
static void translate_destination(struct nf_conn *ct, struct nf_conntrack_expect *exp)
{
	const struct nf_conntrack_tuple *first = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	struct nf_conntrack_tuple back = ct->tuplehash[IP_CT_DIR_REPLY].tuple;

	if (ct->status & IPS_NAT_DONE_MASK)
		return;
	back.src.u3 = exp->saved_addr;
	back.src.u.all = exp->saved_proto.all;
	back.dst.dir = IP_CT_DIR_ORIGINAL;
	clear_way_back(ct, &back);
	bind(ct, NF_NAT_MANIP_DST, &exp->saved_addr, &exp->saved_proto);
	if (sender_is_plain(ct, exp))
		bind(ct, NF_NAT_MANIP_SRC, &first->src.u3, NULL);
}

/*
 * To the outside: SNAT to exactly what was advertised. The destination is the rules' own,
 * but where it is the outside socket of somebody inside: rules do not know that socket, and
 * the two have no other way to each other (hairpin, R14).
 */
static void translate_source(struct nf_conn *ct, struct nf_conntrack_expect *exp)
{
	struct nf_conntrack_tuple back = ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	bool hairpin;

	if (ct->status & IPS_NAT_DONE_MASK)
		return;
	hairpin = ct_hooks->inside_of(ct, &back.src.u3, &back.src.u.all);
	back.dst.u3 = exp->saved_addr;
	back.dst.u.all = exp->saved_proto.all;
	back.dst.dir = IP_CT_DIR_ORIGINAL;
	clear_way_back(ct, &back);
	if (hairpin)
		bind(ct, NF_NAT_MANIP_DST, &back.src.u3, &back.src.u);
	bind(ct, NF_NAT_MANIP_SRC, &exp->saved_addr, &exp->saved_proto);
}

/* ---- mappings that stand ----------------------------------------------------------------- */

/*
 * What the NAT would make of a packet from `inside` to a port of the outside address. A
 * connection that no packet has asks it, and is forgotten. 0: it does not know.
 */
static u16 mapping_towards(const struct nf_conn *like, const struct sipx_endpoint *inside,
			   const struct sipx_endpoint *outside, u16 port)
{
	struct nf_nat_range2 range = { .flags = NF_NAT_RANGE_MAP_IPS };
	struct sipx_endpoint destination = *outside;
	struct nf_conntrack_tuple there, back;
	struct nf_conn *ct;
	u16 mapped = 0;

	destination.port = port;
	sipx_set_tuple(&there, inside, &destination);
	if (!nf_ct_invert_tuple(&back, &there))
		return 0;
	ct = nf_conntrack_alloc(nf_ct_net(like), nf_ct_zone(like), &there, &back, GFP_ATOMIC);
	if (IS_ERR(ct))
		return 0;
	memcpy(&range.min_addr, outside->bytes, sizeof(range.min_addr));
	range.max_addr = range.min_addr;
	if (nf_nat_setup_info(ct, &range, NF_NAT_MANIP_SRC) == NF_ACCEPT)
		mapped = ntohs(ct->tuplehash[IP_CT_DIR_REPLY].tuple.dst.u.all);
	nf_conntrack_free(ct);
	return mapped;
}

/*
 * The NAT gives a socket the port that it gave it before, for whatever destination; it
 * knows at once, from the first packet of the first connection on, and so do we. A socket
 * that it never saw keeps its number, or gets one by chance where another flow to that
 * destination has it: such a number is not the same twice. The destinations are ports that
 * nobody speaks to.
 */
static u16 mapped_port(const struct nf_conn *like, const struct sipx_endpoint *inside,
		       const struct sipx_endpoint *outside)
{
	u16 port = mapping_towards(like, inside, outside, 1);

	if (!port || port == inside->port || port != mapping_towards(like, inside, outside, 2))
		return 0;
	return port;
}

/* The names are what conntrackd hands to another router: they never change. */
static struct nf_ct_helper_expectfn expectfns[] = {
	{ .name = "sip-ext-dnat", .expectfn = translate_destination },
	{ .name = "sip-ext-snat", .expectfn = translate_source },
};

static bool is_ours(struct nf_conntrack_expect *exp, void *unused)
{
	return exp->expectfn == translate_destination || exp->expectfn == translate_source;
}

/* ---- the module ------------------------------------------------------------------------ */

/* indirect calls never reach C++ */
static void plan_edits(const struct sipx_packet_info *info)
{
	sipx_core_plan_edits(info);
}

static bool apply_edits(const struct sipx_packet_info *info)
{
	return sipx_core_apply_edits(info);
}

static const struct sipx_nat_hooks hooks = {
	.plan_edits		= plan_edits,
	.apply_edits		= apply_edits,
	.translate_destination	= translate_destination,
	.translate_source	= translate_source,
	.mapped_port		= mapped_port,
};

static struct nf_conntrack_nat_helper nat_helper = NF_CT_NAT_HELPER_INIT("sip-ext");

static int nat_sip_ext_init(void)
{
	int i, err;

	err = nf_conntrack_sip_ext_attach_nat(&hooks, &ct_hooks);
	if (err) {
		pr_err("cannot load: another NAT half is attached to nf_conntrack_sip_ext\n");
		return err;
	}
	for (i = 0; i < ARRAY_SIZE(expectfns); i++)
		nf_ct_helper_expectfn_register(&expectfns[i]);
	nf_nat_helper_register(&nat_helper);
	return 0;
}

static void nat_sip_ext_exit(void)
{
	int i;

	nf_nat_helper_unregister(&nat_helper);
	for (i = 0; i < ARRAY_SIZE(expectfns); i++)
		nf_ct_helper_expectfn_unregister(&expectfns[i]);
	nf_conntrack_sip_ext_attach_nat(NULL, &ct_hooks);
	/* no new expectation points here any more; the old ones go, and then those who
	 * found one of them just before are waited for
	 */
	nf_ct_expect_iterate_destroy(is_ours, NULL);
	synchronize_rcu();
}

#ifdef SIPX_KUNIT
int sipx_kunit_nat_init(void)
{
	return nat_sip_ext_init();
}

void sipx_kunit_nat_exit(void)
{
	nat_sip_ext_exit();
}
#else
module_init(nat_sip_ext_init);
module_exit(nat_sip_ext_exit);
#endif

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SIP application layer gateway: NAT half");
#ifndef SIPX_KUNIT
MODULE_VERSION(SIPX_VERSION);
MODULE_ALIAS_NF_NAT_HELPER("sip-ext");
#endif
