"""Measurement of stars from cut-outs, in frame pixels."""

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
"""Smallest signal to noise of a star: the shapes of fainter ones are dominated by noise."""
NARROWEST_SIGMA_PX = 0.36
"""Smallest rms width of sampled starlight, in pixels: a FWHM of 0.85."""
EXACTLY_PX = 0.05
"""Distance from the middle of the pixel, in pixels, within which a narrower source is a hot pixel."""
MOST_ARE_HOT = 2 / 3
"""Fraction of hot pixels among the clear sources above which the star finder has not separated them from stars."""
CENTRED_PX, CENTRED_SHARE = 0.12, 0.045
"""Distance from the middle of a pixel, and the fraction of stars within it; as in ``detect.likeness``."""
LEAST_CENTRED, MORE_CENTRED, NEARLY_CENTRED_PX, ALIKE_HOT = 5, 3.0, 0.25, 1.3
"""The centres of stars are uniformly distributed over their pixels. If more than ``LEAST_CENTRED`` plus
``MORE_CENTRED`` times the expected number are centred, some are hot pixels: those within ``NEARLY_CENTRED_PX`` that are
not wider than the centred ones by ``ALIKE_HOT``."""
CLEAR_SNR = 20.0
"""Signal to noise of clear stars: the error of their widths is about 5 %."""
CROWD, CROWD_PART, CROWD_WIDTH = 6, 0.2, 1.25
"""A cluster of stars of about one width: smallest number, smallest fraction of all, and largest ratio of widths."""
PEAK_WIDTH, PEAK_SIGMAS, PEAK_NARROWER, EQUAL = 1.12, 2.5, 1.3, 1.001
"""Where galaxies outnumber stars, the widths of the stars are a peak in the histogram of widths: ratio of the widths in
the peak, height over the next window in Poisson errors, ratio by which the median is wider; and the ratio within which
widths are equal."""
ENOUGH_CLEAR = 20
"""Number of stars above ``CLEAR_SNR`` from which fainter ones are not used: noise makes round stars elongated."""
FEW_CLEAR, LESS_CLEAR_SNR = 3, 10.0
"""Fewest stars above ``CLEAR_SNR``, or else above this lower limit, for a width from these stars alone."""
NEIGHBOUR_FWHM, NEIGHBOUR_PX, NEIGHBOUR_LIGHT = 2.5, 3.0, 0.1
"""A neighbour affects the width of a star if it is nearer than this many FWHM plus pixels of a cut-out, and has at
least this fraction of the star's light."""
MANY_ISOLATED, ISOLATED_FRACTION, MOST_ISOLATED_FRACTION = 5, 0.1, 0.25
"""Only stars without such neighbours are used if they have at least this number and fraction; else the last fraction of
all stars, those farthest from others, is used."""
MUCH_CLEARER = 10.0
"""Ratio of the sums of squared signal to noise from which even fewer clear stars are used alone."""


def measure_chosen(
    frame: Frame, detections: Detections, index: NDArray[np.intp], width_ratio: float | None = None
) -> tuple[Stars, NDArray[np.intp], float]:
    """Return the measured stars at the given detections.

    Parameters:
        frame: the frame; pixels are read only around the chosen stars.
        detections: detections of the same frame.
        index: (M,) indices of the detections; cut-outs around them must lie inside the frame.
        width_ratio: ratio of the width by moments to the width at half maximum, known from other stars of the frame;
            ``None`` to measure it on these.

    Returns:
        the measured stars, brightest first; the index of the detection of each; and the ratio.
    """
    cut_outs = cut(frame, detections, index)
    binning = detections.bin_factor
    shapes = measure_stamps(cut_outs.light)
    noise = detections.sky.noise_adu / binning
    snr = _snr(shapes, noise, frame, binning)
    a, b, theta = shapes.axes()
    sigma = np.sqrt((a**2 + b**2) / 2)
    sure = shapes.converged & (snr >= MIN_SNR)
    # With a known ratio, sources of any kind are measured, hot pixels included.
    hot = np.zeros(len(sure), np.bool_)
    if width_ratio is None:
        hot = _are_hot_pixels(shapes, sigma, snr, sure & (snr >= CLEAR_SNR), binning)
    trusted = np.flatnonzero(sure & ~hot)
    order = trusted[np.argsort(-shapes.flux[trusted], kind="stable")]
    saturated = cut_outs.highest_adu >= SATURATED * frame.saturation_adu
    if width_ratio is None:
        clear = order[width_stars(sigma[order], snr[order], saturated[order])]
        typical_px = FWHM_PER_SIGMA * float(np.median(sigma[clear])) * binning if clear.size else 0.0
        clear = isolated(clear, neighbour_distance(cut_outs.index, detections, typical_px))
        width_ratio = width_over_fwhm(cut_outs.light, shapes, clear)
    fwhm = FWHM_PER_SIGMA * sigma / width_ratio
    # The centre of binned pixel i lies at binning * (i + 1/2) - 1/2.
    middle = SIDE_PX // 2 + 0.5
    measured = {
        "x_px": cut_outs.first_x + binning * (middle + shapes.dx) - 0.5,
        "y_px": cut_outs.first_y + binning * (middle + shapes.dy) - 0.5,
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
        kind=_frozen(detections.kind[cut_outs.index][order]),
        stamps=_frozen(cut_outs.light[order]),
        stamp_bin=binning,
    )
    return stars, cut_outs.index[order], width_ratio


def _are_hot_pixels(
    shapes: Shapes, sigma: NDArray[np.float64], snr: NDArray[np.float64], clear: NDArray[np.bool_], binning: int
) -> NDArray[np.bool_]:
    """Return (M,) which sources are hot pixels; all where most of the clear ones are, since the rest are pairs of them.

    Parameters:
        shapes: shapes of the sources.
        sigma, snr: (M,) rms width, and signal to noise.
        clear: (M,) sources above ``CLEAR_SNR``.
        binning: binning of the cut-outs. Binned cut-outs are aligned with their star, so that positions within
            pixels have
        no meaning.
    """
    offset_px = np.hypot(shapes.dx - np.rint(shapes.dx), shapes.dy - np.rint(shapes.dy))
    narrow = sigma <= NARROWEST_SIGMA_PX
    if binning == 1:
        # Noise makes some stars of about a pixel as narrow, but they are not exactly in the middle.
        narrow &= offset_px < EXACTLY_PX + 1 / np.maximum(snr, 1.0)
    wide = clear & ~narrow
    centred = wide & (offset_px < CENTRED_PX)
    if binning == 1 and np.count_nonzero(centred) > LEAST_CENTRED + MORE_CENTRED * CENTRED_SHARE * np.count_nonzero(
        wide
    ):
        narrow |= (offset_px < NEARLY_CENTRED_PX) & (sigma < ALIKE_HOT * np.median(sigma[centred]))
    if np.count_nonzero(narrow & clear) > MOST_ARE_HOT * np.count_nonzero(clear):
        return np.ones(len(sigma), np.bool_)
    return np.asarray(narrow, np.bool_)


def clear_stars(
    widths: NDArray[np.floating], snr: NDArray[np.floating], saturated: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the stars for shapes: unsaturated ones far above the noise, or else the clearest.

    All stars of a frame are about equally wide; knots of nebulae and galaxies have all widths. Where no half of the
    sources is of one width, only the narrowest cluster of one width are stars.

    Parameters:
        widths, snr, saturated: (M,) values of the measured stars; widths in any unit.

    Returns:
        (K,) indices; empty only when there are no stars.
    """
    sound = np.flatnonzero(~saturated)
    if sound.size == 0:
        sound = np.arange(snr.size)
    clear = sound[snr[sound] >= CLEAR_SNR]
    if clear.size < ENOUGH_CLEAR:
        clear = np.sort(sound[np.argsort(-snr[sound], kind="stable")[:ENOUGH_CLEAR]])
    return clear[_narrowest_cluster(widths[clear])]


def clearest(index: NDArray[np.intp], snr: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the stars for the width: where a few are clear, or far clearer than the rest, only these.

    The error of a width falls with the signal to noise, and faint sources need not be stars.

    Parameters:
        index: the result of :func:`clear_stars`.
        snr: (M,) signal to noise of all measured stars.
    """
    clear = index[snr[index] >= CLEAR_SNR]
    if clear.size >= FEW_CLEAR:
        return clear
    best = index[np.argsort(-snr[index], kind="stable")]
    for count in range(1, FEW_CLEAR):
        if _joint_weight(snr[best[:count]]) > MUCH_CLEARER * _joint_weight(snr[best[count:]]):
            return best[:count]
    clear = index[snr[index] >= LESS_CLEAR_SNR]
    return clear if clear.size >= FEW_CLEAR else index


def width_stars(
    widths: NDArray[np.floating], snr: NDArray[np.floating], saturated: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the stars for the width, by :func:`clear_stars` and :func:`clearest`.

    Only saturated stars are used where all others are faint in comparison, as in a focus run on one star.

    Parameters:
        widths, snr, saturated: (M,) values of the measured stars; widths in any unit.
    """
    index = clear_stars(widths, snr, saturated)
    burnt = np.flatnonzero(saturated)
    if (
        _joint_weight(snr[burnt]) > MUCH_CLEARER * _joint_weight(snr[index])
        and np.count_nonzero(snr[index] >= CLEAR_SNR) < FEW_CLEAR
    ):
        index = burnt
    return clearest(index, snr)


def neighbour_distance(index: NDArray[np.intp], detections: Detections, fwhm_px: float) -> NDArray[np.float32]:
    """Return the distance of the nearest neighbour that affects each star's width: the larger one of x and y.

    Parameters:
        index: (M,) indices of the stars' detections.
        detections: all detections of the frame.
        fwhm_px: typical width, frame pixels.

    Returns:
        (M,) in units of the distance from which a neighbour has no effect.
    """
    light = np.flatnonzero(detections.kind != KIND_ARTEFACT)
    x, y, snr = detections.x_px[light], detections.y_px[light], detections.snr[light]
    # In place: in a crowded field the arrays have millions of elements.
    separation, across = detections.x_px[index][:, None] - x, detections.y_px[index][:, None] - y
    np.maximum(np.abs(separation, out=separation), np.abs(across, out=across), out=separation)
    np.copyto(separation, np.inf, where=snr < NEIGHBOUR_LIGHT * detections.snr[index][:, None])
    itself = np.searchsorted(light, index)
    lit = np.flatnonzero(detections.kind[index] != KIND_ARTEFACT)
    separation[lit, itself[lit]] = np.inf
    reach = np.float32(NEIGHBOUR_FWHM * fwhm_px + NEIGHBOUR_PX * detections.bin_factor)
    return np.asarray(separation.min(axis=1, initial=np.inf) / reach, np.float32)


def isolated(chosen: NDArray[np.intp], distance: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the isolated stars of the chosen ones, or those farthest from others; all where there are too few.

    Parameters:
        chosen: (K,) stars.
        distance: (M,) distances of all stars, the result of :func:`neighbour_distance`.
    """
    own_distance = distance[chosen]
    alone = chosen[own_distance >= 1]
    if alone.size >= max(MANY_ISOLATED, ISOLATED_FRACTION * chosen.size):
        return alone
    if chosen.size * MOST_ISOLATED_FRACTION < MANY_ISOLATED:
        return chosen
    return chosen[own_distance >= np.quantile(own_distance, 1 - MOST_ISOLATED_FRACTION)]


def _joint_weight(snr: NDArray[np.floating]) -> float:
    """Return the joint weight of stars in the measurement of the width."""
    return float((snr.astype(np.float64) ** 2).sum())


def _narrowest_cluster(widths: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the indices of the narrowest cluster of equal widths; all where most are equal, or there is none."""
    ordered = np.sort(widths)
    all_stars = np.arange(len(widths))
    if len(ordered) < 2 * CROWD:
        return all_stars
    peak = _narrow_peak(ordered)
    if peak is not None:
        return np.flatnonzero((widths >= peak[0]) & (widths <= peak[1]))
    last = np.searchsorted(ordered, CROWD_WIDTH * ordered, side="right")
    sizes = last - np.arange(len(ordered))
    if sizes.max() >= 0.5 * len(ordered):
        return all_stars
    crowds = np.flatnonzero(sizes >= max(CROWD, math.ceil(CROWD_PART * len(ordered))))
    if not len(crowds):
        return all_stars
    # The narrowest star may be narrow by chance: the window that begins with it need not have the most stars.
    low = ordered[crowds[0]]
    near = crowds[ordered[crowds] <= math.sqrt(CROWD_WIDTH) * low][::-1]
    high = ordered[last[near[np.argmax(sizes[near])]] - 1]
    return np.flatnonzero((widths >= low) & (widths <= high))


def _narrow_peak(ordered: NDArray[np.floating]) -> tuple[float, float] | None:
    """Return the limits of the narrowest peak in the widths, far below most of them; ``None`` without one."""
    last = np.searchsorted(ordered, PEAK_WIDTH * ordered, side="right")
    beyond = np.searchsorted(ordered, PEAK_WIDTH**2 * ordered, side="right")
    inside, after = last - np.arange(len(ordered)), beyond - last
    narrow = PEAK_NARROWER * PEAK_WIDTH * ordered < ordered[len(ordered) // 2]
    # Equal smallest widths are the lower limit of the moments, not a peak.
    narrow &= ordered > EQUAL * ordered[0]
    peaks = np.flatnonzero((inside >= CROWD) & (inside - after > PEAK_SIGMAS * np.sqrt(inside + after)) & narrow)
    if not len(peaks):
        return None
    # The first window of the peak may begin with a star that is narrow by chance: the one with the most stars near
    # it is
    # used. It is extended, because the widths scatter beyond the window.
    near = peaks[ordered[peaks] <= PEAK_WIDTH * ordered[peaks[0]]]
    best = near[np.argmax(inside[near])]
    return float(ordered[best]) / PEAK_WIDTH, float(ordered[last[best] - 1]) * PEAK_WIDTH


def _snr(shapes: Shapes, noise_adu: float, frame: Frame, binning: int) -> NDArray[np.float64]:
    """Return the signal to noise in the aperture: sky noise, and photon noise of the star when the gain is known.

    Parameters:
        noise_adu: noise of the sky in one binned pixel.
    """
    variance = shapes.aperture_px2 * noise_adu**2
    gain = frame.meta.e_per_adu
    if gain is not None and gain > 0:
        # A binned pixel, like a super-pixel, is a mean: its photon variance is smaller by the number of pixels.
        variance = variance + np.maximum(shapes.flux, 0) / (gain * (frame.sensor_px_per_px * binning) ** 2)
    return np.asarray(shapes.flux / np.sqrt(np.maximum(variance, 1e-30)), np.float64)


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of star values, made read-only."""
    values.flags.writeable = False
    return values
