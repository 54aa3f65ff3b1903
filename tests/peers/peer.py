# SPDX-License-Identifier: MIT OR Apache-2.0
"""A caller made of aiortc, for tests of a running server.

Signaling speaks JSON-RPC 2.0 over a WebSocket; Tone and CodePicture are what
a Peer sends, Ear and Eye look at what comes back. Everything is asyncio; a
test runs it by `run(coroutine)`, which has a deadline of its own.
"""

import asyncio
import fractions
import itertools
import json
import os
import re
import time

import numpy as np
import websockets
from aiortc import (RTCConfiguration, RTCPeerConnection,
                    RTCSessionDescription)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

SERVER = "remotemedia-server"
RATE = 48000
DEADLINE = 30
_serial = itertools.count(1)


_open_peers = []


def run(coroutine, seconds=90):
    """Runs a test's coroutine to its end, at most so long.

    Peers that a failed test left open are closed: the decoders of aiortc are
    threads that would keep the whole run from ending.
    """
    async def body():
        try:
            return await asyncio.wait_for(coroutine, seconds)
        finally:
            for peer in _open_peers:
                await peer.pc.close()
            _open_peers.clear()
    return asyncio.run(body())


async def until(good, what, seconds=DEADLINE):
    """Waits until good() is true; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = good()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.05)


class RpcError(Exception):
    """An error answer of the server."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Signaling:
    """One WebSocket; `notes` keeps every notification as (method, params)."""

    def __init__(self, url, peer_id=None):
        self.url = url
        self.peer_id = peer_id or f"py-{os.getpid()}-{next(_serial)}"
        self.notes = []
        self.on_note = None
        self._ids = itertools.count(1)
        self._waiting = {}
        self._socket = None
        self._reader = None

    async def open(self, announce=True):
        self._socket = await websockets.connect(
            self.url, max_size=1 << 20, open_timeout=10)
        self._reader = asyncio.ensure_future(self._read())
        if announce:
            await self.request("announce", peer_id=self.peer_id, capabilities={
                "audio": True, "video": True, "data": True})
        return self

    @property
    def alive(self):
        return self._reader is not None and not self._reader.done()

    async def close(self):
        if self._socket:
            await self._socket.close()
        if self._reader:
            await self._reader

    async def send_raw(self, text):
        await self._socket.send(text)

    async def request(self, method, **params):
        number = next(self._ids)
        done = asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        await self._socket.send(json.dumps({
            "jsonrpc": "2.0", "id": number, "method": method,
            "params": params}))
        return await asyncio.wait_for(done, 10)

    async def error_of(self, method, **params):
        """The error that a request is answered with."""
        try:
            result = await self.request(method, **params)
        except RpcError as error:
            return error
        raise AssertionError(f"{method} was taken: {result}")

    async def _read(self):
        try:
            async for text in self._socket:
                self._message(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(ConnectionError("the socket closed"))

    def _message(self, message):
        if "method" in message:
            note = (message["method"], message.get("params") or {})
            self.notes.append(note)
            if self.on_note:
                asyncio.ensure_future(self.on_note(*note))
            return
        number = message.get("id")
        if number is None and "error" in message and self._waiting:
            # It could not read the id. Requests are answered in order.
            number = min(self._waiting)
        done = self._waiting.pop(number, None)
        if done is None or done.done():
            return
        if "error" in message:
            done.set_exception(RpcError(message["error"]["code"],
                                        message["error"]["message"]))
        else:
            done.set_result(message["result"])


class Paced(MediaStreamTrack):
    """A source in real time: `frame(n)` is made every `period` seconds."""

    period = 0.02

    def __init__(self):
        super().__init__()
        self.count = 0
        self._start = None

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        if self._start is None:
            self._start = now
        await asyncio.sleep(
            max(0, self._start + self.count * self.period - now))
        frame = self.frame(self.count)
        self.count += 1
        return frame


class Tone(Paced):
    """A steady sine."""

    kind = "audio"

    def __init__(self, hz, level=0.25):
        super().__init__()
        self.hz = hz
        self.level = level

    def frame(self, n):
        t = np.arange(n * 960, (n + 1) * 960) / RATE
        pcm = np.sin(2 * np.pi * self.hz * t) * self.level * 32767
        frame = AudioFrame.from_ndarray(
            pcm.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = n * 960
        frame.time_base = fractions.Fraction(1, RATE)
        return frame


# The frame code of web/framecode.js: 16 bits and a check, two rows of twelve
# cells over the lowest 16 % of the picture.
COLUMNS, ROWS, TOP = 12, 2, 0.84


def code_check(value):
    crc = 0
    for byte in (value >> 8, value & 255):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 255 if crc & 0x80 else crc << 1
    return crc ^ 0x55


def code_cells(width, height):
    """Bounds (left, top, right, bottom) of the 24 cells, first bit first."""
    def at(whole, part):
        return int(whole * part + 0.5)
    for i in range(COLUMNS * ROWS):
        column, row = i % COLUMNS, i // COLUMNS
        yield (at(width, column / COLUMNS),
               at(height, TOP + (1 - TOP) * row / ROWS),
               at(width, (column + 1) / COLUMNS),
               at(height, TOP + (1 - TOP) * (row + 1) / ROWS))


def draw_code(luma, value):
    """Writes the code into a luma plane (rows x columns of uint8)."""
    height, width = luma.shape
    bits = (value & 0xffff) << 8 | code_check(value & 0xffff)
    for i, (x0, y0, x1, y1) in enumerate(code_cells(width, height)):
        luma[y0:y1, x0:x1] = 235 if bits >> 23 - i & 1 else 16


def read_code(luma):
    """The number in a luma plane, or None."""
    height, width = luma.shape
    bits = 0
    for x0, y0, x1, y1 in code_cells(width, height):
        dx, dy = (x1 - x0) // 4, (y1 - y0) // 4
        mean = luma[y0 + dy:y1 - dy, x0 + dx:x1 - dx].mean()
        if 96 < mean < 160:
            return None
        bits = bits << 1 | (mean >= 160)
    value = bits >> 8
    return value if bits & 255 == code_check(value) else None


class CodePicture(Paced):
    """A moving picture that carries its number."""

    kind = "video"

    def __init__(self, width=320, height=180, rate=15):
        super().__init__()
        self.width, self.height = width, height
        self.period = 1 / rate
        x = np.arange(width)[None, :]
        y = np.arange(height)[:, None]
        self._ramp = (x * 2 + y).astype(np.int32)

    def frame(self, n):
        w, h = self.width, self.height
        planes = np.full((h * 3 // 2, w), 128, np.uint8)
        planes[:h] = 60 + (self._ramp + n * 3) % 120
        draw_code(planes[:h], n)
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = int(n * self.period * 90000)
        frame.time_base = fractions.Fraction(1, 90000)
        return frame


class Ear:
    """Takes a remote audio track: pitch, loudness, silences, stops."""

    SILENT = 60                 # of 32767
    GAP = RATE * 5 // 1000      # samples

    def __init__(self, track):
        self.pcm = np.zeros(0, np.int16)
        self.reset()
        self._task = asyncio.ensure_future(self._listen(track))

    def reset(self):
        self.total = 0
        self.gaps = []
        self.arrivals = []
        self._silent = 0
        self._heard = False

    async def _listen(self, track):
        try:
            while True:
                frame = await track.recv()
                channels = len(frame.layout.channels)
                pcm = frame.to_ndarray().reshape(-1, channels)[:, 0]
                self._take(pcm)
        except MediaStreamError:
            pass

    def _take(self, pcm):
        self.total += len(pcm)
        self.arrivals.append(time.monotonic())
        self.pcm = np.concatenate([self.pcm, pcm])[-2 * RATE:]
        loud = np.flatnonzero(np.abs(pcm) > self.SILENT)
        if not len(loud):
            self._silent += len(pcm)
            return
        edges = np.concatenate([[-1 - self._silent], loud])
        for gap in np.diff(edges) - 1:
            if gap >= self.GAP and self._heard:
                self.gaps.append(int(gap))
        self._silent = len(pcm) - 1 - int(loud[-1])
        self._heard = True

    def rms(self):
        pcm = self.pcm[-RATE // 2:].astype(float)
        return float(np.sqrt((pcm ** 2).mean())) / 32767 if len(pcm) else 0.0

    def pitch(self):
        """Frequency of the strongest tone of the newest second, in Hz."""
        pcm = self.pcm[-RATE:].astype(float)
        if len(pcm) < RATE // 2 or self.rms() < 0.005:
            return 0.0
        power = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) ** 2
        top = int(power[20:].argmax()) + 20
        a, b, c = np.log(power[top - 1:top + 2] + 1e-9)
        return (top + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / len(pcm)

    def longest_silence(self):
        """Seconds without sound, counted in samples."""
        return max(self.gaps + [self._silent if self._heard else 0]) / RATE

    def longest_stop(self):
        """Longest pause between two decoded frames, in seconds."""
        return longest_step(self.arrivals)


class Eye:
    """Takes a remote video track: which codes were seen, and when."""

    def __init__(self, track):
        self.reset()
        self._task = asyncio.ensure_future(self._look(track))

    def reset(self):
        self.frames = self.unreadable = self.backwards = 0
        self.codes = set()
        self.sizes = set()
        self.arrivals = []
        self.last = None

    async def _look(self, track):
        try:
            while True:
                self._take(await track.recv())
        except MediaStreamError:
            pass

    def _take(self, frame):
        planes = frame.to_ndarray(format="yuv420p")
        code = read_code(planes[:frame.height, :frame.width])
        self.frames += 1
        self.arrivals.append(time.monotonic())
        if code is None:
            self.unreadable += 1
            return
        self.sizes.add((frame.width, frame.height))
        if self.last is not None and (code - self.last & 0xffff) > 0x7fff:
            self.backwards += 1
        self.codes.add(code)
        self.last = code

    def longest_stop(self):
        return longest_step(self.arrivals)


def longest_step(times):
    return max((b - a for a, b in zip(times, times[1:])), default=0.0)


def without_candidates(sdp):
    """The SDP and its candidates as (mid, index, 'candidate:...')."""
    found, mid, index, left = [], None, -1, []
    mids = re.findall(r"^a=mid:(\S+)", sdp, re.M)
    for line in sdp.splitlines():
        if line.startswith("m="):
            index += 1
            mid = mids[index] if index < len(mids) else ""
        if line.startswith("a=candidate:"):
            found.append((mid, index, line[2:]))
        elif line != "a=end-of-candidates":
            left.append(line)
    return "\r\n".join(left) + "\r\n", found


class Peer:
    """One call with the server.

    change_offer and change_answer may rewrite an SDP on its way out or in.
    """

    def __init__(self, signaling, change_offer=None, change_answer=None):
        self.signaling = signaling
        self.change_offer = change_offer or (lambda sdp: sdp)
        self.change_answer = change_answer or (lambda sdp: sdp)
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.ears, self.eyes = [], []
        self.answered = asyncio.Event()
        self.offered = asyncio.Event()
        self.gone = asyncio.Event()
        self.failure = None
        self._early = []
        signaling.on_note = self._note
        _open_peers.append(self)

        @self.pc.on("track")
        def on_track(track):
            if track.kind == "audio":
                self.ears.append(Ear(track))
            else:
                self.eyes.append(Eye(track))

    @property
    def ear(self):
        return self.ears[-1] if self.ears else None

    @property
    def eye(self):
        return self.eyes[-1] if self.eyes else None

    async def call(self):
        """Makes an offer and waits for the answer to be in place."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.answered.clear()
        await self.signaling.request(
            "offer", to_peer_id=SERVER, type="offer",
            sdp=self.change_offer(self.pc.localDescription.sdp))
        await asyncio.wait_for(self.answered.wait(), DEADLINE)
        if self.failure:
            raise self.failure
        return self

    async def connected(self):
        await until(lambda: self.pc.connectionState == "connected",
                    f"connected (is {self.pc.connectionState})")
        return self

    async def hang_up(self):
        try:
            await self.signaling.request("disconnect", peer_id=SERVER)
        except (ConnectionError, websockets.ConnectionClosed):
            pass
        await self.pc.close()

    async def close(self):
        await self.hang_up()
        await self.signaling.close()

    async def _note(self, method, params):
        if params.get("from_peer_id", params.get("peer_id")) != SERVER:
            return
        try:
            if method == "answer":
                await self._describe(params["sdp"], "answer")
                self.answered.set()
            elif method == "offer":
                await self._describe(params["sdp"], "offer")
                await self.pc.setLocalDescription(await self.pc.createAnswer())
                await self.signaling.request(
                    "answer", to_peer_id=SERVER, type="answer",
                    sdp=self.pc.localDescription.sdp)
                self.offered.set()
            elif method == "ice_candidate":
                await self._candidate(params)
            elif method in ("peer_disconnected", "peer_left"):
                self.gone.set()
        except Exception as error:      # told to whoever waits for the answer
            self.failure = error
            self.answered.set()
            self.offered.set()

    async def _describe(self, sdp, kind):
        await self.pc.setRemoteDescription(
            RTCSessionDescription(self.change_answer(sdp), kind))
        for params in self._early:
            await self._candidate(params)
        self._early = []

    async def _candidate(self, params):
        text = params.get("candidate")
        if not text:
            return
        if self.pc.remoteDescription is None:
            self._early.append(params)
            return
        if self.change_answer(f"a={text}\r\n").strip() == "":
            return
        candidate = candidate_from_sdp(text.split(":", 1)[1])
        candidate.sdpMid = params.get("sdp_mid")
        candidate.sdpMLineIndex = params.get("sdp_mline_index")
        await self.pc.addIceCandidate(candidate)


async def heard(peer, hz, seconds=DEADLINE):
    """Waits until the tone of this pitch comes back."""
    await until(lambda: peer.ear and abs(peer.ear.pitch() - hz) < hz * 0.01,
                f"{hz} Hz heard (is {peer.ear and peer.ear.pitch()})", seconds)


async def seen(peer, number, seconds=DEADLINE):
    """Waits until so many different codes were read."""
    await until(lambda: peer.eye and len(peer.eye.codes) >= number,
                f"{number} codes seen", seconds)


async def open_channel(peer, label="data", **options):
    """A data channel whose received messages stand in `channel.got`."""
    channel = peer.pc.createDataChannel(label, **options)
    channel.got = []
    channel.on("message", channel.got.append)
    return channel
