"""FITS files compressed as a whole by gzip. Their length is known only when they are unpacked."""

from __future__ import annotations

from ..row import Format, Magic

FORMATS = (
    Format(
        "gzip-compressed FITS files", "a gzip-compressed FITS file", (".fit.gz", ".fits.gz", ".fts.gz"),
        (Magic(b"\x1f\x8b"),), reader="astro_monitor.read.gzipped:GzipFitsReader",
    ),
)  # fmt: skip
