"""Search of the folder. It is authoritative for the existing files; events only report them sooner."""

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
"""Deepest level of folders that is searched: a bound on loops of mounts and hostile trees."""
MAX_LINKED_DEPTH = 16
"""Deepest level at which links are followed: a bound on the paths through links to links."""
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors of a lack of resources: not specific to a file or folder."""


@dataclass(slots=True)
class Scan:
    """The result of a search.

    Attributes:
        files: path and sighting of each regular file with the name of a frame.
        complete: whether every folder could be read; if not, a file that is not in ``files`` may exist.
        too_deep: a folder below ``MAX_DEPTH``; empty when there is none.
        fault: reason of the system why folders could not be listed, when it is not specific to a folder.
        refused: folders that could not be listed, or whose files cannot be examined, each with the reason.
        unread: for each folder and format that is not read, the path of one file.
        unforeseen: files with an unexpected error, and the error.
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
    """The watched folder and the rules for its files.

    Attributes:
        root: the folder.
        names: rules for names.
        follow_links: whether symbolic links to targets inside the folder are followed.
    """

    root: str
    names: NameRules
    follow_links: bool = False

    def scan(self, folder: str, stopped: Callable[[], bool]) -> Scan:
        """Return the files in a folder and all folders below it.

        Parameters:
            folder: the root or a folder in it.
            stopped: called between folders; ends the search when it returns true.
        """
        result = Scan()
        visited: set[tuple[int, int]] = set()
        waiting = [(folder, self._depth_below_root(folder))]
        while waiting:
            if stopped():
                result.complete = False
                break
            current, depth = waiting.pop()
            try:
                if self.follow_links and not _first_visit(current, visited):
                    continue
                with os.scandir(current) as entries:
                    for entry in entries:
                        self._enter_safely(entry, depth, result, waiting)
            except OSError as error:
                result.complete = False
                # A folder that was removed is not a fault of the search; the guard reports a missing root.
                is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
                if error.errno in EXHAUSTED or (current == self.root and not is_missing):
                    result.fault = result.fault or because(error)
                elif not is_missing:
                    result.refused[current] = because(error)
                log.debug("folder %r cannot be listed: %s", current, because(error))
        return result

    def sight(self, path: str) -> Sighting | None:
        """Return the sighting of one file.

        Returns:
            the sighting, or ``None`` when there is no such regular file.

        Raises:
            OSError: the file system does not answer.
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
        """Return whether the path of an event is in the tree and selected by its names."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return bool(parts) and self.names.is_frame(parts[-1]) and self.names.allow(parts[:-1])

    def unread_kind(self, path: str) -> Format | None:
        """Return the format of a file that is selected by its names, but not read; else ``None``."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return None
        return self.names.unread_kind(parts[-1]) if parts and self.names.allow(parts[:-1]) else None

    def counts_as_folder(self, path: str) -> bool:
        """Return whether the path of a folder is in the tree and searched."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return self.names.allow(parts)

    def _enter_safely(self, entry: os.DirEntry[str], depth: int, result: Scan, waiting: list[tuple[str, int]]) -> None:
        """Process one entry of a folder; an error does not affect the others."""
        try:
            self._add_entry(entry, depth, result, waiting)
        except OSError as error:
            result.complete = False
            if error.errno in EXHAUSTED:
                result.fault = result.fault or because(error)
            elif not isinstance(error, FileNotFoundError | NotADirectoryError):
                result.refused[os.path.dirname(entry.path)] = because(error)  # noqa: PTH120
        except Exception as error:
            result.complete = False
            result.unforeseen[entry.path] = error

    def _add_entry(self, entry: os.DirEntry[str], depth: int, result: Scan, waiting: list[tuple[str, int]]) -> None:
        """Add one directory entry to a scan: a frame to its files, a folder to those that are still to be searched."""
        is_link = entry.is_symlink()
        if is_link and not (self.follow_links and depth < MAX_LINKED_DEPTH and self._leads_inside(entry.path)):
            return
        if entry.is_dir():
            if not self.names.is_folder(entry.name):
                return
            if depth < MAX_DEPTH:
                waiting.append((entry.path, depth + 1))
            else:
                result.too_deep = result.too_deep or entry.path
        elif self.names.is_frame(entry.name):
            try:
                # On Windows a listing has old sizes while a file is open; a query of the file itself does not.
                status = os.stat(entry.path) if sys.platform == "win32" else entry.stat()  # noqa: PTH116
            except FileNotFoundError:
                return
            if stat.S_ISREG(status.st_mode):
                result.files[entry.path] = sighting_of(status)
        else:
            kind = self.names.unread_kind(entry.name)
            if kind is not None:
                result.unread.setdefault((os.path.dirname(entry.path), kind.name), (entry.path, kind))  # noqa: PTH120

    def is_too_deep(self, path: str) -> bool:
        """Return whether a file is below ``MAX_DEPTH``, so that only events can report it."""
        return self._depth_below_root(path) > MAX_DEPTH + 1

    def _depth_below_root(self, folder: str) -> int:
        """Return the number of levels of a path below the watched folder; 0 when it is outside."""
        try:
            return len(Path(folder).relative_to(self.root).parts)
        except ValueError:
            return 0

    def _leads_inside(self, path: str) -> bool:
        """Return whether a symbolic link is followed and leads to a path inside the watched folder."""
        if not self.follow_links:
            return False
        root = os.path.realpath(self.root)
        return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)


def identity(folder: str) -> tuple[int, int] | None:
    """Return device and inode number of a folder, or ``None`` when it does not exist or is not a folder."""
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _first_visit(folder: str, visited: set[tuple[int, int]]) -> bool:
    """Return whether a scan visits a folder for the first time, and note the visit; false for a missing folder."""
    current = identity(folder)
    if current is None or current in visited:
        return False
    visited.add(current)
    return True


def sighting_of(status: os.stat_result) -> Sighting:
    """Return the sighting of a file status, with numbers limited to 64 bits."""
    return Sighting(
        max(int64(status.st_size), 0),
        int64(status.st_mtime_ns),
        (folded_int64(status.st_dev), folded_int64(status.st_ino)),
        int64(status.st_ctime_ns),
    )
