"""Width of the Gaussian that fits a star best at the centres of the pixels, as Siril and other programs measure it.

An elliptical Gaussian on a constant background is fitted to the pixels of a square around each star by least squares,
all pixels counting alike (Levenberg 1944, Marquardt 1963). The Gaussian is taken at the centre of each pixel, not
integrated over it: its width holds the width of the pixel, and that of the wings as far as the square shows them. So it
is larger than the width that the light had before it fell on the pixels: by 13 % for a Gaussian of 1.3 pixels, by 36 %
for a Moffat profile of that width with an exponent of 2.5.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .moments import FWHM_PER_SIGMA

Vector = NDArray[np.float64]

LEAST_REACH_PX, REACH_FWHM, MORE_REACH_PX = 10, 0.65, 4.4
"""Half side of the square: so many widths and so much more, but no less than the first. It matters for stars with
wings, and is that of Siril 1.0 within a pixel from 1.3 to 18 pixels, as its widths of simulated stars show."""
MOST_REACH_PX = 16
"""Larger squares are binned: they hold no more to learn from, and take longer."""
ROUNDS = 12
LEAST_HEIGHT = 0.1
"""Of a Gaussian, in units of the brightest pixel above the sky."""
CONVERGED = 1e-3
"""Relative change of the sum of squares."""
FIRST_DAMPING, LESS_DAMPING, MORE_DAMPING = 1e-2, 0.2, 6.0


def gaussian_fwhm_px(
    pixels: NDArray[np.uint16] | NDArray[np.float32], x_px: Vector, y_px: Vector, fwhm_px: float
) -> Vector:
    """Fit Gaussians.

    Parameters:
        pixels: (H, W), the frame.
        x_px, y_px: (K,) about where the stars are, frame pixels.
        fwhm_px: about how wide they are.

    Returns:
        (K,) full width at half maximum along the longer axis, frame pixels; NaN where the square leaves the frame or no
        Gaussian fits.
    """
    reach = max(LEAST_REACH_PX, round(REACH_FWHM * fwhm_px + MORE_REACH_PX))
    binning = -(-reach // MOST_REACH_PX)
    reach = round(reach / binning)
    side = (2 * reach + 1) * binning
    height, width = pixels.shape
    first_x = np.floor(x_px + 0.5).astype(np.intp) - side // 2
    first_y = np.floor(y_px + 0.5).astype(np.intp) - side // 2
    inside = (first_x >= 0) & (first_y >= 0) & (first_x + side <= width) & (first_y + side <= height)
    found = np.full(len(x_px), np.nan)
    if not inside.any():
        return found
    square = sliding_window_view(pixels, (side, side))[first_y[inside], first_x[inside]]
    square = square.reshape(-1, side // binning, binning, side // binning, binning).mean(axis=(2, 4), dtype=np.float64)
    # The centre of binned pixel i lies at binning * (i + 1/2) - 1/2.
    along_x = (x_px - first_x + 0.5)[inside] / binning - 0.5 - reach
    along_y = (y_px - first_y + 0.5)[inside] / binning - 0.5 - reach
    variance = _fit(square, along_x, along_y, fwhm_px / binning) * binning**2
    # Binned pixels are wider than those of the frame.
    variance -= (binning**2 - 1) / 12
    found[inside] = FWHM_PER_SIGMA * np.sqrt(np.where(variance > 0, variance, np.nan))
    return found


def _fit(square: Vector, x0: Vector, y0: Vector, fwhm_px: float) -> Vector:
    """(K,) variance along the longer axis; NaN where the fit failed.

    Each Gaussian is background + height exp(-(a dx² + 2 b dx dy + c dy²)), seven numbers.
    """
    count = len(square)
    data = square.reshape(count, -1)
    reach = square.shape[1] // 2
    axis = np.arange(-reach, reach + 1, dtype=np.float64)
    x, y = np.tile(axis, len(axis)), np.repeat(axis, len(axis))
    low = np.median(data, axis=1)
    start = 0.5 * FWHM_PER_SIGMA**2 / max(fwhm_px**2 + FWHM_PER_SIGMA**2 / 12, 1.0)
    rows = np.full(count, start)
    now = np.stack([low, data.max(axis=1) - low, x0, y0, rows, np.zeros(count), rows], axis=1)
    scale = np.maximum(now[:, 1], 1e-9)
    data, now[:, 0], now[:, 1] = (data - low[:, None]) / scale[:, None], 0.0, 1.0
    residual, slopes = _model(now, data, x, y)
    cost = (residual**2).sum(axis=1)
    damping = np.full(count, FIRST_DAMPING)
    diagonal = np.arange(7)
    for _ in range(ROUNDS):
        normal = slopes @ slopes.transpose(0, 2, 1)
        normal[:, diagonal, diagonal] *= 1 + damping[:, None]
        normal[:, diagonal, diagonal] += 1e-9
        step = np.linalg.solve(normal, (slopes @ residual[:, :, None]))[:, :, 0]
        tried = now + step
        new_residual, new_slopes = _model(tried, data, x, y)
        new_cost = (new_residual**2).sum(axis=1)
        better = new_cost < cost
        done = bool((np.abs(cost - new_cost) <= CONVERGED * cost).all())
        now[better], cost[better] = tried[better], new_cost[better]
        residual[better], slopes[better] = new_residual[better], new_slopes[better]
        damping *= np.where(better, LESS_DAMPING, MORE_DAMPING)
        if done:
            break
    a, b, c = now[:, 4], now[:, 5], now[:, 6]
    least = (a + c) / 2 - np.hypot((a - c) / 2, b)
    near = (np.abs(now[:, 2] - x0) < reach / 2) & (np.abs(now[:, 3] - y0) < reach / 2)
    sound = (least > 0) & (now[:, 1] > LEAST_HEIGHT) & near
    return np.where(sound, 0.5 / np.where(sound, least, 1.0), np.nan)


def _model(now: Vector, data: Vector, x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """What is left over (K, P), and the slopes of the Gaussians along their numbers (K, 7, P)."""
    background, height, x0, y0, a, b, c = now.T[:, :, None]
    dx, dy = x - x0, y - y0
    # A trial step may turn the Gaussian inside out: it then fits badly and is taken back.
    shape = np.exp(-np.clip(a * dx * dx + 2 * b * dx * dy + c * dy * dy, -5.0, 50.0))
    light = height * shape
    slopes = np.stack([
        np.ones_like(shape), shape, 2 * light * (a * dx + b * dy), 2 * light * (b * dx + c * dy),
        -light * dx * dx, -2 * light * dx * dy, -light * dy * dy,
    ], axis=1)  # fmt: skip
    return data - background - light, slopes
