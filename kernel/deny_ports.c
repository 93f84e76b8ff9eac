// SPDX-License-Identifier: GPL-2.0
/*
 * The setting media_deny_ports: ports and ranges of ports that no pinhole leads to. Read
 * under RCU.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* services that a person thinks of; each is looked at for a port below all of them */
#define RANGES_MAX 32
#define PORTS 65536

struct port_range {
	u16 first;
	u16 last;
};

struct deny_ports {
	struct sipx_list list;
	struct port_range ranges[RANGES_MAX];	/* in their order, with a gap between two */
};

static bool parse_port(const char *word, int length, u16 *port)
{
	char digits[6];

	if (length < 1 || length > 5 || !isdigit(*word))
		return false;
	memcpy(digits, word, length);
	digits[length] = '\0';
	return !kstrtou16(digits, 10, port) && *port;
}

/* Leaves the word as it was, for who says that it is wrong. */
static bool parse_range(struct port_range *range, const char *word)
{
	const char *dash = strchrnul(word, '-');

	if (!parse_port(word, dash - word, &range->first))
		return false;
	range->last = range->first;
	if (*dash && !parse_port(dash + 1, strlen(dash + 1), &range->last))
		return false;
	return range->first <= range->last;
}

static bool note_words(unsigned long *ports, char *text, const char *before)
{
	struct port_range range;
	const char *word;

	while ((word = strsep(&text, ", \t"))) {
		if (!*word)
			continue;
		if (!parse_range(&range, word)) {
			pr_err_ratelimited("%smedia_deny_ports: \"%*pE\" is no port and no range of ports\n",
					   before, (int)strlen(word), word);
			return false;
		}
		bitmap_set(ports, range.first, range.last - range.first + 1);
	}
	return true;
}

static int collect(const unsigned long *ports, struct deny_ports *made, const char *before)
{
	unsigned long first = find_first_bit(ports, PORTS), end;

	for (; first < PORTS; first = find_next_bit(ports, PORTS, end)) {
		end = find_next_zero_bit(ports, PORTS, first);
		if (made->list.count == RANGES_MAX) {
			pr_err_ratelimited("%smedia_deny_ports: more than %d ports and ranges\n", before,
					   RANGES_MAX);
			return -EINVAL;
		}
		made->ranges[made->list.count++] = (struct port_range){ first, end - 1 };
	}
	return 0;
}

struct sipx_list *sipx_deny_ports_parse(char *text, const char *before)
{
	unsigned long *ports = bitmap_zalloc(PORTS, GFP_KERNEL);
	struct deny_ports *made = kzalloc(sizeof(*made), GFP_KERNEL);
	int err = -ENOMEM;

	if (ports && made)
		err = note_words(ports, text, before) ? collect(ports, made, before) : -EINVAL;
	bitmap_free(ports);
	if (err) {
		kfree(made);
		return ERR_PTR(err);
	}
	made->list.size = sizeof(*made);
	return &made->list;
}

void sipx_deny_ports_print(const struct sipx_list *list, char *text, size_t room)
{
	const struct deny_ports *denied = container_of(list, struct deny_ports, list);
	size_t at = 0;
	u32 i;

	*text = '\0';
	for (i = 0; list && i < list->count; i++) {
		const struct port_range *range = &denied->ranges[i];

		at += scnprintf(text + at, room - at, "%s%u", i ? "," : "", range->first);
		if (range->last > range->first)
			at += scnprintf(text + at, room - at, "-%u", range->last);
	}
}

/* From the highest on: ports of media are mostly above all of them. */
bool sipx_deny_ports_contain(const struct sipx_list *list, u16 port)
{
	const struct deny_ports *denied = container_of(list, struct deny_ports, list);
	u32 i;

	for (i = list ? list->count : 0; i && port <= denied->ranges[i - 1].last; i--)
		if (port >= denied->ranges[i - 1].first)
			return true;
	return false;
}
