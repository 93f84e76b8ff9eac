// SPDX-License-Identifier: GPL-2.0
// What ends with a TCP connection and what does not (RFC 3261 18), and how large the packets
// are that the router makes of a message.
#include "core_scene.h"

namespace core_test {

class tcp_ends : public core_scene {
protected:
	// The same phone begins anew from another port.
	endpoint again(u16 port) const { return over_tcp(map.inside(10, port)); }

	endpoint phone = over_tcp(map.inside(10, 49152));
	endpoint media = map.inside(10, 20000);
	endpoint far = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(tcp_ends);

TEST_P(tcp_ends, T6_a_registration_ends_with_its_connection)
{
	register_phone(phone, "alice", 3600);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_GE(gate.find(phone, over_tcp(server))->data.keep_until_s, now_ms() / 1000 + 3599);
	line(phone).finish(true);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 0u) << "the server may still speak";
	line(phone).finish(false);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 1u);
	EXPECT_EQ(gate.find(phone, over_tcp(server))->data.keep_until_s, 0u);
	gate.advance(gate.rules.tcp_closed_timeout_s + 1);
	EXPECT_EQ(gate.connection_count(), 0u);
	EXPECT_EQ(live_objects(), 0u);
}

TEST_P(tcp_ends, T6_a_registration_ends_with_a_reset)
{
	register_phone(phone, "alice", 3600);
	line(phone).reset(false);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 1u);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 0u);
}

TEST_P(tcp_ends, T6_a_forged_reset_ends_nothing)
{
	register_phone(phone, "alice", 3600);
	segment rst;
	rst.rst = true;
	rst.seq = 77;
	gate.carry(over_tcp(server), line(phone).seen_client(), rst);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 0u);
}

TEST_P(tcp_ends, R17_a_subscription_ends_with_its_connection)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "SUBSCRIBE", "", {{"Event", "x"}, {"Expires", "600"}}));
	to_phone(phone, respond(seen, 200, {"t", "<sip:bob@" + text_of(server) + ">", "", {{"Expires", "600"}}}));
	EXPECT_EQ(gate.count(SIPX_COUNT_subscription_granted), 1u);
	hang_up_line(phone);
	EXPECT_EQ(gate.count(SIPX_COUNT_subscription_ended), 1u);
}

TEST_P(tcp_ends, R13_a_call_outlives_its_connection)
{
	placed_call call = call_out(phone, media, far);
	expect_audio(media, media_of(call.invite), far);
	hang_up_line(phone);
	gate.advance(3600);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u);
	expect_audio(media, media_of(call.invite), far);
	EXPECT_EQ(gate.expectation_count(), 4u);
}

TEST_P(tcp_ends, R13_a_call_goes_on_over_a_new_connection)
{
	placed_call call = call_out(phone, media, far);
	const endpoint outer_media = media_of(call.invite);
	hang_up_line(phone);
	gate.advance(10);
	const endpoint anew = again(49200);
	const std::string invite = request(call.caller, "INVITE", sdp_of(media, {{media}}));
	const std::string seen = to_server(anew, invite);
	EXPECT_EQ(text_of(media_of(seen)), text_of(outer_media)) << "R12: the same outside port";
	to_phone(anew, respond(seen, 200, {"", call.called.contact, sdp_of(far, {{far}})}));
	to_server(anew, ack(call.caller, invite));
	EXPECT_EQ(gate.count(SIPX_COUNT_call_started), 1u);
	// nothing hangs on the old one any more
	EXPECT_EQ(gate.find(phone, over_tcp(server))->data.keep_until_s, 0u);
	gate.end(phone, over_tcp(server));
	EXPECT_EQ(gate.expectation_count(), 4u);
	expect_audio(media, outer_media, far);
	gate.advance(7200);
	expect_audio(media, outer_media, far);
	const std::string bye = to_server(anew, request(call.caller, "BYE"));
	to_phone(anew, respond(bye, 200));
	EXPECT_EQ(gate.expectation_count(), 0u) << "R13";
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 1u);
}

TEST_P(tcp_ends, R13_the_other_end_goes_on_over_a_new_connection)
{
	register_phone(phone, "alice");
	placed_call call = call_in(phone, media, far);
	hang_up_line(phone);
	const endpoint anew = again(49200);
	register_phone(anew, "alice");
	call.caller.target = "sip:alice@" + text_of(outer(anew));
	const std::string invite = request(call.caller, "INVITE", sdp_of(far, {{far}}));
	const std::string seen = to_phone(anew, invite);
	to_server(anew, respond(seen, 200, {"", call.called.contact, sdp_of(media, {{media}})}));
	gate.end(phone, over_tcp(server));
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u);
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 4u);
	const std::string bye = to_phone(anew, request(call.caller, "BYE"));
	to_server(anew, respond(bye, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(tcp_ends, R13_a_call_that_is_hung_up_over_a_new_connection)
{
	placed_call call = call_out(phone, media, far);
	hang_up_line(phone);
	const endpoint anew = again(49200);
	const std::string bye = to_server(anew, request(call.caller, "BYE"));
	to_phone(anew, respond(bye, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
	gate.advance(gate.rules.tcp_closed_timeout_s + 40);
	EXPECT_EQ(gate.find(phone, over_tcp(server)), nullptr);
}

TEST_P(tcp_ends, R13_a_call_goes_on_over_udp)
{
	const endpoint by_udp = map.inside(10, 5060);
	placed_call call = call_out(phone, media, far);
	hang_up_line(phone);
	const std::string seen = to_server(by_udp, request(call.caller, "INVITE", sdp_of(media, {{media}})));
	to_phone(by_udp, respond(seen, 200, {"", call.called.contact, sdp_of(far, {{far}})}));
	gate.end(phone, over_tcp(server));
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u);
	expect_audio(media, media_of(call.invite), far);
}

TEST_P(tcp_ends, S6_a_call_does_not_move_to_another_peer)
{
	placed_call call = call_out(phone, media, far);
	hang_up_line(phone);
	const endpoint elsewhere = over_tcp(map.outside(66, 5060));
	tcp_line other(gate, again(49300), elsewhere);
	ASSERT_TRUE(other.connect());
	other.say(true, for_tcp(request(call.caller, "INVITE", sdp_of(media, {{media}}))));
	gate.end(other.client(), elsewhere);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u) << "it hangs on the connection that it had";
	expect_audio(media, media_of(call.invite), far);
}

TEST_P(tcp_ends, R10_a_call_that_has_a_second_way_outlives_the_end_of_the_first)
{
	placed_call call = call_out(phone, media, far);
	const endpoint anew = again(49200);
	const std::string invite = request(call.caller, "INVITE", sdp_of(media, {{media}}));
	const std::string seen = to_server(anew, invite);
	gate.end(phone, over_tcp(server));	// conntrack -D
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u);
	to_phone(anew, respond(seen, 200, {"", call.called.contact, sdp_of(far, {{far}})}));
	EXPECT_EQ(gate.expectation_count(), 4u);
	expect_audio(media, media_of(call.invite), far);
}

TEST_P(tcp_ends, T6_a_message_that_is_cut_off_leaves_as_it_is)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string ask = for_tcp(request(d, "INVITE", sdp_of(media, {{media}})));
	for (size_t at = 1; at < ask.size(); at += 11) {
		tcp_line cut(gate, again(static_cast<u16>(50000 + at)), over_tcp(server));
		ASSERT_TRUE(cut.connect());
		cut.say(true, ask.substr(0, at), {17});
		cut.finish(true);
		EXPECT_EQ(cut.read(false), ask.substr(0, at));
		EXPECT_TRUE(cut.saw_end(false));
		cut.finish(false);
	}
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
	EXPECT_EQ(live_piece_bytes(), 0u);
}

TEST_P(tcp_ends, T5_a_message_that_does_not_go_on_leaves_after_a_while)
{
	const std::string half = "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TCP " + host_of(phone);
	EXPECT_NE(say(phone, true, half), half);
	gate.advance(gate.rules.values[SIPX_SETTING_TCP_HOLD] + 2);
	line(phone).say_again(true, 1);
	EXPECT_EQ(line(phone).read(false).size() + said.back().heard.size(), half.size());
	EXPECT_EQ(gate.count(SIPX_COUNT_stream_too_slow), 1u);
}

TEST_P(tcp_ends, T6_the_same_ports_begin_anew)
{
	register_phone(phone, "alice");
	hang_up_line(phone);
	const std::string granted = register_phone(phone, "alice");
	EXPECT_EQ(uri_of(line_of(granted, "Contact")), "sip:alice@" + text_of(phone));
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 2u);
}

TEST_P(tcp_ends, T6_a_connection_whose_beginning_was_not_seen)
{
	segment what;
	what.seq = 1000;
	what.ack = 2000;
	what.has_ack = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	what.payload = for_tcp(request(d, "OPTIONS"));
	const auto out = gate.carry(phone, over_tcp(server), what);
	ASSERT_EQ(out.size(), 1u);
	EXPECT_EQ(out[0].what.payload, what.payload);
	EXPECT_EQ(live_objects(SIPX_SLAB_TCP), 0u);
}

// ---- packets

class tcp_packets : public core_scene {
protected:
	// A message, which grows if it is the phone's, in segments of that size; the sizes in which it arrives.
	std::vector<size_t> sizes_of(size_t size, bool phone_speaks = true)
	{
		gate.rules.map_port[phone] = 40000;
		dialog d = dialog_of("a", phone, "sip:b@b.example");
		const std::string ask = for_tcp(request(d, "MESSAGE", "", {{"Subject", std::string(4000, 'x')}}));
		tcp_line &its = line(phone);
		std::vector<size_t> found;
		its.watch = [&](const arrival &one) {
			if (!one.what.payload.empty() && !one.emission)
				found.push_back(one.what.payload.size());
		};
		its.say(phone_speaks, ask, {size});
		const std::string heard = its.read(!phone_speaks);
		EXPECT_EQ(phone_speaks ? leak_in(heard, map) : "", "");
		return found;
	}

	// Both ends have lost it, the router has not.
	void begin_anew(u32 ahead)
	{
		auto &its = lines[phone];
		its = std::make_unique<tcp_line>(gate, phone, over_tcp(server));
		ASSERT_TRUE(its->connect(ahead));
	}

	endpoint phone = over_tcp(map.inside(10, 5060));
	u32 family_extra = GetParam() == SIPX_IPV6 ? 20 : 0;
};
FOR_BOTH_FAMILIES(tcp_packets);

TEST_P(tcp_packets, T3_no_packet_is_larger_than_the_way_and_the_receiver_allow)
{
	gate.rules.mtu = 1400;
	for (const size_t size : sizes_of(60000))
		EXPECT_LE(size, 1360 - family_extra);
	lines.clear();
	gate.end_all();
	gate.rules.mtu = 1500;
	gate.rules.mss = 700;
	for (const size_t size : sizes_of(60000))
		EXPECT_LE(size, 700u);
}

// What the former ends took counts no longer.
TEST_P(tcp_packets, T6_packets_of_a_connection_begun_anew_are_as_large_as_it_allows)
{
	for (const bool phone_speaks : {true, false}) {
		gate.rules.mss = 700;
		const std::vector<size_t> small = sizes_of(60000, phone_speaks);
		EXPECT_LE(*std::max_element(small.begin(), small.end()), 700u);
		gate.rules.mss = 1460;
		begin_anew(phone_speaks ? 0x30000000 : 0x60000000);
		const std::vector<size_t> found = sizes_of(60000, phone_speaks);
		EXPECT_GT(*std::max_element(found.begin(), found.end()), 700u) << phone_speaks;
		gate.end_all();
		lines.clear();
	}
}

// A peer that says it takes one byte makes a packet of each byte, else (CVE-2019-11479).
TEST_P(tcp_packets, S7_no_packet_is_smaller_than_the_kernels_own_would_be)
{
	gate.rules.mss = 1;
	const std::vector<size_t> found = sizes_of(60000);
	EXPECT_LE(found.size(), 100u);
}

TEST_P(tcp_packets, T3_no_packet_is_larger_than_those_of_its_sender)
{
	for (const size_t size : sizes_of(1300))
		EXPECT_LE(size, 1300u);
}

TEST_P(tcp_packets, T3_where_large_packets_do_not_arrive_they_become_small)
{
	gate.rules.map_port[phone] = 40000;
	dialog d = dialog_of("a", phone, "sip:b@b.example");
	const std::string ask = for_tcp(request(d, "MESSAGE", "", {{"Subject", std::string(4000, 'x')}}));
	tcp_line &its = line(phone);
	its.lose_behind = [](const segment &what) { return what.payload.size() > 1300; };
	its.say(true, ask, {1400});
	EXPECT_EQ(leak_in(its.read(false), map), "");
	EXPECT_TRUE(its.all_acked());
}

} // namespace core_test
