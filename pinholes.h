// SPDX-License-Identifier: GPL-2.0
// Pinholes: opened once, shared, closed with the last who needs them. All functions are
// called under the lock of the tables.
#ifndef SIP_EXT_PINHOLES_H
#define SIP_EXT_PINHOLES_H

#include "call_event.h"
#include "state.h"

namespace sip {

// A lifetime that no registrar and no call exceeds in earnest, and that the kernel's
// 32-bit clocks can hold at 1000 ticks a second.
inline constexpr u32 longest_lifetime_s = 2000000;

// For whom pinholes are opened: the message that is being carried out.
struct scene {
	sipx_packet *packet;
	sipx_state *opaque;
	sipx_connection_data *data;
	sipx_connection_data *master;	// see sipx_packet_info
	u64 now_ms;
	u32 default_timeout_s;
	bool assist;			// nothing is edited: the outside knows the inside's own address
	const sides &where;
	bool insists = false;		// where the kernel's table is full, those that no answered call nor
					// registrar needs give way (S7)

	state &tables() const { return tables_of(opaque); }
};

// Of a connection to which something happens without a message.
[[nodiscard]] inline scene scene_of(sipx_state *opaque, connection &owner, u64 now_ms)
{
	return {nullptr, opaque, owner.data, nullptr, now_ms, owner.ordinary_s, false, owner.ends};
}

// Makes `held` the pinhole that is wished, as one of the owner's (its lifetime ends at
// until_ms, or with the owner). What `held` was before is given up. Failure is soft: it is
// counted, and `held` is null. Its lifetime, and a class with room for it, are written to `wished`.
void ensure_pinhole(const scene &on, connection &owner, sipx_pinhole &wished, u64 until_ms, pinhole *&held);

// It leaves the kernel's table, whoever needs it; it is opened again when one of them asks for it.
void take_place(sipx_state *opaque, pinhole &from);
// Whoever had it insisted, or not; who else names it may not.
void give_up_pinhole(sipx_state *opaque, pinhole *&held, bool insists);
void give_up_pinholes(sipx_state *opaque, stream &of);
void give_up_door(sipx_state *opaque, pinhole *&held);

// From `source` to the inside socket, entered at `outside`; as one of the connection's whose
// ends these are.
[[nodiscard]] sipx_pinhole inward(const sides &ends, const endpoint &source, const endpoint &outside,
				  const endpoint &inside);
// From the inside socket to `remote`, leaving as `outside`.
[[nodiscard]] sipx_pinhole outward(const sides &ends, const endpoint &inside, const endpoint &outside,
				   const endpoint &remote);

} // namespace sip

#endif
