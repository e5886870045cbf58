"""Which worker does what next; without threads. The pool asks under its lock."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ..errors import WorkerUnavailable
from ..records import Arrival, Baseline, Outcome
from .interfaces import Lane, Source
from .wire import Looked

AHEAD_PER_WORKER = 3
"""Files per worker that may be in hand at a time: one that is looked at, and looks that wait while one frame takes
long."""


@dataclass(slots=True, eq=False)
class FileInHand:
    """One file on its way.

    Attributes:
        looked: its look, once there is one.
        baseline: what the look is to be compared with, once it is due.
        outcome: how it ended.
        busy: whether a worker has it now.
        fault: why no worker can take it.
    """

    arrival: Arrival
    looked: Looked | None = None
    baseline: Baseline | None = None
    outcome: Outcome | None = None
    busy: bool = False
    fault: WorkerUnavailable | None = None

    @property
    def to_look_at(self) -> bool:
        """Whether a worker may begin to look at it."""
        return not self.busy and self.fault is None and self.looked is None and self.outcome is None

    @property
    def to_compare(self) -> bool:
        """Whether a worker may compare it."""
        return not self.busy and self.fault is None and self.baseline is not None and self.outcome is None

    @property
    def waits_for_its_turn(self) -> bool:
        """Whether there is its look, and nothing to compare it with as yet."""
        return self.looked is not None and self.baseline is None and self.outcome is None


Step = Literal["look", "compare", "show"]
"""What a worker does with a file: ``show`` makes the preview of its frame."""


@dataclass(slots=True)
class Place:
    """One lane, and what its thread does.

    Attributes:
        idle: whether it has nothing to do.
        to_show: the file whose pixels its worker still has, until the preview is made; empty when there is none.
        rests_until_s: it has no process, and is not to try before.
    """

    lane: Lane
    idle: bool = True
    to_show: list[FileInHand] = field(default_factory=list)
    rests_until_s: float = -math.inf
    thread: threading.Thread = field(default_factory=threading.Thread)

    @property
    def free(self) -> bool:
        """Whether it would take something at once."""
        return self.idle and self.lane.ready


class Schedule:
    """The files in hand and the lanes.

    Parameters:
        source: of files.
        lanes: of the workers.

    Attributes:
        places: the lanes with what they do.
        line: files in hand, in the order in which they were taken.
        aside: files that are examined out of turn.
        comparing: how many callers are about to compare one frame after another.
        closed: whether no more files are taken from the source.
        ended: whether nothing at all is begun any more.
    """

    def __init__(self, source: Source, lanes: Iterable[Lane]) -> None:
        self._source = source
        self.places = [Place(lane) for lane in lanes]
        self.line: deque[FileInHand] = deque()
        self.aside: deque[FileInHand] = deque()
        self.comparing = 0
        self.closed = False
        self.ended = False

    def next(self, place: Place) -> list[tuple[Step, FileInHand]]:
        """Return what a lane is to do now; nothing when it is to wait.

        A preview is made when nothing is to be compared, and before the pixels of the next file take its place.
        """
        if self.ended or time.monotonic() < place.rests_until_s:
            return []
        if place.lane.ready or not any(other.lane.ready for other in self.places):
            for file in (*self.aside, *self.line):
                if file.to_compare:
                    return [("compare", file)]
        aside = [file for file in self.aside if file.to_look_at]
        if not self._may_look(place, is_waited_for=bool(aside)):
            return []
        if place.to_show:
            return [("show", place.to_show.pop())]
        if aside:
            return [("look", aside[0])]
        if any(file.fault is not None for file in self.line):
            return []
        for file in self.line:
            if file.to_look_at:
                return [("look", file)]
        return [("look", file) for file in self._from_source()]

    def _may_look(self, place: Place, *, is_waited_for: bool) -> bool:
        """Return whether a lane may begin to look at a file.

        Not when it would start a process while another one is free; nor when it is the only one that is free while a
        look is about to be compared, which is due in a moment and would wait for the whole of this file.
        """
        another_is_free = any(other.free for other in self.places if other is not place)
        due = next((file.waits_for_its_turn for file in self.line if file.outcome is None), False)
        if (due or self.comparing > 0) and not is_waited_for:
            return another_is_free
        return place.lane.ready or not another_is_free

    def _from_source(self) -> list[FileInHand]:
        """Return new files from the source of the worker pool, put in line; none when enough are in line."""
        if self.closed or len(self.line) >= AHEAD_PER_WORKER * len(self.places):
            return []
        files = [FileInHand(arrival) for arrival in self._source()]
        self.line.extend(files)
        return files
