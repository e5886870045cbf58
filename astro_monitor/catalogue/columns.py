"""The columns of a source table, the same in all formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_NAMES, SourceTable


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: name in the head of a CSV file and in TTYPE of a FITS table.
        unit: as in the FITS standard 4.0, section 4.3; empty for a number without a unit or a text.
        digits: decimals in text formats; -1 for texts, integers and flags.
        meaning: one sentence.
        values: returns the (N,) values of a table.
    """

    name: str
    unit: str
    digits: int
    meaning: str
    values: Callable[[SourceTable], NDArray[np.generic]]


COLUMNS: tuple[Column, ...] = (
    Column("number", "", -1, "1 for the source with the highest SNR", lambda t: np.arange(1, len(t) + 1)),
    Column("x_px", "pix", 3, "column of the centre; the first pixel of the file is 0", lambda t: t.x_px),
    Column("y_px", "pix", 3, "row of the centre; the first pixel of the file is 0", lambda t: t.y_px),
    Column("ra_deg", "deg", 7, "right ascension by the plate solution in the header", lambda t: t.ra_deg),
    Column("dec_deg", "deg", 7, "declination by the plate solution in the header", lambda t: t.dec_deg),
    Column("flux_adu", "adu", 1, "flux above the local sky in an aperture", lambda t: t.flux_adu),
    Column("peak_adu", "adu", 1, "height above the local sky", lambda t: t.peak_adu),
    Column("snr", "", 1, "flux over its noise", lambda t: t.snr),
    Column("fwhm_px", "pix", 3, "full width at half maximum before pixel integration", lambda t: t.fwhm_px),
    Column("hfr_px", "pix", 3, "half-flux radius", lambda t: t.hfr_px),
    Column("elongation", "", 3, "major over minor axis", lambda t: t.elongation),
    Column("angle_deg", "deg", 1, "direction of the major axis from +x towards +y", lambda t: t.angle_deg),
    Column("saturated", "", -1, "whether it touches saturation", lambda t: t.saturated),
    Column("kind", "", -1, "star, extended or artefact", lambda t: np.array(KIND_NAMES)[t.kind]),
    Column("note", "", -1, "why its shape is missing or doubtful", lambda t: np.array(t.note, dtype=str)),
)
"""The digits are about a tenth of the error of a bright source."""
