"""The viewer stays light: importing it loads no client of the stores and no database."""

import subprocess
import sys

import pytest

HEAVY = ("asyncssh", "httpx", "aiomysql", "sqlalchemy", "pydantic")


@pytest.mark.parametrize("module", ["tui.view.app", "tui.wire.client"])
def test_the_viewer_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
