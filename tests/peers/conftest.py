# SPDX-License-Identifier: MIT OR Apache-2.0
"""The running server is named by --url or SIGNALING_URL."""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption("--url", default=os.environ.get(
        "SIGNALING_URL", "ws://127.0.0.1:8080"))
    parser.addoption("--run-dir", help="its run directory (not needed here)")


@pytest.fixture
def url(request):
    return request.config.getoption("--url")
