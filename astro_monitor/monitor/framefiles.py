"""Looks of a running daemon: the last ones in memory for second looks, all of them as files next to the night log."""

from __future__ import annotations

from ..framestore import FrameStore
from ..worker import Looked, RecentLooks


class KeptLooks:
    """Keeps looks; for any thread.

    Parameters:
        store: for all of them, within its limits.
    """

    def __init__(self, store: FrameStore) -> None:
        self._store = store
        self._recent = RecentLooks()

    def keep(self, looked: Looked) -> None:
        """Keep one; trouble with the disk costs this look alone."""
        self._recent.keep(looked)
        self._store.keep_look(looked.frame_id, looked.look)

    def kept(self, frame_id: str) -> list[Looked]:
        """Return the look of a frame; none when it is not among the last ones."""
        return self._recent.kept(frame_id)
