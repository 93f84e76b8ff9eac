// SPDX-License-Identifier: GPL-2.0
// How the table of connections is searched.
#ifndef SIP_EXT_FAKE_KEYS_H
#define SIP_EXT_FAKE_KEYS_H

#include "router.h"

namespace fake {

struct router::key {
	u32 zone;
	tuple at;
};

inline bool router::key_order::operator()(const key &a, const key &b) const
{
	if (a.zone != b.zone)
		return a.zone < b.zone;
	return std::memcmp(&a.at, &b.at, sizeof(tuple)) < 0;
}

} // namespace fake

#endif
