"""Files that were handed on and are to be handed on once more, though they have not changed."""

from __future__ import annotations

import queue
from pathlib import Path

from .events import Hint, Hints


class Reopened:
    """Hands files with a temporary failure on again, when a retry is due or when an event names them.

    For any thread, except :meth:`take`.

    Parameters:
        hints: the source's own.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._open: set[str] = set()
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def keep_open(self, path: Path) -> None:
        """Hand a file on again at its next event, such as a change of its permissions."""
        self._open.add(str(path))

    def ask(self, path: Path) -> None:
        """Hand a file on again now; nothing comes of it when the file is gone."""
        self._asked.put(str(path))
        self._hints.wake.set()

    def take(self, hints: dict[str, Hint]) -> set[str]:
        """Return the files to begin with from the start; those that were asked for are added to the hints.

        Parameters:
            hints: files that events have named, and how.
        """
        found = {path for path in hints if path in self._open}
        while not self._asked.empty():
            path = self._asked.get()
            found.add(path)
            # Not as closed: it may be written again.
            hints.setdefault(path, Hint.TOUCHED)
        self._open -= found
        return found
