"""On which line each key of a TOML file stands. tomllib tells no positions, and a wrong value without its line is half an answer."""

from __future__ import annotations

import bisect
import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


class Lines:
    """Lines (from 1) of keys. The text must be TOML that tomllib accepts; of other text as much as could be followed is known."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[Path, int] | None = None

    def find(self, path: Path) -> int:
        """The line of ``path``, or of the nearest table around it; 0 when not even the first key is there."""
        if self._known is None:
            self._known = _Scanner(self._text).scan()
        for length in range(len(path), 0, -1):
            if line := self._known.get(path[:length]):
                return line
        return 0


class _Scanner:
    """Walks over the text once and notes each key and array element when it first comes by."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.known: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}
        self.breaks = [place for place, char in enumerate(text) if char == "\n"]

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        try:
            while self.skip(_BLANK) < len(self.text):
                before = self.at
                if self.text[self.at] == "[":
                    table = self.header()
                else:
                    self.pair(table)
                if self.at == before:
                    break
        except (RecursionError, IndexError, ValueError):
            pass  # text that tomllib would not accept either: what is known so far stands
        return self.known

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def note(self, path: Path) -> None:
        line = bisect.bisect_left(self.breaks, self.at) + 1
        for length in range(1, len(path) + 1):
            self.known.setdefault(path[:length], line)

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip(_SPACE)
            if self.text[self.at] in "\"'":
                start = self.at
                parts.append(str(tomllib.loads(f"k = {self.text[start : self.skip(_STRING)]}")["k"]))
            else:
                start = self.at
                parts.append(self.text[start : self.skip(_BARE)])
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def header(self) -> Path:
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        table: Path = ()
        parts = self.key()
        for number, part in enumerate(parts):
            table += (part,)
            if double and number == len(parts) - 1:
                self.arrays[table] = self.arrays.get(table, 0) + 1
            if table in self.arrays:
                table += (self.arrays[table] - 1,)
        self.note(table)
        self.at += 2 if double else 1
        return table

    def pair(self, table: Path) -> None:
        start = self.at
        path = table + tuple(self.key())
        end, self.at = self.at, start
        self.note(path)
        self.at = end + 1
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: Path) -> None:
        char = self.text[self.at]
        if char in "\"'":
            self.skip(_STRING)
        elif char in "[{":
            self.members(path, "]" if char == "[" else "}")
        else:
            self.skip(_SCALAR)

    def members(self, path: Path, end: str) -> None:
        """The elements of an array or the pairs of an inline table, up to and with the closing bracket."""
        self.at += 1
        number = 0
        while self.skip(_BLANK) < len(self.text) and self.text[self.at] != end:
            if self.text[self.at] == ",":
                self.at += 1
                continue
            before = self.at
            if end == "]":
                self.note((*path, number))
                self.value((*path, number))
            else:
                self.pair(path)
            number += 1
            if self.at == before:
                raise ValueError("no way forward")
        self.at += 1
