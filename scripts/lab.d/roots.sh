# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Private roots: programs that Debian 12 has not, from another suite, unpacked into the
# cache and started with the loader and the libraries that lie beside them. Nothing is
# installed and no script of a package runs, so that neither root nor a chroot is needed.
#
#   roots/NAME/root      the files
#   roots/NAME/run       starts a program of the root: run PROGRAM ARG...
#   roots/NAME/package   the Debian package and version
#   roots/NAME/recipe    hash of how it was made; written last

readonly ROOTS=(asterisk)

is_root() { [[ " ${ROOTS[*]} " == *" $1 "* ]]; }
root_dir() { printf '%s\n' "$SIP_EXT_CACHE/roots/$1"; }

root_suites() {
	case $1 in
	asterisk) echo "bullseye bullseye-security" ;;
	esac
}

root_recipe() {
	{
		root_suites "$1"
		declare -f build_root root_packages write_starter trim_root "finish_$1"
	} | sha256sum | cut -d' ' -f1
}

root_ready() {
	local dir
	dir=$(root_dir "$1")
	[ -e "$dir/recipe" ] && [ "$(cat "$dir/recipe")" = "$(root_recipe "$1")" ]
}

# As long as we live no root that is there is replaced
hold_roots() {
	local name
	for name in "${ROOTS[@]}"; do
		! root_ready "$name" || lock -s "$name.use" "$name is being replaced; waiting"
	done
}

prepare_root() {
	local work prepare_fd
	lock -x "$1.prepare" "another lab prepares $1; waiting"
	prepare_fd=$lock_fd
	if ! root_ready "$1" || ((refresh)); then
		rm -rf "$SIP_EXT_CACHE/tmp/$1".*
		work=$(mktemp -d "$SIP_EXT_CACHE/tmp/$1.XXXXXX") ||
			die "no room for $1 in $SIP_EXT_CACHE"
		(publish_root "$1" "$work") || die "$1 could not be prepared"
	fi
	unlock "$prepare_fd"
}

publish_root() {
	preparing=$1 began=$SECONDS work=$2
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM
	mkdir -p "$SIP_EXT_CACHE/roots"
	build_root "$1" "$work" || exit 1
	root_recipe "$1" >"$work/recipe"
	chmod 755 "$work"
	publish "$work" "$(root_dir "$1")" || exit 1
	progress "ready: $(cat "$(root_dir "$1")/package")"
}

build_root() {
	local name=$1 dir=$2 conf packages
	progress "asking the mirror"
	conf=$(private_apt "$(root_suites "$name")") && apt_update "$conf" ||
		{ progress "no package lists from the mirror"; return 1; }
	packages=$(root_packages "$conf" "$name") && [ -n "$packages" ] ||
		{ progress "the mirror has no $name"; return 1; }
	apt_field "$conf" "$name" Version | sed "s/^/$name /" >"$dir/package"
	progress "fetching $(cat "$dir/package"), $(wc -w <<<"$packages") packages"
	mkdir "$dir/root"
	# shellcheck disable=SC2086
	apt_unpack "$conf" "$dir/root" $packages || return 1
	trim_root "$dir/root"
	write_starter "$dir" || return 1
	"finish_$name" "$dir" || { progress "what was fetched does not start"; return 1; }
}

# The program and all libraries that it needs, as apt resolves it for an empty system
root_packages() {
	APT_CONFIG=$1 apt-get -s -o APT::Install-Recommends=false install "$2" |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -E "^(lib|$2)" | grep -v '^libperl'
}

trim_root() {
	rm -rf "$1"/usr/share/{doc,man,locale,icons,perl,mime,zoneinfo} \
		"$1"/usr/lib/*/perl* "$1"/usr/lib/udev
}

# The root's own loader, with the root's library folders and no others
write_starter() {
	local loader
	loader=$(cd "$1/root" && printf '%s\n' lib/*/ld-linux*.so.*)
	[ -e "$1/root/$loader" ] || { progress "no loader in the root"; return 1; }
	cat >"$1/run" <<-END
	#!/bin/sh
	here=\$(cd -- "\$(dirname -- "\$0")" && pwd -P)/root
	program=\$1
	shift
	exec "\$here/$loader" --inhibit-cache \\
	  --library-path "\$here/${loader%/*}:\$here/usr/${loader%/*}:\$here/usr/lib" "\$here/\$program" "\$@"
	END
	chmod 755 "$1/run"
}

# Of its documentation Asterisk needs what describes the configuration; reading the rest
# takes half of the time in which it starts
finish_asterisk() {
	local docs=$1/root/usr/share/asterisk/documentation/core-en_US.xml kind script=''
	for kind in application function agi manager managerEvent info; do
		script+="/<$kind /,/<\\/$kind>/d;"
	done
	sed -i "$script" "$docs" && grep -q '<configInfo ' "$docs" &&
		"$1/run" usr/sbin/asterisk -V | grep -q '^Asterisk ' &&
		[ -e "$1/root/usr/lib/asterisk/modules/chan_pjsip.so" ]
}
