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

// Not "this network", loopback, link-local, multicast or broadcast (RFC 6890).
inline bool is_media_ipv4(const u8 *bytes)
{
	const u8 first = bytes[0];
	const bool link_local = first == 169 && bytes[1] == 254;
	return first != 0 && first != 127 && first < 224 && !link_local;
}

// Nor private or shared (RFC 1918, RFC 6598): what IPv6 may stand for (RFC 3056 2, RFC 6052 3.1).
inline bool is_global_ipv4(const u8 *bytes)
{
	const u8 first = bytes[0], second = bytes[1];
	const bool by_172 = first == 172 && (second & 0xf0) == 16, by_192 = first == 192 && second == 168;
	const bool shared = first == 100 && (second & 0xc0) == 64;
	return is_media_ipv4(bytes) && first != 10 && !by_172 && !by_192 && !shared;
}

// Not ::/64 (unspecified, loopback, IPv4-mapped and their like), discard, link-local, site-local or
// multicast (RFC 6890, RFC 3879). What stands for an IPv4 address is as good as that: 6to4, NAT64.
inline bool is_media_ipv6(const u8 *bytes)
{
	constexpr u8 discard[8] = {1}, nat64[8] = {0, 0x64, 0xff, 0x9b};
	u64 network, no_one, translated;
	__builtin_memcpy(&network, bytes, sizeof(network));
	__builtin_memcpy(&no_one, discard, sizeof(no_one));
	__builtin_memcpy(&translated, nat64, sizeof(translated));
	if (network == 0 || network == no_one || bytes[0] == 0xff || (bytes[0] == 0xfe && bytes[1] & 0x80))
		return false;
	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return is_global_ipv4(bytes + 2);
	return network != translated || is_global_ipv4(bytes + 12);
}

// Nor unique local (RFC 4193): not of a network that has its addresses for itself.
inline bool is_global(const endpoint &e)
{
	return e.family == SIPX_IPV4 ? is_global_ipv4(e.bytes) : is_media_ipv6(e.bytes) && (e.bytes[0] & 0xfe) != 0xfc;
}

// An address that a media packet can really come from or go to.
inline bool is_media_address(const endpoint &e)
{
	if (e.family == SIPX_IPV4)
		return is_media_ipv4(e.bytes);
	return e.family == SIPX_IPV6 && is_media_ipv6(e.bytes);
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
	bool undecided = false;		// nothing is translated, and both ends are outside as routes have it
};

} // namespace sip

#endif
