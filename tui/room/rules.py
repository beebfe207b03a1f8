"""The rules of the gate that need no look at the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tui.model.action import Action
from tui.model.catalogue import Option
from tui.model.message import Message, msg
from tui.model.site import Fleet, Site
from tui.model.text import one_line
from tui.room.person import Person
from tui.wire.messages import No, Run


class Rules:
    """Who may do what now. A site is held while an action runs on it."""

    def __init__(self, fleet: Callable[[], Fleet], actions: Mapping[str, Action], read_only: Message | None) -> None:
        self._fleet = fleet
        self._actions = actions
        self._read_only = read_only
        self._held: dict[str, tuple[str, Message]] = {}

    @property
    def held(self) -> bool:
        """Whether any site is held."""
        return bool(self._held)

    def hold(self, site: str, who: str, what: Message) -> None:
        self._held[site] = (who, what)

    def release(self, site: str) -> None:
        self._held.pop(site, None)

    def site(self, site: str) -> Site | None:
        return self._fleet().sites.get(site)

    def known(self, site: str, action: str) -> tuple[Site, Action] | No:
        """Both, or the No that says which of them does not exist."""
        where, what = self.site(site), self._actions.get(action)
        if where is None:
            return no_site(site)
        if what is None:
            known = ", ".join(self._actions)
            return No(msg("there is no action {action}", action=one_line(action)), msg("there are: {known}", known=known), gate=False)
        return where, what

    def objection(self, person: Person, site: Site, *actions: str) -> No | None:
        """What stands against these actions (an undo is two: itself and what it takes back), None when nothing does."""
        if self._read_only is not None:
            return No(self._read_only, msg("start the room without --read-only"))
        if person.read_only:
            return No(msg("this viewer is read-only"), msg("open one without --read-only"))
        for action in actions:
            if action in site.approve:
                return No(
                    msg(
                        "{action} on {site} needs a second person's approval, which comes with a later version",
                        action=action,
                        site=site.name,
                    ),
                    msg("take it out of `approve` in sites.toml, or act on the host"),
                )
        if (holder := self._held.get(site.id)) is not None:
            who, what = holder
            return No(msg("{who} is at it on {site}: {what}", who=who, site=site.name, what=what.say()), msg("wait until that is over"))
        return None


def no_site(site: str) -> No:
    return No(msg("there is no site {site}", site=one_line(site)), msg("see `storewatch status` for the names"), gate=False)


def unfit(options: Sequence[Option], choice: str, site: Site) -> No | None:
    """Why a choice cannot be made, None when it can."""
    if not choice:
        return No(msg("choose one first"), gate=False)
    for option in options:
        if option.value == choice:
            return None if option.refused is None else No(option.refused, gate=False)
    if not options:
        return No(msg("nothing to choose from was seen on {site}", site=site.name), msg("see its pane for the reason"), gate=False)
    names = ", ".join(option.label for option in options[:8] if option.refused is None)
    return No(msg("{site} has no {choice}", site=site.name, choice=one_line(choice)), msg("there are: {names}", names=names), gate=False)


def misspelt(site: Site, typed: str) -> No | None:
    """A production store wants its name, exactly."""
    if not site.production or typed in (site.name, site.id):
        return None
    return No(msg("{site} is a production store and its name was not typed", site=site.name), msg("type {site}", site=site.name))


def stranger(key: str, runs: Sequence[Run]) -> No:
    """A hash that no plan waits under: used already, or never made here."""
    for run in reversed(runs):
        if run.plan.hash == key:
            state = msg("{who} confirmed this plan already; it is {state}", who=run.who, state=run.state)
            return No(state, msg("look at the store, then plan again"))
    return No(msg("this plan is not known here; the room may have been restarted"), msg("look at the new plan, then confirm"))
