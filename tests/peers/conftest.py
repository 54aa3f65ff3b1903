# SPDX-License-Identifier: MIT OR Apache-2.0
"""The running server is named by --signaling-url or SIGNALING_URL."""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--signaling-url",
        default=os.environ.get("SIGNALING_URL", "ws://127.0.0.1:8080"))
    parser.addoption("--run-dir", default=os.environ.get("WEBRTC_RUN_DIR"))


@pytest.fixture
def url(request):
    return request.config.getoption("--signaling-url")


@pytest.fixture
def run_dir(request):
    folder = request.config.getoption("--run-dir")
    if not folder:
        pytest.skip("needs --run-dir of a server that may be hurt")
    return folder
