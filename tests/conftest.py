"""What holds for every test."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# pytest-xdist sets these for its workers; a program under test in a pty of another size would believe them
os.environ.pop("LINES", None)
os.environ.pop("COLUMNS", None)

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
