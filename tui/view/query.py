"""What a person types after ``/``: words, ``!word``, ``-f fuzzy``, ``field:value``; all must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Fields = Mapping[str, str]
"""What is asked: field name to text; "" is the text that plain words are looked for in."""
Test = Callable[[Fields], bool]


def _subsequence(needle: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in needle)


def _word(word: str) -> Test:
    return lambda fields: word in fields[""]


def _fuzzy(word: str) -> Test:
    return lambda fields: _subsequence(word, fields[""])


def _field(name: str, value: str) -> Test:
    def test(fields: Fields) -> bool:
        return value in fields[name] if name in fields else f"{name}:{value}" in fields[""]

    return test


def _not(test: Test) -> Test:
    return lambda fields: not test(fields)


def parse(text: str) -> Test | None:
    """The test that ``text`` (any case) stands for; None when it asks nothing. An unknown field is looked for as plain text."""
    tests: list[Test] = []
    fuzzy = False
    for word in text.lower().split():
        if word == "-f":
            fuzzy = True
            continue
        inverse = word.startswith("!") and len(word) > 1
        bare = word[1:] if inverse else word
        name, colon, value = bare.partition(":")
        test = _field(name, value) if colon and name and value else _fuzzy(bare) if fuzzy else _word(bare)
        tests.append(_not(test) if inverse else test)
    if not tests:
        return None
    return lambda fields: all(test(fields) for test in tests)
