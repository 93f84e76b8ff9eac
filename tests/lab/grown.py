# SPDX-License-Identifier: GPL-2.0
"""A program on the router sends SIP over TCP, each message in two writes; see grown.sh. Speaks TAP."""
import os
import socket
import subprocess
import time

from tcp import enter, masquerade

RULES = """
table inet helper {
	ct helper sip-tcp { type "sip-ext" protocol tcp; }
	chain helper {
		type filter hook output priority filter;
		tcp dport 5060 ct helper set "sip-tcp"
	}
}
"""


def message(n):
    head = (f"MESSAGE sip:a@203.0.113.2 SIP/2.0\r\nVia: SIP/2.0/TCP 203.0.113.1:5060;branch=z9hG4bK{n}\r\n"
            f"From: <sip:b@203.0.113.1>;tag=1\r\nTo: <sip:a@203.0.113.2>\r\nCall-ID: {n}\r\nCSeq: {n} MESSAGE\r\n"
            "Content-Type: text/plain\r\nContent-Length: 500\r\n\r\n")
    return (head + "x" * 500).encode()


masquerade(RULES)
enter("outside")
listening = socket.create_server(("203.0.113.2", 5060))
enter("router")
sending = socket.create_connection(("203.0.113.2", 5060))
sending.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
reading, _ = listening.accept()
said = b""
for n in range(1, 40):
    one = message(n)
    sending.sendall(one[:700])
    sending.sendall(one[700:])
    said += one
time.sleep(1)
got = b""
reading.settimeout(5)
while len(got) < len(said):
    got += reading.recv(65536)
with open("/proc/net/sip_ext/counters") if os.path.exists("/proc/net/sip_ext/counters") else open("/dev/null") as f:
    print("#", [line.strip() for line in f if line.startswith("stream")])
log = subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True).stdout
print("ok" if got == said else "not ok", 1, "- what was said arrives")
bad = [line for line in log.splitlines() if "WARNING" in line]
print("not ok" if bad else "ok", 2, "- the kernel does not warn")
for line in bad:
    print("#", line)
print("1..2")
raise SystemExit(bool(bad) or got != said)
