#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# What a person can see: the tables in /proc/net/sip_ext/, read in small pieces while they
# change, the log of what is refused, and pr_debug() where the kernel has it. In the router:
#   scripts/lab run --no-load [--kernel NAME] tests/lab/visible.sh
. "$LAB_LIB"

modprobe -a nf_conntrack nf_nat nft_chain_nat nft_masq nft_ct nf_conntrack_netlink nf_log_syslog 2>/dev/null
modprobe -a nf_log_ipv4 nf_log_ipv6 2>/dev/null
modprobe nf_conntrack && modprobe nf_nat
echo 1 >/proc/sys/net/netfilter/nf_log_all_netns
lab_router
exec python3 -S "$(dirname "$0")/visible.py"
