"""Whether each part of the daemon still moves. A part that stands still is named; nothing is guessed."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from ..clock import Clock


class Pulse:
    """Liveness of the daemon: takes a beat from each part each time it has gone round; for any thread.

    Parameters:
        clock: the source of time.
        limits_s: seconds without a beat after which a part counts as stuck, by its name.
    """

    def __init__(self, clock: Clock, limits_s: Mapping[str, float]) -> None:
        self._clock = clock
        self._limits_s = dict(limits_s)
        self._lock = threading.Lock()
        now_s = clock.monotonic()
        self._beats_s = dict.fromkeys(self._limits_s, now_s)

    def begin(self) -> None:
        """Start again: all parts begin to move now."""
        with self._lock:
            self._beats_s = dict.fromkeys(self._limits_s, self._clock.monotonic())

    def beat(self, part: str) -> None:
        """Note that a part moves.

        Raises:
            KeyError: there is no such part.
        """
        with self._lock:
            self._beats_s[part] = self._clock.monotonic()

    def ages_s(self) -> dict[str, float]:
        """Return the seconds since the last beat of each part."""
        now_s = self._clock.monotonic()
        with self._lock:
            return {part: now_s - beat_s for part, beat_s in self._beats_s.items()}

    def stuck(self) -> dict[str, float]:
        """Return the parts that have not moved within their limit, with the seconds since they did."""
        return {part: age_s for part, age_s in self.ages_s().items() if age_s > self._limits_s[part]}
