"""Dump files in a folder, plain or compressed (mysqldump, mariadb-dump, wp db export; checked with MariaDB 10.11 and gzip 1.12).

A whole dump ends in ``-- Dump completed …``. ``gzip -dc`` exits 0 (whole), 1 (broken) or 2 (whole, with
something behind it); 2 of bzip2 means broken.
"""

from __future__ import annotations

import re

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from tui.model.duration import Duration
from tui.model.failure import Failure, ReachError
from tui.model.message import msg
from tui.model.shop import Backup, Vault
from tui.model.site import Site
from tui.model.sweep import words
from tui.model.text import clean_bytes, one_line

LATE = 1.1
"""A backup may be a tenth older than its goal: a nightly job does not end to the minute."""

WRITING = 60.0
"""Seconds after its last change in which a file that is not known to be whole counts as still being written."""

_MOST = 1000  # files looked at


class DumpSettings(BaseModel):
    """Keys beside ``vault = "dump"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="the dump files, with wildcards", pattern=r"^/")
    full: Duration = Field(86_400.0, gt=0, description="a full backup older than this is stale")
    incremental: Duration | None = Field(None, description="an incremental backup older than this is stale")
    incremental_path: str | None = Field(
        None, pattern=r"^/", description="the incremental files, with wildcards; without it those with incr in their name"
    )
    trailer: bool = Field(
        True, description="whole dumps end in '-- Dump completed'; false for dumps made with --compact or --skip-comments"
    )
    user: str | None = Field(None, description="who may read the files, when the login user may not")
    check: Duration = Field(1800.0, description="longest time one check from end to end may take on the host")


# One file: kind, name, "size mtime", last bytes of a plain dump, each ended by NUL. IFS is empty: a pattern with spaces is one word.
_LIST = r"""
IFS=
size() { IFS=' '; set -- $(ls -Lnd "$1"); echo "$5"; }
list() {
  kind=$1 d=${2%%[*?[]*}; d=${d%/*}/; left=$3
  if [ ! -d "$d" ]; then printf '%s\0' folder absent; elif [ ! -r "$d" ] || [ ! -x "$d" ]; then printf '%s\0' folder denied; fi
  set -- $2
  [ "$#" -le "$left" ] || shift "$(($# - left))"
  for f do
    [ -f "$f" ] || continue
    s=$(stat -L -c '%s %Y' "$f" 2>/dev/null) || s="$(size "$f") $(date -r "$f" +%s)"
    t=; case $f in *.sql | *.dump) t=$(tail -c 300 "$f" | tr -d '\000') ;; esac
    printf '%s\0' "$kind" "$f" "$s" "$t"
  done
}
list full "$1" "$3"
[ -z "$2" ] || list incremental "$2" "$3"
printf 'now\0%s\0end' "$(date +%s)"
"""

_CHECK = r"""
exec 4>&1
case $1 in *.gz) d='gzip -dc' ;; *.zst) d='zstd -dcq' ;; *.xz) d='xz -dc' ;; *.bz2) d='bzip2 -dc' ;; *) d=cat ;; esac
command -v "${d%% *}" >/dev/null || { printf '\0tool %s\0end' "${d%% *}"; exit 0; }
n=; if command -v nice >/dev/null; then n='nice -n 19'; fi
if command -v ionice >/dev/null && ionice -c 3 true 2>/dev/null; then n="$n ionice -c 3"; fi
code() { if [ "$d$1" = 'gzip -dc2' ]; then echo 0; else echo "$1"; fi; }
e=$({ { $n $d <"$1"; printf '\n%s' "$(code "$?")" >&2; } | tail -c 300 | tr -d '\000' >&4; } 2>&1 | tail -c 600)
[ "$2" = 1 ] || printf '\n-- Dump completed (not asked for)'
printf '\0%s\0end' "$e"
"""

_TRAILER = re.compile(rb"(?m)^-- Dump completed")
_PLAIN = (".sql", ".dump")


def script(site: Site) -> str:
    settings = site.section("vault", DumpSettings)
    argv = words("sh", "-c", _LIST, "sh", settings.path, settings.incremental_path or "", str(_MOST))
    return f"as_owner {words(settings.user or '')} 20 {argv} 2>/dev/null"


def read(site: Site, out: bytes, now: float) -> tuple[Backup, ...]:
    """Backups, newest first. Only the newest of each kind can be FRESH or STALE. Raises ValueError when garbled, ReachError when denied."""
    settings = site.section("vault", DumpSettings)
    fields = out.split(b"\0")
    if len(fields) < 3 or fields[-1].strip() != b"end" or fields[-3] != b"now":
        raise ValueError("no list of backups")
    if fields[-2].isdigit() and len(fields[-2]) < 12:
        now = float(fields[-2])  # the host's own clock, which dated the files
    found: dict[str, Backup] = {}
    at, end = 0, len(fields) - 3
    while at < end:
        if fields[at] == b"folder" and at + 2 <= end:
            if fields[at + 1] == b"denied":
                raise ReachError(_denied(settings))
            at += 2
        elif fields[at] in (b"full", b"incremental") and at + 4 <= end:
            backup = _backup(settings, fields[at : at + 4], now)
            found[backup.name] = backup
            at += 4
        else:
            raise ValueError("a list of backups that is garbled")
    return judged(settings, sorted(found.values(), key=lambda backup: (-backup.at, backup.name)), now)


def _denied(settings: DumpSettings) -> Failure:
    message = msg("the backups at {path} may not be read", path=one_line(settings.path, 120))
    remedy = msg("let the login user read that folder, or name one who may as user beside vault in sites.toml")
    return Failure(step="command", kind="denied", message=message, remedy=remedy)


def _backup(settings: DumpSettings, row: list[bytes], now: float) -> Backup:
    kind, (name, figures, tail) = row[0].decode(), row[1:]
    size, _, moment = figures.partition(b" ")
    if not (size.isdigit() and moment.isdigit() and len(size) < 19 and len(moment) < 12):
        raise ValueError("a backup without size or time")
    text = name.decode("utf-8", "backslashreplace")
    if settings.incremental_path is None and "incr" in text.rpartition("/")[2].lower():
        kind = "incremental"
    backup = Backup(name=text, size=int(size), at=float(moment), kind=kind)
    if backup.size == 0:
        return _with(backup, "PARTIAL", "the file is empty", now)
    if text.endswith(_PLAIN) and settings.trailer:
        if _TRAILER.search(tail):
            return _with(backup, "FRESH", "", now)
        return _with(backup, "PARTIAL", "the end of the dump is missing", now)
    return _with(backup, "UNVERIFIED", "", now)


def _with(backup: Backup, state: str, note: str, now: float) -> Backup:
    if state != "FRESH" and now - backup.at < WRITING:
        state, note = "UNVERIFIED", "being written"
    return msgspec.structs.replace(backup, state=state, note=note)


def judged(settings: DumpSettings, backups: list[Backup], now: float) -> tuple[Backup, ...]:
    """States by age: what is whole is FRESH or STALE; what nobody has checked is STALE only where it is the newest of its kind."""
    goals = {"full": settings.full, "incremental": settings.incremental}
    seen: set[str] = set()
    found = []
    for backup in backups:
        goal = goals[backup.kind]
        old = goal is not None and now - backup.at > goal * LATE
        newest = backup.note != "being written" and backup.kind not in seen
        if newest:
            seen.add(backup.kind)
        stale = old and (backup.state == "FRESH" or (newest and backup.state == "UNVERIFIED"))
        found.append(msgspec.structs.replace(backup, state="STALE" if stale else backup.state))
    return tuple(found)


def check_script(site: Site, name: str) -> str:
    """Reads the whole file, as the last in the queue for processor and disk."""
    settings = site.section("vault", DumpSettings)
    seconds = str(int(settings.check))
    trailer = "1" if settings.trailer and ".sql" in name.rpartition("/")[2].lower() else "0"
    return f"as_owner {words(settings.user or '')} {seconds} {words('sh', '-c', _CHECK, 'sh', name, trailer)} 2>/dev/null"


def check_read(out: bytes) -> tuple[str, str]:
    """``FRESH`` (whole), ``PARTIAL`` (no trailer), ``CORRUPT`` or ``UNVERIFIED`` (could not be checked), and why."""
    fields = out.split(b"\0")
    if len(fields) != 3 or fields[2].strip() != b"end":
        raise ValueError("the check of the backup did not end")
    tail, said = fields[0], fields[1]
    if said.startswith(b"tool "):
        return "UNVERIFIED", f"the host has no {one_line(clean_bytes(said[5:], 40))}"
    words_said, _, code = said.rpartition(b"\n")
    if code == b"0":
        return ("FRESH", "") if _TRAILER.search(tail) else ("PARTIAL", "the end of the dump is missing")
    if code in (b"124", b"137", b"143", b""):
        return "UNVERIFIED", "the check was ended before it was done"
    if b"ermission denied" in words_said:
        return "UNVERIFIED", "the file may not be read"
    return "CORRUPT", one_line(clean_bytes(words_said.strip().rpartition(b"\n")[2], 160)) or "it cannot be unpacked"


VAULT = Vault(
    id="dump", title="dump files", settings=DumpSettings, script=script, read=read, check_script=check_script, check_read=check_read
)
