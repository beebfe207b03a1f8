"""The command line: finds the command and imports only what it needs."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import tui

OK, WARN, WRONG, UNKNOWN, REFUSED = 0, 1, 2, 3, 4
"""Exit codes: all well or done; WARN, CRIT or a failed action; wrong use or config; could not look; refused by the gate."""

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("tui.commands.demo", "the control room on an embedded fleet of real little stores"),
    "room": ("tui.commands.room", "the room in the foreground, as a service"),
    "check": ("tui.commands.check", "check sites.toml, then each connection"),
    "status": ("tui.commands.status", "the present readings, as text or JSON"),
    "logs": ("tui.commands.logs", "log records of one or several sites"),
    "run": ("tui.commands.run", "do an action, through the same gate as a key"),
    "timeline": ("tui.commands.timeline", "what happened"),
    "audit": ("tui.commands.audit", "who did what, and whether the record is whole"),
    "schema": ("tui.commands.schema", "the JSON Schema of sites.toml, for editors"),
}
VIEWER = "tui.commands.viewer"

EXAMPLES = """exit codes: 0 all well or done, 1 something is WARN or CRIT or failed, 2 wrong use or config,
            3 could not look, 4 refused by the gate

try it:     storewatch demo
begin:      copy sites.toml.example to sites.toml, then storewatch check"""


def main(argv: list[str] | None = None) -> int:
    """Run the command in ``argv`` (default: ``sys.argv``). Returns the exit code; what goes wrong is said on stderr in a sentence."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    state: Path | None = None
    try:
        args, run = parse(sys.argv[1:] if argv is None else argv)
        state = args.state
        code = int(run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the interpreter's last flush is quiet too
        return 141
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, a file the traceback
        return explain(error, state)


def parse(argv: list[str]) -> tuple[argparse.Namespace, Callable[[argparse.Namespace], int]]:
    """The arguments and the ``run(args)`` of the command; imports that command alone. Exits with 2 on wrong use."""
    top = _Parser(
        prog="storewatch", description=_summary(), epilog=EXAMPLES, formatter_class=argparse.RawTextHelpFormatter, parents=[_shared(None)]
    )
    top.add_argument("--version", action="version", version=f"storewatch {tui.__version__}")
    top.add_argument("--read-only", action="store_true", help="open the viewer so that it can change nothing")
    top.add_argument("--ascii", action="store_true", help="draw levels, cursor and boxes of the viewer in ASCII")
    top.add_argument("--mouse", action=argparse.BooleanOptionalAction, default=None, help="mouse in the viewer (default: not over SSH)")
    top.add_argument("command", nargs="?", metavar="COMMAND", help="\n".join(f"{name:10}{text}" for name, (_, text) in COMMANDS.items()))
    top.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    args = top.parse_args(argv)
    if args.command is None:
        return args, import_module(VIEWER).run
    if args.command not in COMMANDS:
        top.error(_no_such(args.command))
    module_name, text = COMMANDS[args.command]
    module = import_module(module_name)
    parser = _Parser(
        prog=f"storewatch {args.command}",
        description=text[:1].upper() + text[1:] + ".",
        parents=[_shared(argparse.SUPPRESS)],
        conflict_handler="resolve",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    module.add_arguments(parser)
    return parser.parse_args(args.rest, args), module.run


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """What is wrong and where to read on; exit code 2."""
        self.exit(WRONG, f"{self.prog}: {message}; `{self.prog} --help` shows what there is\n")


def _shared(default: str | None) -> argparse.ArgumentParser:
    """Options that may stand before or after the command."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--sites",
        metavar="FILE",
        default=default,
        help="sites.toml to use (else $STOREWATCH_SITES, ./sites.toml,\nthe user's config folder, /etc/storewatch)",
    )
    parser.add_argument(
        "--state", metavar="DIR", type=Path, default=default, help="where everything that lasts lies (else $STOREWATCH_STATE)"
    )
    return parser


def _summary() -> str:
    return "A control room in the terminal for people who run many storefronts. Without a command it opens the viewer."


def _no_such(command: str) -> str:
    from tui.config.problems import nearest

    hint = nearest(command, COMMANDS)
    return f'no command is called "{_plain(command)}"' + (f", {hint}" if hint else "")


def explain(error: Exception, state: Path | None) -> int:
    """Say on stderr what went wrong, where and what to do next; returns the exit code."""
    from tui.config.problems import ConfigError
    from tui.model.failure import ReachError
    from tui.model.message import Message
    from tui.model.plan import Refused

    if isinstance(error, ConfigError):
        say("\n".join(str(problem) for problem in error.problems))
        return WRONG
    said = error.failure if isinstance(error, ReachError) else error
    message, remedy = getattr(said, "message", None), getattr(said, "remedy", None)
    if isinstance(message, Message):  # Refused, and what the wire raises when there is no room: what, and what to do next
        say(f"{message.say()}{f'; {remedy.say()}' if remedy else ''}")
        return int(getattr(error, "exit", REFUSED if isinstance(error, Refused) else UNKNOWN))
    where = _keep_traceback(error, state)
    if isinstance(error, OSError) and error.filename is not None:
        say(f"{_plain(str(error.filename))}: {error.strerror}; check that path and its disk ({where})")
    else:
        say(f"this should not have happened: {type(error).__name__}; {where}")
    return WARN


def say(text: str) -> None:
    """One message to stderr; a closed stderr is nobody's fault."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"storewatch: {text}\n" if "\n" not in text else f"{text}\n")


def state_folder(state: Path | None) -> Path:
    """``state``, else ``$STOREWATCH_STATE``, else the user's state folder."""
    if state is not None:
        return state
    if named := os.environ.get("STOREWATCH_STATE"):
        return Path(named)
    import platformdirs

    return platformdirs.user_state_path("storewatch")


def _keep_traceback(error: Exception, state: Path | None) -> str:
    """Append the traceback, without the values of variables, to crash.log (0600); says where, or that it could not be kept."""
    text = "".join(traceback.format_exception(error))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    try:
        folder = state_folder(state)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "crash.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp} storewatch {tui.__version__}\n{text}\n")
    except (OSError, RuntimeError):
        return f"its traceback could not be kept: {type(error).__name__}: {_plain(str(error))}"
    return f"please report it with {path}"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:200])
