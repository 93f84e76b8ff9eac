#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# What the router itself sends grows, and its receiver on the same machine joins segments: their
# sizes must still be right (skb_try_coalesce() warns else). In the router:
#   scripts/lab run [--kernel NAME] tests/lab/grown.sh
. "$LAB_LIB"

lab_router
exec python3 -S "$(dirname "$0")/grown.py"
