"""TIFF and DNG files written entry by entry, like those of cameras, with EXIF in its own directory."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Entry = tuple[int, int, Any]
"""Tag, type (TIFF 6.0, section 2) and value: a text, a number, a fraction, or a tuple of them."""

ASCII, BYTE, SHORT, LONG, RATIONAL, SRATIONAL = 2, 1, 3, 4, 5, 10
"""Numbers of types (TIFF 6.0, section 2)."""
_LETTERS = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i"}
_LINEAR, _CFA = 1, 32803
"""Values of PhotometricInterpretation: grey, and colour filter array (DNG 1.4)."""

EXIF_OF_A_NIGHT: tuple[Entry, ...] = (
    (33434, RATIONAL, Fraction(1205, 10)),
    (34855, SHORT, 1600),
    (36867, ASCII, "2024:03:01 23:30:05"),
    (36881, ASCII, "+01:00"),
    (37521, ASCII, "25"),
    (37386, RATIONAL, Fraction(135)),
    (42036, ASCII, "A lens of 135 mm"),
)
"""EXIF of an exposure of 120.5 s: exposure, ISO, date, offset from UTC, fraction of a second, focal length and
lens."""


def tiff_bytes(
    pixels: NDArray[Any],
    *,
    order: Literal["<", ">"] = "<",
    entries: tuple[Entry, ...] = (),
    exif: tuple[Entry, ...] = (),
    photometric: int = _LINEAR,
) -> bytes:
    """Return an uncompressed TIFF of one strip.

    Parameters:
        pixels: (H, W), unsigned integers or floats.
        order: ``<`` or ``>``, the byte order of all numbers.
        entries: further entries of the directory of the image.
        exif: entries of the EXIF directory.
        photometric: value of PhotometricInterpretation.
    """
    stored = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    height, width = pixels.shape
    image: list[Entry] = [
        (254, LONG, 0),
        (256, LONG, width),
        (257, LONG, height),
        (258, SHORT, pixels.dtype.itemsize * 8),
        (259, SHORT, 1),
        (262, SHORT, photometric),
        (273, LONG, 8),
        (277, SHORT, 1),
        (278, LONG, height),
        (279, LONG, len(stored)),
        (339, SHORT, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]),
        *entries,
    ]
    body = b"\0" * (len(stored) % 2)
    offset = 8 + len(stored) + len(body)
    if exif:
        directory = _directory(list(exif), order, offset)
        image.append((34665, LONG, offset))
        body += directory
        offset += len(directory)
    body += _directory(image, order, offset)
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HI", 42, offset) + stored + body


def dng_bytes(
    pixels: NDArray[np.uint16],
    *,
    order: Literal["<", ">"] = "<",
    cell: str = "RGGB",
    cell_side: int = 2,
    black: int = 512,
    white: int = 16383,
    active: tuple[int, int, int, int] | None = None,
    exif: tuple[Entry, ...] = EXIF_OF_A_NIGHT,
) -> bytes:
    """Return a DNG (Adobe's specification 1.4) of one strip.

    Parameters:
        pixels: (H, W), sensor values.
        order: ``<`` or ``>``.
        cell: colours of the smallest cell, row by row, as letters.
        cell_side: side of the cell.
        black, white: levels without light and of a saturated pixel.
        active: top, left, bottom and right of the visible area; the complete area when it is ``None``.
        exif: entries of the EXIF directory.
    """
    unit = tuple(Fraction(int(row == column)) for row in range(3) for column in range(3))
    entries: list[Entry] = [
        (271, ASCII, "Maker"),
        (272, ASCII, "Camera 7"),
        (33421, SHORT, (cell_side, cell_side)),
        (33422, BYTE, tuple("RGB".index(letter) for letter in cell)),
        (50706, BYTE, (1, 4, 0, 0)),
        (50708, ASCII, "Maker Camera 7"),
        (50714, LONG, black),
        (50717, LONG, white),
        (50721, SRATIONAL, unit),
        (50778, SHORT, 21),
    ]
    if active is not None:
        entries.append((50829, LONG, active))
    return tiff_bytes(pixels, order=order, entries=tuple(entries), exif=exif, photometric=_CFA)


def _directory(entries: list[Entry], order: str, offset: int) -> bytes:
    """Return the bytes of one directory of a TIFF test file, with the values that do not fit into its entries."""
    entries = sorted(entries)
    table = struct.pack(f"{order}H", len(entries))
    extra = b""
    extra_at = offset + 2 + 12 * len(entries) + 4
    for tag, form, value in entries:
        count, data = _packed(form, value, order)
        if len(data) > 4:
            field = struct.pack(f"{order}I", extra_at + len(extra))
            extra += data + b"\0" * (len(data) % 2)
        else:
            field = data.ljust(4, b"\0")
        table += struct.pack(f"{order}HHI", tag, form, count) + field
    return table + bytes(4) + extra


def _packed(form: int, value: Any, order: str) -> tuple[int, bytes]:
    """Return count and bytes of the value of one entry of a TIFF test file."""
    if form == ASCII:
        text = str(value).encode() + b"\0"
        return len(text), text
    values = value if isinstance(value, tuple) else (value,)
    numbers = [int(item) for item in values]
    if form in (RATIONAL, SRATIONAL):
        numbers = [part for item in values for part in (Fraction(item).numerator, Fraction(item).denominator)]
    return len(values), struct.pack(f"{order}{len(numbers)}{_LETTERS[form]}", *numbers)
