# SPDX-License-Identifier: GPL-2.0
"""rtpengine as the provider's media relay, all of it in userspace."""
from __future__ import annotations

from net import Failure, Namespace
from peer import Port, World
from programs import last_lines, needed, private_folder, start

CONTROL = ("127.0.0.1", 2223)


class Rtpengine:
    """Relays between any two; Kamailio talks to it over the loopback."""

    def __init__(self, world: World, where: Namespace, host: str) -> None:
        self.folder = private_folder("rtpengine")
        self.log = self.folder / "log"
        self.process = start(world, where, [
            needed("rtpengine"), "--foreground", "--log-stderr", "--log-level=5", "--table=-1",
            f"--interface={host}", f"--listen-ng={CONTROL[0]}:{CONTROL[1]}", "--port-min=30000",
            "--port-max=30200", "--num-threads=1", f"--pidfile={self.folder}/pid",
            "--config-file=none"], self.log)
        world.diagnoses.append(lambda: f"rtpengine's log:\n{last_lines(self.log, 30)}")
        probe = Port(world, where, ("127.0.0.1", 0))

        def answered() -> bool:
            if self.process.poll() is not None:
                raise Failure(f"rtpengine ended:\n{last_lines(self.log)}")
            probe.send(b"1 d7:command4:pinge", CONTROL)
            world.rest(0.1)
            return any(b"4:pong" in data for data, _ in probe.received)
        world.wait("rtpengine answers", answered, 60)
