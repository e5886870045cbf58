"""Detection of unwritten parts of a file: a program may allocate a file in full length before it writes the data."""

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
"""Length of a block in bytes. Any run twice as long contains a whole block, and only eight bytes of each block need to
be read first."""
STILL_WRITING = timedelta(seconds=90)
"""Age of the last change up to which a file may still be in writing: longer than programs pause within one file."""


def check_written(arrival: Arrival, image: Image, data: NDArray[np.uint8]) -> None:
    """Raise an error if the data hold runs of zero bytes where a camera writes none.

    In an unsigned 16-bit image such bytes would be a run of pixels at exactly half scale, which no camera reads out. In
    other images they are zero pixels, which processed frames have at their edges: those must be zero throughout.

    Parameters:
        arrival: the file; the time of its last change decides whether it may still be written.
        image: the image that its header describes.
        data: (N,) uint8, the data unit.

    Raises:
        Incomplete: the file may still be written.
        Unreadable: the last change is too long ago.
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
"""Kinds of errors by which the reader reports a file of which only the start is written."""


@contextmanager
def perhaps_unfinished(arrival: Arrival) -> Iterator[None]:
    """Report damage in a recently changed file as a file that is still being written.

    For formats whose length the watcher does not know: it treats such a file as complete after some seconds without a
    change, and a writer may pause longer.

    Parameters:
        arrival: the file. A file named on a command line is read as it is.

    Raises:
        Incomplete: replaces the error about damage.
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
    """Whether the data contain an aligned block of zeros, or end in a run of that length."""
    count = len(data) // BLOCK_BYTES
    if not count:
        return not data.any()
    blocks = data[: count * BLOCK_BYTES].reshape(count, BLOCK_BYTES)
    candidates = np.flatnonzero(~blocks[:, :8].any(axis=1))
    return any(not blocks[number].any() for number in candidates) or not data[-BLOCK_BYTES:].any()
