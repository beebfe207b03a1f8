"""Whatever lies in the file: a fleet or a list of problems, never anything else."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.config import ConfigError, load
from tui.model.site import Fleet

EXAMPLE = (Path(__file__).parents[2] / "sites.toml.example").read_bytes()
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=60)

WORDS = """
room defaults roles peak sites eu name url platform root owner approve tags interval http ssh deploy backup database wp php log journey
probes actions layout vault path host port user key jump connect ca timeout expect tls uptime starts ends format reload password
"""
words = st.sampled_from(WORDS.split())
scalars = st.one_of(
    st.sampled_from(
        ['"https://x.example/"', '"capistrano"', '"30s"', '"x"', "true", "3", "-1", "1.5", "nan", "2026-11-27", "[]", "{}", '""']
    ),
    st.sampled_from(
        ["2026-11-27T00:00:00Z", "07:32:00", '"\\u0000"', "9" * 30, "[[1]]", '["a", 1]', "{x = 1}", '"/srv/eu"', '"~/x"', '"wordpress"']
    ),
)
headers = st.builds(
    lambda parts, many: ("[[{}]]" if many else "[{}]").format(".".join(parts)), st.lists(words, min_size=1, max_size=4), st.booleans()
)
pairs = st.builds(lambda parts, value: f"{'.'.join(parts)} = {value}", st.lists(words, min_size=1, max_size=3), scalars)


def outcome(path: Path):
    try:
        return load(path)
    except ConfigError as error:
        assert error.problems and all(problem.message and problem.line >= 0 for problem in error.problems)
        assert "pydantic" not in str(error) and "Traceback" not in str(error)
        return error


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes(data, tmp_path):
    (tmp_path / "sites.toml").write_bytes(data)
    assert isinstance(outcome(tmp_path / "sites.toml"), Fleet | ConfigError)


@QUICK
@given(lines=st.lists(headers | pairs, max_size=12))
def test_anything_that_looks_like_it(lines, tmp_path):
    (tmp_path / "sites.toml").write_text("\n".join(lines), encoding="utf-8")
    assert isinstance(outcome(tmp_path / "sites.toml"), Fleet | ConfigError)


@QUICK
@given(place=st.integers(0, len(EXAMPLE)), cut=st.integers(0, 40), put=st.binary(max_size=4))
def test_the_example_damaged(place, cut, put, tmp_path):
    (tmp_path / "sites.toml").write_bytes(EXAMPLE[:place] + put + EXAMPLE[place + cut :])
    assert isinstance(outcome(tmp_path / "sites.toml"), Fleet | ConfigError)


@QUICK
@given(name=words, value=scalars)
def test_any_value_for_any_key_of_a_site(name, value, tmp_path):
    (tmp_path / "sites.toml").write_text(f'[sites.eu]\n{name} = {value}\nsites.url = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sites\.eu\.sites|not TOML|number too large"):
        load(tmp_path / "sites.toml")
