"""The sh scripts we send and how their output is read back. Pure: no I/O.

Every script goes to ``sh -s`` on its stdin, so no login shell's quoting rules matter, and is one ``{ … }`` group, so a half received one
is a syntax error and does nothing. Stdin stays open behind it: the guard in the script reads there, and ends everything the script
started when the channel closes. It works on dash, bash and BusyBox ash, with or without ``timeout``, ``setsid`` and ``ps -o``.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence

from tui.model.command import HostFacts
from tui.model.sweep import PRELUDE, Ask
from tui.model.text import one_line

COMMAND = "sh -s"
DIRECTORIES = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
TOOLS = ("timeout", "setsid", "stat", "sudo", "runuser", "php", "nice")

_KEYWORDS = frozenset(shlex.split("if then else elif fi do done case esac while until for in function select time coproc"))

ENVIRONMENT = f'LC_ALL=C; PATH="${{PATH:-/bin}}:{DIRECTORIES}"; export LC_ALL PATH'

# Descendants are found by walking parents, not by process group: without a terminal a plain sh gives its jobs no group of their own,
# and `timeout` makes one that a group kill would miss. A guard must not kill itself halfway, hence _sw_me.
_GUARD = r"""
_sw_n='
'
_sw_pairs() {
  if [ -r /proc/1/stat ] || [ -r "/proc/$$/stat" ]; then
    for _sw_f in /proc/[0-9]*/stat; do
      { read -r _sw_l <"$_sw_f"; } 2>/dev/null || continue
      case $_sw_l in *") "*) ;; *) continue ;; esac
      _sw_p=${_sw_l%% *}; _sw_l=${_sw_l##*") "}; _sw_l=${_sw_l#* }
      echo "$_sw_p ${_sw_l%% *}"
    done
  else ps -A -o pid= -o ppid= 2>/dev/null | while read -r _sw_p _sw_q; do echo "$_sw_p $_sw_q"; done; fi
}
_sw_end() {
  trap '' TERM
  _sw_me=$(exec sh -c 'echo $PPID')
  _sw_pids=$(_sw_pairs); _sw_all=" $1 "; _sw_was=
  [ "$1" = $$ ] || case "$_sw_n$_sw_pids$_sw_n" in *"$_sw_n$1 $$$_sw_n"*) ;; *) trap - TERM; return ;; esac
  while [ "$_sw_was" != "$_sw_all" ]; do
    _sw_was=$_sw_all
    while read -r _sw_p _sw_q; do
      case $_sw_all in *" $_sw_p "*) continue ;; esac
      case $_sw_all in *" $_sw_q "*) [ "$_sw_p" = "$_sw_me" ] || _sw_all="$_sw_all$_sw_p " ;; esac
    done <<_SW_PAIRS
$_sw_pids
_SW_PAIRS
  done
  for _sw_p in $_sw_all; do kill "$_sw_p"; done
  sleep 1
  for _sw_p in $_sw_all; do kill -9 "$_sw_p"; done
  trap - TERM
}
""".strip()

# The reader ends single jobs by the pid it is told, and all when its input ends; the clock is for a link that died without a word. Its trap
# says $! because a trap may run right after the fork, before an assignment of ours.
_READER = r"""
( while read -r _sw_pid; do _sw_end "$_sw_pid"; done; _sw_end $$ ) <&5 5<&- >/dev/null 2>&1 &
_sw_reader=$!
""".strip()
_WATCH = rf"""
{_READER}
( trap 'kill "$!"; exit' TERM; sleep @SECONDS@ & wait "$!"; _sw_end $$ ) 5<&- >/dev/null 2>&1 &
_sw_clock=$!
""".strip()

_LEAVE = 'kill "$_sw_reader" "$_sw_clock" 2>/dev/null'

# $1 index, $2 bytes, $3 fragment. head keeps one byte more than asked for, which tells us that it was cut.
_ASK = r"""
_sw_ask() {
  printf '\n%s begin %s\n' "$_sw_m" "$1"
  (
    exec 3>&1 5<&-
    _sw_rc=$( {
      { ( unset _sw_m; eval "$3" ) 2>/dev/null 3>&- 4>&-; printf %s "$?" >&4; } | { head -c "$2" 2>/dev/null || cat; } >&3 4>&-
    } 4>&1 )
    exit "${_sw_rc:-1}"
  ) &
  _sw_job=$!
  printf '%s pid %s %s\n' "$_sw_m" "$1" "$_sw_job" >&2
  wait "$_sw_job"
  printf '\n%s end %s %s\n' "$_sw_m" "$1" "$?"
}
""".strip()


def new_mark() -> str:
    """A word that no text of a store can foretell."""
    return "sw" + secrets.token_hex(16)


def encode(script: str) -> bytes:
    """The bytes to send. Bytes of a name that were not UTF-8 (lone surrogates, ``surrogateescape``) go back as they came."""
    return script.encode("utf-8", "surrogateescape")


def group(body: str) -> str:
    """``body`` as one group that runs only when all of it arrived; its stdin is empty, the channel's is descriptor 5."""
    return f"exec 5<&0\n{{\n{ENVIRONMENT}\n{body}\n}} </dev/null\n"


def sweep(mark: str, asks: Sequence[Ask]) -> bytes:
    """All fragments one after the other, each between marks; a mark with the pid of each goes to stderr."""
    calls = [f"_sw_ask {number} {ask.limit + 1} {shlex.quote(ask.script)}" for number, ask in enumerate(asks)]
    seconds = int(sum(ask.timeout for ask in asks)) + 30
    body = [
        f"_sw_m={mark}", _GUARD, PRELUDE, _ASK, _WATCH.replace("@SECONDS@", str(seconds)),
        r"""printf '\n%s head %s\n' "$_sw_m" "$(date +%s)" """,
        *calls, r"""printf '\n%s done\n' "$_sw_m" """, _LEAVE, "exit 0",
    ]  # fmt: skip
    return encode(group("\n".join(body)))


def look(mark: str, text: str, *, seconds: int, secret: str | None = None) -> bytes:
    """One command line. Both outputs begin after a mark; stdout ends with one that carries the exit code.

    ``secret`` is written to the command's stdin by sh itself, so it is in no process's arguments.
    """
    feed = "" if secret is None else f"printf '%s\\n' {shlex.quote(secret)} | "
    body = [
        f"_sw_m={mark}", _GUARD, _WATCH.replace("@SECONDS@", str(seconds)),
        r"""printf '\n%s begin 0\n' "$_sw_m"; printf '\n%s begin 0\n' "$_sw_m" >&2""",
        f"( exec 5<&-; {feed}{text} ) &", "_sw_job=$!", 'wait "$_sw_job"', "_sw_rc=$?",
        r"""printf '\n%s end 0 %s\n' "$_sw_m" "$_sw_rc"; printf '\n%s end 0 %s\n' "$_sw_m" "$_sw_rc" >&2""",
        _LEAVE, 'exit "$_sw_rc"',
    ]  # fmt: skip
    return encode(group("\n".join(body)))


def stream(mark: str, text: str) -> bytes:
    """One command line whose output follows a mark on both streams; sh ends with its exit code."""
    body = [
        f"_sw_m={mark}", _GUARD, _READER,
        r"""printf '\n%s begin 0\n' "$_sw_m"; printf '\n%s begin 0\n' "$_sw_m" >&2""",
        f"( exec 5<&-; {text} ) &", "_sw_job=$!", 'wait "$_sw_job"', "_sw_rc=$?", 'kill "$_sw_reader" 2>/dev/null', 'exit "$_sw_rc"',
    ]  # fmt: skip
    return encode(group("\n".join(body)))


def join(argv: Sequence[str]) -> str:
    """Words as one command line. ``shlex.join`` leaves a first word alone that sh would read as a keyword or an assignment."""
    first = f"'{argv[0]}'" if ("=" in argv[0] and "'" not in argv[0]) or argv[0] in _KEYWORDS else shlex.quote(argv[0])
    return " ".join([first, *map(shlex.quote, argv[1:])])


def facts(mark: str) -> bytes:
    """Who we are on a host and what it has, as ``key value`` lines. ``mv -T`` is tried on names that do not exist."""
    nowhere = f"/proc/self/{mark}"
    body = [
        f"_sw_m={mark}", r"""printf '\n%s begin 0\n' "$_sw_m" """,
        'echo "user $(id -un)"; echo "uid $(id -u)"; echo "home ${HOME:-$(cd && pwd)}"; echo "now $(date +%s)"; echo "zone $(date +%z)"',
        'echo "name $(hostname 2>/dev/null || uname -n)"',
        f'for _sw_t in {" ".join(TOOLS)}; do command -v "$_sw_t" >/dev/null 2>&1 && echo "tool $_sw_t"; done',
        f'case $(mv -T {nowhere} {nowhere}.new 2>&1) in *"option"*|*"sage:"*) ;; *) echo "mv_dash_t yes" ;; esac',
        r"""printf '\n%s end 0 0\n' "$_sw_m"; exit 0""",
    ]  # fmt: skip
    return encode(group("\n".join(body)))


def read_facts(out: bytes, sent: float, came: float) -> HostFacts:
    """The output of :func:`facts`, asked at ``sent`` and here at ``came`` (Unix seconds)."""
    pairs = [line.partition(" ") for line in out.decode("utf-8", "surrogateescape").splitlines()]
    said = {key: value.strip() for key, _, value in pairs if key != "tool"}
    tools = frozenset(value.strip() for key, _, value in pairs if key == "tool")
    now, uid = said.get("now", ""), said.get("uid", "")
    zone = re.fullmatch(r"([+-])([0-9]{2})([0-9]{2})", said.get("zone", ""))
    offset = 0 if zone is None else (int(zone[2]) * 3600 + int(zone[3]) * 60) * (-1 if zone[1] == "-" else 1)
    return HostFacts(
        one_line(said.get("user", "")), int(uid) if uid.isdecimal() else -1, said.get("home", ""), tools, "mv_dash_t" in said, offset,
        skew(int(now), sent, came) if now.isdecimal() else 0.0, one_line(said.get("name", "")),
    )  # fmt: skip


def skew(host: int, sent: float, came: float) -> float:
    """Host clock minus ours in seconds, 0.0 when the two may be equal: ``host`` is whole seconds, read at some time in between."""
    if sent <= host + 1 and host <= came:
        return 0.0
    return round(host + 0.5 - (sent + came) / 2, 1)


def between(data: bytes, mark: str, number: int = 0) -> tuple[bytes, int | None] | None:
    """What stands between the marks of ``number``, and the exit code there; code None when the end mark is missing; None when it never
    began."""
    begin = f"\n{mark} begin {number}\n".encode()
    start = data.find(begin)
    if start < 0:
        return None
    rest = data[start + len(begin) :]
    end = re.search(f"\n{mark} end {number} ([0-9]+)\n".encode(), rest)
    return (rest, None) if end is None else (rest[: end.start()], int(end[1]))
