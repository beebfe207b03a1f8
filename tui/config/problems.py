"""What is wrong with a sites.toml, said so that it can be mended."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Problem(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong. ``line`` counts from 1, 0 when the problem is with the file as a whole; ``key`` is dotted as in TOML;
    ``hint`` what to write or do instead; ``excerpt`` the line of the file, with a caret below the column."""

    file: str
    line: int
    key: str
    message: str
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [place, self.key, self.message] if self.key else [place, self.message]
        text = ": ".join(parts) + (f"; {self.hint}" if self.hint else "")
        return f"{text}\n{self.excerpt}" if self.excerpt else text


class ConfigError(Exception):
    """A sites.toml that cannot be used; ``problems`` has at least one entry, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(path: Path) -> str:
    """``path`` as people name it: relative when it lies below the current folder."""
    try:
        here = Path.cwd()
        return str(path.relative_to(here)) if here != here.parent else str(path)
    except (ValueError, OSError):
        return str(path)


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean "…"?`` for the closest of ``known``, "" when none is close."""
    choices = sorted(known)
    by_fold = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), by_fold, n=1, cutoff=0.6)
    return f'did you mean "{by_fold[close[0]]}"?' if close else ""


def dotted(path: Iterable[str | int]) -> str:
    """A key path as TOML writes it: ``sites.eu.log[1].path``; keys that are not bare are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        bare = _BARE.fullmatch(part)
        word = part if bare else '"' + "".join(c if c.isprintable() and c not in '"\\' else "?" for c in part[:80]) + '"'
        text += f".{word}" if text else word
    return text
