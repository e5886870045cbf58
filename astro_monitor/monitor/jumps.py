"""Whether somebody has set the clock of this computer: a Raspberry Pi has no battery, and learns the time late."""

from __future__ import annotations

from datetime import datetime

from ..clock import Clock

LEAST_JUMP_S = 2.0
"""Smaller changes in seconds are those of a time service that keeps the clock right."""


class ClockJumps:
    """Compares the time of day with the time that has passed.

    Parameters:
        clock: the source of both.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[datetime, float] = clock.utc(), clock.monotonic()

    def look(self) -> float:
        """Return by how many seconds the clock was set since the last look, forward positive; 0 for no jump."""
        utc, now_s = self._clock.utc(), self._clock.monotonic()
        before_utc, before_s = self._seen
        self._seen = utc, now_s
        jump_s = (utc - before_utc).total_seconds() - (now_s - before_s)
        return jump_s if abs(jump_s) >= LEAST_JUMP_S else 0.0
