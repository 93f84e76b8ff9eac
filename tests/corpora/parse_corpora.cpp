// SPDX-License-Identifier: GPL-2.0
// parse_corpora DIR EXCEPTIONS: parses every message below DIR, whole and cut at every
// byte, at the end of a guard page, and checks each view. TAP: for each first folder one
// line for the views, and for the folders that EXCEPTIONS calls strict one for what must
// be understood.
#include "tests/cases/parse_cases.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "message_source.h"
#include "tests/unit/guard_page.h"

namespace {

struct folder_result {
	u32 messages = 0;
	u32 understood = 0;
	u32 not_sip = 0;
	u64 parses = 0;
	std::vector<std::string> broken;	// views that break a promise
	std::vector<std::string> refused;	// whole messages that were not understood
};

// Lines "strict FOLDER" and "NAME ERROR reason ...". A NAME with a '*' at its end speaks of
// every name that starts so, of which some may be understood all the same.
struct exceptions {
	std::set<std::string> strict;
	std::map<std::string, std::string> expected;

	bool allows(const std::string &name, const std::string &error) const
	{
		const auto exact = expected.find(name);

		if (exact != expected.end())
			return exact->second == error;
		if (error == "none")
			return true;
		for (const auto &[pattern, wanted] : expected)
			if (pattern.back() == '*' && wanted == error &&
			    name.compare(0, pattern.size() - 1, pattern, 0, pattern.size() - 1) == 0)
				return true;
		return false;
	}
	bool names(const std::string &name) const { return expected.count(name); }
};

exceptions read_exceptions(const char *path)
{
	std::ifstream in(path);
	std::string line;
	exceptions list;

	while (std::getline(in, line)) {
		std::istringstream words(line);
		std::string first, second;
		if (!(words >> first >> second) || first[0] == '#')
			continue;
		if (first == "strict")
			list.strict.insert(second);
		else
			list.expected[first] = second;
	}
	return list;
}

std::string text_of(sip::text_view view)
{
	return {view.data(), view.size()};
}

class runner {
public:
	explicit runner(exceptions list) : exceptions_(std::move(list)) {}

	void take(const corpora::message &found)
	{
		folder_result &result = folders_[found.folder];
		const std::string crlf = corpora::with_crlf(found.bytes);
		sip::parse_error error = try_all(result, found, found.bytes);

		// Text collections keep messages with LF, where Content-Length counts CR LF.
		if (crlf != found.bytes) {
			const sip::parse_error other = try_all(result, found, crlf);
			if (error != sip::parse_error::none && error != sip::parse_error::not_sip)
				error = other;
		}
		result.messages++;
		result.understood += error == sip::parse_error::none;
		result.not_sip += error == sip::parse_error::not_sip;
		judge(result, found, error);
	}
	int report() const
	{
		int number = 0, failed = 0;

		for (const auto &[name, result] : folders_) {
			printf("# %s: %u messages, %u understood, %u not SIP, %llu parses\n", name.c_str(),
			       result.messages, result.understood, result.not_sip, result.parses);
			failed += line(++number, "S10 corpora " + name + ": every view keeps its promises",
				       result.broken);
			if (exceptions_.strict.count(name))
				failed += line(++number, "R20 corpora " + name +
					       ": understood but for the exceptions", result.refused);
			else
				for (const std::string &text : result.refused)
					printf("# %s\n", text.c_str());
		}
		if (!number)
			failed += line(++number, "corpora hold messages", {"none found"});
		printf("1..%d\n", number);
		return failed != 0;
	}

private:
	static int line(int number, const std::string &name, const std::vector<std::string> &faults)
	{
		for (const std::string &fault : faults)
			printf("# %s\n", fault.c_str());
		printf("%sok %d - %s\n", faults.empty() ? "" : "not ", number, name.c_str());
		return !faults.empty();
	}
	// What the whole text gives; the cuts are only checked.
	sip::parse_error try_all(folder_result &result, const corpora::message &found, std::string bytes)
	{
		if (bytes.size() > memory_.size())
			bytes.resize(memory_.size());
		if (!seen_.insert(std::hash<std::string>()(bytes)).second)
			return sip::parse({bytes.data(), u32(bytes.size())}, view_);

		for (size_t length = 0; length < bytes.size(); length++)
			try_one(result, found, bytes, length);
		return try_one(result, found, bytes, bytes.size());
	}
	sip::parse_error try_one(folder_result &result, const corpora::message &found,
				 const std::string &bytes, size_t length)
	{
		const sip::text_view text{memory_.place(bytes.data(), length), u32(length)};
		const sip::parse_error error = sip::parse(text, view_);

		result.parses++;
		if (error != sip::parse_error::none)
			return error;
		if (const char *broken = sip_cases::check_view(text, view_))
			result.broken.push_back(found.name + " cut at " + std::to_string(length) + ": " + broken);
		return error;
	}
	void judge(folder_result &result, const corpora::message &found, sip::parse_error error)
	{
		const std::string name = text_of(sip_cases::name_of(error));

		if (!found.whole && !exceptions_.names(found.name))
			return;
		if (!exceptions_.allows(found.name, name))
			result.refused.push_back(found.name + ": " + name);
	}

	exceptions exceptions_;
	std::map<std::string, folder_result> folders_;
	std::set<size_t> seen_;
	guard_page memory_{65536};
	sip::message_view view_;
};

} // namespace

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s DIR EXCEPTIONS\n", argv[0]);
		return 2;
	}
	runner run(read_exceptions(argv[2]));
	corpora::walk(argv[1], [&](const corpora::message &found) { run.take(found); });
	return run.report();
}
