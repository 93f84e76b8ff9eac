// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections through the helper, as conntrack gives them to it: which are followed, what
 * conntrack is told, and that nothing is left of them.
 */
#include <linux/ip.h>
#include <net/netfilter/nf_conntrack_seqadj.h>

#include "tcp_scene.h"

/* ---- which are followed ------------------------------------------------------------------- */

static void memory_of_one(struct kunit *test)
{
	if (sizeof(spinlock_t) <= sizeof(u32))
		KUNIT_EXPECT_LE(test, sipx_tcp_size(), 256u);
	kunit_info(test, "%u bytes: %zu ours, %u of the core", sipx_tcp_size(),
		   sizeof(struct sipx_tcp), sipx_core_slab_size(SIPX_SLAB_TCP));
}

static void begins_and_ends(struct kunit *test)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV6);

	carry(test, ct, syn);
	KUNIT_EXPECT_NOT_NULL(test, data_of(ct)->stream);
	KUNIT_EXPECT_TRUE(test, nf_ct_is_confirmed(ct));
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 1u);
	carry(test, ct, syn);	/* again: nobody answered */
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 1u);
	nf_ct_delete(ct, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	nf_ct_put(ct);
	expect_nothing_left(test);
}

static void expect_not_followed(struct kunit *test, const struct sipx_test_segment *first,
				enum sipx_reason reason)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);
	u64 before = sipx_test_counter(reason);
	struct sk_buff *skb = pass(test, ct, *first, NF_ACCEPT);

	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(reason), before + 1);
	sipx_test_expect_segment(test, skb, first->payload, first->length);
	kfree_skb(skb);
	nf_ct_put(ct);
	expect_nothing_left(test);
}

static void others_pass(struct kunit *test)
{
	static const u8 signs[] = { 1, 1, 19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct sipx_test_segment first = syn, middle = ack;
	struct nf_conn *ct;

	first.options = signs;
	first.options_length = sizeof(signs);
	expect_not_followed(test, &first, SIPX_COUNT_stream_signed);
	middle.payload = message;
	middle.length = MESSAGE_LENGTH;
	expect_not_followed(test, &middle, SIPX_COUNT_stream_middle);
	expect_not_followed(test, &syn_ack, SIPX_COUNT_stream);
	set(SIPX_SETTING_ENABLED, 0);
	expect_not_followed(test, &syn, SIPX_COUNT_stream);
	set(SIPX_SETTING_ENABLED, 1);

	ct = established(test);
	set(SIPX_SETTING_TCP_CONNECTIONS, 1);
	first = syn;
	first.seq = 77;
	sipx_test_end(ct);	/* its place is free at once */
	ct = established(test);
	sipx_test_end(ct);
	expect_nothing_left(test);
	set(SIPX_SETTING_TCP_CONNECTIONS, 0);
	expect_not_followed(test, &syn, SIPX_COUNT_limit_streams);
	set(SIPX_SETTING_TCP_CONNECTIONS, 65536);
}

/* Nobody speaks SIP: nothing of it is kept, and nothing more is spent on it. */
static void foreign_is_forgotten(struct kunit *test)
{
	struct nf_conn *ct = established(test);
	struct sipx_test_segment wanted = ack;
	struct sk_buff *skb;

	wanted.payload = "GET / HTTP/1.1\r\n\r\n";
	wanted.length = 18;
	skb = pass(test, ct, wanted, NF_ACCEPT);
	sipx_test_expect_segment(test, skb, wanted.payload, 18);
	kfree_skb(skb);
	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	expect_nothing_left(test);
	carry(test, ct, wanted);
	sipx_test_end(ct);
}

/* ---- what becomes of them ---------------------------------------------------------------------- */

static const struct nf_ct_seqadj *shift_of(const struct nf_conn *ct, u8 dir)
{
	return &nfct_seqadj(ct)->seq[dir];
}

/* The server has it all. */
static void says_ack(struct kunit *test, struct nf_conn *ct)
{
	const struct sipx_test_segment wanted = {
		.reply = 1, .seq = SERVER_FIRST, .ack = CLIENT_FIRST + MESSAGE_LENGTH + GROWTH,
	};
	struct sk_buff *skb = pass(test, ct, wanted, NF_ACCEPT);

	KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(skb)->ack_seq), CLIENT_FIRST + (u32)MESSAGE_LENGTH);
	sipx_test_expect_segment(test, skb, "", 0);
	kfree_skb(skb);
}

/* Conntrack looks at windows as liberally as it can, and knows by how much numbers differ. */
static void conntrack_is_told(struct kunit *test)
{
	const struct sipx_test_segment last = { .seq = CLIENT_FIRST + MESSAGE_LENGTH, .ack = SERVER_FIRST };
	struct nf_conn *ct = established(test);

	KUNIT_EXPECT_TRUE(test, ct->proto.tcp.seen[0].flags & IP_CT_TCP_FLAG_BE_LIBERAL);
	KUNIT_EXPECT_TRUE(test, ct->proto.tcp.seen[1].flags & IP_CT_TCP_FLAG_BE_LIBERAL);
	says_hello(test, ct);
	says_ack(test, ct);
	carry(test, ct, last);
	KUNIT_EXPECT_EQ(test, shift_of(ct, 0)->offset_after, GROWTH);
	KUNIT_EXPECT_EQ(test, shift_of(ct, 1)->offset_after, 0);
	KUNIT_EXPECT_EQ(test, nf_ct_seq_offset(ct, IP_CT_DIR_ORIGINAL, CLIENT_FIRST + MESSAGE_LENGTH + GROWTH),
			GROWTH);
	KUNIT_EXPECT_FALSE(test, test_bit(IPS_SEQ_ADJUST_BIT, &ct->status));
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* A connection that was switched off goes on, its messages unread. */
static void switched_off(struct kunit *test)
{
	struct sipx_test_segment wanted = {
		.seq = CLIENT_FIRST + MESSAGE_LENGTH, .ack = SERVER_FIRST, .payload = message,
		.length = MESSAGE_LENGTH,
	};
	struct nf_conn *ct = established(test);
	struct sk_buff *skb;

	says_hello(test, ct);
	says_ack(test, ct);
	set(SIPX_SETTING_ENABLED, 0);
	skb = pass(test, ct, wanted, NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(skb)->seq), wanted.seq + GROWTH);
	sipx_test_expect_segment(test, skb, message, MESSAGE_LENGTH);
	kfree_skb(skb);
	set(SIPX_SETTING_ENABLED, 1);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* Why its messages are not looked at; SIPX_REASON_COUNT: they are, or it is followed no more. */
static enum sipx_reason reason_of(const struct nf_conn *ct)
{
	struct sipx_tcp *tcp = data_of(ct)->stream;

	return tcp ? sipx_core_stream_reason(sipx_stream_of(tcp)) : SIPX_REASON_COUNT;
}

/* Switched off, then ended by a RST, then begun anew by a SYN, and switched off once more. */
static void switched_off_again(struct kunit *test)
{
	const struct sipx_test_segment rst = {
		.rst = true, .seq = CLIENT_FIRST + MESSAGE_LENGTH, .ack = SERVER_FIRST,
	};
	struct nf_conn *ct = established(test);
	struct sipx_test_segment next[] = { syn, syn_ack, ack };
	struct sk_buff *skb;
	u32 i;

	says_hello(test, ct);
	says_ack(test, ct);
	set(SIPX_SETTING_ENABLED, 0);
	carry(test, ct, rst);
	KUNIT_EXPECT_EQ(test, (u32)reason_of(ct), (u32)SIPX_COUNT_stream);
	set(SIPX_SETTING_ENABLED, 1);
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		next[i].seq += 1000000;
		next[i].ack += 1000000;
		carry(test, ct, next[i]);
	}
	KUNIT_ASSERT_NOT_NULL(test, data_of(ct)->stream);
	KUNIT_EXPECT_EQ(test, (u32)reason_of(ct), (u32)SIPX_REASON_COUNT);
	set(SIPX_SETTING_ENABLED, 0);
	next[2].payload = message;
	next[2].length = MESSAGE_LENGTH;
	skb = pass(test, ct, next[2], NF_ACCEPT);
	sipx_test_expect_segment(test, skb, message, MESSAGE_LENGTH);
	kfree_skb(skb);
	set(SIPX_SETTING_ENABLED, 1);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* What waits is given back, whenever the connection ends. */
static void held_is_given_back(struct kunit *test)
{
	struct nf_conn *ct = established(test);

	kfree_skb(say(test, ct, 0, 100));
	KUNIT_EXPECT_GT(test, atomic_long_read(&sipx_test_net()->tcp_bytes), 0l);
	KUNIT_EXPECT_FALSE(test, list_empty(&sipx_test_net()->tcp_waiting));
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* ---- ends ------------------------------------------------------------------------------------------ */

/* The one who works on a connection meets its end, under each of the locks. */
static void ends_under_locks(struct kunit *test)
{
	struct nf_conn *ct = established(test);
	struct sipx_tcp *tcp = data_of(ct)->stream;

	kfree_skb(say(test, ct, 0, 100));
	rcu_read_lock();
	spin_lock_bh(&tcp->lock);
	sipx_test_lock();
	nf_ct_delete(ct, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	KUNIT_EXPECT_TRUE(test, tcp->has_ended);
	KUNIT_EXPECT_GT(test, atomic_long_read(&sipx_test_net()->tcp_bytes), 0l);
	sipx_test_unlock();
	spin_unlock_bh(&tcp->lock);
	rcu_read_unlock();
	nf_ct_put(ct);
	expect_nothing_left(test);
}

/* Any helper is unregistered (nf_ct_ext_bump_genid()) while a SYN is not confirmed yet: what hangs on
 * its connection is hidden from then on.
 */
static void S11_extensions_hidden(struct kunit *test)
{
	struct nf_conn *half = begun_by(test, 2, 5061);
	void *hidden = half->ext;

	carry(test, half, syn);
	half->ext = NULL;
	sipx_tcp_sweep(sipx_test_net());
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 0u);
	half->ext = hidden;
	data_of(half)->stream = NULL;
	sipx_test_end(half);
	expect_nothing_left(test);
}

/* As userspace does it (CTA_HELP); whatever comes after us has its own data there. */
static struct nf_conntrack_helper *take_helper_off(struct nf_conn *ct)
{
	memset(data_of(ct), 0x5a, HELPER_DATA);
	return rcu_replace_pointer(nfct_help(ct)->helper, NULL, true);
}

static void put_helper_back(struct kunit *test, struct nf_conn *ct, struct nf_conntrack_helper *ours)
{
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(data_of(ct), 0x5a, HELPER_DATA), (void *)NULL);
	memset(data_of(ct), 0, HELPER_DATA);
	rcu_assign_pointer(nfct_help(ct)->helper, ours);
	sipx_test_end(ct);
}

static void S11_helper_taken_off(struct kunit *test)
{
	struct nf_conn *ct = established(test), *half = begun_by(test, 2, 5061), *other = begun_by(test, 3, 5061);
	struct nf_conntrack_helper *ours;

	carry(test, half, syn);
	shake_hands(test, other);
	take_helper_off(half);
	ours = take_helper_off(ct);
	sipx_tcp_sweep(sipx_test_net());
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 1u);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 0u);
	KUNIT_EXPECT_NOT_NULL(test, data_of(other)->stream);
	put_helper_back(test, ct, ours);
	put_helper_back(test, half, ours);
	sipx_test_end(other);
	expect_nothing_left(test);
}

static void S11_helper_taken_off_while_it_waits(struct kunit *test)
{
	const struct sipx_test_segment told = { .reply = 1, .seq = SERVER_FIRST, .ack = CLIENT_FIRST + 1 };
	struct nf_conn *ct = established(test);
	struct nf_conntrack_helper *ours;

	kfree_skb(say(test, ct, 0, 100));
	carry(test, ct, told);
	kfree_skb(say(test, ct, 100, MESSAGE_LENGTH));
	KUNIT_EXPECT_FALSE(test, list_empty(&sipx_test_net()->tcp_waiting));
	ours = take_helper_off(ct);
	sipx_tcp_tick(&sipx_test_net()->tcp_tick.work);
	expect_nothing_left(test);
	put_helper_back(test, ct, ours);
}

/* The kernel goes on with what we leave to it, the numbers as we would have shifted them. */
static void handed_over(struct kunit *test)
{
	struct sipx_test_segment wanted = {
		.seq = CLIENT_FIRST + MESSAGE_LENGTH, .ack = SERVER_FIRST, .payload = "abc", .length = 3,
	};
	struct nf_conn *ct = established(test), *other = sipx_test_tcp(test, SIPX_IPV6);
	struct sk_buff *skb;

	carry(test, other, syn);
	says_hello(test, ct);
	says_ack(test, ct);
	sipx_tcp_hand_over(sipx_test_net());
	KUNIT_EXPECT_PTR_EQ(test, data_of(ct)->stream, (void *)NULL);
	KUNIT_EXPECT_TRUE(test, test_bit(IPS_SEQ_ADJUST_BIT, &ct->status));
	KUNIT_EXPECT_FALSE(test, test_bit(IPS_SEQ_ADJUST_BIT, &other->status));
	expect_nothing_left(test);
	skb = pass(test, ct, wanted, NF_ACCEPT);
	KUNIT_EXPECT_TRUE(test, nf_ct_seq_adjust(skb, ct, IP_CT_ESTABLISHED, 20));
	KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(skb)->seq), wanted.seq + GROWTH);
	sipx_test_expect_segment(test, skb, "abc", 3);
	kfree_skb(skb);
	wanted = (struct sipx_test_segment){
		.reply = 1, .seq = SERVER_FIRST, .ack = CLIENT_FIRST + MESSAGE_LENGTH + GROWTH + 3,
	};
	skb = pass(test, ct, wanted, NF_ACCEPT);
	KUNIT_EXPECT_TRUE(test, nf_ct_seq_adjust(skb, ct, IP_CT_ESTABLISHED_REPLY, 20));
	KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(skb)->ack_seq), CLIENT_FIRST + (u32)MESSAGE_LENGTH + 3);
	kfree_skb(skb);
	sipx_test_end(other);
	sipx_test_end(ct);
}

/* What the phone's and the server's segments say of the time; 0: nothing. */
static void stamped_as(struct kunit *test, struct nf_conn *ct, u32 ahead, u8 stamp)
{
	const u8 bytes[] = { 1, 1, 8, 10, 0, 0, 0, stamp, 0, 0, 0, 0 };
	struct sipx_test_segment segments[] = { syn, syn_ack, ack };
	const struct sipx_tcp *tcp;
	int i;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		segments[i].options = stamp ? bytes : NULL;
		segments[i].options_length = stamp ? sizeof(bytes) : 0;
		segments[i].seq += ahead;
		segments[i].ack += segments[i].no_ack ? 0 : ahead;
		carry(test, ct, segments[i]);
	}
	tcp = data_of(ct)->stream;
	KUNIT_ASSERT_NOT_NULL(test, tcp);
	KUNIT_EXPECT_EQ(test, tcp->stamped & SIPX_BOTH_STAMPED, stamp ? SIPX_BOTH_STAMPED : 0);
	for (i = 0; stamp && i < IP_CT_DIR_MAX; i++)
		KUNIT_EXPECT_EQ(test, tcp->stamps[i], (u32)stamp);
}

/* What we send has timestamps if the connection has them, and not the one before on its ports (RFC 7323 3.2). */
static void T6_timestamps_begin_anew(struct kunit *test)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);

	stamped_as(test, ct, 0, 0);
	stamped_as(test, ct, 100000, 90);
	stamped_as(test, ct, 200000, 20);
	stamped_as(test, ct, 300000, 0);
	stamped_as(test, ct, 400000, 10);
	nf_ct_delete(ct, 0, 0);
	nf_ct_put(ct);
	expect_nothing_left(test);
}

static void namespace_ends(struct kunit *test)
{
	struct nf_conn *ct = established(test), *other = sipx_test_tcp(test, SIPX_IPV6);

	carry(test, other, syn);
	kfree_skb(say(test, ct, 0, 100));
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 2u);
	sipx_tcp_end_all(sipx_test_net());
	expect_nothing_left(test);
	sipx_test_end(other);
	sipx_test_end(ct);
}

/* While we leave, a segment that we would have shifted passes neither way: it would arrive as
 * something else.
 */
static void none_between(struct kunit *test)
{
	u64 before = sipx_test_counter(SIPX_COUNT_stream_leaving);
	struct nf_conn *ct = established(test);

	WRITE_ONCE(sipx_test_net()->closing, true);
	kfree_skb(pass(test, ct, ack, NF_DROP));
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_leaving), before + 1);
	WRITE_ONCE(sipx_test_net()->closing, false);
	carry(test, ct, ack);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* Its header is not whole: nobody knows its numbers. */
static void unreadable_is_dropped(struct kunit *test)
{
	struct nf_conn *ct = established(test);
	struct sk_buff *skb = sipx_test_segment(test, ct, &ack);
	u64 before = sipx_test_counter(SIPX_COUNT_stream_no_memory);

	skb_trim(skb, skb->len - 1);
	KUNIT_EXPECT_EQ(test, sipx_test_help_as(skb, ct, IP_CT_ESTABLISHED), NF_DROP);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_no_memory), before + 1);
	kfree_skb(skb);
	carry(test, ct, ack);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

/* More than a packet holds (BIG TCP): it passes where no number is shifted, and no message is read any more. */
static void larger_than_a_packet(struct kunit *test)
{
	const u32 length = 66000;
	struct sipx_test_segment large = {
		.seq = CLIENT_FIRST + MESSAGE_LENGTH, .ack = SERVER_FIRST, .length = length, .nonlinear = true,
		.payload = kunit_kzalloc(test, PAGE_ALIGN(length), GFP_KERNEL),
	};
	u64 before = sipx_test_counter(SIPX_COUNT_stream_full);
	struct nf_conn *ct = established(test);

	KUNIT_ASSERT_NOT_NULL(test, large.payload);
	says_hello(test, ct);
	kfree_skb(pass(test, ct, large, NF_DROP));
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_full), before + 1);
	KUNIT_EXPECT_EQ(test, (u32)reason_of(ct), (u32)SIPX_COUNT_stream_too_long);
	sipx_test_end(ct);
	ct = established(test);
	large.seq = CLIENT_FIRST;
	kfree_skb(pass(test, ct, large, NF_ACCEPT));
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_full), before + 1);
	sipx_test_end(ct);
	expect_nothing_left(test);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(memory_of_one),
	KUNIT_CASE(begins_and_ends),
	KUNIT_CASE(others_pass),
	KUNIT_CASE(foreign_is_forgotten),
	KUNIT_CASE(conntrack_is_told),
	KUNIT_CASE(switched_off),
	KUNIT_CASE(switched_off_again),
	KUNIT_CASE(held_is_given_back),
	KUNIT_CASE(ends_under_locks),
	KUNIT_CASE(S11_helper_taken_off),
	KUNIT_CASE(S11_extensions_hidden),
	KUNIT_CASE(S11_helper_taken_off_while_it_waits),
	KUNIT_CASE(handed_over),
	KUNIT_CASE(T6_timestamps_begin_anew),
	KUNIT_CASE(namespace_ends),
	KUNIT_CASE(none_between),
	KUNIT_CASE(unreadable_is_dropped),
	KUNIT_CASE(larger_than_a_packet),
	{}
};

struct kunit_suite sipx_tcp_suite = { .name = "sip_ext_tcp", .test_cases = cases };
