// SPDX-License-Identifier: GPL-2.0
// Calls: how they begin, change, fail and end, and that each does so alone. R9, R10, R13, S5, S6.
#include "core_scene.h"

namespace core_test {

class calls : public core_scene {
protected:
	calls() { gate.rules.shift_ports = true; }

	// The n-th call of the trunk, with sockets of its own.
	placed_call trunk_call(u32 n)
	{
		const u16 offset = static_cast<u16>(4 * n);
		return call_out(phone, map.inside(10, 20000 + offset), map.outside(7, 30000 + offset));
	}
	void expect_trunk_audio(u32 n, const placed_call &call)
	{
		const u16 offset = static_cast<u16>(4 * n);
		expect_audio(map.inside(10, 20000 + offset), media_of(call.invite), map.outside(7, 30000 + offset));
	}
	// Nothing of a call is left but the memory that it was, and that not for long.
	void expect_call_over()
	{
		EXPECT_EQ(live_objects(SIPX_SLAB_STREAM), 0u);
		EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
		EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
		gate.advance(33);
		EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
	}
	std::string fail(const std::string &seen, int status)
	{
		return to_phone(phone, answer_at_server(seen, status, {"far", "", "", {}, outer(phone)}));
	}
	std::string invite_out(dialog &d, const std::string &sdp)
	{
		last = request(d, "INVITE", sdp);
		return to_server(phone, last);
	}

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
	std::string last;
};
FOR_BOTH_FAMILIES(calls);

TEST_P(calls, R13_bye_from_inside_closes_the_pinholes)
{
	placed_call call = call_out(phone, rtp, far_media);
	EXPECT_EQ(gate.expectation_count(), 4u);
	hang_up_inside(phone, call, false);
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 1u);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
	expect_no_way_in(far_media, media_of(call.invite));
}

TEST_P(calls, R13_bye_from_outside_closes_the_pinholes)
{
	placed_call call = call_out(phone, rtp, far_media);
	call.called.remote_tag = tag_of(line_of(call.invite, "From"));
	const std::string got = to_phone(phone, request(call.called, "BYE"));
	EXPECT_EQ(request_uri_of(got), uri_of(call.caller.contact));
	to_server(phone, respond(got, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, R13_bye_without_answer_ends_after_its_transaction)
{
	placed_call call = call_out(phone, rtp, far_media);
	to_server(phone, request(call.caller, "BYE"));
	gate.advance(34);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, R13_challenged_bye_leaves_the_call)
{
	placed_call call = call_out(phone, rtp, far_media);
	fail(to_server(phone, request(call.caller, "BYE")), 407);
	gate.advance(120);
	expect_audio(rtp, media_of(call.invite), far_media);
	hang_up_inside(phone, call, false);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, S6_bye_of_another_dialog_ends_nothing)
{
	placed_call call = call_out(phone, rtp, far_media);
	dialog forged = call.called;
	forged.remote_tag = "wrong";
	const std::string got = to_phone(phone, request(forged, "BYE"));
	to_server(phone, respond(got, 481));
	expect_audio(rtp, media_of(call.invite), far_media);
}

TEST_P(calls, R10_failed_call_leaves_no_trace)
{
	for (int status : {302, 404, 486, 487, 488, 503, 603}) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string seen = invite_out(d, sdp_of(rtp, {{rtp}}));
		fail(seen, status);
		to_server(phone, request_again(d, "ACK", last));
		EXPECT_EQ(gate.expectation_count(), 0u) << status;
		expect_call_over();
	}
}

TEST_P(calls, R10_cancelled_call_leaves_no_trace)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = invite_out(d, sdp_of(rtp, {{rtp}}));
	const std::string cancel = to_server(phone, request_again(d, "CANCEL", last));
	fail(cancel, 200);
	EXPECT_EQ(gate.expectation_count(), 2u) << "CANCEL alone ends nothing: the 200 may have been on its way";
	fail(seen, 487);
	to_server(phone, request_again(d, "ACK", last));
	expect_call_over();
}

TEST_P(calls, R10_call_without_answer_ends_by_itself)
{
	register_phone(phone, "alice");
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	invite_out(d, sdp_of(rtp, {{rtp}}));
	gate.advance(310);
	expect_call_over();
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
}

TEST_P(calls, R10_challenged_call_finds_its_ports_again)
{
	gate.rules.taken_ports = {20000};
	for (int status : {401, 407, 422}) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		const std::string first = invite_out(d, sdp_of(rtp, {{rtp}}));
		fail(first, status);
		to_server(phone, request_again(d, "ACK", last));
		const std::string second = invite_out(d, sdp_of(rtp, {{rtp}}));
		EXPECT_EQ(text_of(media_of(second)), text_of(media_of(first)));
		const std::string got = to_phone(phone, answer_at_server(second, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
		learn(d, got);
		to_server(phone, ack(d, last));
		gate.advance(60);
		expect_audio(rtp, media_of(first), far_media);
		gate.end_all();
	}
}

TEST_P(calls, R10_challenged_call_that_is_given_up_ends)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	fail(invite_out(d, sdp_of(rtp, {{rtp}})), 407);
	to_server(phone, request_again(d, "ACK", last));
	gate.advance(8);
	expect_call_over();
}

TEST_P(calls, R10_failed_re_invite_leaves_the_call)
{
	for (int status : {488, 491, 500, 408}) {
		placed_call call = call_out(phone, rtp, far_media);
		const std::string seen = invite_out(call.caller, sdp_of(rtp, {{rtp}, {map.inside(10, 20100), "video"}}));
		fail(seen, status);
		to_server(phone, request_again(call.caller, "ACK", last));
		gate.advance(1000);
		expect_audio(rtp, media_of(call.invite), far_media);
		hang_up_inside(phone, call, false);
		EXPECT_EQ(gate.expectation_count(), 0u) << status;
	}
}

TEST_P(calls, R10_failed_re_invite_from_outside_falls_back)
{
	placed_call call = call_out(phone, rtp, far_media);
	const endpoint moved = map.outside(8, 40000);
	call.called.remote_tag = tag_of(line_of(call.invite, "From"));
	const std::string got = to_phone(phone, request(call.called, "INVITE", sdp_of(moved, {{moved}})));
	to_server(phone, respond(got, 488));
	gate.advance(200);
	expect_audio(rtp, media_of(call.invite), far_media);
}

TEST_P(calls, R10_failed_re_invite_from_inside_falls_back)
{
	placed_call call = call_out(phone, rtp, far_media);
	const endpoint moved = map.inside(10, 20200);
	fail(invite_out(call.caller, sdp_of(moved, {{moved}})), 488);
	to_server(phone, request_again(call.caller, "ACK", last));
	gate.advance(200);
	expect_audio(rtp, media_of(call.invite), far_media);
}

TEST_P(calls, R10_sixty_calls_of_a_trunk_do_not_touch_each_other)
{
	constexpr u32 calls = 60;	// each has 4 pinholes, of 255 that one connection may have
	std::vector<placed_call> placed;
	for (u32 n = 0; n < calls; n++)
		placed.push_back(trunk_call(n));
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), calls);
	for (u32 n = 0; n < calls; n += 3)
		hang_up_inside(phone, placed[n], false);
	for (u32 n = 1; n < calls; n += 3) {
		const u16 offset = static_cast<u16>(4 * n);
		const endpoint here = map.inside(10, 20000 + offset);
		fail(invite_out(placed[n].caller, sdp_of(here, {{here}})), 488);
	}
	for (u32 n = 0; n < calls; n++)
		if (n % 3)
			expect_trunk_audio(n, placed[n]);
}

TEST_P(calls, R10_two_hundred_calls_of_a_trunk_pass_and_end)
{
	std::vector<placed_call> placed;
	for (u32 n = 0; n < 200; n++)
		placed.push_back(trunk_call(n));
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 200u);
	for (auto &call : placed)
		hang_up_inside(phone, call, false);
	expect_call_over();
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
}

TEST_P(calls, R9_many_phones_with_the_same_ports)
{
	gate.rules.shift_ports = false;
	for (u32 phones : {2u, 10u, 250u}) {
		gate.rules.expectations_max = 4 * phones + phones;
		std::vector<placed_call> placed;
		for (u32 n = 1; n <= phones; n++) {
			const endpoint phone = map.inside(n, 5060), media = map.inside(n, 16384);
			register_phone(phone, "user" + std::to_string(n));
			placed.push_back(n % 2 ? call_out(phone, media, map.outside(7, 30000)) :
						 call_in(phone, media, map.outside(8, 30000)));
		}
		std::set<u16> ports;
		for (u32 n = 1; n <= phones; n++) {
			const placed_call &call = placed[n - 1];
			const endpoint seen = media_of(n % 2 ? call.invite : call.answer);
			EXPECT_TRUE(ports.insert(seen.port).second);
			expect_audio(map.inside(n, 16384), seen, map.outside(n % 2 ? 7 : 8, 30000));
			expect_audio(map.inside(n, 16385), sip::with_port(seen, static_cast<u16>(seen.port + 1)),
				     map.outside(n % 2 ? 7 : 8, 30001));
		}
		for (u32 n = 1; n <= phones; n++)
			hang_up_inside(map.inside(n, 5060), placed[n - 1], n % 2 == 0);
		EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
		gate.end_all();
	}
}

TEST_P(calls, R10_call_waiting_on_one_media_socket)
{
	placed_call one = call_out(phone, rtp, far_media);
	placed_call two = call_out(phone, rtp, map.outside(8, 30000));
	placed_call three = call_out(phone, rtp, map.outside(7, 30010));
	EXPECT_EQ(text_of(media_of(one.invite)), text_of(media_of(two.invite)));
	expect_audio(rtp, media_of(one.invite), far_media);
	hang_up_inside(phone, one, false);
	expect_audio(rtp, media_of(two.invite), map.outside(8, 30000));
	expect_audio(rtp, media_of(three.invite), map.outside(7, 30010));
	hang_up_inside(phone, two, false);
	hang_up_inside(phone, three, false);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, R10_shared_pinhole_outlives_the_connection_that_opened_it)
{
	gate.rules.values[SIPX_SETTING_MEDIA_SOURCE] = SIPX_MEDIA_FROM_ANY;
	placed_call one = call_out(phone, rtp, far_media);
	const endpoint first = server;
	server = map.outside(2, 5060);
	placed_call two = call_out(phone, rtp, map.outside(8, 30000));
	gate.end(phone, first);
	const std::string seen = invite_out(two.caller, sdp_of(rtp, {{rtp}}));
	to_phone(phone, answer_at_server(seen, 200, {"far", two.called.contact, sdp_of(map.outside(8, 30000), {{map.outside(8, 30000)}}), {}, outer(phone)}));
	expect_audio(rtp, media_of(two.invite), map.outside(8, 30000));
}

// Both calls hold the same pinholes; the second one's connection ends while the first is silent.
TEST_P(calls, R10_S6_shared_pinhole_outlives_the_connection_that_asked_last)
{
	placed_call one = call_out(phone, rtp, far_media);
	const endpoint first = server;
	server = map.outside(66, 5060);
	placed_call two = call_out(phone, rtp, far_media);
	gate.end(phone, server);
	expect_audio(rtp, media_of(one.invite), far_media);
	gate.end(phone, first);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, R10_S6_shared_pinhole_outlives_the_connection_that_opened_it_without_a_message)
{
	placed_call one = call_out(phone, rtp, far_media);
	const endpoint first = server;
	server = map.outside(66, 5060);
	placed_call two = call_out(phone, rtp, far_media);
	const u32 pinholes = gate.expectation_count();
	gate.end(phone, first);
	EXPECT_EQ(gate.expectation_count(), pinholes);
	expect_audio(rtp, media_of(two.invite), far_media);
	gate.end(phone, server);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, S5_answers_and_offers_from_outside_begin_nothing)
{
	gate.send(phone, server, "\r\n\r\n");
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(outer(phone));
	to_phone(phone, request(d, "UPDATE", sdp_of(far_media, {{far_media}})));
	to_phone(phone, request(d, "MESSAGE", sdp_of(far_media, {{far_media}})));
	to_phone(phone, request(d, "ACK", sdp_of(far_media, {{far_media}})));
	to_phone(phone, respond(request(d, "INVITE"), 200, {"t", "", sdp_of(far_media, {{far_media}})}));
	EXPECT_EQ(live_objects(), 0u);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(calls, S6_unmatched_failure_ends_nothing)
{
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = invite_out(d, sdp_of(rtp, {{rtp}}));
	const std::string branch = line_of(seen, "Via").substr(line_of(seen, "Via").find("branch="));
	to_phone(phone, with(answer_at_server(seen, 486), branch, "branch=z9hG4bKother"));
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_unmatched_response), 1u);
}

TEST_P(calls, R21_retransmissions_are_equal_and_make_nothing)
{
	gate.rules.taken_ports = {20000};
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = invite_out(d, sdp_of(rtp, {{rtp}}));
	const u32 objects = live_objects(), holes = gate.expectation_count();
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(to_server(phone, last), seen);
		EXPECT_EQ(live_objects(), objects);
		EXPECT_EQ(gate.expectation_count(), holes);
	}
	const std::string answer = answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, outer(phone)});
	const std::string got = to_phone(phone, answer);
	const u64 opened = gate.count(SIPX_COUNT_pinhole_opened);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(to_phone(phone, answer), got);
	EXPECT_EQ(to_server(phone, last), seen) << "a very late one";
	EXPECT_EQ(gate.count(SIPX_COUNT_pinhole_opened), opened);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 1u);
}

TEST_P(calls, R21_nothing_comes_to_life_after_the_end)
{
	register_phone(phone, "alice");
	dialog caller = dialog_of("bob", server, "sip:alice@example.com");
	caller.target = "sip:alice@" + text_of(outer(phone));
	const std::string got = to_phone(phone, request(caller, "INVITE", sdp_of(far_media, {{far_media}})));
	dialog called = answering(got, "alice", phone);
	const std::string answer = respond(got, 200, {called.local_tag, called.contact, sdp_of(rtp, {{rtp}})});
	learn(caller, to_server(phone, answer));
	to_server(phone, respond(to_phone(phone, request(caller, "BYE")), 200));
	EXPECT_EQ(media_of(to_server(phone, answer)).port % 2, 0) << "a late one is translated still";
	expect_call_over();
}

TEST_P(calls, flushed_expectations_stand_again_after_the_next_message)
{
	placed_call call = call_out(phone, rtp, far_media);
	gate.flush_expectations();
	expect_no_way_in(far_media, media_of(call.invite));
	const std::string seen = invite_out(call.caller, sdp_of(rtp, {{rtp}}));
	fail(seen, 100);
	to_phone(phone, answer_at_server(seen, 200, {"far", call.called.contact, sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	expect_audio(rtp, media_of(call.invite), far_media);
}

TEST_P(calls, show_names_the_call)
{
	placed_call call = call_out(phone, rtp, far_media);
	const std::string text = gate.show_calls();
	EXPECT_NE(text.find(" answered inside=" + text_of(phone) + " peer=" + text_of(server)), text.npos) << text;
	EXPECT_NE(text.find("  stream 0 inside=" + text_of(rtp) + " outside=" + text_of(media_of(call.invite)) + " remote=" + text_of(far_media) + " pinholes=in,in-rtcp,out,out-rtcp\n"), text.npos) << text;
	gate.flush_expectations();
	EXPECT_NE(gate.show_calls().find(" pinholes=-\n"), text.npos) << gate.show_calls();
	EXPECT_EQ(text.rfind("call 1 answered", 0), 0u) << "no hash is shown: " << text;
}

} // namespace core_test
