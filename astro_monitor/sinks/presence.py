"""Which files exist now: folders are read in a thread of their own, because a network share may hang."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_GONE = (errno.ENOENT, errno.ENOTDIR)
"""Errors that say that a folder is not there; after any other nothing is known of its files."""


def present_files(paths: Iterable[str]) -> dict[str, bool]:
    """Return which listed files exist; each folder is read once.

    Parameters:
        paths: of files, as text from ``os.fsdecode``.

    Returns:
        for each path whether it is a file. Paths in folders that cannot be read for another reason than that they are
        gone are left out: nothing is known of them.
    """
    by_folder: dict[str, dict[str, str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        by_folder.setdefault(folder, {})[name] = path
    present: dict[str, bool] = {}
    for folder, names in by_folder.items():
        try:
            with os.scandir(folder) as entries:
                there = {entry.name for entry in entries if entry.name in names and _is_file(entry)}
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in _GONE:
                continue
            there = set()
        present |= {path: name in there for name, path in names.items()}
    return present


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry of the capture folder is a file; an unreadable one is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


def gone_paths(present: Mapping[str, bool]) -> set[str]:
    """Return the paths of listed frames at which no file is any more."""
    return {path for path, there in present.items() if not there}


class PresenceCheck:
    """One check which files exist, in a thread of its own.

    Attributes:
        seen: what :func:`look` found; ``None`` while it looks, and when the capture folder itself cannot be read.
        took_s: how long the look took.
    """

    def __init__(self, paths: Sequence[str], roots: Sequence[Path]) -> None:
        self.seen: dict[str, bool] | None = None
        self.took_s = 0.0
        self._paths = paths
        self._roots = roots
        self._over = threading.Event()
        try:
            threading.Thread(target=self._run, name="presence", daemon=True).start()
        except RuntimeError:  # no thread can be started now; the next look tries again
            self._over.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most this long for the end of the look; return whether it has ended."""
        return self._over.wait(timeout_s)

    def _run(self) -> None:
        """Read which files of the capture folder exist now, in the thread of this check."""
        began_s = time.monotonic()
        try:
            # When a disk is unplugged, all its frames are missing, but not deleted.
            if all(root.is_dir() for root in self._roots):
                self.seen = present_files(self._paths)
        except OSError as error:
            log.debug("the capture folder cannot be checked for deleted frames now: %s", error)
        finally:
            self.took_s = time.monotonic() - began_s
            self._over.set()
