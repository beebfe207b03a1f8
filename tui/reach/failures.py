"""What goes wrong between us and a host, each with what to do next. One table, so that no failure lacks its remedy."""

from __future__ import annotations

import asyncio
import socket

import asyncssh
import msgspec

from tui.model.failure import Failure, ReachError
from tui.model.message import Message
from tui.model.text import one_line

_WAIT = "; next try in {wait} s"
_JUMP = "Jump host: "

# (step, kind): what happened, what to do next. {host} is user@host:port; {detail} the other side's words, cleaned.
TABLE: dict[tuple[str, str], tuple[str, str]] = {
    ("config", "no-ssh"): ("{site} has no SSH host", 'Add to [sites.{site}]: ssh = {{ host = "..." }}'),
    ("config", "ssh-config"): (
        "The ssh config could not be read: {detail}",
        'Mend the ssh config, or set ssh.config = "none" to read none',
    ),
    ("config", "jump-loop"): ("{host} is reached through itself", "Take the loop out of ssh.jump or ProxyJump"),
    ("dns", "not-found"): ("No address for {host}: {detail}", "Check ssh.host, or give the address in the ssh config (Hostname)"),
    ("dns", "no-answer"): ("The name server did not answer for {host}", "Check the resolver of this machine (/etc/resolv.conf)"),
    ("connect", "refused"): ("{host} refused the connection", "Check ssh.port, and that sshd runs there"),
    ("connect", "timeout"): (
        "{host} did not answer within {seconds} s",
        "Check that the host is up and that no firewall drops port {port}",
    ),
    ("connect", "unreachable"): ("{host} cannot be reached: {detail}", "Check the network and the route to it"),
    ("connect", "forwarding"): (
        "The jump host may not forward to {host}: {detail}",
        "Set AllowTcpForwarding yes (or PermitOpen) in sshd_config of the jump host",
    ),
    ("login", "no-banner"): (
        "{host} took the connection but did not speak SSH within {seconds} s",
        "sshd hangs or another service has that port: look at the host",
    ),
    ("login", "timeout"): (
        "Login to {host} took longer than {seconds} s",
        "The host is overloaded or its login (PAM, DNS) hangs: look at the host",
    ),
    ("login", "denied"): (
        "{host} does not let us in: {detail}",
        "Check ssh.user and ssh.key, and authorized_keys of that user on the host",
    ),
    ("login", "missing-key"): ("The key file {path} does not exist", "Correct ssh.key, or copy the key there"),
    ("login", "key-mode"): ("The key file {path} may be read by others (mode {mode})", "Run: chmod 600 {path}"),
    ("login", "unreadable-key"): (
        "The key file {path} could not be read: {detail}",
        "Give ssh.key a private key that this account may read",
    ),
    ("login", "encrypted-key"): ("The key file {path} needs a passphrase", "Run: ssh-add {path} (and keep SSH_AUTH_SOCK set for the room)"),
    ("login", "dropped"): (
        "{host} closed the connection before login: {detail}",
        "Too many logins at once (MaxStartups), a ban, or sshd in trouble: see its log",
    ),
    ("login", "protocol"): (
        "{host} and we have no common SSH protocol: {detail}",
        "Update sshd there, or name the algorithms in the ssh config",
    ),
    ("hostkey", "unknown-key"): (
        "The host key of {host} is not known: {fingerprint}",
        "Compare it with the host's own (ssh-keygen -lf), then accept it",
    ),
    ("hostkey", "changed-key"): (
        "The host key of {host} has CHANGED: now {fingerprint}, known {known}",
        "Somebody may sit in between. If the host was rebuilt, remove the old line from known_hosts: ssh-keygen -R '{name}'",
    ),
    ("hostkey", "revoked-key"): ("The host key of {host} is marked as revoked", "Ask who revoked it before you go on"),
    ("hostkey", "bad-certificate"): (
        "The host certificate of {host} is not valid",
        "Renew it, or correct the @cert-authority line in known_hosts",
    ),
    ("hostkey", "not-seen"): ("{host} has not shown the key {fingerprint}", "Run storewatch check, then accept the key it names"),
    ("session", "limit"): (
        "{host} opens no further session",
        "Raise MaxSessions in its sshd_config to 10 (the default), or end other sessions",
    ),
    ("session", "streams"): ("{host} is already followed by {count} tails", "End one of them first"),
    ("session", "lost"): (
        "The connection to {host} was lost: {detail}",
        "It is opened again by itself; check the network if it stays away",
    ),
    ("session", "no-shell"): ("{host} ran no sh: {detail}", "The account needs a shell and no ForceCommand"),
    ("command", "timeout"): ("{what} took longer than {seconds} s on {host} and was ended", "Look at the load of the host"),
    ("command", "ended"): ("{what} ended on {host} with exit {code}: {detail}", "Check that the file exists and that {user} may read it"),
    ("command", "sudo"): (
        "{login} may not run this as {user} on {host}: {detail}",
        "Add to sudoers there: {login} ALL=({user}) NOPASSWD: {what}",
    ),
    ("command", "journal"): (
        "The journal on {host} could not be written: {detail}",
        "Make room in the home folder of the login user there",
    ),
    ("command", "other-plan"): ("The journal on {host} belongs to another plan", "Start the action anew"),
}

TEMPLATES: tuple[str, ...] = tuple(
    text + end for said, _ in TABLE.values() for text in (said, _JUMP + said) for end in ("", _WAIT)
) + tuple(remedy for _, remedy in TABLE.values())
"""Every sentence this file can say, for translators."""


class Where(msgspec.Struct, frozen=True):
    """The host a failure is told of."""

    user: str
    host: str
    port: int

    @property
    def label(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}"

    @property
    def cause(self) -> str:
        return f"host:{self.host}:{self.port}"


def failed(step: str, kind: str, where: Where | None = None, **args: str | int | float) -> ReachError:
    """The failure of the table's row; ``args`` fill its sentences."""
    said, remedy = TABLE[step, kind]
    shown = {name: one_line(value) if isinstance(value, str) else value for name, value in args.items()}
    if where is not None:
        shown = {"host": one_line(where.label), "port": where.port, **shown}
    return ReachError(
        Failure(step, kind, Message(said, shown), Message(remedy, shown), _cause(step, kind, where, str(shown.get("path", ""))))
    )


def _cause(step: str, kind: str, where: Where | None, path: str) -> str:
    """What sites share that fail alike: the host, or only their way into it, when another user or another key may well get in."""
    if where is None:
        return ""
    if step == "login" and (path or kind == "denied"):
        return " ".join(filter(None, (f"host:{where.label}", path)))
    return where.cause


def behind(failure: Failure, jump: Where) -> ReachError:
    """The failure of a jump host as its hosts tell it: one cause for all of them."""
    if failure.cause.startswith("jump:"):
        return ReachError(failure)
    message = msgspec.structs.replace(failure.message, id=_JUMP + failure.message.id)
    return ReachError(msgspec.structs.replace(failure, message=message, cause=f"jump:{jump.label}"))


def waiting(failure: Failure, seconds: float) -> ReachError:
    """The last failure again, told while we wait before the next try."""
    base = failure.message
    message = Message(base.id + _WAIT, {**base.args, "wait": max(1, round(seconds))})
    return ReachError(msgspec.structs.replace(failure, message=message))


def of_dial(error: BaseException, where: Where, seconds: float) -> ReachError:
    """What kept us from a TCP connection."""
    if isinstance(error, socket.gaierror):
        silent = error.errno == socket.EAI_AGAIN
        return failed("dns", "no-answer" if silent else "not-found", where, detail=error.strerror or "")
    if isinstance(error, ConnectionRefusedError):
        return failed("connect", "refused", where)
    if isinstance(error, TimeoutError):
        return failed("connect", "timeout", where, seconds=round(seconds))
    return failed("connect", "unreachable", where, detail=getattr(error, "strerror", "") or str(error))


def of_forward(error: asyncssh.ChannelOpenError, where: Where, seconds: float) -> ReachError:
    """What the jump host said when asked for a connection to ``where``; sshd gives only its system's words."""
    words = error.reason.lower()
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return failed("connect", "forwarding", where, detail=error.reason)
    if "refused" in words:
        return failed("connect", "refused", where)
    if "timed out" in words:
        return failed("connect", "timeout", where, seconds=round(seconds))
    if "not known" in words or "resol" in words or "no address" in words:
        return failed("dns", "not-found", where, detail=error.reason)
    return failed("connect", "unreachable", where, detail=error.reason)


def of_login(error: BaseException, where: Where, *, spoke: bool, seconds: float) -> ReachError:
    """What kept us out after the TCP connection. ``spoke``: its SSH banner had come."""
    timed_out = isinstance(error, TimeoutError | asyncio.TimeoutError) or "timeout" in str(error).lower()
    if timed_out:
        return failed("login", "timeout" if spoke else "no-banner", where, seconds=round(seconds))
    if isinstance(error, asyncssh.PermissionDenied):
        return failed("login", "denied", where, detail=error.reason)
    if isinstance(error, asyncssh.ConnectionLost | OSError):
        return failed("login", "dropped", where, detail=str(error))
    if isinstance(error, asyncssh.DisconnectError) and spoke and not isinstance(error, asyncssh.KeyExchangeFailed | asyncssh.ProtocolError):
        return failed("login", "dropped", where, detail=error.reason)
    return failed("login", "protocol", where, detail=str(error))
