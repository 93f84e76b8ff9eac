// SPDX-License-Identifier: GPL-2.0
// Transport addresses: comparing them and judging them.
#ifndef SIP_EXT_ENDPOINT_H
#define SIP_EXT_ENDPOINT_H

#include "sip_types.h"

namespace sip {

using endpoint = sipx_endpoint;

inline constexpr u16 default_sip_port = 5060;	// RFC 3261 19.1.2
inline constexpr u16 default_sips_port = 5061;
inline constexpr u16 lowest_media_port = 1024;	// below are services, not media: REQUIREMENTS S4, R8

// Both are filled with zeroes beyond an IPv4 address, so that all 16 bytes compare.
inline bool same_bytes(const u8 *a, const u8 *b)
{
	u64 left[2], right[2];
	__builtin_memcpy(left, a, sizeof(left));
	__builtin_memcpy(right, b, sizeof(right));
	return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}

inline bool same_address(const endpoint &a, const endpoint &b)
{
	return a.family == b.family && same_bytes(a.bytes, b.bytes);
}

inline bool same_address(const endpoint &a, const ip_address &b)
{
	return a.family == b.family && same_bytes(a.bytes, b.bytes);
}

// Address and port. The protocol is left out on purpose: a URI does not always name it.
inline bool same_endpoint(const endpoint &a, const endpoint &b)
{
	return a.port == b.port && same_address(a, b);
}

inline bool same_socket(const endpoint &a, const endpoint &b)
{
	return same_endpoint(a, b) && a.protocol == b.protocol;
}

inline endpoint make_endpoint(const ip_address &address, u16 port, u8 protocol)
{
	endpoint result;
	__builtin_memcpy(result.bytes, address.bytes, sizeof(result.bytes));
	result.port = port;
	result.family = address.family;
	result.protocol = protocol;
	return result;
}

constexpr endpoint with_port(endpoint base, u16 port)
{
	base.port = port;
	return base;
}

constexpr endpoint with_protocol(endpoint base, u8 protocol)
{
	base.protocol = protocol;
	return base;
}

inline bool is_unspecified(const endpoint &e)
{
	return same_bytes(e.bytes, endpoint{}.bytes);
}

// An address that a media packet can really come from or go to: not "this network",
// loopback, link-local, multicast or broadcast (RFC 6890).
inline bool is_media_address(const endpoint &e)
{
	if (e.family == SIPX_IPV4) {
		const u8 first = e.bytes[0];
		const bool link_local = first == 169 && e.bytes[1] == 254;
		return first != 0 && first != 127 && first < 224 && !link_local;
	}
	if (e.family != SIPX_IPV6 || is_unspecified(e))
		return false;
	endpoint loopback{};
	loopback.bytes[15] = 1;
	const bool link_local = e.bytes[0] == 0xfe && (e.bytes[1] & 0xc0) == 0x80;
	return e.bytes[0] != 0xff && !link_local && !same_bytes(e.bytes, loopback.bytes);
}

// Which side of the connection is ours to speak for.
struct sides {
	endpoint inner;		// the inside endpoint, as it knows itself
	endpoint outer;		// the same, as its peer sees it
	endpoint peer;		// the other end, as it knows itself
	u32 zone = 0;		// conntrack zone: what is of two zones never meets
	bool from_inside = false;	// of one packet
	bool inside_began = false;	// the connection's first packet came from the inside endpoint
	bool translated = false;	// inner and outer differ
};

} // namespace sip

#endif
