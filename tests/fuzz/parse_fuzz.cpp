// SPDX-License-Identifier: GPL-2.0
// libFuzzer over parse() (S8, S10): reads nothing outside of the message, wherever that is cut,
// keeps every promise of check_view(), says the same twice, bytes behind the message change
// nothing, and what it costs is linear in the size.
#include "message_frame.h"
#include "tests/cases/parse_cases.h"
#include "tests/unit/guard_page.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sip_mutator.h"
#include "steps.h"

namespace {

constexpr u32 longest = 65536;
// Shorter inputs are cut at every byte, longer ones at so many places.
constexpr u32 cuts = 160;

sip::message_view view;
char first[1 << 17], second[1 << 17];

[[noreturn]] void die(const char *why)
{
	fprintf(stderr, "broken promise: %s\n", why);
	abort();
}

sip::text_view dump(char *buffer, sip::text_view message, sip::parse_error error)
{
	sip_cases::dump_text out(buffer, sizeof(first));

	sip_cases::dump_result(out, message, error, view);
	return out.text();
}

// Parses, counts, and checks the view.
sip::parse_error parse_checked(sip::text_view message)
{
	const u64 before = fuzz::steps();
	const sip::parse_error error = sip::parse(message, view);
	const u64 steps = fuzz::steps() - before;

	if (steps > fuzz::parse_steps_once + u64{fuzz::parse_steps_per_byte} * message.size())
		die("more steps than linear time allows");
	if (error == sip::parse_error::none)
		if (const char *broken = sip_cases::check_view(message, view))
			die(broken);
	return error;
}

// Over TCP what is whole by the parser's reading is not framed (stream_host::is_whole).
void expect_same_end(sip::text_view message)
{
	if (!sip::is_framed(message, view))
		return;
	sip::message_frame frame(sip::frame_place::between);
	if (frame.scan(message) != sip::frame_state::complete || frame.length() != message.size())
		die("parser and frame agree about where a message ends");
}

void parse_cut(guard_page &memory, const char *bytes, u32 size)
{
	const u32 stride = size / cuts + 1;

	for (u32 length = 0; length < size; length += stride)
		(void)parse_checked({memory.place(bytes, length), length});
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return fuzz::mutate_input(data, size, max_size, seed, 0);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
					    uint8_t *out, size_t max_size, unsigned seed)
{
	return fuzz::cross_inputs({reinterpret_cast<const char *>(one), one_size},
				  {reinterpret_cast<const char *>(other), other_size}, out, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static guard_page memory(longest);

	if (size > longest)
		return 0;
	const char *bytes = reinterpret_cast<const char *>(data);
	parse_cut(memory, bytes, u32(size));

	const sip::text_view message{memory.place(bytes, size), u32(size)};
	const sip::parse_error error = parse_checked(message);
	const sip::text_view says = dump(first, message, error);
	if (error == sip::parse_error::none) {
		expect_same_end(message);
		const sip::text_view cut = message.sub(0, view.end);
		const sip::parse_error again = sip::parse(cut, view);
		if (again != sip::parse_error::none || view.end != cut.size())
			die("the message without what follows it is the same message");
	}
	memset(static_cast<void *>(&view), 0xa5, sizeof(view));
	if (!(dump(second, message, sip::parse(message, view)) == says))
		die("the same view from a used table");
	return 0;
}
