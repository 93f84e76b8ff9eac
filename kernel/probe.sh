#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# probe.sh PROBES-DIR MODULE.SYMVERS OUTPUT FLAGS...
# Compiles each PROBES-DIR/NAME.c and writes `#define SIPX_HAVE_NAME 0 or 1`;
# looks up each symbol of PROBES-DIR/symbols and writes SIPX_EXPORTS_SYMBOL.
set -u
probes=$1 symvers=$2 out=$3
shift 3

compiles() {
	$CC "$@" -DMODULE -DKBUILD_MODNAME='"probe"' -DKBUILD_BASENAME='"probe"' \
		-D__KBUILD_MODNAME=kmod_probe -Werror -Wno-unused -fsyntax-only "$file" 2>"$log"
}

exported() {
	[ -r "$symvers" ] && grep -qP "^\S+\t$1\t" "$symvers"
}

log=$out.log
file=$probes/sane.c
if ! compiles "$@"; then
	echo "sip-ext: this kernel's headers do not compile with $CC:" >&2
	cat "$log" >&2
	exit 1
fi
[ -r "$symvers" ] ||
	echo "sip-ext: no $symvers: ports of the router's own sockets will not be known" >&2
{
	echo "/* Made by kernel/probe.sh. */"
	for file in "$probes"/*.c; do
		name=$(basename "$file" .c)
		compiles "$@" && have=1 || have=0
		echo "#define SIPX_HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]') $have"
	done
	while read -r symbol; do
		exported "$symbol" && have=1 || have=0
		echo "#define SIPX_EXPORTS_$(echo "$symbol" | tr '[:lower:]' '[:upper:]') $have"
	done <"$probes/symbols"
} >"$out.new"
rm -f "$log"
mv "$out.new" "$out"
