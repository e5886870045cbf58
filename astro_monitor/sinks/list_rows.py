"""Rows of the stacking lists, from the night log: latest decision, and where each file lies now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..lists import ListedFrame, ListedNotLight, listed_frame
from ..nightlog import BY_RULES, FrameRow, NightLogReader, SkippedRow
from .presence import present_files

Kind = TypeVar("Kind", ListedFrame, ListedNotLight)


@dataclass(frozen=True, slots=True)
class PathedFile(Generic[Kind]):
    """A file, and the paths at which it was seen, the latest first."""

    file: Kind
    paths: tuple[str, ...]

    def where(self, present: Mapping[str, bool]) -> str | None:
        """Return the first of its paths that is there, or may be; ``None`` when it is gone."""
        return next((path for path in self.paths if present.get(path, True)), None)


def listed_frames(night_log: NightLogReader) -> list[ListedFrame]:
    """Return all judged frames as the lists need them: latest decision, and where each lies now.

    Frames that are gone are marked as such: lists leave them out.
    """
    rows = [row_of_frame(row) for row in night_log.judged_frames()]
    present = present_files(path for row in rows for path in row.paths)
    return [placed(row, present) for row in rows]


def row_of_frame(row: FrameRow) -> PathedFile[ListedFrame]:
    """Return the stacking-list row of a judged frame: decision and reason as they stand now."""
    # A frame without a path was replaced: its file holds another one.
    frame = listed_frame(
        replace(
            row.body,
            file=next(iter(row.paths), row.body.file),
            weight=row.weight,
            class_=row.label,
            cause=row.cause,
        ),
        row.decision,
        row.why if row.decided_by == BY_RULES else f"Decided by hand: {row.why or 'no reason given'}",
        row.seq,
        by_hand=row.decided_by != BY_RULES,
    )
    return PathedFile(frame, row.paths)


def placed(row: PathedFile[ListedFrame], present: Mapping[str, bool]) -> ListedFrame:
    """Return a listed frame at the path where it is now, or marked as gone."""
    here = row.where(present)
    return row.file.gone() if here is None else row.file.at(here)


def not_lights(night_log: NightLogReader) -> list[ListedNotLight]:
    """Return all files that are there and are no light frames as the lists need them, each where it lies now."""
    rows = [row_of_other(row) for row in night_log.skipped_frames()]
    present = present_files(path for row in rows for path in row.paths)
    return still_there(rows, present)


def still_there(rows: Iterable[PathedFile[ListedNotLight]], present: Mapping[str, bool]) -> list[ListedNotLight]:
    """Return the listed files that are there, each at a path where it lies now."""
    located = ((row.file, row.where(present)) for row in rows)
    return [file if here == file.file else replace(file, file=here) for file, here in located if here is not None]


def row_of_other(row: SkippedRow) -> PathedFile[ListedNotLight]:
    """Return the stacking-list row of a file that is no light frame."""
    body = row.body
    file = ListedNotLight(
        file=next(iter(row.paths), body.file),
        frame_id=row.frame_id,
        type=body.type,
        keyword=body.keyword,
        why=body.why,
        seq=row.seq,
        meta=body.meta,
    )
    return PathedFile(file, row.paths)
