# SPDX-License-Identifier: MIT OR Apache-2.0
"""Houses (a signaling process and its played broker) that tests share."""

import pytest

import kit


def pytest_addoption(parser):
    parser.addoption("--url", help="a whole running system, for media")
    parser.addoption("--run-dir", help="its run directory (not needed here)")


@pytest.fixture(scope="session")
def house():
    with kit.House() as h:
        yield h


@pytest.fixture(scope="session")
def interop():
    with kit.House(program="tests/proc/interop_server") as h:
        yield h


@pytest.fixture
def system(request):
    """host:port of a whole system; such tests are skipped without one."""
    url = request.config.getoption("--url")
    if not url:
        pytest.skip("needs --url")
    return url.split("//")[1]
