"""nginx's error log (grammar of ngx_log.c and ngx_http_request.c, checked with nginx 1.22.1).

``YYYY/MM/DD HH:MM:SS [level] PID#TID: *CID message, client: …, server: …, request: "…", upstream: "…", host: "…", referrer: "…"``: local
time without a zone, at most 2048 bytes, so that the end may be missing. What PHP writes to stderr is one record over several lines, of
which only the first has a time and only the last the client; several messages of PHP in it become several records here.
"""

from __future__ import annotations

import re

from tui.logs._records import Clock, Records, php_record, record, shown
from tui.model.log import LogFormat, LogRecord
from tui.model.site import LogSource

_HEADER = re.compile(rb"(?m)^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w{3,8}\] \d{1,10}#\d{1,10}: ")
_HEAD = re.compile(rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w{3,8})\] (\d{1,10})#\d{1,10}: (?:\*\d{1,20} )?")
_LEVELS = {b"emerg": "crit", b"alert": "crit", b"crit": "crit", b"error": "error", b"warn": "warn", b"notice": "notice", b"info": "info"}
_STDERR = b'FastCGI sent in stderr: "'
_PHP = b"PHP message: "
_CLIENT = re.compile(rb", client: (\S{1,100}?)(?=, server: |, request: |$)", re.MULTILINE)
_WHILE = re.compile(rb" while (?=[a-zSO])")
_QUOTED_FIELDS = (b"request", b"subrequest", b"upstream", b"host", b"referrer")  # in the order in which nginx writes them
_FIELD = 500
_MESSAGES = 20  # of one record that are told apart: each carries the whole record


class NginxErrors:
    """A ``LogParser``: bytes of one error log, in order, to records."""

    def __init__(self, source: LogSource, offset: int) -> None:
        self._source = source
        self._clock = Clock(source, offset)
        self._records = Records(_HEADER)

    def feed(self, data: bytes) -> list[LogRecord]:
        return [found for piece in self._records.feed(data) for found in self._parse(piece)]

    def flush(self) -> list[LogRecord]:
        return [found for piece in self._records.flush() for found in self._parse(piece)]

    def _parse(self, piece: bytes) -> list[LogRecord]:
        head = _HEAD.match(piece)
        if head is None:
            return [record(self._source, "info", piece, None, piece, {})] if piece.strip() else []
        at = self._clock.at(head.group(1), "%Y/%m/%d %H:%M:%S")
        body = piece[head.end() :].rstrip()
        if body.startswith(_STDERR):
            return self._stderr(body, at, piece)
        message, fields = _split(body, 0)
        return [record(self._source, _LEVELS.get(head.group(2), "debug"), message, at, piece, fields)]

    def _stderr(self, body: bytes, at: float | None, piece: bytes) -> list[LogRecord]:
        close = body.rfind(b'" while ')
        said = body[len(_STDERR) : close if close >= 0 else len(body)]
        _, fields = _split(body, close) if close >= 0 else (b"", {})
        messages = [part.removesuffix(b"; ") for part in said.split(_PHP, _MESSAGES)]
        return [php_record(part, self._source, at, piece, fields) for part in messages if part.strip()]


def _split(body: bytes, start: int) -> tuple[bytes, dict[str, str]]:
    """The message and the named fields behind it; ``start``: where to begin to look for them."""
    client = _CLIENT.search(body, start)
    message = body if client is None else body[: client.start()]
    fields: dict[str, str] = {}
    if client is not None:
        fields["client"] = shown(client.group(1), _FIELD)
        fields.update(_named(body[client.end() :]))
    doing = _WHILE.search(message, start)
    if doing is not None:
        fields["while"] = shown(message[doing.end() :], _FIELD)
    return message, fields


def _named(rest: bytes) -> dict[str, str]:
    """``, server: S, request: "…", …``; a value ends where the next key begins, for it may hold quotes itself."""
    marks: list[tuple[bytes, int, int]] = []
    at = 0
    if rest.startswith(b", server: "):
        marks.append((b"server", 0, 10))
        at = 10
    for key in _QUOTED_FIELDS:
        mark = b", " + key + b': "'
        found = rest.find(mark, at)
        if found >= 0:
            marks.append((key, found, found + len(mark)))
            at = found + len(mark)
    ends = [*(mark[1] for mark in marks), len(rest)][1:]
    return {key.decode(): shown(rest[start:end].removesuffix(b'"'), _FIELD) for (key, _, start), end in zip(marks, ends, strict=True)}


FORMAT = LogFormat(id="nginx-error", title="nginx error log", parser=NginxErrors)
