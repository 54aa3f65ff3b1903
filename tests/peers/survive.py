# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a call notices when one of the server's processes is killed.

A Watched call sends a steady tone, a numbered picture and a counter on a data
channel, and looks at what comes back: the longest silence, the RTP streams
(SSRC, sequence numbers), the counter. Server finds the processes by the run
directory, which is all that a broker leaves behind.

As a program it kills one kind and prints what was seen:
    survive.py URL RUN_DIR media|signaling|broker|ice|supervisor
"""

import asyncio
import os
import pathlib
import re
import signal
import sys
import time

from peer import (CodePicture, Peer, Signaling, Tone, heard, longest_step,
                  open_channel, run, seen, until)

TONE = 440
COUNT_PERIOD = 0.02


class Server:
    """The processes of one running server, by its run directory."""

    def __init__(self, run_dir):
        self.run = pathlib.Path(run_dir)

    def broker(self):
        return int((self.run / "broker.pid").read_text())

    def supervisor(self):
        return parent(self.broker())

    def workers(self):
        """Living workers: name (such as media-0) -> list of pids."""
        found = {}
        for path in (self.run / "w").glob("*/pid"):
            try:
                pid, start = path.read_text().split()
            except (OSError, ValueError):
                continue        # just being written, or just gone
            if start_time(int(pid)) == int(start):
                name = path.parent.name.split(".")[0]
                found.setdefault(name, []).append(int(pid))
        return found

    def of_kind(self, kind):
        """Pids of all workers whose name begins so."""
        return sorted(pid for name, pids in self.workers().items()
                      if name.split("-")[0] == kind for pid in pids)

    def whole(self, not_broker):
        """A broker other than that one is ready."""
        try:
            text = (self.run / "ready").read_text().split()
        except OSError:
            return False
        return (bool(text) and text[0] == str(self.broker()) and
                int(text[0]) != not_broker and alive(int(text[0])))

    def census(self):
        """How many processes of which name, descriptors, memory objects."""
        pids = self.everything()
        return {
            "names": sorted(re.sub(r"^(ice)-.*", r"\1", name)
                            for name, of in self.workers().items()
                            for _ in of),
            "fds": sum(count(f"/proc/{pid}/fd") for pid in pids),
            "maps": sum(text_of(f"/proc/{pid}/maps").count("/memfd:")
                        for pid in pids),
        }

    def everything(self):
        pids = [self.broker()]
        return pids + [p for pids in self.workers().values() for p in pids]


def count(folder):
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def text_of(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def stat_fields(pid):
    """/proc/PID/stat behind the name, or None when there is no such."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields


def parent(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else 0


def start_time(pid):
    fields = stat_fields(pid)
    return int(fields[19]) if fields else 0


def alive(pid):
    return stat_fields(pid) is not None


async def kill(pid):
    """SIGKILL, and waits until the process is gone."""
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not alive(pid), f"{pid} gone", 10)


class Wire:
    """Sequence numbers of the RTP that a peer connection is sent, by SSRC."""

    def __init__(self, pc):
        self.streams = {}
        transports = {id(t): t for t in (
            r.transport for r in pc.getReceivers())}
        for transport in transports.values():
            self._tap(transport._rtp_router)

    def _tap(self, router):
        route = router.route_rtp

        def tapped(packet):
            self.streams.setdefault(packet.ssrc, []).append(
                (time.monotonic(), packet.sequence_number,
                 packet.payload_type))
            return route(packet)
        router.route_rtp = tapped

    def steps(self, ssrc):
        """Differences of sequence numbers, as signed 16-bit numbers."""
        numbers = [n for _, n, _ in self.streams[ssrc]]
        return [((b - a + 0x8000) & 0xffff) - 0x8000
                for a, b in zip(numbers, numbers[1:])]

    def longest_pause(self, ssrc):
        return longest_step([at for at, _, _ in self.streams[ssrc]])


class Watched:
    """One call with tone, picture and counter, and what came back of them."""

    def __init__(self, url, peer_id=None, picture=True, hz=TONE):
        self.url = url
        self.peer_id = peer_id
        self.picture = picture
        self.hz = hz

    async def start(self):
        self.signaling = await Signaling(self.url, self.peer_id).open()
        self.peer = Peer(self.signaling)
        self.peer.pc.addTrack(Tone(self.hz))
        if self.picture:
            self.peer.pc.addTrack(CodePicture())
        self.channel = await open_channel(self.peer)
        await (await self.peer.call()).connected()
        await heard(self.peer, self.hz)
        if self.picture:
            await seen(self.peer, 10)
        await until(lambda: self.channel.readyState == "open", "channel")
        self.wire = Wire(self.peer.pc)
        self.sent = 0
        self._counter = asyncio.ensure_future(self._count())
        # Sound settles before anything is measured.
        await asyncio.sleep(1)
        return self

    async def _count(self):
        while self.channel.readyState == "open":
            self.channel.send(str(self.sent))
            self.sent += 1
            await asyncio.sleep(COUNT_PERIOD)

    def forget(self):
        """Measures from now on."""
        self.peer.ear.reset()
        if self.peer.eye:
            self.peer.eye.reset()
        self.wire.streams.clear()
        self.channel.got.clear()

    def report(self):
        """What was seen since forget()."""
        ear, eye = self.peer.ear, self.peer.eye
        got = [int(m) for m in self.channel.got]
        return {
            "connected": self.peer.pc.connectionState == "connected",
            "told": self.peer.gone.is_set(),
            "pitch": round(ear.pitch(), 1),
            "silence": round(ear.longest_silence(), 3),
            # From the last decoded frame on: a stop that still lasts counts.
            "stop": round(max(ear.longest_stop(), time.monotonic() -
                              (ear.arrivals or [0])[-1]), 3),
            "ssrcs": sorted(self.wire.streams),
            "backwards": sum(step <= 0 for ssrc in self.wire.streams
                             for step in self.wire.steps(ssrc)),
            "jumps": max((step for ssrc in self.wire.streams
                          for step in self.wire.steps(ssrc)), default=0),
            "pause": round(max((self.wire.longest_pause(s)
                                for s in self.wire.streams), default=0), 3),
            "codes": len(eye.codes) if eye else 0,
            "picture_stop": round(eye.longest_stop(), 3) if eye else 0.0,
            "messages": len(got),
            "in_order": got == sorted(set(got)),
            "missing": (got[-1] - got[0] + 1 - len(got)) if got else -1,
        }

    async def stop(self):
        self._counter.cancel()
        await self.peer.close()


async def short_call(url, seconds=10):
    """A new caller gets its tone back; returns how long that took."""
    begin = time.monotonic()
    while True:
        try:
            call = Peer(await Signaling(url).open())
            call.pc.addTrack(Tone(700))
            await call.call()
            break
        except (OSError, ConnectionError, asyncio.TimeoutError):
            if time.monotonic() - begin > seconds:
                raise
            await asyncio.sleep(0.05)
    await call.connected()
    took = time.monotonic() - begin
    await heard(call, 700)
    await call.close()
    return took


async def ssrcs_of(call, seconds=2):
    """The SSRCs that send in this time."""
    call.wire.streams.clear()
    await asyncio.sleep(seconds)
    return sorted(call.wire.streams)


async def kill_media(url, server, call):
    """Kills every media-worker; the RTP streams must go on."""
    before = await ssrcs_of(call)
    call.forget()
    for pid in server.of_kind("media"):
        await kill(pid)
    await asyncio.sleep(4)
    return dict(call.report(), before=before)


async def kill_signaling(url, server, call):
    before = await ssrcs_of(call)
    call.forget()
    (pid,) = server.of_kind("signaling")
    await kill(pid)
    took = await short_call(url)
    await asyncio.sleep(2)
    return dict(call.report(), before=before, new_call=round(took, 3))


async def kill_broker(url, server, call):
    before = await ssrcs_of(call)
    held = server.of_kind("ice")
    workers = server.everything()
    call.forget()
    await kill(server.broker())
    took = await short_call(url)
    await asyncio.sleep(2)
    report = dict(call.report(), before=before, new_call=round(took, 3),
                  kept=all(alive(pid) for pid in held))
    known = set(server.everything())
    report["orphans"] = [p for p in workers if alive(p) and p not in known]
    return report


async def kill_ice(url, server, call):
    """Kills the process of a second caller; it is told, the first one not."""
    held = set(server.of_kind("ice"))
    victim = await Watched(url, picture=False, hz=550).start()
    (pid,) = set(server.of_kind("ice")) - held
    before = await ssrcs_of(call)
    call.forget()
    begin = time.monotonic()
    await kill(pid)
    await until(victim.peer.gone.is_set, "victim told", 10)
    told = time.monotonic() - begin
    await victim.peer.pc.close()
    again = Peer(victim.signaling)
    again.pc.addTrack(Tone(550))
    await (await again.call()).connected()
    back = time.monotonic() - begin
    await heard(again, 550)
    await again.close()
    await asyncio.sleep(1)
    return dict(call.report(), before=before, told_after=round(told, 3),
                called_again=round(back, 3))


async def kill_supervisor(url, server, call):
    before = await ssrcs_of(call)
    call.forget()
    await kill(server.supervisor())
    await asyncio.sleep(2)
    took = await short_call(url)
    return dict(call.report(), before=before, new_call=round(took, 3))


KINDS = {
    "media": kill_media, "signaling": kill_signaling, "broker": kill_broker,
    "ice": kill_ice, "supervisor": kill_supervisor,
}


async def one_victim(url, server, call, kind):
    """Kills once and waits until the server is whole again."""
    if kind == "ice":
        held = set(server.of_kind("ice"))
        victim = await Watched(url, picture=False, hz=550).start()
        (pid,) = set(server.of_kind("ice")) - held
        await kill(pid)
        await until(victim.peer.gone.is_set, "victim told", 10)
        victim._counter.cancel()
        await victim.peer.pc.close()
        await victim.signaling.close()
    elif kind == "broker":
        old = server.broker()
        await kill(old)
        await until(lambda: server.whole(old), "a new broker", 20)
    else:
        pids = server.of_kind(kind)
        await kill(pids[0])
        await until(lambda: len(server.of_kind(kind)) == len(pids) and
                    pids[0] not in server.of_kind(kind), f"a new {kind}", 20)


async def many_kills(url, run_dir, kind, kills):
    """One call, so many kills of one kind; what is left over at the end."""
    server = Server(run_dir)
    call = await Watched(url).start()
    # The first replacement brings what every later one brings.
    await one_victim(url, server, call, kind)
    await asyncio.sleep(3)
    before = await ssrcs_of(call)
    first = server.census()
    call.forget()
    worst = 0.0
    try:
        for done in range(kills):
            await one_victim(url, server, call, kind)
            await asyncio.sleep(1)
            await heard(call.peer, TONE, 10)
            worst = max(worst, call.report()["stop"])
        await short_call(url, 20)
        end = time.monotonic() + 10
        while server.census() != first and time.monotonic() < end:
            await asyncio.sleep(0.2)
        last = server.census()
        report = dict(call.report(), before=before, killed=done + 1,
                      worst_stop=worst)
    finally:
        await call.stop()
    for key in first:
        report[f"{key}_before"], report[f"{key}_after"] = first[key], last[key]
    return report


async def survive(url, run_dir, kind):
    """One call, one kill, one report."""
    server = Server(run_dir)
    call = await Watched(url).start()
    try:
        return await KINDS[kind](url, server, call)
    finally:
        await call.stop()


if __name__ == "__main__":
    seen_then = run(survive(*sys.argv[1:4]))
    for key, value in seen_then.items():
        print(f"{key:14} {value}")
