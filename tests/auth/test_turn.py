"""TURN credentials that a client gets are taken by coturn."""

import json
import re
import shutil
import socket
import subprocess
import time

import pytest
import websockets
from conftest import SECRET, make_token

from peer import run

PORT, TURN_PORT, TURN_SECRET = 18091, 18571, "shared with the TURN server"


@pytest.fixture
def turn(tmp_path):
    if not shutil.which("turnserver"):
        pytest.fail("coturn is not installed")
    log = tmp_path / "turn.log"
    process = subprocess.Popen(
        ["turnserver", "-n", "--use-auth-secret", f"--static-auth-secret={TURN_SECRET}", "--realm=test",
         "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(TURN_PORT), "--min-port", "18600", "--max-port", "18700",
         "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout",
         "--pidfile", str(tmp_path / "pid"), "--db", str(tmp_path / "db")],
        stdout=log.open("w"), stderr=subprocess.STDOUT)
    end = time.monotonic() + 15
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", TURN_PORT)) == 0:
                break
        assert process.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    yield
    process.terminate()
    process.wait(10)


def relayed(username, credential):
    """Whether coturn relays for these, both ways and without a loss."""
    done = subprocess.run(["turnutils_uclient", "-y", "-c", "-u", username, "-w", credential, "-p", str(TURN_PORT),
                           "-n", "3", "-m", "1", "127.0.0.1"], capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    return done.returncode == 0 and re.search(r"tot_send_msgs=6, tot_recv_msgs=6", text) is not None


def changed(credential):
    return ("B" if credential[0] == "A" else "A") + credential[1:]


async def ask(url, method, token=None, **params):
    headers = {"Authorization": "Bearer " + token} if token else None
    async with websockets.connect(url, extra_headers=headers) as socket_:
        await socket_.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        return json.loads(await socket_.recv())


def test_coturn_takes_the_credentials_of_announce(server, turn):
    url = server(PORT, WEBRTC_AUTH_SECRET=SECRET, WEBRTC_TURN_SECRET=TURN_SECRET, WEBRTC_TURN_LIFE_S=600,
                 WEBRTC_TURN_SERVERS=f"turn:127.0.0.1:{TURN_PORT},turn:127.0.0.1:{TURN_PORT}?transport=tcp").url

    async def body():
        answer = await ask(url, "announce", make_token("--sub", "al ice"), peer_id="p")
        [ice] = answer["result"]["ice_servers"]
        assert ice["urls"] == [f"turn:127.0.0.1:{TURN_PORT}", f"turn:127.0.0.1:{TURN_PORT}?transport=tcp"]
        expiry, user = ice["username"].split(":", 1)
        assert user == "al%20ice" and 590 <= int(expiry) - time.time() <= 601
        assert relayed(ice["username"], ice["credential"])
        assert not relayed(ice["username"], changed(ice["credential"]))
        assert not relayed(f"{int(expiry) + 1}:{user}", ice["credential"])

        # Nobody without a token, and nobody who may not call.
        assert "error" in await ask(url, "announce", peer_id="q")
        answer = await ask(url, "announce", make_token("--perm", "manage"), peer_id="r")
        assert answer["result"]["ice_servers"] == []
        answer = await ask(url, "server.info")
        assert TURN_SECRET not in json.dumps(answer)
        assert not answer.get("result", {}).get("ice_servers")
    run(body(), 180)


def test_without_keys_every_client_gets_them(server):
    url = server(PORT, WEBRTC_TURN_SECRET=TURN_SECRET, WEBRTC_TURN_SERVERS="turn:192.0.2.1:3478").url

    async def body():
        answer = await ask(url, "announce", peer_id="p")
        [ice] = answer["result"]["ice_servers"]
        assert ice["username"].endswith(":p") and len(ice["credential"]) == 28
    run(body())
