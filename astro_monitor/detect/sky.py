"""Sky level on a mesh and the noise of the sky, from a strided sample of the frame.

Every eighth row and every fourth pixel in it are enough: a cell of about 64 × 64 pixels still has 128 samples, and
the cost stays below one millisecond per megapixel. The samples of a cell are sorted once. Stars lie above the sky, so
the clipping starts from the lower half, which they do not touch.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap

Pixels = NDArray[np.uint16] | NDArray[np.float32]

CELL_PX = 64
_ROW_STRIDE, _COLUMN_STRIDE = 8, 4
_CLIP = 2.5
_CLIPPED_STD = 0.9546
"""Standard deviation of a Gaussian cut off at ±2.5 sigma, in units of the uncut one."""
_ROUNDS = 2


def sky_map(pixels: Pixels) -> SkyMap:
    """Measure the sky level on a mesh, stars and trails excluded, and one noise for the frame.

    Large nebulae stay in the mesh as structure; what is smaller than a cell is treated as a source.

    Parameters:
        pixels: (H, W), at least 8 × 8.

    Returns:
        The mesh; its cell centres are at ``(i + 0.5) * cell_px - 0.5``. A few pixels at the right and lower border
        may lie outside all cells: the nearest cell speaks for them.
    """
    cell = _cell_px(*pixels.shape)
    samples = _cell_samples(pixels, cell)
    level, sigma = _clipped(samples.astype(np.float32))
    level = _median_of_neighbours(level)
    # Values near the largest that 32 bits can hold overflow when squared; the noise stays a number.
    noise = min(max(float(np.median(sigma)), _least_noise(samples)), float(np.finfo(np.float32).max))
    level.flags.writeable = False
    return SkyMap(level_adu=level, noise_adu=noise, cell_px=cell)


def _least_noise(samples: Pixels) -> float:
    """Noise of rounding alone; it also keeps a constant frame from dividing by 0.

    A 12-bit camera that writes multiples of 16 can have most pixels of its sky at one value.
    """
    if samples.dtype.kind == "u":
        some = np.unique(samples[:: max(1, len(samples) // 4)])
        step = np.gcd.reduce(np.diff(some)) if len(some) > 1 else 1
        return max(1, int(step)) / math.sqrt(12)
    return max(abs(float(np.median(samples))), 1e-6) * 1e-6


def _cell_px(height: int, width: int) -> int:
    """Choose the cell near 64 pixels that leaves the smallest rest at the borders; smaller for small frames."""
    shortest = min(height, width)
    if shortest < 2 * CELL_PX:
        return shortest if shortest < CELL_PX else shortest // 2
    return min(range(CELL_PX - 8, CELL_PX + 9), key=lambda cell: max(height % cell, width % cell))


def _cell_samples(pixels: Pixels, cell: int) -> Pixels:
    """(GH, GW, n) samples of each cell, sorted along the last axis."""
    row_step, column_step = (_ROW_STRIDE, _COLUMN_STRIDE) if cell >= CELL_PX - 8 else (1, 1)
    grid_height, grid_width = (size // cell for size in pixels.shape)
    in_cell_y, in_cell_x = np.arange(0, cell, row_step), np.arange(0, cell, column_step)
    y = (np.arange(grid_height)[:, None] * cell + in_cell_y).ravel()
    x = (np.arange(grid_width)[:, None] * cell + in_cell_x).ravel()
    taken = pixels[y[:, None], x]
    taken = taken.reshape(grid_height, len(in_cell_y), grid_width, len(in_cell_x)).transpose(0, 2, 1, 3)
    samples = taken.reshape(grid_height, grid_width, -1)
    samples.sort(axis=-1)
    return samples


def _clipped(ordered: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Level and standard deviation of each cell after clipping.

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
        # In whole numbers half the samples can be equal: the clip must be wider than one step.
        centred = ordered - level[..., None]
        keep = np.abs(centred) <= np.maximum(_CLIP * sigma, 1e-30)[..., None]
        kept = np.maximum(np.count_nonzero(keep, axis=-1), 1)
        centred *= keep
        mean = centred.sum(axis=-1) / kept
        variance = np.einsum("...n,...n->...", centred, centred) / kept - mean * mean
        level = level + mean.astype(np.float32)
        sigma = (np.sqrt(np.maximum(variance, 0)) / _CLIPPED_STD).astype(np.float32)
    return level, sigma


def _median_of_neighbours(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace each cell by the median of its 3 × 3 neighbourhood: a cell full of one star says nothing of the sky."""
    padded = np.pad(level, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.median(windows, axis=(-2, -1)).astype(np.float32)
