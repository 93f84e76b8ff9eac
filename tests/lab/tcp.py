# SPDX-License-Identifier: GPL-2.0
"""One process with sockets in all namespaces of the lab; see tcp.sh. Speaks TAP."""
import ctypes
import os
import select
import socket
import struct
import subprocess
import sys
import time

MODULES = os.environ["LAB_MODULES"]
OUTSIDE = "203.0.113.1"
# of the phone, of the server, of the phone as it is seen
IPV4 = ("10.0.0.10", "203.0.113.2", OUTSIDE)
IPV6 = ("fd00:1::10", "2001:db8:2::2", "2001:db8:2::1")
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
"""
WATCH = """
table inet lab {
	chain srcnat {
		type nat hook postrouting priority srcnat;
		oifname out0 masquerade
	}
}
table inet watch {
	chain invalid {
		type filter hook forward priority filter;
		ct state invalid counter
	}
}
"""

TCP_REPAIR = 19     # linux/tcp.h

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
    """How many connections have memory. Objects that a processor keeps at hand count as used
    until it gives them back; and a cache may have no name of its own."""
    shrink = "/sys/kernel/slab/sip_ext_tcp/shrink"
    if not os.path.exists(shrink):
        return None
    with open(shrink, "w") as slab:
        slab.write("1")
    with open("/proc/slabinfo") as slabs:
        for line in slabs:
            if line.startswith("sip_ext_tcp "):
                return int(line.split()[1])
    return None


# --- the two ends


def hosts_of(sock):
    return IPV6 if sock.family == socket.AF_INET6 else IPV4


def written(host):
    return f"[{host}]" if ":" in host else host


def listener(family=socket.AF_INET):
    enter("outside")
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((hosts_of(sock)[1], 5060))
    sock.listen(100)
    return sock


def connect(listening, port=0):
    """Returns the phone's socket and the server's."""
    enter("inside")
    phone = socket.socket(listening.family, socket.SOCK_STREAM)
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    phone.bind((hosts_of(phone)[0], port))
    phone.settimeout(20)
    phone.connect(listening.getsockname())
    server, _ = listening.accept()
    server.settimeout(20)
    for sock in phone, server:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return phone, server


def request(phone, number=1, body=b""):
    own, to, _ = map(written, hosts_of(phone))
    port = phone.getsockname()[1]
    return (f"OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/TCP {own}:{port};branch=z9hG4bK{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:a@{own}>;tag=1\r\nTo: <sip:a@{to}>\r\n"
            f"Call-ID: {number}\r\nCSeq: {number} OPTIONS\r\nContact: <sip:a@{own}:{port}>\r\n"
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
    check(len(got) > len(request(phone)) and f"Contact: <sip:a@{written(hosts_of(phone)[2])}:".encode() in got,
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


def held(phone, server):
    """Half a message, of which the other end has nothing that is worth reading."""
    before = count("stream_held")
    phone.sendall(request(phone, 2, b"x" * 500)[:-300])
    check(until(lambda: count("stream_held") > before), "half a message is held")
    check(len(receive(server, b"OPTIONS", 1)) <= 1, "and its receiver waits for it")


def sniffer(device):
    enter("outside" if device == "eth0" else "router")
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    sock.bind((device, 0))
    sock.settimeout(5)
    return sock


def seen(sock, wanted, seconds=5):
    """Whether such a TCP segment was among the packets: wanted(source, flags)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([sock], [], [], 0.2)[0]:
            continue
        packet = sock.recv(65536)[14:]
        if packet[9] == 6 and wanted(socket.inet_ntoa(packet[12:16]), packet[(packet[0] & 15) * 4 + 13]):
            return True
    return False


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def invalid():
    text = run("ip", "netns", "exec", "router", "nft", "list", "table", "inet", "watch").stdout
    return [line.strip() for line in text.splitlines() if "counter" in line]


def states():
    text = run("ip", "netns", "exec", "router", "conntrack", "-L", "-p", "tcp").stdout
    return [line.split()[3] for line in text.splitlines() if line.startswith("tcp")]


def seconds_left():
    text = run("ip", "netns", "exec", "router", "conntrack", "-L", "-p", "tcp").stdout
    return [int(line.split()[2]) for line in text.splitlines() if "ESTABLISHED" in line]


def forget():
    run("ip", "netns", "exec", "router", "conntrack", "-D", "-p", "tcp")


# --- what is tested


def lives(listening):
    """What conntrack takes for acknowledged: a connection of which it knows something that is
    not lives five minutes more, any other one days."""
    forget()
    phone, server = grown(listening)
    check(until(lambda: min(seconds_left(), default=0) > 3600, 3), "conntrack knows that the longer request arrived",
          seconds_left())
    server.sendall(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 203.0.113.1:5060\r\nContent-Length: 0\r\n\r\n")
    receive(phone, b"\r\n\r\n")
    check(until(lambda: min(seconds_left(), default=0) > 3600, 3), "and the response", seconds_left())
    phone.close()
    server.close()


def answer(asked):
    kept = (b"Via:", b"From:", b"To:", b"Call-ID:", b"CSeq:")
    lines = [line for line in asked.split(b"\r\n") if line.startswith(kept)]
    return b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""])


def shrinks(listening):
    """What the server says becomes shorter, by more in all than one of its messages is long."""
    forget()
    phone, server = connect(listening)
    shorter = 0
    for number in range(1, 101):
        phone.sendall(request(phone, number))
        made = answer(receive(server, b"\r\n\r\n"))
        server.sendall(made)
        shorter += len(made) - len(receive(phone, b"\r\n\r\n"))
    check(shorter > len(made), "answers have become shorter", shorter, len(made))
    check(until(lambda: min(seconds_left(), default=0) > 3600, 3), "T5 conntrack knows that all of them arrived",
          seconds_left())
    phone.close()
    server.close()


def forgets(sock):
    """That end loses the connection without a word, as a machine does that loses power."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    sock.close()


def unshifted(listening):
    """A connection that has carried a message which stayed as it was."""
    phone, server = connect(listening)
    asked = request(phone).replace(written(hosts_of(phone)[0]).encode(), b"phone.example.com")
    phone.sendall(asked)
    got = receive(server, b"\r\n\r\n")
    check(got == asked, "a request without an address passes as it is", got)
    return phone, server


def begins_anew(listening, former):
    """Both ends lost it, the router did not; the phone takes the same port again."""
    forget()
    phone, server = former(listening)
    port = phone.getsockname()[1]
    forgets(phone)
    forgets(server)
    phone, server = connect(listening, port)
    phone.sendall(request(phone, 3))
    got = receive(server, b"\r\n\r\n")
    check(got.startswith(b"OPTIONS") and len(got) > len(request(phone, 3)),
          "T6 a connection that both ends begin anew is translated", got)
    alive(phone, server, "T6 and carries whatever they say")
    check(until(lambda: followed() in (None, 1)), "T6 one connection is followed", followed())
    phone.close()
    server.close()


def phone_begins_anew(listening, former):
    """T6: the phone alone has lost it (no power), and takes the same port again."""
    forget()
    phone, server = former(listening)
    port = phone.getsockname()[1]
    forgets(phone)
    phone, again = connect(listening, port)
    phone.sendall(request(phone, 3))
    got = receive(again, b"\r\n\r\n")
    check(got.startswith(b"OPTIONS") and len(got) > len(request(phone, 3)),
          "T6 a phone that alone begins anew is translated", got)
    alive(phone, again, "T6 and what both say then is carried")
    phone.close()
    again.close()
    server.close()


def server_begins_anew(listening, former):
    """T6: the server alone has lost it."""
    forget()
    phone, server = former(listening)
    port = phone.getsockname()[1]
    forgets(server)
    phone.sendall(request(phone, 3))
    try:
        end = receive(phone, b"never", 3)
    except OSError as error:
        end = error
    check(isinstance(end, OSError), "T6 the phone hears that the server has lost it", end)
    phone.close()
    phone, again = connect(listening, port)
    phone.sendall(request(phone, 3))
    got = receive(again, b"\r\n\r\n")
    check(got.startswith(b"OPTIONS") and len(got) > len(request(phone, 3)),
          "T6 with a server that had lost it a phone begins anew, and is translated", got)
    alive(phone, again, "T6 and what both say then is carried, too")
    phone.close()
    again.close()


def resets(listening):
    """RST of a stream that has grown: its number is before what conntrack saw acknowledged."""
    for from_phone in True, False:
        forget()
        phone, server = grown(listening)
        server.sendall(b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
        receive(phone, b"\r\n\r\n")
        time.sleep(0.2)
        who = "the phone's" if from_phone else "the server's"
        watch = sniffer("eth0")
        reset(phone if from_phone else server)
        if from_phone:
            check(seen(watch, lambda source, flags: source == OUTSIDE and flags & 4), f"{who} RST leaves translated")
        try:
            other = server if from_phone else phone
            end = receive(other, b"never", 3)
            check(False, f"{who} RST arrives", end)
        except ConnectionResetError:
            check(True, f"{who} RST arrives")
        check(until(lambda: "ESTABLISHED" not in states()), f"conntrack has seen {who} RST", states())
        watch.close()
        phone.close()
        server.close()
    check(invalid() == ["ct state invalid counter packets 0 bytes 0"], "conntrack found no packet invalid", invalid())


def closes(listening):
    """Closed in good order, and the same ports again at once."""
    port = 40000
    for _ in range(3):
        phone, server = connect(listening, port)
        phone.sendall(request(phone))
        check(b"\r\n\r\n" in receive(server, b"\r\n\r\n"), "the same ports again")
        server.close()
        phone.close()
        check(until(lambda: not [s for s in states() if s in ("ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT")], 3),
              "a closed connection is closed for conntrack", states())
        time.sleep(0.2)


def leaves_with_grown(listening):
    phone, server = grown(listening)
    alive(phone, server, "a connection whose numbers are shifted carries what is no SIP")
    phones = [grown(listening) for _ in range(2)]
    check(until(unload), "rmmod with living connections")
    for ends in (phone, server), *phones:
        alive(*ends, "which live on without us")
    for ends in (phone, server), *phones:
        reset(ends[0])
        try:
            check(receive(ends[1], b"never", 2) == b"nothing", "their RST arrives, too")
        except ConnectionResetError:
            check(True, "their RST arrives, too")
    load()
    masquerade()


def leaves_with_held(listening):
    """What its sender was told of goes out; the rest follows."""
    phone, server = grown(listening)
    held(phone, server)
    time.sleep(0.5)
    check(until(unload), f"rmmod while a message is held, {hosts_of(phone)[0]}")
    whole = request(phone, 2, b"x" * 500)
    phone.sendall(whole[-300:])
    got = receive(server, b"x" * 500, 10)
    check(b"x" * 500 in got, "what was held arrives, and what follows", got[-600:])
    alive(phone, server, "and the connection lives on")
    load()
    masquerade()


def forgotten(listening):
    phone, server = grown(listening)
    held(phone, server)
    check(followed() in (None, 1), "one connection is followed", followed())
    forget()
    check(until(lambda: followed() in (None, 0)), "conntrack -D gives back its memory", followed())
    phone.close()
    server.close()


def namespace_ends(listening):
    """The router itself goes while a message is held and others run."""
    phone, server = grown(listening)
    held(phone, server)
    other = grown(listening)
    for sock in other:
        sock.setblocking(False)
    for space in "router", "inside":
        run("ip", "netns", "del", space)
    for _ in range(50):
        for sock in other:
            try:
                sock.send(b"x" * 1000)
            except OSError:
                pass
        time.sleep(0.02)
    for sock in (phone, server, *other, listening):
        sock.close()
    enter_first()
    run("ip", "netns", "del", "outside")
    check(until(lambda: run("rmmod", "nf_nat_sip_ext").returncode == 0), "the NAT half leaves")
    check(until(lambda: followed() in (None, 0), 30), "a namespace's end gives back the memory", followed())
    check(until(lambda: run("rmmod", "nf_conntrack_sip_ext").returncode == 0, 30), "the other half leaves")


def busy(listening):
    """rmmod while every connection sends as much as it can: nothing arrives twice or changed."""
    pairs = [grown(listening) for _ in range(4)]
    check(until(lambda: followed() in (None, 4), 5), "four connections are followed", followed())
    streams = [bytearray() for _ in pairs]
    sent = [0] * len(pairs)
    pattern = b"".join(struct.pack(">I", i) for i in range(500000))
    for phone, server in pairs:
        phone.setblocking(False)
        server.setblocking(False)
    start, gone = time.monotonic(), None
    while time.monotonic() < start + 30 and any(len(s) < 1000000 for s in streams):
        for i, (phone, server) in enumerate(pairs):
            try:
                sent[i] += phone.send(pattern[sent[i]:sent[i] + 20000])
            except BlockingIOError:
                pass
            try:
                streams[i] += server.recv(65536)
            except BlockingIOError:
                pass
        if gone is None and min(map(len, streams)) > 100000:
            run("ip", "netns", "exec", "router", "nft", "delete", "table", "inet", "helper")
            gone = subprocess.Popen(["sh", "-c", "rmmod nf_nat_sip_ext && rmmod nf_conntrack_sip_ext"])
    check(gone is not None and gone.wait(10) == 0, "rmmod while all of them send")
    for stream in streams:
        check(len(stream) >= 1000000 and stream == pattern[:len(stream)], "every byte arrives, once", len(stream))
    for phone, server in pairs:
        phone.close()
        server.close()
    load()
    masquerade()


def stray(listening):
    """Limits, and connections that nobody followed from their beginning."""
    before = count("limit_streams")
    run("ip", "netns", "exec", "router", "sh", "-c", "echo 1 >/proc/sys/net/netfilter/sip_ext_tcp_connections")
    forget()
    one = grown(listening)
    two = connect(listening)
    two[0].sendall(request(two[0]))
    got = receive(two[1], b"\r\n\r\n")
    check(got == request(two[0]), "one connection more than allowed passes as it is", got)
    check(count("limit_streams") == before + 1, "and is counted")
    run("ip", "netns", "exec", "router", "sh", "-c", "echo 65536 >/proc/sys/net/netfilter/sip_ext_tcp_connections")
    for sock in (*one, *two):
        sock.close()
    before = count("stream_middle")
    phone, server = connect(listening)
    forget()
    for _ in range(2):
        phone.sendall(request(phone))
        got = receive(server, b"\r\n\r\n")
        check(got == request(phone), "picked up in its middle, it passes as it is", got)
    check(count("stream_middle") == before + 1, "and is counted once", count("stream_middle") - before)
    phone.close()
    server.close()


def enter_first():
    space = os.open("/proc/1/ns/net", os.O_RDONLY)
    if LIBC.setns(space, 0x40000000):
        raise OSError(ctypes.get_errno(), "the first namespace")
    os.close(space)


def main():
    load()
    masquerade()
    subprocess.run(["ip", "netns", "exec", "router", "nft", "-f", "-"], input=WATCH, text=True, check=True)
    listening = listener()
    lives(listening)
    shrinks(listening)
    begins_anew(listening, grown)
    begins_anew(listening, unshifted)
    phone_begins_anew(listening, grown)
    server_begins_anew(listening, grown)
    resets(listening)
    closes(listening)
    stray(listening)
    leaves_with_grown(listening)
    leaves_with_held(listening)
    leaves_with_held(listener(socket.AF_INET6))
    busy(listening)
    forgotten(listening)
    namespace_ends(listening)
    print(f"1..{tests}")
    return 1 if failures or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
