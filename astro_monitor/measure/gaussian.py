"""Width of the Gaussian that fits a star best when it is evaluated at pixel centres, as in Siril and other programs.

An elliptical Gaussian on a constant background is fitted to the pixels of a square around each star by least squares
with equal weights (Levenberg 1944, Marquardt 1963). The Gaussian is evaluated at the centre of each pixel, not
integrated over it: its width includes that of the pixel, and that of the wings within the square. So it is larger than
the width of the light before pixel integration: by 13 % for a Gaussian of 1.3 pixels, by 36 % for a Moffat profile of
that width with an exponent of 2.5.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .moments import FWHM_PER_SIGMA, PIXEL_VARIANCE_PX2

Pixels = NDArray[np.uint16] | NDArray[np.float32]
Vector = NDArray[np.float64]

LEAST_REACH_PX, REACH_FWHM, MORE_REACH_PX = 10, 0.65, 4.4
"""Half side of the square in pixels: the second factor times the FWHM plus the third, at least the first. It matters
for stars with wings, and equals that of Siril 1.0 within a pixel from 1.3 to 18 pixels, by its widths of simulated
stars."""
MOST_REACH_PX = 16
"""Half side in pixels above which squares are binned: full resolution adds no information, and takes longer."""
NEARLY_SATURATED = 0.85
"""Fraction of saturation above which pixels are not used: sensors become non-linear before they saturate."""
ROUNDS, MOFFAT_ROUNDS = 12, 40
"""Most iterations of the fit of a Gaussian, and of a Moffat profile, whose exponent converges slowly."""
FIRST_EXPONENT, EXPONENTS = 3.5, (1.5, 20.0)
"""Exponent of Moffat profiles: start of the fit, and its limits."""
LEAST_HEIGHT = 0.1
"""Smallest height of a valid Gaussian, as a fraction of the brightest pixel above the sky."""
CONVERGED = 1e-3
"""Relative change of the sum of squares at which the fit ends."""
FIRST_DAMPING, LESS_DAMPING, MORE_DAMPING = 1e-2, 0.2, 6.0
"""Damping of Levenberg and Marquardt: at the start, and its factors after a better and a worse step."""


def gaussian_fwhm_px(
    pixels: Pixels, x_px: Vector, y_px: Vector, fwhm_px: float, *, saturation_adu: float = np.inf
) -> Vector:
    """Return the widths of fitted Gaussians.

    Parameters:
        pixels: (H, W), the frame.
        x_px, y_px: (K,) approximate positions of the stars, frame pixels.
        fwhm_px: their approximate width.
        saturation_adu: pixels near or above this level are not used.

    Returns:
        (K,) full width at half maximum along the major axis, frame pixels; NaN where the square extends beyond the
        frame or the fit fails.
    """
    return _fwhm_px(pixels, x_px, y_px, fwhm_px, saturation_adu, moffat=False)[0]


def moffat_fwhm_px(
    pixels: Pixels, x_px: Vector, y_px: Vector, fwhm_px: float, *, saturation_adu: float = np.inf
) -> Vector:
    """Return the widths of fitted Moffat profiles with a free exponent, for saturated stars, by their flanks.

    Parameters:
        pixels, x_px, y_px, fwhm_px, saturation_adu: as for :func:`gaussian_fwhm_px`.

    Returns:
        (K,) full width at half maximum before pixel integration, the geometric mean of both axes; NaN where the fit
        fails.
    """
    major, minor = _fwhm_px(pixels, x_px, y_px, fwhm_px, saturation_adu, moffat=True)
    pixel = FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2
    squared = major * minor - pixel
    return np.asarray(np.sqrt(np.where(squared > 0, squared, np.nan)), np.float64)


def _fwhm_px(
    pixels: Pixels, x_px: Vector, y_px: Vector, fwhm_px: float, saturation_adu: float, *, moffat: bool
) -> tuple[Vector, Vector]:
    """Return the widths of the stars along the major and the minor axis, fitted by one profile each."""
    reach = max(LEAST_REACH_PX, round(REACH_FWHM * fwhm_px + MORE_REACH_PX))
    binning = -(-reach // MOST_REACH_PX)
    reach = round(reach / binning)
    side = (2 * reach + 1) * binning
    height, width = pixels.shape
    first_x = np.floor(x_px + 0.5).astype(np.intp) - side // 2
    first_y = np.floor(y_px + 0.5).astype(np.intp) - side // 2
    inside = (first_x >= 0) & (first_y >= 0) & (first_x + side <= width) & (first_y + side <= height)
    widths_px = np.full((2, len(x_px)), np.nan)
    if not inside.any():
        return widths_px[0], widths_px[1]
    square = sliding_window_view(pixels, (side, side))[first_y[inside], first_x[inside]]
    square = square.reshape(-1, side // binning, binning, side // binning, binning)
    used = square.max(axis=(2, 4)) < NEARLY_SATURATED * saturation_adu
    # The centre of binned pixel i lies at binning * (i + 1/2) - 1/2.
    along_x = (x_px - first_x + 0.5)[inside] / binning - 0.5 - reach
    along_y = (y_px - first_y + 0.5)[inside] / binning - 0.5 - reach
    mean = square.mean(axis=(2, 4), dtype=np.float64)
    widths = _fit(mean, used, along_x, along_y, fwhm_px / binning, moffat=moffat) * binning
    # The broadening by binned pixels, beyond that of frame pixels, is subtracted.
    squared = widths**2 - FWHM_PER_SIGMA**2 * (binning**2 - 1) * PIXEL_VARIANCE_PX2
    widths_px[:, inside] = np.sqrt(np.where(squared > 0, squared, np.nan))
    return widths_px[0], widths_px[1]


def _fit(square: Vector, used: NDArray[np.bool_], x0: Vector, y0: Vector, fwhm_px: float, *, moffat: bool) -> Vector:
    """Return (2, K) full widths at half maximum along the major and the minor axis; NaN where the fit failed.

    Each profile is background + height f(a dx² + 2 b dx dy + c dy²), with f(q) = exp(-q), or (1 + q / n)^-n for a
    Moffat profile: seven parameters, or eight.
    """
    count = len(square)
    reach = square.shape[1] // 2
    data, weight = square.reshape(count, -1), used.reshape(count, -1).astype(np.float64)
    axis = np.arange(-reach, reach + 1, dtype=np.float64)
    x, y = np.tile(axis, len(axis)), np.repeat(axis, len(axis))
    low = np.median(data, axis=1)
    start = np.full(count, 0.5 * FWHM_PER_SIGMA**2 / max(fwhm_px**2 + FWHM_PER_SIGMA**2 * PIXEL_VARIANCE_PX2, 1.0))
    scale = np.maximum(data.max(axis=1) - low, 1e-9)
    columns = [np.zeros(count), np.ones(count), x0, y0, start, np.zeros(count), start]
    parameters = np.stack([*columns, np.full(count, np.log(FIRST_EXPONENT))] if moffat else columns, axis=1)
    data = (data - low[:, None]) / scale[:, None]
    residual, slopes = _residuals(parameters, data, weight, x, y)
    cost = (residual**2).sum(axis=1)
    damping = np.full(count, FIRST_DAMPING)
    diagonal = np.arange(parameters.shape[1])
    for _ in range(MOFFAT_ROUNDS if moffat else ROUNDS):
        normal = slopes @ slopes.transpose(0, 2, 1)
        normal[:, diagonal, diagonal] *= 1 + damping[:, None]
        normal[:, diagonal, diagonal] += 1e-9
        step = np.linalg.solve(normal, (slopes @ residual[:, :, None]))[:, :, 0]
        tried = parameters + step
        if moffat:
            tried[:, 7] = np.clip(tried[:, 7], *np.log(EXPONENTS))
        new_residual, new_slopes = _residuals(tried, data, weight, x, y)
        new_cost = (new_residual**2).sum(axis=1)
        better = new_cost < cost
        converged = bool((np.abs(cost - new_cost) <= CONVERGED * cost).all())
        parameters[better], cost[better] = tried[better], new_cost[better]
        residual[better], slopes[better] = new_residual[better], new_slopes[better]
        damping *= np.where(better, LESS_DAMPING, MORE_DAMPING)
        if converged:
            break
    a, b, c = parameters[:, 4], parameters[:, 5], parameters[:, 6]
    split = np.hypot((a - c) / 2, b)
    axes = np.stack([(a + c) / 2 - split, (a + c) / 2 + split])
    near = (np.abs(parameters[:, 2] - x0) < reach / 2) & (np.abs(parameters[:, 3] - y0) < reach / 2)
    sound = (axes[0] > 0) & (parameters[:, 1] > LEAST_HEIGHT) & near
    # The value of q at half maximum.
    exponent = np.exp(parameters[:, 7]) if moffat else np.ones(count)
    half = exponent * (2 ** (1 / exponent) - 1) if moffat else np.full(count, np.log(2))
    return np.where(sound, 2 * np.sqrt(half / np.where(sound, axes, 1.0)), np.nan)


def _residuals(parameters: Vector, data: Vector, weight: Vector, x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """Return the residuals (K, P), and the derivatives of the profiles by the parameters (K, 7 or 8, P)."""
    background, height, x0, y0, a, b, c = parameters[:, :7].T[:, :, None]
    dx, dy = x - x0, y - y0
    # A trial step may make the profile grow outwards: it then fits badly and is rejected.
    q = np.clip(a * dx * dx + 2 * b * dx * dy + c * dy * dy, -5.0, 50.0)
    if parameters.shape[1] == 7:
        shape = np.exp(-q)
        falling, by_exponent = height * shape, []
    else:
        exponent = np.exp(parameters[:, 7])[:, None]
        base = np.maximum(1 + q / exponent, 0.1)
        shape = base**-exponent
        falling = height * shape / base
        by_exponent = [height * shape * (q / base - exponent * np.log(base))]
    slopes = np.stack([
        np.ones_like(shape), shape, 2 * falling * (a * dx + b * dy), 2 * falling * (b * dx + c * dy),
        -falling * dx * dx, -2 * falling * dx * dy, -falling * dy * dy, *by_exponent,
    ], axis=1)  # fmt: skip
    slopes *= weight[:, None, :]
    return (data - background - height * shape) * weight, slopes
