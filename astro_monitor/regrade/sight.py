"""Frames seen again: from their looks where these are kept, else from their files."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import LookError, NotKept
from ..framestore import FrameStore
from ..judge import Judge
from ..looks import decode
from ..nightlog import FrameRow
from ..pipeline import Comparer, has_the_same_sky, is_current, models_that_look
from ..plain import because
from ..records import Arrival, Look, Outcome, baseline_key, sane
from ..settings import Settings
from ..worker import WorkerPool

log = logging.getLogger(__name__)


class Sight:
    """Sees the frames of a night log again, each first in the order of the rows; a context manager.

    Looks are compared in this process: they are small, and the room that reads them expects any bytes. Files are read
    by workers, which start only when one is to be read.

    Parameters:
        rows: the frames.
        settings: the models, limits and site to try.
        store: of looks; ``None``: all frames are read from their files.
    """

    def __init__(self, rows: Sequence[FrameRow], settings: Settings, store: FrameStore | None) -> None:
        self._settings = settings
        self._store = store
        self._models = models_that_look(settings)
        self._comparer = Comparer.open(settings)
        self._with_look = self._usable(rows, store)
        self._seen: set[str] = set()
        self._files = {row.frame_id: _file_of(row) for row in rows}
        first = (self._files[row.frame_id] for row in rows if row.frame_id not in self._with_look)
        self._waiting = deque(file for file in first if isinstance(file, Arrival))
        self._stack = ExitStack()
        self._started: list[WorkerPool] = []

    def __enter__(self) -> Self:
        if self._waiting:
            self._workers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def see(self, row: FrameRow, judge: Judge) -> Outcome | str:
        """Return what a frame shows against the judge's present baselines, or one sentence about why it cannot be seen.

        Parameters:
            row: of the frame; a row is asked for again only for a second look.
            judge: knows the baselines.

        Raises:
            WorkerUnavailable: no worker can read the file.
        """
        again = row.frame_id in self._seen
        self._seen.add(row.frame_id)
        out_of_line = row.frame_id in self._with_look
        if out_of_line:
            for look in self._kept(row.frame_id):
                return sane(
                    self._comparer.compare(look, judge.baseline_for(baseline_key(look.meta, look.sensor_shape)))
                )
        file = self._files[row.frame_id]
        if isinstance(file, str):
            return file
        workers = self._workers()
        if again or out_of_line:
            return workers.examine_again(file, row.frame_id, judge.baseline_for)
        (outcome,) = workers.take(judge.baseline_for)
        return outcome

    def _usable(self, rows: Sequence[FrameRow], store: FrameStore | None) -> frozenset[str]:
        """Return the frames with a look, unless the first one shows that models or site have changed."""
        kept = frozenset() if store is None else store.frames_with_look()
        for row in rows:
            for look in self._kept(row.frame_id) if row.frame_id in kept else ():
                return kept if has_the_same_sky(look, self._settings) else frozenset()
        return frozenset()

    def _kept(self, frame_id: str) -> list[Look]:
        """Return the look of a frame, if it is what would be seen now."""
        try:
            look = decode(self._store.look(frame_id), pictures=False) if self._store is not None else None
        except (NotKept, LookError) as error:
            log.info("%s: its file is read: %s", frame_id, error)
            return []
        return [look] if look is not None and is_current(look, self._settings, self._models) else []

    def _workers(self) -> WorkerPool:
        """Return the worker pool that reads the frames without a look; start it at the first call."""
        if not self._started:
            pool = WorkerPool(self._settings, lambda: [self._waiting.popleft()] if self._waiting else [])
            self._started.append(self._stack.enter_context(pool))
        return self._started[0]


def _file_of(row: FrameRow) -> Arrival | str:
    """Return the file of a frame where it was last seen, or one sentence about why it cannot be read."""
    path = next((Path(path) for path in row.paths if Path(path).is_file()), None)
    if path is None:
        return "the frame is no longer where it was"
    try:
        status = path.stat()
    except OSError as error:
        return f"the frame cannot be read: {because(error)}"
    judged = datetime.fromisoformat(row.time) if row.time else datetime.now(UTC)
    return Arrival(
        path=path, root=path.parent, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, first_seen_utc=judged,
        settled_utc=judged, how="named",
    )  # fmt: skip
