// SPDX-License-Identifier: GPL-2.0
// A router with conntrack, NAT rules, expectations and our helper.
#ifndef SIP_EXT_FAKE_ROUTER_H
#define SIP_EXT_FAKE_ROUTER_H

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "text.h"
#include "world.h"

namespace fake {

struct tuple {
	endpoint source{};
	endpoint destination{};
};

// What conntrack was told of a direction (nf_ct_seqadj), and how far its sender has come.
struct told_shift {
	u32 position = 0;
	u32 before = 0;
	u32 after = 0;
	u32 came = 0;
};

struct connection {
	u32 id = 0;
	tuple original;		// as its first packet came in
	tuple reply;		// as the answer to it comes in
	u32 zone = 0;
	u64 until_ms = 0;
	u64 began_ms = 0;
	bool seen_reply = false;
	bool helper = false;
	bool expected = false;	// came through a pinhole
	u8 finished = 0;	// TCP: directions that sent FIN; 4: it was reset
	bool foreign = false;	// TCP: the core has no use for it any more
	bool waits = false;	// TCP: for time to pass
	told_shift told[2];
	u32 references = 0;	// that the core holds
	bool ended = false;	// only references keep it in memory
	u32 expecting[SIPX_CLASSES] = {};
	std::shared_ptr<connection> master;	// whose pinhole it came through
	sipx_connection_data data{};
};

// What a pinhole wants a connection of its sockets to be like.
struct wish {
	tuple original{};
	endpoint translated{};
	u8 translate = SIPX_TRANSLATE_NONE;
	bool certain = false;	// from the very socket to the very socket that a session named
};

struct settings {
	bool masquerade = true;		// false: routes only
	bool firewall = true;		// from outside only what is expected or known comes in
	bool nat_present = true;	// nf_nat_sip_ext is loaded
	bool assist = false;
	bool misses_ends = false;	// the core is not told which connection has ended
	bool default_route = true;	// it leads to all that is not inside
	bool hairpin = false;		// what the inside sends to a forwarded socket is masqueraded, too
	bool shift_ports = false;	// the rules never keep a source port (masquerade random)
	endpoint outside4 = at("203.0.113.1");
	endpoint outside6 = at("2001:db8:f::1");
	std::vector<std::string> inside = {"10.", "192.168.", "fd"};	// how their text begins
	std::map<endpoint, endpoint, endpoint_order> forward;	// DNAT: outside socket -> inside socket
	std::map<endpoint, u16, endpoint_order> map_port;	// masquerade gives that socket this port
	std::set<u16> helper_ports = {5060};
	std::set<u16> taken_ports;	// sockets of the router itself
	u32 udp_timeout_s = 30;
	u32 udp_stream_timeout_s = 120;
	u32 tcp_timeout_s = 7440;
	u32 tcp_closed_timeout_s = 120;
	u32 mtu = 1500;
	u16 mss = 1460;		// of every SYN
	u32 zone = 0;			// of the packets that follow
	u32 expectations_max = 4096;
	u32 class_limit = 255;
	u32 values[SIPX_SETTINGS] = {SIPX_SETTING_DEFAULTS};	// by enum sipx_setting
	std::vector<std::string> media_hosts;	// how their text begins
	std::set<u16> denied_ports;	// media_deny_ports
};

enum class fate {
	arrived,	// see destination
	local,		// for the router itself
	refused,	// by the firewall
	clashed,	// its way back is another connection's
};

struct delivery {
	fate how = fate::refused;
	endpoint source{};	// as who gets it sees it
	endpoint destination{};
	std::string bytes;
	u32 connection = 0;
	bool reply = false;
	bool expected = false;

	bool arrived() const { return how == fate::arrived; }
	bool arrived_at(const endpoint &whom) const
	{
		return arrived() && sip::same_endpoint(destination, whom);
	}
};

// Of TCP, as it is on the wire.
struct segment {
	u32 seq = 0;
	u32 ack = 0;
	u32 window = 65535;
	bool syn = false, fin = false, rst = false, has_ack = false, urgent = false;
	u16 merged = 0;		// it came as packets of that size (GRO); 0: it is one
	std::string payload;

	u32 end() const { return seq + static_cast<u32>(payload.size()) + syn + fin; }
};

struct arrival {
	fate how = fate::refused;
	endpoint source{};	// as who gets it sees it
	endpoint destination{};
	segment what;
	bool emission = false;	// nobody's segment was its cause, or it goes the other way

	bool arrived() const { return how == fate::arrived; }
};

// A pinhole in the table, for those who look at whose it is.
struct standing {
	const sipx_expectation *handle;
	const connection *master;
	endpoint inside{};	// end of the master
	sipx_pinhole wished{};
};

class router {
public:
	router();
	~router();
	router(const router &) = delete;
	router &operator=(const router &) = delete;

	settings rules;
	std::function<void()> during_rewrite;	// what happens elsewhere in the meantime, once

	// A datagram as its sender writes it; what becomes of it.
	delivery send(const endpoint &from, const endpoint &to, const std::string &bytes);

	// A segment: what arrives because of it, and for whom.
	std::vector<arrival> carry(const endpoint &from, const endpoint &to, const segment &what);
	// What the core sends of itself while time passes.
	std::function<void(const arrival &)> emitted;
	// Payload that one packet to that address can have.
	u32 room_to(const endpoint &whom) const { return rules.mtu - (whom.family == SIPX_IPV6 ? 60u : 40u); }

	// Time passes; all that is due in between happens at its second.
	void advance_ms(u64 span_ms);
	void advance(u32 seconds) { advance_ms(u64{seconds} * 1000); }

	u64 count(sipx_reason reason) const { return counters_[reason]; }
	u32 expectation_count() const { return static_cast<u32>(table_.size()); }
	u32 expectation_count(sipx_pinhole_class which) const;
	std::vector<sipx_pinhole> expectations() const;
	std::vector<standing> standing_pinholes() const;
	bool is_inside(const endpoint &e) const;
	bool is_mine(const endpoint &e) const;
	void set_far(sipx_packet_info &info) const;
	sipx_way way_to(const endpoint &peer, const endpoint &remote) const;
	// Acknowledgements by which conntrack would not know that all that was sent has arrived.
	u32 unknowing() const { return unknowing_; }
	u32 plans = 0;	// messages that were read so far that edits were planned
	u32 tick_parts = 0;	// after which others had the lock
	u32 expectation_locks = 0;	// how often the kernel would have taken it
	u32 connection_count() const { return static_cast<u32>(connections_.size()); }
	const connection *find(const endpoint &from, const endpoint &to) const;
	// `conntrack -D`: the connection ends now.
	void end(const endpoint &from, const endpoint &to);
	// CTA_HELP: another helper, or ours again; what hung on it is forgotten. Returns its data, zeroed.
	sipx_connection_data *change_helper(const endpoint &from, const endpoint &to, bool ours);
	void end_all();
	void flush_expectations();	// conntrack -F expect
	std::string show_calls();
	std::string show_registrations();
	sipx_state *state() { return state_; }
	// References to expectations and connections that the core holds.
	u32 handles() const { return handles_ + held_; }

	// ---- for the boundary
	void lock();
	void unlock();
	void note(sipx_reason reason) { counters_[reason]++; }
	void tick();
	void arm_tick();
	sipx_pinhole_error open(connection &master, const sipx_pinhole &wished, sipx_expectation *&handle);
	sipx_pinhole_error renew(sipx_expectation &handle, u32 lifetime_s);
	void close(sipx_expectation *handle);
	sipx_conntrack *hold(sipx_packet &packet);
	void release(sipx_conntrack *handle);
	bool port_taken(const endpoint &outside, const endpoint &inside) const;
	u16 mapped_port(const endpoint &inside, const endpoint &outside) const;
	bool stands(u32 zone, const endpoint &source, const endpoint &destination) const;
	void need_lock(const char *who) const;
	bool in_packet() const { return in_packet_; }

private:
	struct key;
	struct place { connection *at; bool reply; };

	struct key_order { bool operator()(const key &a, const key &b) const; };
	using index = std::map<key, place, key_order>;

	connection *look_up(const tuple &wanted, bool &reply);
	connection *begin(const tuple &first, fate &how);
	bool translate_by_rules(connection &made, fate &how);
	void translate_by(const sipx_expectation &hit, connection &made);
	void masquerade(connection &made);
	sipx_expectation *match(const tuple &packet);
	void note_stale(const sipx_pinhole &wished);
	void end_stale(const wish &wanted, const connection *but);
	void refresh(connection &c, bool reply);
	sipx_packet_info describe(connection &c, bool reply, sipx_packet &packet);
	void leave_core(const connection &c);
	u16 through_core(connection &c, bool reply, std::string &bytes);
	void through_stream(connection &c, bool reply, const segment &what, std::vector<arrival> &out);
	void put_emission(const connection &c, const sipx_emission &made, std::vector<arrival> &out);
	void end_stream(connection &c);
	void tick_streams();
	void enter(connection &made);
	void end(connection *ended);
	void take_off(sipx_expectation *gone);
	void end_what_is_due();
	void put(sipx_expectation *handle);

	void look_at_acknowledgement(const connection &c, bool reply, const segment &what);

	u32 unknowing_ = 0;
	std::list<std::shared_ptr<connection>> connections_;
	std::unique_ptr<index> index_;
	std::list<sipx_expectation *> table_;
	std::vector<wish> stale_;	// looked for when the core is done with its packet
	std::vector<u8> workspace_;
	void *memory_ = nullptr;
	sipx_state *state_ = nullptr;
	u64 counters_[SIPX_REASON_COUNT] = {};
	u64 tick_at_ms_ = 0;	// 0: not armed
	u64 streams_at_ms_ = 0;
	u32 next_id_ = 1;
	u16 next_port_ = 40000;
	u32 handles_ = 0;
	u32 held_ = 0;
	bool locked_ = false;
	bool in_packet_ = false;
};

sipx_pinhole_error fault_pinhole_error();

} // namespace fake

struct sipx_expectation {
	fake::router *on;
	fake::connection *master;	// null: no longer in the table
	sipx_pinhole wished;
	u64 until_ms;
	u32 zone;
	u32 references;		// of the core and of the table
	bool stands;
};

struct sipx_conntrack {
	fake::router *on;
	std::shared_ptr<fake::connection> of;
};

struct sipx_packet {
	fake::router *on;
	fake::connection *of;
	std::string *bytes;
	std::unique_ptr<u8[]> payload{};	// of a datagram: gone once it is replaced
	u16 redirected = 0;	// the port that it goes to instead
};

struct sipx_sink {
	std::string text;
};

#endif
