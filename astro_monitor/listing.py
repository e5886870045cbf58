"""Rows of the stacking lists, kept in step with the night log: the log is read through once, then row by row."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .lists import ListedFrame, NotLight, Written, listed_frame, write_lists
from .nightlog import BY_RULES, FrameRow, NightLogReader, SkippedRow


def listed_frames(night_log: NightLogReader) -> list[ListedFrame]:
    """Give all judged frames as the lists need them: latest decision, and the path where each was seen last."""
    return [_listed(row) for row in night_log.judged_frames()]


def _listed(row: FrameRow) -> ListedFrame:
    return listed_frame(
        {**row.body, "file": row.paths[0] if row.paths else row.body["file"], "weight": row.weight},
        row.decision,
        row.why if row.decided_by == BY_RULES else f"Decided by hand: {row.why or 'no reason given'}",
        row.seq,
    )


def not_lights(night_log: NightLogReader) -> list[NotLight]:
    """Give all files that are no light frames as the lists need them, each with the path where it was seen last."""
    return [_not_light(row) for row in night_log.skipped_frames()]


def _not_light(row: SkippedRow) -> NotLight:
    body = row.body
    return NotLight(
        file=row.paths[0] if row.paths else body["file"],
        frame_id=row.frame_id,
        type=body["type"],
        keyword=body["keyword"],
        why=body["why"],
        seq=row.seq,
        meta=body["meta"],
    )


class ListKeeper:
    """The lists of one log in one folder.

    What it remembers only saves time: the lists stay a pure function of the log.

    Parameters:
        night_log: where all frames are.
        folder: where lists go; ``None``: none are written.
        formats: which.
    """

    def __init__(self, night_log: NightLogReader, folder: Path | None, formats: Sequence[str]) -> None:
        self._log = night_log
        self._folder = folder
        self._formats = formats
        self._due = False
        self._rows: dict[str, ListedFrame] = {}
        self._not_lights: dict[str, NotLight] = {}
        self._noted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._written: Written = {}

    def note(self, *frame_ids: str) -> None:
        """Note that the lists must say something else of these frames; from any thread."""
        for frame_id in frame_ids:
            self._noted.put(frame_id)
        self._due = True

    def write(self, roots: Sequence[Path], *, force: bool) -> dict[str, Any] | None:
        """Write the lists, when something was noted since the last time, or when forced.

        Parameters:
            roots: capture folders, into which nothing may be written.
            force: write also when nothing was noted.

        Returns:
            the body of ``list.written``; ``None`` when there was nothing to do.

        Raises:
            ListError: they cannot be written now.
        """
        if self._folder is None or not (self._due or force):
            return None
        self._due = False
        self._follow()
        return write_lists(
            list(self._rows.values()),
            self._folder,
            self._formats,
            not_lights=list(self._not_lights.values()),
            watch_roots=roots,
            written=self._written,
        )

    def _follow(self) -> None:
        """Bring the rows into step with the log."""
        if not self._rows and not self._not_lights:
            self._rows = {frame.frame_id: frame for frame in listed_frames(self._log)}
            self._not_lights = {file.frame_id: file for file in not_lights(self._log)}
        while not self._noted.empty():
            frame_id = self._noted.get()
            with suppress(KeyError):  # a file that failed, or no content at all
                self._rows[frame_id] = _listed(self._log.frame(frame_id))
            with suppress(KeyError):
                self._not_lights[frame_id] = _not_light(self._log.skipped_frame(frame_id))
