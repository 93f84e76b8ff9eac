#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# TCP connections that are followed, as long as they live and after: what they cost, and that
# none is lost when the module, the namespace or conntrack's entry goes. In the router:
#   scripts/lab run --no-load [--kernel NAME] tests/lab/tcp.sh
. "$LAB_LIB"

modprobe -a nf_conntrack nf_nat nft_chain_nat nft_masq nft_ct nf_conntrack_netlink 2>/dev/null
modprobe nf_conntrack && modprobe nf_nat
lab_router
exec python3 -S "$(dirname "$0")/tcp.py"
