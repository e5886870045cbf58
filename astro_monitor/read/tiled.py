"""Tile-compressed images (``.fits.fz``), decompressed by astropy after a check of their tables.

The codecs are C code that trusts its input: they are applied to a table whose size has been checked, in a file made of
that table only, and the sizes inside each tile are compared with the header. Decoding errors of any class mean that the
image is damaged. A decoder that crashes ends only the worker process.

Layout: FITS Standard 4.0, section 10.1; the codecs are those of its section 10.4.
"""

from __future__ import annotations

import io
import math
import re
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import BLOCK_BYTES, Hdu
from astro_monitor.formats.contents import Pixels

from .layout import Image
from .pixels import Scaling, fill_invalid, fill_where

CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS")
RARE_CODECS = ("HCOMPRESS_1", "PLIO_1")
"""Codecs that N.I.N.A. offers. Their decoders had memory faults in the past; ``Limits.rare_codecs`` turns them off."""

_HCOMPRESS_MAGIC = b"\xdd\x99"
_HCOMPRESS_HEAD = 2 + 3 * 4 + 8 + 3
"""Bytes before the coefficients: magic, two sides, scale, sum of all pixels, bit planes of three quadrants (cfitsio,
fits_hdecompress.c)."""
_MAX_BIT_PLANES = 63
"""Most bit planes of a quadrant: the coefficients are 64-bit integers with a sign."""
_PLIO_HEAD_WORDS = 7
"""16-bit words before the instructions of a PLIO tile (cfitsio, pliocomp.c)."""
_MAX_GZIP_MEMBERS = 8
"""Most gzip members of a tile. Writers make one; the time of astropy grows with the square of their number."""

_COLUMN_BYTES = {"L": 1, "X": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16,
                 "P": 8, "Q": 16}  # fmt: skip
"""Bytes of an element of each column type (FITS Standard 4.0, table 18)."""
_PRIMARY = b"".join(
    card.ljust(80)
    for card in (b"SIMPLE  =                    T", b"BITPIX  =                    8",
                 b"NAXIS   =                    0", b"EXTEND  =                    T", b"END")
).ljust(BLOCK_BYTES)  # fmt: skip
"""A primary header without data, to complete a file for astropy."""


def inflate_tiles(image: Image, unit: NDArray[np.uint8], *, rare_codecs: bool) -> tuple[Pixels, float]:
    """Return the pixels of a tile-compressed image.

    Parameters:
        image: the image that the header describes, already within the limits.
        unit: (N,) bytes of header and data of its HDU.
        rare_codecs: whether HCOMPRESS and PLIO are read, too.

    Returns:
        (H, W) uint16 where the values fit, else float32; and the fraction of pixels without a value.

    Raises:
        Unsupported: the codec is not read.
        Unreadable: the table or a tile is damaged.
    """
    codec = str(image.hdu.header.value("ZCMPTYPE")).strip().upper()
    if codec in RARE_CODECS and not rare_codecs:
        raise Unsupported(
            f"The image is compressed by {codec}, which is turned off; set worker.rare_codecs to true, or use Rice "
            "or gzip tiles.",
            kind="codec",
        )
    if codec not in CODECS + RARE_CODECS:
        raise Unsupported(
            f"The image is compressed by {codec[:20]!r}, which is not read; use Rice or gzip tiles.", kind="codec"
        )
    _check_cells(image, codec, unit[image.hdu.data_offset - image.hdu.header_offset :])
    try:
        values = _decoded_tiles(unit)
    except MemoryError:
        raise
    except Exception as error:  # any other error of the codecs means damaged or truncated data
        raise Unreadable(
            "A tile of the compressed image is damaged; copy the file again.", kind="corrupt_tiles"
        ) from error
    if values.shape != image.shape:
        raise Unreadable("The compressed image has another size than its header declares.", kind="bad_header")
    if codec == "PLIO_1" and image.scaling.bitpix == 16 and image.scaling.zero == 32768.0:
        # PLIO has no negative numbers: cfitsio stores unsigned numbers of 16 bits in it without subtracting BZERO
        # (imcomp_convert_tile_tushort in its imcompress.c); astropy adds BZERO all the same.
        values = np.asarray(values, np.uint16) ^ np.uint16(0x8000)
    return _as_pixels(values, image.scaling)


def _decoded_tiles(unit: NDArray[np.uint8]) -> NDArray[np.generic]:
    """Return the values of a tile-compressed FITS image, decoded by astropy."""
    from astropy.io import fits  # takes 0.5 s to import, so only for compressed files

    file = io.BytesIO(_PRIMARY + unit.tobytes().ljust(-(-len(unit) // BLOCK_BYTES) * BLOCK_BYTES, b"\0"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(file, memmap=False, lazy_load_hdus=True) as units:
            return np.squeeze(np.asarray(units[1].data))


def _as_pixels(values: NDArray[np.generic], scaling: Scaling) -> tuple[Pixels, float]:
    """Return decoded FITS values as uint16 where they fit, else float32, and the fraction of pixels without a value."""
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 65535:
        narrow = np.ascontiguousarray(values, np.uint16)
        if scaling.blank is None:
            return narrow, 0.0
        # astropy does not apply BLANK where it returns unsigned numbers.
        invalid = narrow == scaling.blank * scaling.scale + scaling.zero
        narrow = narrow.copy() if invalid.any() else narrow
        return narrow, fill_where(narrow.reshape(-1), invalid.reshape(-1))
    with np.errstate(all="ignore"):
        pixels = np.array(values, np.float32, order="C")
    return pixels, fill_invalid(pixels.reshape(-1))


def _check_cells(image: Image, codec: str, data: NDArray[np.uint8]) -> None:
    """Compare the sizes inside each tile with the header: most codecs do not."""
    hdu = image.hdu
    row_bytes, rows = hdu.header.integer("NAXIS1"), hdu.header.integer("NAXIS2")
    heap = hdu.header.integer("THEAP", row_bytes * rows)
    table = data[: row_bytes * rows].reshape(rows, row_bytes) if row_bytes * rows <= len(data) else None
    if table is None or heap < row_bytes * rows:
        raise _damaged_table_error()
    sides = _tile_sides(image)
    for start, width, item_bytes, column in _descriptors(hdu):
        if start + 2 * width > row_bytes:
            raise _damaged_table_error()
        cells = np.ascontiguousarray(table[:, start : start + 2 * width]).view(f">i{width}")
        for row, (length, offset) in enumerate(cells.astype(np.int64)):
            first = heap + int(offset)
            last = first + int(length) * item_bytes
            if length < 0 or offset < 0 or last > len(data):
                raise _damaged_table_error()
            if column == "UNCOMPRESSED_DATA" or not length:
                continue
            cell = data[first:last]
            if codec.startswith("GZIP") or column == "GZIP_COMPRESSED_DATA":
                _check_gzip(cell, 8 * math.prod(sides))
            elif codec == "HCOMPRESS_1":
                _check_hcompress(cell, [side for side in _cut_sides(image, sides, row) if side > 1])
            elif codec == "PLIO_1":
                _check_plio(cell)


def _check_gzip(cell: NDArray[np.uint8], most_bytes: int) -> None:
    """Raise an error if a tile with all its members grows beyond its size."""
    packed, inflated = cell.data, 0
    for _ in range(_MAX_GZIP_MEMBERS):
        stream = zlib.decompressobj(31)
        try:
            inflated += len(stream.decompress(packed, most_bytes + 1 - inflated))
        except zlib.error as error:
            raise _damaged_table_error() from error
        if inflated > most_bytes:
            raise Unsupported(
                "A tile of the compressed image expands far beyond its size; the file is not read.", kind="bomb"
            )
        if not stream.eof:
            raise _damaged_table_error()
        packed = memoryview(stream.unused_data.lstrip(b"\0"))
        if not len(packed):
            return
    raise Unsupported("A tile of the compressed image has far too many parts; the file is not read.", kind="bomb")


def _check_hcompress(cell: NDArray[np.uint8], sides: list[int]) -> None:
    """Compare the sides in the tile, which the decoder uses, with the header (cfitsio, fits_hdecompress.c)."""
    head = cell[:_HCOMPRESS_HEAD].tobytes()
    if len(head) < _HCOMPRESS_HEAD or head[:2] != _HCOMPRESS_MAGIC or max(head[-3:]) > _MAX_BIT_PLANES:
        raise _damaged_table_error()
    if [int.from_bytes(head[2:6], "big"), int.from_bytes(head[6:10], "big")] != sides:
        raise _damaged_table_error()


def _check_plio(cell: NDArray[np.uint8]) -> None:
    """Check the length of the instructions in the tile, which the decoder uses (cfitsio, pliocomp.c)."""
    words = cell[: len(cell) // 2 * 2].view(">i2")
    if len(words) < _PLIO_HEAD_WORDS:
        raise _damaged_table_error()
    # A third word above zero marks the older format, with three words before the instructions.
    first, length = (3, int(words[2])) if words[2] > 0 else (int(words[1]), (int(words[4]) << 15) + int(words[3]))
    last = int(words[length - 1]) if 0 < first < length <= len(words) else -1
    # The instruction of a new level (code 1) reads the following word as well.
    if last < 0 or (last >> 12 == 1 and length == len(words)):
        raise _damaged_table_error()


def _tile_sides(image: Image) -> list[int]:
    """Return the sides of a full tile, the fastest axis first."""
    header = image.hdu.header
    sides = []
    for number in range(1, header.integer("ZNAXIS") + 1):
        length = header.integer(f"ZNAXIS{number}")
        sides.append(min(length, header.integer(f"ZTILE{number}", length if number == 1 else 1)))
    return sides


def _cut_sides(image: Image, sides: list[int], row: int) -> list[int]:
    """Return the sides of the tile in one row of the table, in numpy order: the fastest axis last."""
    header = image.hdu.header
    cut = []
    for number, side in enumerate(sides, start=1):
        length = header.integer(f"ZNAXIS{number}")
        row, tile = divmod(row, -(-length // side))
        cut.append(min(side, length - tile * side))
    return cut[::-1]


def _descriptors(hdu: Hdu) -> list[tuple[int, int, int, str]]:
    """Return offset in a row, width of a number, bytes of a heap item and name of each variable-length column."""
    columns = []
    start = 0
    for number in range(1, hdu.header.integer("TFIELDS") + 1):
        form = re.fullmatch(r"(\d{0,6})([LXBIJKAEDCMPQ])(.?).*", str(hdu.header.value(f"TFORM{number}")).strip())
        if form is None or (form[2] in "PQ" and form[3] not in _COLUMN_BYTES):
            raise _damaged_table_error()
        count = int(form[1] or 1)
        if form[2] in "PQ" and count:
            name = str(hdu.header.value(f"TTYPE{number}")).strip().upper()
            columns.append((start, _COLUMN_BYTES[form[2]] // 2, _COLUMN_BYTES[form[3]], name))
        start += -(-count // 8) if form[2] == "X" else count * _COLUMN_BYTES[form[2]]
    return columns


def _damaged_table_error() -> Unreadable:
    """Return the error for a damaged table of a tile-compressed FITS image."""
    return Unreadable("The table of the compressed image is damaged; copy the file again.", kind="corrupt_tiles")
