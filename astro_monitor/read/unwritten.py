"""Parts of a file that were never written: a program may make a file in full length before it fills it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Incomplete, Unreadable, Unsupported
from astro_monitor.records import Arrival

from .layout import Image

BLOCK_BYTES = 512
"""Whatever is twice as long holds one such block, wherever it begins; one of 64 cache lines of a frame is touched."""
STILL_WRITING = timedelta(seconds=90)


def check_written(arrival: Arrival, image: Image, data: NDArray[np.uint8]) -> None:
    """Refuse data that hold runs of zero bytes where a camera writes none.

    In an unsigned 16-bit image such bytes would be a run of exact half-scale pixels, which no camera reads out. In
    others they are zero pixels, which processed frames do have at their edges: those must be zero throughout.

    Parameters:
        arrival: the file; the time of its last change decides whether it may still be filled.
        image: what its header says.
        data: (N,) uint8, the data unit.

    Raises:
        Incomplete: it may still be filled.
        Unreadable: it is too old for that.
    """
    offset_binary = not image.tiled and image.scaling.bitpix == 16 and image.scaling.zero == 32768.0
    if not (_has_zero_block(data[: image.pixel_bytes]) if offset_binary else not data.any()):
        return
    if arrival.settled_utc.timestamp() - arrival.mtime_ns / 1e9 < STILL_WRITING.total_seconds():
        raise Incomplete("A part of the image is still empty; the file will be tried again when it is filled.")
    raise Unreadable("A part of the image was never written (all zeros); copy the file again.", kind="truncated")


UNFINISHED_KINDS = (
    "truncated", "bad_header", "checksum", "corrupt_gzip", "corrupt_tiff", "corrupt_raw", "corrupt_xisf", "raw",
)  # fmt: skip
"""What the reader finds in a file of which only the front is there."""


@contextmanager
def perhaps_unfinished(arrival: Arrival) -> Iterator[None]:
    """Treat damage in a file that was changed a moment ago as a file that is still being written.

    For formats whose length the watcher does not know: it takes such a file for complete after some seconds without a
    change, and a writer may pause longer.

    Parameters:
        arrival: the file. One that was named on a command line is taken as it is.

    Raises:
        Incomplete: in place of what says that the file is damaged.
    """
    try:
        yield
    except (Unreadable, Unsupported) as error:
        age_s = arrival.settled_utc.timestamp() - arrival.mtime_ns / 1e9
        if error.kind not in UNFINISHED_KINDS or arrival.how == "named" or abs(age_s) >= STILL_WRITING.total_seconds():
            raise
        raise Incomplete(
            "The file is incomplete or damaged; it will be tried again, as its writer may not have finished."
        ) from error


def _has_zero_block(data: NDArray[np.uint8]) -> bool:
    """Whether a run of zeros is as long as two blocks, or ends the data and is as long as one."""
    count = len(data) // BLOCK_BYTES
    if not count:
        return not data.any()
    blocks = data[: count * BLOCK_BYTES].reshape(count, BLOCK_BYTES)
    suspects = np.flatnonzero(~blocks[:, :8].any(axis=1))
    return any(not blocks[number].any() for number in suspects) or not data[-BLOCK_BYTES:].any()
