// SPDX-License-Identifier: GPL-2.0
// What a packet refers to is counted by functions with a header of their own.
#include <linux/skbuff_ref.h>
