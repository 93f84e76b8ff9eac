// SPDX-License-Identifier: GPL-2.0
// Phones that are reached at another socket than the one they send from, and what a message
// may open or not. R1, R2, R4, R19, S4.
#include "core_scene.h"

namespace core_test {

class doors : public core_scene {
protected:
	doors() { gate.rules.shift_ports = true; }

	// A dialog of an account whose Via and Contact name that socket, without rport.
	dialog account_at(const endpoint &socket)
	{
		dialog d = dialog_of("alice", socket, "sip:alice@example.com");
		d.target = "sip:example.com";
		d.via = text_of(socket);
		return d;
	}
	// Where a server answers that honours the Via (RFC 3261 18.2.2).
	static endpoint via_of(const std::string &message)
	{
		const std::string via = line_of(message, "Via");
		const size_t start = via.find(' ') + 1;
		return at(via.substr(start, via.find(';') - start));
	}
	static endpoint contact_of(const std::string &message)
	{
		const std::string uri = uri_of(line_of(message, "Contact"));
		return at(uri.substr(uri.find('@') + 1));
	}
	static fields expires(u32 seconds) { return {{"Expires", std::to_string(seconds)}}; }
	std::string grant(const std::string &seen, u32 seconds)
	{
		const std::string contact = seconds ? line_of(seen, "Contact") + ";expires=" + std::to_string(seconds) : "";
		return respond(seen, 200, {"far", contact, "", {}, {}});
	}
	// OPTIONS of the registrar, sent from one of its ports to that socket.
	delivery call_at(const endpoint &from, const endpoint &to, const std::string &user = "alice")
	{
		dialog d = dialog_of("bob", server, "sip:" + user + "@example.com");
		d.target = "sip:" + user + "@" + text_of(to);
		return gate.send(from, to, request(d, "OPTIONS"));
	}
	u32 pinholes_to(u16 inside_port) const
	{
		u32 found = 0;
		for (const sipx_pinhole &p : gate.expectations())
			found += p.translated.port == inside_port;
		return found;
	}
	// Translated, to a port of the outside that is not that of the inside, and open.
	void expect_bound(const std::string &seen, u32 index, const endpoint &inside)
	{
		const endpoint outside = media_of(seen, index);
		EXPECT_TRUE(sip::same_address(outside, map.router(0))) << seen;
		EXPECT_NE(outside.port, inside.port) << seen;
		bool open = false;
		for (const sipx_pinhole &p : gate.expectations())
			open |= sip::same_endpoint(p.destination, outside) && sip::same_endpoint(p.translated, inside);
		EXPECT_TRUE(open) << text_of(outside) << " -> " << text_of(inside);
	}
	// A request of the outside with that field, answered 200 by the phone with the field in it.
	void expect_echo_opens_nothing(const std::string &name, dialog d, const fields &more)
	{
		const u32 open = gate.expectation_count(), bound = live_objects(SIPX_SLAB_BINDING);
		d.target = "sip:alice@" + text_of(outer(phone));
		const std::string got = to_phone(phone, request(d, "OPTIONS", "", more));
		const std::string echoed = line_of(got, name);
		const delivery sent = try_to_server(phone, respond(got, 200, {"t", "<sip:alice@" + text_of(phone) + ">", "", {}, {}}));
		EXPECT_TRUE(sent.arrived_at(server));
		EXPECT_EQ(line_of(sent.bytes, name), echoed);
		EXPECT_EQ(uri_of(line_of(sent.bytes, "Contact")), d.target) << "the rest is translated";
		EXPECT_EQ(gate.expectation_count(), open) << name;
		EXPECT_EQ(live_objects(SIPX_SLAB_BINDING), bound) << name;
	}

	endpoint phone = map.inside(10, 5060);
	endpoint sending = map.inside(10, 6000);	// the phone sends from here and listens at `phone`
	endpoint rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(doors);

TEST_P(doors, R1_registration_that_is_answered_at_the_via_port)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog a = account_at(phone);
	const std::string seen = to_server(sending, request(a, "REGISTER", "", expires(600)));
	EXPECT_TRUE(gate.send(server, via_of(seen), grant(seen, 600)).arrived_at(phone));
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_unmatched_response), 0u);
	gate.advance(300);
	EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(phone));
	gate.advance(295);
	EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(phone));
}

TEST_P(doors, R1_quiet_registration_that_is_answered_at_the_via_port)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog a = account_at(phone);
	const std::string seen = to_server(sending, request(a, "REGISTER", "", expires(600)));
	EXPECT_TRUE(gate.send(server, via_of(seen), grant(seen, 600)).arrived_at(phone));
	gate.advance(595);
	const delivery got = call_at(server, contact_of(seen));
	EXPECT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(request_uri_of(got.bytes), "sip:alice@" + text_of(phone));
	gate.advance(20);
	EXPECT_FALSE(call_at(map.outside(1, 5080), contact_of(seen)).arrived()) << "no longer than granted";
}

TEST_P(doors, R1_refresh_that_is_answered_at_the_via_port)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog a = account_at(phone);
	std::string seen;
	for (int i = 0; i < 3; i++) {
		seen = to_server(sending, request(a, "REGISTER", "", expires(60)));
		EXPECT_TRUE(gate.send(server, via_of(seen), grant(seen, 60)).arrived_at(phone)) << i;
		gate.advance(50);
		EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(phone)) << i;
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 3u);
	EXPECT_TRUE(call_at(map.outside(1, 5080), contact_of(seen)).arrived_at(phone)) << "from another port of the registrar";
}

TEST_P(doors, R19_listening_port_is_answered_after_unregistering)
{
	dialog a = account_at(phone);
	for (u32 seconds : {3600u, 0u}) {
		const std::string seen = to_server(sending, request(a, "REGISTER", "", expires(seconds)));
		EXPECT_TRUE(gate.send(server, outer(sending), grant(seen, seconds)).arrived_at(phone)) << "where it listens";
	}
	for (const char *method : {"OPTIONS", "REGISTER"}) {
		const std::string seen = to_server(sending, request(a, method));
		EXPECT_TRUE(gate.send(server, via_of(seen), respond(seen, 200, {"far", "", "", {}, {}})).arrived_at(phone)) << method;
	}
}

TEST_P(doors, R1_registers_again_after_unregistering_at_the_via_port)
{
	dialog a = account_at(phone);
	for (u32 seconds : {3600u, 0u, 3600u}) {
		const std::string seen = to_server(sending, request(a, "REGISTER", "", expires(seconds)));
		EXPECT_TRUE(gate.send(server, via_of(seen), grant(seen, seconds)).arrived_at(phone)) << seconds;
		// the connection through the door ends in the meantime
		gate.advance(200);
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 2u);
}

TEST_P(doors, R4_bare_contact_comes_back_bare_from_another_port)
{
	dialog a = dialog_of("alice", phone, "sip:alice@example.com", true);
	a.target = "sip:example.com";
	const std::string seen = to_server(phone, request(a, "REGISTER", "", expires(600)));
	to_phone(phone, grant(seen, 600));
	EXPECT_NE(outer(phone).port, 5060u);
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = uri_of(line_of(seen, "Contact"));
	const endpoint second = map.outside(1, 5080);
	const delivery got = gate.send(second, outer(phone), request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	ASSERT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(request_uri_of(got.bytes), "sip:alice@" + uri_host_of(phone));
	const std::string ok = respond(got.bytes, 200, {"t", a.contact, sdp_of(rtp, {{rtp}}), {}, {}});
	const delivery answered = gate.send(phone, second, ok);
	EXPECT_TRUE(answered.arrived_at(second));
	EXPECT_EQ(text_of(answered.source), text_of(outer(phone)));
	EXPECT_EQ(uri_of(line_of(answered.bytes, "Contact")), d.target);
	EXPECT_EQ(leak_in(answered.bytes, map), "") << answered.bytes;
}

TEST_P(doors, R4_written_port_comes_back_written_from_another_port)
{
	register_phone(phone, "alice");
	const delivery got = call_at(map.outside(1, 5080), outer(phone));
	EXPECT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(request_uri_of(got.bytes), "sip:alice@" + text_of(phone));
}

TEST_P(doors, R4_account_that_knows_its_outside_address_disturbs_no_other)
{
	register_phone(phone, "alice");
	dialog e = dialog_of("ext", outer(phone), "sip:ext@example.com");
	e.target = "sip:example.com";
	to_phone(phone, grant(to_server(phone, request(e, "REGISTER", "", expires(3600))), 3600));
	EXPECT_EQ(request_uri_of(call_at(server, outer(phone)).bytes), "sip:alice@" + text_of(phone));
	register_phone(phone, "alice");
	EXPECT_EQ(request_uri_of(call_at(server, outer(phone)).bytes), "sip:alice@" + text_of(phone));
}

TEST_P(doors, R2_streams_of_every_protocol_are_translated)
{
	const endpoint data = map.inside(10, 20010), unknown = map.inside(10, 20014);
	gate.rules.taken_ports = {20000, 20001, 20010, 20011, 20014, 20015};
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_of(rtp, {
		{rtp}, {data, "application", "UDP/DTLS/SCTP webrtc-datachannel"}, {unknown, "application", "XYZ/ABC 0"}})));
	expect_bound(seen, 0, rtp);
	expect_bound(seen, 1, data);
	EXPECT_TRUE(sip::same_address(media_of(seen, 2), map.router(0))) << seen;
	EXPECT_NE(media_of(seen, 2).port, unknown.port) << seen;
}

TEST_P(doors, S4_rtcp_at_a_low_port_gets_no_pinhole)
{
	const std::string low = "rtcp:500 IN " + family_of(phone) + " " + host_of(phone);
	dialog d = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string seen = to_server(phone, request(d, "INVITE", sdp_of(rtp, {{rtp, "audio", "RTP/AVP 0", {low}}})));
	EXPECT_TRUE(sip::same_address(rtcp_of(seen), map.router(0))) << seen;
	const std::string far = sdp_of(far_media, {{far_media}});
	to_phone(phone, answer_at_server(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", far, {}, outer(phone)}));
	EXPECT_EQ(pinholes_to(500), 0u);
	EXPECT_FALSE(gate.send(map.outside(7, 30001), rtcp_of(seen), "rtcp").arrived());
	expect_audio(rtp, media_of(seen), far_media);
}

TEST_P(doors, S4_echoed_record_route_opens_no_port)
{
	register_phone(phone, "alice");
	for (u16 port : {161, 23, 7777}) {
		const std::string route = "<sip:" + text_of(sip::with_port(phone, port)) + ";lr>";
		expect_echo_opens_nothing("Record-Route", dialog_of("bob", server, "sip:alice@example.com"), {{"Record-Route", route}});
		EXPECT_EQ(pinholes_to(port), 0u);
	}
}

TEST_P(doors, S4_echoed_from_opens_no_port)
{
	register_phone(phone, "alice");
	for (u16 port : {161, 23, 7777}) {
		dialog d = dialog_of("bob", server, "sip:alice@example.com");
		d.local = "sip:bob@" + text_of(sip::with_port(phone, port));
		expect_echo_opens_nothing("From", d, {});
		EXPECT_EQ(pinholes_to(port), 0u);
	}
}

TEST_P(doors, S4_own_contact_at_a_low_port_opens_no_port)
{
	dialog a = dialog_of("alice", map.inside(10, 161), "sip:alice@example.com");
	a.target = "sip:example.com";
	const std::string seen = to_server(phone, request(a, "REGISTER", "", expires(600)));
	to_phone(phone, grant(seen, 600));
	EXPECT_EQ(pinholes_to(161), 0u);
}

TEST_P(doors, R1_contact_port_that_changes_again_and_again)
{
	for (u16 i = 0; i < 5; i++) {
		const endpoint listening = map.inside(10, static_cast<u16>(5070 + i));
		dialog a = dialog_of("alice", listening, "sip:alice@example.com");
		a.target = "sip:example.com";
		const std::string seen = to_server(phone, request(a, "REGISTER", "", expires(600)));
		const std::string granted = to_phone(phone, grant(seen, 600));
		EXPECT_EQ(uri_of(line_of(granted, "Contact")), uri_of(a.contact)) << i;
		const delivery got = call_at(server, contact_of(seen));
		EXPECT_TRUE(got.arrived_at(listening)) << i;
		EXPECT_EQ(request_uri_of(got.bytes), uri_of(a.contact)) << i;
	}
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 5u);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_bindings), 0u);
}

TEST_P(doors, R1_S13_more_listening_ports_than_are_followed_have_a_reason)
{
	dialog a = account_at(phone);
	a.via = text_of(phone) + ";rport";
	a.contact = "<sip:a@" + text_of(sip::with_port(phone, 5070)) + ">";
	for (u16 port = 5072; port < 5078; port += 2)
		a.contact += ", <sip:a@" + text_of(sip::with_port(phone, port)) + ">";
	const std::string ask = request(a, "REGISTER", "", expires(600));
	EXPECT_EQ(try_to_server(phone, ask).bytes, ask);
	EXPECT_EQ(gate.count(SIPX_COUNT_too_many_sockets), 1u);
	EXPECT_EQ(gate.count(SIPX_COUNT_limit_bindings), 0u);
}

// What a request without `rport` opens is for its responses: from that server's socket alone, and for as long as
// these may come.
TEST_P(doors, S3_way_for_answers_is_for_the_server_that_was_asked)
{
	for (const char *method : {"REGISTER", "OPTIONS", "INVITE"}) {
		dialog a = account_at(phone);
		const std::string seen = to_server(sending, request(a, method));
		EXPECT_EQ(pinholes_to(phone.port), 1u) << method;
		EXPECT_FALSE(call_at(map.outside(1, 5080), via_of(seen)).arrived()) << method;
		EXPECT_FALSE(call_at(map.outside(66, 5060), via_of(seen)).arrived()) << method;
		gate.end_all();
	}
}

TEST_P(doors, S3_way_for_answers_closes_when_none_can_come)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	for (const char *method : {"REGISTER", "OPTIONS", "INVITE", "SUBSCRIBE"}) {
		dialog a = account_at(phone);
		const bool rings = std::string(method) == "INVITE";
		const std::string seen = to_server(sending, request(a, method, "", expires(600)));
		gate.send(server, outer(sending), respond(seen, 403, {"far", "", "", {}, {}}));
		for (u32 n = 0; n < (rings ? 340u : 70u) / 2; n++) {
			gate.send(sending, server, "\r\n\r\n");
			gate.advance(2);
		}
		EXPECT_EQ(pinholes_to(phone.port), 0u) << method;
		EXPECT_EQ(live_objects(SIPX_SLAB_PINHOLE), 0u) << method;
		EXPECT_FALSE(gate.send(server, via_of(seen), "SIP").arrived()) << method;
		gate.end_all();
	}
}

TEST_P(doors, R19_call_that_rings_long_is_answered_at_the_via_port)
{
	gate.rules.udp_timeout_s = gate.rules.udp_stream_timeout_s = 5;
	dialog a = account_at(phone);
	const std::string seen = to_server(sending, request(a, "INVITE", sdp_of(rtp, {{rtp}})));
	for (u32 n = 0; n < 4; n++) {
		EXPECT_TRUE(gate.send(server, via_of(seen), respond(seen, 180, {"far", "", "", {}, {}})).arrived_at(phone)) << n;
		gate.advance(60);
	}
	const reply_parts answer{"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, {}};
	EXPECT_TRUE(gate.send(server, via_of(seen), respond(seen, 200, answer)).arrived_at(phone));
	gate.advance(600);	// the Contact is that of a dialog now
	EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(phone));
}

// ---- a Contact at another port than the one that is sent from

class contacts : public doors {
protected:
	// A dialog of a phone that wants its answers where it asked, and requests elsewhere.
	dialog elsewhere()
	{
		dialog d = dialog_of("alice", phone, "sip:bob@example.com");
		d.contact = "<sip:alice@" + text_of(listening) + ">";
		d.via = text_of(phone) + ";rport";
		return d;
	}
	u32 open() const { return gate.expectation_count(SIPX_CLASS_SIGNALLING); }
	std::string answer(const std::string &seen, int status)
	{
		return answer_at_server(seen, status, {"far", "<sip:bob@" + text_of(server) + ">", "", {}, outer(phone)});
	}

	endpoint listening = map.inside(10, 7000);
};
FOR_BOTH_FAMILIES(contacts);

TEST_P(contacts, S3_no_request_opens_its_contact_before_it_is_answered)
{
	for (bool nat : {true, false})
		for (const char *method : {"OPTIONS", "INVITE", "SUBSCRIBE", "REGISTER", "MESSAGE"}) {
			gate.rules.masquerade = nat;
			dialog d = elsewhere();
			const std::string seen = gate.send(phone, server, request(d, method)).bytes;
			EXPECT_EQ(gate.expectation_count(), 0u) << method;
			gate.send(server, outer(phone), answer(seen, 180));
			EXPECT_EQ(gate.expectation_count(), 0u) << method;
			if (std::string("OPTIONS MESSAGE").find(method) != std::string::npos)
				gate.send(server, outer(phone), answer(seen, 200));
			EXPECT_EQ(gate.expectation_count(), 0u) << method;
			gate.end_all();
		}
}

TEST_P(contacts, S3_contact_of_a_call_opens_with_its_2xx_for_the_peer_alone)
{
	for (bool nat : {true, false})
		for (const char *method : {"INVITE", "SUBSCRIBE"}) {
			gate.rules.masquerade = nat;
			dialog d = elsewhere();
			const std::string seen = gate.send(phone, server, request(d, method)).bytes;
			gate.send(server, outer(phone), answer(seen, 200));
			EXPECT_EQ(open(), 1u) << method;
			EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(listening)) << method;
			EXPECT_FALSE(call_at(map.outside(1, 5080), contact_of(seen)).arrived()) << method;
			EXPECT_FALSE(call_at(map.outside(66, 5060), contact_of(seen)).arrived()) << method;
			gate.end_all();
		}
}

TEST_P(contacts, S3_contact_of_a_call_that_is_refused_stays_closed)
{
	dialog d = elsewhere();
	const std::string seen = to_server(phone, request(d, "INVITE"));
	to_phone(phone, answer(seen, 486));
	to_phone(phone, answer(seen, 200));
	EXPECT_EQ(open(), 0u);
	const std::string again = to_server(phone, request(d, "INVITE"));
	to_phone(phone, answer(seen, 200));
	EXPECT_EQ(open(), 0u) << "an answer to another request";
	to_phone(phone, answer(again, 200));
	EXPECT_EQ(open(), 1u);
}

TEST_P(contacts, R19_contact_of_a_call_that_the_inside_answers_opens_with_its_2xx)
{
	dialog before = dialog_of("alice", phone, "sip:bob@example.com");
	to_server(phone, request(before, "OPTIONS"));
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(outer(phone));
	const std::string got = to_phone(phone, request(d, "INVITE", sdp_of(far_media, {{far_media}})));
	const std::string contact = "<sip:alice@" + text_of(listening) + ">";
	to_server(phone, respond(got, 180, {"t", contact, "", {}, {}}));
	EXPECT_EQ(open(), 0u);
	const std::string seen = to_server(phone, respond(got, 200, {"t", contact, sdp_of(rtp, {{rtp}}), {}, {}}));
	EXPECT_EQ(open(), 1u);
	EXPECT_TRUE(call_at(server, contact_of(seen)).arrived_at(listening)) << "as the ACK";
}

TEST_P(contacts, S3_an_answer_to_nothing_opens_no_contact)
{
	dialog d = dialog_of("bob", server, "sip:alice@example.com");
	to_server(phone, respond(request(d, "INVITE"), 200, {"t", "<sip:alice@" + text_of(listening) + ">", "", {}, {}}));
	EXPECT_EQ(open(), 0u);
}

// An INVITE that comes again from a phone that listens elsewhere: what was remembered for it the first
// time may have given way since.
class sent_again : public doors {
protected:
	dialog listening_at(const endpoint &socket)
	{
		dialog d = dialog_of("alice", socket, "sip:bob@example.com");
		d.via = text_of(socket);
		return d;
	}

	// The call is answered, and whoever asks for its Contact comes to that socket.
	void expect_answer_and_reach(const std::string &invite, const endpoint &listens)
	{
		const std::string sdp = sdp_of(far_media, {{far_media}});
		to_phone(phone, answer_at_server(invite, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp, {}, outer(phone)}));
		dialog back = dialog_of("bob", server, "sip:x@y");
		back.target = uri_of(line_of(invite, "Contact"));
		const endpoint named = at(back.target.substr(back.target.find('@') + 1));
		EXPECT_TRUE(gate.send(server, named, request(back, "OPTIONS")).arrived_at(listens));
	}

	endpoint phone = map.inside(10, 5060);
	endpoint sending = map.inside(10, 6000);
	endpoint rtp = map.inside(10, 20000);
	endpoint far_media = map.outside(7, 30000);
};
FOR_BOTH_FAMILIES(sent_again);

// The phone asks four other things before it sends its INVITE again: where is the answer wanted?
TEST_P(sent_again, P5_R19_where_the_answer_is_wanted_is_told_again)
{
	dialog d = listening_at(phone);
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(sending, invite);
	for (int i = 0; i < 4; i++) {
		dialog o = listening_at(phone);
		to_server(sending, request(o, "OPTIONS"));
	}
	EXPECT_EQ(to_server(sending, invite), seen);
	const std::string reply = respond(seen, 486, {"far", "", "", {}, {}});
	EXPECT_TRUE(gate.send(server, outer(sending), reply).arrived_at(phone));
}

// The door to the Via gave way to another's media; the INVITE comes again.
TEST_P(sent_again, P5_R19_door_that_gave_way_stands_again)
{
	dialog d = listening_at(phone);
	const std::string invite = request(d, "INVITE");	// late offer
	const std::string seen = to_server(sending, invite);
	ASSERT_GT(gate.expectation_count(), 0u);
	gate.rules.expectations_max = gate.expectation_count();
	const endpoint second = map.inside(11, 5060), second_rtp = map.inside(11, 20000);
	dialog e = dialog_of("carol", second, "sip:bob@example.com");
	const std::string other = to_server(second, request(e, "INVITE", sdp_of(second_rtp, {{second_rtp}})));
	to_phone(second, answer_at_server(other, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, outer(second)}));
	gate.rules.expectations_max = 4096;
	EXPECT_EQ(to_server(sending, invite), seen);
	const std::string reply = respond(seen, 200, {"far", "<sip:bob@" + text_of(server) + ">", sdp_of(far_media, {{far_media}}), {}, {}});
	EXPECT_TRUE(gate.send(server, via_of(seen), reply).arrived_at(phone));
}

// Contact of a call that rings; meanwhile the same connection names three others.
TEST_P(sent_again, P5_R2_contact_that_was_forgotten_is_reached)
{
	const endpoint listens = map.inside(10, 7000);
	dialog d = dialog_of("alice", listens, "sip:bob@example.com");
	d.via = text_of(phone) + ";rport";
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	for (u16 i = 1; i <= 3; i++) {
		dialog o = dialog_of("alice", map.inside(10, 7000 + i), "sip:bob@example.com");
		o.via = text_of(phone) + ";rport";
		to_server(phone, request(o, "INVITE", sdp_of(map.inside(10, 20000 + 10 * i), {{map.inside(10, 20000 + 10 * i)}})));
	}
	const std::string again = to_server(phone, invite);
	expect_answer_and_reach(again, listens);
}

// Another INVITE asked for the same Contact, and was refused.
TEST_P(sent_again, P5_R19_contact_that_another_call_was_refused_with_is_reached)
{
	const endpoint listens = map.inside(10, 7000);
	dialog d = dialog_of("alice", listens, "sip:bob@example.com"), e = dialog_of("alice", listens, "sip:carol@example.com");
	d.via = e.via = text_of(phone) + ";rport";
	const std::string invite = request(d, "INVITE", sdp_of(rtp, {{rtp}}));
	const std::string seen = to_server(phone, invite);
	const std::string other = to_server(phone, request(e, "INVITE"));
	const std::string again = to_server(phone, invite);
	to_phone(phone, answer_at_server(other, 486, {"far", "", "", {}, outer(phone)}));
	expect_answer_and_reach(again, listens);
}

} // namespace core_test
