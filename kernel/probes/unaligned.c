// SPDX-License-Identifier: GPL-2.0
// get_unaligned_be32() and its like are one file for all architectures.
#include <linux/unaligned.h>
