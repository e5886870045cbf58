"""Level and noise of the sky in the parts of a frame, from differences of pixels in the same row.

Differences do not see gradients, nebulae, or the noise that a whole row has in common. The two pixels are four columns
apart: of one colour in a mosaic, and beyond the reach of an interpolation. Stars, hot pixels and cosmic rays are
clipped by the difference, and by the sum of the pair.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..records import Frame, NoiseCell, SkyNoise

COLUMNS, ROWS = 6, 4
"""Parts of the field along each side."""
LAG_PX = 4
"""Distance of the two pixels of a pair in frame pixels; in a row, pixels of ``2 * LAG_PX`` columns are four pairs."""
MOST_PAIRS = 150_000
"""Pairs of a frame: 6,000 in a cell. Two thirds of them tell its variance to 2 %, and that of the frame to half a
percent."""
FEWEST_PAIRS = 200
"""Pairs of a cell from which its variance is of use: 10 %."""
UNSURE_PAIRS = 8
"""Pairs that stand for a variance that includes stars and gradients: its error is a factor of 1.6."""
FIRST_LOOK = 2048
"""Pairs of a cell that are sorted for its level, and for a first value of its noise."""
CLIP = 2.5
"""Standard deviations at which differences are clipped."""
SUM_CLIP = 1.0
"""Standard deviations from the sky at which the sum of a pair is left out: the wings of stars have noise of their own,
and differ from pixel to pixel."""
CLIP_ROUNDS = 3
"""Rounds of clipping; after three, the width changes by less than its error."""
FLOOR_SHARE = 0.02
"""Part of the pixels of a cell at zero from which the noise is cut off below, and not measured."""
FULL_SHARE = 0.6
"""Share of the saturation above which sensors are not linear, and cells are left out."""
STEP_PX = 512
"""Pixels of four rows from which the step between two stored values is found."""
LEAST_NOISE_STEPS = 0.3
"""Noise in units of the step between two stored values below which it is not known."""
FULL_SCALE_ADU = 65535.0
"""Full scale of 16 bits, from which pixels from 0 to 1 were scaled down."""


def sky_noise(frame: Frame) -> SkyNoise:
    """Return level and noise of the sky of a frame in 24 parts.

    Parameters:
        frame: of any kind; a few hundred of its rows are read.
    """
    height, width = frame.pixels.shape
    across = width // COLUMNS // (2 * LAG_PX)
    in_unit = frame.pixels.dtype != np.uint16 and frame.saturation_adu <= 2.0
    whole, unit_adu = frame.pixels.dtype == np.uint16, 1.0 / FULL_SCALE_ADU if in_unit else 1.0
    if across < 1 or height < ROWS:
        return SkyNoise(unit_adu=unit_adu, whole_numbers=whole)
    lines = min(height // ROWS, max(1, MOST_PAIRS // (ROWS * COLUMNS * across * LAG_PX)))
    parts = [_part(frame.pixels, row, lines, across) for row in range(ROWS)]
    covered = None if frame.border is None else [_part(frame.border, row, lines, across) for row in range(ROWS)]
    px2 = float(frame.sensor_px_per_px) ** 2
    stored_step_adu = _stored_step(frame)
    step_adu, rounding_adu2 = _rounding(frame, stored_step_adu)
    cells = []
    for row, part in enumerate(parts):
        hidden = None if covered is None else covered[row].reshape(COLUMNS, -1)
        for column, values in enumerate(part.reshape(COLUMNS, -1, 2, LAG_PX)):
            first, second = values[:, 0].reshape(-1), values[:, 1].reshape(-1)
            if hidden is not None and hidden[column].any():
                continue
            if whole and np.count_nonzero(first == 0) > FLOOR_SHARE * first.size:
                continue
            level_adu, variance_adu2, pairs = _clipped(first, second, step_adu)
            variance_adu2 -= rounding_adu2
            dim = variance_adu2 < 12.0 * LEAST_NOISE_STEPS**2 * rounding_adu2
            if pairs < FEWEST_PAIRS or dim or variance_adu2 <= 0.0 or level_adu > FULL_SHARE * frame.saturation_adu:
                continue
            cells.append(NoiseCell(place=row * COLUMNS + column, level_adu=level_adu,
                                   variance_adu2=variance_adu2 * px2, pairs=pairs))  # fmt: skip
    middle = np.concatenate(parts[1:3])
    return SkyNoise(
        cells=tuple(cells),
        independence=_independence(middle),
        unit_adu=unit_adu,
        step_adu=stored_step_adu,
        whole_numbers=whole,
        negative_fraction=0.0 if whole else float(np.count_nonzero(middle < 0.0) / middle.size),
    )


def _part(pixels: NDArray[np.generic], row: int, lines: int, across: int) -> NDArray[np.float32]:
    """Return samples of one row of cells, (COLUMNS, lines * across, 2, LAG_PX): halves of a pair behind each other."""
    height, width = pixels.shape
    top, bottom = row * height // ROWS, (row + 1) * height // ROWS
    chosen = top + (np.arange(lines) * (bottom - top)) // lines
    cell_px = width // COLUMNS
    out = np.empty((COLUMNS, lines, across * 2 * LAG_PX), np.float32)
    for column in range(COLUMNS):
        left = column * cell_px
        out[column] = pixels[chosen, left : left + across * 2 * LAG_PX]
    return out.reshape(COLUMNS, lines * across, 2, LAG_PX)


def _clipped(first: NDArray[np.float32], second: NDArray[np.float32], step_adu: float) -> tuple[float, float, int]:
    """Return level, variance of one pixel and number of pairs of a cell, without its stars.

    Parameters:
        first, second: (N,) the pixels of each pair.
        step_adu: between two stored values; 0 where they are continuous.
    """
    twice = second + first
    thin = max(1, twice.size // FIRST_LOOK)
    sums = np.sort(twice[::thin])
    middle = float(sums[sums.size // 2])
    spread = max(middle - float(sums[int(0.1587 * sums.size)]), 1e-30)
    # A choice by the sum changes no difference, if it is the same on both sides: photon noise is skewed.
    sky = np.abs(twice - np.float32(middle)) <= np.float32(SUM_CLIP * spread)
    size = np.abs(second[sky] - first[sky])
    sizes = np.sort(size[:: max(1, size.size // FIRST_LOOK)])
    sigma = max(float(sizes[sizes.size // 2]) / 0.6745, 1e-30)
    kept = size
    for _ in range(CLIP_ROUNDS):
        limit = CLIP * sigma
        if step_adu:
            # Half-way between two values, so that the clip does not depend on where a value happens to lie.
            limit = (math.floor(limit / step_adu) + 0.5) * step_adu
        kept = size[size <= np.float32(limit)]
        if not kept.size:
            return 0.0, 0.0, 0
        variance = float(np.dot(kept, kept)) / kept.size / _clipped_share(limit / sigma)
        sigma = max(math.sqrt(variance), 1e-30)
    return _level(sums, middle, spread) / 2, sigma**2 / 2, int(kept.size)


def _level(sums: NDArray[np.float32], middle: float, spread: float) -> float:
    """Return the mean of sums of pairs after clipping.

    Parameters:
        sums: (N,) sorted.
        middle, spread: their median, and how far below it the 16th percentile is: a standard deviation that stars
            hardly change.
    """
    inside = sums[np.abs(sums - np.float32(middle)) <= np.float32(CLIP * spread) + np.float32(1e-30)]
    return float(inside.mean(dtype=np.float64)) if inside.size else middle


def _clipped_share(limit: float) -> float:
    """Return the variance of a Gaussian of width 1 that is clipped at ``limit`` on both sides."""
    density = math.exp(-0.5 * limit * limit) / math.sqrt(2.0 * math.pi)
    return max(1.0 - 2.0 * limit * density / math.erf(limit / math.sqrt(2.0)), 0.1)


def _stored_step(frame: Frame) -> float:
    """Return the smallest step between two values of the file, in ADU; 0 for pixels that are no whole numbers."""
    stored = frame.pixels if frame.mosaic is None else frame.mosaic
    if stored.dtype != np.uint16:
        return 0.0
    rows = max(1, stored.shape[0] // 4)
    distinct = np.unique(stored[rows // 2 :: rows, :STEP_PX])
    return float(max(int(np.gcd.reduce(np.diff(distinct))), 1)) if distinct.size > 1 else 1.0


def _rounding(frame: Frame, stored_step_adu: float) -> tuple[float, float]:
    """Return the step between two values of a frame pixel, and the variance that rounding adds to it, in ADU and ADU².

    A twelfth of the squared step; the mean of a cell of a mosaic is rounded once more.
    """
    if stored_step_adu == 0.0 or frame.mosaic is None:
        return stored_step_adu, stored_step_adu**2 / 12.0
    return 1.0, (stored_step_adu**2 / float(frame.sensor_px_per_px) ** 2 + 1.0) / 12.0


def _independence(part: NDArray[np.float32]) -> float:
    """Return the variance by differences of next neighbours over that of distant ones, at most 1.

    Parameters:
        part: (COLUMNS, n, 2, LAG_PX) samples.
    """
    sampled = part[:, :: max(1, part.shape[1] // 256)]
    near = np.abs(sampled[..., 1] - sampled[..., 0]).ravel()
    far = np.abs(sampled[:, :, 1] - sampled[:, :, 0]).ravel()
    # The lower 60 % of the sizes: few stars, and finer than the median in whole numbers.
    near, far = np.sort(near)[: int(0.6 * near.size)], np.sort(far)[: int(0.6 * far.size)]
    wide = float(np.mean(far))
    return 1.0 if wide <= 0.0 else min((float(np.mean(near)) / wide) ** 2, 1.0)
