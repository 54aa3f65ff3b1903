# SPDX-License-Identifier: MIT OR Apache-2.0
"""These tests hurt the server they are given: it must be their own.

--url URL --run-dir FOLDER name it; --kills N is how often each kind of
process dies in one call.
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "peers"))


def pytest_addoption(parser):
    parser.addoption("--url", default=os.environ.get(
        "SIGNALING_URL", "ws://127.0.0.1:8080"))
    parser.addoption("--run-dir", default=os.environ.get("WEBRTC_RUN_DIR"))
    parser.addoption("--supervisor", type=int, help="its process id")
    parser.addoption("--kills", type=int, default=5)


@pytest.fixture
def url(request):
    return request.config.getoption("--url")


@pytest.fixture
def run_dir(request):
    folder = request.config.getoption("--run-dir")
    assert folder, "--run-dir of a server that may be hurt is missing"
    return folder


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")
