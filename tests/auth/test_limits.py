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


def test_the_readme_has_each_setting_with_its_default():
    text = subprocess.run([ROOT / "scripts" / "webrtc_server", "--help"], capture_output=True, text=True).stdout
    readme = (ROOT / "README.md").read_text()
    for name, default in re.findall(r"--[a-z-]+, (\w+)[^\n]*\n[^\n]*\n      allowed: [^\n]*?(?:; default: (\S+))?\n", text):
        row = next((l for l in readme.splitlines() if l.startswith("|") and f"`{name}`" in l), None)
        assert row, f"README.md has no row for {name}"
        if default and not default.startswith("./"):
            assert default in row, f"README.md: {name} has the default {default}: {row}"
