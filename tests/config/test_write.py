"""The program writes its own files whole or not at all, and nobody else's."""

import os

import pytest

from tui.config import ConfigError, load
from tui.config.write import HEADER, write_site

TABLE = {"name": 'EU "store"', "url": "https://eu.example.com/", "ssh": {"host": "web1", "jump": ["a", "b"]}}


def test_what_is_written_is_read_back(tmp_path):
    main = tmp_path / "sites.toml"
    main.write_text('[room]\nname = "x"\n')
    path = write_site(tmp_path / "sites.d", "eu", TABLE)
    assert path == tmp_path / "sites.d" / "eu.toml" and path.read_text().splitlines()[0] == HEADER
    site = load(main).sites["eu"]
    assert site.name == 'EU "store"' and site.ssh.jump == ("a", "b")


def test_our_own_file_is_replaced_in_one_go(tmp_path):
    path = write_site(tmp_path, "eu", TABLE)
    before = path.stat().st_ino
    write_site(tmp_path, "eu", {"url": "https://new.example.com/"})
    assert "new.example.com" in path.read_text() and path.stat().st_ino != before
    assert os.listdir(tmp_path) == ["eu.toml"], "no temporary file is left"


def test_a_persons_file_is_left_alone(tmp_path):
    path = tmp_path / "eu.toml"
    path.write_text("[sites.eu]  # mine\n")
    with pytest.raises(ConfigError, match="left alone"):
        write_site(tmp_path, "eu", TABLE)
    assert path.read_text() == "[sites.eu]  # mine\n"


def test_a_link_to_nowhere_is_left_alone(tmp_path):
    (tmp_path / "eu.toml").symlink_to(tmp_path / "gone")
    with pytest.raises(ConfigError, match="left alone"):
        write_site(tmp_path, "eu", TABLE)


@pytest.mark.parametrize("name", ["", "../eu", "eu store", ".eu", "e" * 65])
def test_an_id_that_is_no_file_name(tmp_path, name):
    with pytest.raises(ConfigError, match="no usable site id"):
        write_site(tmp_path / "d", name, TABLE)
    assert not (tmp_path / "d").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_site(tmp_path / "file", "eu", TABLE)
