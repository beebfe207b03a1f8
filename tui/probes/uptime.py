"""Is the shop up, as a shopper sees it: a fresh request, its phases, and whether the page is alive.

A redirect is followed once a round as a browser would (a home page that leads to ``/en/`` is up); the phases are then those
of the last request. A redirect loop is down. So is a page that answers 200 and is blank or says that it is broken.
"""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from tui import platforms
from tui.model.catalogue import Column, ProbeInfo
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import WebProbe
from tui.model.reach import Reach, WebCheck
from tui.model.reading import Reading
from tui.model.site import Site
from tui.model.text import clean_bytes, one_line
from tui.probes._web import blame, figures, no_url


class UptimeSettings(BaseModel):
    """``[sites.ID.probes.uptime]``"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slow_ms: float = Field(3000.0, gt=0, description="WARN when the whole check takes longer than this, in milliseconds")
    expect: str | None = Field(None, description="text that the page must hold, else CRIT; http.expect when not given")
    statuses: tuple[int, ...] = Field(
        (), description="status codes that count as up beside 200 to 299, such as 401 for a shop behind a password"
    )


FATAL: tuple[tuple[bytes, str], ...] = (
    (b"There has been a critical error on this website", "WordPress critical error"),
    (b"Error establishing a database connection", "no database connection"),
    (b"<b>Fatal error</b>:", "PHP fatal error"),
    (b"<b>Parse error</b>:", "PHP parse error"),
    (b"PHP Fatal error:", "PHP fatal error"),
    (b"SQLSTATE[HY000] [", "no database connection"),
    (b"There has been an error processing your request", "Magento error report"),
)
"""Body fragments of pages that are dead whatever their status; the platform's own come first."""
MAINTENANCE = re.compile(
    rb"scheduled maintenance|(?:under|in|down for) maintenance|maintenance mode|be right back|temporarily down|\xe7\xbb\xb4\xe6\x8a\xa4",
    re.I,
)
"""What a page says that is closed on purpose; the last one is the Chinese word for maintenance."""
REFUSALS = frozenset({401, 403, 407, 429, 451})
"""Statuses by which a firewall or a password keeps this check out while shoppers may get in."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})

Judgement = tuple[Level, Message]


async def look(site: Site, reach: Reach, _last: Reading | None) -> Reading:
    """One round: a check, and a walk when it is redirected. Never raises for what the shop did."""
    at = time.time()
    settings = site.section("probe.uptime", UptimeSettings)
    check = await reach.web.check(site)
    if check.failure is None and check.status in REDIRECTS:
        check = await reach.web.walk(site)
    level, summary = judge(site, settings, check)
    return Reading(
        probe="uptime",
        site=site.id,
        level=level,
        summary=summary,
        at=at,
        took=time.time() - at,
        every=site.interval,
        values=figures(check),
        evidence=evidence(check, level),
        failure=check.failure,
    )


def judge(site: Site, settings: UptimeSettings, check: WebCheck) -> Judgement:
    """The level of a check and why."""
    if check.failure is not None:
        return blame(check.failure), _failed(check.failure)
    status = check.status or 0
    mark = fatal_mark(site, check.body)
    if mark and (status < 400 or status >= 500) and not _announced(status, mark, check.body):
        return Level.CRIT, msg("the page is broken: {mark} (HTTP {status})", mark=mark, status=status)
    if status in settings.statuses:
        return _alive(site, settings, check)
    if not 200 <= status < 300:
        return _refused(status, check.body)
    if status == 200 and not check.body.strip():
        return Level.CRIT, msg("the page is blank (HTTP {status})", status=status)
    return _alive(site, settings, check)


def _failed(failure: Failure) -> Message:
    return msg("cannot look: {reason}", reason=failure.message.say()) if blame(failure) is Level.UNKNOWN else failure.message


def _announced(status: int, mark: str, body: bytes) -> bool:
    """Whether a mark only says that the shop is closed on purpose."""
    return status == 503 and ("maintenance" in mark.lower() or bool(MAINTENANCE.search(body)))


def _refused(status: int, body: bytes) -> Judgement:
    if status == 503 and MAINTENANCE.search(body):
        return Level.WARN, msg("maintenance page (HTTP {status})", status=status)
    if status >= 500:
        return Level.CRIT, msg("HTTP {status}: the shop fails", status=status)
    if status in REFUSALS:
        return Level.WARN, msg("HTTP {status}: the shop refuses this check", status=status)
    if 400 <= status < 500:
        return Level.CRIT, msg("HTTP {status}: the home page is not there", status=status)
    return Level.WARN, msg("HTTP {status}: not what a home page answers", status=status)


def _alive(site: Site, settings: UptimeSettings, check: WebCheck) -> Judgement:
    """What may still be wrong with a page that came."""
    total, goal, status = round(check.total * 1000), round(settings.slow_ms), check.status or 0
    expect = settings.expect or site.http.expect
    if expect and expect.encode() not in check.body:
        return Level.CRIT, msg("the page lacks the expected text {text}", text=one_line(expect, 60))
    if astray := _astray(site.url or "", check.url):
        return Level.WARN, astray
    if total > settings.slow_ms:
        return Level.WARN, msg("slow: HTTP {status} in {ms} ms, goal {goal} ms", status=status, ms=total, goal=goal)
    return Level.OK, msg("HTTP {status} in {ms} ms", status=status, ms=total)


def _astray(url: str, ended: str) -> Message | None:
    """Whether redirects led off the shop: to another host, or from https to http."""
    ours, theirs = urlsplit(url), urlsplit(ended)
    own, other = (ours.hostname or "").removeprefix("www."), (theirs.hostname or "").removeprefix("www.")
    if own != other and not own.endswith("." + other) and not other.endswith("." + own):
        return msg("leads to another host, {host}", host=one_line(other))
    if ours.scheme == "https" and theirs.scheme == "http":
        return msg("leads from https to http")
    return None


def fatal_mark(site: Site, body: bytes) -> str:
    """What a broken page says of itself, "" when it looks alive."""
    own = next((platform.fatal_marks for platform in platforms.PLATFORMS if platform.id == site.platform), ())
    return next((meaning for fragment, meaning in (*own, *FATAL) if fragment in body), "")


_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.S | re.I)


def evidence(check: WebCheck, level: Level) -> tuple[str, ...]:
    """Where the check ended and, when something is wrong, what the page says and what to try."""
    lines = [check.url] if check.url else []
    if level is Level.OK:
        return tuple(lines)
    if check.failure is not None and check.failure.remedy is not None:
        lines.append(check.failure.remedy.say())
    text = one_line(_TAGS.sub(" ", clean_bytes(check.body[:16_384], 16_384)), 400)
    return tuple(lines + ([text] if text else []))


PROBE = WebProbe(
    info=ProbeInfo(
        id="uptime",
        title="Uptime",
        key="u",
        fleet=(Column("status", "HTTP", width=4), Column("total", "Time", "ms", 8)),
        facts=(
            Column("status", "HTTP", width=4),
            Column("total", "Total", "ms"),
            Column("dns", "DNS", "ms"),
            Column("connect", "Connect", "ms"),
            Column("tls", "TLS", "ms"),
            Column("first_byte", "First byte", "ms", 10),
            Column("body", "Body", "ms"),
            Column("address", "Address", "text", 22),
        ),
        empty="The phases of the last check stand above; DNS is 0 when the address was known from seconds ago.",
        confirm=2,
        help="A fresh request to the shop's URL, each time over a new connection. Failures, 5xx, blank and broken pages are CRIT.",
    ),
    every=lambda site: site.interval,
    probe=look,
    absent=no_url,
    settings=UptimeSettings,
    timeout=90.0,  # the site's own http.timeout, three times (check, certificate, walk), ends a look first
)
