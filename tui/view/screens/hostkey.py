"""A host shows a key nobody has vouched for, or another than the known one."""

from __future__ import annotations

from tui.model.reach import HostKey
from tui.view import acting
from tui.view.keys import Key
from tui.view.screens.base import Dialog, text_keys
from tui.view.screens.plan import Guard
from tui.view.widgets.lines import Spans, TextView
from tui.wire.messages import AcceptHostKey, Done

ACCEPT = "A"


class HostKeyDialog(Dialog):
    """One question after the other. Only ``A`` accepts, and only a key that is new; a changed one is refused here whatever is pressed."""

    title_words = "Host key"

    def on_mount(self) -> None:
        self.guard = Guard(self.viewer.options.guard)
        super().on_mount()

    @property
    def question(self) -> HostKey | None:
        return next(iter(self.viewer.board.host_keys.values()), None)

    def draw(self) -> None:
        super().draw()
        question = self.question
        self.set_class(question is not None and question.changed, "-danger")
        self.query_one("#text", TextView).show(question_lines(question) if question else [[("every host key is answered for", "ok")]])

    def keys(self) -> list[Key]:
        return [
            Key(("escape", "q", "n", "enter"), "not now (default)", lambda: self.dismiss(None), shown=True),
            Key((ACCEPT,), "accept this key", self.accept, shown=True, why=self._why_not),
            Key(("tab",), "next question", self.next_question, shown=len(self.viewer.board.host_keys) > 1),
            *text_keys(self.query_one("#text", TextView)),
        ]

    def next_question(self) -> None:
        keys = self.viewer.board.host_keys
        if len(keys) > 1:
            first = next(iter(keys))
            keys[first] = keys.pop(first)
            self.guard = Guard(self.viewer.options.guard)
        self.draw()

    def _why_not(self) -> str | None:
        question = self.question
        if question is None:
            return "there is no question left"
        if question.changed:
            return "a changed key is never accepted here; see what to do above"
        return acting.blocked(self.viewer)

    async def accept(self) -> None:
        question = self.question
        if question is None:
            return
        if not self.guard.passes():
            self.viewer.tell("too soon: compare the fingerprint first, then press A again")
            return
        result = await self.viewer.request(AcceptHostKey(question.host, question.port, question.fingerprint))
        if not isinstance(result, Done):
            acting.refused(self.viewer, result)
            return
        self.viewer.board.host_keys.pop((question.host, question.port), None)
        self.viewer.tell(f"{question.host}:{question.port} is vouched for")
        if self.question is None:
            self.dismiss(None)
        else:
            self.guard = Guard(self.viewer.options.guard)
            self.draw()


def question_lines(key: HostKey) -> list[Spans]:
    """Fingerprints to compare, and what each answer means."""
    lines: list[Spans] = [
        [("host         ", "dim"), (f"{key.host}:{key.port}", "bold")],
        [("shows        ", "dim"), (f"{key.algorithm} {key.fingerprint}", "bold")],
    ]
    lines += [[("known        ", "dim"), (known, "warn")] for known in key.known]
    lines.append([])
    if key.changed:
        return [
            *lines,
            [
                ("REFUSED: this host showed another key than the known one. ", "crit"),
                ("Somebody may stand between, or the host was set up anew.", "text"),
            ],
            [
                ("→ ", "accent"),
                (
                    "Ask whoever runs the host for its fingerprint, over another way. If it is the one above, remove the old line with",
                    "text",
                ),
            ],
            [("  ", "accent"), (f"ssh-keygen -R '[{key.host}]:{key.port}'" if key.port != 22 else f"ssh-keygen -R {key.host}", "command")],
            [("  ", "accent"), ("from the known_hosts file that sites.toml names; the room then asks about the new key.", "text")],
        ]
    return [
        *lines,
        [("Nobody has vouched for this key yet. ", "text"), ("Until somebody does, everything seen over SSH there is UNKNOWN.", "text")],
        [("→ ", "accent"), ("Compare it with what the host itself says:", "text")],
        [("  ", "accent"), ("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", "command")],
        [("  ", "accent"), (f"Equal: press {ACCEPT}. Not equal, or not sure: esc.", "text")],
    ]
