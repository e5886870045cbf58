"""One program per night log: a lock the operating system gives back when its holder dies, however it dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import NightLogError, NightLogInUse

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        # Windows locks byte ranges and keeps others from reading them, so a byte far behind the number is used.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class InstanceLock:
    """Held from construction to :meth:`release`. The file stays: removing it would let two programs hold it.

    Parameters:
        path: the lock file; made when absent.

    Raises:
        NightLogInUse: another program holds it.
        NightLogError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        except OSError as error:
            raise NightLogError(f"the lock {path} cannot be made: {error.strerror}; check the state folder") from error
        try:
            _take(self._descriptor)
        except OSError as error:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise NightLogInUse(
                f"another astro-monitor (process {holder}) uses the night log in {path.parent}; "
                "stop it first, or give this one its own state_folder"
            ) from error
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Give it back; again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
