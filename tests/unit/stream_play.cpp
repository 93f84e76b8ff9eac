// SPDX-License-Identifier: GPL-2.0
#include "stream_play.h"

#include <algorithm>

namespace model {

namespace {

struct unit {
	std::string before, after;
	bool operator==(const unit &) const = default;
};

std::string joined(const std::vector<unit> &units, bool translated)
{
	std::string text;
	for (const unit &one : units)
		text += translated ? one.after : one.before;
	return text;
}

// One play, all of whose circumstances follow from the seed.
class play {
public:
	struct setting {
		const weather *sky = nullptr;	// none: any
		bool plain = false;
		u32 least_mss = 1;
		std::string script = "";	// its first half decides on the circumstances, the rest on what happens
	};
	play(u32 seed, u32 messages, const setting &where)
		: random_(seed * 2654435761u + 1, where.script.substr(0, where.script.size() / 2)), messages_(messages),
		  sky_(where.sky ? *where.sky : any_weather()), plain_(where.plain),
		  world_(dice(seed, where.script.substr(where.script.size() / 2)), sky_, any_habits(where.least_mss),
			 any_habits(where.least_mss))
	{
		world_.plain = plain_;
		for (std::vector<unit> &side : said_)
			side = any_units();
	}

	// Empty: all went well.
	std::string run(u32 limit_ms = 3600 * 1000)
	{
		world_.connect();
		for (u32 i = 0; i < 2; i++)
			schedule(i);
		const std::string expected[2] = {joined(said_[0], !plain_), joined(said_[1], !plain_)};
		const bool done = world_.run(limit_ms, [&] {
			return world_.server().received().size() >= expected[0].size() &&
			       world_.client().received().size() >= expected[1].size() && world_.client().all_acked() &&
			       world_.server().all_acked() && written_ == 2;
		});
		std::string wrong = world_.error();
		if (!done && wrong.empty())
			wrong = "stalls";
		if (world_.server().received() != expected[0])
			wrong += " server read something else";
		if (world_.client().received() != expected[1])
			wrong += " client read something else";
		if (world_.client().broken() || world_.server().broken())
			wrong += " acknowledged what was not sent";
		return wrong.empty() ? wrong : wrong + ": " + world_.state();
	}
	world &here() { return world_; }
	void be_small()
	{
		for (std::vector<unit> &side : said_) {
			side.resize(1);
			side[0].before = make_message(random_() % 1000, below(200), any_growth(), below(2));
			side[0].after = translate(side[0].before);
		}
	}
	void be_few()
	{
		for (std::vector<unit> &side : said_) {
			side.clear();
			for (u32 i = 0, many = 1 + below(6); i < many; i++) {
				const u32 body = below(3) ? 0 : below(300);
				const std::string text = make_message(i, body, any_growth() % 100, below(2));
				side.push_back({text, translate(text)});
			}
		}
	}
	// Messages of a trunk: small, many, and most of them change.
	void be_trunk()
	{
		for (std::vector<unit> &side : said_) {
			side.clear();
			for (u32 i = 0, many = 50 + below(250); i < many; i++) {
				const u32 body = below(4) ? 0 : below(300);
				const std::string text = make_message(i, body, any_growth() % 100, below(2));
				side.push_back({text, translate(text)});
			}
		}
	}

	// With limits, faults, streams that are not SIP, and ends in the midst of a message. Each
	// unit arrives whole, translated or as it was; nothing is missing, and the end is seen.
	std::string run_to_the_end()
	{
		world_.max_bytes = one_of({2500, 6000, 20000, 256 * 1024});
		world_.max_held_ms = one_of({2000, 32000});
		closes_ = true;
		for (std::vector<unit> &side : said_) {
			if (below(8) == 0)
				side.insert(side.begin(), {"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"});
			const u32 whole = static_cast<u32>(side.back().before.size());
			const std::string rest = side.back().before.substr(0, below(std::min(300u, whole)));
			if (below(2))
				side.push_back({rest, rest});
		}
		world_.connect();
		for (u32 i = 0; i < 2; i++)
			schedule(i);
		peer *peers[2] = {&world_.client(), &world_.server()};
		const bool done = world_.run(3600 * 1000, [&] {
			return std::all_of(peers, peers + 2, [](peer *p) {
				return p->saw_fin() && p->all_acked() && p->has_read_all();
			});
		});
		std::string wrong = world_.error();
		if (!done)
			wrong += " stalls";
		for (u32 i = 0; i < 2; i++)
			wrong += compare(said_[i], peers[!i]->received());
		return wrong.empty() ? wrong : wrong + ": " + world_.state();
	}

private:
	static std::string compare(const std::vector<unit> &units, const std::string &read)
	{
		size_t at = 0;
		for (const unit &one : units) {
			const bool changed = read.compare(at, one.after.size(), one.after) == 0;
			if (!changed && read.compare(at, one.before.size(), one.before) != 0)
				return " something else was read at " + std::to_string(at);
			at += changed ? one.after.size() : one.before.size();
		}
		return at == read.size() ? "" : " more was read than was said";
	}
	u32 below(u32 limit) { return limit ? random_() % limit : 0; }
	u32 one_of(std::initializer_list<u32> list) { return *(list.begin() + below(static_cast<u32>(list.size()))); }

	weather any_weather()
	{
		weather sky;
		sky.loss = one_of({0, 0, 2, 5, 10});
		sky.duplication = one_of({0, 0, 5, 10});
		sky.reordering = one_of({0, 0, 10, 25});
		sky.delay_ms = one_of({0, 1, 5, 20});
		sky.jitter_ms = one_of({3, 20, 100});
		sky.emission_loss = one_of({0, 0, 0, 10});
		sky.split = one_of({100, 536, 1460, 1460});
		return sky;
	}
	habits any_habits(u32 least_mss)
	{
		habits how;
		how.mss = std::max(least_mss, one_of({1, 7, 100, 536, 1460, 1460, 1460, 9000, 40000}));
		how.buffer = one_of({512, 2048, 8192, 65535, 65535, 250000});
		how.isn = below(2) ? 0u - below(6000) : random_();
		// a congestion window has so many segments, whatever their size
		how.flight = std::min<u32>(40 * how.mss, one_of({4 * 1460, 14600, 65535, 200000}));
		how.flight = std::max<u32>(how.mss, how.flight);
		smallest_ = std::min(smallest_, how.mss);
		how.delayed_ack_ms = one_of({0, 40, 200, 500});
		how.read_every_ms = one_of({0, 0, 30, 300});
		how.keep_alive_ms = one_of({0, 0, 500});
		how.nagle = below(2);
		how.sack = below(2);
		how.duplicate_sack = below(4) != 0;
		how.wait_each_ack = below(4) == 0;
		how.strict = below(3) == 0;
		how.go_back = below(2);
		how.recut = below(4) != 0;
		how.probe_with_data = below(2);
		return how;
	}
	int any_growth()
	{
		switch (below(8)) {
		case 0:
		case 1:
			return 0;
		case 2:
			return 2000;
		default:
			return static_cast<int>(below(81)) - 20;
		}
	}
	std::vector<unit> any_units()
	{
		std::vector<unit> units;
		const u32 many = 1 + below(messages_);
		for (u32 i = 0; i < many; i++) {
			if (below(6) == 0)
				units.push_back({"\r\n\r\n", "\r\n\r\n"});
			u32 body = below(12) ? below(700) : below(5) ? below(5000) : below(60000);
			body = std::min(body, smallest_ * 200);
			const std::string text = make_message(random_() % 1000, body, any_growth(), below(2));
			units.push_back({text, translate(text)});
		}
		return units;
	}
	// The application's writes know nothing of messages.
	void schedule(u32 side)
	{
		const std::string text = joined(said_[side], false);
		peer &from = side ? world_.server() : world_.client();
		const u32 most = one_of({1, 100, 2000, 70000}), pause = one_of({0, 3, 50});
		u32 when = 20, pieces = 0;
		for (size_t at = 0; at < text.size();) {
			u32 size = 1 + below(most);
			if (++pieces > 300)
				size = 70000;
			const std::string part = text.substr(at, size);
			at += part.size();
			const bool last = at >= text.size();
			world_.later(when, [this, &from, part, last] {
				from.write(part, world_.now());
				written_ += last;
				if (last && closes_)
					from.close(world_.now());
			});
			when += below(pause + 1);
		}
	}

	dice random_;
	u32 messages_;
	u32 smallest_ = 40000;	// segment
	weather sky_;
	bool plain_;
	world world_;
	std::vector<unit> said_[2];
	u32 written_ = 0;
	bool closes_ = false;
};

outcome outcome_of(play &one, std::string wrong)
{
	const trouble &seen = one.here().seen();
	outcome out{std::move(wrong), seen.segments, seen.emissions, one.here().now()};
	out.resent = seen.of(sip::stream_count::resent);
	out.held = seen.of(sip::stream_count::held);
	return out;
}

weather weather_for_ends(u32 seed)
{
	weather sky;
	sky.loss = seed % 3 * 4;
	sky.duplication = seed % 2 * 10;
	sky.reordering = seed % 5 * 5;
	sky.jitter_ms = 30;
	sky.memory_loss = seed % 7 * 12;
	sky.emission_loss = seed % 4 * 20 + seed % 4 / 3 * 40;
	return sky;
}

weather promised_weather()
{
	weather sky;
	sky.loss = 10;
	sky.reordering = 25;
	sky.duplication = 10;
	sky.jitter_ms = 40;
	return sky;
}

} // namespace

outcome run_play(play_kind kind, u32 seed, bool plain)
{
	const weather calm, promised = promised_weather(), ends = weather_for_ends(seed);
	const weather *const sky = kind == play_kind::calm     ? &calm :
				   kind == play_kind::promised ? &promised :
				   kind == play_kind::ends     ? &ends :
								 nullptr;
	const u32 messages = kind == play_kind::calm	? 12 :
			     kind == play_kind::weather ? 8 :
			     kind == play_kind::small	? 2 :
							  6;
	// hours for a trunk's bytes one by one
	play one(seed, messages, {sky, plain, kind == play_kind::trunk ? 536u : 1u});

	if (kind == play_kind::small)
		one.be_small();
	if (kind == play_kind::trunk)
		one.be_trunk();
	return outcome_of(one, kind == play_kind::ends ? one.run_to_the_end() : one.run());
}

outcome run_script(play_kind kind, const std::string &script)
{
	const u32 seed = script.empty() ? 1 : static_cast<u8>(script[0]);
	const weather ends = weather_for_ends(seed);
	play one(seed, 1, {kind == play_kind::ends ? &ends : nullptr, false, 1, script});

	if (kind == play_kind::trunk)
		one.be_few();
	else
		one.be_small();
	return outcome_of(one, kind == play_kind::ends ? one.run_to_the_end() : one.run());
}

} // namespace model
