"""What a probe asks of a host, and what came back."""

from __future__ import annotations

import shlex

import msgspec

PRELUDE = r"""
as_owner() {
  _o=$1; _t=$2; shift 2
  if command -v timeout >/dev/null 2>&1; then set -- timeout -k 5 "$_t" "$@"; fi
  if [ -z "$_o" ] || [ "$(id -un)" = "$_o" ]; then "$@"
  elif [ "$(id -u)" = 0 ]; then runuser -u "$_o" -- "$@"
  else sudo -n -u "$_o" -- "$@"; fi </dev/null
}
""".strip()
"""Shell functions every fragment may use: ``as_owner OWNER SECONDS WORD…`` runs words as the shop's owner."""


class Ask(msgspec.Struct, frozen=True):
    """What a probe wants run on the site's host: a POSIX sh fragment for dash, bash and BusyBox (see ``PRELUDE``).

    ``every``: seconds until it is due again. ``timeout``: seconds for the fragment alone. ``limit``: bytes of output kept.
    ``heavy``: starts an interpreter or reads much; one at a time per host, in an exec of its own so that it slows only itself.
    Words that come from outside are put in only through :func:`words`.
    """

    script: str
    every: float
    timeout: float = 10.0
    limit: int = 262_144
    heavy: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What a fragment printed. ``complete``: its end mark was seen. ``cut``: output was longer than the limit.
    ``at``: Unix seconds (room) when the answer arrived; ``skew``: host clock minus ours in seconds, None if not asked."""

    out: bytes
    exit: int | None
    at: float
    took: float = 0.0
    complete: bool = True
    cut: bool = False
    skew: float | None = None


def words(*argv: str) -> str:
    """Quote words for a fragment. The only way in which a name may enter a script."""
    return shlex.join(argv)
