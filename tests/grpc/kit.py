# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the gRPC tests share: servers, generated messages, a peer."""

import itertools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", os.environ.get("MODE", "release"))
SERVER = "remotemedia-server"
SIGNALING = "/remotemedia.v1.webrtc.WebRtcSignaling/"
WEB = "/remotemedia.v1.webrtc.WebRtcSignalingWeb/"
DEADLINE = 20


def _compile():
    out = tempfile.mkdtemp(prefix="rm-pb-")
    for folder, names in (
            ("proto/grpc", ("webrtc_signaling", "webrtc_signaling_web",
                            "health", "reflection_v1",
                            "reflection_v1alpha")),
            ("tests/grpc", ("interop",))):
        subprocess.run(
            ["protoc", "--proto_path=" + os.path.join(ROOT, folder),
             "--python_out=" + out] + [n + ".proto" for n in names],
            check=True)
    sys.path.insert(0, out)


_compile()

import grpc  # noqa: E402
import webrtc_signaling_pb2 as pb  # noqa: E402

_ports = itertools.count(18200)
_serial = itertools.count(1)


def name(stem="py"):
    return f"{stem}-{os.getpid()}-{next(_serial)}"


class House:
    """A signaling process whose broker is tests/proc/fake_broker."""

    def __init__(self, *args, program="bin/signaling", scheme="", env=None):
        self.port = next(_ports)
        self.address = f"127.0.0.1:{self.port}"
        self.args = [f"{BUILD}/tests/proc/fake_broker", f"{BUILD}/{program}",
                     "--log", "info", "--max-per-source", "1000",
                     "--listen", f"{scheme}{self.address}", *args]
        self.env = dict(os.environ, **(env or {}))
        self.log = ""

    def __enter__(self):
        self.process = subprocess.Popen(
            self.args, stderr=subprocess.PIPE, text=True, env=self.env,
            errors="replace")
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(DEADLINE):
            raise AssertionError("it did not start: " + self.log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        assert "ERROR: " not in self.log, self.log
        assert "runtime error" not in self.log, self.log
        assert status == 0, (status, self.log[-3000:])

    def _read(self):
        for line in self.process.stderr:
            self.log += line
            if "broker is there" in line:
                self._ready.set()
        self._ready.set()

    def signal(self, number):
        self.process.send_signal(number)

    def channel(self, **options):
        return channel(self.address, **options)


def channel(address, credentials=None, **options):
    options = [("grpc.use_local_subchannel_pool", 1), *options.items()]
    if credentials:
        return grpc.secure_channel(address, credentials, options)
    return grpc.insecure_channel(address, options)


def stub(ch, path, request, response, kind="unary_unary"):
    return getattr(ch, kind)(path, request.SerializeToString,
                             response.FromString)


def get_peers(ch, metadata=None):
    call = stub(ch, SIGNALING + "GetPeers", pb.GetPeersRequest,
                pb.GetPeersResponse)
    return call(pb.GetPeersRequest(), timeout=DEADLINE, metadata=metadata)


def health(ch):
    call = stub(ch, SIGNALING + "HealthCheck", pb.HealthCheckRequest,
                pb.HealthCheckResponse)
    return call(pb.HealthCheckRequest(), timeout=DEADLINE)


def until(good, what, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while True:
        value = good()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Peer:
    """One Signal stream. `seen` holds every response in its order."""

    def __init__(self, ch, peer_id=None, metadata=None, timeout=None):
        self.id = peer_id or name()
        self.seen = []
        self.error = None
        self._out = queue.Queue()
        self._ids = itertools.count(1)
        self.call = stub(ch, SIGNALING + "Signal", pb.SignalingRequest,
                         pb.SignalingResponse, "stream_stream")(
            iter(self._out.get, None), metadata=metadata, timeout=timeout)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            for response in self.call:
                self.seen.append(response)
        except grpc.RpcError as error:
            self.error = error

    def put(self, **request):
        self._out.put(pb.SignalingRequest(**request))

    def ask(self, request_id=None, **request):
        """Sends and waits for the answer of that request_id."""
        request_id = request_id or f"{self.id}/{next(self._ids)}"
        self.put(request_id=request_id, **request)
        return until(lambda: next((r for r in self.seen
                                   if r.request_id == request_id), None)
                     or self._gone(), f"an answer to {request}")

    def _gone(self):
        assert self._reader.is_alive(), f"the stream ended: {self.error}"

    def announce(self, **more):
        more.setdefault("capabilities", dict(audio=True, data=True))
        r = self.ask(announce=dict(peer_id=self.id, **more))
        assert r.WhichOneof("response") == "ack", r
        return json.loads(r.ack.data)

    def acked(self, **request):
        r = self.ask(**request)
        assert r.WhichOneof("response") == "ack", r
        return json.loads(r.ack.data)

    def refused(self, **request):
        r = self.ask(**request)
        assert r.WhichOneof("response") == "error", r
        return r.error

    def notes(self, kind):
        return [getattr(r.notification, kind) for r in self.seen
                if r.WhichOneof("response") == "notification" and
                r.notification.WhichOneof("notification") == kind]

    def note(self, kind, good=lambda n: True):
        return until(lambda: next((n for n in self.notes(kind) if good(n)),
                                  None), f"a notification {kind}")

    def end(self):
        """Half-closes; the status that the stream ends with."""
        self._out.put(None)
        return self.status()

    def status(self):
        self._reader.join(DEADLINE)
        assert not self._reader.is_alive(), "the stream goes on"
        return self.call.code()

    def cancel(self):
        self.call.cancel()
        self._reader.join(DEADLINE)


def sdp(extra=""):
    return "v=0\r\nm=audio 9 X 0\r\n" + extra
