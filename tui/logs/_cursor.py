"""Reading a log on a host from where we stopped: nothing lost and nothing doubled, through rotation and lost connections.

The host decides where to go on, in one fragment of POSIX sh; :func:`read` only takes its answer apart. What marks a place in a file is
its inode and a checksum of up to 256 bytes before the place, so that a file that was truncated and has grown past the place again is still
found out. Rotation by rename: the old file is finished first (``NAME.1``, ``NAME.2``, ``NAME-20261122`` …), and it is left only when its
successor has something in it, because until the writer is told to reopen, it goes on writing into the old one. copytruncate: the copy is
known by the checksum and finished likewise. Lines that a writer adds between copy and truncate are lost on the host itself (logrotate(8)
says so), and so is what came and went while the file was empty at our last look.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shlex
import zlib

import msgspec

from tui.model.text import clean_bytes, one_line

OVERHEAD = 4096
"""Bytes that an answer may be longer than the limit given to :func:`fragment`; for ``Ask.limit``."""

WINDOW = 65_536
"""Bytes before the end where a first look starts, unless more lines are wanted."""

BEHIND = 67_108_864
"""Bytes of backlog that are caught up with unless the caller says otherwise; more is left out, and said so."""

_BEFORE = 256  # bytes covered by the checksum


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in a file. ``dev`` 0: not known (no ``stat`` on the host). ``digest``: :func:`checksum` of the bytes before ``offset``.
    ``inode`` 0: the file was not there; whatever appears is new from its first byte."""

    dev: int
    inode: int
    offset: int
    digest: str = ""


class CursorRead(msgspec.Struct, frozen=True):
    """What a look brought. ``data``: whole lines, in order; a line longer than the limit comes in pieces. ``cursor``: give it to the next
    :func:`fragment` (also when ``missing``). ``gap``: bytes may have been lost or were left out (``skipped`` of them, where known).
    ``rotated``: another file took over since the last look. ``missing``: why nothing could be read: "" ``absent denied folder tools``, with
    ``detail`` for people (who we are there and the file's owner and mode; the folder that is not there; the tool). ``more``: there is more
    to read at once."""

    data: bytes
    cursor: Cursor | None
    gap: bool = False
    rotated: bool = False
    missing: str = ""
    more: bool = False
    skipped: int = 0
    detail: str = ""


# d i s: device, inode, size of the file on fd 3. co cl: offset of the cursor and length of what its checksum covers. L: bytes left to send.
# same: the copy is made and the original not truncated yet, so that what we have read from the one is still in the other.
# Why dd: it seeks, exactly and also in BusyBox, whose `tail -c +N` reads a 10 GB file from its first byte.
_BODY = r"""
has() { command -v "$1" >/dev/null 2>&1; }
say() { printf '\n@%s %s\n' "$m" "$*"; }
ident() {
  q=/proc/self/fd/3; [ -e "$q" ] || q=$1
  set -- $(stat -L -c '%d %i %s' "$q" 2>/dev/null)
  [ $# = 3 ] || { set -- $(ls -Lnid "$q" 2>/dev/null); set -- 0 "${1:-0}" "${6:-0}"; }
  d=$1 i=$2 s=$3
}
bytes() {
  if has dd; then { dd bs=1 skip="$1" count=0 2>/dev/null; head -c "$2"; } <"$q"
  else tail -c +"$(($1 + 1))" <"$q" | head -c "$2"; fi
}
sum() { set -- $(bytes "$1" "$2" | "$h"); echo "$1"; }
fits() { [ "$s" -ge "$co" ] && { [ "$cl" = 0 ] || [ "$(sum $((co - cl)) "$cl")" = "$want" ]; }; }
strong() { [ "$cl" -ge 64 ] || { [ "$cl" -gt 0 ] && [ "$cl" = "$co" ]; }; }
part() {
  b=$(($2 < 256 ? $2 : 256)) n=$((s - $2)); [ "$n" -le "$L" ] || n=$L
  say part "$1" "$d" "$i" "$2" "$b" "$n" "$s"
  { [ "$n" = 0 ] && [ "$2" = "$co" ]; } || bytes $(($2 - b)) $((b + n)) || bad='head -c'
  L=$((L - n))
}
from() {
  if [ "$B" -gt 0 ] && [ $((s - $2)) -gt "$B" ]; then say note skipped $((s - L - $2)); part jump $((s - L)); else part "$1" "$2"; fi
}
ours() { [ "$i" = "$ci" ] && { [ "$d" = "$cd" ] || [ "$d" = 0 ] || [ "$cd" = 0 ]; }; }
here() {
  ident "$p"
  if [ "$co" -lt 0 ]; then
    f=$((s - W)); [ "$f" -ge 0 ] || f=0; L=$W; part first "$f"
  elif ours && fits; then from here "$co"
  else return 1; fi
}
search() {
  o=
  for c in "$p".[0-9] "$p".[0-9][0-9] "$p"-[0-9]*[0-9]; do
    [ -f "$c" ] && [ -r "$c" ] || continue
    r=$({ ident "$c"; if fits; then if ours; then echo inode; elif strong; then echo sum; fi; fi; } 3<"$c")
    if [ "$r" = inode ]; then o=$c; break; fi
    [ "$r" != sum ] || [ -n "$o" ] || o=$c
  done
  [ -n "$o" ]
}
after() {
  x=$p
  case $o in
  "$p"-*) for c in "$p"-[0-9]*[0-9]; do [ "$x" != "$o" ] || { x=$c; return; }; [ "$c" != "$o" ] || x=$c; done; [ "$x" != "$o" ] || x=$p ;;
  *) k=${o##*.}; k=${k#0}; k=$((${k:-0} - 1)); [ ! -f "$p.$k" ] || x=$p.$k ;;
  esac
}
finish() {
  ident "$o"; e=$s l=$((s < 256 ? s : 256)) z=
  if [ "$B" -gt 0 ] && [ $((s - co)) -gt "$B" ]; then say note skipped $((s - co)); part old "$s"
  else part old "$co"; [ $((s - co)) -le "$n" ] || return 1; fi
  [ "$l" -lt 64 ] || z=$(sum $((e - l)) "$l")
}
same() {
  [ -n "$z" ] && [ "$s" -ge "$e" ] && [ "$(sum $((e - l)) "$l")" = "$z" ] || return 1
  [ "$e" -gt 67108864 ] || [ "$(sum 0 "$e")" = "$({ ident "$o"; sum 0 "$e"; } 3<"$o")" ]
}
succeed() {
  ident "$x"
  if same; then part here "$e"
  elif [ "$x" = "$p" ]; then from new 0
  else say part new "$d" "$i" 0 0 0 "$s"; fi
}
fresh() {
  ident "$p"
  if strong && fits; then from here "$co"; return; fi
  [ "$ci" = 0 ] || say note gap
  from new 0
}
gone() { if [ -d "${p%/*}/" ]; then say end absent; else say end absent "${p%/*}"; fi; }
why() {
  if [ -d "$p" ]; then say end folder; return; fi
  c=$p
  if [ ! -e "$p" ]; then
    while c=${c%/*}; [ -n "$c" ] && [ ! -e "$c" ]; do :; done
    if [ -z "$c" ] || [ ! -d "$c" ] || [ -x "$c" ]; then gone; return; fi
  fi
  say end denied "$(id -un)" "$(id -Gn)" '|' "$(ls -ld "$c" 2>&1)"
}
look() {
  h=sha256sum want=$cs; has "$h" || { h=cksum want=$ck; }
  for c in head "$h"; do has "$c" || { say end tools "$c"; return; }; done
  has dd || printf x | tail -c +1 >/dev/null 2>&1 || { say end tools dd; return; }
  if [ -f "$p" ] && [ -r "$p" ] && here 3<"$p"; then say end ${bad:+tools "$bad"}; return; fi
  if [ "$co" -lt 0 ] || { [ -e "$p" ] && [ ! -r "$p" ]; } || [ -d "$p" ]; then why; return; fi
  if [ -s "$p" ]; then full=1; else full=; fi
  if [ "$ci" != 0 ] && search; then
    after
    if finish 3<"$o" && { [ "$x" != "$p" ] || [ -n "$full" ]; } && [ -r "$x" ]; then succeed 3<"$x"; fi
  elif [ -f "$p" ] && [ -r "$p" ]; then fresh 3<"$p"
  else why; return; fi
  if [ -e "$p" ]; then say end ${bad:+tools "$bad"}; else gone; fi
}
look
"""


def fragment(path: str, cursor: Cursor | None, limit: int, lines: int = 0, behind: int = BEHIND) -> str:
    """The POSIX sh that reads ``path`` on from ``cursor``, at most ``limit`` bytes, for dash, bash and BusyBox.

    Without a cursor: the last ``lines`` whole lines, within 64 KiB of the end (more when ``lines`` asks for it, never above ``limit``);
    with ``lines`` 0 nothing but the place. ``behind``: when more than so many bytes wait, leave out all but the last ``limit`` (0: never).
    Each call has a random mark of its own, so that a log cannot forge the frame around it.
    """
    window = min(limit, max(WINDOW, lines * 512)) if lines else min(limit, 4096)
    length, sha, crc = cursor.digest.split(":") if cursor and cursor.digest else ("0", "", "0")
    place = f"{cursor.dev} {cursor.inode} {cursor.offset} {cursor.digest or '-'}" if cursor else "-"
    setting = (
        f"m={secrets.token_hex(8)} p={shlex.quote(path)} L={int(limit)} W={window} B={int(behind)} bad= n=0\n"
        f"cd={int(cursor.dev) if cursor else 0} ci={int(cursor.inode) if cursor else 0} co={int(cursor.offset) if cursor else -1}"
        f" cl={int(length)} cs={shlex.quote(sha)} ck={int(crc)}\n"
        f"printf '@%s cursor {int(limit)} {int(lines)} {place}\\n' \"$m\""
    )
    return f"(\n{setting}{_BODY})"


_FIRST = re.compile(
    rb"@([0-9a-f]{16}) cursor (\d{1,18}) (\d{1,9}) (?:-|(\d{1,20}) (\d{1,20}) (\d{1,18}) (-|\d{1,3}:[0-9a-f]{64}:\d{1,10}))\n"
)
_PART = re.compile(rb"part (old|new|here|first|jump) (\d{1,20}) (\d{1,20}) (\d{1,18}) (\d{1,3}) (\d{1,18}) (\d{1,18})\Z")
_END = re.compile(rb"end ?(absent|denied|folder|tools)?(?: (.*))?\Z", re.DOTALL)


class _Part(msgspec.Struct, frozen=True):
    kind: str
    dev: int
    inode: int
    start: int
    before: bytes
    body: bytes
    asked: int
    size: int


def read(out: bytes) -> CursorRead:
    """Take apart what :func:`fragment` printed. Raises ValueError when it is not that, or not all of it."""
    first = _FIRST.match(out)
    if first is None:
        raise ValueError("no answer of a log cursor")
    place = first.group(4, 5, 6, 7)
    cursor = None if place[0] is None else Cursor(int(place[0]), int(place[1]), int(place[2]), place[3].decode().strip("-"))
    sections = out[first.end() :].split(b"\n@" + first.group(1) + b" ")
    end = _END.match(sections[-1].rstrip(b"\n"))
    if end is None or sections[0]:
        raise ValueError("the answer of the log cursor has no end")
    notes, parts = _sections(sections[1:-1])
    missing = (end.group(1) or b"").decode()
    if missing == "absent" and cursor is None:
        cursor = Cursor(0, 0, 0)
    found = _assemble(parts, cursor, lines=int(first.group(3)))
    skipped = sum(int(note[8:]) for note in notes if note.startswith(b"skipped ") and note[8:].isdigit())
    return msgspec.structs.replace(
        found,
        gap=skipped > 0 or b"gap" in notes,
        rotated=b"gap" in notes or _another(cursor, found.cursor),
        missing=missing,
        skipped=skipped,
        detail=one_line(clean_bytes(end.group(2) or b"", 600), 300),
    )


def _another(old: Cursor | None, new: Cursor | None) -> bool:
    if old is None or new is None or old.inode == 0:
        return False
    return new.inode != old.inode or new.offset < old.offset


def _sections(sections: list[bytes]) -> tuple[list[bytes], list[_Part]]:
    notes, parts = [], []
    for section in sections:
        head, _, raw = section.partition(b"\n")
        if head.startswith(b"note "):
            notes.append(head[5:])
            continue
        match = _PART.match(head)
        if match is None:
            raise ValueError("a part of the log cursor's answer is garbled")
        dev, inode, start, before, asked, size = (int(figure) for figure in match.groups()[1:])
        parts.append(_Part(match.group(1).decode(), dev, inode, start, raw[:before], raw[before:], asked, size))
    return notes, parts


def _assemble(parts: list[_Part], cursor: Cursor | None, lines: int) -> CursorRead:
    data: list[bytes] = []
    more = False
    for number, part in enumerate(parts):
        left = number + 1 < len(parts)  # its successor has begun: what is here is all there will be
        taken, used = _take(part, lines, left)
        data.append(taken)
        cursor = _moved(part, used, cursor)
        more = part.start + part.asked < part.size
    more = more or (bool(parts) and parts[-1].kind == "new" and parts[-1].asked == 0 and parts[-1].size > 0)
    return CursorRead(b"".join(data), cursor, more=more)


def _take(part: _Part, lines: int, left: bool) -> tuple[bytes, int]:
    """The whole lines of a part and how many of its bytes they use up."""
    body = part.body
    skip = 0
    if part.kind in ("first", "jump") and part.start > 0 and not part.before.endswith(b"\n"):
        skip = body.find(b"\n") + 1 or len(body)  # we fell into the middle of a line
    end = body.rfind(b"\n") + 1
    if left and part.kind == "old":
        return (body + b"\n" if body and not body.endswith(b"\n") else body), len(body)
    full = len(body) == part.asked and part.start + part.asked < part.size
    if end <= skip and (full or skip == len(body)):
        end = len(body)  # one line longer than the limit: in pieces
    taken = body[skip:end]
    return (_last(taken, lines) if part.kind == "first" else taken), end


def _last(data: bytes, lines: int) -> bytes:
    if lines <= 0:
        return b""
    at = len(data)
    for _ in range(lines + 1):
        at = data.rfind(b"\n", 0, at)
        if at < 0:
            return data
    return data[at + 1 :]


def _moved(part: _Part, used: int, before: Cursor | None) -> Cursor:
    offset = part.start + used
    if before is not None and offset == before.offset and not part.before and not used:
        digest = before.digest if offset else ""
    else:
        digest = checksum((part.before + part.body[:used])[-_BEFORE:])
    return Cursor(part.dev, part.inode, offset, digest)


_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def checksum(data: bytes) -> str:
    """``LENGTH:SHA256:CKSUM``, "" for no data. Both, because BusyBox may lack the one and BSD the other. CKSUM as the utility cksum of
    POSIX.1-2017 (CRC-32 of 0x04C11DB7 over the data and then its length); zlib's CRC is the same one bit-reversed."""
    if not data:
        return ""
    size = len(data)
    tail = size.to_bytes((size.bit_length() + 7) // 8, "little")
    crc = zlib.crc32((data + tail).translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return f"{size}:{hashlib.sha256(data).hexdigest()}:{int(f'{crc:032b}'[::-1], 2) ^ 0xFFFFFFFF}"
