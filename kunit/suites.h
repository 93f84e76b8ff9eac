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

/* 10.0.0.NUMBER, or fd00::NUMBER */
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
/* The first packet of that connection comes through the pinhole. */
void sipx_test_pass(struct nf_conn *ct, struct sipx_expectation *handle);
struct sipx_net *sipx_test_net(void);
u64 sipx_test_counter(enum sipx_reason reason);

#endif
