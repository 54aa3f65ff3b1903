# SPDX-License-Identifier: MIT OR Apache-2.0
"""WHIP and WHEP with aiortc: media, fragments, life, tokens, TLS, HTTP/2."""

import asyncio
import json
import re
import socket
import subprocess
import time

import jwt
import pytest
from aiortc import RTCSessionDescription

from client import (FRAG as FRAGMENT, Client, frag_of, http_call, ice_of,
                    without_candidates)
from conftest import SECRET
from peer import Peer, Signaling, heard, run, seen, until


def token(**claims):
    now = int(time.time())
    return jwt.encode({"sub": "al", "iat": now, "exp": now + 600, **claims},
                      SECRET, algorithm="HS256")


async def still_heard(viewer, hz):
    """Waits for more than a second of sound that arrives from now on, and
    for its pitch: a loaded machine bends it for moments."""
    viewer.ear.reset()
    viewer.ear.pcm = viewer.ear.pcm[:0]
    await until(lambda: viewer.ear.total > 60000, "more sound")
    await heard(viewer, hz)


async def gone(client):
    """Waits until the session is no more."""
    end = time.monotonic() + 20
    while (await client.ask("GET"))[0] != 404:
        assert time.monotonic() < end, "the session is still there"
        await asyncio.sleep(0.1)


def test_publisher_alone(server):
    async def body():
        client = await Client(server, "whip", "alone").publish().post()
        assert "a=recvonly" in client.answer
        assert "a=sendrecv" not in client.answer
        assert "a=end-of-candidates" in client.answer
        await client.connected()
        assert (await client.ask("GET"))[0] == 204
        await client.delete()
        assert (await client.ask("GET"))[0] == 404
    run(body())


def test_viewer_hears_and_sees_the_publisher(server):
    async def body():
        source = await Client(server, "whip", "studio").publish(440).post()
        await source.connected()
        viewer = await Client(server, "whep", "studio").watch().post()
        assert "a=sendonly" in viewer.answer
        await viewer.connected()
        await heard(viewer, 440)
        await seen(viewer, 15)
        viewer.eye.reset()
        await still_heard(viewer, 440)
        await seen(viewer, 30)
        assert viewer.eye.sizes == {(320, 180)}
        assert viewer.eye.backwards == 0
        await viewer.delete()
        await source.delete()
    run(body())


def test_viewer_comes_first(server):
    async def body():
        viewer = await Client(server, "whep", "early").watch().post()
        await viewer.connected()
        source = await Client(server, "whip", "early").publish(600).post()
        await source.connected()
        await heard(viewer, 600)
        await seen(viewer, 10)
        await source.delete()
        await viewer.delete()
    run(body())


def test_sessions_keep_apart(server):
    async def body():
        pairs = []
        for room, hz in (("one", 350), ("two", 750)):
            source = await Client(server, "whip", room).publish(
                hz, picture=False).post()
            viewer = await Client(server, "whep", room).watch("audio").post()
            pairs.append((source, viewer, hz))
        for source, viewer, hz in pairs:
            await source.connected()
            await viewer.connected()
            await heard(viewer, hz)
        for source, viewer, _ in pairs:
            await viewer.delete()
            await source.delete()
    run(body())


def test_others_see_it_come_and_go(server):
    async def body():
        eye = await Signaling(server.ws).open()
        client = await Client(server, "whip", "seen").publish(
            picture=False).post()
        await client.connected()
        def joined():
            return [p for m, p in eye.notes if m == "peer_joined"
                    and p["peer_id"].startswith("whip-")]
        await until(joined, "peer_joined")
        name = joined()[-1]["peer_id"]
        assert name.split("-")[1] not in client.location
        listed = await eye.request("list_peers")
        assert name in [p["peer_id"] for p in listed["peers"]]
        await client.delete()
        await until(lambda: any(m == "peer_left" and p["peer_id"] == name
                                for m, p in eye.notes), "peer_left")
        await eye.close()
    run(body())


def test_a_call_by_json_rpc_to_the_same_session(server):
    async def body():
        source = await Client(server, "whip", "mixed").publish(
            520, picture=False).post()
        await source.connected()
        signaling = await Signaling(server.ws).open(announce=False)
        await signaling.request("announce", peer_id="listener",
                                capabilities={}, session="mixed")
        peer = Peer(signaling)
        peer.pc.addTransceiver("audio", direction="recvonly")
        await (await peer.call()).connected()
        await heard(peer, 520)
        await peer.close()
        await source.delete()
    run(body())


def test_trickle_by_patch(server):
    """Without the client's candidates in the offer; the server's are in its
    answer, so the path may also stand by peer-reflexive ones: what is
    asserted is that the fragment is taken and media flows."""
    async def body():
        client = Client(server, "whip", "trickle").publish(picture=False)
        await client.post(without_candidates)
        offer = client.pc.localDescription.sdp
        _, _, candidates = ice_of(offer)
        assert candidates
        for candidate in candidates:
            status, headers, text = await client.patch(
                frag_of(offer, [candidate], end=False), client.etag)
            assert (status, text) == (204, "")
            assert headers["ETag"] is None
        status, _, _ = await client.patch(frag_of(offer, []), client.etag)
        assert status == 204
        await client.connected()
        await client.delete()
    run(body())


def test_entity_tags(server):
    async def body():
        client = await Client(server, "whip", "tags").publish(
            picture=False).post()
        offer = client.pc.localDescription.sdp
        good = frag_of(offer, [])
        assert client.etag.startswith('"') and client.etag.endswith('"')
        for etag, status in ((None, 428), ('"stale"', 412),
                             (f"W/{client.etag}", 412), (client.etag, 204),
                             (f'"x", {client.etag}', 204), ("*", 204)):
            assert (await client.patch(good, etag))[0] == status, etag
        # It plays no part in the end.
        status, _, _ = await client.ask("DELETE",
                                        headers={"If-Match": '"stale"'})
        assert status == 200
        await client.pc.close()
    run(body())


def test_bodies_that_are_refused(server):
    async def body():
        client = await Client(server, "whip", "bad").publish(
            picture=False).post()
        offer = client.pc.localDescription.sdp
        good = frag_of(offer, [])
        for kind, text, status in (
                ("application/sdp", good, 415), (None, good, 415),
                ("text/plain", good, 415), (None, None, 415),
                (FRAGMENT, "", 400), (FRAGMENT, "hello", 400),
                (FRAGMENT, "a=ice-ufrag:abcd\r\n", 400),
                (FRAGMENT, "a=ice-ufrag:<>&;\r\na=ice-pwd:" + "x" * 22, 400),
                (FRAGMENT, good + "a=ice-ufrag:other\r\n", 422),
                (FRAGMENT, "a=x\r\n" * 8000, 413)):
            got = await client.patch(text, client.etag, kind)
            assert got[0] == status, (kind, text and text[:40], got)
            problem = json.loads(got[2])
            assert problem["status"] == status and problem["detail"]
        await client.connected()
        for kind, text, status in (
                ("text/plain", offer, 415), ("application/sdp", "", 400),
                ("application/sdp", "nonsense", 400),
                ("application/sdp", offer.replace("sendonly", "recvonly"),
                 400),
                ("application/sdp", offer.replace("sendonly", "inactive"),
                 400),
                ("application/sdp", offer.replace("a=ice-pwd", "a=x"), 400),
                ("application/sdp",
                 offer.replace("a=fingerprint:sha-256 ", "a=fingerprint:"
                               "sha-256 Z"), 400),
                ("application/sdp", offer + "a=x\r\n" * 8000, 413)):
            got = await client.ask("POST", client.endpoint,
                                   {"Content-Type": kind}, text)
            assert got[0] == status, (kind, text[:40], got)
        await client.delete()
    run(body())


@pytest.mark.parametrize("with_sound", [True, False])
def test_codecs_that_are_not_there(server, with_sound):
    """OBS offers H.264 unless told otherwise: no session that works in part,
    and a reason to read."""
    async def body():
        client = Client(server, "whip", "h264")
        if with_sound:
            client.publish()
        else:
            client.pc.addTransceiver("video", direction="sendonly")
        offer = (await client.offer()).replace("VP8", "H264")
        status, _, text = await client.ask(
            "POST", client.endpoint, {"Content-Type": "application/sdp"},
            offer)
        assert status == 406
        assert "VP8" in json.loads(text)["detail"]
        await client.pc.close()
    run(body())


def test_methods_and_paths(server):
    for method, path, status in (
            ("GET", "/whip/x", 204), ("HEAD", "/whep/x", 204),
            ("PUT", "/whip/x", 405), ("DELETE", "/whip/x", 405),
            ("PATCH", "/whep/x", 405), ("POST", "/whip", 404),
            ("POST", "/whip/a/b/c", 404), ("DELETE", "/whip/x/y", 404),
            ("DELETE", "/whip/x/" + "0" * 32, 404),
            ("PUT", "/whip/x/" + "0" * 32, 405),
            ("OPTIONS", "/whip/x", 200)):
        got = http_call(server.url + path, method)
        assert got[0] == status, (method, path, got[0])
        if status == 405:
            assert got[1]["Allow"]
    status, headers, _ = http_call(server.url + "/whip/x", "OPTIONS", {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST"})
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "If-Match" in headers["Access-Control-Allow-Headers"]
    assert http_call(server.url + "/whip/x", "OPTIONS",
                     {"Origin": "http://elsewhere.example"})[0] == 403


def test_body_that_does_not_come(server):
    with socket.create_connection(("127.0.0.1", server.port), 20) as link:
        link.sendall(b"POST /whip/slow HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Type: application/sdp\r\n"
                     b"Content-Length: 100\r\n\r\nv=0\r\n")
        assert link.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_client_closes_without_delete(server):
    """Its DTLS says goodbye: the session ends with its call."""
    async def body():
        client = await Client(server, "whip", "dies").publish(
            picture=False).post()
        await client.connected()
        await client.pc.close()
        await gone(client)
    run(body())


def test_no_connection_in_time(server):
    async def body():
        client = Client(server, "whip", "never").publish(picture=False)
        status, headers, _ = await client.ask(
            "POST", client.endpoint, {"Content-Type": "application/sdp"},
            without_candidates(await client.offer()))
        assert status == 201
        client.location = server.url + headers["Location"]
        start = time.monotonic()
        await asyncio.sleep(20)
        assert (await client.ask("GET"))[0] == 204
        end = start + 60
        while (await client.ask("GET"))[0] != 404:
            assert time.monotonic() < end
            await asyncio.sleep(0.5)
        await client.pc.close()
    run(body())


def test_signaling_dies_and_comes_back(server):
    """Its table is lost; the Location works, and media never stopped."""
    async def body():
        source = await Client(server, "whip", "phoenix").publish(
            480, picture=False).post()
        viewer = await Client(server, "whep", "phoenix").watch("audio").post()
        await source.connected()
        await viewer.connected()
        await heard(viewer, 480)
        old = server.kill("signaling")

        async def answers():
            try:
                return (await source.ask("GET"))[0] == 204
            except OSError:
                return False
        end = time.monotonic() + 20
        while not await answers():
            assert time.monotonic() < end, server.log()
            await asyncio.sleep(0.1)
        assert not set(old) & set(server.pids("signaling"))
        offer = source.pc.localDescription.sdp
        assert (await source.patch(frag_of(offer, []), source.etag))[0] == 204
        assert (await source.patch(frag_of(offer, []), '"x"'))[0] == 412
        await still_heard(viewer, 480)
        eye = await Signaling(server.ws).open()
        listed = await eye.request("list_peers")
        names = [p["peer_id"][:5] for p in listed["peers"]]
        assert sorted(n for n in names if n.startswith("wh")) == ["whep-",
                                                                  "whip-"]
        await source.delete()
        await viewer.delete()
        assert (await source.ask("GET"))[0] == 404
        await until(lambda: sum(m == "peer_left" for m, _ in eye.notes) == 2,
                    "two peer_left")
        await eye.close()
    run(body())


def test_broker_dies_and_comes_back(server):
    async def body():
        source = await Client(server, "whip", "broker").publish(
            530, picture=False).post()
        viewer = await Client(server, "whep", "broker").watch("audio").post()
        await source.connected()
        await viewer.connected()
        await heard(viewer, 530)
        server.kill("session-broker")
        # While it is away, candidates and the end are kept for it.
        offer = source.pc.localDescription.sdp
        assert (await source.patch(frag_of(offer, []), source.etag))[0] == 204
        await still_heard(viewer, 530)
        await source.delete()
        assert (await viewer.ask("GET"))[0] == 204
        again = await Client(server, "whip", "broker").publish(
            630, picture=False).post()
        await again.connected()
        await heard(viewer, 630)
        await again.delete()
        await viewer.delete()
    run(body())


@pytest.mark.parametrize("door,claims,status", [
    ("whip", None, 401), ("whip", {"perm": "subscribe"}, 403),
    ("whep", {"perm": "publish"}, 403), ("whip", {"session": "other"}, 403),
    ("whip", {"exp": 1000, "iat": 900}, 401),
    ("whip", {"perm": "publish"}, 201), ("whep", {"perm": "subscribe"}, 201),
    ("whip", {"session": "room"}, 201)])
def test_tokens(token_server, door, claims, status):
    async def body():
        client = Client(token_server, door, "room",
                        None if claims is None else token(**claims))
        if door == "whip":
            client.publish(picture=False)
        else:
            client.watch("audio")
        got, headers, _ = await client.ask(
            "POST", client.endpoint, {"Content-Type": "application/sdp"},
            await client.offer())
        assert got == status
        if status == 401:
            assert headers["WWW-Authenticate"].startswith("Bearer")
        if status == 201:
            links = headers.get_all("Link")
            assert len(links) == 1
            assert links[0].startswith("<turn:127.0.0.1:3478>; "
                                       'rel="ice-server"; username="')
            client.location = token_server.url + headers["Location"]
            mine, client.token = client.token, None
            assert (await client.ask("DELETE"))[0] == 401
            client.token = mine
            assert (await client.ask("DELETE"))[0] == 200
        await client.pc.close()
        # The broker writes the lines of signaling, a moment later.
        outcome = "ok" if status == 201 else str(status)
        await until(lambda: re.search(
            f'door={door} peer="\\S*" method="POST" .*outcome={outcome}\n',
            token_server.log()), "the line of the access log")
        log = token_server.log()
        assert "ice-pwd" not in log
        assert not client.token or client.token not in log
    run(body())


def test_over_tls(tls_server):
    async def body():
        source = await Client(tls_server, "whip", "safe").publish(
            410, picture=False).post()
        viewer = await Client(tls_server, "whep", "safe").watch(
            "audio").post()
        await source.connected()
        await viewer.connected()
        await heard(viewer, 410)
        await viewer.delete()
        await source.delete()
    run(body())


def curl(*args, body=None):
    done = subprocess.run(["curl", "-si", "--max-time", "20", *args],
                          input=body, capture_output=True, check=True)
    head, _, text = done.stdout.decode().partition("\r\n\r\n")
    return head, text


@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_over_http_2(request, kind):
    server = request.getfixturevalue(
        "tls_server" if kind == "tls" else "server")
    extra = (["--http2", "--cacert", str(server.tls[0])] if kind == "tls"
             else ["--http2-prior-knowledge"])

    async def body():
        client = Client(server, "whip", "h2").publish(picture=False)
        offer = await client.offer()
        head, answer = await asyncio.to_thread(
            lambda: curl(*extra, "-H", "Content-Type: application/sdp",
                         "--data-binary", "@-", client.endpoint,
                         body=offer.encode()))
        lines = head.split("\r\n")
        assert lines[0].startswith("HTTP/2 201"), head
        fields = dict(line.split(": ", 1) for line in lines[1:])
        assert answer.startswith("v=0")
        client.location = server.url + fields["location"]
        await client.pc.setRemoteDescription(
            RTCSessionDescription(answer, "answer"))
        await client.connected()
        head, text = await asyncio.to_thread(
            lambda: curl(*extra, "-X", "PATCH", "-H", "Content-Type: "
                         + FRAGMENT, "-H", "If-Match: " + fields["etag"],
                         "--data-binary", "@-", client.location,
                         body=frag_of(offer, []).encode()))
        assert head.startswith("HTTP/2 204") and text == ""
        head, _ = await asyncio.to_thread(
            lambda: curl(*extra, "-X", "DELETE", client.location))
        assert head.startswith("HTTP/2 200")
        await client.pc.close()
    run(body())
