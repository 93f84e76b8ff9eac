// SPDX-License-Identifier: GPL-2.0
/*
 * The helper on real connections: what it takes, what it passes by, how long a connection
 * lives, the router's own sockets, the counters. And what the other suites build upon.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/udp.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "suites.h"

/* ---- connections ------------------------------------------------------------------ */

struct sipx_endpoint sipx_test_endpoint(u8 family, u8 number, u16 port)
{
	struct sipx_endpoint endpoint = {
		.family = family, .port = port, .protocol = SIPX_UDP,
	};

	endpoint.bytes[0] = family == SIPX_IPV4 ? 10 : 0xfd;
	endpoint.bytes[family == SIPX_IPV4 ? 3 : 15] = number;
	return endpoint;
}

static void set_source(struct nf_conntrack_man *man, const struct sipx_endpoint *from)
{
	man->l3num = from->family == SIPX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	memcpy(&man->u3, from->bytes, sizeof(man->u3));
	man->u.udp.port = htons(from->port);
}

static struct nf_conntrack_tuple tuple_of(const struct sipx_endpoint *source,
					  const struct sipx_endpoint *destination)
{
	struct nf_conntrack_tuple tuple = {};

	set_source(&tuple.src, source);
	memcpy(&tuple.dst.u3, destination->bytes, sizeof(tuple.dst.u3));
	tuple.dst.u.udp.port = htons(destination->port);
	tuple.dst.protonum = source->protocol;
	return tuple;
}

static void give_helper(struct kunit *test, struct nf_conn *ct)
{
	struct nf_conn_help *help = nf_ct_helper_ext_add(ct, GFP_KERNEL);
	struct nf_conntrack_helper *helper;

	KUNIT_ASSERT_NOT_NULL(test, help);
	rcu_read_lock();
	helper = __nf_conntrack_helper_find("sip-ext", nf_ct_l3num(ct), nf_ct_protonum(ct));
#if SIPX_HAVE_HELPER_REGISTER_COPIES
	if (helper)
		refcount_inc(&helper->ct_refcnt);
#endif
	rcu_assign_pointer(help->helper, helper);
	rcu_read_unlock();
	KUNIT_ASSERT_NOT_NULL(test, helper);
}

struct nf_conn *sipx_test_connection(struct kunit *test, const struct sipx_endpoint *source,
				     const struct sipx_endpoint *destination,
				     const struct sipx_endpoint *outside, bool helper)
{
	struct nf_conntrack_tuple there = tuple_of(source, destination);
	struct nf_conntrack_tuple back = tuple_of(destination, outside ?: source);
	struct nf_conn *ct = nf_conntrack_alloc(&init_net, &nf_ct_zone_dflt, &there, &back,
						GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(ct));
	ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.dst.dir = IP_CT_DIR_ORIGINAL;
	ct->tuplehash[IP_CT_DIR_REPLY].tuple.dst.dir = IP_CT_DIR_REPLY;
	refcount_set(&ct->ct_general.use, 1);
	ct->timeout = 30 * HZ;
	if (helper)
		give_helper(test, ct);
	return ct;
}

void sipx_test_confirm(struct kunit *test, struct nf_conn *ct)
{
	ct->timeout += nfct_time_stamp;
	ct->status |= IPS_CONFIRMED;
	KUNIT_ASSERT_EQ(test, nf_conntrack_hash_check_insert(ct), 0);
}

void sipx_test_end(struct nf_conn *ct)
{
	nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
}

/* ---- counters --------------------------------------------------------------------- */

struct sipx_net *sipx_test_net(void)
{
	struct sipx_net *sn;

	rcu_read_lock();
	sn = sipx_net_get_rcu(&init_net);
	rcu_read_unlock();
	return sn;
}

void sipx_test_lock(void)
{
	rcu_read_lock();
	local_bh_disable();
	sipx_lock(sipx_state_of(sipx_test_net()));
}

void sipx_test_unlock(void)
{
	sipx_unlock(sipx_state_of(sipx_test_net()));
	local_bh_enable();
	rcu_read_unlock();
}

u64 sipx_test_counter(enum sipx_reason reason)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(sipx_test_net()->counters, cpu)[reason];
	return sum;
}

/* The file is read in tests/lab/modules.sh: the kernel itself may not read it. */
static void counter_counts(struct kunit *test)
{
	u64 before = sipx_test_counter(SIPX_COUNT_no_port);
	u64 other = sipx_test_counter(SIPX_COUNT_no_memory);

	sipx_count(sipx_state_of(sipx_test_net()), SIPX_COUNT_no_port);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_no_port), before + 1);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_no_memory), other);
}

/* ---- packets through the helper ------------------------------------------------------- */

static struct nf_conn *connection(struct kunit *test, u8 family, bool helper)
{
	struct sipx_endpoint source = sipx_test_endpoint(family, 1, 5060);
	struct sipx_endpoint destination = sipx_test_endpoint(family, 2, 5060);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, NULL, helper);

	sipx_test_confirm(test, ct);
	return ct;
}

void sipx_test_pass(struct nf_conn *ct, struct sipx_expectation *handle)
{
	struct nf_conntrack_expect *exp = (struct nf_conntrack_expect *)handle;

	local_bh_disable();
	rcu_read_lock();
	exp->expectfn(ct, exp);
	rcu_read_unlock();
	local_bh_enable();
}

int sipx_test_help_as(struct sk_buff *skb, struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	const struct nf_conntrack_helper *helper;
	int verdict;

	rcu_read_lock();
	helper = rcu_dereference(nfct_help(ct)->helper);
	verdict = rcu_dereference(helper->help)(skb, ip_hdr(skb)->version == 4 ? 20 : 40, ct,
						ctinfo);
	rcu_read_unlock();
	return verdict;
}

int sipx_test_help(struct sk_buff *skb, struct nf_conn *ct)
{
	return sipx_test_help_as(skb, ct, IP_CT_ESTABLISHED);
}

static void not_sip_passes(struct kunit *test)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\n";
	int six;

	for (six = 0; six < 2; six++) {
		struct nf_conn *ct = connection(test, six ? SIPX_IPV6 : SIPX_IPV4, true);
		struct sk_buff *skb = sipx_test_datagram(test, ct, text, sizeof(text) - 1, 0);
		u64 before = sipx_test_counter(SIPX_COUNT_not_sip);

		KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
		KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_not_sip), before + 1);
		kfree_skb(skb);
		sipx_test_end(ct);
	}
}

static u64 all_counters(void)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < SIPX_REASON_COUNT; i++)
		sum += sipx_test_counter(i);
	return sum;
}

/* What is no datagram of its own is passed by, and counted where a person would look. */
static void odd_packets_pass(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sk_buff *skb = sipx_test_datagram(test, ct, "OPTIONS", 7, 0);
	struct udphdr *udp = (struct udphdr *)(skb->data + sizeof(struct iphdr));
	u64 before = all_counters(), aggregates = sipx_test_counter(SIPX_COUNT_aggregate);
	u64 lengths = sipx_test_counter(SIPX_COUNT_malformed_length);

	udp->len = htons(14);	/* bytes behind the datagram */
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	udp->len = htons(16);	/* longer than the packet */
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	udp->len = 0;
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_malformed_length), lengths + 3);
	udp->len = htons(15);
	ip_hdr(skb)->frag_off = htons(IP_MF);
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	ip_hdr(skb)->frag_off = 0;
	ip_hdr(skb)->protocol = IPPROTO_ICMP;	/* an error about the connection */
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	ip_hdr(skb)->protocol = IPPROTO_UDP;
	__skb_trim(skb, 24);			/* half a UDP header */
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, all_counters(), before + 3);
	kfree_skb(skb);

	skb = sipx_test_datagram(test, ct, "OPTIONSOPTIONS", 14, 0);
	skb_shinfo(skb)->gso_size = 7;
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_aggregate), aggregates + 1);
	skb_shinfo(skb)->gso_size = 0;
	kfree_skb(skb);
	sipx_test_end(ct);
}

static void switched_off(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sk_buff *skb = sipx_test_datagram(test, ct, "nonsense", 8, 0);
	u64 before = all_counters();

	WRITE_ONCE(sipx_test_net()->settings.values[SIPX_SETTING_ENABLED], 0);
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	WRITE_ONCE(sipx_test_net()->settings.values[SIPX_SETTING_ENABLED], 1);
	KUNIT_EXPECT_EQ(test, all_counters(), before);
	kfree_skb(skb);
	sipx_test_end(ct);
}

/* ---- lifetimes ------------------------------------------------------------------------- */

static void keep_and_shorten(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sipx_packet packet = { .ct = ct };
	struct sipx_conntrack *held = sipx_conntrack_hold(&packet);

	sipx_connection_keep(held, 10);	/* lives longer than that already */
	KUNIT_EXPECT_GE(test, sipx_ct_left(ct), 25u * HZ);
	sipx_connection_keep(held, 3600);
	KUNIT_EXPECT_GE(test, sipx_ct_left(ct), 3590u * HZ);
	sipx_connection_shorten(held, 30);
	KUNIT_EXPECT_LE(test, sipx_ct_left(ct), 30u * HZ);
	sipx_connection_keep(held, 0xffffffff);
	KUNIT_EXPECT_GT(test, (s32)sipx_ct_left(ct), 1000000 * HZ);
	sipx_conntrack_release(held);
	sipx_test_end(ct);
}

/* Each packet takes the connection back to its ordinary timeout; each brings it back. */
static void kept_again_by_every_packet(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sipx_connection_data *data = (void *)nfct_help(ct)->data;
	struct sk_buff *skb = sipx_test_datagram(test, ct, "\r\n\r\n", 4, 0);

	data->keep_until_s = div_u64(sipx_now_ms(), 1000) + 500;
	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	KUNIT_EXPECT_GE(test, sipx_ct_left(ct), 495u * HZ);
	KUNIT_EXPECT_LE(test, sipx_ct_left(ct), 501u * HZ);
	data->keep_until_s = 0;
	kfree_skb(skb);
	sipx_test_end(ct);
}

/* ---- which connections stand, and ends that are met by the way ---------------------------- */

static bool connection_stands(u32 zone, const struct sipx_endpoint *source,
			      const struct sipx_endpoint *destination)
{
	struct sipx_state *state = sipx_state_of(sipx_test_net());
	bool stands;

	sipx_test_lock();
	stands = sipx_connection_stands(state, zone, source, destination);
	sipx_test_unlock();
	return stands;
}

static void stands_in_both_directions(struct kunit *test)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV6, 1, 4000);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV6, 2, 4002);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV6, 100, 4004);
	struct sipx_endpoint other = sipx_test_endpoint(SIPX_IPV6, 100, 4005);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, &outside, false);

	KUNIT_EXPECT_FALSE(test, connection_stands(0, &source, &destination));
	sipx_test_confirm(test, ct);
	KUNIT_EXPECT_TRUE(test, connection_stands(0, &source, &destination));
	KUNIT_EXPECT_TRUE(test, connection_stands(0, &destination, &outside));
	KUNIT_EXPECT_FALSE(test, connection_stands(0, &destination, &other));
	KUNIT_EXPECT_FALSE(test, connection_stands(0, &outside, &destination));
	if (IS_ENABLED(CONFIG_NF_CONNTRACK_ZONES))
		KUNIT_EXPECT_FALSE(test, connection_stands(7, &source, &destination));
	sipx_test_end(ct);
	KUNIT_EXPECT_FALSE(test, connection_stands(0, &source, &destination));
}

/* It counts in the first direction alone, as for overlapping networks behind one address. */
static void stands_in_its_zone(struct kunit *test)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV4, 1, 4000);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV4, 2, 4002);
	struct nf_conn *ct;

	if (!IS_ENABLED(CONFIG_NF_CONNTRACK_ZONES)) {
		kunit_info(test, "this kernel has no zones");
		return;
	}
	ct = sipx_test_connection(test, &source, &destination, NULL, false);
	nf_ct_zone_init((struct nf_conntrack_zone *)nf_ct_zone(ct), 7, NF_CT_ZONE_DIR_ORIG, 0);
	sipx_test_confirm(test, ct);
	KUNIT_EXPECT_TRUE(test, connection_stands(7, &source, &destination));
	KUNIT_EXPECT_TRUE(test, connection_stands(7, &destination, &source));
	KUNIT_EXPECT_FALSE(test, connection_stands(8, &destination, &source));
	KUNIT_EXPECT_FALSE(test, connection_stands(0, &source, &destination));
	sipx_test_end(ct);
}

static const char registration[] =
	"REGISTER sip:10.0.0.2 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\n"
	"From: <sip:a@10.0.0.2>;tag=1\r\n"
	"To: <sip:a@10.0.0.2>\r\n"
	"Call-ID: 1\r\n"
	"CSeq: 1 REGISTER\r\n"
	"Contact: <sip:a@10.0.0.1:5060>\r\n"
	"Expires: 60\r\n"
	"Content-Length: 0\r\n\r\n";

/* A lookup under the core's lock ends a connection that the core keeps: no deadlock, and
 * the core hears of it when it has given the lock back.
 */
static void ends_under_the_lock(struct kunit *test)
{
	struct sipx_state *state = sipx_state_of(sipx_test_net());
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV4, 1, 5060);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV4, 2, 5060);
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sipx_connection_data *data = (void *)nfct_help(ct)->data;
	struct sk_buff *skb = sipx_test_datagram(test, ct, registration, sizeof(registration) - 1, 0);

	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	kfree_skb(skb);
	KUNIT_ASSERT_NOT_NULL(test, data->connection);
	WRITE_ONCE(ct->timeout, nfct_time_stamp - 1);
	sipx_test_lock();
	KUNIT_EXPECT_FALSE(test, sipx_connection_stands(state, 0, &source, &destination));
	KUNIT_EXPECT_TRUE(test, nf_ct_is_dying(ct));
	KUNIT_EXPECT_NOT_NULL(test, data->connection);
	sipx_test_unlock();
	KUNIT_EXPECT_PTR_EQ(test, data->connection, (void *)NULL);
	KUNIT_EXPECT_TRUE(test, hlist_empty(&sipx_test_net()->ends));
	nf_ct_put(ct);
}

/* Userspace takes the helper off (CTA_HELP), and gives the connection another one: its data are left
 * alone, and ours are found and given back.
 */
static void S11_helper_taken_off(struct kunit *test)
{
	struct sipx_state *state = sipx_state_of(sipx_test_net());
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct nf_conn_help *help = nfct_help(ct);
	struct nf_conntrack_helper *ours = rcu_dereference_protected(help->helper, true);
	u32 references = refcount_read(&ct->ct_general.use);
	struct sk_buff *skb = sipx_test_datagram(test, ct, registration, sizeof(registration) - 1, 0);
	int i;

	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, ct), NF_ACCEPT);
	kfree_skb(skb);
	KUNIT_EXPECT_GT(test, refcount_read(&ct->ct_general.use), references);
	RCU_INIT_POINTER(help->helper, NULL);
	memset(help->data, 0x5a, sizeof(help->data));
	local_bh_disable();
	/* some at a time */
	for (i = 0; i < 100 && refcount_read(&ct->ct_general.use) > references; i++)
		sipx_core_tick(state);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, refcount_read(&ct->ct_general.use), references);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(help->data, 0x5a, sizeof(help->data)), (void *)NULL);
	memset(help->data, 0, sizeof(help->data));
	rcu_assign_pointer(help->helper, ours);
	sipx_test_end(ct);
}

/* ---- settings ----------------------------------------------------------------------------- */

/* What has been kept from before a change is not used after it. */
static void settings_have_versions(struct kunit *test)
{
	struct sipx_settings *own = &sipx_test_net()->settings;
	u32 version = sipx_settings_version(sipx_state_of(sipx_test_net())), i;
	char *text = kunit_kzalloc(test, 2048, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < SIPX_NET_SETTINGS + SIPX_LISTS; i++) {
		size_t length = 2048;
		loff_t at = 0;

		KUNIT_EXPECT_EQ(test, own->table[i].proc_handler(&own->table[i], 0, text, &length, &at), 0);
		KUNIT_EXPECT_EQ(test, sipx_settings_version(sipx_state_of(sipx_test_net())), version + i);
		at = 0;
		KUNIT_EXPECT_EQ(test, own->table[i].proc_handler(&own->table[i], 1, text, &length, &at), 0);
		KUNIT_EXPECT_EQ(test, sipx_settings_version(sipx_state_of(sipx_test_net())), version + i + 1);
	}
}

/* ---- sockets of the router ---------------------------------------------------------------- */

static struct socket *bind_socket(struct kunit *test, int type, int protocol, u16 port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_INET, type, protocol, &sock), 0);
	KUNIT_ASSERT_EQ(test, kernel_bind(sock, (void *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		KUNIT_ASSERT_EQ(test, kernel_listen(sock, 1), 0);
	return sock;
}

static bool is_taken(struct sipx_packet *packet, const struct sipx_endpoint *outside,
		     const struct sipx_endpoint *inside)
{
	bool taken;

	sipx_test_lock();
	taken = sipx_ports_taken(packet, outside, inside, 1);
	sipx_test_unlock();
	return taken;
}

static void ports_taken(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4, true);
	struct sipx_packet packet = { .ct = ct, .sn = sipx_test_net() };
	struct sipx_endpoint outside = {
		.bytes = { 127, 0, 0, 1 }, .port = 20222, .family = SIPX_IPV4,
		.protocol = SIPX_UDP,
	};
	struct sipx_endpoint inside = sipx_test_endpoint(SIPX_IPV4, 100, 20222);
	struct socket *udp = bind_socket(test, SOCK_DGRAM, IPPROTO_UDP, 20222);
	struct socket *tcp = bind_socket(test, SOCK_STREAM, IPPROTO_TCP, 20444);

	KUNIT_EXPECT_EQ(test, is_taken(&packet, &outside, &inside),
			(bool)SIPX_EXPORTS_UDP4_LIB_LOOKUP);
	outside.port = 20224;
	KUNIT_EXPECT_FALSE(test, is_taken(&packet, &outside, &inside));
	outside.protocol = SIPX_TCP;
	outside.port = 20444;
	KUNIT_EXPECT_EQ(test, is_taken(&packet, &outside, &inside), (bool)SIPX_CAN_FIND_LISTENER);
	outside.port = 20222;
	KUNIT_EXPECT_FALSE(test, is_taken(&packet, &outside, &inside));
	outside.protocol = SIPX_UDP;
	outside.bytes[0] = 10;	/* not an address of the router */
	KUNIT_EXPECT_FALSE(test, is_taken(&packet, &outside, &inside));
	sock_release(udp);
	sock_release(tcp);
	sipx_test_end(ct);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(counter_counts),
	KUNIT_CASE(not_sip_passes),
	KUNIT_CASE(odd_packets_pass),
	KUNIT_CASE(switched_off),
	KUNIT_CASE(keep_and_shorten),
	KUNIT_CASE(kept_again_by_every_packet),
	KUNIT_CASE(stands_in_both_directions),
	KUNIT_CASE(stands_in_its_zone),
	KUNIT_CASE(ends_under_the_lock),
	KUNIT_CASE(S11_helper_taken_off),
	KUNIT_CASE(settings_have_versions),
	KUNIT_CASE(ports_taken),
	{}
};

struct kunit_suite sipx_glue_suite = { .name = "sip_ext_glue", .test_cases = cases };
