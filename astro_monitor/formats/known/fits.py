"""FITS: the header gives the length, so that a complete file is known without waiting."""

from __future__ import annotations

from ...errors import Incomplete
from ...fitsheader import Hdu, ReadAt, scan_hdus
from ..row import Declared, Format

FITS_ENDINGS = (".fit", ".fits", ".fts", ".fit.fz", ".fits.fz")


def fits_length(read_at: ReadAt, size_bytes: int) -> Declared:
    """Return what the headers of all parts say.

    Parameters:
        read_at: gives bytes of the file.
        size_bytes: its length now.

    Raises:
        FrameError: it is no FITS file, or its header is damaged.
    """
    try:
        hdus = list(scan_hdus(read_at))
    except Incomplete:
        return Declared(missing="has no complete header")
    # An extension that follows is found by its header; only the last one's padding may be missing.
    declared_bytes = hdus[-1].data_offset + hdus[-1].data_bytes
    if size_bytes < declared_bytes:
        return Declared(missing=f"has {size_bytes:,} of {declared_bytes:,} bytes")
    first_data = next((hdu.data_offset for hdu in hdus if hdu.data_bytes), 0)
    camera = len(hdus) == 1 and _is_offset_binary(hdus[0])
    return Declared(declared_bytes=declared_bytes, data_offset=first_data, data_end=declared_bytes, never_zero=camera)


def _is_offset_binary(hdu: Hdu) -> bool:
    """Whether an image holds unsigned 16-bit numbers: zero bytes are exactly half of full scale then."""
    return hdu.header.value("BITPIX") == 16 and hdu.header.value("BZERO") in (32768, 32768.0)


FORMATS = (
    # No magic: what no other format claims is opened as FITS, whose reader says what is wrong with its first card.
    Format(
        "FITS files", "a FITS file", FITS_ENDINGS, reader="astro_monitor.read.fits:FitsReader",
        completeness=fits_length, tells_length=True,
    ),
)  # fmt: skip
