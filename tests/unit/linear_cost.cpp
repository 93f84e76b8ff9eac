// SPDX-License-Identifier: GPL-2.0
// S8: what a message costs in the whole helper, over the fake kernel, in steps of the core: basic
// blocks entered and bytes copied. Counted, not timed, so that it is the same in every run.
#include <gtest/gtest.h>

#include <cstring>

#include "../cases/worst_inputs.h"
#include "../fake/router.h"
#include "../fake/tcp_line.h"

namespace {

u64 steps;

} // namespace

extern "C" {
void __sanitizer_cov_trace_pc() { steps++; }
void *counted_memcpy(void *to, const void *from, size_t size)
{
	steps += size;
	return memcpy(to, from, size);
}
void *counted_memmove(void *to, const void *from, size_t size)
{
	steps += size;
	return memmove(to, from, size);
}
void *counted_memset(void *to, int byte, size_t size)
{
	steps += size;
	return memset(to, byte, size);
}
int counted_memcmp(const void *one, const void *other, size_t size)
{
	steps += size;
	return memcmp(one, other, size);
}
}

namespace {

using namespace fake;
using sip_cases::repeat;
using sip_cases::with;

// Twice as much may cost a tenth more than twice.
constexpr double most_growth = 2.2;
// And no input may be dear: a kilobyte of INVITE with SDP takes about 3 a byte.
constexpr u64 most_per_byte = 20, most_once = 30000;

// What each SDP begins with: with an address that is translated.
const std::string session = CASE_V0 "c=IN IP4 10.0.0.10\r\n";

// As many places that are translated as one message can have, spread over the whole of it.
std::vector<std::string> translated_inputs(size_t size)
{
	const std::string contact = "m: <sip:a@10.0.0.10:5060>\r\n", via = "v: SIP/2.0/UDP 10.0.0.10\r\n";
	const std::string media = "m=audio 20000 RTP/AVP 0\r\n", candidate = "a=candidate:1 1 UDP 1 10.0.0.10 20000 typ host\r\n";
	const auto padded = [size](const std::string &line, size_t count) {
		return repeat(line + "X: " + std::string(size / count - line.size() - 5, 'x') + "\r\n", count);
	};
	const auto padded_sdp = [size](const std::string &line, size_t count) {
		return repeat(line + "a=" + std::string(size / count - line.size() - 4, 'x') + "\r\n", count);
	};
	const auto sdp = [](const std::string &text) { return sip_cases::with_sdp(text, session); };
	return {
		with(padded(contact, 100)),
		with(padded(via, 100)),
		with(padded("Record-Route: <sip:10.0.0.10;lr>\r\n", 100)),
		with(padded("P-Asserted-Identity: <sip:a@10.0.0.10>\r\n", 100)),
		sdp(padded_sdp(media, 60)),
		sdp(media + padded_sdp(candidate, 100)),
		sdp(padded_sdp(media + "a=rtcp:20001 IN IP4 10.0.0.10\r\n", 50)),
		with("Contact: " + repeat("<sip:10.0.0.10>,", 100) + "<sip:" + std::string(size, 'h') + ">\r\n"),
		with("l: " + std::to_string(size) + "\r\nm: <sip:10.0.0.10>\r\n") + std::string(size, 'x'),
	};
}

std::vector<std::string> inputs(size_t size)
{
	std::vector<std::string> all = sip_cases::worst_inputs(size, session);
	for (const std::string &text : translated_inputs(size))
		all.push_back(text);
	return all;
}

const endpoint phone = at("10.0.0.10:5060"), server = at("198.51.100.1:5060");
endpoint over_tcp(const endpoint &e) { return sip::with_protocol(e, SIPX_TCP); }

u64 cost_from_inside(const std::string &text)
{
	router gate;
	gate.send(phone, server, "\r\n\r\n");
	const u64 before = steps;
	EXPECT_TRUE(gate.send(phone, server, text).arrived());
	return steps - before;
}

// The second time it is a retransmission.
u64 cost_of_another(const std::string &text)
{
	router gate;
	gate.send(phone, server, text);
	const u64 before = steps;
	EXPECT_TRUE(gate.send(phone, server, text).arrived());
	return steps - before;
}

u64 cost_from_outside(const std::string &text)
{
	router gate;
	gate.send(phone, server, "\r\n\r\n");
	const u64 before = steps;
	EXPECT_TRUE(gate.send(server, gate.find(phone, server)->reply.destination, text).arrived());
	return steps - before;
}

u64 cost_in_segments(const std::string &text, size_t size)
{
	router gate;
	tcp_line line(gate, over_tcp(phone), over_tcp(server));
	gate.emitted = [&line](const arrival &one) { line.deliver(one); };
	EXPECT_TRUE(line.connect());
	const u64 before = steps;
	line.say(true, text, {size});
	const u64 took = steps - before;
	gate.emitted = nullptr;
	return took;
}

u64 cost_over_tcp(const std::string &text) { return cost_in_segments(text, 1460); }
u64 cost_in_pieces(const std::string &text) { return cost_in_segments(text, 100); }

// Prints the dearest of a way, and fails where the cost is not linear.
void expect_linear(const char *way, u64 (*cost)(const std::string &))
{
	constexpr size_t half = 32000;
	const std::vector<std::string> small = inputs(half), large = inputs(2 * half);
	double most = 0, growth = 0;
	for (size_t i = 0; i < small.size(); i++) {
		const u64 one = cost(small[i]), two = cost(large[i]);
		const std::string what = large[i].substr(0, 300);
		EXPECT_LE(static_cast<double>(two), most_growth * static_cast<double>(one)) << way << ": " << one << " and " << two << "\n"
											    << what;
		EXPECT_LE(two, most_once + most_per_byte * large[i].size()) << way << "\n"
									    << what;
		most = std::max(most, static_cast<double>(two) / static_cast<double>(large[i].size()));
		growth = std::max(growth, static_cast<double>(two) / static_cast<double>(one));
	}
	std::printf("# %s: %zu inputs, at most %.1f steps a byte, twice the size costs at most %.2f times\n", way, small.size(), most, growth);
}

TEST(linear_cost, S8_64_KB_from_inside) { expect_linear("from inside", cost_from_inside); }
TEST(linear_cost, S8_64_KB_once_more) { expect_linear("once more", cost_of_another); }
TEST(linear_cost, S8_64_KB_from_outside) { expect_linear("from outside", cost_from_outside); }
TEST(linear_cost, S8_64_KB_over_TCP) { expect_linear("over TCP", cost_over_tcp); }
TEST(linear_cost, S8_64_KB_over_TCP_in_small_segments) { expect_linear("over TCP, 100 bytes each", cost_in_pieces); }

// The counter counts: what is known to be quadratic is found out.
std::string request(const std::string &contact)
{
	return "OPTIONS sip:x@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.10:5060;branch=z9hG4bKl\r\nFrom: <sip:a@example.com>;tag=1\r\n"
	       "To: <sip:x@example.com>\r\nCall-ID: linear@10.0.0.10\r\nCSeq: 1 OPTIONS\r\nContact: <sip:a@" + contact + ">\r\nContent-Length: 0\r\n\r\n";
}

// Each of which names another port than it sends from, and is remembered for that.
void crowd(router &gate, u32 connections)
{
	gate.rules.expectations_max = 0;
	for (u32 n = 0; n < connections; n++) {
		const std::string host = "10.0.1." + std::to_string(1 + n / 500);
		const std::string from = host + ":" + std::to_string(6000 + n % 500), listens = host + ":" + std::to_string(20000 + n % 500);
		std::string text = request(listens);
		text.replace(text.find("10.0.0.10:5060"), 14, from);
		gate.send(at(from), server, text);
	}
	ASSERT_GE(fake::live_objects(SIPX_SLAB_CONNECTION), connections);
}

u64 cost_in_a_crowd(u32 connections)
{
	router gate;
	crowd(gate, connections);
	const u64 before = steps;
	EXPECT_TRUE(gate.send(phone, server, request("10.0.0.10:7777")).arrived());
	return steps - before;
}

// Over TCP the port of the phone's own datagrams to the same server is looked for.
u64 tcp_cost_in_a_crowd(u32 connections)
{
	router gate;
	gate.send(phone, server, request("10.0.0.10:7777"));
	crowd(gate, connections);
	tcp_line line(gate, over_tcp(phone), over_tcp(server));
	EXPECT_TRUE(line.connect());
	const u64 before = steps;
	std::string text = request("10.0.0.10:5060");
	text.replace(text.find("/UDP"), 4, "/TCP");
	line.say(true, text, {});
	return steps - before;
}

void expect_no_walk(u64 (*cost)(u32))
{
	const u64 alone = cost(10), crowded = cost(4000);
	printf("# among 10 connections %llu steps, among 4000 %llu\n", alone, crowded);
	EXPECT_LT(crowded, alone + 500);
}

TEST(linear_cost, S8_a_port_to_listen_at_among_many_connections) { expect_no_walk(cost_in_a_crowd); }
TEST(linear_cost, S8_a_port_of_datagrams_over_TCP_among_many_connections) { expect_no_walk(tcp_cost_in_a_crowd); }

TEST(linear_cost, S8_the_counter_counts)
{
	const u64 before = steps;
	cost_from_inside(with(""));
	const u64 little = steps - before;
	EXPECT_GT(little, 500u);
	EXPECT_EQ(cost_from_inside(with("")), cost_from_inside(with("")));
}

} // namespace
