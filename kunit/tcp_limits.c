// SPDX-License-Identifier: GPL-2.0
/*
 * How many TCP connections are followed, how much is held for them, and who gives way (S7).
 */
#include <linux/workqueue.h>

#include "tcp_scene.h"

static void no_more_than_allowed(struct kunit *test)
{
	u64 before = sipx_test_counter(SIPX_COUNT_limit_stream_memory);
	u64 no_memory = sipx_test_counter(SIPX_COUNT_no_memory);
	unsigned int memory = setting(SIPX_SETTING_TCP_MEMORY);
	struct nf_conn *ct = established(test);
	struct sk_buff *skb;

	set(SIPX_SETTING_TCP_MEMORY, 1);	/* KiB: no piece is that small */
	skb = say(test, ct, 0, 100);
	sipx_test_expect_segment(test, skb, message, 100);
	kfree_skb(skb);
	KUNIT_EXPECT_GT(test, sipx_test_counter(SIPX_COUNT_limit_stream_memory), before);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_no_memory), no_memory);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&sipx_test_net()->tcp_bytes), 0l);
	set(SIPX_SETTING_TCP_MEMORY, memory);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* ---- what one host may have -------------------------------------------------------------------------- */

#define FLOOD 50

/* It passes as it came. */
static void expect_passes(struct kunit *test, struct nf_conn *ct)
{
	struct sk_buff *skb = say(test, ct, 0, MESSAGE_LENGTH);

	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	sipx_test_expect_segment(test, skb, message, MESSAGE_LENGTH);
	kfree_skb(skb);
}

/* Those that nobody has answered make room for each other, and never take the place of one that
 * was answered.
 */
static void S7_flood_of_syns_takes_no_place(struct kunit *test)
{
	u64 evicted = sipx_test_counter(SIPX_COUNT_limit_half_open);
	struct nf_conn *ct = established(test), *flood[FLOOD];
	u32 i;

	set(SIPX_SETTING_TCP_CONNECTIONS, 40);
	for (i = 0; i < FLOOD; i++) {
		flood[i] = begun_by(test, 2 + i, 10000);
		carry(test, flood[i], syn);
		KUNIT_EXPECT_NOT_NULL(test, data_of(flood[i])->stream);
		KUNIT_EXPECT_LE(test, sipx_test_net()->tcp_half_open, 10u);
	}
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 11u);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_half_open), evicted + FLOOD - 10);
	says_hello(test, ct);
	/* one of the last is a true one: it is followed once it is answered */
	carry(test, flood[FLOOD - 1], syn_ack);
	carry(test, flood[FLOOD - 1], ack);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 9u);
	KUNIT_EXPECT_NOT_NULL(test, data_of(flood[FLOOD - 1])->stream);
	/* and one of the first goes on without us */
	carry(test, flood[0], syn_ack);
	expect_passes(test, flood[0]);
	set(SIPX_SETTING_TCP_CONNECTIONS, 65536);
	for (i = 0; i < FLOOD; i++)
		sipx_test_end(flood[i]);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* A connection that is not followed is not confirmed either. */
static void end_any(struct nf_conn *ct)
{
	if (nf_ct_is_confirmed(ct))
		sipx_test_end(ct);
	else
		nf_ct_put(ct);
}

/* One processor's part of a flood. All of them are in one chain of the table, which has no room for
 * more than fifty.
 */
#define PART 20

struct flood {
	struct work_struct work;
	struct kunit *test;
	struct nf_conn *ct[PART];
};

static void send_flood(struct work_struct *work)
{
	struct flood *flood = container_of(work, struct flood, work);
	u32 i;

	for (i = 0; i < PART; i++)
		carry(flood->test, flood->ct[i], syn);
}

static struct flood *flood_from(struct kunit *test, u32 cpu)
{
	struct flood *flood = kunit_kzalloc(test, sizeof(*flood), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, flood);
	flood->test = test;
	INIT_WORK(&flood->work, send_flood);
	for (i = 0; i < PART; i++)
		flood->ct[i] = begun_by(test, 2 + i, 10000 + 100 * cpu);
	return flood;
}

/* With one place, each SYN takes it from the one before, also from one on another processor. */
static void S7_flood_on_each_processor_refuses_nobody(struct kunit *test)
{
	u64 refused = sipx_test_counter(SIPX_COUNT_limit_streams);
	struct flood *floods[2];
	u32 cpus = min_t(u32, num_online_cpus(), ARRAY_SIZE(floods)), cpu, i;

	set(SIPX_SETTING_TCP_CONNECTIONS, 1);
	for (cpu = 0; cpu < cpus; cpu++)
		floods[cpu] = flood_from(test, cpu);
	for (cpu = 0; cpu < cpus; cpu++)
		schedule_work_on(cpu, &floods[cpu]->work);
	for (cpu = 0; cpu < cpus; cpu++)
		flush_work(&floods[cpu]->work);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_streams), refused);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 1u);
	set(SIPX_SETTING_TCP_CONNECTIONS, 65536);
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < PART; i++)
			end_any(floods[cpu]->ct[i]);
	expect_nothing_left(test);
}

/* A place in all is taken from who waits for an answer, and from nobody else. */
static void S7_answered_ones_keep_their_place(struct kunit *test)
{
	u64 refused = sipx_test_counter(SIPX_COUNT_limit_streams);
	struct nf_conn *ct = established(test), *waits = begun_by(test, 2, 10000);
	struct nf_conn *next = begun_by(test, 3, 10000), *last = begun_by(test, 4, 10000);

	set(SIPX_SETTING_TCP_CONNECTIONS, 2);
	carry(test, waits, syn);
	shake_hands(test, next);
	KUNIT_EXPECT_PTR_EQ(test, data_of(waits)->stream, (void *)NULL);
	KUNIT_EXPECT_NOT_NULL(test, data_of(next)->stream);
	carry(test, last, syn);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_streams), refused + 1);
	KUNIT_EXPECT_PTR_EQ(test, data_of(last)->stream, (void *)NULL);
	says_hello(test, ct);
	set(SIPX_SETTING_TCP_CONNECTIONS, 65536);
	nf_ct_put(last);	/* nobody has confirmed it */
	sipx_test_end(next);
	sipx_test_end(waits);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

static void S7_host_has_its_share_of_connections(struct kunit *test)
{
	u64 refused = sipx_test_counter(SIPX_COUNT_limit_stream_host);
	unsigned int limit = setting(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST);
	struct nf_conn *own[3], *other = begun_by(test, 9, 10000);
	u32 i;

	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, 2);
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		own[i] = begun_by(test, 2, 10000 + i);
		shake_hands(test, own[i]);
	}
	KUNIT_EXPECT_NOT_NULL(test, data_of(own[1])->stream);
	expect_passes(test, own[2]);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_stream_host), refused + 1);
	shake_hands(test, other);
	KUNIT_EXPECT_NOT_NULL(test, data_of(other)->stream);
	sipx_test_end(own[0]);	/* its place is free at once */
	own[0] = begun_by(test, 2, 10010);
	shake_hands(test, own[0]);
	KUNIT_EXPECT_NOT_NULL(test, data_of(own[0])->stream);
	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, limit);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		sipx_test_end(own[i]);
	sipx_test_end(other);
	expect_nothing_left(test);
}

static void expect_translated(struct kunit *test, struct nf_conn *ct)
{
	struct sk_buff *skb = say(test, ct, 0, MESSAGE_LENGTH);

	KUNIT_EXPECT_GT(test, skb->len, 40 + (u32)MESSAGE_LENGTH);
	KUNIT_EXPECT_NOT_NULL(test, data_of(ct)->stream);
	kfree_skb(skb);
}

/* The first data may come with the acknowledgement that opens the connection. */
static void S7_share_is_kept_where_data_open(struct kunit *test)
{
	u64 refused = sipx_test_counter(SIPX_COUNT_limit_stream_host);
	unsigned int limit = setting(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST);
	struct nf_conn *own[3];
	u32 i;

	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, 2);
	for (i = 0; i < ARRAY_SIZE(own); i++) {
		own[i] = begun_by(test, 1, 10000 + i);
		carry(test, own[i], syn);
		carry(test, own[i], syn_ack);
	}
	expect_translated(test, own[0]);
	expect_translated(test, own[1]);
	expect_passes(test, own[2]);
	KUNIT_EXPECT_PTR_EQ(test, data_of(own[2])->stream, (void *)NULL);
	expect_passes(test, own[2]);	/* again */
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_stream_host), refused + 1);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 2u);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 0u);
	sipx_test_end(own[0]);	/* its place is free at once */
	own[0] = begun_by(test, 1, 10010);
	carry(test, own[0], syn);
	carry(test, own[0], syn_ack);
	expect_translated(test, own[0]);
	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, limit);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		sipx_test_end(own[i]);
	expect_nothing_left(test);
}

/* What one host makes us hold takes nothing of what others need. */
static void S7_host_has_its_share_of_memory(struct kunit *test)
{
	u64 refused = sipx_test_counter(SIPX_COUNT_limit_stream_host);
	unsigned int memory = setting(SIPX_SETTING_TCP_MEMORY_PER_HOST);
	struct nf_conn *own[2], *other = begun_by(test, 9, 10000);
	struct sk_buff *skb;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(own); i++) {
		own[i] = begun_by(test, 2, 10000 + i);
		shake_hands(test, own[i]);
	}
	shake_hands(test, other);
	set(SIPX_SETTING_TCP_MEMORY_PER_HOST, SIPX_SMALL_PIECE / 1024);	/* one piece */
	kfree_skb(say(test, own[0], 0, 100));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&sipx_test_net()->tcp_bytes), (long)SIPX_SMALL_PIECE);
	skb = say(test, own[1], 0, 100);
	sipx_test_expect_segment(test, skb, message, 100);
	kfree_skb(skb);
	KUNIT_EXPECT_GT(test, sipx_test_counter(SIPX_COUNT_limit_stream_host), refused);
	kfree_skb(say(test, other, 0, 100));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&sipx_test_net()->tcp_bytes), 2l * SIPX_SMALL_PIECE);
	set(SIPX_SETTING_TCP_MEMORY_PER_HOST, memory);
	sipx_test_end(own[0]);
	sipx_test_end(own[1]);
	sipx_test_end(other);
	expect_nothing_left(test);
}

/* ---- what many may have together -------------------------------------------------------------------- */

#define HOSTS 20
#define PLACES 256	/* connections, or small pieces: a quarter of them is what one host may have */

struct crowd {
	struct nf_conn *ct[PLACES + HOSTS];	/* each host ends with one too many */
	u32 count;
};

static long bytes_held(void)
{
	return atomic_long_read(&sipx_test_net()->tcp_bytes);
}

/* In a chain of its own: the table has no room for more than fifty in one. */
static struct nf_conn *one_from(struct kunit *test, struct sipx_endpoint source)
{
	struct sipx_endpoint destination = sipx_test_endpoint(source.family, 200, 5060);
	struct sipx_endpoint outside = sipx_test_endpoint(source.family, 100, source.port);
	struct nf_conn *ct;

	source.protocol = destination.protocol = outside.protocol = SIPX_TCP;
	ct = sipx_test_connection(test, &source, &destination, &outside, true);
	*(unsigned long *)&ct->tuplehash[IP_CT_DIR_REPLY].hnnode.pprev = source.port * 0x9e3779b1u;
	return ct;
}

static struct nf_conn *one_of(struct kunit *test, struct crowd *crowd, u8 family, u32 host)
{
	KUNIT_ASSERT_LT(test, crowd->count, (u32)ARRAY_SIZE(crowd->ct));
	crowd->ct[crowd->count] = one_from(test, sipx_test_endpoint(family, 2 + host, 10000 + crowd->count));
	return crowd->ct[crowd->count++];
}

static bool takes_place(struct kunit *test, struct nf_conn *ct)
{
	shake_hands(test, ct);
	return data_of(ct)->stream;
}

static bool takes_piece(struct kunit *test, struct nf_conn *ct)
{
	long before = bytes_held();

	shake_hands(test, ct);
	kfree_skb(say(test, ct, 0, 100));
	return bytes_held() > before;
}

/* One host after the other takes all that it gets. */
static struct crowd *crowd_of(struct kunit *test, u8 family, bool (*takes)(struct kunit *test, struct nf_conn *ct))
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	u32 host;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	for (host = 0; host < HOSTS; host++)
		while (takes(test, one_of(test, crowd, family, host)))
			;
	return crowd;
}

/* A place, and a piece of memory. */
static void expect_room_for_other_network(struct kunit *test)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV6, 2, 9999);
	struct nf_conn *ct;

	source.bytes[7] = 1;
	ct = one_from(test, source);
	KUNIT_EXPECT_TRUE(test, takes_piece(test, ct));
	end_any(ct);
}

static void end_crowd(struct crowd *crowd)
{
	while (crowd->count)
		end_any(crowd->ct[--crowd->count]);
}

/* Who comes last finds a place. */
static void expect_places_left(struct kunit *test, u8 family, u32 most)
{
	u64 all = sipx_test_counter(SIPX_COUNT_limit_streams), own = sipx_test_counter(SIPX_COUNT_limit_stream_host);
	unsigned int limit = setting(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST);
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);
	struct crowd *crowd;

	set(SIPX_SETTING_TCP_CONNECTIONS, PLACES);
	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, PLACES / 4);
	crowd = crowd_of(test, family, takes_place);
	KUNIT_EXPECT_GE(test, sipx_test_net()->tcp_count, most * 7 / 8);
	KUNIT_EXPECT_LE(test, sipx_test_net()->tcp_count, most);
	KUNIT_EXPECT_GT(test, sipx_test_counter(SIPX_COUNT_limit_stream_host), own);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_limit_streams) - all +
			sipx_test_counter(SIPX_COUNT_limit_stream_host) - own, (u64)HOSTS);
	shake_hands(test, ct);
	expect_translated(test, ct);
	expect_room_for_other_network(test);
	set(SIPX_SETTING_TCP_CONNECTIONS, 65536);
	set(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, limit);
	end_any(ct);
	end_crowd(crowd);
	expect_nothing_left(test);
}

/* Who was there finds a piece of memory. */
static void expect_memory_left(struct kunit *test, u8 family, long most)
{
	u64 all = sipx_test_counter(SIPX_COUNT_limit_stream_memory);
	u64 own = sipx_test_counter(SIPX_COUNT_limit_stream_host);
	unsigned int memory = setting(SIPX_SETTING_TCP_MEMORY), limit = setting(SIPX_SETTING_TCP_MEMORY_PER_HOST);
	struct nf_conn *ct = established(test);
	struct crowd *crowd;

	set(SIPX_SETTING_TCP_MEMORY, PLACES * SIPX_SMALL_PIECE / 1024);
	set(SIPX_SETTING_TCP_MEMORY_PER_HOST, PLACES / 4 * SIPX_SMALL_PIECE / 1024);
	crowd = crowd_of(test, family, takes_piece);
	KUNIT_EXPECT_GE(test, bytes_held(), most * 7 / 8 * SIPX_SMALL_PIECE);
	KUNIT_EXPECT_LE(test, bytes_held(), most * SIPX_SMALL_PIECE);
	KUNIT_EXPECT_GT(test, sipx_test_counter(SIPX_COUNT_limit_stream_memory), all);
	KUNIT_EXPECT_GT(test, sipx_test_counter(SIPX_COUNT_limit_stream_host), own);
	expect_translated(test, ct);
	expect_room_for_other_network(test);
	set(SIPX_SETTING_TCP_MEMORY, memory);
	set(SIPX_SETTING_TCP_MEMORY_PER_HOST, limit);
	sipx_test_end(ct);
	end_crowd(crowd);
	expect_nothing_left(test);
}

static void S7_twenty_hosts_leave_places(struct kunit *test)
{
	expect_places_left(test, SIPX_IPV4, PLACES - 1);
}

static void S7_twenty_hosts_leave_memory(struct kunit *test)
{
	expect_memory_left(test, SIPX_IPV4, PLACES - 1);
}

/* Who has one address of IPv6 has all that share its first 64 bits. */
static void S7_one_ipv6_network_leaves_half_of_the_places(struct kunit *test)
{
	expect_places_left(test, SIPX_IPV6, PLACES / 2 + 1);
}

static void S7_one_ipv6_network_leaves_half_of_the_memory(struct kunit *test)
{
	expect_memory_left(test, SIPX_IPV6, PLACES / 2 + 1);
}

/* Until both ends are where they say, conntrack looks at numbers as strictly as it is told to. */
static void S7_half_open_is_looked_at_strictly(struct kunit *test)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);
	struct sipx_test_segment guessed = ack;

	carry(test, ct, syn);
	guessed.ack = 0;	/* before there is anything to acknowledge */
	carry(test, ct, guessed);
	carry(test, ct, syn_ack);
	guessed.ack = SERVER_FIRST + 1000000;
	carry(test, ct, guessed);
	KUNIT_EXPECT_FALSE(test, ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 1u);
	carry(test, ct, ack);
	KUNIT_EXPECT_TRUE(test, ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 0u);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(no_more_than_allowed),
	KUNIT_CASE(S7_flood_of_syns_takes_no_place),
	KUNIT_CASE(S7_flood_on_each_processor_refuses_nobody),
	KUNIT_CASE(S7_answered_ones_keep_their_place),
	KUNIT_CASE(S7_host_has_its_share_of_connections),
	KUNIT_CASE(S7_share_is_kept_where_data_open),
	KUNIT_CASE(S7_host_has_its_share_of_memory),
	KUNIT_CASE(S7_twenty_hosts_leave_places),
	KUNIT_CASE(S7_twenty_hosts_leave_memory),
	KUNIT_CASE(S7_one_ipv6_network_leaves_half_of_the_places),
	KUNIT_CASE(S7_one_ipv6_network_leaves_half_of_the_memory),
	KUNIT_CASE(S7_half_open_is_looked_at_strictly),
	{}
};

struct kunit_suite sipx_tcp_limits_suite = { .name = "sip_ext_tcp_limits", .test_cases = cases };
