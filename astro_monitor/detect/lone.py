"""The only bright source of a frame with hardly any other: a strongly defocused star.

In a focus run on one star the network has no other stars for comparison, and sometimes classifies its ring as an
artefact, or misses it. But light that is spread over many pixels of the sensor came through the optics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_STAR, SkyMap
from .peaks import Points
from .sky import Pixels

LEAST_BIN = 4
"""Binning from which a source is wider than any artefact."""
LEAST_SNR, STAR_SNR = 60.0, 20.0
"""Smallest signal to noise in its 5 x 5 network pixels; and that of another star from which the search is not
needed."""
MOST_IN_ONE = 0.35
"""Largest fraction of the light of those pixels in the brightest one."""
MOST_STEADY = 0.35
"""Largest ratio of the light at the border of the window to the mean of the core: above it, the light is a gradient, a
planet or a lamp."""
_REACH, _WINDOW, _NEAR_PX = 2, 6, 4.0
"""Pixels on each side of the core; pixels on each side of the window; distance within which detections belong to
the source. In network pixels."""


def with_lone_source(points: Points, snr: NDArray[np.float32], pixels: Pixels, sky: SkyMap, bin_factor: int) -> Points:
    """Return the sources and the brightest extended light of the frame as a star, if there is no other clear star.

    Parameters:
        points: (N,) sources of the network, in network pixels.
        snr: (N,) their signal to noise.
        pixels: (H, W), with hot pixels replaced.
        sky: sky of the frame.
        bin_factor: frame pixels per network pixel.
    """
    if bin_factor < LEAST_BIN or bool(((points.kind == KIND_STAR) & (snr > STAR_SNR)).any()):
        return points
    centre = _brightest(pixels, sky, bin_factor)
    if centre is None:
        return points
    x, y = centre
    others = points.chosen(np.hypot(points.x_px - x, points.y_px - y) > _NEAR_PX + _REACH)
    lone = Points(
        np.array([x], np.float32), np.array([y], np.float32), np.ones(1, np.float32),
        np.array([KIND_STAR], np.uint8), np.ones(1, np.float32), np.array([[1, 0, 0]], np.float32),
    )  # fmt: skip
    return Points.join([lone, others])


def _brightest(pixels: Pixels, sky: SkyMap, bin_factor: int) -> tuple[float, float] | None:
    """Return the centre of the brightest extended light in network pixels; ``None`` when it is too faint."""
    height, width = (size // bin_factor for size in pixels.shape)
    if min(height, width) <= 2 * _WINDOW + 1:
        return None
    whole = pixels[: height * bin_factor, : width * bin_factor]
    binned = whole.reshape(height, bin_factor, width, bin_factor).mean(axis=(1, 3), dtype=np.float32)
    light = binned - np.float32(np.median(binned))
    side = 2 * _REACH + 1
    sums = np.lib.stride_tricks.sliding_window_view(light, (side, side)).sum(axis=(2, 3))
    inner = sums[_WINDOW - _REACH : -(_WINDOW - _REACH), _WINDOW - _REACH : -(_WINDOW - _REACH)]
    row, column = (int(index) + _WINDOW for index in np.unravel_index(int(np.argmax(inner)), inner.shape))
    around = light[row - _WINDOW : row + _WINDOW + 1, column - _WINDOW : column + _WINDOW + 1]
    border = np.concatenate([around[0], around[-1], around[1:-1, 0], around[1:-1, -1]])
    core = around[_WINDOW - _REACH : _WINDOW + _REACH + 1, _WINDOW - _REACH : _WINDOW + _REACH + 1]
    total = float(core.sum())
    if total < LEAST_SNR * side * sky.noise_adu / bin_factor or float(core.max()) > MOST_IN_ONE * total:
        return None
    if float(np.median(border)) > MOST_STEADY * total / side**2:
        return None
    weight = np.maximum(around - np.median(border) - 3 * sky.noise_adu / bin_factor, 0)
    if weight.sum() <= 0:
        return None
    steps = np.arange(-_WINDOW, _WINDOW + 1)
    x = column + float((weight.sum(axis=0) * steps).sum() / weight.sum())
    y = row + float((weight.sum(axis=1) * steps).sum() / weight.sum())
    return x, y
