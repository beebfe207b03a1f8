"""Files to TOML tables that know where each key stands."""

from __future__ import annotations

import ast
import hashlib
import re
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from tui.config.lines import Lines
from tui.config.problems import ConfigError, Problem, dotted, shown

LIMIT = 8_000_000
"""Bytes of one file: a thousand sites take under one million."""

FOLDER = "sites.d"
_NAMED = re.compile(r"\((?:'[^'\\]*', ?)*'[^'\\]*',?\)")
_POSITION = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


class Document(msgspec.Struct, frozen=True):
    """One file as read. ``path`` is its real path, ``file`` its name for people, ``table`` what it says."""

    path: Path
    file: str
    data: bytes
    table: dict[str, Any]
    lines: Lines

    def problem(self, key: Iterable[str | int], line: int, message: str, hint: str = "") -> Problem:
        return Problem(self.file, line, dotted(key), message, hint)


def local_path(file: Path, text: str) -> str:
    """A path of this machine as ``file`` names it: ``~`` expanded, relative to the folder of ``file``."""
    path = Path(text)
    if text == "~" or text.startswith("~/"):
        try:
            path = path.expanduser()
        except RuntimeError:
            return text
    return str(path if path.is_absolute() else file.parent / path)


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file. Raises ConfigError when it is missing, unreadable, no file, or too big."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _whole(path, "is not a regular file", "name the sites.toml itself")
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise _whole(path, "no such file", "check the path") from None
    except PermissionError:
        raise _whole(path, "may not be read by you", "ask its owner for read access, or use another account") from None
    except (OSError, ValueError) as error:
        raise _whole(path, f"cannot be read ({getattr(error, 'strerror', None) or error})", "check the path and the disk") from None
    if len(data) > LIMIT:
        raise _whole(path, f"is larger than {LIMIT // 1_000_000} MB", "is this really a sites.toml?")
    return data


def decode(path: Path, data: bytes) -> str:
    """``data`` as text. A UTF-8 byte order mark is passed over. Raises ConfigError for other encodings."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _whole(path, "is UTF-16", "save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(
            shown(path), line, "", f"byte 0x{data[error.start]:02x} at byte {column} of the line is not UTF-8", "save it as UTF-8"
        )
        raise ConfigError([problem]) from None


def read(path: Path) -> Document:
    """The document at ``path``. Raises ConfigError with one problem when it cannot be read or is not TOML."""
    data = read_bytes(path)
    text = decode(path, data)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _whole(path, "is nested too deeply", "sites.toml needs no more than five levels") from None
    except ValueError as error:
        raise ConfigError([_syntax(path, text, str(error))]) from None
    return Document(path, shown(path), data, table, Lines(text))


def site_files(path: Path) -> list[Path]:
    """The files of ``sites.d`` beside ``path``, by name; hidden ones and editors' copies are passed over."""
    folder = path.parent / FOLDER
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _whole(folder, f"cannot be listed ({error.strerror})", "it must be a folder that you may read") from None
    return [folder / name for name in names if name.endswith(".toml") and not name.startswith((".", "#"))]


def digest(documents: Iterable[Document]) -> str:
    """SHA-256 over the names and bytes of all files read."""
    total = hashlib.sha256()
    for document in documents:
        total.update(str(document.path).encode("utf-8", "surrogateescape") + b"\0" + len(document.data).to_bytes(8, "big") + document.data)
    return total.hexdigest()


def _whole(path: Path, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(shown(path), 0, "", message, hint)])


def _syntax(path: Path, text: str, message: str) -> Problem:
    """A syntax error with its line and a caret below the column. tomllib of 3.11 tells the position only in its words."""
    rows = text.split("\n")
    found = _POSITION.search(message)
    line, column = (int(found[1]), int(found[2])) if found else (len(rows), len(rows[-1]) + 1)
    if not found and "end of document" not in message:
        line, column = 0, 0
    words = _NAMED.sub(lambda found: dotted(ast.literal_eval(found[0])), _POSITION.sub("", message)).replace(
        " (at end of document)", " at the end of the file"
    )
    words = "not TOML: " + words[:1].lower() + words[1:200]
    if not line:
        return Problem(shown(path), 0, "", words, "mend the syntax")
    row = rows[min(line, len(rows)) - 1].rstrip("\r")
    start = max(0, column - 60)
    visible = "".join(c if c.isprintable() else " " for c in row[start : start + 100])
    excerpt = f"    {visible}\n    {' ' * (column - 1 - start)}^" if visible.strip() else ""
    return Problem(shown(path), line, "", f"{words} (column {column})", "mend the syntax", excerpt)
