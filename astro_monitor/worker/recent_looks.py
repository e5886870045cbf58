"""The looks of frames that were compared, kept for a second look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .wire import Looked

RECENT_BYTES = 64 << 20
"""Memory for the looks of the last frames: 150 or more of a sensor of 24 MP."""


KeepPreview = Callable[[str, bytes], object]
"""Keeps the preview of a frame, a JPEG file, by its frame id; called by any thread, raises nothing."""


class LookKeeper(Protocol):
    """Keeps looks by the frames they are of; for any thread."""

    def keep(self, looked: Looked) -> None:
        """Keep one, or not, where there is no room."""
        ...

    def kept(self, frame_id: str) -> list[Looked]:
        """Return the look of a frame; none when it is not kept."""
        ...


class RecentLooks:
    """Keeps the last ones in memory, within a number of bytes.

    Parameters:
        most_bytes: of all of them together.
    """

    def __init__(self, most_bytes: int = RECENT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[str, Looked] = {}
        self._bytes = 0

    def keep(self, looked: Looked) -> None:
        """Keep one; the oldest go, where it needs their room."""
        self._remove(looked.frame_id)
        self._kept[looked.frame_id] = looked
        self._bytes += len(looked.look)
        while self._bytes > self._most_bytes:
            self._remove(next(iter(self._kept)))

    def kept(self, frame_id: str) -> list[Looked]:
        """Return the look of a frame; none when it is not kept."""
        return [self._kept[frame_id]] if frame_id in self._kept else []

    def _remove(self, frame_id: str) -> None:
        """Remove the look of a frame from memory, and its size from the total."""
        if frame_id in self._kept:
            self._bytes -= len(self._kept.pop(frame_id).look)
