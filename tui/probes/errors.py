"""What goes wrong inside the shops: all log sources of a site, read on by cursor and grouped by fault."""

from __future__ import annotations

import re
import secrets
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui import logs
from tui.logs._cursor import OVERHEAD, Cursor, CursorRead, fragment
from tui.logs._cursor import read as read_cursor
from tui.model.catalogue import Column, ProbeInfo
from tui.model.duration import Duration
from tui.model.failure import Failure
from tui.model.level import Level
from tui.model.log import LogFormat
from tui.model.message import Message, msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading, Row
from tui.model.site import LogSource, Site
from tui.model.sweep import Answer, Ask
from tui.model.text import one_line
from tui.probes._groups import Group, add, forget, recent, restore, rows, store
from tui.probes._reading import Finding, garbled, worst

ID = "errors"
_LIMIT = 131_072  # bytes of one source and look: some 500 records, parsed in 20 ms of the room's loop
_FIRST = 200  # lines of a first look
_FORMATS: dict[str, LogFormat] = {form.id: form for form in logs.FORMATS}


class ErrorsSettings(BaseModel):
    """Thresholds of the errors probe. Rates are per minute over the last five minutes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(15.0, description="time between looks")
    quiet: Duration = Field(60.0, description="time without a fatal or critical error after which it is no longer CRIT but WARN")
    fatal_crit: float = Field(1.0, gt=0, description="fatal and critical errors per minute from which it is CRIT; any is WARN")
    rate_warn: float = Field(20.0, gt=0, description="errors and warnings per minute from which it is WARN")
    ignore: tuple[str, ...] = Field((), description="text of errors that do not count; each is looked for as it stands")


def sources(site: Site) -> tuple[LogSource, ...]:
    """Those whose format we can read."""
    return tuple(source for source in site.logs if source.format in _FORMATS)


def absent(site: Site) -> Message | None:
    if site.ssh is None:
        return msg("no ssh in sites.toml")
    return None if sources(site) else msg("no log in sites.toml")


def ask(site: Site, last: Reading | None) -> Ask:
    places = _places(last)
    mark = secrets.token_hex(8)
    parts = [f'printf \'@%s %s %s\\n\' {mark} "$(date +%z)" "$(date +%s)"']
    for source in sources(site):
        look = fragment(source.path, places.get(_place(source)), _LIMIT, lines=_FIRST, behind=2 * _LIMIT)
        parts.append(f"{look} 2>/dev/null\nprintf '\\n@%s\\n' {mark}")
    every = site.section(f"probe.{ID}", ErrorsSettings).every
    return Ask("\n".join(parts), every=every, timeout=20.0, limit=1024 + len(sources(site)) * (_LIMIT + OVERHEAD))


def _place(source: LogSource) -> str:
    return f"{source.name}:{source.path}"


def _places(last: Reading | None) -> dict[str, Cursor]:
    try:
        return msgspec.convert({} if last is None else last.carry.get("cursors", {}), dict[str, Cursor])
    except msgspec.ValidationError:
        return {}


_HEAD = re.compile(rb"@([0-9a-f]{16}) ([+-]\d{4})? ?(\d{1,12})?\n")


class _Look(msgspec.Struct):
    """What one source gave: ``found`` None when its part is garbled."""

    source: LogSource
    found: CursorRead | None


def _take_apart(site: Site, out: bytes) -> tuple[int, float | None, list[_Look]]:
    """The host's offset to UTC in seconds, its time, and a look per source. Raises ValueError when the frame is not whole."""
    head = _HEAD.match(out)
    if head is None:
        raise ValueError("no answer of the errors probe")
    parts = out[head.end() :].split(b"\n@" + head.group(1) + b"\n")
    if len(parts) != len(sources(site)) + 1:
        raise ValueError("the answer has not all log sources")
    looks = []
    for source, part in zip(sources(site), parts, strict=False):
        try:
            looks.append(_Look(source, read_cursor(part)))
        except ValueError:
            looks.append(_Look(source, None))
    zone = (head.group(2) or b"+0000").decode()
    offset = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
    return offset, float(head.group(3)) if head.group(3) else None, looks


def read(site: Site, answer: Answer, last: Reading | None) -> Reading:
    settings = site.section(f"probe.{ID}", ErrorsSettings)
    now = answer.at
    try:
        offset, host_now, looks = _take_apart(site, answer.out)
    except ValueError as error:
        return garbled(ID, site.id, answer, settings.every, str(error), last)
    skew = 0.0 if host_now is None or abs(host_now - now) < 3 else host_now - now
    groups = restore({} if last is None else last.carry.get("groups"))
    cursors = _places(last)
    skipped = 0
    kept: dict[str, Cursor] = {}
    for look in looks:
        place = _place(look.source)
        found = look.found
        cursor = cursors.get(place) if found is None else found.cursor
        if cursor is not None:
            kept[place] = cursor
        if found is not None and found.data:
            parser = _FORMATS[look.source.format].parser(look.source, offset)
            records = parser.feed(found.data) + parser.flush()
            add(groups, [record for record in records if not any(word in record.text for word in settings.ignore)], now, skew)
        skipped += 0 if found is None else found.skipped
    groups = forget(groups, now)
    return _reading(site, answer, settings, groups, looks, skipped, {"cursors": msgspec.to_builtins(kept), "groups": store(groups)})


def _reading(
    site: Site, answer: Answer, settings: ErrorsSettings, groups: dict[str, Group], looks: list[_Look], skipped: int, carry: dict[str, Any]
) -> Reading:
    now = answer.at
    rate = sum(group.rate(now) for group in groups.values())
    fatals = round(sum(recent(group.minutes, now) for group in groups.values() if group.level == "crit"))
    shown = rows(groups, now)
    findings = _judge(settings, groups, now, rate, fatals)
    troubles = [(look.source, failure) for look in looks if (failure := _trouble(look)) is not None]
    findings += [Finding(Level.UNKNOWN, failure.message) for _, failure in troubles]
    total = sum(group.count for group in groups.values())
    level, summary = worst(findings, _good(total))
    evidence = [f"{row['source']}: {row['text']}" for row in shown[:5]]
    if skipped:
        evidence.append(f"{skipped} bytes of log were left out: it grows faster than it is read here")
    top = next((str(row["culprit"]) for row in shown if row["culprit"]), "")
    return Reading(
        probe=ID,
        site=site.id,
        level=level,
        summary=summary,
        at=now,
        took=answer.took,
        every=settings.every,
        values={"rate": round(rate, 1), "fatals": fatals, "total": total, "groups": len(groups), "culprit": top, "skipped": skipped},
        rows=tuple([_missing(source, failure) for source, failure in troubles] + shown),
        evidence=tuple(evidence),
        failure=troubles[0][1] if troubles else None,
        carry=carry,
    )


def _good(total: int) -> Message:
    return msg("errors in the last hour: {total}", total=total) if total else msg("no errors in the last hour")


def _judge(settings: ErrorsSettings, groups: dict[str, Group], now: float, rate: float, fatals: int) -> list[Finding]:
    found = []
    if fatals:
        worst_group = max((group for group in groups.values() if group.level == "crit"), key=lambda group: (group.rate(now), group.last))
        fatal_rate = sum(group.rate(now) for group in groups.values() if group.level == "crit")
        quiet = now - max(group.last for group in groups.values() if group.level == "crit")
        level = Level.CRIT if fatal_rate >= settings.fatal_crit and quiet < settings.quiet else Level.WARN
        words: dict[str, str | int | float] = {"count": fatals, "text": one_line(worst_group.text, 100)}
        if worst_group.culprit:
            found.append(Finding(level, msg("{count} fatal in 5 min, {culprit}: {text}", culprit=worst_group.culprit, **words)))
        else:
            found.append(Finding(level, msg("{count} fatal in 5 min: {text}", **words)))
    if rate >= settings.rate_warn:
        found.append(Finding(Level.WARN, msg("{rate} errors a minute", rate=round(rate))))
    return found


def _trouble(look: _Look) -> Failure | None:
    """Why a source could not be read; None when it could, or when PHP has simply not begun its log yet."""
    source, found = look.source, look.found
    name: dict[str, str | int | float] = {"name": source.name, "path": one_line(source.path, 120)}
    if found is None:
        return _failed("garbled", msg("log {name}: the host's answer cannot be read", **name), msg("run storewatch check"))
    if found.missing == "absent" and (source.format != "php-error" or found.detail):
        return _failed("missing", msg("log {name}: {path} does not exist", **name), msg("check the path in sites.toml, or create the file"))
    if found.missing == "denied":
        return _denied(found.detail, name)
    if found.missing == "folder":
        return _failed("missing", msg("log {name}: {path} is a folder", **name), msg("name the file itself in sites.toml"))
    if found.missing == "tools":
        message = msg("log {name}: the host has no {tool}", name=source.name, tool=found.detail)
        return _failed("missing-tool", message, msg("install coreutils or a fuller BusyBox there"))
    return None


_LISTED = re.compile(r"(?P<user>\S+) (?P<groups>.*?) ?\| (?P<mode>\S{10,11}) +\S+ (?P<owner>\S+) +(?P<group>\S+) ")


def _denied(detail: str, name: dict[str, str | int | float]) -> Failure:
    """``detail``: who we are, ``|``, the line of ``ls -ld`` of what keeps us out."""
    message = msg("log {name}: {path} may not be read", **name)
    listed = _LISTED.match(detail)
    if listed is None:
        return _failed("denied", message, msg("let the login user read it"))
    words: dict[str, str | int | float] = {"user": listed["user"], "group": listed["group"]}
    readable = "r" in listed["mode"][4:5] if listed["mode"][0] != "d" else "x" in listed["mode"][6:7]
    if readable and listed["group"] not in listed["groups"].split():
        return _failed("denied", message, msg("add {user} to the group {group} on that host (usermod -aG {group} {user})", **words))
    words.update(mode=listed["mode"], owner=listed["owner"])
    return _failed("denied", message, msg("its mode is {mode}, owner {owner}: let {user} read it (setfacl -m u:{user}:rx)", **words))


def _failed(kind: str, message: Message, remedy: Message) -> Failure:
    return Failure(step="command", kind=kind, message=message, remedy=remedy)


def _missing(source: LogSource, failure: Failure) -> Row:
    said = failure.message.say() if failure.remedy is None else f"{failure.message.say()}: {failure.remedy.say()}"
    return {"key": f"source:{source.name}", "level": Level.UNKNOWN.value, "source": source.name, "text": one_line(said, 300)}


PROBE = SweepProbe(
    info=ProbeInfo(
        id=ID,
        title="Errors",
        key="F",
        fleet=(Column("rate", "err/min", "/min", 7),),
        facts=(
            Column("rate", "errors", "/min", 8),
            Column("fatals", "fatal in 5 min", "", 6),
            Column("total", "in the last hour", "", 8),
            Column("culprit", "first suspect", "text", 30),
        ),
        columns=(
            Column("level", "level", "level", 7),
            Column("count", "count", "", 6),
            Column("rate", "a minute", "/min", 8),
            Column("last", "last", "age", 6),
            Column("first", "first", "age", 6),
            Column("culprit", "suspect", "text", 22),
            Column("text", "error", "text", 60),
            Column("source", "log", "text", 10),
        ),
        empty="no errors in the last hour",
        help="Errors of all logs of this store, grouped by fault, with their rate and the plugin or file they name.",
    ),
    ask=ask,
    read=read,
    absent=absent,
    settings=ErrorsSettings,
)
