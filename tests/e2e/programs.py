# SPDX-License-Identifier: GPL-2.0
"""Programs that others wrote, started in a namespace: SIPp, Kamailio, baresip."""
from __future__ import annotations

import glob
import json
import math
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import wave
from pathlib import Path

from net import Failure, Namespace
from peer import World
from sip import Address, host_port

HERE = Path(__file__).resolve().parent
RATE = 8000
NOTE = 3200
"""Samples of one note of a melody."""


def private_folder(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{name}.", dir=os.environ.get("LAB_TMP") or None))


def needed(program: str) -> str:
    """The program's path; a missing one is a failure, never a skip."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Failure(f"{program} is not installed (scripts/deps)")
    return found


def start(world: World, where: Namespace, argv: list[str], log: Path) -> subprocess.Popen[str]:
    with where, open(log, "w", encoding="utf-8") as out:
        program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   text=True, cwd=log.parent, start_new_session=True)
    world.programs.append(program)
    return program


def last_lines(log: Path, count: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])


class Kamailio:
    """A registrar and proxy that knows nothing of NAT, unless the words of kamailio.cfg say so."""

    def __init__(self, world: World, address: Address, *words: str) -> None:
        self.folder = private_folder("kamailio")
        self.log = self.folder / "log"
        modules = glob.glob("/usr/lib/*/kamailio/modules") + glob.glob("/usr/lib/kamailio/modules")
        if not modules:
            raise Failure("kamailio's modules are not installed (scripts/deps)")
        argv = [needed("kamailio"), "-f", str(HERE / "kamailio.cfg"), "-L", modules[0],
                "-l", f"{world.setup.transport}:{host_port(address)}", "-n", "2", "-m", "16", "-M", "4",
                "-DD", "-E", "-w", str(self.folder), "-Y", str(self.folder),
                "-P", str(self.folder / "pid")]
        if world.over_tcp:
            argv, words = [*argv, "-N", "2"], ("WITH_TCP", *words)
        argv += [part for word in words for part in ("-A", word)]
        self.process = start(world, world.line.outside, argv, self.log)
        self._wait_until_ready(world, address)

        world.diagnoses.append(lambda: f"kamailio's log:\n{last_lines(self.log)}")

    def _wait_until_ready(self, world: World, address: Address) -> None:
        probe = world.stranger(5999)
        options = probe.compose("OPTIONS", f"sip:{host_port(address)}", [
            ("From", f"<{probe.uri}>;tag=1"), ("To", f"<sip:{host_port(address)}>"),
            ("Call-ID", "ready"), ("CSeq", "1 OPTIONS")])

        def answered() -> bool:
            if self.process.poll() is not None:
                raise Failure(f"kamailio ended:\n{last_lines(self.log)}")
            try:
                probe.send_message(options, address)
            except Failure:     # nobody listens yet
                pass
            world.rest(0.1)
            return bool(probe.received)
        world.wait("kamailio answers", answered, 60)


def melody(path: Path, notes: tuple[int, ...], seconds: float) -> None:
    """A WAV file that plays the notes in turn, as a phone's microphone would record it."""
    samples = []
    for n in range(int(RATE * seconds)):
        hertz = notes[n // NOTE % len(notes)]
        samples.append(int(9000 * math.sin(2 * math.pi * hertz * n / RATE)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def share_of_tone(samples: tuple[int, ...], hertz: int) -> float:
    """How much of the energy is at this frequency (Goertzel): 1.0 is a pure tone."""
    energy = sum(s * s for s in samples)
    if not energy:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    power = one * one + two * two - turn * one * two
    return 2 * power / (energy * len(samples))


def samples_of(path: Path) -> tuple[int, ...]:
    """The samples of a recording whose writer may not have closed it yet."""
    data = path.read_bytes()
    begin = data.find(b"data") + 8
    count = (len(data) - begin) // 2 if begin > 8 else 0
    return struct.unpack(f"<{count}h", data[begin:begin + 2 * count])


def seconds_heard(path: Path, notes: tuple[int, ...]) -> float:
    """How long the recording holds one of the notes, in pieces of 20 ms."""
    samples = samples_of(path)
    piece = RATE // 50
    pieces = [samples[n:n + piece] for n in range(0, len(samples) - piece + 1, piece)]
    return sum(max(share_of_tone(p, hertz) for hertz in notes) > 0.7 for p in pieces) / 50


class Baresip:
    """A phone, driven over its control socket (JSON in netstrings)."""

    CONFIG = """sip_listen {listen}
audio_player aubridge,none
audio_source aufile,{folder}/microphone.wav
audio_alert aubridge,none
audio_srate 8000
audio_channels 1
call_max_calls 4
rtp_ports {ports}
rtp_timeout 0
jitter_buffer_delay 0-0
snd_path {folder}/heard
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
{modules_more}module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""

    def __init__(self, world: World, where: Namespace, address: Address, user: str,
                 registrar: Address, notes: tuple[int, ...], control: int = 4444,
                 ports: str = "4000-4020", account: str = "",
                 more: tuple[str, ...] = ()) -> None:
        """`account`: more parameters of the account; `more`: modules beside the usual ones."""
        self.world = world
        self.user = user
        self.folder = private_folder(f"baresip-{user}")
        self.log = self.folder / "log"
        self.events: list[dict[str, object]] = []
        self.rest = b""
        (self.folder / "heard").mkdir()
        melody(self.folder / "microphone.wav", notes, 8)
        modules = (glob.glob("/usr/lib/baresip/modules")
                   + glob.glob("/usr/lib/*/baresip/modules"))
        if not modules:
            raise Failure("baresip's modules are not installed (scripts/deps)")
        (self.folder / "config").write_text(self.CONFIG.format(
            listen=host_port(address), folder=self.folder, modules=modules[0], control=control,
            ports=ports, modules_more="".join(f"module {name}.so\n" for name in more)))
        (self.folder / "accounts").write_text(
            f"<sip:{user}@{host_port(registrar)}{world.over}>;regint=600;answermode=auto;auth_pass=x;"
            f"audio_codecs=pcmu{account}\n")
        world.diagnoses.append(self.diagnosis)
        self.process = start(world, where, [needed("baresip"), "-f", str(self.folder), "-v"],
                             self.log)
        self.control = self._connect(where, control)

    def diagnosis(self) -> str:
        """The end of its log, without the bit rates that it repeats all the time."""
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.log.read_text(errors="replace"))
        said = [x for x in plain.splitlines() if x.strip() and "(bit/s)" not in x]
        return "\n".join([f"baresip {self.user}'s log:", *said[-30:]])

    def _connect(self, where: Namespace, control: int) -> socket.socket:
        def connected() -> socket.socket | None:
            if self.process.poll() is not None:
                raise Failure(f"baresip ended:\n{last_lines(self.log)}")
            with where:
                trial = socket.socket()
            try:
                trial.connect(("127.0.0.1", control))
            except ConnectionRefusedError:
                trial.close()
                self.world.rest(0.05)
                return None
            return trial
        found = self.world.wait(f"baresip {self.user} takes commands", connected, 60)
        found.setblocking(False)
        self.world.watch(found, self._read)
        return found

    def _read(self) -> None:
        try:
            data = self.control.recv(65536)
        except BlockingIOError:
            return
        if not data:
            self.world.selector.unregister(self.control)
            return
        self.rest += data
        while b":" in self.rest:
            length, _, tail = self.rest.partition(b":")
            if len(tail) <= int(length):
                return
            self.events.append(json.loads(tail[:int(length)]))
            self.rest = tail[int(length) + 1:]

    def command(self, command: str, params: str = "") -> None:
        text = json.dumps({"command": command, "params": params}).encode()
        self.control.setblocking(True)
        self.control.sendall(f"{len(text)}:".encode() + text + b",")
        self.control.setblocking(False)

    def event(self, kind: str, seconds: float = 20) -> dict[str, object]:
        """The next event of that kind; takes it and all before it off the list."""
        def found() -> dict[str, object] | None:
            for place, event in enumerate(self.events):
                if event.get("type") == kind:
                    del self.events[:place + 1]
                    return event
            return None
        try:
            return self.world.wait(f"baresip {self.user} reports {kind}", found, seconds)
        except Failure as failure:
            raise Failure(f"{failure}\nits events: {self.events}\n{last_lines(self.log)}"
                          ) from failure

    def registered(self) -> None:
        """The registrar's 200; it may come before anybody listens to events."""
        self.world.wait(f"baresip {self.user} registers",
                        lambda: " 200 OK (" in self.log.read_text(errors="replace"), 60)

    def call(self, callee: Baresip, registrar: Address) -> None:
        """Calls; both sides answer by themselves, and talk until somebody hangs up."""
        self.command("dial", f"sip:{callee.user}@{host_port(registrar)}{self.world.over}")
        self.event("CALL_ESTABLISHED")
        callee.event("CALL_ESTABLISHED")

    def hang_up(self, other: Baresip) -> None:
        self.command("hangup")
        other.event("CALL_CLOSED")
        self.event("CALL_CLOSED")   # or the next call finds it busy

    def recordings(self) -> list[Path]:
        """What was heard, one file per call, oldest first."""
        return sorted((self.folder / "heard").glob("*-dec.wav"),
                      key=lambda path: path.stat().st_mtime)
