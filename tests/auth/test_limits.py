"""Each limit of signaling is a setting that has an effect."""

import asyncio
import json
import re
import socket
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
import websockets
from conftest import ROOT

from peer import SERVER, RpcError, Signaling, run

PORT = 18091


async def closed(socket_, seconds=8):
    """The code that the server closes with, and after how long."""
    start = time.monotonic()
    with pytest.raises(websockets.ConnectionClosed):
        while True:
            await asyncio.wait_for(socket_.recv(), seconds)
    return socket_.close_code, time.monotonic() - start


async def call(socket_, method, **params):
    await socket_.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    while True:
        answer = json.loads(await asyncio.wait_for(socket_.recv(), 5))
        if "id" in answer:
            return answer


def test_message_bytes(server):
    url = server(WEBRTC_MAX_MESSAGE_BYTES=4096).url

    async def body():
        socket_ = await websockets.connect(url)
        assert "result" in await call(socket_, "list_peers", pad="x" * 3900)
        await socket_.send("x" * 4097)
        assert (await closed(socket_))[0] == 1009
    run(body())


def test_announce_timeout(server):
    url = server(WEBRTC_ANNOUNCE_TIMEOUT_S=1).url

    async def body():
        code, after = await closed(await websockets.connect(url))
        assert code == 1008 and 0.5 < after < 5
    run(body())


def test_ping_interval(server):
    url = server(WEBRTC_PING_INTERVAL_S=1).url
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    with socket.create_connection(("127.0.0.1", PORT), 10) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        text = b'{"jsonrpc":"2.0","id":1,"method":"list_peers"}'
        raw.sendall(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
        seen, end = b"", time.monotonic() + 10
        while time.monotonic() < end:
            got = raw.recv(4096)
            seen += got
            if not got:
                break
        else:
            raise AssertionError("who never answers a ping is kept")
        assert seen.count(b"\x89\x00") >= 2, "two pings were sent"
    assert url


def test_head_timeout(server):
    server(WEBRTC_HEAD_TIMEOUT_S=1)
    with socket.create_connection(("127.0.0.1", PORT), 10) as raw:
        start = time.monotonic()
        raw.sendall(b"GET / HTTP/1.1\r\n")
        assert b" 408 " in raw.recv(4096)
        assert time.monotonic() - start < 4.5, "less than the usual 5 s"


def test_tls_timeout(server, certificate):
    server(WEBRTC_SIGNALING_URL=f"wss://0.0.0.0:{PORT}", WEBRTC_TLS_CERT=certificate.cert,
           WEBRTC_TLS_KEY=certificate.key, WEBRTC_TLS_TIMEOUT_S=1)
    with socket.create_connection(("127.0.0.1", PORT), 10) as raw:
        start = time.monotonic()
        raw.sendall(b"\x16\x03\x01")
        assert raw.recv(100) == b""
        assert time.monotonic() - start < 4.5


def test_message_and_offer_rate(server):
    url = server(WEBRTC_MESSAGE_RATE=5, WEBRTC_OFFER_RATE=1).url

    async def body():
        socket_ = await websockets.connect(url)
        codes = [(await call(socket_, "list_peers")).get("error", {}).get("code") for _ in range(13)]
        assert codes[:10] == [None] * 10 and codes[-1] == -32022, codes
        await socket_.close()
        socket_ = await websockets.connect(url)
        await call(socket_, "announce", peer_id="a")
        other = await websockets.connect(url)
        await call(other, "announce", peer_id="b")
        codes = [(await call(socket_, "offer", to_peer_id="b", sdp="v=0\r\n")).get("error", {}).get("code")
                 for _ in range(4)]
        assert -32022 in codes[2:] and -32022 not in codes[:2], codes
        await socket_.close()
        await other.close()
    run(body())


def test_resume_time(server):
    url = server(WEBRTC_RESUME_S=1).url

    async def body():
        watcher = await Signaling(url).open()
        lost = await websockets.connect(url)
        await call(lost, "announce", peer_id="lost")
        lost.transport.abort()
        start = time.monotonic()
        while not any(m == "peer_left" and p["peer_id"] == "lost" for m, p in watcher.notes):
            assert time.monotonic() - start < 10
            await asyncio.sleep(0.05)
        assert time.monotonic() - start > 0.5, "it was held"
        await watcher.close()
    run(body())


def test_candidates(server):
    url = server(WEBRTC_MAX_CANDIDATES=2).url

    async def body():
        signaling = await Signaling(url).open()
        codes = []
        for i in range(4):
            try:
                await signaling.request(
                    "ice_candidate", to_peer_id=SERVER, sdp_mid="0", sdp_mline_index=0,
                    candidate=f"candidate:1 1 udp 2130706431 127.0.0.1 {5000 + i} typ host")
                codes.append(None)
            except RpcError as error:
                codes.append(error.code)
        assert codes[0] is None and codes[-1] == -32026, codes
        await signaling.close()
    run(body())


def h2_settings(port):
    """The last value of each of the server's settings."""
    conn = h2.connection.H2Connection(h2.config.H2Configuration())
    conn.initiate_connection()
    seen = {}
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(conn.data_to_send())
        raw.settimeout(1)
        try:
            while True:
                got = raw.recv(65536)
                if not got:
                    break
                for event in conn.receive_data(got):
                    if isinstance(event, h2.events.RemoteSettingsChanged):
                        seen.update({k: v.new_value for k, v in event.changed_settings.items()})
                raw.sendall(conn.data_to_send())
        except socket.timeout:
            pass
    return seen


def test_streams(server):
    server(WEBRTC_MAX_STREAMS=7)
    assert h2_settings(PORT)[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] == 7
    server(18092)
    assert h2_settings(18092)[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] == 100


def test_connections_of_one_address(server):
    server(WEBRTC_MAX_PER_SOURCE=3, WEBRTC_CONNECT_RATE=1000, WEBRTC_LOG="error")
    opened = []
    for _ in range(5):
        raw = socket.create_connection(("127.0.0.1", PORT), 10)
        raw.settimeout(2)
        opened.append(raw)
    alive = 0
    for raw in opened:
        try:
            raw.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
            alive += raw.recv(100).startswith(b"HTTP/1.1")
        except OSError:
            pass
    assert alive == 3
    for raw in opened:
        raw.close()


def test_queue_of_a_client_that_does_not_read(server):
    url = server(WEBRTC_MAX_QUEUE_MESSAGES=16, WEBRTC_MAX_QUEUE_BYTES=131072, WEBRTC_OFFER_RATE=10000,
                 WEBRTC_MESSAGE_RATE=10000).url

    async def body():
        sender = await websockets.connect(url)
        await call(sender, "announce", peer_id="a")
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", PORT))
        raw.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        text = b'{"jsonrpc":"2.0","id":1,"method":"announce","params":{"peer_id":"b"}}'
        raw.sendall(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
        await asyncio.sleep(0.3)
        refused = None
        for i in range(400):
            answer = await call(sender, "offer", to_peer_id="b", sdp="v=0\r\n" + "a=x:" + "y" * 20000 + "\r\n")
            refused = answer.get("error", {}).get("code")
            if refused:
                break
        assert refused in (-32021, -32000), answer
        assert i < 300, "what the kernel and 128 KiB hold is less than 6 MB"
        raw.close()
        await sender.close()
    run(body())


def upgraded():
    """A WebSocket by hand."""
    raw = socket.create_connection(("127.0.0.1", PORT), 10)
    raw.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    seen = b""
    while not seen.endswith(b"\r\n\r\n"):
        seen += raw.recv(1)
    return raw


def http(text, until_closed=False):
    """The answer to bytes of a request, as far as it comes at once."""
    with socket.create_connection(("127.0.0.1", PORT), 10) as raw:
        raw.sendall(text)
        seen = raw.recv(65536)
        while until_closed:
            got = raw.recv(65536)
            if not got:
                break
            seen += got
        return seen


def test_heads_and_bodies(server):
    server(WEBRTC_MAX_HEAD_BYTES=1024, WEBRTC_MAX_HEADERS=16, WEBRTC_MAX_BODY_BYTES=65536)
    head = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"

    def of(size):
        return head + b"x: " + b"y" * (size - len(head) - 7) + b"\r\n\r\n"
    assert len(of(1024)) == 1024
    assert b" 200 " in http(of(1024))
    assert b" 431 " in http(of(1025))
    assert b" 431 " in http(of(1025)[:1024]), "no end of it is waited for"
    assert b" 200 " in http(head + b"x: y\r\n" * 15 + b"\r\n")
    assert b" 431 " in http(head + b"x: y\r\n" * 16 + b"\r\n")
    post = b"POST /no-such-path HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    assert b" 413 " in http(post % 65537)
    assert b" 413 " not in http(post % 65536 + b"x" * 65536)


def test_times_of_http(server):
    server(WEBRTC_BODY_TIMEOUT_S=1, WEBRTC_HTTP_IDLE_S=1)
    start = time.monotonic()
    assert b" 408 " in http(b"POST /remotemedia.v1.webrtc.WebRtcSignaling/GetPeers HTTP/1.1\r\nHost: a\r\n"
                            b"Content-Type: application/grpc-web\r\nContent-Length: 5\r\n\r\n", True)
    assert b" 200 " in http(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", True), "and then it is closed"
    assert time.monotonic() - start < 12, "less than one of the usual 30 s and 15 s"


def test_stalled(server):
    url = server(WEBRTC_STALL_TIMEOUT_S=1, WEBRTC_OFFER_RATE=10000, WEBRTC_MESSAGE_RATE=10000,
                 WEBRTC_MAX_QUEUE_BYTES=67108864, WEBRTC_MAX_QUEUE_MESSAGES=65536, WEBRTC_CONNECT_RATE=1000).url

    def dropped():
        text = http(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", True).decode()
        return int(re.search(r"^\S*slow\S* (\d+)$", text, re.M)[1])

    async def body():
        sender = await websockets.connect(url)
        await call(sender, "announce", peer_id="a")
        raw = upgraded()
        text = b'{"jsonrpc":"2.0","id":1,"method":"announce","params":{"peer_id":"b"}}'
        raw.sendall(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
        assert raw.recv(10)
        assert dropped() == 0
        start = time.monotonic()
        for _ in range(400):
            await call(sender, "offer", to_peer_id="b", sdp="v=0\r\n" + "a=x:" + "y" * 20000 + "\r\n")
        while not dropped():
            assert time.monotonic() - start < 20, "less than the usual 30 s"
            await asyncio.sleep(0.2)
        raw.close()
        await sender.close()
    run(body())


def test_fragments(server):
    server(WEBRTC_MAX_FRAGMENTS=2)
    with upgraded() as raw:
        text = b'{"jsonrpc":"2.0","id":1,"method":"list_peers"}'
        raw.sendall(b"\x01\x81\0\0\0\0{" + b"\x80" + bytes([0x80 | len(text) - 1]) + b"\0\0\0\0" + text[1:])
        assert b'"result"' in raw.recv(4096), "two"
        raw.sendall(b"\x01\x81\0\0\0\0{" + b"\x00\x81\0\0\0\0 " * 2)
        assert raw.recv(4096)[2:4] == (1009).to_bytes(2, "big"), "three"


def test_ping_misses(server):
    server(WEBRTC_PING_INTERVAL_S=1, WEBRTC_PING_MISSES=1)
    with upgraded() as raw:
        text = b'{"jsonrpc":"2.0","id":1,"method":"list_peers"}'
        raw.sendall(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
        raw.settimeout(10)
        seen = b""
        while got := raw.recv(4096):
            seen += got
        assert seen.count(b"\x89\x00") == 1, "one ping, then the end"


def test_json_sdp_batch_and_breaches(server):
    url = server(WEBRTC_MAX_JSON_DEPTH=4, WEBRTC_MAX_JSON_MEMBERS=16, WEBRTC_MAX_JSON_STRING_BYTES=5000,
                 WEBRTC_MAX_BATCH=2, WEBRTC_MAX_SDP_BYTES=4096, WEBRTC_MAX_SDP_LINES=64,
                 WEBRTC_MAX_BREACHES=1, WEBRTC_MESSAGE_RATE=10).url

    async def said(socket_, text):
        await socket_.send(text)
        return json.loads(await asyncio.wait_for(socket_.recv(), 5))

    async def body():
        socket_ = await websockets.connect(url)
        for params, reason in (({"a": {"b": {"c": {}}}}, "nested deeper than 4"),
                               ({"a": list(range(17))}, "more than 16 members"),
                               ({"a": "x" * 5001}, "a string over 5000 bytes")):
            error = (await call(socket_, "list_peers", **params))["error"]
            assert (error["code"], error["data"]["reason"]) == (-32024, reason), error
        assert "result" in await call(socket_, "list_peers", a={"b": {}}, c=list(range(16)), d="x" * 4990)
        one = '{"jsonrpc":"2.0","id":1,"method":"list_peers"}'
        assert len(await said(socket_, f"[{one},{one}]")) == 2
        error = (await said(socket_, f"[{one},{one},{one}]"))["error"]
        assert (error["code"], error["data"]["reason"]) == (-32600, "a batch of more than 2")
        await socket_.close()

        socket_ = await websockets.connect(url)
        await call(socket_, "announce", peer_id="a")
        for sdp, code in (("x" * 4097, -32002), ("x\r\n" * 65, -32002), ("x\r\n" * 64, None)):
            answer = await call(socket_, "offer", to_peer_id="a", sdp=sdp)
            assert answer.get("error", {}).get("code") == code, answer
        for _ in range(60):
            await socket_.send(one)
        assert (await closed(socket_))[0] == 1008, "the second breach closes"
    run(body())


def test_http2(server):
    server(WEBRTC_MAX_H2_HEADER_BYTES=4096, WEBRTC_H2_RESET_RATE=1, WEBRTC_MAX_CONTINUATIONS=1)
    assert h2_settings(PORT)[h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE] == 4096

    def ends(rounds):
        """Whether these requests, taken back, are too many."""
        conn = h2.connection.H2Connection(h2.config.H2Configuration())
        conn.initiate_connection()
        for i in range(rounds):
            conn.send_headers(1 + 2 * i, [(":method", "GET"), (":scheme", "http"), (":authority", "a"),
                                          (":path", "/")])
            conn.reset_stream(1 + 2 * i, 8)
        conn.ping(b"12345678")
        with socket.create_connection(("127.0.0.1", PORT), 10) as raw:
            raw.sendall(conn.data_to_send())
            while got := raw.recv(65536):
                for event in conn.receive_data(got):
                    if isinstance(event, h2.events.ConnectionTerminated):
                        return event.error_code
                    if isinstance(event, h2.events.PingAckReceived):
                        return None
    assert ends(5) is None and ends(6) == 11

    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    flood = preface + b"\0\0\1\1\0\0\0\0\1\x82" + b"\0\0\1\x09\0\0\0\0\1\x86" * 2
    seen = http(flood, True)
    assert b"CONTINUATION" in seen or b"\0\0\0\x0b" in seen, seen


def test_whip(server):
    server(WEBRTC_WHIP_SOURCE_REQUESTS=1, WEBRTC_WHIP_BODY_TIMEOUT_S=1, WEBRTC_MAX_SDP_BYTES=4096,
           WEBRTC_MAX_SDP_LINES=64)
    post = b"POST /whip/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n"
    assert b" 413 " in http(post % 4097)
    seen = http(post % 195 + b"x\r\n" * 65)
    assert b" 400 " in seen and b"too many lines" in seen
    with socket.create_connection(("127.0.0.1", PORT), 10) as first:
        first.sendall(post % 100)
        time.sleep(0.2)
        assert b" 429 " in http(post % 100)
        start = time.monotonic()
        assert b" 408 " in first.recv(4096)
        assert time.monotonic() - start < 8, "less than the usual 10 s"


def test_the_readme_has_each_setting_with_its_default():
    text = subprocess.run([ROOT / "scripts" / "webrtc_server", "--help"], capture_output=True, text=True).stdout
    readme = (ROOT / "README.md").read_text()
    for name, default in re.findall(r"--[a-z-]+, (\w+)[^\n]*\n[^\n]*\n      allowed: [^\n]*?(?:; default: (\S+))?\n", text):
        row = next((l for l in readme.splitlines() if l.startswith("|") and f"`{name}`" in l), None)
        assert row, f"README.md has no row for {name}"
        if default and not default.startswith("./"):
            assert default in row, f"README.md: {name} has the default {default}: {row}"
