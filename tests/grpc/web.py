# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients that show every byte: HTTP/1.1, HTTP/2, and gRPC-Web's frames."""

import base64
import select
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

DEADLINE = 20


def frame(message, flag=0):
    return struct.pack(">BI", flag, len(message)) + message


def frames(body):
    """[(flag, bytes)], all of the body."""
    out = []
    while body:
        assert len(body) >= 5, body
        flag, length = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + length, body
        out.append((flag, body[5:5 + length]))
        body = body[5 + length:]
    return out


def text(body):
    """grpc-web-text: base64, padded wherever the server flushed."""
    out = b""
    assert len(body) % 4 == 0, body
    for i in range(0, len(body), 4):
        out += base64.b64decode(body[i:i + 4], validate=True)
    return out


def block(raw):
    """Headers or trailers as a frame of gRPC-Web."""
    lines = raw.decode().split("\r\n")
    assert lines[-1] == ""
    return dict(line.split(": ", 1) for line in lines[:-1])


class Stream:
    def __init__(self):
        self.headers, self.trailers = None, None
        self.body = b""
        self.ended = self.reset = False

    @property
    def status(self):
        return int(self.headers[":status"])


class H2:
    """window=False: nothing of a body is ever asked for again."""

    def __init__(self, port, window=True):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        self.window = window
        self.streams = {}
        self.h2.initiate_connection()
        self._flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, method, path, headers, end=True):
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, [
            (":method", method), (":scheme", "http"), (":path", path),
            (":authority", "127.0.0.1"), *headers], end_stream=end)
        self._flush()
        s = self.streams[number] = Stream()
        s.number = number
        return s

    def post(self, path, headers, body=None, end=None):
        s = self.request("POST", path, headers, end=False)
        if body is not None:
            self.send(s, body, end is not False)
        return s

    def send(self, s, body, end=False):
        self.h2.send_data(s.number, body, end_stream=end)
        self._flush()

    def reset(self, s):
        self.h2.reset_stream(s.number, 8)
        self._flush()

    def pump(self, seconds=0.05):
        if not select.select([self.socket], [], [], seconds)[0]:
            return
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed")
        for ev in self.h2.receive_data(data):
            s = self.streams.get(getattr(ev, "stream_id", None))
            if s is None:
                continue
            if isinstance(ev, h2.events.ResponseReceived):
                s.headers = dict(ev.headers)
            elif isinstance(ev, h2.events.DataReceived):
                s.body += ev.data
                if self.window:
                    self.h2.acknowledge_received_data(
                        ev.flow_controlled_length, s.number)
            elif isinstance(ev, h2.events.TrailersReceived):
                s.trailers = dict(ev.headers)
            elif isinstance(ev, h2.events.StreamEnded):
                s.ended = True
            elif isinstance(ev, h2.events.StreamReset):
                s.reset = True
        self._flush()

    def wait(self, good, seconds=DEADLINE):
        end = time.monotonic() + seconds
        while not good():
            assert time.monotonic() < end, "not in time"
            self.pump()

    def whole(self, *args, **kwargs):
        s = self.post(*args, **kwargs)
        self.wait(lambda: s.ended)
        return s


class H1:
    """One HTTP/1.1 connection; an answer is read as it comes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(DEADLINE)
        self.inside = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def put(self, method, path, headers, body=None, chunks=None):
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{k}: {v}" for k, v in headers]
        if chunks is not None:
            lines.append("Transfer-Encoding: chunked")
        elif body is not None:
            lines.append(f"Content-Length: {len(body)}")
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
        for c in chunks or []:
            raw += b"%x\r\n%s\r\n" % (len(c), c)
        if chunks is not None:
            raw += b"0\r\n\r\n"
        self.socket.sendall(raw)

    def _line(self):
        while b"\r\n" not in self.inside:
            self._more()
        line, self.inside = self.inside.split(b"\r\n", 1)
        return line.decode()

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed")
        self.inside += part

    def _take(self, count):
        while len(self.inside) < count:
            self._more()
        out, self.inside = self.inside[:count], self.inside[count:]
        return out

    def head(self):
        status = int(self._line().split()[1])
        headers = {}
        while line := self._line():
            k, v = line.split(":", 1)
            headers[k.lower()] = v.strip()
        return status, headers

    def chunk(self):
        """The next chunk; b"" is the last."""
        size = int(self._line().split(";")[0], 16)
        part = self._take(size)
        assert self._line() == ""
        return part

    def body(self, status, headers):
        if status == 204:
            return b""
        if headers.get("transfer-encoding") == "chunked":
            out = b""
            while part := self.chunk():
                out += part
            return out
        return self._take(int(headers.get("content-length", 0)))

    def whole(self, *args, **kwargs):
        self.put(*args, **kwargs)
        status, headers = self.head()
        return status, headers, self.body(status, headers)
