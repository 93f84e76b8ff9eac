// SPDX-License-Identifier: GPL-2.0
// Two peers, a network that treats segments badly, and the stream engine between them. The
// time is a number, and everything follows from the seed.
#ifndef SIP_EXT_TESTS_STREAM_WORLD_H
#define SIP_EXT_TESTS_STREAM_WORLD_H

#include <cstdlib>
#include <memory>
#include <queue>

#include "stream_peer.h"

namespace model {

// What a message becomes: "[[+60 ...]]" in it is replaced by as much text as the number says
// more (or less). Without such a mark it stays as it is.
std::string translate(const std::string &message);
std::string make_message(u32 number, u32 body, int growth, bool response = false);

struct weather {
	u32 loss = 0, duplication = 0, reordering = 0;	// percent, of each of four links
	u32 delay_ms = 5;
	u32 jitter_ms = 0;	// of a reordered segment
	u32 emission_loss = 0;	// percent: emissions that cannot be made
	u32 memory_loss = 0;	// percent: no memory
	u32 split = 1460;	// what leaves the engine is cut to these
};

struct trouble {
	u32 segments = 0;
	u32 emissions = 0;
	u64 counts[static_cast<u32>(sip::stream_count::counts)] = {};
	u64 of(sip::stream_count what) const { return counts[static_cast<u32>(what)]; }
};

class world {
public:
	world(dice random, const weather &sky, const habits &client, const habits &server);
	~world();

	peer &client() { return peers_[0]; }
	peer &server() { return peers_[1]; }
	// Applications write what they have at such times.
	void later(u32 delay_ms, std::function<void()> what);
	void connect(const std::string &early = "") { peers_[0].connect(now_, early); }
	// Until nothing happens any more, `done` is true, or so much time has passed.
	bool run(u32 limit_ms, const std::function<bool()> &done);

	// Data so far ahead of what an end has sent, as if they came from it.
	void forge(u8 direction, u32 ahead, const std::string &bytes);

	u32 now() const { return now_; }
	const trouble &seen() const { return seen_; }
	const std::string &error() const { return error_; }
	std::string state() const;
	sip::tcp_stream &stream() { return stream_; }
	u32 pieces() const { return pieces_; }
	// What the engine said to the translator of each message that it would change.
	const std::vector<bool> &answers(u8 direction) const { return answers_[direction]; }
	dice &random() { return random_; }

	u32 max_bytes = 256 * 1024;
	u32 max_held_ms = 600000;
	bool skip_syn = false;	// the engine sees the connection in the middle only
	bool plain = false;	// there is no engine
	// What the engine lets out, for tests that look.
	std::function<void(u8 direction, const packet &)> watch;

private:
	struct event {
		u32 when;
		u64 order;
		std::function<void()> what;
		bool operator<(const event &other) const
		{
			return when != other.when ? when > other.when : order > other.order;
		}
	};
	bool luck(u32 percent) { return percent && random_() % 100 < percent; }
	void travel(u8 direction, packet p, bool second_link);
	void arrive(u8 direction, const packet &p, bool second_link);
	void through_engine(u8 direction, const packet &p);
	void leave(u8 direction, const packet &p);
	void emit(const sip::stream_emission &emission);
	void tick();
	void check_promises();
	void check(bool good, const char *what);
	void trace(const char *what, u8 direction, const packet &p) const;
	sip::stream_host host();

	dice random_;
	weather sky_;
	std::vector<peer> peers_;
	sip::tcp_stream stream_{};
	std::priority_queue<event> events_;
	u64 order_ = 0;
	u32 now_ = 1000;
	u32 pieces_ = 0;
	const bool tracing_ = getenv("STREAM_TRACE");
	trouble seen_;
	std::string error_, rendered_;
	std::vector<bool> answers_[2];
};

} // namespace model

#endif
