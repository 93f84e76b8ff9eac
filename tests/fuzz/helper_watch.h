// SPDX-License-Identifier: GPL-2.0
// What must hold of the router's state, whatever was said: who may have a pinhole to where,
// that everything is bounded, and that nobody takes what is another's.
#ifndef SIP_EXT_FUZZ_HELPER_WATCH_H
#define SIP_EXT_FUZZ_HELPER_WATCH_H

#include <set>
#include <string>
#include <vector>

#include "../fake/router.h"

namespace fuzz {

// Sockets of the router and of the inside that pinholes lead to since somebody inside has named them.
using told_sockets = std::set<fake::endpoint, fake::endpoint_order>;

// Empty, or the promise that the router's state breaks (S2, S3, S4, S7).
std::string broken_state(fake::router &gate, told_sockets &told);

// The pinholes before something happened, for what it must not take away (S6).
class belongings {
public:
	explicit belongings(const fake::router &gate);
	// Empty, or what is gone though the message was none of its owner's: `inside` is the phone that
	// the message came from or went to.
	std::string missing(const fake::router &gate, const fake::endpoint &inside) const;
	// Empty, or what stands no more though it was not the stranger's, which said something or was answered.
	std::string missing_of_others(const fake::router &gate, const fake::endpoint &stranger) const;

private:
	std::vector<fake::standing> before_;
	std::vector<fake::endpoint> peers_;	// of each
	u64 refusals_;
};

} // namespace fuzz

#endif
