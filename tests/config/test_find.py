"""Which file is meant."""

from pathlib import Path

import pytest

from tui.config import ConfigError, find
from tui.config import find as finder  # the function; its module is below
from tui.config.problems import nearest

MODULE = __import__("sys").modules[finder.__module__]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Empty places to search: current folder, the user's, the system's."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("STOREWATCH_SITES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(MODULE, "SYSTEM", tmp_path / "etc" / "sites.toml")
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path.resolve()


def test_the_first_found_wins(places, monkeypatch):
    with pytest.raises(ConfigError, match="storewatch demo"):
        find()
    system = put(places / "etc" / "sites.toml")
    assert find() == system
    users = put(MODULE.user_file())
    assert find() == users
    local = put(places / "here" / "sites.toml")
    assert find() == local
    named = put(places / "named.toml")
    monkeypatch.setenv("STOREWATCH_SITES", str(named))
    assert find() == named
    assert find(str(local)) == local


def test_a_named_file_that_is_not_there_is_not_replaced_by_another(places, monkeypatch):
    put(places / "here" / "sites.toml")
    with pytest.raises(ConfigError, match=r"gone\.toml: no such file \(named by --sites\)"):
        find("gone.toml")
    monkeypatch.setenv("STOREWATCH_SITES", "/nowhere/sites.toml")
    with pytest.raises(ConfigError, match=r"named by \$STOREWATCH_SITES"):
        find()


def test_the_path_is_the_real_one(places):
    real = put(places / "etc" / "real.toml")
    link = places / "here" / "sites.toml"
    link.symlink_to(real)
    assert find() == real


def test_nearest_word():
    assert nearest("Rolback", ["rollback", "tail"]) == 'did you mean "rollback"?'
    assert nearest("zzz", ["rollback", "tail"]) == ""
