"""Reads sites.toml and the sites.d beside it, all at once."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Any

import msgspec

from tui.config import speech
from tui.config.build import build_site, secret
from tui.config.local import notes_on
from tui.config.merge import merged, with_local_paths
from tui.config.place import UNUSABLE, Findings, Place, strange_values
from tui.config.problems import ConfigError, Problem, shown
from tui.config.source import FOLDER, Document, digest, local_path, read, site_files
from tui.config.tables import SITE_ID, TOP, PeakTable, RolesTable, RoomTable
from tui.model.site import Fleet, Peak, Roles, RoomSettings, Site
from tui.model.text import one_line


class Loaded(msgspec.Struct, frozen=True):
    """A fleet, and what on this machine would keep it from working; such notes stop nobody from loading it."""

    fleet: Fleet
    notes: tuple[Problem, ...] = ()


def inspect(path: Path) -> Loaded:
    """Read ``path`` and ``sites.d/*.toml`` beside its real path. Raises ConfigError with every problem of all files."""
    documents = _documents(path)
    strange = [problem for document in documents for problem in strange_values(Place(document, (), document.table))]
    if any(problem.message in UNUSABLE for problem in strange):
        raise ConfigError(strange)
    findings = Findings()
    main = documents[0]
    for number, document in enumerate(documents):
        _shape(document, number == 0, findings)
    room = _room(main, findings)
    roles, peaks = _roles(main, findings), _peaks(main, room.timezone if room else "UTC", findings)
    places = _places(documents, findings)
    sites: dict[str, Site] = {}
    for site_id, place in places.items():
        table = merged(place.beneath.table if place.beneath else {}, place.table)
        if (site := build_site(site_id, table, place, findings)) is not None:
            sites[site_id] = site
    if not places and not findings.problems:
        findings.problems.append(
            Problem(main.file, 0, "", "names no sites", f"add a table [sites.ID], or a file {FOLDER}/ID.toml; sites.toml.example shows how")
        )
    if findings.problems or strange or room is None:
        told = {(problem.file, problem.key) for problem in strange}
        raise ConfigError([*strange, *(problem for problem in findings.problems if (problem.file, problem.key) not in told)])
    fleet = Fleet(str(main.path), sites, room, digest(documents), roles, peaks)
    return Loaded(fleet, notes_on(fleet, places))


def _documents(path: Path) -> list[Document]:
    """The main file first, then sites.d by name. Raises ConfigError with the syntax errors of all of them."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError([Problem(shown(path).replace("\0", "?"), 0, "", f"cannot be found ({error})", "check the path")]) from None
    found: list[Document] = []
    problems: list[Problem] = []
    try:
        files = [real, *site_files(real)]
    except ConfigError as error:
        files = [real]
        problems.extend(error.problems)
    for file in files:
        try:
            found.append(read(file))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return found


def _shape(document: Document, is_main: bool, findings: Findings) -> None:
    """The outermost tables: known, and of the right kind."""
    place = Place(document, (), document.table)
    for key, value in document.table.items():
        if key not in TOP:
            findings.add(place, (key,), *speech.unknown_key(key, TOP if is_main else ("sites",)))
        elif not is_main and key != "sites":
            findings.add(place, (key,), f"belongs in the main file; a file of {FOLDER} holds [sites.ID] alone")
        elif TOP[key] == "table" and not isinstance(value, dict):
            findings.add(place, (key,), f"must be a table, is {speech.kind_of(value)}", f"write [{key}{'.ID' if key == 'sites' else ''}]")
        elif TOP[key] == "array of tables" and not isinstance(value, list):
            findings.add(place, (key,), f"must be an array of tables, is {speech.kind_of(value)}", f"write [[{key}]]")
    if not is_main and not document.table:
        findings.problems.append(Problem(document.file, 0, "", "holds no site", "write [sites.ID], or remove the file"))


def _table(document: Document, key: str) -> dict[str, Any]:
    value = document.table.get(key)
    return value if isinstance(value, dict) else {}


def _places(documents: list[Document], findings: Findings) -> dict[str, Place]:
    """Each site's table and where it stands, in the order of the files. Two with one id are told with both files."""
    main = documents[0]
    defaults = Place(main, ("defaults",), with_local_paths(main.path, _table(main, "defaults")))
    found: dict[str, Place] = {}
    for document in documents:
        top = Place(document, (), document.table)
        for site_id, table in _table(document, "sites").items():
            path = ("sites", site_id)
            if not SITE_ID.fullmatch(site_id):
                hint = "use letters, digits, dot, dash and underscore, at most 64, a letter or digit first"
                findings.add(top, path, "is no usable site id", hint)
            elif not isinstance(table, dict):
                findings.add(top, path, f"must be a table, is {speech.kind_of(table)}", f"write [sites.{site_id}]")
            elif site_id in found:
                other = found[site_id].document
                line = other.lines.find(path)
                findings.add(top, path, f'another site is called "{site_id}" too, in {other.file}:{line}', "give one of them another id")
            else:
                found[site_id] = Place(document, path, with_local_paths(document.path, table), defaults)
    return found


def _room(main: Document, findings: Findings) -> RoomSettings | None:
    table = dict(_table(main, "room"))
    place = Place(main, ("room",), table)
    for key in ("socket", "state", "history_password_file"):
        if isinstance(text := table.get(key), str) and text:
            table[key] = local_path(main.path, text)
    room = findings.validate(RoomTable, table, place)
    if room is None:
        return None
    if room.group is not None and room.socket is None:
        findings.add(place, ("group",), "is for a team's room, and there is no socket", 'write socket = "/run/storewatch/room.sock"')
    password = secret(room, "history_password", place, (), findings)
    if password is not None and room.history == "sqlite":
        findings.add(place, ("history",), 'is "sqlite", which has no password', "remove the history_password line, or name a server")
    return RoomSettings(
        name=one_line(room.name, 80) or "storewatch",
        history=room.history,
        timezone=room.timezone,
        socket=room.socket,
        group=room.group,
        state=room.state,
        demo=room.demo,
        self_test=room.self_test,
        history_password=password,
    )


def _roles(main: Document, findings: Findings) -> Roles:
    table = _table(main, "roles")
    roles = findings.validate(RolesTable, table, Place(main, ("roles",), table))
    return Roles(roles.operator, roles.approver) if roles else Roles()


def _peaks(main: Document, timezone: str, findings: Findings) -> tuple[Peak, ...]:
    tables = main.table.get("peak")
    found: list[Peak] = []
    for number, table in enumerate(tables if isinstance(tables, list) else ()):
        place = Place(main, ("peak", number), table if isinstance(table, dict) else {})
        peak = findings.validate(PeakTable, table, place)
        if peak is None:
            continue
        starts, ends = (_unix(moment, timezone) for moment in (peak.starts, peak.ends))
        if ends <= starts:
            findings.add(place, ("ends",), "is not after starts")
        found.append(Peak(one_line(peak.name, 80), starts, ends))
    return tuple(found)


def _unix(moment: dt.datetime, timezone: str) -> float:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zoneinfo.ZoneInfo(timezone))).timestamp()
    except (OverflowError, ValueError, OSError):
        return 0.0
