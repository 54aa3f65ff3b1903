"""HTTP/2 by hand: frames, literal header fields and one connection.

Nothing here refuses to send what HTTP/2 forbids; that is what it is for.
"""

import os
import socket
import ssl
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY,
 WINDOW_UPDATE, CONTINUATION) = range(10)

END_STREAM, END_HEADERS, PADDED, PRIO = 0x1, 0x4, 0x8, 0x20
ACK = 0x1

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR,
 SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL,
 COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM,
 INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)

ERRORS = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR",
          "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
          "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL",
          "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
          "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, \
    MAX_HEADER_LIST = range(1, 7)
ENABLE_CONNECT, NO_PRIORITIES = 8, 9

DEADLINE = 20.0


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    n = len(payload) if length is None else length
    return (struct.pack(">I", n)[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def settings(*pairs, flags=0, stream=0):
    return frame(SETTINGS, flags, stream,
                 b"".join(struct.pack(">HI", k, v) for k, v in pairs))


def window(stream, n):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", n))


def rst(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(payload=b"12345678", flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def goaway(code=NO_ERROR, last=0, debug=b"", stream=0):
    return frame(GOAWAY, 0, stream, struct.pack(">II", last, code) + debug)


def priority(stream, depends=0, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends, weight))


def integer(value, bits, first=0):
    """RFC 7541 section 5.1."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out = bytearray([first | top])
    value -= top
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def text(s):
    s = s.encode("latin-1") if isinstance(s, str) else s
    return integer(len(s), 7) + s


def field(name, value):
    """A literal field that leaves the tables alone."""
    return b"\x00" + text(name) + text(value)


def indexed_field(name, value):
    """A literal field that goes into the dynamic table."""
    return b"\x40" + text(name) + text(value)


def block(*fields):
    return b"".join(field(n, v) for n, v in fields)


def request(path="/healthz", method="GET", authority="test", extra=(),
            scheme="http"):
    return block((":method", method), (":scheme", scheme), (":path", path),
                 (":authority", authority), *extra)


def get(stream, path="/healthz", flags=END_STREAM | END_HEADERS, **more):
    return frame(HEADERS, flags, stream, request(path, **more))


def post(stream, *extra, path="/nothing-here"):
    """The head of a request whose body follows."""
    return frame(HEADERS, END_HEADERS, stream,
                 request(path, "POST", extra=extra))


class Closed(Exception):
    pass


class Conn:
    """One connection; `settled` when preface and settings went both ways."""

    def __init__(self, target, start=True, own=()):
        self.tls = target.tls
        self.inbox = b""
        self.decoder = hpack.Decoder()
        self.decoder.max_allowed_table_size = 1 << 20
        raw = socket.create_connection((target.host, target.port), DEADLINE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(raw, server_hostname="localhost")
        else:
            self.sock = raw
        self.server_settings = None
        self.statuses = {}
        if start:
            self.send(PREFACE + settings(*own))
            self.settle()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, *frames):
        try:
            self.sock.sendall(b"".join(frames))
        except OSError:
            pass    # what the server said before is still to be read

    def _fill(self, n, until):
        while len(self.inbox) < n:
            left = until - time.monotonic()
            if left <= 0:
                raise AssertionError("no answer within the deadline")
            self.sock.settimeout(left)
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                raise AssertionError("no answer within the deadline")
            except OSError:
                more = b""
            if not more:
                raise Closed()
            self.inbox += more

    def recv(self, seconds=DEADLINE):
        """(type, flags, stream, payload)"""
        until = time.monotonic() + seconds
        self._fill(9, until)
        n = int.from_bytes(self.inbox[:3], "big")
        assert n <= 16384, "a frame larger than was allowed"
        self._fill(9 + n, until)
        head, payload = self.inbox[:9], self.inbox[9:9 + n]
        self.inbox = self.inbox[9 + n:]
        return (head[3], head[4],
                int.from_bytes(head[5:9], "big") & 0x7fffffff, payload)

    def settle(self):
        kind, flags, stream, payload = self.recv()
        assert (kind, flags & ACK, stream) == (SETTINGS, 0, 0), \
            "the server does not begin with SETTINGS"
        self.server_settings = dict(struct.iter_unpack(">HI", payload))
        self.send(settings(flags=ACK))
        while True:
            kind, flags, stream, payload = self.recv()
            if kind == SETTINGS and flags & ACK:
                return

    def headers(self, flags, payload, stream=0):
        if flags & PADDED:
            payload = payload[1:len(payload) - payload[0]]
        assert flags & END_HEADERS
        got = dict(self.decoder.decode(payload))
        if ":status" in got:
            self.statuses[stream] = int(got[":status"])
        return got

    def outcome(self, stream=1):
        """How a case ended: what the server says of that stream or of the
        connection, whichever is first."""
        while True:
            try:
                kind, flags, on, payload = self.recv()
            except Closed:
                return ("closed",)
            if kind == GOAWAY:
                return ("goaway", struct.unpack(">II", payload[:8])[1])
            if kind == RST_STREAM and on == stream:
                return ("rst", struct.unpack(">I", payload)[0])
            if kind == PING and flags & ACK and payload == b"\0fence\0\0":
                return ("alive",)
            if kind == HEADERS:
                self.headers(flags, payload, on)
            if on != stream:
                continue
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                return ("status", self.statuses.get(stream))

    def fence(self):
        self.send(ping(b"\0fence\0\0"))

    def alive(self):
        """Nothing is said but the answer to a PING."""
        self.fence()
        return self.outcome(stream=-1)

    def wait_closed(self):
        try:
            while True:
                self.recv()
        except Closed:
            return True


class Target:
    def __init__(self, url):
        scheme, rest = url.split("://")
        self.tls = scheme == "https"
        host, port = rest.rstrip("/").rsplit(":", 1)
        self.host, self.port = host, int(port)
        self.name = "h2" if self.tls else "h2c"


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def signaling_pid(run_dir):
    """The process called signaling of the server in run_dir, by its parent
    (the server's pid) or by what its command line names."""
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open(f"/proc/{pid}/comm") as f:
                comm = f.read().strip()
            if comm == "signaling" and parents(pid, run_dir):
                return int(pid)
        except OSError:
            continue
    raise AssertionError("no signaling process")


def parents(pid, ancestor):
    while pid != "0":
        if pid == str(ancestor):
            return True
        with open(f"/proc/{pid}/stat") as f:
            pid = f.read().rsplit(")", 1)[1].split()[1]
    return False
