"""Lines of keys, in every way TOML writes them."""

import tomllib

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tui.config.lines import Lines

TEXT = '''a = 1
[b."c d"]
x.y = "s # no"  # c
l = [1,
  2, {q=1, r=[3]},  # ] }
]
t = """
fake = [x]
"""
'l it' = \'\'\'
[b.z]
\'\'\'
[[b.z]]
k=1
[[b.z]]
k=2
[b.z.sub]
m=1979-05-27T07:32:00Z
[sites]
eu = { url = "}", http = { connect = "x" } }
us.url = 3
'''


def test_each_kind_of_key():
    lines = Lines(TEXT)
    expected = {
        ("a",): 1,
        ("b",): 2,
        ("b", "c d", "x", "y"): 3,
        ("b", "c d", "l"): 4,
        ("b", "c d", "l", 0): 4,
        ("b", "c d", "l", 1): 5,
        ("b", "c d", "l", 2, "r", 0): 5,
        ("b", "c d", "t"): 7,
        ("b", "c d", "l it"): 10,
        ("b", "z", 0, "k"): 14,
        ("b", "z", 1): 15,
        ("b", "z", 1, "k"): 16,
        ("b", "z", 1, "sub", "m"): 18,
        ("sites", "eu", "http", "connect"): 20,
        ("sites", "us", "url"): 21,
    }
    assert {path: lines.find(path) for path in expected} == expected


def test_what_is_not_there_is_told_at_the_table_around_it():
    assert Lines(TEXT).find(("b", "z", 1, "sub", "missing")) == 17
    assert Lines(TEXT).find(("nowhere",)) == 0


KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
TABLES = st.recursive(
    st.integers(-5, 5) | st.booleans() | st.text(st.characters(codec="utf-8"), max_size=12) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from leaves(part, (*path, number))
    yield path


@given(st.dictionaries(KEYS, TABLES, max_size=4))
def test_every_key_of_any_file_has_a_line(table):
    """What a writer wrote is found whole: no path falls back to a table around it, and no line lies outside the text."""
    text = tomli_w.dumps(table)
    lines = Lines(text)
    lines.find(("warm up",))
    for path in leaves(tomllib.loads(text)):
        if path:
            assert path in lines._known
            assert 1 <= lines.find(path) <= text.count("\n")


@given(st.text(st.sampled_from("[]{}\"'=.,#ab\n \\")))
def test_any_text_comes_to_an_end(text):
    assert Lines(text).find(("a",)) >= 0
