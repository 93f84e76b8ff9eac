// SPDX-License-Identifier: GPL-2.0
// One connection and what is remembered of it, without a packet: parse, understand, plan, render.
// The phone is at 10.0.0.10 or fd00::10, the outside of the router at 203.0.113.1 or
// 2001:db8:f::1, the peer at 198.51.100.1:5060 or [2001:db8:1::1]:5060.
#ifndef SIP_EXT_FUZZ_ROAD_LINE_H
#define SIP_EXT_FUZZ_ROAD_LINE_H

#include <string>
#include <vector>

#include "../../plan.h"

namespace fuzz {

// A message on its way, and what became of it.
struct passed {
	sip::parse_error error = sip::parse_error::none;
	bool translated = false;
	sipx_reason reason = SIPX_COUNT_unchanged;
	std::string out; // as it leaves
	std::string broken; // a promise of the plan
	std::vector<u8> refusals; // of each stream: why it has no binding, or `usable`
};

class road_line {
public:
	struct shape {
		bool ipv6 = false;
		bool tcp = false;
		bool one_port = false; // over TCP: nobody comes in by another connection (T8)
		bool leave_identity = false;
		bool was_called = false; // the peer began the connection
		u16 inner_port = 5060;
		u16 outer_port = 40000;
	};
	explicit road_line(const shape &how);

	// From the phone, or to it. What it teaches is remembered.
	passed carry(bool outward, const std::string &message);

	const sip::endpoint &inner() const { return inner_; }
	const sip::endpoint &outer() const { return outer_; }
	const shape &how() const { return how_; }
	bool knows_all_sockets() const { return !forgot_; }
	// There is no room for another socket, and that one is none of those.
	bool has_no_room_for(u16 port) const;
	bool writes_usual_literal() const { return !literal_.length; }
	// It has named another port than its own where requests go: over TCP both are the connection
	// outside (T8), and what comes back there names the other one.
	bool listens_elsewhere(bool as_route) const
	{
		const auto named = [this](sip::port_group group) {
			return stands_for_.port[0][static_cast<u8>(group)] != 0;
		};
		return as_route ? named(sip::port_group::route) :
				  named(sip::port_group::contact) || named(sip::port_group::registered);
	}
	// The outside port that stands for an inside one of another socket, 1024 or above.
	static u16 bound(u16 port)
	{
		return static_cast<u16>(port + 20000u > 65535 ? port + 20000u - 64512 : port + 20000u);
	}

private:
	void recall();
	void hold();
	void remember();
	void render(const std::string &message, passed &result);

	shape how_;
	sip::endpoint inner_{}, outer_{}, peer_{};
	sip::spelling written_{};
	sip::inner_literal literal_{};
	sip::stand_ins stands_for_{};
	std::vector<sip::known_socket> known_;
	std::vector<sip::binding> held_;
	bool forgot_ = false;
};

} // namespace fuzz

#endif
