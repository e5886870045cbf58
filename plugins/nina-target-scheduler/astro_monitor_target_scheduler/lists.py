"""Decisions as ``astro-monitor`` lists them: ``frames.json`` of each stack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

MOST_BYTES = 256 * 1024 * 1024


class ListsError(Exception):
    """The lists cannot be read; one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One frame.

    Attributes:
        name: of the file, without folders.
        taken_s: when the exposure began, seconds since the epoch.
        decision: ``keep``, ``review`` or ``reject``.
        reason: why, one sentence; empty for a frame that is kept.
    """

    name: str
    taken_s: float
    decision: str
    reason: str


def read_lists(folder: Path) -> list[Decided]:
    """Read all stacks of a folder of lists.

    Parameters:
        folder: with a sub-folder for each stack.

    Raises:
        ListsError: there are none, or one cannot be read.
    """
    found = sorted(folder.glob("*/frames.json"))
    if not found:
        raise ListsError(
            f"there is no frames.json below {folder}; 'astro-monitor lists FOLDER' says where the lists are"
        )
    return [frame for path in found for frame in _read(path)]


def _read(path: Path) -> list[Decided]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ListsError(f"{path} is too large to be a list")
        stack = json.loads(path.read_bytes())
        rows = [row for name in ("accepted", "review", "rejected") for row in stack[name]]
        return [_frame(row) for row in rows if row["date_obs_utc"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ListsError(f"{path} is no list of astro-monitor ({error}); write the lists again") from error


def _frame(row: dict[str, object]) -> Decided:
    taken = datetime.fromisoformat(str(row["date_obs_utc"]))
    reasons = row["reasons"]
    kept = row["decision"] == "keep"
    said = str(reasons[0]) if isinstance(reasons, list) and reasons and not kept else ""
    return Decided(
        name=file_name(str(row["file"])),
        taken_s=(taken if taken.tzinfo else taken.replace(tzinfo=UTC)).timestamp(),
        decision=str(row["decision"]),
        reason=said,
    )


def file_name(path: str) -> str:
    """Give the last part of a path of either system."""
    return PurePosixPath(PureWindowsPath(path).name).name
