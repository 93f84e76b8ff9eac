// SPDX-License-Identifier: GPL-2.0
// What an inside host sent comes back to it from outside, word for word: by a server that loops, or from somebody who
// saw it. Whatever the host says to that is about another transaction than its own (RFC 3261 16.3, 8.2.2.2). S6.
#include "core_scene.h"

namespace core_test {

class reflected : public core_scene {
protected:
	// The phone speaks to the stranger, so that there is a way to it.
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
	void answer(const std::string &seen, int status = 200)
	{
		to_phone(phone, answer_at_server(seen, status, {"far", "<sip:bob@" + text_of(server) + ">",
								sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	}
	// It comes back from there, and the phone says that.
	void reflect(const std::string &seen, const endpoint &from, int status)
	{
		const endpoint to = sip::same_address(from, server) ? outer(phone) : way_to_phone();
		const delivery back = gate.send(from, to, seen);
		ASSERT_TRUE(back.arrived_at(phone));
		reply_parts parts{"loop", "", "", {}, {}};
		if (status < 300)
			parts = {"loop", "<sip:alice@" + text_of(phone) + ">", sdp_of(other_rtp, {{other_rtp}}), {}, {}};
		EXPECT_TRUE(gate.send(phone, from, respond(back.bytes, status, parts)).arrived_at(from));
	}

	static constexpr int said[] = {180, 183, 200, 403, 481, 482, 486, 487, 491, 503};
	endpoint phone = map.inside(10, 5060), rtp = map.inside(10, 20000), other_rtp = map.inside(10, 24000);
	endpoint far_media = map.outside(7, 30000), stranger = map.outside(66, 5060);
};
FOR_BOTH_FAMILIES(reflected);

TEST_P(reflected, S6_an_invite_that_comes_back_ends_no_ringing_call)
{
	for (const endpoint &from : {stranger, server})
		for (const int status : said) {
			const std::string seen = begin_call();
			const u32 pinholes = gate.expectation_count();
			reflect(seen, from, status);
			EXPECT_GE(gate.expectation_count(), pinholes) << status;
			answer(seen);
			expect_audio(rtp, media_of(seen), far_media);
		}
}

TEST_P(reflected, S6_a_re_invite_that_comes_back_moves_and_ends_nothing)
{
	for (const char *method : {"INVITE", "UPDATE"})
		for (const int status : said) {
			placed_call call = call_out(phone, rtp, far_media);
			expect_audio(rtp, media_of(call.invite), far_media);
			const endpoint moved = map.inside(10, 26000);
			const std::string offer = sdp_of(moved, {{moved}});
			const std::string again = to_server(phone, request(call.caller, method, offer));
			reflect(again, stranger, status);
			expect_audio(rtp, media_of(call.invite), far_media);
			answer(again);
			expect_audio(moved, media_of(again), far_media);
			hang_up_inside(phone, call, false);
			gate.advance(40);
		}
}

TEST_P(reflected, S6_whatever_ends_a_call_does_not_when_it_comes_back)
{
	for (const char *method : {"BYE", "CANCEL", "PRACK", "ACK", "INFO"})
		for (const int status : {200, 481, 487}) {
			placed_call call = call_out(phone, rtp, far_media);
			dialog copy = call.caller;
			reflect(request(copy, method), stranger, status);
			gate.advance(40);
			expect_audio(rtp, media_of(call.invite), far_media);
			hang_up_inside(phone, call, false);
			gate.advance(40);
		}
}

TEST_P(reflected, S6_a_call_over_tcp_whose_invite_comes_back_by_udp)
{
	const endpoint by_tcp = over_tcp(map.inside(10, 49152));
	dialog d = dialog_of("alice", by_tcp, "sip:bob@example.com");
	const std::string seen = to_server(by_tcp, for_tcp(request(d, "INVITE", sdp_of(rtp, {{rtp}}))));
	reflect(seen, stranger, 482);
	to_phone(by_tcp, for_tcp(answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">",
							      sdp_of(far_media, {{far_media}}), {}, outer(by_tcp)})));
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(reflected, S6_a_register_that_comes_back_is_neither_granted_nor_refused)
{
	for (const int status : {200, 403, 423, 503}) {
		dialog d = dialog_of("alice", phone, "sip:alice@example.com");
		const std::string seen = to_server(phone, request(d, "REGISTER", "", {{"Expires", "600"}}));
		const u64 granted = gate.count(SIPX_COUNT_registration_granted);
		reflect(seen, stranger, status);
		EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), granted) << status;
		to_phone(phone, respond(seen, 200, {"far", line_of(seen, "Contact") + ";expires=600", "", {}, outer(phone)}));
		EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), granted + 1) << status;
		gate.advance(700);
	}
}

// ---- what somebody else said, once more

// A call to a phone that everybody may call, and somebody else who has seen it.
class copied : public core_scene {
protected:
	copied() { gate.rules.forward[door] = phone; }

	dialog caller()
	{
		dialog d = dialog_of("bob", server, "sip:alice@" + text_of(door));
		d.target = "sip:alice@" + text_of(door);
		return d;
	}
	reply_parts own_answer(int status) const
	{
		const bool answers = status == 183 || status == 200;
		return {"t", "<sip:alice@" + text_of(phone) + ">", answers ? sdp_of(rtp, {{rtp}}) : "", {}, {}};
	}

	endpoint phone = map.inside(10, 5060), rtp = map.inside(10, 20000), door = map.router(5060);
	endpoint far_media = map.outside(7, 30000), stranger = map.outside(66, 5060), own_media = map.outside(66, 4444);
};
FOR_BOTH_FAMILIES(copied);

TEST_P(copied, S6_who_repeats_the_call_of_another_has_no_part_in_it)
{
	for (const int status : {180, 183, 200, 482, 486, 487}) {
		dialog d = caller();
		const std::string asked = request(d, "INVITE", sdp_of(far_media, {{far_media}}));
		const delivery in = gate.send(server, door, asked);
		ASSERT_TRUE(in.arrived_at(phone));
		const delivery copy = gate.send(stranger, door, asked);
		ASSERT_TRUE(copy.arrived_at(phone));
		gate.send(phone, stranger, respond(copy.bytes, status, own_answer(status)));

		const delivery answer = gate.send(phone, server, respond(in.bytes, 200, own_answer(200)));
		expect_audio(rtp, media_of(answer.bytes), far_media);
		learn(d, answer.bytes);
		for (const char *method : {"INVITE", "UPDATE", "BYE"}) {
			dialog forged = d;
			gate.send(stranger, door, request(forged, method, sdp_of(own_media, {{own_media}})));
			gate.advance(20);
			expect_no_way_in(own_media, media_of(answer.bytes));
			expect_audio(rtp, media_of(answer.bytes), far_media);
		}
		gate.end_all();
	}
}

} // namespace core_test
