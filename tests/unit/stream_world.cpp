// SPDX-License-Identifier: GPL-2.0
#include "stream_world.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace model {

namespace {

struct edit {
	size_t at = std::string::npos, length = 0;
	std::string text;
};

edit edit_of(const std::string &message)
{
	edit out;
	const size_t open = message.find("[["), close = message.find("]]", open == std::string::npos ? 0 : open);
	if (open == std::string::npos || close == std::string::npos)
		return out;
	const int growth = atoi(message.c_str() + open + 2);
	out.at = open;
	out.length = close + 2 - open;
	const int size = static_cast<int>(out.length) + growth;
	for (int i = 0; i < size; i++)
		out.text += static_cast<char>('a' + (static_cast<size_t>(i) * 7 + message.size()) % 26);
	return out;
}

} // namespace

std::string translate(const std::string &message)
{
	const edit what = edit_of(message);
	std::string out = message;
	if (what.at != std::string::npos)
		out.replace(what.at, what.length, what.text);
	return out;
}

std::string make_message(u32 number, u32 body, int growth, bool response)
{
	std::string text = response ? "SIP/2.0 200 OK\r\n" : "INVITE sip:bob@example.com SIP/2.0\r\n";
	text += "Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK" + std::to_string(number) + "\r\n";
	if (growth)
		text += "Contact: <sip:[[" + std::string(growth > 0 ? "+" : "") + std::to_string(growth) + "xxxxxxxxxxxxxxxxxxxxxxxx]]>\r\n";
	text += "Call-ID: " + std::to_string(number) + "\r\n";
	if (body || number % 2)
		text += (number % 3 ? "Content-Length: " : "l:\r\n ") + std::to_string(body) + "\r\n";
	text += "\r\n";
	for (u32 i = 0; i < body; i++)
		text += static_cast<char>('0' + (i + number) % 60);
	return text;
}

world::world(dice random, const weather &sky, const habits &client, const habits &server)
	: random_(std::move(random)), sky_(sky)
{
	peers_.reserve(2);
	peers_.emplace_back(client, random_);
	peers_.emplace_back(server, random_);
	for (u8 i = 0; i < 2; i++)
		peers_[i].send = [this, i](const packet &p) { travel(i, p, false); };
	later(1000, [this] { tick(); });
}

world::~world()
{
	sip::end_stream(host(), stream_);
	if (pieces_)
		abort();
}

void world::later(u32 delay_ms, std::function<void()> what)
{
	events_.push({now_ + delay_ms, order_++, std::move(what)});
}

sip::stream_host world::host()
{
	const auto take = [](void *context, u32 size) -> void * {
		auto *self = static_cast<world *>(context);
		if (self->luck(self->sky_.memory_loss))
			return nullptr;
		self->pieces_++;
		return malloc(size);
	};
	const auto give = [](void *context, void *piece, u32) {
		static_cast<world *>(context)->pieces_--;
		free(piece);
	};
	const auto translate_one = [](void *context, u8 direction, sip::stream_message &message) {
		auto *self = static_cast<world *>(context);
		const std::string text(message.text().data(), message.text().size());
		edit what = edit_of(text);
		if (what.at == std::string::npos)
			return;
		self->rendered_ = std::move(what.text);
		const bool taken = message.take({static_cast<u32>(what.at), static_cast<u32>(what.length),
						 self->rendered_.data(), static_cast<u32>(self->rendered_.size())});
		self->check(taken || text == std::string(message.text().data(), message.text().size()),
			    "what was not taken is not as it came");
		self->answers_[direction].push_back(taken);
	};
	const auto count = [](void *context, sip::stream_count what) {
		static_cast<world *>(context)->seen_.counts[static_cast<u32>(what)]++;
	};
	return {this, take, give, translate_one, count, max_bytes, max_held_ms};
}

// STREAM_TRACE=1 shows each segment as it comes to the engine (>) and leaves it (<).
void world::trace(const char *what, u8 direction, const packet &p) const
{
	if (!tracing_)
		return;
	printf("# %6u %s %s seq %u ack %u window %u %s%s%s size %zu", now_, direction ? "server" : "client", what, p.seq, p.ack,
	       p.window, p.syn ? "SYN " : "", p.fin ? "FIN " : "", p.rst ? "RST " : "", p.data.size());
	for (const sip::stream_range &block : p.sacks)
		printf(" [%u,%u)", block.left, block.right);
	printf("\n");
}

void world::check(bool good, const char *what)
{
	if (!good && error_.empty())
		error_ = what;
}

// Two links each way: before and behind the engine.
void world::travel(u8 direction, packet p, bool second_link)
{
	if (luck(sky_.loss))
		return;
	const u32 copies = luck(sky_.duplication) ? 2 : 1;
	for (u32 i = 0; i < copies; i++) {
		const u32 extra = luck(sky_.reordering) ? random_() % (sky_.jitter_ms + 1) : 0;
		later(sky_.delay_ms + extra, [this, direction, p, second_link] { arrive(direction, p, second_link); });
	}
}

void world::arrive(u8 direction, const packet &p, bool second_link)
{
	if (second_link)
		peers_[!direction].receive(p, now_);
	else
		through_engine(direction, p);
}

// As offload does: one large packet becomes several, FIN on the last.
void world::leave(u8 direction, const packet &p)
{
	trace("<", direction, p);
	if (watch)
		watch(direction, p);
	if (p.data.size() <= sky_.split)
		return travel(direction, p, true);
	for (size_t at = 0; at < p.data.size(); at += sky_.split) {
		packet piece = p;
		piece.seq = p.seq + static_cast<u32>(at);
		piece.data = p.data.substr(at, sky_.split);
		piece.fin = p.fin && at + sky_.split >= p.data.size();
		travel(direction, piece, true);
	}
}

void world::emit(const sip::stream_emission &emission)
{
	if (emission.payload.empty() || luck(sky_.emission_loss))
		return;
	packet out;
	out.seq = emission.seq;
	out.ack = emission.ack;
	out.has_ack = true;
	out.window = emission.window_field * 4u;
	out.data.assign(emission.payload.data(), emission.payload.size());
	seen_.emissions++;
	leave(emission.direction, out);
}

void world::through_engine(u8 direction, const packet &p)
{
	trace(">", direction, p);
	if (plain || (skip_syn && p.syn))
		return leave(direction, p);
	sip::stream_segment segment{};
	segment.direction = direction;
	segment.syn = p.syn;
	segment.fin = p.fin;
	segment.rst = p.rst;
	segment.urgent = p.urgent;
	segment.has_ack = p.has_ack;
	segment.window = p.window;
	segment.window_field = static_cast<u16>(std::min<u32>(p.window / 4, 65535));
	segment.seq = p.seq;
	segment.ack = p.ack;
	for (const sip::stream_range &block : p.sacks)
		segment.sacks[segment.sack_count++] = block;
	// its own memory, so that reading beyond it shows
	const std::unique_ptr<char[]> bytes(new char[p.data.size()]);
	memcpy(bytes.get(), p.data.data(), p.data.size());
	segment.payload = {bytes.get(), static_cast<u32>(p.data.size())};
	segment.now_ms = now_;
	seen_.segments++;

	const sip::stream_answer answer = sip::carry_segment(host(), stream_, segment);
	packet out = p;
	out.seq = answer.seq;
	out.ack = answer.ack;
	if (!answer.same_payload) {
		out.fin = answer.fin;
		out.data.assign(answer.head.data(), answer.head.size());
		out.data.append(answer.ours.data(), answer.ours.size());
		out.data.append(answer.tail.data(), answer.tail.size());
	}
	const auto taken = [](const std::vector<bool> &all) { return std::count(all.begin(), all.end(), true); };
	check(static_cast<u64>(taken(answers_[0]) + taken(answers_[1])) == seen_.of(sip::stream_count::translated),
	      "the translator was told something else than what left");
	check(out.data.size() <= 65535 - 120 || answer.same_payload, "larger than a packet");
	check_promises();
	if (answer.sack == sip::sack_fate::blank)
		out.sacks.clear();
	for (size_t i = 0; answer.sack == sip::sack_fate::replace && i < out.sacks.size(); i++)
		out.sacks[i] = answer.sacks[i];
	leave(direction, out);
	emit(answer.emission);
}

void world::forge(u8 direction, u32 ahead, const std::string &bytes)
{
	packet out;
	out.has_ack = true;
	out.seq = stream_.flows[direction].in_end + ahead;
	out.ack = stream_.flows[!direction].in_acked;
	out.window = 60000;
	out.data = bytes;
	through_engine(direction, out);
}

// Nobody was told of the end of a message whose translation has not arrived: else nobody
// would send it again.
void world::check_promises()
{
	for (const sip::stream_flow &flow : stream_.flows) {
		if (!flow.started || !flow.store || flow.mode == sip::flow_mode::through)
			continue;
		const bool told_all = static_cast<int>(flow.in_acked - flow.in_end) >= 0;
		check(!flow.store->run_count || !told_all, "the sender was told too much");
		check(flow.store->stored + flow.store->held <= max_bytes, "more than its share");
		check(flow.store->begin + flow.store->stored + flow.store->held <= flow.store->room(), "beyond its memory");
	}
}

void world::tick()
{
	sip::stream_emission emissions[2];
	(void)sip::tick_stream(host(), stream_, now_, emissions);
	emit(emissions[0]);
	emit(emissions[1]);
	later(1000, [this] { tick(); });
}

bool world::run(u32 limit_ms, const std::function<bool()> &done)
{
	const u32 end = now_ + limit_ms;
	while (!done() && error_.empty()) {
		const u32 timer = std::min(peers_[0].next_timer(), peers_[1].next_timer());
		const u32 next = std::min(timer, events_.empty() ? ~0u : events_.top().when);
		if (next > end)
			return false;
		now_ = std::max(now_, next);
		if (timer <= now_) {
			peers_[0].on_timer(now_);
			peers_[1].on_timer(now_);
			continue;
		}
		// what stands on top is thrown away at once
		const std::function<void()> what = std::move(const_cast<event &>(events_.top()).what);
		events_.pop();
		what();
	}
	return error_.empty();
}

std::string world::state() const
{
	std::string text = "at " + std::to_string(now_) + " ms, " + std::to_string(seen_.segments) + " segments; client: " +
			   peers_[0].state() + "; server: " + peers_[1].state() + "; counts:";
	for (const u64 count : seen_.counts)
		text += " " + std::to_string(count);
	return text;
}

} // namespace model
