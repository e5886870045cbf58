"""When a file is whole. Pure logic without a clock or a disk: it is told what was seen, and when.

::

    SEEN → GROWING → READY      whole: handed on
              │  ↑
              ↓  │ any change
             STUCK              short, and unchanged for so long that it is reported as failed

Two ways lead to READY. The fast one needs evidence that the writer has closed or renamed the file, a header whose
declared length is there, and the same size and time again 50 ms later. The slow one needs no evidence but
quiet: length alone is not enough, because capture programs reach the declared length and then rewrite the header
and move the data (measured: 0.26 s for 120 MB). Neither leads there while a program has the file open for writing, or
while parts of it read as zeros: such a file is given a longer time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

CLOSED_CHECK_S = 0.05
"""A closed file is checked again after this time before it is accepted."""
QUIET_S_PER_BYTE = 1.0 / 100e6
"""Larger files take longer to be rewritten in place."""
MAX_SIZE_QUIET_S = 60.0
"""Upper limit of that time: a sparse file may have a size of exabytes."""
QUIET_PER_GAP = 3.0
MAX_GAP_QUIET_S = 20.0
"""A writer that pauses is given three times its longest pause, within reason."""
DOUBTFUL_QUIET_S = 90.0
"""A file with runs of zeros may have been allocated before it is filled, by a program that pauses for a minute."""
CLOSED_ZEROS_QUIET_S = 10.0
"""The same where its writer has closed it and the file system knows of no part that was never written."""
WRITER_QUIET_S = 60.0
"""A filled file that a program keeps open is accepted after this time: some programs forget to close files."""
MIN_CHECK_S, MAX_CHECK_S = 0.01, 30.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the file system reports of a file. If two are equal, no write in between is known.

    Attributes:
        size_bytes: its length.
        mtime_ns: its modification time.
        file_id: device and file number; another one is another file under the same name.
        ctime_ns: when anything of it changed last, its content or its attributes; no program can set it back.
    """

    size_bytes: int
    mtime_ns: int
    file_id: tuple[int, int]
    ctime_ns: int = 0

    def differs_in_attributes(self, other: Sighting) -> bool:
        """Whether only the time of the last change differs: a chmod or a new link, or a time that was set back."""
        return self != other and replace(self, ctime_ns=other.ctime_ns) == other


@dataclass(frozen=True, slots=True)
class Look:
    """What one look into the file found.

    Attributes:
        missing: what is not there yet, as a clause; empty when nothing is known to be missing.
        knows_length: whether the header gives the length of the file, so that evidence of closing is enough.
        unfilled: whether the file system says that parts were never written, or its padding is cut.
        zeros: whether it has runs of zeros where data are expected, which may be a picture.
        digest: of the pages that were read; empty when none was.
    """

    missing: str = ""
    knows_length: bool = False
    unfilled: bool = False
    zeros: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class SettleRules:
    """The waiting times that are settings.

    Attributes:
        quiet_s: unchanged this long, a small file is taken as whole.
        give_up_s: short and unchanged this long, it is stuck.
    """

    quiet_s: float
    give_up_s: float


class State(Enum):
    """Where a file stands."""

    SEEN = "seen"
    GROWING = "growing"
    READY = "ready"
    STUCK = "stuck"


class Settling:
    """The state of one file. All times are seconds of the same monotonic clock."""

    def __init__(self, rules: SettleRules, sighting: Sighting, now_s: float) -> None:
        self.state = State.SEEN
        self.sighting = sighting
        self._rules = rules
        self._changed_s = now_s
        self._longest_gap_s = 0.0
        self._closed_s: float | None = None
        self._look: Look | None = None

    def saw(self, sighting: Sighting, now_s: float) -> None:
        """Tell what the file system says now."""
        before, self.sighting = self.sighting, sighting
        if self._closed_s is not None and sighting.differs_in_attributes(before):
            # A program that closes a file, then sets its rights or its time: it is looked into once more.
            self.closed(now_s)
        elif sighting != before:
            self._note_change(now_s)

    def closed(self, now_s: float) -> None:
        """Tell that the writer has closed the file or given it its final name; :meth:`saw` comes first."""
        self._closed_s = now_s
        self._look = None

    @property
    def was_closed(self) -> bool:
        """Whether its writer has closed it since it changed last."""
        return self._closed_s is not None

    def unchanged_s(self, now_s: float) -> float:
        """How long nothing has changed."""
        return now_s - self._changed_s

    def quiet_needed_s(self) -> float:
        """How long nothing must change before the file is taken as whole without other evidence."""
        by_gap = min(QUIET_PER_GAP * self._longest_gap_s, MAX_GAP_QUIET_S)
        by_size = min(self.sighting.size_bytes * QUIET_S_PER_BYTE, MAX_SIZE_QUIET_S)
        return max(self._rules.quiet_s + by_size, by_gap)

    def is_ripe(self, now_s: float) -> bool:
        """Whether it is time to look into the file."""
        return self._closing_counts(now_s) or self.unchanged_s(now_s) >= self.quiet_needed_s()

    def decide(self, look: Look, now_s: float, *, being_written: bool = False) -> State:
        """Judge the file after a look into it; what the file system says was the same before and after the look.

        Parameters:
            look: what was found.
            now_s: when.
            being_written: whether a program has it open for writing.
        """
        if self._look is not None and look != self._look:
            # Its bytes have changed while its size and time have not: some systems set the time at the end.
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
        """When to look at the file again."""
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

    def _closing_counts(self, now_s: float) -> bool:
        return self._closed_s is not None and self._look is None and now_s >= self._closed_s + CLOSED_CHECK_S

    def _note_change(self, now_s: float) -> None:
        self._longest_gap_s = max(self._longest_gap_s, now_s - self._changed_s)
        self._changed_s = now_s
        self._closed_s = None
        self._look = None
        self.state = State.GROWING
