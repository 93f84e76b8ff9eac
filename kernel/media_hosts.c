// SPDX-License-Identifier: GPL-2.0
/*
 * The setting media_hosts: addresses and prefixes of inside hosts. Read under RCU.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* a few media servers and networks of phones; a list that a person keeps in mind */
#define HOSTS_MAX 16

struct prefix {
	u8 bytes[16];
	u8 family;
	u8 length;
};

struct media_hosts {
	struct sipx_list list;
	struct prefix prefixes[HOSTS_MAX];
};

static u8 whole(u8 family)
{
	return family == SIPX_IPV4 ? 32 : 128;
}

/* Bits of one byte that a prefix covers which begins `bits` before it. */
static u8 mask_of(u32 bits)
{
	return bits >= 8 ? 0xff : 0xff << (8 - bits);
}

static void clear_rest(struct prefix *prefix)
{
	u32 i;

	for (i = 0; i < sizeof(prefix->bytes); i++)
		prefix->bytes[i] &= mask_of(prefix->length > 8 * i ? prefix->length - 8 * i : 0);
}

static bool contains(const struct prefix *prefix, const struct sipx_endpoint *host)
{
	u32 i;

	if (prefix->family != host->family)
		return false;
	for (i = 0; 8 * i < prefix->length; i++)
		if ((host->bytes[i] ^ prefix->bytes[i]) & mask_of(prefix->length - 8 * i))
			return false;
	return true;
}

/* Leaves the word as it was, for who says that it is wrong. */
static bool parse_prefix(struct prefix *prefix, const char *word)
{
	const char *slash = strchrnul(word, '/');
	int length = slash - word;
	const char *end;

	if (in4_pton(word, length, prefix->bytes, -1, &end))
		prefix->family = SIPX_IPV4;
	else if (in6_pton(word, length, prefix->bytes, -1, &end))
		prefix->family = SIPX_IPV6;
	else
		return false;
	if (end != slash)
		return false;
	prefix->length = whole(prefix->family);
	if (*slash && (!isdigit(slash[1]) || kstrtou8(slash + 1, 10, &prefix->length)))
		return false;
	if (prefix->length > whole(prefix->family))
		return false;
	clear_rest(prefix);
	return true;
}

static void say_wrong(const char *before, const char *word)
{
	if (word)
		pr_err_ratelimited("%smedia_hosts: \"%*pE\" is no address and no prefix\n", before,
				   (int)strlen(word), word);
	else
		pr_err_ratelimited("%smedia_hosts: more than %d addresses and prefixes\n", before,
				   HOSTS_MAX);
}

struct sipx_list *sipx_media_hosts_parse(char *text, const char *before)
{
	struct media_hosts *hosts = kzalloc(sizeof(*hosts), GFP_KERNEL);
	const char *word;

	if (!hosts)
		return ERR_PTR(-ENOMEM);
	hosts->list.size = sizeof(*hosts);
	while ((word = strsep(&text, ", \t"))) {
		if (!*word)
			continue;
		if (hosts->list.count == HOSTS_MAX)
			word = NULL;
		else if (parse_prefix(&hosts->prefixes[hosts->list.count++], word))
			continue;
		say_wrong(before, word);
		kfree(hosts);
		return ERR_PTR(-EINVAL);
	}
	return &hosts->list;
}

void sipx_media_hosts_print(const struct sipx_list *list, char *text, size_t room)
{
	const struct media_hosts *hosts = container_of(list, struct media_hosts, list);
	size_t at = 0;
	u32 i;

	*text = '\0';
	for (i = 0; list && i < list->count; i++) {
		const struct prefix *prefix = &hosts->prefixes[i];

		at += scnprintf(text + at, room - at,
				prefix->family == SIPX_IPV4 ? "%s%pI4" : "%s%pI6c",
				i ? "," : "", prefix->bytes);
		if (prefix->length < whole(prefix->family))
			at += scnprintf(text + at, room - at, "/%u", prefix->length);
	}
}

bool sipx_media_hosts_contain(const struct sipx_list *list, const struct sipx_endpoint *host)
{
	const struct media_hosts *hosts = container_of(list, struct media_hosts, list);
	u32 i;

	for (i = 0; list && i < list->count; i++)
		if (contains(&hosts->prefixes[i], host))
			return true;
	return false;
}
