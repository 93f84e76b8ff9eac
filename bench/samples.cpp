// SPDX-License-Identifier: GPL-2.0
// The messages that are written here, or read from bench/messages.
#include "samples.h"

#include "../tests/fake/text.h"
#include "message.h"
#include "places.h"

namespace bench {

const sip::endpoint phone = fake::at("192.168.1.20:5060"), phone_outside = fake::at("203.0.113.1:40000"),
		    server = fake::at("198.51.100.1:5060");

namespace {

// Dialogs of a lamp field (RFC 4235), all of them at once, until there are 40 kB.
std::string dialog_info()
{
	std::string text = "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"7\" "
			   "state=\"full\" entity=\"sip:lamps@pbx.example.net\">\n";
	for (int i = 1000; text.size() < 39000; i++) {
		const std::string n = std::to_string(i);
		text += "  <dialog id=\"d" + n + "\" call-id=\"2dZbqGmJYnSgqMgw" + n + "\" direction=\"recipient\">\n";
		text += "    <state>confirmed</state>\n    <local><identity>sip:" + n + "@pbx.example.net</identity></local>\n";
		text += "    <remote><identity>sip:" + n + "@pstn.example.net</identity></remote>\n  </dialog>\n";
	}
	return text + "</dialog-info>";
}

// The phone's socket as its words have it, and what the top Via of a response to it says then.
words places(const sip::endpoint &as, int number, int port)
{
	words values = numbered(number, port);
	name_socket(values, "inside", as);
	name_socket(values, "outside", server);
	values["via"] = "SIP/2.0/UDP " + values["inside"] + ";received=" + values["inside_host"] +
			";rport=" + std::to_string(as.port) + ";branch=z9hG4bKPj6bzlxS3v00000000";
	values["body"] = dialog_info();
	return values;
}

sample of_phone(const std::string &name, const std::string &file)
{
	constexpr int port = 4000;
	return {name, message(file, places(phone, 0, port)), sort::sip, true,
		message(file, places(phone_outside, 0, bound_port(port)))};
}

sample of_server(const std::string &name, const std::string &file)
{
	constexpr int port = 14000;
	return {name, message(file, places(phone_outside, 0, port)), sort::sip, false,
		message(file, places(phone, 0, port))};
}

std::string rtp_packet()
{
	std::string packet(172, '\x5a');	// 20 ms of G.711 behind the header of RFC 3550 5.1
	packet[0] = '\x80';
	packet[1] = 0;
	return packet;
}

} // namespace

std::vector<sample> ordinary_samples(const std::string &top)
{
	const std::string folder = top + "/bench/messages/";
	return {
		of_phone("INVITE with SDP", folder + "invite"),
		of_phone("INVITE, IMS", folder + "ims"),
		of_phone("INVITE, WebRTC", folder + "webrtc"),
		of_phone("REGISTER", folder + "register"),
		of_phone("OPTIONS", folder + "options"),
		of_server("200 OK with SDP", folder + "ok"),
		of_server("NOTIFY 40 kB", folder + "notify"),
		{"text, not SIP", std::string(1029, 'x'), sort::junk},
		{"RTP packet", rtp_packet(), sort::junk},
	};
}

} // namespace bench
