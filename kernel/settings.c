// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: net.netfilter.sip_ext_* in each network namespace. What a new namespace
 * begins with are the parameters of the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "internal.h"

static unsigned int enabled = 1;
module_param(enabled, uint, 0444);
MODULE_PARM_DESC(enabled, "0: packets pass untouched and unread (default 1; sysctl net.netfilter.sip_ext_enabled)");

static unsigned int media_source = SIPX_MEDIA_FROM_SDP;
module_param(media_source, uint, 0444);
MODULE_PARM_DESC(media_source, "who may send media to an inside phone: 0 the address in the session, 1 the signalling peer alone, 2 anyone (default 0; sysctl net.netfilter.sip_ext_media_source)");

static unsigned int media_source_max = SIPX_MEDIA_FROM_ANY;
static unsigned int one = 1;
static unsigned int zero;

static const struct {
	const char *parameter;
	const char *sysctl;
	unsigned int *begin;
	unsigned int *max;
} settings[SIPX_NET_SETTINGS] = {
	[SIPX_SETTING_MEDIA_SOURCE] = {
		"media_source", "sip_ext_media_source", &media_source, &media_source_max
	},
	[SIPX_SETTING_ENABLED] = {
		"enabled", "sip_ext_enabled", &enabled, &one
	},
};

u32 sipx_setting(const struct sipx_state *state, enum sipx_setting setting)
{
	const struct sipx_net *sn = sipx_net_of((struct sipx_state *)state);

	return READ_ONCE(sn->settings.values[setting]);
}

bool sipx_settings_valid(void)
{
	int i;

	for (i = 0; i < SIPX_NET_SETTINGS; i++) {
		if (*settings[i].begin <= *settings[i].max)
			continue;
		pr_err("cannot load: %s=%u, but the most is %u\n", settings[i].parameter,
		       *settings[i].begin, *settings[i].max);
		return false;
	}
	return true;
}

int sipx_settings_begin(struct net *net, struct sipx_settings *own)
{
	int i;

	for (i = 0; i < SIPX_NET_SETTINGS; i++) {
		struct ctl_table *entry = &own->table[i];

		own->values[i] = *settings[i].begin;
		entry->procname = settings[i].sysctl;
		entry->data = &own->values[i];
		entry->maxlen = sizeof(own->values[i]);
		entry->mode = 0644;
		entry->proc_handler = proc_douintvec_minmax;
		entry->extra1 = &zero;
		entry->extra2 = settings[i].max;
	}
	own->header = sipx_compat_register_sysctl(net, own->table, SIPX_NET_SETTINGS);
	return own->header ? 0 : -ENOMEM;
}

void sipx_settings_end(struct sipx_settings *own)
{
	unregister_net_sysctl_table(own->header);
}
