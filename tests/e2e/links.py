# SPDX-License-Identifier: GPL-2.0
"""Links, addresses and routes by rtnetlink, and rules by libnftables, without starting programs.

Starting one takes 60 ms under UML; a line needs a dozen such settings, and there are hundreds
of lines.
"""
from __future__ import annotations

import ctypes
import os
import socket
import struct

RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 20, 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL = 1, 4, 0x400, 0x200
IFF_UP = 1
IFLA_IFNAME, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, IFA_F_NODAD = 1, 2, 2
RTA_OIF, RTA_GATEWAY = 4, 5
RT_TABLE_MAIN, RTPROT_BOOT, RTN_UNICAST, RT_SCOPE_LINK = 254, 3, 1, 253
NO_LINK = struct.pack("=BxHiII", 0, 0, 0, 0, 0)


def attribute(kind: int, value: bytes) -> bytes:
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data + bytes(-len(data) % 4)


def packed(address: str) -> tuple[int, bytes]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address)


class Links:
    """Of the namespace in which it is made."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)

    def close(self) -> None:
        self.socket.close()

    def _ask(self, kind: int, body: bytes, flags: int = 0) -> None:
        self.socket.send(struct.pack("=IHHII", 16 + len(body), kind,
                                     NLM_F_REQUEST | NLM_F_ACK | flags, 0, 0) + body)
        error = -struct.unpack("=i", self.socket.recv(65536)[16:20])[0]
        if error:
            raise OSError(error, f"rtnetlink request {kind}: {os.strerror(error)}")

    def pair(self, name: str, peer: str, there: int) -> None:
        """A veth `name` here whose other end is `peer` in the namespace of that descriptor."""
        far = (NO_LINK + attribute(IFLA_IFNAME, peer.encode() + b"\0")
               + attribute(IFLA_NET_NS_FD, struct.pack("=I", there)))
        info = (attribute(IFLA_INFO_KIND, b"veth")
                + attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, far)))
        self._ask(RTM_NEWLINK, NO_LINK + attribute(IFLA_IFNAME, name.encode() + b"\0")
                  + attribute(IFLA_LINKINFO, info), NLM_F_CREATE | NLM_F_EXCL)

    def up(self, *names: str) -> None:
        for name in names:
            index = socket.if_nametoindex(name)
            self._ask(RTM_NEWLINK, struct.pack("=BxHiII", 0, 0, index, IFF_UP, IFF_UP))

    def address(self, device: str, address: str, length: int) -> None:
        family, raw = packed(address)
        flags = IFA_F_NODAD if family == socket.AF_INET6 else 0
        self._ask(RTM_NEWADDR, struct.pack("=BBBBI", family, length, flags, 0,
                                           socket.if_nametoindex(device))
                  + attribute(IFA_LOCAL, raw) + attribute(IFA_ADDRESS, raw),
                  NLM_F_CREATE | NLM_F_EXCL)

    def default_route(self, gateway: str) -> None:
        family, raw = packed(gateway)
        self._route(family, 0, attribute(RTA_GATEWAY, raw))

    def default_device(self, family: int, device: str) -> None:
        """Everything is on the link of that device."""
        kind = socket.AF_INET6 if family == 6 else socket.AF_INET
        index = struct.pack("=I", socket.if_nametoindex(device))
        self._route(kind, RT_SCOPE_LINK if family == 4 else 0, attribute(RTA_OIF, index))

    def _route(self, family: int, scope: int, way: bytes) -> None:
        self._ask(RTM_NEWROUTE, struct.pack("=BBBBBBBBI", family, 0, 0, 0, RT_TABLE_MAIN,
                                            RTPROT_BOOT, scope, RTN_UNICAST, 0) + way,
                  NLM_F_CREATE | NLM_F_EXCL)


def nft(text: str) -> str:
    """Loads a ruleset into the namespace of the caller; returns what was wrong with it."""
    library = ctypes.CDLL("libnftables.so.1")
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    context = ctypes.c_void_p(library.nft_ctx_new(0))
    library.nft_ctx_buffer_error(context)
    failed = library.nft_run_cmd_from_buffer(context, text.encode())
    wrong = library.nft_ctx_get_error_buffer(context) or b""
    library.nft_ctx_free(context)
    return wrong.decode() or "nft refuses it" if failed else ""
