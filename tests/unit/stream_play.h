// SPDX-License-Identifier: GPL-2.0
// Two peers play by chance with the stream engine between them: all circumstances of a play
// follow from its seed.
#ifndef SIP_EXT_TESTS_STREAM_PLAY_H
#define SIP_EXT_TESTS_STREAM_PLAY_H

#include "stream_world.h"

namespace model {

struct outcome {
	std::string wrong;	// empty: all went well
	u32 segments = 0, emissions = 0, took_ms = 0;
	u64 resent = 0, held = 0;
};

enum class play_kind {
	calm,		// a good network
	weather,	// any habits in any weather
	promised,	// REQUIREMENTS T2
	ends,		// limits, faults, what is not SIP, ends in the midst of a message
	small,		// one or two messages: many connections in little time
	trunk,		// many small messages under way
	kinds
};
inline constexpr const char *play_names[] = {"calm", "weather", "promised", "ends", "small", "trunk"};

// plain: without the engine
outcome run_play(play_kind kind, u32 seed, bool plain = false);
// A short play of that kind whose circumstances the script decides.
outcome run_script(play_kind kind, const std::string &script);

} // namespace model

#endif
