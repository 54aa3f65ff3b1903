"""TLS: which address speaks it, and a certificate that is renewed."""

import asyncio
import os
import pathlib
import signal
import socket
import ssl
import time

import websockets
from conftest import get, shell

from peer import run

PORT = 18091


def served(port, context=None):
    """The certificate that a new connection gets, as DER."""
    anyone = ssl.create_default_context()
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        with (context or anyone).wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert(True), tls.version(), tls.cipher()[0]


def settings(certificate, **more):
    return {"WEBRTC_SIGNALING_URL": f"wss://0.0.0.0:{PORT}", "WEBRTC_TLS_CERT": certificate.cert,
            "WEBRTC_TLS_KEY": certificate.key, **more}


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())


def test_a_renewed_certificate_is_served_while_a_connection_goes_on(server, certificate):
    one = server(PORT, **settings(certificate))
    url = f"wss://localhost:{PORT}"

    async def body():
        first = der(certificate)
        assert served(PORT)[0] == first
        socket_ = await websockets.connect(url, ssl=certificate.context())
        await socket_.send('{"jsonrpc":"2.0","id":1,"method":"announce","params":{"peer_id":"a"}}')
        assert '"result"' in await socket_.recv()
        certificate.renew()
        second = der(certificate)
        assert second != first
        one.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while served(PORT)[0] != second:
            assert time.monotonic() < end, one.log.read_text()
            await asyncio.sleep(0.05)
        await socket_.send('{"jsonrpc":"2.0","id":2,"method":"list_peers"}')
        assert '"id":2' in await socket_.recv()
        assert get(PORT, "/healthz", context=certificate.context())[0] == 200

        # What is no certificate leaves the old one.
        certificate.cert.write_text("nothing\n")
        one.process.send_signal(signal.SIGHUP)
        while "certificate" not in one.log.read_text().split("listening")[-1]:
            await asyncio.sleep(0.05)
        end = time.monotonic() + 10
        while " warn " not in one.log.read_text() and " error " not in one.log.read_text():
            assert time.monotonic() < end, "nobody said that it failed"
            await asyncio.sleep(0.05)
        assert served(PORT)[0] == second
        await socket_.send('{"jsonrpc":"2.0","id":3,"method":"list_peers"}')
        assert '"id":3' in await socket_.recv()
        await socket_.close()
    run(body())


def test_the_key_is_read_again_by_a_new_signaling(server, certificate):
    one = server(PORT, **settings(certificate))
    first = der(certificate)
    assert served(PORT)[0] == first
    certificate.renew()
    pid = int(next(one.run.glob("w/signaling-*/pid")).read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            assert served(PORT)[0] == der(certificate)
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("signaling did not come back")


def joined(hub, wanted, seconds=10):
    """Whether so many servers have announced themselves at the hub."""
    async def body():
        end = time.monotonic() + seconds
        async with websockets.connect(f"ws://localhost:{hub}") as socket_:
            while time.monotonic() < end:
                await socket_.send('{"jsonrpc":"2.0","id":1,"method":"list_peers"}')
                if (await socket_.recv()).count('"peer-') >= wanted:
                    return True
                await asyncio.sleep(0.1)
        return False
    return asyncio.run(body())


def test_a_hub_is_joined_by_wss_where_its_certificate_is_believed(server, certificate, tmp_path):
    # One process that serves both, to look at it without TLS.
    server(PORT, **settings(certificate, WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT}",
                            GRPC_SIGNALING_ADDRESS="0.0.0.0:18093"))
    by_name = server(1, WEBRTC_SIGNALING_URL="wss://localhost:18093", WEBRTC_TLS_CA=certificate.cert)
    assert joined(PORT, 1), by_name.log.read_text()
    by_address = server(1, WEBRTC_SIGNALING_URL="wss://127.0.0.1:18093/any/path", WEBRTC_TLS_CA=certificate.cert)
    assert joined(PORT, 2), by_address.log.read_text()
    # An authority that is not its own, the machine's, and a name that its certificate lacks.
    other = tmp_path / "other"
    other.mkdir()
    strangers = [server(1, WEBRTC_SIGNALING_URL="wss://localhost:18093", WEBRTC_TLS_CA=type(certificate)(other).cert),
                 server(1, WEBRTC_SIGNALING_URL="wss://localhost:18093"),
                 server(1, WEBRTC_SIGNALING_URL="wss://127.0.0.2:18093", WEBRTC_TLS_CA=certificate.cert)]
    assert not joined(PORT, 3, 2)
    for one in strangers:
        assert "certificate verify failed" in one.log.read_text(), one.log.read_text()


def test_an_explicit_ws_stays_plain_and_grpc_speaks_tls(server, certificate):
    server(PORT, **settings(certificate, WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT}",
                            GRPC_SIGNALING_ADDRESS="127.0.0.1:18093"))
    assert get(PORT, "/healthz")[0] == 200
    cert, version, cipher = served(18093, certificate.context())
    assert cert == der(certificate)
    assert version in ("TLSv1.2", "TLSv1.3") and ("GCM" in cipher or "POLY1305" in cipher)


def test_grpc_alone_is_one_address(server):
    one = server(PORT, WEBRTC_MODE="grpc", GRPC_SIGNALING_ADDRESS="127.0.0.1:18093")
    assert get(18093, "/healthz")[0] == 200
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", PORT)) != 0
    assert "http://localhost:18093/" in (one.run / "ready").read_text()


def test_sighup_without_a_certificate_changes_nothing(server):
    one = server(PORT)
    one.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while "nothing to renew" not in one.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert get(PORT, "/healthz")[0] == 200


def test_tls_1_1_is_refused(server, certificate):
    server(PORT, **settings(certificate))
    answer = shell("sh", "-c", f"openssl s_client -connect 127.0.0.1:{PORT} -tls1_1 -cipher ALL:@SECLEVEL=0 "
                   "</dev/null 2>&1 || true")
    assert "BEGIN CERTIFICATE" not in answer


def test_secrets_are_signalings_alone(server, certificate):
    secret, turn = "the signing secret that nobody sees", "the turn secret"
    one = server(PORT, **settings(certificate, WEBRTC_AUTH_SECRET=secret, WEBRTC_TURN_SERVERS="turn:192.0.2.1:3478",
                                  WEBRTC_TURN_SECRET=turn))
    found = 0
    for file in one.run.glob("w/*/pid"):
        pid = file.read_text().split()[0]
        proc = pathlib.Path("/proc") / pid
        environment = (proc / "environ").read_bytes()
        arguments = (proc / "cmdline").read_bytes()
        assert secret.encode() not in arguments and turn.encode() not in arguments
        if file.parent.name.startswith("signaling"):
            assert secret.encode() in environment
            continue
        found += 1
        assert b"WEBRTC_" not in environment, file.parent.name
        assert secret.encode() not in environment and turn.encode() not in environment
    assert found >= 2
    assert secret not in one.log.read_text()
