"""A host to check, and the command as a person runs it: a process of its own."""

import asyncio
import os
import sys

import pytest

from tests.support.ssh_server import serve


@pytest.fixture
def run(tmp_path):
    """``await run("check", "--offline", env={...})`` gives exit code, stdout, stderr of the real command in ``tmp_path``."""

    async def go(*words: str, env=None, stdin: bytes = b""):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tui", *words),
            cwd=tmp_path,
            env=environment(tmp_path) | (env or {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(child.communicate(stdin), 60)
        return child.returncode, out.decode(), err.decode()

    return go


def environment(folder):
    """Nothing of the person who runs the tests: no sites.toml, no state, no keys of theirs."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    root = str(__import__("pathlib").Path(__file__).parents[2])
    return kept | {"HOME": str(folder), "STOREWATCH_STATE": str(folder / "state"), "PYTHONPATH": root, "TERM": "dumb"}


@pytest.fixture
async def host(tmp_path):
    """A store's host, over real SSH, whose commands run here."""
    server = await serve(tmp_path / "host")
    yield server
    await server.close()
