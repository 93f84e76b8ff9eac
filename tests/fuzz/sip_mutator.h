// SPDX-License-Identifier: GPL-2.0
// Changes a message line by line, as somebody does who knows SIP: what comes out gets past the
// first line of the parser, which bytes flipped by chance seldom do.
#ifndef SIP_EXT_FUZZ_SIP_MUTATOR_H
#define SIP_EXT_FUZZ_SIP_MUTATOR_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace fuzz {

// A few changes, all of which follow from the seed. Content-Length is put right most of the time.
std::string mutate_message(std::string text, uint32_t seed);

// For LLVMFuzzerCustomMutator() of inputs with a message behind the first `skip` bytes, which are
// mutated as bytes.
size_t mutate_input(uint8_t *data, size_t size, size_t max_size, uint32_t seed, size_t skip);
// For LLVMFuzzerCustomCrossOver(): the head of one message and lines of the other.
size_t cross_inputs(std::string one, const std::string &other, uint8_t *out, size_t max_size, uint32_t seed);

} // namespace fuzz

#endif
