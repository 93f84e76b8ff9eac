// SPDX-License-Identifier: GPL-2.0
/*
 * Faults on purpose, in C and in C++: what the sanitizers of a kernel must catch in objects
 * that are built as ours are (S11). The module commits the one that its parameter names, and
 * is for nothing else.
 */
#include <linux/debug_locks.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "caught.h"

#define ROOM 24

static char *fault = "";
module_param(fault, charp, 0);

static noinline u8 sipx_caught_c_read(const u8 *room, u32 place)
{
	return READ_ONCE(room[place]);
}

static noinline void sipx_caught_c_write(u8 *room, u32 place)
{
	WRITE_ONCE(room[place], 1);
}

static void beyond(u8 *room)
{
	sipx_caught_c_read(room, ROOM);
}

static void freed(u8 *room)
{
	kfree(room);
	sipx_caught_c_read(room, 1);
}

/* What SLUB finds by itself: the bytes around and in an object that nobody may change */
static void past(u8 *room)
{
	sipx_caught_c_write(room, ROOM);
}

static void late(u8 *room)
{
	kfree(room);
	sipx_caught_c_write(room, 1);
}

static void cxx_beyond(u8 *room)
{
	sipx_caught_cxx_read(room, ROOM);
}

static void cxx_freed(u8 *room)
{
	kfree(room);
	sipx_caught_cxx_write(room, 1);
}

static void cxx_stack(u8 *room)
{
	sipx_caught_cxx_stack(ROOM);
}

static void cxx_global(u8 *room)
{
	sipx_caught_cxx_global(ROOM);
}

static void cxx_index(u8 *room)
{
	sipx_caught_cxx_index(ROOM);
}

static void cxx_shift(u8 *room)
{
	sipx_caught_cxx_shift(40);
}

/* No fault: lockdep is told to rest, for kernels that note a stack at each allocation */
static void rest(u8 *room)
{
	debug_locks_off();
}

static const struct {
	const char *name;
	void (*commit)(u8 *room);
	bool frees;
} faults[] = {
	{ "c-beyond", beyond },
	{ "c-freed", freed, true },
	{ "c-past", past },
	{ "c-late", late, true },
	{ "cxx-beyond", cxx_beyond },
	{ "cxx-freed", cxx_freed, true },
	{ "cxx-stack", cxx_stack },
	{ "cxx-global", cxx_global },
	{ "cxx-index", cxx_index },
	{ "cxx-shift", cxx_shift },
	{ "c-leaks", NULL, true },
	{ "locks-rest", rest },
};

static int __init caught_init(void)
{
	u8 *room = kzalloc(ROOM, GFP_KERNEL);
	int i;

	if (!room)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (strcmp(fault, faults[i].name))
			continue;
		if (faults[i].commit)
			faults[i].commit(room);
		if (!faults[i].frees)
			kfree(room);
		return 0;
	}
	kfree(room);
	return -EINVAL;
}

static void __exit caught_exit(void)
{
}

module_init(caught_init);
module_exit(caught_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults that a sanitizer must catch");
