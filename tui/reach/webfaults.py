"""What went wrong between us and a web server, as Failures: step, kind, words and what to do next."""

from __future__ import annotations

import errno
import ssl

import h11

from tui.model.failure import Failure
from tui.model.message import Message, msg
from tui.model.text import one_line
from tui.reach.certs import fault_of
from tui.reach.exchange import HEAD_LIMIT, Closed, Overflow, Trace

_PHASES: dict[str, tuple[str, str, Message, Message]] = {
    "dns": (
        "dns",
        "timeout",
        msg("the name was not resolved in time"),
        msg("check the name servers in /etc/resolv.conf of the room's machine"),
    ),
    "connect": (
        "connect",
        "timeout",
        msg("no answer to the connection attempt"),
        msg("a firewall may drop packets or the host is down: check it over SSH"),
    ),
    "tls": (
        "tls",
        "timeout",
        msg("connected, but the TLS handshake did not end"),
        msg("the web server may be out of workers: look at its error log"),
    ),
    "first-byte": (
        "http",
        "timeout",
        msg("connected, but no response came"),
        msg("PHP workers may be busy or stuck: look at the error log and the host"),
    ),
    "body": (
        "http",
        "timeout-body",
        msg("the response began but did not end in time"),
        msg("the page is sent too slowly: look at the error log and the host"),
    ),
}
_TLS: dict[str, tuple[Message, Message]] = {
    "expired": (msg("the certificate has expired"), msg("renew the certificate and reload the web server")),
    "not-yet": (msg("the certificate is not valid yet"), msg("check the clocks of the shop's host and of this machine")),
    "name": (msg("the certificate is for another name"), msg("serve a certificate that covers the shop's name")),
    "self-signed": (
        msg("the certificate is signed by itself"),
        msg("install one of a known authority, or name your own with http = { ca = … }"),
    ),
    "untrusted": (
        msg("the certificate's issuer is not trusted"),
        msg("serve the whole chain, or name your own authority with http = { ca = … }"),
    ),
}


def timed_out(phase: str) -> Failure:
    """The time was up during ``phase`` (see Trace)."""
    step, kind, message, remedy = _PHASES.get(phase, _PHASES["body"])
    return Failure(step, kind, message, remedy)


def certificate_fault(fault: str) -> Failure:
    """The certificate does not verify; ``fault`` as in Certificate."""
    message, remedy = _TLS[fault]
    return Failure("tls", fault, message, remedy)


def bad_ca(path: str | None, error: Exception) -> Failure:
    return Failure(
        "config",
        "ca",
        msg("the CA file {path} cannot be used: {error}", path=one_line(path or ""), error=one_line(str(error))),
        msg("name a readable PEM file in http = { ca = … }"),
    )


def of(error: BaseException, trace: Trace) -> Failure:
    """The Failure of anything an exchange may end with."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return certificate_fault(fault_of(error))
    if isinstance(error, ssl.SSLError):
        return _tls_garbled(error, trace)
    if isinstance(error, h11.RemoteProtocolError | Overflow):
        return _garbled(error)
    if isinstance(error, TimeoutError):
        return timed_out(trace.phase)
    if isinstance(error, Closed | ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return _left(trace, reset=not isinstance(error, Closed))
    return _system(error)


def _tls_garbled(error: ssl.SSLError, trace: Trace) -> Failure:
    reason = one_line(str(error.reason or error))
    if trace.phase != "tls":
        return Failure(
            "tls", "garbled", msg("the encrypted stream broke: {reason}", reason=reason), msg("look at the web server's error log")
        )
    return Failure(
        "tls",
        "garbled",
        msg("no TLS could be agreed on: {reason}", reason=reason),
        msg("check that this port speaks HTTPS with TLS 1.2 or newer for this name"),
    )


def _garbled(error: BaseException) -> Failure:
    text = one_line(str(error))
    if isinstance(error, Overflow) or "max_incomplete_event_size" in text or "Receive buffer too long" in text:
        return Failure(
            "http",
            "too-large",
            msg("the response's headers pass {limit} KiB", limit=HEAD_LIMIT // 1024),
            msg("look for a loop that sets headers or cookies"),
        )
    return Failure(
        "http",
        "garbled",
        msg("what came is not HTTP: {reason}", reason=text),
        msg("check what listens on this port and the proxy before it"),
    )


def _left(trace: Trace, *, reset: bool) -> Failure:
    step = {"connect": "connect", "tls": "tls"}.get(trace.phase, "http")
    message = {
        "connect": msg("the connection was cut while it was made"),
        "tls": msg("the connection was cut during the TLS handshake"),
        "body": msg("the connection was cut before the response was whole"),
    }.get(trace.phase, msg("the connection was closed without a response"))
    return Failure(step, "reset" if reset else "closed", message, msg("the web server or PHP may have crashed: look at the error log"))


def _system(error: BaseException) -> Failure:
    number = error.errno if isinstance(error, OSError) else None
    reason = one_line(error.strerror or str(error)) if isinstance(error, OSError) else one_line(str(error))
    if number == errno.ECONNREFUSED:
        return Failure(
            "connect", "refused", msg("the host refuses connections on this port"), msg("start the web server, or look at the firewall")
        )
    if number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL):
        return Failure(
            "connect",
            "limit",
            msg("the room has no more connections to give: {reason}", reason=reason),
            msg("raise the room's limit of open files (ulimit -n)"),
            cause="room-limit",
        )
    if number == errno.ENETUNREACH:
        return Failure(
            "connect", "no-route", msg("this machine has no route there"), msg("check the room's own network"), cause="room-network"
        )
    return Failure(
        "connect",
        "unreachable",
        msg("the host cannot be reached: {reason}", reason=reason),
        msg("check the host and the network before it"),
    )
