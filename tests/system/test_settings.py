"""Every setting has an effect that is seen in a call."""

import asyncio
import re

import pytest

import peer as peers
from peer import (CodePicture, Peer, RpcError, Signaling, Tone, heard,
                  open_channel, run, seen, until)


async def call(url, name=None, hz=440):
    peer = Peer(await Signaling(url, name).open())
    if hz:
        peer.pc.addTrack(Tone(hz))
    return peer


def test_max_peers_refuses_the_next_and_harms_nobody(server):
    async def body():
        url = server(WEBRTC_MAX_PEERS=1).url
        first = await call(url)
        await (await first.call()).connected()
        second = await call(url)
        with pytest.raises(RpcError) as refused:
            await second.call()
        assert refused.value.code == -32021
        await heard(first, 440)
        await first.hang_up()
        await asyncio.sleep(0.2)
        await (await second.call()).connected()
        await heard(second, 440)
        await second.close()
        await first.signaling.close()
    run(body())


def test_data_channels_can_be_switched_off(server):
    async def body():
        url = server(WEBRTC_ENABLE_DATA_CHANNEL="false").url
        answers = []

        def keep(sdp):
            answers.append(sdp)
            return sdp

        peer = Peer(await Signaling(url).open(), change_answer=keep)
        peer.pc.addTrack(Tone(440))
        channel = await open_channel(peer)
        # aiortc itself cannot take a rejected application line; the answer
        # is what matters here.
        try:
            await peer.call()
        except Exception:
            pass
        assert re.search(r"^m=application 0 ", answers[0], re.M), answers[0]
        assert re.search(r"^m=audio [1-9]", answers[0], re.M)
        assert channel.readyState != "open"
        await peer.close()
    run(body())


def test_media_workers_are_as_many_as_told(server):
    assert len(server(WEBRTC_MEDIA_WORKERS=3).workers("media")) == 3


def test_public_networks_refuse_private_candidates(server):
    async def body():
        url = server(WEBRTC_PEER_NETWORKS="public").url
        signaling = await Signaling(url).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await peer.call()
        with pytest.raises(RpcError) as refused:
            await signaling.request(
                "ice_candidate", to_peer_id=peers.SERVER, sdp_mid="0",
                sdp_mline_index=0,
                candidate="candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host")
            # The refusal may come as a notification instead of the result.
            await until(lambda: any(m == "candidate_refused" or "refused" in str(p)
                                    for m, p in signaling.notes),
                        "a word of refusal")
            raise RpcError(-32026, "told by notification")
        assert refused.value.code == -32026
        await peer.close()
    run(body())


def test_a_manifest_without_a_way_through_returns_nothing(server, tmp_path):
    manifest = tmp_path / "sink.yaml"
    manifest.write_text("nodes:\n  - {id: in, node_type: Input}\n"
                        "  - {id: out, node_type: Output}\nconnections: []\n")

    async def body():
        url = server(WEBRTC_PIPELINE_MANIFEST=manifest).url
        peer = await call(url)
        channel = await open_channel(peer)
        await (await peer.call()).connected()
        await until(lambda: channel.readyState == "open", "channel open")
        channel.send("hello")
        await asyncio.sleep(2)
        assert channel.got == []
        assert not peer.ear or peer.ear.total == 0 or peer.ear.rms() < 0.001
        await peer.close()
    run(body())


def test_the_log_filter_is_obeyed(server):
    quiet = server(WEBRTC_LOG="error")
    assert " info " not in quiet.log.read_text()
    loud = server(18092, RUST_LOG="error,signaling=info")
    text = loud.log.read_text()
    assert " signaling " in text and " media-worker " not in text


def test_udp_ports_are_those_of_the_range(server):
    async def body():
        url = server(WEBRTC_UDP_PORTS="31000-31003").url
        peer = await call(url)
        await (await peer.call()).connected()
        ports = set(re.findall(r"^a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host",
                               peer.pc.remoteDescription.sdp, re.M | re.I))
        assert ports and ports <= {"31000", "31001", "31002", "31003"}, ports
        await peer.close()
    run(body())


def test_joined_to_a_hub_it_is_called_through_it(server, monkeypatch):
    async def body():
        hub = server()
        server(18092, WEBRTC_SIGNALING_URL="ws://127.0.0.1:18091/")
        signaling = await Signaling(hub.url).open()
        joined = None
        for _ in range(100):
            listed = await signaling.request("list_peers")
            joined = [p["peer_id"] for p in listed["peers"]
                      if p["peer_id"].startswith("peer-")]
            if joined:
                break
            await asyncio.sleep(0.1)
        assert joined, "the second server did not announce itself"
        monkeypatch.setattr(peers, "SERVER", joined[0])
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(550))
        peer.pc.addTrack(CodePicture())
        await (await peer.call()).connected()
        await heard(peer, 550)
        await seen(peer, 10)
        await peer.close()
    run(body())
