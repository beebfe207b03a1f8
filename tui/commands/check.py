"""``storewatch check``: the file first, then every connection it names, each with what to mend."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.commands._common import BAD, OK, UNKNOWN, WRONG, level_word, note, out, out_json
from tui.config import ConfigError, Problem, find, inspect
from tui.model.failure import ReachError
from tui.model.level import Level
from tui.model.reach import HostKey
from tui.model.site import Site
from tui.wire.paths import RoomPaths

if TYPE_CHECKING:
    from tui.commands._checks import Check, SiteReport
    from tui.config.reader import Loaded
    from tui.reach.live import LiveReach

AT_ONCE = 20
"""Sites looked at together; `reach` keeps its own limits per host and per jump host below that."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", nargs="*", metavar="SITE", help="check the connections of these sites only")
    parser.add_argument("--offline", action="store_true", help="check the file alone")
    parser.add_argument("--accept-keys", action="store_true", help="accept unknown host keys without asking (changed ones never)")
    parser.add_argument("--json", action="store_true", help="everything as one JSON value")


def run(args: argparse.Namespace) -> int:
    """Exit code: 2 when the file is wrong, 1 when something is to be mended, 3 when something could not be looked at, else 0."""
    path = find(args.sites)
    try:
        loaded = inspect(path)
    except ConfigError as error:
        if not args.json:
            raise
        out_json({"file": str(path), "problems": [_plain(problem) for problem in error.problems], "notes": [], "sites": [], "keys": []})
        return WRONG
    unknown = [name for name in args.site if name not in loaded.fleet.sites]
    if unknown:
        note(f"storewatch check: there is no site {', '.join(unknown)}; there are: {', '.join(list(loaded.fleet.sites)[:20])}")
        return WRONG
    survey = Survey(args, path, loaded)
    if not args.offline:
        with asyncio.Runner() as runner:
            survey.walk(runner)
    survey.tell()
    return survey.exit


class Survey:
    """One run over the sites: reports by site, host keys that were shown, and the questions asked about them."""

    def __init__(self, args: argparse.Namespace, path: Path, loaded: Loaded) -> None:
        self.args = args
        self.path = path
        self.loaded = loaded
        self.sites = [site for site in loaded.fleet.sites.values() if not args.site or site.id in args.site]
        self.reports: dict[str, SiteReport] = {}
        self.keys: list[HostKey] = []
        self.done = 0

    def walk(self, runner: asyncio.Runner) -> None:
        """Check every site; ask for unknown host keys between two rounds, outside the event loop, so that ctrl+c answers at once."""
        reach = runner.run(self._reach())
        asked: set[HostKey] = set()
        try:
            runner.run(self._round(reach, self.sites))
            while fresh := [key for key in self.keys if not key.changed and key not in asked]:
                asked.update(fresh)
                accepted = [key for key in fresh if self._accepts(key)]
                if not accepted:
                    break
                for key in accepted:
                    runner.run(self._accept(reach, key))
                again = [site for site in self.sites if self.reports[site.id].wants_key]
                runner.run(self._round(reach, again))
        finally:
            runner.run(reach.close())

    @property
    def exit(self) -> int:
        """That of the worst level; a note about this machine counts as WARN."""
        found = [report.level for report in self.reports.values()] + [Level.WARN] * bool(self.loaded.notes)
        return {None: OK, Level.OK: OK, Level.UNKNOWN: UNKNOWN}.get(Level.worst(found), BAD)

    def tell(self) -> None:
        """Everything found, as text or as JSON."""
        if self.args.json:
            out_json(self._value())
            return
        for problem in self.loaded.notes:
            out(f"{level_word(Level.WARN)}  {problem}")
        for line in lines_of(list(self.reports.values())):
            out(line)
        count = f"{len(self.loaded.fleet.sites)} site{'s' * (len(self.loaded.fleet.sites) != 1)}"
        if self.args.offline:
            out(f"{self.path}: {count}, the file is {'fine' if not self.loaded.notes else 'readable; see above'}")
            return
        if any(check.kind == "unknown-key" for report in self.reports.values() for check in report.checks):
            out("Host keys nobody has vouched for yet: run this in a terminal to be asked, or with --accept-keys to accept those above")
        bad = [report.id for report in self.reports.values() if report.level is not Level.OK]
        out(f"{self.path}: {count}, {len(self.reports)} looked at, {len(bad)} with something to mend")

    def _value(self) -> dict[str, object]:
        sites = [{"id": report.id, "name": report.name, "level": report.level, "checks": report.checks} for report in self.reports.values()]
        notes = [_plain(problem) for problem in self.loaded.notes]
        return {"file": str(self.path), "problems": [], "notes": notes, "sites": sites, "keys": self.keys}

    async def _reach(self) -> LiveReach:
        from tui.reach.live import LiveReach

        folder = RoomPaths.of(self.path, self.args.state).folder
        return LiveReach(folder, on_host_key=self._saw)

    def _saw(self, key: HostKey) -> None:
        if key not in self.keys:
            self.keys.append(key)

    async def _round(self, reach: LiveReach, sites: Iterable[Site]) -> None:
        from tui.commands._checks import check_site

        sites = list(sites)
        self.done, slots = 0, asyncio.Semaphore(AT_ONCE)
        order = {site.id: number for number, site in enumerate(self.sites)}

        async def one(site: Site) -> None:
            async with slots:
                self.reports[site.id] = await check_site(site, reach)
            self.done += 1
            _progress(f"checked {self.done} of {len(sites)} sites")

        _progress(f"checking {len(sites)} sites")
        await asyncio.gather(*(one(site) for site in sites))
        _progress("")
        self.reports = dict(sorted(self.reports.items(), key=lambda item: order[item[0]]))

    def _accepts(self, key: HostKey) -> bool:
        place = key.host if key.port == 22 else f"[{key.host}]:{key.port}"
        if self.args.accept_keys:
            note(f"accepted: {place} {key.algorithm} {key.fingerprint}")
            return True
        if self.args.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        note(f"\nNobody has vouched for the host key of {place} yet:\n  {key.algorithm} {key.fingerprint}")
        note("Compare it with what the host itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
        sys.stderr.write("Accept it? [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    async def _accept(self, reach: LiveReach, key: HostKey) -> None:
        try:
            await reach.accept(key.host, key.port, key.fingerprint)
        except ReachError as error:
            note(f"storewatch check: {error.failure.message.say()}")


def lines_of(reports: list[SiteReport]) -> list[str]:
    """A site that is fine takes one line. Then what is to be mended, the worst last, where a person looks; one jump host that is down is
    told once for all its sites."""
    lines = [f"{level_word(Level.OK)}  {report.id}: {_fine(report)}" for report in reports if report.level is Level.OK]
    sites: dict[Check, list[str]] = {}
    for report in reports:
        for check in report.checks:
            if check.level is not Level.OK:
                sites.setdefault(check, []).append(report.id)
    for check in sorted(sites, key=lambda check: check.level.rank):
        lines.append(f"{level_word(check.level)}  {_names(sites[check])}: {check.what}: {check.message}")
        if check.remedy:
            lines.append(f"      -> {check.remedy}")
    return lines


def _names(ids: list[str]) -> str:
    return ", ".join(ids) if len(ids) <= 6 else f"{', '.join(ids[:5])} and {len(ids) - 5} more"


def _fine(report: SiteReport) -> str:
    """What is well; folders and logs only by their number."""
    told = [f"{check.what} {check.message}" for check in report.checks if check.what not in ("root", "log")]
    files = len(report.checks) - len(told)
    return "; ".join(told + [f"{files} path{'s' * (files != 1)} readable"] * bool(files))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _plain(problem: Problem) -> dict[str, object]:
    value: dict[str, object] = msgspec.to_builtins(problem)
    return value
