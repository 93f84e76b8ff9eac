# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034 # some variables are for the caller
#
# For programs that run in the router (`. "$LAB_LIB"`): topologies, rules, captures, TAP.
#
#   inside 10.0.0.0/24, fd00:1::/64      router            outside 203.0.113.0/24, 2001:db8:2::/64
#   phones .10 .11 ... ::10 ::11 ...     in0 .1, out0 .1   servers .2 .3 .4 ... ::2 ::3 ::4 ...
#   namespace `inside`, eth0             `router`          namespace `outside`, eth0
#
# lab_router [--phones N] [--separate] [--servers N] [--mtu N]
#                            builds it, IPv4 and IPv6. --separate: a namespace per phone,
#                            inside1 .. insideN, each with its eth0, on a bridge br0 in `inside`
# lab_down                   ends everything that runs in it, and takes it away
# lab_phone_ns N             namespace of phone N (1 ..): inside, or insideN with --separate
# lab_phone_ip N [6]         its address
# lab_server_ip N [6]        address of server N (1 ..): .2, .3 ...
# lab_nat TOOL KIND [OPTION...]
#                            rules of the router, with the helper $LAB_HELPER on port 5060
#                            (UDP and TCP, both families) unless that is empty.
#     TOOL  nft | iptables | iptables-legacy
#     KIND  masquerade | snat ADDR | dnat ADDR[,PORT] (5060 to an inside server, masquerade
#           outwards) | none (routed; the outside gets a route back)
#     --random               outside ports are random
#     --shift LOW-HIGH       outside ports come from that range
#     --helper NAME          instead of $LAB_HELPER ('' for none)
#     --port N               attach to N as well (may be repeated)
# lab_firewall TOOL          forwards what is established, related, DNATed or goes out; takes
#                            nothing from outside itself
# lab_rules_flush            takes away what lab_nat and lab_firewall made
# in_ns NS COMMAND...        runs it there
# lab_bg NS LOG COMMAND...   starts it there in the background; its id is in $lab_pid
# lab_capture NS IFACE FILE [FILTER...]   packets to FILE (pcap), from now on
# lab_capture_stop           ends all captures; the files are complete then
# lab_wait_udp NS PORT [S]   until somebody listens there (10 s at most); lab_wait_tcp alike
# lab_wait S COMMAND...      until it succeeds
# lab_netem NS IFACE ARG...  as of `tc qdisc ... netem ARG...`; without ARG takes it away
# lab_offload NS IFACE on|off   checksum, segmentation and receive offloads
#
# tap_ok NAME | tap_not_ok NAME [DIAGNOSTIC...] | tap_skip NAME REASON
# tap_is GOT WANTED NAME | tap_like GOT PATTERN NAME (a `case` pattern)
# tap_check NAME COMMAND...  ok if it succeeds, else its output is the diagnostic
# tap_diag TEXT...           tap_done: prints the plan; fails if a test failed or none ran

lab_captures=
lab_pid=
lab_separate=
tap_count=0
tap_failed=0

# --- the network ------------------------------------------------------------------

in_ns() {
	local ns="$1"
	shift
	ip netns exec "$ns" "$@"
}

lab_phone_ns() { echo "inside${lab_separate:+$1}"; }

lab_phone_ip() {
	if [ "${2-}" = 6 ]; then echo "fd00:1::$((9 + $1))"; else echo "10.0.0.$((9 + $1))"; fi
}

lab_server_ip() {
	if [ "${2-}" = 6 ]; then echo "2001:db8:2::$((1 + $1))"; else echo "203.0.113.$((1 + $1))"; fi
}

# Starting a process is slow under UML: `ip` reads all its commands at once
lab_router() {
	local phones=1 servers=3 mtu=1500
	lab_separate=
	while [ $# -gt 0 ]; do
		case $1 in
		--phones) phones=$2; shift ;;
		--servers) servers=$2; shift ;;
		--mtu) mtu=$2; shift ;;
		--separate) lab_separate=1 ;;
		*) echo "lab_router: unknown option $1" >&2; return 2 ;;
		esac
		shift
	done
	lab_no_dad
	lab_plan_links "$phones" "$mtu" | ip -batch - || return 1
	lab_plan_inside "$phones" || return 1
	lab_plan_end 203.0.113 2001:db8:2: 2 "$servers" | ip -n outside -batch - || return 1
	ip -n router -batch - <<-END || return 1
		link set lo up
		link set in0 up
		link set out0 up
		addr add 10.0.0.1/24 dev in0
		addr add 203.0.113.1/24 dev out0
		addr add fd00:1::1/64 dev in0 nodad
		addr add 2001:db8:2::1/64 dev out0 nodad
	END
	in_ns router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# New namespaces take these over: addresses are usable at once
lab_no_dad() {
	echo 1 >/proc/sys/net/core/devconf_inherit_init_net
	for lab_conf in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$lab_conf/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/$lab_conf/router_solicitations
	done
}

lab_plan_links() {
	local n=1 mtu="$2" end=eth0
	[ -z "$lab_separate" ] || end=up0
	echo "netns add inside
netns add router
netns add outside
link add in0 mtu $mtu netns router type veth peer name $end mtu $mtu netns inside
link add out0 mtu $mtu netns router type veth peer name eth0 mtu $mtu netns outside"
	[ -n "$lab_separate" ] || return 0
	while [ "$n" -le "$1" ]; do
		echo "netns add inside$n"
		echo "link add p$n mtu $mtu netns inside type veth peer name eth0 mtu $mtu netns inside$n"
		n=$((n + 1))
	done
}

lab_plan_inside() {
	local n=1
	if [ -z "$lab_separate" ]; then
		lab_plan_end 10.0.0 fd00:1: 10 "$1" | ip -n inside -batch -
		return
	fi
	{
		echo "link set lo up"
		echo "link add br0 type bridge"
		echo "link set br0 up"
		echo "link set up0 master br0 up"
		while [ "$n" -le "$1" ]; do
			echo "link set p$n master br0 up"
			n=$((n + 1))
		done
	} | ip -n inside -batch - || return 1
	n=1
	while [ "$n" -le "$1" ]; do
		lab_plan_end 10.0.0 fd00:1: $((9 + n)) 1 | ip -n "inside$n" -batch - || return 1
		n=$((n + 1))
	done
}

# lab_plan_end NET4 NET6 FIRST COUNT: a host with COUNT addresses behind the router's .1
lab_plan_end() {
	local n="$3" last=$(($3 + $4))
	echo "link set lo up
link set eth0 up"
	while [ "$n" -lt "$last" ]; do
		echo "addr add $1.$n/24 dev eth0"
		echo "addr add $2:$n/64 dev eth0 nodad"
		n=$((n + 1))
	done
	echo "route add default via $1.1"
	# The first address speaks, as with IPv4
	echo "route add default via $2:1 dev eth0 src $2:$3"
}

lab_down() {
	local ns all
	lab_capture_stop
	all=$(ip netns list | cut -d' ' -f1)
	for ns in $all; do
		# shellcheck disable=SC2046
		kill -KILL $(ip netns pids "$ns") 2>/dev/null
	done
	for ns in $all; do
		echo "netns del $ns"
	done | ip -batch -
}

lab_netem() {
	local ns="$1" dev="$2"
	shift 2
	if [ $# -eq 0 ]; then
		ip netns exec "$ns" tc qdisc del dev "$dev" root
	else
		ip netns exec "$ns" tc qdisc replace dev "$dev" root netem "$@"
	fi
}

lab_offload() {
	in_ns "$1" ethtool -K "$2" rx "$3" tx "$3" gso "$3" gro "$3" tso "$3" >/dev/null 2>&1
}

# --- rules ------------------------------------------------------------------------

lab_nat() {
	local tool="$1" kind="$2" addr='' how='' ports=5060 helper="${LAB_HELPER-}"
	shift 2
	case $kind in
	snat|dnat) addr=$1; shift ;;
	masquerade|none) ;;
	*) echo "lab_nat: unknown kind $kind" >&2; return 2 ;;
	esac
	while [ $# -gt 0 ]; do
		case $1 in
		--random) how=random ;;
		--shift) how=$2; shift ;;
		--helper) helper=$2; shift ;;
		--port) ports="$ports $2"; shift ;;
		*) echo "lab_nat: unknown option $1" >&2; return 2 ;;
		esac
		shift
	done
	case $kind in
	snat) lab_own_address "$addr" || return 1 ;;
	none) lab_route_back || return 1 ;;
	esac
	lab_apply "$tool" lab_nat
}

# The rules are written by functions NAME_nft and NAME_iptables (per family); the latter
# and their helpers see the variables of the caller, which is how sh has closures
lab_apply() {
	local family
	case $1 in
	nft) "$2_nft" | in_ns router nft -f - ;;
	iptables|iptables-legacy)
		for family in 4 6; do
			"$2_iptables" | in_ns router "$(lab_restore "$1" "$family")" --noflush ||
				return 1
		done
		;;
	*) echo "no tool $1 (nft, iptables, iptables-legacy)" >&2; return 2 ;;
	esac
}

lab_restore() {
	local base=iptables
	[ "$2" = 4 ] || base=ip6tables
	echo "$base${1#iptables}-restore"
}

lab_own_address() {
	case $1 in
	*:*) in_ns router ip addr replace "$1/64" dev out0 nodad ;;
	*) in_ns router ip addr replace "$1/24" dev out0 ;;
	esac
}

lab_route_back() {
	ip -n outside -batch - <<-END
		route replace 10.0.0.0/24 via 203.0.113.1
		route replace fd00:1::/64 via 2001:db8:2::1
	END
}

# Family of an address, as iptables counts
lab_family() { case $1 in *:*) echo 6 ;; *) echo 4 ;; esac; }

lab_nat_nft() {
	local port ip=ip
	[ "$(lab_family "$addr")" = 4 ] || ip=ip6
	echo "table inet lab {"
	if [ -n "$helper" ]; then
		echo "	ct helper sip-udp { type \"$helper\" protocol udp; }
	ct helper sip-tcp { type \"$helper\" protocol tcp; }
	chain helper {
		type filter hook prerouting priority filter;"
		for port in $ports; do
			echo "		udp dport $port ct helper set \"sip-udp\"
		tcp dport $port ct helper set \"sip-tcp\""
		done
		echo "	}"
	fi
	if [ "$kind" = dnat ]; then
		echo "	chain dstnat {
		type nat hook prerouting priority dstnat;
		iifname out0 meta l4proto { tcp, udp } th dport 5060 dnat $ip to $(lab_nft_target)
	}"
	fi
	[ "$kind" = none ] || lab_nat_nft_out
	echo "}"
}

lab_nft_target() {
	case $addr in
	*:*,*) echo "[${addr%,*}]:${addr#*,}" ;;
	*,*) echo "${addr%,*}:${addr#*,}" ;;
	*) echo "$addr" ;;
	esac
}

lab_nat_nft_out() {
	local to=masquerade flags='' range=''
	[ "$kind" != snat ] || to="snat $ip to $addr"
	case $how in
	random) flags=random ;;
	?*) range=":$how" ;;
	esac
	[ -z "$range" ] || [ "$kind" = snat ] || range=" to $range"
	case "$kind$range$ip" in
	snat:*ip6) to="snat ip6 to [$addr]" ;;
	esac
	echo "	chain srcnat {
		type nat hook postrouting priority srcnat;
		oifname out0 meta l4proto { tcp, udp } $to$range $flags
		oifname out0 $to
	}"
}

lab_nat_iptables() {
	if [ -n "$helper" ]; then
		echo "*raw"
		for port in $ports; do
			echo "-A PREROUTING -p udp --dport $port -j CT --helper $helper"
			echo "-A PREROUTING -p tcp --dport $port -j CT --helper $helper"
		done
		echo COMMIT
	fi
	[ "$kind" != none ] || return 0
	# An address says which family is translated; masquerade is for both
	[ -z "$addr" ] || [ "$(lab_family "${addr%,*}")" = "$family" ] || return 0
	echo "*nat"
	[ "$kind" != dnat ] || lab_nat_iptables_in
	lab_nat_iptables_out
	echo COMMIT
}

lab_nat_iptables_in() {
	local target="$addr" protocol
	case $addr in
	*:*,*) target="[${addr%,*}]:${addr#*,}" ;;
	*,*) target="${addr%,*}:${addr#*,}" ;;
	esac
	for protocol in udp tcp; do
		echo "-A PREROUTING -i out0 -p $protocol --dport 5060 -j DNAT --to-destination $target"
	done
}

lab_nat_iptables_out() {
	local to='MASQUERADE' ranged flags='' protocol
	[ "$kind" != snat ] || to="SNAT --to-source $addr"
	ranged=$to
	case $how in
	random) flags=--random ;;
	?*)
		ranged="MASQUERADE --to-ports $how"
		[ "$kind" != snat ] || ranged="SNAT --to-source $addr:$how"
		case "$kind$addr" in snat*:*) ranged="SNAT --to-source [$addr]:$how" ;; esac
		;;
	esac
	for protocol in udp tcp; do
		echo "-A POSTROUTING -o out0 -p $protocol -j $ranged $flags"
	done
	echo "-A POSTROUTING -o out0 -j $to"
}

lab_firewall() { lab_apply "$1" lab_firewall; }

lab_firewall_nft() {
	cat <<-END
	table inet labfw {
		chain forward {
			type filter hook forward priority filter; policy drop;
			ct state established,related accept
			ct status dnat accept
			iifname in0 oifname out0 accept
		}
		chain input {
			type filter hook input priority filter;
			meta l4proto ipv6-icmp accept
			iifname out0 drop
		}
	}
	END
}

lab_firewall_iptables() {
	cat <<-END
	*filter
	:FORWARD DROP
	-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT
	-A FORWARD -i in0 -o out0 -j ACCEPT
	-A INPUT -p ipv6-icmp -j ACCEPT
	-A INPUT -i out0 -j DROP
	COMMIT
	END
}

lab_rules_flush() {
	local table family list
	in_ns router nft flush ruleset
	for family in 4 6; do
		list=/proc/net/ip_tables_names
		[ "$family" = 4 ] || list=/proc/net/ip6_tables_names
		# Only the tables that are there: restoring one would load it
		for table in $(in_ns router cat "$list" 2>/dev/null); do
			lab_empty_table "$table" |
				in_ns router "$(lab_restore iptables-legacy "$family")"
		done
	done
}

lab_empty_table() {
	echo "*$1"
	[ "$1" != filter ] || printf ':%s ACCEPT\n' INPUT FORWARD OUTPUT
	echo COMMIT
}

# --- processes --------------------------------------------------------------------

lab_bg() {
	local ns="$1" log="$2"
	shift 2
	ip netns exec "$ns" "$@" >"$log" 2>&1 </dev/null &
	lab_pid=$!
}

lab_capture() {
	local ns="$1" dev="$2" file="$3" log="$3.log"
	shift 3
	ip netns exec "$ns" tcpdump -Z root -n -U --immediate-mode -i "$dev" -w "$file" "$@" \
		2>"$log" </dev/null &
	lab_captures="$lab_captures $!"
	lab_wait 10 grep -q '^tcpdump: listening' "$log"
}

lab_capture_stop() {
	[ -n "$lab_captures" ] || return 0
	# shellcheck disable=SC2086
	kill -INT $lab_captures 2>/dev/null
	# shellcheck disable=SC2086
	wait $lab_captures 2>/dev/null
	lab_captures=
}

lab_wait() {
	local tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# lab_wait_socket PROTOCOL STATE NS PORT [S]: until a socket is bound to the port. One
# process for the whole wait; states are the kernel's, in hex.
lab_wait_socket() {
	in_ns "$3" sh -s "$1" "$2" "$(printf %04X "$4")" "$((${5:-10} * 10))" <<-'END'
		pattern="^ *[0-9]+: [0-9A-F]+:$3 [0-9A-F:]+ $2"
		tries=$4
		until grep -qE "$pattern" "/proc/net/$1" "/proc/net/${1}6"; do
			[ "$tries" -gt 0 ] || exit 1
			tries=$((tries - 1))
			sleep 0.1
		done
	END
}

lab_wait_udp() { lab_wait_socket udp 07 "$@"; }
lab_wait_tcp() { lab_wait_socket tcp 0A "$@"; }

# --- TAP --------------------------------------------------------------------------

tap_diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

tap_ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

tap_not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	[ $# -eq 0 ] || tap_diag "$@"
}

tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_is() {
	if [ "$1" = "$2" ]; then tap_ok "$3"; else tap_not_ok "$3" "got:    $1
wanted: $2"; fi
}

tap_like() {
	# shellcheck disable=SC2254
	case $1 in
	$2) tap_ok "$3" ;;
	*) tap_not_ok "$3" "got:    $1
like:   $2" ;;
	esac
}

tap_check() {
	local name="$1" said
	shift
	if said=$("$@" 2>&1); then tap_ok "$name"; else tap_not_ok "$name" "$*" "$said"; fi
}

tap_done() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
}
