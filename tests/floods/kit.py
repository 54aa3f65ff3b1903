"""What the floods share: a server, lines to it that read only when they are
asked to, a healthy client in a process of its own, and what was measured.

Everything runs in a network namespace of its own (see `run`), where all of
198.51.100.0/24 is ours: a line from there is a stranger to the server, one
from 127.0.0.1 is a program of the same machine.
"""

import asyncio
import importlib.util
import json
import multiprocessing
import os
import pathlib
import re
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "h2"))

import wire  # noqa: E402

_spec = importlib.util.spec_from_file_location(
    "system_conftest", ROOT / "tests" / "system" / "conftest.py")
_system = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_system)
Server = _system.Server

HERE = "198.51.100.1"    # the server, for strangers
PATIENCE_S = 20.0

UPGRADE = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def stranger(n):
    return f"198.51.100.{n}"


def certificate(folder):
    """cert.pem and key.pem."""
    cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return cert, key


def anyone(alpn=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def ws_frame(op, payload=b"", fin=True, claim=None):
    """A client's frame, masked with zeros. claim: the length it pretends."""
    payload = payload.encode() if isinstance(payload, str) else payload
    n = len(payload) if claim is None else claim
    head = bytes([(0x80 if fin else 0) | op])
    if n < 126:
        head += bytes([0x80 | n])
    elif n < 65536:
        head += b"\xfe" + struct.pack(">H", n)
    else:
        head += b"\xff" + struct.pack(">Q", n)
    return head + b"\0\0\0\0" + payload


def rpc(method, number=1, **params):
    return ws_frame(1, json.dumps({"jsonrpc": "2.0", "id": number,
                                   "method": method, "params": params}))


class Line:
    """One connection. What it is sent waits in small buffers until read()."""

    @classmethod
    async def open(cls, port, tls=False, host="127.0.0.1", source=None,
                   rcvbuf=None, alpn=None):
        sock = socket.socket()
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        if source:
            sock.bind((source, 0))
        sock.setblocking(False)
        self = cls()
        try:
            await asyncio.get_running_loop().sock_connect(sock, (host, port))
            self.reader, self.writer = await asyncio.open_connection(
                sock=sock, ssl=anyone(alpn) if tls else None,
                server_hostname="localhost" if tls else None, limit=1024)
        except BaseException:
            sock.close()
            raise
        self.writer.transport.set_write_buffer_limits(65536)
        self.inbox = b""
        return self

    @classmethod
    async def websocket(cls, port, **more):
        self = await cls.open(port, **more)
        await self.send(UPGRADE)
        answer = await self.until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return self

    async def send(self, data, seconds=PATIENCE_S):
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), seconds)

    async def push(self, data, seconds=0.2):
        """Sends as long as the other side takes it: False, it does not."""
        try:
            await self.send(data, seconds)
            return True
        except asyncio.TimeoutError:
            return False

    async def fill(self, seconds=PATIENCE_S):
        """More of what came; False at its end."""
        try:
            more = await asyncio.wait_for(self.reader.read(65536), seconds)
        except (ConnectionError, ssl.SSLError):
            more = b""
        self.inbox += more
        return bool(more)

    def wide(self):
        """From now on it reads fast."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.writer.transport.set_write_buffer_limits(1 << 24)

    async def until(self, mark):
        while mark not in self.inbox:
            assert await self.fill(), f"closed before {mark}"
        at = self.inbox.index(mark) + len(mark)
        got, self.inbox = self.inbox[:at], self.inbox[at:]
        return got

    async def exactly(self, n):
        while len(self.inbox) < n:
            if not await self.fill():
                raise EOFError()
        got, self.inbox = self.inbox[:n], self.inbox[n:]
        return got

    async def frame(self):
        """(opcode, payload) of a WebSocket; EOFError at the end."""
        op, n = await self.exactly(2)
        if n == 126:
            n = int.from_bytes(await self.exactly(2), "big")
        elif n == 127:
            n = int.from_bytes(await self.exactly(8), "big")
        return op & 15, await self.exactly(n)

    async def answer(self, number):
        """The JSON of that id; others are passed over."""
        while True:
            op, payload = await self.frame()
            if op == 1:
                got = json.loads(payload)
                if got.get("id") == number:
                    return got

    async def code(self):
        """The code of its close frame, or None."""
        try:
            while True:
                op, payload = await self.frame()
                if op == 8:
                    return int.from_bytes(payload[:2], "big")
        except EOFError:
            return None

    async def rest(self, seconds=PATIENCE_S):
        """All that still comes, to the end."""
        end = time.monotonic() + seconds
        while await self.fill(max(0.01, end - time.monotonic())):
            pass
        return self.inbox

    def drop(self):
        self.writer.transport.abort()


async def get(port, path, **more):
    line = await Line.open(port, **more)
    await line.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n"
                    "Connection: close\r\n\r\n".encode())
    page = await line.rest()
    line.drop()
    return page.decode()


async def metrics(port, **more):
    """{"name{labels}": value}, without the project's prefix."""
    page = await get(port, "/metrics", **more)
    assert page.startswith("HTTP/1.1 200 "), page[:200]
    return {m[1]: float(m[2]) for m in re.finditer(
        r"^remotemedia_(\S+) (\S+)$", page, re.M)}


# gRPC by hand: fields of protobuf, frames of gRPC.

def pb(number, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def pb_read(data):
    """[(number, value)]"""
    out, at = [], 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            b = data[at]
            at += 1
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return n
    while at < len(data):
        key = number()
        n = number()
        if key & 7 == 2:
            out.append((key >> 3, data[at:at + n]))
            at += n
        else:
            assert key & 7 == 0
            out.append((key >> 3, n))
    return out


def grpc_frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def grpc_head(stream, path):
    return wire.post(stream, ("content-type", "application/grpc"),
                     ("te", "trailers"), path=path)


SIGNALING = "/remotemedia.v1.webrtc.WebRtcSignaling/"
WEB = "/remotemedia.v1.webrtc.WebRtcSignalingWeb/"


def announce(name):
    return grpc_frame(pb(1, "announce") + pb(10, pb(1, name)))


class Grpc:
    """HTTP/2 by hand, blocking: what is not read waits in the socket."""

    def __init__(self, port, tls=False, own=()):
        scheme = "https" if tls else "http"
        self.c = wire.Conn(wire.Target(f"{scheme}://127.0.0.1:{port}"),
                           own=own)
        self.data, self.trailers, self.resets = {}, {}, {}

    def send(self, *frames):
        self.c.send(*frames)

    def step(self, seconds=PATIENCE_S):
        """Takes in one frame. wire.Closed at the end."""
        kind, flags, stream, payload = self.c.recv(seconds)
        if kind == wire.DATA:
            self.data[stream] = self.data.get(stream, b"") + payload
        elif kind == wire.HEADERS:
            got = self.c.headers(flags, payload, stream)
            if flags & wire.END_STREAM:
                self.trailers[stream] = got
        elif kind == wire.RST_STREAM:
            self.resets[stream] = struct.unpack(">I", payload)[0]
        elif kind == wire.GOAWAY:
            raise wire.Closed()
        return kind, stream

    def messages(self, stream):
        """Takes whole messages of a stream."""
        out, data = [], self.data.get(stream, b"")
        while len(data) >= 5:
            n = int.from_bytes(data[1:5], "big")
            if len(data) < 5 + n:
                break
            out.append(data[5:5 + n])
            data = data[5 + n:]
        self.data[stream] = data
        return out

    def unary(self, stream, path, message=b""):
        """(grpc-status, the answer)"""
        self.send(grpc_head(stream, path),
                  wire.frame(wire.DATA, wire.END_STREAM, stream,
                             grpc_frame(message)))
        while stream not in self.trailers:
            self.step()
            assert stream not in self.resets, self.resets
        got = self.messages(stream)
        return self.trailers.pop(stream)["grpc-status"], got

    def close(self):
        self.c.close()


# The client that behaves.

def _beat(what, seen, stop):
    while not stop.is_set():
        start = time.monotonic()
        try:
            what()
        except Exception as error:
            seen.append((start, f"{type(error).__name__} {error}"))
            return
        seen.append((start, (time.monotonic() - start) * 1000))
        stop.wait(0.01)


def _rpc_beat(port):
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(UPGRADE)
    inbox = b""
    while b"\r\n\r\n" not in inbox:
        inbox += sock.recv(4096)
    stream = sock.makefile("rb")
    number = 0

    def beat():
        nonlocal number
        number += 1
        sock.sendall(rpc("server.info", number))
        while True:
            op, n = stream.read(2)
            if n == 126:
                n = int.from_bytes(stream.read(2), "big")
            elif n == 127:
                n = int.from_bytes(stream.read(8), "big")
            payload = stream.read(n)
            if op == 0x89:
                sock.sendall(ws_frame(10, payload))
                continue
            got = json.loads(payload)
            assert got["id"] == number and "result" in got, payload
            return
    return beat


def _grpc_beat(port, tls):
    line = Grpc(port, tls)
    line.send(wire.window(0, 0x7fffffff - 65535))
    stream = -1

    def beat():
        nonlocal stream
        stream += 2
        status, got = line.unary(stream, SIGNALING + "HealthCheck")
        assert status == "0" and len(got) == 1, (status, got)
    return beat


def _healthy(pipe, port, tls_port):
    seen, stop = {"rpc": [], "grpc": []}, threading.Event()
    beats = {"rpc": _rpc_beat(port), "grpc": _grpc_beat(tls_port, True)}
    threads = [threading.Thread(target=_beat, args=(beats[k], seen[k], stop))
               for k in seen]
    for thread in threads:
        thread.start()
    while True:
        ask = pipe.recv()
        if ask is None:
            break
        pipe.send({k: [v for at, v in list(seen[k])
                       if ask[0] <= at <= ask[1] or isinstance(v, str)]
                   for k in seen})
    stop.set()
    for thread in threads:
        thread.join()


class Healthy:
    """JSON-RPC by a WebSocket and gRPC by TLS, each 10 ms after the other's
    last answer."""

    def __init__(self, port, tls_port):
        mp = multiprocessing.get_context("fork")
        self.pipe, far = mp.Pipe()
        self.process = mp.Process(target=_healthy, daemon=True,
                                  args=(far, port, tls_port))
        self.process.start()

    def between(self, start, end):
        """{"rpc": [ms], "grpc": [ms]}; asserts that nothing was lost."""
        self.pipe.send((start, end))
        assert self.pipe.poll(PATIENCE_S), "the healthy client hangs"
        got = self.pipe.recv()
        for kind, trips in got.items():
            lost = [t for t in trips if isinstance(t, str)]
            assert not lost, f"the healthy {kind} client lost: {lost}"
            assert trips, f"the healthy {kind} client has no answer"
        return got

    def stop(self):
        self.pipe.send(None)
        self.process.join(2 * PATIENCE_S)


class Memory:
    """Samples of a process' resident size."""

    def __init__(self, pid):
        self.pid, self.seen, self.stop = pid, [], threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while not self.stop.is_set():
            try:
                self.seen.append((time.monotonic(), wire.rss_kb(self.pid)))
            except (OSError, AssertionError):
                return
            self.stop.wait(0.02)

    def most(self, start, end):
        return max([kb for at, kb in list(self.seen) if start <= at <= end],
                   default=wire.rss_kb(self.pid))


def median(trips):
    return statistics.median(trips)
