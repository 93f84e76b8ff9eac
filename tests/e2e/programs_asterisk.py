# SPDX-License-Identifier: GPL-2.0
"""Asterisk 16 from its private root (scripts/lab prepare asterisk), one folder per start."""
from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from net import Failure, Namespace
from peer import World
from programs import last_lines, private_folder, start
from rtp import packet
from sip import Address, host_port

PIECES = 200
"""Packets of music on hold before it begins again."""

COMMON = ("pbx_config", "app_dial", "app_echo", "res_timing_timerfd", "format_pcm", "codec_ulaw",
          "res_musiconhold", "res_rtp_asterisk", "bridge_simple", "bridge_native_rtp",
          "bridge_builtin_features", "func_callerid")
PJSIP = ("res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject",
         "res_pjsip", "res_pjsip_session", "res_pjsip_sdp_rtp", "res_pjsip_registrar",
         "res_pjsip_outbound_registration", "res_pjsip_outbound_authenticator_digest",
         "res_pjsip_endpoint_identifier_user", "res_pjsip_endpoint_identifier_ip",
         "res_pjsip_refer", "res_pjsip_caller_id", "res_pjsip_nat", "res_pjsip_path",
         "res_pjsip_dtmf_info", "res_pjsip_rfc3326", "res_pjsip_pubsub", "chan_pjsip")
CHAN_SIP = ("res_sorcery_config", "res_pjproject", "chan_sip")
NOISE = re.compile(r" => |[Rr]egistered|Loading|Unable to load config|conf file|scan old|restore hints"
                   r"|xmldoc|old dialplan|merge_contexts|resolver")


def music() -> list[bytes]:
    """The payloads of the music on hold, in turn: each is one packet and like no other."""
    return [packet("music on hold", n)[12:] for n in range(PIECES)]


@dataclass
class Section:
    """One section of a configuration file."""

    name: str
    lines: str

    def __str__(self) -> str:
        lines = [line.strip().replace(";", "\\;") for line in self.lines.split("; ")]
        return f"[{self.name}]\n" + "\n".join(lines) + "\n"


def transport(world: World, address: Address) -> Section:
    return Section("only", f"type=transport; protocol={world.setup.transport}; bind={host_port(address)}")


def endpoint(world: World, name: str, options: str = "", contact: str = "") -> list[Section]:
    """A phone or a trunk; without a contact of its own it registers."""
    where = f"contact={contact}{world.over}" if contact else "max_contacts=1; remove_existing=yes"
    return [Section(name, "type=endpoint; transport=only; context=calls; disallow=all; allow=ulaw; "
                          f"aors={name}; {options}"),
            Section(name, f"type=aor; {where}")]


class Asterisk:
    """One Asterisk; ready to take calls once made."""

    def __init__(self, world: World, where: Namespace, modules: tuple[str, ...],
                 files: dict[str, str]) -> None:
        root = Path(os.environ.get("LAB_ROOTS", "")) / "asterisk"
        if not (root / "run").exists():
            raise Failure("asterisk's private root is missing (scripts/lab prepare asterisk)")
        self.folder = private_folder("asterisk")
        self.log = self.folder / "log"
        self._write(root / "root", {"modules.conf": self._modules(modules), **files})
        # It looks up its own host's name, and would wait 5 s for a name server
        self.process = start(world, where, [
            "unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$@"', "sh",
            str(root / "run"), "usr/sbin/asterisk", "-f", "-C",
            str(self.folder / "asterisk.conf")], self.log)
        world.diagnoses.append(self.diagnosis)
        world.wait("asterisk is ready", self._ready, 60)

    @staticmethod
    def _modules(names: tuple[str, ...]) -> str:
        return "[modules]\nautoload=no\n" + "".join(f"load={n}.so\n" for n in (*COMMON, *names))

    def _write(self, root: Path, files: dict[str, str]) -> None:
        own = {"astetcdir": "etc", "astvarlibdir": "var", "astdbdir": "var", "astkeydir": "var",
               "astspooldir": "var", "astrundir": "var", "astlogdir": "var"}
        lines = [f"{name}={self.folder}/{place}" for name, place in own.items()]
        lines += [f"astmoddir={root}/usr/lib/asterisk/modules",
                  f"astdatadir={root}/usr/share/asterisk", f"astagidir={root}/usr/share/asterisk"]
        (self.folder / "asterisk.conf").write_text(
            "[directories]\n" + "\n".join(lines) + "\n[options]\nverbose=3\n")
        for place in ("etc", "var", "music"):
            (self.folder / place).mkdir()
        (self.folder / "music" / "music.ulaw").write_bytes(b"".join(music()))
        usual = {"logger.conf": "[general]\ndateformat=%T.%3q\n[logfiles]\nfull=notice,warning,error,verbose\n",
                 "rtp.conf": "[general]\nrtpstart=10000\nrtpend=10999\n",
                 "musiconhold.conf": f"[default]\nmode=files\ndirectory={self.folder}/music\n"}
        for name, text in (usual | files).items():
            (self.folder / "etc" / name).write_text(text)

    @property
    def full(self) -> Path:
        return self.folder / "var" / "full"

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise Failure(f"asterisk ended:\n{last_lines(self.log)}")
        return self.full.exists() and "Asterisk Ready" in self.full.read_text(errors="replace")

    def diagnosis(self) -> str:
        """The end of its log, without what it tells of its modules."""
        if not self.full.exists():
            return f"asterisk said:\n{last_lines(self.log)}"
        lines = self.full.read_text(errors="replace").splitlines()
        return "\n".join(["asterisk's log:", *[x for x in lines if not NOISE.search(x)][-30:]])
