"""From pixels to what the network sees: (pixel - sky) / noise, cut off below, with the bright end compressed.

The only copy, for training and serving.

The work goes in strips of a few rows, so that all steps stay in the cache of one core, and in place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap
from .sky import Pixels
from .tiles import CELL_PX

PREPROCESSING_VERSION = "star-2"
"""Changed whenever the network would see other numbers for the same frame."""

LOWEST_SNR = -5.0
"""Cold pixels and overscan are cut off here."""

KNEE_SNR = 10.0
"""Far below this the stretch is linear, so that sums over faint stars stay sums; far above it is a logarithm."""

_LOWEST = np.float32(1 + LOWEST_SNR / KNEE_SNR)
_STRIP_ROWS = 16


class Stretch:
    """The stretch of one frame: made once from its sky, applied to any window of it.

    Parameters:
        sky: of the frame, in frame pixels.
        shape: (H, W) of the frame.
        bin_factor: this many frame pixels squared are averaged into one network pixel.
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
        # One less than the sky, in knees: what is left after subtracting it is the argument of the logarithm.
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
        """Fill one tile.

        Parameters:
            pixels: (H, W), the whole frame.
            top, left: first network pixel of the tile; multiples of ``CELL_PX``, may be negative.
            out: (h, w), filled with the stretched values; 0 (exactly sky) outside the frame.
            binned_adu: (h, w) of the whole frame in cells of ``CELL_PX`` squared network pixels: those of the tile are
                filled with the mean level before the stretch. ``None``: not wanted.
        """
        height, width = out.shape
        y0, y1 = max(0, top), min(self.shape[0], top + height)
        x0, x1 = max(0, left), min(self.shape[1], left + width)
        if (y0, y1, x0, x1) != (top, top + height, left, left + width):
            out.fill(0)
        scratch = np.empty((_STRIP_ROWS, max(0, x1 - x0)), np.float32)
        for y in range(y0, y1, _STRIP_ROWS):
            end = min(y + _STRIP_ROWS, y1)
            strip = out[y - top : end - top, x0 - left : x1 - left]
            self._bin(pixels, slice(y, end), slice(x0, x1), strip)
            if binned_adu is not None:
                self._keep_means(strip, y // CELL_PX, x0 // CELL_PX, binned_adu)
            self._subtract_sky(strip, slice(y, end), slice(x0, x1), scratch[: end - y])
            np.maximum(strip, _LOWEST, out=strip)
            np.log(strip, out=strip)

    def _bin(self, pixels: Pixels, rows: slice, columns: slice, out: NDArray[np.float32]) -> None:
        n = self.bin_factor
        if n == 1:
            np.multiply(pixels[rows, columns], self._gain, out=out)
            return
        block = pixels[rows.start * n : rows.stop * n, columns.start * n : columns.stop * n]
        # Rows first: whole rows add quickly, and there are then n times fewer of them.
        summed = block.reshape(-1, n, block.shape[1]).sum(axis=1, dtype=np.float32)
        out[...] = summed[:, ::n]
        for offset in range(1, n):
            out += summed[:, offset::n]
        out *= self._gain

    def _keep_means(self, strip: NDArray[np.float32], row: int, column: int, binned_adu: NDArray[np.float32]) -> None:
        """Fill the cells that the strip covers wholly; it is still in the cache."""
        rows, columns = strip.shape[0] // CELL_PX, strip.shape[1] // CELL_PX
        summed = strip[: rows * CELL_PX, : columns * CELL_PX].reshape(rows, CELL_PX, columns * CELL_PX).sum(axis=1)
        cells = binned_adu[row : row + rows, column : column + columns]
        np.add(summed[:, ::CELL_PX], summed[:, 1::CELL_PX], out=cells)
        for offset in range(2, CELL_PX):
            cells += summed[:, offset::CELL_PX]
        cells *= self._adu

    def _subtract_sky(
        self, strip: NDArray[np.float32], rows: slice, columns: slice, scratch: NDArray[np.float32]
    ) -> None:
        # The mesh rows of the middle of the strip serve all of it: beyond a mesh row this extrapolates by 8 rows.
        mesh_row = self._mesh_row[(rows.start + rows.stop - 1) // 2]
        above = self._columns[mesh_row, columns]
        below = self._columns[min(mesh_row + 1, len(self._columns) - 1), columns]
        np.multiply((self._at[rows] - np.float32(mesh_row))[:, None], below - above, out=scratch)
        scratch += above
        strip -= scratch


def signal_to_noise(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo the stretch: signal to noise of each network pixel, -5 where it was cut off.

    Parameters:
        seen: any shape, as :meth:`Stretch.window` gives it.
    """
    return np.float32(KNEE_SNR) * np.expm1(seen)


def _cell_centres(count: int, cell_px: int) -> NDArray[np.float64]:
    return (np.arange(count, dtype=np.float64) + 0.5) * cell_px - 0.5


def _frame_centres(count: int, bin_factor: int) -> NDArray[np.float64]:
    """Frame coordinates of the centres of network pixels."""
    return np.arange(count, dtype=np.float64) * bin_factor + (bin_factor - 1) / 2
