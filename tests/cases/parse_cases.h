// SPDX-License-Identifier: GPL-2.0
// All cases of the parser, and the run of one of them: for GoogleTest and KUnit alike.
#ifndef SIP_EXT_CASES_PARSE_CASES_H
#define SIP_EXT_CASES_PARSE_CASES_H

#include "../../sip_parse.h"
#include "check_view.h"
#include "parse_cases_address.h"
#include "parse_cases_body.h"
#include "parse_cases_numbers.h"
#include "parse_cases_rfc4475.h"
#include "parse_cases_rfc5118.h"
#include "parse_cases_sdp.h"
#include "parse_cases_syntax.h"
#include "parse_cases_via.h"

namespace sip_cases {

struct parse_case_table {
	const parse_case *cases;
	u32 count;
};

template<sip::size_type N>
consteval parse_case_table table_of(const parse_case (&cases)[N])
{
	return {cases, N};
}

inline constexpr parse_case_table parse_case_tables[] = {
	table_of(syntax_cases), table_of(address_cases), table_of(via_cases), table_of(sdp_cases),
	table_of(body_cases), table_of(number_cases), table_of(rfc4475_cases), table_of(rfc5118_cases),
};

consteval u32 count_parse_cases()
{
	u32 count = 0;
	for (const parse_case_table &table : parse_case_tables)
		count += table.count;
	return count;
}

inline constexpr u32 parse_case_count = count_parse_cases();

// index < parse_case_count
inline const parse_case &parse_case_at(u32 index)
{
	for (const parse_case_table &table : parse_case_tables) {
		if (index < table.count)
			return table.cases[index];
		index -= table.count;
	}
	return parse_case_tables[0].cases[0];
}

// Where a case runs: too large for a kernel stack, so the caller provides it.
struct parse_case_room {
	sip::message_view view;
	char dump[8192];
};

inline void dump_result(dump_text &out, text_view message, sip::parse_error error,
			const sip::message_view &view)
{
	if (error != sip::parse_error::none)
		out << "error " << name_of(error) << "\n";
	else
		dump_view(out, message, view);
}

// True if the view is the expected one and keeps every promise of check_view(). If not,
// `failure` says what came instead, as NUL-terminated text.
inline bool run_parse_case(u32 index, parse_case_room &room, char *failure, u32 size)
{
	const parse_case &test = parse_case_at(index);
	const sip::parse_error error = sip::parse(test.message, room.view);
	dump_text found(room.dump, sizeof(room.dump));
	const char *broken = nullptr;

	dump_result(found, test.message, error, room.view);
	if (error == sip::parse_error::none)
		broken = check_view(test.message, room.view);
	if (found.text() == test.expected && !found.full() && !broken)
		return true;

	dump_text says(failure, size - 1);
	says << test.name << " (" << test.why << ")\n";
	for (const char *c = broken; c && *c; c++)
		says.put(*c);
	says << "\nexpected:\n" << test.expected << "found:\n" << found.text();
	failure[says.text().size()] = '\0';
	return false;
}

inline bool run_parse_case(u32 index, char *failure, u32 size)
{
	static parse_case_room room;

	return run_parse_case(index, room, failure, size);
}

} // namespace sip_cases

#endif
