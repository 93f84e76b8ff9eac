# SPDX-License-Identifier: GPL-2.0
"""R8: legal SDP of any shape passes and works. TCP media has a file of its own."""
from __future__ import annotations

from calls import must, must_equal
from dialog import (Session, callee_leg, caller_leg, calling, exchange, no_pinholes, pinholes_to,
                    stays_closed)
from net import FRIEND, MEDIA, SERVER
from peer import Media, World, check_audio, offer
from registry import BOTH_VERSIONS, MASQUERADE, ROUTED, SHIFTED, scenario
from sip import Message, network, session


def _offered(world: World, body: str, answer: str) -> tuple[Message, Message, Message]:
    """A call from inside: the offer as written and as seen, the answer as seen."""
    phone, server = world.phone(), world.server()
    invite = phone.send_message(phone.invitation(server.uri, body), server.address)
    seen, source = server.request("INVITE")
    server.send_message(server.answer(seen, source, 200, "OK", answer), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    server.request("ACK")
    return invite, seen, answered


def _ends(world: World) -> tuple[Media, Media]:
    return world.inside_media(4000), world.outside_media(7000)


def _lines(message: Message, prefix: str) -> list[str]:
    return [line for line in message.body.split("\r\n") if line.startswith(prefix)]


def _audio(media: Media, *lines: str) -> tuple[str, ...]:
    return (f"m=audio {media.address[1]} RTP/AVP 0", *lines)


@scenario("R8", "host name in o= is left as it is, audio both ways", BOTH_VERSIONS)
def name_in_origin(world: World) -> None:
    near, far = _ends(world)
    body = offer(near).replace(f"0 {network(near.address[0])}\r\ns=", "0 IN IP4 phone.example\r\ns=")
    _, seen, answered = _offered(world, body, offer(far))
    must_equal(_lines(seen, "o="), ["o=- 20518 0 IN IP4 phone.example"], "o= outside")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "host name in the session's c= is left as it is, the stream's own c= counts", (SHIFTED,))
def name_in_connection(world: World) -> None:
    near, far = _ends(world)
    here = f"c={network(near.address[0])}"
    body = session(near.address[0], *_audio(near, here, "a=sendrecv"))
    body = body.replace(f"{here}\r\nt=", "c=IN IP4 phone.example\r\nt=")
    _, seen, answered = _offered(world, body, offer(far))
    must_equal(_lines(seen, "c=")[0], "c=IN IP4 phone.example", "c= of the session outside")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "answer from outside with a host name in c=: audio both ways with the server's own host",
          (SHIFTED,))
def name_in_answer(world: World) -> None:
    near, far = world.inside_media(4000), world.outside_media(7000, SERVER)
    named = offer(far).replace(network(far.address[0]), "IN IP4 media.example")
    _, seen, answered = _offered(world, offer(near), named)
    must_equal(answered.body, named, "the answer inside")
    check_audio(world, near, seen.media()[0], far, far.address)


@scenario("R8", "c= of the other IP version than the call's is left as it is", BOTH_VERSIONS)
def other_version(world: World) -> None:
    other = "fd00::77" if world.plan.family == 4 else "10.9.9.9"
    body = session(other, "m=audio 4000 RTP/AVP 0", "a=sendrecv")
    sent, seen, answered = _offered(world, body, body)
    must_equal((seen.body, answered.body), (sent.body, sent.body), "both sessions")


@scenario("R8", "one stream in each IP version: the one of the call's has audio both ways",
          BOTH_VERSIONS)
def both_versions(world: World) -> None:
    near, far = _ends(world)
    other = "c=" + network("fd00::77" if world.plan.family == 4 else "10.9.9.9")
    more = ("m=video 5004 RTP/AVP 96", other)
    _, seen, answered = _offered(world, session(near.address[0], *_audio(near), *more),
                                 session(far.address[0], *_audio(far), *more))
    must_equal(_lines(seen, "m=video") + _lines(seen, "c=")[1:], [more[0], other], "video outside")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


def _no_length(message: Message) -> Message:
    length = f"\r\nContent-Length: {message.get('Content-Length')}"
    return Message(message.raw.replace(length.encode(), b""))


@scenario("R8", "no Content-Length in offer and answer: translated to their ends, audio both ways",
          BOTH_VERSIONS, subset=True,
          udp_only="a stream needs it (RFC 3261 18.3)")
def no_length(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = _ends(world)
    invite = _no_length(phone.invitation(server.uri, offer(near)))
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    must_equal(seen.get("Content-Length"), "", "no header is added")
    must_equal(seen.body.count("\r\n"), invite.body.count("\r\n"), "lines of the session")
    server.send_message(_no_length(server.answer(seen, source, 200, "OK", offer(far))), source)
    answered = phone.response(200, invite)
    must_equal(answered.body, offer(far), "the answer inside")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "ports below 1024 stay as they are and open nothing, the stream beside has audio",
          BOTH_VERSIONS, in_tree_fails=True)
def low_ports(world: World) -> None:
    near, far = _ends(world)
    low = ("m=video 9 RTP/AVP 96", "m=text 1023 RTP/AVP 98", "m=application 80 RTP/AVP 99")
    body = session(near.address[0], *_audio(near), *low)
    _, seen, answered = _offered(world, body, session(far.address[0], *_audio(far), *low))
    must_equal(tuple(_lines(seen, "m=")[1:]), low, "m= lines outside")
    for port in (9, 1023, 80):
        must_equal(pinholes_to(world, port), [], f"pinholes to {port}")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "stream offered with port 0 and declined ones: the others have audio both ways",
          (*BOTH_VERSIONS, ROUTED))
def declined(world: World) -> None:
    near, far = _ends(world)
    text, far_text = world.inside_media(4004, stream="text in"), world.outside_media(7004, stream="text out")
    body = session(near.address[0], "m=audio 0 RTP/AVP 3", *_audio(near), "m=video 4002 RTP/AVP 96",
                   "m=text 4004 RTP/AVP 98")
    answer = session(far.address[0], "m=audio 0 RTP/AVP 3", *_audio(far), "m=video 0 RTP/AVP 96",
                     "m=text 7004 RTP/AVP 98")
    _, seen, answered = _offered(world, body, answer)
    told, heard = seen.media(), answered.media()
    must_equal((told[0][1], heard[0][1], heard[2][1]), (0, 0, 0), "declined ports")
    check_audio(world, near, told[1], far, heard[1], first="outside")
    check_audio(world, text, told[3], far_text, heard[3], first="outside")
    no_pinholes(world, told[2][1], "declined video")


@scenario("R8", "call that begins on hold (c=0.0.0.0) has audio once it is taken up", BOTH_VERSIONS)
def begins_on_hold(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = _ends(world)
    nobody = "::" if world.plan.family == 6 else "0.0.0.0"
    body = offer(near).replace(f"c={network(near.address[0])}", f"c={network(nobody)}")
    invite = phone.send_message(phone.invitation(server.uri, body), server.address)
    seen, source = server.request("INVITE")
    must_equal(_lines(seen, "c="), [f"c={network(nobody)}"], "c= outside")
    answer = server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    caller_leg(phone, invite, answered).acknowledge(invite, answered)
    server.request("ACK")
    made = Session(world, caller_leg(phone, invite, answered), callee_leg(server, seen, answer),
                   near, far, seen.media()[0], answered.media()[0])
    made.offers(True)
    made.talk("outside")


def _bundle(media: Media, *ports: int) -> str:
    port = media.address[1]
    return session(media.address[0], "a=group:BUNDLE a v",
                   f"m=audio {port} RTP/AVP 0", "a=mid:a", "a=rtcp-mux",
                   f"m=video {ports[0] if ports else port} RTP/AVP 96", "a=mid:v", "a=rtcp-mux")


@scenario("R8", "BUNDLE: audio and video on one port have one port outside, bytes both ways",
          (*BOTH_VERSIONS, MASQUERADE, ROUTED), subset=True, in_tree_fails=True)
def bundle(world: World) -> None:
    near, far = _ends(world)
    _, seen, answered = _offered(world, _bundle(near), _bundle(far))
    told, heard = seen.media(), answered.media()
    must_equal(told[0], told[1], "audio and video outside")
    must_equal(heard, [far.address] * 2, "audio and video inside")
    check_audio(world, near, told[0], far, far.address, first="outside")
    near.stream, far.stream = "video in", "video out"
    check_audio(world, near, told[0], far, far.address, first="outside")


@scenario("R8", "BUNDLE offered on two ports and answered on one: bytes both ways on the first",
          (SHIFTED,))
def bundle_of_two(world: World) -> None:
    """The first offer has a port for each (RFC 8843 7.2); the answer names one for all."""
    near, far = _ends(world)
    made = _offered(world, _bundle(near, 4002), _bundle(far))
    told = made[1].media()
    must(told[0] != told[1], "two ports outside")
    check_audio(world, near, told[0], far, far.address, first="outside")


@scenario("R8", "BUNDLE-only video (port 0) beside audio: bytes both ways", (SHIFTED,))
def bundle_only(world: World) -> None:
    near, far = _ends(world)
    _, seen, _ = _offered(world, _bundle(near, 0), _bundle(far))
    must_equal(seen.media()[1][1], 0, "port 0 outside")
    check_audio(world, near, seen.media()[0], far, far.address, first="outside")


@scenario("R8", "adjacent ports of audio and video, RTCP elsewhere: each has its bytes both ways",
          (*BOTH_VERSIONS, MASQUERADE), in_tree_fails=True)
def adjacent(world: World) -> None:
    sockets = [(world.inside_media(4000 + n), world.outside_media(7000 + 2 * n)) for n in (0, 1)]
    body = session(sockets[0][0].address[0], "m=audio 4000 RTP/AVP 0", "a=rtcp:4010",
                   "m=video 4001 RTP/AVP 96", "a=rtcp:4011")
    _, seen, answered = _offered(world, body, offer(*(far for _, far in sockets)))
    for told, heard, (near, far) in zip(seen.media(), answered.media(), sockets):
        check_audio(world, near, told, far, heard, first="outside")


@scenario("R8", "adjacent ports of audio and video without a word of RTCP: each has its bytes",
          (SHIFTED,))
def adjacent_without_rtcp(world: World) -> None:
    """What one stream would use for RTCP is where the other's RTP arrives."""
    sockets = [(world.inside_media(4000 + n), world.outside_media(7000 + 2 * n)) for n in (0, 1)]
    _, seen, answered = _offered(world, offer(*(near for near, _ in sockets)),
                                 offer(*(far for _, far in sockets)))
    for told, heard, (near, far) in zip(seen.media(), answered.media(), sockets):
        check_audio(world, near, told, far, heard, first="outside")


@scenario("R8", "ten m-lines: bytes both ways on each", BOTH_VERSIONS, subset=True,
          in_tree_fails=True)
def ten_lines(world: World) -> None:
    sockets = [(world.inside_media(4000 + 2 * n), world.outside_media(7000 + 2 * n))
               for n in range(10)]
    _, seen, answered = _offered(world, offer(*(near for near, _ in sockets)),
                                 offer(*(far for _, far in sockets)))
    must_equal(len(set(seen.media())), 10, "different streams outside")
    for told, heard, (near, far) in zip(seen.media(), answered.media(), sockets):
        check_audio(world, near, told, far, heard, 3, first="outside")


def _kind(world: World, line: str, *attributes: str) -> None:
    """A session with one stream of that kind (the port is put in), and one of audio."""
    near, far = _ends(world)
    more, far_more = world.inside_media(4002), world.outside_media(7002)
    bodies = [session(audio.address[0], line.format(port=other.address[1]), *attributes,
                      *_audio(audio)) for audio, other in ((near, more), (far, far_more))]
    _, seen, answered = _offered(world, *bodies)
    told, heard = seen.media(), answered.media()
    for attribute in attributes:
        must(attribute in seen.body, f"{attribute} crosses as written")
    check_audio(world, more, told[0], far_more, heard[0], first="outside")
    check_audio(world, near, told[1], far, heard[1], first="outside")


@scenario("R8", "text (T.140) beside audio: bytes both ways", (SHIFTED,))
def real_time_text(world: World) -> None:
    _kind(world, "m=text {port} RTP/AVP 98 100", "a=rtpmap:98 red/1000")


@scenario("R8", "application media (a WebRTC data channel) beside audio: bytes both ways",
          (SHIFTED,))
def data_channel(world: World) -> None:
    _kind(world, "m=application {port} UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000",
          "a=setup:actpass")


@scenario("R8", "T.38 over UDPTL beside audio: bytes both ways", (SHIFTED,))
def udptl(world: World) -> None:
    _kind(world, "m=image {port} udptl t38", "a=T38FaxVersion:0", "a=T38FaxRateManagement:transferredTCF")


@scenario("R8", "secure RTP (SAVPF, DTLS) beside audio: bytes both ways", (SHIFTED,))
def secure(world: World) -> None:
    _kind(world, "m=video {port} UDP/TLS/RTP/SAVPF 96", "a=fingerprint:sha-1 00:11:22:33",
          "a=setup:actpass")


@scenario("R8", "an unknown kind of media and protocol beside audio crosses as written, audio both ways",
          (SHIFTED,))
def unknown_kind(world: World) -> None:
    near, far = _ends(world)
    lines = ("m=hologram 5999 QUIC/X9 1", "a=strange:1 2 3", "b=X-Y:5", "i=info", "k=clear:x")
    _, seen, answered = _offered(world, session(near.address[0], *_audio(near), *lines),
                                 session(far.address[0], *_audio(far), "m=hologram 0 QUIC/X9 1"))
    must_equal(tuple(seen.body.split("\r\n")[-7:-1])[1:], lines, "the lines of the unknown stream")
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "m=audio p/2: both pairs of ports stay in order and carry RTP and RTCP both ways",
          BOTH_VERSIONS)
def two_pairs(world: World) -> None:
    nears = [world.inside_media(4000 + n, stream=f"{'rtcp ' * (n % 2)}in {n}") for n in range(4)]
    fars = [world.outside_media(7000 + n, stream=f"{'rtcp ' * (n % 2)}out {n}") for n in range(4)]
    bodies = [session(m[0].address[0], f"m=audio {m[0].address[1]}/2 RTP/AVP 0") for m in (nears, fars)]
    _, seen, answered = _offered(world, *bodies)
    must_equal(_lines(seen, "m=")[0].split()[1].partition("/")[2], "2", "pairs outside")
    (host, told), (far_host, heard) = seen.media()[0], answered.media()[0]
    for number, (near, far) in enumerate(zip(nears, fars)):
        check_audio(world, near, (host, told + number), far, (far_host, heard + number),
                    first="outside")


@scenario("R8", "media address other than the signalling address: a PBX's phone has audio, if listed",
          (*BOTH_VERSIONS, ROUTED))
def media_host(world: World) -> None:
    """S4: another inside host's media is let in where the setting names that host."""
    near, far = world.inside_media(4000, 2), world.outside_media(7000)
    world.line.router.sysctl("net.netfilter.sip_ext_media_hosts", near.address[0])
    _, seen, answered = _offered(world, offer(near), offer(far))
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")


@scenario("R8", "each stream of the other end has a host of its own: bytes both ways", BOTH_VERSIONS)
def hosts_apart(world: World) -> None:
    nears = [world.inside_media(4000), world.inside_media(4002)]
    fars = [world.outside_media(7000, MEDIA), world.outside_media(7002, FRIEND)]
    _, seen, answered = _offered(world, offer(*nears), offer(*fars))
    for told, heard, near, far in zip(seen.media(), answered.media(), nears, fars):
        check_audio(world, near, told, far, heard, first="outside")


@scenario("R8", "c= of the session and of one stream: each stream is found where it is",
          (SHIFTED, ROUTED))
def connection_of_stream(world: World) -> None:
    nears = [world.inside_media(4000), world.inside_media(4002)]
    fars = [world.outside_media(7000), world.outside_media(7002)]
    here = f"c={network(nears[0].address[0])}"
    body = session(nears[0].address[0], *_audio(nears[0]), "m=video 4002 RTP/AVP 96", here)
    body = body.replace(f"{here}\r\nt=0 0\r\nm=audio", f"{here}\r\nt=0 0\r\na=tool:e2e\r\nm=audio")
    _, seen, answered = _offered(world, body, offer(*fars))
    for told, heard, near, far in zip(seen.media(), answered.media(), nears, fars):
        check_audio(world, near, told, far, heard, first="outside")


@scenario("R8", "SDP in an INFO hides the inside and disturbs no call", (SHIFTED,))
def info(world: World) -> None:
    made = calling(world)
    made.talk()
    other = world.inside_media(4800)
    done = exchange(made.near, made.far, "INFO", offer(other))
    must(other.address[0] not in done.seen.body, "no inside address in the INFO's session")
    must_equal(len(done.seen.body.split("\r\n")), len(offer(other).split("\r\n")), "lines of it")
    made.talk("outside")
    made.hang_up()


@scenario("R8", "SDP in MESSAGE and OPTIONS and its answer passes, opens nothing", (SHIFTED,))
def session_in_others(world: World) -> None:
    phone, server, near = world.phone(), world.server(), world.inside_media(4000)
    far = world.outside_media(7000)
    for method in ("OPTIONS", "MESSAGE"):
        headers = [("From", f"<{phone.uri}>;tag=1"), ("To", f"<{server.uri}>"),
                   ("Call-ID", world.token("other-")), ("CSeq", f"1 {method}")]
        sent = phone.send_message(phone.compose(method, server.uri, headers, offer(near)),
                                  server.address)
        seen, source = server.request(method)
        must(phone.address[0] not in seen.body, f"no inside address in the session of {method}")
        server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
        must_equal(phone.response(200, sent).body, offer(far), "the session of the answer")
        stays_closed(world, far, seen.media()[0])


def _mixed(parts: list[tuple[str, str]]) -> str:
    body = "".join(f"--cut\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    return body + "--cut--\r\n"


@scenario("R8", "SDP in multipart/mixed between other parts: only it changes, audio both ways",
          BOTH_VERSIONS, in_tree_fails=True)
def multipart(world: World) -> None:
    phone, server = world.phone(), world.server()
    near, far = _ends(world)
    note = "v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0\r\nis what I would write"
    body = _mixed([("text/plain", note), ("application/sdp", offer(near)[:-2]),
                   ("application/octet-stream", "v=0")])
    invite = phone.invitation(server.uri, body, more=[
        ("Content-Type", 'multipart/mixed;boundary="cut"')])
    phone.send_message(invite, server.address)
    seen, source = server.request("INVITE")
    must(note in seen.body, "the text before the session is left as it is")
    must(near.address[0] not in seen.body, "the session hides the inside")
    must_equal(int(seen.get("Content-Length")), len(seen.body.encode()), "Content-Length")
    server.send_message(server.answer(seen, source, 200, "OK", offer(far)), source)
    answered = phone.response(200, invite)
    check_audio(world, near, seen.media()[0], far, answered.media()[0], first="outside")
