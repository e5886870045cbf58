"""From cut-outs to measured stars, in frame pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..records import Detections, Frame, Stars
from .moments import FWHM_PER_SIGMA, Shapes, hollowness, measure_stamps
from .profile import width_over_fwhm
from .stamps import SATURATED, SIDE_PX, cut, select

MIN_SNR = 4.0
"""Fainter ones are left out: their shapes say nothing."""
CLEAR_SNR = 20.0
CROWD, CROWD_PART, CROWD_WIDTH = 6, 0.2, 1.25
"""A crowd has at least so many stars and so large a part of them, and its widest is so many times its narrowest."""
ENOUGH_CLEAR = 20
"""Noise turns round stars into slightly long ones; with so many stars above ``CLEAR_SNR`` fainter ones stay out."""


def measure_stars(frame: Frame, detections: Detections) -> Stars:
    """Choose, cut out and measure stars; none is normal.

    Parameters:
        frame: pixels are read only around the chosen stars.
        detections: of the same frame.
    """
    return measure_chosen(frame, detections, select(frame, detections))[0]


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
    trusted = np.flatnonzero(shapes.converged & (snr >= MIN_SNR))
    order = trusted[np.argsort(-shapes.flux[trusted], kind="stable")]
    a, b, theta = shapes.axes()
    saturated = found.highest_adu >= SATURATED * frame.saturation_adu
    sigma = np.sqrt((a**2 + b**2) / 2)
    if width_ratio is None:
        clear = order[clear_stars(sigma[order], snr[order], saturated[order])]
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


def _alike(widths: NDArray[np.floating]) -> NDArray[np.intp]:
    """Indices of the narrowest crowd of equal widths; all of them where most are alike, or none are."""
    ordered = np.sort(widths)
    last = np.searchsorted(ordered, CROWD_WIDTH * ordered, side="right")
    sizes = last - np.arange(len(ordered))
    everyone = np.arange(len(widths))
    if len(ordered) < 2 * CROWD or sizes.max() >= 0.5 * len(ordered):
        return everyone
    crowds = np.flatnonzero(sizes >= max(CROWD, math.ceil(CROWD_PART * len(ordered))))
    if not len(crowds):
        return everyone
    # The narrowest star may be narrow by chance: the window that begins with it need not be the fullest.
    low = ordered[crowds[0]]
    near = crowds[ordered[crowds] <= math.sqrt(CROWD_WIDTH) * low][::-1]
    high = ordered[last[near[np.argmax(sizes[near])]] - 1]
    return np.flatnonzero((widths >= low) & (widths <= high))


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
