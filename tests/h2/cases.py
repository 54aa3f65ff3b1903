#!/usr/bin/python3
"""cases.py URL... [-v] [-k TEXT]: RFC 9113 and RFC 7541, case by case.

Each case has its section, says what it does, and states the answers that
the RFC and docs/signaling.md leave: a status, RST_STREAM or GOAWAY with its
code, or that the connection stays as it was. After each case a connection
that was open before it, and had nothing to do with it, gets its page.
"""

import struct
import sys

from wire import *

CASES = []
ALIVE = ("alive",)
CLOSED = ("closed",)


def goaway_(code):
    return ("goaway", code)


def rst_(code):
    return ("rst", code)


def status_(code):
    return ("status", code)


# Where nobody listens to POST.
UNSERVED = (status_(404), status_(405))


def case(section, what, *expected, own=()):
    def add(f):
        CASES.append((section, what, expected, own, f))
        return f
    return add


def simple(section, what, *expected, frames, stream=1, fence=False, own=()):
    """Frames go out in one write; the answer about `stream` is the result."""
    @case(section, what, *expected, own=own)
    def run(c):
        c.send(*frames)
        if fence:
            c.fence()
        return c.outcome(stream)


def malformed(section, what, fields, flags=END_STREAM | END_HEADERS):
    """A stream error (RFC 9113 8.1.1); the connection goes on."""
    @case(section, what, rst_(PROTOCOL_ERROR))
    def run(c):
        c.send(frame(HEADERS, flags, 1, fields))
        got = c.outcome(1)
        c.send(get(3))
        after = c.outcome(3)
        return got if after == status_(200) else ("then", after)


BASE = [(":method", "GET"), (":scheme", "http"), (":path", "/healthz"),
        (":authority", "test")]


def without(name):
    return block(*[f for f in BASE if f[0] != name])


def plus(*fields):
    return block(*BASE, *fields)


EH = END_HEADERS
ES = END_STREAM

# 3 Starting HTTP/2


def raw(section, what, *expected):
    """The case begins with a bare connection."""
    def add(f):
        CASES.append((section, what, expected, None, f))
        return f
    return add


@raw("3.4", "the preface comes byte by byte", status_(200))
def _(c):
    for b in PREFACE + settings() + get(1):
        c.send(bytes([b]))
    return c.outcome()


@raw("3.4", "preface, SETTINGS and a request in one write", status_(200))
def _(c):
    c.send(PREFACE + settings() + get(1))
    return c.outcome()


@raw("3.4", "the server's first frame is SETTINGS", "settings")
def _(c):
    c.send(PREFACE + settings())
    kind, flags, stream, _ = c.recv()
    return "settings" if (kind, flags, stream) == (SETTINGS, 0, 0) else kind


@raw("3.4", "a preface that ends wrongly", goaway_(PROTOCOL_ERROR), CLOSED)
def _(c):
    c.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + settings())
    return c.outcome()


for kind_name, first in (("HEADERS", get(1)), ("PING", ping()),
                         ("WINDOW_UPDATE", window(0, 1)),
                         ("an unknown frame", frame(0xbb, 0, 0, b"x")),
                         ("a SETTINGS answer", settings(flags=ACK))):
    @raw("3.4", f"{kind_name} in place of the client's SETTINGS",
         goaway_(PROTOCOL_ERROR))
    def _(c, first=first):
        c.send(PREFACE + first)
        return c.outcome()


@case("3.4", "the server acknowledges the client's SETTINGS", ALIVE)
def _(c):
    return c.alive()    # Conn() has waited for it


@case("3.2", "the server offers neither push nor extended CONNECT", "so")
def _(c):
    s = c.server_settings
    ok = not s.get(ENABLE_PUSH) and not s.get(ENABLE_CONNECT)
    return "so" if ok else s


@case("3.2", "the server tells its limits: 100 streams, 16 KiB of fields",
      (100, 16384))
def _(c):
    return (c.server_settings.get(MAX_STREAMS),
            c.server_settings.get(MAX_HEADER_LIST))


@case("3.2", "GET of a page", status_(200))
def _(c):
    c.send(get(1, "/"))
    return c.outcome()


@case("3.2", "POST where nobody listens", *UNSERVED)
def _(c):
    c.send(post(1), frame(DATA, ES, 1, b"body"))
    return c.outcome()


@case("3.2", "twenty requests at once", [200] * 20)
def _(c):
    c.send(*[get(1 + 2 * i) for i in range(20)])
    done = {}
    statuses = {}
    while len(done) < 20:
        kind, flags, stream, payload = c.recv()
        if kind == HEADERS:
            statuses[stream] = int(c.headers(flags, payload)[":status"])
        if stream and flags & ES and kind in (DATA, HEADERS):
            done[stream] = True
    return [statuses[1 + 2 * i] for i in range(20)]


# 4.1 Frame format

simple("4.1", "an unknown frame type is ignored", ALIVE,
       frames=[frame(0x16, 0, 0, b"\0" * 8)], stream=-1, fence=True)
simple("4.1", "an unknown frame on an idle stream is ignored", ALIVE,
       frames=[frame(0x16, 0, 99, b"\0" * 8)], stream=-1, fence=True)
simple("4.1", "an empty unknown frame is ignored", ALIVE,
       frames=[frame(0xff)], stream=-1, fence=True)
simple("4.1", "flags without meaning are ignored", ALIVE,
       frames=[ping(flags=0x16)], stream=-1, fence=True)
simple("4.1", "the reserved bit of the stream is ignored", ALIVE,
       frames=[ping(stream=0x80000000)], stream=-1, fence=True)
simple("4.1", "unknown flags of HEADERS are ignored", status_(200),
       frames=[get(1, flags=ES | EH | 0x42)])

# 4.2 Frame size

simple("4.2", "DATA of 16384 bytes", *UNSERVED,
       frames=[post(1), frame(DATA, ES, 1, b"\0" * 16384)])
simple("4.2", "DATA of 16385 bytes", goaway_(FRAME_SIZE_ERROR),
       rst_(FRAME_SIZE_ERROR),
       frames=[post(1), frame(DATA, ES, 1, b"\0" * 16385)])
simple("4.2", "HEADERS of 16385 bytes", goaway_(FRAME_SIZE_ERROR),
       frames=[frame(HEADERS, ES | EH, 1,
                     request(extra=[("x", "a" * 16385)])[:16385])])
simple("4.2", "SETTINGS larger than a frame may be",
       goaway_(FRAME_SIZE_ERROR),
       frames=[settings(*[(0xff00, 0)] * 2731)])
simple("4.2", "an unknown frame of 16385 bytes", goaway_(FRAME_SIZE_ERROR),
       frames=[frame(0x16, 0, 0, b"\0" * 16385)])
simple("4.2", "a frame that claims 16 MiB", goaway_(FRAME_SIZE_ERROR),
       frames=[frame(DATA, 0, 1, b"", length=0xffffff)])
for n in (0, 4, 6):
    simple("4.2", f"PRIORITY of {n} bytes", rst_(FRAME_SIZE_ERROR),
           goaway_(FRAME_SIZE_ERROR),
           frames=[post(1), frame(PRIORITY, 0, 1, b"\0" * n)])
for n in (0, 3, 5):
    simple("4.2", f"RST_STREAM of {n} bytes", goaway_(FRAME_SIZE_ERROR),
           frames=[post(1), frame(RST_STREAM, 0, 1, b"\0" * n)])
for n in (1, 5, 7):
    simple("4.2", f"SETTINGS of {n} bytes", goaway_(FRAME_SIZE_ERROR),
           frames=[frame(SETTINGS, 0, 0, b"\0" * n)])
for n in (0, 7, 9):
    simple("4.2", f"PING of {n} bytes", goaway_(FRAME_SIZE_ERROR),
           frames=[frame(PING, 0, 0, b"\0" * n)])
for n in (0, 7):
    simple("4.2", f"GOAWAY of {n} bytes", goaway_(FRAME_SIZE_ERROR),
           frames=[frame(GOAWAY, 0, 0, b"\0" * n)])
for n in (0, 3, 5):
    simple("4.2", f"WINDOW_UPDATE of {n} bytes", goaway_(FRAME_SIZE_ERROR),
           frames=[frame(WINDOW_UPDATE, 0, 0, b"\0" * n)])
simple("4.2", "HEADERS too short for its priority",
       goaway_(FRAME_SIZE_ERROR),
       frames=[frame(HEADERS, ES | EH | PRIO, 1, b"\0" * 4)])
simple("4.2", "HEADERS too short for its padding",
       goaway_(FRAME_SIZE_ERROR), goaway_(PROTOCOL_ERROR),
       frames=[frame(HEADERS, ES | EH | PADDED, 1, b"")])
simple("4.2", "DATA too short for its padding",
       goaway_(FRAME_SIZE_ERROR), goaway_(PROTOCOL_ERROR),
       frames=[post(1), frame(DATA, ES | PADDED, 1, b"")])

# 4.3 Field sections

simple("4.3", "a block that is no HPACK", goaway_(COMPRESSION_ERROR),
       frames=[frame(HEADERS, ES | EH, 1, b"\x40")])
OPEN = frame(HEADERS, ES, 1, request())
for what, other in (("PRIORITY", priority(1)), ("PING", ping()),
                    ("DATA", frame(DATA, 0, 1, b"x")),
                    ("HEADERS of another stream", get(3)),
                    ("HEADERS of the same stream", get(1)),
                    ("SETTINGS", settings()), ("RST_STREAM", rst(1)),
                    ("GOAWAY", goaway()), ("WINDOW_UPDATE", window(0, 1)),
                    ("an unknown frame", frame(0x16))):
    simple("4.3", f"{what} in the middle of a block",
           goaway_(PROTOCOL_ERROR), frames=[OPEN, other])


@case("4.3", "the table outlives a request", (200, 404))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1,
                 block(*BASE[:2]) + indexed_field(":path", "/healthz") +
                 block(BASE[3])))
    first = c.outcome(1)[1]
    c.send(frame(HEADERS, ES | EH, 3,
                 block(*BASE[:2]) + indexed_field(":path", "/none-such") +
                 block(BASE[3])))
    c.outcome(3)
    # 63 is the older of the two now.
    c.send(frame(HEADERS, ES | EH, 5,
                 block(*BASE[:2]) + b"\xbf" + block(BASE[3])))
    assert c.outcome(5) == status_(200)
    c.send(frame(HEADERS, ES | EH, 7,
                 block(*BASE[:2]) + b"\xbe" + block(BASE[3])))
    return first, c.outcome(7)[1]


@case("4.3", "the table holds what a refused request put in", status_(200))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1,
                 block(("Bad-Name", "x")) +
                 indexed_field(":path", "/healthz")))
    assert c.outcome(1) == rst_(PROTOCOL_ERROR)
    c.send(frame(HEADERS, ES | EH, 3,
                 block(*BASE[:2]) + b"\xbe" + block(BASE[3])))
    return c.outcome(3)


# 5.1 Stream states

# A stream whose answer waits for a window stays half-closed (remote).
HELD = ((INITIAL_WINDOW, 0),)

simple("5.1", "idle: DATA", goaway_(PROTOCOL_ERROR),
       frames=[frame(DATA, ES, 1, b"x")])
simple("5.1", "idle: RST_STREAM", goaway_(PROTOCOL_ERROR), frames=[rst(1)])
simple("5.1", "idle: WINDOW_UPDATE", goaway_(PROTOCOL_ERROR),
       frames=[window(1, 100)])
simple("5.1", "idle: CONTINUATION", goaway_(PROTOCOL_ERROR),
       frames=[frame(CONTINUATION, EH, 1, request())])
simple("5.1", "idle: PRIORITY is allowed", ALIVE, frames=[priority(1)],
       stream=-1, fence=True)
simple("5.1", "half-closed (remote): DATA", goaway_(STREAM_CLOSED),
       rst_(STREAM_CLOSED), own=HELD,
       frames=[get(1), frame(DATA, ES, 1, b"x")])
simple("5.1", "half-closed (remote): HEADERS", goaway_(STREAM_CLOSED),
       rst_(STREAM_CLOSED), own=HELD, frames=[get(1), get(1)])
simple("5.1", "half-closed (remote): CONTINUATION", goaway_(PROTOCOL_ERROR),
       own=HELD,
       frames=[get(1), frame(CONTINUATION, EH, 1, request())])
simple("5.1", "half-closed (remote): WINDOW_UPDATE lets the answer out",
       status_(200), own=HELD, frames=[get(1), window(1, 65535)])
simple("5.1", "half-closed (remote): PRIORITY is allowed", ALIVE, own=HELD,
       frames=[get(1), priority(1)], stream=-1, fence=True)
simple("5.1", "half-closed (remote): RST_STREAM is allowed", ALIVE,
       own=HELD, frames=[get(1), rst(1)], stream=-1, fence=True)


def reset_by_client(what, *expected, frames, stream=1, fence=False):
    @case("5.1", f"closed by RST_STREAM: {what}", *expected, own=HELD)
    def run(c):
        c.send(get(1))
        while c.recv()[0] != HEADERS:
            pass
        c.send(rst(1), *frames)
        if fence:
            c.fence()
        return c.outcome(stream)


reset_by_client("DATA", goaway_(STREAM_CLOSED), rst_(STREAM_CLOSED),
                frames=[frame(DATA, ES, 1, b"x")])
reset_by_client("HEADERS", goaway_(STREAM_CLOSED), rst_(STREAM_CLOSED),
                goaway_(PROTOCOL_ERROR), frames=[get(1)])
reset_by_client("CONTINUATION", goaway_(PROTOCOL_ERROR),
                frames=[frame(CONTINUATION, EH, 1, request())])
reset_by_client("PRIORITY is allowed", ALIVE, frames=[priority(1)],
                stream=-1, fence=True)
reset_by_client("WINDOW_UPDATE is ignored", ALIVE, frames=[window(1, 5)],
                stream=-1, fence=True)
reset_by_client("RST_STREAM is ignored", ALIVE, frames=[rst(1)],
                stream=-1, fence=True)


def after_answer(what, *expected, frames, stream=1, fence=False):
    @case("5.1", f"closed after the answer: {what}", *expected)
    def run(c):
        c.send(get(1))
        assert c.outcome(1) == status_(200)
        c.send(*frames)
        if fence:
            c.fence()
        return c.outcome(stream)


after_answer("DATA", goaway_(STREAM_CLOSED), rst_(STREAM_CLOSED),
             frames=[frame(DATA, ES, 1, b"x")])
after_answer("HEADERS", goaway_(STREAM_CLOSED), goaway_(PROTOCOL_ERROR),
             frames=[get(1)])
after_answer("CONTINUATION", goaway_(PROTOCOL_ERROR),
             frames=[frame(CONTINUATION, EH, 1, request())])
after_answer("PRIORITY is allowed", ALIVE, frames=[priority(1)], stream=-1,
             fence=True)
after_answer("WINDOW_UPDATE is ignored", ALIVE, frames=[window(1, 5)],
             stream=-1, fence=True)
after_answer("RST_STREAM is ignored", ALIVE, frames=[rst(1)], stream=-1,
             fence=True)

simple("5.1.1", "a request on an even stream", goaway_(PROTOCOL_ERROR),
       frames=[get(2)], stream=2)


@case("5.1.1", "a stream below the last one", goaway_(PROTOCOL_ERROR),
      goaway_(STREAM_CLOSED))
def _(c):
    c.send(get(5))
    assert c.outcome(5) == status_(200)
    c.send(get(3))
    return c.outcome(3)


simple("5.1.1", "streams may be left out", status_(200), frames=[get(1001)],
       stream=1001)
simple("5.1.1", "the last stream there is", status_(200),
       frames=[get(0x7fffffff)], stream=0x7fffffff)
simple("5.1.1", "DATA on a stream that was left out",
       goaway_(PROTOCOL_ERROR), goaway_(STREAM_CLOSED), ALIVE,
       frames=[get(5), frame(DATA, ES, 3, b"x")], stream=3, fence=True)


@case("5.1.2", "the 101st stream is refused, the 100 are served",
      rst_(REFUSED_STREAM), goaway_(PROTOCOL_ERROR), own=HELD)
def _(c):
    c.send(*[get(1 + 2 * i) for i in range(101)])
    return c.outcome(201)


@case("5.1.2", "a hundred streams at the same time", 100, own=HELD)
def _(c):
    c.send(*[get(1 + 2 * i) for i in range(100)])
    seen = 0
    while seen < 100:
        kind, flags, stream, payload = c.recv()
        if kind == HEADERS:
            assert c.headers(flags, payload)[":status"] == "200"
            seen += 1
        assert kind not in (RST_STREAM, GOAWAY)
    c.send(settings((INITIAL_WINDOW, 65535)))
    ended = 0
    while ended < 100:
        kind, flags, stream, payload = c.recv()
        ended += kind == DATA and bool(flags & ES)
        assert kind not in (RST_STREAM, GOAWAY)
    return ended


@case("5.1.2", "a place is free again after a stream has ended",
      status_(200), own=HELD)
def _(c):
    c.send(*[get(1 + 2 * i) for i in range(100)])
    c.send(rst(1))
    c.send(get(201), window(201, 65535))
    return c.outcome(201)


# 5.3 Priority (deprecated, still to be parsed)

simple("5.3", "HEADERS with a priority", status_(200),
       frames=[frame(HEADERS, ES | EH | PRIO, 1,
                     struct.pack(">IB", 0, 200) + request())])
simple("5.3", "HEADERS that depends on itself", status_(200),
       rst_(PROTOCOL_ERROR), goaway_(PROTOCOL_ERROR),
       frames=[frame(HEADERS, ES | EH | PRIO, 1,
                     struct.pack(">IB", 1, 200) + request())])
simple("5.3", "PRIORITY that depends on itself", ALIVE,
       rst_(PROTOCOL_ERROR), goaway_(PROTOCOL_ERROR),
       frames=[priority(1, 1)], fence=True)
simple("5.3", "exclusive PRIORITY on streams that never were", ALIVE,
       frames=[priority(2 * i + 1, 0x80000000 | 2 * i) for i in range(90)],
       stream=-1, fence=True)

# 5.4 Errors


@case("5.4.1", "after a connection error: GOAWAY, then the end",
      (goaway_(PROTOCOL_ERROR), True))
def _(c):
    c.send(frame(DATA, 0, 0, b"x"))
    return c.outcome(), c.wait_closed()


@case("5.4.1", "GOAWAY names the last stream that was served", 3)
def _(c):
    c.send(get(1), get(3))
    c.outcome(3)
    c.send(frame(DATA, 0, 0, b"x"))
    while True:
        kind, _, _, payload = c.recv()
        if kind == GOAWAY:
            return struct.unpack(">I", payload[:4])[0]


@case("5.4.2", "after a stream error the others go on", status_(200),
      own=HELD)
def _(c):
    c.send(get(1))
    c.send(frame(HEADERS, ES | EH, 3, without(":method")))
    assert c.outcome(3) == rst_(PROTOCOL_ERROR)
    c.send(window(1, 65535))
    return c.outcome(1)


# 6.1 DATA

simple("6.1", "DATA on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[frame(DATA, 0, 0, b"x")])
simple("6.1", "padded DATA", *UNSERVED,
       frames=[post(1), frame(DATA, ES | PADDED, 1,
                              b"\x05hello" + b"\0" * 5)])
simple("6.1", "padding as long as the frame", goaway_(PROTOCOL_ERROR),
       frames=[post(1), frame(DATA, ES | PADDED, 1, b"\x06hello")])
simple("6.1", "DATA of padding alone", *UNSERVED,
       frames=[post(1), frame(DATA, ES | PADDED, 1, b"\xff" + b"\0" * 255)])
simple("6.1", "an empty DATA ends the request", *UNSERVED,
       frames=[post(1), frame(DATA, ES, 1)])

# 6.2 HEADERS

simple("6.2", "HEADERS on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[get(0)])
simple("6.2", "padded HEADERS", status_(200),
       frames=[frame(HEADERS, ES | EH | PADDED, 1,
                     b"\x08" + request() + b"\0" * 8)])
simple("6.2", "padded HEADERS with a priority", status_(200),
       frames=[frame(HEADERS, ES | EH | PADDED | PRIO, 1,
                     b"\x08" + struct.pack(">IB", 0, 1) + request() +
                     b"\0" * 8)])
simple("6.2", "padding longer than HEADERS", goaway_(PROTOCOL_ERROR),
       frames=[frame(HEADERS, ES | EH | PADDED, 1, b"\xff" + request())])
simple("6.2", "padding that leaves no room for the priority",
       goaway_(PROTOCOL_ERROR), goaway_(FRAME_SIZE_ERROR),
       frames=[frame(HEADERS, ES | EH | PADDED | PRIO, 1,
                     b"\x05" + b"\0" * 8)])

# 6.3 PRIORITY, 6.4 RST_STREAM

simple("6.3", "PRIORITY on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[priority(0)])
simple("6.4", "RST_STREAM on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[rst(0)])
simple("6.4", "RST_STREAM with a code that nobody knows", ALIVE,
       frames=[get(1), rst(1, 0xdeadbeef)], stream=-1, fence=True)

# 6.5 SETTINGS

simple("6.5", "SETTINGS on a stream", goaway_(PROTOCOL_ERROR),
       frames=[settings(stream=1)])
simple("6.5", "an answer with something in it", goaway_(FRAME_SIZE_ERROR),
       frames=[settings((MAX_STREAMS, 1), flags=ACK)])
simple("6.5.2", "ENABLE_PUSH of 2", goaway_(PROTOCOL_ERROR),
       frames=[settings((ENABLE_PUSH, 2))])
simple("6.5.2", "ENABLE_PUSH of 1 pushes nothing", status_(200),
       frames=[settings((ENABLE_PUSH, 1)), get(1)])
simple("6.5.2", "INITIAL_WINDOW_SIZE of 2^31", goaway_(FLOW_CONTROL_ERROR),
       frames=[settings((INITIAL_WINDOW, 0x80000000))])
simple("6.5.2", "INITIAL_WINDOW_SIZE of 2^31-1", status_(200),
       frames=[settings((INITIAL_WINDOW, 0x7fffffff)), get(1)])
simple("6.5.2", "MAX_FRAME_SIZE of 16383", goaway_(PROTOCOL_ERROR),
       frames=[settings((MAX_FRAME, 16383))])
simple("6.5.2", "MAX_FRAME_SIZE of 2^24", goaway_(PROTOCOL_ERROR),
       frames=[settings((MAX_FRAME, 1 << 24))])
simple("6.5.2", "MAX_FRAME_SIZE of 2^24-1", status_(200),
       frames=[settings((MAX_FRAME, (1 << 24) - 1)), get(1)])
simple("6.5.2", "HEADER_TABLE_SIZE of 0", status_(200),
       frames=[settings((HEADER_TABLE_SIZE, 0)), get(1)])
simple("6.5.2", "HEADER_TABLE_SIZE of 2^32-1", status_(200),
       frames=[settings((HEADER_TABLE_SIZE, 0xffffffff)), get(1)])
simple("6.5.2", "MAX_CONCURRENT_STREAMS of 0 is about the server's",
       status_(200), frames=[settings((MAX_STREAMS, 0)), get(1)])
simple("6.5.2", "an unknown setting is ignored", status_(200),
       frames=[settings((0xff01, 7)), get(1)])
simple("6.5.2", "ENABLE_CONNECT_PROTOCOL of 2 from a client",
       goaway_(PROTOCOL_ERROR), ALIVE,
       frames=[settings((ENABLE_CONNECT, 2))], stream=-1, fence=True)
simple("6.5.2", "NO_RFC7540_PRIORITIES of 2", goaway_(PROTOCOL_ERROR),
       frames=[settings((NO_PRIORITIES, 2))])
simple("6.5.3", "64 settings in a frame", ALIVE,
       frames=[settings(*[(0xff01, i) for i in range(64)])], stream=-1,
       fence=True)
simple("6.5.3", "65 settings in a frame", goaway_(ENHANCE_YOUR_CALM),
       frames=[settings(*[(0xff01, i) for i in range(65)])])


@case("6.5.3", "settings count in their order, the last wins", "one byte")
def _(c):
    c.send(settings((INITIAL_WINDOW, 100), (INITIAL_WINDOW, 1)), get(1, "/"))
    while True:
        kind, flags, stream, payload = c.recv()
        if kind == DATA:
            return "one byte" if len(payload) == 1 else len(payload)


@case("6.5.3", "each SETTINGS is acknowledged", 3)
def _(c):
    c.send(settings(), settings((MAX_STREAMS, 1)), settings())
    c.fence()
    acks = 0
    while True:
        kind, flags, stream, payload = c.recv()
        acks += kind == SETTINGS and flags & ACK
        if kind == PING:
            return acks


# 6.6 PUSH_PROMISE

simple("6.6", "PUSH_PROMISE from a client", goaway_(PROTOCOL_ERROR),
       frames=[post(1), frame(PUSH_PROMISE, EH, 1,
                              struct.pack(">I", 2) + request())])
simple("6.6", "PUSH_PROMISE on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[frame(PUSH_PROMISE, EH, 0,
                     struct.pack(">I", 2) + request())])

# 6.7 PING


@case("6.7", "a PING comes back as it was", b"\x01\xff\x00abcde")
def _(c):
    c.send(ping(b"\x01\xff\x00abcde"))
    while True:
        kind, flags, stream, payload = c.recv()
        if kind == PING and flags & ACK:
            return payload


@case("6.7", "an answer to no PING is not answered", b"\0fence\0\0")
def _(c):
    c.send(ping(b"unasked!", flags=ACK))
    c.fence()
    while True:
        kind, flags, stream, payload = c.recv()
        if kind == PING:
            return payload


simple("6.7", "PING on a stream", goaway_(PROTOCOL_ERROR),
       frames=[ping(stream=1)])
simple("6.7", "PING is answered while a request is open", ALIVE, own=HELD,
       frames=[post(1)], stream=-1, fence=True)

# 6.8 GOAWAY

simple("6.8", "GOAWAY on a stream", goaway_(PROTOCOL_ERROR),
       frames=[goaway(stream=1)])


@case("6.8", "after the client's GOAWAY its requests are still answered",
      (status_(200), True), own=HELD)
def _(c):
    c.send(get(1), goaway(), window(1, 65535))
    got = c.outcome(1)
    return got, c.wait_closed()


@case("6.8", "GOAWAY with words and an unknown code", (status_(200), True),
      own=HELD)
def _(c):
    c.send(get(1), goaway(0xdeadbeef, debug=b"why" * 10), window(1, 65535))
    got = c.outcome(1)
    return got, c.wait_closed()


@case("6.8", "GOAWAY of a client without requests: the end", True)
def _(c):
    c.send(goaway())
    return c.wait_closed()


# 6.9 WINDOW_UPDATE

simple("6.9", "WINDOW_UPDATE of 0 for the connection",
       goaway_(PROTOCOL_ERROR), frames=[window(0, 0)])
simple("6.9", "WINDOW_UPDATE of 0 for a stream", rst_(PROTOCOL_ERROR),
       goaway_(PROTOCOL_ERROR), own=HELD, frames=[get(1), window(1, 0)])
simple("6.9.1", "the connection's window past 2^31-1",
       goaway_(FLOW_CONTROL_ERROR), frames=[window(0, 0x7fffffff)])
simple("6.9.1", "the connection's window of 2^31-1", status_(200),
       frames=[window(0, 0x7fffffff - 65535), get(1)])
simple("6.9.1", "a stream's window past 2^31-1", rst_(FLOW_CONTROL_ERROR),
       goaway_(FLOW_CONTROL_ERROR), own=HELD,
       frames=[get(1), window(1, 0x7fffffff), window(1, 0x7fffffff)])
simple("6.9", "the reserved bit of the increment is ignored", status_(200),
       own=HELD, frames=[get(1), window(1, 0x80000000 | 65535)])


def data_until_fence(c, stream=1):
    """Bytes of the stream (0: of all) until nothing more comes. An answer
    to a PING overtakes DATA of its turn, but not of the turn before."""
    got = 0
    for _ in range(2):
        c.fence()
        while True:
            kind, flags, on, payload = c.recv()
            if kind == HEADERS:
                c.headers(flags, payload, on)
            if kind == DATA and stream in (0, on):
                got += len(payload)
            if kind == PING and flags & ACK:
                break
    return got


@case("6.9.1", "a window of one byte: one byte", 1,
      own=((INITIAL_WINDOW, 1),))
def _(c):
    c.send(get(1, "/"))
    return data_until_fence(c)


@case("6.9.1", "a window that opens by ten: ten more", (0, 10), own=HELD)
def _(c):
    c.send(get(1, "/"))
    first = data_until_fence(c)
    c.send(window(1, 10))
    return first, data_until_fence(c)


@case("6.9.1", "no byte past the connection's window", 65535,
      own=((INITIAL_WINDOW, 0x7fffffff),))
def _(c):
    # As many pages as fill it, whatever the size of one.
    got, stream = 0, 1
    while got < 65535 and stream < 199:
        c.send(get(stream, "/"))
        got += data_until_fence(c, 0)
        stream += 2
    c.send(get(stream, "/"))
    return got + data_until_fence(c, 0)


@case("6.9.2", "a later INITIAL_WINDOW_SIZE opens the window", status_(200),
      own=HELD)
def _(c):
    c.send(get(1))
    assert data_until_fence(c) == 0
    c.send(settings((INITIAL_WINDOW, 65535)))
    return c.outcome(1)


@case("6.9.2", "a window may become negative", (3, 0, 1),
      own=((INITIAL_WINDOW, 3),))
def _(c):
    c.send(get(1, "/"))
    first = data_until_fence(c)
    c.send(settings((INITIAL_WINDOW, 0)), window(1, 3))
    second = data_until_fence(c)
    c.send(window(1, 1))
    return first, second, data_until_fence(c)


@case("6.9.2", "INITIAL_WINDOW_SIZE that makes a window too large",
      goaway_(FLOW_CONTROL_ERROR), own=HELD)
def _(c):
    c.send(get(1), window(1, 0x7fffffff), settings((INITIAL_WINDOW, 1)))
    # It is the connection's error, whatever is said of the stream first.
    return c.outcome(-1)


@case("6.9.1", "more DATA than the server's window",
      goaway_(FLOW_CONTROL_ERROR), rst_(FLOW_CONTROL_ERROR),
      rst_(NO_ERROR), own=HELD)
def _(c):
    c.send(post(1), *[frame(DATA, 0, 1, b"\0" * 16384)] * 5)
    return c.outcome(1)


# 6.10 CONTINUATION

whole = request()
parts = [whole[i:i + 8] for i in range(0, len(whole), 8)]


def in_pieces(pieces, stream=1):
    return ([frame(HEADERS, ES, stream, pieces[0])] +
            [frame(CONTINUATION, 0, stream, p) for p in pieces[1:-1]] +
            [frame(CONTINUATION, EH, stream, pieces[-1])])


simple("6.10", "a block in two frames", status_(200),
       frames=in_pieces([whole[:9], whole[9:]]))
simple("6.10", "a block in nine frames", status_(200),
       frames=in_pieces([whole[i * 5:i * 5 + 5] for i in range(8)] +
                        [whole[40:]]))
simple("6.10", "a block in ten frames", goaway_(ENHANCE_YOUR_CALM),
       frames=in_pieces([whole[i * 4:i * 4 + 4] for i in range(9)] +
                        [whole[36:]]))
simple("6.10", "an empty CONTINUATION ends a block", status_(200),
       frames=in_pieces([whole, b""]))
simple("6.10", "an empty HEADERS begins a block", status_(200),
       frames=in_pieces([b"", whole]))
simple("6.10", "CONTINUATION on stream 0", goaway_(PROTOCOL_ERROR),
       frames=[OPEN, frame(CONTINUATION, EH, 0, b"")])
simple("6.10", "CONTINUATION of another stream", goaway_(PROTOCOL_ERROR),
       frames=[OPEN, frame(CONTINUATION, EH, 3, b"")])
simple("6.10", "CONTINUATION after the block's end", goaway_(PROTOCOL_ERROR),
       own=HELD, frames=[get(1), frame(CONTINUATION, EH, 1, b"")])
simple("6.10", "CONTINUATION after DATA", goaway_(PROTOCOL_ERROR), own=HELD,
       frames=[post(1), frame(DATA, 0, 1, b"x"),
               frame(CONTINUATION, EH, 1, b"")])

# 8.1 Framing of a message

simple("8.1", "trailers", *UNSERVED,
       frames=[post(1), frame(DATA, 0, 1, b"body"),
               frame(HEADERS, ES | EH, 1, block(("x-sum", "1")))])
simple("8.1", "trailers without a body", *UNSERVED,
       frames=[post(1), frame(HEADERS, ES | EH, 1, block(("x-sum", "1")))])
simple("8.1", "a second head that does not end the stream",
       rst_(PROTOCOL_ERROR), goaway_(PROTOCOL_ERROR), own=HELD,
       frames=[post(1), frame(HEADERS, EH, 1, block(("x-sum", "1")))])
simple("8.1", "pseudo fields in trailers", rst_(PROTOCOL_ERROR), own=HELD,
       frames=[post(1), frame(HEADERS, ES | EH, 1,
                              block((":path", "/healthz")))])
simple("8.1", "upper case in trailers", rst_(PROTOCOL_ERROR), own=HELD,
       frames=[post(1), frame(HEADERS, ES | EH, 1, block(("X-Sum", "1")))])


@case("8.1", "an answer before the request's end: RST_STREAM(NO_ERROR)",
      ("answered", rst_(NO_ERROR)))
def _(c):
    c.send(post(1))
    got = c.outcome(1)
    return "answered" if got in UNSERVED else got, c.outcome(1)


@case("8.1", "Expect: 100-continue", *UNSERVED)
def _(c):
    c.send(post(1, ("expect", "100-continue")), frame(DATA, ES, 1, b"x"))
    return c.outcome(1)


def length_case(what, length, datas, *expected):
    simple("8.1.1", what, *expected, own=HELD,
           frames=[post(1, ("content-length", length)),
                   *[frame(DATA, 0, 1, d) for d in datas[:-1]],
                   frame(DATA, ES, 1, datas[-1]), window(1, 65535)])


length_case("content-length that is right", "4", [b"body"], *UNSERVED)
length_case("content-length of two frames", "8", [b"body", b"body"],
            *UNSERVED)
length_case("content-length too large", "5", [b"body"],
            rst_(PROTOCOL_ERROR))
length_case("content-length too small", "3", [b"body"],
            rst_(PROTOCOL_ERROR))
length_case("content-length too small for two frames", "6",
            [b"body", b"body"], rst_(PROTOCOL_ERROR))
length_case("content-length of 0 and a body", "0", [b"b"],
            rst_(PROTOCOL_ERROR))
simple("8.1.1", "content-length and padding, which does not count",
       *UNSERVED, own=HELD,
       frames=[post(1, ("content-length", "4")),
               frame(DATA, ES | PADDED, 1, b"\x03body\0\0\0"),
               window(1, 65535)])
malformed("8.1.1", "content-length and no body",
          request(method="POST", extra=[("content-length", "5")]))
malformed("8.1.1", "two content-lengths",
          request(extra=[("content-length", "0"), ("content-length", "0")]))
for bad in ("-1", "+1", "1x", "", "99999999999999999999999"):
    malformed("8.1.1", f"content-length {bad!r}",
              request(extra=[("content-length", bad)]))


@case("8.1.1", "HEAD: the length without the bytes", (200, True, 0))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1, request("/", "HEAD")))
    got, length = None, 0
    while True:
        kind, flags, stream, payload = c.recv()
        if kind == HEADERS:
            got = c.headers(flags, payload)
        if kind == DATA:
            length += len(payload)
        if stream == 1 and flags & ES:
            return (int(got[":status"]),
                    int(got.get("content-length", 0)) > 0, length)


@case("8.2", "names in the answer are lower case", True)
def _(c):
    c.send(get(1, "/"))
    while True:
        kind, flags, stream, payload = c.recv()
        if kind == HEADERS:
            got = c.headers(flags, payload)
            return all(n == n.lower() for n in got) and \
                not {"connection", "transfer-encoding"} & set(got)


# 8.2 Fields

for what, name in (("an upper-case name", "X-Test"), ("an empty name", ""),
                   ("a blank in a name", "x test"),
                   ("a colon in a name", "x:test"),
                   ("a NUL in a name", "x\0test"),
                   ("a DEL in a name", "x\x7ftest"),
                   ("a name beyond ASCII", "x\xe4"),
                   ("a line break in a name", "x\ntest")):
    malformed("8.2.1", what, plus((name, "value")))
for what, value in (("a NUL in a value", "a\0b"),
                    ("a CR in a value", "a\rb"),
                    ("a LF in a value", "a\nb"),
                    ("a blank before a value", " a"),
                    ("a blank after a value", "a "),
                    ("a tab before a value", "\ta"),
                    ("a tab after a value", "a\t")):
    malformed("8.2.1", what, plus(("x-test", value)))
simple("8.2.1", "blanks inside, an empty value, bytes beyond ASCII",
       status_(200),
       frames=[frame(HEADERS, ES | EH, 1,
                     plus(("x-a", "a b\tc"), ("x-b", ""),
                          ("x-c", "\xe4\xff")))])
for name, value in (("connection", "close"), ("connection", "keep-alive"),
                    ("keep-alive", "timeout=5"),
                    ("proxy-connection", "keep-alive"),
                    ("transfer-encoding", "chunked"), ("upgrade", "h2c"),
                    ("te", "gzip"), ("te", "trailers, deflate")):
    malformed("8.2.2", f"{name}: {value}", plus((name, value)))
simple("8.2.2", "te: trailers", status_(200),
       frames=[frame(HEADERS, ES | EH, 1, plus(("te", "trailers")))])
simple("8.2.3", "cookies in crumbs", status_(200),
       frames=[frame(HEADERS, ES | EH, 1,
                     plus(("cookie", "a=b"), ("cookie", "c=d")))])

# 8.3 Pseudo fields

malformed("8.3", "an unknown pseudo field", plus((":test", "x")))
malformed("8.3", "an unknown pseudo field in front",
          block((":test", "x")) + plus())
malformed("8.3", "a pseudo field of answers", block((":status", "200")) +
          plus())
malformed("8.3", "a pseudo field after others",
          block(*BASE[:3], ("x-test", "1"), BASE[3]))
for name in (":method", ":scheme", ":path"):
    malformed("8.3.1", f"no {name}", without(name))
for pseudo in BASE:
    malformed("8.3.1", f"two {pseudo[0]}", block(pseudo) + plus())
malformed("8.3.1", "an empty :path",
          request("") + block(("x-test", "1")))
malformed("8.3.1", "a :path without its slash", request("healthz"))
malformed("8.3.1", "a blank in :path", request("/health z"))
malformed("8.3.1", "a line break in :path", request("/a\r\nb"))
malformed("8.3.1", "an asterisk for GET", request("*"))
malformed("8.3.1", "an empty :method", request(method=""))
malformed("8.3.1", "a blank in :method", request(method="GE T"))
malformed("8.3.1", "a :method of 25 bytes", request(method="M" * 25))
malformed("8.3.1", "a :scheme that begins with a digit",
          request(scheme="1http"))
malformed("8.3.1", "an empty :scheme", request(scheme=""))
malformed("8.3.1", "neither :authority nor host", without(":authority"))
malformed("8.3.1", "an empty :authority", request(authority=""))
malformed("8.3.1", "a user in :authority", request(authority="u:p@test"))
malformed("8.3.1", "a blank in :authority", request(authority="te st"))
malformed("8.3.1", "host says other than :authority",
          plus(("host", "other")))
malformed("8.3.1", "two hosts", without(":authority") +
          block(("host", "a"), ("host", "a")))
simple("8.3.1", "host says the same as :authority", status_(200),
       frames=[frame(HEADERS, ES | EH, 1, plus(("host", "TEST")))])
simple("8.3.1", "host in place of :authority", status_(200),
       frames=[frame(HEADERS, ES | EH, 1,
                     without(":authority") + block(("host", "test")))])


@case("8.3.1", "OPTIONS * is understood", True)
def _(c):
    c.send(frame(HEADERS, ES | EH, 1, request("*", "OPTIONS")))
    return c.outcome(1)[0] == "status"


# 8.5 CONNECT

simple("8.5", "CONNECT is not for us", status_(501), status_(405),
       frames=[frame(HEADERS, EH, 1,
                     block((":method", "CONNECT"), (":authority", "a:1")))])
malformed("8.5", "CONNECT with a path",
          block((":method", "CONNECT"), (":authority", "a:1"),
                (":path", "/")))
malformed("8.5", "CONNECT with a scheme",
          block((":method", "CONNECT"), (":authority", "a:1"),
                (":scheme", "http")))
malformed("8.5", "CONNECT without an authority",
          block((":method", "CONNECT")))
malformed("8.5", "extended CONNECT, which was not offered",
          block((":method", "CONNECT"), (":protocol", "websocket"),
                (":scheme", "http"), (":path", "/"), (":authority", "a")))

# 10.5 Limits


def list_of(total):
    """Fields that count `total` bytes (RFC 9113 10.5.1)."""
    have = sum(len(n) + len(v) + 32 for n, v in BASE)
    left, fields = total - have, []
    while left > 4000:
        fields.append(("x-fill", "a" * (3000 - 38)))
        left -= 3000
    fields.append(("x-fill", "a" * (left - 38)))
    return plus(*fields)


def spread(fields, stream=1):
    pieces = [fields[i:i + 16000] for i in range(0, len(fields), 16000)]
    return in_pieces(pieces + [b""], stream)


simple("10.5.1", "a field list of 16384 bytes", status_(200),
       frames=spread(list_of(16384)))
simple("10.5.1", "a field list of 16385 bytes", goaway_(ENHANCE_YOUR_CALM),
       frames=spread(list_of(16385)))
simple("10.5.1", "a block of 21 KB", goaway_(ENHANCE_YOUR_CALM),
       frames=[frame(HEADERS, ES, 1, b"\0" * 16000),
               frame(CONTINUATION, 0, 1, b"\0" * 5000)])
simple("10.5.1", "trailers of more than 16 KiB", goaway_(ENHANCE_YOUR_CALM),
       own=HELD,
       frames=[post(1), *spread(block(*[("x-fill", "a" * 2900)] * 6))])
simple("10.5", "a path of 8193 bytes", status_(414),
       frames=[get(1, "/" + "a" * 8192)])

# RFC 7541


def hpack_bad(section, what, fields):
    simple(f"7541 {section}", what, goaway_(COMPRESSION_ERROR),
           frames=[frame(HEADERS, ES | EH, 1, fields)])


def hpack_good(section, what, fields, answer=status_(200)):
    simple(f"7541 {section}", what, answer,
           frames=[frame(HEADERS, ES | EH, 1, fields)])


def huffman(s, tail=b"", octets=None):
    from hpack.huffman import HuffmanEncoder
    from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
    h = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(s) + tail
    h = octets if octets is not None else h
    return integer(len(h), 7, 0x80) + h


hpack_good("2.3.1", "fields of the static table",
           b"\x82\x86" + block((":path", "/healthz"),
                               (":authority", "t")))
hpack_bad("2.3.3", "index 0", plus() + b"\x80")
hpack_bad("2.3.3", "an index past both tables", plus() + b"\xbe")
hpack_bad("2.3.3", "a name's index past both tables",
          plus() + b"\x7e" + text("x"))
hpack_bad("2.3.3", "an index of 2^28", plus() + integer(1 << 28, 7, 0x80))
hpack_bad("4.2", "a size update after a field", plus() + b"\x20")
hpack_bad("4.2", "a size update between fields",
          block(BASE[0]) + b"\x20" + block(*BASE[1:]))
hpack_good("4.2", "a size update in front", b"\x20" + plus())
hpack_good("4.2", "two size updates in front",
           b"\x20" + integer(4096, 5, 0x20) + plus())
hpack_bad("6.3", "a table larger than allowed",
          integer(4097, 5, 0x20) + plus())
hpack_bad("6.3", "a table of 2^31", integer(1 << 31, 5, 0x20) + plus())
hpack_bad("5.1", "an integer that never ends",
          plus() + b"\xff" + b"\xff" * 20)
hpack_bad("5.1", "an integer past 32 bits",
          plus() + b"\xff" + b"\xff" * 5 + b"\x01")
hpack_bad("5.1", "an integer cut short", plus() + b"\xff\x80")
hpack_good("5.1", "an integer longer than it need be",
           b"\x82\x86" + b"\x04\x7f\x80\x00" +
           b"/healthz" + b"?" * 119 + block((":authority", "t")))
hpack_bad("5.2", "a string longer than its block",
          plus() + b"\x00" + text("x") + b"\x10abc")
hpack_bad("5.2", "a name longer than its block", plus() + b"\x00\x7f\x7fab")
hpack_bad("5.2", "a value that is missing", plus() + b"\x00" + text("x"))
hpack_good("5.2", "Huffman strings",
           b"\x82\x86\x04" + huffman(b"/healthz") + b"\x01" +
           huffman(b"test"))
hpack_bad("5.2", "Huffman: the end symbol inside",
          plus() + b"\x00" + text("x") +
          huffman(b"", octets=b"\xff\xff\xff\xff"))
hpack_bad("5.2", "Huffman: padding of eight bits",
          plus() + b"\x00" + text("x") + huffman(b"a", tail=b"\xff"))
hpack_bad("5.2", "Huffman: padding of zeros",
          plus() + b"\x00" + text("x") + huffman(b"", octets=b"\x18"))
hpack_bad("5.2", "Huffman: a name with the end symbol",
          plus() + b"\x00" + huffman(b"", octets=b"\xff\xff\xff\xfc") +
          text("v"))
hpack_good("6.2.1", "a field that goes into the table and back",
           b"\x82\x86" + indexed_field(":path", "/healthz") +
           block((":authority", "t")))
hpack_good("6.2.2", "a field that stays out of the table",
           b"\x82\x86\x04" + text("/healthz") + b"\x01" + text("t"))
hpack_good("6.2.3", "a field that is never to be indexed",
           b"\x82\x86\x14" + text("/healthz") + b"\x11" + text("t"))
hpack_good("4.4", "an entry larger than the table empties it",
           plus() + indexed_field("x-large", "a" * 4096))


@case("7541 4.4", "an entry that was pushed out is no more",
      goaway_(COMPRESSION_ERROR))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1, plus() + indexed_field("x-a", "1")))
    assert c.outcome(1) == status_(200)
    c.send(frame(HEADERS, ES | EH, 3,
                 plus() + indexed_field("x-large", "a" * 4096)))
    assert c.outcome(3) == status_(200)
    c.send(frame(HEADERS, ES | EH, 5, plus() + b"\xbe"))
    return c.outcome(5)


@case("7541 4.3", "a smaller table forgets", goaway_(COMPRESSION_ERROR))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1, plus() + indexed_field("x-a", "1")))
    assert c.outcome(1) == status_(200)
    c.send(frame(HEADERS, ES | EH, 3,
                 b"\x20" + integer(4096, 5, 0x20) + plus() + b"\xbe"))
    return c.outcome(3)


@case("7541 2.3.2", "the oldest entry leaves first", status_(200))
def _(c):
    c.send(frame(HEADERS, ES | EH, 1,
                 block(*BASE[:2]) + indexed_field(":path", "/healthz") +
                 block(BASE[3])))
    assert c.outcome(1) == status_(200)
    # 40 entries of 100 bytes; the first one's 45 bytes still fit.
    c.send(frame(HEADERS, ES | EH, 3, plus() +
                 b"".join(indexed_field("x-f", "a" * 65)
                          for _ in range(40))))
    assert c.outcome(3) == status_(200)
    c.send(frame(HEADERS, ES | EH, 5, block(*BASE[:2]) +
                 integer(62 + 40, 7, 0x80) + block(BASE[3])))
    return c.outcome(5)


malformed("7541 6", "an empty block: no pseudo field at all", b"")


def run(target, section, what, expected, own, f):
    with Conn(target, start=own is not None, own=own or ()) as c:
        try:
            got = f(c)
        except Closed:
            got = CLOSED
        except AssertionError as e:
            got = ("failed", str(e) or "an intermediate step")
    return got


def say(value):
    if isinstance(value, tuple) and len(value) == 2 and \
            value[0] in ("goaway", "rst") and value[1] < len(ERRORS):
        return f"{value[0].upper()}({ERRORS[value[1]]})"
    return str(value)


class Healthy:
    """One connection through all cases; it is no case's business."""

    def __init__(self, target):
        self.target, self.c, self.stream = target, Conn(target), 1
        self.c.send(window(0, 0x7fffffff - 65535))

    def ok(self):
        self.c.send(get(self.stream))
        got = self.c.outcome(self.stream)
        self.stream += 2
        return got == status_(200)


def main(argv):
    verbose = "-v" in argv
    pick = argv[argv.index("-k") + 1] if "-k" in argv else ""
    urls = [a for a in argv if "://" in a]
    failed = 0
    for url in urls:
        target = Target(url)
        healthy = Healthy(target)
        passed = 0
        for section, what, expected, own, f in CASES:
            if pick not in f"{section} {what}":
                continue
            got = run(target, section, what, expected, own, f)
            good = got in expected
            if not healthy.ok():
                print(f"  FAIL {target.name} {section} {what}: it broke "
                      "another connection")
                failed += 1
                healthy = Healthy(target)
            elif not good:
                failed += 1
                print(f"  FAIL {target.name} {section} {what}: "
                      f"{say(got)}, not "
                      f"{' or '.join(say(e) for e in expected)}")
            else:
                passed += 1
                if verbose:
                    print(f"  ok   {section} {what}: {say(got)}")
        healthy.c.close()
        print(f"{target.name}: {passed} cases passed")
    print(f"h2 cases: {len(CASES)} each, {failed} failed")
    return failed != 0 or not urls


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
