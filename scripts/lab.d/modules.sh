# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Our two modules for one kernel, and the /lib/modules tree a run sees.

readonly OUR_MODULES=(nf_conntrack_sip_ext nf_nat_sip_ext)

# Where the project's modules for a kernel are built, beside those for other kernels
modules_out() { printf '%s/build/lab/%s\n' "$top" "$1"; }

# The one place that knows how the project's Makefile is called
make_modules() {
	local kdir=$1 out=$2
	make -C "$top" --no-print-directory modules KDIR="$kdir" O="$out"
}

modules_current() {
	local out=$1 stamp=$1/.lab-stamp name
	for name in "${OUR_MODULES[@]}"; do
		[ -e "$out/$name.ko" ] || return 1
	done
	[ -e "$stamp" ] && [ "$stamp" -nt "$2/recipe" ] || return 1
	# Anything a module is made from that is newer; the folders left out make none
	[ -z "$(find "$top" \( -name '.*' -o -name build -o -name docs -o -name scripts \
		-o -name tests -o -name bench \) -prune -o -newer "$stamp" -print -quit \
		2>/dev/null)" ]
}

# ensure_modules NAME: builds what is missing or stale
ensure_modules() {
	local kernel out lock started
	kernel=$(kernel_dir "$1") out=$(modules_out "$1")
	mkdir -p "$out" || die "cannot write to $out"
	exec {lock}>"$out/.lock"
	flock "$lock"
	if ! modules_current "$out" "$kernel"; then
		say "building the modules for $1"
		started=$(mktemp "$out/.started.XXXXXX")
		if ! make_modules "$kernel/kdir" "$out" >"$out/build.log" 2>&1; then
			rm -f "$started"
			grep -m 20 -E 'error|Error|warning' "$out/build.log" >&2
			die "the modules do not build for $1 (all of it: $out/build.log)"
		fi
		module_tree "$kernel" "$out" || die "no module tree for $1"
		mv "$started" "$out/.lab-stamp"
	fi
	exec {lock}>&-
}

# The kernel's own modules and ours under `extra`, with the indexes that modprobe reads:
# so a rule can load a helper by its alias
module_tree() {
	local kernel=$1 out=$2 version from tree name
	version=$(cat "$kernel/version")
	from=$kernel/root/lib/modules/$version
	tree=$out/root/lib/modules/$version
	rm -rf "$out/root"
	mkdir -p "$tree/extra" || return 1
	ln -s "$from/kernel" "$tree/kernel"
	cp "$from"/modules.{order,builtin,builtin.modinfo} "$tree/" || return 1
	for name in "${OUR_MODULES[@]}"; do
		ln -s "$out/$name.ko" "$tree/extra/" || return 1
	done
	depmod -b "$out/root" "$version"
}
