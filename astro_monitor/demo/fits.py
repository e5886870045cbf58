"""Writing of 16-bit FITS images without astropy, so that tests can also write incomplete files.

Format: FITS Standard 4.0, sections 3 and 4; unsigned 16-bit integers as signed with BZERO 32768.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 2880
"""Length of a block (FITS Standard 4.0, section 3.1)."""
CARD_BYTES = 80
"""Length of a header card (FITS Standard 4.0, section 4.1)."""

CardValue = str | float | int | bool


def card(keyword: str, value: CardValue) -> bytes:
    """Return one header card of 80 bytes.

    Raises:
        ValueError: the text does not fit on a card.
    """
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        quoted = value.replace("'", "''")
        text = f"'{quoted:<8}'"
    elif isinstance(value, float):
        text = f"{value!r:>20}".upper()
    else:
        text = f"{value:>20}"
    line = f"{keyword:<8}= {text}".encode("ascii")
    if len(line) > CARD_BYTES:
        raise ValueError(f"{keyword} is too long for a FITS card")
    return line.ljust(CARD_BYTES)


def header_bytes(shape: tuple[int, int], cards: Mapping[str, CardValue]) -> bytes:
    """Return the header of a 16-bit image of the shape (height, width), padded to whole blocks."""
    height, width = shape
    structure: dict[str, CardValue] = {
        "SIMPLE": True,
        "BITPIX": 16,
        "NAXIS": 2,
        "NAXIS1": width,
        "NAXIS2": height,
        "BZERO": 32768,
        "BSCALE": 1,
    }
    lines = b"".join(card(keyword, value) for keyword, value in {**structure, **cards}.items())
    lines += b"END".ljust(CARD_BYTES)
    return lines.ljust(-(-len(lines) // BLOCK_BYTES) * BLOCK_BYTES)


def data_bytes(pixels: NDArray[np.uint16]) -> bytes:
    """Return pixels as big-endian signed integers less 32768, padded to whole blocks."""
    data = (pixels ^ np.uint16(0x8000)).astype(">u2").tobytes()
    return data.ljust(-(-len(data) // BLOCK_BYTES) * BLOCK_BYTES, b"\0")


def write_fits(path: Path, pixels: NDArray[np.uint16], cards: Mapping[str, CardValue]) -> None:
    """Write a complete file.

    Parameters:
        path: path of the file, which must not exist.
        pixels: (H, W) uint16.
        cards: keywords in addition to those of the structure.

    Raises:
        FileExistsError: the path exists already.
    """
    with path.open("xb") as file:
        file.write(header_bytes((pixels.shape[0], pixels.shape[1]), cards))
        file.write(data_bytes(pixels))
