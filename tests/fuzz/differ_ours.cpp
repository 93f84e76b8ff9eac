// SPDX-License-Identifier: GPL-2.0
#include "differ.h"

#include "sip_parse.h"
#include "tests/cases/dump_view.h"

namespace differ {

opinion ours(const std::string &message)
{
	static sip::message_view view;
	const sip::parse_error error = sip::parse({message.data(), static_cast<u32>(message.size())}, view);
	const sip::text_view name = sip_cases::name_of(error);

	return {error == sip::parse_error::none, std::string(name.data(), name.size())};
}

} // namespace differ
