// SPDX-License-Identifier: GPL-2.0
// SIP over TCP: the same calls, however the stream is cut (T), with no way in but the
// connection itself (S2).
#include "core_scene.h"

namespace core_test {

class tcp : public core_scene {
protected:
	endpoint phone = over_tcp(map.inside(10, 5060));
	endpoint phone_media = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(tcp);

TEST_P(tcp, R1_a_registration_is_translated_both_ways)
{
	gate.rules.shift_ports = true;
	const std::string granted = register_phone(phone, "alice");
	EXPECT_EQ(uri_of(line_of(granted, "Contact")), "sip:alice@" + text_of(phone));
	EXPECT_EQ(line_of(granted, "Via").find("SIP/2.0/TCP " + text_of(phone)), 0u) << granted;
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), 2u);
	EXPECT_EQ(gate.expectation_count(), 0u) << "S2: nobody comes in by TCP";
}

TEST_P(tcp, R16_a_call_out_has_audio_both_ways)
{
	gate.rules.shift_ports = true;
	gate.rules.taken_ports = {20000};
	placed_call call = call_out(phone, phone_media, far_media);
	const endpoint outer_media = media_of(call.invite);
	EXPECT_NE(outer_media.port, phone_media.port);
	EXPECT_EQ(text_of(media_of(call.answer)), text_of(far_media));
	expect_audio(phone_media, outer_media, far_media);
	hang_up_inside(phone, call, false);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(tcp, R16_a_call_in_has_audio_both_ways)
{
	gate.rules.shift_ports = true;
	gate.rules.taken_ports = {20000};
	register_phone(phone, "alice");
	placed_call call = call_in(phone, phone_media, far_media);
	EXPECT_EQ(request_uri_of(call.invite), "sip:alice@" + text_of(phone));
	expect_audio(phone_media, media_of(call.answer), far_media);
	hang_up_inside(phone, call, true);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

} // namespace core_test
