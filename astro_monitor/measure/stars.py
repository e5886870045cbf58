"""From cut-outs to measured stars, in frame pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, Detections, Frame, Stars
from .moments import FWHM_PER_SIGMA, Shapes, hollowness, measure_stamps
from .profile import width_over_fwhm
from .stamps import SATURATED, SIDE_PX, cut

MIN_SNR = 4.0
"""Fainter stars are left out: their shapes are only noise."""
NARROWEST_SIGMA_PX = 0.36
EXACTLY_PX = 0.05
"""Sampled starlight is wider than the first, a FWHM of 0.85 pixels. A narrower source within the second distance from
the middle of its pixel is a hot pixel."""
MOST_ARE_HOT = 2 / 3
"""Where more of the clear sources than this are hot pixels, the star finder could not separate them from stars."""
CENTRED_PX, CENTRED_SHARE = 0.12, 0.045
LEAST_CENTRED, MORE_CENTRED, NEARLY_CENTRED_PX, ALIKE_HOT = 5, 3.0, 0.25, 1.3
"""The centres of stars are distributed evenly over their pixels: ``CENTRED_SHARE`` of them lie within ``CENTRED_PX`` of
the middle. If more than ``LEAST_CENTRED`` plus ``MORE_CENTRED`` times that share do, some are hot pixels: those within
``NEARLY_CENTRED_PX`` that are not wider than the centred ones by ``ALIKE_HOT``."""
CLEAR_SNR = 20.0
CROWD, CROWD_PART, CROWD_WIDTH = 6, 0.2, 1.25
"""Stars of about one width: least number, least share of all, and ratio of the widest to the narrowest."""
PEAK_WIDTH, PEAK_SIGMAS, PEAK_NARROWER, EQUAL = 1.12, 2.5, 1.3, 1.001
"""Fewer stars than galaxies: the widths of the stars, equal within the first factor, are a peak in the counts. It is so
many times its Poisson error above the next window of widths, and the majority is wider by the last factor."""
ENOUGH_CLEAR = 20
"""Noise turns round stars into slightly long ones; with so many stars above ``CLEAR_SNR`` fainter ones stay out."""
FEW_CLEAR, LESS_CLEAR_SNR = 3, 10.0
"""Where at least so many stars are above ``CLEAR_SNR``, or else above this SNR, only they are used for the width."""
NEIGHBOUR_FWHM, NEIGHBOUR_PX, NEIGHBOUR_LIGHT = 2.5, 3.0, 0.1
"""A neighbour widens a star if it is nearer than this many widths plus pixels of a cut-out, and has at least this share
of the star's light."""
MANY_LONELY, LONELY_SHARE, LONELIEST_SHARE = 5, 0.1, 0.25
"""Only stars without such neighbours are used if they have at least this number and share; else the last share of all
stars, those farthest from others, is used."""
MUCH_CLEARER = 10.0
"""Fewer are used alone, too, if the sum of their squared signal to noise is this many times that of the rest."""


def measure_chosen(
    frame: Frame, detections: Detections, index: NDArray[np.intp], width_ratio: float | None = None
) -> tuple[Stars, NDArray[np.intp], float]:
    """Cut out and measure the given detections.

    Parameters:
        frame: pixels are read only around the chosen stars.
        detections: of the same frame.
        index: (M,) which of them; cut-outs around them must lie inside the frame.
        width_ratio: width of the moments over the width at half maximum, where it is known from other stars of the
            frame; ``None`` to read it from these.

    Returns:
        the stars that could be measured, brightest first; which detection each one is; and the ratio.
    """
    found = cut(frame, detections, index)
    binning = detections.bin_factor
    shapes = measure_stamps(found.light)
    noise = detections.sky.noise_adu / binning
    snr = _snr(shapes, noise, frame, binning)
    a, b, theta = shapes.axes()
    sigma = np.sqrt((a**2 + b**2) / 2)
    sure = shapes.converged & (snr >= MIN_SNR)
    # Who gives the ratio has chosen sources of any kind, hot pixels too.
    hot = np.zeros(len(sure), np.bool_)
    if width_ratio is None:
        hot = _hot(shapes, sigma, snr, sure & (snr >= CLEAR_SNR), binning)
    trusted = np.flatnonzero(sure & ~hot)
    order = trusted[np.argsort(-shapes.flux[trusted], kind="stable")]
    saturated = found.highest_adu >= SATURATED * frame.saturation_adu
    if width_ratio is None:
        clear = order[width_stars(sigma[order], snr[order], saturated[order])]
        typical_px = FWHM_PER_SIGMA * float(np.median(sigma[clear])) * binning if clear.size else 0.0
        clear = lonely(clear, neighbour_distance(found.index, detections, typical_px))
        width_ratio = width_over_fwhm(found.light, shapes, clear)
    fwhm = FWHM_PER_SIGMA * sigma / width_ratio
    # The centre of binned pixel i lies at binning * (i + 1/2) - 1/2.
    middle = SIDE_PX // 2 + 0.5
    measured = {
        "x_px": found.first_x + binning * (middle + shapes.dx) - 0.5,
        "y_px": found.first_y + binning * (middle + shapes.dy) - 0.5,
        "flux_adu": shapes.flux * binning**2,
        "fwhm_px": fwhm * binning,
        "a_px": a * binning,
        "b_px": b * binning,
        "theta_deg": theta,
        "hfr_px": shapes.hfr * binning,
        "snr": snr,
        "dip": hollowness(shapes.kurtosis),
    }
    stars = Stars(
        frame_id=frame.frame_id,
        **{name: _frozen(values[order].astype(np.float32)) for name, values in measured.items()},
        saturated=_frozen(saturated[order]),
        kind=_frozen(detections.kind[found.index][order]),
        stamps=_frozen(found.light[order]),
        stamp_bin=binning,
    )
    return stars, found.index[order], width_ratio


def _hot(
    shapes: Shapes, sigma: NDArray[np.float64], snr: NDArray[np.float64], clear: NDArray[np.bool_], binning: int
) -> NDArray[np.bool_]:
    """(M,) which sources are hot pixels; all of them, where most of the clear ones are: the rest are pairs of them.

    Parameters:
        shapes: of the sources.
        sigma, snr: (M,) rms width, and signal to noise.
        clear: (M,) those that are clear enough to be used.
        binning: of the cut-outs. Binned ones begin where their star does, so positions within pixels mean nothing.
    """
    away = np.hypot(shapes.dx - np.rint(shapes.dx), shapes.dy - np.rint(shapes.dy))
    narrow = sigma <= NARROWEST_SIGMA_PX
    if binning == 1:
        # Noise makes some stars of about a pixel as narrow; they do not lie exactly in the middle.
        narrow &= away < EXACTLY_PX + 1 / np.maximum(snr, 1.0)
    wide = clear & ~narrow
    centred = wide & (away < CENTRED_PX)
    if binning == 1 and np.count_nonzero(centred) > LEAST_CENTRED + MORE_CENTRED * CENTRED_SHARE * np.count_nonzero(
        wide
    ):
        narrow |= (away < NEARLY_CENTRED_PX) & (sigma < ALIKE_HOT * np.median(sigma[centred]))
    if np.count_nonzero(narrow & clear) > MOST_ARE_HOT * np.count_nonzero(clear):
        return np.ones(len(sigma), np.bool_)
    return np.asarray(narrow, np.bool_)


def clear_stars(
    widths: NDArray[np.floating], snr: NDArray[np.floating], saturated: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Say which stars to read shapes from: unsaturated ones far above the noise, or else the clearest there are.

    All stars of a frame are about equally wide; knots of nebulae and galaxies taken for stars have all widths. Where no
    half of the sources is alike, only the narrowest ones that are many and alike are stars.

    Parameters:
        widths, snr, saturated: (M,) of the measured stars; widths in any unit.

    Returns:
        (K,) indices; empty only when there are no stars.
    """
    sound = np.flatnonzero(~saturated)
    if sound.size == 0:
        sound = np.arange(snr.size)
    clear = sound[snr[sound] >= CLEAR_SNR]
    if clear.size < ENOUGH_CLEAR:
        clear = np.sort(sound[np.argsort(-snr[sound], kind="stable")[:ENOUGH_CLEAR]])
    return clear[_alike(widths[clear])]


def clearest(index: NDArray[np.intp], snr: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the stars for measuring the width: where a few are clear, or far clearer than the rest, only these.

    The error of a width falls with the signal to noise, and what is faint can be anything.

    Parameters:
        index: stars from :func:`clear_stars`.
        snr: (M,) of all measured stars.
    """
    clear = index[snr[index] >= CLEAR_SNR]
    if clear.size >= FEW_CLEAR:
        return clear
    best = index[np.argsort(-snr[index], kind="stable")]
    for few in range(1, FEW_CLEAR):
        if _weight(snr[best[:few]]) > MUCH_CLEARER * _weight(snr[best[few:]]):
            return best[:few]
    clear = index[snr[index] >= LESS_CLEAR_SNR]
    return clear if clear.size >= FEW_CLEAR else index


def width_stars(
    widths: NDArray[np.floating], snr: NDArray[np.floating], saturated: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the stars for measuring the width, as :func:`clear_stars` and :func:`clearest` choose them.

    Saturated ones are chosen, and then they alone, where all others are faint in comparison, as on a focus run on one
    star.

    Parameters:
        widths, snr, saturated: (M,) of the measured stars; widths in any unit.
    """
    index = clear_stars(widths, snr, saturated)
    burnt = np.flatnonzero(saturated)
    if (
        _weight(snr[burnt]) > MUCH_CLEARER * _weight(snr[index])
        and np.count_nonzero(snr[index] >= CLEAR_SNR) < FEW_CLEAR
    ):
        index = burnt
    return clearest(index, snr)


def neighbour_distance(index: NDArray[np.intp], detections: Detections, fwhm_px: float) -> NDArray[np.float32]:
    """Return how far the nearest neighbour that could widen each star is, along x or y, whichever is more.

    Parameters:
        index: (M,) which detections the stars are.
        detections: all that were found.
        fwhm_px: typical width, frame pixels.

    Returns:
        (M,) in units of the distance from which on a neighbour does no harm.
    """
    light = np.flatnonzero(detections.kind != KIND_ARTEFACT)
    x, y, snr = detections.x_px[light], detections.y_px[light], detections.snr[light]
    # In place: in a crowded field these are millions of numbers.
    away, across = detections.x_px[index][:, None] - x, detections.y_px[index][:, None] - y
    np.maximum(np.abs(away, out=away), np.abs(across, out=across), out=away)
    np.copyto(away, np.inf, where=snr < NEIGHBOUR_LIGHT * detections.snr[index][:, None])
    itself = np.searchsorted(light, index)
    lit = np.flatnonzero(detections.kind[index] != KIND_ARTEFACT)
    away[lit, itself[lit]] = np.inf
    reach = np.float32(NEIGHBOUR_FWHM * fwhm_px + NEIGHBOUR_PX * detections.bin_factor)
    return np.asarray(away.min(axis=1, initial=np.inf) / reach, np.float32)


def lonely(chosen: NDArray[np.intp], distance: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return those of the chosen stars that stand alone, or farthest from others; all where they are too few to choose.

    Parameters:
        chosen: (K,) stars.
        distance: (M,) of all stars, from :func:`neighbour_distance`.
    """
    mine = distance[chosen]
    alone = chosen[mine >= 1]
    if alone.size >= max(MANY_LONELY, LONELY_SHARE * chosen.size):
        return alone
    if chosen.size * LONELIEST_SHARE < MANY_LONELY:
        return chosen
    return chosen[mine >= np.quantile(mine, 1 - LONELIEST_SHARE)]


def _weight(snr: NDArray[np.floating]) -> float:
    """Weight of stars together in the measurement of the width."""
    return float((snr.astype(np.float64) ** 2).sum())


def _alike(widths: NDArray[np.floating]) -> NDArray[np.intp]:
    """Indices of the narrowest crowd of equal widths; all of them where most are alike, or none are."""
    ordered = np.sort(widths)
    everyone = np.arange(len(widths))
    if len(ordered) < 2 * CROWD:
        return everyone
    peak = _narrow_peak(ordered)
    if peak is not None:
        return np.flatnonzero((widths >= peak[0]) & (widths <= peak[1]))
    last = np.searchsorted(ordered, CROWD_WIDTH * ordered, side="right")
    sizes = last - np.arange(len(ordered))
    if sizes.max() >= 0.5 * len(ordered):
        return everyone
    crowds = np.flatnonzero(sizes >= max(CROWD, math.ceil(CROWD_PART * len(ordered))))
    if not len(crowds):
        return everyone
    # The narrowest star may be narrow by chance: the window that begins with it need not be the fullest.
    low = ordered[crowds[0]]
    near = crowds[ordered[crowds] <= math.sqrt(CROWD_WIDTH) * low][::-1]
    high = ordered[last[near[np.argmax(sizes[near])]] - 1]
    return np.flatnonzero((widths >= low) & (widths <= high))


def _narrow_peak(ordered: NDArray[np.floating]) -> tuple[float, float] | None:
    """Least and largest width of the narrowest peak of widths that is far below most of them; ``None`` without one."""
    last = np.searchsorted(ordered, PEAK_WIDTH * ordered, side="right")
    beyond = np.searchsorted(ordered, PEAK_WIDTH**2 * ordered, side="right")
    inside, after = last - np.arange(len(ordered)), beyond - last
    narrow = PEAK_NARROWER * PEAK_WIDTH * ordered < ordered[len(ordered) // 2]
    # Equal widths are those of the least width that moments can have: no peak, but all that is narrower.
    narrow &= ordered > EQUAL * ordered[0]
    peaks = np.flatnonzero((inside >= CROWD) & (inside - after > PEAK_SIGMAS * np.sqrt(inside + after)) & narrow)
    if not len(peaks):
        return None
    # The first window of the peak may begin with a star that is narrow by chance: the fullest one near it is meant. The
    # edges are soft: those of a Gaussian scatter reach beyond the window.
    near = peaks[ordered[peaks] <= PEAK_WIDTH * ordered[peaks[0]]]
    best = near[np.argmax(inside[near])]
    return float(ordered[best]) / PEAK_WIDTH, float(ordered[last[best] - 1]) * PEAK_WIDTH


def _snr(shapes: Shapes, noise_adu: float, frame: Frame, binning: int) -> NDArray[np.float64]:
    """Aperture signal to noise: sky noise in the aperture, and photon noise of the star when the gain is known.

    Parameters:
        noise_adu: of the sky in one binned pixel.
    """
    variance = shapes.aperture_px2 * noise_adu**2
    gain = frame.meta.e_per_adu
    if gain is not None and gain > 0:
        # A binned pixel, like a super-pixel, is a mean: its photon noise is smaller by the number of pixels in it.
        variance = variance + np.maximum(shapes.flux, 0) / (gain * (frame.sensor_px_per_px * binning) ** 2)
    return np.asarray(shapes.flux / np.sqrt(np.maximum(variance, 1e-30)), np.float64)


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values
