// SPDX-License-Identifier: GPL-2.0
#include "one_message.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <regex>

#include "tests/cases/parse_cases.h"
#include "tests/cases/worst_inputs.h"
#include "tests/corpora/message_source.h"
#include "place.h"

namespace one_way {

namespace {

// Behind the first empty line, whatever ends its lines.
size_t body_of(const std::string &message)
{
	for (size_t at = message.find('\n'); at != std::string::npos; at = message.find('\n', at + 1)) {
		if (message.compare(at + 1, 1, "\n") == 0)
			return at + 2;
		if (message.compare(at + 1, 2, "\r\n") == 0)
			return at + 3;
	}
	return std::string::npos;
}

} // namespace

length_field length_of(const std::string &message)
{
	static const char *names[] = {"\r\nContent-Length:", "\r\nl:"};
	const size_t body = body_of(message);
	length_field found;

	for (const char *name : names) {
		const size_t at = message.find(name);
		if (body == std::string::npos || at == std::string::npos || at > body)
			continue;
		found.start = message.find_first_not_of(" \t", at + strlen(name));
		found.end = message.find_first_not_of("0123456789", found.start);
		if (found.end == found.start || found.end - found.start > 6)
			return {};
		found.slack = long(message.size() - body) - atol(message.c_str() + found.start);
		return found;
	}
	return found;
}

namespace {

// The host of the first match of a pattern's group, if it is an address.
std::string host_by(const std::string &message, const std::regex &pattern)
{
	std::smatch match;
	const std::string head = message.substr(0, 4000);

	return std::regex_search(head, match, pattern) ? match[1].str() : "";
}

// Whether the text goes on as an address, so that what stands beside that is no host of its own.
bool is_part(const std::string &host, char before, char after)
{
	if (host.find(':') == std::string::npos || host.front() == '[')
		return before == '.' || isdigit(u8(before)) || isdigit(u8(after));
	return isxdigit(u8(before)) || before == ':' || isxdigit(u8(after)) || after == ':';
}

// With the family that SDP has in front of an address (RFC 8866 5.7).
void replace_host(std::string &text, const std::string &host, const std::string &by)
{
	for (size_t at = 0; !host.empty() && (at = text.find(host, at)) != std::string::npos;) {
		const size_t end = at + host.size();
		const bool part = is_part(host, at ? text[at - 1] : ' ', end < text.size() ? text[end] : ' ');
		const bool in_sdp = at >= 4 && text.compare(at - 4, 2, "IP") == 0 && text[at - 1] == ' ';
		if (!part && in_sdp)
			text[at - 2] = by.find(':') == std::string::npos ? '4' : '6';
		if (!part)
			text.replace(at, host.size(), by);
		at += part ? host.size() : by.size();
	}
}

// The message as this host would have sent it.
std::string named(const std::string &message, const std::string &host)
{
	static const std::regex via("\\n(?:Via|v)[ \\t]*:[^\\n]*?[ \\t]\\[?(\\d+\\.\\d+\\.\\d+\\.\\d+|[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*)",
				    std::regex::icase | std::regex::optimize);
	static const std::regex media("\\nc=IN IP[46] (\\d+\\.\\d+\\.\\d+\\.\\d+|[0-9a-f.]*:[0-9a-f:.]+)",
				      std::regex::icase | std::regex::optimize);
	const length_field before = length_of(message);
	const size_t start = body_of(message);
	std::string head = message.substr(0, start), body = start == std::string::npos ? "" : message.substr(start);

	for (const std::string &old : {host_by(message, via), host_by(message, media)}) {
		replace_host(head, in_uri(old), in_uri(host));
		replace_host(body, old, host);
	}
	std::string made = head + body;
	const length_field after = length_of(made);
	if (before.slack == 0 && after.slack != unknown) {
		const long right = atol(made.c_str() + after.start) + after.slack;
		made.replace(after.start, after.end - after.start, std::to_string(right));
	}
	return made;
}

void own_cases(const message_sink &give)
{
	for (u32 i = 0; i < sip_cases::parse_case_count; i++) {
		const sip_cases::parse_case &test = sip_cases::parse_case_at(i);
		give({test.name.data(), test.name.size()}, {test.message.data(), test.message.size()});
	}
	size_t number = 0;
	for (size_t size : {1000, 20000, 65000})
		for (const std::string &text : sip_cases::worst_inputs(size))
			give("worst input " + std::to_string(number++), text);
}

} // namespace

void each_message(const std::vector<std::string> &folders, const std::string &host, const message_sink &sink)
{
	const auto give = [&](const std::string &name, const std::string &bytes) {
		const std::string text = host.empty() ? bytes : named(bytes, host);
		if (!bytes.empty() && (host.empty() || text != bytes))
			sink(name, text);
	};
	const auto give_found = [&](const corpora::message &found) {
		give(found.name, found.bytes);
		if (corpora::with_crlf(found.bytes) != found.bytes)
			give(found.name + " with CR LF", corpora::with_crlf(found.bytes));
	};
	for (const std::string &folder : folders) {
		if (folder == "own")
			own_cases(give);
		else
			corpora::walk(folder, give_found);
	}
}

std::string fault_of(const std::string &message, const std::string &arrived)
{
	if (std::count(message.begin(), message.end(), '\n') != std::count(arrived.begin(), arrived.end(), '\n'))
		return "has another number of lines";
	const long slack = length_of(arrived).slack;
	return length_of(message).slack == 0 && slack != 0 ? "Content-Length is off by " + std::to_string(slack) : "";
}

} // namespace one_way
