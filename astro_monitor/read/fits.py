"""Reader of FITS files, plain or with compressed tiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from astro_monitor.errors import Incomplete, Unreadable
from astro_monitor.fitsheader import Header, ReadAt, scan_hdus
from astro_monitor.formats.contents import FileBytes, FileContents, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival, FrameMeta

from .checksum import verify_datasum
from .gunzip import refuse_bomb
from .layout import Image, find_image
from .pixels import to_native
from .tiled import inflate_tiles
from .unwritten import check_written

EXTENSIONS_READ = 2
"""Number of HDUs read: a compressed or multi-extension file may have the date in its first extension."""


class FitsReader:
    """Reads FITS files."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> Image:
        """Return the first image that can be a frame, by the headers alone.

        Raises:
            FrameError: there is none, or the file was cut off inside its header.
        """
        return fits_image(read_at, limits, whole=True)

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Return the contents, after a check that the image is complete.

        Raises:
            FrameError: a part is missing, was never written, or differs from its checksum.
        """
        image: Image = found
        start = image.hdu.data_offset
        data = file.data[start : start + image.hdu.data_bytes]
        if len(data) < image.hdu.data_bytes:
            raise Unreadable(
                f"The file ends after {len(file.data)} of {start + image.hdu.data_bytes} bytes: "
                "it was cut off; copy it again.",
                kind="truncated",
            )
        check_written(arrival, image, data)
        verify_datasum(image.hdu.header, data)
        if image.tiled:
            refuse_bomb(image.pixel_bytes, len(data), limits)
            unit = file.data[image.hdu.header_offset : start + len(data)]
            return fits_contents(image, lambda: inflate_tiles(image, unit, rare_codecs=limits.rare_codecs))
        pixels = data[: image.pixel_bytes]
        return fits_contents(image, lambda: to_native(pixels, image.scaling, lambda end: file.wait_hashed(start + end)))

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the first header, then the first two, the later one first."""
        return fits_headers(read_at)


def fits_headers(read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
    """Yield the first header, then the first two, the later one first.

    Parameters:
        read_at: returns bytes of the FITS file.
    """
    headers: list[Header] = []
    for hdu in itertools.islice(scan_hdus(read_at), EXTENSIONS_READ):
        headers.insert(0, hdu.header)
        yield tuple(headers)


def fits_image(read_at: ReadAt, limits: Limits, *, whole: bool) -> Image:
    """Return the first image of a FITS file that can be a frame.

    Parameters:
        read_at: returns bytes of the FITS file.
        limits: limits of the size of an image.
        whole: whether the bytes are those of a file, in which zeros alone may still be overwritten.

    Raises:
        FrameError: there is none, or the header is not complete.
    """
    try:
        return find_image(read_at, limits)
    except Incomplete as error:
        # The scanner does not know that the watcher found the file complete before.
        if whole and not read_at(0, 1):
            raise Unreadable("The file is empty; copy it again.", kind="empty") from error
        if whole and not any(read_at(0, 2880)):
            raise
        raise Unreadable("The file ends inside its header: it was cut off; copy it again.", kind="truncated") from error


def fits_contents(image: Image, decode: Callable[[], tuple[Pixels, float]]) -> FileContents:
    """Return the contents of a FITS file.

    Parameters:
        image: the image to grade.
        decode: returns its pixels.
    """

    def amend(meta: FrameMeta) -> FrameMeta:
        if image.hdu.index == 0 or image.tiled:
            return meta
        return replace(meta, notes=(*meta.notes, f"The image was read from extension {image.hdu.index}."))

    return FileContents(
        headers=(image.hdu.header,) if image.hdu.index == 0 else (image.hdu.header, image.primary),
        shape=image.shape,
        cube=image.cube,
        hdu=image.hdu.index,
        planes=image.planes,
        decode=decode,
        amend=amend,
    )
