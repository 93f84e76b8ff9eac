// SPDX-License-Identifier: GPL-2.0
// Who speaks for a call (S6): whom it began with, whom the inside spoke to, whom its other end
// named. All others may know each identifier of it: a forked callee has seen the INVITE.
#include "core_scene.h"

namespace core_test {

class strangers : public core_scene {
protected:
	endpoint phone = map.inside(10, 5060), rtp = map.inside(10, 20000), far_media = map.outside(7, 30000);
	endpoint stranger = map.outside(66, 5060), own_media = map.outside(66, 4444);

	// The phone has spoken to the stranger, so that there is a way to it.
	endpoint way_to_phone()
	{
		dialog d = dialog_of("alice", phone, "sip:x@example.org");
		return gate.send(phone, stranger, request(d, "OPTIONS")).source;
	}
	std::string begin_call()
	{
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		return to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	}
	void answer_call(const std::string &seen)
	{
		to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">",
							     sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	}
	reply_parts own_answer(const std::string &tag) const
	{
		return {tag, "<sip:x@" + text_of(stranger) + ">", sdp_of(own_media, {{own_media}}), {}, {}};
	}
	void expect_whole(const std::string &seen)
	{
		expect_no_way_in(own_media, media_of(seen));
		expect_audio(rtp, media_of(seen), far_media);
	}
};
FOR_BOTH_FAMILIES(strangers);

TEST_P(strangers, S6_refusal_by_a_stranger_ends_no_ringing_call)
{
	const endpoint way = way_to_phone();
	const std::string seen = begin_call();
	const u32 pinholes = gate.expectation_count();
	EXPECT_TRUE(gate.send(stranger, way, respond(seen, 487, {"other", "", "", {}, {}})).arrived());
	EXPECT_EQ(gate.expectation_count(), pinholes);
	answer_call(seen);
	expect_whole(seen);
}

TEST_P(strangers, S6_answer_of_a_stranger_brings_no_media)
{
	const endpoint way = way_to_phone();
	const std::string seen = begin_call();
	EXPECT_TRUE(gate.send(stranger, way, respond(seen, 200, own_answer("other"))).arrived());
	expect_no_way_in(own_media, media_of(seen));
	answer_call(seen);
	expect_whole(seen);
}

TEST_P(strangers, S6_answer_of_a_stranger_to_a_forwarded_server_brings_no_media)
{
	gate.rules.forward[map.router(5060)] = phone;
	const std::string seen = begin_call();
	const endpoint from = map.outside(66, 40000);
	EXPECT_TRUE(gate.send(from, map.router(5060), respond(seen, 200, own_answer("other"))).arrived());
	expect_no_way_in(own_media, media_of(seen));
	answer_call(seen);
	expect_whole(seen);
}

TEST_P(strangers, S6_bye_of_a_stranger_ends_no_call)
{
	const endpoint way = way_to_phone();
	placed_call call = call_out(phone, rtp, far_media);
	const delivery bye = gate.send(stranger, way, request(call.called, "BYE"));
	EXPECT_TRUE(bye.arrived());
	gate.advance(3);
	expect_whole(call.invite);
	// the phone says that it knows no such call
	gate.send(phone, stranger, respond(bye.bytes, 481, {"", "", "", {}, {}}));
	gate.advance(3);
	expect_whole(call.invite);
}

// A provider has many hosts, and each may end a call.
TEST_P(strangers, R13_bye_that_the_phone_grants_ends_the_call)
{
	const endpoint way = way_to_phone();
	placed_call call = call_out(phone, rtp, far_media);
	const delivery bye = gate.send(stranger, way, request(call.called, "BYE"));
	gate.send(phone, stranger, respond(bye.bytes, 200, {"", "", "", {}, {}}));
	gate.advance(1);
	expect_no_way_in(far_media, media_of(call.invite));
}

TEST_P(strangers, S6_offer_of_a_stranger_in_the_dialog_moves_no_media)
{
	const endpoint way = way_to_phone();
	placed_call call = call_out(phone, rtp, far_media);
	for (const char *method : {"UPDATE", "INVITE"}) {
		const std::string offer = request(call.called, method, sdp_of(own_media, {{own_media}}));
		EXPECT_TRUE(gate.send(stranger, way, offer).arrived());
		expect_whole(call.invite);
	}
}

// Not even who it is spoken with answers what nobody asked.
TEST_P(strangers, S6_answer_to_an_update_that_nobody_sent_moves_no_media)
{
	const endpoint way = way_to_phone();
	placed_call call = call_out(phone, rtp, far_media);
	const std::string never = request(call.caller, "UPDATE");
	const std::string answer = respond(never, 200, {"", "", sdp_of(own_media, {{own_media}}), {}, {}});
	to_phone(phone, answer);
	expect_whole(call.invite);
	EXPECT_TRUE(gate.send(stranger, way, answer).arrived());
	expect_whole(call.invite);
}

// Without a proxy between, the other end sends its requests itself (RFC 3261 12.2.1.1).
TEST_P(strangers, R12_the_host_of_the_other_ends_contact_may_move_its_media)
{
	const endpoint far_phone = map.outside(77, 5060), moved = map.outside(77, 31000);
	dialog d = dialog_of("alice", phone, "sip:x@example.org");
	const endpoint way = gate.send(phone, far_phone, request(d, "OPTIONS")).source;
	const std::string seen = begin_call();
	to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(far_phone) + ">",
						     sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	dialog far = answering(seen, "bob", far_phone);
	far.local_tag = "far";
	EXPECT_TRUE(gate.send(far_phone, way, request(far, "INVITE", sdp_of(moved, {{moved}}))).arrived());
	expect_audio(rtp, media_of(seen), moved);
}

} // namespace core_test
