"""The broker takes signaling's settings and passes them on; both check them. What one allows the other allows."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / os.environ.get("MODE", "release") / "bin"
HELP = subprocess.run([BIN / "session-broker", "--help"], capture_output=True, text=True).stdout
ROWS = re.findall(r"^  --([\w-]+), (\w+).*\n(?:      .*\n)*?      allowed: (\d+) to (\d+)", HELP, re.M)


def says(flag, value):
    return subprocess.run([BIN / "signaling", f"--{flag}", str(value)], capture_output=True, text=True, env={}).stderr


def of_signaling():
    return [row for row in ROWS if "no such argument" not in says(row[0], 1)]


def test_most_settings_are_seen():
    assert len(of_signaling()) >= 35, ROWS


@pytest.mark.parametrize("flag,variable,least,most", of_signaling())
def test_ranges_agree(flag, variable, least, most):
    least, most = int(least), int(most)
    for value, good in [(least - 1, False), (least, True), (most, True), (most + 1, False)]:
        assert ("allowed is" not in says(flag, value)) == good, (flag, value, says(flag, value))
