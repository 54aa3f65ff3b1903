# SPDX-License-Identifier: MIT OR Apache-2.0
"""SIGKILL of each kind of process, beside a running call.

The supervisor comes last: nobody restarts the broker after it, so that test
ends the server as well.
"""

import os
import pathlib
import signal

import pytest

from peer import run, until
from survive import Server, alive, many_kills, survive

# A frame that comes late is concealed; only a silence beyond this is a gap.
NO_GAP = 0.1


def same_streams(seen):
    """The tone is back, and every RTP stream went on as it was."""
    assert seen["connected"]
    assert not seen["told"]
    assert abs(seen["pitch"] - 440) < 3
    assert seen["ssrcs"] == seen["before"]
    assert seen["messages"] > 0
    assert seen["in_order"]


def untouched(seen):
    """As if nothing had happened."""
    same_streams(seen)
    assert seen["silence"] < NO_GAP
    assert seen["stop"] < 1
    assert seen["missing"] == 0
    assert seen["codes"] >= 10


def test_media_worker(url, run_dir):
    seen = run(survive(url, run_dir, "media"))
    print(seen)
    same_streams(seen)
    assert seen["silence"] < 1
    assert seen["stop"] < 1
    assert seen["codes"] >= 10


def test_signaling(url, run_dir):
    seen = run(survive(url, run_dir, "signaling"))
    print(seen)
    untouched(seen)
    assert seen["new_call"] < 2


def test_broker(url, run_dir):
    seen = run(survive(url, run_dir, "broker"))
    print(seen)
    untouched(seen)
    assert seen["new_call"] < 2
    assert seen["kept"]
    assert seen["orphans"] == []


def test_one_ice_worker(url, run_dir):
    seen = run(survive(url, run_dir, "ice"))
    print(seen)
    untouched(seen)
    assert seen["told_after"] < 2
    assert seen["called_again"] < 4


@pytest.mark.parametrize("kind", ["media", "signaling", "ice", "broker"])
def test_many_kills_in_one_call(url, run_dir, kills, kind):
    seen = run(many_kills(url, run_dir, kind, kills), 120 + kills * 20)
    print(seen)
    assert seen["killed"] == kills
    same_streams(seen)
    assert seen["worst_stop"] < 1
    assert seen["names_after"] == seen["names_before"]
    assert seen["fds_after"] <= seen["fds_before"]
    assert seen["maps_after"] <= seen["maps_before"]


def test_supervisor(url, run_dir):
    seen = run(survive(url, run_dir, "supervisor"))
    print(seen)
    untouched(seen)

    # Without a supervisor the broker still ends everything when asked.
    server = Server(run_dir)
    pids = server.everything()
    os.kill(server.broker(), signal.SIGTERM)

    async def ended():
        await until(lambda: not any(alive(pid) for pid in pids), "all ended")
        await until(lambda: not pathlib.Path(run_dir).exists(),
                    "run directory gone")
    run(ended())
