// SPDX-License-Identifier: GPL-2.0
// A host and its port, of IPv4 or IPv6.
#ifndef SIP_EXT_REPLAY_PLACE_H
#define SIP_EXT_REPLAY_PLACE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace one_way {

struct place {
	sockaddr_storage bytes{};
	socklen_t size = sizeof(sockaddr_storage);	// room, for who fills it in

	sockaddr *raw() { return reinterpret_cast<sockaddr *>(&bytes); }
	const sockaddr *raw() const { return reinterpret_cast<const sockaddr *>(&bytes); }
	int family() const { return bytes.ss_family; }
};

inline place place_of(const char *host, int port)
{
	place made;

	if (strchr(host, ':')) {
		auto *six = reinterpret_cast<sockaddr_in6 *>(&made.bytes);
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(static_cast<uint16_t>(port));
		inet_pton(AF_INET6, host, &six->sin6_addr);
		made.size = sizeof(*six);
		return made;
	}
	auto *four = reinterpret_cast<sockaddr_in *>(&made.bytes);
	four->sin_family = AF_INET;
	four->sin_port = htons(static_cast<uint16_t>(port));
	inet_pton(AF_INET, host, &four->sin_addr);
	made.size = sizeof(*four);
	return made;
}

// As a URI has it (RFC 3261 19.1.1).
inline std::string in_uri(const std::string &host)
{
	return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

inline std::string text_of(const place &where)
{
	char host[INET6_ADDRSTRLEN];

	if (where.family() == AF_INET6) {
		const auto *six = reinterpret_cast<const sockaddr_in6 *>(&where.bytes);
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		return in_uri(host) + ":" + std::to_string(ntohs(six->sin6_port));
	}
	const auto *four = reinterpret_cast<const sockaddr_in *>(&where.bytes);
	inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
	return std::string(host) + ":" + std::to_string(ntohs(four->sin_port));
}

} // namespace one_way

#endif
