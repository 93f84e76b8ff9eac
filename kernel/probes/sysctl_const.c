// SPDX-License-Identifier: GPL-2.0
// The handler of a setting gets a table that it cannot change.
#include <linux/sysctl.h>

int probe(const struct ctl_table *table, int write, void *buffer, size_t *length, loff_t *at);
int probe(const struct ctl_table *table, int write, void *buffer, size_t *length, loff_t *at)
{
	proc_handler *handler = probe;

	return handler(table, write, buffer, length, at);
}
