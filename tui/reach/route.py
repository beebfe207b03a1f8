"""From what sites.toml says of a host to where exactly we log in: ssh config, jump hosts, key files."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from pathlib import Path
from typing import Any, cast

import asyncssh
import msgspec

from tui.model.failure import ReachError
from tui.model.site import SshTarget
from tui.reach.failures import Where, failed

LONGEST_CHAIN = 8
USER_FILES = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_HOP = re.compile(
    r"(?:(?P<user>[^@]+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.%]*:[^:]*))(?::(?P<port>[0-9]+))?$"
)


class Route(msgspec.Struct, frozen=True):
    """One login: where, as whom, through which jump hosts, with what. ``asked``: the host as written, which the ssh config goes
    by; ``name``: the one known_hosts goes by.

    ``keys``: private key files to offer (None: those of ssh's own default). ``demanded``: the key sites.toml names, which must be usable.
    """

    where: Where
    asked: str
    name: str
    through: tuple[Route, ...] = ()
    keys: tuple[str, ...] | None = None
    demanded: str | None = None
    known_hosts: tuple[str, ...] = USER_FILES
    proxy: str | None = None
    config: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for routes that may share a connection."""
        return (*(hop.where.label for hop in self.through), self.where.label, self.proxy or "", self.demanded or "")


def parse_hop(text: str) -> tuple[str | None, str, int | None]:
    """``[user@]host[:port]``, IPv6 in brackets. Raises ValueError."""
    found = _HOP.match(text.strip().removeprefix("ssh://"))
    if found is None:
        raise ValueError(f"not a jump host: {text!r}")
    return found["user"], found["six"] or found["host"], int(found["port"]) if found["port"] else None


async def find(target: SshTarget) -> Route:
    """Resolve ``target`` through the ssh config. Raises ReachError. In a thread: the config may run programs (Match exec)."""
    return await asyncio.to_thread(resolve, target)


def resolve(target: SshTarget) -> Route:
    """The same, blocking."""
    try:
        return _resolve(target, (), jump=False)
    except (asyncssh.ConfigParseError, asyncssh.IllegalUserName, OSError, ValueError) as error:
        raise failed("config", "ssh-config", detail=str(error)) from error


def _resolve(target: SshTarget, behind: tuple[str, ...], *, jump: bool) -> Route:
    settings = _settings(target)
    where = Where(settings.username, settings.host, settings.port)
    if where.label in behind or len(behind) > LONGEST_CHAIN:
        raise failed("config", "jump-loop", where)
    hops = target.jump or _listed(settings.config.get("ProxyJump"))
    through: tuple[Route, ...] = ()
    for index, text in enumerate(hops):
        user, host, port = parse_hop(text)
        hop = SshTarget(host, port, user, target.key, target.known_hosts, (), target.config)
        # As ssh does it: only the first hop may have a jump host of its own in the config.
        found = _resolve(hop, (*behind, where.label), jump=True)
        through += (*found.through, _bare(found)) if index == 0 else (_bare(found),)
    files = _strings(settings.config.get("UserKnownHostsFile"))
    return Route(
        where, target.host, settings.config.get("HostKeyAlias") or settings.host, through,
        keys=_keys(target, _strings(settings.config.get("IdentityFile")), jump), demanded=None if jump else target.key,
        known_hosts=tuple(filter(None, (target.known_hosts,))) or files or USER_FILES, config=target.config,
        proxy=None if hops else settings.proxy_command and str(settings.config.get("ProxyCommand")),
    )  # fmt: skip


def _settings(target: SshTarget) -> Any:
    options: dict[str, Any] = {"host": target.host, "config": config_files(target.config), "client_keys": None, "gss_host": None}
    if target.user is not None:
        options["username"] = target.user
    if target.port is not None:
        options["port"] = target.port
    return asyncssh.SSHClientConnectionOptions(**options)


def config_files(config: str | None) -> Any:
    """asyncssh's ``config``: () is the user's own, None reads none."""
    if config == "none":
        return None
    return () if config is None else [str(Path(config).expanduser())]


def stamp(target: SshTarget) -> int:
    """Changes when the ssh config does (files it includes apart)."""
    if target.config == "none":
        return 0
    try:
        return Path(target.config or "~/.ssh/config").expanduser().stat().st_mtime_ns
    except OSError:
        return 0


def _bare(route: Route) -> Route:
    return msgspec.structs.replace(route, through=())


def _listed(value: Any) -> tuple[str, ...]:
    text = str(value or "none")
    return () if text.lower() == "none" else tuple(part for part in text.split(",") if part)


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(Path(item).expanduser()) for item in cast("list[str]", value or []))


def _keys(target: SshTarget, configured: tuple[str, ...], jump: bool) -> tuple[str, ...] | None:
    """A jump host's own keys come before the site's, which it may accept too."""
    named = (str(Path(target.key).expanduser()),) if target.key else ()
    keys = (*configured, *named) if jump else named or configured
    return tuple(dict.fromkeys(keys)) or None


def usable_keys(route: Route) -> list[str] | None:
    """The key files to offer now, None for ssh's defaults. Blocks. Raises ReachError when the key that sites.toml names is missing, open
    to others or unreadable; a key with a passphrase is left to the agent, and missed only when there is none."""
    if route.keys is None:
        return None
    good = []
    for path in route.keys:
        error = _fault(route.where, Path(path))
        if error is None:
            good.append(path)
        elif route.demanded is not None and (error.failure.kind != "encrypted-key" or not os.environ.get("SSH_AUTH_SOCK")):
            raise error
    return good


def _fault(where: Where, path: Path) -> ReachError | None:
    try:
        found = path.stat()
        if found.st_uid == os.getuid() and found.st_mode & 0o077:
            return failed("login", "key-mode", where, path=str(path), mode=f"{stat.S_IMODE(found.st_mode):04o}")
        asyncssh.read_private_key(str(path))
    except FileNotFoundError:
        return failed("login", "missing-key", where, path=str(path))
    except asyncssh.KeyImportError as error:
        locked = "passphrase" in str(error).lower() or "encrypt" in str(error).lower()
        return failed("login", "encrypted-key" if locked else "unreadable-key", where, path=str(path), detail=str(error))
    except OSError as error:
        return failed("login", "unreadable-key", where, path=str(path), detail=error.strerror or str(error))
    return None
