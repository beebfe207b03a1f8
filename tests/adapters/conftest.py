"""The shells in which fragments must run, and a way to run them as a host would."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.need import lacking
from tui.model.sweep import PRELUDE

Run = Callable[..., bytes]


@pytest.fixture(scope="session")
def busybox(tmp_path_factory) -> Path:
    """A folder with nothing but BusyBox: every word is its applet, as on an appliance or in an Alpine container."""
    binary = shutil.which("busybox")
    if binary is None:
        lacking("busybox is not installed")
    folder = tmp_path_factory.mktemp("busybox")
    for applet in subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split():
        (folder / applet).symlink_to(binary)
    return folder


def runner(argv: list[str], path: str | None = None) -> Run:
    def run(script: str, *, user: tuple[str, ...] = ()) -> bytes:
        environment = {"LC_ALL": "C", "PATH": path or "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp"}
        text = f"{PRELUDE}\n{script}".encode("utf-8", "surrogateescape")
        done = subprocess.run([*user, *argv], input=text, capture_output=True, env=environment, timeout=60, check=False)
        assert done.stderr == b"", done.stderr
        return done.stdout

    return run


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell(request) -> Run:
    """Runs a fragment (with the prelude) in a shell and gives its stdout; anything on stderr fails the test."""
    if request.param == "busybox":
        folder = request.getfixturevalue("busybox")
        return runner([str(folder / "sh")], str(folder))
    found = shutil.which(request.param)
    if found is None:
        lacking(f"{request.param} is not installed")
    return runner([found])


@pytest.fixture(scope="session")
def dash() -> Run:
    return runner([shutil.which("dash") or "sh"])
