// SPDX-License-Identifier: GPL-2.0
// Networks of other shapes: routed, forwarded (DNAT), SNAT to several addresses, zones, an
// inside host that knows its outside address. R5, R18, R23, R25.
#include "core_scene.h"

namespace core_test {

class ways : public core_scene {
protected:
	std::string untouched(const std::string &message)
	{
		EXPECT_EQ(try_to_server(phone, message).bytes, message);
		return message;
	}
	std::string untouched_in(const std::string &message)
	{
		const delivery got = try_to_phone(phone, message);
		EXPECT_TRUE(got.arrived_at(phone));
		EXPECT_EQ(got.bytes, message);
		return message;
	}

	endpoint phone = map.inside(10, 5060);
	endpoint rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(ways);

TEST_P(ways, R25_routed_network_gets_pinholes_and_no_edits)
{
	gate.rules.masquerade = false;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	untouched(sent);
	expect_no_way_in(far_media, rtp);
	const std::string answer = answer_at_server(sent, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}})});
	untouched_in(answer);
	expect_audio(rtp, rtp, far_media);
	expect_audio(map.inside(10, 20001), map.inside(10, 20001), map.outside(7, 30001));
	learn(d, answer);
	const std::string bye = request(d, "BYE");
	untouched(bye);
	untouched_in(answer_at_server(bye, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_translated), 0u);
}

TEST_P(ways, R25_routed_network_is_called)
{
	gate.rules.masquerade = false;
	const std::string granted = [&] {
		dialog d = dialog_of("alice", phone, "sip:alice@example.com");
		const std::string sent = untouched(request(d, "REGISTER"));
		return untouched_in(answer_at_server(sent, 200, {"far", line_of(sent, "Contact")}));
	}();
	gate.advance(1000);
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(phone);
	const std::string sent = untouched_in(request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	untouched(respond(sent, 200, {"near", "<sip:alice@" + text_of(phone) + ">", sdp_of(rtp, {{rtp}})}));
	expect_audio(rtp, rtp, far_media);
}

// The provider calls first, and its media comes from elsewhere: it is not taken for the inside.
TEST_P(ways, R25_routed_connection_that_began_outside)
{
	gate.rules.masquerade = gate.rules.firewall = false;
	gate.rules.default_route = true;
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(phone);
	const std::string sent = gate.send(server, phone, request(d, "INVITE", sdp_of(far_media, {{far_media}}))).bytes;
	untouched(respond(sent, 200, {"near", "<sip:alice@" + text_of(phone) + ">", sdp_of(rtp, {{rtp}})}));
	EXPECT_EQ(gate.count(SIPX_COUNT_media_not_owner), 0u);
	EXPECT_EQ(gate.expectation_count(), 4u);
	EXPECT_TRUE(gate.send(far_media, rtp, "rtp").expected);
	const endpoint another = map.inside(99, 20000);
	d.call_id += "2";
	const std::string next = gate.send(server, phone, request(d, "INVITE", sdp_of(far_media, {{far_media}}))).bytes;
	untouched(respond(next, 200, {"near", "<sip:alice@" + text_of(phone) + ">", sdp_of(another, {{another}})}));
	EXPECT_EQ(gate.count(SIPX_COUNT_media_not_owner), 1u);
	EXPECT_FALSE(gate.send(far_media, another, "rtp").expected);
}

TEST_P(ways, S5_between_two_outside_ends_nothing_begins)
{
	gate.rules.masquerade = gate.rules.firewall = false;
	const endpoint stranger = map.outside(66, 5060);
	dialog d = dialog_of("x", stranger, "sip:x@example.com");
	const std::string asked = gate.send(stranger, server, request(d, "REGISTER", "", {{"Expires", "3600"}})).bytes;
	gate.send(server, stranger, respond(asked, 200, {"t", d.contact, "", {}, {}}));
	gate.send(stranger, server, request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	EXPECT_EQ(live_objects(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_inside), 3u);
}

// Two sites, each by routes of its own.
TEST_P(ways, R25_without_a_default_route_who_began_is_inside)
{
	gate.rules.masquerade = gate.rules.default_route = gate.rules.firewall = false;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = untouched(request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	gate.send(server, phone, answer_at_server(sent, 200, {"far", "<sip:bob@" + text_of(server) + ">",
							      sdp_of(far_media, {{far_media}}), {}, {}}));
	EXPECT_TRUE(gate.send(far_media, rtp, "rtp").expected);
}

TEST_P(ways, R25_without_a_default_route_a_setting_says_who_is_inside)
{
	gate.rules.masquerade = gate.rules.default_route = gate.rules.firewall = false;
	gate.rules.media_hosts = {host_of(phone)};
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(phone);
	const std::string sent = gate.send(server, phone, request(d, "INVITE", sdp_of(far_media, {{far_media}}))).bytes;
	untouched(respond(sent, 200, {"near", "<sip:alice@" + text_of(phone) + ">", sdp_of(rtp, {{rtp}})}));
	EXPECT_TRUE(gate.send(far_media, rtp, "rtp").expected);
}

// It sends from one port and listens at another, with and without NAT; the server answers to
// where the request came from, or to where the Via says.
TEST_P(ways, R19_response_at_either_port_reaches_the_via_port)
{
	const endpoint from = map.inside(10, 40000);
	for (bool nat : {true, false}) {
		gate.rules.masquerade = nat;
		dialog d = dialog_of("alice", from, "sip:bob@example.com");
		d.via = text_of(phone);
		const delivery asked = gate.send(from, server, request(d, "OPTIONS"));
		const std::string reply = respond(asked.bytes, 200, {"far", "", "", {}, {}});
		EXPECT_TRUE(gate.send(server, asked.source, reply).arrived_at(phone)) << nat << " at its source";
		const std::string named = line_of(asked.bytes, "Via").substr(12);
		const endpoint there = at(named.substr(0, named.find(';')));
		EXPECT_TRUE(gate.send(server, there, reply).arrived_at(phone)) << nat << " at its Via";
		d.via += ";rport";
		const delivery again = gate.send(from, server, request(d, "OPTIONS"));
		const std::string other = respond(again.bytes, 200, {"far", "", "", {}, again.source});
		EXPECT_TRUE(gate.send(server, again.source, other).arrived_at(from)) << nat << " with rport";
		gate.end_all();
	}
}

// A proxy on a machine where phones listen at ports of their own.
TEST_P(ways, R4_another_port_of_the_host_in_an_identity_and_in_a_second_via)
{
	gate.rules.shift_ports = true;
	const std::string host = sip::same_address(phone, map.inside(10, 0)) ? text_of(map.inside(10, 55061)) : "";
	const std::string bare = with(text_of(phone), ":5060", "");
	dialog d = dialog_of("x", phone, "sip:bob@example.com");
	d.local = "sip:" + host;
	d.via = (map.family == SIPX_IPV6 ? "[" + host_of(phone) + "]" : bare);
	const std::string invite = request(d, "INVITE", "", {{"Via", "SIP/2.0/UDP " + host + ";branch=z9hG4bKother"}});
	const std::string seen = to_server(phone, invite);
	EXPECT_EQ(gate.expectation_count(), 0u) << "no answer comes to the second Via";
	const std::string got = to_phone(phone, answer_at_server(seen, 404));
	for (const char *name : {"Via", "From", "To"})
		for (const auto &line : lines_of(invite, name))
			EXPECT_NE(got.find(line), got.npos) << line << "\n" << got;
}

TEST_P(ways, R4_two_vias_of_one_socket_written_in_two_ways)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("x", phone, "sip:bob@example.com", true);
	const std::string lower = "SIP/2.0/UDP " + text_of(phone) + ";branch=z9hG4bKother";
	const std::string invite = request(d, "INVITE", "", {{"Via", lower}});
	const std::string got = to_phone(phone, respond(to_server(phone, invite), 404));
	for (const auto &via : lines_of(invite, "Via"))
		EXPECT_NE(got.find(via), got.npos) << via << "\n" << got;
}

TEST_P(ways, R4_port_of_an_identity_has_no_door)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("x", phone, "sip:bob@example.com");
	const endpoint other = map.inside(10, 55061);
	d.local = "sip:" + text_of(other);
	const std::string seen = to_server(phone, request(d, "INVITE"));
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(line_of(to_phone(phone, answer_at_server(seen, 404)), "From").find("<sip:" + text_of(other)), 0u);
	d.via = text_of(other);
	to_server(phone, request(d, "OPTIONS"));
	EXPECT_EQ(gate.expectation_count(), 1u) << "now it is listened at";
}

// One number for SIP and for media, which is not the one that it sends from: whoever comes in
// there has the pinhole of the media.
TEST_P(ways, R4_socket_of_media_in_the_contact)
{
	const endpoint from = map.inside(10, 40000);
	for (const bool media_first : {true, false}) {
		dialog d = dialog_of("alice", from, "sip:bob@example.com");
		d.contact = "<sip:alice@" + text_of(rtp) + ">";
		if (!media_first)
			to_server(from, request(d, "OPTIONS"));
		const std::string sent = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
		const std::string seen = to_server(from, sent);
		const endpoint outside = media_of(seen);
		EXPECT_EQ(uri_of(line_of(seen, "Contact")), "sip:alice@" + text_of(outside));
		const std::string answer = answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}})});
		learn(d, to_phone(from, answer));
		expect_audio(rtp, outside, far_media);
		dialog back = answering(seen, "bob", server);
		back.local_tag = "far";
		const delivery got = try_to_phone(from, request(back, "BYE"));
		EXPECT_EQ(got.bytes.find("BYE sip:alice@" + text_of(rtp) + " SIP/2.0"), 0u) << got.bytes;
		gate.end_all();
	}
}

TEST_P(ways, R11_the_same_call_from_two_sockets_at_once)
{
	const endpoint second = map.inside(10, 1032), second_rtp = map.inside(10, 21000);
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string one = to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	const delivery sent = gate.send(second, server, request(d, "INVITE", sdp_of(second_rtp, {{second_rtp}})));
	const endpoint other_media = map.outside(8, 30000);
	to_phone(phone, answer_at_server(one, 200, {"t9", "", sdp_of(far_media, {{far_media}}), {}, outer(phone)}));
	const std::string two = respond(sent.bytes, 200, {"t8", "", sdp_of(other_media, {{other_media}}), {}, sent.source});
	gate.send(server, sent.source, two);
	expect_audio(rtp, media_of(one), far_media);
	expect_audio(second_rtp, media_of(sent.bytes), other_media);
}

TEST_P(ways, R25_routed_without_nat_module)
{
	gate.rules.masquerade = false;
	gate.rules.nat_present = false;
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string sent = untouched(request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	untouched_in(answer_at_server(sent, 200, {"far", "", sdp_of(far_media, {{far_media}})}));
	expect_audio(rtp, rtp, far_media);
}

TEST_P(ways, R5_phone_that_knows_its_outside_address)
{
	gate.rules.map_port[phone] = 5060;
	const endpoint outside = map.router(5060), outside_media = map.router(41000);
	dialog d = dialog_of("alice", outside, "sip:bob@example.com");
	const std::string sent = untouched(request(d, "INVITE", sdp_of(outside_media, {{outside_media}})));
	EXPECT_EQ(gate.expectation_count(), 0u);
	dialog b = answering(sent, "bob", server);
	const reply_parts parts{b.local_tag, b.contact, sdp_of(far_media, {{far_media}}), {}, outside};
	const std::string answer = untouched_in(answer_at_server(sent, 200, parts));
	learn(d, answer);
	untouched(ack(d, sent));
	b.remote_tag = d.local_tag;
	const std::string bye = untouched_in(request(b, "BYE"));
	untouched(respond(bye, 200));
}

TEST_P(ways, R5_registration_of_a_phone_that_knows_its_outside_address)
{
	gate.rules.map_port[phone] = 40000;
	gate.rules.udp_timeout_s = 5;
	dialog d = dialog_of("alice", map.router(40000), "sip:alice@example.com");
	d.target = "sip:example.com";
	const std::string sent = untouched(request(d, "REGISTER", "", {{"Expires", "60"}}));
	untouched_in(answer_at_server(sent, 200, {"far", line_of(sent, "Contact") + ";expires=60", "", {}, map.router(40000)}));
	gate.advance(50);
	dialog in = dialog_of("bob", server, "sip:alice@example.com");
	in.target = "sip:alice@" + text_of(map.router(40000));
	untouched_in(request(in, "INVITE"));
}

TEST_P(ways, R18_server_behind_dnat_is_called_and_answers)
{
	const endpoint pbx = map.inside(5, 5060), client = map.outside(60, 5062);
	gate.rules.forward[map.router(5060)] = pbx;
	dialog d = dialog_of("carol", client, "sip:100@" + uri_host_of(map.router(0)));
	const endpoint client_media = map.outside(60, 7000), pbx_media = map.inside(5, 12000);
	const std::string sent = request(d, "INVITE", sdp_of(client_media, {{client_media}}));
	const delivery got = gate.send(client, map.router(5060), sent);
	ASSERT_TRUE(got.arrived_at(pbx));
	EXPECT_EQ(request_uri_of(got.bytes), "sip:100@" + uri_host_of(pbx));
	EXPECT_EQ(line_of(got.bytes, "To"), "<sip:100@" + uri_host_of(pbx) + ">");
	dialog p = answering(got.bytes, "pbx", pbx);
	const std::string answer = respond(got.bytes, 200, {p.local_tag, p.contact, sdp_of(pbx_media, {{pbx_media}})});
	const delivery back = gate.send(pbx, client, answer);
	ASSERT_TRUE(back.arrived_at(client));
	EXPECT_EQ(text_of(back.source), text_of(map.router(5060)));
	EXPECT_EQ(leak_in(back.bytes, map), "") << back.bytes;
	EXPECT_EQ(length_fault_in(back.bytes), "");
	EXPECT_EQ(uri_of(line_of(back.bytes, "Contact")), "sip:pbx@" + text_of(map.router(5060)));
	EXPECT_EQ(line_of(back.bytes, "To").find("<" + d.remote + ">"), 0u);
	expect_audio(pbx_media, media_of(back.bytes), client_media);
	learn(d, back.bytes);
	const delivery confirmed = gate.send(client, map.router(5060), ack(d, sent));
	EXPECT_EQ(request_uri_of(confirmed.bytes), uri_of(p.contact));
	p.remote_tag = d.local_tag;
	const delivery bye = gate.send(pbx, client, request(p, "BYE"));
	EXPECT_EQ(leak_in(bye.bytes, map), "");
	gate.send(client, map.router(5060), respond(bye.bytes, 200));
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(ways, R18_phone_outside_registers_at_a_server_behind_dnat)
{
	const endpoint pbx = map.inside(5, 5060), client = map.outside(60, 5062);
	gate.rules.forward[map.router(5060)] = pbx;
	dialog d = dialog_of("carol", client, "sip:100@pbx.example");
	const delivery got = gate.send(client, map.router(5060), request(d, "REGISTER"));
	const delivery back = gate.send(pbx, client, respond(got.bytes, 200, {"t", line_of(got.bytes, "Contact"), "", {}, client}));
	EXPECT_EQ(line_of(back.bytes, "Contact"), d.contact);
	EXPECT_EQ(live_objects(), 0u) << "what comes from outside makes no state (S5)";
}

TEST_P(ways, R23_new_outside_address)
{
	register_phone(phone, "alice");
	const std::string host = host_of(map.router(0));
	gate.end(phone, server);	// the masquerade rule ends what the old address carried
	EXPECT_EQ(live_objects(), 0u);
	gate.rules.outside4 = at("203.0.113.77");
	gate.rules.outside6 = at("2001:db8:f::77");
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
	EXPECT_EQ(seen.find(host + ":"), seen.npos);
	EXPECT_EQ(host_of(media_of(seen)), host_of(outer(phone)));
}

TEST_P(ways, R23_two_uplinks_have_two_bindings)
{
	placed_call one = call_out(phone, rtp, far_media);
	server = map.outside(2, 5060);
	gate.rules.outside4 = at("203.0.113.77");
	gate.rules.outside6 = at("2001:db8:f::77");
	placed_call two = call_out(phone, rtp, map.outside(8, 30000));
	EXPECT_NE(host_of(media_of(one.invite)), host_of(media_of(two.invite)));
	expect_audio(rtp, media_of(two.invite), map.outside(8, 30000));
}

TEST_P(ways, R9_two_zones_with_the_same_addresses)
{
	endpoint outside_media[2];
	for (u32 zone : {0u, 1u}) {
		gate.rules.zone = zone;
		outside_media[zone] = media_of(call_out(phone, rtp, far_media).invite);
		expect_audio(rtp, outside_media[zone], far_media);
	}
	EXPECT_EQ(gate.expectation_count(), 8u);
	EXPECT_NE(text_of(outside_media[0]), text_of(outside_media[1])) << "zones may share an outside address";
}

TEST_P(ways, R2_router_inside_of_the_phone_that_shares_an_account)
{
	// The same user at two phones behind one router: two contacts, two mappings.
	const endpoint other = map.inside(11, 5060);
	register_phone(phone, "alice");
	register_phone(other, "alice");
	EXPECT_NE(text_of(outer(phone)), text_of(outer(other)));
	for (const endpoint &who : {phone, other}) {
		dialog d = dialog_of("bob", server, "sip:alice@example.com");
		d.target = "sip:alice@" + text_of(outer(who));
		EXPECT_EQ(request_uri_of(to_phone(who, request(d, "OPTIONS"))), "sip:alice@" + text_of(who));
	}
}

// Everything that leaves is scanned by to_server(); here, all that a long play sends.
TEST_P(ways, R2_no_message_names_an_inside_address_or_port)
{
	gate.rules.shift_ports = true;
	for (u16 port = 20000; port < 20012; port++)
		gate.rules.taken_ports.insert(port);
	register_phone(phone, "alice");
	const std::string host = family_of(phone) + " " + host_of(phone);
	const std::vector<media_line> lines = {
		{rtp, "audio", "RTP/AVP 0", {"rtcp:20001 IN " + host, "candidate:1 1 UDP 1 " + host_of(phone) + " 20000 typ host"}},
		{map.inside(10, 20002), "video", "RTP/AVP 96", {"rtcp:20011"}}, {map.inside(10, 0), "video"},
		{map.inside(10, 20004), "image", "udptl t38"}, {map.inside(10, 20006), "message", "TCP/MSRP *"}};
	const fields more = {{"P-Asserted-Identity", "<sip:a@" + uri_host_of(phone) + ">"}, {"Record-Route", "<sip:" + uri_host_of(phone) + ";lr>"},
			     {"Diversion", "<sip:a@" + text_of(phone) + ">;reason=x"}, {"History-Info", "<sip:a@" + text_of(phone) + ">;index=1"},
			     {"Authorization", "Digest uri=\"sip:" + text_of(phone) + "\""}, {"User-Agent", "phone at " + host_of(phone)}};
	for (const char *method : {"INVITE", "UPDATE", "PRACK", "ACK", "INFO", "MESSAGE", "NOTIFY", "OPTIONS", "PUBLISH", "REFER", "SUBSCRIBE", "UNHEARDOF"}) {
		dialog d = dialog_of("alice", phone, "sip:bob@example.com", method[0] == 'I');
		to_server(phone, request(d, method, sdp_of(phone, lines), more));
		dialog in = dialog_of("bob", server, "sip:alice@example.com");
		in.target = "sip:alice@" + text_of(outer(phone));
		const std::string asked = to_phone(phone, request(in, method, sdp_of(far_media, {{far_media}})));
		to_server(phone, respond(asked, 200, {"t", "<sip:alice@" + uri_host_of(phone) + ">", sdp_of(phone, lines), more}));
		to_server(phone, respond(asked, 488, {"t", "", "", {{"Contact", "<sip:x@" + text_of(phone) + ">"}}}));
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_rewrite_failed), 0u);
}

// A request by another port of the server comes in by a pinhole, as a connection of its own.
TEST_P(ways, R4_what_the_phone_wrote_comes_back_by_another_connection)
{
	gate.rules.shift_ports = true;
	dialog d = dialog_of("alice", phone, "sip:alice@example.com", true);
	const std::string seen = to_server(phone, request(d, "REGISTER"));
	to_phone(phone, answer_at_server(seen, 200, {"far", line_of(seen, "Contact"), "", {}, outer(phone)}));
	const endpoint other = map.outside(1, 5099);
	dialog in = dialog_of("bob", other, "sip:alice@example.com");
	in.target = uri_of(line_of(seen, "Contact"));
	const delivery got = gate.send(other, outer(phone), request(in, "OPTIONS"));
	ASSERT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(request_uri_of(got.bytes), uri_of(d.contact));
}

TEST_P(ways, S9_port_0_in_a_uri)
{
	gate.send(phone, server, "\r\n\r\n");
	dialog d = dialog_of("alice", sip::with_port(phone, 5070), "sip:bob@example.com");
	for (int i = 0; i < 3; i++)
		untouched(request(d, "OPTIONS", "", {{"Record-Route", "<sip:" + uri_host_of(phone) + ":0>"}}));
	EXPECT_EQ(live_objects(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_malformed_number), 3u);
}

TEST_P(ways, namespace_exit_with_calls_leaks_nothing)
{
	{
		router other;
		other.send(phone, server, "\r\n\r\n");
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		other.send(phone, server, request(d, "REGISTER"));
		other.send(phone, server, request(d, "INVITE", sdp_of(rtp, {{rtp}})));
		EXPECT_GT(live_objects(), 0u);
	}
	EXPECT_EQ(live_objects(), 0u);
}

} // namespace core_test
