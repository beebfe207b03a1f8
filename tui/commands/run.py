"""``storewatch run``: any action, through the same gate as its key."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from tui.commands._common import (
    BAD,
    OK,
    REFUSED,
    UNKNOWN,
    Refusal,
    WrongUse,
    ask,
    clock,
    known_sites,
    no_such,
    note,
    out,
    out_json,
    plain,
    rfc3339,
    room_zone,
    sentence,
    with_room,
    worst,
)
from tui.model.catalogue import ActionInfo
from tui.model.plan import Plan
from tui.wire.client import Client, RoomGone
from tui.wire.messages import Choices, Confirm, Delta, GetChoices, GetPlan, Planned, Run, Started

EXIT = {"done": OK, "failed": BAD, "undone": BAD, "unknown": UNKNOWN, "refused": REFUSED}
"""Exit code by the state in which a run ends."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", help="the action's id, such as rollback or plugin-off")
    parser.add_argument("site", metavar="SITE[,SITE…]", help="on which sites, one after the other")
    parser.add_argument("arg", nargs="*", metavar="ARG", help="what to do it to: a release, a plugin")
    parser.add_argument("--plan", action="store_true", help="print the exact commands and run none")
    parser.add_argument("--yes", action="store_true", help="answer the confirmation (a production site also wants --site-name)")
    parser.add_argument("--site-name", action="append", default=[], metavar="NAME", help="the name of a production site, as its plan asks")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; goes into the record")
    parser.add_argument("--json", action="store_true", help="as JSON, one object a site")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 done, 1 failed, 2 wrong use, 3 we do not know how it ended, 4 refused by the gate or not confirmed."""
    return with_room(args, "run", lambda client: _run(client, args), read_only=bool(getattr(args, "read_only", False)))


async def _run(client: Client, args: argparse.Namespace) -> int:
    sites = known_sites(client, [args.site])
    info = _known_action(client, args.action)
    choice = " ".join(args.arg)
    codes = []
    for site in sites:
        codes.append(await _one(client, args, info, site, choice))
        if codes[-1] != OK and len(codes) < len(sites):
            note(f"storewatch: stopped after {site}; not tried: {', '.join(sites[len(codes) :])}")
            break
    return worst(codes)


def _known_action(client: Client, name: str) -> ActionInfo:
    actions = {info.id: info for info in client.welcome.catalogue.actions}
    if name not in actions:
        raise WrongUse(no_such("action", name, list(actions)))
    if not actions[name].changes:
        raise WrongUse(f"{name} changes nothing; see `storewatch logs`")
    return actions[name]


async def _one(client: Client, args: argparse.Namespace, info: ActionInfo, site: str, choice: str) -> int:
    """One site, from plan to verdict; a no of the gate is told here, so that the sites before it keep their result."""
    try:
        if info.chooses and not choice:
            raise WrongUse(await _needs_choice(client, info, site))
        planned = await ask(client, GetPlan(info.id, site, choice), Planned)
        if args.plan or not args.json:
            _show_plan(planned, as_json=args.json)
        if args.plan:
            return OK
        name = await _consent(planned, args)
        if name is None:
            note("storewatch: not confirmed; nothing was run")
            return REFUSED
        started = await ask(client, Confirm(planned.hash, name, args.reason), Started)
    except Refusal as refusal:
        note(f"storewatch: {site}: {sentence(refusal.no.message, refusal.no.remedy)}")
        if args.json:
            out_json({"site": site, "action": info.id, "state": "refused", "message": refusal.no.message.say(), "gate": refusal.no.gate})
        return refusal.exit
    ended = await _watch(client, started.run, quiet=args.json)
    _show_end(ended, room_zone(client), as_json=args.json)
    return EXIT.get(ended.state, UNKNOWN)


async def _needs_choice(client: Client, info: ActionInfo, site: str) -> str:
    options = (await ask(client, GetChoices(info.id, site), Choices)).options
    lines = [f"{info.id} wants one of these as ARG:" if options else f"{info.id} wants ARG, and nothing to choose from was found on {site}"]
    for option in options:
        told = [option.note.say()] if option.note else []
        told += [f"not possible: {option.refused.say()}"] if option.refused else []
        lines.append(f"  {plain(option.value)}" + (f"  ({'; '.join(told)})" if told else ""))
    return "\n".join(lines)


# --- plan and consent ---------------------------------------------------------------------------------------------------


def _show_plan(planned: Planned, *, as_json: bool) -> None:
    plan = planned.plan
    if as_json:
        out_json(plan_json(planned))
        return
    out(f"{plan.site}: {plan.title.say()}")
    for warning in plan.warnings:
        out(f"  ! {warning.say()}")
    if planned.last:
        out(f"  {planned.last.say()}")
    for number, step in enumerate(plan.steps, 1):
        out(f"  {number}. {step.why.say()}")
        out(f"     $ {printable(step.text)}")
        out(f"     undo: {printable(step.undo_text)}" if step.undo_text else "     nothing takes this back")


def plan_json(planned: Planned) -> dict[str, Any]:
    """``command``/``undo`` as the host's shell would read them, ``argv`` the words themselves."""
    plan: Plan = planned.plan
    return {
        "site": plan.site,
        "action": plan.action,
        "title": plan.title.say(),
        "subject": plan.subject,
        "hash": planned.hash,
        "confirm": planned.confirm,
        "atomic": plan.atomic,
        "warnings": [warning.say() for warning in plan.warnings],
        "steps": [{"command": step.text, "argv": step.argv, "why": step.why.say(), "undo": step.undo_text} for step in plan.steps],
    }


def printable(text: str) -> str:
    """A command line with nothing in it that a terminal would obey: such characters are shown as escapes. The plan's hash is over the
    true words."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text)


async def _consent(planned: Planned, args: argparse.Namespace) -> str | None:
    """The site's name to send along ("" where none is asked for), None when the answer was no. Raises WrongUse where nobody can
    be asked."""
    given: list[str] = [name for name in args.site_name if name in (planned.confirm, planned.plan.site)] or args.site_name
    if args.yes:
        return given[0] if given else ""
    if args.json or not sys.stdin.isatty():
        raise WrongUse("nobody is here to confirm; look at it with --plan, then say --yes")
    if planned.confirm and not given:
        typed = await _question(f"This is a production store. Type {planned.confirm} to run this, Enter to cancel: ")
        return planned.confirm if typed == planned.confirm else None
    answer = await _question("Run this? [y/N] ")
    return (given[0] if given else "") if answer.lower() in ("y", "yes") else None


async def _question(text: str) -> str:
    """One line from the terminal. Waits in the loop and in no thread, so that ctrl+c ends it."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    sys.stderr.write(text)
    sys.stderr.flush()
    loop.add_reader(sys.stdin.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    line: str = sys.stdin.readline()
    return line.strip()


# --- the run ------------------------------------------------------------------------------------------------------------


async def _watch(client: Client, started: Run, *, quiet: bool) -> Run:
    """Tell each step as it goes; the run as it ended. Raises RoomGone with where it goes on."""
    run = started
    told: set[str] = set()
    try:
        events = client.events()
        while run.state in ("running", "proving"):
            change = await anext(events)
            run = next((seen for seen in getattr(change, "runs", ()) if seen.id == run.id), run) if isinstance(change, Delta) else run
            if not quiet:
                for line in _news(run, told):
                    out(line)
    except (RoomGone, StopAsyncIteration) as error:
        raise WentAway(run) from error
    return run


class WentAway(RoomGone):
    """The room died while an action ran: it goes on at the host, and the next room looks back."""

    def __init__(self, run: Run) -> None:
        from tui.model.message import msg

        super().__init__(
            msg("the room is gone while {what} runs; its steps end by themselves on the host", what=run.plan.title.say()),
            msg("`storewatch timeline {site}` starts a room that looks how it ended", site=run.plan.site),
        )


def _news(run: Run, told: set[str]) -> Iterator[str]:
    for number, step in enumerate(run.steps, 1):
        key = f"{number} {step.state}"
        if step.state != "waiting" and key not in told:
            told.add(key)
            exit_code = "" if step.exit is None else f" (exit {step.exit})"
            yield f"  {number}. {step.state}{exit_code}"
            if step.state in ("failed", "unknown") and step.out:
                yield from (f"     | {line}" for line in step.out.splitlines()[-10:])
    if run.state == "proving" and "proving" not in told:
        told.add("proving")
        yield "  looking at the store"


def _show_end(run: Run, zone: datetime.tzinfo, *, as_json: bool) -> None:
    if as_json:
        out_json(run_json(run))
        return
    verdict = f": {run.verdict.message.say()}" if run.verdict else ""
    out(f"{run.plan.site}: {run.state}{verdict}")
    for line in run.verdict.evidence[:10] if run.verdict else ():
        out(f"  | {line}")
    if run.verdict and run.verdict.offer:
        out(f"  next: storewatch run {run.verdict.offer} {run.plan.site}")
    out(f"  {stopwatch(run, zone)}")


def stopwatch(run: Run, zone: datetime.tzinfo) -> str:
    """The times of an incident's hand: how long from the first bad look to the decision, to the last step, to the proof."""
    marks = [("detected", run.detected), ("decided", run.decided), ("acted", run.acted), ("verified", run.verified)]
    known = [(name, at) for name, at in marks if at is not None]
    told = [f"{known[0][0]} {clock(known[0][1], zone)}"]
    told += [f"{name} +{at - before:.1f} s" for (_, before), (name, at) in itertools.pairwise(known)]
    return ", ".join(told)


def run_json(run: Run) -> dict[str, Any]:
    times = {name: getattr(run, name) for name in ("detected", "decided", "acted", "verified")}
    return {
        "site": run.plan.site,
        "action": run.plan.action,
        "run": run.id,
        "state": run.state,
        "who": run.who,
        "hash": run.plan.hash,
        **{name: None if at is None else rfc3339(at) for name, at in times.items()},
        "verdict": None if run.verdict is None else {"level": run.verdict.level.value, "text": run.verdict.message.say(),
                                                     "evidence": run.verdict.evidence, "offer": run.verdict.offer},
        "steps": msgspec.to_builtins(run.steps),
    }  # fmt: skip
