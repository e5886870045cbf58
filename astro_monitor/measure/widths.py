"""The width of the stars of a frame, or why it cannot be measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import Frame, Stars
from .gaussian import gaussian_fwhm_px, moffat_fwhm_px
from .moments import FWHM_PER_SIGMA, PIXEL_VARIANCE_PX2
from .stars import FEW_CLEAR, clear_stars, lonely, width_stars

MOST_FITTED = 24
"""Largest number of stars that are fitted one by one: their median is accurate to a percent."""
LEAST_SNR_OF_WIDTH = 8.0
"""Root of the sum of squares over the stars: the error of a width is about the width over this."""
NARROW_PX, MANY_NARROW = 1.5, 5
"""Below the first width, in pixels of a cut-out, the measured width of a star varies by a third with its position
within the pixel: at least the second number of stars is needed."""
LEAST_PX = 0.75
"""Smallest width that pixels can measure; below it the error is more than a tenth."""
HOPELESS, SHARP_PX = 50, 2.2
"""With more artefacts per star than the first, fewer than five stars narrower than the second, in pixels, are not
trusted: adjacent hot pixels, of which there are a few among thousands, look like this."""
LEAST_MOSAIC_PX = 0.85
"""In super-pixels of a colour sensor with more artefacts than stars, what is narrower may be hot pixels, or the few
sources that were not taken for some: their width errs by up to two fifths."""
MOST_HOLLOW = 0.5
"""A Gaussian does not fit a ring: with a deeper central dip than this no Gaussian width is reported."""
LONG = 1.5
"""Above this elongation no round profile is fitted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Widths:
    """Widths of a frame's stars, frame pixels.

    Attributes:
        clear: (K,) stars that shapes are read from.
        chosen: (L,) stars that widths are read from.
        fwhm_px: median full width at half maximum before the pixels widened it.
        fwhm_gauss_px: of Gaussians at pixel centres, along the longer axis; NaN where none fits.
        fwhm_mad_px: scaled median absolute deviation of the former over the stars.
        fwhm_minor_px: median width along the shorter axis.
        why_missing: why the widths are not trusted; empty when they are.
    """

    clear: NDArray[np.intp]
    chosen: NDArray[np.intp]
    fwhm_px: float
    fwhm_gauss_px: float
    fwhm_mad_px: float
    fwhm_minor_px: float
    why_missing: str


def widths(frame: Frame, stars: Stars, apart: NDArray[np.float32], artefacts: int = 0) -> Widths:
    """Measure the widths of a frame.

    Parameters:
        frame: its pixels, hot ones replaced, are read around the chosen stars.
        stars: of the frame, at least one.
        apart: (N,) how far from their neighbours they are, from :func:`~.stars.neighbour_distance`.
        artefacts: how many hot pixels and other artefacts the frame has.
    """
    clear = clear_stars(stars.fwhm_px, stars.snr, stars.saturated)
    chosen = width_stars(stars.fwhm_px, stars.snr, stars.saturated)
    if chosen.size < MANY_NARROW <= clear.size and _narrow(stars, chosen):
        # Their positions within their pixels matter more than noise.
        chosen = clear
    if chosen.size < FEW_CLEAR:
        # The chosen ones have a far higher SNR: the rest are no stars, or too faint to be used.
        clear = chosen
    chosen = lonely(chosen, apart)
    seen = float(np.median(stars.fwhm_px[chosen]))
    fwhm = _fwhm_px(frame, stars, chosen[:MOST_FITTED], seen)
    each = stars.fwhm_px[clear].astype(np.float64) * fwhm / seen
    a, b = stars.a_px[clear].astype(np.float64), stars.b_px[clear].astype(np.float64)
    return Widths(
        clear=clear,
        chosen=chosen,
        fwhm_px=fwhm,
        fwhm_gauss_px=_fwhm_gauss_px(frame, stars, chosen[:MOST_FITTED], fwhm),
        fwhm_mad_px=1.4826 * float(np.median(np.abs(each - fwhm))),
        # The moments' widths and the widths at half maximum differ by one factor for all stars of a frame.
        fwhm_minor_px=float(np.median(b * each / np.sqrt((a**2 + b**2) / 2))),
        why_missing=_why_missing(stars, chosen, artefacts, mosaic=frame.sensor_px_per_px > 1),
    )


def _narrow(stars: Stars, chosen: NDArray[np.intp]) -> bool:
    return float(np.median(stars.fwhm_px[chosen])) < NARROW_PX * stars.stamp_bin


def _why_missing(stars: Stars, chosen: NDArray[np.intp], artefacts: int, *, mosaic: bool) -> str:
    if float(np.sqrt((stars.snr[chosen].astype(np.float64) ** 2).sum())) < LEAST_SNR_OF_WIDTH:
        return "the stars are too faint for their width to be measured"
    if chosen.size < MANY_NARROW and _narrow(stars, chosen):
        return "the stars are hardly wider than a pixel, and too few for their width to be measured"
    sharp = float(np.median(stars.fwhm_px[chosen])) < SHARP_PX * stars.stamp_bin
    if sharp and chosen.size < MANY_NARROW and artefacts > HOPELESS * stars.x_px.size:
        return "so few narrow sources among so many hot pixels may be hot pixels themselves"
    if mosaic and artefacts > stars.x_px.size:
        if float(np.median(stars.fwhm_px[chosen])) < LEAST_MOSAIC_PX * stars.stamp_bin:
            return "the stars are as narrow as the hot pixels of this colour sensor, of which there are more"
    if float(np.median(stars.fwhm_px[chosen])) < LEAST_PX * stars.stamp_bin:
        return "the stars are narrower than the pixels, so their width cannot be measured"
    return ""


def _fwhm_px(frame: Frame, stars: Stars, chosen: NDArray[np.intp], seen_px: float) -> float:
    """Width at half maximum of the chosen stars.

    It follows from the moments by the profile that all stars of a frame have in common. A few stars have none, and the
    moments of saturated ones are too wide: their pixels are fitted one by one, if they are round and have a peak, or
    may have had one.
    """
    saturated, few = bool(stars.saturated[chosen].all()), chosen.size < FEW_CLEAR
    long = float(np.median(stars.a_px[chosen] / stars.b_px[chosen]))
    hollow = not saturated and float(np.median(stars.dip[chosen])) > 0
    if not (saturated or few) or hollow or long > LONG:
        return seen_px
    each = moffat_fwhm_px(frame.pixels, *_places(stars, chosen), seen_px, saturation_adu=frame.saturation_adu)
    each = each[np.isfinite(each)]
    return min(float(np.median(each)), seen_px) if each.size else seen_px


def _fwhm_gauss_px(frame: Frame, stars: Stars, chosen: NDArray[np.intp], fwhm_px: float) -> float:
    """Median width of fitted Gaussians; the additional smoothing by super-pixels taken out."""
    if float(np.median(stars.dip[chosen])) > MOST_HOLLOW:
        return np.nan
    each = gaussian_fwhm_px(frame.pixels, *_places(stars, chosen), fwhm_px, saturation_adu=frame.saturation_adu)
    each = each[np.isfinite(each)]
    if not each.size:
        return np.nan
    # A super-pixel is as wide as n pixels of the sensor; all but one of these is taken out, in units of super-pixels.
    widened = FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2 * (1 - 1 / frame.sensor_px_per_px**2)
    squared = float(np.median(each)) ** 2 - widened
    return float(np.sqrt(squared)) if squared > 0 else np.nan


def _places(stars: Stars, chosen: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return stars.x_px[chosen].astype(np.float64), stars.y_px[chosen].astype(np.float64)
