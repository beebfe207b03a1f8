"""What was deployed, and what is live: through the site's layout."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tui import layouts
from tui.layouts._rows import row_of, short
from tui.model.catalogue import Column, ProbeInfo
from tui.model.duration import Duration
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading, unknown
from tui.model.shop import Deploys, Layout, Release
from tui.model.site import Site
from tui.model.sweep import Answer, Ask
from tui.model.text import one_line
from tui.probes._reading import Finding, garbled, worst

ID = "deploys"
_SHOWN = 100  # rows of the pane
_FATAL = ("there is no current link", "which does not exist")
_REMEDIES = {
    "password": msg("let the login user run the command as the owner without a password (sudoers; storewatch check prints the line)"),
    "dubious": msg("set owner in sites.toml to the user that owns the working tree"),
    "read by": msg("let the login user read the folder, or name its user in sites.toml"),
}


class DeploysSettings(BaseModel):
    """How often deploys are looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(60.0, description="time between looks")


def layout_of(site: Site) -> Layout | None:
    """The layout the site names, None when it names none."""
    return next((layout for layout in layouts.LAYOUTS if layout.id == site.layout), None)


def absent(site: Site) -> Message | None:
    if site.ssh is None:
        return msg("no ssh in sites.toml")
    return msg("no deploy in sites.toml") if layout_of(site) is None else None


def ask(site: Site, _last: Reading | None) -> Ask:
    layout = layout_of(site)
    script = "" if layout is None else layout.script(site)
    return Ask(script, every=site.section(f"probe.{ID}", DeploysSettings).every, timeout=30.0)


def read(site: Site, answer: Answer, last: Reading | None) -> Reading:
    every = site.section(f"probe.{ID}", DeploysSettings).every
    layout = layout_of(site)
    try:
        deploys = Deploys(()) if layout is None else layout.read(answer.out)
    except ValueError as error:
        return garbled(ID, site.id, answer, every, str(error), last)
    live = next((release for release in deploys.releases if release.current), None)
    if not deploys.releases and deploys.trouble:
        return unknown(ID, site.id, answer.at, _failure(deploys.trouble), took=answer.took, every=every)
    level, summary = worst(_judge(deploys, live), _good(live))
    rolled = [release for release in deploys.releases if "rolled-back" in release.marks]
    return Reading(
        probe=ID,
        site=site.id,
        level=level,
        summary=summary,
        at=answer.at,
        took=answer.took,
        every=every,
        values={
            "current": short(deploys.current) if deploys.current else None,
            "deployed": live.at if live else None,
            "who": live.who if live else None,
            "releases": len(deploys.releases),
            "rolled_back": len(rolled),
        },
        rows=tuple(row_of(release) for release in deploys.releases[:_SHOWN]),
        evidence=(one_line(deploys.trouble),) if deploys.trouble else (),
    )


def _failure(trouble: str) -> Failure:
    remedy = next((words for key, words in _REMEDIES.items() if key in trouble), msg("check path and layout of deploy in sites.toml"))
    kind = "sudo" if "password" in trouble else "denied" if "read by" in trouble else "missing"
    return Failure(step="command", kind=kind, message=msg("deploys: {trouble}", trouble=one_line(trouble, 160)), remedy=remedy)


def _judge(deploys: Deploys, live: Release | None) -> list[Finding]:
    found = []
    if deploys.trouble:
        level = Level.CRIT if any(words in deploys.trouble for words in _FATAL) else Level.WARN
        found.append(Finding(level, msg("{trouble}", trouble=one_line(deploys.trouble, 160))))
    if live is None:
        return found
    if "bad" in live.marks:
        found.append(Finding(Level.WARN, msg("the live release {id} is marked bad", id=short(live.id))))
    if "unfinished" in live.marks:
        found.append(Finding(Level.WARN, msg("the live release {id} is unfinished", id=short(live.id))))
    if "empty" in live.marks:
        found.append(Finding(Level.CRIT, msg("the live release {id} is an empty folder", id=short(live.id))))
    if "dirty" in live.marks:
        found.append(Finding(Level.WARN, msg("files were changed by hand since {id} was checked out", id=short(live.id))))
    return found


def _good(live: Release | None) -> Message:
    if live is None:
        return msg("no release yet")
    if live.who:
        return msg("release {id} by {who}", id=short(live.id), who=live.who)
    return msg("release {id}", id=short(live.id))


PROBE = SweepProbe(
    info=ProbeInfo(
        id=ID,
        title="Deploys",
        key="D",
        fleet=(Column("deployed", "deployed", "age", 8),),
        facts=(
            Column("current", "live", "text", 16),
            Column("deployed", "since", "at", 16),
            Column("who", "by", "text", 12),
            Column("releases", "releases", "", 8),
        ),
        columns=(
            Column("live", "live", "text", 4),
            Column("id", "release", "text", 16),
            Column("at", "deployed", "at", 16),
            Column("who", "by", "text", 12),
            Column("branch", "branch", "text", 16),
            Column("commit", "commit", "text", 12),
            Column("marks", "marks", "text", 14),
        ),
        empty="nothing has been deployed yet",
        help="Releases of this store, newest first, and which of them is live.",
    ),
    ask=ask,
    read=read,
    absent=absent,
    settings=DeploysSettings,
)
