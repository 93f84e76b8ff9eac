#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# The modules as modules: orders of loading and unloading, loading by a rule, beside the
# in-tree helper, with state, and what they say when they cannot. In the router:
#   scripts/lab run --no-load [--kernel NAME] tests/lab/modules.sh
. "$LAB_LIB"

ct=$LAB_MODULES/nf_conntrack_sip_ext.ko
nat=$LAB_MODULES/nf_nat_sip_ext.ko
# shellcheck disable=SC2034 # for lab_nat
LAB_HELPER=sip-ext

loaded() { grep -q "^$1 " /proc/modules; }
neither_loaded() { ! loaded nf_conntrack_sip_ext && ! loaded nf_nat_sip_ext; }
both_loaded() { loaded nf_conntrack_sip_ext && loaded nf_nat_sip_ext; }
# what the kernel has said of us since `dmesg -C`
kernel_said() { dmesg | sed 's/^\(<[0-9]*>\)\{0,1\}\[[^]]*\] //' | grep -E '^nf_(conntrack|nat)_sip_ext: ' | grep -v taint; }
refused() {
	if "$@" >/tmp/refused 2>&1; then return 1; fi
	return 0
}
unload_both() { rmmod nf_nat_sip_ext && rmmod nf_conntrack_sip_ext; }
# what conntrack and NAT need, so that insmod finds its symbols
modprobe -a nf_conntrack nf_nat nft_chain_nat nft_masq nft_ct nf_conntrack_netlink 2>/dev/null
modprobe nf_conntrack && modprobe nf_nat
modprobe -r nf_nat_sip nf_conntrack_sip 2>/dev/null

# --- orders

tap_check "nothing is loaded at the beginning" neither_loaded
dmesg -C
tap_check "the NAT half alone is refused" refused insmod "$nat"
tap_like "$(kernel_said)" '*Unknown symbol nf_conntrack_sip_ext_attach_nat*' \
	"the kernel says what is missing"
tap_is "$(kernel_said | wc -l)" 1 "in one line"

tap_check "the conntrack half loads alone" insmod "$ct"
tap_check "counters" test -r /proc/net/sip_ext/counters
tap_check "calls" test -r /proc/net/sip_ext/calls
tap_check "registrations" test -r /proc/net/sip_ext/registrations
tap_is "$(awk 'NF != 2 || $2 != 0' /proc/net/sip_ext/counters)" "" "all counters are there and zero"
tap_check "a second time is refused" refused insmod "$ct"
tap_check "the NAT half loads" insmod "$nat"
tap_check "the conntrack half stays while the other is there" refused rmmod nf_conntrack_sip_ext
tap_like "$(cat /tmp/refused)" '*nf_nat_sip_ext*' "rmmod says who is in the way"
tap_check "both unload" unload_both
for round in 1 2; do
	tap_check "again $round: both load" sh -c "insmod '$ct' && insmod '$nat'"
	tap_check "again $round: the NAT half comes and goes alone" \
		sh -c "rmmod nf_nat_sip_ext && insmod '$nat'"
	tap_check "again $round: both unload" unload_both
done
tap_check "no file is left" test ! -e /proc/net/sip_ext
tap_check "no setting is left" test ! -e /proc/sys/net/netfilter/sip_ext_enabled

# --- what it says when it cannot

dmesg -C
tap_check "a parameter out of range is refused" refused insmod "$ct" media_source=9
tap_is "$(kernel_said)" "nf_conntrack_sip_ext: cannot load: media_source=9, but it goes from 0 to 2" \
	"and it says so in one line"

no_load() {
	dmesg -C
	tap_check "refused: $1" refused insmod "$ct" "$1"
	tap_is "$(kernel_said)" "nf_conntrack_sip_ext: cannot load: $2" "and why, in one line: $1"
}
no_load max_calls=0 "max_calls=0, but it goes from 1 to 1000000"
no_load media_port_min=32766 \
	"media_port_min=32766 and media_port_max=32767, but there must be 4 ports at least"
no_load media_deny_ports=5353,0 'media_deny_ports: "0" is no port and no range of ports'
no_load media_hosts=10.0.0.1,10.0.0.256 'media_hosts: "10.0.0.256" is no address and no prefix'

# --- every setting: the table of docs/settings.md, the module's parameters and the sysctls agree

insmod "$ct"
each=/proc/sys/net/netfilter/sip_ext_
parameters=/sys/module/nf_conntrack_sip_ext/parameters/
# NAME DEFAULT LOW HIGH of each row; `-` for an empty cell
documented() {
	sed -n 's/^| `\([a-z_]*\)` | *\([^|]*[^| ]\)\{0,1\} *| *\([0-9]*\) *| *\([0-9]*\) *|.*/\1 [\2] [\3] [\4]/p' \
		"$(dirname "$0")/../../docs/settings.md" | sed 's/\[\]/[-]/g' | tr -d '[]'
}
bounds() {
	tap_check "S9 $1: $2 is the lowest" sh -c "echo $2 >$each$1 && ! echo $(($2 - 1)) >$each$1"
	echo "$begins" >"$each$1"
	tap_check "S9 $1: $3 is the highest" sh -c "echo $3 >$each$1 && ! echo $(($3 + 1)) >$each$1"
	echo "$begins" >"$each$1"
	tap_is "$(cat "$each$1")" "$begins" "$1 is $begins again"
}
seen=
while read -r name begins low high; do
	seen="$seen $name"
	[ "$begins" != - ] || begins=
	tap_is "$(cat "$each$name")" "$begins" "$name begins with '$begins', as docs/settings.md says"
	tap_is "$(cat "$parameters$name")" "$begins" "the parameter $name is the same"
	tap_like "$(modinfo -p "$ct" | grep "^$name:")" "*(default ${begins:-none})*sip_ext_$name *" \
		"modinfo says so, too: $name"
	case $name in
	# of each, so that the other one stands
	media_port_min) bounds $name "$low" 32764 ;;
	media_port_max) bounds $name 10003 "$high" ;;
	*) [ "$low" = - ] || bounds $name "$low" "$high" ;;
	esac
done <<END
$(documented)
END
in_order() { tr ' ' '\n' | sed 's/.*sip_ext_//' | grep . | sort | tr '\n' ' '; }
tap_is "$(echo "$each"* | in_order)" "$(echo "$seen" | in_order)" "there are no other settings"
tap_is "$(ls "$parameters" | tr '\n' ' ' | in_order)" "$(echo "$seen" | in_order)" "and no other parameters"
tap_check "none of them is read as more than a number" refused sh -c "echo 1x >${each}enabled"
tap_check "S9 2^32 is refused" refused sh -c "echo 4294967296 >${each}log"
tap_check "S9 2^32 + 1 is refused" refused sh -c "echo 4294967297 >${each}log"
# one end of the range at a time
tap_check "a range of 4 ports is one" sh -c "echo 32764 >${each}media_port_min"
tap_check "a range of 3 ports is none" refused sh -c "echo 32766 >${each}media_port_max"
tap_is "$(cat "${each}media_port_max")" 32767 "and the old one stands"
rmmod nf_conntrack_sip_ext

# root of a user namespace is whoever makes one: what the machine gave each namespace is the most
insmod "$ct" max_calls=1000 tcp_memory=2048
by_anybody() { unshare --user --map-root-user --net sh -c "echo $2 >$each$1"; }
tap_check "S7 a namespace that anybody made may have lower limits" by_anybody max_calls 999
tap_check "S7 as many as the parameter says" by_anybody max_calls 1000
tap_check "S7 and no more" refused by_anybody max_calls 1001
tap_check "S7 no more memory, either" refused by_anybody tcp_memory 2049
tap_check "S7 what is no limit, it may set" by_anybody media_source 2
tap_check "S7 root of the machine may give itself more" sh -c "echo 1001 >${each}max_calls"
rmmod nf_conntrack_sip_ext

hosts_are() { tap_is "$(cat "${each}media_hosts")" "$1" "media_hosts is now '$1'"; }
hosts_bad() {
	dmesg -C
	tap_check "media_hosts: '$3' is refused" refused sh -c "echo '$1' >${each}media_hosts"
	tap_is "$(kernel_said)" "nf_conntrack_sip_ext: media_hosts: $2" "and why: $3"
}
tap_check "the parameter media_hosts" insmod "$ct" media_hosts=192.0.2.1,fd00:1::/64
hosts_are 192.0.2.1,fd00:1::/64
echo ' 10.0.0.77/24,fd00::1/128	::ffff:0:0/96 0.0.0.0/0' >"${each}media_hosts"
hosts_are 10.0.0.0/24,fd00::1,::ffff:0.0.0.0/96,0.0.0.0/0
for bad in 10.0.0.0/33 10.0.0/24 10.0.0.0/ 10.0.0.0/+8 10.0.0.0/8/8 fd00::/129 fd00:/64 phone /24; do
	hosts_bad "10.0.0.1 $bad" "\"$bad\" is no address and no prefix" "$bad"
done
hosts_bad "$(printf '10.0.0.1\033[1m')" '"10.0.0.1\e[1m" is no address and no prefix' 'ESC [1m'
hosts_bad "$(seq -s, -f 10.0.0.%g 17)" "more than 16 addresses and prefixes" "17 of them"
tap_check "media_hosts: more than anybody needs is refused" \
	refused sh -c "seq -s, -f 10.0.0.%g 200 >${each}media_hosts"
hosts_are 10.0.0.0/24,fd00::1,::ffff:0.0.0.0/96,0.0.0.0/0
long=$(seq -s, -f 2001:db8:1111:2222:3333:4444:5555:%g/127 1110 2 1140)
echo "$long" >"${each}media_hosts"
hosts_are "$long"
ip netns add one
tap_is "$(ip netns exec one cat "${each}media_hosts")" 192.0.2.1,fd00:1::/64 \
	"a new namespace begins with the parameter"
ip netns del one
echo '' >"${each}media_hosts"
hosts_are ""
ports_are() { tap_is "$(cat "${each}media_deny_ports")" "$1" "S4 media_deny_ports is now '$1'"; }
ports_bad() {
	dmesg -C
	tap_check "media_deny_ports: '$3' is refused" refused sh -c "echo '$1' >${each}media_deny_ports"
	tap_is "$(kernel_said)" "nf_conntrack_sip_ext: media_deny_ports: $2" "and why: $3"
}
echo '5060 3306,	8005-8010 8000-8004,8003-8006 65535,1' >"${each}media_deny_ports"
ports_are 1,3306,5060,8000-8010,65535
# as many as the kernel's log takes at once
for bad in 65536 0-5 10-5 5- -5 +5 1-2-3 http 5,,6x; do
	word=${bad##*,}
	ports_bad "5060,$bad" "\"$word\" is no port and no range of ports" "$bad"
done
ports_bad "$(printf '5\033[1m')" '"5\e[1m" is no port and no range of ports' 'ESC [1m'
ports_bad "$(seq -s, 2 2 66)" "more than 32 ports and ranges" "33 of them"
ports_are 1,3306,5060,8000-8010,65535
echo "$(seq -s, 20000 2 20062)" >"${each}media_deny_ports"
ports_are "$(seq -s, 20000 2 20062)"
echo 1-65535 >"${each}media_deny_ports"
ports_are 1-65535
echo '' >"${each}media_deny_ports"
ports_are ""
tap_check "it leaves again" lab_wait 20 rmmod nf_conntrack_sip_ext

# --- beside the in-tree helper

if modprobe nf_conntrack_sip 2>/dev/null && modprobe nf_nat_sip 2>/dev/null; then
	tap_check "loads beside the in-tree helper" sh -c "insmod '$ct' && insmod '$nat'"
	lab_router
	tap_check "a rule takes the in-tree helper" lab_nat nft masquerade --helper sip
	lab_rules_flush
	tap_check "a rule takes ours" lab_nat nft masquerade
	lab_rules_flush
	lab_down
	tap_check "the in-tree helper leaves first" modprobe -r nf_nat_sip nf_conntrack_sip
	tap_check "and comes back" sh -c 'modprobe nf_conntrack_sip && modprobe nf_nat_sip'
	tap_check "ours leave" unload_both
	modprobe -r nf_nat_sip nf_conntrack_sip
else
	tap_skip "beside the in-tree helper" "the kernel has none as a module"
fi

# --- a rule loads them

attach_and_flush() {
	tool=$1
	lab_router
	tap_check "$tool: a rule loads the helper" lab_nat "$tool" masquerade
	tap_check "$tool: both halves are there" both_loaded
	rmmod nf_nat_sip_ext 2>/dev/null
	tap_check "$tool: it cannot leave while the rule stands" refused rmmod nf_conntrack_sip_ext
	lab_rules_flush
	tap_check "$tool: without the rule it can" rmmod nf_conntrack_sip_ext
	tap_check "$tool: the other name loads it, too" lab_nat "$tool" masquerade --helper sip-ext-assist
	lab_rules_flush
	tap_check "$tool: both leave" unload_both
	lab_down
}
attach_and_flush nft
attach_and_flush iptables
[ ! -x "$(command -v iptables-legacy)" ] || attach_and_flush iptables-legacy

# --- traffic. A registrar outside, a phone inside; both print what they got.

cat >/tmp/sip.py <<'END'
import socket, sys

def headers(method, src, to):
    return (f"{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {src}:5060;rport;branch=z9hG4bK1\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@{to}>;tag=1\r\nTo: <sip:a@{to}>\r\n"
            f"Call-ID: 1@{src}\r\nCSeq: 1 {method}\r\nContact: <sip:a@{src}:5060>\r\n"
            "Expires: 3600\r\nContent-Length: 0\r\n\r\n")

role, own, port = sys.argv[1], sys.argv[2], 5060
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((own, port))
s.settimeout(40)
if role == "phone":
    s.sendto(headers("REGISTER", own, sys.argv[3]).encode(), (sys.argv[3], port))
    print(s.recv(65535).decode())
else:
    message, source = s.recvfrom(65535)
    print(message.decode(), flush=True)
    lines = message.decode().split("\r\n")
    keep = ("via:", "from:", "to:", "call-id:", "cseq:", "contact:", "expires:")
    answer = ["SIP/2.0 200 OK"] + [l for l in lines if l.lower().startswith(keep)]
    answer = [l + ";tag=2" if l.startswith("To:") else l for l in answer]
    s.sendto("\r\n".join(answer + ["Content-Length: 0", "", ""]).encode(), source)
END

register() {
	lab_bg outside /tmp/registrar python3 -S /tmp/sip.py registrar 203.0.113.2
	registrar=$lab_pid
	lab_wait_udp outside 5060
	in_ns inside timeout 60 python3 -S /tmp/sip.py phone 10.0.0.10 203.0.113.2 >/tmp/phone 2>&1
	wait "$registrar"
}
counter() { in_ns router sed -n "s/^$1 //p" /proc/net/sip_ext/counters; }

insmod "$ct"
insmod "$nat"
lab_router
lab_nat nft masquerade --helper ''
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@10.0.0.10:5060>*' \
	"loaded but without a rule: messages pass as they are"
tap_is "$(in_ns router awk '$2 != 0' /proc/net/sip_ext/counters)" "" "and nothing is counted"
tap_is "$(in_ns router conntrack -L expect 2>/dev/null)" "" "and nothing is expected"
lab_rules_flush
lab_down

lab_router
lab_nat nft masquerade
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@203.0.113.1:*' "with a rule they are translated"
tap_like "$(cat /tmp/phone)" '*Contact: <sip:a@10.0.0.10:5060>*' "and back"
tap_is "$(counter registration_granted)" 1 "the registration is counted"
tap_is "$(sed -n 's/^registration_granted //p' /proc/net/sip_ext/counters)" 0 \
	"in its own namespace and nowhere else"
tap_like "$(in_ns router conntrack -L 2>/dev/null)" '*helper=sip-ext*' "conntrack shows the helper"
in_ns router conntrack -L expect 2>/dev/null | sed 's/^/# /'
in_ns router cat /proc/net/sip_ext/registrations | sed 's/^/# /'

# --- settings, one set for each namespace

setting() { in_ns router cat "/proc/sys/net/netfilter/$1"; }
set_to() { in_ns router sh -c "echo $2 >/proc/sys/net/netfilter/$1"; }
tap_is "$(setting sip_ext_enabled)" 1 "switched on"
tap_check "a setting out of range is refused" refused set_to sip_ext_media_source 3
tap_check "a setting in range is taken" set_to sip_ext_media_source 2
tap_is "$(cat /proc/sys/net/netfilter/sip_ext_media_source)" 0 "other namespaces have their own"
expected() { in_ns router conntrack -L expect 2>/dev/null | sed 's/^[0-9]* //'; }
# the seconds that the signalling connection has left
left() { in_ns router conntrack -L -p udp --orig-port-dst 5060 2>/dev/null | awk '$2 == 17 { print $3 }'; }
before=$(expected)
counted=$(in_ns router cat /proc/net/sip_ext/counters)
tap_like "$before" '*dport=5060*' "a registration is expected"
set_to sip_ext_enabled 0
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@10.0.0.10:5060>*' "R27 switched off: messages pass as they are"
tap_is "$(in_ns router cat /proc/net/sip_ext/counters)" "$counted" "R27 and unread"
tap_is "$(expected)" "$before" "R27 what was expected still is, and nothing more"
tap_check "R27 a connection that something depends on lives on" test "$(left)" -gt 3000
set_to sip_ext_enabled 1
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@203.0.113.1:*' "switched on again"

# --- leaving in the middle of it

tap_check "the NAT half leaves with state" rmmod nf_nat_sip_ext
tap_is "$(in_ns router conntrack -L expect 2>/dev/null | grep -c 'sip-ext-[ds]nat')" 0 \
	"no expectation points into it"
before=$(counter no_nat_module)
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@10.0.0.10:5060>*' "messages pass as they are"
tap_check "and are counted" test "$(counter no_nat_module)" -gt "${before:-0}"
tap_check "it comes back" insmod "$nat"
register
tap_like "$(cat /tmp/registrar)" '*Contact: <sip:a@203.0.113.1:*' "and translates again"
lab_rules_flush
lab_nat nft masquerade --helper ''
tap_check "both leave with connections and expectations" unload_both
tap_is "$(in_ns router conntrack -L expect 2>/dev/null)" "" "nothing is expected any more"
tap_like "$(in_ns router conntrack -L 2>/dev/null)" '*dport=5060*' "the connections stay"
register
tap_like "$(cat /tmp/phone)" 'SIP/2.0 200*' "and still carry packets"
tap_check "loaded again over the old connections" sh -c "insmod '$ct' && insmod '$nat'"
register
tap_like "$(cat /tmp/phone)" 'SIP/2.0 200*' "which still carry packets"
in_ns router conntrack -F >/dev/null 2>&1
lab_rules_flush

# --- a namespace ends with state in it

lab_nat nft masquerade
register
tap_check "state in the namespace" test "$(counter registration_granted)" -gt 0
lab_down
# the kernel takes the namespace and its rules away in its own time
rmmod nf_nat_sip_ext
tap_check "the namespace is gone, and the modules leave" lab_wait 20 rmmod nf_conntrack_sip_ext
tap_check "a new namespace begins with the parameters" sh -c "
	insmod '$ct' media_source=1 enabled=0 && ip netns add one &&
	test \$(ip netns exec one cat /proc/sys/net/netfilter/sip_ext_media_source) = 1 &&
	test \$(ip netns exec one cat /proc/sys/net/netfilter/sip_ext_enabled) = 0"
ip netns del one
tap_check "it leaves once more" rmmod nf_conntrack_sip_ext

# connections end without their helper, and the memory of all of them comes back
lab_router
lab_nat nft masquerade
register
lab_rules_flush
unload_both
in_ns router conntrack -F >/dev/null 2>&1
sleep 1
tap_check "connections end after their helper" test "$(in_ns router conntrack -C)" -le 2
lab_down
tap_done
