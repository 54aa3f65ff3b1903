# SPDX-License-Identifier: MIT OR Apache-2.0
"""Peers of different doors in one room: gRPC and JSON-RPC in both
dialects."""

import asyncio
import itertools
import json

import pytest
import websockets

import kit
from kit import Peer, get_peers, pb, sdp


class Rpc:
    """A JSON-RPC peer of either dialect; used beside a blocking Peer."""

    def __init__(self, port):
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.id = kit.name("ws")
        self.ids = itertools.count(1)
        self.notes = []

    async def open(self, b=False, **more):
        self.b = b
        self.ws = await websockets.connect(self.url, max_size=1 << 20)
        return await self.ask("peer.announce" if b else "announce",
                              peer_id=self.id, **more)

    async def _next(self):
        return json.loads(await asyncio.wait_for(self.ws.recv(),
                                                 kit.DEADLINE))

    async def ask(self, method, **params):
        number = next(self.ids)
        await self.ws.send(json.dumps(dict(
            jsonrpc="2.0", id=number, method=method, params=params)))
        while True:
            message = await self._next()
            if message.get("id") == number:
                assert "result" in message, message
                return message["result"]
            self.notes.append((message["method"], message["params"]))

    async def note(self, method, good=lambda p: True):
        while True:
            for found in self.notes:
                if found[0] == method and good(found[1]):
                    self.notes.remove(found)
                    return found[1]
            message = await self._next()
            self.notes.append((message["method"], message["params"]))


@pytest.fixture
def channel(house):
    with house.channel() as ch:
        yield ch


def test_dialect_a_and_grpc_call_each_other(house, channel):
    g = Peer(channel)

    async def body():
        w = Rpc(house.port)
        data = await w.open(capabilities={"audio": True, "data": True})
        assert w.id == data["peer_id"]
        joined = g.announce(capabilities=dict(video=True))
        assert w.id in joined["other_peers"]
        p = await w.note("peer_joined", lambda p: p["peer_id"] == g.id)
        assert p["capabilities"] == {"audio": False, "video": True,
                                     "data": False}
        r = await w.ask("offer", to_peer_id=g.id, sdp=sdp(), type="offer")
        offer = g.note("offer")
        assert (offer.from_peer_id, offer.sdp) == (w.id, sdp())
        assert r["offer_id"].startswith(offer.offer_id)
        g.acked(answer=dict(to_peer_id=w.id, sdp=sdp("a=1\r\n")))
        answer = await w.note("answer")
        assert answer == {"from_peer_id": g.id, "sdp": sdp("a=1\r\n"),
                          "type": "answer"}
        g.acked(ice_candidate=dict(to_peer_id=w.id, candidate="candidate:1",
                                   sdp_mid="0", sdp_mline_index=0))
        assert await w.note("ice_candidate") == {
            "from_peer_id": g.id, "candidate": "candidate:1",
            "sdp_mid": "0", "sdp_mline_index": 0}
        await w.ask("ice_candidate", to_peer_id=g.id, candidate="candidate:2",
                    sdp_mid=None, sdp_mline_index=1)
        ice = g.note("ice_candidate")
        assert (ice.candidate, ice.sdp_mid, ice.sdp_mline_index) == \
            ("candidate:2", "", 1)
        g.acked(disconnect=dict(peer_id=w.id))
        assert (await w.note("peer_disconnected"))["peer_id"] == g.id
        await w.ws.close()
        g.note("peer_left", lambda n: n.peer_id == w.id)
        g.end()
    asyncio.run(body())


def test_dialect_b_and_grpc_call_each_other(house, channel):
    g = Peer(channel)

    async def body():
        w = Rpc(house.port)
        g.announce(metadata={"name": "G", "n": "1"})
        await w.open(b=True, capabilities=["audio", "data"],
                     user_data={"name": "W", "deep": {"x": [1, 2]}})
        joined = g.note("peer_joined", lambda n: n.peer_id == w.id)
        assert joined.capabilities == pb.PeerCapabilities(audio=True,
                                                          data=True)
        assert dict(joined.metadata) == {"name": "W", "deep": '{"x":[1,2]}'}
        r = await w.ask("peer.offer", to=g.id, sdp=sdp(), **{"from": w.id})
        assert r["to_peer_id"] == g.id
        assert g.note("offer").from_peer_id == w.id
        g.acked(answer=dict(to_peer_id=w.id, sdp=sdp()))
        answer = await w.note("peer.answer")
        assert (answer["from"], answer["sdp"]) == (g.id, sdp())
        peers = (await w.ask("peer.list"))["peers"]
        (own,) = [p for p in peers if p["peer_id"] == g.id]
        assert own["metadata"] == {"name": "G", "n": "1"}
        g.end()
        assert (await w.note("peer.left"))["peer_id"] == g.id
        await w.ws.close()
    asyncio.run(body())


@pytest.mark.parametrize("b,given,want", [
    (False, {}, dict()),
    (False, {"audio": True, "video": 1},
     dict(audio=True, extensions='{"audio":true,"video":1}')),
    (False, {"data": True, "extensions": "free text"},
     dict(data=True, extensions="free text")),
    (False, {"data": False, "extensions": {"a": [1]}},
     dict(extensions='{"a":[1]}')),
    (False, {"screen": True}, dict(extensions='{"screen":true}')),
    (True, [], dict()),
    (True, ["video", "data"], dict(video=True, data=True)),
    (True, ["audio", "screen"],
     dict(audio=True, extensions='["audio","screen"]')),
])
def test_capabilities_are_mapped(house, channel, b, given, want):
    async def body():
        w = Rpc(house.port)
        await w.open(b=b, capabilities=given)
        (own,) = [p for p in get_peers(channel).peers if p.peer_id == w.id]
        assert own.capabilities == pb.PeerCapabilities(**want)
        await w.ws.close()
    asyncio.run(body())


def test_a_peer_resumes_through_another_door(house, channel):
    g = Peer(channel)
    token = g.announce()["resume_token"]

    async def body():
        w = Rpc(house.port)
        w.id = g.id
        data = await w.open(resume_token=token)
        assert data["resume_token"] != token
        assert g.status().name == "ABORTED"
        h = Peer(channel, w.id)
        h.announce(metadata={"resume_token": data["resume_token"]})
        h.end()
        await w.ws.close()
    asyncio.run(body())


def test_ids_are_one_space(house, channel):
    g = Peer(channel)
    g.announce()

    async def body():
        w = Rpc(house.port)
        w.id = g.id
        with pytest.raises(AssertionError) as error:
            await w.open()
        assert "-32000" in str(error.value)
        await w.ws.close()
    asyncio.run(body())
    assert g.acked(disconnect=dict(peer_id="x"))
    g.end()
