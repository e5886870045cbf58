"""Sky level on a mesh and the noise of the sky, from a strided sample of the frame.

Every eighth row and every fourth pixel in it are enough: a cell of about 64 × 64 pixels still has 128 samples, and the
time stays below one millisecond per megapixel. The samples of a cell are sorted once. Stars are brighter than the sky,
so clipping starts from the lower half, which they do not affect.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap

Pixels = NDArray[np.uint16] | NDArray[np.float32]

CELL_PX = 64
"""Side of a cell of the mesh in pixels, about: larger than stars, smaller than gradients."""
_ROW_STRIDE, _COLUMN_STRIDE = 8, 4
"""Strides of the sampled rows and columns: 1/32 of the pixels."""
_CLIP = 2.5
"""Standard deviations at which samples are clipped."""
_CLIPPED_STD = 0.9546
"""Standard deviation of a Gaussian truncated at ±2.5 sigma, as a fraction of the full one."""
_ROUNDS = 2
"""Iterations of the clipping."""


def sky_map(pixels: Pixels) -> SkyMap:
    """Return the sky level on a mesh, without stars and trails, and the noise of the frame.

    Large nebulae remain in the mesh; structures smaller than a cell are treated as sources.

    Parameters:
        pixels: (H, W), at least 8 × 8.

    Returns:
        The mesh; its cell centres are at ``(i + 0.5) * cell_px - 0.5``. A few pixels at the right and lower border may
        lie outside all cells: they have the level of the nearest cell.
    """
    cell = _cell_px(*pixels.shape)
    samples = _cell_samples(pixels, cell)
    level, sigma = _clipped_cells(samples.astype(np.float32))
    level = _median_of_neighbours(level)
    # Squares of values near the limit of float32 overflow; the noise must stay finite.
    noise = min(max(float(np.median(sigma)), _least_noise(samples)), float(np.finfo(np.float32).max))
    level.flags.writeable = False
    return SkyMap(level_adu=level, noise_adu=noise, cell_px=cell)


def _least_noise(samples: Pixels) -> float:
    """Return the noise of rounding alone, which also prevents a division by zero in a constant frame.

    Most sky pixels of a 12-bit camera that writes multiples of 16 can have one value.
    """
    if samples.dtype.kind == "u":
        distinct = np.unique(samples[:: max(1, len(samples) // 4)])
        step = np.gcd.reduce(np.diff(distinct)) if len(distinct) > 1 else 1
        return max(1, int(step)) / math.sqrt(12)
    return max(abs(float(np.median(samples))), 1e-6) * 1e-6


def _cell_px(height: int, width: int) -> int:
    """Return the side near ``CELL_PX`` with the smallest remainder at the borders; smaller for small frames."""
    shortest = min(height, width)
    if shortest < 2 * CELL_PX:
        return shortest if shortest < CELL_PX else shortest // 2
    return min(range(CELL_PX - 8, CELL_PX + 9), key=lambda cell: max(height % cell, width % cell))


def _cell_samples(pixels: Pixels, cell: int) -> Pixels:
    """Return (GH, GW, n) samples of each cell, sorted along the last axis."""
    row_step, column_step = (_ROW_STRIDE, _COLUMN_STRIDE) if cell >= CELL_PX - 8 else (1, 1)
    grid_height, grid_width = (size // cell for size in pixels.shape)
    in_cell_y, in_cell_x = np.arange(0, cell, row_step), np.arange(0, cell, column_step)
    y = (np.arange(grid_height)[:, None] * cell + in_cell_y).ravel()
    x = (np.arange(grid_width)[:, None] * cell + in_cell_x).ravel()
    sampled = pixels[y[:, None], x]
    sampled = sampled.reshape(grid_height, len(in_cell_y), grid_width, len(in_cell_x)).transpose(0, 2, 1, 3)
    samples = sampled.reshape(grid_height, grid_width, -1)
    samples.sort(axis=-1)
    return samples


def _clipped_cells(ordered: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return level and standard deviation of the sky in each cell after clipping.

    Parameters:
        ordered: (GH, GW, n), sorted.

    Returns:
        Two (GH, GW) arrays.
    """
    count = ordered.shape[-1]
    level = ordered[..., count // 2]
    # The 16th percentile is one sigma below the median of a Gaussian.
    sigma = level - ordered[..., int(0.1587 * count)]
    for _ in range(_ROUNDS):
        # Half of the samples of integer data can be equal: the clip must be wider than zero.
        centred = ordered - level[..., None]
        keep = np.abs(centred) <= np.maximum(_CLIP * sigma, 1e-30)[..., None]
        count_kept = np.maximum(np.count_nonzero(keep, axis=-1), 1)
        centred *= keep
        mean = centred.sum(axis=-1) / count_kept
        variance = np.einsum("...n,...n->...", centred, centred) / count_kept - mean * mean
        level = level + mean.astype(np.float32)
        sigma = (np.sqrt(np.maximum(variance, 0)) / _CLIPPED_STD).astype(np.float32)
    return level, sigma


def _median_of_neighbours(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of the 3 × 3 neighbourhood of each cell: a cell filled by a star has no sky."""
    padded = np.pad(level, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.median(windows, axis=(-2, -1)).astype(np.float32)
