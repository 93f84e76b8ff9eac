/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every counter, once: the enum, /proc/net/sip_ext/counters, docs and tests are made
 * from this list. X(name, what it tells a person)
 */
#ifndef SIP_EXT_REASONS_H
#define SIP_EXT_REASONS_H

/* All from the first one on refuse something: a message's translation, or a pinhole. */
#define SIPX_FIRST_REFUSAL SIPX_COUNT_not_sip
#define SIPX_FIRST_PINHOLE_REFUSAL SIPX_COUNT_media_port_low

#define SIPX_REASONS(X)								\
	/* what was done */							\
	X(translated, "message left with its addresses translated")		\
	X(unchanged, "message needed no change")				\
	X(retransmission, "message seen before; nothing new was made")		\
	X(keep_alive, "CRLF or STUN keep-alive")				\
	X(registration_granted, "registrar granted a registration")		\
	X(registration_ended, "registration ended or ran out")			\
	X(subscription_granted, "notifier granted a subscription")		\
	X(subscription_ended, "subscription ended or ran out")			\
	X(call_started, "call seen for the first time")				\
	X(call_ended, "call ended")						\
	X(pinhole_opened, "expectation registered")				\
	X(pinhole_closed, "expectation removed")				\
	X(log_limited, "refusal left out of the log: too many in a short time")	\
	/* what happens to segments over TCP */					\
	X(stream_held, "segment held until its message is complete")		\
	X(stream_hole, "segment beyond a hole kept, or left for its sender to repeat")	\
	X(stream_resent, "part of a translated message sent again")		\
	X(stream_emitted, "segment sent besides those of the two ends")		\
	X(stream_stripped, "data in a SYN left for its sender to repeat")	\
	X(stream_full, "segment left for its sender to repeat: no room for it yet")	\
	X(stream_no_memory, "segment dropped, for its sender to repeat: no memory, or no room in it, to rewrite it")	\
	X(stream_corrupt, "segment dropped: its checksum is wrong")		\
	X(stream_leaving, "segment dropped, for its sender to repeat: the modules or the connection just leave")	\
	/* why a message was passed on as it came */				\
	X(not_sip, "not SIP on the SIP port")					\
	X(malformed_start_line, "request line or status line not understood")	\
	X(malformed_header, "a header that names addresses was not understood")	\
	X(malformed_number, "a number was out of range")			\
	X(malformed_length, "Content-Length does not fit the datagram")		\
	X(malformed_body, "SDP or multipart body not understood")		\
	X(missing_header, "a header that every message needs is missing")	\
	X(too_many_addresses, "more addresses in one message than we track")	\
	X(too_many_streams, "more media streams in one message than we track")	\
	X(too_many_sockets, "a phone names more ports in Via and Contact that it listens at than we follow")	\
	X(too_long, "the message would not fit a datagram")			\
	X(no_nat_module, "translation needed, but nf_nat_sip_ext is not loaded")	\
	X(no_port, "no free outside port for a media stream")			\
	X(no_memory, "out of memory")						\
	X(rewrite_failed, "the packet could not be rewritten")			\
	X(for_router, "addressed to the router itself")				\
	X(no_inside, "untranslated, and the default route leads to both ends")	\
	X(aggregate, "aggregated datagrams (UDP GRO) passed on untouched")	\
	X(stream, "TCP segment of a connection that is not followed")		\
	X(stream_too_long, "TCP: a message longer than the limit")		\
	X(stream_too_slow, "TCP: a message that was not completed in time")	\
	X(stream_urgent, "TCP: urgent data")					\
	X(stream_middle, "TCP: connection whose beginning was not seen")	\
	X(stream_cut, "TCP: closed in the midst of a message")			\
	X(stream_signed, "TCP: segments are signed (RFC 2385, RFC 5925)")	\
	X(limit_streams, "TCP: no connection is left, or none for who has so many")	\
	X(limit_stream_memory, "TCP: no byte is left, or none for who holds so many")	\
	X(limit_stream_host, "TCP: a host has all the connections, or holds all the bytes, that it may")	\
	X(limit_half_open, "TCP: the oldest of too many connections that nobody has answered")	\
	X(limit_calls, "limit on calls reached")				\
	X(limit_registrations, "limit on registrations reached")		\
	X(limit_bindings, "limit on outside ports for media reached")		\
	X(limit_media_host, "an inside host has all the outside ports or pinholes for media that it may have")	\
	X(limit_connections_host, "an inside host speaks from too many sockets: one with no call and no registration forgotten")	\
	X(limit_host, "an inside host has all the calls or registrations that it may have")	\
	/* why no pinhole was opened (the message itself may be translated) */	\
	X(media_port_low, "media port below 1024")				\
	X(port_denied, "an inside port that the setting media_deny_ports lists")	\
	X(expectations_full, "the kernel's expectation table or class is full")	\
	X(expectation_clash, "another expectation stands in the way")		\
	X(media_not_owner, "media address is not the sender's")			\
	X(media_not_outside, "media address that the other end names is the router's, or of the inside")	\
	X(too_many_ports, "more ports in one m= line than we follow")		\
	X(media_bad_address, "loopback, multicast or other unusable media address")	\
	X(media_tcp, "TCP media towards the inside, and the setting tcp_media is off")	\
	X(unknown_dialog, "media from outside for no call we know")		\
	X(unmatched_response, "response to no request we know")

enum sipx_reason {
#define X(name, text) SIPX_COUNT_##name,
	SIPX_REASONS(X)
#undef X
	SIPX_REASON_COUNT
};

#endif
