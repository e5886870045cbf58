"""One program per night log: a lock the operating system gives back when its holder dies, however it dies."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ..errors import NightLogError, NightLogInUse
from ..openfile import NotPlain, open_plain
from ..plain import because

MAX_LOCK_BYTES = 24
"""More than any process number has digits; a longer file is not a lock of this program."""
_HOLDER = re.compile(rb"[0-9\0\s]{0,24}")
"""What a lock file holds: the number of a process, nothing, or zeros after a power cut."""

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        """Take the lock of a night log on an open file under Windows; raise ``OSError`` when another has it."""
        # Windows locks byte ranges and keeps others from reading them, so a byte far behind the number is used.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        """Take the lock of a night log on an open file under POSIX; raise ``OSError`` when another has it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class InstanceLock:
    """Held from construction to :meth:`release`. The file stays: removing it would let two programs hold it.

    Parameters:
        path: the lock file; made when absent.

    Raises:
        NightLogInUse: another program holds it.
        NightLogError: it cannot be made, or there is a link or a file of something else in its place.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = open_plain(path, os.O_RDWR | os.O_CREAT)
        except NotPlain as error:
            raise NightLogError(
                f"the lock {path} cannot be used: {because(error)}; nothing was written, remove it"
            ) from error
        except OSError as error:
            raise NightLogError(f"the lock {path} cannot be made: {because(error)}; check the state folder") from error
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
        if not _HOLDER.fullmatch(os.read(self._descriptor, MAX_LOCK_BYTES + 1)):
            os.close(self._descriptor)
            raise NightLogError(f"the lock {path} is a file of something else; nothing was written, move it away")
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
