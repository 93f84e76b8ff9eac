# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# `lab run`: the host's side of one run. The guest's side is the file `guest`; both meet
# in a folder of the run's own:
#
#   $run/job       what to do, as shell assignments
#   $run/console   what the kernel printed
#   $run/x/        the guest writes stdout, stderr, dmesg, taint and status here

# Folders that the guest covers with its own; what a run needs from them is shown again
readonly COVERED='^/(tmp|run|dev/shm)/[^/]'

# Debian's own, so that a run does not depend on who starts it
readonly GUEST_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# A line that only a kernel in trouble prints. Anchored after the time stamp, because
# boot messages may carry the word WARNING further on.
readonly FAULT='^(<[0-9]+>)?(\[[^]]*\] ?)*('\
'------------\[ cut here \]------------|WARNING: |BUG: |kernel BUG at |Kernel panic|'\
'Oops|general protection fault|Internal error|INFO: task .* blocked|'\
'INFO: possible |INFO: trying to register non-static|INFO: suspicious |'\
'(INFO: )?rcu: INFO: |INFO: rcu|watchdog: BUG|UBSAN: |KASAN: |KFENCE: |refcount_t: |'\
'kmemleak: [0-9]+ new suspected|list_(add|del) corruption|=+ *$|'\
'BUG [a-z0-9_-]+ \(|unregister_netdevice: waiting|sysrq: Trigger a crash|'\
'Kernel mode fault|Kernel tried to access user memory)'

lab_run() {
	parse_run_options "$@"
	run_in_router
}

# Leaves the options in opt_* and the command in job
parse_run_options() {
	opt_kernel=uml-6.1 opt_helper=ext opt_load=1 opt_cpus=1 opt_timeout='' opt_mem=1024
	opt_out='' opt_env=() opt_append=() opt_icount='' opt_log='' opt_monitor='' job=()
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel|--helper|--cpus|--timeout|--mem|--out|--env|--append|--log|--monitor)
			[ $# -gt 1 ] || die "$1 needs a value"
			take_option "$1" "$2"
			shift
			;;
		--no-load) opt_load='' ;;
		--icount) opt_icount=1 ;;
		--) shift; break ;;
		-*) die "unknown option $1 (see scripts/lab --help)" ;;
		*) break ;;
		esac
		shift
	done
	job=("$@")
	check_run_options
}

take_option() {
	case $1 in
	--kernel) opt_kernel=$2 ;;
	--helper) opt_helper=$2 ;;
	--cpus) opt_cpus=$2 ;;
	--timeout) opt_timeout=$2 ;;
	--mem) opt_mem=$2 ;;
	--out) opt_out=$2 ;;
	--env) opt_env+=("$2") ;;
	--append) opt_append+=("$2") ;;
	--log) opt_log=$2 ;;
	--monitor) opt_monitor=$2 ;;
	esac
}

check_run_options() {
	local number
	known_kernel "$opt_kernel"
	[[ $opt_helper =~ ^(ext|in-tree|none)$ ]] || die "--helper is ext, in-tree or none"
	if [ -z "$opt_timeout" ]; then
		is_uml "$opt_kernel" && opt_timeout=120 || opt_timeout=300
	fi
	for number in "$opt_cpus" "$opt_timeout" "$opt_mem"; do
		[[ $number =~ ^[1-9][0-9]*$ ]] || die "not a number: $number"
	done
	[ "$opt_kernel" != uml-6.1 ] || [ "$opt_cpus" = 1 ] || die "uml-6.1 has one processor"
	[ -z "$opt_icount" ] || ! is_uml "$opt_kernel" || die "--icount needs a Debian kernel"
	[ -z "$opt_monitor" ] || ! is_uml "$opt_kernel" || die "--monitor needs a Debian kernel"
	[ ${#job[@]} -gt 0 ] || die "run what? (see scripts/lab --help)"
	[ -z "$opt_out" ] || [ -d "$opt_out" ] || die "no folder $opt_out"
	find_job
}

# A path, or else a program of the usual folders
find_job() {
	local file=${job[0]}
	[ -e "$file" ] || [[ $file == */* ]] || file=$(type -P "$file") ||
		die "no file ${job[0]}"
	[ -f "$file" ] || die "no file $file"
	[ -x "$file" ] || die "$file is not executable"
	job[0]=$(realpath -s -- "$file")
}

run_in_router() {
	local status
	ensure_kernel "$opt_kernel"
	hold_roots
	kernel=$(kernel_dir "$opt_kernel")
	choose_modules
	run=$(mktemp -d "${TMPDIR:-/tmp}/sip-lab.XXXXXX") || die "no room for a run"
	vm_pid=''
	trap 'end_run' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir "$run/x"
	: >"$run/x/stdout" >"$run/x/stderr"
	write_job >"$run/job"
	if is_uml "$opt_kernel"; then uml_command; else qemu_command; fi
	pin_processor
	run_vm
	status=$(verdict)
	[ -z "$opt_log" ] || cat "$run/console" >"$opt_log"
	exit "$status"
}

end_run() {
	trap '' INT TERM HUP
	if [ -n "$vm_pid" ]; then
		# UML has begun a session of its own below `timeout`
		pkill -KILL -P "$vm_pid"
		kill -KILL -- "-$vm_pid"
		wait "$vm_pid"
	fi 2>/dev/null
	rm -rf "$run"
}

# Which /lib/modules the guest gets, what it loads at once, and the name for rules
choose_modules() {
	local version
	version=$(cat "$kernel/version")
	module_root=$kernel/root/lib/modules/$version preload='' helper='' our_modules=''
	case $opt_helper in
	ext)
		ensure_modules "$opt_kernel"
		our_modules=$(modules_out "$opt_kernel")
		module_root=$our_modules/root/lib/modules/$version
		preload=${OUR_MODULES[*]} helper=sip-ext
		;;
	in-tree) preload='nf_conntrack_sip nf_nat_sip' helper=sip ;;
	esac
	[ -n "$opt_load" ] || preload=''
}

# Quoted for any POSIX shell
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

assign() { printf '%s=%s\n' "$1" "$(quoted "$2")"; }

write_job() {
	local word
	assign job_backend "${opt_kernel%%-*}"
	assign job_cwd "$PWD"
	assign job_modules "$module_root"
	assign job_preload "$preload"
	assign job_out "${opt_out:+$(realpath -- "$opt_out")}"
	assign job_expose "$(needed_paths | grep -E "$COVERED" | sort -u)"
	printf 'set --'
	for word in env -i "PATH=$GUEST_PATH" HOME=/tmp/lab LANG=C.UTF-8 TERM=dumb \
		"LAB_HELPER=$helper" "LAB_MODULES=$our_modules" "LAB_LIB=$lab_d/lib.sh" \
		"LAB_KERNEL=$opt_kernel" LAB_TMP=/tmp/lab "LAB_OUT=${opt_out:+/run/lab/out}" \
		LAB_HOST=/run/lab/host "LAB_ROOTS=$SIP_EXT_CACHE/roots" ${opt_env[@]+"${opt_env[@]}"} "${job[@]}"
	do
		printf ' %s' "$(quoted "$word")"
	done
	printf '\n'
}

# Paths that must be there in the guest even if they lie in a covered folder
needed_paths() {
	local word
	printf '%s\n' "$top" "$kernel" "$PWD" "${job[0]%/*}"
	for word in "${job[@]}"; do
		[[ $word != /* ]] || [ ! -e "$word" ] || printf '%s\n' "$word"
	done
	[ -z "$our_modules" ] || printf '%s\n' "$our_modules"
	[ ! -e "$SIP_EXT_CACHE/roots" ] || printf '%s\n' "$SIP_EXT_CACHE/roots"
}

uml_command() {
	vm=("$kernel/image" "mem=${opt_mem}M" root=/dev/root rootfstype=hostfs rootflags=/ ro
		"init=$lab_d/guest" "LAB_RUN=$run" "uml_dir=$run/" umid=uml
		stderr=1 con=null con0=null,fd:1 ssl=null panic=-1 oops=panic)
	# Without seccomp UML does not allow more than one processor
	[ "$opt_kernel" = uml-6.1 ] || vm+=(seccomp=on "ncpus=$opt_cpus")
	vm+=(${opt_append[@]+"${opt_append[@]}"})
}

qemu_command() {
	local args="console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr" threads=''
	# With a thread for each, one processor may still run what another one has just rewritten: the kernel
	# dies of an int3 in the midst of a static key. (QEMU 8.1 mended it: "Always lock pages before translation".)
	[ "$opt_cpus" = 1 ] || threads=,thread=single
	args+=" LAB_RUN=$run LAB_GUEST=$lab_d/guest ${opt_append[*]-}"
	command -v qemu-system-x86_64 >/dev/null ||
		die "$opt_kernel needs qemu-system-x86_64 (scripts/deps lab)"
	vm=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none
		-accel "tcg$threads" -cpu max -smp "$opt_cpus" -m "$opt_mem" -serial "file:$run/console"
		-kernel "$kernel/image" -initrd "$kernel/initrd" -append "$args")
	share_folder host / ,readonly=on,multidevs=remap
	share_folder x "$run/x" ''
	[ -z "$opt_out" ] || share_folder out "$(realpath -- "$opt_out")" ''
	[ -z "$opt_icount" ] || vm+=(-icount "shift=0,sleep=off")
	[ -z "$opt_monitor" ] || vm+=(-monitor "unix:${opt_monitor//,/,,},server=on,wait=off")
}

# A comma separates QEMU's options; one in a path is written twice
share_folder() {
	vm+=(-virtfs "local,path=${2//,/,,},mount_tag=$1,security_model=none$3")
}

# A UML machine of one processor runs three times faster if its processes stay on one of
# ours. Each run takes the first that no other run has.
pin_processor() {
	local number fd
	[ "$opt_cpus" = 1 ] && is_uml "$opt_kernel" || return 0
	for ((number = 0; number < $(nproc --all); number++)); do
		taskset -c "$number" true 2>/dev/null || continue
		exec {fd}>"$SIP_EXT_CACHE/locks/cpu$number"
		if flock -n "$fd"; then
			vm=(taskset -c "$number" "${vm[@]}")
			return
		fi
		exec {fd}>&-
	done
}

# The machine in a session of its own, so that the limit and Ctrl-C end all its processes
run_vm() {
	setsid timeout -s KILL "$opt_timeout" "${vm[@]}" </dev/null >>"$run/console" 2>&1 &
	vm_pid=$!
	began=$SECONDS
	follow stdout &
	follow stderr >&2 &
	# without bash's own word on how it ended
	wait "$vm_pid" 2>/dev/null
	vm_status=$?
	wait
	vm_pid=''
}

# Until the machine is gone; tail reads once more after that
follow() { exec tail -c +1 -s 0.05 -f --pid="$vm_pid" "$run/x/$1" 2>/dev/null; }

# Prints the status of the run, and on stderr why if it is the lab's own
verdict() {
	if faulty "$run/x/dmesg" || faulty "$run/console"; then
		say "THE KERNEL REPORTED A FAULT ($opt_kernel):"
		show_fault >&2
		echo "$STATUS_KERNEL"
	elif [ -s "$run/x/status" ]; then
		cat "$run/x/status"
	elif [ "$vm_status" = 137 ] && ((SECONDS - began >= opt_timeout)); then
		say "ended by the time limit of $opt_timeout s"
		echo "$STATUS_TIMEOUT"
	else
		say "the router did not come to its end; the kernel's last words:"
		tail -n 20 "$run/console" >&2
		echo "$STATUS_LAB"
	fi
}

# Messages since the guest took over: what a kernel says while it boots is not ours
own_messages() {
	[ -e "$1" ] || return
	tr -d '\r' <"$1" | sed -n '/lab: guest up/,$p'
}

faulty() {
	own_messages "$1" | grep -aqE "$FAULT" && return
	[ "$(taint_of_faults)" != 0 ]
}

# Bits of kernel/panic.c that only a fault sets: machine check 4, bad page 5, died 7,
# warned 9, soft lockup 14
taint_of_faults() {
	local taint=0
	[ ! -s "$run/x/taint" ] || taint=$(cat "$run/x/taint")
	echo $((taint & (1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14)))
}

show_fault() {
	local source=$run/console
	[ ! -s "$run/x/dmesg" ] || source=$run/x/dmesg
	own_messages "$source" | grep -aE -B 2 -A 40 "$FAULT" | head -n 120
	[ "$(taint_of_faults)" = 0 ] || echo "taint: $(cat "$run/x/taint")"
}
