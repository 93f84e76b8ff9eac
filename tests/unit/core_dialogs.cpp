// SPDX-License-Identifier: GPL-2.0
// Dialogs and what is agreed in them: forks, offers that are refused, streams that share a
// socket, subscriptions, and how long all of it lives. R7, R8, R10 to R14, R17, S2, S7.
#include "core_scene.h"

namespace core_test {

class dialogs : public core_scene {
protected:
	dialogs()
	{
		gate.rules.shift_ports = true;
		gate.rules.taken_ports = {20000, 20001, 20002, 20003};
	}

	std::string invite_out(const std::string &sdp)
	{
		caller = dialog_of("alice", phone, "sip:bob@example.com");
		sent = request(caller, "INVITE", sdp);
		return to_server(phone, sent);
	}
	// One of the phones outside that ring answers.
	std::string answer_of(const std::string &seen, const std::string &tag, int status, const endpoint &there)
	{
		const std::string contact = "<sip:" + tag + "@" + text_of(server) + ">";
		const std::string sdp = there.port ? sdp_of(there, {{there}}) : "";
		return to_phone(phone, answer_at_server(seen, status, {tag, contact, sdp, {}, outer(phone)}));
	}
	std::string in_dialog(const std::string &method, const std::string &sdp = "")
	{
		return to_server(phone, request(caller, method, sdp));
	}
	// The far end asks for something; what the phone gets.
	std::string from_far(placed_call &call, const std::string &method, const std::string &sdp = "")
	{
		call.called.remote_tag = call.caller.local_tag;
		return to_phone(phone, request(call.called, method, sdp));
	}
	void refuse(const std::string &seen, int status)
	{
		to_phone(phone, answer_at_server(seen, status, {"far", "", "", {}, outer(phone)}));
	}
	endpoint far(u32 host) { return map.outside(host, 30000); }

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint rtcp = map.inside(10, 20001);
	endpoint video = map.inside(10, 20002);
	endpoint far_media = map.outside(7, 30000);
	dialog caller;
	std::string sent;
};
FOR_BOTH_FAMILIES(dialogs);

TEST_P(dialogs, R11_each_branch_has_its_early_media)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	for (u32 fork : {21, 22, 23})
		answer_of(seen, "fork" + std::to_string(fork), 183, far(fork));
	for (u32 fork : {21, 22, 23})
		expect_audio(rtp, media_of(seen), far(fork));
}

TEST_P(dialogs, R11_two_branches_are_answered_and_one_hangs_up)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	answer_of(seen, "first", 183, far(21));
	dialog second = caller;
	learn(caller, answer_of(seen, "first", 200, far(21)));
	learn(second, answer_of(seen, "second", 200, far(22)));
	to_server(phone, ack(caller, sent));
	to_server(phone, ack(second, sent));
	expect_audio(rtp, media_of(seen), far(21));
	expect_audio(rtp, media_of(seen), far(22));
	to_phone(phone, answer_at_server(to_server(phone, request(second, "BYE")), 200));
	gate.advance(40);
	expect_no_way_in(far(22), media_of(seen));
	expect_audio(rtp, media_of(seen), far(21));
	to_phone(phone, answer_at_server(to_server(phone, request(caller, "BYE")), 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(dialogs, R11_branches_that_are_not_answered_end_after_the_one_that_is)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	for (u32 fork : {21, 22, 23})
		answer_of(seen, "fork" + std::to_string(fork), 180, far(fork));
	expect_audio(rtp, media_of(seen), far(21));
	answer_of(seen, "fork22", 200, far(22));
	answer_of(seen, "fork23", 180, {});
	gate.rules.udp_timeout_s = 1;
	gate.send(far(21), media_of(seen), "late early media");
	gate.advance(34);
	expect_no_way_in(far(21), media_of(seen));
	expect_audio(rtp, media_of(seen), far(22));
}

TEST_P(dialogs, R10_all_branches_end_with_the_refusal)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	for (u32 fork : {21, 22, 23})
		answer_of(seen, "fork" + std::to_string(fork), 183, far(fork));
	answer_of(seen, "fork23", 486, {});
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
	gate.advance(34);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
}

TEST_P(dialogs, S7_branches_have_a_bound)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	for (u32 fork = 0; fork < 200; fork++)
		answer_of(seen, "fork" + std::to_string(fork), 183, map.outside(20 + fork, 30000));
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 33u);
}

// Two accounts of one phone: the call leaves by the server and comes back from it.
TEST_P(dialogs, R14_a_phone_that_calls_itself_has_two_calls)
{
	register_phone(phone, "alice");
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	dialog back = dialog_of("alice", server, "sip:other@example.com");
	back.call_id = caller.call_id;
	back.local_tag = caller.local_tag;
	back.target = "sip:other@" + text_of(outer(phone));
	const std::string invite = request(back, "INVITE", body_of(seen));
	const std::string got = to_phone(phone, invite);
	const endpoint other = map.inside(10, 21000);
	const std::string contact = "<sip:other@" + text_of(phone) + ">";
	const std::string answer = to_server(phone, respond(got, 200, {"me", contact, sdp_of(other, {{other}}), {}, {}}));
	to_phone(phone, ack(back, invite));
	const reply_parts parts{"me", line_of(answer, "Contact"), body_of(answer), {}, outer(phone)};
	learn(caller, to_phone(phone, respond(seen, 200, parts)));
	to_server(phone, ack(caller, sent));
	const std::string shown = gate.show_calls();
	EXPECT_NE(shown.find("answered"), shown.npos);
	EXPECT_NE(shown.find("answered"), shown.rfind("answered")) << shown;
}

TEST_P(dialogs, R14_two_phones_inside_hear_each_other_by_hairpin)
{
	const endpoint other = map.inside(11, 5060), other_rtp = map.inside(11, 20000);
	register_phone(other, "bob");
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	dialog on = dialog_of("alice", server, "sip:bob@example.com");
	on.call_id = caller.call_id;
	on.local_tag = caller.local_tag;
	on.target = "sip:bob@" + text_of(outer(other));
	const std::string got = to_phone(other, request(on, "INVITE", body_of(seen)));
	const std::string contact = "<sip:bob@" + text_of(other) + ">";
	const std::string answer = to_server(other, respond(got, 200, {"tb", contact, sdp_of(other_rtp, {{other_rtp}}), {}, {}}));
	to_phone(phone, respond(seen, 200, {"tb", line_of(answer, "Contact"), body_of(answer), {}, outer(phone)}));
	const endpoint a = media_of(seen), b = media_of(answer);
	const delivery there = gate.send(rtp, b, "rtp");
	EXPECT_TRUE(there.arrived_at(other_rtp));
	EXPECT_EQ(text_of(there.source), text_of(a));
	const delivery back = gate.send(other_rtp, a, "rtp");
	EXPECT_TRUE(back.arrived_at(rtp));
	EXPECT_EQ(text_of(back.source), text_of(b));
}

// Its media connection is still there when the next phone gets the same outside port.
TEST_P(dialogs, R9_the_next_phone_calls_the_same_media_server)
{
	gate.rules.shift_ports = false;
	gate.rules.taken_ports = {};
	for (bool inside_first : {true, false})
		for (u32 host : {10, 11, 12}) {
			phone = map.inside(host, 5060);
			rtp = map.inside(host, 20000);
			placed_call call = call_out(phone, rtp, far_media);
			if (inside_first)
				gate.send(rtp, far_media, "rtp");
			expect_audio(rtp, media_of(call.invite), far_media);
			hang_up_inside(phone, call, false);
		}
}

TEST_P(dialogs, R11_refused_update_falls_back)
{
	placed_call call = call_out(phone, rtp, far_media);
	caller = call.caller;
	const std::string seen = in_dialog("UPDATE", sdp_of(video, {{video}}));
	refuse(seen, 488);
	expect_audio(rtp, media_of(call.invite), far_media);
	expect_no_way_in(far_media, media_of(seen));
	const std::string better = in_dialog("UPDATE", sdp_of(video, {{video}}));
	to_phone(phone, answer_at_server(better, 200, {"far", "", sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	expect_audio(video, media_of(better), far_media);
}

TEST_P(dialogs, R11_refused_update_from_outside_falls_back)
{
	placed_call call = call_out(phone, rtp, far_media);
	const std::string got = from_far(call, "UPDATE", sdp_of(far(8), {{far(8)}}));
	to_server(phone, respond(got, 491, {}));
	expect_audio(rtp, media_of(call.invite), far_media);
	expect_no_way_in(far(8), media_of(call.invite));
}

TEST_P(dialogs, R11_update_of_an_early_dialog_and_its_refusal)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	learn(caller, answer_of(seen, "far", 183, far_media));
	const std::string moved = in_dialog("UPDATE", sdp_of(video, {{video}}));
	refuse(moved, 504);
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(dialogs, R7_no_rtcp_pinhole_once_both_multiplex)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp, "audio", "RTP/AVP 0", {"rtcp-mux"}}}));
	EXPECT_EQ(gate.expectation_count(), 2u) << "the far end has not said that it can";
	const std::string sdp = sdp_of(far_media, {{far_media, "audio", "RTP/AVP 0", {"rtcp-mux"}}});
	to_phone(phone, answer_at_server(seen, 200, {"far", "", sdp, {}, outer(phone)}));
	EXPECT_EQ(gate.expectation_count(), 2u);
	expect_audio(rtp, media_of(seen), far_media);
	expect_no_way_in(far_media, sip::with_port(media_of(seen), static_cast<u16>(media_of(seen).port + 1)));
}

TEST_P(dialogs, R7_rtcp_keeps_its_pinhole_if_the_answer_does_not_multiplex)
{
	const std::string seen = invite_out(sdp_of(rtp, {{rtp, "audio", "RTP/AVP 0", {"rtcp-mux"}}}));
	answer_of(seen, "far", 200, far_media);
	expect_audio(rtcp, rtcp_of(seen), map.outside(7, 30001));
}

TEST_P(dialogs, R8_bundled_streams_need_the_first_socket_alone)
{
	const std::vector<std::string> group = {"group:BUNDLE 0 1"};
	const std::string seen = invite_out(sdp_of(rtp, {{rtp, "audio", "RTP/AVP 0", {"mid:0", "rtcp-mux"}},
							 {video, "video", "RTP/AVP 96", {"mid:1", "rtcp-mux"}}}, group));
	const std::string sdp = sdp_of(far_media, {{far_media, "audio", "RTP/AVP 0", {"mid:0", "rtcp-mux"}},
						   {far_media, "video", "RTP/AVP 96", {"mid:1", "rtcp-mux"}}}, group);
	to_phone(phone, answer_at_server(seen, 200, {"far", "", sdp, {}, outer(phone)}));
	expect_audio(rtp, media_of(seen, 0), far_media);
	expect_no_way_in(far_media, media_of(seen, 1));
}

TEST_P(dialogs, R8_declined_stream_is_closed_and_opens_again)
{
	placed_call call = call_out(phone, rtp, far_media);
	caller = call.caller;
	const std::string seen = in_dialog("INVITE", sdp_of(rtp, {{rtp}, {video, "video", "RTP/AVP 96"}}));
	const std::string none = sdp_of(far_media, {{far_media}, {sip::with_port(far_media, 0), "video", "RTP/AVP 96"}});
	to_phone(phone, answer_at_server(seen, 200, {"far", "", none, {}, outer(phone)}));
	expect_audio(rtp, media_of(seen, 0), far_media);
	EXPECT_EQ(gate.expectation_count(), 4u);
	const endpoint far_video = map.outside(7, 30002);
	const std::string again = in_dialog("INVITE", sdp_of(rtp, {{rtp}, {video, "video", "RTP/AVP 96"}}));
	const std::string both = sdp_of(far_media, {{far_media}, {far_video, "video", "RTP/AVP 96"}});
	to_phone(phone, answer_at_server(again, 200, {"far", "", both, {}, outer(phone)}));
	expect_audio(video, media_of(again, 1), far_video);
	EXPECT_EQ(text_of(media_of(again, 1)), text_of(media_of(seen, 1)));
}

TEST_P(dialogs, S2_tcp_media_opens_nothing_unless_it_is_wanted)
{
	for (u32 wanted : {0, 1}) {
		gate.rules.values[SIPX_SETTING_TCP_MEDIA] = wanted;
		const endpoint socket = map.inside(10, static_cast<u16>(21000 + wanted * 10));
		const std::string sdp = sdp_of(socket, {{socket, "application", "TCP/BFCP *", {"setup:passive"}}});
		const u64 refused = gate.count(SIPX_COUNT_media_tcp);
		const std::string seen = invite_out(sdp);
		EXPECT_EQ(gate.expectation_count(), wanted);
		EXPECT_EQ(gate.count(SIPX_COUNT_media_tcp), refused + !wanted);
		EXPECT_TRUE(sip::same_address(media_of(seen), map.router(0))) << "the text is translated in any case";
		refuse(seen, 486);
	}
}

TEST_P(dialogs, S2_an_inside_that_connects_needs_no_pinhole)
{
	gate.rules.values[SIPX_SETTING_TCP_MEDIA] = 1;
	const endpoint socket = map.inside(10, 21000);
	invite_out(sdp_of(socket, {{socket, "application", "TCP/BFCP *", {"setup:active"}}}));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(dialogs, R10_two_hundred_calls_of_one_connection_have_audio)
{
	std::vector<placed_call> calls;
	for (u32 n = 0; n < 200; n++)
		calls.push_back(call_out(phone, map.inside(10, static_cast<u16>(20000 + 4 * n)),
					 map.outside(7, static_cast<u16>(30000 + 4 * n))));
	EXPECT_EQ(gate.count(SIPX_COUNT_expectations_full), 0u);
	for (u32 n = 0; n < 200; n += 2)
		hang_up_inside(phone, calls[n], false);
	for (u32 n = 1; n < 200; n += 2)
		expect_audio(map.inside(10, static_cast<u16>(20000 + 4 * n)), media_of(calls[n].invite),
			     map.outside(7, static_cast<u16>(30000 + 4 * n)));
}

TEST_P(dialogs, R13_no_clock_ends_a_call_with_media)
{
	placed_call call = call_out(phone, rtp, far_media);
	gate.rules.udp_stream_timeout_s = 40 * 24 * 3600;
	expect_audio(rtp, media_of(call.invite), far_media);
	gate.advance(5);
	expect_audio(rtp, media_of(call.invite), far_media);
	gate.advance(30 * 24 * 3600);
	expect_audio(rtp, media_of(call.invite), far_media);
	EXPECT_NE(gate.show_calls().find("answered"), std::string::npos);
}

TEST_P(dialogs, R13_silence_of_days_does_not_end_a_call)
{
	placed_call call = call_out(phone, rtp, far_media);
	gate.advance(6 * 24 * 3600);
	expect_audio(rtp, media_of(call.invite), far_media);
	hang_up_inside(phone, call, false);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(dialogs, R13_what_vanished_does_not_stay_for_ever)
{
	call_out(phone, rtp, far_media);
	gate.advance(8 * 24 * 3600);
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_HOST), 0u) << "and its connection ended after it";
}

// No Record-Route: what follows travels between the two ends directly (RFC 3261 12.2.1.1).
TEST_P(dialogs, R13_connection_past_the_proxy_lives_as_long_as_the_call)
{
	const endpoint direct = map.outside(5, 5060);
	const std::string seen = invite_out(sdp_of(rtp, {{rtp}}));
	const reply_parts parts{"far", "<sip:bob@" + text_of(direct) + ">", sdp_of(far_media, {{far_media}}), {}, outer(phone)};
	learn(caller, to_phone(phone, answer_at_server(seen, 200, parts)));
	const delivery acked = gate.send(phone, direct, ack(caller, sent));
	ASSERT_TRUE(acked.arrived_at(direct));
	const std::string update = request(caller, "UPDATE");
	gate.send(phone, direct, update);
	gate.advance(3600);
	dialog far_end = answering(seen, "bob", direct);
	far_end.local_tag = "far";
	far_end.target = "sip:alice@" + text_of(acked.source);
	const delivery bye = gate.send(direct, acked.source, request(far_end, "BYE"));
	EXPECT_TRUE(bye.arrived_at(phone));
	gate.send(phone, direct, respond(bye.bytes, 200, {}));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

class subscriptions : public dialogs {
protected:
	std::string subscribe(u32 expires, u32 granted, const std::string &method = "SUBSCRIBE")
	{
		const std::string seen = to_server(phone, request(watcher, method, "", {{"Expires", std::to_string(expires)}, {"Event", "dialog"}}));
		reply_parts parts{"far", "<sip:" + text_of(server) + ">", "", {{"Expires", std::to_string(granted)}}, outer(phone)};
		learn(watcher, to_phone(phone, answer_at_server(seen, 200, parts)));
		return seen;
	}
	delivery notify()
	{
		dialog notifier = dialog_of("bob", server, "sip:alice@example.com");
		notifier.call_id = watcher.call_id;
		notifier.target = "sip:alice@" + text_of(seen_at);
		return try_to_phone(phone, request(notifier, "NOTIFY"));
	}
	void begin()
	{
		watcher = dialog_of("alice", phone, "sip:bob@example.com");
		to_server(phone, request(watcher, "OPTIONS"));
		seen_at = outer(phone);
	}

	dialog watcher;
	endpoint seen_at{};
};
FOR_BOTH_FAMILIES(subscriptions);

TEST_P(subscriptions, R17_notifications_arrive_for_as_long_as_was_granted)
{
	begin();
	subscribe(600, 600);
	EXPECT_NE(gate.show_registrations().find("subscription"), std::string::npos);
	gate.advance(580);
	EXPECT_TRUE(notify().arrived_at(phone));
	gate.advance(400);
	EXPECT_FALSE(notify().arrived());
}

TEST_P(subscriptions, R17_a_refresh_prolongs_and_an_unsubscription_ends)
{
	begin();
	subscribe(600, 600);
	gate.advance(500);
	subscribe(600, 600);
	gate.advance(550);
	EXPECT_TRUE(notify().arrived_at(phone));
	subscribe(0, 0);
	gate.advance(gate.rules.udp_stream_timeout_s + 1);
	EXPECT_FALSE(notify().arrived());
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 0u);
}

TEST_P(subscriptions, R17_a_refused_subscription_keeps_nothing)
{
	begin();
	const std::string seen = to_server(phone, request(watcher, "SUBSCRIBE", "", {{"Expires", "600"}}));
	to_phone(phone, answer_at_server(seen, 489, {"far", "", "", {}, outer(phone)}));
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 0u);
}

TEST_P(subscriptions, R12_the_outcome_of_a_transfer_arrives)
{
	begin();
	const std::string seen = to_server(phone, request(watcher, "REFER", "", {{"Refer-To", "<sip:carol@example.com>"}}));
	to_phone(phone, answer_at_server(seen, 202, {"far", "<sip:" + text_of(server) + ">", "", {}, outer(phone)}));
	gate.advance(170);
	EXPECT_TRUE(notify().arrived_at(phone));
}

class limits : public dialogs {
protected:
	void flood(const endpoint &from, u32 count, const char *to_tag = "")
	{
		for (u32 n = 0; n < count; n++) {
			dialog d = dialog_of("flood", from, "sip:x@example.com");
			d.remote_tag = to_tag;
			try_to_server(from, request(d, "INVITE", sdp_of(from, {{sip::with_port(from, static_cast<u16>(40000 + 2 * n))}})));
		}
	}
};
FOR_BOTH_FAMILIES(limits);

TEST_P(limits, S7_a_flood_of_calls_disturbs_neither_its_own_answered_call_nor_others)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 5;
	const endpoint other = map.inside(11, 5060), other_rtp = map.inside(11, 20000);
	register_phone(other, "bob");
	placed_call own = call_out(phone, rtp, far_media);
	placed_call others = call_out(other, other_rtp, map.outside(7, 31000));
	flood(phone, 50);
	EXPECT_GE(gate.count(SIPX_COUNT_limit_host), 40u);
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 7u);
	expect_audio(rtp, media_of(own.invite), far_media);
	expect_audio(other_rtp, media_of(others.invite), map.outside(7, 31000));
	placed_call next = call_out(phone, map.inside(10, 22000), map.outside(7, 32000));
	expect_audio(map.inside(10, 22000), media_of(next.invite), map.outside(7, 32000));
}

// As after a flush of the tables, when the inside goes on with a dialog that we do not know.
TEST_P(limits, S7_dialogs_that_the_inside_alone_claims_give_way_like_calls_that_ring)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 5;
	const endpoint other = map.inside(11, 5060), other_rtp = map.inside(11, 20000);
	flood(phone, 50, "claimed");
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 5u);
	placed_call others = call_out(other, other_rtp, map.outside(7, 31000));
	expect_audio(other_rtp, media_of(others.invite), map.outside(7, 31000));
	flood(phone, 50, "claimed");
	expect_audio(other_rtp, media_of(others.invite), map.outside(7, 31000));
	gate.advance(gate.rules.values[SIPX_SETTING_UNANSWERED_TIMEOUT] + 1);
	gate.advance(gate.rules.values[SIPX_SETTING_TRANSACTION_TIMEOUT] + 1);
	EXPECT_LE(live_objects(SIPX_SLAB_CALL), 1u);
}

TEST_P(limits, S7_a_flood_that_fills_the_table_of_expectations_takes_no_audio_and_no_registration)
{
	gate.rules.expectations_max = 12;
	const endpoint other = map.inside(11, 5060), other_rtp = map.inside(11, 20000);
	placed_call before = call_out(other, other_rtp, map.outside(7, 31000));
	flood(phone, 50);
	EXPECT_GT(gate.count(SIPX_COUNT_expectations_full), 0u);
	placed_call later = call_out(other, map.inside(11, 22000), map.outside(7, 32000));
	expect_audio(other_rtp, media_of(before.invite), map.outside(7, 31000));
	expect_audio(map.inside(11, 22000), media_of(later.invite), map.outside(7, 32000));
	flood(phone, 50);
	register_phone(other, "bob");
	u32 doors = 0;
	for (const sipx_pinhole &open : gate.expectations())
		doors += open.pinhole_class == SIPX_CLASS_SIGNALLING && sip::same_endpoint(open.translated, other);
	EXPECT_EQ(doors, 1u);
	expect_audio(map.inside(11, 22000), media_of(later.invite), map.outside(7, 32000));
}

TEST_P(limits, S7_answered_calls_fill_a_host_and_the_next_passes_unchanged)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 2;
	placed_call first = call_out(phone, rtp, far_media);
	placed_call second = call_out(phone, map.inside(10, 21000), map.outside(7, 31000));
	dialog d = dialog_of("alice", phone, "sip:x@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(phone, {{map.inside(10, 22000)}}));
	EXPECT_EQ(gate.send(phone, server, invite).bytes, invite);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_host), 1u);
	expect_audio(rtp, media_of(first.invite), far_media);
	expect_audio(map.inside(10, 21000), media_of(second.invite), map.outside(7, 31000));
}

TEST_P(limits, S7_the_namespace_has_a_limit_too)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 3;
	const endpoint other = map.inside(11, 5060);
	flood(other, 3);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 3u);
	flood(other, 3);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 3u);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_calls), 3u);
}

TEST_P(limits, S7_registrations_of_a_host)
{
	gate.rules.values[SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST] = 2;
	register_phone(phone, "one");
	register_phone(phone, "two");
	dialog d = dialog_of("three", phone, "sip:three@example.com");
	const std::string third = request(d, "REGISTER", "", {{"Expires", "60"}});
	EXPECT_EQ(gate.send(phone, server, third).bytes, third);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_host), 1u);
	register_phone(phone, "two");
	register_phone(map.inside(11, 5060), "three");
}

} // namespace core_test
