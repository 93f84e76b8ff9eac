// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: net.netfilter.sip_ext_* in each network namespace. What a new namespace
 * begins with are the parameters of the module.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "internal.h"

static unsigned int enabled = 1;
module_param(enabled, uint, 0644);
MODULE_PARM_DESC(enabled, "0: packets pass untouched and unread (default 1; sysctl net.netfilter.sip_ext_enabled)");

static unsigned int media_source = SIPX_MEDIA_FROM_SDP;
module_param(media_source, uint, 0644);
MODULE_PARM_DESC(media_source, "who may send media to an inside phone: 0 the address in the session, 1 the signalling peer alone, 2 anyone (default 0; sysctl net.netfilter.sip_ext_media_source)");

static unsigned int media_source_max = SIPX_MEDIA_FROM_ANY;
static unsigned int one = 1;
static unsigned int zero;

static const struct {
	const char *name;
	unsigned int *begin;
	unsigned int *max;
} settings[SIPX_NET_SETTINGS] = {
	[SIPX_SETTING_MEDIA_SOURCE] = { "sip_ext_media_source", &media_source, &media_source_max },
	[SIPX_SETTING_ENABLED]	    = { "sip_ext_enabled", &enabled, &one },
};

u32 sipx_setting(const struct sipx_state *state, enum sipx_setting setting)
{
	return READ_ONCE(sipx_net_of((struct sipx_state *)state)->settings[setting]);
}

int sipx_settings_begin(struct sipx_net *sn)
{
	/* one more, all zero: how older kernels see the end */
	struct ctl_table *table = kcalloc(SIPX_NET_SETTINGS + 1, sizeof(*table), GFP_KERNEL);
	int i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < SIPX_NET_SETTINGS; i++) {
		sn->settings[i] = min(READ_ONCE(*settings[i].begin), *settings[i].max);
		table[i].procname = settings[i].name;
		table[i].data = &sn->settings[i];
		table[i].maxlen = sizeof(sn->settings[i]);
		table[i].mode = 0644;
		table[i].proc_handler = proc_douintvec_minmax;
		table[i].extra1 = &zero;
		table[i].extra2 = settings[i].max;
	}
	sn->sysctl_table = table;
	sn->sysctl = sipx_compat_register_sysctl(sn->net, "net/netfilter", table,
						 SIPX_NET_SETTINGS);
	if (sn->sysctl)
		return 0;
	kfree(table);
	return -ENOMEM;
}

void sipx_settings_end(struct sipx_net *sn)
{
	unregister_net_sysctl_table(sn->sysctl);
	kfree(sn->sysctl_table);
}
