"""The disk reserve: a file without meaning that is deleted when the disk is full, so that the night is still logged."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_BYTES = 32 << 20
"""Room for the documents of several thousand frames."""
SPARE = 8
"""It is made only where so many times its size is free: on a small disk it would be the trouble itself."""


class DiskReserve:
    """The disk reserve of one night log, a file that is deleted when the disk is full.

    Parameters:
        path: next to the night log.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lay_in(self) -> None:
        """Create the file of the disk reserve, when there is room for it; trouble is not worth more than a word."""
        try:
            if os.path.lexists(self._path) or shutil.disk_usage(self._path.parent).free < SPARE * RESERVE_BYTES:
                return
            with self._path.open("xb") as file:
                # The blocks must really be taken: no hole, and nothing that a file system can compress.
                if sys.platform == "linux":
                    os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
                else:
                    file.write(os.urandom(RESERVE_BYTES))
        except OSError as error:
            log.info("no reserve is kept at %s: %s", self._path, error.strerror)
            self._path.unlink(missing_ok=True)

    def drop(self) -> bool:
        """Delete the file of the disk reserve.

        Returns:
            whether there was one, so that writing again is worth a try.
        """
        try:
            self._path.unlink()
        except OSError:
            return False
        log.critical("the disk of the night log is full: its last %d MB were freed, make room now", RESERVE_BYTES >> 20)
        return True
