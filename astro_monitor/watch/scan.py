"""Walk the folder. What this finds is the truth about which files there are; events only make it known sooner."""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .names import NameRules
from .settle import Sighting

log = logging.getLogger(__name__)

MAX_DEPTH = 64
MAX_LINKED_DEPTH = 16


@dataclass(slots=True)
class Scan:
    """What a walk found.

    Attributes:
        files: path and sighting of each regular file with the name of a frame.
        complete: whether every folder could be read; if not, a file that is not in ``files`` may still exist.
    """

    files: dict[str, Sighting] = field(default_factory=dict)
    complete: bool = True


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
                        self._enter(entry, depth, found, waiting)
            except OSError as error:
                found.complete = False
                log.debug("folder %r cannot be listed: %s", current, error.strerror)
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
        return _sighting(status) if stat.S_ISREG(status.st_mode) else None

    def counts(self, path: str) -> bool:
        """Whether a path, of which an event told, lies in the tree and has names that count."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return bool(parts) and self.names.is_frame(parts[-1]) and self.names.allow(parts[:-1])

    def counts_as_folder(self, path: str) -> bool:
        """The same for a folder."""
        try:
            parts = Path(path).relative_to(self.root).parts
        except ValueError:
            return False
        return self.names.allow(parts)

    def _enter(self, entry: os.DirEntry[str], depth: int, found: Scan, waiting: list[tuple[str, int]]) -> None:
        is_link = entry.is_symlink()
        if is_link and not (self.follow_links and depth < MAX_LINKED_DEPTH and self._leads_inside(entry.path)):
            return
        if entry.is_dir():
            if depth < MAX_DEPTH and self.names.is_folder(entry.name):
                waiting.append((entry.path, depth + 1))
        elif self.names.is_frame(entry.name):
            try:
                # On Windows a listing shows old sizes while a file is open; asking for the file itself does not.
                status = os.stat(entry.path) if sys.platform == "win32" else entry.stat()  # noqa: PTH116
            except FileNotFoundError:
                return
            except OSError:
                found.complete = False
                return
            if stat.S_ISREG(status.st_mode):
                found.files[entry.path] = _sighting(status)

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


def _sighting(status: os.stat_result) -> Sighting:
    return Sighting(status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino))
