// SPDX-License-Identifier: GPL-2.0
// How long what nobody ends is kept, as the settings say. R13, S7.
#include "core_scene.h"

namespace core_test {

class timeouts : public core_scene {
protected:
	void set(enum sipx_setting setting, u32 seconds) { gate.rules.values[setting] = seconds; }
	std::string invite()
	{
		caller = dialog_of("alice", phone, "sip:bob@example.com");
		return to_server(phone, request(caller, "INVITE", sdp_of(phone, {{rtp}})));
	}

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
	dialog caller;
};
FOR_BOTH_FAMILIES(timeouts);

TEST_P(timeouts, S7_unanswered_call_is_kept_as_long_as_the_setting_says)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 20;
	for (const u32 seconds : {60u, 300u, 900u}) {
		set(SIPX_SETTING_UNANSWERED_TIMEOUT, seconds);
		const u64 ended = gate.count(SIPX_COUNT_call_ended);
		invite();
		gate.advance(seconds - 3);
		EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), ended) << seconds;
		EXPECT_EQ(gate.expectation_count(), 2u);
		gate.advance(6);
		EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), ended + 1) << seconds;
		EXPECT_EQ(gate.expectation_count(), 0u);
	}
}

TEST_P(timeouts, R13_answered_call_without_media_is_kept_as_long_as_the_setting_says)
{
	set(SIPX_SETTING_ANSWERED_TIMEOUT, 3600);
	call_out(phone, rtp, far_media);
	gate.advance(3595);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 0u);
	gate.advance(10);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_ended), 1u);
}

TEST_P(timeouts, S7_request_without_an_answer_is_kept_as_long_as_the_setting_says)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 600;	// of its connection
	for (const u32 seconds : {4u, 32u, 100u}) {
		set(SIPX_SETTING_TRANSACTION_TIMEOUT, seconds);
		dialog d = dialog_of("alice", phone, "sip:alice@example.com");
		d.target = "sip:example.com";
		to_server(phone, request(d, "REGISTER", "", {{"Expires", "600"}}));
		gate.advance(seconds - 2);
		EXPECT_NE(gate.show_registrations(), "") << seconds;
		gate.advance(4);
		EXPECT_EQ(gate.show_registrations(), "") << seconds;
	}
}

TEST_P(timeouts, R21_what_is_over_is_remembered_as_long_as_the_setting_says)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 600;
	set(SIPX_SETTING_TRANSACTION_TIMEOUT, 100);
	placed_call placed = call_out(phone, rtp, far_media);
	hang_up_inside(phone, placed, false);
	gate.advance(90);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 1u);
	gate.advance(20);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
}

} // namespace core_test
