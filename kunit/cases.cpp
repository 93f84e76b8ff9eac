// SPDX-License-Identifier: GPL-2.0
// The tables of cases that userspace runs, too, for the kernel's runner.
#include "../tests/cases/parse_cases.h"
#include "../tests/cases/road_case.h"
#include "kunit.h"

u32 sipx_kunit_parse_count(void)
{
	return sip_cases::parse_case_count;
}

u32 sipx_kunit_parse_room(void)
{
	return sizeof(sip_cases::parse_case_room);
}

u32 sipx_kunit_parse_name(u32 index, const char **name)
{
	const sip::text_view text = sip_cases::parse_case_at(index).name;

	*name = text.data();
	return text.size();
}

bool sipx_kunit_parse_run(u32 index, void *room, char *failure, u32 size)
{
	auto &own = *static_cast<sip_cases::parse_case_room *>(room);

	return sip_cases::run_parse_case(index, own, failure, size);
}

u32 sipx_kunit_road_count(void)
{
	return sip_cases::road_case_count();
}

u32 sipx_kunit_road_name(u32 index, const char **name)
{
	const sip::text_view text = sip_cases::road_case_at(index).name;

	*name = text.data();
	return text.size();
}

bool sipx_kunit_road_run(u32 index, char *failure, u32 size)
{
	return sip_cases::run_road_case(index, failure, size);
}
