// SPDX-License-Identifier: GPL-2.0
// Sends each message of bench/messages through the core, in regions that callgrind counts.
// Run by bench/core-cost, which reads what callgrind has written.
#include <cstdio>
#include <string>

#include "../tests/fake/peers.h"
#include "../tests/fake/router.h"
#include "counted.h"
#include "message.h"

namespace {

using namespace fake;
using bench::numbered;
using bench::words;

constexpr int repeats = 16;

endpoint phone = at("192.168.1.20:5060");
endpoint server = at("198.51.100.1:5060");
std::string folder;

std::string message(const std::string &name, words values)
{
	bench::name_socket(values, "inside", phone);
	bench::name_socket(values, "outside", server);
	return bench::message(folder + "/" + name, values);
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
		bench::dump(name_, "road", count_, size_);
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
	const bool good = calls(gate) && others(gate, "register", "REGISTER") && others(gate, "options", "OPTIONS") && junk(gate);
	return good ? 0 : 1;
}
