// SPDX-License-Identifier: GPL-2.0
// A router with few ports, and many who ask for them.
#ifndef SIP_EXT_CORE_CROWDED_H
#define SIP_EXT_CORE_CROWDED_H

#include "core_scene.h"

namespace core_test {

class crowded_scene : public core_scene {
protected:
	void limit_ports(u32 all, u32 per_host)
	{
		gate.rules.values[SIPX_SETTING_MAX_MEDIA] = all;
		gate.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST] = per_host;
	}
	// That many ports of the range, and none of them the one that a phone has already.
	void limit_range(u32 count)
	{
		gate.rules.values[SIPX_SETTING_MEDIA_PORT_MIN] = 10000;
		gate.rules.values[SIPX_SETTING_MEDIA_PORT_MAX] = 10000 + count - 1;
		gate.rules.shift_ports = false;
	}
	// An INVITE that nobody answers.
	void invite(u32 host, u32 first, u32 streams, const char *kind = "audio", const char *proto = "RTP/AVP 0")
	{
		const endpoint from = map.inside(host, 5060);
		dialog d = dialog_of("flood", from, "sip:x@example.com");
		std::vector<media_line> lines;
		for (u32 i = 0; i < streams; i++)
			lines.push_back({sip::with_port(from, static_cast<u16>(first + 2 * i)), kind, proto});
		gate.send(from, server, request(d, "INVITE", sdp_of(from, lines)));
	}
	// A phone, registered, that listens at another port than it sends from: it has a door. The URI that
	// leads there.
	std::string register_door(const endpoint &from, const endpoint &listens, u32 expires = 3600)
	{
		dialog d = dialog_of("new", from, "sip:example.com");
		d.contact = "<sip:new@" + text_of(listens) + ">";
		const std::string seconds = std::to_string(expires);
		const std::string seen = to_server(from, request(d, "REGISTER", "", {{"Expires", seconds}}));
		const std::string contact = line_of(seen, "Contact"), granted = contact + ";expires=" + seconds;
		to_phone(from, answer_at_server(seen, 200, {"far", granted, "", {}, outer(from)}));
		return uri_of(contact);
	}
};

} // namespace core_test

#endif
