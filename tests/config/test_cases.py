"""One bad file a mistake: cases/NAME.toml, and beside it in NAME.txt exactly what a person is told."""

import re
from pathlib import Path

import pytest

from tui.config import ConfigError, load

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.toml")))
def test_what_is_said(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.toml").write_bytes((CASES / f"{name}.toml").read_bytes())
    with pytest.raises(ConfigError) as caught:
        load(Path("sites.toml"))
    assert settled(str(caught.value)) == settled((CASES / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n"))


def settled(text: str) -> str:
    """Without the list of what is registered, which grows."""
    return re.sub(r"known now: [^)\n]*", "known now: …", text)


def test_each_case_has_both_files():
    assert {path.stem for path in CASES.glob("*.toml")} == {path.stem for path in CASES.glob("*.txt")}
