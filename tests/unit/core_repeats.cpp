// SPDX-License-Identifier: GPL-2.0
// What comes twice, late, or under somebody else's Call-ID changes nothing about a call.
// R10, R13, R15, R21, R24, S6.
#include "core_scene.h"

namespace core_test {

class repeats : public core_scene {
protected:
	repeats() { gate.rules.shift_ports = true; }

	// What is known of calls and open for media, as text: equal means that nothing changed.
	std::string standing()
	{
		std::string text = gate.show_calls();
		for (const sipx_pinhole &p : gate.expectations())
			text += text_of(p.source) + " " + text_of(p.destination) + " " + text_of(p.translated) + "\n";
		return text + std::to_string(live_objects(SIPX_SLAB_BINDING)) + " bindings";
	}
	// A second that shows in the table if a message prolongs what it should not.
	std::string standing_in_a_while()
	{
		gate.advance(5);
		return standing();
	}
	void expect_no_media()
	{
		EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
		EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
		EXPECT_EQ(live_objects(SIPX_SLAB_STREAM), 0u);
	}
	dialog calling_in()
	{
		dialog d = dialog_of("bob", server, "sip:alice@example.com");
		d.target = "sip:alice@" + text_of(outer(phone));
		return d;
	}
	std::string refuse_out(const std::string &seen, int status)
	{
		return to_phone(phone, answer_at_server(seen, status, {"far", "", "", {}, outer(phone)}));
	}
	// The same request as a proxy that forks sends it once more (RFC 3261 8.2.2.2).
	static std::string other_branch(std::string message)
	{
		const size_t at = message.find("branch=") + 7;
		return message.replace(at, message.find_first_of(";\r", at) - at, new_branch());
	}
	std::string ring(const std::string &got)
	{
		return to_server(phone, respond(got, 180, {"pt", own_contact, "", {}, {}}));
	}
	std::string answer(const std::string &got)
	{
		return to_server(phone, respond(got, 200, {"pt", own_contact, sdp_of(rtp, {{rtp}}), {}, {}}));
	}
	// Another server that the phone speaks to as well; where it sees the phone.
	endpoint meet_other()
	{
		dialog d = dialog_of("alice", phone, "sip:carol@example.org");
		const delivery sent = gate.send(phone, other, request(d, "OPTIONS"));
		EXPECT_TRUE(sent.arrived_at(other));
		return sent.source;
	}
	// It knows the Call-ID and nothing else; the phone refuses what it makes of that.
	void forge(const std::string &call_id, const endpoint &seen, const std::string &sdp, int status)
	{
		dialog d = dialog_of("evil", other, "sip:alice@example.com");
		d.call_id = call_id;
		d.target = "sip:alice@" + text_of(seen);
		const std::string invite = request(d, "INVITE", sdp);
		const delivery got = gate.send(other, seen, invite);
		ASSERT_TRUE(got.arrived_at(phone));
		EXPECT_TRUE(gate.send(phone, other, respond(got.bytes, status, {"pe", "", "", {}, {}})).arrived_at(other));
		EXPECT_TRUE(gate.send(other, seen, request_again(d, "ACK", invite)).arrived_at(phone));
	}
	void expect_forging_changes_nothing(const std::string &call_id, const endpoint &seen)
	{
		const endpoint elsewhere = map.outside(9, 6666);
		const std::string before = standing_in_a_while();
		for (int status : {481, 486}) {
			forge(call_id, seen, "", status);
			EXPECT_EQ(standing(), before) << status;
			forge(call_id, seen, sdp_of(elsewhere, {{elsewhere}}), status);
			EXPECT_EQ(standing(), before) << status << " with SDP";
		}
	}

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint moved = map.inside(10, 20200);
	endpoint far_media = map.outside(7, 30000);
	endpoint other = map.outside(9, 5060);
	std::string own_contact = "<sip:alice@" + text_of(phone) + ">";
};
FOR_BOTH_FAMILIES(repeats);

TEST_P(repeats, P5_invite_sent_again_is_not_read_again)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	EXPECT_NE(seen, invite);
	EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 1u);
	const u32 read = gate.plans, objects = live_objects(), locks = gate.expectation_locks;
	EXPECT_GT(locks, 0u);
	for (u64 n = 1, wait_ms = 500; n <= 6; n++, wait_ms *= 2) {	// timer A (RFC 3261 17.1.1.2)
		gate.advance_ms(wait_ms);
		EXPECT_EQ(to_server(phone, invite), seen);
		EXPECT_EQ(gate.count(SIPX_COUNT_retransmission), n);
		EXPECT_EQ(gate.count(SIPX_COUNT_translated), n + 1);
	}
	EXPECT_EQ(gate.plans, read);
	EXPECT_EQ(live_objects(), objects);
	EXPECT_EQ(gate.expectation_locks, locks);
}

TEST_P(repeats, P5_invite_sent_again_by_the_outside_is_not_read_again)
{
	register_phone(phone, "alice");
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(outer(phone));
	const std::string invite = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
	const std::string seen = to_phone(phone, invite);
	const u32 read = gate.plans;
	EXPECT_EQ(to_phone(phone, invite), seen);
	EXPECT_EQ(gate.plans, read);
}

TEST_P(repeats, P5_another_invite_is_read)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	to_server(phone, invite);
	const u32 read = gate.plans;
	std::string longer = invite, other = invite;
	longer.insert(longer.find("\r\n") + 2, "X-More: 1\r\n");
	other[other.find("z9hG4bK") + 7] ^= 1;
	for (const std::string &text : {longer, other})
		EXPECT_NE(to_server(phone, text), text);
	EXPECT_EQ(gate.plans, read + 2);
}

// One that has a connection of its own.
TEST_P(repeats, P5_S6_the_same_from_another_phone_is_read)
{
	gate.rules.shift_ports = true;
	const endpoint second = map.inside(11, 5060);
	register_phone(second, "carol");
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	const u32 read = gate.plans;
	EXPECT_NE(try_to_server(second, invite).bytes, seen);
	EXPECT_EQ(gate.plans, read + 1);
}

TEST_P(repeats, P5_the_same_from_the_other_end_is_read)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	to_server(phone, invite);
	const u32 read = gate.plans;
	try_to_phone(phone, invite);
	EXPECT_EQ(gate.plans, read + 1);
}

TEST_P(repeats, P5_what_was_flushed_stands_again_with_an_invite_sent_again)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	const u32 holes = gate.expectation_count(), read = gate.plans;
	ASSERT_GT(holes, 0u);
	gate.flush_expectations();
	EXPECT_EQ(to_server(phone, invite), seen);
	EXPECT_EQ(gate.expectation_count(), holes);
	EXPECT_EQ(gate.plans, read);
}

TEST_P(repeats, P5_how_an_invite_left_is_forgotten_with_its_first_response)
{
	gate.rules.shift_ports = true;
	for (int status : {100, 180, 200, 401, 486}) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
		const std::string seen = to_server(phone, invite);
		EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 1u) << status;
		to_phone(phone, answer_at_server(seen, status));
		EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 0u) << status;
		const u32 read = gate.plans;
		EXPECT_EQ(to_server(phone, invite), seen) << status;
		EXPECT_EQ(gate.plans, read + 1) << status;
	}
}

// What is written in a place now decides what comes back there (R4).
TEST_P(repeats, P5_R4_invite_sent_again_after_the_phone_has_written_otherwise_is_read)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	d.via = text_of(phone).substr(0, text_of(phone).rfind(':'));
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	dialog other_way = dialog_of("alice", phone, "sip:bob@example.com");
	to_server(phone, request(other_way, "OPTIONS"));
	EXPECT_EQ(to_server(phone, invite), seen);
	const std::string got = to_phone(phone, respond(seen, 486, {"far", "", "", {}, {}}));
	EXPECT_EQ(line_of(got, "Via"), line_of(invite, "Via"));
}

// A call takes at most 1 KB in each of its states.
TEST_P(repeats, P5_memory_of_a_call_that_begins)
{
	const auto taken = [] {
		u32 sum = 0;
		for (sipx_slab s :
		     {SIPX_SLAB_CALL, SIPX_SLAB_STREAM, SIPX_SLAB_PINHOLE, SIPX_SLAB_BINDING, SIPX_SLAB_INVITE})
			sum += live_objects(s) * sipx_core_slab_size(s);
		return sum;
	};
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 1u);
	EXPECT_LE(taken(), 1024u);
	const std::string contact = "<sip:bob@" + text_of(server) + ">";
	for (int status : {183, 200}) {
		to_phone(phone, answer_at_server(seen, status, {"far", contact, sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
		EXPECT_LE(taken(), 1024u) << status;
	}
}

TEST_P(repeats, P5_how_an_invite_left_goes_with_its_call)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	to_server(phone, invite);
	gate.end_all();
	EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 0u);
	const u32 read = gate.plans;
	EXPECT_NE(to_server(phone, invite), invite);
	EXPECT_EQ(gate.plans, read + 1);
	gate.advance(400);
	EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 0u) << "nobody has answered";
}

TEST_P(repeats, P5_an_invite_with_too_many_addresses_is_read_each_time)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	std::string sdp = sdp_of(rtp, {{rtp}});
	const std::string own = text_of(rtp).substr(0, text_of(rtp).rfind(':'));
	const std::string bare = own[0] == '[' ? own.substr(1, own.size() - 2) : own;
	for (int n = 0; n < 12; n++)
		sdp += "a=candidate:" + std::to_string(n) + " 1 UDP 2130706431 " + bare + " " + std::to_string(rtp.port) + " typ host\r\n";
	const std::string invite = request(d, "INVITE", sdp);
	const std::string seen = to_server(phone, invite);
	EXPECT_EQ(live_objects(SIPX_SLAB_INVITE), 0u);
	EXPECT_EQ(to_server(phone, invite), seen);
}

TEST_P(repeats, R10_refused_second_branch_leaves_the_ringing_call)
{
	for (int status : {482, 486}) {
		register_phone(phone, "alice");
		dialog d = calling_in();
		const std::string first = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
		const std::string got = to_phone(phone, first);
		ring(got);
		const std::string merged = to_phone(phone, other_branch(first));
		to_server(phone, respond(merged, status, {"pt2", "", "", {}, {}}));
		EXPECT_NE(gate.show_calls().find(" early "), std::string::npos) << gate.show_calls();
		const std::string ok = answer(got);
		EXPECT_NE(gate.show_calls().find(" answered "), std::string::npos) << gate.show_calls();
		learn(d, ok);
		to_phone(phone, ack(d, first));
		expect_audio(rtp, media_of(ok), far_media);
		to_server(phone, respond(to_phone(phone, request(d, "BYE")), 200));
		expect_no_media();
	}
}

TEST_P(repeats, R15_answered_branch_knows_its_media_source)
{
	register_phone(phone, "alice");
	dialog d = calling_in();
	const std::string first = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
	const std::string got = to_phone(phone, first);
	const std::string merged = to_phone(phone, other_branch(first));
	to_server(phone, respond(merged, 482, {"pt2", "", "", {}, {}}));
	const std::string ok = answer(got);
	expect_no_way_in(map.outside(8, 30000), media_of(ok));
	EXPECT_TRUE(gate.send(far_media, media_of(ok), "rtp").arrived_at(rtp));
	// more than a ringing call lives
	gate.advance(310);
	EXPECT_TRUE(gate.send(far_media, media_of(ok), "rtp").arrived_at(rtp));
}

TEST_P(repeats, R10_call_ends_when_all_its_branches_are_refused)
{
	register_phone(phone, "alice");
	dialog d = calling_in();
	const std::string first = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
	const std::string got = to_phone(phone, first);
	to_server(phone, respond(got, 183, {"pt", own_contact, sdp_of(rtp, {{rtp}}), {}, {}}));
	const std::string merged = to_phone(phone, other_branch(first));
	to_server(phone, respond(merged, 482, {"pt2", "", "", {}, {}}));
	EXPECT_NE(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
	to_server(phone, respond(got, 486, {"pt", "", "", {}, {}}));
	expect_no_media();
}

TEST_P(repeats, S6_invite_of_another_dialog_leaves_a_ringing_call_out)
{
	const endpoint seen = meet_other();
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string got = to_server(phone, invite);
	expect_forging_changes_nothing(d.call_id, seen);
	const std::string sdp = sdp_of(far_media, {{far_media}});
	to_phone(phone, answer_at_server(got, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)}));
	expect_audio(rtp, media_of(got), far_media);
}

TEST_P(repeats, S6_invite_of_another_dialog_leaves_a_ringing_call_in)
{
	register_phone(phone, "alice");
	const endpoint seen = meet_other();
	dialog d = calling_in();
	const std::string got = to_phone(phone, request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	ring(got);
	expect_forging_changes_nothing(d.call_id, seen);
	expect_audio(rtp, media_of(answer(got)), far_media);
}

TEST_P(repeats, S6_invite_of_another_dialog_leaves_an_answered_call)
{
	const endpoint seen = meet_other();
	placed_call call = call_out(phone, rtp, far_media);
	expect_forging_changes_nothing(call.caller.call_id, seen);
	expect_audio(rtp, media_of(call.invite), far_media);
	hang_up_inside(phone, call, false);
	expect_no_media();
}

TEST_P(repeats, R21_invite_repeated_after_its_refusal_opens_nothing)
{
	for (int status : {404, 486, 487, 503}) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
		refuse_out(to_server(phone, invite), status);
		to_server(phone, invite);
		EXPECT_EQ(gate.expectation_count(), 0u) << status;
		expect_no_media();
		to_server(phone, request_again(d, "ACK", invite));
		to_server(phone, invite);
		expect_no_media();
	}
}

TEST_P(repeats, R21_invite_from_outside_repeated_after_its_refusal_opens_nothing)
{
	register_phone(phone, "alice");
	dialog d = calling_in();
	const std::string invite = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
	const std::string got = to_phone(phone, invite);
	to_server(phone, respond(got, 183, {"pt", own_contact, sdp_of(rtp, {{rtp}}), {}, {}}));
	to_server(phone, respond(got, 486, {"pt", "", "", {}, {}}));
	EXPECT_EQ(to_phone(phone, invite), got);
	to_server(phone, respond(got, 183, {"pt", own_contact, sdp_of(rtp, {{rtp}}), {}, {}}));
	expect_no_media();
}

TEST_P(repeats, R21_answer_repeated_after_the_end_opens_nothing)
{
	register_phone(phone, "alice");
	dialog d = calling_in();
	const std::string got = to_phone(phone, request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	learn(d, answer(got));
	to_server(phone, respond(to_phone(phone, request(d, "BYE")), 200));
	for (int i = 0; i < 3; i++) {
		expect_no_media();
		answer(got);
		gate.advance(4);
	}
	expect_no_media();
	EXPECT_EQ(gate.count(SIPX_COUNT_call_started), 1u);
}

TEST_P(repeats, R10_new_attempt_after_a_refusal_is_a_call)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	refuse_out(to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}}))), 486);
	const std::string got = to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	const std::string sdp = sdp_of(far_media, {{far_media}});
	to_phone(phone, answer_at_server(got, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)}));
	expect_audio(rtp, media_of(got), far_media);
}

TEST_P(repeats, R21_refused_change_that_crosses_its_refusal_changes_nothing)
{
	placed_call call = call_out(phone, rtp, far_media);
	const std::string before = gate.show_calls();
	const std::string change = request(call.caller, "INVITE", sdp_of(moved, {{moved}}));
	const std::string seen = to_server(phone, change);
	const endpoint outer_moved = media_of(seen);
	refuse_out(seen, 488);
	// the phone repeated it before the refusal had come
	to_server(phone, change);
	refuse_out(seen, 488);
	to_server(phone, request_again(call.caller, "ACK", change));
	EXPECT_EQ(gate.show_calls(), before);
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 4u);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 2u);
	expect_audio(rtp, media_of(call.invite), far_media);
	expect_no_way_in(far_media, outer_moved);
	hang_up_inside(phone, call, false);
	expect_no_media();
}

TEST_P(repeats, R9_change_after_a_refused_one_takes_effect)
{
	placed_call call = call_out(phone, rtp, far_media);
	const std::string refused = request(call.caller, "INVITE", sdp_of(moved, {{moved}}));
	refuse_out(to_server(phone, refused), 488);
	to_server(phone, refused);
	const std::string seen = to_server(phone, request(call.caller, "INVITE", sdp_of(moved, {{moved}})));
	const std::string sdp = sdp_of(far_media, {{far_media}});
	to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)}));
	expect_audio(moved, media_of(seen), far_media);
}

TEST_P(repeats, R24_session_in_the_answer_to_options_opens_nothing)
{
	register_phone(phone, "alice");
	const std::string before = standing();
	for (int i = 0; i < 5; i++) {
		dialog d = calling_in();
		const std::string got = to_phone(phone, request(d, "OPTIONS"));
		answer(got);
		EXPECT_EQ(standing(), before) << i;
		EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
		expect_no_media();
	}
}

// The other end's Contact is reached past the proxy, which wanted no Record-Route.
class two_roads : public repeats {
protected:
	two_roads()
	{
		d = dialog_of("alice", phone, "sip:bob@example.com");
		invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
		const std::string seen = to_server(phone, invite);
		far = answering(seen, "bob", other);
		const reply_parts parts{far.local_tag, far.contact, sdp_of(far_media, {{far_media}}), {}, outer(phone)};
		learn(d, to_phone(phone, answer_at_server(seen, 200, parts)));
		const delivery confirmed = gate.send(phone, other, ack(d, invite));
		EXPECT_TRUE(confirmed.arrived_at(other));
		seen_from = confirmed.source;
		expect_audio(rtp, media_of(seen), far_media);
	}
	u64 left_s() const
	{
		const connection *c = gate.find(phone, server);
		return c ? (c->until_ms - now_ms()) / 1000 : 0;
	}
	void expect_ordinary_end()
	{
		expect_no_media();
		EXPECT_LE(left_s(), gate.rules.udp_stream_timeout_s);
		gate.advance(gate.rules.udp_stream_timeout_s + 60);
		EXPECT_EQ(gate.find(phone, server), nullptr);
	}

	dialog d, far;
	std::string invite;
	endpoint seen_from{};
};
FOR_BOTH_FAMILIES(two_roads);

TEST_P(two_roads, R13_bye_on_another_connection_ends_the_call)
{
	gate.advance(300);
	EXPECT_GT(left_s(), 3600u) << "an answered call keeps its connection";
	const delivery bye = gate.send(phone, other, request(d, "BYE"));
	ASSERT_TRUE(bye.arrived_at(other));
	EXPECT_TRUE(gate.send(other, bye.source, respond(bye.bytes, 200)).arrived_at(phone));
	expect_ordinary_end();
}

TEST_P(two_roads, R13_bye_from_the_other_end_on_another_connection_ends_the_call)
{
	far.remote_tag = d.local_tag;
	const delivery bye = gate.send(other, seen_from, request(far, "BYE"));
	ASSERT_TRUE(bye.arrived_at(phone));
	EXPECT_TRUE(gate.send(phone, other, respond(bye.bytes, 200)).arrived_at(other));
	expect_ordinary_end();
}

TEST_P(two_roads, R13_bye_on_another_connection_that_nobody_answers)
{
	ASSERT_TRUE(gate.send(phone, other, request(d, "BYE")).arrived_at(other));
	gate.advance(34);
	expect_no_media();
	gate.advance(gate.rules.udp_stream_timeout_s);
	EXPECT_EQ(gate.find(phone, server), nullptr);
}

} // namespace core_test
