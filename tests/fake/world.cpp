// SPDX-License-Identifier: GPL-2.0
#include "world.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

namespace fake {

namespace {

fault_plan plan;
u32 steps;
bool struck;
u64 clock_ms = 1000000;
u32 random_state = 1;
u32 live[SIPX_SLABS];
std::unordered_map<void *, sipx_slab> ledger;
struct piece_of {
	u32 size;
	sipx_stream *stream;
};
std::unordered_map<void *, piece_of> pieces;
u32 piece_bytes;

} // namespace

void set_faults(const fault_plan &faults)
{
	plan = faults;
	steps = 0;
	struck = false;
}

bool fault_strikes(fault_kind kind)
{
	if (!(plan.kinds & kind))
		return false;
	steps++;
	const bool strikes = plan.strike_at && (plan.all_after ? steps >= plan.strike_at : steps == plan.strike_at);
	struck |= strikes;
	return strikes;
}

u32 fault_steps() { return steps; }
bool fault_struck() { return struck; }
sipx_pinhole_error fault_pinhole_error() { return plan.pinhole_error; }

u64 now_ms() { return clock_ms; }
void set_now_ms(u64 now) { clock_ms = now; }
void seed_random(u32 seed) { random_state = seed ? seed : 1; }

u32 live_piece_bytes() { return piece_bytes; }
u32 live_objects(sipx_slab slab) { return live[slab]; }

u32 live_objects()
{
	u32 sum = 0;
	for (u32 count : live)
		sum += count;
	return sum;
}

void broken(const std::string &what)
{
	std::fprintf(stderr, "boundary: %s\n", what.c_str());
	std::abort();
}

} // namespace fake

using namespace fake;

u64 sipx_now_ms(void) { return clock_ms; }

u32 sipx_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

// Always the same, so that a failing test fails again.
const u64 *sipx_secret(void)
{
	static constexpr u64 secret[] = {0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3,
					 0x589965cc75374cc3};
	return secret;
}

void *sipx_alloc(sipx_slab slab)
{
	if (fault_strikes(fault_alloc))
		return nullptr;
	void *object = std::calloc(1, sipx_core_slab_size(slab));
	ledger[object] = slab;
	live[slab]++;
	return object;
}

void sipx_free(sipx_slab slab, void *object)
{
	if (!object)
		return;
	const auto found = ledger.find(object);
	if (found == ledger.end() || found->second != slab)
		broken("an object is freed that is not of this slab, or not any more");
	ledger.erase(found);
	live[slab]--;
	std::free(object);
}

// Of exactly that size and full of garbage, so that a look beyond it, or at what was never
// written, is seen.
void *sipx_piece_take(sipx_state *state, sipx_stream *stream, u32 size, sipx_reason *why)
{
	if (size < 2048 || (size & (size - 1)))
		broken("a piece of a size that there is not");
	const auto of = ledger.find(stream);
	if (of == ledger.end() || of->second != SIPX_SLAB_TCP)
		broken("a piece for no stream");
	if (fault_strikes(fault_piece)) {
		*why = plan.piece_limit ? SIPX_COUNT_limit_stream_memory : SIPX_COUNT_no_memory;
		if (plan.piece_limit)
			sipx_count(state, *why);
		return nullptr;
	}
	void *piece = std::malloc(size);
	std::memset(piece, 0xa5, size);
	pieces[piece] = {size, stream};
	piece_bytes += size;
	return piece;
}

void sipx_piece_give(sipx_state *, sipx_stream *stream, void *piece, u32 size)
{
	const auto found = pieces.find(piece);
	if (found == pieces.end() || found->second.size != size || found->second.stream != stream)
		broken("a piece is given back that was not taken, or of another size or stream");
	pieces.erase(found);
	piece_bytes -= size;
	std::free(piece);
}
