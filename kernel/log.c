// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals through nf_log, where the setting `log` says so: the reason's name, and from whom
 * to whom, both as they know themselves. Nothing that was written in a message gets there: the
 * line has names of ours and numbers, and who logs packets besides gets the headers alone.
 * What time brings, and no packet, is counted and not logged.
 */
#include <linux/ip.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/netfilter/nf_log.h>

#include "internal.h"

/* Lines that a person can read while they come; a flood must not become one of the log's. */
#define LINES 10
#define INTERVAL (5 * HZ)
/* "[", eight groups of four and their colons, "]:65535" */
#define END_LENGTH 48

static const char *const names[SIPX_REASON_COUNT] = {
#define X(name, text) [SIPX_COUNT_##name] = #name,
	SIPX_REASONS(X)
#undef X
};

const char *sipx_reason_name(enum sipx_reason reason)
{
	return names[reason];
}

void sipx_log_init(struct sipx_net *sn)
{
	ratelimit_state_init(&sn->log_pace, INTERVAL, LINES);
	/* what is left out is counted; the kernel's own words about it have no namespace */
	ratelimit_set_flags(&sn->log_pace, RATELIMIT_MSG_ON_RELEASE);
}

/* Bytes of the packet up to its payload. 0: they are not there. */
static u32 headers_length(const struct sipx_packet *packet)
{
	const struct sk_buff *skb = packet->skb;
	struct tcphdr room;
	const struct tcphdr *tcp;

	if (nf_ct_protonum(packet->ct) == IPPROTO_UDP)
		return packet->protoff + sizeof(struct udphdr);
	tcp = skb_header_pointer(skb, packet->protoff, sizeof(room), &room);
	return tcp ? packet->protoff + tcp->doff * 4 : 0;
}

static struct sk_buff *headers_of(const struct sipx_packet *packet)
{
	u32 length = headers_length(packet);
	struct sk_buff *bare;

	if (!length || length > packet->skb->len)
		return NULL;
	bare = skb_clone(packet->skb, GFP_ATOMIC);
	if (bare && pskb_trim(bare, length)) {
		kfree_skb(bare);
		bare = NULL;
	}
	return bare;
}

static void print_address(char *text, bool ipv4, const void *address, u16 port)
{
	snprintf(text, END_LENGTH, ipv4 ? "%pI4:%u" : "[%pI6c]:%u", address, port);
}

static void print_end(char *text, const struct nf_conn *ct, u8 dir)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[dir].tuple;

	print_address(text, tuple->src.l3num == NFPROTO_IPV4, &tuple->src.u3, ntohs(tuple->src.u.all));
}

/* Of two ends with the longest addresses the ports are left out, where they have no room. */
static void print_line(char *line, const struct sipx_packet *packet, enum sipx_reason reason)
{
	const char *what = reason < SIPX_FIRST_PINHOLE_REFUSAL ? "unchanged" : "no pinhole";
	const struct nf_conntrack_tuple_hash *ends = packet->ct->tuplehash;
	u8 dir = CTINFO2DIR(packet->ctinfo);
	char from[END_LENGTH], to[END_LENGTH];

	print_end(from, packet->ct, dir);
	print_end(to, packet->ct, !dir);
	if (snprintf(line, NF_LOG_PREFIXLEN, "sip-ext: %s, %s: %s > %s ", what, names[reason], from,
		     to) >= NF_LOG_PREFIXLEN)
		snprintf(line, NF_LOG_PREFIXLEN, "sip-ext: %s, %s: %pI6c > %pI6c ", what, names[reason],
			 &ends[dir].tuple.src.u3, &ends[!dir].tuple.src.u3);
}

static void log_one(const struct sipx_packet *packet, enum sipx_reason reason, struct sk_buff *bare)
{
	char line[NF_LOG_PREFIXLEN];

	print_line(line, packet, reason);
	nf_log_packet(nf_ct_net(packet->ct), nf_ct_l3num(packet->ct), NF_INET_POST_ROUTING, bare,
		      NULL, NULL, NULL, "%s", line);
}

/* Out of line: nobody waits for it who does not log. */
void sipx_log_refusal(const struct sipx_packet *packet, enum sipx_reason reason)
{
	struct sk_buff *bare;

	/* one for each segment, of connections whose own reason was logged when they began */
	if (reason == SIPX_COUNT_stream)
		return;
	if (!__ratelimit(&packet->sn->log_pace)) {
		sipx_net_count(packet->sn, SIPX_COUNT_log_limited);
		return;
	}
	bare = headers_of(packet);
	if (!bare)
		return;
	log_one(packet, reason, bare);
	consume_skb(bare);
}

void sipx_log_noted(const struct sipx_packet *packet)
{
	u64 noted = this_cpu_xchg(sipx_cpus->refusals, 0);
	u32 i;

	BUILD_BUG_ON(SIPX_REASON_COUNT - SIPX_FIRST_REFUSAL > 64);
	for (i = 0; noted; i++, noted >>= 1)
		if (noted & 1)
			sipx_log_refusal(packet, SIPX_FIRST_REFUSAL + i);
}

/* ---- for pr_debug(): good until the next ones of this CPU ------------------------------------ */

struct trace_texts {
	char text[3][END_LENGTH];
};

static DEFINE_PER_CPU(struct trace_texts, trace_texts);

const char *sipx_trace_end(const struct nf_conn *ct, u8 dir)
{
	char *text = raw_cpu_ptr(&trace_texts)->text[dir];

	print_end(text, ct, dir);
	return text;
}

const char *sipx_trace_endpoint(const struct sipx_endpoint *endpoint, u8 place)
{
	char *text = raw_cpu_ptr(&trace_texts)->text[place];

	if (endpoint->family)
		print_address(text, endpoint->family == SIPX_IPV4, endpoint->bytes, endpoint->port);
	else
		strscpy(text, "*", END_LENGTH);
	return text;
}
