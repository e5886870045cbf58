"""TIFF images of one plane: integers of 8 to 32 bits and floats, uncompressed or compressed without loss.

The tifffile package reads the directories; sizes are compared with the file and with each other before anything is
decompressed. Contiguous pixels are used without a copy.
"""

from __future__ import annotations

import io
import logging
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import CARD_BYTES, Header, ReadAt
from astro_monitor.formats import LONGEST_MAGIC_BYTES
from astro_monitor.formats.contents import FileBytes, FileContents, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival

from .exif import DESCRIPTION, DNG_VERSION, Exif, read_exif, with_exif
from .gunzip import refuse_bomb
from .pixels import fill_invalid
from .raw import is_raw, raw_contents

PLAIN, LZW, ADOBE_DEFLATE, PACKBITS, DEFLATE = 1, 5, 8, 32773, 32946
"""Values of the tag Compression (TIFF 6.0, section 3; Adobe's supplement 2)."""
FLOATING_POINT = 3
"""Value of the tag Predictor (TIFF technical note 3)."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
"""Values of the tag PhotometricInterpretation."""
_MAX_SEGMENTS = 1 << 20
"""Most strips or tiles of an image."""
_MAX_PAGES_READ = 2
"""Pages that are compared: the second shows whether the file holds several images."""
_MAX_CARDS = 1000
"""Most lines of a FITS header in the description."""
_CARD = re.compile(r"([A-Z0-9_-]{1,8}) *=(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TiffImage:
    """An image found in a TIFF file.

    Attributes:
        page: the page of tifffile that holds it.
        shape: (height, width).
        cube: shape of all its samples and pages when they are more than one plane; else empty.
        headers: the FITS header that some programs write into the description, and the values of the tags.
        white_is_zero: whether zero is white.
    """

    page: Any
    shape: tuple[int, int]
    cube: tuple[int, ...]
    headers: tuple[Header, ...]
    white_is_zero: bool


class FileView(io.RawIOBase):
    """Bytes in memory as a file, without a copy.

    Parameters:
        data: (N,) all bytes.
    """

    def __init__(self, data: NDArray[np.uint8]) -> None:
        super().__init__()
        self._data = data.data
        self._position = 0
        self.name = "frame.tif"

    def readable(self) -> bool:
        """Return that the file can be read."""
        return True

    def seekable(self) -> bool:
        """Return that the file can be read in any order."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position."""
        base = (0, self._position, len(self._data))[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, window: Any) -> int:
        """Fill a buffer from the current position."""
        piece = self._data[self._position : self._position + len(window)]
        window[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


class TiffReader:
    """Reads TIFF files, and hands on camera raw files that begin as TIFF does."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> None:
        """Return nothing: the directories may be anywhere in the file."""

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Understand the directories.

        Raises:
            FrameError: they are damaged, or hold no plane that is read.
        """
        exif = read_exif(file.read_at)
        if is_raw(file.read_at(0, LONGEST_MAGIC_BYTES), arrival.path.name, is_dng=DNG_VERSION in exif.tags):
            return raw_contents(file, exif, limits)
        image = find_tiff_image(file.data, exif, limits)
        return FileContents(
            headers=image.headers,
            shape=image.shape,
            cube=image.cube,
            planes=math.prod(image.cube) // math.prod(image.shape) or 1,
            decode=lambda: tiff_pixels(image, file.data),
            amend=lambda meta: with_exif(exif, meta),
        )

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the EXIF data as a header."""
        yield (read_exif(read_at).header,)


def find_tiff_image(data: NDArray[np.uint8], exif: Exif, limits: Limits) -> TiffImage:
    """Return the image of a TIFF file, by its directories.

    Parameters:
        data: (N,) all bytes of the file.
        exif: the result of ``read_exif``.
        limits: limits of the size of an image.

    Raises:
        Unreadable: the directories are damaged, or the image lies outside the file.
        Unsupported: this variant of TIFF is not read.
    """
    try:
        pages = _first_pages(data)
        page = max(pages, key=lambda candidate: math.prod(candidate.shape))
        shape, cube = _image_shape(page, sum(other.shape == page.shape for other in pages))
        photometric, kind, codec = int(page.photometric), page.dtype, int(page.compression)
        offsets, counts = [int(value) for value in page.dataoffsets], [int(value) for value in page.databytecounts]
        inflated = int(page.nbytes)
        _check_codec(page)
    except (Unreadable, Unsupported, MemoryError):
        raise
    except Exception as error:  # any other error of tifffile means damaged directories
        raise _damaged_error() from error
    _check_size(shape, cube, limits)
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) or kind is None or kind.kind not in "iuf":
        raise Unsupported(
            "This kind of TIFF (palette, complex numbers or unusual colours) is not read; let the capture program "
            "write 16-bit grey TIFF, or FITS.",
            kind="tiff",
        )
    if not 0 < len(offsets) <= _MAX_SEGMENTS or len(offsets) != len(counts) or min(counts) < 0:
        raise _damaged_error()
    if max(offset + count for offset, count in zip(offsets, counts, strict=True)) > len(data):
        raise Unreadable("The file ends inside its image: it was cut off; copy it again.", kind="truncated")
    if codec == PLAIN and sum(counts) < inflated:
        raise _damaged_error()
    if codec != PLAIN:
        refuse_bomb(inflated, sum(counts), limits)
    described = exif.tags.get(DESCRIPTION)
    headers = (_cards_of_description(described) if isinstance(described, str) else Header({}), exif.header)
    return TiffImage(page, shape, cube, headers, photometric == WHITE_IS_ZERO)


def tiff_pixels(image: TiffImage, data: NDArray[np.uint8]) -> tuple[Pixels, float]:
    """Return the pixels of an image.

    Parameters:
        image: the result of ``find_tiff_image``; one plane.
        data: (N,) all bytes of the file.

    Returns:
        (H, W) uint16 where the values fit, else float32; and the fraction of pixels without a value.

    Raises:
        Unreadable: the image is damaged.
        Unsupported: the file is a decompression bomb.
    """
    page = image.page
    kind = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    try:
        if page.is_final:
            start = int(page.dataoffsets[0])
            block = data[start : start + math.prod(image.shape) * kind.itemsize]
            # Strips may begin at any byte of the file; a copy is aligned.
            stored = (block.copy() if block.ctypes.data % kind.itemsize else block).view(kind)
            # The array may be part of the file, which is still being hashed.
            stored.flags.writeable = False
        else:
            _refuse_growth(page, data)
            stored = np.asarray(page.asarray(maxworkers=1))
        stored = stored.reshape(image.shape)
    except (Unsupported, MemoryError):
        raise
    except Exception as error:  # any other error of tifffile and its codecs means damaged pixels
        raise _damaged_error() from error
    return _as_pixels(stored, image.white_is_zero)


def _first_pages(data: NDArray[np.uint8]) -> list[Any]:
    """Return the first pages of a TIFF file, at most ``_MAX_PAGES_READ``, as objects of tifffile."""
    import tifffile

    # tifffile logs every oddity of a file; relevant ones are reported by this program's errors.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    file = tifffile.TiffFile(cast("IO[bytes]", FileView(data)))
    pages = [file.pages[0]]
    for number in range(1, _MAX_PAGES_READ):
        try:
            pages.append(file.pages.get(number))
        except IndexError:
            break
    return pages


def _image_shape(page: Any, equal_pages: int) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return (height, width) of a TIFF image, and the shape of the whole cube; empty when it has one plane."""
    axes, lengths = str(page.axes), tuple(int(length) for length in page.shape)
    sides = dict(zip(axes, lengths, strict=True))
    if "Y" not in sides or "X" not in sides:
        raise Unsupported("The TIFF file holds no two-dimensional image; give single frames.", kind="tiff")
    shape = (sides["Y"], sides["X"])
    if equal_pages > 1:
        lengths = (equal_pages, *lengths)
    return shape, lengths if math.prod(lengths) > math.prod(shape) else ()


def _cards_of_description(described: str) -> Header:
    """Return the FITS header that Siril and others write into the description, as lines or as cards."""
    lines = described.splitlines()
    if len(lines) == 1:
        lines = [described[start : start + CARD_BYTES] for start in range(0, len(described), CARD_BYTES)]
    cards: dict[str, tuple[str, ...]] = {}
    for line in lines[:_MAX_CARDS]:
        match = _CARD.fullmatch(line.rstrip())
        if match is not None:
            cards.setdefault(match[1], (match[2],))
    return Header(cards if "SIMPLE" in cards else {})


def _check_size(shape: tuple[int, int], cube: tuple[int, ...], limits: Limits) -> None:
    """Raise Unsupported if the TIFF image is larger than the limits, or too small to be graded."""
    if max(shape) > limits.max_side_px or math.prod(cube or shape) > limits.max_pixels:
        raise Unsupported(f"The image of {shape[1]} x {shape[0]} pixels exceeds the size limit.", kind="too_large")
    if min(shape) < limits.min_side_px:
        raise Unsupported(f"The image of {shape[1]} x {shape[0]} pixels is too small to be graded.", kind="too_small")


def _check_codec(page: Any) -> None:
    """Raise Unsupported if the compression of a TIFF page is not read, or needs the extra ``tiff``."""
    codec, bits = int(page.compression), page.bitspersample
    if codec not in (PLAIN, ADOBE_DEFLATE, DEFLATE, LZW, PACKBITS):
        raise Unsupported(
            f"The TIFF file is compressed by method {codec}, which is not read; let the capture program compress "
            "by ZIP or not at all.",
            kind="codec",
        )
    method = {LZW: "LZW", PACKBITS: "PackBits"}.get(codec, "")
    if int(page.predictor) == FLOATING_POINT:
        method = "floating-point differences"
    elif bits not in (8, 16, 32, 64):
        method = f"packing numbers of {bits} bits"
    if method and find_spec("imagecodecs") is None:
        raise Unsupported(
            f"The TIFF file is compressed by {method}, which needs the extra 'tiff': "
            "run pip install 'astro-monitor[tiff]', or let the capture program compress by ZIP or not at all.",
            kind="needs_extra",
        )


def _refuse_growth(page: Any, data: NDArray[np.uint8]) -> None:
    """Raise an error if a strip or tile grows beyond its size: the codec itself would not stop."""
    if int(page.compression) not in (ADOBE_DEFLATE, DEFLATE):
        return
    sides = page.chunks
    max_bytes = math.prod(int(side) for side in sides) * np.dtype(page.dtype).itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        grown = zlib.decompressobj().decompress(data[int(offset) : int(offset) + int(count)].data, max_bytes + 1)
        if len(grown) > max_bytes:
            raise Unsupported(
                "A part of the compressed image expands far beyond its size; the file is not read.", kind="bomb"
            )


def _as_pixels(stored: NDArray[Any], white_is_zero: bool) -> tuple[Pixels, float]:
    """Return stored TIFF values as uint16 where they fit, else float32, and the fraction of pixels without a value."""
    if stored.dtype.kind == "u" and stored.dtype.itemsize <= 2:
        values = stored.astype(np.uint16, copy=False)
        if white_is_zero:
            values = np.iinfo(stored.dtype).max - values
        return np.ascontiguousarray(values), 0.0
    if stored.dtype.kind == "i" and stored.dtype.itemsize <= 2 and stored.min() >= 0:
        return np.ascontiguousarray(stored, np.uint16), 0.0
    with np.errstate(all="ignore"):
        reals = np.array(stored, np.float32, order="C")
        if white_is_zero:
            np.subtract(reals.max(initial=0.0, where=np.isfinite(reals)), reals, out=reals)
    return reals, fill_invalid(reals.reshape(-1))


def _damaged_error() -> Unreadable:
    """Return the error for a damaged TIFF file."""
    return Unreadable("The TIFF file is damaged; write or copy it again.", kind="corrupt_tiff")
