// SPDX-License-Identifier: GPL-2.0
/*
 * Settings: net.netfilter.sip_ext_* in each network namespace. What a new namespace
 * begins with are the parameters of the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "compat.h"
#include "internal.h"

static unsigned int begin[SIPX_NET_SETTINGS] = {
	SIPX_SETTING_DEFAULTS, [SIPX_SETTING_ENABLED] = 1, [SIPX_SETTING_LOG] = 0,
	[SIPX_SETTING_TCP_CONNECTIONS_PER_HOST] = 4096, [SIPX_SETTING_TCP_MEMORY_PER_HOST] = 16384,
};

#define PARAMETER(name, number, text) \
	module_param_named(name, begin[number], uint, 0444); \
	MODULE_PARM_DESC(name, text "; sysctl net.netfilter.sip_ext_" #name)

PARAMETER(enabled, SIPX_SETTING_ENABLED,
	  "0: packets pass untouched and unread (default 1)");
PARAMETER(log, SIPX_SETTING_LOG,
	  "1: refusals are logged through nf_log (default 0)");
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
PARAMETER(max_media, SIPX_SETTING_MAX_MEDIA,
	  "inside sockets that outside ports are kept for (default 200000)");
PARAMETER(max_media_per_host, SIPX_SETTING_MAX_MEDIA_PER_HOST,
	  "of these, of one inside address, which has at most twice as many pinholes (default 4096)");

PARAMETER(tcp_inbound, SIPX_SETTING_TCP_INBOUND,
	  "1: a registrar may open a TCP connection to the port that a phone names in its Contact (default 0)");
PARAMETER(tcp_connections, SIPX_SETTING_TCP_CONNECTIONS,
	  "TCP connections that are followed at once (default 65536)");
PARAMETER(tcp_connections_per_host, SIPX_SETTING_TCP_CONNECTIONS_PER_HOST,
	  "of these, begun by one address (default 4096)");
PARAMETER(tcp_memory, SIPX_SETTING_TCP_MEMORY,
	  "KiB that all TCP connections hold of messages under way (default 65536)");
PARAMETER(tcp_memory_per_host, SIPX_SETTING_TCP_MEMORY_PER_HOST,
	  "KiB of these for connections begun by one address (default 16384)");
PARAMETER(tcp_buffer, SIPX_SETTING_TCP_BUFFER,
	  "KiB that one direction of a TCP connection holds (default 256)");
PARAMETER(tcp_hold, SIPX_SETTING_TCP_HOLD,
	  "seconds that an incomplete message is held which does not go on (default 32)");
PARAMETER(unanswered_timeout, SIPX_SETTING_UNANSWERED_TIMEOUT,
	  "seconds that a call is kept which nobody answers, after its last message (default 300)");
PARAMETER(answered_timeout, SIPX_SETTING_ANSWERED_TIMEOUT,
	  "seconds that an answered call is kept without any message and without media (default 604800)");
PARAMETER(transaction_timeout, SIPX_SETTING_TRANSACTION_TIMEOUT,
	  "seconds that the answer to a request is waited for (default 32)");

static char *begin_texts[SIPX_LISTS] = {
	[SIPX_LIST_MEDIA_HOSTS] = "",
	/* Services over UDP that answer anybody, and none in the usual ranges of phones: SQL
	 * Server's browser, SSDP, Remote Desktop, WS-Discovery, NAT-PMP and PCP, mDNS, LLMNR
	 */
	[SIPX_LIST_MEDIA_DENY_PORTS] = "1434,1900,3389,3702,5351,5353,5355",
};
static struct sipx_list *begin_lists[SIPX_LISTS];

module_param_named(media_hosts, begin_texts[SIPX_LIST_MEDIA_HOSTS], charp, 0444);
MODULE_PARM_DESC(media_hosts,
		 "addresses and prefixes of inside hosts that other inside hosts may name for media, at most 16, with commas between (default none); sysctl net.netfilter.sip_ext_media_hosts");
module_param_named(media_deny_ports, begin_texts[SIPX_LIST_MEDIA_DENY_PORTS], charp, 0444);
MODULE_PARM_DESC(media_deny_ports,
		 "ports and ranges of ports that no pinhole leads to, besides those below 1024, at most 32, with commas between (default 1434,1900,3389,3702,5351,5353,5355); sysctl net.netfilter.sip_ext_media_deny_ports");

static const struct {
	const char *sysctl;
	struct sipx_list *(*parse)(char *text, const char *before);
	void (*print)(const struct sipx_list *list, char *text, size_t room);
} lists[SIPX_LISTS] = {
	[SIPX_LIST_MEDIA_HOSTS] = {
		"sip_ext_media_hosts", sipx_media_hosts_parse, sipx_media_hosts_print,
	},
	[SIPX_LIST_MEDIA_DENY_PORTS] = {
		"sip_ext_media_deny_ports", sipx_deny_ports_parse, sipx_deny_ports_print,
	},
};

static unsigned int zero, one = 1, lowest_port = 1024, highest_port = 65535, most = 1000000;
static unsigned int least_buffer = 80, most_buffer = 1024, least_memory = 1024, most_hold = 3600;
static unsigned int media_source_max = SIPX_MEDIA_FROM_ANY;
static unsigned int least_unanswered = 30, least_answered = 3600, most_answered = 2000000;
static unsigned int least_transaction = 4, most_transaction = 300;

static const struct {
	const char *sysctl;
	unsigned int *min;
	unsigned int *max;
} settings[SIPX_NET_SETTINGS] = {
#define SETTING(number, name, min, max) [number] = { "sip_ext_" name, &(min), &(max) }
	SETTING(SIPX_SETTING_ENABLED, "enabled", zero, one),
	SETTING(SIPX_SETTING_LOG, "log", zero, one),
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
	SETTING(SIPX_SETTING_MAX_MEDIA, "max_media", one, most),
	SETTING(SIPX_SETTING_MAX_MEDIA_PER_HOST, "max_media_per_host", one, most),
	SETTING(SIPX_SETTING_TCP_INBOUND, "tcp_inbound", zero, one),
	SETTING(SIPX_SETTING_TCP_CONNECTIONS, "tcp_connections", one, most),
	SETTING(SIPX_SETTING_TCP_CONNECTIONS_PER_HOST, "tcp_connections_per_host", one, most),
	SETTING(SIPX_SETTING_TCP_MEMORY, "tcp_memory", least_memory, most),
	SETTING(SIPX_SETTING_TCP_MEMORY_PER_HOST, "tcp_memory_per_host", least_memory, most),
	SETTING(SIPX_SETTING_TCP_BUFFER, "tcp_buffer", least_buffer, most_buffer),
	SETTING(SIPX_SETTING_TCP_HOLD, "tcp_hold", one, most_hold),
	SETTING(SIPX_SETTING_UNANSWERED_TIMEOUT, "unanswered_timeout", least_unanswered, most_hold),
	SETTING(SIPX_SETTING_ANSWERED_TIMEOUT, "answered_timeout", least_answered, most_answered),
	SETTING(SIPX_SETTING_TRANSACTION_TIMEOUT, "transaction_timeout", least_transaction,
		most_transaction),
#undef SETTING
};

u32 sipx_setting(const struct sipx_state *state, enum sipx_setting setting)
{
	const struct sipx_net *sn = sipx_net_of((struct sipx_state *)state);

	return READ_ONCE(sn->settings.values[setting]);
}

u32 sipx_settings_version(const struct sipx_state *state)
{
	const struct sipx_net *sn = sipx_net_of((struct sipx_state *)state);

	return smp_load_acquire(&sn->settings.version);
}

bool sipx_is_media_host(const struct sipx_state *state, const struct sipx_endpoint *host)
{
	const struct sipx_net *sn = sipx_net_of((struct sipx_state *)state);

	return sipx_media_hosts_contain(rcu_dereference(sn->settings.lists[SIPX_LIST_MEDIA_HOSTS]), host);
}

bool sipx_is_denied_port(const struct sipx_state *state, u16 port)
{
	const struct sipx_net *sn = sipx_net_of((struct sipx_state *)state);

	return sipx_deny_ports_contain(rcu_dereference(sn->settings.lists[SIPX_LIST_MEDIA_DENY_PORTS]), port);
}

/* ---- writing one ------------------------------------------------------------------------ */

/* over checks that look at two values, and lists that take each other's place */
static DEFINE_MUTEX(writing);

/* A pair of ports must find its place, and so must two of them side by side. */
static bool is_range(const unsigned int *values)
{
	return values[SIPX_SETTING_MEDIA_PORT_MIN] + 3 <= values[SIPX_SETTING_MEDIA_PORT_MAX];
}

/* Whoever sees the new version sees what is new. */
static void note_change(struct sipx_settings *own)
{
	smp_store_release(&own->version, own->version + 1);
}

/* What would leave no range of ports is refused. */
static int value_handler(sipx_ctl_table *table, int write, void *buffer, size_t *length, loff_t *at)
{
	struct sipx_settings *own = table->data;
	int number = table - own->table;
	struct ctl_table copy = *table;
	unsigned int old, value;
	int err;

	copy.data = &value;
	mutex_lock(&writing);
	old = value = own->values[number];
	err = proc_douintvec_minmax(&copy, write, buffer, length, at);
	if (!err && write) {
		WRITE_ONCE(own->values[number], value);
		if (is_range(own->values)) {
			note_change(own);
		} else {
			WRITE_ONCE(own->values[number], old);
			err = -EINVAL;
		}
	}
	mutex_unlock(&writing);
	return err;
}

/* what 16 of the longest prefixes need; 32 ranges of ports need less */
#define LIST_TEXT_MAX 1024

static void free_list(struct sipx_list *list)
{
	if (!IS_ERR_OR_NULL(list))
		kfree_rcu(list, rcu);
}

static int replace_list(struct sipx_settings *own, int number, char *text)
{
	struct sipx_list *list = lists[number].parse(text, "");

	if (IS_ERR(list))
		return PTR_ERR(list);
	free_list(rcu_replace_pointer(own->lists[number], list, lockdep_is_held(&writing)));
	return 0;
}

static int list_handler(sipx_ctl_table *table, int write, void *buffer, size_t *length, loff_t *at)
{
	struct sipx_settings *own = table->data;
	int number = table - &own->table[SIPX_NET_SETTINGS];
	struct ctl_table copy = *table;
	char *text;
	int err;

	if (write && *length >= LIST_TEXT_MAX)
		return -EINVAL;
	text = kmalloc(LIST_TEXT_MAX, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	copy.data = text;
	copy.maxlen = LIST_TEXT_MAX;
	mutex_lock(&writing);
	/* a write may go on where another one ended */
	lists[number].print(rcu_dereference_protected(own->lists[number], lockdep_is_held(&writing)),
			    text, LIST_TEXT_MAX);
	err = proc_dostring(&copy, write, buffer, length, at);
	if (!err && write)
		err = replace_list(own, number, text);
	if (!err && write)
		note_change(own);
	mutex_unlock(&writing);
	kfree(text);
	return err;
}

/* ---- what a namespace begins with ---------------------------------------------------------- */

static bool parameters_valid(void)
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
	if (is_range(begin))
		return true;
	pr_err("cannot load: media_port_min=%u and media_port_max=%u, but there must be 4 ports at least\n",
	       begin[SIPX_SETTING_MEDIA_PORT_MIN], begin[SIPX_SETTING_MEDIA_PORT_MAX]);
	return false;
}

static int init_begin_list(int number)
{
	char *text = kstrdup(begin_texts[number], GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	begin_lists[number] = lists[number].parse(text, "cannot load: ");
	kfree(text);
	return PTR_ERR_OR_ZERO(begin_lists[number]);
}

int sipx_settings_init(void)
{
	int i, err = parameters_valid() ? 0 : -EINVAL;

	for (i = 0; i < SIPX_LISTS && !err; i++)
		err = init_begin_list(i);
	if (err)
		sipx_settings_exit();
	return err;
}

void sipx_settings_exit(void)
{
	int i;

	for (i = 0; i < SIPX_LISTS; i++) {
		free_list(begin_lists[i]);
		begin_lists[i] = NULL;
	}
}

/* What the kernel's memory and time are shared by. */
static bool is_limit(int number)
{
	switch (number) {
	case SIPX_SETTING_MAX_CALLS ... SIPX_SETTING_MAX_MEDIA_PER_HOST:
	case SIPX_SETTING_TCP_CONNECTIONS ... SIPX_SETTING_TCP_BUFFER:
	case SIPX_SETTING_TCP_CONNECTIONS_PER_HOST:
	case SIPX_SETTING_TCP_MEMORY_PER_HOST:
		return true;
	default:
		return false;
	}
}

static void init_entry(const struct net *net, struct sipx_settings *own, int number)
{
	/* root of an own user namespace is anybody: what the machine's gave is the most */
	bool by_anybody = net->user_ns != &init_user_ns;
	struct ctl_table *entry = &own->table[number];

	own->values[number] = begin[number];
	entry->procname = settings[number].sysctl;
	entry->data = own;
	entry->maxlen = sizeof(own->values[number]);
	entry->mode = 0644;
	entry->proc_handler = value_handler;
	entry->extra1 = settings[number].min;
	entry->extra2 = by_anybody && is_limit(number) ? &begin[number] : settings[number].max;
}

static int init_list(struct sipx_settings *own, int number)
{
	struct ctl_table *entry = &own->table[SIPX_NET_SETTINGS + number];
	struct sipx_list *list = kmemdup(begin_lists[number], begin_lists[number]->size, GFP_KERNEL);

	if (!list)
		return -ENOMEM;
	RCU_INIT_POINTER(own->lists[number], list);
	entry->procname = lists[number].sysctl;
	entry->data = own;
	entry->maxlen = LIST_TEXT_MAX;
	entry->mode = 0644;
	entry->proc_handler = list_handler;
	return 0;
}

static void free_lists(struct sipx_settings *own)
{
	int i;

	for (i = 0; i < SIPX_LISTS; i++)
		free_list(rcu_replace_pointer(own->lists[i], NULL, true));
}

int sipx_settings_begin(struct net *net, struct sipx_settings *own)
{
	int i, err = 0;

	for (i = 0; i < SIPX_NET_SETTINGS; i++)
		init_entry(net, own, i);
	for (i = 0; i < SIPX_LISTS && !err; i++)
		err = init_list(own, i);
	if (!err) {
		own->header = sipx_compat_register_sysctl(net, own->table, SIPX_NET_SETTINGS + SIPX_LISTS);
		if (own->header)
			return 0;
		err = -ENOMEM;
	}
	free_lists(own);
	return err;
}

void sipx_settings_end(struct sipx_settings *own)
{
	unregister_net_sysctl_table(own->header);
	free_lists(own);
}
