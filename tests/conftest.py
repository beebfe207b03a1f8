"""What holds for every test."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# pytest-xdist sets these for its workers; a program under test in a pty of another size would believe them
os.environ.pop("LINES", None)
os.environ.pop("COLUMNS", None)

# a run in the background (nohup, a shell's &) ignores these, and so would every program under test that is ended by them
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")  # the same examples each time: a landing must not depend on chance


@pytest.fixture
def open_tmp_path(tmp_path: Path) -> Path:
    """``tmp_path`` with every folder above it, as far as pytest made them, open to other users."""
    top = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder == top:
            break
        folder.chmod(0o755)
    return tmp_path
