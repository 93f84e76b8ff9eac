/* SPDX-License-Identifier: GPL-2.0 */
/* A TCP connection of a phone inside, as conntrack gives its segments to the helper. */
#ifndef SIPX_KUNIT_TCP_SCENE_H
#define SIPX_KUNIT_TCP_SCENE_H

#include <net/tcp.h>

#include "compat.h"
#include "suites.h"

#define CLIENT_FIRST 1000
#define SERVER_FIRST 5000

static const char message[] =
	"OPTIONS sip:10.0.0.200 SIP/2.0\r\n"
	"Via: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK1\r\n"
	"From: <sip:a@10.0.0.1>;tag=1\r\n"
	"To: <sip:a@10.0.0.200>\r\n"
	"Call-ID: 1\r\n"
	"CSeq: 1 OPTIONS\r\n"
	"Contact: <sip:a@10.0.0.1:5060>\r\n"
	"Content-Length: 0\r\n\r\n";
#define MESSAGE_LENGTH (sizeof(message) - 1)
/* From, Via and Contact name 10.0.0.100 outside */
#define GROWTH 6
#define HELPER_DATA sizeof_field(struct nf_conn_help, data)

static inline struct sipx_connection_data *data_of(const struct nf_conn *ct)
{
	return (void *)nfct_help(ct)->data;
}

/* One segment through the helper. */
static inline struct sk_buff *pass(struct kunit *test, struct nf_conn *ct,
				   struct sipx_test_segment wanted, int verdict)
{
	enum ip_conntrack_info ctinfo = wanted.reply ? IP_CT_ESTABLISHED_REPLY :
					wanted.syn ? IP_CT_NEW : IP_CT_ESTABLISHED;
	struct sk_buff *skb = sipx_test_segment(test, ct, &wanted);

	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, ctinfo);
	KUNIT_EXPECT_EQ(test, sipx_test_help_as(skb, ct, ctinfo), verdict);
	return skb;
}

static inline void carry(struct kunit *test, struct nf_conn *ct, struct sipx_test_segment wanted)
{
	kfree_skb(pass(test, ct, wanted, NF_ACCEPT));
}

static const struct sipx_test_segment syn = { .syn = true, .no_ack = true, .seq = CLIENT_FIRST - 1 };
static const struct sipx_test_segment syn_ack = {
	.reply = 1, .syn = true, .seq = SERVER_FIRST - 1, .ack = CLIENT_FIRST,
};
static const struct sipx_test_segment ack = { .seq = CLIENT_FIRST, .ack = SERVER_FIRST };

static inline void shake_hands(struct kunit *test, struct nf_conn *ct)
{
	carry(test, ct, syn);
	carry(test, ct, syn_ack);
	carry(test, ct, ack);
}

static inline struct nf_conn *established(struct kunit *test)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);

	shake_hands(test, ct);
	KUNIT_ASSERT_NOT_NULL(test, data_of(ct)->stream);
	return ct;
}

/* Begun by that host, from that port. */
static inline struct nf_conn *begun_by(struct kunit *test, u8 number, u16 port)
{
	struct sipx_endpoint source = sipx_test_endpoint(SIPX_IPV4, number, port);
	struct sipx_endpoint destination = sipx_test_endpoint(SIPX_IPV4, 200, 5060);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, port + number);

	source.protocol = destination.protocol = outside.protocol = SIPX_TCP;
	return sipx_test_connection(test, &source, &destination, &outside, true);
}

/* The client's bytes from that position of the message on. */
static inline struct sk_buff *say(struct kunit *test, struct nf_conn *ct, u32 from, u32 to)
{
	const struct sipx_test_segment wanted = {
		.seq = CLIENT_FIRST + from, .ack = SERVER_FIRST, .payload = message + from,
		.length = to - from,
	};

	return pass(test, ct, wanted, NF_ACCEPT);
}

/* The whole message, which is translated. */
static inline void says_hello(struct kunit *test, struct nf_conn *ct)
{
	struct sk_buff *skb = say(test, ct, 0, MESSAGE_LENGTH);
	u32 length = MESSAGE_LENGTH + GROWTH;
	char *got = kunit_kzalloc(test, 2000, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, got);
	KUNIT_ASSERT_EQ(test, skb->len, 40 + length);
	KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, 40, got, length), 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(got, "Contact: <sip:a@10.0.0.100:5060>\r\n"));
	sipx_test_expect_segment(test, skb, got, length);
	kfree_skb(skb);
}

static inline void expect_nothing_left(struct kunit *test)
{
	u32 i;

	rcu_barrier();
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_count, 0u);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&sipx_test_net()->tcp_bytes), 0l);
	KUNIT_EXPECT_EQ(test, sipx_test_net()->tcp_half_open, 0u);
	KUNIT_EXPECT_TRUE(test, list_empty(&sipx_test_net()->tcp_begun));
	KUNIT_EXPECT_TRUE(test, list_empty(&sipx_test_net()->tcp_idle));
	KUNIT_EXPECT_TRUE(test, list_empty(&sipx_test_net()->tcp_waiting));
	for (i = 0; i < ARRAY_SIZE(sipx_test_net()->tcp_hosts); i++)
		KUNIT_EXPECT_TRUE(test, hlist_empty(&sipx_test_net()->tcp_hosts[i]));
}

static inline void set(int setting, unsigned int value)
{
	WRITE_ONCE(sipx_test_net()->settings.values[setting], value);
}

static inline unsigned int setting(int number)
{
	return sipx_test_net()->settings.values[number];
}

#endif
