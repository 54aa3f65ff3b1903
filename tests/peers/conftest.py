# SPDX-License-Identifier: MIT OR Apache-2.0
"""The running server is named by --signaling-url or SIGNALING_URL."""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption(
        "--signaling-url",
        default=os.environ.get("SIGNALING_URL", "ws://127.0.0.1:8080"))


@pytest.fixture
def url(request):
    return request.config.getoption("--signaling-url")
