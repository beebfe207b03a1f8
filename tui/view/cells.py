"""Text in terminal cells: whatever came in, what goes out has the width it says. Second line of defence behind ``model.text``."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

from tui.model.text import clean


def width_of(text: str) -> int:
    """Cells that ``text`` takes."""
    return len(text) if text.isascii() else cell_len(text)


def safe(text: str) -> str:
    """``text`` on one line without anything a terminal obeys. Quick for what is already clean."""
    if text.isprintable():
        return text
    return clean(text).replace("\n", " ").replace("\t", " ")


def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly ``width`` cells of ``text``: cut with ``…`` or filled with spaces. Wide characters are never halved."""
    if width <= 0:
        return ""
    text = safe(text)
    length = width_of(text)
    if length > width:
        return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…" if width > 1 else "…"
    fill = " " * (width - length)
    return fill + text if right else text + fill


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are some, at newlines always."""
    lines: list[str] = []
    for part in clean(text, 65_536).expandtabs(4).split("\n"):
        lines.extend(_wrap_line(part, max(1, width)))
    return lines


def _wrap_line(line: str, width: int) -> list[str]:
    if cell_len(line) <= width:
        return [line]
    found: list[str] = []
    while cell_len(line) > width:
        head = chop_cells(line, width)[0] or line[:1]
        cut = head.rfind(" ")
        if cut < width // 3 or line[len(head) : len(head) + 1] == " ":
            cut = len(head)
        found.append(line[:cut].rstrip())
        line = line[cut:].lstrip(" ")
    return [*found, line] if line else found
