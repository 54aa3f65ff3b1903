# SPDX-License-Identifier: MIT OR Apache-2.0
"""gRPC-Web by clients that show every byte: binary and text, HTTP/1.1 and
HTTP/2, Subscribe and Send, CORS, and grpc-websockets."""

import asyncio
import base64
import json
import re
import time

import pytest
import websockets

import kit
import web
from kit import SERVER, SIGNALING, WEB, House, Peer, pb, sdp
from web import H1, H2, block, frame, frames

BINARY = "application/grpc-web+proto"
TEXT = "application/grpc-web-text"
REQUEST = pb.HealthCheckRequest().SerializeToString()


def call(port, version, path, headers, body):
    """(status, headers, body) of a whole answer."""
    if version == 1:
        with H1(port) as c:
            return c.whole("POST", path, headers, body=body)
    with H2(port) as c:
        s = c.whole(path, [(k.lower(), v) for k, v in headers], body)
        assert s.trailers is None
        return s.status, s.headers, s.body


def encode(kind, body):
    return base64.b64encode(body) if "text" in kind else body


def unary(port, version, kind, path, message, headers=()):
    """(headers, [messages], trailers) of a call."""
    status, head, body = call(port, version, path,
                              [("Content-Type", kind), *headers],
                              encode(kind, frame(message)))
    assert status == 200, (status, body)
    if "text" in kind:
        assert head["content-type"] == "application/grpc-web-text+proto"
        body = web.text(body)
    else:
        assert head["content-type"] == "application/grpc-web+proto"
    parts = frames(body)
    assert parts[-1][0] == 0x80 and all(f == 0 for f, _ in parts[:-1])
    return head, [m for _, m in parts[:-1]], block(parts[-1][1])


both = pytest.mark.parametrize("version", [1, 2], ids=["h1", "h2"])
kinds = pytest.mark.parametrize("kind", [
    "application/grpc-web", BINARY, "application/grpc-web-text",
    "application/grpc-web-text+proto"])


@both
@kinds
def test_a_unary_call(house, version, kind):
    _, messages, trailers = unary(house.port, version, kind,
                                  SIGNALING + "HealthCheck", REQUEST)
    (m,) = messages
    assert pb.HealthCheckResponse.FromString(m).status == "healthy"
    assert trailers == {"grpc-status": "0"}


@both
def test_an_error_is_a_trailer_in_the_body(house, version):
    _, messages, trailers = unary(house.port, version, BINARY,
                                  SIGNALING + "Nope", b"")
    assert messages == []
    assert trailers["grpc-status"] == "12"
    assert "Nope" in trailers["grpc-message"]


@both
def test_a_message_is_percent_encoded(house, version):
    _, _, trailers = unary(house.port, version, BINARY, WEB + "Send", b"",
                           [("x-session", "0" * 32)])
    assert trailers["grpc-status"] == "5"
    assert re.fullmatch("[ -~]*", trailers["grpc-message"])


def test_a_chunked_request(house):
    body = frame(REQUEST)
    with H1(house.port) as c:
        for chunks in ([body], [body[i:i + 1] for i in range(len(body))]):
            status, head, got = c.whole(
                "POST", SIGNALING + "HealthCheck",
                [("Content-Type", BINARY)], chunks=chunks)
            assert status == 200 and frames(got)[-1][0] == 0x80
            assert head["transfer-encoding"] == "chunked"


def test_text_in_pieces_that_are_padded(house):
    message = pb.SignalingRequest(announce=dict(peer_id="x")
                                  ).SerializeToString()
    raw = frame(message)
    pieces = base64.b64encode(raw[:4]) + base64.b64encode(raw[4:])
    assert b"=" in pieces[:8]
    with H1(house.port) as c:
        status, _, got = c.whole("POST", WEB + "Send", [
            ("Content-Type", TEXT), ("x-session", "0" * 32)], body=pieces)
        assert status == 200
        assert block(frames(web.text(got))[-1][1])["grpc-status"] == "5"


@both
def test_requests_share_a_connection(house, version):
    if version == 1:
        with H1(house.port) as c:
            for _ in range(5):
                status, _, body = c.whole(
                    "POST", SIGNALING + "HealthCheck",
                    [("Content-Type", BINARY)], body=frame(REQUEST))
                assert status == 200 and len(frames(body)) == 2
        return
    with H2(house.port) as c:
        streams = [c.post(SIGNALING + "HealthCheck",
                          [("content-type", BINARY)], frame(REQUEST))
                   for _ in range(20)]
        c.wait(lambda: all(s.ended for s in streams))
        assert all(len(frames(s.body)) == 2 for s in streams)


BAD_BODIES = {
    "nothing": (BINARY, b"", "13"),
    "half a head": (BINARY, b"\0\0\0", "13"),
    "half a message": (BINARY, b"\0\0\0\0\5ab", "13"),
    "flag 2": (BINARY, b"\2\0\0\0\0", "13"),
    "trailers of a client": (BINARY, b"\x80\0\0\0\0", "13"),
    "compressed": (BINARY, b"\1\0\0\0\1x", "12"),
    "too large": (BINARY, b"\0\0\1\0\1", "8"),
    "4 GiB": (BINARY, b"\0\xff\xff\xff\xff", "8"),
    "two messages": (BINARY, frame(b"") * 2, "13"),
    "not protobuf": (BINARY, frame(b"\x0b\x0c"), "3"),
    "not base64": (TEXT, b"!!!!", "13"),
    "cut base64": (TEXT, base64.b64encode(frame(b""))[:-2], "13"),
    "binary where text is said": (TEXT, frame(b""), "13"),
}


@both
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_has_its_status(house, version, case):
    kind, body, want = BAD_BODIES[case]
    status, _, got = call(house.port, version, SIGNALING + "HealthCheck",
                          [("Content-Type", kind)], body)
    assert status == 200
    if kind == TEXT:
        got = web.text(got)
    (flag, raw), = frames(got)
    assert flag == 0x80
    trailers = block(raw)
    assert trailers["grpc-status"] == want and trailers["grpc-message"]


@both
@pytest.mark.parametrize("kind,method,want", [
    ("application/json", "POST", 415), ("", "POST", 415),
    ("application/grpc-web+json", "POST", 415),
    ("application/grpc+json", "POST", 415),
    (BINARY, "GET", 405), (BINARY, "PUT", 405)])
def test_what_is_no_call_is_refused(house, version, kind, method, want):
    headers = [("Content-Type", kind)] if kind else []
    path = SIGNALING + "HealthCheck"
    if version == 1:
        with H1(house.port) as c:
            status, _, _ = c.whole(method, path, headers, body=b"")
    else:
        with H2(house.port) as c:
            s = c.request(method, path,
                          [(k.lower(), v) for k, v in headers])
            c.wait(lambda: s.ended)
            status = s.status
    assert status == want


def test_native_grpc_needs_http2(house):
    with H1(house.port) as c:
        status, _, _ = c.whole("POST", SIGNALING + "HealthCheck", [
            ("Content-Type", "application/grpc")], body=frame(REQUEST))
        assert status == 415


# CORS

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def listed():
    with House(env={"WEBRTC_ORIGINS": ORIGIN}) as h:
        yield h


def preflight(port, version, path, headers):
    if version == 1:
        with H1(port) as c:
            return c.whole("OPTIONS", path, headers)
    with H2(port) as c:
        s = c.request("OPTIONS", path,
                      [(k.lower(), v) for k, v in headers])
        c.wait(lambda: s.ended)
        return s.status, s.headers, s.body


ASK = [("Access-Control-Request-Method", "POST"),
       ("Access-Control-Request-Headers", "content-type,x-grpc-web,x-any")]


@both
@pytest.mark.parametrize("path", [
    SIGNALING + "HealthCheck", WEB + "Subscribe", "/some.Service/Unknown"])
def test_a_preflight_echoes_what_is_asked(listed, version, path):
    status, head, body = preflight(listed.port, version, path,
                                   [("Origin", ORIGIN), *ASK])
    assert status == 204 and body == b""
    assert head["access-control-allow-origin"] == ORIGIN
    assert head["access-control-allow-methods"] == "POST"
    assert head["access-control-allow-headers"] == \
        "content-type,x-grpc-web,x-any"
    assert "origin" in head["vary"]
    assert "access-control-allow-credentials" not in head


@both
def test_another_origin_is_refused(listed, version):
    status, head, _ = preflight(listed.port, version, WEB + "Send",
                                [("Origin", "https://evil.example"), *ASK])
    assert status == 403
    assert "access-control-allow-origin" not in head
    status, _, _ = call(listed.port, version, SIGNALING + "HealthCheck", [
        ("Content-Type", BINARY), ("Origin", "https://evil.example")],
        frame(REQUEST))
    assert status == 403


@both
def test_an_answer_may_be_read_by_its_page(listed, version):
    head, messages, trailers = unary(
        listed.port, version, BINARY, SIGNALING + "HealthCheck", REQUEST,
        [("Origin", ORIGIN)])
    assert head["access-control-allow-origin"] == ORIGIN
    assert set(re.split(", *", head["access-control-expose-headers"])) == {
        "grpc-status", "grpc-message", "x-session"}
    assert head["vary"] == "origin"
    assert trailers["grpc-status"] == "0" and messages


# Subscribe and Send

class Sub:
    """Subscribe over HTTP/1.1, frames as they come."""

    def __init__(self, port, peer_id=None, kind=BINARY, headers=(), **more):
        self.id = peer_id or kit.name("web")
        self.kind = kind
        self.port = port
        self.c = H1(port)
        body = frame(pb.SignalingRequest(request_id="a", announce=dict(
            peer_id=self.id, capabilities=dict(audio=True), **more)
        ).SerializeToString())
        self.c.put("POST", WEB + "Subscribe",
                   [("Content-Type", kind), *headers],
                   body=encode(kind, body))
        self.status, self.headers = self.c.head()
        self.session = self.headers.get("x-session")
        self.parts = []

    def next(self):
        """The next message, or the trailers as a dict."""
        while not self.parts:
            part = self.c.chunk()
            assert part, "the stream ended without trailers"
            self.parts = frames(web.text(part) if "text" in self.kind
                                else part)
        flag, raw = self.parts.pop(0)
        if flag == 0x80:
            return block(raw)
        return pb.SignalingResponse.FromString(raw)

    def note(self, kind, good=lambda n: True):
        while True:
            r = self.next()
            if not isinstance(r, dict) and \
                    r.notification.WhichOneof("notification") == kind and \
                    good(getattr(r.notification, kind)):
                return getattr(r.notification, kind)

    def send(self, version=1, kind=None, headers=(), **request):
        """(response or None, trailers) of Send."""
        kind = kind or self.kind
        _, messages, trailers = unary(
            self.port, version, kind, WEB + "Send",
            pb.SignalingRequest(**request).SerializeToString(),
            [("x-session", self.session), *headers])
        if not messages:
            return None, trailers
        return pb.SignalingResponse.FromString(messages[0]), trailers

    def close(self):
        self.c.socket.close()


@pytest.fixture
def peer(house):
    with house.channel() as ch:
        p = Peer(ch)
        p.announce()
        yield p
        p.cancel()


@pytest.mark.parametrize("kind", [BINARY, TEXT])
def test_subscribe_announces(house, peer, kind):
    s = Sub(house.port, kind=kind, metadata={"n": "v"})
    assert s.status == 200
    assert re.fullmatch("[0-9a-f]{32}", s.session)
    ack = s.next()
    assert ack.request_id == "a"
    data = json.loads(ack.ack.data)
    assert data["x_session"] == s.session
    assert data["peer_id"] == s.id and SERVER in data["other_peers"]
    joined = peer.note("peer_joined", lambda n: n.peer_id == s.id)
    assert dict(joined.metadata) == {"n": "v"}
    # The half-close of the request meant nothing; to go away does.
    peer.acked(ice_candidate=dict(to_peer_id=s.id, candidate="c"))
    assert s.note("ice_candidate").from_peer_id == peer.id
    s.close()
    peer.note("peer_left", lambda n: n.peer_id == s.id)


@both
@pytest.mark.parametrize("kind", [BINARY, TEXT])
def test_send_is_answered_by_its_ack(house, peer, version, kind):
    s = Sub(house.port, kind=kind)
    s.next()
    r, trailers = s.send(version, request_id="9", offer=dict(
        to_peer_id=peer.id, sdp=sdp(), type="offer"))
    assert trailers == {"grpc-status": "0"}
    assert r.request_id == "9"
    got = peer.note("offer")
    assert got.from_peer_id == s.id
    assert json.loads(r.ack.data)["offer_id"] == got.offer_id
    peer.acked(answer=dict(to_peer_id=s.id, sdp=sdp("a=z\r\n")))
    assert s.note("answer").sdp == sdp("a=z\r\n")
    r, _ = s.send(version, request_id="10", list_peers={})
    assert peer.id in [p.peer_id for p in r.peer_list.peers]
    s.close()


def test_an_offer_to_the_server_by_send(house):
    s = Sub(house.port)
    s.next()
    r, _ = s.send(offer=dict(to_peer_id=SERVER, sdp=sdp()))
    data = json.loads(r.ack.data)
    assert data["answer_sent"] is True
    assert s.note("answer").from_peer_id == SERVER
    assert s.note("ice_candidate").from_peer_id == SERVER
    r, trailers = s.send(request_id="no", offer=dict(
        to_peer_id=SERVER, sdp=sdp("a=x-fake:refuse\r\n")))
    assert trailers == {"grpc-status": "0"}
    assert r.request_id == "no" and r.error.code == 3
    s.close()


def test_errors_of_send_are_messages(house):
    s = Sub(house.port)
    s.next()
    r, trailers = s.send(offer=dict(to_peer_id="nobody", sdp=sdp()))
    assert trailers == {"grpc-status": "0"} and r.error.code == 5
    r, _ = s.send()
    assert r.error.code == 3
    r, _ = s.send(announce=dict(peer_id="another"))
    assert r.HasField("error")
    s.close()


@pytest.mark.parametrize("session", [
    None, "", "0" * 32, "0" * 31, "0" * 33, "Z" * 32, "x"])
def test_an_unknown_session_is_not_found(house, session):
    headers = [("x-session", session)] if session is not None else []
    _, messages, trailers = unary(house.port, 1, BINARY, WEB + "Send", b"",
                                  headers)
    assert messages == []
    assert trailers["grpc-status"] == ("3" if session is None else "5")


def test_a_session_ends_with_its_subscribe(house, peer):
    s = Sub(house.port)
    s.next()
    s.close()
    peer.note("peer_left", lambda n: n.peer_id == s.id)
    r, trailers = s.send(list_peers={})
    assert r is None and trailers["grpc-status"] == "5"


def test_a_send_that_waits_ends_with_its_subscribe(house):
    s = Sub(house.port)
    s.next()
    with H1(house.port) as c:
        c.put("POST", WEB + "Send", [
            ("Content-Type", BINARY), ("x-session", s.session)],
            body=frame(pb.SignalingRequest(offer=dict(
                to_peer_id=SERVER, sdp=sdp("a=x-fake:silent\r\n"))
            ).SerializeToString()))
        time.sleep(0.3)
        s.close()
        status, headers = c.head()
        (flag, raw), = frames(c.body(status, headers))
        assert flag == 0x80 and block(raw)["grpc-status"] == "10"


def test_a_send_that_gives_up_harms_nobody(house):
    s = Sub(house.port)
    s.next()
    c = H1(house.port)
    c.put("POST", WEB + "Send", [
        ("Content-Type", BINARY), ("x-session", s.session)],
        body=frame(pb.SignalingRequest(offer=dict(
            to_peer_id=SERVER, sdp=sdp("a=x-fake:silent\r\n"))
        ).SerializeToString()))
    time.sleep(0.2)
    c.socket.close()
    time.sleep(0.2)
    r, _ = s.send(list_peers={})
    assert r.HasField("peer_list")
    s.close()


@pytest.mark.parametrize("request_,want", [
    (dict(announce=dict(peer_id="")), "3"),
    (dict(announce=dict(peer_id=SERVER)), "6"),
    (dict(list_peers={}), "3"), (dict(), "3")])
def test_a_subscribe_that_cannot_announce_ends(house, request_, want):
    head, messages, trailers = unary(
        house.port, 1, BINARY, WEB + "Subscribe",
        pb.SignalingRequest(**request_).SerializeToString())
    assert messages == [] and trailers["grpc-status"] == want


def test_subscribe_over_http2(house, peer):
    with H2(house.port) as c:
        peer_id = kit.name("h2web")
        s = c.post(WEB + "Subscribe", [("content-type", BINARY)],
                   frame(pb.SignalingRequest(announce=dict(
                       peer_id=peer_id)).SerializeToString()))
        c.wait(lambda: s.body)
        assert len(s.headers["x-session"]) == 32 and not s.ended
        peer.acked(ice_candidate=dict(to_peer_id=peer_id, candidate="c"))
        before = len(s.body)
        c.wait(lambda: len(s.body) > before)
        c.reset(s)
        peer.note("peer_left", lambda n: n.peer_id == peer_id)


def test_a_send_taken_back_in_one_breath_with_its_end(house):
    """Its stream is closed, but it has not heard of that when its answer
    comes: the offer that it brought is refused."""
    head = [("content-type", "application/grpc"), ("te", "trailers")]

    def ask(**request):
        return frame(pb.SignalingRequest(**request).SerializeToString())

    with H2(house.port) as c:
        s = c.post(WEB + "Subscribe", head,
                   ask(announce=dict(peer_id=kit.name("h2web"))))
        c.wait(lambda: s.body)
        head.append(("x-session", s.headers["x-session"]))
        offer = c.post(WEB + "Send", head, ask(offer=dict(
            to_peer_id=SERVER, sdp=sdp("x-fake:silent"))))
        other = c.request("POST", WEB + "Send", head, end=False)
        # Its head is read before what follows.
        kept, c._flush = c._flush, lambda: None
        c.reset(offer)
        c.send(other, ask(disconnect=dict(peer_id=SERVER)), end=True)
        c._flush = kept
        c._flush()
        c.wait(lambda: other.ended)
        assert other.trailers["grpc-status"] == "0"
        again = c.whole(WEB + "Send", head, ask(list_peers={}))
        assert again.trailers["grpc-status"] == "0"
    assert kit.health(house.channel()).status == "healthy"


def test_headers_leave_before_the_request_is_whole(house):
    """grpc-web libraries wait for them."""
    with H2(house.port) as c:
        s = c.post(WEB + "Subscribe", [("content-type", BINARY)])
        c.wait(lambda: s.headers)
        assert s.status == 200 and s.body == b""


SECRET = "0123456789abcdef0123456789abcdef-secret"


def token(subject, **more):
    import jwt
    now = int(time.time())
    return jwt.encode(dict(iss="t", aud="t", sub=subject, exp=now + 600,
                           nbf=now - 5, **more), SECRET, "HS256")


def bearer(text):
    return [("authorization", "Bearer " + text)]


def test_a_session_belongs_to_its_token():
    with House(env={"WEBRTC_AUTH_SECRET": SECRET}) as h:
        _, _, trailers = unary(h.port, 1, BINARY, WEB + "Subscribe", b"")
        assert trailers["grpc-status"] == "16"
        ann = token("ann")
        s = Sub(h.port, headers=bearer(ann))
        assert s.next().HasField("ack")
        r, _ = s.send(headers=bearer(ann), list_peers={})
        assert r.HasField("peer_list")
        r, _ = s.send(headers=bearer(token("ann", jti="2")), list_peers={})
        assert r.HasField("peer_list")
        r, trailers = s.send(headers=bearer(token("bob")), list_peers={})
        assert r is None and trailers["grpc-status"] == "7"
        r, trailers = s.send(headers=bearer("a.b.c"), list_peers={})
        assert r is None and trailers["grpc-status"] == "16"
        r, trailers = s.send(list_peers={})
        assert r is None and trailers["grpc-status"] == "16"
        s.close()


def test_a_single_use_token_sends_for_its_own_session():
    with House(env={"WEBRTC_AUTH_SECRET": SECRET,
                    "WEBRTC_AUTH_SINGLE_USE": "true"}) as h:
        once = bearer(token("ann", jti="once"))
        s = Sub(h.port, headers=once)
        assert s.next().HasField("ack")
        for _ in range(3):
            r, _ = s.send(headers=once, list_peers={})
            assert r.HasField("peer_list")
        s.close()


# grpc-websockets

def socket_call(port, path, *messages, headers="", origin=None,
                take=None):
    """[(flag, bytes)] of all messages until the server closes, its code."""
    async def body():
        got = []
        async with websockets.connect(
                f"ws://127.0.0.1:{port}{path}", origin=origin,
                subprotocols=["grpc-websockets"]) as ws:
            assert ws.subprotocol == "grpc-websockets"
            await ws.send((headers or "content-type: " + BINARY + "\r\n"
                           "x-grpc-web: 1\r\n").encode())
            for m in messages:
                await ws.send(m)
            try:
                while take is None or len(got) < take:
                    raw = await asyncio.wait_for(ws.recv(), kit.DEADLINE)
                    (part,) = frames(raw)
                    got.append(part)
            except websockets.ConnectionClosed:
                pass
        return got, ws.close_code
    return asyncio.run(body())


def test_a_unary_call_over_a_websocket(house):
    got, code = socket_call(house.port, SIGNALING + "HealthCheck",
                            b"\0" + frame(REQUEST), b"\1")
    assert [f for f, _ in got] == [0x80, 0, 0x80]
    assert block(got[0][1])["content-type"] == "application/grpc-web+proto"
    assert pb.HealthCheckResponse.FromString(got[1][1]).status == "healthy"
    assert block(got[2][1]) == {"grpc-status": "0"}
    assert code == 1000


def test_signal_over_a_websocket(house, peer):
    peer_id = kit.name("wsgrpc")

    async def body():
        async with websockets.connect(
                f"ws://127.0.0.1:{house.port}{SIGNALING}Signal",
                subprotocols=["grpc-websockets"]) as ws:
            async def put(**request):
                raw = frame(pb.SignalingRequest(**request)
                            .SerializeToString())
                # in two WebSocket messages: frames are a stream of bytes
                await ws.send(b"\0" + raw[:3])
                await ws.send(b"\0" + raw[3:])

            async def get():
                (part,) = frames(await asyncio.wait_for(ws.recv(),
                                                        kit.DEADLINE))
                return part
            await ws.send(b"x-grpc-web: 1\r\n")
            assert (await get())[0] == 0x80
            await put(request_id="1", announce=dict(peer_id=peer_id))
            r = pb.SignalingResponse.FromString((await get())[1])
            assert r.request_id == "1" and r.HasField("ack")
            await put(request_id="2", offer=dict(to_peer_id=peer.id,
                                                 sdp=sdp()))
            r = pb.SignalingResponse.FromString((await get())[1])
            assert r.request_id == "2" and r.HasField("ack")
            await put(request_id="3", offer=dict(to_peer_id="no",
                                                 sdp=sdp()))
            r = pb.SignalingResponse.FromString((await get())[1])
            assert r.error.code == 5
            await ws.send(b"\1")
            flag, raw = await get()
            assert flag == 0x80 and block(raw)["grpc-status"] == "0"
            await ws.wait_closed()
            assert ws.close_code == 1000
    asyncio.run(body())
    assert peer.note("offer").from_peer_id == peer_id
    peer.note("peer_left", lambda n: n.peer_id == peer_id)


@pytest.mark.parametrize("messages,want", [
    ((b"\0" + b"\2\0\0\0\0",), "13"), ((b"\2",), "13"), ((b"\1x",), "13"),
    ((b"\0" + b"\1\0\0\0\0",), "12"), ((b"\0\0\0\0", b"\1"), "13"),
    ((b"\1",), "13")])
def test_bad_socket_messages_have_a_status(house, messages, want):
    got, code = socket_call(house.port, SIGNALING + "HealthCheck", *messages)
    assert block(got[-1][1])["grpc-status"] == want and code == 1000


def test_an_unknown_method_over_a_websocket(house):
    got, code = socket_call(house.port, "/a.B/C", b"\1")
    assert block(got[-1][1])["grpc-status"] == "12" and code == 1000


def test_a_bad_block_of_headers_closes(house):
    got, code = socket_call(house.port, SIGNALING + "Signal",
                            headers="no header")
    assert got == [] and code == 1008


def test_a_token_in_the_block_of_headers():
    with House(env={"WEBRTC_AUTH_SECRET": SECRET}) as h:
        path = SIGNALING + "Signal"
        got, _ = socket_call(h.port, path, headers="x: y\r\n")
        assert block(got[-1][1])["grpc-status"] == "16"
        got, _ = socket_call(
            h.port, path, b"\0" + frame(pb.SignalingRequest(
                announce=dict(peer_id="w")).SerializeToString()), take=2,
            headers=f"Authorization: Bearer {token('ann')}\r\n")
        assert pb.SignalingResponse.FromString(got[1][1]).HasField("ack")


def test_a_page_of_another_origin_gets_no_socket(listed):
    with pytest.raises(websockets.InvalidStatusCode) as error:
        socket_call(listed.port, SIGNALING + "Signal",
                    origin="https://evil.example")
    assert error.value.status_code == 403
    got, _ = socket_call(listed.port, SIGNALING + "HealthCheck",
                         b"\0" + frame(REQUEST), b"\1", origin=ORIGIN)
    assert block(got[-1][1])["grpc-status"] == "0"
