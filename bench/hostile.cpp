// SPDX-License-Identifier: GPL-2.0
// Sets of messages that were made to hurt a parser; most are the tests' own.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../tests/cases/worst_inputs.h"
#include "../tests/corpora/message_source.h"
#include "../tests/fuzz/sip_mutator.h"
#include "samples.h"

namespace bench {

namespace {

constexpr size_t longest = 65507;	// of a datagram over IPv4 (RFC 768)
constexpr unsigned mutations = 200;

void add_worst(std::vector<sample> &all)
{
	for (const std::string &text : sip_cases::worst_inputs(65000))
		all.push_back({"worst inputs", text.substr(0, longest), sort::hostile});
}

// RFC 4475, in the order of their names.
void add_torture(std::vector<sample> &all, const std::string &folder)
{
	std::vector<std::filesystem::path> files;
	for (const auto &entry : std::filesystem::directory_iterator(folder))
		files.push_back(entry.path());
	std::sort(files.begin(), files.end());
	for (const auto &path : files) {
		std::ifstream in(path, std::ios::binary);
		std::stringstream bytes;
		bytes << in.rdbuf();
		all.push_back({"RFC 4475", bytes.str(), sort::hostile});
	}
}

void add_mutations(std::vector<sample> &all, const std::string &top)
{
	std::vector<std::string> from;
	for (const sample &one : ordinary_samples(top))
		if (one.kind == sort::sip && one.bytes.size() < 8000)
			from.push_back(one.bytes);
	for (unsigned seed = 0; seed < mutations; seed++)
		all.push_back({"mutations", fuzz::mutate_message(from[seed % from.size()], seed), sort::hostile});
}

// So many of them at most, from everywhere.
void add_corpora(std::vector<sample> &all, const std::string &folder)
{
	constexpr size_t most = 2000;
	std::vector<sample> found;
	corpora::walk(folder, [&found](const corpora::message &one) {
		if (one.bytes.size() <= longest)
			found.push_back({"corpora", one.bytes, sort::hostile});
	});
	const size_t step = found.size() / most + 1;
	for (size_t i = 0; i < found.size(); i += step)
		all.push_back(found[i]);
}

} // namespace

std::vector<sample> hostile_samples(const std::string &top, const std::string &corpora)
{
	std::vector<sample> all;
	add_worst(all);
	add_torture(all, top + "/tests/data/rfc4475");
	add_mutations(all, top);
	if (!corpora.empty())
		add_corpora(all, corpora);
	return all;
}

} // namespace bench
