"""Moves rejected frames aside, because their owner asked for exactly that; with a manifest, so that it can be undone.

A line of the manifest is on the disk before its file moves: after a crash, undo knows of every file that may have
moved. Nothing is ever overwritten, and nothing leaves its disk: a file is renamed, never copied.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import ConfigError

MANIFEST = "astro-monitor-moved.jsonl"
_NO_SECOND_NAME = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Move:
    """One file: where it was, where it goes, and what became of it; an empty sentence means it moved."""

    source: Path
    goal: Path
    sentence: str = ""


def plan(files: Iterable[Path], root: Path, goal: Path) -> list[Move]:
    """Say which files would move where: sub-folders are kept.

    Parameters:
        files: rejected frames; those that are not below ``root``, or are in ``goal`` already, stay.
        root: the capture folder.
        goal: the folder they go to.
    """
    moves = []
    for file in sorted(set(files)):
        if file.is_relative_to(root) and not file.is_relative_to(goal) and file.is_file() and not file.is_symlink():
            moves.append(Move(file, goal / file.relative_to(root)))
    return moves


def carry_out(moves: Iterable[Move], goal: Path) -> Iterator[Move]:
    """Move files one by one, each noted in the manifest first.

    Parameters:
        moves: from :func:`plan`.
        goal: the folder that holds the manifest.

    Yields:
        each move, with a sentence when the file stayed.

    Raises:
        ConfigError: the folder or its manifest cannot be written.
    """
    try:
        goal.mkdir(parents=True, exist_ok=True)
        with (goal / MANIFEST).open("a", encoding="utf-8") as manifest:
            for move in moves:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                line = {"time": now, "from": str(move.source), "to": str(move.goal)}
                manifest.write(json.dumps(line) + "\n")
                manifest.flush()
                os.fsync(manifest.fileno())
                yield _moved(move)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or goal} cannot be written: {error.strerror}; choose another --to"
        ) from error


def undo(goal: Path) -> Iterator[Move]:
    """Bring back every file of a manifest that is still where it was moved to, the last one first.

    Parameters:
        goal: the folder that holds the manifest; the manifest is set aside when all is done.

    Yields:
        each move back, with a sentence when the file stayed.

    Raises:
        ConfigError: there is no manifest, or it cannot be read.
    """
    path = goal / MANIFEST
    try:
        # A last line without its end was torn by a crash: its file had not moved yet.
        whole = path.read_text("utf-8").rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.splitlines() if line]
        back = [Move(Path(line["to"]), Path(line["from"])) for line in reversed(lines)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}), so nothing was moved back") from error
    stayed = False
    for move in back:
        if move.source.is_file():
            done = _moved(move)
            stayed |= bool(done.sentence)
            yield done
    if not stayed:
        path.rename(path.with_suffix(f".{datetime.now(UTC):%Y%m%dT%H%M%S}.undone"))


def _moved(move: Move) -> Move:
    try:
        move.goal.parent.mkdir(parents=True, exist_ok=True)
        rename_to_new(move.source, move.goal)
    except OSError as error:
        return Move(move.source, move.goal, _why(error))
    return move


def rename_to_new(source: Path, goal: Path) -> None:
    """Rename without overwriting. A second name first, as a rename would silently replace; some disks have none.

    Parameters:
        source: the file.
        goal: on the same disk.

    Raises:
        OSError: it cannot be renamed; ``FileExistsError`` when there is a file of that name.
    """
    if os.name == "nt":
        source.rename(goal)  # refuses to overwrite by itself
        return
    try:
        goal.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_SECOND_NAME or goal.exists():
            raise
        source.rename(goal)
        return
    source.unlink()


def _why(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "there is another file of that name; it stays"
    return f"it cannot be moved: {error.strerror}; it stays"
