"""One bounded look into a file: does it say how long it must be, and does it look filled?"""

from __future__ import annotations

import logging
import os
import stat
from typing import BinaryIO

from ..errors import FrameError, Incomplete
from ..fitsheader import BLOCK_BYTES, declared_size
from .names import tells_its_length
from .settle import Look

log = logging.getLogger(__name__)

TAIL_BYTES = 4096
"""The last page: a copy that fills an allocated file from its start reaches it last."""


def look_into(path: str, size_bytes: int) -> Look:
    """Look into a file without trusting it, reading its headers and its last bytes at most.

    Parameters:
        path: a regular file, as far as was known a moment ago.
        size_bytes: its size, as the file system said then.

    Raises:
        OSError: it cannot be opened or read, or is no regular file any more.
    """
    if size_bytes == 0:
        return Look(missing="is empty")
    if not tells_its_length(path):
        return Look()
    with _open_regular(path) as file:
        try:
            declared_bytes = declared_size(file)
        except Incomplete:
            return Look(missing="has no complete header", told=True)
        except FrameError:
            # No FITS file at all, or nonsense: the reader will say so, in words, once the file is quiet.
            return Look()
        except OSError:
            raise
        except Exception:
            # A defect of ours must not end the watch; the reader meets the same file in a process that may die.
            log.exception("the header of %r cannot be scanned; please report this file", path)
            return Look()
        if size_bytes < declared_bytes:
            return Look(missing=f"has {size_bytes:,} of {declared_bytes:,} bytes", told=True)
        # Some programs leave the padding out; none writes a part of it and stops there.
        padded_bytes = -(-declared_bytes // BLOCK_BYTES) * BLOCK_BYTES
        padding_is_cut = declared_bytes < size_bytes < padded_bytes
        return Look(told=True, doubtful_end=padding_is_cut or _ends_in_zeros(file, declared_bytes))


def _open_regular(path: str) -> BinaryIO:
    """Open for reading, without waiting for a writer in case the name has become that of a pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path!r} is no regular file any more")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _ends_in_zeros(file: BinaryIO, declared_bytes: int) -> bool:
    count = min(TAIL_BYTES, declared_bytes // 8)
    file.seek(declared_bytes - count)
    return not any(file.read(count))
