"""Secrets come from where sites.toml says, and never show themselves."""

import sys
import traceback

import pytest

from tui.config.secrets import reveal
from tui.model.failure import ReachError
from tui.model.site import SecretRef


def test_from_the_environment_a_file_and_a_command(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOP_PW", "s3cret")
    (tmp_path / "pw").write_text("from file\nsecond line\n")
    command = (sys.executable, "-c", "print('from command')")

    assert reveal(SecretRef("env", ("SHOP_PW",)), "x").reveal() == "s3cret"
    assert reveal(SecretRef("file", (str(tmp_path / "pw"),)), "x").reveal() == "from file"
    assert reveal(SecretRef("command", command), "x").reveal() == "from command"


@pytest.mark.parametrize(
    "ref",
    [
        SecretRef("env", ("NOT_SET_ANYWHERE",)),
        SecretRef("file", ("/nowhere/pw",)),
        SecretRef("command", ("/nowhere/pass", "eu")),
        SecretRef("command", (sys.executable, "-c", "print('hush'); raise SystemExit(3)")),
    ],
)
def test_what_cannot_be_fetched_names_its_key_and_leaks_nothing(ref):
    with pytest.raises(ReachError) as caught:
        reveal(ref, "room.history_password")

    assert "room.history_password" in str(caught.value)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
