/* SPDX-License-Identifier: GPL-2.0 */
/* What the C runner and the C++ bodies of the tests say to each other. */
#ifndef SIP_EXT_KUNIT_H
#define SIP_EXT_KUNIT_H

#include "../kernel/boundary.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A table of cases that userspace runs, too (tests/cases/). */
u32 sipx_kunit_parse_count(void);
u32 sipx_kunit_parse_room(void);	/* bytes that a run needs */
/* The name of a case, not NUL-terminated; returns its length. */
u32 sipx_kunit_parse_name(u32 index, const char **name);
bool sipx_kunit_parse_run(u32 index, void *room, char *failure, u32 size);

u32 sipx_kunit_road_count(void);	/* 0: there is no such table yet */
u32 sipx_kunit_road_name(u32 index, const char **name);
bool sipx_kunit_road_run(u32 index, char *failure, u32 size);

#ifdef __cplusplus
}
#endif
#endif
