// SPDX-License-Identifier: GPL-2.0
// What a hostile reviewer broke: races, strangers, floods, messages that come late or again,
// and ports that share too much.
#include "core_scene.h"

namespace core_test {

class robust : public core_scene {
protected:
	robust() { gate.rules.shift_ports = true; gate.rules.taken_ports = {20000, 20001, 20002, 20003}; }
	std::string in_dialog(const std::string &m, const std::string &sdp = "") { return to_server(phone, request(caller, m, sdp)); }
	std::string answer_of(const std::string &seen, const std::string &tag, int status, const endpoint &there) {
		const std::string sdp = there.port ? sdp_of(there, {{there}}) : "";
		return answer_at_server(seen, status, {tag, "<sip:" + tag + "@" + text_of(server) + ">", sdp, {}, outer(phone)});
	}
	std::string from_far(placed_call &call, const std::string &method, const std::string &sdp = "") {
		call.called.remote_tag = call.caller.local_tag;
		return to_phone(phone, request(call.called, method, sdp));
	}
	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint video = map.inside(10, 20002);
	endpoint far_media = map.outside(7, 30000);
	dialog caller;
};
FOR_BOTH_FAMILIES(robust);

TEST_P(robust, R3_host_goes_between_the_two_locks)
{
	register_phone(phone, "alice");
	gate.during_rewrite = [this] { gate.end(phone, server); };
	const endpoint other = map.outside(2, 5060);
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	gate.send(phone, other, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
}
TEST_P(robust, S11_ends_that_were_not_told_are_found)
{
	const endpoint other = map.inside(11, 5060);
	gate.rules.misses_ends = true;
	register_phone(phone, "alice");
	register_phone(other, "bob");
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 2u);
	gate.end(phone, server);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 1u);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 1u);
	gate.end(other, server);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 0u);
	EXPECT_EQ(gate.handles(), 0u);
}
TEST_P(robust, S11_connection_that_lost_the_helper_is_found)
{
	register_phone(phone, "alice");
	call_out(phone, rtp, far_media);
	sipx_connection_data *theirs = gate.change_helper(phone, server, false);
	ASSERT_TRUE(theirs);
	theirs->connection = this;
	theirs->flags = ~0u;
	gate.advance(2);
	EXPECT_EQ(live_objects(), 0u);
	EXPECT_EQ(gate.handles(), 0u);
	EXPECT_EQ(theirs->connection, this);
	EXPECT_EQ(theirs->flags, ~0u);
	gate.end(phone, server);
}
TEST_P(robust, S11_connection_that_got_the_helper_again_begins_anew)
{
	register_phone(phone, "alice");
	ASSERT_TRUE(gate.change_helper(phone, server, true));
	placed_call call = call_out(phone, rtp, far_media);
	gate.advance(2);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 1u);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 0u);
	expect_audio(rtp, media_of(call.invite), far_media);
	gate.end(phone, server);
	EXPECT_EQ(live_objects(), 0u);
}
TEST_P(robust, S11_those_that_ended_untold_are_found_among_many)
{
	for (u32 n = 0; n < 300; n++)
		register_phone(map.inside(10, static_cast<u16>(10000 + n)), "u" + std::to_string(n));
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 300u);
	for (u32 n = 0; n < 300; n += 3)
		ASSERT_TRUE(gate.change_helper(map.inside(10, static_cast<u16>(10000 + n)), server, false));
	gate.advance(10);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 200u);
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 200u);
}
TEST_P(robust, S5_change_of_a_call_that_is_not_makes_none)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 5;
	const endpoint pbx = phone;
	gate.rules.forward[map.router(5060)] = pbx;
	for (u32 n = 0; n < 5; n++) {
		const endpoint stranger = map.outside(66, static_cast<u16>(40000 + n));
		dialog d = dialog_of("x", stranger, "sip:y@example.com");
		d.target = "sip:y@" + text_of(map.router(5060));
		d.remote_tag = "madeup";
		const delivery got = gate.send(stranger, map.router(5060), request(d, "INVITE"));
		ASSERT_TRUE(got.arrived_at(pbx));
		gate.send(pbx, stranger, respond(got.bytes, 481, {}));
	}
	gate.advance(3 * 24 * 3600);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
	EXPECT_EQ(gate.connection_count(), 0u);
	dialog d = dialog_of("alice", pbx, "sip:bob@example.com");
	const delivery own = gate.send(pbx, server, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	EXPECT_EQ(leak_in(own.bytes, map), "");
}
TEST_P(robust, R1_door_outlives_the_connection_that_opened_it)
{
	const endpoint listen = map.inside(10, 5070);
	endpoint door{};
	auto reg = [&](u16 source) {
		const endpoint from = map.inside(10, source);
		dialog d = dialog_of("alice", listen, "sip:alice@example.com");
		d.target = "sip:example.com";
		const delivery s = gate.send(from, server, request(d, "REGISTER", "", {{"Expires", "3600"}}));
		reply_parts parts; parts.seen_from = s.source;
		parts.contact = line_of(s.bytes, "Contact") + ";expires=3600";
		EXPECT_TRUE(gate.send(server, s.source, respond(s.bytes, 200, parts)).arrived_at(from));
		return at(uri_of(line_of(s.bytes, "Contact")).substr(10));
	};
	door = reg(40001);
	gate.advance(1800);
	door = reg(40002);
	gate.advance(1700);
	door = reg(40003);
	gate.advance(600);	// 3600 of the first are over
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(door);
	EXPECT_TRUE(gate.send(server, door, request(d, "INVITE", sdp_of(far_media, {{far_media}}))).arrived_at(listen)) << gate.show_registrations();
}
// 4
TEST_P(robust, R11_provisional_response_to_update_ends_no_change)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	const std::string seen = in_dialog("UPDATE", sdp_of(video, {{video}}));
	to_phone(phone, answer_at_server(seen, 100, {"far", "", "", {}, outer(phone)}));
	to_phone(phone, answer_at_server(seen, 488, {"far", "", "", {}, outer(phone)}));
	expect_audio(rtp, media_of(call.invite), far_media);
}
TEST_P(robust, R21_answer_to_update_repeated_after_a_later_change)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	const std::string seen = in_dialog("UPDATE", sdp_of(rtp, {{rtp}}));
	const std::string ok = answer_of(seen, "far", 200, far_media);
	to_phone(phone, ok);
	const endpoint moved = map.outside(8, 32000);
	const std::string got = from_far(call, "INVITE", sdp_of(moved, {{moved}}));
	to_server(phone, respond(got, 200, {"", "<sip:alice@" + text_of(phone) + ">", sdp_of(rtp, {{rtp}}), {}, {}}));
	to_phone(phone, ok);
	expect_audio(rtp, media_of(call.invite), moved);
}
TEST_P(robust, R21_update_repeated_after_a_later_change)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	const std::string up = request(caller, "UPDATE", sdp_of(rtp, {{rtp}}));
	to_phone(phone, answer_of(to_server(phone, up), "far", 200, far_media));
	const std::string re = in_dialog("INVITE", sdp_of(video, {{video}}));
	to_phone(phone, answer_of(re, "far", 200, far_media));
	to_server(phone, up);
	expect_audio(video, media_of(re), far_media);
}
TEST_P(robust, R21_late_ack_with_an_answer)
{
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string inv = request(caller, "INVITE");
	const std::string seen = to_server(phone, inv);
	learn(caller, to_phone(phone, answer_of(seen, "far", 200, far_media)));
	const std::string a = ack(caller, inv, sdp_of(rtp, {{rtp}}));
	to_server(phone, a);
	const std::string re = in_dialog("INVITE", sdp_of(video, {{video}}));
	to_phone(phone, answer_of(re, "far", 200, far_media));
	to_server(phone, a);
	expect_audio(video, media_of(re), far_media);
}
// 6
TEST_P(robust, R11_forty_phones_ring_and_the_last_answers)
{
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
	for (u32 n = 0; n < 40; n++)
		to_phone(phone, answer_of(seen, "fork" + std::to_string(n), 180, {}));
	to_phone(phone, answer_of(seen, "fork39", 200, far_media));
	expect_audio(rtp, media_of(seen), far_media);
	EXPECT_NE(gate.show_calls().find("answered"), std::string::npos);
}
// 7
TEST_P(robust, S7_branches_stay_within_the_limit)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 2;
	for (u32 c = 0; c < 2; c++) {
		caller = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
		for (u32 n = 0; n < 31; n++)
			to_phone(phone, answer_of(seen, "fork" + std::to_string(n), 180, {}));
	}
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 2u);
}
// 8
TEST_P(robust, R11_change_after_four_that_nobody_answered)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	for (u32 n = 0; n < 4; n++) { in_dialog("INVITE", sdp_of(rtp, {{rtp}})); gate.advance(60); }
	const std::string re = in_dialog("INVITE", sdp_of(video, {{video}}));
	to_phone(phone, answer_of(re, "far", 200, far_media));
	expect_audio(video, media_of(re), far_media);
}
// 9
TEST_P(robust, R10_shared_pinhole_outlives_the_other_connection)
{
	placed_call one = call_out(phone, rtp, far_media);
	const endpoint second = map.outside(2, 5060);
	dialog d = dialog_of("alice", phone, "sip:carol@example.com");
	const delivery s = gate.send(phone, second, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	gate.send(second, s.source, respond(s.bytes, 200, {"far2", "<sip:c@" + text_of(second) + ">", sdp_of(far_media, {{sip::with_port(far_media, 31000)}}), {}, s.source}));
	hang_up_inside(phone, one, false);
	gate.advance(1000);
	EXPECT_FALSE(gate.find(phone, server));
	expect_audio(rtp, media_of(s.bytes), sip::with_port(far_media, 31000));
}
// 10
TEST_P(robust, R11_glare_of_which_one_is_accepted)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	const std::string mine = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
	const endpoint moved = map.outside(8, 32000);
	const std::string got = from_far(call, "INVITE", sdp_of(moved, {{moved}}));
	to_server(phone, respond(got, 200, {"", "<sip:alice@" + text_of(phone) + ">", sdp_of(rtp, {{rtp}}), {}, {}}));
	to_phone(phone, answer_at_server(mine, 491, {"far", "", "", {}, outer(phone)}));
	expect_audio(rtp, media_of(call.invite), moved);
}
TEST_P(robust, R11_second_change_refused_while_the_first_waits)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	const std::string mine = in_dialog("INVITE");	// a refresh without an offer
	const endpoint moved = map.outside(8, 32000);
	const std::string got = from_far(call, "INVITE", sdp_of(moved, {{moved}}));
	to_server(phone, respond(got, 491, {}));
	to_phone(phone, answer_at_server(mine, 491, {"far", "", "", {}, outer(phone)}));
	expect_audio(rtp, media_of(call.invite), far_media);
}
TEST_P(robust, R2_pairs_of_another_host_bind_nothing)
{
	const endpoint foreign = map.inside(99, 20000);
	const std::string sdp = sdp_of(foreign, {{foreign, "audio", "RTP/AVP 0", {"candidate:1 1 UDP 9 " + host_of(foreign) + " 20001 typ host"}}});
	const std::string two = with(sdp, "20000 RTP", "20000/2 RTP");
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const delivery got = gate.send(phone, server, request(d, "INVITE", two));
	EXPECT_EQ(body_of(got.bytes), body_of("\r\n\r\n" + two));
}
// 14: unknown dialog INVITE with tag keeps the conntrack
TEST_P(robust, R24_strangers_keep_no_connection)
{
	gate.rules.forward[map.router(5060)] = phone;
	const endpoint stranger = map.outside(66, 40000);
	dialog d = dialog_of("x", stranger, "sip:y@example.com");
	d.target = "sip:y@" + text_of(map.router(5060)); d.remote_tag = "madeup";
	gate.send(stranger, map.router(5060), request(d, "INVITE"));
	gate.advance(24 * 3600);
	EXPECT_EQ(gate.connection_count(), 0u);
}
// 15: overtaken is not reset
TEST_P(robust, R11_overtaken_branch_begins_anew)
{
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	dialog first = caller;
	const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
	to_phone(phone, answer_of(seen, "a", 180, {}));
	to_phone(phone, answer_of(seen, "b", 200, far_media));
	gate.advance(34);
	first.cseq = 5;
	const std::string again = to_server(phone, request(first, "INVITE", sdp_of(video, {{video}})));
	to_phone(phone, answer_of(again, "c", 183, map.outside(9, 33000)));
	expect_audio(video, media_of(again), map.outside(9, 33000));
}
// 16: identity + contact with two registered sockets
TEST_P(robust, R2_identity_never_costs_the_message)
{
	auto reg = [&](u16 listen, const std::string &user) {
		dialog d = dialog_of(user, map.inside(10, listen), "sip:" + user + "@example.com");
		d.target = "sip:example.com"; d.via = with(d.via, std::to_string(listen), "5060");
		const std::string s = to_server(phone, request(d, "REGISTER", "", {{"Expires", "3600"}}));
		reply_parts parts; parts.seen_from = outer(phone); parts.contact = line_of(s, "Contact") + ";expires=3600";
		to_phone(phone, answer_at_server(s, 200, parts));
	};
	reg(5071, "a"); reg(5072, "b");
	dialog d = dialog_of("c", map.inside(10, 5073), "sip:bob@example.com");
	d.via = with(d.via, "5073", "5060");
	d.local = "sip:c@" + text_of(map.inside(10, 5080));
	to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
}

// 20
TEST_P(robust, S7_flood_of_one_host_leaves_another_its_calls)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 3;
	register_phone(phone, "alice");
	for (u32 n = 0; n < 3; n++) {
		const endpoint bad = map.inside(60 + n, 5060);
		dialog f = dialog_of("flood", bad, "sip:x@example.com");
		try_to_server(bad, request(f, "INVITE"));
	}
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
}
// 21: hairpin to a socket that was only spoken of
TEST_P(robust, S4_hairpin_leads_to_media_alone)
{
	const endpoint victim = map.inside(20, 5060), named = map.inside(20, 5080);
	dialog v = dialog_of("v", victim, "sip:bob@example.com");
	v.local = "sip:v@" + text_of(named);
	const std::string seen = to_server(victim, request(v, "INVITE"));
	const endpoint outside = at(uri_of(line_of(seen, "From")).substr(6));
	placed_call call = call_out(phone, rtp, outside);
	const delivery got = gate.send(rtp, outside, "rtp");
	EXPECT_FALSE(got.arrived_at(named)) << text_of(outside);
}
// 22: two subscriptions of one Call-ID
TEST_P(robust, R17_refer_and_subscription_of_one_call_id)
{
	dialog w = dialog_of("alice", phone, "sip:bob@example.com");
	auto go = [&](const std::string &m, fields f, int status, const std::string &expires) {
		const std::string seen = to_server(phone, request(w, m, "", f));
		learn(w, to_phone(phone, answer_at_server(seen, status, {"far", "<sip:" + text_of(server) + ">", "", {{"Expires", expires}}, outer(phone)})));
	};
	go("SUBSCRIBE", {{"Expires", "3600"}, {"Event", "conference"}}, 200, "3600");
	const endpoint seen_at = outer(phone);
	go("REFER", {{"Refer-To", "<sip:carol@example.com>"}}, 202, "180");
	gate.advance(1000);
	dialog n = dialog_of("bob", server, "sip:alice@example.com"); n.call_id = w.call_id; n.target = "sip:alice@" + text_of(seen_at);
	EXPECT_TRUE(gate.send(server, seen_at, request(n, "NOTIFY")).arrived_at(phone));
}
// control of h
TEST_P(robust, R10_two_calls_of_one_media_socket)
{
	placed_call one = call_out(phone, rtp, far_media);
	const endpoint second = map.outside(2, 5060);
	dialog d = dialog_of("alice", phone, "sip:carol@example.com");
	const delivery s = gate.send(phone, second, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	gate.send(second, s.source, respond(s.bytes, 200, {"far2", "<sip:c@" + text_of(second) + ">", sdp_of(far_media, {{sip::with_port(far_media, 31000)}}), {}, s.source}));
	gate.advance(1000);
	expect_audio(rtp, media_of(s.bytes), sip::with_port(far_media, 31000));
}
// 23: INVITE repeated late in an early dialog
TEST_P(robust, R21_invite_repeated_after_an_early_update)
{
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string inv = request(caller, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, inv);
	learn(caller, to_phone(phone, answer_of(seen, "far", 183, far_media)));
	const std::string up = in_dialog("UPDATE", sdp_of(video, {{video}}));
	to_phone(phone, answer_of(up, "far", 200, far_media));
	to_server(phone, inv);
	expect_audio(video, media_of(up), far_media);
}
// 24: a flood of calls from outside, while one rings
TEST_P(robust, S7_strangers_do_not_evict_the_calls_of_the_inside)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 5;
	gate.rules.forward[map.router(5060)] = phone;
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
	to_phone(phone, answer_of(seen, "far", 180, {}));
	for (u32 n = 0; n < 6; n++) {
		const endpoint stranger = map.outside(66, static_cast<u16>(40000 + n));
		dialog d = dialog_of("x", stranger, "sip:y@example.com");
		d.target = "sip:y@" + text_of(map.router(5060));
		gate.send(stranger, map.router(5060), request(d, "INVITE"));
	}
	to_phone(phone, answer_of(seen, "far", 200, far_media));
	expect_audio(rtp, media_of(seen), far_media);
}
// 25: a known dialog that its far end does not know any more
TEST_P(robust, R13_481_to_a_change_ends_the_call)
{
	placed_call call = call_out(phone, rtp, far_media); caller = call.caller;
	to_phone(phone, answer_at_server(in_dialog("INVITE", sdp_of(rtp, {{rtp}})), 481, {"far", "", "", {}, outer(phone)}));
	EXPECT_EQ(gate.expectation_count(), 0u);
}
// 26: two 200 with other tags while the re-INVITE
TEST_P(robust, R10_second_server_with_the_same_call_id)
{
	caller = dialog_of("alice", phone, "sip:bob@example.com");
	dialog second_try = caller;
	const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}}));
	to_phone(phone, answer_at_server(seen, 503, {"far", "", "", {}, outer(phone)}));
	const endpoint second = map.outside(2, 5060);
	const std::string inv = request(second_try, "INVITE", sdp_of(rtp, {{rtp}}));
	const delivery s = gate.send(phone, second, inv);
	learn(second_try, gate.send(second, s.source, respond(s.bytes, 200, {"far2", "<sip:c@" + text_of(second) + ">", sdp_of(far_media, {{far_media}}), {}, s.source})).bytes);
	gate.send(phone, second, ack(second_try, inv));
	gate.end(phone, server);	// the dead server's connection: conntrack -D, or an early drop
	expect_audio(rtp, media_of(s.bytes), far_media);
}
} // namespace core_test
