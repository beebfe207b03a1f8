"""A git checkout that is served as it lies. What was live when is in the reflog (git keeps it for 90 days, in this clone only)."""

from __future__ import annotations

import re

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui.layouts._switch import NOTHING
from tui.model.command import Command, HostFacts
from tui.model.message import msg
from tui.model.plan import Refused, Step
from tui.model.shop import Deploys, Layout, Release
from tui.model.site import Site
from tui.model.sweep import words
from tui.model.text import clean_bytes, one_line


class GitSettings(BaseModel):
    """Keys beside ``layout = "git"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="the working tree that is served", pattern=r"^/")
    user: str | None = Field(None, description="who may write there, when it is not the site's owner")


# --no-optional-locks: looking must not rewrite the index. core.fsmonitor=false: nor run what a repository names.
_SCRIPT = r"""
if [ ! -d "$p" ]; then printf 'absent\0end'; exit 0; fi
r=$(cd "$p" && pwd -P)
g() {
  as_owner "$o" 10 git --no-optional-locks --no-pager -C "$p" \
    -c safe.directory="$p" -c safe.directory="$r" -c core.fsmonitor=false "$@"
}
h=$(g rev-parse HEAD 2>&1) || { printf 'trouble\0%s\0end' "$h"; exit 0; }
printf 'git\0%s\0%s\0%s\0' "$h" "$(g symbolic-ref -q --short HEAD)" "$(g status --porcelain=v1 -uno | head -c 2000)"
l=$(g log -g -n 60 --date=unix --format='%H%x1f%gd%x1f%gn%x1f%gs' HEAD)
[ -n "$l" ] || l=$(g log -n 30 --date=unix --format='%H%x1fHEAD@{%ct}%x1f%cn%x1f%s' HEAD)
printf '%s\0end' "$l"
"""

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOMENT = re.compile(r"@\{(\d{1,11})(?: [+-]\d{4})?\}")


def script(site: Site) -> str:
    settings = site.section("layout", GitSettings)
    return f"(\np={words(settings.path)} o={words(settings.user or site.owner or '')}{_SCRIPT}) 2>/dev/null"


def read(out: bytes) -> Deploys:
    """The fragment's answer. Raises ValueError when it is not that, or not all of it."""
    fields = out.split(b"\0")
    if fields[-1].strip() != b"end":
        raise ValueError("no history of a git checkout")
    if fields[0] == b"absent":
        return Deploys((), trouble="the working tree does not exist")
    if fields[0] == b"trouble" and len(fields) == 3:
        return Deploys((), trouble=_why(clean_bytes(fields[1], 2000)))
    if fields[0] != b"git" or len(fields) != 6:
        raise ValueError("a history of a git checkout that is garbled")
    head = clean_bytes(fields[1], 200).strip()
    if not _SHA.fullmatch(head):
        raise ValueError("HEAD is no commit")
    branch, dirty = one_line(clean_bytes(fields[2], 400), 100), bool(fields[3].strip())
    return Deploys(_releases(fields[4], head, branch, dirty), current=head)


def _why(said: str) -> str:
    """git's own first words, the known ones with what they mean."""
    if "dubious ownership" in said:
        return "the working tree belongs to another user (git: dubious ownership): set owner in sites.toml"
    if "not a git repository" in said.lower():
        return "not a git repository"
    if "password is required" in said or "a terminal is required" in said:
        return "sudo wants a password to run git as the owner"
    if "ambiguous argument 'HEAD'" in said or "unknown revision" in said:
        return "the repository has no commit yet"
    return one_line(said.strip().split("\n")[-1] if said.strip() else "git does not answer", 160)


def _releases(log: bytes, head: str, branch: str, dirty: bool) -> tuple[Release, ...]:
    """One release per commit that was live, by when it last became so; the reflog is newest first."""
    entries = [[one_line(clean_bytes(word, 400), 100) for word in line.split(b"\x1f")] for line in log.split(b"\n")]
    entries = [entry for entry in entries if len(entry) == 4 and _SHA.fullmatch(entry[0])]
    first_live = max((at for at, entry in enumerate(entries) if entry[0] == head), default=-1)  # the oldest time HEAD was live
    found = {head: Release(id=head, commit=head, branch=branch, current=True, marks=("dirty",) if dirty else ())}
    for at, (sha, when, who, _) in enumerate(entries):
        moment = _MOMENT.search(when)
        since = float(moment[1]) if moment else None
        if sha == head and found[head].at is None:
            found[head] = msgspec.structs.replace(found[head], who=who, at=since)
        elif sha not in found:
            found[sha] = Release(id=sha, commit=sha, who=who, at=since, marks=("rolled-back",) if at < first_live else ())
    return tuple(found.values())


def rollback(site: Site, deploys: Deploys, target: str, host: HostFacts) -> tuple[Step, ...]:
    """Check ``target`` out, detached. Not atomic: files change one by one. Raises Refused for a commit that was never live here."""
    settings = site.section("layout", GitSettings)
    known = {release.id: release for release in deploys.releases}
    if target not in known or not _SHA.fullmatch(target):
        raise Refused(msg("commit {id} was never live here", id=one_line(target, 64)), msg("look at the deploys pane for those that were"))
    if target == deploys.current:
        raise Refused(msg("commit {id} is live already", id=target[:12]))

    def git(*argv: str) -> tuple[str, ...]:
        safe = ("git", "-C", settings.path, "-c", f"safe.directory={settings.path}")
        return Command((*safe, *argv), user=settings.user or site.owner).resolved(host)

    live = known.get(deploys.current)
    # Back on the branch, if it was on one: its tip is where we left it.
    back = git("checkout", live.branch, "--") if live and live.branch else git("checkout", "--detach", deploys.current)
    return (
        Step(git("cat-file", "-e", f"{target}^{{commit}}"), msg("the commit must still be in this clone"), undo=NOTHING),
        Step(
            git("checkout", "--detach", target),
            msg("files change one by one; git stops before it if a local change is in the way"),
            undo=back,
        ),
    )


LAYOUT = Layout(id="git", title="git checkout", settings=GitSettings, script=script, read=read, rollback=rollback, atomic=False)
