"""Fetches a secret that sites.toml only names, at the moment it is needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tui.model.failure import Failure, ReachError
from tui.model.message import Message, msg
from tui.model.secret import Secret
from tui.model.site import SecretRef

SECONDS = 20
"""How long a ``password_command`` may take."""


def reveal(ref: SecretRef, whose: str) -> Secret:
    """The secret behind ``ref``; ``whose`` names its key in sites.toml. A command blocks for at most :data:`SECONDS`. Raises
    ReachError."""
    if ref.kind == "env":
        value = os.environ.get(ref.value[0])
        if value is None:
            raise _failed(whose, msg("the variable {name} is not set", name=ref.value[0]))
        return Secret(value)
    if ref.kind == "file":
        try:
            return Secret(_first_line(Path(ref.value[0]).read_bytes()))
        except OSError as error:
            raise _failed(whose, msg("{path}: {error}", path=ref.value[0], error=error.strerror or "unreadable")) from error
    try:
        done = subprocess.run(ref.value, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise _failed(whose, msg("{command} failed ({error})", command=ref.value[0], error=type(error).__name__)) from None
    return Secret(_first_line(done.stdout))


def _first_line(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").partition("\n")[0].rstrip("\r")


def _failed(whose: str, message: Message) -> ReachError:
    told = msg("{whose}: {why}", whose=whose, why=message.say())
    return ReachError(Failure("config", "secret", told, msg("mend it in sites.toml, or run that command by hand to see why")))
