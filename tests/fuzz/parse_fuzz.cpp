// SPDX-License-Identifier: GPL-2.0
// libFuzzer over parse() (S10): reads nothing outside of the message, keeps every promise
// of check_view(), says the same twice, and bytes behind the message change nothing.
#include "tests/cases/parse_cases.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size > 65536)
		return 0;
	// An allocation of its own: a byte read outside is seen.
	char *copy = static_cast<char *>(malloc(size));
	if (size)
		memcpy(copy, data, size);

	const sip::text_view message{copy, u32(size)};
	const sip::parse_error error = sip::parse(message, view);
	const sip::text_view says = dump(first, message, error);
	if (error == sip::parse_error::none) {
		if (const char *broken = sip_cases::check_view(message, view))
			die(broken);
		const sip::text_view cut = message.sub(0, view.end);
		const sip::parse_error again = sip::parse(cut, view);
		if (again != sip::parse_error::none || view.end != cut.size())
			die("the message without what follows it is the same message");
	}
	memset(static_cast<void *>(&view), 0xa5, sizeof(view));
	if (!(dump(second, message, sip::parse(message, view)) == says))
		die("the same view from a used table");
	free(copy);
	return 0;
}
