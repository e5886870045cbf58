"""Conversion of FITS data to pixels in native byte order, in place where possible.

FITS stores big-endian numbers; unsigned 16-bit images are stored as signed ones with BZERO = 32768
(FITS Standard 4.0, section 4.4.2.5). A camera frame of 16 bits needs no second copy: its bytes are swapped and its
sign bit is flipped block by block, each block while it is in the processor's cache and after it has been hashed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable
from astro_monitor.formats.contents import Pixels

_BLOCK_ITEMS = 1 << 16
"""Pixels per block, 128 kB of 16 bits: they stay in the processor's cache."""
_SIGN = np.uint16(0x8000)
"""Sign bit of a 16-bit integer; flipping it adds BZERO = 32768."""
_LARGEST = 1e10
"""Largest valid value in ADU, twice the range of 32 bits: larger numbers are damage. The squares of larger ones would
overflow float32, in which sums are calculated."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Scaling of stored numbers: ``value = zero + scale * stored``; ``blank`` is the stored number for *no value*."""

    bitpix: int
    zero: float = 0.0
    scale: float = 1.0
    blank: int | None = None


def to_native(raw: NDArray[np.uint8], scaling: Scaling, wait_hashed: Callable[[int], None]) -> tuple[Pixels, float]:
    """Return the pixels of the stored bytes of an image.

    Parameters:
        raw: (N,) bytes of the data unit, without padding; may be changed, and the result may share its memory.
        scaling: their type and scaling.
        wait_hashed: called with the number of bytes of ``raw`` that are about to be changed.

    Returns:
        (N items,) uint16 where the values fit, else float32; and the fraction of pixels that had no value
        (NaN, infinite, absurdly large, BLANK) and were replaced by the median of the others.

    Raises:
        Unreadable: no pixel has a value (kind ``no_valid_pixels``).
    """
    if scaling.bitpix == 16 and scaling.scale == 1.0 and scaling.zero in (0.0, 32768.0):
        return _pixels_from_int16(raw, scaling, wait_hashed)
    if scaling.bitpix == 8 and scaling.scale == 1.0 and scaling.zero == 0.0 and scaling.blank is None:
        return raw.astype(np.uint16), 0.0
    if scaling.bitpix == -32:
        values = _swapped_float32(raw, wait_hashed)
        if (scaling.zero, scaling.scale) != (0.0, 1.0):
            with np.errstate(all="ignore"):
                values *= np.float32(scaling.scale)
                values += np.float32(scaling.zero)
    else:
        values = _scaled_float32(raw, scaling)
    return values, fill_invalid(values)


def _pixels_from_int16(
    raw: NDArray[np.uint8], scaling: Scaling, wait_hashed: Callable[[int], None]
) -> tuple[Pixels, float]:
    """Return 16-bit FITS values as uint16, or float32 if any is negative, and the fraction without a value."""
    words = raw.view(np.uint16)
    offset = scaling.zero == 32768.0
    signs = np.uint16(0)
    spare = np.empty(min(_BLOCK_ITEMS, len(words)), np.uint16)
    for start in range(0, len(words), _BLOCK_ITEMS):
        block = words[start : start + _BLOCK_ITEMS]
        wait_hashed((start + len(block)) * 2)
        if np.little_endian:
            # Two shifts are more than twice as fast as the byteswap of numpy.
            high = spare[: len(block)]
            np.left_shift(block, 8, out=high)
            np.right_shift(block, 8, out=block)
            np.bitwise_or(block, high, out=block)
        if offset:
            np.bitwise_xor(block, _SIGN, out=block)
        else:
            signs |= np.bitwise_or.reduce(block)
    if scaling.blank is None and (offset or not signs & _SIGN):
        return words, 0.0
    stored = words ^ _SIGN if offset else words
    signed = stored.view(np.int16)
    invalid = np.zeros(len(words), np.bool_) if scaling.blank is None else signed == scaling.blank
    if offset or not ((signed < 0) & ~invalid).any():
        return words, fill_where(words, invalid)
    values = signed.astype(np.float32)
    return values, fill_where(values, invalid)


def _swapped_float32(raw: NDArray[np.uint8], wait_hashed: Callable[[int], None]) -> NDArray[np.float32]:
    """Return the stored 32-bit floats of a FITS image in the byte order of this machine, changed in place."""
    words = raw.view(np.uint32)
    for start in range(0, len(words), _BLOCK_ITEMS):
        block = words[start : start + _BLOCK_ITEMS]
        wait_hashed((start + len(block)) * 4)
        if np.little_endian:
            block.byteswap(inplace=True)
    return words.view(np.float32)


def _scaled_float32(raw: NDArray[np.uint8], scaling: Scaling) -> NDArray[np.float32]:
    """Return stored FITS values as float32 after BSCALE and BZERO; NaN where they equal BLANK."""
    kind = "u1" if scaling.bitpix == 8 else f">{'f' if scaling.bitpix < 0 else 'i'}{abs(scaling.bitpix) // 8}"
    stored = raw.view(kind)
    values = np.empty(len(stored), np.float32)
    plain = (scaling.zero, scaling.scale) == (0.0, 1.0)
    for start in range(0, len(stored), _BLOCK_ITEMS):
        block = stored[start : start + _BLOCK_ITEMS]
        with np.errstate(all="ignore"):  # a double beyond float32 becomes infinite and is replaced below
            if plain:
                values[start : start + len(block)] = block
            else:
                values[start : start + len(block)] = block.astype(np.float64) * scaling.scale + scaling.zero
        if scaling.blank is not None and scaling.bitpix > 0:
            values[start : start + len(block)][block == scaling.blank] = np.nan
    return values


def fill_invalid(values: NDArray[np.float32]) -> float:
    """Replace NaN, infinity and absurdly large values by the median of the others, in place.

    Parameters:
        values: (N,), writable.

    Returns:
        The fraction of replaced values.

    Raises:
        Unreadable: no value is valid.
    """
    # A sum of squares checks all values in one fast pass; a mask is built only when it fails.
    with np.errstate(all="ignore"):
        if np.einsum("i,i->", values, values) < _LARGEST**2:
            return 0.0
        return fill_where(values, ~(np.abs(values) <= _LARGEST))


def fill_where(values: Pixels, invalid: NDArray[np.bool_]) -> float:
    """Replace some values by the median of the others, in place.

    Parameters:
        values: (N,), writable.
        invalid: (N,), true where there is no value.

    Returns:
        The fraction of replaced values.

    Raises:
        Unreadable: no value is valid.
    """
    count = int(np.count_nonzero(invalid))
    if count == 0:
        return 0.0
    if count == len(values):
        raise Unreadable(
            "No pixel of the image has a value (all are NaN, infinite or blank); check what wrote it.",
            kind="no_valid_pixels",
        )
    valid = values[~invalid]
    # A sample over the frame is enough for the value of a few missing pixels.
    values[invalid] = np.median(valid[:: max(1, len(valid) // 1_000_000)])
    return count / len(values)
