"""Frames that wait for the worker: paths only, never pixels, in the order the settings ask for."""

from __future__ import annotations

import heapq
import threading

from ..records import Arrival
from ..settings import BacklogOrder

LIVE, OLD = 0, 1
"""Order of frames that were written during the watch and of earlier ones."""


class Backlog:
    """A thread-safe queue with two classes of frames.

    ``newest_first``: frames that were written while we watch come first, the newest before the others, so that the
    live verdict stays live; frames that were there before are worked off after them in time order, as the night
    would have judged them. ``in_order``: everything by time.
    """

    def __init__(self, policy: BacklogOrder, started_ns: int) -> None:
        self._policy = policy
        self._started_ns = started_ns
        self._heap: list[tuple[int, int, int, Arrival]] = []
        self._count = 0
        self._changing = threading.Lock()

    def put(self, arrival: Arrival) -> None:
        """Add a frame."""
        with self._changing:
            self._count += 1
            live = self._policy == "newest_first" and arrival.mtime_ns >= self._started_ns
            order = -arrival.mtime_ns if live else arrival.mtime_ns
            heapq.heappush(self._heap, (LIVE if live else OLD, order, self._count, arrival))

    def take(self) -> list[Arrival]:
        """Take the next frame; an empty list when none waits."""
        with self._changing:
            return [heapq.heappop(self._heap)[3]] if self._heap else []

    def depth(self) -> int:
        """Number of frames that wait."""
        with self._changing:
            return len(self._heap)

    def oldest_settled(self) -> list[Arrival]:
        """The frame that has waited longest since it was whole; empty when nothing waits."""
        with self._changing:
            waiting = [entry[3] for entry in self._heap]
        return [min(waiting, key=lambda arrival: arrival.settled_utc)] if waiting else []
