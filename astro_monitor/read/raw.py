"""Camera raw files (CR2, CR3, NEF, ARW, DNG, RAF, ORF and others) through rawpy, which wraps LibRaw.

The sensor values are read, not a developed picture: the visible area, unscaled and with the black level, as for any
other camera. LibRaw is C++ code that has had memory faults: it runs in the worker process only, and on sizes that have
been checked.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.formats.contents import FileBytes, FileContents
from astro_monitor.formats.known.raw import CAMERA_RAW, CR3_MAGIC, CR3_OFFSET, RAW_ENDINGS, RAW_MAGICS
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival, FrameMeta

from .exif import Exif, read_exif, with_exif
from .superpixels import XTRANS

_HIGHEST = 65_535
"""Full scale of 16 bits, in ADU."""
_XTRANS_SIDE = 6
"""Period of Fujifilm's X-Trans array, in pixels."""


@dataclass(frozen=True, slots=True)
class RawImage:
    """The visible part of a sensor.

    Attributes:
        values: (H, W) uint16, sensor values in ADU.
        bayer: colours of the upper left cell, row by row; ``XTRANS``; or ``None`` for a monochrome sensor.
        black_adu: level without light.
        white_adu: level at which the sensor or its converter saturates.
    """

    values: NDArray[np.uint16]
    bayer: str | None
    black_adu: float
    white_adu: float

    def add_to(self, meta: FrameMeta) -> dict[str, Any]:
        """Return the fields of ``FrameMeta`` that are known from the sensor data, and the source of each."""
        fields: dict[str, Any] = {"pedestal_adu": self.black_adu}
        if 0.0 < self.white_adu <= _HIGHEST:
            fields["saturation_adu"] = self.white_adu
        if self.bayer is not None:
            fields["bayer"] = self.bayer
        return {**fields, "sources": {**meta.sources, **dict.fromkeys(fields, "the raw file")}}


class RawReader:
    """Reads camera raw files."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> None:
        """Return nothing: LibRaw reads files as a whole."""

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Unpack the sensor values.

        Raises:
            FrameError: the file is damaged, or the extra that reads it is not installed.
        """
        return raw_contents(file, read_exif(file.read_at), limits)

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the EXIF data as a header."""
        yield (read_exif(read_at).header,)


def raw_contents(file: FileBytes, exif: Exif, limits: Limits) -> FileContents:
    """Unpack the sensor values of a camera raw file.

    Parameters:
        file: its bytes.
        exif: of the file.
        limits: what an image may ask for.

    Raises:
        FrameError: the file is damaged, or the extra that reads it is not installed.
    """
    refuse_without_rawpy()
    image = read_raw(file.data, limits)

    def amend(meta: FrameMeta) -> FrameMeta:
        meta = with_exif(exif, meta)
        return replace(meta, **image.add_to(meta))

    return FileContents(
        headers=(exif.header,),
        shape=(image.values.shape[0], image.values.shape[1]),
        decode=lambda: (image.values, 0.0),
        amend=amend,
    )


def is_raw(front: bytes, name: str, *, is_dng: bool) -> bool:
    """Return whether a file is a camera raw file.

    Parameters:
        front: its first 32 bytes.
        name: its name.
        is_dng: whether it has the tag of a DNG file.
    """
    if front.startswith(RAW_MAGICS) or front.startswith(CR3_MAGIC, CR3_OFFSET):
        return True
    # NEF, ARW, PEF and others have the magic of TIFF.
    return front[:4] in (b"II*\0", b"MM\0*") and (is_dng or name.lower().endswith(RAW_ENDINGS))


def refuse_without_rawpy() -> None:
    """Raise an error when the package for camera raw files is missing.

    Raises:
        Unsupported: rawpy is not installed (kind ``needs_extra``).
    """
    if find_spec(CAMERA_RAW.package) is None:
        raise Unsupported(f"This file cannot be read: {CAMERA_RAW.sentence}.", kind="needs_extra")


def read_raw(data: NDArray[np.uint8], limits: Limits) -> RawImage:
    """Return the sensor values.

    Parameters:
        data: (N,) all bytes of the file.
        limits: limits of the size of an image.

    Raises:
        Unreadable: the file is damaged.
        Unsupported: LibRaw does not support this camera, or the file holds no plain sensor data.
    """
    import rawpy

    with rawpy.RawPy() as raw:
        try:
            raw.open_buffer(io.BytesIO(data.tobytes()))
            _check_size(raw.sizes, limits)
            raw.unpack()
            if raw.raw_type != rawpy.RawType.Flat:
                raise _no_mosaic()
            return _visible_image(raw)
        except (Unreadable, Unsupported, MemoryError):
            raise
        except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError, NotImplementedError) as error:
            raise Unsupported(
                "LibRaw cannot read this camera raw file: it was cut off, or LibRaw does not know the camera; "
                "copy it again, convert it to DNG, or update rawpy.",
                kind="raw",
            ) from error
        except rawpy.LibRawUnsufficientMemoryError as error:
            raise MemoryError("LibRaw had not enough memory") from error
        except Exception as error:  # any other error of LibRaw means damaged or truncated data
            raise Unreadable("The camera raw file is damaged; copy it again.", kind="corrupt_raw") from error


def _check_size(sizes: Any, limits: Limits) -> None:
    """Raise Unsupported if the camera raw image is larger than the limits, or too small to be graded."""
    width, height = int(sizes.width), int(sizes.height)
    whole = int(sizes.raw_width) * int(sizes.raw_height)
    if max(width, height) > limits.max_side_px or max(whole, width * height) > limits.max_pixels:
        raise Unsupported(f"The image of {width} x {height} pixels exceeds the size limit.", kind="too_large")
    if min(width, height) < limits.min_side_px:
        raise Unsupported(f"The image of {width} x {height} pixels is too small to be graded.", kind="too_small")


def _visible_image(raw: Any) -> RawImage:
    """Return the visible mosaic of a camera raw file with its Bayer order, black level and white level."""
    visible = raw.raw_image_visible
    if visible.ndim != 2:
        raise _no_mosaic()
    bayer, top, left = _colours(raw)
    black = [float(level) for level in raw.black_level_per_channel]
    white = raw.camera_white_level_per_channel or [raw.white_level]
    return RawImage(
        values=np.array(visible[top:, left:], np.uint16, order="C"),
        bayer=bayer,
        black_adu=sum(black) / len(black),
        white_adu=float(min(white)),
    )


def _colours(raw: Any) -> tuple[str | None, int, int]:
    """Return the colours of a cell, and the rows and columns of the visible area before the first complete cell."""
    pattern = raw.raw_pattern
    side = 1 if pattern is None else len(pattern)
    if side == 1:
        return None, 0, 0
    letters = raw.color_desc.decode("ascii", "replace")
    top, left = int(raw.sizes.top_margin), int(raw.sizes.left_margin)
    # The pattern begins at the corner of the full sensor, not at that of the visible area.
    letters_seen = [
        [letters[int(pattern[(top + row) % side][(left + column) % side])] for column in range(side)]
        for row in range(side)
    ]
    cell = "".join("".join(row) for row in letters_seen)
    if len(set(cell)) == 1:
        return None, 0, 0
    if side == 2:
        return cell, 0, 0
    if side == _XTRANS_SIDE:
        for row, column in itertools.product(range(3), repeat=2):
            if _is_even(letters_seen, row, column):
                return XTRANS, row, column
    raise Unsupported(
        "The sensor has colours in an unusual order, which is not read; let the capture program write FITS.",
        kind="raw",
    )


def _is_even(colours: list[list[str]], top: int, left: int) -> bool:
    """Whether all four cells of 3 × 3 from this corner on have five greens, two reds and two blues."""
    for row, column in itertools.product((top, top + 3), (left, left + 3)):
        cell = [colours[(row + down) % 6][(column + across) % 6] for down in range(3) for across in range(3)]
        if sorted(cell) != sorted("GGGGGRRBB"):
            return False
    return True


def _no_mosaic() -> Unsupported:
    """Return the error for a camera raw file that holds a developed picture in place of the sensor's values."""
    return Unsupported(
        "The raw file holds a developed colour picture, not the sensor's own numbers; give the camera's raw files.",
        kind="cube",
    )
