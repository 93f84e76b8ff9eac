/* SPDX-License-Identifier: GPL-2.0 */
/* The suites in C, and the connections that they work on. */
#ifndef SIP_EXT_KUNIT_SUITES_H
#define SIP_EXT_KUNIT_SUITES_H

#include <kunit/test.h>
#include <net/netfilter/nf_conntrack.h>

#include "internal.h"

extern struct kunit_suite sipx_packets_suite;
extern struct kunit_suite sipx_pinholes_suite;
extern struct kunit_suite sipx_mappings_suite;
extern struct kunit_suite sipx_glue_suite;
extern struct kunit_suite sipx_segments_suite;
extern struct kunit_suite sipx_tcp_suite;
extern struct kunit_suite sipx_tcp_limits_suite;
extern struct kunit_suite sipx_log_suite;

/* 10.0.0.NUMBER, or fd00::NUMBER, over UDP */
struct sipx_endpoint sipx_test_endpoint(u8 family, u8 number, u16 port);
/* From source to destination; source seen as `outside` (NULL: not translated). Has our
 * helper and is not in the table. One reference, given back by nf_ct_put().
 */
struct nf_conn *sipx_test_connection(struct kunit *test, const struct sipx_endpoint *source,
				     const struct sipx_endpoint *destination,
				     const struct sipx_endpoint *outside, bool helper);
/* Into the table, as if packets had been seen. */
void sipx_test_confirm(struct kunit *test, struct nf_conn *ct);
/* Out of the table, and the reference given back. */
void sipx_test_end(struct nf_conn *ct);
/* A datagram of that connection, first direction; `room` bytes behind its end. */
struct sk_buff *sipx_test_datagram(struct kunit *test, struct nf_conn *ct, const void *payload,
				   u32 length, u32 room);
/* Through the helper, as a packet of a connection that was answered. */
int sipx_test_help(struct sk_buff *skb, struct nf_conn *ct);
int sipx_test_help_as(struct sk_buff *skb, struct nf_conn *ct, enum ip_conntrack_info ctinfo);

/* A TCP segment, as it arrives. */
struct sipx_test_segment {
	u8 reply;
	bool syn, fin, rst, no_ack;
	bool partial;		/* its checksum is left to who sends it */
	bool nonlinear;		/* its payload is in pages */
	u32 seq, ack;
	const u8 *options;
	u8 options_length;	/* a multiple of 4 */
	const void *payload;
	u32 length;
	u16 gso_size;		/* an aggregate of such packets; 0: none */
};

/* Seen as 10.0.0.100 from outside, 10.0.0.1 to 10.0.0.200; not in the table. */
struct nf_conn *sipx_test_tcp(struct kunit *test, u8 family);
struct sk_buff *sipx_test_segment(struct kunit *test, const struct nf_conn *ct,
				  const struct sipx_test_segment *wanted);
struct tcphdr *sipx_test_tcphdr(const struct sk_buff *skb);
/* Lengths and checksums are right, and that is its payload. */
void sipx_test_expect_segment(struct kunit *test, struct sk_buff *skb, const void *payload, u32 length);

/* The first packet of that connection comes through the pinhole. */
void sipx_test_pass(struct nf_conn *ct, struct sipx_expectation *handle);
struct sipx_net *sipx_test_net(void);
/* The core's lock, and what its callers have before: RCU, bottom halves off. */
void sipx_test_lock(void);
void sipx_test_unlock(void);
u64 sipx_test_counter(enum sipx_reason reason);

#endif
