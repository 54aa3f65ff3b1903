# SPDX-License-Identifier: MIT OR Apache-2.0
"""A later offer with other credentials: an ICE restart of the same worker.

aiortc cannot restart ICE itself, so its offer is rewritten, as a WHIP client's
PATCH is by the server. That media goes on behind it is seen with Chromium
(tests/browser/renegotiation.test.mjs).
"""

import asyncio
import glob
import re

import pytest

from peer import SERVER, CodePicture, Peer, Signaling, Tone, run, until

FINGERPRINT = r"(a=fingerprint:sha-\d+ )[0-9A-F:]+"


def field(sdp, name):
    return re.search(rf"^a={name}:(\S+)", sdp, re.M).group(1)


def with_credentials(sdp, ufrag, pwd):
    sdp = re.sub(r"a=ice-ufrag:\S+", f"a=ice-ufrag:{ufrag}", sdp)
    sdp = re.sub(r"a=ice-pwd:\S+", f"a=ice-pwd:{pwd}", sdp)
    return re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", sdp)


def workers(run_dir):
    return {path.rsplit("/", 1)[1] for path in glob.glob(f"{run_dir}/w/ice-*")}


class Publisher(Peer):
    """Keeps the answers, and takes only the first as a description."""

    def __init__(self, signaling):
        super().__init__(signaling)
        self.answers = []
        self.states = []

    async def _note(self, method, params):
        if method == "answer":
            self.answers.append(params["sdp"])
            if len(self.answers) > 1:
                return
        if method == "connection_state":
            self.states.append(params.get("state"))
        await super()._note(method, params)

    async def offer_again(self, sdp):
        before = len(self.answers)
        await self.signaling.request("offer", to_peer_id=SERVER, type="offer",
                                     sdp=sdp)
        await until(lambda: len(self.answers) > before, "an answer")
        return self.answers[-1]


def test_other_credentials_are_an_ice_restart(url, request):
    run_dir = request.config.getoption("--run-dir")
    if not run_dir:
        pytest.skip("--run-dir is missing")

    async def body():
        before = workers(run_dir)
        peer = Publisher(await Signaling(url).open())
        peer.pc.addTransceiver(Tone(440), direction="sendonly")
        peer.pc.addTransceiver(CodePicture(), direction="sendonly")
        await (await peer.call()).connected()
        mine = workers(run_dir) - before
        assert len(mine) == 1
        first = peer.answers[0]
        offer = peer.pc.localDescription.sdp
        seen = {field(first, "ice-ufrag")}
        for n in range(2):
            answer = await peer.offer_again(with_credentials(
                offer, f"again{n}", f"password{n}".ljust(24, "x")))
            ufrag = field(answer, "ice-ufrag")
            assert ufrag not in seen
            seen.add(ufrag)
            assert field(answer, "ice-pwd") != field(first, "ice-pwd")
            assert re.search(FINGERPRINT, answer).group() == \
                re.search(FINGERPRINT, first).group()
            assert re.findall(r"^m=\w+ [1-9]", answer, re.M)
            assert "a=recvonly" in answer
        # The same offer once more changes nothing.
        again = await peer.offer_again(with_credentials(
            offer, "again1", "password1".ljust(24, "x")))
        assert field(again, "ice-ufrag") == ufrag
        assert mine <= workers(run_dir), "another process took over"
        await asyncio.sleep(1)      # five offers at once are the most
        # Another certificate is another connection, by another process.
        other = re.sub(FINGERPRINT, lambda m: m.group(1) + ":".join(
            ["AB"] * len(m.group().rsplit(" ", 1)[1].split(":"))), offer)
        answer = await peer.offer_again(other)
        assert re.search(FINGERPRINT, answer).group()
        await until(lambda: not mine & workers(run_dir),
                    "the process of the old connection has gone")
        await peer.close()
    run(body())
