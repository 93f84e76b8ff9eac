// SPDX-License-Identifier: GPL-2.0
// The bounds of the parser: sizes, capacities, numbers, and inputs that are made to cost
// (S7, S8, S9), with the small routines under it checked against the C library's.
#include "tests/cases/check_view.h"
#include "tests/cases/parse_cases.h"
#include "tests/cases/worst_inputs.h"

#include <random>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "guard_page.h"

namespace {

using sip::parse_error;

sip::message_view view;

parse_error parse(const std::string &text)
{
	return sip::parse({text.data(), u32(text.size())}, view);
}

using sip_cases::repeat;
using sip_cases::with;
using sip_cases::with_sdp;

sip::cursor cursor_of(const std::string &text)
{
	return {text.data(), text.data() + text.size()};
}

TEST(S9_number, limits)
{
	const struct {
		const char *text;
		u32 limit;
		bool good;
		u32 value;
	} cases[] = {
		{"0", 65535, true, 0},		    {"65535", 65535, true, 65535},
		{"65536", 65535, false, 65535},	    {"2147483648", ~0u, true, 2147483648u},
		{"4294967295", ~0u, true, ~0u},	    {"4294967296", ~0u, false, ~0u},
		{"4294967328", 65535, false, 65535}, {"18446744073709551616", ~0u, false, ~0u},
		{"9999999999999999999999999999999999999999", ~0u, false, ~0u},
		{"0000000000000000000000000000000000000007", 65535, true, 7},
		{"", 65535, false, 0},		    {"-1", 65535, false, 0},
		{"+1", 65535, false, 0},	    {" 1", 65535, false, 0},
		{"1 ", 65535, true, 1},
	};
	for (const auto &test : cases) {
		const std::string text = test.text;
		sip::cursor at = cursor_of(text);
		u32 value;

		EXPECT_EQ(sip::read_number(at, test.limit, value), test.good) << text;
		EXPECT_EQ(value, test.value) << text;
	}
}

TEST(parse_bytes, find_byte_at_every_alignment_before_a_guard_page)
{
	guard_page memory(4096);

	for (u32 length = 0; length < 40; length++) {
		for (u32 where = 0; where <= length; where++) {
			// Neighbours of the wanted byte and its high bit provoke false hits.
			std::string text(length, '\x0b');
			for (u32 i = 0; i < length; i += 3)
				text[i] = char(i % 2 ? 0x8a : 0x09);
			if (where < length)
				text[where] = '\n';
			const char *at = memory.place(text.data(), length);
			EXPECT_EQ(sip::find_byte(at, at + length, '\n'), at + where);
		}
	}
}

TEST(parse_bytes, words_match_in_any_case_and_nothing_else)
{
	const std::string word = "content-length";

	for (size_t i = 0; i < word.size(); i++) {
		for (u32 byte = 0; byte < 256; byte++) {
			std::string text = word;
			text[i] = char(byte);
			const bool same = tolower(int(byte)) == word[i];
			EXPECT_EQ(cursor_of(text).is<"content-length">(), same) << i << " " << byte;
		}
	}
	EXPECT_FALSE(cursor_of("content-lengt").is<"content-length">());
	EXPECT_TRUE(cursor_of("TAG").is<"tag">());
	EXPECT_FALSE(cursor_of("tagg").is<"tag">());
}

// Our reading of IPv6 is the C library's; IPv4 too, but for leading zeros, which RFC 3261
// 25.1 allows.
TEST(parse_ip, agrees_with_inet_pton)
{
	std::mt19937 random(4475);
	const char alphabet[] = "0123456789abcdefABCDEF::::....g";
	u32 good = 0;

	for (u32 i = 0; i < 400000; i++) {
		std::string text;
		u8 expected[16] = {};
		const bool v4 = i % 4 == 0;

		for (u32 n = random() % (v4 ? 18 : 42); n; n--) {
			if (v4)
				text += "0123456789.."[random() % 12];
			else if (random() % 3)
				text += ':';
			else
				text += alphabet[random() % (sizeof(alphabet) - 1)];
		}
		if (v4 && (text[0] == '0' || text.find(".0") != std::string::npos))
			continue;
		const bool is_v4 = inet_pton(AF_INET, text.c_str(), expected) == 1;
		const bool is_v6 = !is_v4 && inet_pton(AF_INET6, text.c_str(), expected) == 1;
		const sip::ip_address address = sip::parse_ip(cursor_of(text));
		ASSERT_EQ(address.family, is_v4 ? 4 : is_v6 ? 6 : 0) << text;
		good += address.family != 0;
		if (address) {
			ASSERT_EQ(memcmp(address.bytes, expected, 16), 0) << text;
		}
	}
	EXPECT_GT(good, 100u);
}

TEST(parse_ip, reads_back_what_inet_ntop_writes)
{
	std::mt19937 random(5118);

	for (u32 i = 0; i < 100000; i++) {
		u8 bytes[16];
		char text[INET6_ADDRSTRLEN];

		for (u8 &byte : bytes)
			byte = random() % 3 ? 0 : u8(random());
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
		const sip::ip_address address = sip::parse_ip(cursor_of(text));
		ASSERT_EQ(address.family, 6) << text;
		ASSERT_EQ(memcmp(address.bytes, bytes, 16), 0) << text;
	}
}

TEST(R22_parse_size, the_largest_datagram_and_one_byte_more)
{
	std::string text = with("");

	text += std::string(65535 - text.size(), 'x');
	ASSERT_EQ(parse(text), parse_error::none);
	EXPECT_EQ(view.end, 65535);
	EXPECT_EQ(parse(text + "x"), parse_error::length);
}

TEST(S7_parse_capacity, addresses)
{
	const std::string contact = "m: <sip:10.0.0.1>\r\n";

	ASSERT_EQ(parse(with(repeat(contact, sip::max_addresses))), parse_error::none);
	EXPECT_EQ(view.address_count, sip::max_addresses);
	EXPECT_EQ(parse(with(repeat(contact, sip::max_addresses + 1))), parse_error::too_many_addresses);
}

TEST(S7_parse_capacity, values)
{
	const std::string pair = "v: SIP/2.0/UDP h.example\r\nm: <sip:h.example>\r\n";

	// One Via is in every message.
	ASSERT_EQ(parse(with(repeat(pair, (sip::max_message_values - 1) / 2))), parse_error::none);
	EXPECT_EQ(view.address_count, 0);
	EXPECT_EQ(view.via_count, 1 + (sip::max_message_values - 1) / 2);
	EXPECT_EQ(view.contact_count, (sip::max_message_values - 1) / 2);
	EXPECT_EQ(parse(with(repeat(pair, sip::max_message_values / 2))), parse_error::too_many_addresses);
}

TEST(S7_parse_capacity, connection_lines)
{
	EXPECT_EQ(parse(with_sdp(repeat("c=IN IP4 h.example\r\n", 300))), parse_error::too_many_addresses);
}

TEST(S7_parse_capacity, streams)
{
	const std::string media = "m=audio 5004 RTP/AVP 0\r\n";

	ASSERT_EQ(parse(with_sdp(repeat(media, sip::max_streams))), parse_error::none);
	EXPECT_EQ(view.stream_count, sip::max_streams);
	EXPECT_EQ(parse(with_sdp(repeat(media, sip::max_streams + 1))), parse_error::too_many_streams);
}

TEST(S7_parse_capacity, bundled_mids)
{
	ASSERT_EQ(parse(with_sdp("a=group:BUNDLE" + repeat(" a", 64) + "\r\n")), parse_error::none);
	EXPECT_EQ(parse(with_sdp("a=group:BUNDLE" + repeat(" a", 65) + "\r\n")),
		  parse_error::too_many_streams);
}

// Whatever parse() says of inputs that are made to cost, it reads nothing behind them, and a view that it
// gives keeps its promises. What they cost is counted elsewhere (linear_cost.cpp, bench/parser-cost).
TEST(S8_worst_inputs, sixty_four_kilobytes_of_anything)
{
	const size_t size = 65000;
	guard_page memory(2 * size);
	u32 accepted = 0;

	for (const std::string &text : sip_cases::worst_inputs(size)) {
		const sip::text_view bytes{memory.place(text.data(), text.size()), u32(text.size())};

		EXPECT_GT(text.size(), size / 2) << text.substr(0, 300);
		if (sip::parse(bytes, view) != parse_error::none)
			continue;
		accepted++;
		EXPECT_STREQ(sip_cases::check_view(bytes, view), nullptr) << text.substr(0, 300);
	}
	EXPECT_GT(accepted, 10u);
}

} // namespace
