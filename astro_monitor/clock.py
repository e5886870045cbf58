"""The only source of time, so that tests decide what time it is."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the program asks of time."""

    def utc(self) -> datetime:
        """Now, with time zone UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until ``event`` is set or ``seconds`` have passed; tell whether it is set."""
        ...


class SystemClock:
    """The computer's own clock."""

    def utc(self) -> datetime:
        """Now, with time zone UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for ``event`` at most ``seconds``."""
        return event.wait(seconds)


def utc_text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds and ``Z``, the form used in every document.

    Parameters:
        moment: a moment with a time zone.

    Raises:
        ValueError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be written as UTC")
    # Not strftime, which writes the year 33 with two digits.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
