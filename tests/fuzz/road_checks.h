// SPDX-License-Identifier: GPL-2.0
// What must hold of a message and its translation, told from the two texts alone: neither the
// plan nor its edits are looked at.
#ifndef SIP_EXT_FUZZ_ROAD_CHECKS_H
#define SIP_EXT_FUZZ_ROAD_CHECKS_H

#include "road_line.h"

namespace fuzz {

// Empty, or the promise that is broken by `one` as the translation of `message`.
std::string check_passage(const road_line &line, bool outward, const std::string &message, const passed &one);

// Whether what was written must come back byte for byte (R4): not where one place was written in
// two ways, or a number in another way than ours.
bool comes_back_exactly(const road_line &line, const std::string &message);

// Whether a response repeats an inside address that the other end made up: it is translated only
// once the phone has named that socket itself, which may be further down in the same message.
bool repeats_inside(const road_line &line, const std::string &message);

// The same but for the Content-Length and the bodies.
bool same_header(const std::string &one, const std::string &other);

} // namespace fuzz

#endif
