// SPDX-License-Identifier: GPL-2.0
#include "peers.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <strings.h>

namespace fake {

namespace {

u32 counter = 1;

std::string field_line(const std::string &name, const std::string &value)
{
	return name + ": " + value + "\r\n";
}

std::vector<std::string> split_lines(const std::string &text)
{
	std::vector<std::string> lines;
	size_t at = 0;
	while (at < text.size()) {
		const size_t stop = text.find("\r\n", at);
		lines.push_back(text.substr(at, stop == text.npos ? stop : stop - at));
		at = stop == text.npos ? text.size() : stop + 2;
	}
	return lines;
}

// The short name of a field, or '\0' (RFC 3261 7.3.3 and 20; 3515, 3841, 3892, 4028, 4474, 6665).
char compact_of(const std::string &name)
{
	static const struct {
		char compact;
		const char *name;
	} all[] = {
		{'a', "Accept-Contact"}, {'b', "Referred-By"}, {'c', "Content-Type"}, {'d', "Request-Disposition"},
		{'e', "Content-Encoding"}, {'f', "From"}, {'i', "Call-ID"}, {'j', "Reject-Contact"},
		{'k', "Supported"}, {'l', "Content-Length"}, {'m', "Contact"}, {'n', "Identity-Info"},
		{'o', "Event"}, {'r', "Refer-To"}, {'s', "Subject"}, {'t', "To"}, {'u', "Allow-Events"},
		{'v', "Via"}, {'x', "Session-Expires"}, {'y', "Identity"},
	};
	for (const auto &one : all)
		if (strcasecmp(name.c_str(), one.name) == 0)
			return one.compact;
	return '\0';
}

// Of the field that this line begins; blanks may stand before the colon (RFC 3261 25.1).
std::string name_of(const std::string &line)
{
	const std::string before = line.substr(0, std::min(line.find(':'), line.size()));
	return before.substr(0, before.find_last_not_of(" \t") + 1);
}

bool is_field(const std::string &line, const std::string &name)
{
	const std::string found = name_of(line);
	if (found.size() == 1 && std::tolower(static_cast<u8>(found[0])) == compact_of(name))
		return true;
	return strcasecmp(found.c_str(), name.c_str()) == 0;
}

std::string after_blanks(const std::string &line, size_t at)
{
	while (at < line.size() && line[at] == ' ')
		at++;
	return line.substr(at);
}

std::string head_of(const std::string &message)
{
	const size_t stop = message.find("\r\n\r\n");
	return stop == message.npos ? message : message.substr(0, stop + 2);
}

std::string reason_of(int status)
{
	return status < 200 ? "Trying" : status < 300 ? "OK" : "No";
}

std::string party(const std::string &uri, const std::string &tag)
{
	return "<" + uri + ">" + (tag.empty() ? "" : ";tag=" + tag);
}

// RFC 3261 18.2.1 and RFC 3581 4.
std::string stamp_via(const std::string &via, const endpoint &seen_from)
{
	if (!seen_from.family)
		return via;
	std::string stamped = via;
	const size_t rport = stamped.find(";rport");
	if (rport != stamped.npos && stamped[rport + 6] != '=')
		stamped.insert(rport + 6, "=" + std::to_string(seen_from.port));
	return stamped + ";received=" + host_of(seen_from);
}

std::string build(const dialog &d, const std::string &method, const std::string &branch, u32 cseq,
		  const std::string &sdp, const fields &more)
{
	fields all = {{"Via", "SIP/2.0/UDP " + d.via + ";branch=" + branch}, {"Max-Forwards", "70"}};
	for (const auto &route : d.routes)
		all.push_back({"Route", route});
	all.push_back({"From", party(d.local, d.local_tag)});
	all.push_back({"To", party(d.remote, d.remote_tag)});
	all.push_back({"Call-ID", d.call_id});
	all.push_back({"CSeq", std::to_string(cseq) + " " + method});
	if (!d.contact.empty() && method != "BYE" && method != "ACK" && method != "CANCEL")
		all.push_back({"Contact", d.contact});
	all.insert(all.end(), more.begin(), more.end());
	return compose(method + " " + d.target + " SIP/2.0", all, sdp.empty() ? "" : "application/sdp", sdp);
}

std::string parameter(const std::string &text, const std::string &name)
{
	const size_t at = text.find(";" + name + "=");
	if (at == text.npos)
		return "";
	const size_t begin = at + name.size() + 2;
	return text.substr(begin, text.find_first_of(";, \r\n", begin) - begin);
}

// The lines of the n-th m= section, with those of the session before.
struct section {
	std::string connection, media, rtcp;
};

section section_of(const std::string &message, u32 index)
{
	section found;
	int at = -1;
	for (const auto &line : split_lines(body_of(message))) {
		if (line.compare(0, 2, "m=") == 0)
			at++;
		const bool here = at == static_cast<int>(index);
		if (here && line.compare(0, 2, "m=") == 0)
			found.media = line;
		if ((here || at < 0) && line.compare(0, 2, "c=") == 0)
			found.connection = line;
		if (here && line.compare(0, 7, "a=rtcp:") == 0)
			found.rtcp = line;
	}
	return found;
}

endpoint socket_of(const std::string &host, const std::string &port)
{
	if (!is_address(host.substr(0, host.find('/'))))
		return {};
	endpoint e = at(host.substr(0, host.find('/')));
	e.port = static_cast<u16>(std::atoi(port.c_str()));
	return e;
}

std::string word(const std::string &line, u32 index)
{
	size_t at = 0;
	while (index-- && at != line.npos)
		at = line.find(' ', at) == line.npos ? line.npos : line.find(' ', at) + 1;
	return at == line.npos ? "" : line.substr(at, line.find(' ', at) - at);
}

} // namespace

std::string compose(const std::string &start_line, const fields &all, const std::string &type,
		    const std::string &body)
{
	std::string text = start_line + "\r\n";
	for (const auto &[name, value] : all)
		text += field_line(name, value);
	if (!type.empty())
		text += field_line("Content-Type", type);
	return text + field_line("Content-Length", std::to_string(body.size())) + "\r\n" + body;
}

std::vector<std::string> lines_of(const std::string &message, const std::string &name)
{
	std::vector<std::string> found;
	for (const auto &line : split_lines(head_of(message)))
		if (line.find(':') != line.npos && is_field(line, name))
			found.push_back(after_blanks(line, line.find(':') + 1));
	return found;
}

std::string line_of(const std::string &message, const std::string &name)
{
	const auto all = lines_of(message, name);
	return all.empty() ? "" : all[0];
}

std::string body_of(const std::string &message)
{
	const size_t at = message.find("\r\n\r\n");
	return at == message.npos ? "" : message.substr(at + 4);
}

std::string start_of(const std::string &message) { return message.substr(0, message.find("\r\n")); }
std::string request_uri_of(const std::string &message) { return word(start_of(message), 1); }

int status_of(const std::string &message)
{
	return message.compare(0, 8, "SIP/2.0 ") ? 0 : std::atoi(message.c_str() + 8);
}

std::string tag_of(const std::string &party) { return parameter(party, "tag"); }

std::string uri_of(const std::string &party)
{
	const size_t at = party.find('<');
	return at == party.npos ? party : party.substr(at + 1, party.find('>') - at - 1);
}

std::string with(std::string text, const std::string &old, const std::string &fresh)
{
	for (size_t at = text.find(old); at != text.npos; at = text.find(old, at + fresh.size()))
		text.replace(at, old.size(), fresh);
	return text;
}

std::string sdp_of(const endpoint &host, const std::vector<media_line> &media,
		   const std::vector<std::string> &session_attributes)
{
	const std::string address = " IN " + family_of(host) + " " + host_of(host) + "\r\n";
	std::string text = "v=0\r\no=- 1 1" + address + "s=-\r\nc=" + address.substr(1) + "t=0 0\r\n";
	for (const auto &attribute : session_attributes)
		text += "a=" + attribute + "\r\n";
	for (const auto &m : media) {
		text += "m=" + m.kind + " " + std::to_string(m.rtp.port) + " " + m.proto + "\r\n";
		if (m.rtp.family && !sip::same_address(m.rtp, host))
			text += "c=IN " + family_of(m.rtp) + " " + host_of(m.rtp) + "\r\n";
		for (const auto &attribute : m.attributes)
			text += "a=" + attribute + "\r\n";
	}
	return text;
}

endpoint media_of(const std::string &message, u32 index)
{
	const section found = section_of(message, index);
	if (found.media.empty() || found.connection.empty())
		return {};
	return socket_of(word(found.connection, 2), word(found.media, 1));
}

endpoint rtcp_of(const std::string &message, u32 index)
{
	const section found = section_of(message, index);
	endpoint rtp = media_of(message, index);
	if (found.rtcp.empty()) {
		rtp.port++;
		return rtp;
	}
	const std::string host = word(found.rtcp, 3);
	return socket_of(host.empty() ? host_of(rtp) : host, found.rtcp.substr(7));
}

dialog dialog_of(const std::string &user, const endpoint &socket, const std::string &remote, bool bare)
{
	const std::string host = bare ? uri_host_of(socket) : text_of(socket);
	dialog d;
	d.call_id = new_word("call") + "@" + host_of(socket);
	d.local = "sip:" + user + "@example.com";
	d.remote = remote;
	d.local_tag = new_word("tag");
	d.target = remote;
	d.contact = "<sip:" + user + "@" + host + ">";
	d.via = host + ";rport";
	return d;
}

dialog answering(const std::string &request, const std::string &user, const endpoint &socket)
{
	dialog d = dialog_of(user, socket, "");
	d.call_id = line_of(request, "Call-ID");
	d.local = uri_of(line_of(request, "To"));
	d.remote = uri_of(line_of(request, "From"));
	d.remote_tag = tag_of(line_of(request, "From"));
	d.target = uri_of(line_of(request, "Contact"));
	d.routes = lines_of(request, "Record-Route");
	d.cseq = 100;
	return d;
}

void learn(dialog &d, const std::string &response)
{
	d.remote_tag = tag_of(line_of(response, "To"));
	if (const std::string contact = line_of(response, "Contact"); !contact.empty())
		d.target = uri_of(contact);
	const auto routes = lines_of(response, "Record-Route");
	d.routes.assign(routes.rbegin(), routes.rend());
}

std::string request(dialog &d, const std::string &method, const std::string &sdp, const fields &more)
{
	return build(d, method, new_branch(), d.cseq++, sdp, more);
}

std::string request_again(const dialog &d, const std::string &method, const std::string &like,
			  const std::string &sdp)
{
	const u32 cseq = static_cast<u32>(std::atoi(line_of(like, "CSeq").c_str()));
	return build(d, method, parameter(line_of(like, "Via"), "branch"), cseq, sdp, {});
}

std::string ack(const dialog &d, const std::string &invite, const std::string &sdp)
{
	const u32 cseq = static_cast<u32>(std::atoi(line_of(invite, "CSeq").c_str()));
	return build(d, "ACK", new_branch(), cseq, sdp, {});
}

std::string respond(const std::string &request, int status, const reply_parts &parts)
{
	fields all;
	bool top = true;
	for (const auto &via : lines_of(request, "Via")) {
		all.push_back({"Via", top ? stamp_via(via, parts.seen_from) : via});
		top = false;
	}
	for (const auto &route : lines_of(request, "Record-Route"))
		all.push_back({"Record-Route", route});
	std::string to = line_of(request, "To");
	if (tag_of(to).empty() && !parts.tag.empty())
		to += ";tag=" + parts.tag;
	all.push_back({"From", line_of(request, "From")});
	all.push_back({"To", to});
	all.push_back({"Call-ID", line_of(request, "Call-ID")});
	all.push_back({"CSeq", line_of(request, "CSeq")});
	if (!parts.contact.empty())
		all.push_back({"Contact", parts.contact});
	all.insert(all.end(), parts.more.begin(), parts.more.end());
	const std::string line = "SIP/2.0 " + std::to_string(status) + " " + reason_of(status);
	return compose(line, all, parts.sdp.empty() ? "" : "application/sdp", parts.sdp);
}

std::string new_word(const std::string &start) { return start + std::to_string(counter++); }
void restart_words() { counter = 1; }
std::string new_branch() { return new_word("z9hG4bK"); }

} // namespace fake
