# SPDX-License-Identifier: MIT OR Apache-2.0
"""Servers for the tests of WHIP and WHEP; each has a run directory of its own
and is started by scripts/webrtc_server with the settings a test names."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/peers"))

PORT = 18240


class Server:
    """`url` is its http address; `kill(role)` sends SIGKILL to a process."""

    def __init__(self, port, tls=None, **settings):
        self.port = port
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.ws = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}"
        self.run_dir = tempfile.mkdtemp(prefix="rm-whip-", dir="/tmp")
        os.rmdir(self.run_dir)
        self.log_path = self.run_dir + ".log"
        env = dict(os.environ, WEBRTC_RUN_DIR=self.run_dir,
                   WEBRTC_SIGNALING_URL=f"{self.ws[:-len(str(port)) - 10]}"
                                        f"0.0.0.0:{port}",
                   WEBRTC_LOG="info", WEBRTC_MAX_PEERS="100",
                   WEBRTC_MAX_PER_SOURCE="1000")
        if tls:
            env.update(WEBRTC_TLS_CERT=str(tls[0]), WEBRTC_TLS_KEY=str(tls[1]))
        env.update(settings)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [str(ROOT / "scripts/webrtc_server")], env=env, stdout=log,
                stderr=subprocess.STDOUT, cwd=ROOT)
        end = time.monotonic() + 20
        while not os.path.exists(self.run_dir + "/ready"):
            assert self.process.poll() is None and time.monotonic() < end, \
                self.log()
            time.sleep(0.05)

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def pids(self, role):
        """Process ids below the server whose program has this name."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            name = stat[stat.index("(") + 1:stat.rindex(")")]
            parent = int(stat[stat.rindex(")") + 1:].split()[1])
            if name == role and self._is_below(parent):
                found.append(int(entry))
        return found

    def _is_below(self, pid):
        while pid > 1:
            if pid == self.process.pid:
                return True
            try:
                stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                return False
            pid = int(stat[stat.rindex(")") + 1:].split()[1])
        return False

    def kill(self, role):
        pids = self.pids(role)
        assert pids, f"no process {role}"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        log = self.log()
        os.unlink(self.log_path)
        assert "Sanitizer" not in log, log[log.index("Sanitizer") - 99:][:4000]
        assert not os.path.exists(self.run_dir)


@pytest.fixture(scope="session")
def server():
    server = Server(PORT)
    yield server
    server.stop()


SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="session")
def token_server():
    server = Server(PORT + 1, WEBRTC_AUTH_SECRET=SECRET,
                    WEBRTC_TURN_SECRET="turn",
                    WEBRTC_TURN_SERVERS="turn:127.0.0.1:3478")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory):
    place = tmp_path_factory.mktemp("tls")
    cert, key = place / "cert.pem", place / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
         cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    server = Server(PORT + 2, tls=(cert, key))
    yield server
    server.stop()
