"""Tile-compressed images (``.fits.fz``), inflated by astropy after their tables have been checked here.

The codecs are C code that believes what it is given: only the common ones are used, on a table whose size has been
checked, in a file made of that one table. Decoding errors of every class mean the same: the image is damaged.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import BLOCK_BYTES, Hdu

from .layout import Image
from .pixels import Pixels, fill_invalid

CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2")
"""HCOMPRESS and PLIO are left out: their decoders had memory faults, and no camera program writes them."""

_COLUMN_BYTES = {"L": 1, "X": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16,
                 "P": 8, "Q": 16}  # fmt: skip
_PRIMARY = b"".join(
    card.ljust(80)
    for card in (b"SIMPLE  =                    T", b"BITPIX  =                    8",
                 b"NAXIS   =                    0", b"EXTEND  =                    T", b"END")
).ljust(BLOCK_BYTES)  # fmt: skip


def inflate_tiles(image: Image, unit: NDArray[np.uint8]) -> tuple[Pixels, float]:
    """Inflate a tile-compressed image.

    Parameters:
        image: what the header says, already checked against the limits.
        unit: (N,) bytes of header and data of its part of the file.

    Returns:
        (H, W) uint16 where the values fit, else float32; and the fraction that had no value.

    Raises:
        Unsupported: an unusual codec.
        Unreadable: the table or a tile is damaged.
    """
    codec = str(image.hdu.header.value("ZCMPTYPE")).strip().upper()
    if codec not in CODECS:
        raise Unsupported(
            f"The image is compressed by {codec[:20]}, which is not read; use Rice or gzip tiles.", kind="codec"
        )
    _check_gzip_tiles(image, unit[image.hdu.data_offset - image.hdu.header_offset :])
    try:
        values = _decode(unit)
    except Exception as error:  # whatever the codecs raise: the bytes are damaged, or ask for more than there is
        raise Unreadable(
            "A tile of the compressed image is damaged; copy the file again.", kind="corrupt_tiles"
        ) from error
    if values.shape != image.shape:
        raise Unreadable("The compressed image has another size than its header declares.", kind="bad_header")
    return _narrow(values)


def _decode(unit: NDArray[np.uint8]) -> NDArray[np.generic]:
    from astropy.io import fits  # 0.5 s to import: paid only by those who compress

    file = io.BytesIO(_PRIMARY + unit.tobytes().ljust(-(-len(unit) // BLOCK_BYTES) * BLOCK_BYTES, b"\0"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(file, memmap=False, lazy_load_hdus=True) as units:
            return np.squeeze(np.asarray(units[1].data))


def _narrow(values: NDArray[np.generic]) -> tuple[Pixels, float]:
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 65535:
        return np.ascontiguousarray(values, np.uint16), 0.0
    with np.errstate(all="ignore"):
        pixels = np.array(values, np.float32, order="C")
    return pixels, fill_invalid(pixels.reshape(-1))


def _check_gzip_tiles(image: Image, data: NDArray[np.uint8]) -> None:
    """Inflate each gzip tile no further than a tile can be long: the codec itself would not stop."""
    hdu = image.hdu
    row_bytes, rows = hdu.header.integer("NAXIS1"), hdu.header.integer("NAXIS2")
    heap = hdu.header.integer("THEAP", row_bytes * rows)
    table = data[: row_bytes * rows].reshape(rows, row_bytes) if row_bytes * rows <= len(data) else None
    if table is None or heap < row_bytes * rows:
        raise _damaged_table()
    tile_bytes = 8 * _tile_pixels(image)
    for start, width, column in _descriptors(hdu):
        plain = column == "UNCOMPRESSED_DATA"
        if start + 2 * width > row_bytes:
            raise _damaged_table()
        cells = np.ascontiguousarray(table[:, start : start + 2 * width]).view(f">i{width}")
        for length, offset in cells.astype(np.int64):
            first = heap + int(offset)
            last = first + int(length)
            if length < 0 or offset < 0 or last > len(data):
                raise _damaged_table()
            if plain or data[first : first + 2].tobytes() != b"\x1f\x8b":
                continue
            try:
                inflated = zlib.decompressobj(31).decompress(data[first:last].tobytes(), tile_bytes + 1)
            except zlib.error as error:
                raise _damaged_table() from error
            if len(inflated) > tile_bytes:
                raise Unsupported("A tile of the compressed image grows without end; it is left alone.", kind="bomb")


def _tile_pixels(image: Image) -> int:
    header = image.hdu.header
    pixels = 1
    for number in range(1, header.integer("ZNAXIS") + 1):
        length = header.integer(f"ZNAXIS{number}")
        pixels *= min(length, header.integer(f"ZTILE{number}", length if number == 1 else 1))
    return pixels


def _descriptors(hdu: Hdu) -> list[tuple[int, int, str]]:
    """Byte offset in a row, width of one number and name of each variable-length column."""
    found = []
    start = 0
    for number in range(1, hdu.header.integer("TFIELDS") + 1):
        form = re.fullmatch(r"(\d{0,6})([LXBIJKAEDCMPQ]).*", str(hdu.header.value(f"TFORM{number}")).strip())
        if form is None:
            raise _damaged_table()
        count = int(form[1] or 1)
        if form[2] in "PQ" and count:
            name = str(hdu.header.value(f"TTYPE{number}")).strip().upper()
            found.append((start, _COLUMN_BYTES[form[2]] // 2, name))
        start += -(-count // 8) if form[2] == "X" else count * _COLUMN_BYTES[form[2]]
    return found


def _damaged_table() -> Unreadable:
    return Unreadable("The table of the compressed image is damaged; copy the file again.", kind="corrupt_tiles")
