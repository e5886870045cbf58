"""Preprocessing for the network: (pixel - sky) / noise, clipped below, with the bright end compressed.

The same code serves training and inference.

It works in place on strips of a few rows, so that all steps stay in the cache of one core.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap
from .sky import Pixels
from .tiles import CELL_PX

PREPROCESSING_VERSION = "star-2"
"""Version of the preprocessing, raised whenever the input for the same frame changes."""

LOWEST_SNR = -5.0
"""Smallest signal to noise: cold pixels and overscan are clipped to it."""

KNEE_SNR = 10.0
"""Signal to noise at the knee of the stretch: far below it is linear, so that sums over faint stars are preserved; far
above it is logarithmic."""

_LOWEST = np.float32(1 + LOWEST_SNR / KNEE_SNR)
"""Argument of the logarithm at ``LOWEST_SNR``."""
_STRIP_ROWS = 16
"""Rows of a strip: its arrays stay in the cache of a core."""


class Stretch:
    """The stretch of one frame: calculated once from its sky, applied to any window.

    Parameters:
        sky: sky of the frame, in frame pixels.
        shape: (H, W) of the frame.
        bin_factor: side in frame pixels of the square that is averaged into one network pixel.
    """

    def __init__(self, sky: SkyMap, shape: tuple[int, int], bin_factor: int = 1) -> None:
        self.bin_factor = bin_factor
        self.shape = (max(1, shape[0] // bin_factor), max(1, shape[1] // bin_factor))
        grid_height, grid_width = sky.level_adu.shape
        x = _frame_centres(self.shape[1], bin_factor)
        y = _frame_centres(self.shape[0], bin_factor)
        # Averaging n independent pixels divides their noise by sqrt(n).
        per_adu = bin_factor / (KNEE_SNR * sky.noise_adu)
        columns = [np.interp(x, _cell_centres(grid_width, sky.cell_px), row) for row in sky.level_adu]
        # The sky in units of the knee, less one: after its subtraction the rest is the argument of the logarithm.
        self._columns = (np.asarray(columns) * per_adu - 1).astype(np.float32)
        self._gain = np.float32(per_adu / bin_factor**2)
        self._adu = np.float32(1 / (per_adu * CELL_PX**2))
        self._at = np.interp(y, _cell_centres(grid_height, sky.cell_px), np.arange(grid_height)).astype(np.float32)
        self._mesh_row = np.minimum(self._at.astype(np.intp), max(0, grid_height - 2))

    def window(
        self,
        pixels: Pixels,
        top: int,
        left: int,
        out: NDArray[np.float32],
        binned_adu: NDArray[np.float32] | None = None,
    ) -> None:
        """Fill a tile with stretched values.

        Parameters:
            pixels: (H, W), the full frame.
            top, left: first network pixel of the tile; multiples of ``CELL_PX``, may be negative.
            out: (h, w), filled with the stretched values; 0 (exactly sky) outside the frame.
            binned_adu: (h, w) of the whole frame in cells of ``CELL_PX`` squared network pixels: those of the tile are
                filled with the mean level before the stretch. ``None`` when it is not needed.
        """
        height, width = out.shape
        y0, y1 = max(0, top), min(self.shape[0], top + height)
        x0, x1 = max(0, left), min(self.shape[1], left + width)
        # Only what lies outside the frame is filled: filling the whole tile takes milliseconds.
        inside_rows, inside_columns = slice(y0 - top, max(y1, y0) - top), slice(x0 - left, max(x1, x0) - left)
        out[: inside_rows.start], out[inside_rows.stop :] = 0, 0
        out[inside_rows, : inside_columns.start], out[inside_rows, inside_columns.stop :] = 0, 0
        scratch = np.empty((_STRIP_ROWS, max(0, x1 - x0)), np.float32)
        for y in range(y0, y1, _STRIP_ROWS):
            end = min(y + _STRIP_ROWS, y1)
            strip = out[y - top : end - top, x0 - left : x1 - left]
            self._fill_binned(pixels, slice(y, end), slice(x0, x1), strip)
            if binned_adu is not None:
                self._keep_means(strip, y // CELL_PX, x0 // CELL_PX, binned_adu)
            self._subtract_sky(strip, slice(y, end), slice(x0, x1), scratch[: end - y])
            np.maximum(strip, _LOWEST, out=strip)
            np.log(strip, out=strip)

    def _fill_binned(self, pixels: Pixels, rows: slice, columns: slice, out: NDArray[np.float32]) -> None:
        """Fill a strip with the pixels of the frame, summed over the binning and multiplied by the gain."""
        n = self.bin_factor
        if n == 1:
            # Faster than a multiplication that converts whole numbers on the way; the digits are the same.
            np.copyto(out, pixels[rows, columns], casting="same_kind")
            out *= self._gain
            return
        block = pixels[rows.start * n : rows.stop * n, columns.start * n : columns.stop * n]
        # Rows first: contiguous rows are added fast, and n times fewer remain.
        summed = block.reshape(-1, n, block.shape[1]).sum(axis=1, dtype=np.float32)
        out[...] = summed[:, ::n]
        for offset in range(1, n):
            out += summed[:, offset::n]
        out *= self._gain

    def _keep_means(self, strip: NDArray[np.float32], row: int, column: int, binned_adu: NDArray[np.float32]) -> None:
        """Fill the cells that the strip covers wholly; it is still in the cache."""
        rows, columns = strip.shape[0] // CELL_PX, strip.shape[1] // CELL_PX
        summed = strip[: rows * CELL_PX, : columns * CELL_PX].reshape(rows, CELL_PX, columns * CELL_PX).sum(axis=1)
        # Two neighbours are one complex number: half as many scattered reads.
        pairs = summed.view(np.complex64)
        pairs = pairs[:, ::2] + pairs[:, 1::2]
        cells = binned_adu[row : row + rows, column : column + columns]
        np.add(pairs.real, pairs.imag, out=cells)
        cells *= self._adu

    def _subtract_sky(
        self, strip: NDArray[np.float32], rows: slice, columns: slice, scratch: NDArray[np.float32]
    ) -> None:
        """Subtract the sky, interpolated between two rows of its mesh, from a strip of the frame."""
        # The mesh rows at the middle of the strip are used for all of it: this extrapolates by at most 8 rows.
        mesh_row = self._mesh_row[(rows.start + rows.stop - 1) // 2]
        above = self._columns[mesh_row, columns]
        below = self._columns[min(mesh_row + 1, len(self._columns) - 1), columns]
        np.multiply((self._at[rows] - np.float32(mesh_row))[:, None], below - above, out=scratch)
        scratch += above
        strip -= scratch


def signal_to_noise(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the signal to noise of stretched values, ``LOWEST_SNR`` where it was clipped.

    Parameters:
        seen: any shape, the output of :meth:`Stretch.window`.
    """
    return np.float32(KNEE_SNR) * np.expm1(seen)


def _cell_centres(count: int, cell_px: int) -> NDArray[np.float64]:
    """Return the pixel coordinates of the centres of the cells along one axis of the sky map."""
    return (np.arange(count, dtype=np.float64) + 0.5) * cell_px - 0.5


def _frame_centres(count: int, bin_factor: int) -> NDArray[np.float64]:
    """Return the frame coordinates of the centres of network pixels."""
    return np.arange(count, dtype=np.float64) * bin_factor + (bin_factor - 1) / 2
