"""DATASUM: whether the data of an HDU are those that were written.

Only DATASUM is verified. CHECKSUM covers the header as well, and becomes invalid when a program adds a keyword to a
finished frame without updating it, while the pixels are intact: such a frame must be graded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable
from astro_monitor.fitsheader import Header

_CHUNK_BYTES = 1 << 22
"""Bytes added up per step: the temporary sums stay small."""


def ones_complement_sum(data: NDArray[np.uint8]) -> int:
    """Return the sum of 32-bit words with end-around carry (FITS Standard 4.0, appendix J.1).

    Parameters:
        data: (N,) bytes; a short last word is filled with zeros.

    Returns:
        The sum, 0 to 2**32 - 1.
    """
    whole = len(data) // 4 * 4
    total = 0
    for start in range(0, whole, _CHUNK_BYTES):
        total += int(data[start : min(whole, start + _CHUNK_BYTES)].view(">u4").sum(dtype=np.uint64))
    total += int.from_bytes(data[whole:].tobytes().ljust(4, b"\0"), "big")
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def verify_datasum(header: Header, data: NDArray[np.uint8]) -> None:
    """Raise an error if the data of an HDU differ from the DATASUM in its header.

    Parameters:
        header: header of the HDU.
        data: (N,) bytes of its data, with or without padding of zeros.

    Raises:
        Unreadable: they differ (kind ``checksum``).
    """
    value = header.value("DATASUM")
    text = value.strip() if isinstance(value, str) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return
    expected, computed = int(text), ones_complement_sum(data)
    # 0 and 2**32 - 1 are the same number in this arithmetic.
    if expected != computed and {expected, computed} != {0, 0xFFFFFFFF}:
        raise Unreadable(
            "The pixels do not match the checksum (DATASUM) in the header: the file was damaged or cut; copy it again.",
            kind="checksum",
        )
