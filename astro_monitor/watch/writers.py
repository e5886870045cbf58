"""Files that programs have open for writing, as far as the system reports them.

Linux lists the open files of a process below ``/proc``, see proc(5): of processes of the same user, and of all
processes for root. Files are neither locked nor leased: both would block the writer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from ..bounds import folded_int64

log = logging.getLogger(__name__)

PROCESSES = Path("/proc")
FRESH_S = 0.5
"""Age at which the list is renewed, in seconds: it takes some 10 ms on a desktop, and is queried for each file."""
_ACCESS_MODE, _READ_ONLY = 0o3, 0o0
"""Mask of the access mode in the flags of open(2), and its value for reading."""


class OpenWriters:
    """The frames that are open for writing.

    Parameters:
        endings: endings of the names of frames, in lower case.
        processes: folder of the processes.
    """

    def __init__(self, endings: tuple[str, ...], processes: Path = PROCESSES) -> None:
        self._endings = endings
        self._processes = str(processes)
        self._taken_s = float("-inf")
        self._open: frozenset[tuple[int, int]] = frozenset()

    def has(self, file_id: tuple[int, int], now_s: float) -> bool:
        """Return whether a program has this file open for writing; false also where this is unknown.

        Parameters:
            file_id: device and inode number, as in ``Sighting``.
            now_s: monotonic time in seconds.
        """
        if now_s - self._taken_s >= FRESH_S:
            self._open = frozenset(self._open_frames())
            self._taken_s = now_s
        return file_id in self._open

    def _open_frames(self) -> Iterator[tuple[int, int]]:
        """Yield device and inode number of each frame that another process has open for writing."""
        own_pid = str(os.getpid())
        for process in _names_in(self._processes):
            if process.isdecimal() and process != own_pid:
                folder = f"{self._processes}/{process}"
                for number in _names_in(f"{folder}/fd"):
                    yield from _file_being_written(folder, number, self._endings)


def _names_in(folder: str) -> list[str]:
    """Return the names in a folder; an empty list where it does not exist or belongs to another user."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - hundreds of processes, each frame
    except OSError:
        return []


def _file_being_written(process: str, number: str, endings: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Yield the file of a descriptor, when it has the name of a frame and is open for writing."""
    link = f"{process}/fd/{number}"
    try:
        # The name first, since querying the number of a file may take for ever on a share that hangs.
        if not os.readlink(link).lower().endswith(endings):  # noqa: PTH115
            return
        with open(f"{process}/fdinfo/{number}", encoding="ascii") as lines:  # noqa: PTH123
            flags = next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), _READ_ONLY)
        if flags & _ACCESS_MODE != _READ_ONLY:
            status = os.stat(link)  # noqa: PTH116
            yield folded_int64(status.st_dev), folded_int64(status.st_ino)
    except (OSError, ValueError, IndexError):
        return
