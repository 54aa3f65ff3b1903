# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signaling of tests/peers/peer.py, by gRPC: the same functions, another
door. By grpc.aio, or over grpc-websockets."""

import asyncio
import itertools
import json
import os
import sys

import grpc
import websockets

import kit
from kit import pb

sys.path.append(os.path.join(kit.ROOT, "tests", "peers"))

NOTES = {"offer", "answer", "ice_candidate", "peer_joined", "peer_left",
         "peer_disconnected"}


class Refused(Exception):
    def __init__(self, error):
        super().__init__(f"{error.code}: {error.message} {error.details}")
        self.code = error.code


class GrpcSignaling:
    def __init__(self, address, peer_id=None):
        self.address = address
        self.peer_id = peer_id or kit.name("aio")
        self.notes = []
        self.on_note = None
        self._ids = itertools.count(1)
        self._waiting = {}

    async def open(self, announce=True):
        await self._connect()
        self._reader = asyncio.ensure_future(self._read())
        if announce:
            await self.request("announce", peer_id=self.peer_id,
                               capabilities=dict(audio=True, video=True,
                                                 data=True))
        return self

    async def request(self, method, **params):
        number = str(next(self._ids))
        done = asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        await self._put(pb.SignalingRequest(request_id=number,
                                            **{method: params}))
        return await asyncio.wait_for(done, 15)

    async def _read(self):
        async for r in self._responses():
            kind = r.WhichOneof("response")
            if kind == "notification":
                self._note(r.notification)
                continue
            done = self._waiting.pop(r.request_id, None)
            if done is None or done.done():
                continue
            if kind == "error":
                done.set_exception(Refused(r.error))
            else:
                done.set_result(json.loads(r.ack.data))

    def _note(self, notification):
        method = notification.WhichOneof("notification")
        note = getattr(notification, method)
        params = {f.name: getattr(note, f.name)
                  for f in note.DESCRIPTOR.fields
                  if f.name not in ("capabilities", "metadata")}
        self.notes.append((method, params))
        if self.on_note:
            asyncio.ensure_future(self.on_note(method, params))

    async def _connect(self):
        self._channel = grpc.aio.insecure_channel(self.address)
        self._call = self._channel.stream_stream(
            kit.SIGNALING + "Signal", pb.SignalingRequest.SerializeToString,
            pb.SignalingResponse.FromString)()

    async def _put(self, request):
        await self._call.write(request)

    async def _responses(self):
        async for r in self._call:
            yield r

    async def close(self):
        await self._call.done_writing()
        await self._reader
        await self._channel.close()


class SocketSignaling(GrpcSignaling):
    """The same over grpc-websockets."""

    async def _connect(self):
        self._socket = await websockets.connect(
            f"ws://{self.address}{kit.SIGNALING}Signal",
            subprotocols=["grpc-websockets"])
        await self._socket.send(b"x-grpc-web: 1\r\n")

    async def _put(self, request):
        raw = request.SerializeToString()
        await self._socket.send(b"\0\0" + len(raw).to_bytes(4, "big") + raw)

    async def _responses(self):
        async for raw in self._socket:
            if raw[0] == 0:
                yield pb.SignalingResponse.FromString(raw[5:])

    async def close(self):
        await self._socket.send(b"\1")
        await self._reader
        await self._socket.close()
