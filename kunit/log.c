// SPDX-License-Identifier: GPL-2.0
/*
 * What is logged of refusals, as a logger of the kernel gets it (S13).
 */
#include <linux/ctype.h>
#include <linux/string.h>
#include <net/netfilter/nf_log.h>

#include "compat.h"
#include "suites.h"

#define SECRET "Authorization: Digest username=\"a\", response=\"5ec2e7\""
#define LINES_AT_ONCE 10

/* The last packet that was logged, and how many were. */
static struct {
	u32 lines;
	u32 length;
	char prefix[256];
	u8 bytes[256];
} logged;

static void note_packet(struct net *net, u_int8_t pf, unsigned int hooknum, const struct sk_buff *skb,
			const struct net_device *in, const struct net_device *out,
			const struct nf_loginfo *info, const char *prefix)
{
	logged.lines++;
	logged.length = skb->len;
	strscpy(logged.prefix, prefix, sizeof(logged.prefix));
	skb_copy_bits(skb, 0, logged.bytes, min_t(u32, skb->len, sizeof(logged.bytes)));
}

static struct nf_logger logger = {
	.name = "sip_ext_kunit", .type = NF_LOG_TYPE_LOG, .logfn = note_packet, .me = THIS_MODULE,
};
static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
static const struct nf_logger *others[ARRAY_SIZE(families)];

static void put_logger(bool ours)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (ours)
			others[i] = rcu_access_pointer(init_net.nf.nf_loggers[families[i]]);
		nf_log_unbind_pf(&init_net, families[i]);
		if (ours || others[i])
			nf_log_set(&init_net, families[i], ours ? &logger : others[i]);
	}
	synchronize_rcu();
}

static void set_log(unsigned int value)
{
	WRITE_ONCE(sipx_test_net()->settings.values[SIPX_SETTING_LOG], value);
}

static int begin(struct kunit *test)
{
	memset(&logged, 0, sizeof(logged));
	sipx_log_init(sipx_test_net());
	put_logger(true);
	set_log(1);
	return 0;
}

static void end(struct kunit *test)
{
	set_log(0);
	put_logger(false);
}

static struct nf_conn *connection(struct kunit *test, u8 family)
{
	struct sipx_endpoint source = sipx_test_endpoint(family, 1, 5060);
	struct sipx_endpoint destination = sipx_test_endpoint(family, 2, 5062);
	struct sipx_endpoint outside = sipx_test_endpoint(family, 100, 6000);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, &outside, true);

	sipx_test_confirm(test, ct);
	return ct;
}

static void say(struct kunit *test, struct nf_conn *ct, const char *text, enum ip_conntrack_info ctinfo)
{
	struct sk_buff *skb = sipx_test_datagram(test, ct, text, strlen(text), 0);

	KUNIT_EXPECT_EQ(test, sipx_test_help_as(skb, ct, ctinfo), NF_ACCEPT);
	kfree_skb(skb);
}

static void S13_log_names_the_reason_and_both_ends(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4);

	say(test, ct, "GET / HTTP/1.1\r\n\r\n", IP_CT_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, logged.lines, 1u);
	KUNIT_EXPECT_STREQ(test, (char *)logged.prefix, "sip-ext: unchanged, not_sip: 10.0.0.1:5060 > 10.0.0.2:5062 ");
	say(test, ct, "OPTIONS sip:b SIP/2.0\r\n\r\n", IP_CT_ESTABLISHED_REPLY);
	KUNIT_EXPECT_STREQ(test, (char *)logged.prefix,
			   "sip-ext: unchanged, missing_header: 10.0.0.2:5062 > 10.0.0.1:5060 ");
	sipx_test_end(ct);

	ct = connection(test, SIPX_IPV6);
	say(test, ct, "GET / HTTP/1.1\r\n\r\n", IP_CT_ESTABLISHED);
	KUNIT_EXPECT_STREQ(test, (char *)logged.prefix,
			   "sip-ext: unchanged, not_sip: [fd00::1]:5060 > [fd00::2]:5062 ");
	KUNIT_EXPECT_EQ(test, logged.lines, 3u);
	sipx_test_end(ct);
}

static void S13_log_says_which_pinhole_was_refused(struct kunit *test)
{
	static const char invite[] =
		"INVITE sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1\r\n"
		"From: <sip:a@10.0.0.2>;tag=1\r\nTo: <sip:b@10.0.0.2>\r\nCall-ID: log\r\nCSeq: 1 INVITE\r\n"
		"Contact: <sip:a@10.0.0.1:5060>\r\nContent-Type: application/sdp\r\nContent-Length: 83\r\n\r\n"
		"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 80 RTP/AVP 0\r\n";
	struct nf_conn *ct = connection(test, SIPX_IPV4);
	u64 refused = sipx_test_counter(SIPX_COUNT_media_port_low);

	say(test, ct, invite, IP_CT_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_media_port_low), refused + 1);
	KUNIT_EXPECT_EQ(test, logged.lines, 1u);
	KUNIT_EXPECT_STREQ(test, (char *)logged.prefix,
			   "sip-ext: no pinhole, media_port_low: 10.0.0.1:5060 > 10.0.0.2:5062 ");
	sipx_test_end(ct);
}

static void S13_log_is_silent_unless_asked(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4);
	u64 refused = sipx_test_counter(SIPX_COUNT_not_sip);

	set_log(0);
	say(test, ct, "GET / HTTP/1.1\r\n\r\n", IP_CT_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_not_sip), refused + 1);
	set_log(1);
	say(test, ct, "\r\n\r\n", IP_CT_ESTABLISHED);	/* no refusal */
	KUNIT_EXPECT_EQ(test, logged.lines, 0u);
	sipx_test_end(ct);
}

static void S13_log_is_rate_limited(struct kunit *test)
{
	struct nf_conn *ct = connection(test, SIPX_IPV4);
	u64 limited = sipx_test_counter(SIPX_COUNT_log_limited);
	u64 refused = sipx_test_counter(SIPX_COUNT_not_sip);
	u32 i;

	for (i = 0; i < 500; i++)
		say(test, ct, "GET / HTTP/1.1\r\n\r\n", IP_CT_ESTABLISHED);
	/* as many again, if this took more than five seconds */
	KUNIT_EXPECT_GE(test, logged.lines, (u32)LINES_AT_ONCE);
	KUNIT_EXPECT_LE(test, logged.lines, 2u * LINES_AT_ONCE);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_not_sip), refused + 500);
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_log_limited), limited + 500 - logged.lines);
	sipx_test_end(ct);
}

static bool is_plain(const char *text)
{
	while (*text && isascii(*text) && isprint(*text))
		text++;
	return !*text;
}

static bool contains(const u8 *bytes, u32 length, const char *text)
{
	u32 i, size = strlen(text);

	for (i = 0; i + size <= length; i++)
		if (!memcmp(bytes + i, text, size))
			return true;
	return false;
}

/* Neither the line nor the packet that a logger gets has a byte of the message. */
static void expect_no_text(struct kunit *test, u32 headers)
{
	KUNIT_EXPECT_TRUE(test, is_plain(logged.prefix));
	KUNIT_EXPECT_FALSE(test, contains((u8 *)logged.prefix, strlen(logged.prefix), "5ec2e7"));
	KUNIT_EXPECT_EQ(test, logged.length, headers);
	KUNIT_EXPECT_FALSE(test, contains(logged.bytes, min_t(u32, logged.length, sizeof(logged.bytes)), "Digest"));
}

static void S13_log_has_no_credentials_and_no_bytes_of_a_message(struct kunit *test)
{
	static const char *const messages[] = {
		"\033[2J REGISTER %s\r\n" SECRET "\r\n\r\n",
		"REGISTER sip:\033[1m\b\a%n SIP/2.0\r\n" SECRET "\r\nVia: \x7f\xff\r\n\r\n",
		"REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:99999\r\n" SECRET "\r\n"
		"From: \033]0;x\a<sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: \nfake line\r\nCSeq: 1 REGISTER\r\n\r\n",
	};
	u32 i;

	for (i = 0; i < 2 * ARRAY_SIZE(messages); i++) {
		u8 family = i & 1 ? SIPX_IPV6 : SIPX_IPV4;
		struct nf_conn *ct = connection(test, family);

		say(test, ct, messages[i / 2], IP_CT_ESTABLISHED);
		KUNIT_EXPECT_EQ(test, logged.lines, i + 1);
		expect_no_text(test, family == SIPX_IPV4 ? 28 : 48);
		sipx_test_end(ct);
	}
}

static void S13_log_of_tcp_has_no_bytes_of_a_message(struct kunit *test)
{
	static const char text[] = "REGISTER sip:b SIP/2.0\r\n" SECRET "\r\nContent-Length: -1\r\n\r\n";
	const struct sipx_test_segment segments[] = {
		{ .syn = true, .no_ack = true, .seq = 999 },
		{ .reply = 1, .syn = true, .seq = 4999, .ack = 1000 },
		{ .seq = 1000, .ack = 5000 },
		{ .seq = 1000, .ack = 5000, .payload = text, .length = sizeof(text) - 1 },
	};
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		enum ip_conntrack_info ctinfo = segments[i].reply ? IP_CT_ESTABLISHED_REPLY :
						segments[i].syn ? IP_CT_NEW : IP_CT_ESTABLISHED;
		struct sk_buff *skb = sipx_test_segment(test, ct, &segments[i]);

		nf_conntrack_get(&ct->ct_general);
		nf_ct_set(skb, ct, ctinfo);
		KUNIT_EXPECT_EQ(test, sipx_test_help_as(skb, ct, ctinfo), NF_ACCEPT);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, logged.lines, 1u);
	KUNIT_EXPECT_STREQ(test, (char *)logged.prefix,
			   "sip-ext: unchanged, malformed_length: 10.0.0.1:5060 > 10.0.0.200:5060 ");
	expect_no_text(test, 40);
	sipx_test_end(ct);
	rcu_barrier();
}

/* What a tick or an end counts is no packet's, least of all the next one's. */
static void S13_log_is_silent_on_what_time_brings(struct kunit *test)
{
	struct nf_conn *udp = connection(test, SIPX_IPV4), *tcp = sipx_test_tcp(test, SIPX_IPV4);
	const struct sipx_test_segment syn = { .syn = true, .no_ack = true, .seq = 999 };
	struct sk_buff *skb = sipx_test_segment(test, tcp, &syn);

	nf_conntrack_get(&tcp->ct_general);
	nf_ct_set(skb, tcp, IP_CT_NEW);
	migrate_disable();
	sipx_count(sipx_state_of(sipx_test_net()), SIPX_COUNT_expectations_full);
	say(test, udp, "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b>\r\n"
		       "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n", IP_CT_ESTABLISHED);
	sipx_count(sipx_state_of(sipx_test_net()), SIPX_COUNT_no_memory);
	KUNIT_EXPECT_EQ(test, sipx_test_help_as(skb, tcp, IP_CT_NEW), NF_ACCEPT);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, logged.lines, 0u);
	kfree_skb(skb);
	sipx_test_end(udp);
	sipx_test_end(tcp);
	rcu_barrier();
}

/* No address is longer than eight groups of four. */
static struct sipx_endpoint longest(u8 last)
{
	struct sipx_endpoint end = sipx_test_endpoint(SIPX_IPV6, 1, 65535);

	memset(end.bytes, 0xab, sizeof(end.bytes));
	end.bytes[15] = last;
	return end;
}

/* A logger's line has no room for more than NF_LOG_PREFIXLEN, and is cut without a word. */
static void S13_log_has_room_for_the_longest_line(struct kunit *test)
{
	static const char sockets[] = ": [abab:abab:abab:abab:abab:abab:abab:abac]:65535 > "
				      "[abab:abab:abab:abab:abab:abab:abab:abad]:65535 ";
	static const char ends[] = ": abab:abab:abab:abab:abab:abab:abab:abac > "
				   "abab:abab:abab:abab:abab:abab:abab:abad ";
	struct sipx_endpoint source = longest(0xac), destination = longest(0xad);
	struct nf_conn *ct = sipx_test_connection(test, &source, &destination, NULL, true);
	struct sipx_packet packet = { .ct = ct, .ctinfo = IP_CT_NEW, .sn = sipx_test_net() };
	u32 i;

	sipx_test_confirm(test, ct);
	packet.skb = sipx_test_datagram(test, ct, "x", 1, 0);
	packet.protoff = skb_transport_offset(packet.skb);
	for (i = SIPX_FIRST_REFUSAL; i < SIPX_REASON_COUNT; i++) {
		const char *name;

		if (i == SIPX_COUNT_stream)
			continue;
		sipx_log_init(sipx_test_net());
		rcu_read_lock();
		sipx_log_refusal(&packet, i);
		rcu_read_unlock();
		name = strstr(logged.prefix, sipx_reason_name(i));
		KUNIT_ASSERT_NOT_NULL(test, name);
		/* both ends are whole; the ports are there if they have room */
		name += strlen(sipx_reason_name(i));
		KUNIT_EXPECT_TRUE_MSG(test, !strcmp(name, ends) || !strcmp(name, sockets),
				      "%s: %s", sipx_reason_name(i), logged.prefix);
	}
	kfree_skb(packet.skb);
	sipx_test_end(ct);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(S13_log_names_the_reason_and_both_ends),
	KUNIT_CASE(S13_log_says_which_pinhole_was_refused),
	KUNIT_CASE(S13_log_is_silent_unless_asked),
	KUNIT_CASE(S13_log_is_silent_on_what_time_brings),
	KUNIT_CASE(S13_log_is_rate_limited),
	KUNIT_CASE(S13_log_has_no_credentials_and_no_bytes_of_a_message),
	KUNIT_CASE(S13_log_has_room_for_the_longest_line),
	KUNIT_CASE(S13_log_of_tcp_has_no_bytes_of_a_message),
	{}
};

struct kunit_suite sipx_log_suite = {
	.name = "sip_ext_log", .init = begin, .exit = end, .test_cases = cases,
};
