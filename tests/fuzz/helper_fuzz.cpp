// SPDX-License-Identifier: GPL-2.0
// The whole helper over the fake kernel: an input is a play of several phones and servers,
// their messages (made from templates and bent), media, faults and the passage of time.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <tuple>

#include "../../message_frame.h"
#include "../fake/peers.h"
#include "../fake/tcp_line.h"
#include "helper_checks.h"
#include "helper_script.h"
#include "helper_watch.h"
#include "sip_mutator.h"

namespace fuzz {

using namespace fake;

namespace {

constexpr u32 hosts = 3;
constexpr u32 max_steps = 48;	// of one play: longer ones teach nothing new

// What is sent in a play, each a file of that folder, for messages.py.
void keep(const std::string &message)
{
	static const char *const folder = getenv("FUZZ_MESSAGES");
	if (!folder || message.empty())
		return;
	std::ofstream out(std::string(folder) + "/" + std::to_string(std::hash<std::string>{}(message)), std::ios::binary);
	if (!(out << message).flush())
		broken(std::string("cannot write to ") + folder);
}

class play {
public:
	play(const u8 *data, size_t size) : script_(data, size)
	{
		script_.step();
		const u8 flags = script_.byte();
		ipv6_ = flags & 1;
		gate_.rules.shift_ports = flags & 2;
		gate_.rules.masquerade = !(flags & 4);
		gate_.rules.nat_present = (flags & 0x18) != 0x18;
		gate_.rules.assist = (flags & 0x60) == 0x60;
		gate_.rules.values[SIPX_SETTING_MEDIA_SOURCE] = (flags >> 5) % 3;
		if (flags & 0x80)
			gate_.rules.forward[outside(5060)] = phone(0);
		gate_.rules.taken_ports = {20000};
		set_media_rules(script_.byte());
		set_bounds(script_.byte());
		gate_.emitted = [this](const arrival &one) {
			for (auto &[key, its] : lines_)
				its.line->deliver(one);
		};
		seed_random(flags + 1u);
		set_faults({});
	}
	~play()
	{
		set_faults({});
		gate_.emitted = nullptr;
		if (leaves_at_once_) {
			leave_at_once();
		} else {
			gate_.end_all();
			expect_nothing("connections that ended", gate_.handles());
		}
	}

	void run()
	{
		restart_words();
		for (u32 step = 0; step < max_steps && !script_.done(); step++) {
			script_.step();
			act();
			look();
		}
	}

private:
	// The namespace ends while everything stands (sipx_core_state_exit()).
	void leave_at_once()
	{
		lines_.clear();
		owned_.reset();
		expect_nothing("the namespace", 0);
	}
	static void expect_nothing(const std::string &whose, u32 handles)
	{
		if (live_piece_bytes())
			broken("memory of streams is left behind by " + whose);
		std::string left;
		for (u32 slab = 0; slab < SIPX_SLABS; slab++)
			left += " " + std::to_string(live_objects(static_cast<sipx_slab>(slab)));
		if (live_objects() || handles)
			broken("left behind by " + whose + ", of each slab:" + left + ", pinholes: " + std::to_string(handles));
	}
	void look()
	{
		const std::string fault = broken_state(gate_, told_);
		if (!fault.empty())
			broken(fault);
		if (script_.done())
			read_tables();
		const u32 made = live_objects(SIPX_SLAB_CALL) + live_objects(SIPX_SLAB_REGISTRATION) +
				 gate_.expectation_count();
		if (!inside_spoke_ && gate_.rules.forward.empty() && made)
			broken("S5 state toward the inside, and nobody inside has said anything");
	}
	// S13: what a reader of /proc sees is lines of text, whatever was said.
	void read_tables()
	{
		for (const std::string &table : {gate_.show_calls(), gate_.show_registrations()})
			for (const char c : table)
				if ((c < ' ' && c != '\n' && c != '\t') || c > '~')
					broken("S13 a table that is not text:\n" + table);
	}
	void set_bounds(u8 flags)
	{
		leaves_at_once_ = flags & 1;
		aggregates_ = flags & 2;
		gate_.rules.values[SIPX_SETTING_IDENTITY] = !(flags & 4);
		gate_.rules.misses_ends = flags & 8;
		gate_.rules.hairpin = flags & 16;
		if (flags & 32) {
			gate_.rules.values[SIPX_SETTING_MAX_CALLS] = 3;
			gate_.rules.values[SIPX_SETTING_MAX_REGISTRATIONS] = 2;
		}
		if (flags & 64) {
			gate_.rules.values[SIPX_SETTING_MAX_CALLS_PER_HOST] = 2;
			gate_.rules.values[SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST] = 1;
		}
		if (flags & 128)
			gate_.rules.class_limit = 4;
	}
	void set_media_rules(u8 flags)
	{
		if (flags & 64)
			gate_.rules.values[SIPX_SETTING_MAX_MEDIA_PER_HOST] = 6;
		if (flags & 128)
			gate_.rules.values[SIPX_SETTING_MAX_MEDIA] = 10;
		gate_.rules.values[SIPX_SETTING_DIRECT_MEDIA] = flags & 1;
		gate_.rules.values[SIPX_SETTING_TCP_MEDIA] = flags >> 1 & 1;
		gate_.rules.values[SIPX_SETTING_TCP_INBOUND] = flags >> 4 & 1;
		if (flags & 32)
			gate_.rules.values[SIPX_SETTING_TCP_BUFFER] = 4;
		if (flags & 4)
			gate_.rules.media_hosts = {"10.0.0.11", "fd00::11"};
		if (flags & 64)	// of the ports that phones listen at, and have their media at
			gate_.rules.denied_ports = {5070, 20001, 20004};
		if (flags & 8) {	// soon used up
			gate_.rules.values[SIPX_SETTING_MEDIA_PORT_MIN] = 20001;
			gate_.rules.values[SIPX_SETTING_MEDIA_PORT_MAX] = 20011;
		}
	}
	endpoint make(const char *four, const char *six, u32 host, u16 port) const
	{
		const std::string number = std::to_string(host), tail = ":" + std::to_string(port);
		return ipv6_ ? at("[" + std::string(six) + number + "]" + tail) : at(four + number + tail);
	}
	endpoint phone(u32 n) const { return make("10.0.0.", "fd00::", 10 + n, n == 2 ? 49152 : 5060); }
	endpoint server(u32 n) const { return make("198.51.100.", "2001:db8:1::", 1 + n, 5060); }
	static endpoint over_tcp(const endpoint &e) { return sip::with_protocol(e, SIPX_TCP); }
	// From where a phone begins its connections.
	endpoint caller(u32 n) const
	{
		return over_tcp(sip::with_port(phone(n), static_cast<u16>(n ? 49200 + n : 5060)));
	}
	endpoint outside(u16 port) const { return make("203.0.113.", "2001:db8:f::", 1, port); }
	endpoint outer(u32 n, u32 m) const
	{
		const endpoint from = tcp_ ? caller(n) : phone(n), to = tcp_ ? over_tcp(server(m)) : server(m);
		const connection *c = gate_.find(from, to);
		return c ? c->reply.destination : outside(5060);
	}

	void act()
	{
		const u8 what = script_.byte();
		switch (what % 16) {
		case 0: case 1: case 2: case 3:
			return send(from_template(what / 16 % 16));
		case 4: case 5:
			return send(answer());
		case 6:
			return send(script_.bytes(script_.byte() * 4u));
		case 7:
			return gate_.advance(what / 16 % 2 ? script_.byte() : script_.byte() * 8u);
		case 8:
			return media();
		case 9:
			return set_faults({.kinds = script_.byte() & 31u, .strike_at = script_.byte() % 32u,
					   .all_after = what / 16 % 2 != 0,
					   .pinhole_error = static_cast<sipx_pinhole_error>(1 + script_.below(4))});
		case 10:
			return cut();
		case 11:
			return send(last_);	// a retransmission
		case 12:
			tcp_ = !tcp_;
			return;
		case 13:
			return say_elsewhere();
		case 14:
			return end_line();
		default:
			return say_again();
		}
	}

	// What was said is said once more by another server: that of the phone comes back to it, and that of a
	// server is copied.
	void say_elsewhere()
	{
		const std::string message = outward_ ? arrived_ : last_;
		m_ = (m_ + 1 + script_.below(hosts - 1)) % hosts;
		outward_ = false;
		send(message);
	}

	// ---- who is part of a call

	void note_parts(const std::string &message)
	{
		if (outward_ && !status_of(message))
			asked_.insert({n_, m_, line_of(message, "Call-ID")});
		for (u32 m = 0; m < hosts && !outward_; m++)
			named_[m] |= m != m_ && message.find(host_of(server(m))) != message.npos;
	}
	// The phone has asked that server for nothing with the Call-ID, and nobody has named it.
	bool is_stranger(const std::string &message) const
	{
		return !named_[m_] && !asked_.count({n_, m_, line_of(message, "Call-ID")});
	}
	// What a stranger says ends nothing, nor what he is refused. (What the inside grants it grants: a real one
	// would repeat what it said before.)
	void expect_no_loss(const belongings &before, const std::string &message, bool stranger)
	{
		if (!stranger || (outward_ && status_of(message) < 300))
			return;
		const std::string fault = before.missing_of_others(gate_, server(m_));
		if (!fault.empty())
			broken(fault + "\n" + message);
	}

	// ---- TCP

	struct tcp_end {
		std::unique_ptr<tcp_line> line;
		u32 connection = 0;
		bool whole = true;	// nothing but whole messages was said
	};

	// The line that there is, if the router still has it: what is gone and goes on is another
	// connection, whose beginning was not seen.
	tcp_end *standing_line()
	{
		const auto found = lines_.find(n_ * hosts + m_);
		const connection *c = gate_.find(caller(n_), over_tcp(server(m_)));
		if (gate_.rules.zone || found == lines_.end() || !c || c->id != found->second.connection)
			return nullptr;
		return found->second.line->is_open() ? &found->second : nullptr;
	}

	// One zone alone: what the router sends of itself does not say which it is for.
	tcp_end *line()
	{
		if (gate_.rules.zone)
			return nullptr;
		if (tcp_end *standing = standing_line())
			return standing;
		inside_spoke_ = true;	// the phone begins it
		tcp_end &its = lines_[n_ * hosts + m_];
		its = {std::make_unique<tcp_line>(gate_, caller(n_), over_tcp(server(m_)))};
		its.line->aggregates = aggregates_;
		if (!its.line->connect()) {
			lines_.erase(n_ * hosts + m_);
			return nullptr;
		}
		its.connection = gate_.find(caller(n_), over_tcp(server(m_)))->id;
		return &its;
	}

	void end_line()
	{
		const tcp_end *its = standing_line();
		if (!its)
			return;
		const u8 how = script_.byte();
		if (how & 1)
			its->line->reset(how & 2);
		else
			its->line->finish(how & 2);
		if (how & 12)
			its->line->finish(!(how & 2));
		lines_.erase(n_ * hosts + m_);
	}

	void say_again()
	{
		if (const tcp_end *its = standing_line())
			its->line->say_again(script_.byte() & 1, script_.byte() * 8u);
	}

	static bool is_one_message(const std::string &text)
	{
		sip::message_frame frame;
		const sip::text_view view(text.data(), static_cast<u32>(text.size()));
		return frame.scan(view) == sip::frame_state::complete && frame.length() == text.size();
	}

	std::vector<size_t> cuts()
	{
		std::vector<size_t> sizes;
		for (u32 i = 0, count = script_.below(4); i < count; i++)
			sizes.push_back(1 + script_.byte() * 4u);
		return sizes;
	}

	void say(tcp_end &its, const std::string &message)
	{
		its.whole &= is_one_message(message);
		const belongings before(gate_);
		const bool stranger = is_stranger(message);
		const std::vector<size_t> how = cuts();
		const u8 loses = script_.byte();
		u32 count = 0;
		if (loses > 200)
			its.line->lose = [loses, &count](const segment &) { return ++count % (loses - 198u) == 0; };
		its.line->say(outward_, message, how);
		its.line->lose = nullptr;
		arrived_ = its.line->read(!outward_);
		if (its.whole)
			expect_no_loss(before, message, stranger);
		if (its.whole && arrived_.empty())
			broken("a whole message does not arrive\n" + message);
		if (!its.whole)
			return;
		passage way{over_tcp(caller(n_)), its.line->seen_client(), over_tcp(server(m_)), outward_};
		way.one_port = !gate_.rules.values[SIPX_SETTING_TCP_INBOUND];
		way.leave_identity = !gate_.rules.values[SIPX_SETTING_IDENTITY];
		const std::string fault = broken_promise(way, message, arrived_);
		if (!fault.empty())
			broken(fault + " over TCP\n---- in\n" + message + "\n---- out\n" + arrived_ + "\n----");
		if (outward_ && !status_of(message) && arrived_ != message)
			echo(its, message);
	}

	// The way back is exact (R4): the Via of an answer is what the phone wrote.
	void echo(tcp_end &its, const std::string &message)
	{
		const std::string via = line_of(message, "Via");
		const bool odd = via.find(uri_host_of(outside(0))) != via.npos || via.find(":0") != via.npos;
		if (!is_spelled_usually(caller(n_), message) || names_low_port(message))
			return;
		if (odd || via.find("\t") != via.npos || line_of(arrived_, "Via").empty())
			return;
		const std::string answer = respond(arrived_, 200);
		if (!is_one_message(answer))
			return;
		its.line->say(false, answer);
		const std::string heard = its.line->read(true);
		if (heard != answer && line_of(heard, "Via") != via)
			broken("the way back is not exact over TCP\n---- in\n" + message + "\n---- back\n" + heard + "\n----");
	}

	void send_by_tcp(const std::string &message)
	{
		tcp_end *its = line();
		if (its && !message.empty())
			say(*its, message);
	}

	void cut()
	{
		const u32 n = script_.below(hosts), m = script_.below(hosts);
		switch (script_.below(4)) {
		case 0:
			gate_.end(caller(n), over_tcp(server(m)));
			return gate_.end(phone(n), server(m));
		case 1:
			return gate_.flush_expectations();
		case 2:
			gate_.rules.expectations_max = script_.byte();
			return;
		default:
			gate_.rules.zone = script_.below(2);
		}
	}

	std::string sdp(bool inside)
	{
		std::vector<media_line> lines;
		const u8 form = script_.byte();
		// Its own address, that of another phone, one of the router.
		const bool other = form & 64;
		const endpoint host = inside ? phone(other ? 1 : n_) : other ? outside(0) : server(m_ + 5);
		const u32 first = inside || other ? 20000 : 30000;
		for (u32 i = 0, count = form % 4; i < count; i++) {
			const u8 shape = script_.byte();
			media_line line{sip::with_port(host, static_cast<u16>(first + (shape & 7)))};
			line.kind = shape & 8 ? "video" : "audio";
			line.proto = shape & 16 ? "TCP/MSRP *" : "RTP/AVP 0";
			if (shape & 32)
				line.attributes.push_back("rtcp:" + std::to_string(20000 + (shape & 3)) + " IN " + family_of(host) + " " + host_of(host));
			if (shape & 64)
				line.attributes.push_back("candidate:1 1 UDP 1 " + host_of(host) + " " + std::to_string(line.rtp.port) + " typ host");
			if (shape & 128)
				line.attributes.push_back("rtcp-mux");
			lines.push_back(line);
		}
		const std::string text = sdp_of(host, lines);
		return !count_sdp_ ? "" : form & 128 ? with(text, " RTP/AVP", "/2 RTP/AVP") : text;
	}

	std::string from_template(u32 shape)
	{
		static const char *const methods[] = {"REGISTER", "INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "OPTIONS"};
		const u8 roles = script_.byte();
		n_ = roles % hosts;
		m_ = roles / hosts % hosts;
		outward_ = !(roles & 128);
		count_sdp_ = shape & 8;
		const endpoint listening = roles & 64 ? sip::with_port(phone(n_), 5070) : phone(n_);
		const endpoint self = outward_ ? listening : server(m_);
		dialog d = dialog_of("u" + std::to_string(n_), self, "sip:x@example.com", roles & 32);
		const u8 call = script_.byte();
		d.call_id = "c" + std::to_string(call % 4);
		d.local_tag = call & 16 ? "left" : "right";
		d.remote_tag = call & 32 ? (call & 16 ? "right" : "left") : "";
		d.cseq = 1 + (call >> 6);
		if (!outward_)
			d.target = "sip:x@" + text_of(outer(n_, m_));
		fields more;
		const std::string method = shape % 8 == 7 ? other_method() : methods[shape % 8];
		if (method == "REGISTER" || method == "SUBSCRIBE")
			more.push_back({"Expires", std::to_string(script_.byte() * 8u)});
		if (method == "NOTIFY")
			more.push_back({"Subscription-State", script_.byte() & 1 ? "terminated" : "active;expires=60"});
		if (call & 8)
			more.push_back({call & 4 ? "Record-Route" : "P-Asserted-Identity", "<sip:" + uri_host_of(self) + ">"});
		return bend(request(d, method, shape & 8 ? sdp(outward_) : "", more));
	}
	const char *other_method()
	{
		static const char *const others[] = {"SUBSCRIBE", "NOTIFY", "MESSAGE", "PRACK", "REFER", "INFO", "PUBLISH", "FOO"};
		return others[script_.below(8)];
	}

	// To the last message that arrived, from whom it arrived at.
	std::string answer()
	{
		static const int codes[] = {100, 180, 183, 200, 200, 200, 302, 401, 407, 486, 487, 500};
		if (last_.empty() || status_of(last_))
			return last_;
		outward_ = !outward_;
		reply_parts parts;
		parts.tag = "right";
		const u8 shape = script_.byte();
		count_sdp_ = shape & 128;
		if (shape & 64)
			parts.sdp = sdp(outward_);
		if (outward_)
			parts.contact = "<sip:x@" + text_of(phone(n_)) + ">";
		else
			parts.contact = shape & 32 ? line_of(arrived_, "Contact") : "<sip:x@" + text_of(server(m_)) + ">;expires=60";
		if (!outward_ && shape & 16)
			parts.seen_from = outer(n_, m_);
		return bend(respond(arrived_, codes[shape % 12], parts));
	}

	// Cuts, overwrites or inserts, a few times.
	std::string bend(std::string text)
	{
		for (u32 i = 0, count = script_.below(4); i < count && !text.empty(); i++) {
			const size_t where = (script_.byte() * 256u + script_.byte()) % text.size();
			switch (script_.below(7)) {
			case 5:
			case 6:
				text = mutate_message(text, static_cast<u32>(where));
				break;
			case 0:
				text.resize(where);
				break;
			case 1:
				text[where] = static_cast<char>(script_.byte());
				break;
			case 2:
				text.insert(where, token());
				break;
			case 3:
				text.erase(where, script_.byte());
				break;
			default:
				insert_field(text);
			}
		}
		return text;
	}

	std::string token()
	{
		static const char *const words[] = {"\r\n", " ", ",", ";", "\"", "<", ">", ":", "[", "]", "0", "99999999999", "\r\n ", "--b\r\n", "a=rtcp:1\r\n", "m=audio 20000 RTP/AVP 0\r\n"};
		return words[script_.below(16)];
	}

	void insert_field(std::string &text)
	{
		static const char *const names[] = {"Contact", "Via", "Route", "Record-Route", "From", "Refer-To", "Path", "Diversion", "Content-Length", "Content-Type", "Content-Encoding", "Expires", "P-Asserted-Identity", "Call-ID", "m", "X"};
		static const char *const ports[] = {"", ":5060", ":0", ":40000", ":5070", ":65535", ":05060", ":70000"};
		const u8 shape = script_.byte();
		const size_t end = text.find("\r\n");
		if (end == text.npos)
			return;
		const endpoint who = shape & 128 ? phone(n_) : outer(n_, m_);
		std::string uri = "<sip" + std::string(shape & 64 ? "s" : "") + ":a@" + uri_host_of(who) + ports[shape >> 4 & 7] + ">";
		const std::string name = names[shape & 15];
		if (name == "Via")
			uri = "SIP/2.0/UDP " + uri_host_of(who) + ports[shape >> 4 & 7] + ";branch=z";
		text.insert(end + 2, name + ": " + uri + "\r\n");
	}

	void media()
	{
		const u8 which = script_.byte();
		const endpoint near = sip::with_port(phone(which % hosts), static_cast<u16>(20000 + (which >> 4 & 3)));
		const endpoint far = sip::with_port(server(which % hosts + 5), static_cast<u16>(30000 + (which >> 6)));
		if (which & 8)
			gate_.send(near, far, "rtp");
		else
			gate_.send(far, sip::with_port(outside(0), static_cast<u16>(10000 + script_.byte() * 100)), "rtp");
	}

	void send(const std::string &message)
	{
		last_ = message;
		keep(message);
		inside_spoke_ |= outward_;
		note_parts(message);
		if (tcp_)
			return send_by_tcp(message);
		const endpoint from = outward_ ? phone(n_) : server(m_), to = outward_ ? server(m_) : outer(n_, m_);
		const belongings before(gate_);
		const u32 connections = gate_.connection_count();
		const delivery got = gate_.send(from, to, message);
		if (gate_.connection_count() >= connections && !gate_.rules.values[SIPX_SETTING_DIRECT_MEDIA])
			expect_untouched(before, outward_ ? from : got.destination);
		if (gate_.connection_count() >= connections)
			expect_no_loss(before, message, is_stranger(message));
		if (!got.arrived())
			return;
		arrived_ = got.bytes;
		passage way;
		way.outward = outward_;
		way.inner = outward_ ? from : got.destination;
		way.outer = outward_ ? got.source : to;
		way.peer = outward_ ? got.destination : from;
		way.zone = gate_.rules.zone;
		way.leave_identity = !gate_.rules.values[SIPX_SETTING_IDENTITY];
		const std::string fault = broken_promise(way, message, got.bytes);
		if (!fault.empty())
			broken(fault + "\n---- in\n" + message + "\n---- out\n" + got.bytes + "\n----");
	}

	void expect_untouched(const belongings &before, const endpoint &inside)
	{
		const std::string fault = before.missing(gate_, inside);
		if (!fault.empty())
			broken(fault + "\n" + last_);
	}

	script script_;
	std::unique_ptr<router> owned_ = std::make_unique<router>();
	router &gate_ = *owned_;
	std::string last_, arrived_;
	std::map<u32, tcp_end> lines_;
	std::set<std::tuple<u32, u32, std::string>> asked_;	// phone, server, Call-ID
	bool named_[hosts] = {};
	bool tcp_ = false;
	u32 n_ = 0, m_ = 0;
	bool ipv6_ = false, outward_ = true, count_sdp_ = true;
	told_sockets told_;
	bool leaves_at_once_ = false, aggregates_ = false, inside_spoke_ = false;
};

} // namespace

} // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz::play(data, size).run();
	return 0;
}
