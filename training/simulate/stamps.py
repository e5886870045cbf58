"""Puts many stars on a frame, fast: the position is rounded to the PSF's fine grid, and the truth says so.

Faint stars share one table of small stamps and are added in one go; bright ones are added one by one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.simulate.psf import Psf

SMALL_HALVES_PX = (3, 5, 8)
LARGE_HALVES_PX = (14, 24, 40, 64)
CUT_NOISE = 0.15
"""A stamp ends where the star falls below this part of the noise."""

Values = NDArray[np.float64]


def on_grid(position_px: Values, oversampling: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nearest pixel and phase of positions; the star is drawn at pixel + phase / oversampling."""
    pixel = np.rint(position_px).astype(np.int64)
    return pixel, np.rint((position_px - pixel) * oversampling).astype(np.int64)


def stamp_halves(psf: Psf, flux_e: Values, noise_e: float) -> NDArray[np.int64]:
    """Half-width of the stamp that each star needs, from the brightness outside a square of that half-width."""
    step, centre = psf.oversampling, psf.grid.shape[0] // 2
    marginal = np.maximum(psf.grid.max(axis=0), psf.grid.max(axis=1))
    reach = min(centre + 1, len(marginal) - centre)
    folded = np.maximum(marginal[centre : centre + reach], marginal[centre::-1][:reach])
    outside = np.maximum.accumulate(folded[::-1])[::-1]
    largest = psf.radius_px
    halves = sorted({h for h in (*SMALL_HALVES_PX, *LARGE_HALVES_PX) if h < largest} | {largest})
    needed = np.full(len(flux_e), largest, np.int64)
    for half in reversed(halves[:-1]):
        needed[flux_e * outside[min(half * step, len(outside) - 1)] < CUT_NOISE * noise_e] = half
    return needed


def add_stars(
    light_e: NDArray[np.float32], psf: Psf, x_px: Values, y_px: Values, flux_e: Values, noise_e: float
) -> tuple[Values, Values, Values]:
    """Adds stars to ``light_e`` (H, W) in place. Returns the x and y at which they were drawn, and their peaks."""
    x, phase_x = on_grid(x_px, psf.oversampling)
    y, phase_y = on_grid(y_px, psf.oversampling)
    halves = stamp_halves(psf, flux_e, noise_e)
    peaks = flux_e * peak_table(psf)[phase_y + psf.oversampling // 2, phase_x + psf.oversampling // 2]
    for half in np.unique(halves):
        some = halves == half
        if half in SMALL_HALVES_PX and some.sum() > 8:
            _add_small(light_e, psf, x[some], y[some], phase_x[some], phase_y[some], flux_e[some], int(half))
            continue
        for index in np.flatnonzero(some):
            _add_one(
                light_e, psf, int(x[index]), int(y[index]), int(phase_x[index]), int(phase_y[index]),
                float(flux_e[index]), int(half),
            )  # fmt: skip
    return x + phase_x / psf.oversampling, y + phase_y / psf.oversampling, peaks


def _phases(psf: Psf) -> range:
    return range(-(psf.oversampling // 2), psf.oversampling // 2 + 1)


def peak_table(psf: Psf) -> NDArray[np.float32]:
    """Share of the flux in the brightest pixel, by phase in y and x."""
    half = psf.radius_px
    phases = _phases(psf)
    return np.array([[psf.stamp(px, py, half).max() for px in phases] for py in phases], np.float32)


def _small_table(psf: Psf, half: int) -> NDArray[np.float32]:
    phases = _phases(psf)
    return np.array([psf.stamp(px, py, half).ravel() for py in phases for px in phases], np.float32)


def _cells(
    shape: tuple[int, int], x: NDArray[np.int64], y: NDArray[np.int64], half: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Flat indices of the stamps' pixels (N, (2 half + 1)²) and which of them are inside the frame."""
    reach = np.arange(-half, half + 1)
    rows, columns = y[:, None] + reach, x[:, None] + reach
    rows_in, columns_in = (rows >= 0) & (rows < shape[0]), (columns >= 0) & (columns < shape[1])
    flat = (rows[:, :, None] * shape[1] + columns[:, None, :]).reshape(len(x), -1)
    return flat, (rows_in[:, :, None] & columns_in[:, None, :]).reshape(len(x), -1)


def _add_small(
    light_e: NDArray[np.float32],
    psf: Psf,
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    phase_x: NDArray[np.int64],
    phase_y: NDArray[np.int64],
    flux_e: Values,
    half: int,
) -> None:
    table = _small_table(psf, half)
    count, shift = len(_phases(psf)), psf.oversampling // 2
    flat_light = light_e.reshape(-1)
    flux = flux_e.astype(np.float32)[:, None]
    for begin in range(0, len(x), 4000):
        part = slice(begin, begin + 4000)
        flat, inside = _cells(light_e.shape, x[part], y[part], half)
        light = table[(phase_y[part] + shift) * count + phase_x[part] + shift] * flux[part]
        np.add.at(flat_light, flat[inside], light[inside])


def _window(position: int, half: int, size: int) -> tuple[slice, slice]:
    low, high = max(position - half, 0), min(position + half + 1, size)
    return slice(low, high), slice(low - position + half, high - position + half)


def _add_one(
    light_e: NDArray[np.float32], psf: Psf, x: int, y: int, phase_x: int, phase_y: int, flux_e: float, half: int
) -> None:
    height, width = light_e.shape
    if not (-half <= x < width + half and -half <= y < height + half):
        return
    rows, stamp_rows = _window(y, half, height)
    columns, stamp_columns = _window(x, half, width)
    light_e[rows, columns] += flux_e * psf.stamp(phase_x, phase_y, half)[stamp_rows, stamp_columns]


def add_wings(
    light_e: NDArray[np.float32], psf: Psf, x_px: Values, y_px: Values, flux_e: Values, noise_e: float
) -> None:
    """Continues bright stars beyond their stamps with the slope they end with, so that no square edge shows."""
    radius = psf.radius_px
    inner = max(int(0.7 * radius), 1)
    edge, before = _on_axes(psf, radius), _on_axes(psf, inner)
    if edge <= 0:
        return
    power = float(np.clip(math.log(before / edge) / math.log(radius / inner), 2.2, 4.5))
    height, width = light_e.shape
    for index in np.flatnonzero(flux_e * edge > CUT_NOISE * noise_e):
        far = radius * (flux_e[index] * edge / (CUT_NOISE * noise_e)) ** (1 / power)
        half = int(min(far, 6 * radius, 500))
        x, y = round(float(x_px[index])), round(float(y_px[index]))
        if half <= radius or not (-half <= x < width + half and -half <= y < height + half):
            continue
        rows, _ = _window(y, half, height)
        columns, _ = _window(x, half, width)
        dy = np.arange(rows.start, rows.stop)[:, None] - y_px[index]
        dx = np.arange(columns.start, columns.stop)[None, :] - x_px[index]
        wing = flux_e[index] * edge * ((dx * dx + dy * dy + 1) / radius**2) ** (-power / 2)
        wing[(np.abs(dy + y_px[index] - y) <= radius) & (np.abs(dx + x_px[index] - x) <= radius)] = 0
        light_e[rows, columns] += wing.astype(np.float32)


def _on_axes(psf: Psf, radius_px: int) -> float:
    """Mean of the PSF at four points ``radius_px`` from its centre."""
    centre, reach = psf.grid.shape[0] // 2, radius_px * psf.oversampling
    ends = (centre - reach, centre + reach)
    return float(np.mean([psf.grid[end, centre] for end in ends] + [psf.grid[centre, end] for end in ends]))


def mark_faint(mask: NDArray[np.bool_], psf: Psf, x_px: Values, y_px: Values, half_px: int) -> None:
    """Marks the half-maximum area of stars, wherever it lies in the noise."""
    if not len(x_px):
        return
    x, phase_x = on_grid(x_px, psf.oversampling)
    y, phase_y = on_grid(y_px, psf.oversampling)
    half = min(half_px, psf.radius_px)
    table = _small_table(psf, half)
    bright = table >= 0.5 * table.max(axis=1, keepdims=True)
    count, shift = len(_phases(psf)), psf.oversampling // 2
    flat_mask = mask.reshape(-1)
    for begin in range(0, len(x), 2000):
        part = slice(begin, begin + 2000)
        flat, inside = _cells(mask.shape, x[part], y[part], half)
        flat_mask[flat[inside & bright[(phase_y[part] + shift) * count + phase_x[part] + shift]]] = True


def optimal_snr(psf: Psf, flux_e: Values, noise_e: Values) -> Values:
    """SNR of an optimal filter, sqrt(Σ (F p)² / (σ² + F p)), for stars of flux F on noise σ.

    With f = F / σ² this is σ times a function of f alone, so it is tabulated once.
    """
    half = min(psf.radius_px, 40)
    share = np.ascontiguousarray(psf.stamp(0, 0, half)).astype(np.float64).ravel()
    share = share[share > share.max() * 1e-4]
    grid = np.logspace(-6, 8, 57)
    value = np.array([math.sqrt(np.sum((f * share) ** 2 / (1 + f * share))) for f in grid])
    relative = np.maximum(flux_e, 1e-9) / noise_e**2
    snr: Values = noise_e * np.exp(np.interp(np.log(relative), np.log(grid), np.log(value)))
    return snr
