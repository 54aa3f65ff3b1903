# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rig's own tools: codes and ears judge rightly, without a server."""

import asyncio

import numpy as np
import pytest

from peer import CodePicture, Ear, MediaStreamError, Tone, draw_code, read_code


@pytest.mark.parametrize("size", [(180, 320), (360, 640), (100, 144)])
def test_code_round_trip(size):
    luma = np.full(size, 120, np.uint8)
    for value in (0, 1, 0x5555, 0xaaaa, 4711, 0xffff):
        draw_code(luma, value)
        assert read_code(luma) == value


def test_code_refuses_what_is_none():
    assert read_code(np.full((180, 320), 16, np.uint8)) is None
    assert read_code(np.full((180, 320), 235, np.uint8)) is None
    assert read_code(np.full((180, 320), 128, np.uint8)) is None


def test_one_wrong_cell_is_noticed():
    luma = np.zeros((180, 320), np.uint8)
    for value in range(0, 65536, 977):
        draw_code(luma, value)
        before = luma.copy()
        for x in range(13, 320, 27):
            luma[152:165, x - 12:x + 13] = 251 - before[152, x]
            assert read_code(luma) != value
            luma[:] = before


def test_picture_carries_its_number():
    picture = CodePicture()
    for n in (0, 3, 70000):
        planes = picture.frame(n).to_ndarray(format="yuv420p")
        assert read_code(planes[:180]) == n & 0xffff


class Replay:
    """A track that hands out given blocks and ends."""

    def __init__(self, blocks):
        self.blocks = iter(blocks)

    async def recv(self):
        for block in self.blocks:
            return block
        raise MediaStreamError


async def listen(frames):
    ear = Ear(Replay(frames))
    await ear._task
    return ear


def test_ear_hears_pitch_and_no_gap():
    tone = Tone(440)
    ear = asyncio.run(listen([tone.frame(n) for n in range(100)]))
    assert abs(ear.pitch() - 440) < 1
    assert ear.gaps == []
    assert abs(ear.rms() - 0.25 / 2 ** 0.5) < 0.01


def test_ear_notices_one_lost_frame():
    tone, silence = Tone(440), Tone(440, level=0)
    frames = [(silence if n == 50 else tone).frame(n) for n in range(100)]
    ear = asyncio.run(listen(frames))
    assert len(ear.gaps) == 1
    assert abs(ear.longest_silence() - 0.02) < 0.001
