"""A clock that follows a script, a watcher with scripted hints, and small FITS files, for tests of watching.

Time passes only while the program waits, so that a test of ten minutes takes milliseconds and is reproducible.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..records import Arrival, Failed
from ..watch import FolderSource, Hint, Hints

START_UTC = datetime(2026, 1, 2, 20, 0, tzinfo=UTC)
"""Time of the scripted clock at its start."""


class ScriptedClock:
    """A ``Clock`` that runs the script while a thread waits on it."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._numbers = itertools.count()
        self._script: list[tuple[float, int, Callable[[], object]]] = []

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Schedule an action at this time after the start; actions at one time run in order of their scheduling."""
        heapq.heappush(self._script, (seconds, next(self._numbers), action))

    def utc(self) -> datetime:
        """Return the start of the script plus the elapsed time."""
        return START_UTC + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        """Return the seconds since the start of the script."""
        return self._now_s

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Advance the time by at most ``seconds``, up to and including the next action of the script."""
        if event.is_set():
            return True
        until_s = self._now_s + seconds
        if self._script and self._script[0][0] <= until_s:
            self._now_s = max(self._now_s, self._script[0][0])
            while self._script and self._script[0][0] <= self._now_s:
                heapq.heappop(self._script)[2]()
        else:
            self._now_s = until_s
        return event.is_set()


class ScriptedWatcher:
    """A watcher that passes on the hints of a test; it is its own factory.

    Attributes:
        started: number of starts.
        running: whether it was started and not stopped.
        alive: its reported health.
        refuses: error that is raised instead of starting.
    """

    def __init__(self) -> None:
        self.started = 0
        self.running = False
        self.alive = True
        self.refuses: Exception | None = None
        self._hints: Hints | None = None

    def __call__(self, root: str, hints: Hints) -> ScriptedWatcher:
        """Start it, as a :data:`WatcherFactory`."""
        if self.refuses is not None:
            raise self.refuses
        self.started += 1
        self.running = self.alive = True
        self._hints = hints
        return self

    def tell(self, path: Path, hint: Hint) -> None:
        """Pass on a hint, while it runs and is alive."""
        if self.running and self.alive and self._hints is not None:
            self._hints.put(str(path), hint)

    def healthy(self) -> bool:
        """Return the health that the test has set."""
        return self.alive

    def stop(self) -> None:
        """Stop passing on hints."""
        self.running = False


def watch_until(source: FolderSource, clock: ScriptedClock, until_s: float) -> list[tuple[float, Arrival | Failed]]:
    """Run a source on a scripted clock.

    Parameters:
        source: a source that uses ``clock``.
        clock: its script may already contain the actions of the capture program.
        until_s: time at which to stop.

    Returns:
        each item with its time.
    """
    stop = threading.Event()
    clock.at(until_s, stop.set)
    with closing(source.items(stop)) as items:
        return [(clock.monotonic(), item) for item in items]


def small_fits(side_px: int = 40, value: int = 7, cards: int = 0) -> bytes:
    """Return a FITS file of equal 16-bit pixels.

    Parameters:
        side_px: height and width.
        value: value of each byte of the pixels; 0 resembles a file that was allocated and not written.
        cards: number of further cards in the header.
    """
    lines = [
        "SIMPLE  =                    T",
        "BITPIX  =                   16",
        "NAXIS   =                    2",
        f"NAXIS1  = {side_px:20d}",
        f"NAXIS2  = {side_px:20d}",
        *(f"KEY{number:<5d}= {number:20d}" for number in range(cards)),
        "END",
    ]
    header = "".join(line.ljust(80) for line in lines).encode("ascii")
    data = bytes([value]) * (side_px * side_px * 2)
    return _padded(header, b" ") + _padded(data, b"\0")


def put(clock: ScriptedClock, path: Path, content: bytes) -> None:
    """Write a complete file with the modification time of the script."""
    path.write_bytes(content)
    moment_ns = int(clock.utc().timestamp()) * 10**9 + int(clock.monotonic() * 1e9)
    os.utime(path, ns=(moment_ns, moment_ns))


def _padded(content: bytes, filler: bytes) -> bytes:
    """Return the content of a FITS block of a test file, filled up to a multiple of 2880 bytes."""
    return content + filler * (-len(content) % 2880)
