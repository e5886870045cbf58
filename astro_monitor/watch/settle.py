"""Decision when a file is complete, as pure logic without a clock or a disk: sightings and times are arguments.

::

    SEEN → GROWING → READY      complete: passed on
              │  ↑
              ↓  │ any change
             STUCK              short, and unchanged for so long that it is reported as failed

Two ways lead to READY. The fast one requires evidence that the writer has closed or renamed the file, a header whose
declared length is reached, and the same size and time 50 ms later. The slow one requires only a time without changes:
the length alone is not enough, because capture programs reach the declared length and then rewrite the header and move
the data (measured: 0.26 s for 120 MB). A file that a program has open for writing, or that has parts of zeros, must be
unchanged for longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

CLOSED_CHECK_S = 0.05
"""Delay of the second check of a closed file before it is accepted, in seconds."""
QUIET_S_PER_BYTE = 1.0 / 100e6
"""Additional time without changes per byte: larger files take longer to be rewritten in place, at some 100 MB/s."""
MAX_SIZE_QUIET_S = 60.0
"""Upper limit of that time in seconds: a sparse file may have a size of exabytes."""
QUIET_PER_GAP = 3.0
"""Time without changes in units of the longest pause of the writer."""
MAX_GAP_QUIET_S = 20.0
"""Upper limit of that time in seconds."""
DOUBTFUL_QUIET_S = 90.0
"""Time without changes for a file with runs of zeros, in seconds: it may have been allocated before it is written, by a
program that pauses for a minute."""
CLOSED_ZEROS_QUIET_S = 10.0
"""The same where the writer has closed the file and the file system reports no unwritten parts."""
WRITER_QUIET_S = 60.0
"""Time without changes after which a complete file that a program keeps open is accepted, in seconds: some programs
forget to close files."""
MIN_CHECK_S, MAX_CHECK_S = 0.01, 30.0
"""Limits of the interval between two checks of a file, in seconds."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The state of a file by the file system. Between two equal sightings, no write is known.

    Attributes:
        size_bytes: length of the file.
        mtime_ns: modification time.
        file_id: device and inode number; a change means another file under the same name.
        ctime_ns: time of the last change of content or attributes; programs cannot set it.
    """

    size_bytes: int
    mtime_ns: int
    file_id: tuple[int, int]
    ctime_ns: int = 0

    def differs_in_attributes(self, other: Sighting) -> bool:
        """Return whether only the time of the last change differs, as after a chmod, a new link or a restored time."""
        return self != other and replace(self, ctime_ns=other.ctime_ns) == other


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one check of the content of a file.

    Attributes:
        missing: what is missing, as a clause; empty when nothing is known to be missing.
        knows_length: whether the header declares the length of the file, so that evidence of closing is enough.
        unfilled: whether the file system reports unwritten parts, or the padding is cut.
        zeros: whether it has runs of zeros in the data, which may be pixels.
        digest: digest of the pages that were read; empty when none was.
    """

    missing: str = ""
    knows_length: bool = False
    unfilled: bool = False
    zeros: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SettleRules:
    """The times that are settings.

    Attributes:
        quiet_s: time without changes after which a small file is complete.
        give_up_s: time without changes after which a short file is stuck.
    """

    quiet_s: float
    give_up_s: float


class State(Enum):
    """The state of a file."""

    SEEN = "seen"
    GROWING = "growing"
    READY = "ready"
    STUCK = "stuck"


class Settling:
    """The state machine of one file. All times are seconds of one monotonic clock."""

    def __init__(self, rules: SettleRules, sighting: Sighting, now_s: float) -> None:
        self.state = State.SEEN
        self.sighting = sighting
        self._rules = rules
        self._changed_s = now_s
        self._longest_gap_s = 0.0
        self._closed_s: float | None = None
        self._look: Look | None = None

    def saw(self, sighting: Sighting, now_s: float) -> None:
        """Process a sighting."""
        before, self.sighting = self.sighting, sighting
        if self._closed_s is not None and sighting.differs_in_attributes(before):
            # A program may close a file, then set its permissions or times: the content is checked once more.
            self.closed(now_s)
        elif sighting != before:
            self._note_change(now_s)

    def closed(self, now_s: float) -> None:
        """Process that the writer has closed or renamed the file, after :meth:`saw`."""
        self._closed_s = now_s
        self._look = None

    @property
    def was_closed(self) -> bool:
        """Whether the writer has closed the file since its last change."""
        return self._closed_s is not None

    def unchanged_s(self, now_s: float) -> float:
        """Return the time since the last change."""
        return now_s - self._changed_s

    def quiet_needed_s(self) -> float:
        """Return the time without changes after which the file is complete without other evidence."""
        by_gap = min(QUIET_PER_GAP * self._longest_gap_s, MAX_GAP_QUIET_S)
        by_size = min(self.sighting.size_bytes * QUIET_S_PER_BYTE, MAX_SIZE_QUIET_S)
        return max(self._rules.quiet_s + by_size, by_gap)

    def is_ripe(self, now_s: float) -> bool:
        """Return whether a check of the content is due."""
        return self._closed_and_due(now_s) or self.unchanged_s(now_s) >= self.quiet_needed_s()

    def decide(self, look: Look, now_s: float, *, being_written: bool = False) -> State:
        """Return the state after a check of the content; the sightings before and after the check are equal.

        Parameters:
            look: result of the check.
            now_s: time of the check.
            being_written: whether a program has it open for writing.
        """
        if self._look is not None and look != self._look:
            # The content has changed while size and time have not: some systems set the time at the end.
            self._note_change(now_s)
        self._look = look
        quiet_s = self.unchanged_s(now_s)
        if look.missing:
            self.state = State.STUCK if quiet_s >= self._rules.give_up_s else State.GROWING
        elif look.unfilled or look.zeros:
            by_closing = self._closed_s is not None and not look.unfilled
            doubtful_s = max(CLOSED_ZEROS_QUIET_S, self.quiet_needed_s()) if by_closing else DOUBTFUL_QUIET_S
            needed_s = self._rules.give_up_s if being_written else doubtful_s
            self.state = State.READY if quiet_s >= needed_s else State.GROWING
        elif being_written:
            self.state = State.READY if quiet_s >= max(WRITER_QUIET_S, self.quiet_needed_s()) else State.GROWING
        elif look.knows_length and self._closed_s is not None:
            self.state = State.READY
        else:
            self.state = State.READY if quiet_s >= self.quiet_needed_s() else State.GROWING
        return self.state

    def next_check_s(self, now_s: float) -> float:
        """Return the time of the next check."""
        if self._closed_s is not None and self._look is None and now_s < self._closed_s + CLOSED_CHECK_S:
            return self._closed_s + CLOSED_CHECK_S
        quiet_s = self.unchanged_s(now_s)
        step_s = min(max(self._rules.quiet_s, quiet_s) / 4, MAX_CHECK_S)
        deadlines = (
            self.quiet_needed_s(),
            CLOSED_ZEROS_QUIET_S,
            WRITER_QUIET_S,
            DOUBTFUL_QUIET_S,
            self._rules.give_up_s,
        )
        next_s = min([now_s + step_s, *(self._changed_s + limit for limit in deadlines if limit > quiet_s)])
        return max(next_s, now_s + MIN_CHECK_S)

    def _closed_and_due(self, now_s: float) -> bool:
        """Return whether the file was closed by its writer, and is due for its first check after that."""
        return self._closed_s is not None and self._look is None and now_s >= self._closed_s + CLOSED_CHECK_S

    def _note_change(self, now_s: float) -> None:
        """Record that the file has changed: it is growing, and its quiet time starts again."""
        self._longest_gap_s = max(self._longest_gap_s, now_s - self._changed_s)
        self._changed_s = now_s
        self._closed_s = None
        self._look = None
        self.state = State.GROWING
