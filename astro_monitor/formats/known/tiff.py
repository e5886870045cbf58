"""TIFF with one grey plane. The reader hands camera raw files that are TIFF by their first bytes on to LibRaw."""

from __future__ import annotations

from ..row import Format, Magic

FORMATS = (
    Format(
        "TIFF files", "a TIFF file", (".tif", ".tiff"),
        # TIFF 6.0 in both byte orders, and BigTIFF.
        (Magic(b"II*\0"), Magic(b"MM\0*"), Magic(b"II+\0"), Magic(b"MM\0+")),
        reader="astro_monitor.read.tiff:TiffReader",
    ),
)  # fmt: skip
