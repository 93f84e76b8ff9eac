// SPDX-License-Identifier: GPL-2.0
// A model of a TCP endpoint for the tests of the stream engine: as strict as a standard
// allows, with the habits that real ones have.
#ifndef SIP_EXT_TESTS_STREAM_PEER_H
#define SIP_EXT_TESTS_STREAM_PEER_H

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tcp_stream.h"

namespace model {

// What decides by chance: a seed alone, or before that the input of a fuzzer, two bytes a throw.
class dice {
public:
	dice(u32 seed, std::string script = "") : random_(seed), script_(std::move(script)) {}

	u32 operator()()
	{
		if (script_.size() - at_ < 2)
			return static_cast<u32>(random_());
		at_ += 2;
		return static_cast<u8>(script_[at_ - 2]) | u32{static_cast<u8>(script_[at_ - 1])} << 8;
	}

private:
	std::mt19937 random_;
	std::string script_;
	size_t at_ = 0;
};

struct packet {
	u32 seq = 0, ack = 0, window = 0;
	bool syn = false, fin = false, rst = false, has_ack = false, urgent = false;
	std::vector<sip::stream_range> sacks;
	std::string data;
};

struct habits {
	u32 mss = 1460;
	u32 buffer = 65535;		// of the receiver
	u32 isn = 1;
	u32 flight = 14600;		// congestion window, fixed
	u32 delayed_ack_ms = 40;	// 0: none
	u32 read_every_ms = 0;		// 0: the application reads at once
	u32 keep_alive_ms = 0;
	bool nagle = true;
	bool sack = false;
	bool duplicate_sack = true;	// RFC 2883
	bool wait_each_ack = false;	// as some phones: one segment under way
	bool strict = false;		// nothing is read from a segment that is not acceptable
	bool go_back = false;		// after a timeout everything is sent again; else by RFC 6582
	bool recut = true;		// what is sent again is cut anew
	bool probe_with_data = false;	// window probes and keep-alives have a byte
};

class peer {
public:
	peer(const habits &how, dice &random) : how_(how), random_(random) {}

	std::function<void(packet)> send;	// to the network

	void connect(u32 now, const std::string &early = "");
	void receive(const packet &in, u32 now);
	// The application.
	void write(const std::string &bytes, u32 now);
	void close(u32 now);
	void abort(u32 now);

	u32 next_timer() const;
	void on_timer(u32 now);

	const std::string &received() const { return received_; }
	bool all_acked() const { return una_ == end(); }
	bool saw_fin() const { return saw_fin_; }
	bool has_read_all() const { return unread_.empty(); }
	bool was_reset() const { return reset_; }
	bool established() const { return established_; }
	u32 broken() const { return broken_; }
	std::string state() const;

private:
	u64 end() const { return out_.size() + (closed_ ? 1 : 0); }
	u32 wire(u64 offset) const { return how_.isn + 1 + static_cast<u32>(offset); }
	u64 unwire(u32 seq, u64 near) const;
	u64 edge() const { return in_next_ + how_.buffer - unread_.size(); }
	u32 chance(u32 below) { return below ? random_() % below : 0; }

	packet blank() const;
	void send_syn(u32 now);
	void send_range(u64 from, u64 to, u32 now);
	u64 send_again(u64 from, u32 now);
	void push(u32 now);
	void send_ack(u32 now);
	void take_handshake(const packet &in, u32 now);
	void take_ack(const packet &in, u64 from, u32 now);
	void take_sacks(const packet &in);
	bool take_data(const packet &in, u64 from, u32 now);
	void in_order(u32 now);
	void read_all(u32 now);
	void arm(u32 now) { timer_ = now + rto_; }

	habits how_;
	dice &random_;
	// sending
	std::string out_, early_;
	u64 una_ = 0, next_ = 0, highest_ = 0, recover_ = 0, window_edge_ = 0, last_seq_ = 0;
	std::map<u64, u64> sacked_;
	u32 rto_ = 200, timer_ = 0, duplicates_ = 0, idle_timer_ = 0;
	bool closed_ = false, started_ = false, established_ = false, is_client_ = false;
	// receiving
	u32 peer_isn_ = 0;
	u64 in_next_ = 0, told_edge_ = 0, fin_at_ = ~0ull;
	std::map<u64, std::string> ahead_;
	std::string received_, unread_;
	sip::stream_range again_ = {};	// what came again, for RFC 2883
	u32 answer_again_ = 0, ack_timer_ = 0, read_timer_ = 0, unacked_segments_ = 0;
	bool saw_fin_ = false, reset_ = false, has_peer_ = false;
	u32 broken_ = 0;
};

} // namespace model

#endif
