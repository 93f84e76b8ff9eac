// SPDX-License-Identifier: GPL-2.0
// Sends segments through the stream engine, in regions that callgrind counts: what it costs to
// follow a stream, without what is done with its messages. Run by bench/core-cost.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../tcp_stream.h"
#include "counted.h"

namespace {

constexpr u32 repeats = 16;
constexpr u32 client_isn = 1000, server_isn = 5000;

// One connection; its translator replaces "[[x]]".
class connection {
public:
	connection()
	{
		sip::stream_segment syn{};
		syn.syn = true;
		syn.seq = client_isn;
		carry(syn);
		syn.direction = 1;
		syn.has_ack = true;
		syn.seq = server_isn;
		syn.ack = client_isn + 1;
		carry(syn);
		ack(0);
	}
	~connection() { sip::end_stream(host(), stream_); }

	u32 carry(sip::stream_segment &in)
	{
		in.window = 1 << 20;
		CALLGRIND_TOGGLE_COLLECT;
		const sip::stream_answer out = sip::carry_segment(host(), stream_, in);
		CALLGRIND_TOGGLE_COLLECT;
		return out.seq + out.head.size() + out.ours.size() + out.tail.size();
	}
	// What it becomes is acknowledged later.
	void say(const std::string &bytes)
	{
		sip::stream_segment in{};
		in.has_ack = true;
		in.seq = client_isn + 1 + said_;
		in.ack = server_isn + 1;
		in.payload = {bytes.data(), static_cast<u32>(bytes.size())};
		said_ += static_cast<u32>(bytes.size());
		left_ = carry(in);
	}
	// A pure acknowledgement of either end.
	void ack(u8 direction)
	{
		sip::stream_segment in{};
		in.direction = direction;
		in.has_ack = true;
		in.seq = direction ? server_isn + 1 : client_isn + 1 + said_;
		in.ack = direction ? left_ : server_isn + 1;
		(void)carry(in);
	}
	bool is_untouched() const { return sip::is_untouched(stream_); }
	u32 messages = 0, changed = 0;

private:
	sip::stream_host host()
	{
		const auto take = [](void *, u32 size) { return malloc(size); };
		const auto give = [](void *, void *piece, u32) { free(piece); };
		const auto translate = [](void *context, u8, sip::stream_message &message) {
			auto *self = static_cast<connection *>(context);
			static const std::string longer(40, 'y');
			const size_t at = std::string(message.text().data(), message.text().size()).find("[[x]]");
			self->messages++;
			if (at != std::string::npos)
				self->changed += message.take({static_cast<u32>(at), 5, longer.data(), 40});
		};
		return {this, take, give, translate, [](void *, sip::stream_count) {}, 1 << 20, 32000};
	}

	sip::tcp_stream stream_{};
	u32 said_ = 0, left_ = client_isn + 1;
};

std::string invite(bool changes, size_t size)
{
	std::string text = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1\r\n";
	for (int i = 0; i < 10; i++)
		text += "X-Header-" + std::to_string(i) + ": as long as they are in a message\r\n";
	text += changes ? "Contact: <sip:[[x]]>\r\n" : "Contact: <sip:bob>\r\n";
	const std::string rest = "Content-Length: " + std::to_string(size - text.size() - 30) + "\r\n\r\n";
	text += rest;
	return text + std::string(size - text.size() - 30 + rest.size(), 'v');
}

bool fail(const std::string &name)
{
	fprintf(stderr, "%s: not what it is called\n", name.c_str());
	return false;
}

bool count_acks(const std::string &name, bool shifted, bool under_way)
{
	connection at;
	at.say(invite(shifted, 1000));
	at.ack(1);
	for (u32 i = 0; under_way && i < 4; i++)
		at.say(invite(true, 1000));
	CALLGRIND_ZERO_STATS;
	for (u32 i = 0; i < repeats; i++)
		at.ack(0);
	bench::dump(name, "stream", repeats, 0);
	return at.changed == shifted + (under_way ? 4u : 0u) || fail(name);
}

bool count_foreign()
{
	connection at;
	const std::string bytes(1000, 'x'), name = "data that are not SIP";
	at.say("GET / HTTP/1.1\r\n" + bytes);
	CALLGRIND_ZERO_STATS;
	for (u32 i = 0; i < repeats; i++)
		at.say(bytes);
	bench::dump(name, "stream", repeats, bytes.size());
	return at.is_untouched() || fail(name);
}

// One message in so many segments, and its acknowledgement.
bool count_message(const std::string &name, bool changes, size_t size, size_t cut)
{
	connection at;
	const u32 times = size > 2000 ? 1 : repeats;
	const std::string text = invite(changes, size);
	at.say(invite(false, 1000));
	at.ack(1);
	CALLGRIND_ZERO_STATS;
	for (u32 i = 0; i < times; i++) {
		for (size_t from = 0; from < text.size(); from += cut)
			at.say(text.substr(from, cut));
		at.ack(1);
	}
	bench::dump(name, "stream", times, text.size());
	return (at.messages == times + 1 && at.changed == (changes ? times : 0)) || fail(name);
}

} // namespace

int main()
{
	const bool good = count_acks("acknowledgement, idle", false, false) &&
			  count_acks("acknowledgement, shifted", true, false) &&
			  count_acks("acknowledgement, under way", true, true) && count_foreign() &&
			  count_message("INVITE unchanged", false, 1000, 1000) &&
			  count_message("INVITE changed", true, 1000, 1000) &&
			  count_message("INVITE in three segments", true, 1000, 400) &&
			  count_message("64 KB in segments of 1460", true, 65000, 1460) &&
			  count_message("64 KB in segments of 1", true, 65000, 1);
	return good ? 0 : 1;
}
