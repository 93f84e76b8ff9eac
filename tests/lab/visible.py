# SPDX-License-Identifier: GPL-2.0
"""See visible.sh. Speaks TAP."""
import os
import re
import socket
import subprocess
import sys
import time

import tcp
from tcp import check, count, connect, enter, grown, held, listener, load, masquerade, run, until

TABLES = "/proc/net/sip_ext/"
CONTROL = "/proc/dynamic_debug/control"
RULES = """
table inet helper {
	ct helper sip-tcp { type "sip-ext" protocol tcp; }
	ct helper sip-udp { type "sip-ext" protocol udp; }
	chain helper {
		type filter hook prerouting priority filter;
		tcp dport 5060 ct helper set "sip-tcp"
		udp dport 5060 ct helper set "sip-udp"
	}
}
"""
PHONE, SERVER, OUTSIDE = tcp.IPV4
SECRET = "5ec2e7"


def setting(name, value):
    text = f"echo {value} >/proc/sys/net/netfilter/sip_ext_{name}"
    check(run("ip", "netns", "exec", "router", "sh", "-c", text).returncode == 0, f"{name} is {value}")


def whole(name):
    return run("ip", "netns", "exec", "router", "cat", TABLES + name).stdout.splitlines()


def opened(name):
    enter("router")
    return os.open(TABLES + name, os.O_RDONLY)


def rest(table, size):
    """What is left of an open table, read in such pieces."""
    got = b""
    while piece := os.read(table, size):
        got += piece
    os.close(table)
    return got.decode().splitlines()


# --- TCP connections


def row_of(phone):
    port = phone.getsockname()[1]
    return next((line for line in whole("connections") if f" from={PHONE}:{port} " in line), "")


def connections(listening):
    phone, server = grown(listening)
    port = phone.getsockname()[1]
    shift = re.fullmatch(rf"connection following from={PHONE}:{port} seen={OUTSIDE}:\d+ to={SERVER}:5060 "
                         rf"at={SERVER}:5060 held=\d+ shift=(\d+),0 age=\d+", row_of(phone))
    check(shift and int(shift[1]) > 0, "a connection with both its ends and its shift", row_of(phone))
    held(phone, server)
    check(re.search(r" held=[1-9]\d+ ", row_of(phone)), "what is held of it", row_of(phone))
    enter("inside")
    calling = socket.socket()
    calling.bind((PHONE, 0))
    calling.setblocking(False)
    calling.connect_ex(("203.0.113.77", 5060))
    check(until(lambda: row_of(calling).startswith("connection half-open "), 3), "one that nobody has answered",
          whole("connections"))
    setting("enabled", 0)
    phone.sendall(b"x")
    check(until(lambda: row_of(phone).startswith("connection passing stream "), 3), "one that passes, and why",
          row_of(phone))
    setting("enabled", 1)
    for sock in (phone, server, calling):
        sock.close()
    tcp.forget()
    check(until(lambda: not whole("connections"), 3), "what has ended is not there", whole("connections"))


def many_connections(listening):
    """Read in pieces while as many others come: each that stands is there, once."""
    pairs = [connect(listening) for _ in range(150)]
    ports = sorted(phone.getsockname()[1] for phone, _ in pairs)
    table = opened("connections")
    head = os.read(table, 50).decode()
    others = [connect(listening) for _ in range(50)]
    lines = (head + "\n".join(rest(table, 50))).splitlines()
    seen = sorted(int(port) for line in lines for port in re.findall(rf" from={PHONE}:(\d+) ", line))
    check([port for port in seen if port in ports] == ports, "connections: each once, in small pieces", len(seen))
    check(all(re.fullmatch(r"connection \S+ from=.* age=\d+", line) for line in lines), "and no line is cut",
          [line for line in lines if not re.fullmatch(r"connection \S+ from=.* age=\d+", line)][:3])
    for ends in pairs + others:
        for sock in ends:
            sock.close()
    tcp.forget()


# --- registrations


class Registrar:
    def __init__(self):
        enter("outside")
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((SERVER, 5060))
        self.sock.settimeout(5)
        self.phones = {}

    def register(self, port, expires=600):
        enter("inside")
        if port not in self.phones:
            self.phones[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.phones[port].bind((PHONE, port))
            self.phones[port].settimeout(5)
        lines = ["REGISTER sip:x.example SIP/2.0", f"Via: SIP/2.0/UDP {PHONE}:{port};rport;branch=z9hG4bK{port}x{expires}",
                 f"From: <sip:{port}@x.example>;tag=1", f"To: <sip:{port}@x.example>", f"Call-ID: {port}",
                 f"CSeq: {700 - expires} REGISTER", f"Contact: <sip:{port}@{PHONE}:{port}>", f"Expires: {expires}",
                 "Content-Length: 0", "", ""]
        self.phones[port].sendto("\r\n".join(lines).encode(), (SERVER, 5060))
        seen, source = self.sock.recvfrom(65536)
        answer = re.sub(rb"^REGISTER .*\r\n", b"SIP/2.0 200 OK\r\n", seen)
        self.sock.sendto(answer.replace(b"x.example>\r\nCall", b"x.example>;tag=2\r\nCall"), source)
        self.phones[port].recv(65536)


def registrations(registrar):
    """Read in pieces while some come and others go."""
    for port in range(7000, 7060):
        registrar.register(port)
    table = opened("registrations")
    head = os.read(table, 40).decode()
    for port in range(7060, 7080):
        registrar.register(port)
    for port in range(7000, 7020):
        registrar.register(port, 0)
    lines = (head + "\n".join(rest(table, 40))).splitlines()
    seen = [int(port) for line in lines for port in re.findall(rf" live inside={PHONE}:(\d+) ", line)]
    check(len(set(seen)) == len(seen), "registrations: none twice, in small pieces", sorted(seen))
    check(set(range(7020, 7060)) <= set(seen), "and all that stand", sorted(seen))
    check(len(whole("registrations")) == 60, "as many as there are", len(whole("registrations")))
    check(oct(os.stat(TABLES + "calls").st_mode)[-3:] == "400", "calls are for root alone")


# --- the log


def logged():
    return [line for line in run("dmesg").stdout.splitlines() if "sip-ext: " in line]


def refusals(registrar):
    run("dmesg", "-C")
    text = f"REGISTER \033[2J\a\n%s%n\r\nAuthorization: Digest response=\"{SECRET}\"\r\n\r\n".encode()
    phone = registrar.phones[7030]
    phone.sendto(text, (SERVER, 5060))
    check(registrar.sock.recv(65536) == text, "what is refused leaves as it came")
    check(not logged(), "S13 nothing is logged unless somebody asks for it", logged())
    setting("log", 1)
    phone.sendto(text, (SERVER, 5060))
    registrar.sock.recv(65536)
    reason = rf"sip-ext: unchanged, not_sip: {PHONE}:7030 > {SERVER}:5060 IN="
    check(until(lambda: len(logged()) == 1, 2) and re.search(reason, logged()[0]),
          "S13 a refusal is logged with its reason and both ends", logged())
    said = run("dmesg").stdout
    check(SECRET not in said and "Digest" not in said, "S13 without credentials", logged())
    check(not re.search(r"[^\t\n\x20-\x7e]", said), "S13 and without a byte that is not printable", logged())
    limited = count("log_limited")
    for _ in range(300):
        phone.sendto(text, (SERVER, 5060))
        registrar.sock.recv(65536)
    check(len(logged()) <= 20, "S13 no more than ten lines in five seconds", len(logged()))
    check(count("log_limited") >= limited + 280, "S13 the others are counted", count("log_limited"))
    setting("log", 0)


# --- what ends at the router


def own_socket(family, address, port=0):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, port))
    sock.settimeout(5)
    return sock


def options(caller, router):
    host, port = caller.getsockname()[:2]
    host, router = tcp.written(host), tcp.written(router)
    return (f"OPTIONS sip:x@{router} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK1\r\n"
            f"From: <sip:a@{host}>;tag=1\r\nTo: <sip:x@{router}>\r\nCall-ID: r\r\nCSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:a@{host}:{port}>\r\n\r\n").encode()


def asked_from(space, address, program, router):
    """One of its hosts asks the router's own program and is answered, and connects."""
    enter(space)
    caller = own_socket(program.family, address)
    sent, before = options(caller, router), count("for_router")
    caller.sendto(sent, (router, 5060))
    there, source = program.recvfrom(65536)
    answer = re.sub(rb"^OPTIONS .*\r\n", b"SIP/2.0 200 OK\r\n", there)
    program.sendto(answer, source)
    back = caller.recv(65536)
    check((there, back) == (sent, answer), f"S4 from {space} to {router} itself and back, nothing is translated",
          (there, back))
    check(count("for_router") == before + 2, "S4 and both are counted", (before, count("for_router")))
    line = socket.create_connection((router, 5060), timeout=5)
    check(count("for_router") == before + 3, "S4 over TCP, its beginning is", (before, count("for_router")))
    caller.close()
    line.close()


def for_router():
    """A program of the router's own: nobody inside speaks or is spoken to."""
    for family, (phone, server, router) in (socket.AF_INET, tcp.IPV4), (socket.AF_INET6, tcp.IPV6):
        enter("router")
        program = own_socket(family, router, 5060)
        taking = socket.create_server((router, 5060), family=family)
        for space, address in ("outside", server), ("inside", phone):
            asked_from(space, address, program, router)
        program.close()
        taking.close()


# --- what a developer sees


def traces(registrar):
    """What modules say of their work is printed where the kernel is built for it: Debian's are, the lab's own not."""
    there = os.path.exists(CONTROL)
    if there or os.environ["LAB_KERNEL"].startswith("debian-"):
        check(there, "the kernel can print what the modules say of their work")
    if there:
        traced(registrar)


def traced(registrar):
    for flag, wanted in ("+p", True), ("-p", False):
        with open(CONTROL, "w") as file:
            file.write(f"module nf_conntrack_sip_ext {flag}; module nf_nat_sip_ext {flag}")
        run("dmesg", "-C")
        registrar.register(7200 + wanted)
        said = run("dmesg").stdout
        for part in (rf"{PHONE}:{7200 + wanted} > {SERVER}:5060: datagram of \d+ bytes",
                     r" \d+ bytes at \d+ became \d+",
                     rf"pinhole from {SERVER}:0 to {OUTSIDE}:\d+, there {PHONE}:\d+: open", "translated"):
            check(bool(re.search(part, said)) == wanted, f"with {flag}: {'' if wanted else 'no '}{part}", said[:500])


def main():
    load()
    masquerade(RULES)
    subprocess.run(["ip", "netns", "exec", "router", "nft", "-f", "-"], input=tcp.WATCH, text=True, check=True)
    listening = listener()
    connections(listening)
    many_connections(listening)
    registrar = Registrar()
    registrations(registrar)
    time.sleep(0.1)
    refusals(registrar)
    for_router()
    traces(registrar)
    print(f"1..{tcp.tests}")
    return 1 if tcp.failures or not tcp.tests else 0


if __name__ == "__main__":
    sys.exit(main())
