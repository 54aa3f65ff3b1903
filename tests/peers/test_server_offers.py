# SPDX-License-Identifier: MIT OR Apache-2.0
"""The server makes the offer: controlling in ICE, aiortc answers."""

import asyncio
import re

import pytest

from peer import (SERVER, CodePicture, Peer, RpcError, Signaling, Tone, heard,
                  run, seen, until)


async def asked(url, change_answer=None, **kinds):
    """A peer that asked for an offer and has answered it."""
    signaling = await Signaling(url).open()
    peer = Peer(signaling, change_answer=change_answer)
    return signaling, peer, kinds


async def ask(signaling, peer, **kinds):
    await signaling.request("request_offer", to_peer_id=SERVER, **kinds)
    await asyncio.wait_for(peer.offered.wait(), 20)
    if peer.failure:
        raise peer.failure


def test_sound_picture_and_data_on_an_offer_of_the_server(url):
    offers = []

    def keep(sdp):
        if sdp.startswith("v=0"):
            offers.append(sdp)
        return sdp

    async def body():
        signaling, peer, _ = await asked(url, keep)
        peer.pc.addTrack(Tone(480))
        peer.pc.addTrack(CodePicture())
        channels = []

        @peer.pc.on("datachannel")
        def on_channel(channel):
            channels.append(channel)

        await ask(signaling, peer)
        await peer.connected()
        await heard(peer, 480)
        await seen(peer, 15)
        assert re.findall(r"^m=(\w+)", offers[0], re.M) == [
            "audio", "video", "application"]
        assert "a=setup:actpass" in offers[0]
        # A channel that the answering side opens.
        channel = peer.pc.createDataChannel("mine")
        got = []
        channel.on("message", got.append)
        await until(lambda: channel.readyState == "open", "channel open")
        channel.send("hello")
        await until(lambda: got == ["hello"], "echo")
        await peer.close()
    run(body())


def test_only_what_was_asked_for_is_offered(url):
    async def body():
        signaling, peer, _ = await asked(url)
        peer.pc.addTrack(Tone(510))
        await ask(signaling, peer, video=False, data=False)
        await peer.connected()
        await heard(peer, 510)
        assert [t.kind for t in peer.pc.getTransceivers()] == ["audio"]
        await peer.close()
    run(body())


def test_the_server_is_controlling_when_it_offers_and_controlled_when_not(url):
    def role(peer):
        return peer.pc.getTransceivers()[0].sender.transport.transport \
            .iceGatherer._connection.ice_controlling

    async def body():
        signaling, peer, _ = await asked(url)
        peer.pc.addTrack(Tone(530))
        await ask(signaling, peer, video=False, data=False)
        await peer.connected()
        assert role(peer) is False
        await peer.close()
        other = Peer(await Signaling(url).open())
        other.pc.addTrack(Tone(530))
        await (await other.call()).connected()
        assert role(other) is True
        await other.close()
    run(body())


def test_a_second_wish_while_an_offer_waits_is_refused(url):
    async def body():
        signaling = await Signaling(url).open()
        await signaling.request("request_offer", to_peer_id=SERVER)
        await until(lambda: any(m == "offer" for m, _ in signaling.notes),
                    "an offer")
        with pytest.raises(RpcError) as refused:
            await signaling.request("request_offer", to_peer_id=SERVER)
        assert refused.value.code == -32025
        await signaling.close()
    run(body())
