"""Tokens against a running server: who gets in, by which way, and what for."""

import json
import time

import jwt
import pytest
import websockets
from conftest import SECRET, make_token

from peer import SERVER, Peer, RpcError, Signaling, Tone, heard, run

PORT = 18091


class Client(Signaling):
    """Signaling with a token on the way in."""

    def __init__(self, url, peer_id=None, headers=None, subprotocols=None):
        super().__init__(url, peer_id)
        self.how = {"extra_headers": headers, "subprotocols": subprotocols}

    async def open(self, announce=True, **params):
        import asyncio
        self._socket = await websockets.connect(self.url, open_timeout=10, **self.how)
        self._reader = asyncio.ensure_future(self._read())
        if announce:
            self.result = await self.request("announce", peer_id=self.peer_id, **params)
        return self

    @property
    def subprotocol(self):
        return self._socket.subprotocol


def bearer(token):
    return {"Authorization": "Bearer " + token}


def claims(**more):
    now = int(time.time())
    made = {"sub": "alice", "iat": now, "nbf": now, "exp": now + 600, **more}
    return {k: v for k, v in made.items() if v is not None}


def sign(**more):
    return jwt.encode(claims(**more), SECRET, algorithm="HS256")


async def refused_upgrade(url, **how):
    with pytest.raises(websockets.InvalidStatusCode) as refused:
        await websockets.connect(url, open_timeout=10, **how)
    return refused.value.status_code


async def code_of(awaitable):
    with pytest.raises(RpcError) as refused:
        await awaitable
    return refused.value.code


@pytest.fixture
def url(server):
    return server(WEBRTC_AUTH_SECRET=SECRET, WEBRTC_MAX_PER_SOURCE=1000).url


def test_without_a_token_nobody_announces(url):
    async def body():
        client = Client(url)
        assert await code_of(client.open()) == -32020
        # The connection goes on and may show one now.
        await client.request("announce", peer_id=client.peer_id, token=make_token())
        await client.close()
    run(body())


def test_three_ways_to_show_a_token(url):
    async def body():
        token = make_token("--sub", "alice")
        ways = [Client(url, headers=bearer(token)),
                Client(url, subprotocols=["remotemedia", "bearer." + token]),
                Client(url, subprotocols=["bearer." + token])]
        for client in ways:
            await client.open()
        assert ways[1].subprotocol == "remotemedia"
        assert ways[2].subprotocol == "bearer." + token
        first = Client(url)
        await first.open(token=token)
        listed = await first.request("list_peers")
        names = {p["peer_id"] for p in listed["peers"]}
        assert {c.peer_id for c in ways} <= names
        for client in ways + [first]:
            await client.close()
    run(body())


def test_a_bad_token_is_refused_at_the_door(url):
    async def body():
        good = sign()
        for token in ("x", "", "a.b.c", good[:-2], good + "A", good + "=", jwt.encode(claims(), "k" * 40, "HS256"),
                      jwt.encode(claims(), None, "none"), jwt.encode(claims(), SECRET, "HS512"),
                      sign(exp=int(time.time()) - 61), sign(nbf=int(time.time()) + 90), sign(sub=None),
                      sign(exp=int(time.time()) + 7200)):
            if token and not token.endswith("="):
                assert await refused_upgrade(url, subprotocols=["remotemedia", "bearer." + token]) == 401, token
            if token:
                assert await refused_upgrade(url, extra_headers=bearer(token)) == 401, token
            client = Client(url)
            assert await code_of(client.open(token=token)) in (-32020, -32602), token
            await client.close()
        client = await Client(url, headers=bearer(good)).open()
        await client.close()
    run(body())


def test_the_reason_says_what_to_do_and_never_the_token(url):
    async def body():
        token = sign(exp=int(time.time()) - 100)
        socket = await websockets.connect(url)
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "announce",
                                      "params": {"peer_id": "a", "token": token}}))
        error = json.loads(await socket.recv())["error"]
        assert error["code"] == -32020
        assert "expired" in error["data"]["reason"]
        assert token.split(".")[1] not in json.dumps(error)
        await socket.close()
    run(body())


def test_a_token_binds_peer_and_session(url):
    async def body():
        token = make_token("--peer", "alice", "--session", "room")
        client = Client(url, "bob", headers=bearer(token))
        assert await code_of(client.open()) == -32023
        assert await code_of(client.request("announce", peer_id="alice", session="attic")) == -32023
        result = await client.request("announce", peer_id="alice")
        assert result["session"] == "room"
        await client.close()
    run(body())


def test_permissions_decide_what_may_be_offered(url):
    async def body():
        deaf = Client(url, headers=bearer(make_token("--perm", "publish")))
        await deaf.open()
        peer = Peer(deaf)
        peer.pc.addTrack(Tone(440))
        with pytest.raises(RpcError) as refused:
            await peer.call()
        assert refused.value.code == -32023
        await peer.close()

        nothing = Client(url, headers=bearer(make_token("--perm", "")))
        await nothing.open()
        peer = Peer(nothing)
        peer.pc.addTrack(Tone(440))
        assert await code_of(peer.call()) == -32023
        await peer.close()

        full = Client(url, headers=bearer(make_token("--perm", "publish,subscribe")))
        await full.open()
        peer = Peer(full)
        peer.pc.addTrack(Tone(440))
        await (await peer.call()).connected()
        await heard(peer, 440)
        await peer.close()
    run(body())


def test_es256_by_another_library_and_by_make_token(server, es_key):
    async def body():
        private, public = es_key
        url = server(WEBRTC_AUTH_PUBLIC_KEY=public).url
        for token in (jwt.encode(claims(), private.read_text(), algorithm="ES256"),
                      make_token("--key", str(private))):
            client = await Client(url, headers=bearer(token)).open()
            await client.close()
        # The public key as an HMAC secret is the classic confusion.
        text = public.read_text()
        head, body_, _ = sign().split(".")
        import base64, hashlib, hmac
        mac = hmac.new(text.encode(), f"{head}.{body_}".encode(), hashlib.sha256).digest()
        forged = f"{head}.{body_}." + base64.urlsafe_b64encode(mac).decode().rstrip("=")
        assert await refused_upgrade(url, extra_headers=bearer(forged)) == 401
    run(body())


def test_issuer_and_audience(server):
    async def body():
        url = server(WEBRTC_AUTH_SECRET=SECRET, WEBRTC_AUTH_ISSUER="us", WEBRTC_AUTH_AUDIENCE="here").url
        assert await refused_upgrade(url, extra_headers=bearer(sign())) == 401
        assert await refused_upgrade(url, extra_headers=bearer(sign(iss="us", aud=["there"]))) == 401
        for token in (sign(iss="us", aud=["there", "here"]), make_token("--iss", "us", "--aud", "here")):
            client = await Client(url, headers=bearer(token)).open()
            await client.close()
    run(body())


def test_a_query_parameter_only_where_it_is_allowed(server):
    async def body():
        token = make_token()
        closed = server(WEBRTC_AUTH_SECRET=SECRET)
        client = Client(f"{closed.url}/?access_token={token}")
        assert await code_of(client.open()) == -32020
        await client.close()
        opened = server(18092, WEBRTC_AUTH_SECRET=SECRET, WEBRTC_AUTH_QUERY_TOKEN="true", WEBRTC_LOG="debug")
        client = await Client(f"{opened.url}/ws?a=b&access_token={token}").open()
        await client.close()
        assert await refused_upgrade(f"{opened.url}/?access_token={token}x") == 401
        for log in (closed.log.read_text(), opened.log.read_text()):
            assert token.split(".")[1] not in log and token.split(".")[2] not in log and SECRET not in log
    run(body())


def test_single_use(server):
    async def body():
        url = server(WEBRTC_AUTH_SECRET=SECRET, WEBRTC_AUTH_SINGLE_USE="true").url
        assert await refused_upgrade(url, extra_headers=bearer(sign())) == 401
        token = make_token()
        client = await Client(url, headers=bearer(token)).open()
        assert await refused_upgrade(url, extra_headers=bearer(token)) == 401
        await client.request("list_peers")
        await client.close()
        assert await refused_upgrade(url, extra_headers=bearer(token)) == 401
    run(body())


def test_sessions_of_one_subject_are_counted(server):
    async def body():
        url = server(WEBRTC_AUTH_SECRET=SECRET, WEBRTC_SESSIONS_PER_SUBJECT="1").url
        token = make_token("--sub", "alice")
        calls = []
        for _ in range(2):
            client = await Client(url, headers=bearer(token)).open()
            peer = Peer(client)
            peer.pc.addTrack(Tone(440))
            calls.append(peer)
        await (await calls[0].call()).connected()
        assert await code_of(calls[1].call()) == -32021
        other = Peer(await Client(url, headers=bearer(make_token("--sub", "bob"))).open())
        other.pc.addTrack(Tone(440))
        await (await other.call()).connected()
        for peer in calls + [other]:
            await peer.close()
    run(body())


def test_a_joined_hub_gets_its_token(server):
    async def body():
        import asyncio
        hub = server(WEBRTC_AUTH_SECRET=SECRET)
        server(18092, WEBRTC_SIGNALING_URL=hub.url, WEBRTC_AUTH_TOKEN=make_token("--sub", "second"))
        client = await Client(hub.url, headers=bearer(make_token())).open()
        for _ in range(100):
            listed = await client.request("list_peers")
            if any(p["peer_id"].startswith("peer-") for p in listed["peers"]):
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the second server did not announce itself")
        await client.close()
    run(body())


def test_a_server_without_a_key_asks_for_nothing(server):
    async def body():
        client = await Client(server().url).open()
        assert client.result["ice_servers"] == []
        await client.close()
    run(body())
