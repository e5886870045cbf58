"""A source table as a FITS binary table (FITS standard 4.0, section 7.3), with units and the meaning of each column."""

from __future__ import annotations

import io

import numpy as np
from astropy.io import fits

from ..records import SourceTable
from .columns import COLUMNS


def fits_bytes(table: SourceTable, *, image_name: str, model: str) -> bytes:
    """Return a FITS file with the table as its first extension, named ``SOURCES``.

    Parameters:
        table: all sources, in the order of the rows.
        image_name: name of the image file; characters that a FITS header cannot hold are escaped.
        model: name and version of the star finder.
    """
    columns = []
    for column in COLUMNS:
        values = column.values(table)
        code = {"b": "L", "i": "J", "f": "D"}.get(values.dtype.kind)
        if code is None:
            values = np.array([str(value).encode("ascii", "backslashreplace") for value in values] or [b""])[
                : len(table)
            ]
            code = f"{max(values.dtype.itemsize, 1)}A"
        columns.append(fits.Column(column.name, code, unit=column.unit or None, array=values))
    sources = fits.BinTableHDU.from_columns(columns, name="SOURCES")
    for number, column in enumerate(COLUMNS, 1):
        sources.header.set(f"TCOMM{number}", column.meaning, after=f"TFORM{number}")
    sources.header["IMAGE"] = (image_name.encode("ascii", "backslashreplace").decode("ascii"), "file that was searched")
    sources.header["CREATOR"] = ("astro-monitor", "program that made this table")
    sources.header["STARFIND"] = (model, "star finder")
    out = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), sources]).writeto(out)
    return out.getvalue()
