// SPDX-License-Identifier: GPL-2.0
// R3: whatever fails, a message leaves fully translated or as it came, and a message that
// left as it came leaves no trace.
#include "core_scene.h"

namespace core_test {

struct trace {
	u32 objects, holes, handles;
	bool operator==(const trace &) const = default;
};

class faults : public core_scene {
protected:
	faults()
	{
		gate.rules.map_port[phone] = 40000;
		gate.rules.taken_ports = {20000, 20100};
	}

	// What the play has come to before the message: a number of the list below.
	static constexpr int states = 5;
	void set_scene(int state)
	{
		gate.end_all();
		seed_random(7);
		gate.send(phone, server, "\r\n\r\n");
		if (state >= 1)
			register_phone(phone, "alice");
		if (state >= 2)
			call = call_out(phone, map.inside(10, 20000), map.outside(7, 30000));
		if (state >= 3)
			call_in(phone, map.inside(10, 20000), map.outside(8, 30000));
		if (state >= 4)
			hang_up_inside(phone, call, false);
	}

	struct sample {
		std::string name;
		bool outward;
		std::string text;
	};

	dialog stranger(const std::string &from, const endpoint &socket)
	{
		dialog d = dialog_of(from, socket, "sip:carol@example.com");
		d.call_id = "sample";
		d.local_tag = "sampletag";
		return d;
	}

	std::vector<sample> samples()
	{
		const endpoint rtp = map.inside(10, 20000), video = map.inside(10, 20100), far = map.outside(7, 30000);
		const endpoint listens = map.inside(10, 5070);
		dialog out = stranger("alice", phone), in = stranger("bob", server), odd = stranger("alice", listens);
		in.target = "sip:alice@" + text_of(outer(phone));
		const std::string one = sdp_of(phone, {{rtp}}), two = sdp_of(phone, {{rtp}, {video, "video"}});
		const std::string muxed = sdp_of(phone, {{rtp, "audio", "RTP/AVP 0", {"rtcp:20100", "rtcp-mux"}}});
		const std::string there = sdp_of(far, {{far}});
		const std::string asked = request(in, "INVITE", there);
		return {
			{"REGISTER", true, request(out, "REGISTER")},
			{"REGISTER of a listening port", true, request(odd, "REGISTER")},
			{"OPTIONS", true, request(out, "OPTIONS")},
			{"INVITE without SDP", true, request(out, "INVITE")},
			{"INVITE", true, request(out, "INVITE", one)},
			{"INVITE with two streams", true, request(out, "INVITE", two)},
			{"INVITE with a=rtcp", true, request(out, "INVITE", muxed)},
			{"INVITE of a listening port", true, request(odd, "INVITE", two)},
			{"re-INVITE", true, call.invite.empty() ? request(out, "UPDATE", one) : request(call.caller, "INVITE", two)},
			{"MESSAGE with SDP", true, request(out, "MESSAGE", one)},
			{"BYE", true, request(out, "BYE")},
			{"ACK with SDP", true, request(out, "ACK", one)},
			{"INVITE from outside", false, asked},
			{"200 from inside", true, respond(asked, 200, {"sampleto", out.contact, two})},
			{"183 from inside", true, respond(asked, 183, {"sampleto", out.contact, one})},
			{"OPTIONS from outside", false, request(in, "OPTIONS")},
			{"200 from outside", false, respond(request(out, "INVITE", one), 200, {"sampleto", in.contact, there})},
		};
	}

	std::string pass(const sample &m)
	{
		return (m.outward ? try_to_server(phone, m.text) : try_to_phone(phone, m.text)).bytes;
	}
	trace traces() const { return {live_objects(), gate.expectation_count(), gate.handles()}; }

	// Fails the 1st, 2nd, ... step of that kind until one passes without a fault.
	void fail_each_step(int state, const sample &m, fault_plan plan)
	{
		set_scene(state);
		set_faults({.kinds = fault_any});
		const std::string translated = pass(m);
		for (u32 n = 1;; n++) {
			set_faults({});
			set_scene(state);
			const trace before = traces();
			plan.strike_at = n;
			set_faults(plan);
			const std::string got = pass(m);
			const bool struck = fault_struck();
			set_faults({});
			EXPECT_TRUE(got == translated || got == m.text) << m.name << " in " << state << ", step " << n << ":\n" << got;
			if (got == m.text && got != translated) {
				EXPECT_TRUE(traces() == before) << m.name << " in " << state << ", step " << n;
				EXPECT_NE(pass(m), m.text) << "the next try succeeds";
			}
			if (!struck)
				return;
			ASSERT_LT(n, 200u);
		}
	}

	void fail_all(const fault_plan &plan)
	{
		for (int state = 0; state < states; state++) {
			set_scene(state);
			for (const auto &m : samples())
				fail_each_step(state, m, plan);
		}
	}

	endpoint phone = map.inside(10, 5060);
	placed_call call;
};
FOR_BOTH_FAMILIES(faults);

// Not the search for a port: it goes on to the next.
TEST_P(faults, R3_each_step_fails_once) { fail_all({.kinds = fault_alloc | fault_pinhole | fault_replace}); }
TEST_P(faults, R3_all_steps_fail_from_one_on) { fail_all({.all_after = true}); }
TEST_P(faults, R3_each_allocation_fails) { fail_all({.kinds = fault_alloc}); }
TEST_P(faults, R3_expectation_table_full)
{
	fail_all({.kinds = fault_pinhole, .all_after = true, .pinhole_error = SIPX_PINHOLE_TABLE_FULL});
}
TEST_P(faults, R3_expectation_clashes) { fail_all({.kinds = fault_pinhole, .pinhole_error = SIPX_PINHOLE_BUSY}); }
TEST_P(faults, R3_rewrite_fails) { fail_all({.kinds = fault_replace}); }

TEST_P(faults, R3_no_port_is_free)
{
	set_scene(1);
	const trace before = traces();
	dialog d = stranger("alice", phone);
	const std::string text = request(d, "INVITE", sdp_of(phone, {{map.inside(10, 20000)}}));
	set_faults({.kinds = fault_port, .strike_at = 1, .all_after = true});
	EXPECT_EQ(try_to_server(phone, text).bytes, text);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 1u);
	EXPECT_EQ(traces(), before);
}

TEST_P(faults, R3_answers_are_heard_though_no_pinhole_could_be_opened)
{
	gate.rules.expectations_max = 0;
	set_scene(1);
	call = call_out(phone, map.inside(10, 20000), map.outside(7, 30000));
	EXPECT_NE(media_of(call.invite).port, 20000);
	EXPECT_GT(gate.count(SIPX_COUNT_expectations_full), 0u);
	hang_up_inside(phone, call, false);
	EXPECT_EQ(live_objects(SIPX_SLAB_STREAM), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_PINHOLE), 0u);
}

TEST_P(faults, R3_message_that_would_not_fit_a_datagram)
{
	gate.send(phone, server, "\r\n\r\n");
	dialog d = dialog_of("alice", phone, "sip:bob@example.com", true);
	std::string text = request(d, "MESSAGE");
	const std::string body(65507 - text.size() - 5, 'x');
	text = request(d, "MESSAGE", "", {{"X", body.substr(0, 65507 - text.size() - 20)}});
	text += std::string(65507 - text.size(), 'y');
	EXPECT_EQ(gate.send(phone, server, text).bytes.size(), 65507u);
	EXPECT_EQ(gate.send(phone, server, text).bytes, text);
}

TEST_P(faults, R3_no_nat_module)
{
	gate.rules.nat_present = false;
	gate.send(phone, server, "\r\n\r\n");
	for (const auto &m : samples())
		EXPECT_EQ(pass(m), m.text) << m.name;
	EXPECT_EQ(live_objects(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_nat_module), samples().size());
}

TEST_P(faults, R27_assist_edits_nothing_and_keeps_the_registration)
{
	gate.rules.assist = true;
	gate.rules.udp_timeout_s = 5;
	gate.send(phone, server, "\r\n\r\n");
	for (const auto &m : samples())
		EXPECT_EQ(pass(m), m.text) << m.name;
	// The provider answers with the Contact that it knows.
	dialog d = dialog_of("alice", phone, "sip:alice@example.com");
	const std::string seen = try_to_server(phone, request(d, "REGISTER", "", {{"Expires", "60"}})).bytes;
	try_to_phone(phone, answer_at_server(seen, 200, {"far", line_of(seen, "Contact") + ";expires=60", "", {}, outer(phone)}));
	gate.advance(55);
	EXPECT_TRUE(gate.find(phone, server));
}

} // namespace core_test
