# SPDX-License-Identifier: GPL-2.0
"""coturn as STUN and TURN server outside, and what ICE must find in every SDP."""
from __future__ import annotations

import os

from capture import Datagram
from net import Failure, Namespace
from peer import Port, World
from programs import last_lines, needed, private_folder, start
from sip import Address, Message, is_sip

STUN_REQUEST = b"\x00\x01\x00\x00\x21\x12\xa4\x42"


class Coturn:
    """A STUN and TURN server; user `e2e`, password `secret`."""

    def __init__(self, world: World, where: Namespace, address: Address) -> None:
        self.folder = private_folder("coturn")
        self.log = self.folder / "log"
        self.process = start(world, where, [
            needed("turnserver"), "-n", "-L", address[0], "-p", str(address[1]), "-E", address[0],
            "--no-tls", "--no-dtls", "--no-cli", "--no-multicast-peers", "-m", "1", "--lt-cred-mech",
            "--user", "e2e:secret", "--realm", "e2e", "--min-port", "50000", "--max-port", "50100",
            "--log-file", "stdout", "--pidfile", str(self.folder / "pid"), "--userdb",
            str(self.folder / "users")], self.log)
        world.diagnoses.append(lambda: f"coturn's log:\n{last_lines(self.log)}")
        probe = Port(world, world.line.outside, (address[0], 0))

        def answered() -> bool:
            if self.process.poll() is not None:
                raise Failure(f"coturn ended:\n{last_lines(self.log)}")
            probe.send(STUN_REQUEST + os.urandom(12), address)
            world.rest(0.1)
            return bool(probe.received)
        world.wait("coturn answers", answered, 60)


def _candidates(message: Message) -> set[Address]:
    lines = [line.split() for line in message.body.split("\r\n") if line.startswith("a=candidate:")]
    return {(words[4], int(words[5])) for words in lines}


def offers_of_ice(seen: list[Datagram], source: str) -> int:
    """How many SDPs that this host sent have candidates."""
    return sum(is_sip(d.payload) and d.source[0] == source and not d.leaving
               and bool(_candidates(Message(d.payload))) for d in seen)


def ice_faults(seen: list[Datagram]) -> list[str]:
    """RFC 8839 5.4: where an SDP has candidates, one of them is the default destination."""
    faults = []
    for datagram in seen:
        message = Message(datagram.payload) if is_sip(datagram.payload) else None
        if not message or not message.body:
            continue
        if "ice-mismatch" in message.body:
            faults.append(f"ice-mismatch in {message.name}: {datagram}")
        candidates = _candidates(message)
        missing = [m for m in message.media() if candidates and m not in candidates]
        if missing:
            faults.append(f"{message.name} {datagram} names {missing}, no candidate of it")
    return faults
