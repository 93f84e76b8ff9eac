// SPDX-License-Identifier: GPL-2.0
#include "differ_text.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace differ {

namespace {

const std::string digits = "0123456789";
const std::string token_bytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";

bool is_token(const std::string &text) { return !text.empty() && text.find_first_not_of(token_bytes) == text.npos; }

std::string trimmed(const std::string &text)
{
	const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
	return begin == text.npos ? "" : text.substr(begin, end - begin + 1);
}

std::string long_name(std::string name)
{
	static const std::map<std::string, std::string> names = {
		{"v", "via"},
		{"f", "from"},
		{"t", "to"},
		{"i", "call-id"},
		{"m", "contact"},
		{"l", "content-length"},
		{"c", "content-type"},
		{"e", "content-encoding"},
		{"r", "refer-to"},
		{"b", "referred-by"},
		{"x", "session-expires"},
	};
	std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(tolower(c)); });
	name = trimmed(name);
	const auto found = names.find(name);
	return found == names.end() ? name : found->second;
}

bool fits(const std::string &number, unsigned long long limit)
{
	if (number.empty() || number.size() > 12 || number.find_first_not_of(digits) != number.npos)
		return false;
	return std::stoull(number) <= limit;
}

// Values of a list, apart at commas outside of quotes and angle brackets; quotes end.
bool split(const std::string &text, char at, std::vector<std::string> &out)
{
	bool quoted = false, angle = false;
	std::string one;
	for (size_t i = 0; i < text.size(); i++) {
		const char c = text[i];
		if (quoted && c == '\\' && i + 1 < text.size())
			one += text[i++];
		else if (c == '"' && !angle)
			quoted = !quoted;
		else if (!quoted && c == '<')
			angle = true;
		else if (!quoted && c == '>')
			angle = false;
		if (text[i] == at && !quoted && !angle) {
			out.push_back(trimmed(one));
			one.clear();
		} else {
			one += text[i];
		}
	}
	out.push_back(trimmed(one));
	return !quoted && !angle;
}

// host, or host:port, with brackets around IPv6.
bool is_host_port(const std::string &text)
{
	const bool reference = text[0] == '[';
	const size_t close = reference ? text.find(']') : text.npos;
	if (reference && close == text.npos)
		return false;
	const size_t colon = text.find(':', reference ? close : 0);
	const std::string host = reference ? text.substr(1, close - 1) : text.substr(0, colon);
	const char *const bytes = reference ? "0123456789abcdefABCDEF:." : token_bytes.c_str();
	if (host.empty() || host.find_first_not_of(bytes) != host.npos ||
	    (reference && close + 1 != std::min(colon, text.size())))
		return false;
	return colon == text.npos || (fits(text.substr(colon + 1), 65535) && text.size() - colon <= 6);
}

bool is_uri(const std::string &text)
{
	const size_t colon = text.find(':');
	if (colon == text.npos || !is_token(text.substr(0, colon)) ||
	    text.find_first_of(" <>\"\t\r\n\\^{}|") != text.npos)
		return false;
	const std::string scheme = long_name(text.substr(0, colon));
	if (scheme != "sip" && scheme != "sips")
		return true;
	const std::string rest = text.substr(colon + 1);
	const size_t at = rest.find('@'), host = at == rest.npos ? 0 : at + 1;
	return is_host_port(rest.substr(host, rest.find_first_of(";?", host) - host));
}

bool are_parameters(const std::vector<std::string> &parts)
{
	std::set<std::string> names;
	for (size_t i = 1; i < parts.size(); i++) {
		if (!names.insert(long_name(parts[i].substr(0, parts[i].find('=')))).second)
			return false;
		const size_t equals = parts[i].find('=');
		if (!is_token(trimmed(parts[i].substr(0, equals))))
			return false;
		const std::string value = equals == parts[i].npos ? "x" : trimmed(parts[i].substr(equals + 1));
		const bool quoted = value.size() > 1 && value.front() == '"' && value.back() == '"';
		if (!quoted && (value.empty() || value.find_first_not_of(token_bytes + "[]:/@") != value.npos))
			return false;
	}
	return true;
}

bool is_display_name(const std::string &text)
{
	if (text.empty())
		return true;
	if (text.front() == '"')
		return text.size() > 1 && text.back() == '"';
	std::istringstream words(text);
	for (std::string word; words >> word;)
		if (!is_token(word))
			return false;
	return true;
}

bool is_address(const std::string &value)
{
	std::vector<std::string> parts;
	if (!split(value, ';', parts))
		return false;
	const std::string &first = parts[0];
	const size_t open = first.find('<', first.front() == '"' ? first.find('"', 1) : 0);
	if (open == first.npos)
		return is_uri(first) && are_parameters(parts);
	return first.back() == '>' && is_display_name(trimmed(first.substr(0, open))) &&
	       is_uri(first.substr(open + 1, first.size() - open - 2)) && are_parameters(parts);
}

bool is_via(const std::string &value)
{
	std::vector<std::string> parts;
	if (!split(value, ';', parts))
		return false;
	std::istringstream words(parts[0]);
	std::string protocol, host, more;
	words >> protocol >> host;
	const bool apart = std::count(protocol.begin(), protocol.end(), '/') == 2 && protocol.back() != '/';
	for (const std::string &part : parts)
		if (!part.compare(0, 6, "rport=") && !fits(part.substr(6), 65535))
			return false;
	return apart && !(words >> more) && is_host_port(host) && are_parameters(parts);
}

} // namespace

anatomy::anatomy(const std::string &message)
	: has_nul(message.find('\0') != message.npos), odd_line_ends(message.find("\r\r") != message.npos)
{
	size_t at = message.find_first_not_of("\r\n");
	bool first = true;
	while (at < message.size()) {
		const size_t stop = message.find('\n', at), end = stop == message.npos ? message.size() : stop + 1;
		const std::string line = message.substr(at, end - at), text = trimmed(line);
		at = end;
		if (stop != message.npos && text.empty() && line.find_first_of(" \t") == line.npos) {
			ends = true;
			body = message.substr(at);
			whole = body.size();
			if (fits(value_of("content-length"), 65535))
				body.resize(std::min<size_t>(whole, std::stoull(value_of("content-length"))));
			return;
		}
		if (first) {
			start = line.substr(0, line.find_last_not_of("\r\n") + 1);
			first = false;
		} else if ((line[0] == ' ' || line[0] == '\t') && !fields.empty()) {
			folded = true;
			fields.back().value += " " + text;
		} else {
			const size_t colon = line.find(':');
			fields.push_back({long_name(line.substr(0, colon)),
					  colon == line.npos ? "" : trimmed(line.substr(colon + 1)),
					  colon != line.npos});
		}
	}
}

unsigned anatomy::count(const std::string &name) const
{
	return static_cast<unsigned>(
		std::count_if(fields.begin(), fields.end(), [&name](const field &f) { return f.name == name; }));
}

std::string anatomy::value_of(const std::string &name) const
{
	for (const field &f : fields)
		if (f.name == name)
			return f.value;
	return "";
}

bool start_is_strict(const anatomy &a)
{
	const size_t one = a.start.find(' '), two = a.start.find(' ', one + 1);
	if (one == a.start.npos || two == a.start.npos)
		return false;
	const std::string head = a.start.substr(0, one), middle = a.start.substr(one + 1, two - one - 1);
	if (head == "SIP/2.0")
		return middle.size() == 3 && fits(middle, 699) && middle[0] != '0' && two + 1 < a.start.size();
	return is_token(head) && is_uri(middle) && middle.compare(0, 3, "sip") == 0 &&
	       a.start.substr(two + 1) == "SIP/2.0";
}

bool addresses_are_strict(const anatomy &a)
{
	static const std::string names[] = {"from",
					    "to",
					    "contact",
					    "route",
					    "record-route",
					    "path",
					    "service-route",
					    "refer-to",
					    "reply-to",
					    "referred-by",
					    "p-asserted-identity",
					    "p-preferred-identity",
					    "remote-party-id",
					    "diversion",
					    "history-info"};
	for (const field &f : a.fields) {
		if (std::find(std::begin(names), std::end(names), f.name) == std::end(names) || f.value == "*")
			continue;
		std::vector<std::string> values;
		const bool one = (f.name != "from" && f.name != "to") || f.value.find(">,") == std::string::npos;
		if (!one || !split(f.value, ',', values) || !std::all_of(values.begin(), values.end(), is_address))
			return false;
	}
	return true;
}

bool vias_are_strict(const anatomy &a)
{
	for (const field &f : a.fields) {
		std::vector<std::string> values;
		if (f.name == "via" &&
		    (!split(f.value, ',', values) || !std::all_of(values.begin(), values.end(), is_via)))
			return false;
	}
	return true;
}

bool numbers_are_plain(const anatomy &a)
{
	const std::string cseq = a.value_of("cseq");
	const size_t blank = cseq.find_first_of(" \t");
	for (const field &f : a.fields)
		if (f.name == "content-length" && !fits(f.value, 0xffffffff))
			return false;
	return blank != cseq.npos && fits(cseq.substr(0, blank), 0xffffffff) && is_token(trimmed(cseq.substr(blank)));
}

bool fields_are_there(const anatomy &a)
{
	for (const char *name : {"from", "to", "call-id", "cseq"})
		if (a.count(name) != 1 || a.value_of(name).empty())
			return false;
	for (const field &f : a.fields)
		if (!f.has_colon || f.value.empty() || !is_token(f.name))
			return false;
	return a.count("via") && a.count("content-type") < 2 &&
	       a.value_of("call-id").find_first_of(" \t") == std::string::npos;
}

bool lengths_agree(const anatomy &a)
{
	const std::string length = a.value_of("content-length");
	const bool fit = length.empty() || (fits(length, 65535) && std::stoull(length) <= a.whole);
	return a.ends && a.count("content-length") < 2 && fit && (!length.empty() || a.body.empty());
}

bool is_multipart(const anatomy &a) { return a.value_of("content-type").compare(0, 10, "multipart/") == 0; }

namespace {

std::string word(const std::string &line, unsigned index)
{
	std::istringstream words(line);
	std::string one;
	for (unsigned i = 0; i <= index && words >> one; i++)
		if (i == index)
			return one;
	return "";
}

// The numbers of a line that leads media somewhere (RFC 8866 5.14, RFC 3605, RFC 8839 5.1, RFC 4975).
bool is_media_line_plain(const std::string &line)
{
	const auto begins = [&line](const char *with) {
		return line.compare(0, std::string(with).size(), with) == 0;
	};
	if (begins("m=")) {
		const std::string ports = word(line, 1);
		const size_t slash = ports.find('/');
		const bool count = slash == ports.npos ||
				   (fits(ports.substr(slash + 1), 65535) && ports.substr(slash + 1) != "0");
		return count && fits(ports.substr(0, slash), 65535) && !word(line, 2).empty();
	}
	if (begins("c=") || begins("o="))
		return !word(line, begins("c=") ? 2 : 5).empty();
	if (begins("a=rtcp:"))
		return fits(word(line.substr(7), 0), 65535);
	if (begins("a=candidate:")) {
		const size_t related = line.find(" rport ");
		return fits(word(line, 5), 65535) &&
		       (related == line.npos || fits(word(line.substr(related + 7), 0), 65535));
	}
	const size_t authority = begins("a=path:") ? line.find("://") : line.npos;
	return authority == line.npos ||
	       is_host_port(line.substr(authority + 3, line.find_first_of("/;\r", authority + 3) - authority - 3));
}

// v o s [i u e p c b] t [r z k a] and then for each m= [i c b k a], a value in each, and what is to
// be there once is there once.
class session_check {
public:
	bool take(const std::string &line)
	{
		if (line.empty() || line.back() != '\r' || line.size() < 4 || line[1] != '=' || line[2] == ' ')
			return false;
		in_media_ |= line[0] == 'm';
		const size_t place = std::string(in_media_ ? "micbka" : "vosiuepcbtrzka").find(line[0]);
		if (place == std::string::npos || (line[0] != 'm' && place < behind_))
			return false;
		behind_ = place;
		section_ = line[0] == 'm' ? "" : section_;
		section_ += line.compare(0, 7, "a=rtcp:") ? line[0] : 'R';
		if (!in_media_)
			session_ += line[0];
		return is_media_line_plain(line) && std::count(section_.begin(), section_.end(), 'R') < 2 &&
		       std::count(section_.begin(), section_.end(), 'c') < 2;
	}
	bool is_complete() const
	{
		return std::all_of(std::begin("vost"), std::end("vost") - 1, [this](char needed) {
			return std::count(session_.begin(), session_.end(), needed) == 1;
		});
	}

private:
	std::string session_, section_;
	size_t behind_ = 0;
	bool in_media_ = false;
};

} // namespace

bool has_session(const anatomy &a) { return a.value_of("content-type").compare(0, 15, "application/sdp") == 0; }

bool sdp_is_strict(const anatomy &a)
{
	std::istringstream lines(a.body);
	session_check check;
	for (std::string line; std::getline(lines, line);)
		if (!check.take(line))
			return false;
	return check.is_complete();
}

} // namespace differ
