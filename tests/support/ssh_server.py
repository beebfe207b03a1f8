"""A real SSH server inside the test process, whose commands run in the local sh, as a store's host would.

    server = await serve(tmp_path / "host")
    site = Site(..., ssh=server.target())
    ...
    await server.close()

It shows what OpenSSH shows: a command lives in a process session of its own, its stdin ends when the channel ends, and it is not
killed then. Only loopback, no root. ``close`` ends the commands that are left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tui.model.site import SshTarget

KEX = ["curve25519-sha256"]  # the default, a post-quantum hybrid, costs 100 ms of CPU a login


@dataclass
class SshServer:
    """``logins``: accepted so far; ``connections``: open TCP connections; ``running``: sessions now, ``peak`` at most on one
    connection, ``commands``: every command line in order. ``shell`` runs them. Change ``max_sessions``, ``shell``, ``shell_env`` or
    ``noise`` (printed before and after each command, like a chatty login shell) at any time."""

    folder: Path
    user: str
    shell_env: dict[str, str]
    shell: tuple[str, ...] = ("sh",)
    max_sessions: int = 10
    noise: tuple[bytes, bytes] = (b"", b"")
    host: str = "127.0.0.1"
    port: int = 0
    logins: int = 0
    pending: int = 0
    peak_pending: int = 0
    peak: int = 0
    commands: list[str] = field(default_factory=list)
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    sessions: dict[int, int] = field(default_factory=dict)
    children: set[asyncio.subprocess.Process] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    acceptor: Any = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def key(self) -> Path:
        """The private key that may log in (mode 0600)."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Vouches for this server's host key."""
        return self.folder / "known_hosts"

    @property
    def running(self) -> int:
        return sum(self.sessions.values())

    @property
    def fingerprint(self) -> str:
        return asyncssh.read_private_key(str(self.folder / "host_key")).get_fingerprint()

    def target(self, **changes: Any) -> SshTarget:
        """How to reach it with its host key known and no ssh config read."""
        fields: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            "config": "none",
        }
        return SshTarget(**{**fields, **changes})

    async def start(self) -> None:
        """Listen again after :meth:`close`, on the same port with the same host key."""
        self.acceptor = await asyncssh.listen(
            self.host,
            self.port,
            server_factory=lambda: _Server(self),
            server_host_keys=[str(self.folder / "host_key")],
            encoding=None,
            kex_algs=KEX,
            login_timeout=20,
            gss_host=None,
            reuse_address=True,
        )
        self.port = self.acceptor.get_port()
        public = asyncssh.read_public_key(str(self.folder / "host_key.pub")).export_public_key().decode().strip()
        self.known_hosts.write_text(f"[{self.host}]:{self.port} {public}\n")

    def drop(self) -> None:
        """Cut every connection now, as a dead link would. Commands on the host live on."""
        for connection in list(self.connections):
            connection.abort()

    async def close(self) -> None:
        """Stop listening, cut the connections, end the commands that are left."""
        self.acceptor.close()
        self.drop()
        for child in list(self.children):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        while self.tasks:
            await asyncio.wait(list(self.tasks))
        await self.acceptor.wait_closed()

    def handle(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(process))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        connection = id(process.channel.get_connection())
        self.commands.append(process.command or "")
        try:
            code = await self._command(process)
        finally:
            self.sessions[connection] -= 1
        with contextlib.suppress(OSError, asyncssh.Error):
            if code < 0:
                process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
            else:
                process.exit(code)

    async def _command(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        words = (*self.shell, "-c", process.command) if process.command is not None else self.shell
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "USER": self.user, "LOGNAME": self.user, **self.shell_env}
        child = await asyncio.create_subprocess_exec(
            *words,
            cwd=self.home,
            env=env,
            start_new_session=True,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.stdin and child.stdout and child.stderr
        self.children.add(child)
        feed = asyncio.create_task(_feed(process.stdin, child.stdin))
        try:
            with contextlib.suppress(OSError, asyncssh.Error):
                process.stdout.write(self.noise[0])
            await asyncio.gather(_pump(child.stdout, process.stdout), _pump(child.stderr, process.stderr))
            code = await child.wait()
            with contextlib.suppress(OSError, asyncssh.Error):
                process.stdout.write(self.noise[1])
        finally:
            feed.cancel()
            await asyncio.gather(feed, return_exceptions=True)
            self.children.discard(child)
        return code


class _Server(asyncssh.SSHServer):
    def __init__(self, house: SshServer) -> None:
        self._house = house
        self._connection: asyncssh.SSHServerConnection | None = None
        self._pending = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection, self._pending = conn, True
        self._house.connections.add(conn)
        self._house.pending += 1
        self._house.peak_pending = max(self._house.peak_pending, self._house.pending)

    def _settled(self) -> None:
        self._house.pending -= self._pending
        self._pending = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._settled()
        self._house.connections.discard(self._connection)  # type: ignore[arg-type]

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        wanted = asyncssh.read_public_key(str(self._house.key) + ".pub")
        return username == self._house.user and key.public_data == wanted.public_data

    def auth_completed(self) -> None:
        self._settled()
        self._house.logins += 1

    def session_requested(self) -> Any:
        house, here = self._house, id(self._connection)
        if house.sessions.get(here, 0) >= house.max_sessions:
            raise asyncssh.ChannelOpenError(2, "open failed")  # the words of OpenSSH past MaxSessions
        house.sessions[here] = house.sessions.get(here, 0) + 1
        house.peak = max(house.peak, house.sessions[here])
        return asyncssh.SSHServerProcess(house.handle, None, 3, False)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True


async def _feed(source: Any, sink: asyncio.StreamWriter) -> None:
    """The channel's input to the command's stdin, which ends when the channel does."""
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except (OSError, asyncssh.Error):
        pass
    finally:
        sink.close()


async def _pump(source: asyncio.StreamReader, sink: Any) -> None:
    """A command's output to its channel; when the channel is gone, reading stops and the command gets SIGPIPE when it next writes."""
    while data := await source.read(65536):
        try:
            sink.write(data)
            await sink.drain()
        except (OSError, asyncssh.Error):
            source._transport.close()  # type: ignore[attr-defined]
            return


async def serve(
    folder: Path,
    *,
    user: str = "deploy",
    shell_env: Mapping[str, str] | None = None,
    shell: Sequence[str] = ("sh",),
    host: str = "127.0.0.1",
    port: int = 0,
    max_sessions: int = 10,
) -> SshServer:
    """Start one. ``folder`` gets its keys and ``home``; ``shell_env`` is added to the commands' environment (PATH, HOME, USER)."""
    folder.mkdir(parents=True, exist_ok=True)
    server = SshServer(folder, user, dict(shell_env or {}), tuple(shell), max_sessions, host=host, port=port)
    server.home.mkdir(exist_ok=True)
    for name in ("id_ed25519", "host_key"):
        if not (folder / name).exists():
            key = asyncssh.generate_private_key("ssh-ed25519")
            key.write_private_key(str(folder / name))
            key.write_public_key(str(folder / name) + ".pub")
            (folder / name).chmod(0o600)
    await server.start()
    return server
