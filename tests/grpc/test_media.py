# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls with sound, picture and data whose signaling is gRPC (aiortc, a
whole system: --url)."""

import asyncio

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from doors import GrpcSignaling, SocketSignaling
from peer import (CodePicture, Ear, Peer, Signaling, Tone, heard,
                  open_channel, run, seen, until)


@pytest.mark.parametrize("door", [GrpcSignaling, SocketSignaling])
def test_a_call_with_the_server(system, door):
    async def body():
        signaling = await door(system).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(523))
        peer.pc.addTrack(CodePicture())
        channel = await open_channel(peer)
        await (await peer.call()).connected()
        methods = [m for m, _ in signaling.notes if m != "peer_joined"]
        assert methods[0] == "answer"
        await heard(peer, 523)
        await seen(peer, 10)
        await until(lambda: channel.readyState == "open", "channel open")
        channel.send("by gRPC")
        await until(lambda: channel.got == ["by gRPC"], "data back")
        await peer.close()
    run(body())


def test_the_server_says_where_it_is(system):
    """Its candidates stand in the answer or come after it."""
    async def body():
        signaling = await GrpcSignaling(system).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        await until(lambda: any(
            p["from_peer_id"] == "remotemedia-server" and
            "candidate:" in p.get("candidate", p.get("sdp", ""))
            for m, p in signaling.notes
            if m in ("answer", "ice_candidate")), "a candidate")
        await peer.close()
    run(body())


def test_two_doors_call_each_other(system):
    """A gRPC peer and a WebSocket peer, sound both ways, no server in it."""
    async def body():
        a = await GrpcSignaling(system).open()
        b = await Signaling("ws://" + system).open()
        near, far = [RTCPeerConnection(RTCConfiguration(iceServers=[]))
                     for _ in range(2)]
        ears = {}
        answered = asyncio.Event()

        async def on_far(method, params):
            if method != "offer" or params["from_peer_id"] != a.peer_id:
                return
            far.addTrack(Tone(660))
            await far.setRemoteDescription(
                RTCSessionDescription(params["sdp"], "offer"))
            await far.setLocalDescription(await far.createAnswer())
            await b.request("answer", to_peer_id=a.peer_id, type="answer",
                            sdp=far.localDescription.sdp)

        async def on_near(method, params):
            if method == "answer" and params["from_peer_id"] == b.peer_id:
                await near.setRemoteDescription(
                    RTCSessionDescription(params["sdp"], "answer"))
                answered.set()

        a.on_note, b.on_note = on_near, on_far
        near.on("track", lambda t: ears.setdefault("near", Ear(t)))
        far.on("track", lambda t: ears.setdefault("far", Ear(t)))
        near.addTrack(Tone(440))
        await near.setLocalDescription(await near.createOffer())
        await a.request("offer", to_peer_id=b.peer_id, type="offer",
                        sdp=near.localDescription.sdp)
        await asyncio.wait_for(answered.wait(), 20)
        await until(lambda: "near" in ears and
                    abs(ears["near"].pitch() - 660) < 7, "660 Hz")
        await until(lambda: "far" in ears and
                    abs(ears["far"].pitch() - 440) < 5, "440 Hz")
        await near.close()
        await far.close()
        await a.close()
        await b.close()
    run(body())
