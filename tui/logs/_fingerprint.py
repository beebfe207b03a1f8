"""What makes two records the same fault, and who is to blame."""

from __future__ import annotations

import hashlib
import re

_READ = 1024  # bytes of a message that make its fingerprint

_RELEASE = re.compile(rb"/releases/[^/\s\"']{1,255}(?=/)")
_QUOTED = re.compile(rb"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|(?<!\w)`[^`\n]*`")
_ID = re.compile(rb"\b(?:0x[0-9A-Fa-f]+|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|(?=[A-Fa-f]{0,39}\d)[0-9A-Fa-f]{8,})\b")
_NUMBER = re.compile(rb"\d+(?:[.,:]\d+)*")
_SPACE = re.compile(rb"\s+")

_EXTENSION = re.compile(rb"/(?:wp-content|web/app)/(plugins|themes|mu-plugins)/([^/\s:;,'\"()<>]{1,255})")
_FILE = re.compile(rb"(?: in | at |^)(/[^\s:;,'\"()<>]{1,1024}?\.\w{1,8})(?=:\d|\(\d| on line )")
_INSIDE = re.compile(rb"^.*/(?:releases/[^/]+|current)/")
_KINDS = {b"plugins": b"plugin", b"themes": b"theme", b"mu-plugins": b"mu-plugin"}


def shape(message: bytes) -> bytes:
    """``message`` without what differs between two sights of one fault: numbers, ids, addresses, release folders, quoted values."""
    text = _RELEASE.sub(b"/releases/*", message[:_READ])
    text = _QUOTED.sub(b"*", text)
    text = _ID.sub(b"*", text)
    text = _NUMBER.sub(b"0", text)
    return _SPACE.sub(b" ", text).strip()


def fingerprint(level: str, message: bytes) -> str:
    """16 hexadecimal digits, equal for records of one level whose :func:`shape` is equal."""
    return hashlib.blake2b(shape(message), digest_size=8, key=level.encode()).hexdigest()


def culprit(record: bytes) -> bytes:
    """``plugin:NAME``, ``theme:NAME`` or ``mu-plugin:NAME`` of the first WordPress extension named in ``record`` (message or stack trace),
    else the file it names, from the release folder on; empty when there is none. Not cleaned."""
    found = _EXTENSION.search(record)
    if found is not None:
        return _KINDS[found.group(1)] + b":" + found.group(2).removesuffix(b".php")
    file = _FILE.search(record)
    return b"" if file is None else _INSIDE.sub(b"", file.group(1))
