// SPDX-License-Identifier: GPL-2.0
/*
 * sipx_packet_replace() on real packets: every byte, length and checksum is compared with
 * a packet that was built that way from the start.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/udp.h>
#include <net/ip6_checksum.h>
#include <net/udp.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "suites.h"

#define IN_PORT 5060
#define OUT_PORT 5061

static u8 header_length(const struct sk_buff *skb)
{
	return ip_hdr(skb)->version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static struct udphdr *udp_of(const struct sk_buff *skb)
{
	return (struct udphdr *)(skb->data + header_length(skb));
}

static __sum16 pseudo(const struct sk_buff *skb, u32 length, __wsum sum)
{
	if (ip_hdr(skb)->version == 4)
		return csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, length,
					 IPPROTO_UDP, sum);
	return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, length,
			       IPPROTO_UDP, sum);
}

static void set_full_checksum(struct sk_buff *skb)
{
	u32 start = header_length(skb), length = skb->len - start;

	udp_of(skb)->check = 0;
	udp_of(skb)->check = pseudo(skb, length, skb_checksum(skb, start, length, 0)) ?:
			     CSUM_MANGLED_0;
}

static void set_partial_checksum(struct sk_buff *skb)
{
	u32 start = header_length(skb);

	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + start;
	skb->csum_offset = offsetof(struct udphdr, check);
	udp_of(skb)->check = ~pseudo(skb, skb->len - start, 0);
}

static void write_headers(struct sk_buff *skb, const struct nf_conntrack_tuple *tuple)
{
	struct udphdr *udp;

	if (tuple->src.l3num == NFPROTO_IPV4) {
		struct iphdr *ip = (struct iphdr *)skb->data;

		*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64,
				      .protocol = IPPROTO_UDP, .tot_len = htons(skb->len),
				      .saddr = tuple->src.u3.ip, .daddr = tuple->dst.u3.ip };
		ip_send_check(ip);
	} else {
		struct ipv6hdr *ip = (struct ipv6hdr *)skb->data;

		*ip = (struct ipv6hdr){ .version = 6, .hop_limit = 64, .nexthdr = IPPROTO_UDP,
					.payload_len = htons(skb->len - sizeof(*ip)),
					.saddr = tuple->src.u3.in6, .daddr = tuple->dst.u3.in6 };
	}
	udp = udp_of(skb);
	*udp = (struct udphdr){ .source = tuple->src.u.udp.port, .dest = tuple->dst.u.udp.port,
				.len = htons(skb->len - header_length(skb)) };
}

struct sk_buff *sipx_test_datagram(struct kunit *test, struct nf_conn *ct, const void *payload,
				   u32 length, u32 room)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	u32 headers = sizeof(struct udphdr) + (tuple->src.l3num == NFPROTO_IPV4 ?
					       sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	struct sk_buff *skb = alloc_skb(64 + headers + length + room, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 64);
	skb_reset_network_header(skb);
	skb_put_zero(skb, headers);
	skb_put_data(skb, payload, length);
	skb_set_transport_header(skb, headers - sizeof(struct udphdr));
	skb->protocol = tuple->src.l3num == NFPROTO_IPV4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	write_headers(skb, tuple);
	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, IP_CT_ESTABLISHED);
	return skb;
}

enum checksum { FULL, PARTIAL, NONE };

struct replace_case {
	u8 family;
	enum checksum checksum;
	bool nonlinear;
	bool cloned;
	u32 room;
	const char *before;
	u32 offset;
	u32 old_length;
	const char *by;
	const char *after;
};

static struct nf_conn *connection(struct kunit *test, u8 family)
{
	struct sipx_endpoint source = sipx_test_endpoint(family, 1, IN_PORT);
	struct sipx_endpoint destination = sipx_test_endpoint(family, 2, OUT_PORT);

	return sipx_test_connection(test, &source, &destination, NULL, true);
}

static void to_pages(struct kunit *test, struct sk_buff *skb, u32 keep)
{
	u32 length = skb->len - keep;
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_LE(test, length, (u32)PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, keep, page_address(page), length), 0);
	__skb_trim(skb, keep);
	skb_add_rx_frag(skb, 0, page, 0, length, PAGE_SIZE);
}

static bool replace(struct nf_conn *ct, struct sk_buff *skb, u32 offset, u32 old_length,
		    const void *by, u32 new_length)
{
	struct sipx_packet packet = {
		.skb = skb, .ct = ct, .ctinfo = IP_CT_ESTABLISHED,
		.protoff = header_length(skb),
	};
	bool done;

	local_bh_disable();
	rcu_read_lock();
	done = sipx_packet_replace(&packet, offset, old_length, by, new_length);
	rcu_read_unlock();
	local_bh_enable();
	return done;
}

/* As it would be on the wire: a checksum that hardware would fill in is filled in. */
static void finish(struct kunit *test, struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		KUNIT_EXPECT_EQ(test, skb_checksum_help(skb), 0);
	skb->ip_summed = CHECKSUM_NONE;
	KUNIT_ASSERT_EQ(test, skb_linearize(skb), 0);
}

static void run_replace(struct kunit *test, const struct replace_case *c)
{
	struct nf_conn *ct = connection(test, c->family);
	struct sk_buff *skb = sipx_test_datagram(test, ct, c->before, strlen(c->before), c->room);
	struct sk_buff *wanted = sipx_test_datagram(test, ct, c->after, strlen(c->after), 0);
	struct sk_buff *clone = NULL;
	u32 before = skb->len;

	set_full_checksum(skb);
	set_full_checksum(wanted);
	if (c->checksum == PARTIAL)
		set_partial_checksum(skb);
	if (c->checksum == NONE)
		udp_of(skb)->check = udp_of(wanted)->check = 0;
	if (c->nonlinear)
		to_pages(test, skb, header_length(skb) + sizeof(struct udphdr) + 2);
	if (c->cloned)
		clone = skb_clone(skb, GFP_KERNEL);

	KUNIT_EXPECT_TRUE(test, replace(ct, skb, c->offset, c->old_length, c->by, strlen(c->by)));
	finish(test, skb);
	KUNIT_EXPECT_EQ(test, skb->len, wanted->len);
	if (skb->len == wanted->len)
		KUNIT_EXPECT_EQ(test, memcmp(skb->data, wanted->data, wanted->len), 0);
	if (clone) {
		u32 at = header_length(clone) + sizeof(struct udphdr);

		KUNIT_EXPECT_EQ(test, clone->len, before);
		KUNIT_EXPECT_EQ(test, memcmp(clone->data + at, c->before, clone->len - at), 0);
		kfree_skb(clone);
	}
	kfree_skb(wanted);
	kfree_skb(skb);
	nf_ct_put(ct);
}

static void replace_all(struct kunit *test, enum checksum checksum, bool nonlinear, bool cloned)
{
	static const struct {
		const char *before;
		u32 offset, old_length;
		const char *by, *after;
	} edits[] = {
		{ "Contact: <10.0.0.1>", 10, 8, "203.0.113.77:1024", "Contact: <203.0.113.77:1024>" },
		{ "Contact: <203.0.113.77:1024>", 10, 17, "10.0.0.1", "Contact: <10.0.0.1>" },
		{ "Contact: <10.0.0.1>", 10, 8, "10.0.0.9", "Contact: <10.0.0.9>" },
		{ "at the end: 1", 12, 1, "65535", "at the end: 65535" },
		{ "odd", 0, 3, "even", "even" },
		{ "all of it", 0, 9, "x", "x" },
		{ "insert", 3, 0, "+++", "ins+++ert" },
		{ "remove", 1, 4, "", "re" },
	};
	static const u32 rooms[] = { 0, 3, 64 };
	int i, r, six;

	for (i = 0; i < ARRAY_SIZE(edits); i++)
		for (r = 0; r < ARRAY_SIZE(rooms); r++)
			for (six = 0; six < 2; six++) {
				struct replace_case c = {
					.family = six ? SIPX_IPV6 : SIPX_IPV4,
					.checksum = checksum, .nonlinear = nonlinear,
					.cloned = cloned, .room = rooms[r],
					.before = edits[i].before, .offset = edits[i].offset,
					.old_length = edits[i].old_length,
					.by = edits[i].by, .after = edits[i].after,
				};

				run_replace(test, &c);
			}
}

static void replace_full_checksum(struct kunit *test)
{
	replace_all(test, FULL, false, false);
}

static void replace_partial_checksum(struct kunit *test)
{
	replace_all(test, PARTIAL, false, false);
}

static void replace_no_checksum(struct kunit *test)
{
	replace_all(test, NONE, false, false);
}

static void replace_nonlinear(struct kunit *test)
{
	replace_all(test, FULL, true, false);
	replace_all(test, PARTIAL, true, false);
}

static void replace_cloned(struct kunit *test)
{
	replace_all(test, FULL, false, true);
	replace_all(test, FULL, true, true);
}

/* With and without room behind the data: the limit is the packet's, not the buffer's. */
static void limit(struct kunit *test, u8 family, u32 room)
{
	struct nf_conn *ct = connection(test, family);
	u32 headers = sizeof(struct udphdr) + (family == SIPX_IPV4 ? sizeof(struct iphdr) :
					       sizeof(struct ipv6hdr));
	u32 length = 65535 - headers;
	u8 *bytes = kunit_kzalloc(test, length, GFP_KERNEL);
	struct sk_buff *skb, *copy;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'x', length);
	skb = sipx_test_datagram(test, ct, bytes, length - 4, room);
	set_full_checksum(skb);
	copy = skb_copy(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);

	KUNIT_EXPECT_FALSE(test, replace(ct, skb, 10, 1, "123456", 6));
	KUNIT_EXPECT_EQ(test, skb->len, copy->len);
	KUNIT_EXPECT_EQ(test, memcmp(skb->data, copy->data, copy->len), 0);
	KUNIT_EXPECT_TRUE(test, replace(ct, skb, 10, 1, "12345", 5));
	KUNIT_EXPECT_EQ(test, skb->len, 65535u);

	/* beyond its end there is nothing to replace */
	KUNIT_EXPECT_FALSE(test, replace(ct, copy, length - 4, 1, "", 0));
	KUNIT_EXPECT_FALSE(test, replace(ct, copy, length, 0, "", 0));
	KUNIT_EXPECT_FALSE(test, replace(ct, copy, 0xfffffff0, 0x20, "", 0));
	kfree_skb(copy);
	kfree_skb(skb);
	nf_ct_put(ct);
}

static void replace_limit(struct kunit *test)
{
	limit(test, SIPX_IPV4, 0);
	limit(test, SIPX_IPV4, 4096);
	limit(test, SIPX_IPV6, 0);
	limit(test, SIPX_IPV6, 4096);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(replace_full_checksum),
	KUNIT_CASE(replace_partial_checksum),
	KUNIT_CASE(replace_no_checksum),
	KUNIT_CASE(replace_nonlinear),
	KUNIT_CASE(replace_cloned),
	KUNIT_CASE(replace_limit),
	{}
};

struct kunit_suite sipx_packets_suite = { .name = "sip_ext_packets", .test_cases = cases };
