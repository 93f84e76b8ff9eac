// SPDX-License-Identifier: GPL-2.0
// The stream engine (S10, T1 to T6), two ways. Between two liars: segments with any numbers, cut
// from a stream that is SIP now and then. What must hold whatever they say: memory, bounds, and
// that bytes of one position are always the same. And between two honest ends whose habits and
// network the input decides: what each reads is exactly what the other wrote, translated.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "tcp_stream.h"
#include "tests/unit/stream_play.h"

namespace {

void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

class script {
public:
	script(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}
	bool done() const { return at_ == end_; }
	u8 byte() { return done() ? 0 : *at_++; }
	u32 word() { return byte() | u32{byte()} << 8 | u32{byte()} << 16 | u32{byte()} << 24; }

private:
	const uint8_t *at_, *end_;
};

const char *const pieces[] = {
	"INVITE sip:a@b SIP/2.0\r\n", "SIP/2.0 200 OK\r\n", "Via: x\r\n", "Content-Length: 5\r\n", "l : 7\r\n", "\r\n", "hello",
	"Contact: [[x]]\r\n", "\r\n\r\n", "l:\r\n 3\r\n", "Content-Length: 99999999999\r\n", "GET / HTTP/1.1\r\n", "REGISTER sip:c SIP/2.0\r\nl:0\r\n\r\n",
	"l: 40000\r\n\r\n", "[[x]]", "x",
};

class liars {
public:
	liars(const uint8_t *data, size_t size) : script_(data, size)
	{
		const u8 shape = script_.byte();
		max_bytes_ = shape & 1 ? 4000 : 200000;
		fail_ = shape & 2 ? script_.byte() : 0;
		growth_ = shape & 4 ? 1500 : shape & 8 ? -4 : 9;
		for (u32 side = 0; side < 2; side++) {
			first_[side] = shape & 16 ? 0u - 50 : script_.word();
			while (text_[side].size() < 3000 && !script_.done() && script_.byte() % 16)
				text_[side] += pieces[script_.byte() % 16];
		}
		if (shape & 32)
			text_[0].insert(text_[0].size() / 2, std::string(12000, 'y'));
	}
	~liars()
	{
		sip::end_stream(host(), stream_);
		must(live_ == 0, "memory is left behind");
	}

	void run()
	{
		if (script_.byte() % 8) {
			open();
		}
		for (u32 step = 0; step < 400 && !script_.done(); step++) {
			now_ += script_.byte();
			if (script_.byte() % 16)
				act();
			else
				tick();
		}
	}

private:
	sip::stream_host host()
	{
		const auto take = [](void *context, u32 size) -> void * {
			auto *self = static_cast<liars *>(context);
			if (self->fail_ && ++self->asked_ % self->fail_ == 0)
				return nullptr;
			self->live_++;
			return malloc(size);
		};
		const auto give = [](void *context, void *piece, u32) {
			static_cast<liars *>(context)->live_--;
			free(piece);
		};
		const auto translate = [](void *context, u8, sip::stream_message &message) {
			auto *self = static_cast<liars *>(context);
			const std::string text(message.text().data(), message.text().size());
			const size_t at = text.find("[[x]]");
			if (at == std::string::npos)
				return;
			const bool taken = message.take({static_cast<u32>(at), 5, self->long_.data(),
							 static_cast<u32>(5 + self->growth_)});
			self->translated_ += taken;
			if (!taken && text != std::string(message.text().data(), message.text().size()))
				abort();
		};
		const auto count = [](void *context, sip::stream_count what) {
			static_cast<liars *>(context)->translated_ -= what == sip::stream_count::translated;
		};
		return {this, take, give, translate, count, max_bytes_, 3000};
	}

	void open()
	{
		sip::stream_segment syn{};
		syn.syn = true;
		syn.seq = first_[0];
		syn.window = 60000;
		carry(syn);
		syn.direction = 1;
		syn.has_ack = true;
		syn.seq = first_[1];
		syn.ack = first_[0] + 1;
		carry(syn);
		syn = {};
		syn.has_ack = true;
		syn.seq = first_[0] + 1;
		syn.ack = first_[1] + 1;
		syn.window = 60000;
		carry(syn);
	}

	u32 position(u32 side, u8 how)
	{
		const u32 base = first_[side] + 1;
		switch (how % 4) {
		case 0:
			return base + script_.byte();
		case 1:
			return base + (script_.byte() | u32{script_.byte()} << 8);
		case 2:
			return next_[side] + base;
		default:
			return how < 240 ? stream_.flows[side].in_end - script_.byte() % 4 : script_.word();
		}
	}

	void act()
	{
		sip::stream_segment in{};
		const u8 flags = script_.byte(), how = script_.byte();
		in.direction = flags & 1;
		in.has_ack = true;
		in.fin = (flags & 0x1e) == 0x1e;
		in.rst = (flags & 0x3e) == 0x2c;
		in.syn = (flags & 0x3e) == 0x32;
		in.urgent = (flags & 0x3e) == 0x22;
		in.seq = position(in.direction, how);
		in.window = how & 1 ? 65535 : script_.byte() * 64u;
		in.now_ms = now_;
		const sip::stream_flow &other = stream_.flows[!in.direction];
		if (how & 4)
			in.ack = other.out_sent;
		else
			in.ack = how & 8 ? other.out_acked + script_.byte() * 8u : position(!in.direction, how >> 4);
		in.sack_count = script_.byte() % 5;
		for (u32 i = 0; i < in.sack_count; i++) {
			in.sacks[i].left = in.ack + script_.byte();
			in.sacks[i].right = in.sacks[i].left + script_.byte();
		}
		const std::string &text = text_[in.direction];
		const u32 offset = in.seq - first_[in.direction] - 1;
		std::string payload;
		if (offset < text.size())
			payload = text.substr(offset, script_.byte() * (flags & 0x40 ? 1u : 40u));
		next_[in.direction] = offset + static_cast<u32>(payload.size());
		const std::unique_ptr<char[]> exact(new char[payload.size()]);
		memcpy(exact.get(), payload.data(), payload.size());
		in.payload = {exact.get(), static_cast<u32>(payload.size())};
		carry(in);
	}

	void carry(const sip::stream_segment &in)
	{
		const sip::stream_flow &flow = stream_.flows[in.direction];
		const u32 began = flow.first;
		const bool known = flow.started;
		const sip::stream_answer out = sip::carry_segment(host(), stream_, in);
		std::string left(out.head.data(), out.head.size());
		left.append(out.ours.data(), out.ours.size());
		left.append(out.tail.data(), out.tail.size());
		must(out.head.size() + out.tail.size() <= in.payload.size(), "more of the payload than there is");
		must(left.size() <= 65535 - 120, "larger than a packet");
		must(translated_ == 0, "the translator was told something else than what left");
		must(!out.fin || in.fin, "FIN out of nothing");
		must(!out.same_payload || left.empty() || left.size() == in.payload.size(), "not the same payload");
		if (in.syn && (!known || flow.first != began || !flow.started))
			sent_[0].clear(), sent_[1].clear();
		else if (!in.syn && !in.rst && flow.started)
			note_bytes(in.direction, out.seq, left);
		emission(out.emission);
		look();
	}

	// What the receiver may still miss reads the same each time that it leaves.
	void note_bytes(u8 direction, u32 seq, const std::string &bytes)
	{
		const u32 acked = stream_.flows[direction].out_acked;
		for (const char byte : bytes) {
			const u32 index = seq - stream_.flows[direction].first;
			if (static_cast<int>(seq++ - acked) < 0 || index >= 1 << 20)
				continue;
			std::string &sent = sent_[direction];
			if (index >= sent.size())
				sent.resize(index + 1000);
			must(!sent[index] || sent[index] == byte, "one position, two bytes");
			sent[index] = byte;
		}
	}

	void tick()
	{
		sip::stream_emission emissions[2];
		(void)sip::tick_stream(host(), stream_, now_, emissions);
		emission(emissions[0]);
		emission(emissions[1]);
		look();
	}

	void emission(const sip::stream_emission &out)
	{
		const std::string bytes(out.payload.data(), out.payload.size());
		if (bytes.empty())
			return;
		const sip::stream_flow &flow = stream_.flows[out.direction];
		must(flow.store, "an emission of nothing");
		note_bytes(out.direction, out.seq, bytes);
		must(out.seq - flow.out_head + bytes.size() <= flow.store->stored, "an emission of what is not ours");
	}

	void look()
	{
		for (const sip::stream_flow &flow : stream_.flows) {
			must(flow.released <= (flow.store ? flow.store->held : 0), "more let out than held");
			if (!flow.store) {
				must(flow.in_head == flow.in_end && flow.out_head == flow.out_end, "a map without runs");
				continue;
			}
			look_at_runs(flow);
			must(flow.store->begin + flow.store->stored + flow.store->held <= flow.store->room(), "beyond its memory");
			must(flow.store->stored + flow.store->held <= max_bytes_, "more than its share");
			must(flow.store->held <= sip::max_message + 2048, "held more than a message");
		}
		must(sip::bytes_of_stream(stream_) <= 4 * 2 * max_bytes_ + 300000, "bounded");
	}

	void look_at_runs(const sip::stream_flow &flow)
	{
		u32 in = flow.in_head, out = flow.out_head;
		must(flow.store->run_count <= sip::max_runs, "too many runs");
		for (u32 i = 0; i < flow.store->run_count; i++) {
			must(flow.store->runs[i].in && flow.store->runs[i].out, "an empty run");
			in += flow.store->runs[i].in;
			out += flow.store->runs[i].out;
		}
		must(in == flow.in_end && out == flow.out_end, "runs that do not add up");
		must(out - flow.out_head == flow.store->stored, "runs without their bytes");
	}

	script script_;
	sip::tcp_stream stream_{};
	std::string text_[2];
	std::string sent_[2];	// by position; NUL: not sent
	const std::string long_ = std::string(2000, 'Z');
	u32 first_[2] = {}, next_[2] = {};
	u32 max_bytes_, fail_ = 0, asked_ = 0, now_ = 0, live_ = 0;
	int translated_ = 0;	// told to the translator, and not seen by the counter
	int growth_;
};

void play(u8 kind, const std::string &script)
{
	static const model::play_kind kinds[] = {model::play_kind::weather, model::play_kind::ends,
						 model::play_kind::trunk};
	const model::outcome one = model::run_script(kinds[kind % 3], script);
	must(one.wrong.empty(), one.wrong.c_str());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		liars(data + 1, size - 1).run();
	else
		play(data[0] >> 1, std::string(reinterpret_cast<const char *>(data) + 1, size - 1));
	return 0;
}
