"""A server of its own for a test: `server(VAR=value...)` starts one."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "peers"))


def hear_signals():
    """Whoever starts the tests in the background ignores these, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Server:
    def __init__(self, port, settings):
        self.port = port
        self.url = f"ws://127.0.0.1:{port}"
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="rm-set-", dir="/tmp"))
        self.run.rmdir()
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("WEBRTC_", "GRPC_", "RUST_LOG"))}
        env.update(WEBRTC_RUN_DIR=str(self.run),
                   WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{port}")
        env.update({k: str(v) for k, v in settings.items()})
        self.log = pathlib.Path(str(self.run) + ".log")
        self.process = subprocess.Popen(
            [ROOT / "scripts" / "webrtc_server"], env=env, preexec_fn=hear_signals,
            stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        end = time.monotonic() + 15
        while not (self.run / "ready").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                pytest.fail("not ready: " + self.log.read_text())
            time.sleep(0.02)

    def workers(self, kind):
        return sorted(p.name for p in self.run.glob(f"w/{kind}-*"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.log.unlink()
        assert code == 0 and not self.run.exists()


@pytest.fixture
def server():
    started = []

    def start(port=18091, **settings):
        started.append(Server(port, settings))
        return started[-1]

    yield start
    for one in reversed(started):
        one.stop()
