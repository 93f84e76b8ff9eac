// SPDX-License-Identifier: GPL-2.0
/*
 * Pinholes against the kernel's own expectations and connections.
 */
#include <linux/module.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "suites.h"

static struct nf_conn *master(struct kunit *test, u8 number)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV4, number, 5060);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV4, 200, 5060);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 6000 + number);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, &outside, true);

	sipx_test_confirm(test, ct);
	return ct;
}

static struct sipx_pinhole pinhole(u16 port)
{
	return (struct sipx_pinhole){
		.source = sipx_test_endpoint(SIPX_IPV4, 201, 0),
		.destination = sipx_test_endpoint(SIPX_IPV4, 100, port),
		.pinhole_class = SIPX_CLASS_AUDIO,
		.reply = 1,
		.lifetime_s = 100,
	};
}

static enum sipx_pinhole_error open_on(struct nf_conn *ct, const struct sipx_pinhole *wished,
				       struct sipx_expectation **handle)
{
	struct sipx_packet packet = { .ct = ct };
	enum sipx_pinhole_error error;

	sipx_test_lock();
	error = sipx_pinhole_open(&packet, (struct sipx_conntrack *)ct, wished, handle);
	sipx_test_unlock();
	return error;
}

/* The expectation that a packet from 10.0.0.201:SOURCE to 10.0.0.100:PORT meets. */
static struct nf_conntrack_expect *find(u16 source_port, u16 port)
{
	struct nf_conntrack_tuple tuple = {
		.src = { .l3num = NFPROTO_IPV4, .u.udp.port = htons(source_port),
			 .u3.ip = htonl(0x0a0000c9) },
		.dst = { .protonum = IPPROTO_UDP, .u.udp.port = htons(port),
			 .u3.ip = htonl(0x0a000064) },
	};

	return nf_ct_expect_find_get(&init_net, &nf_ct_zone_dflt, &tuple);
}

static bool stands(u16 port)
{
	struct nf_conntrack_expect *exp = find(4000, port);

	if (exp)
		nf_ct_expect_put(exp);
	return exp;
}

static u8 expecting(struct nf_conn *ct, enum sipx_pinhole_class class)
{
	return nfct_help(ct)->expecting[class];
}

static void open_renew_close(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL;
	struct nf_conntrack_expect *exp;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	exp = find(1234, 4000);
	KUNIT_EXPECT_PTR_EQ(test, (void *)exp, (void *)handle);
	KUNIT_ASSERT_NOT_NULL(test, exp);
	KUNIT_EXPECT_TRUE(test, exp->flags & NF_CT_EXPECT_PERMANENT);
	KUNIT_EXPECT_EQ(test, exp->class, (unsigned int)SIPX_CLASS_AUDIO);
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_AUDIO), 1);
#if SIPX_HAVE_EXPECT_JIFFIES
	KUNIT_EXPECT_LE(test, exp->timeout - nfct_time_stamp, 100u * HZ);
	KUNIT_EXPECT_GE(test, exp->timeout - nfct_time_stamp, 95u * HZ);
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 3600), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_GE(test, exp->timeout - nfct_time_stamp, 3590u * HZ);
#else
	KUNIT_EXPECT_LE(test, exp->timeout.expires - jiffies, 100ul * HZ);
	KUNIT_EXPECT_GE(test, exp->timeout.expires - jiffies, 95ul * HZ);
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 3600), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_GE(test, exp->timeout.expires - jiffies, 3590ul * HZ);
	KUNIT_EXPECT_EQ(test, sipx_expect_policy[SIPX_CLASS_AUDIO].timeout, 180u);
#endif
	nf_ct_expect_put(exp);
	sipx_pinhole_close(handle);
	KUNIT_EXPECT_FALSE(test, stands(4000));
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_AUDIO), 0);
	sipx_test_end(ct);
}

static void any_source(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL;

	wished.source = (struct sipx_endpoint){};
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_TRUE(test, stands(4000));
	sipx_pinhole_close(handle);
	wished = pinhole(4000);
	wished.source.port = 7777;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_FALSE(test, stands(4000));	/* comes from another port */
	sipx_pinhole_close(handle);
	sipx_test_end(ct);
}

static void lifetime_ends(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL;

	wished.lifetime_s = 0;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_FALSE(test, stands(4000));
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 100), (int)SIPX_PINHOLE_GONE);
	sipx_pinhole_close(handle);
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_AUDIO), 0);
	sipx_test_end(ct);
}

static void clash_is_busy(struct kunit *test)
{
	struct nf_conn *first = master(test, 1), *second = master(test, 2);
	struct sipx_pinhole wished = pinhole(4000), any = pinhole(4000);
	struct sipx_expectation *handle = NULL, *other = NULL;

	any.source = (struct sipx_endpoint){};
	KUNIT_ASSERT_EQ(test, (int)open_on(first, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	/* the same of the same master is not silently replaced */
	KUNIT_EXPECT_EQ(test, (int)open_on(first, &wished, &other), (int)SIPX_PINHOLE_BUSY);
	KUNIT_EXPECT_EQ(test, (int)open_on(second, &wished, &other), (int)SIPX_PINHOLE_BUSY);
	KUNIT_EXPECT_EQ(test, (int)open_on(second, &any, &other), (int)SIPX_PINHOLE_BUSY);
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 50), (int)SIPX_PINHOLE_OPEN);
	sipx_pinhole_close(handle);
	/* a closed one is in nobody's way */
	KUNIT_EXPECT_EQ(test, (int)open_on(second, &any, &other), (int)SIPX_PINHOLE_OPEN);
	sipx_pinhole_close(other);
	sipx_test_end(first);
	sipx_test_end(second);
}

static void removed_by_a_person(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL, *again = NULL;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	nf_ct_remove_expectations(ct);
	KUNIT_EXPECT_FALSE(test, stands(4000));
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 100), (int)SIPX_PINHOLE_GONE);
	/* what stands there now is another one: closing the old handle leaves it alone */
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &again), (int)SIPX_PINHOLE_OPEN);
	sipx_pinhole_close(handle);
	KUNIT_EXPECT_TRUE(test, stands(4000));
	sipx_pinhole_close(again);
	sipx_test_end(ct);
}

static void unlinked_lazily(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	nf_ct_unexpect_related((struct nf_conntrack_expect *)handle);
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 100), (int)SIPX_PINHOLE_GONE);
	sipx_pinhole_close(handle);
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_AUDIO), 0);
	sipx_test_end(ct);
}

static void master_is_gone(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(4000);
	struct sipx_expectation *handle = NULL, *late = NULL;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	nf_ct_delete(ct, 0, 0);
	KUNIT_EXPECT_EQ(test, (int)open_on(ct, &wished, &late), (int)SIPX_PINHOLE_GONE);
	nf_ct_put(ct);
	rcu_barrier();
	KUNIT_EXPECT_FALSE(test, stands(4000));
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handle, 100), (int)SIPX_PINHOLE_GONE);
	sipx_pinhole_close(handle);
}

static void class_is_full(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_expectation **handles;
	struct sipx_pinhole wished;
	int i;

	handles = kunit_kzalloc(test, 256 * sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	for (i = 0; i < 255; i++) {
		wished = pinhole(10000 + i);
		KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handles[i]),
				(int)SIPX_PINHOLE_OPEN);
	}
	wished = pinhole(20000);
	KUNIT_EXPECT_EQ(test, (int)open_on(ct, &wished, &handles[255]),
			(int)SIPX_PINHOLE_CLASS_FULL);
	/* nobody was evicted */
	for (i = 0; i < 255; i++)
		KUNIT_EXPECT_TRUE(test, stands(10000 + i));
	/* the other classes have room of their own */
	wished.pinhole_class = SIPX_CLASS_VIDEO;
	KUNIT_EXPECT_EQ(test, (int)open_on(ct, &wished, &handles[255]), (int)SIPX_PINHOLE_OPEN);
	sipx_pinhole_close(handles[255]);
	/* one that ended by itself makes room, though nobody has collected it */
	wished.pinhole_class = SIPX_CLASS_AUDIO;
	KUNIT_EXPECT_EQ(test, (int)sipx_pinhole_renew(handles[7], 0), (int)SIPX_PINHOLE_OPEN);
	schedule_timeout_uninterruptible(HZ / 10);
	KUNIT_EXPECT_EQ(test, (int)open_on(ct, &wished, &handles[255]), (int)SIPX_PINHOLE_OPEN);
	for (i = 0; i < 256; i++)
		if (handles[i])
			sipx_pinhole_close(handles[i]);
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_AUDIO), 0);
	sipx_test_end(ct);
}

#define MEDIA_MAX (4 * 255 - 16)

/* As the core does: the next class where one is full (R10). */
static enum sipx_pinhole_error open_in_any_class(struct nf_conn *ct, u16 port,
						 struct sipx_expectation **handle)
{
	enum sipx_pinhole_error error = SIPX_PINHOLE_CLASS_FULL;
	struct sipx_pinhole wished = pinhole(port);
	int i;

	for (i = 0; i < SIPX_CLASSES && error == SIPX_PINHOLE_CLASS_FULL; i++) {
		error = open_on(ct, &wished, handle);
		wished.pinhole_class = (wished.pinhole_class + 1) % SIPX_CLASSES;
	}
	return error;
}

/* R10: 200 calls on one connection have 800 media pinholes, and signalling has its place. */
static void many_calls_on_one_connection(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole door = pinhole(5060);
	struct sipx_expectation **handles;
	u32 i;

	handles = kunit_kzalloc(test, (MEDIA_MAX + 2) * sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	for (i = 0; i < MEDIA_MAX; i++)
		KUNIT_ASSERT_EQ(test, (int)open_in_any_class(ct, 10000 + i, &handles[i]),
				(int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_EQ(test, (int)open_in_any_class(ct, 30000, &handles[i]),
			(int)SIPX_PINHOLE_CLASS_FULL);
	KUNIT_EXPECT_EQ(test, (int)expecting(ct, SIPX_CLASS_SIGNALLING), 255 - 16);
	door.pinhole_class = SIPX_CLASS_SIGNALLING;
	door.helper = 1;
	KUNIT_EXPECT_EQ(test, (int)open_on(ct, &door, &handles[i]), (int)SIPX_PINHOLE_OPEN);
	for (i = 0; i <= MEDIA_MAX; i++)
		if (handles[i])
			sipx_pinhole_close(handles[i]);
	sipx_test_end(ct);
}

/* net.netfilter.nf_conntrack_expect_max, as tests/lab/kunit.sh sets it */
#define TABLE_MAX 1100

static void table_is_full(struct kunit *test)
{
	struct nf_conn *masters[] = { master(test, 1), master(test, 2) };
	struct sipx_expectation **handles;
	u32 n = 0, i, full = 0;

	handles = kunit_kzalloc(test, (TABLE_MAX + 5) * sizeof(*handles), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, handles);
	for (i = 0; i < TABLE_MAX + 5; i++) {
		struct sipx_pinhole wished = pinhole(10000 + i);
		enum sipx_pinhole_error error;

		wished.pinhole_class = i / 2 % SIPX_CLASSES;
		error = open_on(masters[i % 2], &wished, &handles[n]);
		n += error == SIPX_PINHOLE_OPEN;
		full += error == SIPX_PINHOLE_TABLE_FULL;
	}
	KUNIT_EXPECT_EQ(test, n, (u32)TABLE_MAX);
	KUNIT_EXPECT_EQ(test, full, 5u);
	for (i = 0; i < n; i++)
		sipx_pinhole_close(handles[i]);
	for (i = 0; i < ARRAY_SIZE(masters); i++)
		sipx_test_end(masters[i]);
}

/* ---- what a connection becomes that comes through ------------------------------------ */

static struct nf_conn *newcomer(struct kunit *test, struct nf_conn *its_master,
				const struct sipx_endpoint *source,
				const struct sipx_endpoint *destination)
{
	struct nf_conn *ct = sipx_test_connection(test, source, destination, NULL, false);

	nf_conntrack_get(&its_master->ct_general);
	ct->master = its_master;
	return ct;
}

static void expect_endpoint(struct kunit *test, const union nf_inet_addr *address, __be16 port,
			    const struct sipx_endpoint *wanted)
{
	KUNIT_EXPECT_EQ(test, memcmp(address, wanted->bytes, sizeof(*address)), 0);
	KUNIT_EXPECT_EQ(test, ntohs(port), wanted->port);
}

static void translates_destination(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1), *media;
	struct sipx_endpoint peer = sipx_test_endpoint(SIPX_IPV4, 201, 4000);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	struct sipx_pinhole wished = pinhole(9000);
	const struct nf_conntrack_tuple *back;
	struct sipx_expectation *handle = NULL;

	wished.translate = SIPX_TRANSLATE_DESTINATION;
	wished.translated = phone;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	media = newcomer(test, ct, &peer, &wished.destination);
	sipx_test_pass(media, handle);
	back = &media->tuplehash[IP_CT_DIR_REPLY].tuple;
	expect_endpoint(test, &back->src.u3, back->src.u.all, &phone);
	expect_endpoint(test, &back->dst.u3, back->dst.u.all, &peer);
	/* the server is plain to the phone, so is this sender */
	KUNIT_EXPECT_EQ(test, media->status & IPS_NAT_DONE_MASK, (unsigned long)IPS_NAT_DONE_MASK);
	nf_ct_put(media);
	sipx_pinhole_close(handle);
	sipx_test_end(ct);
}

static void translates_source(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1), *media;
	struct sipx_endpoint peer = sipx_test_endpoint(SIPX_IPV4, 201, 4000);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 9000);
	struct sipx_pinhole wished = {
		.source = phone, .destination = peer, .translated = outside,
		.translate = SIPX_TRANSLATE_SOURCE, .pinhole_class = SIPX_CLASS_AUDIO,
		.lifetime_s = 60,
	};
	const struct nf_conntrack_tuple *back;
	struct sipx_expectation *handle = NULL;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	media = newcomer(test, ct, &phone, &peer);
	sipx_test_pass(media, handle);
	back = &media->tuplehash[IP_CT_DIR_REPLY].tuple;
	expect_endpoint(test, &back->src.u3, back->src.u.all, &peer);
	expect_endpoint(test, &back->dst.u3, back->dst.u.all, &outside);
	/* where it goes to is left to the rules */
	KUNIT_EXPECT_EQ(test, media->status & IPS_NAT_DONE_MASK, (unsigned long)IPS_SRC_NAT_DONE);
	nf_ct_put(media);
	sipx_pinhole_close(handle);
	sipx_test_end(ct);
}

static struct nf_conn *early(struct kunit *test, u16 source_port, u16 port, bool replied)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV4, 201, source_port);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV4, 100, port);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, NULL, false);

	if (replied)
		__set_bit(IPS_SEEN_REPLY_BIT, &ct->status);
	sipx_test_confirm(test, ct);
	return ct;
}

static void early_packet(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct nf_conn *known = early(test, 4000, 9000, false);
	struct nf_conn *likely = early(test, 4002, 9002, false);
	struct nf_conn *answered = early(test, 4004, 9004, true);
	struct sipx_expectation *handles[3] = {};
	struct sipx_pinhole wished = pinhole(9000);
	int i;

	wished.translate = SIPX_TRANSLATE_DESTINATION;
	wished.translated = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	wished.source.port = 4000;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handles[0]), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_TRUE(test, nf_ct_is_dying(known));

	wished.destination.port = 9002;
	wished.source.port = 0;
	wished.likely_port = 4002;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handles[1]), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_TRUE(test, nf_ct_is_dying(likely));

	wished.destination.port = 9004;
	wished.likely_port = 4004;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handles[2]), (int)SIPX_PINHOLE_OPEN);
	KUNIT_EXPECT_FALSE(test, nf_ct_is_dying(answered));

	for (i = 0; i < ARRAY_SIZE(handles); i++)
		sipx_pinhole_close(handles[i]);
	nf_ct_put(known);
	nf_ct_put(likely);
	sipx_test_end(answered);
	sipx_test_end(ct);
}

/* The other end sent first and nobody expected it: the way back of the phone is freed. */
static void way_back_is_cleared(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1), *media;
	struct nf_conn *in_the_way = early(test, 4000, 9000, false);
	struct sipx_endpoint peer = sipx_test_endpoint(SIPX_IPV4, 201, 4000);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	struct sipx_pinhole wished = {
		.source = phone, .destination = peer,
		.translated = sipx_test_endpoint(SIPX_IPV4, 100, 9000),
		.translate = SIPX_TRANSLATE_SOURCE, .pinhole_class = SIPX_CLASS_AUDIO,
		.lifetime_s = 60,
	};
	struct sipx_expectation *handle = NULL;

	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	media = newcomer(test, ct, &phone, &peer);
	sipx_test_pass(media, handle);
	KUNIT_EXPECT_TRUE(test, nf_ct_is_dying(in_the_way));
	nf_ct_put(in_the_way);
	nf_ct_put(media);
	sipx_pinhole_close(handle);
	sipx_test_end(ct);
}

static void signalling_gets_the_helper(struct kunit *test)
{
	struct nf_conn *ct = master(test, 1);
	struct sipx_pinhole wished = pinhole(5060);
	struct nf_conntrack_helper *ours = rcu_dereference_raw(nfct_help(ct)->helper);
	struct sipx_expectation *handle = NULL;
	struct nf_conntrack_expect *exp;

	wished.pinhole_class = SIPX_CLASS_SIGNALLING;
	wished.helper = 1;
	KUNIT_ASSERT_EQ(test, (int)open_on(ct, &wished, &handle), (int)SIPX_PINHOLE_OPEN);
	exp = (struct nf_conntrack_expect *)handle;
#if SIPX_HAVE_EXPECT_ASSIGN_HELPER
	KUNIT_EXPECT_PTR_EQ(test, rcu_dereference_raw(exp->assign_helper), ours);
#else
	KUNIT_EXPECT_PTR_EQ(test, rcu_dereference_raw(exp->helper), ours);
#endif
	sipx_pinhole_close(handle);
	sipx_test_end(ct);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(open_renew_close),
	KUNIT_CASE(any_source),
	KUNIT_CASE(lifetime_ends),
	KUNIT_CASE(clash_is_busy),
	KUNIT_CASE(removed_by_a_person),
	KUNIT_CASE(unlinked_lazily),
	KUNIT_CASE(master_is_gone),
	KUNIT_CASE(class_is_full),
	KUNIT_CASE(many_calls_on_one_connection),
	KUNIT_CASE(table_is_full),
	KUNIT_CASE(translates_destination),
	KUNIT_CASE(translates_source),
	KUNIT_CASE(early_packet),
	KUNIT_CASE(way_back_is_cleared),
	KUNIT_CASE(signalling_gets_the_helper),
	{}
};

struct kunit_suite sipx_pinholes_suite = { .name = "sip_ext_pinholes", .test_cases = cases };
