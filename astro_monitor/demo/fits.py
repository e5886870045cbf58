"""Write a 16-bit FITS image the plain way, without astropy, so that tests can also stop half-way.

Format: FITS Standard 4.0, sections 3 and 4; unsigned 16-bit integers as signed with BZERO 32768.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 2880
CARD_BYTES = 80

CardValue = str | float | int | bool


def card(keyword: str, value: CardValue) -> bytes:
    """Write one header card of 80 bytes.

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
    """Write the header of a 16-bit image of the shape (height, width), padded to whole blocks."""
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
    """Write pixels as big-endian signed integers less 32768, padded to whole blocks."""
    data = (pixels ^ np.uint16(0x8000)).astype(">u2").tobytes()
    return data.ljust(-(-len(data) // BLOCK_BYTES) * BLOCK_BYTES, b"\0")


def write_fits(path: Path, pixels: NDArray[np.uint16], cards: Mapping[str, CardValue]) -> None:
    """Write a whole file at once.

    Parameters:
        path: where; an existing file is refused.
        pixels: (H, W) uint16.
        cards: keywords beside those of the structure.

    Raises:
        FileExistsError: something is there already.
    """
    with path.open("xb") as file:
        file.write(header_bytes((pixels.shape[0], pixels.shape[1]), cards))
        file.write(data_bytes(pixels))
