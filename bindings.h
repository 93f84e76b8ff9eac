// SPDX-License-Identifier: GPL-2.0
// Which outside transport address stands for an inside one. All functions are called
// under the lock of the tables.
#ifndef SIP_EXT_BINDINGS_H
#define SIP_EXT_BINDINGS_H

#include "keyed_hash.h"
#include "plan.h"

namespace sip {

// Zones may share an outside address (ct original zone), so an outside socket is given away
// but once in all of them.
inline constexpr u32 any_zone = 0;

inline u64 hash_of_socket(const endpoint &e, u32 zone)
{
	struct {
		u64 address[2];
		u16 port;
		u8 family;
		u8 protocol;
		u32 zone;
	} key{{}, e.port, e.family, e.protocol, zone};
	static_assert(sizeof(key) == 3 * sizeof(u64));
	__builtin_memcpy(key.address, e.bytes, sizeof(key.address));
	return keyed_hash(key);
}

// Where a new binding may be made and for whom.
struct binding_site {
	sipx_packet *packet;
	sipx_state *opaque;
	endpoint outside;	// its address; the port does not count
	u32 zone;
	bool ports_move;	// the NAT did not leave the connection its own port
	host *of = nullptr;	// who wants it; null: the message leaves nothing behind
	const connection *by = nullptr;	// the message's own; null: it has none yet
	u64 call = 0;			// the message's own, which does not give way for it
	bool roomy = false;	// there is room for all that the message wants
	u32 looks = 8192;	// at what gives way for it
};

// The binding of `inside` at the outside address of the site (a host with two uplinks
// has one for each).
[[nodiscard]] binding *find_binding_inside(const binding_site &site, const endpoint &inside);
// The only one that has that outside socket, whatever its zone is.
[[nodiscard]] const binding *find_binding_outside(const state &tables, const endpoint &outside);

// The inside media socket that stands behind an outside one; null: none of that zone does.
[[nodiscard]] const endpoint *find_media_inside(state &tables, const endpoint &outside, u32 zone);

// Some session names that inside socket for its media.
[[nodiscard]] bool is_media_inside(const state &tables, const endpoint &inside, u32 zone);

// A reference to the binding of an inside socket that stands for itself, where nothing is translated:
// so that it is known whose it is. `of`: whom it counts for. Null: no memory, or too many.
[[nodiscard]] binding *hold_untranslated(sipx_state *opaque, const endpoint &inside, u32 zone, host *of);

// Sockets of one host at ports that follow each other, and whose outside ports do so, too:
// RTP and RTCP (RFC 3550 11), and each further pair of one m= line (RFC 8866 5.14).
struct socket_run {
	endpoint first;
	u32 count;
	u16 hint;		// the outside port of the first, as its sender knows it, or of signalling
				// as it has one; 0: none is known
	bool signalling;
	bool mapping_known = false;	// then no socket of a pair has a binding, either
	u16 mapping = 0;	// where the router's own NAT has put the first, if that is known; 0: nowhere
	u16 left = 0;		// of its parity, the first outside port of who gave way for it; 0: nobody did
};

// Four pairs of one m= line, and as many lines again whose ports overlap with theirs.
inline constexpr u32 max_run = 32;

// References to the bindings of all sockets of the run, made where there are none: at the
// port that the socket has in the router's own NAT, else the one that its sender knows, else
// its own number, else a free one of the same parity in the range of the settings. All of
// them in a row, or none of those: a first port whose next is taken does not count.
// False: *why says it, and none is held.
[[nodiscard]] bool hold_run(const binding_site &site, const socket_run &run, binding **held,
			    sipx_reason *why);

// Everything that the plan wishes, all or nothing. release_bindings() gives it back, both
// after a failure and when those who need one have taken a reference of their own.
[[nodiscard]] bool reserve_bindings(binding_site &site, plan &p, sipx_reason &why);
void release_bindings(state &tables, plan &p);

void take_reference(binding *held);
// Accepts null. The last reference ends the binding.
void drop_reference(state &tables, binding *held);

} // namespace sip

#endif
