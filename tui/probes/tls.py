"""When does the shop's certificate end, and does it verify for the shop's name."""

from __future__ import annotations

import datetime as dt
import time
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from tui.model.catalogue import Column, ProbeInfo
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import WebProbe
from tui.model.reach import Certificate, Reach, WebCheck
from tui.model.reading import Reading, Value, unknown
from tui.model.site import Site
from tui.probes._web import no_url

DAY = 86_400.0
EVERY = 600.0
"""Seconds between looks: soon enough to see that a renewed certificate was taken up."""
SHORT = 10 * DAY
"""A certificate made for less than this is renewed every few days; it warns at a third of its life, not at 21 days."""


class TlsSettings(BaseModel):
    """``[sites.ID.probes.tls]``"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn_days: float = Field(21.0, gt=0, description="WARN when the certificate ends within this many days")
    crit_days: float = Field(7.0, gt=0, description="CRIT when the certificate ends within this many days")


def absent(site: Site) -> Message | None:
    """Why this site has no certificate to look at."""
    if (reason := no_url(site)) is not None:
        return reason
    return None if urlsplit(site.url or "").scheme == "https" else msg("plain http: there is no certificate")


async def look(site: Site, reach: Reach, _last: Reading | None) -> Reading:
    """One handshake and the certificate it showed. UNKNOWN when none was shown: whether the shop is up is uptime's to say."""
    at = time.time()
    check = await reach.web.check(site, limit=1024)
    took = time.time() - at
    found = check.certificate
    if found is None:
        return unknown("tls", site.id, at, _unseen(check), took=took, every=EVERY)
    level, summary = judge(site.section("probe.tls", TlsSettings), found, at)
    return Reading(
        probe="tls",
        site=site.id,
        level=level,
        summary=summary,
        at=at,
        took=took,
        every=EVERY,
        values=values(found, at),
        evidence=_evidence(found, check),
        failure=check.failure if found.fault else None,
    )


def judge(settings: TlsSettings, found: Certificate, now: float) -> tuple[Level, Message]:
    """The level of a certificate at ``now`` (Unix seconds) and why."""
    if found.fault:
        return Level.CRIT, _fault(found, now)
    left = found.ends - now
    life = found.ends - found.starts
    warn, crit = settings.warn_days * DAY, settings.crit_days * DAY
    if life < SHORT:
        warn, crit = life / 3, life / 6
    if left <= 0:  # our clock passed its end between the handshake and here
        return Level.CRIT, msg("expired {date}", date=_date(found.ends))
    level = Level.CRIT if left <= crit else Level.WARN if left <= warn else Level.OK
    return level, msg("ends in {days} days, {date}", days=int(left / DAY), date=_date(found.ends))


def _fault(found: Certificate, now: float) -> Message:
    if found.fault == "expired":
        return msg("expired {days} days ago, {date}", days=max(0, int((now - found.ends) / DAY)), date=_date(found.ends))
    if found.fault == "not-yet":
        return msg("not valid before {date}", date=_date(found.starts))
    if found.fault == "name":
        return msg("made for {names}, not for this shop", names=", ".join(found.names[:3]) or found.subject)
    if found.fault == "self-signed":
        return msg("signed by itself, no browser trusts it")
    return msg("issuer {issuer} is not trusted, or the chain is incomplete", issuer=found.issuer)


def values(found: Certificate, now: float) -> dict[str, Value]:
    return {
        "days": int((found.ends - now) // DAY),
        "ends": found.ends,
        "starts": found.starts,
        "subject": found.subject,
        "issuer": found.issuer,
        "names": ", ".join(found.names[:20]),
        "fault": found.fault or "none",
        "sha256": found.sha256,
    }


def _evidence(found: Certificate, check: WebCheck) -> tuple[str, ...]:
    remedy = check.failure.remedy if found.fault and check.failure else None
    return (f"served by {check.address}", f"SHA-256 {found.sha256}") + ((remedy.say(),) if remedy else ())


def _unseen(check: WebCheck) -> Failure:
    return check.failure or Failure("tls", "no-certificate", msg("the shop showed no certificate"))


def _date(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d")


PROBE = WebProbe(
    info=ProbeInfo(
        id="tls",
        title="Certificate",
        key="T",
        fleet=(Column("days", "Cert", "days", 5),),
        facts=(
            Column("days", "Left", "days"),
            Column("ends", "Ends", "at", 16),
            Column("starts", "From", "at", 16),
            Column("subject", "Subject", "text", 30),
            Column("issuer", "Issuer", "text", 30),
            Column("names", "Names", "text", 40),
            Column("fault", "Fault", "text", 12),
        ),
        empty="The certificate's facts stand above.",
        help="The certificate the shop serves: WARN 21 days before its end, CRIT 7 days; expired, wrong name and untrusted are told apart.",
    ),
    every=lambda _site: EVERY,
    probe=look,
    absent=absent,
    settings=TlsSettings,
    timeout=60.0,
)
