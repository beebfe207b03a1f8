"""Moving a ``current`` link in one rename(2), on GNU, BusyBox and BSD."""

from __future__ import annotations

from tui.model.command import Command, HostFacts
from tui.model.message import msg
from tui.model.plan import Step

NOTHING = ("true",)
"""The undo of a step that only looks."""

_HAS_FILES = 'test -d "$1" && test -n "$(ls -A "$1")"'
_BACK = 'ln -sfn "$1" "$2" && mv -Tf "$2" "$3"'
_BACK_PORTABLE = 'mkdir -p "$2" && ln -sfn "$1" "$2/$4" && mv -f "$2/$4" "$3/"'


def switch(root: str, link: str, target: str, before: str | None, user: str | None, host: HostFacts) -> tuple[Step, ...]:
    """Steps that point ``root/link`` at ``target`` (relative to ``root``); ``before``: where it points now, None when that is not known.

    A new link is made beside the old one and renamed over it, so that at every moment there is one or the other. ``mv -T`` keeps mv from
    following the old link and moving the new one into the old release; where mv does not know -T, the new link has its final name in a
    folder of its own and is moved out of it.
    """

    def words(*argv: str) -> tuple[str, ...]:
        return Command(argv, user=user).resolved(host)

    check = Step(words("sh", "-c", _HAS_FILES, "sh", f"{root}/{target}"), msg("the release must exist and hold files"), undo=NOTHING)
    fresh, back = f"{root}/{link}.storewatch", None
    if host.mv_dash_t:
        if before is not None:
            back = words("sh", "-c", _BACK, "sh", before, fresh, f"{root}/{link}")
        made = Step(words("ln", "-sfn", target, fresh), msg("make the new link beside the old one"), undo=words("rm", "-f", fresh))
        moved = Step(words("mv", "-Tf", fresh, f"{root}/{link}"), msg("make the release live by one rename"), undo=back)
        return (check, made, moved)
    if before is not None:
        back = words("sh", "-c", _BACK_PORTABLE, "sh", before, fresh, root, link)
    folder = Step(
        words("mkdir", "-p", fresh), msg("a folder for the new link (this host's mv does not know -T)"), undo=words("rm", "-rf", fresh)
    )
    made = Step(words("ln", "-sfn", target, f"{fresh}/{link}"), msg("make the new link"), undo=words("rm", "-f", f"{fresh}/{link}"))
    moved = Step(words("mv", "-f", f"{fresh}/{link}", f"{root}/"), msg("make the release live by one rename"), undo=back)
    tidy = Step(words("rmdir", fresh), msg("remove the folder"), undo=NOTHING)
    return (check, folder, made, moved, tidy)
