// SPDX-License-Identifier: GPL-2.0
// The line that REQUIREMENTS speaks of: phones inside, our router, a server outside; in
// IPv4 and in IPv6. Every message that leaves is looked at by the scanners.
#ifndef SIP_EXT_UNIT_CORE_SCENE_H
#define SIP_EXT_UNIT_CORE_SCENE_H

#include <gtest/gtest.h>

#include "../fake/peers.h"
#include "../fake/router.h"
#include "../fake/tcp_line.h"

namespace core_test {

using namespace fake;

// Addresses of the play, the same roles in both families.
struct places {
	explicit places(u8 address_family) : family(address_family) {}

	endpoint inside(u32 host, u16 port) const { return make("10.0.0.", "fd00::", host, port); }
	endpoint outside(u32 host, u16 port) const { return make("198.51.100.", "2001:db8:1::", host, port); }
	endpoint router(u16 port) const { return family == SIPX_IPV6 ? at("[2001:db8:f::1]:" + std::to_string(port)) : at("203.0.113.1:" + std::to_string(port)); }

	u8 family;

private:
	endpoint make(const char *prefix4, const char *prefix6, u32 host, u16 port) const
	{
		const std::string number = std::to_string(host);
		return family == SIPX_IPV6 ? at("[" + std::string(prefix6) + number + "]:" + std::to_string(port))
					   : at(prefix4 + number + ":" + std::to_string(port));
	}
};

// A call as both ends see it.
struct placed_call {
	dialog caller;
	dialog called;
	std::string invite;	// as the called got it
	std::string answer;	// as the caller got it
};

// What was said over TCP, what the other end read because of it, and what there was then.
struct spoken {
	endpoint phone;
	bool phone_speaks;
	std::string text;
	std::string heard;
	u32 holes;
};

class core_scene : public testing::TestWithParam<u8> {
protected:
	core_scene();
	~core_scene() override;

	// From inside to outside and back, checked by the scanners; expects arrival.
	std::string to_server(const endpoint &phone, const std::string &message);
	std::string to_phone(const endpoint &phone, const std::string &message);
	// The same without expecting anything.
	delivery try_to_server(const endpoint &phone, const std::string &message);
	delivery try_to_phone(const endpoint &phone, const std::string &message);

	// The connection of a phone that speaks TCP, begun where there is none yet.
	tcp_line &line(const endpoint &phone);
	void hang_up_line(const endpoint &phone);
	// What one end says, and all that the other reads because of it.
	std::string say(const endpoint &phone, bool phone_speaks, const std::string &bytes,
			const std::vector<size_t> &how = {});

	// Where the server sees that phone's signalling.
	endpoint outer(const endpoint &phone) const;

	// REGISTER and its answer; returns the 2xx as the phone got it.
	std::string register_phone(const endpoint &phone, const std::string &user, u32 expires = 3600);
	// INVITE, 180, 200, ACK; both offer and answer one audio stream.
	placed_call call_out(const endpoint &phone, const endpoint &phone_media, const endpoint &far_media);
	placed_call call_in(const endpoint &phone, const endpoint &phone_media, const endpoint &far_media);
	void hang_up_inside(const endpoint &phone, placed_call &call, bool phone_called);

	// One packet each way; where they must arrive and what they must show as source.
	void expect_audio(const endpoint &phone_media, const endpoint &outer_media, const endpoint &far_media);
	void expect_no_way_in(const endpoint &from, const endpoint &outer_media);

	std::string answer_at_server(const std::string &request, int status, reply_parts parts = {});

	places map{GetParam()};
	endpoint server = map.outside(1, 5060);
	router gate;
	std::vector<size_t> cuts;	// of what is said over TCP
	std::map<endpoint, std::unique_ptr<tcp_line>, endpoint_order> lines;
	std::vector<spoken> said;	// over TCP, by say()
};

// The same socket, and a message for it, over TCP.
inline endpoint over_tcp(const endpoint &e) { return sip::with_protocol(e, SIPX_TCP); }
inline std::string for_tcp(const std::string &message) { return with(message, "SIP/2.0/UDP", "SIP/2.0/TCP"); }

#define FOR_BOTH_FAMILIES(scene)								\
	INSTANTIATE_TEST_SUITE_P(core, scene, testing::Values(SIPX_IPV4, SIPX_IPV6),		\
				 [](const auto &info) { return info.param == SIPX_IPV6 ? "ipv6" : "ipv4"; })

// No message that leaves names an inside address anywhere but in the fields that are never
// touched, nor the outside address with a port that is not one of ours (R2).
std::string leak_in(const std::string &message, const places &map);
// Nor does it name the outside address with a port of the inside, in a case where the rules
// and the router's own sockets leave no port its number.
std::string port_fault_in(const std::string &message, const places &map, const std::set<u16> &inside_ports);
// Content-Length says what is there.
std::string length_fault_in(const std::string &message);

} // namespace core_test

#endif
