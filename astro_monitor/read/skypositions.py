"""Sky positions of pixels by the plate solution in the header."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from astro_monitor.fitsheader import Header

if TYPE_CHECKING:
    from astropy.io import fits

_SOLUTION = re.compile(
    r"CTYPE[12]|CRVAL[12]|CRPIX[12]|CDELT[12]|CROTA[12]|CUNIT[12]|CD[12]_[12]|PC[12]_[12]|PV[12]_[0-9]{1,2}"
    r"|LONPOLE|LATPOLE|RADESYS|RADECSYS|EQUINOX|(A|B|AP|BP)_(ORDER|[0-9]_[0-9])"
)
"""Keywords of a celestial solution: FITS standard 4.0, section 8; SIP (Shupe et al. 2005, ASPC 347, 491)."""
HIGHEST_ORDER = 9
"""Highest order of a SIP polynomial, by its convention (Shupe et al. 2005)."""

log = logging.getLogger(__name__)

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]


def sky_positions(
    headers: Sequence[Header], x_px: NDArray[np.float64], y_px: NDArray[np.float64], frame_id: str
) -> Positions:
    """Return right ascension and declination in degrees; all NaN when no header has a usable solution.

    Parameters:
        headers: the headers of the image, its own first.
        x_px, y_px: (N,) sensor pixels; the centre of the first pixel is (0, 0).
        frame_id: identity of the frame, for the log.

    Returns:
        two (N,) float64 arrays.
    """
    from astropy.wcs import WCS  # takes 0.4 s to import, so only when positions are needed

    nowhere = np.full(x_px.shape, np.nan), np.full(x_px.shape, np.nan)
    for header in headers:
        if not str(header.value("CTYPE1") or "").startswith(("RA--", "DEC-")):
            continue
        try:
            with warnings.catch_warnings():
                # Warnings about old keywords that astropy repairs by itself do not concern the user.
                warnings.simplefilter("ignore")
                solution = WCS(_solution_cards(header), naxis=2)
                ra, dec = (np.asarray(part, np.float64) for part in solution.all_pix2world(x_px, y_px, 0))
        except Exception as error:
            # A damaged solution must not cost the table; WCSLIB and astropy raise many unrelated classes for it.
            log.info("frame %s: the plate solution in the header is not used: %s", frame_id, error)
            continue
        if np.ndim(ra) == 1 and np.isfinite(ra).any() and np.isfinite(dec).any():
            return (ra, dec) if str(header.value("CTYPE1")).startswith("RA") else (dec, ra)
    return nowhere


def _solution_cards(header: Header) -> fits.Header:
    """Return the plate solution of a header as astropy cards, without distortion orders that are out of range."""
    from astropy.io import fits

    cards = fits.Header()
    for keyword in header.cards:
        value = header.value(keyword)
        if value is None or not _SOLUTION.fullmatch(keyword):
            continue
        if keyword.endswith("_ORDER") and (not isinstance(value, int) or not 0 <= value <= HIGHEST_ORDER):
            continue
        cards[keyword] = value
    return cards
