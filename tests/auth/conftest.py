"""The server fixture of tests/system, certificates, and small HTTP."""

import importlib.util
import json
import pathlib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "peers"))

_spec = importlib.util.spec_from_file_location("system_conftest", ROOT / "tests" / "system" / "conftest.py")
_system = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_system)
Server = _system.Server
server = _system.server

SECRET = "not a secret, only long enough for a test"


def shell(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True, timeout=60).stdout


class Certificate:
    """A certificate of its own authority, which may be renewed in place."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew()

    def renew(self):
        shell("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
              "-keyout", str(self.key), "-out", str(self.cert), "-days", "2", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def context(self):
        return ssl.create_default_context(cafile=str(self.cert))


@pytest.fixture
def certificate(tmp_path):
    return Certificate(tmp_path)


@pytest.fixture
def es_key(tmp_path):
    """The paths of a P-256 key pair, private and public."""
    private, public = tmp_path / "es.pem", tmp_path / "es.pub.pem"
    shell("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(private))
    shell("openssl", "ec", "-in", str(private), "-pubout", "-out", str(public))
    return private, public


def get(port, path, method="GET", context=None):
    """Status, headers, text."""
    scheme = "https" if context else "http"
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def get_json(port, path):
    status, _, text = get(port, path)
    return status, json.loads(text)


def make_token(*args, secret=SECRET):
    """By the program that users have."""
    if "--key" not in args:
        args = ("--secret", secret) + args
    return shell(str(ROOT / "scripts" / "make_token"), *args).strip()
