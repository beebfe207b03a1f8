"""What `storewatch check` asks of one site: each answer with a level and what to mend."""

from __future__ import annotations

import asyncio
import re
import shlex
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from tui.layouts import LAYOUTS
from tui.model.command import Command, HostFacts
from tui.model.failure import Failure, ReachError
from tui.model.level import Level
from tui.model.probe import WebProbe
from tui.model.reach import Reach, Shell
from tui.model.shop import Layout, Vault
from tui.model.site import Site
from tui.model.sweep import Answer, Ask, words
from tui.model.text import clean_bytes, one_line
from tui.probes import PROBES
from tui.vaults import VAULTS

T = TypeVar("T")

SLOW_CLOCK = 30.0
"""Seconds between our clock and the host's from which ages of logs and backups mislead."""

_PATHS = r"""
c() {
  if [ "$2" = d ]; then
    if [ -d "$3" ]; then s=ok
    elif [ -n "$4" ] && as_owner "$4" 5 test -d "$3" 2>/dev/null; then s=ok
    elif [ -e "$3" ]; then s=kind; else s=missing; fi
  elif [ -d "$3" ]; then s=kind
  elif [ -r "$3" ]; then s=ok
  elif [ -e "$3" ]; then s=denied; else s=missing; fi
  echo "path $1 $s"
}
"""


class Check(msgspec.Struct, frozen=True):
    """One thing looked at. ``what``: a probe's id, ``ssh owner root log deploy backup php clock``. ``step`` and ``kind``: the failure's."""

    what: str
    level: Level
    message: str
    remedy: str = ""
    step: str = ""
    kind: str = ""


class SiteReport(msgspec.Struct, frozen=True):
    """All checks of one site."""

    id: str
    name: str
    checks: tuple[Check, ...]

    @property
    def level(self) -> Level:
        return Level.worst(check.level for check in self.checks) or Level.OK

    @property
    def wants_key(self) -> bool:
        """Whether a host key keeps us out."""
        return any(check.step == "hostkey" for check in self.checks)


async def check_site(site: Site, reach: Reach) -> SiteReport:
    """Look at everything that ``site`` names, from outside and over SSH. Changes nothing."""
    found: list[Check] = []
    if site.url is not None:
        found.extend(await _from_outside(site, reach))
    if site.ssh is not None:
        try:
            found.extend(await _host(site, reach.shell(site)))
        except ReachError as error:
            found.append(_unknown("ssh", error.failure))
    return SiteReport(site.id, site.name, tuple(found))


async def _from_outside(site: Site, reach: Reach) -> list[Check]:
    """What the probes over HTTP say: the same judgement as on the screen."""
    probes = [probe for probe in PROBES if isinstance(probe, WebProbe) and probe.absent(site) is None]
    readings = await asyncio.gather(*(probe.probe(site, reach, None) for probe in probes))
    found = []
    for reading in readings:
        failure = reading.failure or Failure("", "", reading.summary)
        remedy = failure.remedy.say() if failure.remedy is not None else ""
        found.append(Check(reading.probe, reading.level, reading.summary.say(), remedy, failure.step, failure.kind))
    return found


async def _host(site: Site, shell: Shell) -> list[Check]:
    facts = await shell.facts()
    found = [Check("ssh", Level.OK, f"logged in as {facts.user}{f' on {facts.name}' if facts.name else ''}")]
    if abs(facts.skew) > SLOW_CLOCK:
        text = f"the host's clock is {abs(facts.skew):.0f} s {'ahead' if facts.skew > 0 else 'behind'}"
        found.append(Check("clock", Level.WARN, text, "let it follow a time server: times in its logs and backups are off by as much"))
    found.extend([await _may_become(user, facts, shell) for user in _users(site)])
    if site.php_reload[:1] == ("sudo",):
        found.append(await _may_reload(site, facts, shell))
    found.extend(await _files(site, facts, shell))
    return found


def _users(site: Site) -> list[str]:
    """Accounts of the host that commands of this site run as: the owner, and who may write where the layout lies."""
    named = [site.owner, getattr(site.settings.get("layout"), "user", None)]
    return list(dict.fromkeys(user for user in named if isinstance(user, str)))


async def _may_become(user: str, facts: HostFacts, shell: Shell) -> Check:
    line = f"{facts.user} ALL=({user}) NOPASSWD: ALL"
    try:
        outcome = await shell.look(Command(("true",), user=user))
    except ReachError as error:
        if (error.failure.step, error.failure.kind) != ("command", "sudo"):
            return _unknown("owner", error.failure)
        text = f"{facts.user} may not run commands as {user} without a password"
        return Check("owner", Level.UNKNOWN, text, f"add this line to sudoers there (visudo): {line}", "command", "sudo")
    if outcome.exit == 0:
        return Check("owner", Level.OK, f"may run commands as {user}")
    said = one_line(clean_bytes(outcome.err, 400)) or f"exit {outcome.exit}"
    return Check("owner", Level.UNKNOWN, f"commands cannot run as {user}: {said}", "correct owner, or make that account on the host")


async def _may_reload(site: Site, facts: HostFacts, shell: Shell) -> Check:
    command = [word for word in site.php_reload[1:] if word != "-n"]
    outcome = await shell.look(Command(("sudo", "-n", "-l", *command)))
    if outcome.exit == 0:
        return Check("php", Level.OK, "may reload php-fpm")
    if command[:1] and not command[0].startswith(("-", "/")):
        path = await shell.look(Command(("sh", "-c", 'command -v "$1"', "sh", command[0])))
        command[0] = clean_bytes(path.out, 200).strip() or command[0]
    escaped = re.sub(r"([,:=\\])", r"\\\1", shlex.join(command))
    line = f"{facts.user} ALL=(root) NOPASSWD: {escaped}"
    return Check("php", Level.WARN, f"{facts.user} may not reload php-fpm", f"add this line to sudoers there (visudo): {line}")


async def _files(site: Site, facts: HostFacts, shell: Shell) -> list[Check]:
    """Root folder, logs, releases and backups in one round trip."""
    paths = _paths(site)
    script = _PATHS + "".join(f"c {number} {words(*path)}\n" for number, (_, *path) in enumerate(paths))
    asks = [Ask(script, every=0, timeout=20)]
    layout = next((unit for unit in LAYOUTS if unit.id == site.layout), None)
    vault = next((unit for unit in VAULTS if unit.id == site.vault), None)
    asks.extend(Ask(unit.script(site), every=0, timeout=60) for unit in (layout, vault) if unit is not None)
    answers = await shell.sweep(asks)
    found = list(_read_paths(paths, answers[0], facts))
    rest = iter(answers[1:])
    if layout is not None:
        found.append(_deploy(layout, next(rest)))
    if vault is not None:
        found.append(_backup(site, vault, next(rest), time.time() + facts.skew))
    return found


def _paths(site: Site) -> list[tuple[str, str, str, str]]:
    """What, kind (``d`` folder, ``f`` file), path, and who may look where the login user may not."""
    found = [("root", "d", site.root, site.owner or "")] if site.root else []
    return found + [("log", "f", log.path, "") for log in site.logs]


def _read_paths(paths: list[tuple[str, str, str, str]], answer: Answer, facts: HostFacts) -> Iterator[Check]:
    states = {int(number): state for number, state in re.findall(rb"(?m)^path (\d+) (\w+)\r?$", answer.out)}
    for number, (what, _kind, path, _owner) in enumerate(paths):
        match states.get(number):
            case b"ok":
                yield Check(what, Level.OK, f"{path} can be read")
            case b"kind":
                yield Check(what, Level.WARN, f"{path} is {'a folder, not a file' if what == 'log' else 'no folder'}", "correct the path")
            case b"denied":
                yield Check(what, Level.UNKNOWN, f"{path} may not be read by {facts.user}", _let_read(path, facts))
            case b"missing":
                hint = "check the path; some logs come only with their first line" if what == "log" else "check the path"
                yield Check(what, Level.WARN, f"{path} does not exist, or {facts.user} may not enter its folder", hint)
            case _:
                yield Check(what, Level.UNKNOWN, f"{path}: no answer came", "try again; the host may be slow")


def _let_read(path: str, facts: HostFacts) -> str:
    group = "adm" if path.startswith("/var/log/") else "of the file"
    return f"add {facts.user} to the group {group}, or: setfacl -m u:{facts.user}:r {shlex.quote(path)}"


def _listed(what: str, answer: Answer, read: Callable[[bytes], T]) -> T | Check:
    """What ``read`` makes of the answer, or why there is nothing to read."""
    if not answer.complete:
        return Check(what, Level.UNKNOWN, "no list came in time", "try again; the host may be slow")
    try:
        return read(answer.out)
    except ValueError as error:
        return Check(what, Level.UNKNOWN, f"the list cannot be read: {one_line(str(error))}", f"check {what}.path and who may read it")


def _deploy(layout: Layout, answer: Answer) -> Check:
    deploys = _listed("deploy", answer, layout.read)
    if isinstance(deploys, Check):
        return deploys
    if deploys.trouble:
        return Check("deploy", Level.UNKNOWN, one_line(deploys.trouble), "check deploy.path and who may read it")
    text = f"{len(deploys.releases)} releases, live is {one_line(deploys.current) or 'none'}"
    return Check(
        "deploy", Level.OK if deploys.current else Level.WARN, text, "" if deploys.current else "check deploy.path and deploy.layout"
    )


def _backup(site: Site, vault: Vault, answer: Answer, now: float) -> Check:
    backups = _listed("backup", answer, lambda data: vault.read(site, data, now))
    if isinstance(backups, Check):
        return backups
    if not backups:
        return Check("backup", Level.WARN, "no backup was found", f"check backup.path of {site.id}, and that backups run")
    newest = max(backup.at for backup in backups)
    return Check("backup", Level.OK, f"{len(backups)} backups, the newest of {time.strftime('%F %H:%M', time.localtime(newest))}")


def _unknown(what: str, failure: Failure) -> Check:
    remedy = failure.remedy.say() if failure.remedy is not None else ""
    return Check(what, Level.UNKNOWN, failure.message.say(), remedy, failure.step, failure.kind)
