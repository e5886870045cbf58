"""The reader of FITS files that are compressed as a whole by gzip."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from astro_monitor.errors import Unreadable
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.formats.contents import FileBytes, FileContents, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival

from .checksum import verify_datasum
from .fits import fits_contents, fits_headers, fits_image
from .gunzip import Inflater, refuse_bomb
from .pixels import to_native
from .tiled import inflate_tiles

FRONT_BYTES = 1 << 18
"""Most bytes decompressed to find the date: the header of nearly every file."""
_GZIP_WINDOW = 31
"""``wbits`` of zlib for a stream with a gzip header."""


class GzipFitsReader:
    """Reads gzip-compressed FITS files; no further than their headers ask for."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> None:
        """Return nothing: the whole file is needed to inflate its headers safely."""

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Inflate the headers and find the image.

        Raises:
            FrameError: there is none, the file is damaged, or it would grow out of all proportion.
        """
        inflater = Inflater(file.data, limits)
        image = fits_image(inflater.read_at, limits, whole=False)
        start = image.hdu.header_offset if image.tiled else image.hdu.data_offset
        end = image.hdu.data_offset + image.hdu.data_bytes
        refuse_bomb(end, len(file.data), limits)
        refuse_bomb(image.pixel_bytes, len(file.data), limits)

        def decode() -> tuple[Pixels, float]:
            unit = inflater.array(start, end - start)
            data = unit[image.hdu.data_offset - start :]
            verify_datasum(image.hdu.header, data)
            if image.tiled:
                return inflate_tiles(image, unit, rare_codecs=limits.rare_codecs)
            return to_native(data[: image.pixel_bytes], image.scaling, lambda end: None)

        return fits_contents(image, decode)

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the headers in the first kilobytes.

        Raises:
            Unreadable: the stream is damaged.
        """
        try:
            front = zlib.decompressobj(_GZIP_WINDOW).decompress(read_at(0, FRONT_BYTES), FRONT_BYTES)
        except zlib.error as error:
            raise Unreadable("The gzip stream is damaged; copy the file again.", kind="corrupt_gzip") from error
        yield from fits_headers(lambda offset, count: front[offset : offset + count])
