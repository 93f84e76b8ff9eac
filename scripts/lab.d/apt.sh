# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packages of any Debian suite, from the mirror that apt is configured with, through
# an apt of our own inside the cache: the system's lists and packages stay as they are.

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# What apt is configured with: "RELEASE ORIGIN URI" lines. apt knows these only once it
# has read its lists; where the system has none, a copy of our own is read.
apt_targets() {
	local lists=$SIP_EXT_CACHE/apt/system
	local ask=(indextargets --format "\$(RELEASE) \$(ORIGIN) \$(REPO_URI)"
		'Created-By: Packages')
	apt-get "${ask[@]}" | grep . && return
	mkdir -p "$lists/partial"
	apt-get -qq -o Dir::State::lists="$lists" -o APT::Sandbox::User= update >&2
	apt-get -o Dir::State::lists="$lists" "${ask[@]}"
}

# Address of the mirror apt uses for Debian itself or, with `security`, for its security
# archive. Told apart by the release they carry, never by name.
mirror_of() {
	local pattern='^[a-z]+$'
	[ "$1" = security ] && pattern='^[a-z]+-security$'
	apt_targets | awk -v p="$pattern" '
		$1 ~ p && $2 == "Debian" && !uri { uri = $3 }
		END { print uri }'
}

# One line of sources.list for a suite; the security archive defaults to the path
# beside the main one.
source_line() {
	local suite=$1 main uri
	main=$(mirror_of main)
	[ -n "$main" ] || return 1
	case $suite in
	*-security)
		uri=$(mirror_of security)
		[ -n "$uri" ] || uri=${main%/debian*}/debian-security/
		;;
	*) uri=$main ;;
	esac
	printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$uri" "$suite"
}

# Makes the private apt for "SUITE..." and prints its configuration file.
private_apt() {
	local dir=$SIP_EXT_CACHE/apt/${1// /+} suite
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/parts"
	: >"$dir/status"
	for suite in $1; do
		source_line "$suite" || return 1
	done >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
	Dir::State "$dir";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir";
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "$dir/parts";
	Dir::Etc::preferences "$dir/preferences";
	Dir::Etc::preferencesparts "$dir/parts";
	APT::Sandbox::User "";
	Acquire::Languages "none";
	Acquire::Retries "3";
	END
	printf '%s\n' "$dir/apt.conf"
}

# The lists are read again when they are older than a day: point releases remove the
# packages that old lists name.
apt_update() {
	local conf=$1 stamp=${1%/*}/updated
	if [ -n "$(find "$stamp" -mmin -1440 2>/dev/null)" ] && ! ((refresh)); then
		return 0
	fi
	APT_CONFIG=$conf apt-get -qq update >&2 && : >"$stamp"
}

# apt_field CONF PACKAGE FIELD: of the newest version
apt_field() {
	APT_CONFIG=$1 apt-cache show --no-all-versions "$2" 2>/dev/null |
		sed -n "s/^$3: //p"
}

# apt_unpack CONF DIR PACKAGE...: downloads into a folder of its own, unpacks into DIR
apt_unpack() {
	local conf=$1 dir=$2 debs deb
	shift 2
	debs=$(mktemp -d "$SIP_EXT_CACHE/tmp/debs.XXXXXX") || return 1
	if (cd "$debs" && APT_CONFIG=$conf apt-get -qq download "$@" >&2); then
		for deb in "$debs"/*.deb; do
			dpkg-deb -x "$deb" "$dir" || break
		done
	else
		false
	fi
	set -- $?
	rm -rf "$debs"
	return "$1"
}
