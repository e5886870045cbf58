"""The width of the stars of a frame, or the reason why it cannot be measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import Frame, Stars
from .gaussian import gaussian_fwhm_px, moffat_fwhm_px
from .moments import FWHM_PER_SIGMA, PIXEL_VARIANCE_PX2
from .stars import FEW_CLEAR, clear_stars, isolated, width_stars

MOST_FITTED = 24
"""Most stars that are fitted individually: their median is accurate to one percent."""
LEAST_SNR_OF_WIDTH = 8.0
"""Smallest joint signal to noise, the root of the sum of squares: the relative error of a width is about its
inverse."""
NARROW_PX, MANY_NARROW = 1.5, 5
"""Width in pixels of a cut-out below which the measured width of a star varies by a third with its position within the
pixel, and the fewest stars that are needed then."""
LEAST_PX = 0.75
"""Smallest measurable width in pixels; below it the error exceeds a tenth."""
HOPELESS, SHARP_PX = 50, 2.2
"""Artefacts per star, and width in pixels: with more of the first, fewer than five stars narrower than the second are
not trusted, because a few among thousands of hot pixels are adjacent and resemble such stars."""
LEAST_MOSAIC_PX = 0.85
"""Smallest width in super-pixels of a colour sensor with more artefacts than stars: narrower sources may be hot pixels,
or the few that were not classified as such, whose width is wrong by up to two fifths."""
MOST_HOLLOW = 0.5
"""Largest central dip for a Gaussian width: a Gaussian does not fit a ring."""
LONG = 1.5
"""Elongation above which no round profile is fitted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Widths:
    """Widths of a frame's stars in frame pixels.

    Attributes:
        clear: (K,) indices of the stars for shapes.
        chosen: (L,) indices of the stars for widths.
        fwhm_px: median full width at half maximum before pixel integration.
        fwhm_gauss_px: median width of Gaussians at pixel centres, along the major axis; NaN where none fits.
        fwhm_mad_px: scaled median absolute deviation of ``fwhm_px`` over the stars.
        fwhm_minor_px: median width along the minor axis.
        why_missing: reason why the widths are not trusted; empty when they are.
    """

    clear: NDArray[np.intp]
    chosen: NDArray[np.intp]
    fwhm_px: float
    fwhm_gauss_px: float
    fwhm_mad_px: float
    fwhm_minor_px: float
    why_missing: str


def widths(frame: Frame, stars: Stars, apart: NDArray[np.float32], artefacts: int = 0) -> Widths:
    """Return the widths of a frame's stars.

    Parameters:
        frame: the frame with hot pixels replaced; its pixels are read around the chosen stars.
        stars: stars of the frame, at least one.
        apart: (N,) distances from neighbours, the result of :func:`~.stars.neighbour_distance`.
        artefacts: number of hot pixels and other artefacts in the frame.
    """
    clear = clear_stars(stars.fwhm_px, stars.snr, stars.saturated)
    chosen = width_stars(stars.fwhm_px, stars.snr, stars.saturated)
    if chosen.size < MANY_NARROW <= clear.size and _are_narrow(stars, chosen):
        # Positions within the pixels affect the width more than noise.
        chosen = clear
    if chosen.size < FEW_CLEAR:
        # The chosen stars have a far higher signal to noise: the others are not stars, or too faint.
        clear = chosen
    chosen = isolated(chosen, apart)
    moments_px = float(np.median(stars.fwhm_px[chosen]))
    fwhm = _fwhm_px(frame, stars, chosen[:MOST_FITTED], moments_px)
    fwhm_of_stars = stars.fwhm_px[clear].astype(np.float64) * fwhm / moments_px
    a, b = stars.a_px[clear].astype(np.float64), stars.b_px[clear].astype(np.float64)
    return Widths(
        clear=clear,
        chosen=chosen,
        fwhm_px=fwhm,
        fwhm_gauss_px=_fwhm_gauss_px(frame, stars, chosen[:MOST_FITTED], fwhm),
        fwhm_mad_px=1.4826 * float(np.median(np.abs(fwhm_of_stars - fwhm))),
        # The ratio of widths by moments to widths at half maximum is the same for all stars of a frame.
        fwhm_minor_px=float(np.median(b * fwhm_of_stars / np.sqrt((a**2 + b**2) / 2))),
        why_missing=_why_missing(stars, chosen, artefacts, mosaic=frame.sensor_px_per_px > 1),
    )


def _are_narrow(stars: Stars, chosen: NDArray[np.intp]) -> bool:
    """Return whether the median width of the chosen stars is below ``NARROW_PX``."""
    return float(np.median(stars.fwhm_px[chosen])) < NARROW_PX * stars.stamp_bin


def _why_missing(stars: Stars, chosen: NDArray[np.intp], artefacts: int, *, mosaic: bool) -> str:
    """Return the reason for which the width of the stars cannot be measured, for people; empty when it can."""
    if float(np.sqrt((stars.snr[chosen].astype(np.float64) ** 2).sum())) < LEAST_SNR_OF_WIDTH:
        return "the stars are too faint for their width to be measured"
    if chosen.size < MANY_NARROW and _are_narrow(stars, chosen):
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
    """Return the width at half maximum of the chosen stars.

    It follows from the moments by the common profile of the stars. With a few stars there is no common profile, and the
    moments of saturated stars are too wide: these are fitted individually, if they are round and have a peak, or may
    have had one before saturation.
    """
    saturated, is_few = bool(stars.saturated[chosen].all()), chosen.size < FEW_CLEAR
    elongation = float(np.median(stars.a_px[chosen] / stars.b_px[chosen]))
    hollow = not saturated and float(np.median(stars.dip[chosen])) > 0
    if not (saturated or is_few) or hollow or elongation > LONG:
        return seen_px
    fitted_px = moffat_fwhm_px(
        frame.pixels, *_star_positions(stars, chosen), seen_px, saturation_adu=frame.saturation_adu
    )
    fitted_px = fitted_px[np.isfinite(fitted_px)]
    return min(float(np.median(fitted_px)), seen_px) if fitted_px.size else seen_px


def _fwhm_gauss_px(frame: Frame, stars: Stars, chosen: NDArray[np.intp], fwhm_px: float) -> float:
    """Return the median width of fitted Gaussians, corrected for the additional smoothing by super-pixels."""
    if float(np.median(stars.dip[chosen])) > MOST_HOLLOW:
        return np.nan
    fitted_px = gaussian_fwhm_px(
        frame.pixels, *_star_positions(stars, chosen), fwhm_px, saturation_adu=frame.saturation_adu
    )
    fitted_px = fitted_px[np.isfinite(fitted_px)]
    if not fitted_px.size:
        return np.nan
    # A super-pixel is as wide as n sensor pixels; the broadening by all but one of them is subtracted.
    widened = FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2 * (1 - 1 / frame.sensor_px_per_px**2)
    squared = float(np.median(fitted_px)) ** 2 - widened
    return float(np.sqrt(squared)) if squared > 0 else np.nan


def _star_positions(stars: Stars, chosen: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the x and y positions of the chosen stars in pixels."""
    return stars.x_px[chosen].astype(np.float64), stars.y_px[chosen].astype(np.float64)
