"""Capistrano 3: ``releases/20261122103000``, a ``current`` link, ``revisions.log`` (texts of lib/capistrano/i18n.rb)."""

from __future__ import annotations

import calendar
import re
import time

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui.layouts._rows import NO_NAME, is_name, name_of
from tui.layouts._switch import switch
from tui.model.command import HostFacts
from tui.model.message import msg
from tui.model.plan import Refused, Step
from tui.model.shop import Deploys, Layout, Release
from tui.model.site import Site
from tui.model.sweep import words
from tui.model.text import clean_bytes, one_line


class CapistranoSettings(BaseModel):
    """Keys beside ``layout = "capistrano"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="deploy_to: the folder that holds releases and current", pattern=r"^/")
    current: str = Field("current", description="name of the link to the live release", pattern=r"^[^/]+$")
    releases: str = Field("releases", description="name of the folder with the releases", pattern=r"^[^/]+$")
    user: str | None = Field(None, description="who may write there, when it is not the site's owner")


# Everything is ended by NUL, because a folder's name may hold a newline. `read` and `set` are of the shell: a release costs no process.
_SCRIPT = r"""
f() { printf '%s\0' "$@"; }
if cd "$p" 2>/dev/null; then f capistrano; else
  f trouble; if [ -d "$p" ]; then f denied; elif [ -e "$p" ]; then f folder; else f absent; fi; f end; exit 0
fi
if [ -L "$c" ]; then f link "$(readlink "$c"; echo .)"; elif [ -e "$c" ]; then f folder ''; else f none ''; fi
[ -d "$c/." ] && f live || f dead
[ -r "$r" ] && [ -x "$r" ] && f open || f closed
for d in "$r"/*/; do
  d=${d%/}; [ -d "$d" ] && [ ! -L "$d" ] || continue
  v= t= m=
  [ -r "$d/REVISION" ] && read -r v <"$d/REVISION"
  [ -r "$d/REVISION_TIME" ] && read -r t <"$d/REVISION_TIME"
  [ -e "$d/BAD_RELEASE" ] && m="$m bad"
  [ -e "$d/DEPLOY_UNFINISHED" ] && m="$m unfinished"
  set -- "$d"/*; [ -e "$1" ] || [ -L "$1" ] || m="$m empty"
  f release "${d##*/}" "$v" "$t" "$(stat -c %Y "$d" 2>/dev/null || date -r "$d" +%s)" "$m"
done
f log "$(tail -n 300 revisions.log | tail -c 65536)" end
"""

_DEPLOYED = re.compile(
    r"Branch (?P<branch>.{1,200}) \(at (?P<commit>\S{1,64})\) deployed as release (?P<id>\S{1,255}) by (?P<who>.{1,100})"
)
_BACK = re.compile(r"(?P<who>.{1,100}?) rolled back to release (?P<id>\S{1,255})")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_TROUBLE = {"absent": "{path} does not exist", "denied": "{path} may not be read by this user", "folder": "{path} is not a folder"}


def script(site: Site) -> str:
    settings = site.section("layout", CapistranoSettings)
    return f"(\np={words(settings.path)} c={words(settings.current)} r={words(settings.releases)}{_SCRIPT}) 2>/dev/null"


class _Deploy(msgspec.Struct):
    branch: str = ""
    commit: str = ""
    who: str = ""
    rolled_back: bool = False


def read(out: bytes) -> Deploys:
    """The fragment's answer. Raises ValueError when it is not that, or not all of it."""
    fields = out.split(b"\0")
    if len(fields) < 3 or fields[-1].strip() or fields[-2] != b"end":
        raise ValueError("no list of releases")
    if fields[0] == b"trouble":
        return Deploys(
            (), trouble=_TROUBLE.get(fields[1].decode("ascii", "replace"), "{path} cannot be read").format(path="the deploy folder")
        )
    if fields[0] != b"capistrano" or len(fields) < 9 or fields[-4] != b"log" or (len(fields) - 9) % 6:
        raise ValueError("a list of releases that is garbled")
    kind, target, live, readable = fields[1], fields[2], fields[3], fields[4]
    log, told = _history(clean_bytes(fields[-3], 65_536))
    current = _name_of(target) if kind == b"link" else ""
    found = [fields[at + 1 : at + 6] for at in range(5, len(fields) - 4, 6)]
    names = {name_of(row[0]) for row in found}
    releases = [_release(row, log, current) for row in found]
    releases.sort(key=lambda release: (release.at or 0.0, release.id), reverse=True)
    releases = _marked(releases, log, current)
    trouble = ""
    if kind != b"link":
        trouble = "there is no current link" if kind == b"none" else "current is a folder, not a link"
    elif live != b"live":
        trouble = f"current points to {one_line(current, 60)}, which does not exist"
    elif readable != b"open":
        trouble = "the releases folder cannot be read"
    elif current not in names:
        trouble, current = "current points to no release", ""
    elif told and not log:
        trouble = f"revisions.log is not in Capistrano's words: {one_line(told[-1], 80)}"
    return Deploys(tuple(releases), current=current, trouble=trouble)


def _name_of(target: bytes) -> str:
    """The last part of what ``readlink`` printed, with ``\\n.`` behind it."""
    return name_of(target.removesuffix(b".").removesuffix(b"\n").rstrip(b"/").rpartition(b"/")[2])


def _history(text: str) -> tuple[dict[str, _Deploy], list[str]]:
    """What revisions.log says of each release, in its order, and its lines. The log has no times."""
    log: dict[str, _Deploy] = {}
    live = ""
    lines = [line for line in text.split("\n") if line.strip()]
    for line in lines:
        deployed = _DEPLOYED.fullmatch(line)
        back = None if deployed else _BACK.fullmatch(line)
        if deployed:
            live = deployed["id"]
            log[live] = _Deploy(deployed["branch"], deployed["commit"], deployed["who"])
        elif back:
            if live != back["id"] and live in log:
                log[live].rolled_back = True
            live = back["id"]
            if live in log:
                log[live].rolled_back = False
    return log, lines


def _release(row: list[bytes], log: dict[str, _Deploy], current: str) -> Release:
    name = name_of(row[0])
    revision, moment, changed = (clean_bytes(field, 80).strip() for field in row[1:4])
    known = log.get(name, _Deploy())
    commit = revision if _COMMIT.fullmatch(revision) else known.commit
    marks = (*clean_bytes(row[4], 80).split(), *(() if is_name(row[0]) else (NO_NAME,)))
    return Release(
        id=name,
        commit=one_line(commit, 64),
        branch=one_line(known.branch, 100),
        who=one_line(known.who, 60),
        at=_at(name, moment, changed),
        current=name == current,
        marks=marks,
    )


def _is_stamp(name: str) -> bool:
    return len(name) == 14 and name.isascii() and name.isdigit()


def _at(name: str, moment: str, changed: str) -> float | None:
    """Capistrano names a release by the time of its deploy in UTC; else REVISION_TIME, else the folder's own time."""
    if _is_stamp(name):
        try:
            return float(calendar.timegm(time.strptime(name, "%Y%m%d%H%M%S")))
        except ValueError:
            pass
    for text in (moment, changed):
        if text.isascii() and text.isdigit() and len(text) < 12:
            return float(text)
    return None


def _marked(releases: list[Release], log: dict[str, _Deploy], current: str) -> list[Release]:
    """``rolled-back``: was live, and an older one is now. ``unfinished``: newer than the log's first release and never logged."""
    order = list(log)
    live = order.index(current) if current in log else -1
    earliest = min((release.at for release in releases if release.id in log and release.at is not None), default=None)
    found = []
    for release in releases:
        marks = list(release.marks)
        if release.id in log:
            if not release.current and (log[release.id].rolled_back or (live >= 0 and order.index(release.id) > live)):
                marks.append("rolled-back")
        elif _is_stamp(release.id) and not release.current and earliest is not None and (release.at or 0.0) > earliest:
            marks.append("unfinished")
        found.append(msgspec.structs.replace(release, marks=tuple(dict.fromkeys(marks))))
    return found


def rollback(site: Site, deploys: Deploys, target: str, host: HostFacts) -> tuple[Step, ...]:
    """Point ``current`` at ``target`` by one rename. Raises Refused when there is no such release or it is live already."""
    settings = site.section("layout", CapistranoSettings)
    if target not in {release.id for release in deploys.releases} or "/" in target or target in ("", ".", ".."):
        raise Refused(msg("there is no release {id}", id=one_line(target, 60)), msg("look at the deploys pane for those that are left"))
    if target == deploys.current:
        raise Refused(msg("release {id} is live already", id=one_line(target, 60)))
    nameless = any(release.current and NO_NAME in release.marks for release in deploys.releases)  # then nothing leads back
    before = f"{settings.releases}/{deploys.current}" if deploys.current and not nameless else None
    return switch(settings.path, settings.current, f"{settings.releases}/{target}", before, settings.user or site.owner, host)


LAYOUT = Layout(id="capistrano", title="Capistrano", settings=CapistranoSettings, script=script, read=read, rollback=rollback)
