// SPDX-License-Identifier: GPL-2.0
// differ DIR...: which messages below the folders does our parser accept, and which does libosip2?
// Each disagreement is of a kind that a rule explains (differ_rules.cpp), or fails. TAP.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "differ.h"
#include "tests/corpora/message_source.h"

namespace {

using differ::opinion;

struct tally {
	unsigned messages = 0, both = 0, neither = 0;
	std::map<std::string, unsigned> explained;
	std::vector<std::string> unexplained;
};

// The first line, for people.
std::string head_of(const std::string &message)
{
	std::string line;
	for (const char c : message.substr(0, 100))
		line += c < ' ' || c > '~' ? '.' : c;
	return line;
}

void judge(tally &sum, const std::string &name, const std::string &message)
{
	const opinion us = differ::ours(message), them = differ::theirs(message);
	sum.messages++;
	if (us.accepted == them.accepted) {
		(us.accepted ? sum.both : sum.neither)++;
		return;
	}
	const differ::rule *rule = differ::rule_for(message, us);
	if (rule)
		sum.explained[rule->name]++;
	else
		sum.unexplained.push_back(name + ": ours " + us.why + ", theirs " + them.why + ": " +
					  head_of(message));
}

// Messages with LF from text collections are judged with CR LF: that they were meant so is the
// collection's business.
tally judge_folder(const char *folder)
{
	tally sum;
	std::set<size_t> seen;
	corpora::walk(folder, [&](const corpora::message &found) {
		const std::string text = corpora::with_crlf(found.bytes);
		if (text.size() <= 65535 && seen.insert(std::hash<std::string>()(text)).second)
			judge(sum, found.name, text);
	});
	return sum;
}

bool report(int number, const char *folder, const tally &sum)
{
	std::printf("# %s: %u messages, %u accepted by both, %u by neither\n", folder, sum.messages, sum.both,
		    sum.neither);
	for (const auto &[name, count] : sum.explained)
		std::printf("#   %5u %s\n", count, name.c_str());
	size_t shown = 0;
	for (const std::string &text : sum.unexplained)
		if (shown++ < 400)
			std::printf("# unexplained: %s\n", text.c_str());
	const bool good = sum.messages && sum.unexplained.empty();
	std::printf("%sok %d - S10 R20 differ from libosip2 by known rules alone: %s\n", good ? "" : "not ", number,
		    std::filesystem::path(folder).filename().c_str());
	return good;
}

} // namespace

int main(int argc, char **argv)
{
	bool good = argc > 1;
	for (int i = 1; i < argc; i++)
		good &= report(i, argv[i], judge_folder(argv[i]));
	std::printf("1..%d\n", argc - 1);
	return good ? 0 : 1;
}
