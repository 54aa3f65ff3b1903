"""The server fixture of tests/system."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import kit  # noqa: E402

server = kit._system.server
