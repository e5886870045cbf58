"""A small JSON file that says how the night goes, for a display or a script."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from astro_monitor.documents import Document, FrameJudgedView, view


class StatusFile:
    """A sink that keeps one file up to date.

    Parameters:
        path: of the file; its folder is made when missing.
    """

    name = "pgm-camera status file"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()
        self._last = ""
        self._changed = False

    def accept(self, document: Document) -> None:
        """Count a judged frame."""
        match view(document):
            case FrameJudgedView() as judged:
                self._counts[judged.decision] += 1
                self._last = judged.file
                self._changed = True

    def flush(self) -> None:
        """Write the file when something has changed: under another name first, so that it is never half there."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        other = self._path.with_name(f"{self._path.name}.new")
        other.write_text(json.dumps({"frames": dict(self._counts), "last": self._last}, indent=1) + "\n", "utf-8")
        other.replace(self._path)
        self._changed = False

    def close(self) -> None:
        """Nothing is held open."""
