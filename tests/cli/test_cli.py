"""The command line: what a person sees when they type something, right or wrong."""

import asyncio
import os
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tui import __version__, cli
from tui.model.failure import Failure, ReachError
from tui.model.message import msg
from tui.model.plan import Refused

GOOD = '[sites.eu]\nurl = "https://eu.example.com/"\n'


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    for name, (_, text) in cli.COMMANDS.items():
        assert name in said and text in said


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_its_help(name, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"storewatch {name}" in said and "--sites" in said


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"storewatch {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], 'did you mean "status"?'),
        (["schema", "--verbose"], "`storewatch schema --help` shows what there is"),
        (["--nonsense"], "`storewatch --help` shows what there is"),
        (["\x1b[31m"], 'no command is called "?[31m"'),
    ],
)
def test_wrong_use(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert said in captured.err and captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["--sites", "a.toml", "check"], ["check", "--sites", "a.toml"], ["--sites", "b", "check", "--sites=a.toml"]]
)
def test_shared_options_stand_before_or_after_the_command(words):
    args, _run = cli.parse(words)
    assert (args.sites, args.command, args.state) == ("a.toml", "check", None)


def test_only_the_chosen_command_is_imported():
    listed = "[name for name in sys.modules if name.startswith('tui.commands.')]"
    code = f"import sys; from tui import cli; cli.main(['schema']); print({listed}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "['tui.commands.schema']"


async def test_no_sites_toml_says_what_to_do(run):
    code, out, err = await run("check")
    assert (code, out) == (2, "")
    assert "not found" in err and "storewatch demo" in err and "Traceback" not in err


async def test_a_broken_file_tells_every_problem(run, tmp_path):
    (tmp_path / "sites.toml").write_text('[sites.eu]\nurl = 3\nplatfrom = "x"\n')
    code, out, err = await run("check", "--offline")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "sites.toml:2: sites.eu.url: must be a string, is a whole number",
        'sites.toml:3: sites.eu.platfrom: unknown key; did you mean "platform"?',
    ]


async def test_the_viewer_needs_a_terminal(run, tmp_path):
    (tmp_path / "sites.toml").write_text(GOOD)
    code, out, err = await run()
    assert (code, out) == (2, "") and "storewatch status" in err and "Traceback" not in err


async def test_a_closed_pipe_is_quiet(tmp_path):
    from tests.cli.conftest import environment

    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "schema"), env=environment(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    child.stdout._transport.close()
    _, err = await asyncio.wait_for(child.communicate(), 30)
    assert err == b"" and child.returncode == 141


async def test_a_terminal_of_another_encoding_loses_signs_not_the_answer(run, tmp_path):
    (tmp_path / "sites.toml").write_text(GOOD.replace("url =", "nmae = 1\nurl ="))
    code, _, err = await run(
        "check", "--offline", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    )
    assert code == 2 and 'did you mean "name"?' in err


@pytest.fixture
def command(monkeypatch):
    """``command(error)``: a command "boom" that raises it."""

    def put(error):
        def fail(_args):
            local_password = "hunter2"
            raise error if local_password else SystemExit

        module = SimpleNamespace(add_arguments=lambda _parser: None, run=fail)
        monkeypatch.setitem(sys.modules, "boom_command", module)
        monkeypatch.setitem(cli.COMMANDS, "boom", ("boom_command", "raises"))

    return put


def test_a_crash_is_one_sentence_and_a_private_file(command, tmp_path, capsys):
    command(RuntimeError("secret detail"))
    assert cli.main(["--state", str(tmp_path / "state"), "boom"]) == 1
    assert cli.main(["boom", "--state", str(tmp_path / "state")]) == 1
    path = tmp_path / "state" / "crash.log"
    err = capsys.readouterr().err
    assert err.splitlines()[0] == f"storewatch: this should not have happened: RuntimeError; please report it with {path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text()
    assert kept.count("RuntimeError: secret detail") == 2
    assert "raise error if local_password" in kept and "hunter2" not in kept, "source lines are kept, values of variables are not"


def test_a_crash_whose_file_cannot_be_written(command, tmp_path, capsys):
    command(RuntimeError("why"))
    (tmp_path / "file").touch()
    assert cli.main(["--state", str(tmp_path / "file"), "boom"]) == 1
    assert (
        capsys.readouterr().err
        == "storewatch: this should not have happened: RuntimeError; its traceback could not be kept: RuntimeError: why\n"
    )


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (Refused(msg("no"), msg("ask")), 4, "storewatch: no; ask\n"),
        (ReachError(Failure("dns", "x", msg("no address"), msg("check it"))), 3, "storewatch: no address; check it\n"),
        (
            OSError(28, "No space left on device", "/var/lib/x"),
            1,
            "storewatch: /var/lib/x: No space left on device; check that path and its disk",
        ),
    ],
)
def test_exit_codes(command, error, code, said, tmp_path, capsys):
    command(error)
    assert cli.main(["--state", str(tmp_path), "boom"]) == code
    assert capsys.readouterr().err.startswith(said) if said else capsys.readouterr().err == ""


def test_the_state_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("STOREWATCH_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert cli.state_folder(None) == tmp_path / "xdg" / "storewatch"
    monkeypatch.setenv("STOREWATCH_STATE", str(tmp_path / "named"))
    assert cli.state_folder(None) == tmp_path / "named"
    assert cli.state_folder(tmp_path) == tmp_path
    assert os.fspath(cli.state_folder(tmp_path))
