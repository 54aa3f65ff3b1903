"""/healthz, /readyz and /metrics; the access log."""

import json
import os
import re
import signal
import time

import websockets
from conftest import SECRET, get, get_json, make_token

from peer import Signaling, run

PORT = 18091
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf'^({NAME})(?:\{{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")'
                    rf'(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*)\}})? '
                    r"(NaN|[+-]?Inf|[+-]?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$")
BASE_UNITS = ("_seconds", "_bytes")


def parse(text):
    """The text format, strictly: {name: {labels: value}}."""
    assert text.endswith("\n")
    families, order, samples = {}, [], {}
    current = None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = line[7:].split(" ", 1)
            assert re.fullmatch(NAME, name) and words.strip(), line
            assert name not in families, f"{name} comes twice"
            families[name] = None
            current = name
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == current and families[name] is None, line
            assert kind in ("counter", "gauge"), line
            families[name] = kind
            order.append(name)
        else:
            match = SAMPLE.match(line)
            assert match, f"no sample: {line!r}"
            name, labels, value = match.groups()
            assert name == current, f"{line} stands in the family {current}"
            values = samples.setdefault(name, {})
            assert (labels or "") not in values, f"{line} comes twice"
            values[labels or ""] = float(value)
    for name, kind in families.items():
        assert kind and samples.get(name), f"{name} is empty"
        assert (kind == "counter") == name.endswith("_total"), name
        assert name.startswith(("remotemedia_", "process_")), name
        assert not re.search(r"_(ms|us|milliseconds|kb|mb|percent)(_|$)", name), name
        if kind == "counter":
            assert all(v >= 0 and v == int(v) for v in samples[name].values()), name
    return samples


def metrics(port=PORT):
    status, headers, text = get(port, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert headers["Cache-Control"] == "no-store"
    return parse(text)


def test_metrics_count_what_happens(server):
    server(PORT, WEBRTC_AUTH_SECRET=SECRET)

    async def body():
        before = metrics()
        url = f"ws://127.0.0.1:{PORT}"
        try:
            await websockets.connect(url, extra_headers={"Authorization": "Bearer x.y.z"})
        except websockets.InvalidStatusCode as refused:
            assert refused.status_code == 401
        one = await Signaling(url, "one").open(announce=False)
        await one.request("announce", peer_id="one", token=make_token())
        assert await one.error_of("nonsense")
        assert await one.error_of("offer", to_peer_id="nobody", sdp="v=0")
        after = metrics()

        def more(name, labels=""):
            return after[name][labels] - before[name][labels]

        assert more("remotemedia_signaling_auth_failures_total") == 1
        assert more("remotemedia_signaling_websockets_total") == 1
        assert more("remotemedia_signaling_announces_total", 'result="joined"') == 1
        assert more("remotemedia_signaling_calls_total", 'door="jsonrpc"') >= 1
        assert more("remotemedia_signaling_failed_calls_total", 'door="jsonrpc"') == 1
        assert more("remotemedia_signaling_bad_requests_total", 'protocol="jsonrpc"') == 1
        assert more("remotemedia_signaling_http_requests_total", 'version="1.1"') >= 1
        assert more("remotemedia_signaling_connections_total", 'listener="plain"') == 3
        assert after["remotemedia_signaling_websockets"][""] == 1
        assert after["remotemedia_signaling_peers"][""] == 1
        assert after["remotemedia_broker_up"][""] == 1
        assert after["remotemedia_media_workers"][""] >= 1
        assert abs(after["process_start_time_seconds"][""] - time.time()) < 60
        # A sanitizer's heap is not the C library's.
        least = 0 if os.environ.get("MODE") in ("asan", "tsan") else 10000
        assert least <= after["process_heap_bytes"][""] < 100e6
        await one.close()
    run(body())


def test_health_has_the_form_it_always_had(server):
    server(PORT)
    end = time.monotonic() + 10
    while True:
        status, health = get_json(PORT, "/healthz")
        if health["media"] or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert status == 200
    assert sorted(health) == ["broker", "media", "peers", "status", "uptime_s"]
    assert health["status"] == "ok" and health["broker"] == "up" and health["peers"] == 0
    assert sorted(health["media"]) == ["calls", "connected", "media_workers", "restarts"]
    for path in ("/healthz", "/readyz", "/metrics"):
        assert get(PORT, path, "POST")[0] == 405
        status, headers, text = get(PORT, path, "HEAD")
        assert status == 200 and text == "" and int(headers["Content-Length"]) > 0


def test_ready_means_that_a_call_could_be_taken(server):
    one = server(PORT, WEBRTC_MEDIA_WORKERS=1)
    end = time.monotonic() + 5
    while get_json(PORT, "/readyz") != (200, {"ready": True}):
        assert time.monotonic() < end, get_json(PORT, "/readyz")
        time.sleep(0.02)
    broker = int((one.run / "broker.pid").read_text())
    os.kill(broker, signal.SIGSTOP)
    os.kill(broker, signal.SIGKILL)
    end = time.monotonic() + 10
    seen = set()
    while time.monotonic() < end:
        status, ready = get_json(PORT, "/readyz")
        seen.add(ready.get("reason"))
        assert (status == 200) == ready["ready"]
        if status == 200 and len(seen) > 1:
            break
        time.sleep(0.002)
    assert get_json(PORT, "/readyz")[0] == 200
    assert {"the session-broker is away"} & seen, seen


def test_the_access_log_is_one_line_a_call(server):
    one = server(PORT, WEBRTC_AUTH_SECRET=SECRET)
    token = make_token()

    async def body():
        client = await Signaling(one.url, 'a "b"').open(announce=False)
        await client.request("announce", peer_id='a "b"', token=token)
        await client.error_of("offer", to_peer_id="nobody", sdp="v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\n")
        await client.close()
    run(body())
    end = time.monotonic() + 5
    while time.monotonic() < end:
        lines = [l for l in one.log.read_text().splitlines() if " signaling " in l and " call door=" in l]
        if len(lines) >= 2:
            break
        time.sleep(0.05)
    assert len(lines) == 2, lines
    assert re.search(r'door=jsonrpc peer="a \?b\?" method="announce" ms=[0-9.]+ outcome=ok$', lines[0]), lines[0]
    assert re.search(r'door=jsonrpc peer="a \?b\?" method="offer" ms=[0-9.]+ outcome=-32\d\d\d$', lines[1]), lines[1]
    assert token not in one.log.read_text() and "192.0.2.7" not in one.log.read_text()
