// SPDX-License-Identifier: GPL-2.0
// Who is part of a call, and by which way he is reached: what a reader of the code thought of that is neither a
// stranger's attack alone nor usual SIP. R11, R12, R14, R17, R19, R21, S6, S7.
#include "core_scene.h"

namespace core_test {

class parties : public core_scene {
protected:
	static endpoint via_of(const std::string &message)
	{
		const std::string via = line_of(message, "Via");
		const size_t start = via.find(' ') + 1;
		return at(via.substr(start, via.find(';') - start));
	}
	static endpoint contact_of(const std::string &message)
	{
		const std::string uri = uri_of(line_of(message, "Contact"));
		return at(uri.substr(uri.find('@') + 1));
	}
	// sends from `sending`, listens at `phone`, no rport
	dialog cisco()
	{
		dialog d = dialog_of("alice", phone, "sip:alice@example.com");
		d.target = "sip:example.com";
		d.via = text_of(phone);
		return d;
	}
	// Of IPv6 each in a network of its own.
	endpoint one_of_many(u32 n) const
	{
		const std::string number = std::to_string(100 + n);
		return at(GetParam() == SIPX_IPV6 ? "[2001:db8:" + number + "::1]:5060" : "192.0.2." + number + ":5060");
	}
	reply_parts own(const std::string &sdp = "") const
	{
		return {"t", "<sip:alice@" + text_of(phone) + ">", sdp, {}, {}};
	}
	std::string sdp_at(const endpoint &media) const { return sdp_of(media, {{media}}); }
	dialog to_door(const endpoint &from)
	{
		dialog d = dialog_of("bob", from, "sip:alice@" + text_of(door));
		d.target = "sip:alice@" + text_of(door);
		return d;
	}

	endpoint phone = map.inside(10, 5060), sending = map.inside(10, 6000), rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000), door = map.router(5060);
};
FOR_BOTH_FAMILIES(parties);

// doors that the kernel has closed still count as something to give up.
TEST_P(parties, S7_doors_long_closed_do_not_keep_a_place_from_who_answers)
{
	// A host asks from 40 ports, without rport; the ways stay, the doors close.
	for (u32 n = 0; n < 40; n++) {
		const endpoint listens = map.inside(66, static_cast<u16>(7000 + n));
		dialog d = dialog_of("x", listens, "sip:x@example.com");
		d.via = text_of(listens);
		gate.send(map.inside(66, static_cast<u16>(9000 + n)), server, request(d, "OPTIONS"));
	}
	for (u32 s = 0; s < 70; s += 5) {
		for (u32 n = 0; n < 40; n++)
			gate.send(map.inside(66, static_cast<u16>(9000 + n)), server, "\r\n\r\n");
		gate.advance(5);
	}
	EXPECT_EQ(live_objects(SIPX_SLAB_PINHOLE), 0u);
	// and it has calls that nobody answers, with all pinholes there are
	gate.rules.expectations_max = 40;
	for (u32 n = 0; n < 40; n++) {
		const endpoint media = map.inside(66, static_cast<u16>(20000 + 2 * n));
		dialog d = dialog_of("flood", map.inside(66, 5060), "sip:x@example.com");
		gate.send(map.inside(66, 5060), server, request(d, "INVITE", sdp_at(media)));
	}
	const endpoint good = map.inside(11, 5060), media = map.inside(11, 21000);
	dialog d = dialog_of("alice", good, "sip:bob@example.com");
	const std::string seen = to_server(good, request(d, "INVITE", sdp_at(media)));
	to_phone(good, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_at(far_media), {}, outer(good)}));
	expect_audio(media, media_of(seen), far_media);
}

// strangers' calls that do not ring stand, and are older; the provider's ringing one goes.
TEST_P(parties, S7_second_call_of_a_provider_does_not_end_its_ringing_first)
{
	gate.rules.forward[door] = phone;
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 8;
	const auto call = [&](const endpoint &from, u16 port) {
		dialog d = to_door(from);
		const endpoint media = sip::with_port(far_media, port);
		return gate.send(from, door, request(d, "INVITE", sdp_at(media))).bytes;
	};
	for (u32 n = 0; n < 7; n++)
		call(one_of_many(n), 4000);
	const std::string first = call(server, 30000);
	gate.send(phone, server, respond(first, 180, own()));
	call(server, 30010);
	const delivery answer = gate.send(phone, server, respond(first, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), sip::with_port(far_media, 30000));
}

// one provider: the ringing call, then silent ones.
TEST_P(parties, S7_silent_calls_of_a_provider_go_before_its_ringing_one)
{
	register_phone(phone, "alice");
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 8;
	const auto call = [&](u16 port) {
		dialog d = dialog_of("bob", server, "sip:alice@" + text_of(outer(phone)));
		d.target = "sip:alice@" + text_of(outer(phone));
		const endpoint media = sip::with_port(far_media, port);
		return to_phone(phone, request(d, "INVITE", sdp_at(media)));
	};
	const std::string first = call(30000);
	gate.send(phone, server, respond(first, 180, own()));
	for (u16 n = 1; n < 9; n++)
		call(static_cast<u16>(30000 + 2 * n));
	const delivery answer = gate.send(phone, server, respond(first, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// all ring, each from another network: the oldest goes, not the newest.
TEST_P(parties, S7_of_calls_that_all_ring_the_oldest_goes)
{
	gate.rules.forward[door] = phone;
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 11;
	std::string seen;
	endpoint from;
	const auto call = [&](u32 n) {
		from = one_of_many(n);
		dialog d = to_door(from);
		seen = gate.send(from, door, request(d, "INVITE", sdp_at(far_media))).bytes;
	};
	for (u32 n = 0; n < 11; n++) {
		call(n);
		gate.send(phone, from, respond(seen, 180, own()));
	}
	call(11);
	EXPECT_EQ(gate.show_calls().find("call 1 "), std::string::npos) << "the oldest";
	EXPECT_NE(gate.show_calls().find("call 11 "), std::string::npos) << "the newest that rings";
}

// the answer to a SUBSCRIBE comes to the Via; its NOTIFYs come there for an hour.
TEST_P(parties, R17_R19_notify_of_a_subscription_that_was_granted_at_the_via_port)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 30;
	dialog a = cisco();
	const std::string seen = to_server(sending, request(a, "SUBSCRIBE", "", {{"Expires", "3600"}, {"Event", "presence"}}));
	EXPECT_TRUE(gate.send(server, via_of(seen), respond(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", "", {{"Expires", "3600"}}, {}})).arrived_at(phone));
	gate.advance(100);
	dialog b = answering(seen, "bob", server);
	EXPECT_TRUE(gate.send(server, contact_of(seen), request(b, "NOTIFY")).arrived_at(phone));
}

// ACK goes to the Contact of the other end, which hangs up a minute later.
TEST_P(parties, R19_R13_bye_of_the_other_ends_contact_at_the_listening_port)
{
	const endpoint far_phone = map.outside(77, 5060);
	dialog a = cisco();
	const std::string invite = request(a, "INVITE", sdp_at(rtp));
	const std::string seen = to_server(sending, invite);
	const delivery ok = gate.send(server, via_of(seen), respond(seen, 200, {"far", "<sip:bob@" + text_of(far_phone) + ">", sdp_at(far_media), {}, {}}));
	EXPECT_TRUE(ok.arrived_at(phone));
	learn(a, ok.bytes);
	EXPECT_TRUE(gate.send(sending, far_phone, ack(a, invite)).arrived_at(far_phone));
	expect_audio(rtp, media_of(seen), far_media);
	gate.advance(60);
	dialog far = answering(seen, "bob", far_phone);
	far.local_tag = "far";
	const delivery bye = gate.send(far_phone, contact_of(seen), request(far, "BYE"));
	EXPECT_TRUE(bye.arrived_at(phone));
}

// the sender is a machine of a cluster, and the Via names the address of the whole.
TEST_P(parties, R11_answer_to_the_address_that_the_via_names)
{
	const endpoint machine = map.outside(2, 5060), cluster = map.outside(3, 5060), caller = map.outside(4, 5060);
	gate.rules.forward[door] = phone;
	dialog d = to_door(cluster);
	d.via = text_of(cluster);
	d.contact = "<sip:bob@" + text_of(caller) + ">";
	const delivery in = gate.send(machine, door, request(d, "INVITE", sdp_at(far_media)));
	ASSERT_TRUE(in.arrived_at(phone));
	const delivery answer = gate.send(phone, cluster, respond(in.bytes, 200, own(sdp_at(rtp))));
	ASSERT_TRUE(answer.arrived_at(cluster));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// sent again by another machine of the cluster, and answered there.
TEST_P(parties, R21_invite_that_is_sent_again_by_another_address_of_the_provider)
{
	const endpoint one = map.outside(2, 5060), two = map.outside(3, 5060);
	gate.rules.forward[door] = phone;
	dialog d = to_door(one);
	const std::string ask = request(d, "INVITE", sdp_at(far_media));
	ASSERT_TRUE(gate.send(one, door, ask).arrived_at(phone));
	const delivery in = gate.send(two, door, ask);
	const delivery answer = gate.send(phone, two, respond(in.bytes, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// calls that are over are "called", too: one that has just come goes before them.
TEST_P(parties, S7_calls_that_are_over_go_before_one_that_has_just_come)
{
	gate.rules.forward[door] = phone;
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 8;
	endpoint from;
	const auto call = [&](u32 n) {
		from = one_of_many(n);
		dialog d = to_door(from);
		return gate.send(from, door, request(d, "INVITE", sdp_at(far_media))).bytes;
	};
	for (u32 n = 0; n < 7; n++) {
		const std::string in = call(n);
		for (int status : {180, 486})
			gate.send(phone, from, respond(in, status, own()));
	}
	const std::string live = call(7);
	const endpoint caller = from;
	call(8);
	EXPECT_NE(gate.show_calls().find("call 8 "), std::string::npos) << gate.show_calls();
	const delivery answer = gate.send(phone, caller, respond(live, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// who was asked first knows the Call-ID, and uses up its 32 attempts.
TEST_P(parties, S6_attempts_of_a_stranger_with_the_same_call_id)
{
	gate.rules.forward[door] = phone;
	dialog d = to_door(server);
	const endpoint stranger = map.outside(66, 5060);
	for (u32 n = 0; n < 32; n++) {
		dialog copy = d;
		copy.local_tag = new_word("x");
		gate.send(stranger, door, request(copy, "INVITE", sdp_at(far_media)));
	}
	const delivery in = gate.send(server, door, request(d, "INVITE", sdp_at(far_media)));
	const delivery answer = gate.send(phone, server, respond(in.bytes, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// front-run: a stranger that knows the branch before it comes.
TEST_P(parties, S6_the_copy_comes_first)
{
	gate.rules.forward[door] = phone;
	dialog d = to_door(server);
	const endpoint stranger = map.outside(66, 5060);
	const std::string ask = request(d, "INVITE", sdp_at(far_media));
	gate.send(stranger, door, ask);
	const delivery in = gate.send(server, door, ask);
	const delivery answer = gate.send(phone, server, respond(in.bytes, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// hairpin over two addresses of a provider; either branch is refused or answered.
TEST_P(parties, R14_call_of_a_host_to_itself_by_two_addresses)
{
	const endpoint two = map.outside(2, 5060), rtp2 = map.inside(10, 22000);
	register_phone(phone, "alice");
	dialog o = dialog_of("alice", phone, "sip:x@example.org");
	const endpoint way = gate.send(phone, two, request(o, "OPTIONS")).source;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_at(rtp)));
	std::string spiral = seen;
	const size_t v = spiral.find("Via:");
	spiral.insert(v, "Via: SIP/2.0/UDP " + text_of(two) + ";branch=z9hG4bKhair\r\n");
	const delivery in = gate.send(two, way, spiral);
	ASSERT_TRUE(in.arrived_at(phone));
	const delivery ok = gate.send(phone, two, respond(in.bytes, 200, {"t", "<sip:bob@" + text_of(phone) + ">", sdp_at(rtp2), {}, {}}));
	to_phone(phone, answer_at_server(seen, 200, {"t", "<sip:bob@" + text_of(two) + ">", body_of(ok.bytes), {}, outer(phone)}));
	EXPECT_TRUE(gate.send(rtp, media_of(ok.bytes), "rtp").arrived_at(rtp2));
	EXPECT_TRUE(gate.send(rtp2, media_of(seen), "rtp").arrived_at(rtp));
}

// the peer's re-INVITE at the listening port comes an hour later, after the phone has sent its ACK elsewhere.
TEST_P(parties, R12_re_invite_of_the_other_end_at_the_listening_port_after_a_minute)
{
	const endpoint far_phone = map.outside(77, 5060), moved = map.outside(77, 31000);
	dialog a = cisco();
	const std::string invite = request(a, "INVITE", sdp_at(rtp));
	const std::string seen = to_server(sending, invite);
	const delivery ok = gate.send(server, outer(sending), respond(seen, 200, {"far", "<sip:bob@" + text_of(far_phone) + ">", sdp_at(far_media), {}, {}}));
	learn(a, ok.bytes);
	EXPECT_TRUE(gate.send(sending, far_phone, ack(a, invite)).arrived_at(far_phone));
	gate.advance(60);
	dialog far = answering(seen, "bob", far_phone);
	far.local_tag = "far";
	EXPECT_TRUE(gate.send(far_phone, contact_of(seen), request(far, "INVITE", sdp_at(moved))).arrived_at(phone));
	expect_audio(rtp, media_of(seen), moved);
}

// a branch inherits the Contact of the branch that rang first: its callee may refuse for it.
TEST_P(parties, S6_callee_of_one_branch_refuses_the_other)
{
	const endpoint loser = map.outside(66, 5060);
	dialog o = dialog_of("alice", phone, "sip:x@example.org");
	const endpoint way = gate.send(phone, loser, request(o, "OPTIONS")).source;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_at(rtp)));
	to_phone(phone, answer_at_server(seen, 180, {"loser", "<sip:m@" + text_of(loser) + ">", "", {}, outer(phone)}));
	to_phone(phone, answer_at_server(seen, 183, {"winner", "", sdp_at(far_media), {}, outer(phone)}));
	expect_audio(rtp, media_of(seen), far_media);
	gate.send(loser, way, respond(seen, 487, {"loser", "", "", {}, {}}));
	expect_audio(rtp, media_of(seen), far_media);
}

// as above, with a Contact of its own.
TEST_P(parties, S6_the_copy_comes_first_with_another_contact)
{
	gate.rules.forward[door] = phone;
	dialog d = to_door(server);
	const endpoint stranger = map.outside(66, 5060);
	const std::string ask = request(d, "INVITE", sdp_at(far_media));
	gate.send(stranger, door, with(ask, uri_of(d.contact), "sip:x@" + text_of(stranger)));
	const delivery in = gate.send(server, door, ask);
	const delivery answer = gate.send(phone, server, respond(in.bytes, 200, own(sdp_at(rtp))));
	expect_audio(rtp, media_of(answer.bytes), far_media);
}

// the registration ends while it rings: the answer is wanted at the Via port all the same.
TEST_P(parties, R19_registration_ends_while_it_rings)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog a = cisco();
	const std::string reg = to_server(sending, request(a, "REGISTER", "", {{"Expires", "60"}}));
	EXPECT_TRUE(gate.send(server, via_of(reg), respond(reg, 200, {"far", line_of(reg, "Contact") + ";expires=60", "", {}, {}})).arrived_at(phone));
	gate.advance(50);
	dialog b = dialog_of("alice", phone, "sip:bob@example.com");
	b.via = text_of(phone);
	const std::string seen = to_server(sending, request(b, "INVITE", sdp_at(rtp)));
	gate.advance(30);
	const reply_parts answer{"far", "<sip:bob@" + text_of(server) + ">", sdp_at(far_media), {}, {}};
	EXPECT_TRUE(gate.send(server, via_of(seen), respond(seen, 200, answer)).arrived_at(phone));
}

// Two servers name a phone's socket; in any order of beginnings and ends the one that stays has its media.
class named_by_three : public core_scene {
protected:
	endpoint one = map.inside(5, 5060), two = map.inside(6, 5060), desk = map.inside(33, 5060);
	endpoint rtp = map.inside(33, 20000), far_media = map.outside(7, 30000);
	named_by_three() { gate.rules.media_hosts = {host_of(rtp)}; }
};
FOR_BOTH_FAMILIES(named_by_three);

TEST_P(named_by_three, R18_S6_any_order)
{
	const endpoint all[] = {one, two, desk};
	const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	for (const auto &begin : orders)
		for (const auto &end : orders)
			for (u32 kill = 0; kill < 8; kill++) {
				std::map<int, placed_call> calls;
				std::string seen;
				for (int i : begin) {
					calls[i] = call_out(all[i], rtp, far_media);
					seen = calls[i].invite;
				}
				for (int n = 0; n < 3; n++) {
					const int i = end[n];
					if (kill >> n & 1)
						gate.end(all[i], server);
					else
						hang_up_inside(all[i], calls[i], false);
					gate.advance(2);
					if (n < 2)
						expect_audio(rtp, media_of(seen), far_media);
					gate.end(rtp, far_media);
				}
				gate.end_all();
				EXPECT_EQ(live_objects(SIPX_SLAB_PINHOLE), 0u);
				EXPECT_EQ(live_objects(SIPX_SLAB_HOST), 0u);
			}
}

} // namespace core_test
