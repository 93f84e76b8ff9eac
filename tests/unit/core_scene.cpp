// SPDX-License-Identifier: GPL-2.0
#include "core_scene.h"

#include <cstdlib>

namespace core_test {

core_scene::core_scene()
{
	seed_random(7);
	set_faults({});
	gate.emitted = [this](const arrival &one) {
		for (auto &[phone, its] : lines)
			its->deliver(one);
	};
}

core_scene::~core_scene()
{
	set_faults({});
	gate.end_all();
	EXPECT_EQ(live_objects(), 0u) << "objects are left behind by connections that ended";
	EXPECT_EQ(gate.handles(), 0u) << "pinholes are left behind by connections that ended";
	EXPECT_EQ(gate.expectation_count(), 0u);
	EXPECT_EQ(live_piece_bytes(), 0u) << "memory of streams is left behind";
}

tcp_line &core_scene::line(const endpoint &phone)
{
	auto &its = lines[phone];
	if (!its) {
		its = std::make_unique<tcp_line>(gate, phone, over_tcp(server));
		EXPECT_TRUE(its->connect()) << text_of(phone);
	}
	return *its;
}

void core_scene::hang_up_line(const endpoint &phone)
{
	line(phone).finish(true);
	line(phone).finish(false);
	lines.erase(phone);
}

std::string core_scene::say(const endpoint &phone, bool phone_speaks, const std::string &bytes,
			    const std::vector<size_t> &how)
{
	line(phone).say(phone_speaks, bytes, how);
	said.push_back({phone, phone_speaks, bytes, line(phone).read(!phone_speaks), gate.expectation_count()});
	return said.back().heard;
}

endpoint core_scene::outer(const endpoint &phone) const
{
	const connection *c = gate.find(phone, sip::with_protocol(server, phone.protocol));
	return c ? c->reply.destination : phone;
}

namespace {

delivery delivery_of(const tcp_line &its, bool phone_speaks, const std::string &read)
{
	delivery sent;
	sent.how = fate::arrived;
	sent.source = phone_speaks ? its.seen_client() : its.server();
	sent.destination = phone_speaks ? its.server() : its.client();
	sent.bytes = read;
	return sent;
}

} // namespace

delivery core_scene::try_to_server(const endpoint &phone, const std::string &message)
{
	const bool tcp = phone.protocol == SIPX_TCP;
	const delivery sent = tcp ? delivery_of(line(phone), true, say(phone, true, for_tcp(message), cuts))
				  : gate.send(phone, server, message);
	EXPECT_EQ(length_fault_in(sent.bytes), "") << sent.bytes;
	return sent;
}

std::string core_scene::to_server(const endpoint &phone, const std::string &message)
{
	const delivery sent = try_to_server(phone, message);
	EXPECT_TRUE(sent.arrived_at(server)) << message;
	EXPECT_EQ(leak_in(sent.bytes, map), "") << sent.bytes;
	std::set<u16> inside_ports = gate.rules.taken_ports;
	if (gate.rules.shift_ports)
		inside_ports.insert(phone.port);
	EXPECT_EQ(port_fault_in(sent.bytes, map, inside_ports), "") << sent.bytes;
	return sent.bytes;
}

delivery core_scene::try_to_phone(const endpoint &phone, const std::string &message)
{
	const bool tcp = phone.protocol == SIPX_TCP;
	const delivery sent = tcp ? delivery_of(line(phone), false, say(phone, false, for_tcp(message), cuts))
				  : gate.send(server, outer(phone), message);
	EXPECT_EQ(length_fault_in(sent.bytes), "") << sent.bytes;
	return sent;
}

std::string core_scene::to_phone(const endpoint &phone, const std::string &message)
{
	const delivery sent = try_to_phone(phone, message);
	EXPECT_TRUE(sent.arrived_at(phone)) << message;
	return sent.bytes;
}

std::string core_scene::answer_at_server(const std::string &request, int status, reply_parts parts)
{
	if (parts.tag.empty())
		parts.tag = "far";
	return respond(request, status, parts);
}

std::string core_scene::register_phone(const endpoint &phone, const std::string &user, u32 expires)
{
	dialog d = dialog_of(user, phone, "sip:" + user + "@example.com");
	d.target = "sip:example.com";
	const std::string seen = to_server(phone, request(d, "REGISTER", "", {{"Expires", std::to_string(expires)}}));
	reply_parts parts;
	parts.seen_from = outer(phone);
	parts.contact = line_of(seen, "Contact") + ";expires=" + std::to_string(expires);
	return to_phone(phone, answer_at_server(seen, 200, parts));
}

placed_call core_scene::call_out(const endpoint &phone, const endpoint &phone_media, const endpoint &far_media)
{
	placed_call call;
	call.caller = dialog_of("alice", phone, "sip:bob@example.com");
	const std::string invite = request(call.caller, "INVITE", sdp_of(phone_media, {{phone_media}}));
	call.invite = to_server(phone, invite);
	call.called = answering(call.invite, "bob", server);
	to_phone(phone, answer_at_server(call.invite, 180, {call.called.local_tag, call.called.contact, "", {}, outer(phone)}));
	const std::string far_sdp = sdp_of(far_media, {{far_media}});
	const reply_parts parts{call.called.local_tag, call.called.contact, far_sdp, {}, outer(phone)};
	call.answer = to_phone(phone, answer_at_server(call.invite, 200, parts));
	learn(call.caller, call.answer);
	to_server(phone, ack(call.caller, invite));
	return call;
}

placed_call core_scene::call_in(const endpoint &phone, const endpoint &phone_media, const endpoint &far_media)
{
	placed_call call;
	call.caller = dialog_of("bob", server, "sip:alice@example.com");
	call.caller.target = "sip:alice@" + text_of(outer(phone));
	const std::string invite = request(call.caller, "INVITE", sdp_of(far_media, {{far_media}}));
	call.invite = to_phone(phone, invite);
	call.called = answering(call.invite, "alice", phone);
	to_server(phone, respond(call.invite, 180, {call.called.local_tag, call.called.contact, "", {}, {}}));
	const std::string sdp = sdp_of(phone_media, {{phone_media}});
	const reply_parts parts{call.called.local_tag, call.called.contact, sdp, {}, {}};
	call.answer = to_server(phone, respond(call.invite, 200, parts));
	learn(call.caller, call.answer);
	to_phone(phone, ack(call.caller, invite));
	return call;
}

void core_scene::hang_up_inside(const endpoint &phone, placed_call &call, bool phone_called)
{
	dialog &d = phone_called ? call.called : call.caller;
	const std::string seen = to_server(phone, request(d, "BYE"));
	to_phone(phone, answer_at_server(seen, 200));
}

void core_scene::expect_audio(const endpoint &phone_media, const endpoint &outer_media, const endpoint &far_media)
{
	const delivery in = gate.send(far_media, outer_media, "rtp in");
	EXPECT_TRUE(in.arrived_at(phone_media)) << text_of(far_media) << " -> " << text_of(outer_media);
	const delivery out = gate.send(phone_media, far_media, "rtp out");
	EXPECT_TRUE(out.arrived_at(far_media));
	EXPECT_EQ(text_of(out.source), text_of(outer_media));
}

void core_scene::expect_no_way_in(const endpoint &from, const endpoint &outer_media)
{
	EXPECT_FALSE(gate.send(from, outer_media, "rtp in").arrived()) << text_of(outer_media);
}

std::string leak_in(const std::string &message, const places &map)
{
	const std::string wanted = map.family == SIPX_IPV6 ? "fd00::" : "10.0.0.";
	size_t at = 0;
	while (at < message.size()) {
		size_t stop = message.find("\r\n", at);
		stop = stop == message.npos ? message.size() : stop;
		const std::string line = message.substr(at, stop - at);
		const bool never = line.compare(0, 8, "Call-ID:") == 0 || line.compare(0, 14, "Authorization:") == 0 ||
				   line.compare(0, 11, "User-Agent:") == 0;
		if (!never && line.find(wanted) != line.npos)
			return line;
		at = stop + 2;
	}
	return "";
}

std::string port_fault_in(const std::string &message, const places &map, const std::set<u16> &inside_ports)
{
	const std::string host = uri_host_of(map.router(0)) + ":";
	for (size_t at = message.find(host); at != message.npos; at = message.find(host, at + 1))
		if (inside_ports.count(static_cast<u16>(std::atoi(message.c_str() + at + host.size()))))
			return message.substr(at, host.size() + 6);
	for (u32 i = 0; message.find("\r\nm=") != message.npos && media_of(message, i).family; i++)
		for (const endpoint &e : {media_of(message, i), rtcp_of(message, i)})
			if (sip::same_address(e, map.router(0)) && inside_ports.count(e.port))
				return "media " + text_of(e);
	return "";
}

std::string length_fault_in(const std::string &message)
{
	const std::string written = line_of(message, "Content-Length");
	if (written.empty() || body_of(message).size() == std::strtoul(written.c_str(), nullptr, 10))
		return "";
	return "Content-Length " + written + ", body " + std::to_string(body_of(message).size());
}

} // namespace core_test
