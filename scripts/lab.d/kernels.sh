# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels: how each is built or fetched, and where it lies in the cache.
#
#   kernels/NAME/image          what is booted: UML's binary or a vmlinuz
#   kernels/NAME/initrd         Debian kernels only
#   kernels/NAME/kdir           for KDIR=
#   kernels/NAME/root/lib/modules/VERSION
#   kernels/NAME/version        `uname -r`
#   kernels/NAME/package        the Debian package and version it is made of
#   kernels/NAME/recipe         hash of how it was made; written last

readonly KERNELS=(uml-6.1 uml-7.3 uml-7.3-kasan uml-7.3-plain debian-6.1 debian-6.12 debian-5.10 debian-5.10-old)
refresh=0

known_kernel() {
	local name
	for name in "${KERNELS[@]}"; do
		[ "$name" = "$1" ] && return
	done
	die "no kernel is called '$1' (there are: ${KERNELS[*]})"
}

# The kernel whose source it is made of, with other options
source_of() {
	local source=${1%-kasan}
	printf '%s\n' "${source%-plain}"
}

kernel_dir() { printf '%s\n' "$SIP_EXT_CACHE/kernels/$1"; }
is_uml() { [[ $1 == uml-* ]]; }

# The suites that have it, for one private apt; a security archive first where it serves
# the same series
suites_of() {
	case $1 in
	uml-6.1|debian-6.1) echo "bookworm bookworm-security" ;;
	uml-7.3|uml-7.3-kasan|uml-7.3-plain) echo "trixie-backports" ;;
	debian-6.12) echo "bookworm-backports" ;;
	debian-5.10) echo "bullseye bullseye-security" ;;
	# the last one that came with a release: without what was mended since
	debian-5.10-old) echo "bullseye" ;;
	esac
}

# Hash of all that decides what a prepared kernel looks like. Comments and the messages of
# other functions do not count, so that an edit here does not cost a rebuild.
recipe_of() {
	{
		suites_of "$1"
		declare -f build_kernel install_uml_modules make_initrd
		if is_uml "$1"; then
			declare -f build_uml trim_uml_tree
			[ "$(source_of "$1")" = "$1" ] || declare -f build_variant
			uml_config "$1"
			uml_patch "$1"
			gcc -dumpfullversion
		else
			declare -f build_debian fix_headers
			cat "$lab_d/initramfs"
		fi
	} | sha256sum | cut -d' ' -f1
}

kernel_ready() {
	local dir
	dir=$(kernel_dir "$1")
	[ -e "$dir/recipe" ] && [ "$(cat "$dir/recipe")" = "$(recipe_of "$1")" ]
}

# Messages of a preparation carry the kernel's name and the time since it began
progress() {
	local s=$((SECONDS - began))
	printf 'lab: %s: %d:%02d %s\n' "$preparing" $((s / 60)) $((s % 60)) "$*" >&2
}

# lock HOW NAME MEANWHILE: HOW as of flock; sets lock_fd. Each kernel has two locks: NAME.prepare
# lets one preparer at a time work, NAME.use is shared by the runs and taken alone only
# while a finished kernel takes the place of the old one.
lock() {
	local fd
	mkdir -p "$SIP_EXT_CACHE/locks" "$SIP_EXT_CACHE/tmp" "$SIP_EXT_CACHE/kernels"
	exec {fd}>"$SIP_EXT_CACHE/locks/$2"
	lock_fd=$fd
	flock -n "$1" "$fd" && return
	say "$3"
	flock "$1" "$fd"
}

unlock() {
	local fd=$1
	exec {fd}>&-
}

# ensure_kernel NAME: ready, and locked against being replaced as long as we live
ensure_kernel() {
	while :; do
		kernel_ready "$1" || prepare_kernel "$1"
		lock -s "$1.use" "$1 is being replaced; waiting"
		kernel_ready "$1" && return
		unlock "$lock_fd"
	done
}

prepare_kernel() {
	local work prepare_fd
	lock -x "$1.prepare" "another lab prepares $1; waiting"
	prepare_fd=$lock_fd
	if ! kernel_ready "$1" || ((refresh)); then
		# What preparers left that were killed: the lock says that none is at work
		rm -rf "$SIP_EXT_CACHE/tmp/$1".*
		work=$(mktemp -d "$SIP_EXT_CACHE/tmp/$1.XXXXXX") ||
			die "no room for $1 in $SIP_EXT_CACHE"
		# A subshell, so that any end of it, an interrupt included, leaves no half
		(build_and_publish "$1" "$work") || die "$1 could not be prepared"
	fi
	unlock "$prepare_fd"
}

check_tools() {
	local tool tools="apt-get dpkg-deb xz depmod busybox cpio"
	! is_uml "$1" || tools="apt-get dpkg-deb xz depmod gcc make bc flex bison perl patch"
	for tool in $tools; do
		command -v "$tool" >/dev/null && continue
		progress "needs $tool (scripts/deps build lab)"
		return 1
	done
}

build_and_publish() {
	local recipe
	preparing=$1 began=$SECONDS work=$2
	trap 'rm -rf "$work"' EXIT
	# What runs in the background ignores the keyboard's interrupt: it is told
	trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
	# As it is now: the files may change while they are built from
	recipe=$(recipe_of "$1")
	check_tools "$1" || exit 1
	"$(builder_of "$1")" "$1" "$work" || exit 1
	printf '%s\n' "$recipe" >"$work/recipe"
	publish "$work" "$(kernel_dir "$1")" || exit 1
	progress "ready: $(cat "$(kernel_dir "$1")/package")"
}

publish() {
	local new=$1 dir=$2
	lock -x "${dir##*/}.use" "waiting for the runs that use the old ${dir##*/}"
	if [ -e "$dir" ]; then
		mkdir "$new.old" && mv "$dir" "$new.old/" || return 1
	fi
	mv "$new" "$dir" || return 1
	unlock "$lock_fd"
	rm -rf "$new.old"
}

builder_of() {
	if [ "$(source_of "$1")" = "$1" ]; then echo build_kernel; else echo build_variant; fi
}

build_kernel() {
	local name=$1 dir=$2 conf
	progress "asking the mirror"
	conf=$(private_apt "$(suites_of "$name")") && apt_update "$conf" ||
		{ progress "no package lists from the mirror"; return 1; }
	mkdir -p "$dir/root/lib/modules"
	if is_uml "$name"; then
		uml_config "$name" >"$dir/config"
		build_uml "$conf" "linux-source-${name#uml-}" "$dir"
	else
		build_debian "$conf" "$dir"
	fi
}

# A UML kernel from another one's source. Apart from build_kernel(), whose text is in the
# recipes of all the others.
build_variant() {
	local name=$1 dir=$2 conf source
	source=$(source_of "$name")
	progress "asking the mirror"
	conf=$(private_apt "$(suites_of "$name")") && apt_update "$conf" ||
		{ progress "no package lists from the mirror"; return 1; }
	mkdir -p "$dir/root/lib/modules"
	uml_config "$name" >"$dir/config"
	build_uml "$conf" "linux-source-${source#uml-}" "$dir"
}

# --- UML: from Debian's source package ---------------------------------------------

# Only what a UML build and its kconfig read is unpacked: it halves the time
readonly UML_UNUSED=(
	'*/Documentation/*/*' '*/drivers/gpu/*.[ch]' '*/drivers/media/*.[ch]'
	'*/drivers/net/ethernet/*.[ch]' '*/drivers/net/wireless/*.[ch]'
	'*/drivers/staging/*.[ch]' '*/drivers/scsi/*.[ch]' '*/drivers/infiniband/*.[ch]'
	'*/sound/*.[ch]' '*/tools/perf' '*/tools/testing' '*/*.dts' '*/*.dtsi'
)

# The options common to all, those of one version, and those of one variant of it
uml_config() {
	local file source
	source=$(source_of "$1")
	[ "$source" != "$1" ] || set --
	for file in uml "$source" "$@"; do
		file=$lab_d/$file.config
		[ ! -e "$file" ] || grep -v '^#' "$file"
	done
}

# What one of them needs changed in its source
uml_patch() {
	[ ! -e "$lab_d/$1.patch" ] || cat "$lab_d/$1.patch"
}

build_uml() {
	local conf=$1 package=$2 dir=$3 src=$3/kdir
	apt_field "$conf" "$package" Version | sed "s/^/$package /" >"$dir/package"
	progress "fetching $(cat "$dir/package")"
	apt_unpack "$conf" "$dir/deb" "$package" || return 1
	progress "unpacking the source"
	mkdir "$src"
	tar -xJf "$dir"/deb/usr/src/linux-source-*.tar.xz -C "$src" --strip-components=1 \
		"${UML_UNUSED[@]/#/--exclude=}" || return 1
	rm -rf "$dir/deb"
	uml_make "$src" KCONFIG_ALLCONFIG="$dir/config" allnoconfig \
		>"$dir/build.log" 2>&1 || return 1
	compile_uml "$src" "$dir/build.log" || return 1
	ln "$src/linux" "$dir/image"
	install_uml_modules "$src" "$dir" || return 1
	trim_uml_tree "$src"
}

uml_make() {
	local src=$1
	shift
	env -i PATH="$PATH" HOME="$HOME" LC_ALL=C make -C "$src" ARCH=um \
		KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab "$@"
}

# Compiles with a line of progress now and then. The total is an estimate: the number of
# files moves little between the versions. A change of the source comes first: in build_uml(), whose
# text is in all the recipes, it would cost each kernel a rebuild.
compile_uml() {
	local src=$1 log=$2 about=930 make_pid waited=0
	uml_patch "$preparing" | patch -d "$src" -p1 >>"$log" || return 1
	progress "compiling (once; about $about files on $(nproc) cores)"
	uml_make "$src" -j"$(($(nproc) + 1))" linux modules >>"$log" 2>&1 &
	make_pid=$!
	while kill -0 "$make_pid" 2>/dev/null; do
		sleep 1
		((++waited % 20)) ||
			progress "compiled $(grep -c '^  CC' "$log") of about $about files"
	done
	wait "$make_pid" && return
	progress "the build failed:"
	tail -n 20 "$log" >&2
	return 1
}

install_uml_modules() {
	local src=$1 dir=$2 version
	version=$(cat "$src/include/config/kernel.release")
	printf '%s\n' "$version" >"$dir/version"
	uml_make "$src" INSTALL_MOD_PATH="$dir/root" modules_install \
		>>"$dir/build.log" 2>&1 || return 1
	rm -f "$dir/root/lib/modules/$version"/{build,source}
}

# What modules are built with is kept: headers, kbuild, the tools, the symbols
trim_uml_tree() {
	find "$1" \( -path "$1/scripts" -o -path "$1/tools" \) -prune -o -type f \
		\( -name '*.[coSa]' -o -name '.*.cmd' -o -name 'vmlinux*' -o -name '.tmp_*' \) \
		-exec rm -f {} + && rm -f "$1/linux"
}

# --- Debian's own kernels: image and headers unpacked into a private root -----------

build_debian() {
	local conf=$1 dir=$2 image headers version others tree
	# The metapackages name the newest ABI
	image=$(apt_field "$conf" linux-image-amd64 Depends | grep -o 'linux-image-[^ ,]*')
	headers=${image/image/headers}
	version=${image#linux-image-}
	others=$(apt_field "$conf" "$headers" Depends |
		grep -oE 'linux-(headers|kbuild)-[^ ,]*' | sort -u)
	[ -n "$image" ] && [ -n "$others" ] || return 1
	apt_field "$conf" "$image" Version | sed "s/^/$image /" >"$dir/package"
	printf '%s\n' "$version" >"$dir/version"
	progress "fetching $(cat "$dir/package") and its headers"
	# shellcheck disable=SC2086
	apt_unpack "$conf" "$dir/deb" "$image" "$headers" $others || return 1
	progress "unpacked; making the initramfs"
	mkdir -p "$dir/root/usr"
	mv "$dir"/deb/usr/src "$dir"/deb/usr/lib "$dir/root/usr/" || return 1
	# merged /usr came to the packages with 6.12
	for tree in "$dir/deb/lib/modules/$version" "$dir/root/usr/lib/modules/$version"; do
		[ -d "$tree/kernel" ] && mv "$tree" "$dir/root/lib/modules/"
	done
	mv "$dir/deb/boot/vmlinuz-$version" "$dir/image" || return 1
	rm -rf "$dir/deb" "$dir/root/lib/modules/$version"/{build,source}
	depmod -b "$dir/root" "$version" || return 1
	fix_headers "$dir" "$version" || return 1
	make_initrd "$dir" "$version"
}

# Debian's headers name their other half by absolute path and a compiler by version;
# here the path becomes relative, and a compiler that is not there becomes `gcc`.
fix_headers() {
	local dir=$1 src=$1/root/usr/src/linux-headers-$2 compiler
	ln -s "root/usr/src/linux-headers-$2" "$dir/kdir"
	sed -i -E 's|^include /usr/src/|include $(dir $(abspath $(lastword $(MAKEFILE_LIST))))../|' \
		"$src/Makefile" || return 1
	compiler=$(grep -oE 'gcc-[0-9]+' "$src/.kernelvariables" | head -n 1)
	if [ -n "$compiler" ] && ! command -v "$compiler" >/dev/null; then
		sed -i "s/$compiler/gcc/" "$src/.kernelvariables"
	fi
}

# busybox and the modules that reach the host's files; plain cpio, which boots fastest
make_initrd() {
	local dir=$1 version=$2 tree=$1/initramfs file n=0
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$(command -v busybox)" "$tree/bin/" && cp "$lab_d/initramfs" "$tree/init" || return 1
	for file in $(modprobe -d "$dir/root" -S "$version" -a --show-depends \
		virtio_pci 9pnet_virtio 9p overlay | awk '$1 == "insmod" && !seen[$2]++ { print $2 }')
	do
		n=$((n + 1))
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$(printf '%s/modules/%02d.ko' "$tree" "$n")" || return 1
	done
	(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initrd"
	rm -rf "$tree"
}

# --- commands -----------------------------------------------------------------------

lab_prepare() {
	local name
	[ "${1-}" != --refresh ] || { refresh=1; shift; }
	[ $# -gt 0 ] || die "prepare what? (${KERNELS[*]} ${ROOTS[*]}, or all)"
	[ "$1" != all ] || set -- "${KERNELS[@]}" "${ROOTS[@]}"
	for name in "$@"; do
		is_root "$name" || known_kernel "$name"
	done
	for name in "$@"; do
		if is_root "$name"; then prepare_root "$name"; else prepare_kernel "$name"; fi
	done
}

lab_kdir() {
	[ $# -eq 1 ] || die "usage: scripts/lab kdir NAME"
	known_kernel "$1"
	ensure_kernel "$1"
	printf '%s/kdir\n' "$(kernel_dir "$1")"
}

lab_list() {
	local name dir state
	for name in "${KERNELS[@]}"; do
		dir=$(kernel_dir "$name")
		if kernel_ready "$name"; then
			state="ready (boot, kdir)  $(cat "$dir/version")  $(cat "$dir/package")"
		elif [ -e "$dir/recipe" ]; then
			state="outdated, made by another recipe"
		else
			state="not prepared"
		fi
		printf '%-15s %s\n' "$name" "$state"
	done
	for name in "${ROOTS[@]}"; do
		state="not prepared"
		! root_ready "$name" || state="ready (program)     $(cat "$(root_dir "$name")/package")"
		printf '%-15s %s\n' "$name" "$state"
	done
}
