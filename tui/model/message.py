"""A sentence for people that is put into words only where it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Message(msgspec.Struct, frozen=True):
    """A sentence as template and arguments, so that each viewer speaks its own language.

    ``id`` is the English template (also the gettext msgid) with ``str.format`` fields by name, such as
    ``"{count} errors in {minutes} min"``; ``args`` fills them. Arguments may come from a store: they are cleaned
    text and are never read as template or markup.
    """

    id: str
    args: dict[str, str | int | float] = {}

    def say(self, translate: Callable[[str], str] = str) -> str:
        """The sentence as plain text. A template that does not fit its arguments gives the template itself."""
        template = translate(self.id)
        if not self.args:
            return template
        try:
            return template.format_map(_Missing(self.args))
        except (ValueError, IndexError, AttributeError, TypeError):
            return template

    def __str__(self) -> str:
        return self.say()


class _Missing(dict[str, str | int | float]):
    """Leaves a field without an argument visible as ``{field}``: a wrong sentence beats a dead screen."""

    def __init__(self, args: Mapping[str, str | int | float]) -> None:
        super().__init__(args)

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def msg(template: str, /, **args: str | int | float) -> Message:
    """Short for ``Message(template, args)``."""
    return Message(template, args)
