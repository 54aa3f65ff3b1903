"""What a stranger may not do: limits that do not hold for loopback, and
settings whose effect needs more than one address. Runs inside `run`."""

import asyncio
import ssl
import time

import pytest
from kit import *

PORT = 18135
KEPT = []  # lines that stay open


def run(body, seconds=60):
    return asyncio.run(asyncio.wait_for(body, seconds))


async def is_served(line):
    """Whether it gets an answer; else it was closed."""
    try:
        await line.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        return await line.fill() and line.inbox.startswith(b"HTTP/1.1 ")
    except ConnectionError:
        return False


async def call(line, method, number=1, **params):
    await line.send(rpc(method, number, **params))
    return await line.answer(number)


async def from_(n, **more):
    return await Line.open(PORT, host=HERE, source=stranger(n), **more)


async def speakers(n, tries):
    """WebSockets of one address that have spoken, as many as it can have."""
    lines = []
    for _ in range(tries):
        try:
            line = await Line.websocket(PORT, host=HERE, source=stranger(n))
            await call(line, "list_peers")
            lines.append(line)
        except (AssertionError, ConnectionError, EOFError):
            pass
    return lines


def refused(reason):
    return f'signaling_refused_connections_total{{reason="{reason}"}}'


def test_one_address_cannot_take_all(server):
    """By default."""
    server(PORT)

    async def body():
        before = await metrics(PORT)
        lines = await speakers(66, 100)
        assert len(lines) == 32
        assert (await metrics(PORT))[refused("source")] - \
            before[refused("source")] == 68
        others = await speakers(67, 10)
        assert len(others) == 10, "another address is served at once"
        for line in lines + others:
            assert "result" in await call(line, "list_peers", 2)
            line.drop()
    run(body())


def test_one_silent_address_leaves_room(server):
    """Who says nothing makes others try again, but not for long."""
    server(PORT)

    async def body():
        silent = [await from_(66) for _ in range(200)]
        lines = await speakers(67, 20)
        assert len(lines) >= 3, "one of 20 tries is in with 0.99999"
        for line in silent + lines:
            line.drop()
    run(body())


def test_startups(server):
    server(PORT, WEBRTC_MAX_STARTUPS="4:100:4", WEBRTC_MAX_PER_SOURCE=100)

    async def body():
        silent = [await from_(10 + i) for i in range(4)]
        before = await metrics(PORT)    # loopback is no stranger
        assert not await is_served(await from_(20))
        assert (await metrics(PORT))[refused("startup")] - \
            before[refused("startup")] == 1
        for line in silent:
            assert await is_served(line)
        assert await is_served(await from_(21)), "they have spoken"
    run(body())


def test_connections_in_all(server):
    server(PORT, WEBRTC_MAX_CONNECTIONS=5, WEBRTC_LOG="error")

    async def body():
        lines = []
        for i in range(5):
            lines.append(await from_(10 + i))
            assert await is_served(lines[-1])
        assert not await is_served(await from_(20))
        assert not await is_served(await Line.open(PORT)), "nor loopback"
        lines.pop().drop()
        end = time.monotonic() + PATIENCE_S
        while not await is_served(await from_(21)):
            assert time.monotonic() < end, "a place is free again"
            await asyncio.sleep(0.1)
    run(body())


def test_peers_of_one_address(server):
    """Nor are the peers of this machine counted."""
    server(PORT, WEBRTC_SOURCE_PEERS=2)

    async def body():
        for i, (n, want) in enumerate([(10, None), (10, None), (10, -32021),
                                       (11, None)]):
            line = await Line.websocket(PORT, host=HERE, source=stranger(n))
            got = await call(line, "announce", peer_id=f"p{i}")
            assert got.get("error", {}).get("code") == want, (i, got)
            KEPT.append(line)
        for i in range(4):
            KEPT.append(await Line.websocket(PORT))
            assert "result" in await call(KEPT[-1], "announce",
                                          peer_id=f"l{i}")
        KEPT.clear()
    run(body())


async def handshakes(n):
    async def one(i):
        try:
            (await from_(10 + i, tls=True)).drop()
            return True
        except (OSError, ssl.SSLError):
            return False
    return sum(await asyncio.gather(*(one(i) for i in range(n))))


@pytest.mark.parametrize("rate", [5, None])
def test_tls_rate(server, tmp_path, rate):
    cert, key = certificate(tmp_path)
    server(PORT, WEBRTC_SIGNALING_URL=f"wss://0.0.0.0:{PORT}",
           WEBRTC_TLS_CERT=cert, WEBRTC_TLS_KEY=key,
           WEBRTC_MAX_STARTUPS="1000:1:1000",
           **({"WEBRTC_TLS_RATE": rate} if rate else {}))

    async def body():
        start = time.monotonic()
        done = await handshakes(40)
        span = time.monotonic() - start
        counted = (await metrics(PORT, tls=True))[refused("tls")]
        assert counted == 40 - done
        if rate:
            assert 5 <= done <= 5 + 5 * span
        else:
            assert done == 40
    run(body())


@pytest.mark.parametrize("rate", [1, 1000])
def test_candidate_rate(server, rate):
    server(PORT, WEBRTC_MAX_CANDIDATES=16, WEBRTC_CANDIDATE_RATE=rate)

    async def body():
        line = await Line.websocket(PORT)
        await call(line, "announce", peer_id="a")
        codes, start = [], time.monotonic()
        for i in range(16):
            got = await call(
                line, "ice_candidate", 2 + i, sdp_mid="0", sdp_mline_index=0,
                to_peer_id="remotemedia-server",
                candidate="candidate:1 1 udp 2130706431 127.0.0.1 "
                          f"{5000 + i} typ host")
            codes.append(got.get("error", {}).get("code"))
            await asyncio.sleep(0.005)
        span = time.monotonic() - start
        assert codes[:8] == [None] * 8, codes
        if rate == 1000:
            assert codes == [None] * 16, codes
        else:
            assert codes.count(None) <= 9 + span and -32026 in codes, codes
    run(body())


@pytest.mark.parametrize("life", [90, 7200])
def test_turn_life(server, life):
    server(PORT, WEBRTC_TURN_SERVERS="turn:192.0.2.1:3478",
           WEBRTC_TURN_SECRET="shared", WEBRTC_TURN_LIFE_S=life)

    async def body():
        line = await Line.websocket(PORT)
        got = await call(line, "announce", peer_id="a")
        [ice] = got["result"]["ice_servers"]
        left = int(ice["username"].split(":")[0]) - time.time()
        assert life - 20 < left <= life + 1
    run(body())


@pytest.mark.parametrize("most", [4096, None])
def test_message_bytes_of_grpc(server, most):
    """By HTTP/2 and by a field that nobody knows."""
    server(PORT, **({"WEBRTC_MAX_MESSAGE_BYTES": most} if most else {}))
    line = Grpc(PORT)
    fits = pb(99, "x" * 4000)
    more = pb(99, "x" * 4200)
    assert line.unary(1, SIGNALING + "GetPeers", fits)[0] == "0"
    assert line.unary(3, SIGNALING + "GetPeers", more)[0] == \
        ("8" if most else "0")
    assert line.unary(5, SIGNALING + "GetPeers")[0] == "0", "it goes on"
    line.close()
