# SPDX-License-Identifier: MIT OR Apache-2.0
"""A WHIP and WHEP client of aiortc and Python's http.client."""

import asyncio
import http.client
import ssl
import urllib.parse

from aiortc import (RTCConfiguration, RTCPeerConnection,
                    RTCSessionDescription)

from peer import CodePicture, Ear, Eye, Tone, _open_peers, until

FRAG = "application/trickle-ice-sdpfrag"


def http_call(url, method, headers=None, body=None, tls=None):
    """(status, headers as a message, body as text) of one request."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=tls)
        link = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=20, context=context)
    else:
        link = http.client.HTTPConnection(parts.hostname, parts.port,
                                          timeout=20)
    try:
        link.request(method, parts.path, body=body, headers=headers or {})
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        link.close()


def ice_of(sdp):
    """(ufrag, pwd, candidates) of the first of each in a text."""
    def first(name):
        return next((line.split(":", 1)[1] for line in sdp.splitlines()
                     if line.startswith(f"a={name}:")), None)
    candidates = [line for line in sdp.splitlines()
                  if line.startswith("a=candidate:")]
    return first("ice-ufrag"), first("ice-pwd"), candidates


def without_candidates(sdp):
    return "".join(line + "\r\n" for line in sdp.splitlines()
                   if not line.startswith(("a=candidate:",
                                           "a=end-of-candidates")))


class Client:
    """One session: `offer()`, `post()`, then connected; `delete()` ends it."""

    def __init__(self, server, door, room, token=None):
        self.server = server
        self.endpoint = f"{server.url}/{door}/{urllib.parse.quote(room)}"
        self.token = token
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.ears, self.eyes = [], []
        self.location = self.etag = self.answer = self.created = None
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

    def publish(self, hz=440, picture=True):
        self.pc.addTransceiver(Tone(hz), direction="sendonly")
        if picture:
            self.pc.addTransceiver(CodePicture(), direction="sendonly")
        return self

    def watch(self, *kinds):
        for kind in kinds or ("audio", "video"):
            self.pc.addTransceiver(kind, direction="recvonly")
        return self

    async def ask(self, method, url=None, headers=None, body=None):
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        tls = self.server.tls and str(self.server.tls[0])
        return await asyncio.to_thread(http_call, url or self.location, method,
                                       headers, body, tls)

    async def offer(self):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def post(self, change=lambda sdp: sdp):
        sdp = change(await self.offer())
        status, headers, body = await self.ask(
            "POST", self.endpoint, {"Content-Type": "application/sdp"}, sdp)
        assert status == 201, f"{status} {body}"
        assert headers["Content-Type"] == "application/sdp"
        self.created = headers
        self.etag = headers["ETag"]
        self.location = urllib.parse.urljoin(self.endpoint,
                                             headers["Location"])
        self.answer = body
        await self.pc.setRemoteDescription(
            RTCSessionDescription(body, "answer"))
        return self

    async def patch(self, body, etag=None, kind=FRAG):
        headers = {"Content-Type": kind} if kind else {}
        if etag is not None:
            headers["If-Match"] = etag
        return await self.ask("PATCH", headers=headers, body=body)

    async def connected(self):
        await until(lambda: self.pc.connectionState == "connected",
                    f"connected (is {self.pc.connectionState})")
        return self

    async def delete(self):
        status, _, body = await self.ask("DELETE")
        assert status == 200, f"{status} {body}"
        await self.pc.close()


def frag_of(sdp, candidates, end=True):
    """A fragment of these candidates with the credentials of a description."""
    ufrag, pwd, _ = ice_of(sdp)
    lines = [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}",
             next(line for line in sdp.splitlines() if line.startswith("m=")),
             "a=mid:0", *candidates]
    if end:
        lines.append("a=end-of-candidates")
    return "".join(line + "\r\n" for line in lines)
