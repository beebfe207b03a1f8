"""How a step is kept on its host. Pure: scripts out, states in.

``~/.storewatch/runs/RUN/STEP/`` (0700) holds ``plan`` (hash), ``argv`` (the command line), ``go`` (what runs it), ``lock``, ``out``,
``err`` and, once it ended, ``exit``. ``go`` runs in a process session of its own and makes ``lock`` first: a symlink whose text is
``PID.START``. Making it is one atomic act that only one process can do, so however often a step is started, it runs once; and the
kernel's start time tells its process from a later one with the same number.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from tui.model.plan import Plan
from tui.model.reach import StepState
from tui.reach import script

KEEP_DAYS = 30
TAIL = 65_536
"""Bytes of each output read back."""
_RUN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")

# `code` is written before the step begins, so that the exit code still fits on a disk that is full by then.
_GO = r"""
trap '' HUP
d=${0%/*}; s=0
if { read -r l <"/proc/$$/stat"; } 2>/dev/null; then l=${l##*") "}; set -- $l; s=${20}; fi
ln -s "$$.$s" "$d/lock" 2>/dev/null || exit 0
cd "${HOME:-/}" || cd /
@COMMAND@ </dev/null >>"$d/out" 2>>"$d/err"
printf '%03d\n' "$?" 1<>"$d/code" && mv "$d/code" "$d/exit"
""".strip()

_STATE = r"""
_j_alive() {
  _j_l=$(ls -ld "$_j_d/lock" 2>/dev/null); _j_l=${_j_l##*-> }; _j_p=${_j_l%%.*}; _j_s=${_j_l##*.}
  [ -n "$_j_p" ] || return 1
  if [ ! -r "/proc/$$/stat" ]; then kill -0 "$_j_p" 2>/dev/null; return; fi
  if { read -r _j_l <"/proc/$_j_p/stat"; } 2>/dev/null; then
    set -- ${_j_l##*") "}; [ "${20}" = "$_j_s" ] && [ "$1" != Z ] && return 0
  fi
  for _j_f in /proc/[0-9]*/stat; do
    { read -r _j_l <"$_j_f"; } 2>/dev/null || continue
    set -- ${_j_l##*") "}; [ "$4" = "$_j_p" ] && [ "$1" != Z ] && return 0
  done
  return 1
}
_j_state() {
  if [ ! -L "$_j_d/lock" ]; then echo none
  elif [ -e "$_j_d/exit" ]; then echo "exit $(cat "$_j_d/exit")"
  elif _j_alive; then echo running
  elif [ -e "$_j_d/exit" ]; then echo "exit $(cat "$_j_d/exit")"
  else echo gone; fi
}
_j_tail() { tail -c @TAIL@ "$1" 2>/dev/null || head -c @TAIL@ "$1" 2>/dev/null || cat "$1"; }
""".strip().replace("@TAIL@", str(TAIL))

_START = r"""
if [ -e "$_j_d/plan" ] && [ "$(cat "$_j_d/plan")" != @HASH@ ]; then _j_say='other plan'
elif [ ! -L "$_j_d/lock" ]; then
  _j_say=$( {
    umask 077; trap '' HUP PIPE
    if [ ! -d "$_j_b/@RUN@" ] && mkdir -p "$_j_b" && chmod 700 "$_j_b"; then
      find "$_j_b" -mindepth 1 -maxdepth 1 -mtime +@DAYS@ -exec rm -rf {} \; 2>/dev/null
    fi
    mkdir -p "$_j_d" && printf %s @ARGV@ >"$_j_d/argv" && : >>"$_j_d/out" && : >>"$_j_d/err" &&
    { [ -s "$_j_d/code" ] || [ -e "$_j_d/exit" ] || echo 000 >"$_j_d/code"; } &&
    printf %s @GO@ >"$_j_d/go.$$" && mv "$_j_d/go.$$" "$_j_d/go" &&
    printf %s @HASH@ >"$_j_d/plan.$$" && mv "$_j_d/plan.$$" "$_j_d/plan" || echo failed
  } 2>&1 )
  case $_j_say in *failed) ;; *) _j_say= ;; esac
  if [ -z "$_j_say" ]; then
    if command -v setsid >/dev/null 2>&1; then setsid sh "$_j_d/go" </dev/null >/dev/null 2>&1 5<&- &
    elif command -v nohup >/dev/null 2>&1; then nohup sh "$_j_d/go" </dev/null >/dev/null 2>&1 5<&- &
    else ( trap '' HUP; exec sh "$_j_d/go" ) </dev/null >/dev/null 2>&1 5<&- & fi
  fi
fi
""".strip()

_WAIT = r"""
_j_i=0
while [ -z "$_j_say" ] && [ "$_j_i" -lt @TURNS@ ] && [ ! -e "$_j_d/exit" ]; do
  _j_i=$((_j_i + 1))
  if [ "$_j_i" -le 20 ]; then sleep 0.05 2>/dev/null || sleep 1; else sleep 0.3 2>/dev/null || sleep 1; fi
  case $((_j_i % 10)) in 0) case $(_j_state) in gone) break ;; esac ;; esac
done
""".strip()

_TELL = r"""
_j_now=$(_j_state)
printf '\n%s begin 0\n%s\n%s\n%s end 0 0\n' "$_sw_m" "$_j_now" "$_j_say" "$_sw_m"
case $_j_now in @QUIET@) ;; *)
  printf '\n%s begin 1\n' "$_sw_m"; [ ! -e "$_j_d/out" ] || _j_tail "$_j_d/out"; printf '\n%s end 1 0\n' "$_sw_m"
  printf '\n%s begin 2\n' "$_sw_m"; [ ! -e "$_j_d/err" ] || _j_tail "$_j_d/err"; printf '\n%s end 2 0\n' "$_sw_m" ;;
esac
printf '\n%s begin 3\n\n%s end 3 0\n' "$_sw_m" "$_sw_m"
exit 0
""".strip()


def folder(run: str, step: int | None = None) -> str:
    """Lines that set ``_j_b`` and ``_j_d``. Raises ValueError when ``run`` is not a plain id."""
    if not _RUN.fullmatch(run):
        raise ValueError(f"not a run id: {run!r}")
    below = f"{run}/{int(step)}" if step is not None else run
    return f'_j_b="${{HOME:-$(cd && pwd)}}/.storewatch/runs"; _j_d="$_j_b/{below}"; _j_say='


def start(mark: str, plan: Plan, run: str, step: int, argv: Sequence[str], turns: int) -> bytes:
    """Start the step unless it was started, then watch it for at most ``turns`` turns (20 of 0.05 s, then of 0.3 s)."""
    command = script.join(argv)
    go = _GO.replace("@COMMAND@", command)
    values = {"RUN": run, "DAYS": str(KEEP_DAYS), "HASH": plan.hash, "GO": shlex.quote(go), "ARGV": shlex.quote(command)}
    filled = re.sub("@([A-Z]+)@", lambda found: values[found[1]], _START)
    body = [f"_sw_m={mark}", folder(run, step), _STATE, filled, _WAIT.replace("@TURNS@", str(turns)), _TELL.replace("@QUIET@", "running")]
    return script.encode(script.group("\n".join(body)))


def look_back(mark: str, run: str, step: int) -> bytes:
    """Say how the step stands."""
    body = [f"_sw_m={mark}", folder(run, step), _STATE, _TELL.replace("@QUIET@", "none")]
    return script.encode(script.group("\n".join(body)))


def forget(mark: str, run: str) -> bytes:
    """Remove a run's folder."""
    body = [f"_sw_m={mark}", folder(run), _STATE, 'rm -rf "$_j_d"', _TELL.replace("@QUIET@", "none")]
    return script.encode(script.group("\n".join(body)))


def is_whole(out: bytes, mark: str) -> bool:
    """Whether the host said all it had to say."""
    return script.between(out, mark, 3) is not None


def read(out: bytes, mark: str, step: int) -> tuple[StepState, str]:
    """The state, and what kept the journal from being written ("" if nothing did)."""
    found = script.between(out, mark, 0)
    state, _, trouble = (found[0] if found else b"").decode("utf-8", "replace").partition("\n")
    outputs = [(script.between(out, mark, number) or (b"", None))[0] for number in (1, 2)]
    code = int(state[5:]) if state.startswith("exit ") and state[5:].strip().isdecimal() else None
    return StepState(step, state not in ("none", ""), state == "running", code, outputs[0], outputs[1]), trouble.strip()
