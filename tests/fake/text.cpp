// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>

namespace fake {

namespace {

bool read_host(const std::string &host, endpoint &e)
{
	if (inet_pton(AF_INET, host.c_str(), e.bytes) == 1)
		e.family = SIPX_IPV4;
	else if (inet_pton(AF_INET6, host.c_str(), e.bytes) == 1)
		e.family = SIPX_IPV6;
	return e.family != 0;
}

} // namespace

endpoint at(const std::string &text, u8 protocol)
{
	endpoint e{};
	std::string host = text;
	e.protocol = protocol;
	const auto colon = text.rfind(':');
	const bool bracketed = text[0] == '[';
	if (bracketed ? text[colon - 1] == ']' : colon != text.npos && text.find(':') == colon) {
		host = text.substr(bracketed, colon - 2 * bracketed);
		e.port = static_cast<u16>(std::atoi(text.c_str() + colon + 1));
	}
	if (!read_host(host, e)) {
		std::fprintf(stderr, "not an address: %s\n", text.c_str());
		std::abort();
	}
	return e;
}

bool is_address(const std::string &host)
{
	endpoint e{};
	return read_host(host, e);
}

std::string host_of(const endpoint &e)
{
	char text[INET6_ADDRSTRLEN];
	return inet_ntop(e.family == SIPX_IPV6 ? AF_INET6 : AF_INET, e.bytes, text, sizeof(text));
}

std::string uri_host_of(const endpoint &e)
{
	return e.family == SIPX_IPV6 ? "[" + host_of(e) + "]" : host_of(e);
}

std::string text_of(const endpoint &e)
{
	return uri_host_of(e) + ":" + std::to_string(e.port);
}

} // namespace fake
