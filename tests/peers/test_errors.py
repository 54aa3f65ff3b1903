# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is wrong gets an error, and the socket lives on."""

import asyncio
import json

import pytest
import websockets

from peer import SERVER, Peer, Signaling, Tone, heard, run


BAD_SDP = {
    "empty": "",
    "not sdp": "hello",
    "no media": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    "cut": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio",
    "no fingerprint": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
                      "a=mid:0\r\na=ice-ufrag:abcd\r\n"
                      "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
                      "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    "nul": "v=0\r\n\0m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
    "long": "v=0\r\nm=" + "a" * 30000,
    "too long": "v=0\r\nm=" + "a" * 60000,
}


@pytest.mark.parametrize("name", BAD_SDP)
def test_bad_offer(url, name):
    async def body():
        signaling = await Signaling(url).open()
        error = await signaling.error_of(
            "offer", to_peer_id=SERVER, type="offer", sdp=BAD_SDP[name])
        assert error.code < 0
        assert error.message
        peers = await signaling.request("list_peers")
        assert SERVER in [p["peer_id"] for p in peers["peers"]]
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        await heard(peer, 440)
        await peer.close()
    run(body())


def test_bad_second_offer_leaves_the_call(url):
    async def body():
        signaling = await Signaling(url).open()
        peer = Peer(signaling)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        await heard(peer, 440)
        await signaling.error_of("offer", to_peer_id=SERVER, type="offer",
                                 sdp="v=0\r\nm=nothing\r\n")
        peer.ear.reset()
        await asyncio.sleep(1.5)
        assert abs(peer.ear.pitch() - 440) < 3
        assert peer.ear.gaps == []
        await peer.close()
    run(body())


def test_answer_without_an_offer(url):
    async def body():
        signaling = await Signaling(url).open()
        error = await signaling.error_of(
            "answer", to_peer_id=SERVER, type="answer", sdp="v=0\r\n")
        assert error.code < 0
        await signaling.request("list_peers")
        await signaling.close()
    run(body())


def test_before_announce(url):
    async def body():
        signaling = await Signaling(url).open(announce=False)
        for method in ("offer", "answer"):
            error = await signaling.error_of(
                method, to_peer_id=SERVER, sdp="v=0\r\n", type=method)
            assert error.code == -32000
        error = await signaling.error_of(
            "ice_candidate", to_peer_id=SERVER, sdp_mid="0",
            sdp_mline_index=0,
            candidate="candidate:1 1 udp 1 127.0.0.1 9 typ host")
        assert error.code == -32000
        await signaling.request("list_peers")
        await signaling.close()
    run(body())


@pytest.mark.parametrize("text,code", [
    ("{", -32700), ("[]", -32600), ('"x"', -32600),
    ('{"jsonrpc":"1.0","id":1,"method":"list_peers"}', -32600),
    ('{"jsonrpc":"2.0","id":1}', -32600),
    ('{"jsonrpc":"2.0","id":1,"method":"fly","params":{}}', -32601),
    ('{"jsonrpc":"2.0","id":1,"method":"announce","params":{}}', -32602),
    ('{"jsonrpc":"2.0","id":1,"method":"announce","params":{"peer_id":5}}',
     -32602),
])
def test_bad_messages(url, text, code):
    async def body():
        async with websockets.connect(url) as socket:
            await socket.send(text)
            answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert answer["error"]["code"] == code
            await socket.send('{"jsonrpc":"2.0","id":"a b",'
                              '"method":"list_peers","params":{}}')
            answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert answer["id"] == "a b"
            assert answer["result"]["count"] >= 1
    run(body())


def test_a_message_beyond_the_limit_closes_that_socket_only(url):
    async def body():
        other = await Signaling(url).open()
        async with websockets.connect(url) as socket:
            await socket.send("x" * 70000)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            assert socket.close_code == 1009
        await other.request("list_peers")
        await other.close()
    run(body())


def test_one_name_belongs_to_one(url):
    async def body():
        first = await Signaling(url).open()
        second = Signaling(url, first.peer_id)
        await second.open(announce=False)
        error = await second.error_of(
            "announce", peer_id=first.peer_id, capabilities={})
        assert error.code == -32000
        await second.close()
        watcher = await Signaling(url).open()
        peers = await watcher.request("list_peers")
        assert first.peer_id in [p["peer_id"] for p in peers["peers"]]
        await watcher.close()
        await first.close()
    run(body())
