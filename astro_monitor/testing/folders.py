"""A clock that follows a script, a watcher that sees only what it is told, and small FITS files: for watching tests.

Time passes only while the program waits, so that a test of ten minutes takes milliseconds and always ends alike.
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


class ScriptedClock:
    """A ``Clock`` that runs the script while someone waits on it."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._numbers = itertools.count()
        self._script: list[tuple[float, int, Callable[[], object]]] = []

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen at this time after the start; of two things at one time, the first named is first."""
        heapq.heappush(self._script, (seconds, next(self._numbers), action))

    def utc(self) -> datetime:
        """The start of the script plus the time that has passed."""
        return START_UTC + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        """Seconds since the start of the script."""
        return self._now_s

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let time pass, at most ``seconds``, up to and including the next thing in the script."""
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
    """A watcher that gives the hints the test gives it, and as its own factory.

    Attributes:
        started: how often it was started.
        running: whether it has been started and not been stopped.
        alive: what it says of its health.
        refuses: raised instead of starting.
    """

    def __init__(self) -> None:
        self.started = 0
        self.running = False
        self.alive = True
        self.refuses: Exception | None = None
        self._hints: Hints | None = None

    def __call__(self, root: str, hints: Hints) -> ScriptedWatcher:
        """Start it, as :data:`WatcherFactory` has it."""
        if self.refuses is not None:
            raise self.refuses
        self.started += 1
        self.running = self.alive = True
        self._hints = hints
        return self

    def tell(self, path: Path, hint: Hint) -> None:
        """Give a hint, as long as it runs and lives."""
        if self.running and self.alive and self._hints is not None:
            self._hints.put(str(path), hint)

    def healthy(self) -> bool:
        """What the test has set."""
        return self.alive

    def stop(self) -> None:
        """No more hints."""
        self.running = False


def watch_until(source: FolderSource, clock: ScriptedClock, until_s: float) -> list[tuple[float, Arrival | Failed]]:
    """Run a source on a scripted clock.

    Parameters:
        source: on ``clock``.
        clock: its script may already hold what the capture program does.
        until_s: time at which to stop.

    Returns:
        each item with the time at which it came.
    """
    stop = threading.Event()
    clock.at(until_s, stop.set)
    with closing(source.items(stop)) as items:
        return [(clock.monotonic(), item) for item in items]


def small_fits(side_px: int = 40, value: int = 7, cards: int = 0) -> bytes:
    """A FITS file of 16-bit pixels that are all alike.

    Parameters:
        side_px: height and width.
        value: of each byte of the pixels; 0 looks like a file that was allocated and not filled.
        cards: further cards in the header.
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
    """Write a file whose modification time is that of the script, as if written at once."""
    path.write_bytes(content)
    moment_ns = int(clock.utc().timestamp()) * 10**9 + int(clock.monotonic() * 1e9)
    os.utime(path, ns=(moment_ns, moment_ns))


def _padded(content: bytes, filler: bytes) -> bytes:
    return content + filler * (-len(content) % 2880)
