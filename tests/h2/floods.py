#!/usr/bin/python3
"""floods.py URL SERVER_PID [SECONDS] [-k TEXT]: misuse that costs a server
memory or time, one kind after another, each from four connections that come
again when they are cut.

Meanwhile a healthy client asks for its page. What is asserted: the floods
that break a limit are cut, the signaling process grows by no more than 8 MB
over its idle size, and the healthy client gets every answer within two seconds
(half of them far sooner: both medians are printed).
"""

import multiprocessing
import os
import statistics
import sys
import time

from wire import *

GROWTH_KB = 8192
if os.environ.get("MODE") in ("asan", "tsan"):
    GROWTH_KB = 1 << 20    # sanitizers keep what was freed
FLOODERS = 4
ANSWER_S = 2.0
PATIENCE_S = 30.0    # for a first cut

# The children must not inherit what the parent has measured.
mp = multiprocessing.get_context("fork")


def held(c):
    """SETTINGS that keep every answer back."""
    c.send(settings((INITIAL_WINDOW, 0)))


def rapid_reset(c, i):
    return b"".join(get(1 + 2 * n) + rst(1 + 2 * n)
                    for n in range(i * 200, i * 200 + 200))


def made_reset(c, i):
    bad = block((":method", "GET"), (":scheme", "http"), (":path", "x"),
                (":authority", "a"))
    return b"".join(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * n, bad)
                    for n in range(i * 200, i * 200 + 200))


def continuation(c, i):
    head = frame(HEADERS, 0, 1, request()) if i == 0 else b""
    return head + frame(CONTINUATION, 0, 1, block(("x-a", "b" * 100))) * 100


def empty_continuation(c, i):
    head = frame(HEADERS, 0, 1, request()) if i == 0 else b""
    return head + frame(CONTINUATION, 0, 1) * 1000


def pings(c, i):
    return ping() * 1000


def many_settings(c, i):
    return settings(*[(0xff00, n) for n in range(60)]) * 40


def window_settings(c, i):
    """Each moves the windows of a hundred answers."""
    head = b"".join(get(1 + 2 * n) for n in range(100)) if i == 0 else b""
    return head + (settings((INITIAL_WINDOW, 1)) +
                   settings((INITIAL_WINDOW, 0))) * 200


def empty_data(c, i):
    return (post(1) if i == 0 else b"") + frame(DATA, 0, 1) * 1000


def padding(c, i):
    """DATA that is padding and nothing else."""
    return (post(1) if i == 0 else b"") + \
        frame(DATA, PADDED, 1, b"\xff" + b"\0" * 255) * 50


def priorities(c, i):
    return b"".join(priority(1 + 2 * n, 2 * n)
                    for n in range(i * 500, i * 500 + 500))


def unknown(c, i):
    return frame(0xf0, 0, 0, b"x" * 100) * 200


def hpack_bomb(c, i):
    """One entry of 4 KB, then a byte each time it is meant."""
    fields = request() + indexed_field("x-bomb", "a" * 3900) + b"\xbe" * 8000
    return frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, fields)


def window_updates(c, i):
    return window(0, 1) * 1000


def stalled(c, i):
    """A hundred answers that may not leave, and sign of life."""
    if i == 0:
        return b"".join(get(1 + 2 * n, "/") for n in range(100))
    time.sleep(0.2)
    return ping()


def unread(c, i):
    """Answers that may leave, but are never read from the socket."""
    head = settings((INITIAL_WINDOW, 0x7fffffff)) + \
        window(0, 0x7fffffff - 65535) if i == 0 else b""
    time.sleep(0.01)
    return head + b"".join(get(1 + 2 * n, "/")
                           for n in range(i * 20, i * 20 + 20))


def slow_block(c, i):
    """A header block, one byte at a time."""
    time.sleep(0.05)
    if i == 0:
        return frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\0",
                     length=10000)
    return b"\0"


def uploads(c, i):
    """Bodies that nobody wants, to streams that are held."""
    return (post(1 + 2 * i) + frame(DATA, 0, 1 + 2 * i, b"\0" * 600)) \
        if i < 100 else (time.sleep(0.2) or ping())


# name, what is sent, whether it is cut, what goes first
KINDS = [
    ("rapid reset", rapid_reset, True, None),
    ("streams that must be reset", made_reset, True, None),
    ("CONTINUATION", continuation, True, None),
    ("empty CONTINUATION", empty_continuation, True, None),
    ("PING, answers unread", pings, True, None),
    ("SETTINGS, answers unread", many_settings, True, None),
    ("SETTINGS that move windows", window_settings, True, held),
    ("empty DATA", empty_data, True, held),
    ("DATA of padding", padding, True, held),
    ("PRIORITY", priorities, True, None),
    ("unknown frames", unknown, True, None),
    ("HPACK bomb", hpack_bomb, True, None),
    ("WINDOW_UPDATE of 1", window_updates, True, None),
    ("window-stalled reader", stalled, False, held),
    ("answers never read", unread, False, None),
    ("slow header block", slow_block, False, None),
    ("unwanted uploads", uploads, False, held),
]


def flood_once(target, make, first, until):
    """Bytes sent, and whether the server cut it, which may need longer on
    a machine that does other things."""
    sent = 0
    with Conn(target) as c:
        if first:
            first(c)
        c.sock.settimeout(0.5)
        i = 0
        while time.monotonic() < until:
            try:
                chunk = make(c, i)
                c.sock.sendall(chunk)
            except TimeoutError:
                # The server reads no more; so it grows no more. A part of
                # the chunk may be out, so this connection has said its last.
                while time.monotonic() < until:
                    time.sleep(0.05)
                break
            except OSError:
                return sent, True
            sent += len(chunk)
            i += 1
    return sent, False


def flooder(target, make, must_cut, first, until, result):
    cuts = sent = 0
    patience = until + (PATIENCE_S if must_cut else 0)
    while time.monotonic() < (until if cuts else patience):
        try:
            n, cut = flood_once(target, make, first,
                                until if cuts else patience)
        except (OSError, Closed, AssertionError):
            n, cut = 0, True    # cut before it was settled
        sent += n
        cuts += cut
        if cut:
            time.sleep(0.02)
    result.put((cuts, sent))


class Healthy:
    def __init__(self, target):
        self.c, self.stream = Conn(target), 1
        self.c.send(window(0, 0x7fffffff - 65535))

    def round_trip(self):
        start = time.monotonic()
        self.c.send(get(self.stream))
        got = self.c.outcome(self.stream)
        assert got == ("status", 200), got
        self.stream += 2
        return time.monotonic() - start

    def measure(self, until, pid):
        """Round trips and the largest resident size until then."""
        trips, rss = [], 0
        while time.monotonic() < until:
            trips.append(self.round_trip())
            rss = max(rss, rss_kb(pid))
            time.sleep(0.002)
        return trips, rss


def run(target, pid, healthy, kind, seconds, idle_kb, idle_ms):
    name, make, must_cut, first = kind
    results = mp.Queue()
    until = time.monotonic() + seconds
    children = [mp.Process(target=flooder,
                           args=(target, make, must_cut, first, until,
                                 results))
                for _ in range(FLOODERS)]
    for child in children:
        child.start()
    trips, rss = healthy.measure(until, pid)
    got = [results.get(timeout=2 * PATIENCE_S) for _ in children]
    for child in children:
        child.join()
    cuts, sent = sum(g[0] for g in got), sum(g[1] for g in got)
    median = statistics.median(trips) * 1000
    grown = rss - idle_kb
    bad = []
    if must_cut and not all(g[0] for g in got):
        bad.append("one was never cut")
    if grown > GROWTH_KB:
        bad.append(f"{grown} KB grown")
    if max(trips) > ANSWER_S:
        bad.append(f"an answer took {max(trips):.2f} s")
    print(f"  {'FAIL' if bad else 'ok  '} {name}: {cuts} cuts, "
          f"{sent / 1e6:.1f} MB sent, {grown:+d} KB, median "
          f"{median:.2f} ms (idle {idle_ms:.2f}), worst "
          f"{max(trips) * 1000:.0f} ms{'; ' if bad else ''}"
          f"{', '.join(bad)}", flush=True)
    return bool(bad)


def main(argv):
    pick = argv[argv.index("-k") + 1] if "-k" in argv else ""
    target = Target(argv[0])
    seconds = float(argv[2]) if len(argv) > 2 and argv[2][0].isdigit() else 3
    pid = signaling_pid(argv[1])
    healthy = Healthy(target)
    # Warm: what a first request allocates once is no growth.
    healthy.measure(time.monotonic() + 0.5, pid)
    trips, idle_kb = healthy.measure(time.monotonic() + 1, pid)
    idle_ms = statistics.median(trips) * 1000
    print(f"idle: {idle_kb} KB, median {idle_ms:.2f} ms", flush=True)
    failed = sum(run(target, pid, healthy, k, seconds, idle_kb, idle_ms)
                 for k in KINDS if pick in k[0])
    time.sleep(0.5)
    print(f"after all: {rss_kb(pid) - idle_kb:+d} KB; "
          f"{failed} of {len(KINDS)} floods failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
