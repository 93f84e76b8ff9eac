// SPDX-License-Identifier: GPL-2.0
// T8 and S2: a phone sends from one port and names the one that it listens at. Outside that is
// the connection, since nobody comes in by another way; and what comes back is what it wrote.
#include "core_scene.h"

namespace core_test {

class tcp_ports : public core_scene {
protected:
	tcp_ports()
	{
		gate.rules.map_port[phone] = 40000;
		gate.rules.taken_ports = {5060, 5061, 5062, 49152};
	}

	// A dialog of the phone whose Via and Contact are written so.
	dialog written(const std::string &via, const std::string &contact, const std::string &user = "alice")
	{
		dialog d = dialog_of(user, phone, "sip:" + user + "@example.com");
		d.via = via + ";rport";
		d.contact = "<sip:" + user + "@" + contact + ">";
		return d;
	}
	std::string host() const { return uri_host_of(phone); }
	std::string at_port(u16 port) const { return host() + ":" + std::to_string(port); }
	std::string outside() const { return text_of(map.router(40000)); }

	// REGISTER and its 2xx, which repeats what the registrar read.
	std::string granted(dialog &d, const fields &more = {})
	{
		asked = request(d, "REGISTER", "", more);
		seen = to_server(phone, asked);
		reply_parts parts{"t", line_of(seen, "Contact") + ";expires=60", "", {}, {}};
		return to_phone(phone, respond(seen, 200, parts));
	}
	std::string called(const std::string &user, const std::string &where, const fields &more = {})
	{
		dialog d = dialog_of("bob", server, "sip:" + user + "@example.com");
		d.target = "sip:" + user + "@" + where;
		return to_phone(phone, request(d, "INVITE", "", more));
	}
	std::string via_of(const std::string &message) { return line_of(message, "Via").substr(12); }

	endpoint phone = over_tcp(map.inside(10, 49152));
	std::string asked, seen;
};
FOR_BOTH_FAMILIES(tcp_ports);

TEST_P(tcp_ports, T8_the_listening_port_stands_for_the_connection)
{
	dialog d = written(at_port(5060), at_port(5060) + ";transport=tcp");
	const std::string answer = granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + outside() + ";transport=tcp>");
	EXPECT_EQ(via_of(seen).find(outside() + ";"), 0u);
	EXPECT_EQ(line_of(answer, "Via"), with(line_of(asked, "Via"), "UDP", "TCP"));
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	EXPECT_EQ(request_uri_of(called("alice", outside() + ";transport=tcp")),
		  "sip:alice@" + at_port(5060) + ";transport=tcp");
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_EQ(gate.expectation_count(), 0u) << "S2";
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
}

TEST_P(tcp_ports, T8_each_group_of_places_has_the_port_that_was_written_there)
{
	dialog d = written(at_port(49152), at_port(5060));
	const std::string who = "<sip:alice@" + at_port(5062) + ">";
	const fields more = {{"P-Asserted-Identity", who}, {"Record-Route", "<sip:" + at_port(5061) + ";lr>"},
			     {"Path", "<sip:" + at_port(5061) + ";lr>"}};
	const std::string answer = granted(d, more);
	EXPECT_EQ(via_of(answer), via_of(asked));
	EXPECT_EQ(line_of(answer, "Record-Route"), "<sip:" + at_port(5061) + ";lr>");
	const std::string back = called("alice", outside(), {{"Route", "<sip:" + outside() + ";lr>"},
							     {"P-Called", "x"}, {"Diversion", "<sip:alice@" + outside() + ">"}});
	EXPECT_EQ(request_uri_of(back), "sip:alice@" + at_port(5060));
	EXPECT_EQ(line_of(back, "Route"), "<sip:" + at_port(5061) + ";lr>");
	EXPECT_EQ(line_of(back, "Diversion"), who);
	EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), 0u);
}

TEST_P(tcp_ports, T8_no_port_at_all_comes_back_as_none)
{
	dialog d = written(host(), host());
	const std::string answer = granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + outside() + ">");
	EXPECT_EQ(via_of(answer), via_of(asked));
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	EXPECT_EQ(request_uri_of(called("alice", outside())), "sip:alice@" + host());
}

TEST_P(tcp_ports, T8_a_secure_uri_without_a_port)
{
	dialog d = written(at_port(5060), host());
	d.contact = "<sips:alice@" + host() + ">";
	const std::string answer = granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sips:alice@" + outside() + ">");
	EXPECT_EQ(line_of(answer, "Contact"), "<sips:alice@" + host() + ">;expires=60");
}

TEST_P(tcp_ports, T8_its_own_port_is_nothing_special)
{
	dialog d = written(at_port(49152), at_port(49152));
	const std::string answer = granted(d);
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
}

TEST_P(tcp_ports, T8_a_second_port_in_one_place_has_one_of_its_own)
{
	dialog one = written(at_port(5060), at_port(5060)), two = written(at_port(5060), at_port(5062), "carol");
	granted(one);
	const std::string answer = granted(two);
	const std::string contact = uri_of(line_of(seen, "Contact"));
	EXPECT_EQ(contact.find("sip:carol@" + uri_host_of(map.router(0)) + ":"), 0u);
	EXPECT_NE(contact, "sip:carol@" + outside());
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	EXPECT_EQ(request_uri_of(called("carol", contact.substr(10))), "sip:carol@" + at_port(5062));
	EXPECT_EQ(request_uri_of(called("alice", outside())), "sip:alice@" + at_port(5060));
	EXPECT_EQ(gate.expectation_count(), 0u) << "S2";
}

// baresip
TEST_P(tcp_ports, T8_one_port_is_registered_and_another_is_named_in_a_call)
{
	for (const bool registers_first : {true, false}) {
		const u16 port = registers_first ? 49152 : 5060, other = registers_first ? 5060 : 49152;
		dialog line_one = written(at_port(49152), at_port(other)), d = written(at_port(49152), at_port(port));
		if (registers_first)
			granted(line_one);
		const std::string invite = request(d, "INVITE");
		const std::string got = to_server(phone, invite);
		EXPECT_EQ(line_of(got, "Contact"), "<sip:alice@" + outside() + ">");
		dialog called_one = answering(got, "bob", server);
		learn(d, to_phone(phone, respond(got, 200, {called_one.local_tag, called_one.contact})));
		if (!registers_first)
			granted(line_one);
		EXPECT_EQ(uri_of(line_of(seen, "Contact")), "sip:alice@" + outside());
		const std::string bye = to_phone(phone, request(called_one, "BYE"));
		EXPECT_EQ(request_uri_of(bye), "sip:alice@" + at_port(port));
		EXPECT_EQ(request_uri_of(called("alice", outside())), "sip:alice@" + at_port(other));
		hang_up_line(phone);
	}
}

TEST_P(tcp_ports, T8_who_never_registered_is_called_where_it_wrote_in_a_call)
{
	dialog d = written(at_port(5060), at_port(5060));
	to_server(phone, request(d, "INVITE"));
	EXPECT_EQ(request_uri_of(called("alice", outside())), "sip:alice@" + at_port(5060));
}

TEST_P(tcp_ports, T8_both_its_ports_in_one_message_are_reached)
{
	dialog d = written(at_port(5060), at_port(49152));
	d.contact += ", <sip:alice@" + at_port(5060) + ">";
	granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + outside() + ">, <sip:alice@" + outside() + ">");
}

// RFC 3261 18.1.2: a response whose Via is not what was written is thrown away.
TEST_P(tcp_ports, T8_each_via_comes_back_as_it_was_written)
{
	for (const u16 port : {5060, 49152, 5060, 5062, 49152, 5061}) {
		dialog d = written(at_port(port), at_port(5060));
		granted(d);
		asked = request(d, "OPTIONS");
		seen = to_server(phone, asked);
		EXPECT_EQ(via_of(to_phone(phone, respond(seen, 200))), via_of(asked)) << port;
	}
}

TEST_P(tcp_ports, T8_several_accounts_on_one_connection)
{
	for (const char *user : {"alice", "bob", "carol"}) {
		dialog d = written(at_port(5060), at_port(5060), user);
		const std::string answer = granted(d);
		EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 3u);
	EXPECT_EQ(request_uri_of(called("carol", outside())), "sip:carol@" + at_port(5060));
}

TEST_P(tcp_ports, T8_two_phones_with_one_listening_port)
{
	const endpoint other = over_tcp(map.inside(11, 49153));
	gate.rules.map_port[other] = 40001;
	dialog one = written(at_port(5060), at_port(5060));
	granted(one);
	dialog two = dialog_of("bob", sip::with_port(other, 5060), "sip:bob@example.com");
	to_server(other, request(two, "REGISTER"));
	dialog in = dialog_of("x", server, "sip:x@example.com");
	in.target = "sip:bob@" + text_of(map.router(40001));
	EXPECT_EQ(request_uri_of(to_phone(other, request(in, "OPTIONS"))), "sip:bob@" + text_of(sip::with_port(other, 5060)));
	EXPECT_EQ(request_uri_of(called("alice", outside())), "sip:alice@" + at_port(5060));
}

TEST_P(tcp_ports, T8_an_ipv6_literal_comes_back_as_it_was_written)
{
	if (GetParam() != SIPX_IPV6)
		return;
	dialog d = written("[FD00:0:0::10]:5060", "[FD00:0:0::10]:5060");
	const std::string answer = granted(d);
	EXPECT_EQ(via_of(answer), via_of(asked));
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
}

TEST_P(tcp_ports, T8_what_the_server_saw_is_where_the_phone_sent_from)
{
	dialog d = written(at_port(5060), at_port(5060));
	seen = to_server(phone, request(d, "OPTIONS"));
	const std::string answer = to_phone(phone, respond(seen, 200, {"t", "", "", {}, map.router(40000)}));
	EXPECT_NE(line_of(answer, "Via").find(";received=" + host_of(phone)), std::string::npos) << answer;
	EXPECT_NE(line_of(answer, "Via").find(";rport=49152"), std::string::npos) << answer;
}

TEST_P(tcp_ports, T8_an_inside_server_behind_a_forwarded_port)
{
	const endpoint pbx = over_tcp(map.inside(20, 5060)), client = over_tcp(map.outside(9, 33000));
	const endpoint public_socket = over_tcp(map.router(5060));
	gate.rules.forward[public_socket] = pbx;
	tcp_line in(gate, client, public_socket);
	ASSERT_TRUE(in.connect());
	dialog d = dialog_of("bob", client, "sip:pbx@" + text_of(public_socket));
	const std::string ask = for_tcp(request(d, "INVITE", sdp_of(client, {{map.outside(9, 30000)}})));
	in.say(true, ask);
	const std::string got = in.read(false);
	EXPECT_EQ(request_uri_of(got), "sip:pbx@" + text_of(pbx));
	dialog back = answering(got, "pbx", pbx);
	const std::string answer = for_tcp(respond(got, 200, {"t", back.contact, sdp_of(pbx, {{map.inside(20, 20000)}})}));
	in.say(false, answer);
	const std::string heard = in.read(true);
	EXPECT_EQ(line_of(heard, "Contact"), "<sip:pbx@" + text_of(public_socket) + ">");
	EXPECT_EQ(leak_in(heard, map), "");
	EXPECT_TRUE(gate.send(map.outside(9, 30000), media_of(heard), "rtp").arrived_at(map.inside(20, 20000)));
}

TEST_P(tcp_ports, T8_R18_a_phone_calls_the_server_next_door_by_its_public_address)
{
	// both ends are translated: the router hides the phone from the server
	const endpoint pbx = over_tcp(map.inside(20, 5080)), public_socket = over_tcp(map.router(5060));
	gate.rules.forward[public_socket] = pbx;
	gate.rules.hairpin = true;
	gate.rules.map_port[phone] = 40000;
	tcp_line in(gate, phone, public_socket);
	ASSERT_TRUE(in.connect());
	dialog d = written(at_port(5060), at_port(5060));
	const std::string ask = for_tcp(request(d, "REGISTER"));
	in.say(true, ask);
	const std::string got = in.read(false);
	EXPECT_EQ(line_of(got, "Contact"), "<sip:alice@" + outside() + ">") << got;
	in.say(false, for_tcp(respond(got, 200, {"t", line_of(got, "Contact") + ";expires=60"})));
	const std::string heard = in.read(true);
	EXPECT_EQ(line_of(heard, "Contact"), line_of(ask, "Contact") + ";expires=60");
	EXPECT_EQ(line_of(heard, "Via"), line_of(ask, "Via"));
	dialog back = dialog_of("pbx", pbx, "sip:alice@example.com");
	back.target = "sip:alice@" + outside();
	in.say(false, for_tcp(request(back, "OPTIONS")));
	const std::string options = in.read(true);
	EXPECT_EQ(request_uri_of(options), "sip:alice@" + at_port(5060));
	EXPECT_EQ(line_of(options, "Contact"), "<sip:pbx@" + text_of(public_socket) + ">");
	// what stands for the one end does not for the other
	dialog more = written(at_port(5060), at_port(5060));
	more.target = "sip:pbx@" + text_of(public_socket);
	in.say(true, for_tcp(request(more, "OPTIONS")));
	EXPECT_EQ(request_uri_of(in.read(false)), "sip:pbx@" + text_of(pbx));
}

TEST_P(tcp_ports, T8_R3_without_memory_the_message_passes_and_nothing_is_remembered)
{
	dialog d = written(at_port(5060), at_port(5060));
	const std::string ask = for_tcp(request(d, "OPTIONS"));
	line(phone);
	set_faults({.kinds = fault_alloc, .strike_at = 1, .all_after = true});
	EXPECT_EQ(say(phone, true, ask), ask);
	set_faults({.kinds = fault_piece, .strike_at = 1, .all_after = true});
	EXPECT_EQ(say(phone, true, ask), ask);
	set_faults({});
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_no_memory), 2u);
	EXPECT_EQ(leak_in(say(phone, true, ask), map), "") << "the next one is translated";
}

// ---- SIPX_SETTING_TCP_INBOUND

TEST_P(tcp_ports, S2_where_it_is_wanted_the_registrar_reaches_the_listening_port)
{
	gate.rules.values[SIPX_SETTING_TCP_INBOUND] = 1;
	dialog d = written(at_port(5060), at_port(5060) + ";transport=tcp");
	asked = request(d, "REGISTER");
	seen = to_server(phone, asked);
	const std::string contact = uri_of(line_of(seen, "Contact"));
	EXPECT_NE(contact, "sip:alice@" + outside() + ";transport=tcp");
	EXPECT_EQ(gate.expectation_count(), 0u) << "S3: not before the 2xx";
	to_phone(phone, respond(seen, 200, {"t", line_of(seen, "Contact") + ";expires=60"}));
	ASSERT_EQ(gate.expectation_count(), 1u);

	const endpoint door = over_tcp(at(contact.substr(10, contact.find(';') - 10)));
	tcp_line stranger(gate, over_tcp(map.outside(66, 4000)), door);
	EXPECT_FALSE(stranger.connect());
	tcp_line in(gate, over_tcp(sip::with_port(server, 35000)), door);
	ASSERT_TRUE(in.connect());
	EXPECT_TRUE(sip::same_endpoint(gate.find(in.client(), door)->reply.source, sip::with_port(phone, 5060)));
	dialog call = dialog_of("bob", server, "sip:alice@example.com");
	call.target = contact;
	in.say(true, for_tcp(request(call, "INVITE")));
	EXPECT_EQ(request_uri_of(in.read(false)), "sip:alice@" + at_port(5060) + ";transport=tcp");

	hang_up_line(phone);
	EXPECT_EQ(gate.expectation_count(), 1u) << "the registrar can still connect";
	gate.advance(61);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

// ---- one socket, two transports

class tcp_and_udp : public tcp_ports {
protected:
	tcp_and_udp() { gate.rules.map_port[by_udp] = 41000; }

	endpoint by_udp = map.inside(10, 5060);
};
FOR_BOTH_FAMILIES(tcp_and_udp);

TEST_P(tcp_and_udp, T8_a_contact_that_is_reached_by_udp_stays_so)
{
	register_phone(by_udp, "alice");
	const u64 objects = live_objects(SIPX_SLAB_CONNECTION);
	dialog d = written(at_port(49152), at_port(5060));
	const endpoint media = map.inside(10, 20000), far = map.outside(7, 30000);
	asked = request(d, "INVITE", sdp_of(media, {{media}, {map.inside(10, 20002), "video"}}));
	seen = to_server(phone, asked);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + text_of(map.router(41000)) + ">");
	EXPECT_EQ(via_of(seen).find(outside() + ";"), 0u);
	EXPECT_EQ(live_objects(SIPX_SLAB_CONNECTION), objects + 1);

	dialog callee = answering(seen, "bob", server);
	const std::string sdp = sdp_of(far, {{far}, {sip::with_port(far, 0), "video"}});
	const std::string answer = to_phone(phone, respond(seen, 200, {callee.local_tag, callee.contact, sdp}));
	learn(d, answer);
	EXPECT_EQ(via_of(answer), via_of(asked));
	// the rest of the dialog by UDP
	d.via = at_port(5060) + ";rport";
	to_server(by_udp, ack(d, asked));
	EXPECT_TRUE(gate.send(far, media_of(seen), "rtp").arrived_at(media));
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 4u);
	callee.target = "sip:alice@" + text_of(map.router(41000));
	const std::string bye = to_phone(by_udp, request(callee, "BYE"));
	EXPECT_EQ(request_uri_of(bye), "sip:alice@" + at_port(5060));
	to_server(by_udp, respond(bye, 200));
	EXPECT_EQ(gate.expectation_count(SIPX_CLASS_AUDIO), 0u);
}

TEST_P(tcp_and_udp, T8_a_contact_that_says_tcp_is_the_connection)
{
	register_phone(by_udp, "alice");
	dialog d = written(at_port(5060), at_port(5060) + ";transport=TCP");
	granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + outside() + ";transport=TCP>");
}

TEST_P(tcp_and_udp, T8_what_is_reached_by_another_server_counts_nothing)
{
	gate.send(by_udp, map.outside(2, 5060), "\r\n\r\n");
	dialog d = written(at_port(5060), at_port(5060));
	granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + outside() + ">");
}

TEST_P(tcp_and_udp, T8_a_listening_port_of_udp_is_known)
{
	const endpoint high = map.inside(10, 33333);
	gate.rules.map_port[high] = 33333;
	dialog by_datagrams = dialog_of("alice", by_udp, "sip:alice@example.com");
	const std::string ask = to_server(high, request(by_datagrams, "REGISTER"));
	to_phone(high, respond(ask, 200, {"t", line_of(ask, "Contact") + ";expires=60", "", {}, {}}));
	dialog d = written(at_port(49152), at_port(5060));
	const std::string answer = granted(d);
	EXPECT_EQ(uri_of(line_of(seen, "Contact")), uri_of(line_of(ask, "Contact")));
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
}

TEST_P(tcp_and_udp, T8_a_registration_by_tcp_of_what_is_reached_by_udp_outlives_the_connection)
{
	gate.send(by_udp, server, "\r\n\r\n");
	dialog d = written(at_port(5060), at_port(5060));
	const std::string answer = granted(d);
	EXPECT_EQ(line_of(seen, "Contact"), "<sip:alice@" + text_of(map.router(41000)) + ">");
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	hang_up_line(phone);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 0u);
	gate.advance(50);
	EXPECT_TRUE(gate.send(server, map.router(41000), "SIP").arrived_at(by_udp)) << "R1";
	gate.advance(20);
	EXPECT_FALSE(gate.send(sip::with_port(server, 9999), map.router(41000), "SIP").arrived());
}

TEST_P(tcp_and_udp, T8_a_contact_that_says_udp_gets_a_way_in_by_udp)
{
	dialog d = written(at_port(5060), at_port(5060) + ";transport=udp");
	const std::string answer = granted(d);
	const std::string contact = uri_of(line_of(seen, "Contact"));
	EXPECT_NE(contact, "sip:alice@" + outside() + ";transport=udp");
	EXPECT_EQ(line_of(answer, "Contact"), line_of(asked, "Contact") + ";expires=60");
	ASSERT_EQ(gate.expectation_count(), 1u);
	const endpoint door = at(contact.substr(10, contact.find(';') - 10));
	EXPECT_TRUE(gate.send(server, door, "SIP").arrived_at(by_udp));
	tcp_line in(gate, over_tcp(sip::with_port(server, 35000)), over_tcp(door));
	EXPECT_FALSE(in.connect()) << "S2";
}

// One number for a socket of each transport would come back as the one of them alone. Of two numbers chance would
// take the other one every second time.
TEST_P(tcp_and_udp, R4_T8_sockets_of_two_transports_have_two_numbers)
{
	gate.rules.values[SIPX_SETTING_MEDIA_PORT_MIN] = 20000;
	gate.rules.values[SIPX_SETTING_MEDIA_PORT_MAX] = 20003;
	for (u32 round = 0; round < 8; round++) {
		dialog by_datagrams = written(at_port(49152), at_port(5060) + ";transport=udp");
		granted(by_datagrams);
		dialog d = written(at_port(5070), at_port(49152), "carol");
		const std::string answer = granted(d);
		EXPECT_EQ(via_of(answer), via_of(asked)) << "round " << round;
		hang_up_line(phone);
		gate.advance(3600);
	}
}

} // namespace core_test
