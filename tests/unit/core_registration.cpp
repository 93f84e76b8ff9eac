// SPDX-License-Identifier: GPL-2.0
// R1: a registered phone stays reachable for the whole time that was granted, and no
// longer. S3: nobody but the registrar grants anything.
#include "core_scene.h"

namespace core_test {

class registration : public core_scene {
protected:
	registration()
	{
		gate.rules.udp_timeout_s = 5;
		gate.rules.udp_stream_timeout_s = 5;
		gate.rules.shift_ports = true;
		account.target = "sip:example.com";
		account.remote = "sip:alice@example.com";
	}

	std::string ask(const fields &more) { return to_server(phone, request(account, "REGISTER", "", more)); }
	void grant(const std::string &seen, const std::string &contact, const fields &more = {})
	{
		to_phone(phone, answer_at_server(seen, 200, {"far", contact, "", more, outer(phone)}));
	}
	void refuse(const std::string &seen, int status)
	{
		to_phone(phone, answer_at_server(seen, status, {"far", "", "", {}, outer(phone)}));
	}
	std::string contact_of(const std::string &seen) { return line_of(seen, "Contact"); }

	bool is_reachable()
	{
		dialog d = dialog_of("bob", server, "sip:alice@example.com");
		d.target = "sip:alice@" + text_of(seen_at);
		return gate.send(server, seen_at, request(d, "OPTIONS")).arrived_at(phone);
	}
	void remember_where() { seen_at = outer(phone); }

	endpoint phone = map.inside(10, 5060);
	endpoint seen_at{};
	dialog account = dialog_of("alice", phone, "sip:alice@example.com");
};
FOR_BOTH_FAMILIES(registration);

TEST_P(registration, R1_arrives_at_55_of_60_seconds)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(55);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_ends_when_the_time_is_over)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(67);
	EXPECT_FALSE(is_reachable());
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 1u);
	EXPECT_EQ(live_objects(), 0u);
}

TEST_P(registration, R1_refresh_prolongs)
{
	for (int i = 0; i < 4; i++) {
		const std::string seen = ask({{"Expires", "60"}});
		remember_where();
		grant(seen, contact_of(seen) + ";expires=60");
		gate.advance(50);
		EXPECT_TRUE(is_reachable()) << i;
	}
	EXPECT_EQ(gate.connection_count(), 1u);
}

TEST_P(registration, R1_challenge_does_not_disturb)
{
	for (int status : {401, 407}) {
		refuse(ask({{"Expires", "60"}}), status);
		const std::string seen = ask({{"Expires", "60"}, {"Authorization", "Digest uri=\"sip:example.com\""}});
		remember_where();
		grant(seen, contact_of(seen) + ";expires=60");
		gate.advance(30);
		refuse(ask({{"Expires", "60"}}), status);
		gate.advance(25);
		EXPECT_TRUE(is_reachable()) << status;
	}
}

TEST_P(registration, R1_server_error_does_not_disturb)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(20);
	refuse(ask({{"Expires", "60"}}), 503);
	gate.advance(35);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_unanswered_refresh_does_not_disturb)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(10);
	ask({{"Expires", "60"}});
	gate.advance(45);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_expiry_of_the_contact_counts)
{
	account.contact = "<sip:alice@" + text_of(phone) + ">;expires=300";
	const std::string seen = ask({});
	remember_where();
	grant(seen, contact_of(seen));
	gate.advance(290);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_registrar_may_grant_less)
{
	const std::string seen = ask({{"Expires", "3600"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(50);
	EXPECT_TRUE(is_reachable());
	gate.advance(70);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_registrar_may_grant_more)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=3600");
	gate.advance(3500);
	EXPECT_TRUE(is_reachable());
}

// RFC 3261 20.19: up to 2^32 - 1. That it is asked for says more than no Contact at all.
TEST_P(registration, R1_the_largest_expiry_is_one)
{
	for (const char *expires : {"4294967294", "4294967295", "4294967296"}) {
		const std::string seen = ask({{"Expires", expires}});
		remember_where();
		grant(seen, contact_of(seen));
		gate.advance(200);
		EXPECT_TRUE(is_reachable()) << expires;
		gate.end_all();
	}
}

TEST_P(registration, R1_no_expiry_anywhere_means_an_hour)
{
	const std::string seen = ask({});
	remember_where();
	grant(seen, contact_of(seen));
	gate.advance(3500);
	EXPECT_TRUE(is_reachable());
	gate.advance(110);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_expiry_in_the_header_of_the_answer)
{
	const std::string seen = ask({});
	remember_where();
	grant(seen, "", {{"Expires", "120"}});
	gate.advance(110);
	EXPECT_TRUE(is_reachable());
	gate.advance(20);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_own_contact_is_found_among_those_of_other_devices)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, "<sip:alice@198.51.100.99:5060>;expires=7200", {{"Contact", contact_of(seen) + ";expires=60"}});
	gate.advance(55);
	EXPECT_TRUE(is_reachable());
	gate.advance(70);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_several_contacts_of_one_phone)
{
	const std::string host = text_of(phone);
	account.contact = "<sip:alice@" + host + ">;expires=30, <sip:desk@" + host + ">;expires=300";
	const std::string seen = ask({});
	remember_where();
	EXPECT_EQ(with(contact_of(seen), text_of(seen_at), host), account.contact);
	grant(seen, contact_of(seen));
	gate.advance(290);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_quoted_comma_in_a_contact_parameter)
{
	account.contact = "\"Doe, Alice\" <sip:alice@" + text_of(phone) + ">;+x=\"a,b;c=<d>\";expires=60";
	const std::string seen = ask({});
	remember_where();
	EXPECT_EQ(with(contact_of(seen), text_of(seen_at), text_of(phone)), account.contact);
	grant(seen, contact_of(seen));
	gate.advance(55);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_several_accounts_on_one_socket)
{
	dialog second = dialog_of("bob", phone, "sip:bob@example.com");
	second.target = account.target;
	const std::string one = ask({{"Expires", "30"}});
	const std::string two = to_server(phone, request(second, "REGISTER", "", {{"Expires", "300"}}));
	remember_where();
	grant(two, contact_of(two) + ";expires=300");
	grant(one, contact_of(one) + ";expires=30");
	gate.advance(200);
	EXPECT_TRUE(is_reachable());
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_ended), 1u);
}

TEST_P(registration, R1_zero_expiry_ends_one_account_alone)
{
	dialog second = dialog_of("bob", phone, "sip:bob@example.com");
	second.target = account.target;
	const std::string one = ask({{"Expires", "300"}});
	grant(one, contact_of(one) + ";expires=300");
	std::string two = to_server(phone, request(second, "REGISTER", "", {{"Expires", "300"}}));
	remember_where();
	grant(two, contact_of(two) + ";expires=300");
	two = to_server(phone, request(second, "REGISTER", "", {{"Expires", "0"}}));
	grant(two, "");
	gate.advance(250);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_zero_expiry_closes_after_the_answer)
{
	std::string seen = ask({{"Expires", "300"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=300");
	gate.advance(20);
	seen = ask({{"Expires", "0"}});
	gate.advance(3);
	EXPECT_TRUE(is_reachable()) << "not before the answer";
	grant(seen, "");
	EXPECT_EQ(gate.expectation_count(), 0u);
	gate.advance(7);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_star_closes_after_the_answer)
{
	std::string seen = ask({{"Expires", "300"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=300");
	account.contact = "*";
	seen = ask({{"Expires", "0"}});
	EXPECT_EQ(contact_of(seen), "*");
	grant(seen, "");
	EXPECT_EQ(gate.expectation_count(), 0u);
	gate.advance(7);
	EXPECT_FALSE(is_reachable());
}

TEST_P(registration, R1_asking_without_contact_changes_nothing)
{
	std::string seen = ask({{"Expires", "300"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=300");
	const std::string mine = contact_of(seen) + ";expires=250";
	account.contact = "";
	seen = ask({});
	grant(seen, mine);
	gate.advance(200);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, R1_retransmitted_request_and_answer)
{
	const std::string sent = request(account, "REGISTER", "", {{"Expires", "60"}});
	const std::string first = to_server(phone, sent);
	remember_where();
	EXPECT_EQ(to_server(phone, sent), first);
	const std::string answer = answer_at_server(first, 200, {"far", contact_of(first) + ";expires=60", "", {}, seen_at});
	const std::string got = to_phone(phone, answer);
	EXPECT_EQ(to_phone(phone, answer), got);
	gate.advance(55);
	EXPECT_TRUE(is_reachable());
	EXPECT_EQ(live_objects(SIPX_SLAB_REGISTRATION), 1u);
}

TEST_P(registration, R1_call_arrives_from_another_port_of_the_registrar)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(50);
	const endpoint other = map.outside(1, 5080);
	dialog d = dialog_of("bob", other, "sip:alice@example.com");
	d.target = "sip:alice@" + text_of(seen_at);
	const delivery got = gate.send(other, seen_at, request(d, "INVITE"));
	EXPECT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(request_uri_of(got.bytes), "sip:alice@" + text_of(phone));
}

TEST_P(registration, R19_phone_that_listens_elsewhere_gets_calls_there)
{
	const endpoint listens = map.inside(10, 5070);
	account = dialog_of("alice", listens, "sip:alice@example.com");
	account.target = "sip:example.com";
	account.via = text_of(listens);
	const std::string seen = ask({{"Expires", "60"}});
	const endpoint where = at(uri_of(contact_of(seen)).substr(10));
	EXPECT_NE(text_of(where), text_of(outer(phone)));
	// Its Via has no rport: the answer goes to where the Via says.
	const std::string answer = answer_at_server(seen, 200, {"far", contact_of(seen) + ";expires=60", "", {}, {}});
	const delivery got = gate.send(server, where, answer);
	EXPECT_TRUE(got.arrived_at(listens));
	EXPECT_EQ(line_of(got.bytes, "Via").find("SIP/2.0/UDP " + text_of(listens)), 0u) << got.bytes;
}

TEST_P(registration, R19_a_phone_that_changes_its_listening_port_again_and_again)
{
	for (u16 port = 6000; port < 6010; port++) {
		const endpoint listens = map.inside(10, port);
		dialog d = dialog_of("alice", listens, "sip:alice@example.com");
		d.target = "sip:example.com";
		const std::string seen = to_server(phone, request(d, "REGISTER", "", {{"Expires", "60"}}));
		const endpoint where = at(uri_of(contact_of(seen)).substr(10));
		to_phone(phone, answer_at_server(seen, 200, {"far", contact_of(seen) + ";expires=60", "", {}, outer(phone)}));
		dialog in = dialog_of("bob", server, "sip:alice@example.com");
		in.target = "sip:alice@" + text_of(where);
		const delivery got = gate.send(server, where, request(in, "OPTIONS"));
		EXPECT_TRUE(got.arrived_at(listens)) << port;
		EXPECT_EQ(request_uri_of(got.bytes), "sip:alice@" + text_of(listens));
	}
	EXPECT_LT(live_objects(SIPX_SLAB_BINDING), 5u);
}

TEST_P(registration, R9_a_listening_port_never_takes_the_place_of_another_phone)
{
	gate.rules.shift_ports = false;
	const endpoint plain = map.inside(11, 5060), sends = map.inside(12, 49152), listens = map.inside(12, 5060);
	for (const bool plain_first : {true, false}) {
		gate.end_all();
		std::string other;
		if (plain_first)
			register_phone(plain, "plain");
		account = dialog_of("cisco", listens, "sip:cisco@example.com");
		account.target = "sip:example.com";
		const std::string seen = to_server(sends, request(account, "REGISTER"));
		const endpoint where = at(uri_of(contact_of(seen)).substr(10));
		to_phone(sends, answer_at_server(seen, 200, {"far", contact_of(seen), "", {}, outer(sends)}));
		if (!plain_first)
			register_phone(plain, "plain");
		EXPECT_NE(text_of(where), text_of(outer(plain)));
		dialog d = dialog_of("bob", server, "sip:cisco@example.com");
		d.target = "sip:cisco@" + text_of(where);
		const delivery got = gate.send(server, where, request(d, "INVITE"));
		EXPECT_TRUE(got.arrived_at(listens)) << plain_first;
		EXPECT_EQ(request_uri_of(got.bytes), "sip:cisco@" + text_of(listens));
	}
}

TEST_P(registration, S3_unasked_answers_grant_nothing)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	const std::string good = answer_at_server(seen, 200, {"far", contact_of(seen) + ";expires=3600", "", {}, seen_at});
	const std::string branch = line_of(seen, "Via").substr(line_of(seen, "Via").find("branch=") + 7);
	to_phone(phone, with(good, branch, "z9hG4bKforged"));
	to_phone(phone, with(good, line_of(good, "Call-ID"), "forged"));
	to_phone(phone, with(good, "CSeq: 1 ", "CSeq: 2 "));
	to_phone(phone, with(good, "REGISTER", "OPTIONS"));
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 0u);
	EXPECT_EQ(gate.count(SIPX_COUNT_unmatched_response), 3u);
	EXPECT_EQ(gate.expectation_count(), 0u);
	to_phone(phone, good);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 1u);
}

TEST_P(registration, S3_another_server_grants_nothing)
{
	const std::string seen = ask({{"Expires", "60"}});
	const std::string good = answer_at_server(seen, 200, {"far", contact_of(seen) + ";expires=3600", "", {}, {}});
	const endpoint other = map.outside(2, 5060);
	gate.send(phone, other, "\r\n\r\n");	// there is a way in from the other
	const connection *way = gate.find(phone, other);
	ASSERT_TRUE(way);
	const delivery got = gate.send(other, way->reply.destination, good);
	EXPECT_TRUE(got.arrived_at(phone));
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 0u);
	EXPECT_EQ(gate.expectation_count(), 0u);
}

TEST_P(registration, S3_only_the_registrar_may_use_the_door)
{
	register_phone(phone, "alice");
	EXPECT_FALSE(gate.send(map.outside(2, 5060), outer(phone), "x").arrived());
	EXPECT_FALSE(gate.send(map.outside(2, 5060), map.router(5060), "x").arrived());
}

TEST_P(registration, S3_an_answer_long_after_the_transaction_grants_nothing)
{
	const std::string seen = ask({{"Expires", "3600"}});
	gate.rules.udp_timeout_s = 100;
	to_server(phone, "\r\n\r\n");
	gate.advance(40);
	const std::string late = answer_at_server(seen, 200, {"far", contact_of(seen), "", {}, {}});
	try_to_phone(phone, late);
	EXPECT_EQ(gate.count(SIPX_COUNT_registration_granted), 0u);
}

TEST_P(registration, R24_junk_costs_nothing)
{
	gate.send(phone, server, "GET / HTTP/1.1\r\n\r\n");
	gate.send(phone, server, std::string("\0\1\0\0\x21\x12\xa4\x42" "abcdefghijkl", 20));
	gate.send(phone, server, "\r\n\r\n");
	gate.send(phone, server, std::string(100, '\xff'));
	EXPECT_EQ(gate.count(SIPX_COUNT_keep_alive), 2u);
	EXPECT_EQ(gate.count(SIPX_COUNT_not_sip), 2u);
	EXPECT_EQ(live_objects(), 0u);
	gate.advance(6);
	EXPECT_EQ(gate.connection_count(), 0u);
}

TEST_P(registration, R24_junk_does_not_shorten_what_was_granted)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	gate.advance(3);
	gate.send(phone, server, "\r\n\r\n");
	gate.send(phone, server, "junk");
	gate.advance(50);
	EXPECT_TRUE(is_reachable());
}

TEST_P(registration, show_names_the_registration)
{
	const std::string seen = ask({{"Expires", "60"}});
	remember_where();
	grant(seen, contact_of(seen) + ";expires=60");
	const std::string text = gate.show_registrations();
	EXPECT_NE(text.find("live inside=" + text_of(phone) + " outside=" + text_of(seen_at) +
			    " registrar=" + text_of(server) + " expires=60\n"), text.npos) << text;
}

} // namespace core_test
