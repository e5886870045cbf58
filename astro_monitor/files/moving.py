"""Moves rejected frames aside, because their owner asked for exactly that; with a manifest, so that it can be undone.

A line of the manifest is on the disk before its file moves: after a crash, undo knows of every file that may have
moved. Only what was judged moves: the content is compared first. Nothing is ever overwritten, and nothing leaves its
disk: a file gets its new name in addition to the old one, then the old one is removed. A crash in between leaves both
names; the next run finishes the move.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import ConfigError
from ..openfile import open_plain
from ..plain import because
from .manifest import MANIFEST, Line, append, open_manifest, read

_NO_SECOND_NAME = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_READ_BYTES = 1 << 20
"""Bytes that are read at once while a file is hashed."""


@dataclass(frozen=True, slots=True)
class Move:
    """One file: where it was, where it goes, its content, and what became of it; an empty sentence means it moved."""

    source: Path
    goal: Path
    sha256: str
    sentence: str = ""

    def stays(self, why: str) -> Move:
        """Return the same move, not made."""
        return Move(self.source, self.goal, self.sha256, f"{why}; it stays")


def plan(files: Mapping[Path, str], root: Path, goal: Path) -> list[Move]:
    """Return which rejected frames would move where: sub-folders are kept.

    Parameters:
        files: rejected frames, each with the SHA-256 of its content; those that are not below ``root``, or are in
            ``goal`` already, stay.
        root: the capture folder.
        goal: the folder they go to.
    """
    moves = []
    for file, sha256 in sorted(files.items()):
        if file.is_relative_to(root) and not file.is_relative_to(goal) and file.is_file() and not file.is_symlink():
            moves.append(Move(file, goal / file.relative_to(root), sha256))
    return moves


def carry_out(moves: Iterable[Move], root: Path, goal: Path, key: bytes) -> Iterator[Move]:
    """Move frames one by one, each noted in the manifest first. What an earlier run has left half done is finished.

    Parameters:
        moves: from :func:`plan`.
        root: the capture folder.
        goal: the folder that holds the manifest.
        key: what the manifest is signed with.

    Yields:
        each move, with a sentence when the file stayed.

    Raises:
        ConfigError: the folder or its manifest cannot be written.
    """
    try:
        goal.mkdir(parents=True, exist_ok=True)
        if (goal / MANIFEST).exists():
            for line in read(goal, root, key):
                if line.signed and _is_half_done(line.source, line.goal) and _why_outside(line, root, goal) == "":
                    line.source.unlink()
                    yield Move(line.source, line.goal, line.sha256)
        with open_manifest(goal) as manifest:
            for move in moves:
                if not os.path.lexists(move.source):
                    continue  # finished just now
                if why := _why_outside(Line(move.source, move.goal, move.sha256, signed=True), root, goal):
                    yield move.stays(why)
                elif not _holds(move.source, move.sha256):
                    yield move.stays("its content is not what was judged")
                else:
                    append(manifest, Line(move.source, move.goal, move.sha256, signed=True), root, key)
                    yield _moved(move)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or goal} cannot be written: {because(error)}; choose another --to"
        ) from error


def undo(root: Path, goal: Path, key: bytes) -> Iterator[Move]:
    """Bring back every frame of a manifest that is still where it was moved to, the last one first.

    Only signed lines about this capture folder are followed, and only from the folder of the manifest into the capture
    folder.

    Parameters:
        root: the capture folder.
        goal: the folder that holds the manifest; the manifest is set aside when all is done.
        key: what the manifest was signed with.

    Yields:
        each move back, with a sentence when the file stayed.

    Raises:
        ConfigError: there is no manifest, or it cannot be read.
    """
    path = goal / MANIFEST
    try:
        lines = list(read(goal, root, key))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({because(error)}), so nothing was moved back") from error
    stayed = False
    seen: set[Path] = set()
    for line in reversed(lines):
        back = Move(line.goal, line.source, line.sha256)
        if line.goal in seen or not os.path.lexists(line.goal):
            continue
        done = _brought_back(back, line, root, goal)
        if line.signed:
            seen.add(line.goal)
        stayed |= bool(done.sentence)
        yield done
    if not stayed:
        path.rename(path.with_suffix(f".{datetime.now(UTC):%Y%m%dT%H%M%S}.undone"))


def _brought_back(back: Move, line: Line, root: Path, goal: Path) -> Move:
    """Move a frame back to where its line of the manifest says; return the move, with the reason if it stays."""
    if not line.signed:
        return back.stays(f"its line in {MANIFEST} was not written by this watch, so move it back by hand if you wish")
    if why := _why_outside(line, root, goal):
        return back.stays(why)
    if _is_half_done(back.source, back.goal):
        back.source.unlink()
        return back
    if not _holds(back.source, back.sha256):
        return back.stays("its content is not what was moved there")
    return _moved(back)


def _why_outside(line: Line, root: Path, goal: Path) -> str:
    """Return why a line does not lead from the capture folder into that of rejected frames; links are resolved."""
    for path, top in ((line.source, root), (line.goal, goal)):
        if not path.is_relative_to(top) or ".." in path.parts:
            return f"{path} is not below {top}"
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(top)):
            return f"{path.parent} is a link that leads out of {top}"
    return ""


def _holds(path: Path, sha256: str) -> bool:
    """Whether a file, and no link or pipe, has this content."""
    digest = hashlib.sha256()
    try:
        with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
            while part := file.read(_READ_BYTES):
                digest.update(part)
    except OSError:
        return False
    return digest.hexdigest() == sha256


def _is_half_done(source: Path, goal: Path) -> bool:
    """Whether a crash has left a file under both names: one file, two names, in two folders."""
    try:
        first, second = source.lstat(), goal.lstat()
        same = (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
        # One folder with two names (a bind mount) shows one name twice: taking it away would take the file away.
        return same and first.st_nlink > 1 and not source.parent.samefile(goal.parent) and not source.is_symlink()
    except OSError:
        return False


def _moved(move: Move) -> Move:
    """Rename a frame to its new place without replacing a file; return the move, with the reason if it stays."""
    try:
        move.goal.parent.mkdir(parents=True, exist_ok=True)
        rename_to_new(move.source, move.goal)
    except OSError as error:
        return move.stays(_why(error))
    return move


def rename_to_new(source: Path, goal: Path) -> None:
    """Rename a frame without overwriting. A second name first, as a rename may silently replace; some disks have none.

    Parameters:
        source: the file.
        goal: on the same disk. Where it is the same file under a second name, the renaming is finished.

    Raises:
        OSError: it cannot be renamed; ``FileExistsError`` when there is a file of that name.
    """
    if os.name == "nt":
        source.rename(goal)  # refuses to overwrite by itself
        return
    try:
        goal.hardlink_to(source)
    except FileExistsError:
        if not _is_half_done(source, goal):
            raise
    except OSError as error:
        if error.errno not in _NO_SECOND_NAME or os.path.lexists(goal):
            raise
        source.rename(goal)
        return
    source.unlink()


def _why(error: OSError) -> str:
    """Return why a frame cannot be moved, from the error of the operating system."""
    if isinstance(error, FileExistsError):
        return "there is another file of that name"
    return f"it cannot be moved: {because(error)}"
