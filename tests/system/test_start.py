"""The supervisor and the broker from outside: start, settings, stop."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / "scripts" / "webrtc_server"
PORT = 18090


def environment(run, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WEBRTC_", "GRPC_", "RUST_LOG"))}
    env.update(WEBRTC_RUN_DIR=str(run), WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT}")
    env.update({k: str(v) for k, v in more.items()})
    return env


@pytest.fixture
def run():
    path = pathlib.Path(tempfile.mkdtemp(prefix="rm-sys-", dir="/tmp"))
    path.rmdir()
    yield path
    while STARTED:  # what a failed test left running would fail all that follow
        process = STARTED.pop()
        if process.poll() is None:
            process.terminate()
            process.wait(10)


def hear_interrupts():
    """Whoever starts the tests in the background of a script has SIGINT ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


STARTED = []


def start(run, *args, **more):
    process = subprocess.Popen([SERVER, *args], env=environment(run, **more), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True,
                               preexec_fn=hear_interrupts)
    STARTED.append(process)
    return process


def wait_ready(process, run, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (run / "ready").exists():
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    pytest.fail("not ready: " + process.stdout.read())


def refused(run, *args, **more):
    done = subprocess.run([SERVER, *args], env=environment(run, **more), capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


def descendants(pid):
    """Every process of this server, by the run directory's pid files."""
    return [int(f.read_text().split()[0]) for f in pid.glob("w/*/pid")]


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("name,value,allowed", [
    ("WEBRTC_MAX_PEERS", "0", "1"), ("WEBRTC_MAX_PEERS", "10001", "10000"), ("WEBRTC_MAX_PEERS", "ten", "10000"),
    ("WEBRTC_JITTER_BUFFER_MS", "19", "20"), ("WEBRTC_JITTER_BUFFER_MS", "501", "500"),
    ("WEBRTC_ENABLE_DATA_CHANNEL", "perhaps", "true"), ("WEBRTC_PEER_NETWORKS", "some", "public"),
    ("WEBRTC_SIGNALING_URL", "http://0.0.0.0:80", "ws://"), ("WEBRTC_SIGNALING_URL", "ws://0.0.0.0:99999", "65535"),
    ("WEBRTC_MEDIA_WORKERS", "-1", "1"), ("WEBRTC_LOG", "loud", "info"),
])
def test_wrong_value_stops_with_one_line(run, name, value, allowed):
    code, err = refused(run, **{name: value})
    lines = err.strip().splitlines()
    assert code == 2 and len(lines) == 1, err
    assert name in lines[0] and value in lines[0] and allowed in lines[0], err


@pytest.mark.parametrize("name,value", [
    ("WEBRTC_STUN_SERVERS", "stun:192.0.2.1:3478"), ("WEBRTC_TURN_SERVERS", "turn:192.0.2.1:3478:u:p"),
    ("WEBRTC_MEDIA_ISOLATION", "peer"),
])
def test_feature_not_built_yet_stops_the_start(run, name, value):
    code, err = refused(run, **{name: value})
    assert code == 2 and name in err and "not available yet" in err, err


# Settings that are refused together or for what they name, and a word of the one line.
@pytest.mark.parametrize("settings,word", [
    ({"WEBRTC_TLS_CERT": "/x.pem"}, "WEBRTC_TLS_KEY"),
    ({"WEBRTC_TLS_KEY": "/x.pem"}, "WEBRTC_TLS_CERT"),
    ({"WEBRTC_SIGNALING_URL": f"wss://0.0.0.0:{PORT}"}, "needs WEBRTC_TLS_CERT"),
    ({"WEBRTC_AUTH_SECRET": "s" * 31}, "32 to 4096 bytes"),
    ({"WEBRTC_AUTH_SECRET": "s" * 32, "WEBRTC_AUTH_PUBLIC_KEY": "/x"}, "only one of them"),
    ({"WEBRTC_TURN_SERVERS": "turn:192.0.2.1:3478"}, "WEBRTC_TURN_SECRET"),
    ({"WEBRTC_TURN_SERVERS": "192.0.2.1:3478", "WEBRTC_TURN_SECRET": "s"}, "turn:HOST:PORT"),
    ({"WEBRTC_MODE": "quic"}, "websocket|grpc"),
    ({"GRPC_SIGNALING_ADDRESS": "50051"}, "HOST:PORT"),
    ({"WEBRTC_MAX_STARTUPS": "10"}, "BEGIN:PERCENT:FULL"),
    ({"WEBRTC_OFFER_RATE": "0"}, "1 to 10000000"),
])
def test_settings_that_do_not_go_together_stop_the_start(run, settings, word):
    code, err = refused(run, **settings)
    assert code == 2 and len(err.strip().splitlines()) == 1 and word in err, err
    assert "s" * 31 not in err


def test_a_certificate_that_cannot_be_read_stops_the_start(run, tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate\n")
    for path in (tmp_path / "absent.pem", bad):
        code, err = refused(run, WEBRTC_TLS_CERT=path, WEBRTC_TLS_KEY=path,
                            WEBRTC_SIGNALING_URL=f"wss://0.0.0.0:{PORT}")
        assert code == 2 and str(path) in err, err
        assert len([l for l in err.splitlines() if l.startswith("signaling: ")]) == 1, err


def test_a_public_key_that_is_none_stops_the_start(run, tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("no key\n")
    code, err = refused(run, WEBRTC_AUTH_PUBLIC_KEY=bad)
    assert code in (2, 3) and "WEBRTC_AUTH_PUBLIC_KEY" in err and str(bad) in err, err


def test_flag_beats_variable(run):
    code, err = refused(run, "--max-peers", "0", WEBRTC_MAX_PEERS="5")
    assert code == 2 and "max-peers" in err


def test_help_lists_every_setting(run):
    done = subprocess.run([SERVER, "--help"], env=environment(run), capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    for name in ("WEBRTC_SIGNALING_URL", "WEBRTC_MAX_PEERS", "WEBRTC_JITTER_BUFFER_MS", "WEBRTC_LOG"):
        assert name in done.stdout


def test_manifest_faults_are_told_all_at_once(run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("nodes:\n  - {id: a, node_type: Input}\n  - {id: a, node_type: Output}\n  - {id: b, node_type: Nonsense}\nconnections:\n  - {from: a, to: zz}\n")
    code, err = refused(run, WEBRTC_PIPELINE_MANIFEST=bad)
    assert code == 2
    for told in (f"{bad}:3: ", f"{bad}:4: ", "Nonsense", f"{bad}:6: ", "zz"):
        assert told in err, err


def test_port_in_use_is_one_clear_line(run):
    with socket.create_server(("0.0.0.0", PORT + 1)):
        done = subprocess.run([SERVER], env=environment(run, WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT + 1}"),
                              capture_output=True, text=True, timeout=20)
    assert done.returncode == 3, done
    assert str(PORT + 1) in done.stderr and "in use" in done.stderr, done.stderr
    assert not run.exists()


def test_second_server_in_the_same_run_dir_is_refused(run):
    first = start(run)
    wait_ready(first, run)
    code, err = refused(run, WEBRTC_SIGNALING_URL=f"ws://0.0.0.0:{PORT + 1}")
    assert code == 1 and "runs already" in err, err
    first.terminate()
    assert first.wait(10) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stop_ends_every_process_and_removes_everything(run, how):
    server = start(run)
    wait_ready(server, run)
    pids = descendants(run)
    assert len(pids) >= 3
    server.send_signal(how)
    assert server.wait(10) == 0
    end = time.monotonic() + 5
    while any(alive(p) for p in pids) and time.monotonic() < end:
        time.sleep(0.02)
    assert not [p for p in pids if alive(p)]
    assert not run.exists()


def test_ready_prints_the_url_of_the_page(run):
    server = start(run)
    wait_ready(server, run)
    time.sleep(0.3)
    server.terminate()
    out, _ = server.communicate(timeout=10)
    assert f"http://localhost:{PORT}/" in out
    line = next(l for l in out.splitlines() if "session-broker" in l and " ready" in l)
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z session-broker - info ready \w+=", line), line


def test_without_a_url_both_families_of_localhost_are_served(run):
    env = environment(run)
    del env["WEBRTC_SIGNALING_URL"]
    server = subprocess.Popen([SERVER], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_ready(server, run)
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, 8080), 5) as s:
                s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost:8080\r\n\r\n")
                assert b" 200 " in s.recv(100)
    finally:
        server.terminate()
        server.wait(10)


def test_a_killed_broker_is_followed_and_a_stop_still_cleans_up(run):
    server = start(run)
    wait_ready(server, run)
    before = set(descendants(run))
    broker = int((run / "broker.pid").read_text())
    os.kill(broker, signal.SIGKILL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if int((run / "ready").read_text().split()[0]) != broker:
                break
        except (OSError, ValueError, IndexError):
            pass
        time.sleep(0.02)
    else:
        pytest.fail("no new broker")
    assert set(descendants(run)) == before, "the workers were adopted, not replaced"
    server.terminate()
    assert server.wait(10) == 0
    assert not run.exists() and not [p for p in before if alive(p)]


def test_install_below_destdir(run, tmp_path):
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr"], cwd=ROOT, check=True,
                   capture_output=True, timeout=300)
    env = environment(run)
    server = subprocess.Popen([tmp_path / "usr/bin/webrtc_server"], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    wait_ready(server, run)
    server.terminate()
    assert server.wait(10) == 0
