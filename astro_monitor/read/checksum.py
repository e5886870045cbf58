"""DATASUM: whether the data of a FITS unit are what was written.

Only DATASUM is verified. CHECKSUM covers the header as well, and every program that adds a keyword to a finished
frame without renewing it makes it wrong while the pixels are sound: refusing such a frame would help nobody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable
from astro_monitor.fitsheader import Header

_CHUNK_BYTES = 1 << 22


def ones_complement_sum(data: NDArray[np.uint8]) -> int:
    """Add up bytes as 32-bit words with end-around carry (FITS Standard 4.0, appendix J.1).

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
    """Compare the data of a unit with the DATASUM in its header, when there is one.

    Parameters:
        header: header of the unit.
        data: (N,) bytes of its data; padding may be there or not, when it is zeros.

    Raises:
        Unreadable: they differ (kind ``checksum``).
    """
    value = header.value("DATASUM")
    text = value.strip() if isinstance(value, str) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return
    expected, found = int(text), ones_complement_sum(data)
    # 0 and 2**32 - 1 are the same number in this arithmetic.
    if expected != found and {expected, found} != {0, 0xFFFFFFFF}:
        raise Unreadable(
            "The pixels do not match the checksum (DATASUM) in the header: the file was damaged or cut; copy it again.",
            kind="checksum",
        )
