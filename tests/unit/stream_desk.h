// SPDX-License-Identifier: GPL-2.0
// The stream engine on a desk: one segment in, and what leaves is looked at.
#ifndef SIP_EXT_TESTS_STREAM_DESK_H
#define SIP_EXT_TESTS_STREAM_DESK_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "stream_world.h"

namespace model {

inline constexpr u32 client_isn = 0u - 100, server_isn = 5000;	// the client's wrap around

class desk {
public:
	~desk()
	{
		sip::end_stream(host(), stream);
		EXPECT_EQ(live, 0u);
	}

	sip::stream_segment segment(u8 direction, u32 seq, u32 ack, const std::string &bytes = "")
	{
		bytes_ = bytes;
		sip::stream_segment out{};
		out.direction = direction;
		out.seq = (direction ? server_isn : client_isn) + 1 + seq;
		out.ack = (direction ? client_isn : server_isn) + 1 + ack;
		out.has_ack = true;
		out.window = 60000;
		out.payload = {bytes_.data(), static_cast<u32>(bytes_.size())};
		return out;
	}
	// Positions of the answer count from the first byte.
	void carry(const sip::stream_segment &in)
	{
		last = sip::carry_segment(host(), stream, in);
		seq = last.seq - (in.direction ? server_isn : client_isn) - 1;
		ack = last.ack - (in.direction ? client_isn : server_isn) - 1;
		out.assign(last.head.data(), last.head.size());
		out.append(last.ours.data(), last.ours.size());
		out.append(last.tail.data(), last.tail.size());
	}
	void say(u32 at, const std::string &bytes) { carry(segment(0, at, 0, bytes)); }
	void hear(u32 at) { carry(segment(1, 0, at)); }
	void shake_hands(u32 client = client_isn, u32 server = server_isn, u32 window = 60000)
	{
		sip::stream_segment syn{};
		syn.syn = true;
		syn.seq = client;
		syn.window = window;
		carry(syn);
		syn.direction = 1;
		syn.has_ack = true;
		syn.seq = server;
		syn.ack = client + 1;
		carry(syn);
		syn = {};
		syn.has_ack = true;
		syn.seq = client + 1;
		syn.ack = server + 1;
		syn.window = 60000;
		carry(syn);
	}
	sip::stream_host host()
	{
		const auto take = [](void *context, u32 size) {
			auto *self = static_cast<desk *>(context);
			self->live += size;
			self->most = std::max(self->most, self->live);
			self->pieces++;
			return malloc(size);
		};
		const auto give = [](void *context, void *piece, u32 size) {
			static_cast<desk *>(context)->live -= size;
			free(piece);
		};
		const auto change = [](void *context, u8, sip::stream_message &message) {
			auto *self = static_cast<desk *>(context);
			const std::string before(message.text().data(), message.text().size());
			self->made_ = translate(before);
			const u32 size = static_cast<u32>(self->made_.size());
			const u32 at = self->from;
			if (self->made_ != before)
				self->taken = message.take(
					{at, message.text().size() - at, self->made_.data() + at, size - at});
		};
		const auto count = [](void *context, sip::stream_count what) {
			static_cast<desk *>(context)->counts[static_cast<u32>(what)]++;
		};
		return {this, take, give, change, count, 250000, 32000};
	}
	u32 counted(sip::stream_count what) const { return counts[static_cast<u32>(what)]; }

	sip::tcp_stream stream{};
	sip::stream_answer last{};
	std::string out;
	u32 seq = 0, ack = 0;
	u32 from = 1;	// where the translator's edits begin
	bool taken = false;
	u32 counts[static_cast<u32>(sip::stream_count::counts)] = {};
	u32 live = 0, most = 0, pieces = 0;	// memory, and how often

private:
	std::string bytes_, made_;
};

} // namespace model

#endif
