// SPDX-License-Identifier: GPL-2.0
// SIP over TCP: the same calls, however the stream is cut (T), with no way in but the
// connection itself (S2).
#include "core_scene.h"

namespace core_test {

using sizes = std::vector<size_t>;

class tcp : public core_scene {
protected:
	tcp()
	{
		gate.rules.map_port[phone] = 40000;
		gate.rules.taken_ports = {20000};
	}

	std::string notify()
	{
		dialog d = dialog_of("bob", server, "sip:alice@example.com");
		d.target = "sip:alice@" + text_of(outer(phone));
		return request(d, "NOTIFY", "", {{"Event", "presence"}, {"Subscription-State", "active"}});
	}

	// A registration, a call and a notification, all in segments of full size.
	void play()
	{
		register_phone(phone, "alice");
		placed_call call = call_out(phone, phone_media, far_media);
		expect_audio(phone_media, media_of(call.invite), far_media);
		hang_up_inside(phone, call, false);
		to_server(phone, respond(to_phone(phone, notify()), 200));
	}

	// The same again on a connection of its own, cut otherwise.
	void play_again(const std::function<sizes(size_t)> &cuts_of)
	{
		const std::vector<spoken> script = said;
		begin_anew();
		for (size_t i = 0; i < script.size() && !HasFailure(); i++) {
			const spoken &one = script[i];
			const sizes how = cuts_of(i);
			EXPECT_EQ(say(one.phone, one.phone_speaks, one.text, how), one.heard)
				<< "message " << i << " cut at " << testing::PrintToString(how);
			EXPECT_EQ(gate.expectation_count(), one.holes) << i;
		}
		EXPECT_TRUE(line(phone).all_acked());
		EXPECT_EQ(live_piece_bytes(), 0u) << "nothing is held for nobody";
		said = script;
	}

	void begin_anew()
	{
		said.clear();
		lines.clear();
		gate.end_all();
		seed_random(7);
	}

	std::vector<sipx_pinhole> media_holes()
	{
		std::vector<sipx_pinhole> all = gate.expectations();
		std::erase_if(all, [](const sipx_pinhole &one) { return one.helper; });
		for (sipx_pinhole &one : all)
			one.lifetime_s = 0;
		return all;
	}

	endpoint phone = over_tcp(map.inside(10, 5060));
	endpoint phone_media = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(tcp);

TEST_P(tcp, R1_a_registration_is_translated_both_ways)
{
	const std::string granted = register_phone(phone, "alice");
	EXPECT_EQ(uri_of(line_of(granted, "Contact")), "sip:alice@" + text_of(phone));
	EXPECT_EQ(line_of(granted, "Via").find("SIP/2.0/TCP " + text_of(phone)), 0u) << granted;
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), 2u);
	EXPECT_EQ(gate.expectation_count(), 0u) << "S2: nobody comes in by TCP";
}

// Else it forgets the connection after five minutes, and not after days: both where messages have grown
// and where they have shrunk by more in all than the last one is long.
TEST_P(tcp, T5_conntrack_knows_what_has_arrived)
{
	const endpoint longer = over_tcp(GetParam() == SIPX_IPV4 ? at("192.168.100.100:50600") :
								   at("[fd00:1111:2222:3333:4444:5555:6666:7777]:50600"));
	for (const endpoint &each : {phone, longer}) {
		const u32 before = gate.unknowing();
		for (u32 n = 0; n < 200; n++) {
			dialog d = dialog_of("alice", each, "sip:bob@example.com");
			to_phone(each, respond(to_server(each, request(d, "OPTIONS")), 200));
		}
		EXPECT_TRUE(line(each).all_acked());
		EXPECT_EQ(gate.unknowing(), before) << text_of(each);
	}
}

TEST_P(tcp, R16_a_call_out_has_audio_both_ways)
{
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
	register_phone(phone, "alice");
	placed_call call = call_in(phone, phone_media, far_media);
	EXPECT_EQ(request_uri_of(call.invite), "sip:alice@" + text_of(phone));
	expect_audio(phone_media, media_of(call.answer), far_media);
	hang_up_inside(phone, call, true);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(tcp, R15_media_pinholes_are_those_of_udp)
{
	gate.rules.map_port[sip::with_protocol(phone, SIPX_UDP)] = 40000;
	call_out(phone, phone_media, far_media);
	const auto over_a_stream = media_holes();
	begin_anew();
	call_out(sip::with_protocol(phone, SIPX_UDP), phone_media, far_media);
	const auto over_datagrams = media_holes();
	ASSERT_EQ(over_a_stream.size(), 4u);
	ASSERT_EQ(over_datagrams.size(), 4u);
	EXPECT_EQ(std::memcmp(over_a_stream.data(), over_datagrams.data(), 4 * sizeof(sipx_pinhole)), 0);
}

TEST_P(tcp, T1_any_split_in_two)
{
	play();
	for (size_t i = 0; i < said.size(); i++)
		for (size_t at = 1; at < said[i].text.size() && !HasFailure(); at++)
			play_again([&](size_t which) { return which == i ? sizes{at, 100000} : sizes{}; });
}

TEST_P(tcp, T1_many_small_segments)
{
	play();
	for (const size_t size : {1u, 2u, 3u, 7u, 100u, 536u})
		play_again([&](size_t) { return sizes{size}; });
}

TEST_P(tcp, T1_ten_messages_in_one_segment)
{
	for (u32 i = 0; i < 10; i++)
		register_phone(phone, "alice" + std::to_string(i));
	std::string asked, seen;
	for (const spoken &one : said) {
		asked += one.phone_speaks ? one.text : "";
		seen += one.phone_speaks ? one.heard : "";
	}
	begin_anew();
	EXPECT_EQ(say(phone, true, asked, {60000}), seen);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 10u);
}

TEST_P(tcp, T4_a_message_and_a_part_of_the_next)
{
	register_phone(phone, "alice");
	call_out(phone, phone_media, far_media);
	const std::string one = said[0].text, two = said[2].text;
	const std::string seen = said[0].heard + said[2].heard;
	for (size_t part = 1; part < two.size(); part += 13) {
		begin_anew();
		EXPECT_EQ(say(phone, true, one + two, {one.size() + part, 100000}), seen) << part;
	}
}

TEST_P(tcp, T2_what_is_sent_again_is_the_same_and_makes_nothing_new)
{
	register_phone(phone, "alice");
	placed_call call = call_out(phone, phone_media, far_media);
	const u32 holes = gate.expectation_count();
	const u64 calls = gate.count(SIPX_COUNT_call_started);
	for (size_t least = 1; least < 1500; least += 97) {
		line(phone).say_again(true, least);
		line(phone).say_again(false, least);
	}
	EXPECT_EQ(line(phone).read(true) + line(phone).read(false), "");
	EXPECT_EQ(gate.expectation_count(), holes);
	EXPECT_EQ(gate.count(SIPX_COUNT_call_started), calls);
	hang_up_inside(phone, call, false);
}

TEST_P(tcp, T2_segments_that_get_lost)
{
	play();
	for (const u32 nth : {2u, 3u, 5u}) {
		u32 count = 0;
		const std::vector<spoken> script = said;
		begin_anew();
		line(phone).lose = [&](const segment &what) { return !what.payload.empty() && ++count % nth == 0; };
		for (const spoken &one : script)
			EXPECT_EQ(say(one.phone, one.phone_speaks, one.text, {200}), one.heard) << "every " << nth << "th";
		said = script;
	}
}

TEST_P(tcp, T6_keep_alives_between_messages)
{
	EXPECT_EQ(say(phone, true, "\r\n\r\n"), "\r\n\r\n");
	EXPECT_EQ(say(phone, false, "\r\n"), "\r\n");
	EXPECT_EQ(gate.count(SIPX_COUNT_keep_alive), 2u);
	register_phone(phone, "alice");
	const u64 before = gate.count(SIPX_COUNT_translated);
	const std::string ask = said[2].text, seen = said[2].heard;
	EXPECT_EQ(say(phone, true, "\r\n" + ask + "\r\n\r\n" + ask), "\r\n" + seen + "\r\n\r\n" + seen);
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), before + 2);
}

TEST_P(tcp, T7_not_sip_is_left_alone_for_good)
{
	const std::string web = "GET / HTTP/1.1\r\nHost: " + host_of(phone) + "\r\n\r\n";
	EXPECT_EQ(say(phone, true, web), web);
	EXPECT_EQ(live_objects(SIPX_SLAB_TCP), 0u) << "no memory for what is not ours";
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	const std::string later = for_tcp(request(d, "OPTIONS"));
	EXPECT_EQ(say(phone, true, later), later) << "S1";
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_GE(gate.count(SIPX_COUNT_not_sip), 1u);
}

TEST_P(tcp, T5_no_content_length_means_no_body)
{
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	const std::string ask = for_tcp(with(request(d, "OPTIONS"), "Content-Length: 0\r\n", ""));
	const std::string next = for_tcp(request(d, "OPTIONS"));
	const std::string seen = say(phone, true, ask + next);
	EXPECT_EQ(leak_in(seen, map), "") << seen;
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), 2u);
}

TEST_P(tcp, T5_a_large_message_arrives_and_one_beyond_the_limit_passes_as_it_is)
{
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	for (const size_t size : {30000u, 60000u, 64000u}) {
		const std::string ask = for_tcp(compose("MESSAGE sip:b@b.example SIP/2.0",
			{{"Via", "SIP/2.0/UDP " + d.via + ";branch=" + new_branch()}, {"From", "<sip:a@a>;tag=1"},
			 {"To", "<sip:b@b>"}, {"Call-ID", "large" + std::to_string(size)}, {"CSeq", "1 MESSAGE"}, {"Contact", d.contact}},
			"text/plain", std::string(size, 'x')));
		const std::string seen = try_to_server(phone, ask).bytes;
		EXPECT_EQ(leak_in(seen, map), "");
		EXPECT_EQ(body_of(seen), std::string(size, 'x'));
	}
	const std::string more = "MESSAGE sip:b@b.example SIP/2.0\r\nContact: " + d.contact +
				 "\r\nContent-Length: 65500\r\n\r\n" + std::string(65500, 'y');
	EXPECT_EQ(say(phone, true, more), more);
	EXPECT_EQ(gate.count(SIPX_COUNT_stream_too_long), 1u);
	EXPECT_EQ(say(phone, true, "and more"), "and more");
	EXPECT_EQ(live_piece_bytes(), 0u);
}

TEST_P(tcp, R27_assist_opens_and_changes_nothing)
{
	gate.rules.assist = true;
	gate.rules.taken_ports = {};
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	const std::string ask = for_tcp(request(d, "INVITE", sdp_of(phone_media, {{phone_media}})));
	EXPECT_EQ(say(phone, true, ask, {100}), ask);
	EXPECT_TRUE(gate.send(server, map.router(20000), "rtp").arrived_at(phone_media));
}

TEST_P(tcp, R25_routed_opens_media_alone)
{
	gate.rules.masquerade = false;
	const endpoint high = over_tcp(map.inside(10, 49152));
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	const std::string ask = for_tcp(request(d, "REGISTER"));
	EXPECT_EQ(say(high, true, ask), ask);
	const std::string granted = for_tcp(respond(ask, 200, {"t", d.contact + ";expires=60"}));
	EXPECT_EQ(say(high, false, granted), granted);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_EQ(gate.expectation_count(), 0u);
	const std::string call = for_tcp(request(d, "INVITE", sdp_of(phone_media, {{phone_media}})));
	EXPECT_EQ(say(high, true, call), call);
	EXPECT_TRUE(gate.send(server, phone_media, "rtp").arrived_at(phone_media));
}

TEST_P(tcp, R27_without_the_nat_half_messages_pass)
{
	gate.rules.nat_present = false;
	dialog d = dialog_of("alice", phone, "sip:b@b.example");
	const std::string ask = for_tcp(request(d, "INVITE", sdp_of(phone_media, {{phone_media}})));
	EXPECT_EQ(say(phone, true, ask, {50, 1000}), ask);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_nat_module), 1u);
}

// ---- R3

class tcp_faults : public tcp {
protected:
	// The last message of the script meets a fault at each step in turn.
	void fail_each_step(u32 kinds, bool all_after, const sizes &how)
	{
		const std::vector<spoken> script = said;
		const spoken last = script.back();
		for (u32 n = 1;; n++) {
			ASSERT_LT(n, 300u);
			begin_anew();
			for (size_t i = 0; i + 1 < script.size(); i++) {
				const spoken &one = script[i];
				ASSERT_EQ(say(one.phone, one.phone_speaks, one.text), one.heard);
			}
			const trace before = traces();
			set_faults({.kinds = kinds, .strike_at = n, .all_after = all_after});
			const std::string got = say(last.phone, last.phone_speaks, last.text, how);
			const bool struck = fault_struck();
			set_faults({});
			EXPECT_TRUE(got == last.heard || got == last.text) << "step " << n << ":\n" << got;
			if (got == last.text && got != last.heard) {
				EXPECT_TRUE(traces() == before) << "step " << n;
			}
			if (!struck)
				break;
		}
		said = script;
	}

	struct trace {
		u32 calls, bindings, registrations, holes, handles;
		bool operator==(const trace &) const = default;
	};
	trace traces() const
	{
		return {live_objects(SIPX_SLAB_CALL), live_objects(SIPX_SLAB_BINDING),
			live_objects(SIPX_SLAB_REGISTRATION), gate.expectation_count(), gate.handles()};
	}
};
FOR_BOTH_FAMILIES(tcp_faults);

TEST_P(tcp_faults, R3_a_message_leaves_whole_or_as_it_came_whatever_fails)
{
	play();
	const std::vector<spoken> whole = said;
	for (size_t length = 1; length <= whole.size() && !HasFailure(); length++)
		for (const sizes &how : {sizes{}, {40, 300}, {1}})
			for (const bool all_after : {false, true}) {
				said.assign(whole.begin(), whole.begin() + static_cast<long>(length));
				const u32 ports = all_after ? fault_port : 0u;	// one that fails is another port
				fail_each_step(fault_alloc | fault_piece | ports, all_after, how);
			}
}

TEST_P(tcp_faults, R3_no_memory_for_the_stream_is_counted)
{
	register_phone(phone, "alice");
	const std::string ask = said[0].text;
	set_faults({.kinds = fault_piece, .strike_at = 1, .all_after = true});
	EXPECT_EQ(say(phone, true, ask), ask);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_memory), 1u);
}

// Be it for a message in one segment, or for one that has to be held.
TEST_P(tcp_faults, S7_a_limit_on_what_streams_hold_does_not_count_as_memory_that_there_is_none)
{
	register_phone(phone, "alice");
	const std::string ask = said[0].text;
	set_faults({.kinds = fault_piece, .strike_at = 1, .all_after = true, .piece_limit = true});
	EXPECT_EQ(say(phone, true, ask), ask);
	const u64 once = gate.count(SIPX_COUNT_limit_stream_memory);
	EXPECT_GT(once, 0u);
	EXPECT_EQ(say(phone, true, ask, {300}), ask);
	EXPECT_GT(gate.count(SIPX_COUNT_limit_stream_memory), once);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_memory), 0u);
}

} // namespace core_test
