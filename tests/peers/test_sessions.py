# SPDX-License-Identifier: MIT OR Apache-2.0
"""Peers that announce the same session: who hears and sees whom."""

import asyncio
import glob
import itertools
import os
import pathlib
import signal

import numpy as np
import pytest

from peer import (SERVER, CodePicture, Peer, RATE, Signaling, Tone, draw_code,
                  run, seen, until)

_rooms = itertools.count(1)


def new_room():
    return f"room-{os.getpid()}-{next(_rooms)}"


class Member(Signaling):
    """Announces itself in a session."""

    def __init__(self, url, session):
        super().__init__(url)
        self.session = session

    async def open(self, announce=True):
        await super().open(announce=False)
        await self.request("announce", peer_id=self.peer_id,
                           session=self.session, capabilities={})
        return self


class NumberedPicture(CodePicture):
    """Its numbers begin at `base`, so that it is seen whose they are."""

    def __init__(self, base):
        super().__init__()
        self.base = base

    def frame(self, n):
        frame = super().frame(n)
        planes = frame.to_ndarray(format="yuv420p")
        draw_code(planes[:self.height], self.base + n)
        new = type(frame).from_ndarray(planes, format="yuv420p")
        new.pts, new.time_base = frame.pts, frame.time_base
        return new


async def publish(url, room, hz, base):
    peer = Peer(await Member(url, room).open())
    peer.pc.addTransceiver(Tone(hz), direction="sendonly")
    peer.pc.addTransceiver(NumberedPicture(base), direction="sendonly")
    await (await peer.call()).connected()
    return peer


async def listen(url, room):
    peer = Peer(await Member(url, room).open())
    peer.pc.addTransceiver("audio", direction="recvonly")
    peer.pc.addTransceiver("video", direction="recvonly")
    await (await peer.call()).connected()
    return peer


def tones(ear, *pitches):
    """The level of each pitch in the newest second, 0.25 as it was sent."""
    pcm = ear.pcm[-RATE:].astype(float) if ear else np.zeros(0)
    if len(pcm) < RATE:
        return [0.0 for _ in pitches]
    power = np.abs(np.fft.rfft(pcm * np.hanning(RATE))) * 4 / RATE / 32767
    return [power[hz - 3:hz + 4].max() for hz in pitches]


def hears(peer, *pitches, loud=0.08):
    return all(level > loud for level in tones(peer.ear, *pitches))


def sees(peer, base):
    """Whose picture came last; 10000 numbers belong to each."""
    return peer.eye and peer.eye.last is not None and \
        base <= peer.eye.last < base + 10000


def test_a_listener_hears_and_sees_the_publisher(url):
    async def body():
        room = new_room()
        viewer = await listen(url, room)
        publisher = await publish(url, room, 440, 10000)
        await until(lambda: hears(viewer, 440), "440 Hz at the listener")
        await seen(viewer, 30)
        assert sees(viewer, 10000)
        assert viewer.eye.backwards == 0
        viewer.ear.reset()
        await asyncio.sleep(3)
        assert abs(viewer.ear.pitch() - 440) < 2
        assert viewer.ear.longest_silence() < 0.1
        assert publisher.ear is None or publisher.ear.total == 0
        for peer in (viewer, publisher):
            await peer.close()
    run(body())


def test_two_publishers_are_mixed_and_one_is_shown(url):
    async def body():
        room = new_room()
        first = await publish(url, room, 440, 10000)
        second = await publish(url, room, 1100, 30000)
        early = await listen(url, room)
        late = await listen(url, room)
        stranger = await listen(url, new_room())
        for viewer in (early, late):
            await until(lambda: hears(viewer, 440, 1100), "both pitches")
            await until(lambda: sees(viewer, 10000), "the first's picture")
        await first.close()
        for viewer in (early, late):
            await until(lambda: sees(viewer, 30000), "the second's picture")
            await until(lambda: hears(viewer, 1100) and
                        not hears(viewer, 440, loud=0.005),
                        "the second alone is heard")
        assert tones(stranger.ear, 440, 1100) == [0, 0]
        assert stranger.eye is None or stranger.eye.frames == 0
        for peer in (second, early, late, stranger):
            await peer.close()
    run(body())


def test_who_sends_and_receives_hears_itself_only(url):
    async def body():
        room = new_room()
        peers = []
        for hz in (440, 1100):
            peer = Peer(await Member(url, room).open())
            peer.pc.addTrack(Tone(hz))
            peers.append(await (await peer.call()).connected())
        for peer, own, other in zip(peers, (440, 1100), (1100, 440)):
            await until(lambda: hears(peer, own), "its own tone")
            assert not hears(peer, other, loud=0.005)
        viewer = await listen(url, room)
        await until(lambda: hears(viewer, 440, 1100), "both pitches")
        for peer in (*peers, viewer):
            await peer.close()
    run(body())


def test_without_a_wish_everybody_is_alone(url):
    async def body():
        publisher = await publish(url, "", 440, 10000)
        viewer = await listen(url, "")
        await asyncio.sleep(2)
        assert viewer.ear is None or not hears(viewer, 440, loud=0.005)
        assert viewer.eye is None or viewer.eye.frames == 0
        await publisher.close()
        await viewer.close()
    run(body())


def test_a_session_takes_64_peers(url):
    async def body():
        room = new_room()
        model = Peer(await Member(url, room).open())
        model.pc.createDataChannel("data")
        await model.pc.setLocalDescription(await model.pc.createOffer())
        offer = model.pc.localDescription.sdp
        members = [model.signaling]
        while len(members) < 64:
            members.append(await Member(url, room).open())
        for member in members:
            await member.request("offer", to_peer_id=SERVER, type="offer",
                                 sdp=offer)
        late = await Member(url, room).open()
        error = await late.error_of("offer", to_peer_id=SERVER, type="offer",
                                    sdp=offer)
        assert error.code == -32021, error
        # Elsewhere there is room, and here when one has left.
        other = await Member(url, new_room()).open()
        await other.request("offer", to_peer_id=SERVER, type="offer",
                            sdp=offer)
        await members.pop().request("disconnect", peer_id=SERVER)
        await late.request("offer", to_peer_id=SERVER, type="offer", sdp=offer)
        for member in (*members, late, other):
            await member.close()
        await model.pc.close()
    run(body())


def media_worker_of(run_dir):
    """Process ids of the media-workers."""
    return [int(pathlib.Path(path).read_text().split()[0])
            for path in glob.glob(f"{run_dir}/w/media-*/pid")]


def broker_of(run_dir):
    return int(pathlib.Path(run_dir, "broker.pid").read_text())


@pytest.mark.parametrize("which", ["media-worker", "broker"])
def test_a_session_survives(url, request, which):
    run_dir = request.config.getoption("--run-dir")
    if not run_dir:
        pytest.skip("--run-dir of a server that may be hurt is missing")

    async def body():
        room = new_room()
        first = await publish(url, room, 440, 10000)
        second = await publish(url, room, 1100, 30000)
        viewer = await listen(url, room)
        await until(lambda: hears(viewer, 440, 1100), "both pitches")
        for _ in range(2):
            if which == "broker":
                old = broker_of(run_dir)
                os.kill(old, signal.SIGKILL)
                await until(lambda: broker_of(run_dir) != old, "a new broker")
                await asyncio.sleep(2.5)    # workers are adopted
            for pid in media_worker_of(run_dir):
                os.kill(pid, signal.SIGKILL)
            viewer.ear.pcm = viewer.ear.pcm[:0]
            viewer.eye.reset()
            await until(lambda: hears(viewer, 440, 1100), "both again")
            await until(lambda: sees(viewer, 10000), "the first again")
            await seen(viewer, 20)
        again = await listen(url, room)
        await until(lambda: hears(again, 440, 1100), "a newcomer hears")
        await until(lambda: sees(again, 10000), "a newcomer sees")
        for peer in (first, second, viewer, again):
            await peer.close()
    run(body())
