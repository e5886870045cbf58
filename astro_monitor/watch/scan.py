"""Walk the folder. What this finds is the truth about which files there are; events only make it known sooner."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..bounds import folded_int64, int64
from ..formats import Format
from ..plain import because
from .names import NameRules
from .settle import Sighting

log = logging.getLogger(__name__)

MAX_DEPTH = 64
MAX_LINKED_DEPTH = 16
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors when this program cannot open more files: not the fault of a file or folder."""


@dataclass(slots=True)
class Scan:
    """What a walk found.

    Attributes:
        files: path and sighting of each regular file with the name of a frame.
        complete: whether every folder could be read; if not, a file that is not in ``files`` may still exist.
        too_deep: a folder that lies deeper than the walk goes; empty when there is none.
        fault: why folders could not be listed, when that is no fault of a folder alone, as the system says.
        refused: folders that could not be listed, or whose files cannot be examined, each with the reason.
        unread: for each folder and kind of file that is not read, the path of one.
        unforeseen: files about which the system said something that is not understood, with the error.
    """

    files: dict[str, Sighting] = field(default_factory=dict)
    complete: bool = True
    too_deep: str = ""
    fault: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    unread: dict[tuple[str, str], tuple[str, Format]] = field(default_factory=dict)
    unforeseen: dict[str, Exception] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tree:
    """The watched folder and what of it counts.

    Attributes:
        root: the folder.
        names: which names count.
        follow_links: whether symbolic links that lead to somewhere inside the folder count.
    """

    root: str
    names: NameRules
    follow_links: bool = False

    def scan(self, folder: str, stopped: Callable[[], bool]) -> Scan:
        """Walk one folder and all below it.

        Parameters:
            folder: the root or a folder in it.
            stopped: asked between folders; ends the walk early.
        """
        found = Scan()
        visited: set[tuple[int, int]] = set()
        waiting = [(folder, self._depth(folder))]
        while waiting:
            if stopped():
                found.complete = False
                break
            current, depth = waiting.pop()
            try:
                if self.follow_links and not _first_visit(current, visited):
                    continue
                with os.scandir(current) as entries:
                    for entry in entries:
                        self._enter_safely(entry, depth, found, waiting)
            except OSError as error:
                found.complete = False
                # A folder that is gone is no fault of the search; that the root is gone is reported by the guard.
                gone = isinstance(error, FileNotFoundError | NotADirectoryError)
                if error.errno in EXHAUSTED or (current == self.root and not gone):
                    found.fault = found.fault or because(error)
                elif not gone:
                    found.refused[current] = because(error)
                log.debug("folder %r cannot be listed: %s", current, because(error))
        return found

    def sight(self, path: str) -> Sighting | None:
        """Ask the file system about one file.

        Returns:
            what it says, or ``None`` when there is no such file that counts.

        Raises:
            OSError: it cannot tell.
        """
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                if not self._leads_inside(path):
                    return None
                status = os.stat(path)  # noqa: PTH116 - paths are texts here: tens of thousands are kept
        except (FileNotFoundError, NotADirectoryError):
            return None
        return sighting_of(status) if stat.S_ISREG(status.st_mode) else None

    def counts(self, path: str) -> bool:
        """Whether a path, of which an event told, lies in the tree and has names that count."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return bool(parts) and self.names.is_frame(parts[-1]) and self.names.allow(parts[:-1])

    def unread_kind(self, path: str) -> Format | None:
        """Return the kind of a file that is not read, when it would count otherwise."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return None
        return self.names.unread_kind(parts[-1]) if parts and self.names.allow(parts[:-1]) else None

    def counts_as_folder(self, path: str) -> bool:
        """The same for a folder."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return self.names.allow(parts)

    def _enter_safely(self, entry: os.DirEntry[str], depth: int, found: Scan, waiting: list[tuple[str, int]]) -> None:
        """Take note of one entry of a folder; what is amiss with it does not hide the others."""
        try:
            self._enter(entry, depth, found, waiting)
        except OSError as error:
            found.complete = False
            if error.errno in EXHAUSTED:
                found.fault = found.fault or because(error)
            elif not isinstance(error, FileNotFoundError | NotADirectoryError):
                found.refused[os.path.dirname(entry.path)] = because(error)  # noqa: PTH120
        except Exception as error:
            found.complete = False
            found.unforeseen[entry.path] = error

    def _enter(self, entry: os.DirEntry[str], depth: int, found: Scan, waiting: list[tuple[str, int]]) -> None:
        is_link = entry.is_symlink()
        if is_link and not (self.follow_links and depth < MAX_LINKED_DEPTH and self._leads_inside(entry.path)):
            return
        if entry.is_dir():
            if not self.names.is_folder(entry.name):
                return
            if depth < MAX_DEPTH:
                waiting.append((entry.path, depth + 1))
            else:
                found.too_deep = found.too_deep or entry.path
        elif self.names.is_frame(entry.name):
            try:
                # On Windows a listing shows old sizes while a file is open; asking for the file itself does not.
                status = os.stat(entry.path) if sys.platform == "win32" else entry.stat()  # noqa: PTH116
            except FileNotFoundError:
                return
            if stat.S_ISREG(status.st_mode):
                found.files[entry.path] = sighting_of(status)
        else:
            kind = self.names.unread_kind(entry.name)
            if kind is not None:
                found.unread.setdefault((os.path.dirname(entry.path), kind.name), (entry.path, kind))  # noqa: PTH120

    def is_too_deep(self, path: str) -> bool:
        """Whether a file lies deeper than a walk goes, so that only events can report it."""
        return self._depth(path) > MAX_DEPTH + 1

    def _depth(self, folder: str) -> int:
        try:
            return len(Path(folder).relative_to(self.root).parts)
        except ValueError:
            return 0

    def _leads_inside(self, path: str) -> bool:
        if not self.follow_links:
            return False
        root = os.path.realpath(self.root)
        return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)


def identity(folder: str) -> tuple[int, int] | None:
    """Device and file number of a folder, or ``None`` when it is not there or no folder."""
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _first_visit(folder: str, visited: set[tuple[int, int]]) -> bool:
    here = identity(folder)
    if here is None or here in visited:
        return False
    visited.add(here)
    return True


def sighting_of(status: os.stat_result) -> Sighting:
    """Return what counts of what the file system says, within 64 bits: nothing behind this can be led astray by it."""
    return Sighting(
        max(int64(status.st_size), 0),
        int64(status.st_mtime_ns),
        (folded_int64(status.st_dev), folded_int64(status.st_ino)),
        int64(status.st_ctime_ns),
    )
