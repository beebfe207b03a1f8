"""A real OpenSSH sshd on a loopback address of its own, as whoever runs the tests."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncssh

from tui.model.site import SshTarget

SSHD = "/usr/sbin/sshd"

CONFIG = """
ListenAddress {address}:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
LogLevel VERBOSE
{more}
"""


class Sshd:
    """``folder`` gets its keys; ``more`` are further lines of its config. HOME of those who log in is the real one."""

    def __init__(self, folder: Path, address: str, more: str = "") -> None:
        self.folder, self.address, self.more = folder, address, more
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind((address, 0))
            self.port = free.getsockname()[1]
        self.new_host_key()
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.key))
        self.key.chmod(0o600)
        key.write_public_key(str(folder / "authorized_keys"))
        self.daemon: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def new_host_key(self) -> None:
        """Another machine answers from now on (after a restart)."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.folder / "host_key"))
        (self.folder / "host_key").chmod(0o600)
        self.public = key.export_public_key().decode().strip()
        self.fingerprint = key.get_fingerprint()
        if not self.known_hosts.exists():
            self.known_hosts.write_text(f"[{self.address}]:{self.port} {self.public}\n")

    def target(self, **changes: Any) -> SshTarget:
        fields: dict[str, Any] = {
            "host": self.address,
            "port": self.port,
            "user": getpass.getuser(),
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
            "config": "none",
        }
        return SshTarget(**{**fields, **changes})

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(CONFIG.format(address=self.address, port=self.port, folder=self.folder, more=self.more))
        self.daemon = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(self.folder / "log")], stdin=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1) as probe:
                if probe.recv(4) == b"SSH-":
                    return
            time.sleep(0.02)
        raise RuntimeError(f"sshd did not start: {self.log}")

    def sessions(self) -> list[int]:
        """The processes that serve logins: sshd's children and theirs that are sshd too."""
        found: list[int] = []
        parents = [self.daemon.pid] if self.daemon else []
        while parents:
            children = [pid for pid, parent, name in _processes() if parent in parents and name.startswith("sshd") and pid not in found]
            found += children
            parents = children
        return found

    def signal_sessions(self, number: int) -> None:
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """The listener and all its logins are gone at once, as when the machine is switched off."""
        if self.daemon is None:
            return
        sessions = self.sessions()
        for pid in (self.daemon.pid, *sessions):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.daemon.wait()
        self.daemon = None


def _processes() -> list[tuple[int, int, str]]:
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            text = (folder / "stat").read_text()
            name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            found.append((int(folder.name), int(rest[1]), name))
    return found


def why_not() -> str:
    """Why sshd cannot run here, "" when it can."""
    if not Path(SSHD).exists():
        return f"{SSHD} is not installed"
    return "" if Path("/proc/self/stat").exists() else "no /proc"
