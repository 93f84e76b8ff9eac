// SPDX-License-Identifier: GPL-2.0
// Sends each message of bench/messages through the core, in regions that callgrind counts.
// Run by bench/core-cost, which reads what callgrind has written.
#include <cstdio>
#include <fstream>
#include <list>
#include <map>
#include <sstream>
#include <string>

#include <valgrind/callgrind.h>

#include "../message_view.h"
#include "../tests/fake/peers.h"
#include "../tests/fake/router.h"

bool parse_alone(const char *bytes, u32 size, sip::message_view *view);

namespace {

using namespace fake;
using words = std::map<std::string, std::string>;

constexpr int repeats = 16;

endpoint phone = at("192.168.1.20:5060");
endpoint server = at("198.51.100.1:5060");
std::string folder;

std::string fill(std::string text, const words &values)
{
	for (const auto &[name, value] : values)
		text = with(text, "{" + name + "}", value);
	return text;
}

// A message of the folder with CRLF line ends and its length.
std::string message(const std::string &name, words values)
{
	std::ifstream file(folder + "/" + name);
	std::stringstream all;
	all << file.rdbuf();
	values.insert({{"inside", text_of(phone)}, {"inside_host", host_of(phone)},
		       {"outside", text_of(server)}, {"outside_host", host_of(server)}});
	const std::string text = with(fill(all.str(), values), "\n", "\r\n");
	const size_t body = text.find("\r\n\r\n") + 4;
	return fill(text, {{"length", std::to_string(text.size() - body)}});
}

words numbered(int number, int port)
{
	std::string id = std::to_string(number);
	id.insert(0, 8 - id.size(), '0');
	return {{"id", id}, {"port", std::to_string(port)}, {"rtcp", std::to_string(port + 1)}};
}

// What is counted is told apart by the name of the dump; valgrind reads it a little later.
void dump(const std::string &name, const char *kind, u64 count, size_t size)
{
	static std::list<std::string> names;
	names.push_back(name + ":" + kind + ":" + std::to_string(count) + ":" + std::to_string(size));
	CALLGRIND_DUMP_STATS_AT(names.back().c_str());
}

void count_parse(const std::string &name, const std::string &bytes)
{
	static sip::message_view view;
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	parse_alone(bytes.data(), static_cast<u32>(bytes.size()), &view);
	CALLGRIND_TOGGLE_COLLECT;
	dump(name, "parse", 1, bytes.size());
}

class measured {
public:
	measured(router &gate, const std::string &name) : gate_(gate), name_(name) { CALLGRIND_ZERO_STATS; }

	delivery send(const endpoint &from, const endpoint &to, const std::string &bytes)
	{
		const u64 before = gate_.count(SIPX_COUNT_translated);
		CALLGRIND_TOGGLE_COLLECT;
		const delivery done = gate_.send(from, to, bytes);
		CALLGRIND_TOGGLE_COLLECT;
		count_++;
		size_ = bytes.size();
		translated_ += gate_.count(SIPX_COUNT_translated) - before;
		return done;
	}

	// All of them must have been translated, or none: a figure for something else is none.
	bool end(bool translated)
	{
		dump(name_, "road", count_, size_);
		if (translated_ == (translated ? count_ : 0))
			return true;
		fprintf(stderr, "%s: %llu of %llu messages were translated\n", name_.c_str(), translated_, count_);
		return false;
	}

private:
	router &gate_;
	std::string name_;
	u64 count_ = 0, translated_ = 0;
	size_t size_ = 0;
};

bool calls(router &gate)
{
	std::string seen[repeats], invite[repeats];
	measured fresh(gate, "INVITE with SDP");
	for (int i = 0; i < repeats; i++) {
		invite[i] = message("invite", numbered(i, 4000 + 2 * i));
		seen[i] = fresh.send(phone, server, invite[i]).bytes;
	}
	if (!fresh.end(true))
		return false;
	measured again(gate, "INVITE again");
	for (int i = 0; i < repeats; i++)
		again.send(phone, server, invite[i]);
	if (!again.end(true))
		return false;
	const endpoint outer = gate.find(phone, server)->reply.destination;
	measured answers(gate, "200 OK with SDP");
	for (int i = 0; i < repeats; i++) {
		words values = numbered(i, 14000 + 2 * i);
		values["via"] = with(line_of(seen[i], "Via"), ";rport", ";received=" + host_of(outer) + ";rport=" + std::to_string(outer.port));
		answers.send(server, outer, message("ok", values));
	}
	return answers.end(true);
}

bool others(router &gate, const std::string &name, const std::string &title)
{
	measured all(gate, title);
	for (int i = 0; i < repeats; i++)
		all.send(phone, server, message(name, numbered(i, 0)));
	return all.end(true);
}

bool junk(router &gate)
{
	measured all(gate, "not SIP");
	for (int i = 0; i < repeats; i++)
		all.send(phone, server, std::string(1029, 'x'));
	return all.end(false);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	router gate;
	gate.rules.shift_ports = true;
	gate.send(phone, server, message("options", numbered(99, 0)));
	words answer = numbered(0, 14000);
	answer["via"] = "SIP/2.0/UDP 203.0.113.1:40000;received=203.0.113.1;rport=40000;branch=z9hG4bKPj6bzlxS3v00000000";
	count_parse("INVITE with SDP", message("invite", numbered(0, 4000)));
	count_parse("200 OK with SDP", message("ok", answer));
	count_parse("REGISTER", message("register", numbered(0, 0)));
	count_parse("OPTIONS", message("options", numbered(0, 0)));
	count_parse("not SIP", std::string(1029, 'x'));
	const bool good = calls(gate) && others(gate, "register", "REGISTER") && others(gate, "options", "OPTIONS") && junk(gate);
	return good ? 0 : 1;
}
