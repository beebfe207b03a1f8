"""Whether there is something to restore: through the site's vault."""

from __future__ import annotations

import secrets
import statistics
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui import vaults
from tui.model.catalogue import Column, ProbeInfo
from tui.model.duration import Duration
from tui.model.failure import ReachError
from tui.model.level import Level
from tui.model.message import Message, msg
from tui.model.probe import SweepProbe
from tui.model.reading import Reading, Row, unknown
from tui.model.shop import Backup, Vault
from tui.model.site import Site
from tui.model.sweep import Answer, Ask
from tui.model.text import one_line
from tui.probes._reading import Finding, garbled, worst

ID = "backups"
_SHOWN = 60  # rows of the pane
_SOON = 15.0  # seconds to the check of a newest backup that nobody has read yet
_REMEMBERED = 40  # verdicts
_GOOD = ("FRESH", "DRILLED")


class BackupsSettings(BaseModel):
    """How backups are judged; their greatest age stands with the vault."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Duration = Field(300.0, description="time between looks; a new backup is read from end to end once")
    shrunk: float = Field(50.0, ge=0, le=100, description="percent of the usual size (median of the seven before) below which it is WARN")
    check: bool = Field(True, description="read each new backup from end to end on its host, with the lowest priority")


def vault_of(site: Site) -> Vault | None:
    """The vault the site names, None when it names none."""
    return next((vault for vault in vaults.VAULTS if vault.id == site.vault), None)


def absent(site: Site) -> Message | None:
    if site.ssh is None:
        return msg("no ssh in sites.toml")
    return msg("no backup in sites.toml") if vault_of(site) is None else None


def _settings(site: Site) -> BackupsSettings:
    return site.section(f"probe.{ID}", BackupsSettings)


def _pending(site: Site, last: Reading | None) -> str:
    """Name of the backup that is to be read from end to end with this look, "" for none."""
    vault = vault_of(site)
    name = "" if last is None else last.carry.get("pending", "")
    return name if isinstance(name, str) and _settings(site).check and vault is not None and vault.check_script is not None else ""


def _every(site: Site, last: Reading | None) -> float:
    """The first look is followed soon by the check of what it found."""
    return min(_SOON, _settings(site).every) if last is None or "verdicts" not in last.carry else _settings(site).every


def ask(site: Site, last: Reading | None) -> Ask:
    vault = vault_of(site)
    every = _every(site, last)
    if vault is None:
        return Ask("", every=every)
    mark = secrets.token_hex(8)
    script = f"printf '@%s\\n' {mark}\n{vault.script(site)}"
    pending = _pending(site, last)
    if not pending or vault.check_script is None:
        return Ask(script, every=every, timeout=30.0)
    script += f"\nprintf '\\n@%s\\n' {mark}\n{vault.check_script(site, pending)}"
    return Ask(script, every=every, timeout=3600.0, heavy=True)


def read(site: Site, answer: Answer, last: Reading | None) -> Reading:
    every = _every(site, last)
    vault = vault_of(site)
    first, _, rest = answer.out.partition(b"\n")
    listed, _, checked = rest.partition(b"\n" + first + b"\n")
    try:
        if vault is None or len(first) != 17 or not first.startswith(b"@"):
            raise ValueError("no answer of the backups probe")
        now = answer.at + (answer.skew or 0.0)
        backups = vault.read(site, listed, now)
    except ValueError as error:
        return garbled(ID, site.id, answer, every, str(error), last)
    except ReachError as error:
        return unknown(ID, site.id, answer.at, error.failure, took=answer.took, every=every, carry={} if last is None else last.carry)
    verdicts = _verdicts(last)
    pending = _pending(site, last)
    done = next((backup for backup in backups if backup.name == pending), None)
    if done is not None:
        verdicts[_key(done)] = _verdict(vault, checked)
    backups = tuple(_applied(backup, verdicts) for backup in backups)
    newest = _newest(backups)
    unread = newest is not None and newest.state in ("UNVERIFIED", "STALE") and _key(newest) not in verdicts
    keys = {_key(backup) for backup in backups}
    kept = {key: verdict for key, verdict in verdicts.items() if key in keys}
    carry: dict[str, Any] = {
        "pending": newest.name if newest is not None and unread else "",
        "verdicts": dict(list(kept.items())[-_REMEMBERED:]),
    }
    return _reading(site, answer, every, backups, carry)


def _key(backup: Backup) -> str:
    return f"{backup.size}:{int(backup.at)}:{backup.name}"


def _verdicts(last: Reading | None) -> dict[str, tuple[str, str]]:
    try:
        return msgspec.convert({} if last is None else last.carry.get("verdicts", {}), dict[str, tuple[str, str]])
    except msgspec.ValidationError:
        return {}


def _verdict(vault: Vault, checked: bytes) -> tuple[str, str]:
    try:
        return ("UNVERIFIED", "") if vault.check_read is None else vault.check_read(checked)
    except ValueError as error:
        return "UNVERIFIED", one_line(str(error), 120)


def _applied(backup: Backup, verdicts: dict[str, tuple[str, str]]) -> Backup:
    """What the check of an earlier look found, with what age says."""
    found = verdicts.get(_key(backup))
    if found is None or backup.state not in ("UNVERIFIED", "STALE") or backup.note == "being written":
        return backup
    state, note = found
    if state == "FRESH" and backup.state == "STALE":
        return msgspec.structs.replace(backup, note="whole")
    return msgspec.structs.replace(backup, state=backup.state if state == "UNVERIFIED" else state, note=note)


def _newest(backups: tuple[Backup, ...], kind: str = "full") -> Backup | None:
    return next((backup for backup in backups if backup.kind == kind and backup.note != "being written"), None)


def _reading(site: Site, answer: Answer, every: float, backups: tuple[Backup, ...], carry: dict[str, Any]) -> Reading:
    newest = _newest(backups)
    skew = answer.skew or 0.0
    findings = _judge(_settings(site), backups, answer.at + skew)
    good = msg("no backup") if newest is None else msg("{state}, {count} kept", state=newest.state, count=len(backups))
    level, summary = worst(findings, good)
    return Reading(
        probe=ID,
        site=site.id,
        level=level,
        summary=summary,
        at=answer.at,
        took=answer.took,
        every=every,
        values={
            "newest": None if newest is None else newest.at - skew,
            "size": None if newest is None else newest.size,
            "state": None if newest is None else newest.state,
            "count": len(backups),
        },
        rows=tuple(_row(backup, skew) for backup in backups[:_SHOWN]),
        evidence=tuple(finding.message.say() for finding in findings),
        carry=carry,
    )


def _judge(settings: BackupsSettings, backups: tuple[Backup, ...], now: float) -> list[Finding]:
    newest = _newest(backups)
    if newest is None:
        return [Finding(Level.CRIT, msg("there is no backup"))]
    found = []
    name = _shown(newest.name)
    if newest.state in ("CORRUPT", "PARTIAL"):
        words = (
            "the newest backup {name} is broken: {note}" if newest.state == "CORRUPT" else "the newest backup {name} is not whole: {note}"
        )
        found.append(Finding(Level.CRIT, msg(words, name=name, note=newest.note)))
    elif newest.state == "STALE":
        found.append(Finding(Level.CRIT, msg("the newest backup is {hours} h old", hours=round((now - newest.at) / 3600))))
    elif newest.state == "UNVERIFIED" and newest.note:
        found.append(Finding(Level.WARN, msg("the newest backup {name} could not be checked: {note}", name=name, note=newest.note)))
    partial = _newest(backups, "incremental")
    if partial is not None and partial.state not in (*_GOOD, "UNVERIFIED"):
        words = (
            "the newest incremental backup is {hours} h old" if partial.state == "STALE" else "the newest incremental backup is not whole"
        )
        found.append(Finding(Level.WARN, msg(words, hours=round((now - partial.at) / 3600))))
    before = [backup.size for backup in backups if backup.kind == "full" and backup is not newest and backup.at <= newest.at][:7]
    usual = statistics.median(before) if before else 0
    if usual and newest.size < usual * settings.shrunk / 100:
        found.append(
            Finding(Level.WARN, msg("the newest backup has {percent} % of the usual size", percent=round(100 * newest.size / usual)))
        )
    return found


def _shown(name: str) -> str:
    return one_line(name.rpartition("/")[2] or name, 80)


def _row(backup: Backup, skew: float) -> Row:
    return {
        "key": backup.name,
        "name": _shown(backup.name),
        "kind": backup.kind,
        "at": backup.at - skew,
        "size": backup.size,
        "state": backup.state,
        "note": backup.note,
    }


PROBE = SweepProbe(
    info=ProbeInfo(
        id=ID,
        title="Backups",
        key="B",
        fleet=(Column("newest", "backup", "age", 7),),
        facts=(
            Column("state", "newest", "text", 10),
            Column("newest", "taken", "at", 16),
            Column("size", "size", "B", 9),
            Column("count", "kept", "", 5),
        ),
        columns=(
            Column("name", "backup", "text", 36),
            Column("at", "taken", "at", 16),
            Column("size", "size", "B", 9),
            Column("kind", "kind", "text", 11),
            Column("state", "state", "text", 10),
            Column("note", "note", "text", 30),
        ),
        empty="there is no backup",
        help="Backups of this store: how old, how big, and whether the newest is whole.",
    ),
    ask=ask,
    read=read,
    absent=absent,
    settings=BackupsSettings,
)
