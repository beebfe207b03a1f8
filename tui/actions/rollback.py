"""Put an earlier release live."""

from __future__ import annotations

from tui import layouts
from tui.actions._after import home_page, verdict
from tui.layouts._rows import NO_NAME, deploys_of, short
from tui.model.action import Action, Readings
from tui.model.catalogue import ActionInfo, Option
from tui.model.command import HostFacts
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.plan import Plan, Refused, Verdict
from tui.model.reach import Reach
from tui.model.shop import Layout, Release
from tui.model.site import Site
from tui.model.sweep import Ask
from tui.model.text import one_line

PANE = "deploys"

_SHUNNED = frozenset({"bad", "unfinished", "rolled-back", "dirty", "empty", NO_NAME})
"""Marks of a release on which the cursor does not start."""


def choices(_site: Site, readings: Readings) -> list[Option]:
    """All releases, newest first; the cursor starts on the newest good one before the live one."""
    reading = readings.get(PANE)
    if reading is None:
        return []
    releases = deploys_of(reading.rows).releases
    best = _best(releases)
    return [
        Option(release.id, short(release.id), _note(release), refused=_refusal(release), preferred=release.id == best)
        for release in releases
    ]


def _refusal(release: Release) -> Message | None:
    if release.current:
        return msg("it is live already")
    return msg("its folder's name is not UTF-8 and cannot stand in a plan: rename it on the host") if NO_NAME in release.marks else None


def _best(releases: tuple[Release, ...]) -> str:
    live = next((number for number, release in enumerate(releases) if release.current), -1)
    older = releases[live + 1 :]
    good = next((release for release in older if not _SHUNNED.intersection(release.marks)), None)
    return good.id if good else ""


def _note(release: Release) -> Message:
    words = (release.commit[:12], release.branch, release.who, *release.marks)
    return msg("{words}", words=one_line(" ".join(word for word in words if word)))


def layout_of(site: Site) -> Layout | None:
    return next((layout for layout in layouts.LAYOUTS if layout.id == site.layout), None)


def plan(site: Site, readings: Readings, choice: str, host: HostFacts) -> Plan:
    """The layout's own steps and what to know before. Raises Refused when the release is none or is live."""
    layout, reading = layout_of(site), readings.get(PANE)
    if layout is None or layout.rollback is None:
        raise Refused(
            msg("{site} has no deploy layout that can be rolled back", site=site.name),
            msg("add deploy = { layout = ..., path = ... } to the site"),
        )
    deploys = deploys_of(() if reading is None else reading.rows)
    target = next((release for release in deploys.releases if release.id == choice), None)
    if target is None:
        raise Refused(msg("{site} has no release {release}", site=site.name, release=short(choice)))
    if target.current:
        raise Refused(msg("{release} is live already", release=short(choice)))
    if NO_NAME in target.marks:
        raise Refused(msg("the name of {release} is not UTF-8", release=short(choice)), msg("rename the folder on the host"))
    return Plan(
        action="rollback",
        site=site.id,
        title=msg("put {release} live at {site}", release=short(choice), site=site.name),
        steps=layout.rollback(site, deploys, choice, host),
        choice=choice,
        subject=short(choice),
        warnings=_warnings(layout, target),
        atomic=layout.atomic,
        notes={"want": choice, "was": deploys.current, "probe": PANE, "column": "live"},
    )


def _warnings(layout: Layout, target: Release) -> tuple[Message, ...]:
    found = [msg("{release} is marked {mark}", release=short(target.id), mark=mark) for mark in target.marks]
    if not layout.atomic:
        found.append(msg("{layout} is not atomic: files change one after the other while shoppers look", layout=layout.title))
    found.append(msg("whether the database was migrated since that release is not looked at yet"))
    return tuple(found)


async def prove(site: Site, reach: Reach, plan: Plan) -> Verdict:
    """Read the live release back, then look at the home page. Raises ReachError.

    The link alone proves nothing: with ``$document_root`` in nginx's SCRIPT_FILENAME, PHP goes on serving the old release for
    up to ``realpath_cache_ttl`` (120 s by default). So a page that still fails brings the offer to reload PHP.
    """
    want = plan.notes["want"]
    current = await _current(site, reach)
    page = await home_page(site, reach)
    shown = short(want)
    if isinstance(current, Message):
        return verdict(Level.UNKNOWN, msg("which release is live could not be read: {why}", why=current.say()), page)
    if current != want:
        return verdict(Level.CRIT, msg("{current} is live, not {want}", current=short(current) or "none", want=shown), page)
    if page is None or page.level is not Level.CRIT:
        return verdict(Level.OK, msg("{release} is live", release=shown), page)
    still = msg("{release} is live on disk, but the shop still fails: PHP may still serve the old code, a reload cures that", release=shown)
    return verdict(Level.CRIT, still, page, offer="reload-php")


async def _current(site: Site, reach: Reach) -> str | Message:
    layout = layout_of(site)
    if layout is None:
        return msg("its layout is no longer in sites.toml")
    answer = (await reach.shell(site).sweep([Ask(layout.script(site), every=0, timeout=20)]))[0]
    if not answer.complete:
        return msg("the releases were not listed in time")
    try:
        return layout.read(answer.out).current
    except ValueError as error:
        return msg("the list of releases is garbled: {error}", error=one_line(str(error)))


ACTION = Action(
    info=ActionInfo(
        id="rollback",
        title="Roll back",
        key="ctrl+l",
        help="puts an earlier release live in one rename and looks at the shop afterwards",
        pane=PANE,
        chooses=True,
        then=("deploys", "errors", "plugins"),
    ),
    choices=choices,
    plan=plan,
    prove=prove,
)
