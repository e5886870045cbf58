"""Start of the exposure from the first kilobytes of a file, to sort files by time."""

from __future__ import annotations

import itertools
import zlib
from datetime import datetime

from astro_monitor.errors import FrameError
from astro_monitor.fitsheader import Header, ReadAt, scan_hdus

from .dialects import read_meta
from .exif import read_exif
from .formats import LONGEST_BYTES
from .gunzip import GZIP_MAGIC
from .raw import is_tiff_or_raw
from .xisf import XISF_MAGIC, xisf_header_of

EXTENSIONS_READ = 2
"""Number of HDUs read: a compressed or multi-extension file may have the date in its first extension."""
_GZIP_BYTES = 1 << 18
"""Bytes decompressed from a gzip file at most: they contain the header of nearly every file."""


def exposure_start(read_at: ReadAt) -> datetime | None:
    """Return the start of the exposure in UTC by the header; ``None`` when it is missing or cannot be read.

    Parameters:
        read_at: returns bytes of the file.
    """
    try:
        magic = read_at(0, 8)
        if magic == XISF_MAGIC:
            return read_meta((xisf_header_of(read_at),)).date_obs_utc
        if is_tiff_or_raw(read_at(0, LONGEST_BYTES)):
            return read_meta((read_exif(read_at).header,)).date_obs_utc
        if magic[:2] == GZIP_MAGIC:
            read_at = _inflated(read_at)
        headers: list[Header] = []
        for hdu in itertools.islice(scan_hdus(read_at), EXTENSIONS_READ):
            headers.insert(0, hdu.header)
            start = read_meta(tuple(headers)).date_obs_utc
            if start is not None:
                return start
    except (FrameError, zlib.error):
        return None
    return None


def _inflated(read_at: ReadAt) -> ReadAt:
    front = zlib.decompressobj(31).decompress(read_at(0, _GZIP_BYTES), _GZIP_BYTES)
    return lambda offset, count: front[offset : offset + count]
