# SPDX-License-Identifier: MIT OR Apache-2.0
"""aiortc calls: sound, picture and data come back."""

import asyncio
import re

import pytest

from peer import (CodePicture, Peer, Signaling, Tone, heard, open_channel, run,
                  seen, until)


async def new_peer(url, **options):
    return Peer(await Signaling(url).open(), **options)


def test_tone_comes_back(url):
    async def body():
        peer = await new_peer(url)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        await heard(peer, 440)
        await asyncio.sleep(1)
        peer.ear.reset()
        await asyncio.sleep(4)
        assert abs(peer.ear.pitch() - 440) < 1
        assert 0.05 < peer.ear.rms() < 0.5
        assert peer.ear.gaps == []
        assert peer.ear.total > 3 * 48000
        await peer.close()
    run(body())


def test_picture_comes_back(url):
    async def body():
        peer = await new_peer(url)
        peer.pc.addTrack(CodePicture())
        await (await peer.call()).connected()
        await seen(peer, 30)
        eye = peer.eye
        assert eye.backwards == 0
        assert eye.unreadable <= 1 + eye.frames * 0.05
        assert eye.sizes == {(320, 180)}
        await peer.close()
    run(body())


def test_data_comes_back_byte_for_byte(url):
    async def body():
        peer = await new_peer(url)
        channel = await open_channel(peer)
        await (await peer.call()).connected()
        await until(lambda: channel.readyState == "open", "channel open")
        sent = ["x", "é中🙂", b"\x00", b"", bytes(range(256)) * 40]
        sent += [bytes([n]) * (n * 257) for n in range(1, 100)]
        sent += ["y" * 65535, b"z" * 65536]
        for message in sent:
            channel.send(message)
        await until(lambda: len(channel.got) >= len(sent), "all messages")
        assert channel.got == sent
        await peer.close()
    run(body())


def test_sound_picture_and_data_at_once(url):
    async def body():
        peer = await new_peer(url)
        peer.pc.addTrack(Tone(600))
        peer.pc.addTrack(CodePicture())
        channel = await open_channel(peer)
        await (await peer.call()).connected()
        await heard(peer, 600)
        await seen(peer, 15)
        channel.send("hello")
        await until(lambda: channel.got == ["hello"], "echo")
        await peer.close()
    run(body())


@pytest.mark.parametrize("ours,theirs", [
    ("active", "passive"), ("passive", "active")])
def test_both_dtls_roles(url, ours, theirs):
    answers = []

    def keep(sdp):
        answers.append(sdp)
        return sdp

    async def body():
        peer = await new_peer(
            url, change_answer=keep, change_offer=lambda sdp: re.sub(
                r"a=setup:actpass", f"a=setup:{ours}", sdp))
        peer.pc.addTrack(Tone(520))
        await (await peer.call()).connected()
        assert f"a=setup:{theirs}" in answers[0]
        await heard(peer, 520)
        await peer.close()
    run(body())


def test_two_callers_keep_apart(url):
    async def body():
        peers = []
        for hz in (350, 750):
            peer = await new_peer(url)
            peer.pc.addTrack(Tone(hz))
            peers.append((peer, hz, await open_channel(peer)))
            await peer.call()
        for peer, hz, channel in peers:
            await peer.connected()
            await heard(peer, hz)
            await until(lambda: channel.readyState == "open", "channel")
            channel.send(f"I am {hz}")
        for peer, hz, channel in peers:
            await until(lambda: channel.got, "echo")
            assert channel.got == [f"I am {hz}"]
            await peer.close()
    run(body())
