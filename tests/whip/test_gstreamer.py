# SPDX-License-Identifier: MIT OR Apache-2.0
"""GStreamer's webrtcbin (Opus, VP8) publishes by WHIP, aiortc watches."""

import asyncio
import pathlib
import sys

from client import Client
from peer import heard, run, until

HERE = pathlib.Path(__file__).resolve().parent


def test_gstreamer_publishes(server):
    async def body():
        source = await asyncio.create_subprocess_exec(
            sys.executable, HERE / "gst_publish.py",
            server.url + "/whip/gst", "660", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE)
        said = []

        async def listen():
            async for line in source.stdout:
                said.append(line.decode().strip())
        listener = asyncio.ensure_future(listen())
        try:
            await until(lambda: "connected" in said, "connected")
            viewer = await Client(server, "whep", "gst").watch().post()
            await viewer.connected()
            await heard(viewer, 660)
            await until(lambda: viewer.eye and viewer.eye.frames > 20,
                        "pictures")
            source.stdin.close()
            await until(lambda: "deleted" in said, "deleted")
            await asyncio.wait_for(source.wait(), 20)
            await viewer.delete()
        except AssertionError as error:
            raise AssertionError(f"{error}; it said {said}") from error
        finally:
            if source.returncode is None:
                source.kill()
            listener.cancel()
    run(body())
