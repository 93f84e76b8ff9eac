// SPDX-License-Identifier: GPL-2.0
/*
 * A TCP segment as a packet: what its header says, and how it becomes what the core wishes.
 *
 * Most segments change nothing, or their numbers alone: then the checksum is kept right by
 * the difference. Where the payload changes, the packet is rewritten once, and its checksum
 * is left to who sends it, as NAT and GRO do.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "compat.h"
#include "internal.h"

/* IPv4 counts the whole packet in 16 bits; IPv6 could hold 40 bytes more */
#define PACKET_MAX 65535
/* What any link carries that says nothing else (RFC 894). */
#define USUAL_MTU 1500

/* RFC 9293 3.7.1 */
#define MSS_IPV4 536
#define MSS_IPV6 1220

#define OPTION_MD5 19		/* RFC 2385 */
#define OPTION_AO 29		/* RFC 5925 */
#define OPTION_MULTIPATH 30	/* RFC 8684 */

static struct tcphdr *tcp_of(const struct sipx_packet *packet)
{
	return (struct tcphdr *)(packet->skb->data + packet->protoff);
}

/* It is dropped. */
static bool no_memory(const struct sipx_packet *packet)
{
	sipx_net_count(packet->sn, SIPX_COUNT_stream_no_memory);
	return false;
}

/* ---- what it says ------------------------------------------------------------------------ */

static void read_sacks(struct sipx_tcp_header *header, const u8 *option)
{
	struct sipx_segment *segment = &header->segment;
	u32 i, size = option[1] - TCPOLEN_SACK_BASE;

	if (size % TCPOLEN_SACK_PERBLOCK || size > SIPX_SACK_BLOCKS * TCPOLEN_SACK_PERBLOCK)
		return;
	segment->sack_count = size / TCPOLEN_SACK_PERBLOCK;
	for (i = 0; i < segment->sack_count; i++) {
		segment->sacks[i].left = get_unaligned_be32(option + 2 + 8 * i);
		segment->sacks[i].right = get_unaligned_be32(option + 6 + 8 * i);
	}
}

/* @at: where it is, from the beginning of the header */
static void read_option(struct sipx_tcp_header *header, const u8 *option, u8 at)
{
	switch (option[0]) {
	case TCPOPT_MSS:
		if (option[1] == TCPOLEN_MSS)
			header->segment.mss = get_unaligned_be16(option + 2);
		break;
	case TCPOPT_SACK:
		header->sack = at;
		read_sacks(header, option);
		break;
	case TCPOPT_TIMESTAMP:
		header->has_stamp = option[1] == TCPOLEN_TIMESTAMP;
		if (header->has_stamp)
			header->stamp = get_unaligned_be32(option + 2);
		break;
	case OPTION_MD5:
	case OPTION_AO:
		header->is_signed = true;
		break;
	case OPTION_MULTIPATH:
		header->multipath = at;
		break;
	}
}

/* RFC 7323 appendix A: nearly all segments have just this. */
static bool read_aligned_stamp(struct sipx_tcp_header *header, const struct tcphdr *tcp)
{
	const __be32 *words = (const __be32 *)(tcp + 1);

	if (header->length != sizeof(*tcp) + TCPOLEN_TSTAMP_ALIGNED ||
	    get_unaligned(words) != htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 |
					  TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP))
		return false;
	header->has_stamp = true;
	header->stamp = get_unaligned_be32(words + 1);
	return true;
}

static void read_options(struct sipx_tcp_header *header, const struct tcphdr *tcp)
{
	const u8 *bytes = (const u8 *)tcp;
	u32 at = sizeof(*tcp);

	if (read_aligned_stamp(header, tcp))
		return;
	while (at < header->length && bytes[at] != TCPOPT_EOL) {
		if (bytes[at] == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (header->length - at < 2 || bytes[at + 1] < 2 || bytes[at + 1] > header->length - at)
			break;
		read_option(header, bytes + at, at);
		at += bytes[at + 1];
	}
}

/* The window's scale is its sender's own, and no SYN is scaled (RFC 7323 2.2). */
static u32 window_of(const struct sipx_packet *packet, const struct tcphdr *tcp)
{
	const struct ip_ct_tcp *state = &packet->ct->proto.tcp;

	return (u32)ntohs(tcp->window) << (tcp->syn ? 0 : state->seen[CTINFO2DIR(packet->ctinfo)].td_scale);
}

/* An acknowledgement alone says nothing of it: it would cost a twentieth of all that one costs. */
static u16 room_of(const struct sipx_packet *packet, const struct tcphdr *tcp)
{
	const struct dst_entry *dst = skb_dst(packet->skb);
	u32 mtu, headers = packet->protoff + tcp->doff * 4;

	if (packet->skb->len == headers && !tcp->syn)
		return PACKET_MAX;
	mtu = dst ? dst_mtu(dst) : USUAL_MTU;
	return mtu > headers ? min_t(u32, mtu, PACKET_MAX) - headers : 0;
}

static void read_segment(const struct sipx_packet *packet, const struct tcphdr *tcp,
			 struct sipx_tcp_header *header)
{
	*header = (struct sipx_tcp_header){
		.segment = {
			.syn = tcp->syn,
			.fin = tcp->fin,
			.rst = tcp->rst,
			.urgent = tcp->urg,
			.has_ack = tcp->ack,
			.window_field = ntohs(tcp->window),
			.window = window_of(packet, tcp),
			.seq = ntohl(tcp->seq),
			.ack = ntohl(tcp->ack_seq),
			.mss = nf_ct_l3num(packet->ct) == NFPROTO_IPV4 ? MSS_IPV4 : MSS_IPV6,
			.room = room_of(packet, tcp),
			.merged = skb_shinfo(packet->skb)->gso_size,
			.options_length = tcp->doff * 4 - sizeof(*tcp),
		},
		.length = tcp->doff * 4,
		.payload_length = packet->skb->len - packet->protoff - tcp->doff * 4,
	};
	read_options(header, tcp);
}

/* Conntrack has seen that the header is whole, and what is behind the packet was cut off. */
bool sipx_segment_read(const struct sipx_packet *packet, struct sipx_tcp_header *header)
{
	struct sk_buff *skb = packet->skb;

	if (!pskb_may_pull(skb, packet->protoff + sizeof(struct tcphdr)) ||
	    tcp_of(packet)->doff * 4 < sizeof(struct tcphdr) ||
	    !pskb_may_pull(skb, packet->protoff + tcp_of(packet)->doff * 4))
		return no_memory(packet);
	read_segment(packet, tcp_of(packet), header);
	return true;
}

/* ---- its checksum, and packets that leave as several ----------------------------------------- */

static void set_checksum(struct sk_buff *skb, struct tcphdr *tcp)
{
	u32 length = skb_tail_pointer(skb) - (u8 *)tcp + skb->data_len;
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);
	const struct iphdr *ip = ip_hdr(skb);

	if (ip->version == 4)
		tcp->check = ~csum_tcpudp_magic(ip->saddr, ip->daddr, length, IPPROTO_TCP, 0);
	else
		tcp->check = ~csum_ipv6_magic(&ip6->saddr, &ip6->daddr, length, IPPROTO_TCP, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (u8 *)tcp - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

void sipx_segment_finish(struct sk_buff *skb, struct tcphdr *tcp, u32 payload_length, u16 size)
{
	struct skb_shared_info *info = skb_shinfo(skb);

	set_checksum(skb, tcp);
	info->gso_size = 0;
	info->gso_segs = 0;
	info->gso_type = 0;
	if (payload_length <= size || !size)
		return;
	info->gso_size = size;
	info->gso_segs = DIV_ROUND_UP(payload_length, size);
	info->gso_type = ip_hdr(skb)->version == 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	if (tcp->cwr)
		info->gso_type |= SKB_GSO_TCP_ECN;
}

/* ---- the payload is looked at ------------------------------------------------------------------ */

/*
 * Conntrack has verified the checksum, unless it was told not to. What we keep and what we
 * rewrite gets a new one, so it must have been right.
 */
static bool is_corrupt(struct sipx_packet *packet)
{
	struct sk_buff *skb = packet->skb;
	bool corrupt;

	if (likely(nf_ct_net(packet->ct)->ct.sysctl_checksum) || skb->ip_summed == CHECKSUM_PARTIAL)
		return false;
	corrupt = nf_checksum(skb, NF_INET_LOCAL_IN, packet->protoff, IPPROTO_TCP,
			      nf_ct_l3num(packet->ct));
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	return corrupt;
}

/*
 * What sockets and many drivers make: headers in the linear part, the payload in one piece
 * behind. It is read where it is, unless a program may still write to it.
 */
static const u8 *in_fragment(const struct sk_buff *skb, u32 start)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	struct page *page;

	if (skb_headlen(skb) != start || info->nr_frags != 1 || info->frag_list ||
	    skb_has_shared_frag(skb))
		return NULL;
	page = skb_frag_page(&info->frags[0]);
	return page && !PageHighMem(page) ? skb_frag_address(&info->frags[0]) : NULL;
}

bool sipx_segment_open(struct sipx_packet *packet, struct sipx_tcp_header *header)
{
	u32 start = packet->protoff + header->length;
	struct sk_buff *skb = packet->skb;

	if (is_corrupt(packet)) {
		sipx_net_count(packet->sn, SIPX_COUNT_stream_corrupt);
		return false;
	}
	header->payload = in_fragment(skb, start);
	if (!header->payload && skb_linearize(skb))
		return no_memory(packet);
	/* an aggregate of whole packets, which share one header now */
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST) {
		if (skb_ensure_writable(skb, start))
			return no_memory(packet);
		sipx_segment_finish(skb, tcp_of(packet), header->payload_length,
				    skb_shinfo(skb)->gso_size);
	}
	if (!skb_is_nonlinear(skb))
		header->payload = skb->data + start;
	return true;
}

/* ---- numbers alone ------------------------------------------------------------------------------ */

static void set_sacks(u8 *option, const struct sipx_segment_answer *answer)
{
	u32 i, count = (option[1] - TCPOLEN_SACK_BASE) / TCPOLEN_SACK_PERBLOCK;

	for (i = 0; i < count; i++) {
		put_unaligned_be32(answer->sacks[i].left, option + 2 + 8 * i);
		put_unaligned_be32(answer->sacks[i].right, option + 6 + 8 * i);
	}
}

static bool options_change(const struct sipx_tcp_header *header,
			   const struct sipx_segment_answer *answer)
{
	return (header->sack && answer->sack != SIPX_SACK_KEEP) ||
	       (header->multipath && header->segment.syn);
}

/*
 * Paths of their own that the two ends agree upon (Multipath TCP) would carry messages past
 * us: they are not offered, and then both do without (RFC 8684 3.7).
 */
static void set_options(struct tcphdr *tcp, const struct sipx_tcp_header *header,
			const struct sipx_segment_answer *answer)
{
	u8 *bytes = (u8 *)tcp;

	if (header->sack && answer->sack == SIPX_SACK_REPLACE)
		set_sacks(bytes + header->sack, answer);
	if (header->sack && answer->sack == SIPX_SACK_BLANK)
		memset(bytes + header->sack, TCPOPT_NOP, bytes[header->sack + 1]);
	if (header->multipath && header->segment.syn)
		memset(bytes + header->multipath, TCPOPT_NOP, bytes[header->multipath + 1]);
}

/* Options may begin at any byte, so the difference is that of the whole header. */
static void change_options(struct sk_buff *skb, struct tcphdr *tcp,
			   const struct sipx_tcp_header *header,
			   const struct sipx_segment_answer *answer)
{
	__wsum before = csum_partial(tcp, header->length, 0);

	set_options(tcp, header, answer);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		csum_replace_by_diff(&tcp->check, csum_sub(csum_partial(tcp, header->length, 0), before));
}

static void change_number(struct sk_buff *skb, struct tcphdr *tcp, __be32 *number, u32 value)
{
	__be32 wanted = htonl(value);

	if (*number == wanted)
		return;
	inet_proto_csum_replace4(&tcp->check, skb, *number, wanted, false);
	*number = wanted;
}

static bool change_header(struct sipx_packet *packet, const struct sipx_tcp_header *header,
			  const struct sipx_segment_answer *answer)
{
	const struct sipx_segment *segment = &header->segment;
	bool options = options_change(header, answer);
	struct sk_buff *skb = packet->skb;
	struct tcphdr *tcp;

	if (answer->seq == segment->seq && (answer->ack == segment->ack || !segment->has_ack) && !options)
		return true;
	if (skb_ensure_writable(skb, packet->protoff + header->length))
		return false;
	tcp = tcp_of(packet);
	change_number(skb, tcp, &tcp->seq, answer->seq);
	if (segment->has_ack)
		change_number(skb, tcp, &tcp->ack_seq, answer->ack);
	if (options)
		change_options(skb, tcp, header, answer);
	return true;
}

/* ---- the payload, too ------------------------------------------------------------------------------ */

/* Our own bytes, and as many as are needed. It is linear. */
static bool make_room(struct sk_buff *skb, u32 length)
{
	u32 more = length > skb->len ? length - skb->len : 0;
	u32 missing = more > skb_tailroom(skb) ? more - skb_tailroom(skb) : 0;

	if (!missing && !skb_cloned(skb))
		return true;
	return !pskb_expand_head(skb, 0, missing, GFP_ATOMIC);
}

static void move_payload(struct sk_buff *skb, u32 start, const struct sipx_segment_answer *answer)
{
	u32 after_ours = answer->head + answer->ours_length;
	u32 length = start + after_ours + answer->tail_length;
	u8 *payload;

	if (length > skb->len)
		skb_put(skb, length - skb->len);
	payload = skb->data + start;
	if (answer->tail_length)
		memmove(payload + after_ours, payload + answer->tail, answer->tail_length);
	if (answer->ours_length)
		memcpy(payload + answer->head, answer->ours, answer->ours_length);
	skb_trim(skb, length);
}

static u32 length_of(const struct sipx_segment_answer *answer)
{
	return answer->head + answer->ours_length + answer->tail_length;
}

static bool replace_linear(struct sk_buff *skb, u32 start, const struct sipx_segment_answer *answer)
{
	if (skb_linearize(skb) || !make_room(skb, start + length_of(answer)))
		return false;
	move_payload(skb, start, answer);
	return true;
}

static void write_payload(u8 *to, const u8 *from, const struct sipx_segment_answer *answer)
{
	memcpy(to, from, answer->head);
	memcpy(to + answer->head, answer->ours, answer->ours_length);
	memcpy(to + answer->head + answer->ours_length, from + answer->tail, answer->tail_length);
}

/* The payload's piece gives way to another one. */
static bool replace_fragment(struct sk_buff *skb, const u8 *payload, const struct sipx_segment_answer *answer)
{
	u32 length = length_of(answer);
	skb_frag_t *fragment;
	struct page *page;
	u8 *fresh;
	int more;

	if (skb_unclone(skb, GFP_ATOMIC))
		return false;
	fresh = netdev_alloc_frag(length);
	if (!fresh)
		return false;
	write_payload(fresh, payload, answer);
	fragment = &skb_shinfo(skb)->frags[0];
	more = length - skb_frag_size(fragment);
	skb_frag_unref(skb, 0);
	page = virt_to_head_page(fresh);
	skb_fill_page_desc(skb, 0, page, fresh - (u8 *)page_address(page), length);
	skb->len += more;
	skb->data_len += more;
	/* a socket's own count stays what it was charged with */
	if (!skb->sk)
		skb->truesize += more;
	return true;
}

static bool exchange_payload(struct sk_buff *skb, u32 start, const struct sipx_tcp_header *header,
			     const struct sipx_segment_answer *answer)
{
	u32 length = length_of(answer);

	/* a socket was charged with fewer bytes, and who joins packets relies on truesize */
	if (skb->sk && start + length > skb->len)
		skb_orphan(skb);
	if (skb_is_nonlinear(skb) && length && length <= PAGE_SIZE)
		return replace_fragment(skb, header->payload, answer);
	return replace_linear(skb, start, answer);
}

static void set_ip_length(struct sk_buff *skb)
{
	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len - sizeof(struct ipv6hdr));
	}
}

/* Where urgent data end (RFC 6093): it moves with the bytes behind ours. */
static void set_urgent(struct tcphdr *tcp, const struct sipx_segment_answer *answer)
{
	u32 at = ntohs(tcp->urg_ptr);

	if (tcp->urg && answer->tail_length && at > answer->tail)
		tcp->urg_ptr = htons(min_t(u32, at - answer->tail + answer->head + answer->ours_length, 65535));
}

static bool replace_payload(struct sipx_packet *packet, const struct sipx_tcp_header *header,
			    const struct sipx_segment_answer *answer)
{
	u32 length = length_of(answer), start = packet->protoff + header->length;
	struct sk_buff *skb = packet->skb;
	struct tcphdr *tcp;

	if (start + length > PACKET_MAX || !exchange_payload(skb, start, header, answer))
		return false;
	set_ip_length(skb);
	tcp = tcp_of(packet);
	tcp->seq = htonl(answer->seq);
	if (tcp->ack)
		tcp->ack_seq = htonl(answer->ack);
	tcp->fin = tcp->fin && answer->fin;
	tcp->psh |= answer->ours_length != 0;
	set_urgent(tcp, answer);
	set_options(tcp, header, answer);
	sipx_segment_finish(skb, tcp, length, answer->size);
	return true;
}

bool sipx_segment_write(struct sipx_packet *packet, const struct sipx_tcp_header *header,
			const struct sipx_segment_answer *answer)
{
	bool is_written = answer->same_payload ? change_header(packet, header, answer) :
						 replace_payload(packet, header, answer);

	return is_written || no_memory(packet);
}
