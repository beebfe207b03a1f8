"""What a person sees when the viewer itself is at fault: one sentence and a private file, never a traceback with their data in it."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path


def write_report(error: BaseException, folder: Path | None) -> Path | None:
    """Write the traceback (without local variables, which may hold a store's data) to a new file of mode 0600; None when no folder
    takes it."""
    text = "".join(traceback.format_exception(error))
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None:
            continue
        path = place / f"storewatch-crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except OSError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        return path
    return None


def sentence(error: BaseException, path: Path | None) -> str:
    """What happened, where it is written, what to do next."""
    where = f"The report is in {path}" if path else "No report could be written"
    what = f"The viewer stopped because of a fault of its own ({type(error).__name__}). The room goes on watching."
    return f"{what}\n{where}; start storewatch again."
