// SPDX-License-Identifier: GPL-2.0
// What shall be done with one message: the bindings it needs, the edits in their order,
// one verdict with one reason. A plan touches nothing; it is carried out whole or not at all.
#ifndef SIP_EXT_PLAN_H
#define SIP_EXT_PLAN_H

#include "call_event.h"
#include "state.h"

namespace sip {

enum class verdict : u8 {
	pass,		// leave the message as it is, for `reason`
	translate,	// apply the edits
};

// Each stream may want its RTP and RTCP socket and one that lies between its pairs; a few
// more for Via and Contact.
inline constexpr u32 max_wishes = 3 * max_streams + 8;
// Each address can change in its host and its port, each stream in two ports, and the
// lengths follow.
inline constexpr u32 max_edits = 2 * max_addresses + 2 * max_streams + max_bodies + 1;

// The wishes, and the connection's own two ends, and its known sockets.
inline constexpr u32 max_edit_values = max_wishes + 2 + max_sockets;

// Other inside hosts that one message names as media_hosts lists them: a server that joins
// two phones names one at a time.
inline constexpr u32 max_media_hosts = 4;

// An inside socket that the message names and that needs an outside address.
struct binding_wish {
	endpoint inside;
	binding *held;		// reference of the plan, once reserved
	u16 hint;		// the outside port that its sender knows of it, or of a signalling
				// socket the one that it has; 0: none
	u8 next;		// the wish whose outside port must be the next one; `none`: no such
	bool follows;		// it is such a one
	bool loose;		// ... but the text can say another port as well (a=rtcp)
	bool media;		// as such it is bound, whatever else it is
	bool signalling;
	bool spoken_of;		// in an identity alone, or with media: no pinhole more need lead there
	bool mapping_known;
	u16 mapping;		// see socket_run
};

// The value of an edit: a fixed endpoint, or the outside one of a wish.
struct edit_value {
	endpoint fixed;
	u8 wish;		// `none`: fixed counts
};

// The values that every plan begins with: the sender as the receiver sees it, the receiver
// as it knows itself.
inline constexpr u8 source_value = 0;
inline constexpr u8 destination_value = 1;

// The same as text, for the rewrite.
struct value_text {
	char address[46];	// the longest IPv6 literal (RFC 4291 2.2) is 45 characters
	char port[6];		// ':' and five digits
	u8 address_length;
	u8 port_length;		// with the ':'
	u16 port_number;
};

enum class edit_kind : u8 {
	address,	// the address alone
	port,		// the port's digits
	add_port,	// ':' and the port's digits where no port was written, but for 5060
	add_secure_port,	// the same, but for 5061
	drop_port,	// nothing in the place of ':' and a port
	length,		// a Content-Length: the change of all edits in [scope_start, scope_end)
};

struct edit {
	u16 offset;
	u16 length;
	edit_kind kind;
	u8 value;	// address, port, add_port: index into values; length: index into scopes
	u16 written;	// how long what stands there instead is; the rewrite's own
};

struct length_scope {
	u16 start;
	u16 end;
	u32 value;	// as written
	u32 becomes;	// the rewrite's own
};

// A socket that the inside endpoint named before, and what stands for it outside.
struct known_socket {
	endpoint inside;
	endpoint outside;
	bool spoken_of;		// see binding_wish
};

struct stream_wishes {
	u8 rtp;		// index into wishes, `none` where nothing is wanted
	u8 rtcp;
};

// Inside sockets that stand behind those which the peer names for a stream.
struct direct_ends {
	endpoint rtp;	// port 0: none
	endpoint rtcp;
};

struct plan {
	verdict what;
	sipx_reason reason;
	u8 wish_count;
	u8 value_count;
	u8 scope_count;
	u16 edit_count;
	u8 known_count;
	u8 host_count;
	bool same_port;		// media is bound to the very port that its socket has, or not at all
	bool leave_identity;	// From, To and their like stay as they are
	bool one_port;		// the sender is reached by this connection alone, whatever port it names (T8)
	bool fresh_stand_in;	// this message says something new about stands_for
	char *whole;		// where the rewrite writes the whole message; null: its span, into `out`
	u32 whole_size;
	spelling before;	// what the connection remembered when the plan was made
	spelling after;
	inner_literal literal;
	stand_ins stands_for;
	known_socket known[max_sockets];
	endpoint hosts[max_media_hosts];	// inside hosts whose media is treated as the sender's own
	stream_wishes streams[max_streams];	// as in call_event::media
	direct_ends direct[max_streams];	// of use to find_direct_media() alone
	binding_wish wishes[max_wishes];
	edit_value values[max_edit_values];
	value_text texts[max_edit_values];
	length_scope scopes[max_bodies + 1];
	edit edits[max_edits];
};

// What becomes of the bytes from the first edit to the last: they are in work.out then, or the
// whole message, with these in it, is where plan::whole says.
struct rewrite {
	u32 offset;
	u32 old_length;
	u32 new_length;
};

// What one CPU needs for one message. Not cleared between messages: every part is
// written before it is read. `out` is what the rewrite puts in the packet.
struct workspace {
	message_view view;
	call_event event;
	sides where;
	plan what;
	rewrite made;
	u64 digest;	// of an INVITE that may be kept, or be one; 0: it is none
	u32 settings;	// sipx_settings_version() when the datagram came
	bool again;	// it leaves as `kept` says, and was not read
	kept_edits kept;
	u8 out[65536];
};

inline workspace &workspace_of(sipx_workspace *opaque) { return *reinterpret_cast<workspace *>(opaque); }

void reset_plan(plan &p, u8 media_count);

[[nodiscard]] inline bool is_media_host(const plan &p, const auto &address)
{
	for (u8 i = 0; i < p.host_count; i++)
		if (same_address(p.hosts[i], address))
			return true;
	return false;
}

[[nodiscard]] inline u8 find_wish(const plan &p, const endpoint &inside)
{
	for (u8 i = 0; i < p.wish_count; i++)
		if (same_socket(p.wishes[i].inside, inside))
			return i;
	return none;
}

// The wish for that socket, made if there is none yet; `none` when there is no room. Here,
// because both modules plan: media in one, Via and Contact in the other.
[[nodiscard]] inline u8 wish_binding(plan &p, const endpoint &inside, bool signalling)
{
	const u8 found = find_wish(p, inside);
	if (found != none)
		p.wishes[found].signalling |= signalling;
	if (found != none || p.wish_count == max_wishes)
		return found;
	p.wishes[p.wish_count] = {inside, nullptr, 0, none, false, false, !signalling, signalling, !signalling,
				  false, 0};
	return p.wish_count++;
}

// What the edits of a datagram made of it, once it is rewritten. False: it does not fit. Pure.
[[nodiscard]] bool keep_edits(const workspace &work, kept_edits &kept);

// False: the message would have more than `most` bytes. All wishes are held. Of the NAT half,
// pure.
[[nodiscard]] bool render_edits(workspace &work, text_view message, u32 most, rewrite &made);

// The same for a message that leaves as one did before. False: it does not fit that. Of the NAT half,
// pure.
[[nodiscard]] bool render_again(workspace &work, text_view message, rewrite &made);

// Another port of the inside host, that it wants responses or requests at. Pure.
[[nodiscard]] bool listens_elsewhere(const endpoint &socket, const sides &where);

// Which sockets besides its own the sender listens at, where nothing is translated (R19, R25):
// where something is, translating them says it. Pure.
void plan_sockets(const call_event &event, const sides &where, plan &p);

// Which sockets the media of this message needs. Pure.
void plan_media(const call_event &event, const sides &where, plan &p);

} // namespace sip

#endif
