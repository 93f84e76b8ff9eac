// SPDX-License-Identifier: GPL-2.0
// sip-ext-assist, which edits nothing, and the setting that leaves the identity fields
// alone. R2, R27.
#include "core_scene.h"

namespace core_test {

class modes : public core_scene {
protected:
	// A provider that sees to NAT by itself: it keeps the port and takes the address it sees.
	endpoint kept(const endpoint &inside) { return sip::with_port(outer(phone), inside.port); }

	placed_call call_with_assist(const endpoint &rtp)
	{
		placed_call call;
		call.caller = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string sent = request(call.caller, "INVITE", sdp_of(phone, {{rtp}}));
		call.invite = try_to_server(phone, sent).bytes;
		EXPECT_EQ(call.invite, sent);
		const std::string answer = answer_at_server(sent, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}})});
		call.answer = try_to_phone(phone, answer).bytes;
		EXPECT_EQ(call.answer, answer);
		learn(call.caller, answer);
		return call;
	}

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint rtcp = map.inside(10, 20001);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(modes);

TEST_P(modes, R27_assist_lets_media_in_at_its_own_port)
{
	gate.rules.assist = true;
	placed_call call = call_with_assist(rtp);
	expect_audio(rtp, kept(rtp), far_media);
	expect_audio(rtcp, kept(rtcp), map.outside(7, 30001));
	gate.advance(3600);
	expect_audio(rtp, kept(rtp), far_media);
	const std::string bye = try_to_server(phone, request(call.caller, "BYE")).bytes;
	try_to_phone(phone, answer_at_server(bye, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
}

TEST_P(modes, R27_assist_keeps_a_registration_exactly_as_long_as_granted)
{
	gate.rules.assist = true;
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog d = dialog_of("alice", phone, "sip:alice@example.com");
	const std::string sent = try_to_server(phone, request(d, "REGISTER", "", {{"Expires", "3600"}})).bytes;
	const endpoint seen = outer(phone);
	reply_parts parts;
	parts.contact = line_of(sent, "Contact") + ";expires=60";
	try_to_phone(phone, answer_at_server(sent, 200, parts));
	gate.advance(55);
	EXPECT_TRUE(gate.send(server, seen, "x").arrived_at(phone));
	gate.advance(20);
	EXPECT_FALSE(gate.send(server, seen, "x").arrived());
}

TEST_P(modes, R27_assist_of_two_phones_with_one_port)
{
	gate.rules.assist = true;
	call_with_assist(rtp);
	phone = map.inside(11, 5060);
	call_with_assist(map.inside(11, 20000));
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 2u) << "RTP and RTCP of the second";
	EXPECT_EQ(gate.expectation_count(), 4u);
	expect_audio(rtp, map.router(20000), far_media);
}

TEST_P(modes, R27_assist_where_a_program_of_the_router_has_the_port)
{
	gate.rules.assist = true;
	gate.rules.taken_ports = {20000};
	call_with_assist(rtp);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 1u);
	EXPECT_EQ(gate.expectation_count(), 2u) << "of RTCP";
}

TEST_P(modes, R27_assist_without_memory_passes)
{
	gate.rules.assist = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = request(d, "INVITE", sdp_of(phone, {{rtp}}));
	for (u32 n = 1; n < 12; n++) {
		set_faults({.kinds = fault_alloc | fault_port, .strike_at = n});
		EXPECT_EQ(try_to_server(phone, sent).bytes, sent);
		set_faults({});
		gate.end_all();
		EXPECT_EQ(live_objects(), 0u);
	}
}

TEST_P(modes, R27_assist_of_a_socket_that_was_bound_elsewhere)
{
	gate.rules.taken_ports = {20000};
	call_out(phone, rtp, far_media);	// by a rule with sip-ext: to another port
	gate.rules.taken_ports = {};
	gate.rules.assist = true;
	const u32 before = gate.expectation_count();
	server = map.outside(2, 5060);
	call_with_assist(rtp);
	EXPECT_EQ(gate.expectation_count(), before);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 2u);
}

TEST_P(modes, R27_assist_without_nat_module)
{
	gate.rules.assist = true;
	gate.rules.nat_present = false;
	call_with_assist(rtp);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(modes, R27_assist_without_nat)
{
	gate.rules.assist = true;
	gate.rules.masquerade = false;
	call_with_assist(rtp);
	expect_audio(rtp, rtp, far_media);
}

TEST_P(modes, R2_identity_fields_are_left_alone_by_setting)
{
	gate.rules.values[SIPX_SETTING_IDENTITY] = 0;
	gate.rules.shift_ports = true;
	gate.send(phone, server, "\r\n\r\n");
	const std::vector<std::string> names = {"From", "To", "Reply-To", "Referred-By", "P-Asserted-Identity", "P-Preferred-Identity",
						"Remote-Party-ID", "Diversion", "History-Info"};
	for (const endpoint &who : {phone, outer(phone)}) {
		dialog d = dialog_of("alice", phone, "sip:bob@" + text_of(who));
		d.local = "sip:alice@" + uri_host_of(who);
		fields more;
		for (size_t i = 2; i < names.size(); i++)
			more.push_back({names[i], "<sip:a@" + text_of(who) + ">"});
		const std::string sent = request(d, "OPTIONS", "", more);
		const std::string seen = try_to_server(phone, sent).bytes;
		dialog back = dialog_of("bob", server, "sip:alice@" + text_of(outer(phone)));
		const std::string asked = request(back, "OPTIONS", "", more), got = try_to_phone(phone, asked).bytes;
		for (const auto &name : names) {
			EXPECT_EQ(line_of(seen, name), line_of(sent, name));
			EXPECT_EQ(line_of(got, name), line_of(asked, name));
		}
		EXPECT_EQ(uri_of(line_of(seen, "Contact")), "sip:alice@" + text_of(outer(phone))) << "no identity";
		EXPECT_EQ(request_uri_of(got), "sip:alice@" + text_of(phone));
	}
}

} // namespace core_test
