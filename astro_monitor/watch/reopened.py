"""Files that are to be passed on once more, though they have not changed."""

from __future__ import annotations

import queue
from pathlib import Path

from .events import Hint, Hints


class Reopened:
    """Passes files with a temporary failure on again, when a retry is due or an event names them.

    All methods except :meth:`take` may be called from any thread.

    Parameters:
        hints: the buffer of hints of the source.
    """

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._open: set[str] = set()
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def keep_open(self, path: Path) -> None:
        """Pass a file on again at its next event, such as a change of its permissions."""
        self._open.add(str(path))

    def ask(self, path: Path) -> None:
        """Pass a file on again now; without effect when it no longer exists."""
        self._asked.put(str(path))
        self._hints.wake.set()

    def take(self, hints: dict[str, Hint]) -> set[str]:
        """Return the files to process from the start; requested ones are added to the hints.

        Parameters:
            hints: files of events, with their hints.
        """
        reopened = {path for path in hints if path in self._open}
        while not self._asked.empty():
            path = self._asked.get()
            reopened.add(path)
            # Not as closed, since it may be written again.
            hints.setdefault(path, Hint.TOUCHED)
        self._open -= reopened
        return reopened
