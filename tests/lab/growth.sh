#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# A message that the phone made to fit the MTU, and that grows on its way, arrives (R22).
# In the router:
#   scripts/lab run tests/lab/growth.sh
. "$LAB_LIB"

# phone OWN TO LENGTH TIMES: INVITEs of that length, not to be cut where they fit the MTU
# server OWN: prints length, Contact and whether the end is there, of each that arrives
cat >/tmp/growth.py <<'END'
import socket, sys, time

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DONT, PMTUDISC_DO = 10, 23, 0, 2
role, own = sys.argv[1:3]
six = ":" in own
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((own, 5060))
s.settimeout(30)
while role == "server":
    message = s.recv(65535)
    contact = [line for line in message.decode().split("\r\n") if line.startswith("Contact:")]
    print(len(message), *contact, message.endswith(b"end"), flush=True)
to, length, times = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
level, option = (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if six else (socket.IPPROTO_IP, IP_MTU_DISCOVER)
s.setsockopt(level, option, PMTUDISC_DO if length < 1473 else PMTUDISC_DONT)
host = f"[{own}]" if six else own
for n in range(times):
    head = (f"INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;rport;branch=z9hG4bK{n}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
            f"Call-ID: {n}@{length}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{host}:5060>\r\n"
            "Content-Type: text/plain\r\n")
    room = length - len(head) - len("Content-Length: 0000\r\n\r\n")
    s.sendto((head + f"Content-Length: {room:04}\r\n\r\n" + "x" * (room - 3) + "end").encode(), (to, 5060))
    time.sleep(0.02)
END

arrived() { test "$(grep -c "$1" /tmp/server)" -ge "$2"; }

# grows NAME PHONE SERVER LENGTH CONTACT: twenty of them, each longer than it was and whole
grows() {
	lab_bg outside /tmp/server python3 -S /tmp/growth.py server "$3"
	server=$lab_pid
	lab_wait_udp outside 5060
	in_ns inside timeout 60 python3 -S /tmp/growth.py phone "$2" "$3" "$4" 20 ||
		tap_diag "the phone was told that its message is too long"
	tap_check "R22 $1 arrives, as often as it is sent" lab_wait 10 arrived "Contact: <sip:a@$5.*True" 20
	tap_check "R22 $1: it had grown" test "$(sed -n '1s/ .*//p' /tmp/server)" -gt "$4"
	kill -KILL "$server"
	wait "$server" 2>/dev/null
}

fragments() { tcpdump -nr "$1" "$2" 2>/dev/null | wc -l; }

lab_router
for end in "inside eth0" "router in0" "router out0" "outside eth0"; do
	# shellcheck disable=SC2086
	lab_offload $end off
done
lab_nat nft masquerade --shift 40000-40100
lab_capture outside eth0 /tmp/growth.pcap
grows "IPv4, as long as the MTU, not to be cut" 10.0.0.10 203.0.113.2 1472 203.0.113.1:4
grows "IPv4, in fragments from the start" 10.0.0.10 203.0.113.2 2953 203.0.113.1:4
grows "IPv6, as long as the MTU" fd00:1::10 2001:db8:2::2 1452 '.2001:db8:2::1.:4'
grows "IPv6, in fragments from the start" fd00:1::10 2001:db8:2::2 2897 '.2001:db8:2::1.:4'
lab_capture_stop
tap_check "IPv4 left in fragments" test "$(fragments /tmp/growth.pcap 'ip[6:2] & 0x1fff != 0')" -ge 40
tap_check "IPv6 left in fragments" test "$(fragments /tmp/growth.pcap 'ip6[6] = 44')" -ge 80
# a number that two packets share makes one of both at the other end
tap_is "$(tcpdump -nvr /tmp/growth.pcap 'ip[6:2] & 0x3fff = 0x2000' 2>/dev/null |
	grep -o 'id [0-9]*,' | sort | uniq -d)" "" "each IPv4 packet has a number of its own"
lab_down
tap_done
