// SPDX-License-Identifier: GPL-2.0
// Ports that no pinhole leads to, whatever a session or a Contact names (S4). The fake
// router ends the program where one is opened all the same.
#include "core_scene.h"

namespace core_test {

class denied : public core_scene {
protected:
	denied()
	{
		gate.rules.shift_ports = true;
		gate.rules.taken_ports = {3306, 5351, 20000, 20001};
		gate.rules.denied_ports = {3306, 5351, 5070};
	}

	std::string offer(const std::vector<media_line> &media)
	{
		if (!begun)
			caller = dialog_of("alice", phone, "sip:bob@example.com");
		begun = true;
		return to_server(phone, request(caller, "INVITE", sdp_of(phone, media)));
	}
	void answer(const std::string &seen, const std::vector<media_line> &media)
	{
		const std::string sdp = sdp_of(far_media, media);
		learn(caller, to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)})));
	}
	u32 pinholes_to(u16 inside_port) const
	{
		u32 found = 0;
		for (const sipx_pinhole &p : gate.expectations())
			found += p.translated.port == inside_port || p.destination.port == inside_port;
		return found;
	}

	endpoint phone = map.inside(10, 5060);
	endpoint far_media = map.outside(7, 30000);
	dialog caller;
	bool begun = false;
};
FOR_BOTH_FAMILIES(denied);

TEST_P(denied, S4_no_pinhole_to_a_media_port_on_the_deny_list)
{
	const endpoint service = map.inside(10, 3306), rtp = map.inside(10, 20000);
	const std::string seen = offer({{service}, {rtp, "video"}});
	answer(seen, {{far_media}, {map.outside(7, 30002), "video"}});
	EXPECT_EQ(pinholes_to(3306), 0u);
	expect_no_way_in(far_media, media_of(seen, 0));
	expect_no_way_in(far_media, map.router(3306));
	expect_audio(rtp, media_of(seen, 1), map.outside(7, 30002));
	EXPECT_EQ(gate.count(SIPX_COUNT_port_denied), 2u) << "with the offer and with the answer";
}

TEST_P(denied, S4_no_pinhole_to_an_rtcp_port_on_the_deny_list)
{
	const endpoint rtp = map.inside(10, 5350);
	const std::string seen = offer({{rtp}});
	answer(seen, {{far_media}});
	EXPECT_EQ(pinholes_to(5351), 0u);
	const endpoint outside = media_of(seen);
	expect_audio(rtp, outside, far_media);
	expect_no_way_in(map.outside(7, 30001), sip::with_port(outside, static_cast<u16>(outside.port + 1)));
}

TEST_P(denied, S4_the_deny_list_counts_where_nothing_is_translated)
{
	gate.rules.masquerade = false;
	gate.rules.default_route = true;
	const endpoint service = map.inside(10, 3306);
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = try_to_server(phone, request(caller, "INVITE", sdp_of(phone, {{service}}))).bytes;
	EXPECT_EQ(text_of(media_of(seen)), text_of(service));
	EXPECT_EQ(pinholes_to(3306), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_port_denied), 1u);
}

TEST_P(denied, S4_a_change_of_the_deny_list_counts_with_the_next_offer)
{
	const endpoint rtp = map.inside(10, 20000);
	std::string seen = offer({{rtp}});
	answer(seen, {{far_media}});
	const endpoint outside = media_of(seen);
	EXPECT_EQ(pinholes_to(20000), 1u);
	gate.rules.denied_ports.insert(20000);
	answer(offer({{rtp}}), {{far_media}});
	EXPECT_EQ(pinholes_to(20000), 0u);
	expect_no_way_in(far_media, outside);
	gate.rules.denied_ports.clear();
	answer(offer({{rtp}}), {{far_media}});
	expect_audio(rtp, outside, far_media);
}

// A phone that listens elsewhere than it sends from.
TEST_P(denied, S4_no_signalling_pinhole_to_a_port_on_the_deny_list)
{
	for (const u16 port : {u16{5070}, u16{5072}}) {
		const endpoint listening = map.inside(10, port), sending = map.inside(10, port + 1000);
		dialog d = dialog_of("alice", sending, "sip:alice@example.com");
		d.target = "sip:example.com";
		d.contact = "<sip:alice@" + text_of(listening) + ">";
		const std::string seen = to_server(sending, request(d, "REGISTER", "", {{"Expires", "600"}}));
		const std::string contact = line_of(seen, "Contact");
		to_phone(sending, respond(seen, 200, {"far", contact + ";expires=600", "", {}, outer(sending)}));
		EXPECT_EQ(pinholes_to(port), port == 5070 ? 0u : 1u);
		EXPECT_EQ(gate.send(map.outside(1, 5080), at(uri_of(contact).substr(uri_of(contact).find('@') + 1)), "\r\n\r\n").arrived(), port != 5070);
	}
}

} // namespace core_test
