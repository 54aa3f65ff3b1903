# SPDX-License-Identifier: MIT OR Apache-2.0
"""Candidates: late, early, refused. And offers that the server makes."""

import asyncio
import os

import pytest

from peer import (SERVER, Peer, RpcError, Signaling, Tone, heard, open_channel,
                  run, seen, until, without_candidates, CodePicture)

# Nobody answers there: the caller cannot reach the server by itself, so a
# call comes about only when the server uses the caller's candidates.
NOWHERE = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host"

CANDIDATE_REFUSED = -32026


def deaf(sdp):
    """The server's description with its candidates replaced by NOWHERE."""
    if sdp.startswith("a=candidate:"):
        return ""
    bare, found = without_candidates(sdp)
    if not found:
        return bare
    head, mark, rest = bare.partition("a=ice-pwd:")
    line, _, tail = rest.partition("\r\n")
    return f"{head}{mark}{line}\r\n{NOWHERE}\r\n{tail}"


async def send_candidates(signaling, candidates):
    for mid, index, text in candidates:
        await signaling.request(
            "ice_candidate", to_peer_id=SERVER, candidate=text, sdp_mid=mid,
            sdp_mline_index=index)


def test_late_candidates_are_used(url):
    async def body():
        kept = []

        def strip(sdp):
            bare, found = without_candidates(sdp)
            kept.extend(found)
            return bare
        signaling = await Signaling(url).open()
        peer = Peer(signaling, change_offer=strip, change_answer=deaf)
        peer.pc.addTrack(Tone(430))
        await peer.call()
        assert kept
        await asyncio.sleep(1)
        assert peer.pc.connectionState != "connected"
        await send_candidates(signaling, kept)
        await peer.connected()
        await heard(peer, 430)
        await peer.close()
    run(body())


def test_candidates_before_the_offer_are_kept(url):
    async def body():
        signaling = await Signaling(url).open()
        peer = Peer(signaling, change_answer=deaf,
                    change_offer=lambda sdp: without_candidates(sdp)[0])
        peer.pc.addTrack(Tone(470))
        await peer.pc.setLocalDescription(await peer.pc.createOffer())
        _, early = without_candidates(peer.pc.localDescription.sdp)
        await send_candidates(signaling, early)
        await signaling.request(
            "offer", to_peer_id=SERVER, type="offer",
            sdp=peer.change_offer(peer.pc.localDescription.sdp))
        await peer.connected()
        await heard(peer, 470)
        await peer.close()
    run(body())


def test_answer_has_candidates_inside(url):
    async def body():
        answers = []

        def keep(sdp):
            answers.append(sdp)
            return sdp
        peer = Peer(await Signaling(url).open(), change_answer=keep)
        peer.pc.addTrack(Tone(440))
        await peer.call()
        assert without_candidates(answers[0])[1]
        await peer.close()
    run(body())


async def refusal(signaling, text):
    """The code by which a candidate is refused: at once as the answer, or
    as the notification peer_error when the peer's process has read it."""
    def told():
        return [p["code"] for m, p in signaling.notes if m == "peer_error"]
    try:
        await signaling.request("ice_candidate", to_peer_id=SERVER,
                                candidate=text, sdp_mid="0",
                                sdp_mline_index=0)
    except RpcError as error:
        return error.code
    return (await until(told, "peer_error", 10))[0]


@pytest.mark.parametrize("text", [
    "candidate:", "nonsense", "candidate:1 1 udp x 127.0.0.1 5000 typ host",
    "candidate:1 1 udp 1 127.0.0.1 99999 typ host", "candidate:" + "9" * 5000,
])
def test_bad_candidate_is_an_error_and_nothing_more(url, text):
    async def body():
        signaling = await Signaling(url).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        code = await refusal(signaling, text)
        assert code == CANDIDATE_REFUSED
        await heard(peer, 440)
        await peer.close()
    run(body())


def test_mdns_candidate_is_not_an_error(url):
    async def body():
        signaling = await Signaling(url).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await peer.call()
        await signaling.request(
            "ice_candidate", to_peer_id=SERVER, sdp_mid="0", sdp_mline_index=0,
            candidate="candidate:7 1 udp 2113937151 "
            "0f1c5b0e-6b3a-4c77-9f6c-0d2f6b5d3f11.local 50000 typ host")
        await peer.connected()
        await peer.close()
    run(body())


def test_server_makes_the_offer(url):
    """The server is controlling, the caller controlled and answers."""
    async def body():
        signaling = await Signaling(url).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(560))
        peer.pc.addTrack(CodePicture())
        channels = []
        peer.pc.on("datachannel", channels.append)
        method = os.environ.get("OFFER_METHOD", "request_offer")
        try:
            await signaling.request(method, to_peer_id=SERVER, audio=True,
                                    video=True, data=True)
        except RpcError as error:
            if error.code == -32601:
                pytest.skip(f"this server knows no {method}")
            raise
        await asyncio.wait_for(peer.offered.wait(), 30)
        assert peer.failure is None
        await peer.connected()
        await heard(peer, 560)
        await seen(peer, 10)
        await peer.close()
    run(body())


def test_renegotiation_adds_a_picture(url):
    async def body():
        peer = Peer(await Signaling(url).open())
        peer.pc.addTrack(Tone(490))
        await (await peer.call()).connected()
        await heard(peer, 490)
        peer.pc.addTrack(CodePicture())
        await peer.call()
        await seen(peer, 10)
        await heard(peer, 490)
        assert peer.pc.connectionState == "connected"
        await peer.close()
    run(body())
