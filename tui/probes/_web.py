"""What the probes over HTTP share: whether a failure blames the shop or us, and the figures of a check."""

from __future__ import annotations

from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.reach import WebCheck
from tui.model.reading import Value
from tui.model.site import Site

OURS = {("dns", "no-answer"), ("dns", "timeout"), ("connect", "limit"), ("connect", "no-route")}
"""Failures of the room's own machine or network: the shop may be well."""


def no_url(site: Site) -> Message | None:
    return None if site.url else msg("no url in sites.toml")


def blame(failure: Failure) -> Level:
    """CRIT when a shopper would have failed too; UNKNOWN when only we could not look."""
    ours = failure.step == "config" or (failure.step, failure.kind) in OURS
    return Level.UNKNOWN if ours else Level.CRIT


def figures(check: WebCheck) -> dict[str, Value]:
    """Phases and total in ms, status and address."""
    phases = {"dns": check.dns, "connect": check.connect, "tls": check.tls, "first_byte": check.first_byte, "body": check.read}
    values: dict[str, Value] = {key: None if seconds is None else round(seconds * 1000, 2) for key, seconds in phases.items()}
    return values | {"total": round(check.total * 1000, 2), "status": check.status, "address": check.address}
