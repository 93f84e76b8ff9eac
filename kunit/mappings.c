// SPDX-License-Identifier: GPL-2.0
/*
 * What the router's NAT made of connections that no pinhole led: whose outside port is
 * whose, and two phones behind it that know each other's outside sockets.
 */
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/netfilter/nf_nat.h>

#include "compat.h"
#include "suites.h"

/* As a rule does: that side of it becomes `other`. Confirmed. */
static void translate(struct kunit *test, struct nf_conn *ct, const struct sipx_endpoint *other,
		      enum nf_nat_manip_type side)
{
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_proto.all = htons(other->port),
		.max_proto.all = htons(other->port),
	};

	memcpy(&range.min_addr, other->bytes, sizeof(range.min_addr));
	range.max_addr = range.min_addr;
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, nf_nat_setup_info(ct, &range, side), (unsigned int)NF_ACCEPT);
	local_bh_enable();
	sipx_test_confirm(test, ct);
}

/* From `inside` to `remote`, seen as `outside`. */
static struct nf_conn *mapped(struct kunit *test, const struct sipx_endpoint *inside,
			      const struct sipx_endpoint *remote,
			      const struct sipx_endpoint *outside)
{
	struct nf_conn *ct = sipx_test_connection(test, inside, remote, NULL, false);

	translate(test, ct, outside, NF_NAT_MANIP_SRC);
	return ct;
}

/* From `remote` to `outside`, which a rule leads to `inside`. */
static struct nf_conn *forwarded(struct kunit *test, const struct sipx_endpoint *inside,
				 const struct sipx_endpoint *remote,
				 const struct sipx_endpoint *outside)
{
	struct nf_conn *ct = sipx_test_connection(test, remote, outside, NULL, false);

	translate(test, ct, inside, NF_NAT_MANIP_DST);
	return ct;
}

static u16 known_port(struct nf_conn *like, const struct sipx_endpoint *inside,
		      const struct sipx_endpoint *outside, bool at_once)
{
	struct sipx_packet packet = { .ct = like, .sn = sipx_test_net() };
	u16 port;

	sipx_test_lock();
	port = sipx_mapped_port(&packet, inside, outside, at_once);
	sipx_test_unlock();
	return port;
}

static u16 port_of(struct nf_conn *like, const struct sipx_endpoint *inside,
		   const struct sipx_endpoint *outside)
{
	return known_port(like, inside, outside, true);
}

/* More than a second later. */
static void forget_what_was_read(void)
{
	sipx_leaving_free(sipx_test_net());
	memset(sipx_test_net()->leaving, 0, sizeof(sipx_test_net()->leaving));
}

/* A slow machine reads conntrack's table in several slices, a question for each: until its end
 * the NAT is asked.
 */
static u16 port_at_last(struct nf_conn *like, const struct sipx_endpoint *inside,
			const struct sipx_endpoint *outside)
{
	u16 port = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		sipx_test_net()->leaving_pause_ns = 0;
		port = known_port(like, inside, outside, false);
	}
	return port;
}

/* Of a mapping that is there before the table is read, and of one that comes after. */
static bool is_unheard_of(struct kunit *test, u8 number)
{
	struct sipx_endpoint early = sipx_test_endpoint(SIPX_IPV4, 3, 8000);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, number, 8000);
	struct sipx_endpoint stun = sipx_test_endpoint(SIPX_IPV4, 202, 3478);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 23456);
	struct sipx_endpoint moved = sipx_test_endpoint(SIPX_IPV4, 100, 23458);
	struct nf_conn *before = mapped(test, &early, &stun, &moved), *ct;
	bool unheard;

	forget_what_was_read();
	KUNIT_EXPECT_EQ(test, (int)port_at_last(before, &early, &outside), 23458);
	ct = mapped(test, &phone, &stun, &outside);
	unheard = !known_port(ct, &phone, &outside, false);
	KUNIT_EXPECT_EQ(test, (int)known_port(ct, &phone, &outside, true), 23456);
	forget_what_was_read();
	KUNIT_EXPECT_EQ(test, (int)port_at_last(ct, &phone, &outside), 23456);
	sipx_test_end(ct);
	sipx_test_end(before);
	return unheard;
}

/* One of them may share the bit of the early one, or a second may pass: not for all eight. */
static void hears_of_a_new_mapping_later(struct kunit *test)
{
	bool any = false;
	u8 number;

	for (number = 11; number < 19; number++)
		any |= is_unheard_of(test, number);
	KUNIT_EXPECT_TRUE(test, any);
}

static void knows_a_mapping(struct kunit *test, u8 family)
{
	struct sipx_endpoint phone = sipx_test_endpoint(family, 1, 8000);
	struct sipx_endpoint other = sipx_test_endpoint(family, 2, 8000);
	struct sipx_endpoint stun = sipx_test_endpoint(family, 202, 3478);
	struct sipx_endpoint outside = sipx_test_endpoint(family, 100, 23456);
	struct sipx_endpoint elsewhere = sipx_test_endpoint(family, 101, 0);
	struct nf_conn *ct = mapped(test, &phone, &stun, &outside);

	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &phone, &outside), 23456);
	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &other, &outside), 0);
	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &phone, &elsewhere), 0);
	phone.port = 8001;
	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &phone, &outside), 0);
	/* nothing is left of the questions */
	sipx_test_end(ct);
	phone.port = 8000;
	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &phone, &outside), 0);
}

static void knows_a_mapping_ipv4(struct kunit *test)
{
	knows_a_mapping(test, SIPX_IPV4);
}

static void knows_a_mapping_ipv6(struct kunit *test)
{
	knows_a_mapping(test, SIPX_IPV6);
}

/* Somebody speaks to the very port that the question is about: the NAT would draw a number. */
static void takes_no_port_of_chance(struct kunit *test)
{
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 8000);
	struct sipx_endpoint odd = sipx_test_endpoint(SIPX_IPV4, 100, 1);
	struct sipx_endpoint first = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	struct sipx_endpoint second = sipx_test_endpoint(SIPX_IPV4, 2, 8000);
	struct nf_conn *ct = mapped(test, &first, &odd, &outside), *also;

	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &second, &outside), 0);
	odd.port = 2;
	also = mapped(test, &first, &odd, &outside);
	KUNIT_EXPECT_EQ(test, (int)port_of(ct, &second, &outside), 0);
	sipx_test_end(also);
	sipx_test_end(ct);
}

/* A slow machine reads conntrack's table in several slices, a question for each: what lies in
 * one that was not read yet is not known to be taken.
 */
static bool is_taken_at_last(struct sipx_packet *packet, const struct sipx_endpoint *outside,
			     const struct sipx_endpoint *inside)
{
	bool taken = false;
	int i;

	for (i = 0; i < 1000 && !taken; i++) {
		sipx_test_net()->leaving_pause_ns = 0;
		taken = sipx_ports_taken(packet, outside, inside, 1);
	}
	return taken;
}

static bool is_taken(struct nf_conn *like, const struct sipx_endpoint *outside,
		     const struct sipx_endpoint *inside)
{
	struct sipx_packet packet = { .ct = like, .sn = sipx_test_net() };
	bool taken;

	forget_what_was_read();
	sipx_test_lock();
	taken = is_taken_at_last(&packet, outside, inside);
	sipx_test_unlock();
	return taken;
}

static void knows_whose_port_it_is(struct kunit *test, u8 family)
{
	struct sipx_endpoint phone = sipx_test_endpoint(family, 1, 8000);
	struct sipx_endpoint other = sipx_test_endpoint(family, 2, 8000);
	struct sipx_endpoint stun = sipx_test_endpoint(family, 202, 3478);
	struct sipx_endpoint web = sipx_test_endpoint(family, 203, 443);
	struct sipx_endpoint outside = sipx_test_endpoint(family, 100, 23456);
	struct sipx_endpoint asked = outside;
	struct nf_conn *ct = mapped(test, &phone, &stun, &outside), *also;

	KUNIT_EXPECT_TRUE(test, is_taken(ct, &outside, &other));
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &outside, &phone));
	asked.port = 23457;
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &asked, &other));
	asked = outside;
	asked.protocol = SIPX_TCP;
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &asked, &other));
	asked = sipx_test_endpoint(family, 101, 23456);
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &asked, &other));
	/* two of them share it: it is neither's own */
	also = mapped(test, &other, &web, &outside);
	KUNIT_EXPECT_TRUE(test, is_taken(ct, &outside, &phone));
	sipx_test_end(ct);
	KUNIT_EXPECT_FALSE(test, is_taken(also, &outside, &other));
	sipx_test_end(also);
	also = mapped(test, &other, &web, &asked);
	KUNIT_EXPECT_FALSE(test, is_taken(also, &outside, &phone));
	sipx_test_end(also);
}

static void knows_whose_port_it_is_ipv4(struct kunit *test)
{
	knows_whose_port_it_is(test, SIPX_IPV4);
}

static void knows_whose_port_it_is_ipv6(struct kunit *test)
{
	knows_whose_port_it_is(test, SIPX_IPV6);
}

static void knows_what_is_forwarded(struct kunit *test)
{
	struct sipx_endpoint server = sipx_test_endpoint(SIPX_IPV4, 1, 12000);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 2, 12000);
	struct sipx_endpoint remote = sipx_test_endpoint(SIPX_IPV4, 202, 4000);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 12000);
	struct nf_conn *ct = forwarded(test, &server, &remote, &outside);

	KUNIT_EXPECT_TRUE(test, is_taken(ct, &outside, &phone));
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &outside, &server));
	sipx_test_end(ct);
	/* as what came through a pinhole of ours */
	ct = forwarded(test, &server, &remote, &outside);
	set_bit(IPS_EXPECTED_BIT, &ct->status);
	KUNIT_EXPECT_FALSE(test, is_taken(ct, &outside, &phone));
	clear_bit(IPS_EXPECTED_BIT, &ct->status);
	sipx_test_end(ct);
}

/* More outside addresses than are kept at once. */
static void asks_about_many_addresses(struct kunit *test)
{
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 1, 8000);
	struct sipx_endpoint other = sipx_test_endpoint(SIPX_IPV4, 2, 8000);
	struct sipx_endpoint stun = sipx_test_endpoint(SIPX_IPV4, 202, 3478);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 23456);
	struct nf_conn *ct = mapped(test, &phone, &stun, &outside);
	struct sipx_packet packet = { .ct = ct, .sn = sipx_test_net() };
	u8 i;

	for (i = 1; i < 100; i++) {
		struct sipx_endpoint asked = sipx_test_endpoint(SIPX_IPV4, 100 + i % 7, 23456);
		bool taken;

		sipx_test_net()->leaving_pause_ns = 0;
		sipx_test_lock();
		taken = i % 7 ? sipx_ports_taken(&packet, &asked, &other, 1) :
				is_taken_at_last(&packet, &asked, &other);
		sipx_test_unlock();
		KUNIT_EXPECT_EQ(test, taken, i % 7 == 0);
	}
	sipx_test_end(ct);
}

/* ---- hairpin (R14) ------------------------------------------------------------------------- */

static const char invitation[] =
	"INVITE sip:a@10.0.0.200 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK1\r\n"
	"From: <sip:b@10.0.0.200>;tag=1\r\n"
	"To: <sip:a@10.0.0.200>\r\n"
	"Call-ID: hairpin\r\n"
	"CSeq: 1 INVITE\r\n"
	"Max-Forwards: 70\r\n"
	"Contact: <sip:b@10.0.0.2:5060>\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 107\r\n\r\n"
	"v=0\r\n"
	"o=- 1 1 IN IP4 10.0.0.2\r\n"
	"s=-\r\n"
	"c=IN IP4 10.0.0.2\r\n"
	"t=0 0\r\n"
	"m=audio 8000 RTP/AVP 0\r\n"
	"a=rtpmap:0 PCMU/8000\r\n";

/* A phone's signalling through the NAT: 10.0.0.NUMBER to 10.0.0.200, seen as 10.0.0.100. */
static struct nf_conn *line_of(struct kunit *test, u8 number)
{
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, number, 5060);
	struct sipx_endpoint server = sipx_test_endpoint(SIPX_IPV4, 200, 5060);
	struct sipx_endpoint outside = sipx_test_endpoint(SIPX_IPV4, 100, 6000 + number);
	struct nf_conn *ct = sipx_test_connection(test, &phone, &server, &outside, true);

	sipx_test_confirm(test, ct);
	return ct;
}

static void expect_tuple(struct kunit *test, const struct nf_conntrack_tuple *tuple,
			 const struct sipx_endpoint *source,
			 const struct sipx_endpoint *destination)
{
	struct nf_conntrack_tuple wanted;

	sipx_set_tuple(&wanted, source, destination);
	KUNIT_EXPECT_TRUE(test, nf_ct_tuple_equal(tuple, &wanted));
}

/*
 * The first sends to the outside socket of the second, which a session of the second has
 * made. It leaves under its own outside socket, and arrives inside.
 */
static void leads_inside_to_inside(struct kunit *test)
{
	struct nf_conn *first = line_of(test, 1), *second = line_of(test, 2), *media;
	struct sk_buff *skb = sipx_test_datagram(test, second, invitation, sizeof(invitation) - 1, 256);
	struct sipx_endpoint phone = sipx_test_endpoint(SIPX_IPV4, 1, 4000);
	struct sipx_endpoint its_outside = sipx_test_endpoint(SIPX_IPV4, 100, 4000);
	struct sipx_endpoint other = sipx_test_endpoint(SIPX_IPV4, 2, 8000);
	struct sipx_endpoint others_outside = sipx_test_endpoint(SIPX_IPV4, 100, 8000);
	struct sipx_pinhole wished = {
		.source = phone, .destination = others_outside, .translated = its_outside,
		.translate = SIPX_TRANSLATE_SOURCE, .pinhole_class = SIPX_CLASS_AUDIO,
		.lifetime_s = 60,
	};
	struct sipx_packet packet = { .ct = first, .sn = sipx_test_net() };
	struct sipx_expectation *handle = NULL;
	enum sipx_pinhole_error error;

	KUNIT_EXPECT_EQ(test, sipx_test_help(skb, second), NF_ACCEPT);
	kfree_skb(skb);
	sipx_test_lock();
	error = sipx_pinhole_open(&packet, (struct sipx_conntrack *)first, &wished, &handle);
	sipx_test_unlock();
	KUNIT_ASSERT_EQ(test, (int)error, (int)SIPX_PINHOLE_OPEN);
	media = sipx_test_connection(test, &phone, &others_outside, NULL, false);
	nf_conntrack_get(&first->ct_general);
	media->master = first;
	sipx_test_pass(media, handle);
	expect_tuple(test, &media->tuplehash[IP_CT_DIR_REPLY].tuple, &other, &its_outside);
	KUNIT_EXPECT_EQ(test, media->status & IPS_NAT_DONE_MASK, (unsigned long)IPS_NAT_DONE_MASK);
	KUNIT_EXPECT_EQ(test, media->status & IPS_NAT_MASK, (unsigned long)IPS_NAT_MASK);
	nf_ct_put(media);
	sipx_pinhole_close(handle);
	sipx_test_end(second);
	sipx_test_end(first);
}

/* It leaves as it did before. The lock is held here: whoever wanted it would stand still. lockdep is not told
 * of it: the order is not the one that counts, since nobody takes the other lock within.
 */
static void P5_invite_sent_again_takes_no_expectation_lock(struct kunit *test)
{
	const u32 headers = sizeof(struct iphdr) + sizeof(struct udphdr), length = sizeof(invitation) - 1;
	struct nf_conn *ct = line_of(test, 2);
	struct sk_buff *first = sipx_test_datagram(test, ct, invitation, length, 256);
	struct sk_buff *again = sipx_test_datagram(test, ct, invitation, length, 256);
	int verdict;

	KUNIT_EXPECT_EQ(test, sipx_test_help(first, ct), NF_ACCEPT);
	KUNIT_EXPECT_GT(test, first->len, headers + length);
	local_bh_disable();
	arch_spin_lock(&nf_conntrack_expect_lock.rlock.raw_lock);
	verdict = sipx_test_help(again, ct);
	arch_spin_unlock(&nf_conntrack_expect_lock.rlock.raw_lock);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, verdict, NF_ACCEPT);
	KUNIT_ASSERT_EQ(test, again->len, first->len);
	KUNIT_EXPECT_EQ(test, memcmp(again->data + headers, first->data + headers, first->len - headers), 0);
	kfree_skb(again);
	kfree_skb(first);
	sipx_test_end(ct);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(knows_a_mapping_ipv4),
	KUNIT_CASE(knows_a_mapping_ipv6),
	KUNIT_CASE(takes_no_port_of_chance),
	KUNIT_CASE(hears_of_a_new_mapping_later),
	KUNIT_CASE(knows_whose_port_it_is_ipv4),
	KUNIT_CASE(knows_whose_port_it_is_ipv6),
	KUNIT_CASE(knows_what_is_forwarded),
	KUNIT_CASE(asks_about_many_addresses),
	KUNIT_CASE(leads_inside_to_inside),
	KUNIT_CASE(P5_invite_sent_again_takes_no_expectation_lock),
	{}
};

struct kunit_suite sipx_mappings_suite = { .name = "sip_ext_mappings", .test_cases = cases };
