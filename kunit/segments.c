// SPDX-License-Identifier: GPL-2.0
/*
 * TCP segments as packets: what is read of them, what they become, and those that we make.
 * Each checksum is computed anew, over the whole packet.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "compat.h"
#include "suites.h"

/* ---- segments for the tests ------------------------------------------------------------- */

struct nf_conn *sipx_test_tcp(struct kunit *test, u8 family)
{
	struct sipx_endpoint source = sipx_test_endpoint(family, 1, 5060);
	struct sipx_endpoint destination = sipx_test_endpoint(family, 200, 5060);
	struct sipx_endpoint outside = sipx_test_endpoint(family, 100, 5060);

	source.protocol = destination.protocol = outside.protocol = SIPX_TCP;
	return sipx_test_connection(test, &source, &destination, &outside, true);
}

struct tcphdr *sipx_test_tcphdr(const struct sk_buff *skb)
{
	return (struct tcphdr *)(skb->data + (ip_hdr(skb)->version == 4 ? 20 : 40));
}

static u32 headers_of(const struct sk_buff *skb)
{
	return (u8 *)sipx_test_tcphdr(skb) - skb->data + sipx_test_tcphdr(skb)->doff * 4;
}

/* As NAT leaves it: from the source as it is seen to the destination as it is. */
static void put_addresses(struct sk_buff *skb, const struct nf_conntrack_tuple *back, u32 length)
{
	if (back->src.l3num == NFPROTO_IPV4) {
		struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

		ip->version = 4;
		ip->ihl = 5;
		ip->ttl = 64;
		ip->protocol = IPPROTO_TCP;
		ip->tot_len = htons(sizeof(*ip) + length);
		ip->saddr = back->dst.u3.ip;
		ip->daddr = back->src.u3.ip;
		ip_send_check(ip);
		skb->protocol = htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip = skb_put_zero(skb, sizeof(*ip));

		ip->version = 6;
		ip->hop_limit = 64;
		ip->nexthdr = IPPROTO_TCP;
		ip->payload_len = htons(length);
		ip->saddr = back->dst.u3.in6;
		ip->daddr = back->src.u3.in6;
		skb->protocol = htons(ETH_P_IPV6);
	}
}

static struct tcphdr *put_tcp(struct sk_buff *skb, const struct nf_conntrack_tuple *back,
			      const struct sipx_test_segment *wanted)
{
	struct tcphdr *tcp;

	skb_reset_transport_header(skb);
	tcp = skb_put_zero(skb, sizeof(*tcp));
	tcp->source = back->dst.u.tcp.port;
	tcp->dest = back->src.u.tcp.port;
	tcp->seq = htonl(wanted->seq);
	tcp->ack_seq = htonl(wanted->no_ack ? 0 : wanted->ack);
	tcp->ack = !wanted->no_ack;
	tcp->syn = wanted->syn;
	tcp->fin = wanted->fin;
	tcp->rst = wanted->rst;
	tcp->window = htons(8000);
	tcp->doff = (sizeof(*tcp) + wanted->options_length) / 4;
	skb_put_data(skb, wanted->options, wanted->options_length);
	return tcp;
}

static void put_pages(struct kunit *test, struct sk_buff *skb, const u8 *payload, u32 length)
{
	u32 at;

	for (at = 0; at < length; at += PAGE_SIZE) {
		u32 size = min_t(u32, length - at, PAGE_SIZE);
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page), payload + at, size);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, size, PAGE_SIZE);
	}
}

static __sum16 checksum_of(const struct sk_buff *skb, u32 start, __wsum sum)
{
	u32 length = skb->len - start;

	if (ip_hdr(skb)->version == 4)
		return csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, length,
					 IPPROTO_TCP, sum);
	return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, length, IPPROTO_TCP,
			       sum);
}

static void set_checksum(struct sk_buff *skb, struct tcphdr *tcp, bool partial)
{
	u32 start = (u8 *)tcp - skb->data;

	if (!partial) {
		tcp->check = checksum_of(skb, start, skb_checksum(skb, start, skb->len - start, 0));
		return;
	}
	tcp->check = ~checksum_of(skb, start, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u8 *)tcp - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

struct sk_buff *sipx_test_segment(struct kunit *test, const struct nf_conn *ct,
				  const struct sipx_test_segment *wanted)
{
	const struct nf_conntrack_tuple *back = &ct->tuplehash[!wanted->reply].tuple;
	u32 linear = wanted->nonlinear ? 0 : wanted->length;
	struct sk_buff *skb = alloc_skb(200 + linear, GFP_KERNEL);
	struct tcphdr *tcp;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 64);
	skb_reset_network_header(skb);
	put_addresses(skb, back, sizeof(*tcp) + wanted->options_length + wanted->length);
	tcp = put_tcp(skb, back, wanted);
	if (wanted->nonlinear)
		put_pages(test, skb, wanted->payload, wanted->length);
	else
		skb_put_data(skb, wanted->payload, wanted->length);
	set_checksum(skb, tcp, wanted->partial || wanted->gso_size);
	if (wanted->gso_size) {
		skb_shinfo(skb)->gso_size = wanted->gso_size;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(wanted->length, wanted->gso_size);
		skb_shinfo(skb)->gso_type = back->src.l3num == NFPROTO_IPV4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	}
	return skb;
}

static void expect_lengths(struct kunit *test, const struct sk_buff *skb)
{
	if (ip_hdr(skb)->version == 4) {
		KUNIT_EXPECT_EQ(test, (u32)ntohs(ip_hdr(skb)->tot_len), skb->len);
		KUNIT_EXPECT_EQ(test, (int)ip_fast_csum(ip_hdr(skb), 5), 0);
	} else {
		KUNIT_EXPECT_EQ(test, (u32)ntohs(ipv6_hdr(skb)->payload_len) + 40, skb->len);
	}
}

/* On a copy: who sends a packet fills its checksum in. */
static void expect_checksum(struct kunit *test, const struct sk_buff *skb)
{
	struct sk_buff *copy = skb_copy(skb, GFP_KERNEL);
	u32 start;

	KUNIT_ASSERT_NOT_NULL(test, copy);
	start = (u8 *)sipx_test_tcphdr(copy) - copy->data;
	if (copy->ip_summed == CHECKSUM_PARTIAL) {
		skb_shinfo(copy)->gso_size = 0;
		KUNIT_EXPECT_EQ(test, skb_checksum_help(copy), 0);
	}
	KUNIT_EXPECT_EQ(test, (int)checksum_of(copy, start, skb_checksum(copy, start, copy->len - start, 0)), 0);
	kfree_skb(copy);
}

void sipx_test_expect_segment(struct kunit *test, struct sk_buff *skb, const void *payload, u32 length)
{
	u32 headers = headers_of(skb);
	u8 *got = kunit_kmalloc(test, length + 1, GFP_KERNEL);

	expect_lengths(test, skb);
	expect_checksum(test, skb);
	KUNIT_EXPECT_EQ(test, skb->len, headers + length);
	if (skb->len != headers + length || !length)
		return;
	KUNIT_ASSERT_NOT_NULL(test, got);
	KUNIT_EXPECT_EQ(test, skb_copy_bits(skb, headers, got, length), 0);
	KUNIT_EXPECT_EQ(test, memcmp(got, payload, length), 0);
}

/* ---- what each test does, in all forms of a packet ------------------------------------------ */

static const char text[] = "OPTIONS sip:a@example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
#define TEXT_LENGTH (sizeof(text) - 1)

/* NOP, NOP, timestamps; a NOP that moves the next option to an odd place; two SACK blocks */
static const u8 options[] = {
	1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0,
	1, 5, 18, 0, 0, 0x10, 0, 0, 0, 0x20, 0, 0, 0, 0x30, 0, 0, 0, 0x40, 0, 1,
};

static const struct sipx_test_segment plain = {
	.seq = 1000, .ack = 2000, .payload = text, .length = TEXT_LENGTH,
	.options = options, .options_length = sizeof(options),
};

/* IPv4 and IPv6, whole checksum and partial, linear and in pages, and shared with a clone. */
#define FORMS 16

struct form {
	struct nf_conn *ct;
	struct sk_buff *skb, *clone;
	struct sipx_packet packet;
	struct sipx_tcp_header header;
};

static void make_form(struct kunit *test, struct form *form, int number,
		      const struct sipx_test_segment *like)
{
	struct sipx_test_segment wanted = *like;

	*form = (struct form){ .ct = sipx_test_tcp(test, number & 1 ? SIPX_IPV6 : SIPX_IPV4) };
	wanted.partial = number & 2;
	wanted.nonlinear = number & 4;
	form->skb = sipx_test_segment(test, form->ct, &wanted);
	if (number & 8)
		form->clone = skb_clone(form->skb, GFP_KERNEL);
	form->packet = (struct sipx_packet){
		.skb = form->skb, .ct = form->ct, .protoff = number & 1 ? 40 : 20,
		.ctinfo = like->reply ? IP_CT_ESTABLISHED_REPLY : IP_CT_ESTABLISHED,
		.sn = sipx_test_net(),
	};
	KUNIT_ASSERT_TRUE(test, sipx_segment_read(&form->packet, &form->header));
}

/* What shares its bytes is as it was. */
static void end_form(struct kunit *test, struct form *form, const struct sipx_test_segment *like)
{
	if (form->clone)
		sipx_test_expect_segment(test, form->clone, like->payload, like->length);
	kfree_skb(form->clone);
	kfree_skb(form->skb);
	nf_ct_put(form->ct);
}

static struct sipx_segment_answer as_it_is(const struct sipx_test_segment *wanted)
{
	return (struct sipx_segment_answer){
		.same_payload = 1, .fin = wanted->fin, .seq = wanted->seq, .ack = wanted->ack,
		.size = 1460,
	};
}

/* ---- numbers alone -------------------------------------------------------------------------------- */

static void untouched(struct kunit *test)
{
	struct sipx_segment_answer answer = as_it_is(&plain);
	struct form form;
	const u8 *bytes;
	int i;

	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		bytes = form.skb->data;
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_PTR_EQ(test, (const u8 *)form.skb->data, bytes);
		KUNIT_EXPECT_EQ(test, skb_cloned(form.skb) != 0, form.clone != NULL);
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &plain);
	}
}

static void numbers_alone(struct kunit *test)
{
	struct sipx_segment_answer answer = as_it_is(&plain);
	struct form form;
	int i;

	answer.seq = 0xfffffff0;
	answer.ack = 7;
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(form.skb)->seq), 0xfffffff0);
		KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(form.skb)->ack_seq), 7u);
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &plain);
	}
}

static void sacks_replaced(struct kunit *test)
{
	static const u8 wanted[] = { 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4 };
	struct sipx_segment_answer answer = as_it_is(&plain);
	struct form form;
	int i;

	answer.sack = SIPX_SACK_REPLACE;
	answer.sacks[0] = (struct sipx_sack_block){ 1, 2 };
	answer.sacks[1] = (struct sipx_sack_block){ 3, 4 };
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_EXPECT_EQ(test, (int)form.header.segment.sack_count, 2);
		KUNIT_EXPECT_EQ(test, form.header.segment.sacks[1].left, 0x3000u);
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_EQ(test, memcmp((u8 *)sipx_test_tcphdr(form.skb) + 33, wanted, 18), 0);
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &plain);
	}
}

static void sacks_blanked(struct kunit *test)
{
	struct sipx_segment_answer answer = as_it_is(&plain);
	struct form form;
	int i;

	answer.sack = SIPX_SACK_BLANK;
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv((u8 *)sipx_test_tcphdr(form.skb) + 33, 1, 18),
				    (void *)NULL);
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &plain);
	}
}

/* ---- the payload ------------------------------------------------------------------------------------ */

static u8 ours[60000];

static void fill_ours(void)
{
	u32 i;

	for (i = 0; i < sizeof(ours); i++)
		ours[i] = 'a' + i % 23;
}

/* The first `head` bytes, `ours_length` of ours, the last `tail` bytes. */
static void replaced(struct kunit *test, u32 head, u32 ours_length, u32 tail)
{
	u32 length = head + ours_length + tail;
	struct sipx_segment_answer answer = {
		.seq = 5000, .ack = 6000, .head = head, .ours = ours, .ours_length = ours_length,
		.tail = TEXT_LENGTH - tail, .tail_length = tail, .size = 1400,
	};
	u8 *wanted = kunit_kmalloc(test, length + 1, GFP_KERNEL);
	struct form form;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, wanted);
	fill_ours();
	memcpy(wanted, text, head);
	memcpy(wanted + head, ours, ours_length);
	memcpy(wanted + head + ours_length, text + TEXT_LENGTH - tail, tail);
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_ASSERT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(form.skb)->seq), 5000u);
		KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(form.skb)->ack_seq), 6000u);
		KUNIT_EXPECT_EQ(test, (bool)sipx_test_tcphdr(form.skb)->psh, ours_length != 0);
		KUNIT_EXPECT_FALSE(test, skb_is_gso(form.skb));
		sipx_test_expect_segment(test, form.skb, wanted, length);
		end_form(test, &form, &plain);
	}
}

static void payload_grows(struct kunit *test)
{
	replaced(test, 10, 30, TEXT_LENGTH - 30);	/* ten more */
	replaced(test, 10, 1000, TEXT_LENGTH - 10);	/* beyond any room behind it */
	replaced(test, 0, 1400, 0);
}

static void payload_shrinks(struct kunit *test)
{
	replaced(test, 10, 3, 20);
	replaced(test, 0, 1, 0);
	replaced(test, 0, 0, 0);
	replaced(test, 20, 0, 0);
	replaced(test, 0, 0, 20);
}

static void fin_waits(struct kunit *test)
{
	struct sipx_test_segment last = plain;
	struct sipx_segment_answer answer = { .seq = 1000, .ack = 2000, .head = 10, .size = 1400 };
	struct form form;

	last.fin = true;
	make_form(test, &form, 0, &last);
	KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
	KUNIT_EXPECT_FALSE(test, sipx_test_tcphdr(form.skb)->fin);
	sipx_test_expect_segment(test, form.skb, text, 10);
	end_form(test, &form, &last);
	make_form(test, &form, 1, &last);
	answer.fin = 1;
	KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
	KUNIT_EXPECT_TRUE(test, sipx_test_tcphdr(form.skb)->fin);
	end_form(test, &form, &last);
}

/* A packet holds so much, and is left alone where more is asked of it. */
static void too_large(struct kunit *test)
{
	struct sipx_segment_answer answer = {
		.seq = 1000, .ack = 2000, .ours = ours, .ours_length = sizeof(ours), .size = 1400,
		.head = 5600,
	};
	u64 before = sipx_test_counter(SIPX_COUNT_stream_no_memory);
	struct sipx_test_segment large = plain;
	struct form form;

	large.payload = ours;
	large.length = 6000;
	make_form(test, &form, 0, &large);
	KUNIT_EXPECT_FALSE(test, sipx_segment_write(&form.packet, &form.header, &answer));
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_no_memory), before + 1);
	sipx_test_expect_segment(test, form.skb, ours, 6000);
	answer.head = 65535 - sizeof(ours) - 72;
	KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
	KUNIT_EXPECT_EQ(test, form.skb->len, 65535u);
	end_form(test, &form, &large);
}

/* ---- several packets as one ---------------------------------------------------------------------------- */

/* As it would leave: every packet is right, and all bytes are there. */
static void expect_packets(struct kunit *test, struct sk_buff *skb, const u8 *payload, u16 size)
{
	u32 left = skb->len - headers_of(skb), seq = ntohl(sipx_test_tcphdr(skb)->seq);
	struct sk_buff *packets, *next;

	KUNIT_EXPECT_EQ(test, (int)skb_shinfo(skb)->gso_size, (int)size);
	KUNIT_EXPECT_EQ(test, (u32)skb_shinfo(skb)->gso_segs, DIV_ROUND_UP(left, size));
	/* from here on a device has it: a link header in front */
	skb_push(skb, ETH_HLEN);
	skb_reset_mac_header(skb);
	memset(skb->data, 0, ETH_HLEN);
	eth_hdr(skb)->h_proto = skb->protocol;
	packets = skb_gso_segment(skb, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(packets));
	for (; packets; packets = next) {
		u32 length = min_t(u32, left, size);

		next = packets->next;
		packets->next = NULL;
		skb_pull(packets, ETH_HLEN);
		KUNIT_EXPECT_EQ(test, ntohl(sipx_test_tcphdr(packets)->seq), seq);
		sipx_test_expect_segment(test, packets, payload, length);
		payload += length;
		left -= length;
		seq += length;
		kfree_skb(packets);
	}
	KUNIT_EXPECT_EQ(test, left, 0u);
	skb_pull(skb, ETH_HLEN);
}

static void leaves_as_several(struct kunit *test)
{
	struct sipx_segment_answer answer = {
		.seq = 5000, .ack = 6000, .ours = ours, .ours_length = 10000, .size = 1400,
	};
	struct form form;
	int i;

	fill_ours();
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_ASSERT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		sipx_test_expect_segment(test, form.skb, ours, 10000);
		expect_packets(test, form.skb, ours, 1400);
		end_form(test, &form, &plain);
	}
}

/* Several packets came as one: numbers alone change, or it grows, or one is left of it. */
static void came_as_several(struct kunit *test)
{
	struct sipx_test_segment aggregate = plain;
	struct sipx_segment_answer answer;
	struct form form;
	int i;

	fill_ours();
	aggregate.payload = ours;
	aggregate.length = 20000;
	aggregate.gso_size = 1000;
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &aggregate);
		KUNIT_EXPECT_EQ(test, (int)form.header.segment.merged, 1000);
		answer = as_it_is(&aggregate);
		answer.seq = 3000;
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		expect_packets(test, form.skb, ours, 1000);
		KUNIT_ASSERT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		answer = (struct sipx_segment_answer){
			.seq = 4000, .ack = 5000, .ours = ours, .ours_length = 30000, .size = 1400,
		};
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		expect_packets(test, form.skb, ours, 1400);
		answer.ours_length = 1;
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_FALSE(test, skb_is_gso(form.skb));
		KUNIT_EXPECT_EQ(test, (int)skb_shinfo(form.skb)->gso_type, 0);
		sipx_test_expect_segment(test, form.skb, ours, 1);
		end_form(test, &form, &aggregate);
	}
}

/* Packets that came in a list, each with a checksum of its own, become one aggregate. */
static void came_in_a_list(struct kunit *test)
{
	struct sipx_test_segment first = plain;
	struct sk_buff *second;
	struct form form;
	int six;

	fill_ours();
	first.payload = ours;
	first.length = 1000;
	for (six = 0; six < 2; six++) {
		make_form(test, &form, six, &first);
		second = alloc_skb(1000, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, second);
		skb_put_data(second, ours + 1000, 500);
		skb_shinfo(form.skb)->frag_list = second;
		form.skb->len += 500;
		form.skb->data_len += 500;
		form.skb->truesize += second->truesize;
		skb_shinfo(form.skb)->gso_size = 1000;
		skb_shinfo(form.skb)->gso_segs = 2;
		skb_shinfo(form.skb)->gso_type = SKB_GSO_FRAGLIST | (six ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4);
		form.skb->ip_summed = CHECKSUM_UNNECESSARY;
		if (six)
			ipv6_hdr(form.skb)->payload_len = htons(form.skb->len - 40);
		else
			ip_hdr(form.skb)->tot_len = htons(form.skb->len);
		if (!six)
			ip_send_check(ip_hdr(form.skb));
		KUNIT_ASSERT_TRUE(test, sipx_segment_read(&form.packet, &form.header));
		KUNIT_EXPECT_EQ(test, form.header.payload_length, 1500u);
		KUNIT_ASSERT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		sipx_test_expect_segment(test, form.skb, ours, 1500);
		expect_packets(test, form.skb, ours, 1000);
		end_form(test, &form, &first);
	}
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void read_with(struct kunit *test, const u8 *bytes, u8 length, struct sipx_tcp_header *header)
{
	struct sipx_test_segment wanted = {
		.syn = true, .no_ack = true, .options = bytes, .options_length = length, .seq = 9,
	};
	struct form form;

	make_form(test, &form, 0, &wanted);
	*header = form.header;
	end_form(test, &form, &wanted);
}

static void reads_options(struct kunit *test)
{
	static const u8 usual[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 7 };
	static const u8 multipath[] = { 30, 12, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const u8 signs[] = { 1, 1, 19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	static const u8 authenticates[] = { 29, 4, 0, 0 };
	static const u8 broken[][4] = {
		{ 5, 0, 0, 0 }, { 5, 1, 0, 0 }, { 1, 1, 1, 8 }, { 2, 9, 1, 1 }, { 5, 4, 0, 0 },
	};
	struct sipx_tcp_header header;
	int i;

	read_with(test, NULL, 0, &header);
	KUNIT_EXPECT_EQ(test, (int)header.segment.mss, 536);
	KUNIT_EXPECT_EQ(test, (int)header.segment.room, 1460);
	KUNIT_EXPECT_TRUE(test, header.segment.syn && !header.segment.has_ack);
	read_with(test, usual, sizeof(usual), &header);
	KUNIT_EXPECT_EQ(test, (int)header.segment.mss, 1460);
	KUNIT_EXPECT_EQ(test, (int)header.segment.options_length, 20);
	KUNIT_EXPECT_TRUE(test, header.has_stamp && header.stamp == 7);
	KUNIT_EXPECT_FALSE(test, header.is_signed || header.multipath || header.sack);
	read_with(test, multipath, sizeof(multipath), &header);
	KUNIT_EXPECT_EQ(test, (int)header.multipath, 20);
	read_with(test, signs, sizeof(signs), &header);
	KUNIT_EXPECT_TRUE(test, header.is_signed);
	read_with(test, authenticates, sizeof(authenticates), &header);
	KUNIT_EXPECT_TRUE(test, header.is_signed);
	for (i = 0; i < ARRAY_SIZE(broken); i++) {
		read_with(test, broken[i], 4, &header);
		KUNIT_EXPECT_EQ(test, (int)header.segment.sack_count, 0);
		KUNIT_EXPECT_EQ(test, (int)header.segment.mss, 536);
		KUNIT_EXPECT_FALSE(test, header.has_stamp);
	}
}

/* RFC 7323 2.2: the scale is the sender's own, and not a SYN's. */
static void scales_the_window(struct kunit *test)
{
	struct nf_conn *ct = sipx_test_tcp(test, SIPX_IPV4);
	struct sipx_test_segment wanted = plain;
	struct sipx_packet packet = { .ct = ct, .protoff = 20, .ctinfo = IP_CT_ESTABLISHED };
	struct sipx_tcp_header header;

	ct->proto.tcp.seen[0].td_scale = 3;
	ct->proto.tcp.seen[1].td_scale = 7;
	packet.skb = sipx_test_segment(test, ct, &wanted);
	KUNIT_EXPECT_TRUE(test, sipx_segment_read(&packet, &header));
	KUNIT_EXPECT_EQ(test, header.segment.window, 64000u);
	KUNIT_EXPECT_EQ(test, (int)header.segment.window_field, 8000);
	sipx_test_tcphdr(packet.skb)->syn = 1;
	KUNIT_EXPECT_TRUE(test, sipx_segment_read(&packet, &header));
	KUNIT_EXPECT_EQ(test, header.segment.window, 8000u);
	kfree_skb(packet.skb);
	nf_ct_put(ct);
}

/* Two paths are not offered: the option becomes nothing, whatever else happens. */
static void strips_multipath(struct kunit *test)
{
	static const u8 multipath[] = { 2, 4, 5, 0xb4, 30, 12, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct sipx_test_segment wanted = {
		.syn = true, .no_ack = true, .options = multipath, .options_length = 16,
		.seq = 9, .payload = text, .length = TEXT_LENGTH,
	};
	struct sipx_segment_answer answer = as_it_is(&wanted);
	struct form form;
	int i;

	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &wanted);
		answer.same_payload = 1;
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv((u8 *)sipx_test_tcphdr(form.skb) + 24, 1, 12),
				    (void *)NULL);
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &wanted);
		make_form(test, &form, i, &wanted);
		answer.same_payload = 0;
		KUNIT_ASSERT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		KUNIT_EXPECT_TRUE(test, sipx_segment_write(&form.packet, &form.header, &answer));
		KUNIT_EXPECT_PTR_EQ(test, memchr_inv((u8 *)sipx_test_tcphdr(form.skb) + 24, 1, 12),
				    (void *)NULL);
		sipx_test_expect_segment(test, form.skb, "", 0);
		end_form(test, &form, &wanted);
	}
}

/* Conntrack was told not to look: what we would give a good checksum must have had one. */
static void corrupt_is_dropped(struct kunit *test)
{
	u64 before = sipx_test_counter(SIPX_COUNT_stream_corrupt);
	u8 setting = init_net.ct.sysctl_checksum;
	struct form form;
	int i;

	init_net.ct.sysctl_checksum = 0;
	for (i = 0; i < FORMS; i++) {
		make_form(test, &form, i, &plain);
		KUNIT_EXPECT_TRUE(test, sipx_segment_open(&form.packet, &form.header));
		sipx_test_expect_segment(test, form.skb, text, TEXT_LENGTH);
		end_form(test, &form, &plain);
		if (i & 2)
			continue;
		make_form(test, &form, i & 3, &plain);
		sipx_test_tcphdr(form.skb)->urg_ptr ^= htons(1);
		KUNIT_EXPECT_FALSE(test, sipx_segment_open(&form.packet, &form.header));
		end_form(test, &form, &plain);
	}
	KUNIT_EXPECT_EQ(test, sipx_test_counter(SIPX_COUNT_stream_corrupt), before + 8);
	init_net.ct.sysctl_checksum = setting;
}

/* ---- segments that we make ------------------------------------------------------------------------------------ */

static void expect_between(struct kunit *test, const struct sk_buff *skb,
			   const struct nf_conntrack_tuple *back)
{
	union nf_inet_addr source = {}, destination = {};

	if (ip_hdr(skb)->version == 4) {
		source.ip = ip_hdr(skb)->saddr;
		destination.ip = ip_hdr(skb)->daddr;
	} else {
		source.in6 = ipv6_hdr(skb)->saddr;
		destination.in6 = ipv6_hdr(skb)->daddr;
	}
	KUNIT_EXPECT_TRUE(test, nf_inet_addr_cmp(&source, &back->dst.u3));
	KUNIT_EXPECT_TRUE(test, nf_inet_addr_cmp(&destination, &back->src.u3));
	KUNIT_EXPECT_EQ(test, (int)sipx_test_tcphdr(skb)->source, (int)back->dst.u.all);
	KUNIT_EXPECT_EQ(test, (int)sipx_test_tcphdr(skb)->dest, (int)back->src.u.all);
}

static void emission_of(struct kunit *test, u8 family, u8 reply, bool stamped)
{
	struct nf_conn *ct = sipx_test_tcp(test, family);
	struct sipx_tcp tcp = { .ct = ct, .stamps = { 11, 22 }, .stamped = stamped ? 3 : 1 };
	struct sipx_emission emission = {
		.reply = reply, .window_field = 300, .seq = 1, .ack = 2, .size = 1000,
		.payload = ours, .length = 2500,
	};
	u8 wanted[] = { 1, 1, 8, 10, 0, 0, 0, reply ? 22 : 11, 0, 0, 0, reply ? 11 : 22 };
	struct sk_buff *skb = sipx_emission_make(&tcp, &emission);
	const struct tcphdr *header;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	header = sipx_test_tcphdr(skb);
	/* who sends it looks there */
	KUNIT_EXPECT_PTR_EQ(test, (const struct tcphdr *)tcp_hdr(skb), header);
	KUNIT_EXPECT_EQ(test, ntohl(header->seq), 1u);
	KUNIT_EXPECT_EQ(test, ntohl(header->ack_seq), 2u);
	KUNIT_EXPECT_EQ(test, (int)ntohs(header->window), 300);
	KUNIT_EXPECT_TRUE(test, header->ack && header->psh && !header->syn && !header->fin && !header->rst);
	KUNIT_EXPECT_EQ(test, (int)header->doff, stamped ? 8 : 5);
	if (stamped)
		KUNIT_EXPECT_EQ(test, memcmp(header + 1, wanted, sizeof(wanted)), 0);
	expect_between(test, skb, &ct->tuplehash[!reply].tuple);
	if (family == SIPX_IPV4)
		ip_send_check(ip_hdr(skb));	/* its route fills in the rest */
	sipx_test_expect_segment(test, skb, ours, 2500);
	expect_packets(test, skb, ours, 1000);
	kfree_skb(skb);
	emission.length = 0;
	KUNIT_EXPECT_PTR_EQ(test, sipx_emission_make(&tcp, &emission), (struct sk_buff *)NULL);
	nf_ct_put(ct);
}

static void makes_emissions(struct kunit *test)
{
	int i;

	fill_ours();
	for (i = 0; i < 8; i++)
		emission_of(test, i & 1 ? SIPX_IPV6 : SIPX_IPV4, i >> 1 & 1, i & 4);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(untouched),
	KUNIT_CASE(numbers_alone),
	KUNIT_CASE(sacks_replaced),
	KUNIT_CASE(sacks_blanked),
	KUNIT_CASE(payload_grows),
	KUNIT_CASE(payload_shrinks),
	KUNIT_CASE(fin_waits),
	KUNIT_CASE(too_large),
	KUNIT_CASE(leaves_as_several),
	KUNIT_CASE(came_as_several),
	KUNIT_CASE(came_in_a_list),
	KUNIT_CASE(reads_options),
	KUNIT_CASE(scales_the_window),
	KUNIT_CASE(strips_multipath),
	KUNIT_CASE(corrupt_is_dropped),
	KUNIT_CASE(makes_emissions),
	{}
};

struct kunit_suite sipx_segments_suite = { .name = "sip_ext_segments", .test_cases = cases };
