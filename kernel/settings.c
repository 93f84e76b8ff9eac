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

static unsigned int begin[SIPX_NET_SETTINGS] = { SIPX_SETTING_DEFAULTS, [SIPX_SETTING_ENABLED] = 1 };

#define PARAMETER(name, number, text) \
	module_param_named(name, begin[number], uint, 0444); \
	MODULE_PARM_DESC(name, text "; sysctl net.netfilter.sip_ext_" #name)

PARAMETER(enabled, SIPX_SETTING_ENABLED,
	  "0: packets pass untouched and unread (default 1)");
PARAMETER(media_source, SIPX_SETTING_MEDIA_SOURCE,
	  "who may send media to an inside phone: 0 the address in the session, 1 the signalling peer alone, 2 anyone (default 0)");
PARAMETER(media_port_min, SIPX_SETTING_MEDIA_PORT_MIN,
	  "the lowest outside port for media whose own number is not free (default 10000)");
PARAMETER(media_port_max, SIPX_SETTING_MEDIA_PORT_MAX,
	  "the highest such port (default 32767)");
PARAMETER(direct_media, SIPX_SETTING_DIRECT_MEDIA,
	  "1: two inside endpoints of one call send media to each other directly (default 0)");
PARAMETER(tcp_media, SIPX_SETTING_TCP_MEDIA,
	  "1: lets in TCP media that a session names (default 0)");
PARAMETER(identity, SIPX_SETTING_IDENTITY,
	  "0: From, To and other identities are not translated (default 1)");
PARAMETER(max_calls, SIPX_SETTING_MAX_CALLS,
	  "calls that are followed at once (default 65536)");
PARAMETER(max_calls_per_host, SIPX_SETTING_MAX_CALLS_PER_HOST,
	  "calls of one inside address (default 2000)");
PARAMETER(max_registrations, SIPX_SETTING_MAX_REGISTRATIONS,
	  "registrations and subscriptions that are followed at once (default 20000)");
PARAMETER(max_registrations_per_host, SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST,
	  "registrations and subscriptions of one inside address (default 1000)");

static unsigned int zero, one = 1, lowest_port = 1024, highest_port = 65535, most = 1000000;
static unsigned int media_source_max = SIPX_MEDIA_FROM_ANY;

static const struct {
	const char *sysctl;
	unsigned int *min;
	unsigned int *max;
} settings[SIPX_NET_SETTINGS] = {
#define SETTING(number, name, min, max) [number] = { "sip_ext_" name, &(min), &(max) }
	SETTING(SIPX_SETTING_ENABLED, "enabled", zero, one),
	SETTING(SIPX_SETTING_MEDIA_SOURCE, "media_source", zero, media_source_max),
	SETTING(SIPX_SETTING_MEDIA_PORT_MIN, "media_port_min", lowest_port, highest_port),
	SETTING(SIPX_SETTING_MEDIA_PORT_MAX, "media_port_max", lowest_port, highest_port),
	SETTING(SIPX_SETTING_DIRECT_MEDIA, "direct_media", zero, one),
	SETTING(SIPX_SETTING_TCP_MEDIA, "tcp_media", zero, one),
	SETTING(SIPX_SETTING_IDENTITY, "identity", zero, one),
	SETTING(SIPX_SETTING_MAX_CALLS, "max_calls", one, most),
	SETTING(SIPX_SETTING_MAX_CALLS_PER_HOST, "max_calls_per_host", one, most),
	SETTING(SIPX_SETTING_MAX_REGISTRATIONS, "max_registrations", one, most),
	SETTING(SIPX_SETTING_MAX_REGISTRATIONS_PER_HOST, "max_registrations_per_host", one, most),
#undef SETTING
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
		if (begin[i] >= *settings[i].min && begin[i] <= *settings[i].max)
			continue;
		pr_err("cannot load: %s=%u, but it goes from %u to %u\n",
		       settings[i].sysctl + strlen("sip_ext_"), begin[i], *settings[i].min,
		       *settings[i].max);
		return false;
	}
	return true;
}

int sipx_settings_begin(struct net *net, struct sipx_settings *own)
{
	int i;

	for (i = 0; i < SIPX_NET_SETTINGS; i++) {
		struct ctl_table *entry = &own->table[i];

		own->values[i] = begin[i];
		entry->procname = settings[i].sysctl;
		entry->data = &own->values[i];
		entry->maxlen = sizeof(own->values[i]);
		entry->mode = 0644;
		entry->proc_handler = proc_douintvec_minmax;
		entry->extra1 = settings[i].min;
		entry->extra2 = settings[i].max;
	}
	own->header = sipx_compat_register_sysctl(net, own->table, SIPX_NET_SETTINGS);
	return own->header ? 0 : -ENOMEM;
}

void sipx_settings_end(struct sipx_settings *own)
{
	unregister_net_sysctl_table(own->header);
}

bool sipx_is_media_host(const struct sipx_state *state, const struct sipx_endpoint *host)
{
	return false;
}
