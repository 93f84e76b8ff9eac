// SPDX-License-Identifier: GPL-2.0
// Many addresses take all outside ports by whatever takes one: media that gets no pinhole, Contacts of other
// ports, calls where nothing is translated. Who has less gets its place, and keeps it (S7).
#include "core_crowded.h"

namespace core_test {

class floods : public crowded_scene {
protected:
	void SetUp() override
	{
		crowded_scene::SetUp();
		register_phone(good, "bob");
	}
	// Some of each size, which together want more than limit_ports(400, 32) gives.
	void flood(const char *kind, const char *proto)
	{
		for (u32 host = 100; host < 140; host++)
			for (u32 n = 0; n < 4; n++)
				invite(host, 10000 + 100 * n, n < 3 ? 7 : 1, kind, proto);
		for (u32 host = 140; host < 160; host++)
			invite(host, 10000, 1, kind, proto);
	}
	// A request, nobody answers it, with as many Contacts at ports that are nobody's yet.
	void name_contacts(const char *method, u32 host, u32 n, u32 count)
	{
		const endpoint from = map.inside(host, static_cast<u16>(2000 + n));
		dialog d = dialog_of("x", from, "sip:x@example.com");
		d.contact.clear();
		for (u32 i = 0; i < count; i++)
			d.contact += (i ? ", <sip:x@" : "<sip:x@") +
				     text_of(sip::with_port(from, static_cast<u16>(20000 + 3 * n + i))) + ">";
		gate.send(from, server, request(d, method));
	}
	// How many calls of as many the bystander begins; each is translated or is none.
	u32 ring(u32 calls, u16 first_port = 21000)
	{
		u32 made = 0;
		for (u32 n = 0; n < calls; n++) {
			const endpoint rtp = sip::with_port(good, static_cast<u16>(first_port + 2 * n));
			dialog d = dialog_of("bob", good, "sip:bob@example.com");
			const std::string offer = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
			const delivery sent = gate.send(good, server, offer);
			made += sent.bytes != offer && leak_in(sent.bytes, map).empty();
		}
		return made;
	}
	u32 calls_that_stand(const endpoint &of)
	{
		u32 found = 0;
		std::istringstream lines(gate.show_calls());
		for (std::string text; std::getline(lines, text);)
			found += text.rfind("call ", 0) == 0 && text.find("inside=" + text_of(of)) != text.npos;
		return found;
	}

	endpoint good = map.inside(11, 5060);
};
FOR_BOTH_FAMILIES(floods);

TEST_P(floods, S7_calls_of_many_addresses_leave_ports)
{
	limit_ports(400, 32);
	flood("audio", "RTP/AVP 0");
	EXPECT_EQ(ring(16), 16u);
	EXPECT_EQ(calls_that_stand(good), 16u);
}

TEST_P(floods, S7_media_that_gets_no_pinhole_leaves_ports)
{
	limit_ports(400, 32);
	flood("message", "TCP/MSRP *");
	EXPECT_EQ(ring(16), 16u);
	EXPECT_EQ(calls_that_stand(good), 16u);
}

TEST_P(floods, S7_calls_that_have_given_up_their_pinholes_leave_ports)
{
	limit_ports(400, 32);
	gate.rules.expectations_max = 8;
	flood("audio", "RTP/AVP 0");
	EXPECT_EQ(ring(16), 16u);
	EXPECT_EQ(calls_that_stand(good), 16u);
}

TEST_P(floods, S7_contacts_of_many_addresses_leave_ports)
{
	for (const char *method : {"OPTIONS", "REGISTER", "SUBSCRIBE", "INVITE"}) {
		limit_ports(400, 32);
		for (u32 host = 100; host < 160; host++)
			for (u32 n = 0; n < 10; n++)
				name_contacts(method, host, n, 2);
		EXPECT_GE(live_objects(SIPX_SLAB_BINDING), 350u) << method;
		EXPECT_EQ(ring(16), 16u) << method;
		gate.end_all();
		register_phone(good, "bob");
	}
}

TEST_P(floods, S7_contacts_leave_ports_of_the_range)
{
	limit_range(400);
	for (u32 host = 100; host < 102; host++)
		for (u32 n = 0; n < 100; n++)
			name_contacts("OPTIONS", host, n, 3);
	EXPECT_LE(live_objects(SIPX_SLAB_BINDING), 101u);	// a quarter
	EXPECT_EQ(ring(40, 10050), 40u);
	name_contacts("OPTIONS", 103, 0, 1);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 180u);	// another one's have gone
}

// Each socket of the range is named by several calls, those of the oldest lie above it, or all have the other parity.
TEST_P(floods, S7_calls_whose_ports_are_of_no_use_leave_ports)
{
	struct size {
		u32 first, above, again;
	};
	for (const size &kind : {size{10000, 100, 1}, {10000, 0, 10}, {10000, 100, 3}, {10001, 0, 1}, {10001, 50, 3}}) {
		limit_range(400);
		for (u32 n = 0; n < kind.again * (kind.above + 100); n++)
			for (u32 host = 100; host < 102; host++) {
				const u32 i = n % (kind.above + 100);
				const u32 port = i < kind.above ? 20000 + 2 * i : kind.first + 4 * (i - kind.above);
				invite(host, port + 2 * (host - 100), 1);
			}
		EXPECT_EQ(ring(40, 10000), 40u) << kind.first << ' ' << kind.above << ' ' << kind.again;
		EXPECT_EQ(calls_that_stand(good), 40u);
		gate.end_all();
		register_phone(good, "bob");
	}
}

// A new phone asks for a port to listen at while strangers have all that there are: the oldest of theirs goes.
TEST_P(floods, S7_who_listens_elsewhere_finds_a_port)
{
	limit_range(400);
	for (u32 each : {1, 2, 3}) {
		for (u32 host = 100; host < 230; host++)
			name_contacts("OPTIONS", host, 0, each);
		for (const char *method : {"REGISTER", "INVITE"})
			for (u32 host = 20; host < 30; host++) {
				const endpoint from = map.inside(host, 5060);
				dialog d = dialog_of("new", from, "sip:x@example.com");
				d.contact = "<sip:new@" + text_of(map.inside(host, 5080)) + ">";
				EXPECT_EQ(leak_in(gate.send(from, server, request(d, method)).bytes, map), "") << each << method;
			}
		gate.end_all();
		register_phone(good, "bob");
	}
}

// What listens over IPv6 takes no port of IPv4.
TEST_P(floods, S7_each_family_has_its_ports)
{
	limit_range(400);
	for (u32 host = 100; host < 230; host++)
		name_contacts("OPTIONS", host, 0, 1);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 100u);
	const u8 family = GetParam() == SIPX_IPV6 ? SIPX_IPV4 : SIPX_IPV6;
	const places others{family};
	for (u32 host = 20; host < 120; host++) {
		const endpoint from = others.inside(host, 5060), far = others.outside(1, 5060);
		dialog d = dialog_of("new", from, "sip:x@example.com");
		d.contact = "<sip:new@" + text_of(others.inside(host, 5080)) + ">";
		EXPECT_EQ(leak_in(gate.send(from, far, request(d, "REGISTER")).bytes, others), "") << host;
	}
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 200u);
}

// The table of expectations is full of strangers' who have given up some already: whoever registers is reached.
TEST_P(floods, S7_who_registers_in_a_flood_is_reached)
{
	gate.rules.expectations_max = 120;
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 150;
	for (u32 n = 0; n < 12; n++) {
		for (u32 host = 100; host < 250; host++)
			for (u32 i = 0; i <= host % 3; i++)
				invite(host, 10000 + 100 * n + 10 * i, host % 2 + 1);
		const endpoint from = map.inside(20 + n, 5060), listens = map.inside(20 + n, 5080);
		dialog d = dialog_of("new", from, "sip:example.com");
		d.contact = "<sip:new@" + text_of(listens) + ">";
		const std::string seen = to_server(from, request(d, "REGISTER", "", {{"Expires", "600"}}));
		const std::string contact = line_of(seen, "Contact");
		to_phone(from, answer_at_server(seen, 200, {"far", contact + ";expires=600", "", {}, outer(from)}));
		dialog back = dialog_of("pbx", server, uri_of(contact));
		const std::string target = uri_of(contact);
		const delivery found = gate.send(server, fake::at(target.substr(target.find('@') + 1)), request(back, "OPTIONS"));
		EXPECT_TRUE(found.arrived_at(listens)) << n;
	}
}

// Each socket has been named by many calls, which have its pinholes in common: an answered call finds place.
TEST_P(floods, S7_calls_that_share_their_pinholes_leave_some)
{
	gate.rules.expectations_max = 64;
	for (u32 n = 0; n < 320; n++)
		for (u32 host = 100; host < 102; host++)
			invite(host, 10000 + 2 * (n % 16), 1);
	for (u16 n = 0; n < 4; n++) {
		const endpoint rtp = sip::with_port(good, static_cast<u16>(21000 + 2 * n));
		const endpoint far = map.outside(7, static_cast<u16>(30000 + 2 * n));
		expect_audio(rtp, media_of(call_out(good, rtp, far).invite), far);
	}
	EXPECT_EQ(gate.expectation_count(), 64u);
}

// So have doors.
TEST_P(floods, S7_doors_that_are_shared_leave_pinholes)
{
	gate.rules.expectations_max = 8;
	for (u32 n = 0; n < 800; n++) {
		const endpoint listens = map.inside(10, static_cast<u16>(7000 + n % 8));
		dialog d = dialog_of("x", listens, "sip:x@example.com");
		d.via = text_of(listens);
		gate.send(map.inside(10, static_cast<u16>(10000 + n)), server, request(d, "OPTIONS"));
	}
	const endpoint rtp = sip::with_port(good, 21000), far = map.outside(7, 30000);
	expect_audio(rtp, media_of(call_out(good, rtp, far).invite), far);
}

// It had many calls, which are over; one rings.
TEST_P(floods, S7_who_has_less_than_before_yields_less)
{
	const endpoint pbx = map.inside(12, 5060);
	limit_ports(300, 128);
	std::vector<placed_call> calls;
	for (u16 n = 0; n < 24; n++)
		calls.push_back(call_out(pbx, sip::with_port(pbx, static_cast<u16>(21000 + 2 * n)),
					 map.outside(7, static_cast<u16>(30000 + 2 * n))));
	invite(12, 25000, 1);
	for (placed_call &c : calls)
		to_phone(pbx, answer_at_server(to_server(pbx, request(c.caller, "BYE")), 200));
	gate.advance(40);
	EXPECT_EQ(calls_that_stand(pbx), 1u);
	for (u32 host = 100; host < 130; host++)
		invite(host, 10000, 7);
	EXPECT_EQ(calls_that_stand(pbx), 1u);
}

// What an answered call and a registration are reached at, though everything else goes.
TEST_P(floods, S7_contacts_of_what_lasts_stay)
{
	const endpoint listens = sip::with_port(good, 20500);
	const endpoint rtp = sip::with_port(good, 21000), far = map.outside(7, 30000);
	dialog d = dialog_of("bob", good, "sip:bob@example.com");
	d.contact = "<sip:bob@" + text_of(listens) + ">";
	const std::string seen = to_server(good, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	to_phone(good, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">",
						    sdp_of(far, {{far}}), {}, outer(good)}));
	to_server(good, request(d, "ACK"));
	const std::string contact = uri_of(line_of(seen, "Contact"));
	limit_range(200);
	for (u32 host = 100; host < 160; host++)
		for (u32 n = 0; n < 10; n++)
			name_contacts("INVITE", host, n, 3);
	expect_audio(rtp, media_of(seen), far);
	dialog back = dialog_of("x", server, contact);
	const delivery found = gate.send(server, fake::at(contact.substr(contact.find('@') + 1)), request(back, "OPTIONS"));
	EXPECT_TRUE(found.arrived_at(listens));
}

TEST_P(floods, S7_calls_where_nothing_is_translated_count_for_their_host)
{
	limit_ports(400, 32);
	gate.rules.masquerade = false;
	const endpoint phone = map.inside(10, 5060);
	for (u32 n = 0; n < 40; n++) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		std::vector<media_line> near, far;
		for (u32 i = 0; i < 8; i++) {
			const auto port = static_cast<u16>(10000 + 2 * (n * 8 + i));
			near.push_back({sip::with_port(phone, port)});
			far.push_back({map.outside(7, port)});
		}
		const delivery seen = gate.send(phone, server, request(d, "INVITE", sdp_of(phone, near)));
		ASSERT_TRUE(seen.arrived_at(server));
		gate.send(server, seen.source, answer_at_server(seen.bytes, 200, {"far", "<sip:bob@" + text_of(server) + ">",
					       sdp_of(map.outside(7, 1), far), {}, seen.source}));
	}
	EXPECT_LE(live_objects(SIPX_SLAB_BINDING), 32u);
	gate.rules.masquerade = true;
	EXPECT_EQ(ring(1), 1u);
}

// At each distance from the limit: its calls are answered, those of the flood are not.
TEST_P(floods, S7_near_the_limit_who_has_answered_calls_gets_one_more)
{
	for (u32 others = 8; others <= 20; others++) {
		gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
		for (u16 n = 0; n < 8; n++)
			call_out(good, sip::with_port(good, static_cast<u16>(21000 + 2 * n)),
				 map.outside(7, static_cast<u16>(30000 + 2 * n)));
		for (u32 host = 100; host < 100 + others; host++)
			invite(host, 40000, 1);
		EXPECT_EQ(ring(1, 22000), 1u) << others;
		gate.end_all();
		register_phone(good, "bob");
	}
}

// What the rules translate without us is bounded by nobody.
TEST_P(floods, S7_connections_that_are_no_calls_leave_ports)
{
	limit_range(40);
	const endpoint idle = map.inside(99, 0);
	for (u16 port = 10000; port < 10040; port++)
		gate.send(sip::with_port(idle, port), map.outside(9, 9), "x");
	const endpoint media = map.inside(11, 10000), far_media = map.outside(7, 30000);
	placed_call call = call_out(good, media, far_media);
	EXPECT_TRUE(sip::same_address(media_of(call.invite), map.router(0))) << call.invite;
	expect_audio(media, media_of(call.invite), far_media);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u);
}

// All that was begun at once ends at once: others wait for a bounded part of that.
TEST_P(floods, S7_what_ends_at_once_ends_in_parts)
{
	for (u32 n = 0; n < 20; n++)
		for (u32 host = 100; host < 150; host++)
			invite(host, 10000 + 4 * n, 1);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 1000u);
	gate.advance(600);
	EXPECT_EQ(live_objects(SIPX_SLAB_CALL), 0u);
	EXPECT_EQ(gate.tick_parts, 7u);
}

// A network whose calls an accomplice answers, and all that the kernel has would be its.
TEST_P(floods, S7_answered_calls_of_one_network_leave_pinholes)
{
	gate.rules.expectations_max = 128;
	const std::string prefix = GetParam() == SIPX_IPV6 ? "[fd00:0:0:1::" : "10.0.0.99";
	for (u32 n = 0; n < 80; n++) {
		const std::string host = GetParam() == SIPX_IPV6 ? prefix + std::to_string(10 + n) + "]" : prefix;
		const endpoint from = at(host + ":5060"), media = at(host + ":" + std::to_string(20000 + 2 * n));
		call_out(from, media, sip::with_port(map.outside(9, 0), static_cast<u16>(40000 + 2 * n)));
	}
	for (u32 n = 0; n < 400; n++) {	// newer ones have none
		const std::string host = GetParam() == SIPX_IPV6 ? prefix + std::to_string(1000 + n) + "]" : prefix;
		const std::string port = std::to_string(GetParam() == SIPX_IPV6 ? 5060 : 6000 + n);
		const endpoint from = at(host + ":" + port), media = at(host + ":20000");
		dialog d = dialog_of("stranger", from, "sip:x@example.com");
		gate.send(from, server, request(d, "INVITE", sdp_of(media, {{media}})));
	}
	EXPECT_EQ(gate.expectation_count(), 128u);
	for (u16 n = 0; n < 3; n++) {
		const endpoint media = map.inside(11, static_cast<u16>(21000 + 2 * n));
		const endpoint far_media = map.outside(7, static_cast<u16>(30000 + 2 * n));
		placed_call call = call_out(good, media, far_media);
		expect_audio(media, media_of(call.invite), far_media);
	}
	EXPECT_GT(gate.count(SIPX_COUNT_expectations_full), 0u);
}

// ---- a server inside that everybody may call

class called_by_many : public core_scene {
protected:
	called_by_many() { gate.rules.forward[door] = pbx; }

	struct ringing {
		endpoint from;
		std::string seen;
	};
	ringing call_in(const endpoint &from, const std::string &user, const endpoint &media)
	{
		dialog d = dialog_of(user, from, "sip:pbx@" + text_of(door));
		d.target = "sip:pbx@" + text_of(door);
		const delivery in = gate.send(from, door, request(d, "INVITE", sdp_of(media, {{media}})));
		EXPECT_TRUE(in.arrived_at(pbx));
		return {from, in.bytes};
	}
	std::string answer(const ringing &to, int status)
	{
		reply_parts parts{"pbx", "<sip:pbx@" + text_of(pbx) + ">", status == 200 ? sdp_of(rtp, {{rtp}}) : "", {}, {}};
		return gate.send(pbx, to.from, respond(to.seen, status, parts)).bytes;
	}
	// Of IPv6 each is in a network of its own.
	endpoint stranger(u32 host, u32 port) const
	{
		const std::string number = std::to_string(host), tail = ":" + std::to_string(port);
		return at(GetParam() == SIPX_IPV6 ? "[2001:db8:" + number + "::1]" + tail : "192.0.2." + number + tail);
	}
	void flood_from(u32 host, bool rings, u32 count = 60)
	{
		for (u32 n = 0; n < count; n++) {
			const endpoint from = stranger(host, 2000 + n);
			const ringing made = call_in(from, "flood", sip::with_port(from, 40000));
			if (rings)
				answer(made, 180);
		}
	}
	// It rings for one whose media come from elsewhere (R15), and is answered after that.
	template<typename T>
	void expect_call_outlives(T flood)
	{
		const ringing good = call_in(server, "bob", far_media);
		answer(good, 180);
		flood();
		expect_audio(rtp, media_of(answer(good, 200)), far_media);
	}

	endpoint pbx = map.inside(10, 5060), rtp = map.inside(10, 20000), far_media = map.outside(7, 30000);
	endpoint door = map.router(5060);
};
FOR_BOTH_FAMILIES(called_by_many);

TEST_P(called_by_many, S7_who_calls_again_and_again_ends_no_call_of_another)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 20;
	for (const bool rings : {false, true})
		expect_call_outlives([&] { flood_from(66, rings); });
}

TEST_P(called_by_many, S7_many_strangers_that_nobody_hears_end_no_call_that_rings)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 20;
	expect_call_outlives([&] {
		for (u32 host = 20; host < 90; host++)
			flood_from(host, false, 1);
	});
}

TEST_P(called_by_many, S7_at_the_limit_of_all_a_call_that_rings_stands)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS] = 20;
	expect_call_outlives([&] { flood_from(66, true); });
}

TEST_P(called_by_many, S7_calls_that_the_inside_begins_end_none_that_rings)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 20;
	expect_call_outlives([&] {
		for (u32 n = 0; n < 60; n++) {
			dialog d = dialog_of("pbx", pbx, "sip:x@example.com");
			const endpoint media = map.inside(10, static_cast<u16>(22000 + 2 * n));
			try_to_server(pbx, request(d, "INVITE", sdp_of(media, {{media}})));
		}
	});
}

TEST_P(called_by_many, S7_calls_that_ring_give_way_where_there_is_nothing_else)
{
	gate.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 20;
	for (u32 host = 20; host < 60; host++)
		flood_from(host, true, 1);
	const ringing late = call_in(server, "bob", far_media);
	expect_audio(rtp, media_of(answer(late, 200)), far_media);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_host), 21u);
}

class yielding_to : public floods {
protected:
	void options_with_door(u32 host, u32 from, u32 listens)
	{
		dialog d = dialog_of("x", map.inside(host, static_cast<u16>(listens)), "sip:x@example.com");
		d.via = text_of(map.inside(host, static_cast<u16>(listens)));
		gate.send(map.inside(host, static_cast<u16>(from)), server, request(d, "OPTIONS"));
	}
};
FOR_BOTH_FAMILIES(yielding_to);

// A host at its own limit (nothing shared is full) ends a ringing call of another host, whose port is next to
// that of its oldest.
TEST_P(yielding_to, S7_own_limit_ends_no_call_of_another)
{
	limit_ports(100000, 36);
	const endpoint pbx = map.inside(12, 5060), greedy = map.inside(13, 5060);
	register_phone(pbx, "pbx");
	register_phone(greedy, "greedy");
	for (u16 n = 0; n < 15; n++)
		call_out(pbx, sip::with_port(pbx, static_cast<u16>(22000 + 2 * n)),
			 map.outside(7, static_cast<u16>(30000 + 2 * n)));
	const endpoint rtp = sip::with_port(pbx, 20002);
	dialog d = dialog_of("alice", pbx, "sip:bob@example.com");
	to_server(pbx, request(d, "INVITE", sdp_of(rtp, {{rtp}})));	// it rings
	EXPECT_EQ(calls_that_stand(pbx), 16u);
	invite(13, 20000, 1);
	const u32 before = live_objects(SIPX_SLAB_BINDING);
	for (u32 n = 0; live_objects(SIPX_SLAB_BINDING) < before + 32; n++)
		invite(13, 40000 + 2 * n, 1, "message", "TCP/MSRP *");	// they have no pinholes
	ASSERT_EQ(gate.count(SIPX_COUNT_limit_media_host), 0u);
	// now the oldest of its own gives way to four sockets in a row
	for (u32 n = 0; n < 3; n++) {
		dialog more = dialog_of("greedy", greedy, "sip:x@example.com");
		std::string sdp = sdp_of(greedy, {{sip::with_port(greedy, static_cast<u16>(50000 + 10 * n))}});
		const std::string port = std::to_string(50000 + 10 * n);
		sdp = with(sdp, "m=audio " + port, "m=audio " + port + "/2");
		gate.send(greedy, server, request(more, "INVITE", sdp));
	}
	EXPECT_GT(gate.count(SIPX_COUNT_limit_media_host), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_port), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_bindings), 0u);
	EXPECT_EQ(calls_that_stand(pbx), 16u);
}

// A call of the crowd has named a bystander's socket as well, which has an answered call: that keeps its pinhole.
TEST_P(yielding_to, S7_crowd_gives_what_is_its_own)
{
	const bool of_networks = GetParam() == SIPX_IPV6;
	const endpoint phone = of_networks ? at("[fd00:0:0:1::3]:5060") : map.inside(3, 5060);
	const endpoint rtp = sip::with_port(phone, 20000), other = map.inside(30, 5060);
	const endpoint far_media = map.outside(7, 30000);
	gate.rules.media_hosts = {host_of(rtp)};
	gate.rules.expectations_max = 64;
	placed_call own = call_out(phone, rtp, far_media);
	call_out(other, rtp, far_media);
	for (u16 n = 0; n < 15; n++)
		call_out(other, sip::with_port(other, static_cast<u16>(24000 + 2 * n)),
			 map.outside(9, static_cast<u16>(40000 + 2 * n)));
	EXPECT_EQ(gate.expectation_count(), 64u);
	const endpoint asks = of_networks ? at("[fd00:0:0:2::3]:5060") : map.inside(11, 5060);
	const endpoint media = sip::with_port(asks, 21000), far = map.outside(7, 32000);
	placed_call call = call_out(asks, media, far);
	expect_audio(media, media_of(call.invite), far);
	expect_audio(rtp, media_of(own.invite), far_media);
}

// Doors that the kernel has closed by itself free no place.
TEST_P(yielding_to, S7_dead_doors_are_no_givers)
{
	gate.rules.expectations_max = 800;
	for (u32 host = 100; host < 104; host++)
		for (u32 n = 0; n < 200; n++)
			options_with_door(host, 6000 + n, 8000 + n);
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_SIGNALLING), 800u);
	for (u32 t = 0; t < 100 && gate.expectation_count(SIPX_CLASS_SIGNALLING) > 600; t++) {
		if (t % 15 == 14)
			for (u32 host = 100; host < 104; host++)
				for (u32 n = 0; n < 200; n++)
					gate.send(map.inside(host, static_cast<u16>(6000 + n)), server, "\r\n\r\n");
		gate.advance(1);
	}
	for (u32 host = 110; host < 125; host++)
		invite(host, 30000, 60);
	EXPECT_EQ(gate.expectation_count(), 800u);
	const endpoint rtp = sip::with_port(good, 21000), far = map.outside(7, 31000);
	expect_audio(rtp, media_of(call_out(good, rtp, far).invite), far);
}

// One short answered call does not make a pinhole last for an unanswered one that shares it.
TEST_P(yielding_to, S7_what_was_answered_once_yields_when_that_is_over)
{
	gate.rules.expectations_max = 64;
	for (u32 n = 0; n < 40; n++) {
		const u32 host = 100 + n % 4;
		const endpoint from = map.inside(host, 5060);
		const endpoint rtp = sip::with_port(from, static_cast<u16>(10000 + 2 * n));
		invite(host, 10000 + 2 * n, 1);
		placed_call call = call_out(from, rtp, map.outside(1, static_cast<u16>(40000 + 2 * n)));
		hang_up_inside(from, call, false);
	}
	gate.advance(40);
	for (u32 n = 40; n < 72; n++)
		invite(100 + n % 4, 10000 + 2 * n, 1);
	EXPECT_EQ(gate.expectation_count(), 64u);
	const endpoint rtp = sip::with_port(good, 21000), far = map.outside(7, 31000);
	expect_audio(rtp, media_of(call_out(good, rtp, far).invite), far);
}

// A socket that an answered call holds cannot be freed: the ringing ones that name it do not end for it.
TEST_P(yielding_to, S7_no_call_ends_in_vain)
{
	limit_range(100);
	const endpoint pbx = map.inside(12, 5060), rtp = map.inside(12, 10002);
	register_phone(pbx, "pbx");
	for (u16 n = 0; n < 10; n++)
		call_out(pbx, sip::with_port(pbx, static_cast<u16>(22000 + 2 * n)),
			 map.outside(7, static_cast<u16>(30000 + 2 * n)));
	call_out(pbx, rtp, map.outside(7, 31000));
	for (u32 n = 0; n < 5; n++)
		invite(12, 10002, 1);
	EXPECT_EQ(calls_that_stand(pbx), 16u);
	invite(100, 10000, 1);
	for (u32 n = 2; n < 60; n++)
		invite(100, 10000 + 2 * n, 1);
	dialog d = dialog_of("bob", good, "sip:bob@example.com");
	std::string sdp = sdp_of(good, {{sip::with_port(good, 10000)}});
	sdp = with(sdp, "m=audio 10000", "m=audio 10000/2");
	gate.send(good, server, request(d, "INVITE", sdp));
	EXPECT_EQ(calls_that_stand(pbx), 16u);
}

// At its own limit a host takes the pinhole of its own socket from another one's connection, which ends.
TEST_P(yielding_to, S7_own_socket_at_the_limit_outlives_the_other)
{
	const endpoint phone = map.inside(3, 5060), rtp = map.inside(3, 20000), other = map.inside(30, 5060);
	const endpoint far_media = map.outside(7, 30000);
	gate.rules.media_hosts = {host_of(rtp)};
	limit_ports(1000, 4);
	call_out(other, rtp, far_media);
	for (u16 n = 0; n < 2; n++)
		call_out(phone, sip::with_port(rtp, static_cast<u16>(22000 + 2 * n)),
			 map.outside(7, static_cast<u16>(32000 + 2 * n)));
	placed_call own = call_out(phone, rtp, far_media);
	gate.end(other, server);
	expect_audio(rtp, media_of(own.invite), far_media);
}

// Phones of one IPv6 network are registered at doors before one of their network takes all there is, with an
// accomplice: what that one has goes.
TEST_P(yielding_to, S7_a_crowd_gives_what_most_of_it_has)
{
	gate.rules.expectations_max = 300;
	std::vector<std::string> targets;
	for (u32 n = 0; n < 20; n++)
		targets.push_back(register_door(map.inside(20 + n, 5060), map.inside(20 + n, 5080)));
	const endpoint flooder = map.inside(99, 5060);
	for (u16 n = 0; n < 70; n++)
		call_out(flooder, sip::with_port(flooder, static_cast<u16>(24000 + 2 * n)),
			 map.outside(9, static_cast<u16>(40000 + 2 * n)));
	EXPECT_EQ(gate.expectation_count(), 300u);
	const endpoint from = GetParam() == SIPX_IPV6 ? at("[fd00:0:0:1::5]:5060") : map.inside(5, 5060);
	for (u16 n = 0; n < 3; n++) {
		const endpoint media = sip::with_port(from, static_cast<u16>(20000 + 2 * n));
		const endpoint far = map.outside(7, static_cast<u16>(32000 + 2 * n));
		expect_audio(media, media_of(call_out(from, media, far).invite), far);
	}
	for (u32 n = 0; n < 20; n++) {
		dialog back = dialog_of("pbx", server, targets[n]);
		const endpoint reached = fake::at(targets[n].substr(targets[n].find('@') + 1));
		const delivery found = gate.send(server, reached, request(back, "OPTIONS"));
		EXPECT_TRUE(found.arrived_at(map.inside(20 + n, 5080))) << n;
	}
}

// Pinholes that have lost their places are its all the same.
TEST_P(yielding_to, S7_a_host_has_no_more_pinholes_than_it_may)
{
	limit_ports(1000, 4);
	gate.rules.expectations_max = 16;
	const endpoint greedy = map.inside(100, 5060), media = map.inside(100, 40000);
	std::vector<delivery> seen;
	std::vector<endpoint> servers;
	for (u32 round = 0; round < 6; round++) {
		for (u32 n = 0; n < 4; n++) {	// till it has its 8
			const endpoint to = map.outside(20 + static_cast<u32>(seen.size()), 5060);
			dialog d = dialog_of("greedy", greedy, "sip:x@example.com");
			seen.push_back(gate.send(greedy, to, request(d, "INVITE", sdp_of(media, {{media}}))));
			servers.push_back(to);
		}
		EXPECT_LE(gate.expectation_count(), 9u);	// one is the bystander's
		std::vector<placed_call> calls;		// another one's answered calls take all places
		std::vector<endpoint> others;
		for (u32 host = 50; host < 54; host++) {
			others.push_back(map.inside(host, 5060));
			const endpoint far = map.outside(7, static_cast<u16>(30000 + 2 * host));
			calls.push_back(call_out(others.back(), sip::with_port(others.back(), 20000), far));
		}
		for (u32 i = 0; i < 4; i++)
			hang_up_inside(others[i], calls[i], false);
		gate.advance(2);
	}
	gate.rules.expectations_max = 1000;
	for (size_t i = 0; i < seen.size(); i++) {
		const endpoint far = map.outside(60 + static_cast<u32>(i), 32000);
		gate.send(servers[i], seen[i].source, answer_at_server(seen[i].bytes, 200, {"far" + std::to_string(i),
			  "<sip:bob@" + text_of(servers[i]) + ">", sdp_of(far, {{far}}), {}, seen[i].source}));
	}
	EXPECT_LE(gate.expectation_count(), 9u);
}

} // namespace core_test
