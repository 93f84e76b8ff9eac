# SPDX-License-Identifier: GPL-2.0
"""One process with sockets in all namespaces of the lab; see tcp.sh. Speaks TAP."""
import ctypes
import os
import select
import socket
import subprocess
import sys
import time

MODULES = os.environ["LAB_MODULES"]
PHONE, SERVER, OUTSIDE = "10.0.0.10", "203.0.113.2", "203.0.113.1"
LIBC = ctypes.CDLL(None, use_errno=True)
# NAT stays while the helper's rules, which hold the module, come and go.
RULES = """
table inet helper {
	ct helper sip-tcp { type "sip-ext" protocol tcp; }
	chain helper {
		type filter hook prerouting priority filter;
		tcp dport 5060 ct helper set "sip-tcp"
	}
}
table inet lab {
	chain srcnat {
		type nat hook postrouting priority srcnat;
		oifname out0 masquerade
	}
	chain invalid {
		type filter hook forward priority filter;
		ct state invalid counter
	}
}
"""

# --- TAP

tests, failures = 0, 0


def check(good, name, *diagnostic):
    global tests, failures
    tests += 1
    failures += not good
    print("ok" if good else "not ok", tests, "-", name, flush=True)
    if not good:
        print(*[f"# {line!r}" for line in diagnostic], sep="\n", flush=True)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


# --- the router


def enter(name):
    space = os.open(f"/run/netns/{name}", os.O_RDONLY)
    if LIBC.setns(space, 0x40000000):
        raise OSError(ctypes.get_errno(), name)
    os.close(space)


def counter(name):
    text = run("ip", "netns", "exec", "router", "cat", "/proc/net/sip_ext/counters").stdout
    return dict(line.split() for line in text.splitlines()).get(name, "0")


def count(name):
    return int(counter(name))


def load(*parameters):
    check(run("insmod", f"{MODULES}/nf_conntrack_sip_ext.ko", *parameters).returncode == 0 and
          run("insmod", f"{MODULES}/nf_nat_sip_ext.ko").returncode == 0, "both modules load")


def unload():
    run("ip", "netns", "exec", "router", "nft", "delete", "table", "inet", "helper")
    nat, ct = run("rmmod", "nf_nat_sip_ext"), run("rmmod", "nf_conntrack_sip_ext")
    return nat.returncode == 0 and ct.returncode == 0


def masquerade(rules=RULES):
    subprocess.run(["ip", "netns", "exec", "router", "nft", "-f", "-"], input=rules, text=True, check=True)


def followed():
    """How many connections have memory; a cache of that size alone has no name of its own."""
    with open("/proc/slabinfo") as slabs:
        for line in slabs:
            if line.startswith("sip_ext_tcp "):
                return int(line.split()[1])
    return None


# --- the two ends


def listener(port=5060):
    enter("outside")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((SERVER, port))
    sock.listen(100)
    return sock


def connect(listening, port=0):
    """Returns the phone's socket and the server's."""
    enter("inside")
    phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    phone.bind((PHONE, port))
    phone.settimeout(20)
    phone.connect(listening.getsockname())
    server, _ = listening.accept()
    server.settimeout(20)
    for sock in phone, server:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return phone, server


def request(phone, number=1, body=b""):
    port = phone.getsockname()[1]
    return (f"OPTIONS sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/TCP {PHONE}:{port};branch=z9hG4bK{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@{PHONE}>;tag=1\r\nTo: <sip:a@{SERVER}>\r\n"
            f"Call-ID: {number}\r\nCSeq: {number} OPTIONS\r\nContact: <sip:a@{PHONE}:{port}>\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def receive(sock, end, seconds=10):
    """What arrives until that is there."""
    got = b""
    limit = time.monotonic() + seconds
    while end not in got and time.monotonic() < limit:
        if select.select([sock], [], [], 0.5)[0]:
            more = sock.recv(65536)
            if not more:
                break
            got += more
    return got


def grown(listening):
    """A connection that has carried a message which became longer."""
    phone, server = connect(listening)
    phone.sendall(request(phone))
    got = receive(server, b"\r\n\r\n")
    check(len(got) > len(request(phone)) and f"Contact: <sip:a@{OUTSIDE}:".encode() in got,
          "a request over TCP is translated, and longer than it was", got)
    return phone, server


def alive(phone, server, name):
    """Both ways, and more than a window."""
    for sender, receiver in (phone, server), (server, phone):
        data = os.urandom(200000) + b"the end"
        sender.setblocking(False)
        sent, got = 0, b""
        limit = time.monotonic() + 20
        while len(got) < len(data) and time.monotonic() < limit:
            if sent < len(data) and select.select([], [sender], [], 0)[1]:
                sent += sender.send(data[sent:sent + 5000])
            if select.select([receiver], [], [], 0.05)[0]:
                got += receiver.recv(65536)
        sender.settimeout(20)
        check(got == data, name, len(got), len(data))


# --- what is tested


def main():
    load()
    masquerade()
    listening = listener()
    phone, server = grown(listening)
    print(run("ip", "netns", "exec", "router", "grep", "-v", " 0$", "/proc/net/sip_ext/counters").stdout)
    alive(phone, server, "goes on")
    check(unload(), "unload")
    alive(phone, server, "goes on after rmmod")
    print(f"1..{tests}")
    return 1 if failures or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
