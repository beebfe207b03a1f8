"""A demo host: a real SSH server on loopback that really runs what it is sent, inside the demo's folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import asyncssh

_CHUNK = 65_536


class Host:
    """One SSH host of the demo. ``root`` is its home and working folder; only ``client_key`` may log in, as ``demo``."""

    def __init__(self, root: Path, client_key: asyncssh.SSHKey) -> None:
        self.root = root
        self.port = 0
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = client_key
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> None:
        """Listen on a free loopback port (``self.port``)."""
        allowed = asyncssh.import_authorized_keys(self._client_key.export_public_key().decode())
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.key],
            authorized_client_keys=allowed,
            process_factory=self._run,
            encoding=None,
            line_editor=False,
            keepalive_interval=30,
        )
        self.port = self._acceptor.get_port()

    def close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()

    def known_hosts_line(self) -> str:
        """This host as one line of an OpenSSH known_hosts file."""
        return f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode().strip()}\n"

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        search = f"{self.root / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        env = {"HOME": str(self.root), "PATH": search, "LANG": "C", "USER": "demo", "GIT_CONFIG_NOSYSTEM": "1"}
        argv = ["sh", "-c", process.command] if process.command else ["sh"]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd=self.root, env=env, start_new_session=True
        )
        assert child.stdin and child.stdout and child.stderr  # noqa: S101 - asked for above
        feed = asyncio.ensure_future(_feed(process.stdin, child.stdin))
        try:
            await asyncio.gather(_drain(child.stdout, process.stdout), _drain(child.stderr, process.stderr))
            process.exit(await child.wait() & 0xFF)
        except (OSError, asyncssh.Error):
            pass  # the client went away: what it ran is ended below, as sshd's hang-up would
        finally:
            feed.cancel()
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGHUP)
                await child.wait()


async def _feed(source: asyncssh.SSHReader[bytes], sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass  # either end closed: end of input
    finally:
        sink.close()


async def _drain(source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes]) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
