"""A store behind a real SSH server, and the command line as users and scripts run it: processes with pipes."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ssh_server import serve
from tui.wire.paths import RoomPaths, holder

NGINX = '{when} [error] 7#7: *{n} FastCGI sent in stderr: "PHP message: PHP Fatal error:  Uncaught Error: boom {n}" while reading response header from upstream, client: 10.0.0.1, server: eu, request: "GET / HTTP/1.1", upstream: "fastcgi://unix:/run/php.sock:", host: "eu"\n'  # noqa: E501


@dataclass
class Done:
    code: int
    out: str
    err: str


class Shop:
    """``run(words…)`` runs ``storewatch`` to its end; ``start`` gives the process."""

    def __init__(self, folder: Path, server) -> None:
        self.folder = folder
        self.server = server
        self.sites = folder / "sites.toml"
        self.state = folder / "state"
        self.root = folder / "srv"
        self.log = folder / "eu.error.log"
        self.paths = RoomPaths.of(self.sites, self.state)
        for release in ("20261120100000", "20261121100000"):
            (self.root / "releases" / release).mkdir(parents=True)
            (self.root / "releases" / release / "index.php").write_text(f"<?php echo '{release}';")
        (self.root / "repo").mkdir()
        (self.root / "shared").mkdir()
        (self.root / "current").symlink_to(self.root / "releases" / "20261121100000")
        self.log.write_text("".join(NGINX.format(when="2026/11/22 10:00:00", n=n) for n in range(1, 6)))
        self.write()

    def write(self, production: str = "false") -> None:
        ssh = f'{{ host = "127.0.0.1", port = {self.server.port}, user = "{self.server.user}", key = "{self.server.key}", '
        ssh += f'known_hosts = "{self.server.known_hosts}", config = "none" }}'
        self.sites.write_text(
            f'[sites.eu]\nname = "EU store"\nssh = {ssh}\nproduction = {production}\n'
            f'deploy = {{ layout = "capistrano", path = "{self.root}" }}\n'
            f'[[sites.eu.log]]\nformat = "nginx-error"\npath = "{self.log}"\nname = "errors"\n'
            '[sites.lone]\nname = "Lone"\nurl = "http://127.0.0.1:9/"\nproduction = false\n'
        )

    @property
    def live(self) -> str:
        return (self.root / "current").resolve().name

    async def start(self, *words: str, **more):
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui", *words, "--sites", str(self.sites), "--state", str(self.state),
            **{"stdin": asyncio.subprocess.DEVNULL, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE, **more},
        )  # fmt: skip

    async def run(self, *words: str) -> Done:
        child = await self.start(*words)
        async with asyncio.timeout(60):
            out, err = await child.communicate()
        return Done(child.returncode, out.decode(), err.decode())

    def end_room(self) -> None:
        found = holder(self.paths.lock)
        if found is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)


@pytest.fixture
async def shop(tmp_path):
    server = await serve(tmp_path / "host")
    shop = Shop(tmp_path, server)
    yield shop
    shop.end_room()
    await server.close()
