"""One site's merged table to a Site, with every problem on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tui.config import speech, units
from tui.config.place import Findings, Place
from tui.config.problems import nearest
from tui.config.tables import DatabaseTable, LogTable, SiteTable, SshTable
from tui.model.site import Database, HttpTarget, Journey, LogSource, SecretRef, Site, SshTarget
from tui.model.text import one_line

OVER_SSH = ("deploy", "backup", "database", "log")
Table = Mapping[str, Any]


def build_site(site_id: str, table: Table, place: Place, findings: Findings) -> Site | None:
    """The Site that ``table`` (defaults merged in) describes, None when something is wrong with it: then ``findings`` has it."""
    before = len(findings.problems)
    platform, settings = _platform(table, place, findings)
    own_keys = set(platform.model_fields) if platform else set()
    if own_keys or platform:
        _unit(platform, {key: table[key] for key in own_keys & table.keys()}, "platform", place, (), settings, findings)
    rest = {key: value for key, value in table.items() if key not in own_keys}
    _other_platforms_keys(rest, place, findings)
    site = findings.validate(SiteTable, rest, place, (), own_keys)
    layout = _chosen(table.get("deploy"), "deploy", "layout", place, settings, findings)
    vault = _chosen(table.get("backup"), "backup", "vault", place, settings, findings)
    _by_id(table.get("probes"), "probes", "probe", place, settings, findings)
    _by_id(table.get("actions"), "actions", "action", place, settings, findings)
    _known_actions(table.get("approve"), place, findings)
    logs = _logs(site.log, place, findings) if site else ()
    database = _database(site.database, place, findings) if site and site.database else None
    if site is not None:
        _needs(site, place, findings)
    if site is None or len(findings.problems) > before:
        return None
    return _site(site_id, site, layout, vault, logs, database, settings)


def _site(
    site_id: str,
    site: SiteTable,
    layout: str | None,
    vault: str | None,
    logs: tuple[LogSource, ...],
    database: Database | None,
    settings: dict[str, Any],
) -> Site:
    return Site(
        id=site_id,
        name=one_line(site.name or site_id, 80) or site_id,
        url=site.url,
        platform=site.platform,
        layout=layout,
        vault=vault,
        root=site.root,
        owner=site.owner,
        production=site.production,
        approve=site.approve,
        tags=tuple(one_line(tag, 40) for tag in site.tags),
        interval=site.interval,
        ssh=_ssh(site.ssh),
        http=HttpTarget(site.http.connect, site.http.ca, site.http.timeout, site.http.expect),
        logs=logs,
        php_reload=site.php.reload or (),
        settings=settings,
        database=database,
        journeys=tuple(Journey(one_line(journey.name, 80)) for journey in site.journey),
    )


def _ssh(table: SshTable | None) -> SshTarget | None:
    if table is None or table.host is None:
        return None
    return SshTarget(table.host, table.port, table.user, table.key, table.known_hosts, table.jump, table.config)


def _platform(table: Table, place: Place, findings: Findings) -> tuple[units.Settings, dict[str, Any]]:
    name = table.get("platform", "custom")
    if isinstance(name, str) and name:
        if fault := units.name_fault("platform", name):
            findings.add(place, ("platform",), *fault)
        else:
            return units.offered("platform")[name], {}
    return None, {}


def _other_platforms_keys(rest: dict[str, Any], place: Place, findings: Findings) -> None:
    """Take out keys that only another platform has, each with a problem that says which."""
    for key, platforms in units.platform_keys().items():
        if key in rest and key not in SiteTable.model_fields:
            del rest[key]
            findings.add(place, (key,), f"is a key of platform {' and '.join(sorted(platforms))}", "set the platform, or remove the line")


def _unit(
    model: type[BaseModel] | None,
    data: Any,
    key: str,
    place: Place,
    at: tuple[str | int, ...],
    settings: dict[str, Any],
    findings: Findings,
    known: tuple[str, ...] = (),
) -> None:
    """Validate one unit's own settings and keep them under ``key``."""
    if not isinstance(data, dict):
        findings.add(place, at, f"must be a table, is {speech.kind_of(data)}")
    elif model is None:
        for name in data:
            findings.add(place, (*at, name), *speech.unknown_key(name, known))
    elif (found := findings.validate(model, data, place, at, known)) is not None:
        settings[key] = found


def _chosen(data: Any, outer: str, choice: str, place: Place, settings: dict[str, Any], findings: Findings) -> str | None:
    """``deploy = {layout = …, …}`` and ``backup = {vault = …, …}``: the name, and the settings that go with it."""
    if not isinstance(data, dict):
        return None  # absent, or SiteTable says what is wrong with it
    name = data.get(choice)
    if name is None:
        names = ", ".join(units.offered(choice)) or "none"
        findings.add(place, (outer, choice), "is missing", f"write {choice} = … (known now: {names})")
        return None
    if not isinstance(name, str):
        findings.add(place, (outer, choice), f"must be a string, is {speech.kind_of(name)}")
        return None
    if fault := units.name_fault(choice, name):
        findings.add(place, (outer, choice), *fault)
        return None
    rest = {key: value for key, value in data.items() if key != choice}
    _unit(units.offered(choice)[name], rest, choice, place, (outer,), settings, findings, (choice,))
    return name


def _by_id(data: Any, outer: str, kind: str, place: Place, settings: dict[str, Any], findings: Findings) -> None:
    """``[sites.ID.probes.PROBE]`` and ``[sites.ID.actions.ACTION]``."""
    if not isinstance(data, dict):
        return
    offered = units.offered(kind)
    for name, table in data.items():
        if fault := units.name_fault(kind, name):
            findings.add(place, (outer, name), *fault)
        else:
            _unit(offered[name], table, f"{kind}.{name}", place, (outer, name), settings, findings)


def _known_actions(names: Any, place: Place, findings: Findings) -> None:
    known = {*units.offered("action"), *units.PLANNED["action"]}
    for number, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str) and name and name not in known:
            hint = nearest(name, known) or "known: " + ", ".join(sorted(known))
            findings.add(place, ("approve", number), f'no action is called "{name[:60]}"', hint)


def _logs(tables: tuple[LogTable, ...], place: Place, findings: Findings) -> tuple[LogSource, ...]:
    """Log sources with a name each: their own, else the format's, numbered when it comes twice."""
    taken: set[str] = {table.name for table in tables if table.name}
    named: set[str] = set()
    found = []
    for number, table in enumerate(tables):
        if fault := units.name_fault("log format", table.format):
            findings.add(place, ("log", number, "format"), *fault)
        name = table.name
        if name is None:
            name, again = table.format, 2
            while name in taken:
                name, again = f"{table.format}-{again}", again + 1
            taken.add(name)
        elif name in named:
            findings.add(place, ("log", number, "name"), f'another log of this site is called "{name[:60]}" too', "give each its own name")
        named.add(name)
        found.append(LogSource(one_line(name, 60), table.format, table.path, table.timezone))
    return tuple(found)


def _database(table: DatabaseTable, place: Place, findings: Findings) -> Database:
    password = secret(table, "password", place, ("database",), findings)
    if table.socket is not None and {"host", "port"} & table.model_fields_set:
        findings.add(place, ("database", "socket"), "stands beside host or port", "keep one of the two ways")
    return Database(table.name, table.user, password, table.host, table.port, table.socket)


def secret(table: BaseModel, stem: str, place: Place, at: tuple[str, ...], findings: Findings) -> SecretRef | None:
    """The one of ``STEM_env``, ``STEM_file``, ``STEM_command`` that is given; a problem when there are several."""
    given = {kind: value for kind in ("env", "file", "command") if (value := getattr(table, f"{stem}_{kind}")) is not None}
    if len(given) > 1:
        keys = [f"{stem}_{kind}" for kind in given]
        findings.add(place, (*at, keys[1]), f"stands beside {keys[0]}", "keep one of them")
    for kind, value in given.items():
        return SecretRef(kind, value if isinstance(value, tuple) else (value,))
    return None


def _needs(site: SiteTable, place: Place, findings: Findings) -> None:
    """What one key says and another must say too. Keys that come from [defaults] alone are not held against the site."""
    if site.ssh is not None and site.ssh.host is None and "ssh" in place.table:
        findings.add(place, ("ssh", "host"), "is missing", f"write host = … ({SshTable.model_fields['host'].description})")
        return
    if site.ssh is None or site.ssh.host is None:
        for key in OVER_SSH:
            if key in place.table:
                findings.add(place, (key,), "is looked at over SSH, and this site has no ssh.host", 'write ssh.host = "…"')
        if site.url is None:
            findings.add(place, (), "has nothing to look at", 'write url = "https://…", or ssh.host = "…", or both')
