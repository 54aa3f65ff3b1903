#!/usr/bin/python3
"""floods.py [-k TEXT] [--no-slow]: clients that flood, stand still or never
read, by WebSocket, HTTP/1.1 and gRPC, all against one server.

Slow clients stand from the beginning until their deadlines have ended them;
meanwhile one flood follows the other. Beside them two healthy clients ask on
and on, and must get every answer, half of them within MEDIAN_MS; the signaling
process must never be more than GROWTH_KB above its idle size.
"""

import asyncio
import json
import os
import pathlib
import re
import select
import shutil
import sys
import tempfile
import time

from kit import *

PORT, TLS_PORT = 18130, 18131
GROWTH_KB = 8192
if os.environ.get("MODE") in ("asan", "tsan"):
    GROWTH_KB = 1 << 20    # sanitizers keep what was freed
MEDIAN_MS = 50
FLOOD_S = 3
LATE_S = 8    # a deadline may be seen so much later on a busy machine
BIG = 4000000    # bytes of a file


def check(good, what):
    if not good:
        raise AssertionError(what)


async def moved(name, before, least):
    """Waits until a counter moved by at least that."""
    end = time.monotonic() + PATIENCE_S
    while True:
        more = (await metrics(PORT))[name] - before[name]
        if more >= least:
            return int(more)
        check(time.monotonic() < end, f"{name} moved by {more} of {least}")
        await asyncio.sleep(0.1)


async def each(lines, what):
    """what(line) of all at the same time."""
    return await asyncio.gather(*(what(line) for line in lines))


async def many(n, make):
    return await asyncio.gather(*(make(i) for i in range(n)))


def of_port(i):
    """Every tenth line by TLS, which costs the server some 40 KB each."""
    return {"port": PORT} if i % 10 else {"port": TLS_PORT, "tls": True}


# Floods

async def ws_pings(tls):
    """The latest ping is answered, whatever was unread before."""
    line = await Line.websocket(TLS_PORT if tls else PORT, tls=tls,
                                rcvbuf=4096)
    batch, sent = ws_frame(9, "x" * 100) * 2000, 0
    end = time.monotonic() + FLOOD_S
    while time.monotonic() < end:
        if not await line.push(batch):
            break
        sent += 2000
        await asyncio.sleep(0)
    while time.monotonic() < end:
        await asyncio.sleep(0.05)
    pongs = 0
    line.wide()
    done = asyncio.create_task(line.send(ws_frame(9, "the last")))
    while True:
        op, payload = await line.frame()
        if op == 9:
            continue
        check(op == 10, f"opcode {op}")
        if payload == b"the last":
            break
        check(payload == b"x" * 100, f"a pong of {payload}")
        pongs += 1
    await done
    line.drop()
    return f"{sent} pings, {pongs} pongs, then the last one's"


async def ws_own_answers(tls):
    """The server reads no more questions than its answers are read; then
    each has its answer, in order."""
    line = await Line.websocket(TLS_PORT if tls else PORT, tls=tls,
                                rcvbuf=4096)
    sent = 0
    end = time.monotonic() + FLOOD_S / 2
    while time.monotonic() < end:
        batch = b"".join(rpc("server.info", sent + i) for i in range(200))
        sent += 200
        if not await line.push(batch):
            break
    while time.monotonic() < end:
        await asyncio.sleep(0.05)
    line.wide()
    for number in range(sent):
        op, payload = await line.frame()
        while op == 9:
            op, payload = await line.frame()
        check(json.loads(payload)["id"] == number, f"not {number}: {payload}")
    line.drop()
    return f"{sent} questions, all answered in order"


async def ws_relayed(_):
    """A peer that does not read is closed with 1013, and who sends to it is
    told so each time."""
    before = await metrics(PORT)
    deaf = await Line.websocket(PORT, rcvbuf=4096)
    await deaf.send(rpc("announce", 1, peer_id="deaf"))
    await deaf.answer(1)
    sender = await Line.websocket(PORT)
    await sender.send(rpc("announce", 1, peer_id="sender"))
    await sender.answer(1)
    taken, codes = 0, []
    for i in range(2, 600):
        await sender.send(rpc("offer", i, to_peer_id="deaf",
                              sdp="v=0\r\na=x:" + "y" * 8000))
        got = await sender.answer(i)
        taken += "result" in got
        if "error" in got:
            codes.append(got["error"]["code"])
            if len(codes) == 3:
                break
    check(codes and codes[0] == -32021, f"the sender heard {codes}")
    check(len(codes) == 3 and set(codes[1:]) <= {-32021, -32000}, codes)
    heard, code = 0, None
    try:
        while True:
            op, payload = await deaf.frame()
            heard += op == 1 and b'"offer"' in payload
            if op == 8:
                code = int.from_bytes(payload[:2], "big")
    except EOFError:
        pass
    check(code == 1013, f"close {code}")
    check(heard == taken, f"{taken} taken, {heard} delivered")
    await moved("signaling_slow_clients_total", before, 1)
    deaf.drop()
    sender.drop()
    return f"{taken} taken and delivered, then {codes}, close 1013"


async def again(make, seconds, least=3):
    """One line after another, four at a time; how many."""
    n, end = 0, time.monotonic() + seconds
    while time.monotonic() < end or n < least:
        await many(4, make)
        n += 4
    return n


async def ws_fragments(tls):
    """A message of 64 KiB in fragments of one byte."""
    before = await metrics(PORT)
    bytes_ = ws_frame(1, "a", fin=False) + \
        ws_frame(0, "a", fin=False) * 65534 + ws_frame(0, "a")

    async def one(_):
        line = await Line.websocket(TLS_PORT if tls else PORT, tls=tls)
        try:
            await line.push(bytes_, 5)
        except ConnectionError:
            pass
        check(await line.code() in (1009, None), "no 1009")
        line.drop()

    async def gentle(_):
        line = await Line.websocket(TLS_PORT if tls else PORT, tls=tls)
        await line.send(bytes_[:7 * 65])
        code = await line.code()
        check(code == 1009, f"close {code}")
        line.drop()
    await gentle(0)
    n = await again(one, FLOOD_S / 2)
    await moved('signaling_bad_requests_total{protocol="websocket"}', before,
                n + 1)
    return f"{n} messages, close 1009 at the 65th byte"


async def ws_endless(_):
    """Fragments without bytes and without an end."""
    async def one(i):
        line = await Line.websocket(**of_port(i))
        await line.send(ws_frame(1, "", fin=False) +
                        ws_frame(0, "", fin=False) * 64)
        code = await line.code()
        check(code == 1009, f"close {code}")
        line.drop()
    return f"{await again(one, 1)} times close 1009"


async def ws_claims(_):
    """Lengths that nobody should believe."""
    before = await metrics(PORT)
    kinds = [(65537, 1009), (1 << 32, 1009), ((1 << 63) - 1, 1009),
             (1 << 63, 1002), ((1 << 64) - 1, 1002)]

    async def one(i):
        claim, expected = kinds[i % len(kinds)]
        line = await Line.websocket(**of_port(i))
        await line.send(ws_frame(1, "x" * 100, claim=claim))
        code = await line.code()
        check(code == expected, f"{claim} bytes: close {code}")
        line.drop()
    await many(100, one)
    await moved('signaling_bad_requests_total{protocol="websocket"}', before,
                100)
    return "100 closed: 1009 above 64 KiB, 1002 with the top bit"


async def http_pipelined(tls):
    """A thousand requests at once, read later."""
    line = await Line.open(TLS_PORT if tls else PORT, tls=tls, rcvbuf=4096)
    one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    line.writer.transport.set_write_buffer_limits(1 << 20)
    await line.send(one * 999 + one.replace(
        b"Host", b"Connection: close\r\nHost"))
    await asyncio.sleep(1.5)
    line.wide()
    page = await line.rest()
    n = page.count(b"HTTP/1.1 200 OK\r\n")
    check(n == 1000, f"{n} answers of 1000")
    line.drop()
    return "1000 of 1000 answered"


WHIP = (b"POST /whip/a HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/sdp\r\n")


async def http_chunks(tls):
    """Chunks of one byte, as fast as they are taken."""
    async def one(_):
        line = await Line.open(TLS_PORT if tls else PORT, tls=tls)
        await line.send(WHIP + b"Transfer-Encoding: chunked\r\n\r\n")
        await line.push(b"1\r\nx\r\n" * 40000, 5)
        status = (await line.until(b"\r\n"))[:12]
        check(status == b"HTTP/1.1 413", status)
        line.drop()
    n = await again(one, FLOOD_S / 2)
    return f"{n} bodies, 413 each"


async def churn(_):
    """Connections that are reset as soon as they are there."""
    n, end = 0, time.monotonic() + FLOOD_S / 2
    while time.monotonic() < end:
        lines = await many(20, lambda i: Line.open(PORT))
        for line in lines:
            line.drop()
        n += len(lines)
    return f"{n} connections"


async def tls_flood(_):
    """Handshakes of strangers: so many as the rate allows, then none."""
    before = await metrics(PORT)
    done = failed = 0
    end = time.monotonic() + FLOOD_S

    async def one(i):
        nonlocal done, failed
        try:
            line = await Line.open(TLS_PORT, tls=True, host=HERE,
                                   source=stranger(100 + i % 100))
            done += 1
            line.drop()
        except (OSError, ssl.SSLError):
            failed += 1
    start = time.monotonic()
    while time.monotonic() < end:
        await many(100, one)
    span = time.monotonic() - start
    refused = await moved(
        'signaling_refused_connections_total{reason="tls"}', before, 1)
    check(failed >= 1, "none was refused")
    # 200 at once, then 200 a second.
    check(done <= 200 + 200 * (span + 1), f"{done} handshakes in {span} s")
    return f"{done} handshakes in {span:.1f} s, {refused} refused"


async def grpc_relayed(_):
    """A Subscribe whose client does not read while another peer sends to it:
    the sender is told, and what was taken arrives whole."""
    loop = asyncio.get_running_loop()
    sub = await loop.run_in_executor(None, lambda: Grpc(
        PORT, own=[(wire.INITIAL_WINDOW, 0)]))
    sub.send(grpc_head(1, WEB + "Subscribe"),
             wire.frame(wire.DATA, wire.END_STREAM, 1, announce("sub")))
    sender = await loop.run_in_executor(None, lambda: Grpc(PORT))
    sender.send(grpc_head(1, SIGNALING + "Signal"),
                wire.frame(wire.DATA, 0, 1, announce("talker")),
                wire.window(0, 1 << 24), wire.window(1, 1 << 24))

    def ask(number):
        offer = pb(1, str(number)) + pb(11, pb(1, "sub") + pb(
            2, "v=0\r\na=x:" + "y" * 8000) + pb(3, "offer"))
        sender.send(wire.frame(wire.DATA, 0, 1, grpc_frame(offer)[:9000]))
        while True:
            for message in sender.messages(1):
                got = pb_read(message)
                if (1, str(number).encode()) in got:
                    return next((dict(pb_read(v))[1] for k, v in got
                                 if k == 13), 0)
            sender.step()

    def fill(number):
        """Until three were refused; how many were taken."""
        taken, codes = 0, []
        while len(codes) < 3 and taken < 200:
            code = ask(number + taken + len(codes))
            taken += code == 0
            codes += [code] if code else []
        check(codes == [8, 8, 8], f"{codes} after {taken}")
        return taken

    def read(taken):
        """Little more window than is used up, so that it is full again."""
        offers = given = got = 0
        while offers < taken:
            if got >= given:
                sub.send(wire.window(0, 65536), wire.window(1, 65536))
                given += 65536
            was = len(sub.data.get(1, b""))
            sub.step()
            got += len(sub.data.get(1, b"")) - was
            for message in sub.messages(1):
                note = [v for k, v in pb_read(message) if k == 12]
                offers += bool(note) and pb_read(note[0])[0][0] == 3

    def rounds():
        while not sender.messages(1):    # the announce's Ack
            sender.step()
        sub.send(wire.window(0, 4096), wire.window(1, 4096))
        while not sub.messages(1):
            sub.step()
        taken, number, n = 0, 10, 0
        end = time.monotonic() + FLOOD_S / 2
        while time.monotonic() < end or n < 2:
            more = fill(number)
            read(more)
            taken += more
            number += more + 3
            n += 1
        return taken, n
    taken, n = await loop.run_in_executor(None, rounds)
    sender.close()
    sub.close()
    return f"{taken} taken and delivered, {n} times full and refused"


async def grpc_never_read(_):
    """A Subscribe that is full and stays so ends after 10 s, and its peer is
    no more there for others."""
    before = await metrics(PORT)
    loop = asyncio.get_running_loop()
    sub = await loop.run_in_executor(None, lambda: Grpc(
        TLS_PORT, True, own=[(wire.INITIAL_WINDOW, 0)]))
    sub.send(grpc_head(1, WEB + "Subscribe"),
             wire.frame(wire.DATA, wire.END_STREAM, 1, announce("asleep")))
    sender = await Line.websocket(PORT)
    await sender.send(rpc("announce", 0, peer_id="waker"))
    await sender.answer(0)
    codes, start = [], time.monotonic()
    while -32000 not in codes:
        check(time.monotonic() - start < 10 + LATE_S, codes[-3:])
        number = len(codes) + 1
        await sender.send(rpc("offer", number, to_peer_id="asleep",
                              sdp="v=0\r\na=x:" + "y" * 8000))
        got = await sender.answer(number)
        codes.append(got.get("error", {}).get("code", 0))
        if codes[-1]:
            await asyncio.sleep(0.05)
    span = time.monotonic() - start
    check(-32021 in codes, codes)
    check(span > 9, f"given up after {span} s")
    await moved("signaling_slow_clients_total", before, 1)
    sub.close()
    sender.drop()
    return (f"{codes.count(0)} taken, {codes.count(-32021)} refused, gone "
            f"after {span:.1f} s")


async def grpc_stalled(_):
    """A hundred answers that may not leave; all arrive when they may."""
    loop = asyncio.get_running_loop()
    c = await loop.run_in_executor(None, lambda: Grpc(
        TLS_PORT, True, own=[(wire.INITIAL_WINDOW, 0)]))
    streams = [2 * i + 1 for i in range(100)]
    for stream in streams:
        c.send(grpc_head(stream, SIGNALING + "HealthCheck"),
               wire.frame(wire.DATA, wire.END_STREAM, stream,
                          grpc_frame(b"")))
    await asyncio.sleep(FLOOD_S / 2)

    def read():
        c.c.fence()
        while c.step()[0] != wire.PING:
            pass
        check(not c.trailers, "an answer left through a window of 0")
        c.send(wire.settings((wire.INITIAL_WINDOW, 65535)))
        while len(c.trailers) < 100:
            c.step()
        bad = [t for t in c.trailers.values() if t["grpc-status"] != "0"]
        check(not bad, bad)
        check(all(len(c.messages(s)) == 1 for s in streams), "answers")
    await loop.run_in_executor(None, read)
    c.close()
    return "100 held, then answered"


async def slowhttptest(*mode):
    """The tool of that name, with 200 connections; how it ended."""
    p = await asyncio.create_subprocess_exec(
        "slowhttptest", *mode, "-c", "200", "-r", "200", "-i", "1", "-p", "3",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL)
    out = (await p.communicate())[0].decode(errors="replace")
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)
    check("service available" in out, out[-2000:])
    states = re.findall(r"service available:\s*(\w+)", out)
    check(set(states) == {"YES"}, states)
    return re.findall(r"Exit status:\s*(.*)", out)[-1].strip()


async def slow_heads_tool(_):
    ended = await slowhttptest("-H", "-l", "8", "-u",
                               f"http://127.0.0.1:{PORT}/")
    check("No open connections" in ended, ended)
    return ended


async def slow_bodies_tool(_):
    return await slowhttptest(
        "-B", "-l", "6", "-u", f"http://127.0.0.1:{PORT}/whip/a", "-f",
        "application/sdp", "-s", "8192", "-t", "POST", "-x", "10")


async def slow_read_tool(_):
    return await slowhttptest(
        "-X", "-l", "6", "-u", f"http://127.0.0.1:{PORT}/large.bin", "-w",
        "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3")


FLOODS = [
    ("WebSocket: pongs never read", ws_pings, False),
    ("WebSocket, TLS: pongs never read", ws_pings, True),
    ("WebSocket: own answers never read", ws_own_answers, False),
    ("WebSocket, TLS: own answers never read", ws_own_answers, True),
    ("WebSocket: messages of others never read", ws_relayed, False),
    ("WebSocket: fragments of one byte", ws_fragments, False),
    ("WebSocket, TLS: fragments of one byte", ws_fragments, True),
    ("WebSocket: endless fragments", ws_endless, False),
    ("WebSocket: huge claimed lengths", ws_claims, False),
    ("HTTP: 1000 requests at once", http_pipelined, False),
    ("HTTP, TLS: 1000 requests at once", http_pipelined, True),
    ("HTTP: chunks of one byte", http_chunks, False),
    ("HTTP, TLS: chunks of one byte", http_chunks, True),
    ("TCP: connections that come and go", churn, False),
    ("TLS: handshakes of strangers", tls_flood, False),
    ("gRPC: 100 streams, window 0", grpc_stalled, False),
    ("gRPC: Subscribe that reads late", grpc_relayed, False),
]
TOOLS = [
    ("slowhttptest -H", slow_heads_tool, False),
    ("slowhttptest -B", slow_bodies_tool, False),
    ("slowhttptest -X", slow_read_tool, False),
]


# Slow clients: each returns what it saw, when the server has ended it.

def in_time(start, least, most):
    span = time.monotonic() - start
    check(least - 0.1 <= span <= most + LATE_S, f"ended after {span:.1f} s")
    return span


async def drip(line, bytes_):
    """One byte a second, while somebody takes it."""
    try:
        for b in bytes_:
            await line.send(bytes([b]))
            await asyncio.sleep(1)
    except (ConnectionError, ssl.SSLError):
        pass


async def dripped(i, head, bytes_, least, most, **more):
    """Its whole is refused with 408 so many seconds from the beginning."""
    start = time.monotonic()
    line = await Line.open(**of_port(i), **more)
    await line.send(head)
    drops = asyncio.create_task(drip(line, bytes_))
    page = await line.rest(most + LATE_S)
    drops.cancel()
    line.drop()
    check(page.startswith(b"HTTP/1.1 408 "), page[:100])
    return in_time(start, least, most)


async def slow_heads(i):
    return await dripped(i, b"", b"GET / HTTP/1.1\r\nHost: a" + b"a" * 99,
                         5, 6)


async def half_upgrades(i):
    return await dripped(i, UPGRADE[:-2], b"", 5, 6)


async def slow_bodies(i):
    """Of many addresses, because WHIP has a rate for each."""
    return await dripped(i, WHIP + b"Content-Length: 1000\r\n\r\n",
                         b"v=0\r\n" + b"x" * 99, 30, 31,
                         host=HERE, source=stranger(10 + i))


async def slow_chunks(i):
    return await dripped(i, WHIP + b"Transfer-Encoding: chunked\r\n\r\n",
                         b"1\r\nx\r\n" * 20, 30, 31,
                         host=HERE, source=stranger(100 + i))


async def silent_websockets(i):
    start = time.monotonic()
    line = await Line.websocket(**of_port(i))
    page = await line.rest(14 + LATE_S)
    line.drop()
    check(page[:1] == b"\x88" and page[2:4] == b"\x03\xf0", page[:20])
    # 10 s, then 3 s for its own close frame.
    return in_time(start, 10, 14)


async def half_handshakes(i):
    start = time.monotonic()
    line = await Line.open(TLS_PORT)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    drops = asyncio.create_task(drip(line, hello + b"x" * 99))
    page = await line.rest(6 + LATE_S)
    drops.cancel()
    line.drop()
    check(page == b"", page)
    return in_time(start, 5, 6)


def ask_raw(i, *asks):
    """A socket that has asked and reads nothing yet."""
    where = of_port(i)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", where["port"]))
    if "tls" in where:
        sock = anyone().wrap_socket(sock, server_hostname="localhost")
    for one in asks:
        sock.sendall(one)
    return sock


async def trickled(i, *asks):
    """Reads a byte a second; cut when for 30 s nothing more was taken."""
    start = time.monotonic()
    sock = await asyncio.get_running_loop().run_in_executor(
        None, ask_raw, i, *asks)
    hung_up, fd = select.poll(), sock.fileno()
    hung_up.register(fd, 0)
    while not hung_up.poll(0):
        in_time(start, 0, 32)
        await asyncio.sleep(1)
        try:
            os.read(fd, 1)
        except ConnectionError:
            break
    sock.close()
    return in_time(start, 30, 32)


async def slow_files(i):
    return await trickled(i, b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")


async def slow_answers(i):
    return await trickled(i, UPGRADE, *[rpc("list_peers", n)
                                        for n in range(8)])


SLOW = [
    ("100 heads, a byte a second: 408", slow_heads, 100),
    ("100 upgrades left half open: 408", half_upgrades, 100),
    ("50 bodies, a byte a second: 408", slow_bodies, 50),
    ("50 chunked bodies, a byte a second: 408", slow_chunks, 50),
    ("500 WebSockets that say nothing: 1008", silent_websockets, 500),
    ("50 TLS handshakes never finished: closed", half_handshakes, 50),
    ("50 readers of a file, a byte a second: closed", slow_files, 50),
    ("1 Subscribe that is never read: gone", grpc_never_read, 0),
    ("3 readers of large answers, a byte a second: closed", slow_answers, 3),
]


async def slow_ones(kind):
    name, what, n = kind
    if not n:
        return await what(None)
    spans = await many(n, what)
    return f"after {min(spans):.1f} to {max(spans):.1f} s"


class Judge:
    def __init__(self, healthy, memory):
        self.healthy, self.memory, self.failed = healthy, memory, 0

    async def idle(self):
        start = time.monotonic()
        await asyncio.sleep(1)
        end = time.monotonic()
        trips = self.healthy.between(start, end)
        self.idle_ms = {k: median(t) for k, t in trips.items()}
        self.idle_kb = self.memory.most(start, end)
        print(f"idle: {self.idle_kb} KB, median JSON-RPC "
              f"{self.idle_ms['rpc']:.2f} ms, gRPC "
              f"{self.idle_ms['grpc']:.2f} ms", flush=True)

    def fares(self, start, end):
        """How the server and the healthy fared: text, what was bad."""
        grown = self.memory.most(start, end) - self.idle_kb
        trips = self.healthy.between(start, end)
        text, bad = f"{grown:+d} KB", []
        for kind, t in trips.items():
            ms = median(t)
            text += f", {kind} {ms:.2f} ms ({ms / self.idle_ms[kind]:.1f} x)"
            if ms > MEDIAN_MS:
                bad.append(f"half of {kind} over {MEDIAN_MS} ms")
        if grown > GROWTH_KB:
            bad.append(f"{grown} KB grown")
        return text, bad

    async def run(self, name, what):
        start = time.monotonic()
        bad, note = [], ""
        try:
            note = await what
        except Exception as error:
            bad.append(f"{type(error).__name__} {error}")
        if time.monotonic() < start + 0.3:    # enough to have a median
            await asyncio.sleep(start + 0.3 - time.monotonic())
        text, worse = self.fares(start, time.monotonic())
        bad += worse
        self.failed += bool(bad)
        print(f"  {'FAIL' if bad else 'ok  '} {name}: {text}; "
              f"{'; '.join([note] + bad)} "
              f"[{time.monotonic() - start:.1f} s]", flush=True)


async def crowd(n):
    """Peers with much to tell: list_peers is large."""
    lines = []
    for i in range(n):
        lines.append(await Line.websocket(PORT))
        await lines[-1].send(rpc("announce", 1, peer_id=f"crowd-{i}",
                                 metadata={"about": "x" * 4000}))
        await lines[-1].answer(1)
    return lines


async def tools(judge, pick):
    for name, what, tls in TOOLS:
        if pick in name:
            await judge.run(name, what(tls))


async def all_of_it(pid, pick, with_slow):
    memory, healthy = Memory(pid), Healthy(PORT, TLS_PORT)
    judge = Judge(healthy, memory)
    peers = await crowd(40)
    await asyncio.sleep(0.7)    # what is allocated once is no growth
    await judge.idle()
    began = time.monotonic()
    before = await metrics(PORT)
    slow = []
    if with_slow:
        slow = [asyncio.create_task(judge.run(k[0], slow_ones(k)))
                for k in SLOW if pick in k[0]]
        await asyncio.sleep(1)
    slow.append(asyncio.create_task(tools(judge, pick)))
    for name, what, tls in FLOODS:
        if pick in name:
            await judge.run(name, what(tls))
    await asyncio.gather(*slow)
    if with_slow and not pick:
        await judge.run("the slow are counted", counted(before))
    await judge.run("all of it", asyncio.sleep(0.5, "in the end"))
    text, bad = judge.fares(began, time.monotonic())
    print(f"from beginning to end: {text}, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    for line in peers:
        line.drop()
    healthy.stop()
    memory.stop.set()
    return judge.failed


async def counted(before):
    n = [await moved(name, before, least) for name, least in (
        ('signaling_bad_requests_total{protocol="http1"}', 300),
        ("signaling_tls_failures_total", 50),
        ("signaling_slow_clients_total", 54))]
    return f"{n} bad requests, TLS failures, slow clients"


def main(argv):
    pick = argv[argv.index("-k") + 1] if "-k" in argv else ""
    web = tempfile.mkdtemp(prefix="rm-floods-")
    pathlib.Path(web, "index.html").write_text("<!doctype html>")
    pathlib.Path(web, "large.bin").write_bytes(b"x" * BIG)
    cert, key = certificate(web)
    server = Server(PORT, dict(
        WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT}",
        GRPC_SIGNALING_ADDRESS=f"0.0.0.0:{TLS_PORT}",
        WEBRTC_TLS_CERT=cert, WEBRTC_TLS_KEY=key, WEBRTC_WEB_DIR=web,
        WEBRTC_MAX_PER_SOURCE=4000, WEBRTC_CONNECT_RATE=100000,
        WEBRTC_MESSAGE_RATE=100000, WEBRTC_OFFER_RATE=10000,
        WEBRTC_MAX_STARTUPS="4000:1:5000", WEBRTC_LOG="error"))
    try:
        failed = asyncio.run(all_of_it(
            wire.signaling_pid(server.process.pid), pick,
            "--no-slow" not in argv))
    finally:
        server.stop()
        shutil.rmtree(web)
    print(f"{failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
