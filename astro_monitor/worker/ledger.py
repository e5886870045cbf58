"""What is remembered of files on which workers ended, whichever worker it was."""

from __future__ import annotations

import threading
from pathlib import Path

from ..records import Arrival

MAX_REMEMBERED = 1000
"""Files of which it is remembered that a worker ended on them; the oldest are forgotten first."""


class LossLedger:
    """Lost workers, by the file that they had; for any thread."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._losses: dict[tuple[Path, int, int], int] = {}
        self._lost_with: set[Path] = set()

    def count(self, arrival: Arrival, *, blamed: bool) -> int:
        """Count the loss of a worker, and return how many were lost because of this file.

        Parameters:
            arrival: the file; with another size or time it is another file.
            blamed: whether the worker was lost because of the file.
        """
        version = _version(arrival)
        with self._changing:
            if blamed:
                self._losses[version] = self._losses.pop(version, 0) + 1
                while len(self._losses) > MAX_REMEMBERED:
                    del self._losses[next(iter(self._losses))]
            return self._losses.get(version, 0)

    def answered(self) -> None:
        """Note that a worker has answered, so that not every one of them is lost."""
        with self._changing:
            self._lost_with.clear()

    def settled(self, arrival: Arrival) -> None:
        """Forget a file that has its outcome."""
        with self._changing:
            self._losses.pop(_version(arrival), None)

    def is_a_series(self, arrival: Arrival) -> bool:
        """Note a file with which workers were lost for no fault of its own.

        Returns:
            whether that happened with another file before, and no worker has answered in between: two such files are
            no coincidence.
        """
        with self._changing:
            known = arrival.path in self._lost_with
            self._lost_with.add(arrival.path)
            return len(self._lost_with) > 1 and not known


def _version(arrival: Arrival) -> tuple[Path, int, int]:
    """Return what identifies the content of a file on which workers ended: path, size and modification time."""
    return arrival.path, arrival.size_bytes, arrival.mtime_ns
