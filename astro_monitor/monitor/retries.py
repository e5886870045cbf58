"""What waits because of temporary trouble: files with a temporary failure, and the whole queue without a worker.

A failure that says ``retryable`` stays due for as long as the daemon runs, ever more seldom, and again at each start.
A file that was read while it changed gets a few tries before anything is said of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..clock import Clock
from ..errors import Vanished, WorkerLost
from ..records import Failed

QUIET_STEPS_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses before the next tries with a file that cannot be read now; after them its failure is reported, and it stays
due."""
FIRST_STEP_S, LAST_STEP_S = 15.0, 3600.0
"""The first pause after a failure was reported; doubled each time up to the last: the delay of a retry is at most as
long as the trouble has lasted."""
ACCESS_STEP_S = 60.0
"""The longest pause for a file without permission: a try costs little, and a share reports no change of access."""
GONE_STEPS = 4
"""Tries with a file that no longer exists; when it comes back later, the watcher finds it."""
UNANSWERED_STEPS = 3
"""Requests without any result after which a file is forgotten; when it comes back, the watcher finds it."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses of the queue while no worker can be started; the last one is repeated."""


@dataclass(slots=True)
class _Due:
    """One file that waits for another try.

    Attributes:
        version: its size and time; another version starts with no failures.
        failures: how often it has failed.
        due_s: when it is asked for next.
        unanswered: how often it was asked for since it failed last.
        reported: whether its failure was reported.
    """

    version: tuple[int, int]
    failures: int = 0
    due_s: float = math.inf
    unanswered: int = 0
    reported: bool = False


class Retries:
    """Files with a temporary failure, and when to try each again; for the working thread only.

    Parameters:
        clock: the source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Path, _Due] = {}

    def put_off(self, failed: Failed) -> bool:
        """Record a temporary failure, and return whether it is not to be reported yet.

        Parameters:
            failed: retryable.
        """
        arrival = failed.arrival
        version = (arrival.size_bytes, arrival.mtime_ns)
        due = self._due.get(arrival.path)
        if due is None or due.version != version:
            due = self._due[arrival.path] = _Due(version)
        due.failures += 1
        due.unanswered = 0
        # A lost worker means that several tries were made already, and a file that is gone needs no report.
        quiet = QUIET_STEPS_S if failed.kind not in (WorkerLost.kind, Vanished.kind) else ()
        if failed.kind == Vanished.kind and due.failures > GONE_STEPS:
            del self._due[arrival.path]
            return False
        place = due.failures - 1
        if place < len(quiet) and not due.reported:
            due.due_s = self._clock.monotonic() + quiet[place]
            return True
        due.reported = True
        most_s = ACCESS_STEP_S if failed.kind == "no_access" else LAST_STEP_S
        step_s = min(FIRST_STEP_S * 2.0 ** min(place - len(quiet), 16), most_s)
        due.due_s = self._clock.monotonic() + step_s
        return False

    def failures(self, path: Path) -> int:
        """Return how often a file that waits for another try has failed with its present content."""
        due = self._due.get(path)
        return 0 if due is None else due.failures

    def settle(self, path: Path) -> None:
        """Forget a file: it has its outcome."""
        self._due.pop(path, None)

    def take_due(self) -> list[Path]:
        """Return the files that are due; each is returned again later, until it fails or settles."""
        now_s = self._clock.monotonic()
        found = [path for path, due in self._due.items() if due.due_s <= now_s]
        for path in found:
            due = self._due[path]
            due.unanswered += 1
            due.due_s = now_s + FIRST_STEP_S * 2.0**due.unanswered
            if due.unanswered >= UNANSWERED_STEPS:
                del self._due[path]
        return found

    def unreported(self) -> int:
        """Return how many files wait for another try before a failure is reported; for any thread."""
        return sum(not due.reported for due in list(self._due.values()))


class WorkerPause:
    """The pause of the queue while no worker can be started; :attr:`why` is for any thread, the rest for one.

    Parameters:
        clock: the source of time.

    Attributes:
        why: as one sentence; empty while there is a worker.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s = -math.inf
        self._times = 0
        self.why = ""

    def begin(self, why: str) -> None:
        """Pause retrying, each time longer.

        Parameters:
            why: a clause.
        """
        self.why = f"{why[:1].upper()}{why[1:].rstrip('.')}. Frames wait for a worker."
        self.prolong()

    def prolong(self) -> None:
        """Pause again, for the same reason."""
        self._until_s = self._clock.monotonic() + PAUSES_S[min(self._times, len(PAUSES_S) - 1)]
        self._times += 1

    def end(self) -> None:
        """End the pause: there is a working worker."""
        self.why, self._times = "", 0

    def holds(self) -> bool:
        """Return whether it is still too early for another try."""
        return bool(self.why) and self._clock.monotonic() < self._until_s
