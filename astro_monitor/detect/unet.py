"""The star U-Net on a full frame, tile by tile, on all processor cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from ..inference import Model
from .centroids import centred
from .closeup import ROW, SIDE_PX, Closeups, clear_stars, closeups, described
from .kinds import FEW_ARTEFACT, FEW_STAR, LEAST_STARS, settled
from .likeness import reclassified_by_profile
from .peaks import STREAK, Points, certain, find_peaks, not_twice
from .prepare import PREPROCESSING_VERSION, Stretch
from .sky import Pixels
from .tiles import CELL_PX, Tile, TilePlan

INPUT, OUTPUT = "pixels", "maps"
"""Stretched tiles (batch, h, w, 1), and the maps of :mod:`.peaks`."""
ROWS_INPUT, STAR_INPUT, KINDS_OUTPUT = "rows", "star", "kinds"
"""Close-ups of the candidates (N, d), the typical star (1, 121), and the logits of the kinds (N, 4)."""

_LEAST_PIXELS = np.zeros((1, 32, 32, 1), np.float32)
"""The smallest tile: the model reads one with each call."""
_LEAST_ROWS, _LEAST_STAR = np.zeros((1, ROW), np.float32), np.zeros((1, SIDE_PX**2), np.float32)
"""The fewest close-ups."""


LEAST_CENTRE = 0.3
"""Smallest probability that a source is centred at a position that is looked at closely."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be a source, before its kind is settled.

    Attributes:
        points: (N,) candidates in network pixels.
        views: their close-ups.
        streak, binned_adu: as in :class:`Scan`.
    """

    points: Points
    views: Closeups
    streak: NDArray[np.float32]
    binned_adu: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Sources and maps of a frame, by the network.

    Attributes:
        points: the sources in network pixels.
        streak: (H/4, W/4) log-odds of a streak in cells of ``CELL_PX`` network pixels, including partial cells.
        binned_adu: (H/4, W/4) mean level of the complete cells, in ADU.
    """

    points: Points
    streak: NDArray[np.float32]
    binned_adu: NDArray[np.float32]


class StarNet:
    """The star U-Net for frames of any size.

    Parameters:
        model: the star U-Net.

    Raises:
        ModelError: the model was trained with another preprocessing.
    """

    def __init__(self, model: Model) -> None:
        model.require(
            preprocessing_version=PREPROCESSING_VERSION,
            inputs=(INPUT, ROWS_INPUT, STAR_INPUT),
            outputs=(OUTPUT, KINDS_OUTPUT),
        )
        self._model = model
        # Tiles of a frame run in parallel; allocating memory for each would take longer than subtracting its sky.
        self._free_buffers: SimpleQueue[NDArray[np.float32]] = SimpleQueue()

    def scan(self, pixels: Pixels, stretch: Stretch) -> Scan:
        """Return the sources and maps of a full frame.

        Parameters:
            pixels: (H, W), the frame.
            stretch: the stretch of its sky.

        Returns:
            the sources and the maps.
        """
        found = self.candidates(pixels, stretch)
        limits = self._model.card.thresholds
        if np.count_nonzero(clear_stars(found.points, found.views)) < LEAST_STARS:
            points = certain(found.points, limits[FEW_STAR], limits[FEW_ARTEFACT])
            return Scan(points, found.streak, found.binned_adu)
        rows, star = described(found.points, found.views, stretch.shape, stretch.bin_factor)
        logits = self._model.run({INPUT: _LEAST_PIXELS, ROWS_INPUT: rows, STAR_INPUT: star})[KINDS_OUTPUT]
        return Scan(settled(found.points, logits, limits), found.streak, found.binned_adu)

    def candidates(self, pixels: Pixels, stretch: Stretch) -> Candidates:
        """Return all that may be a source, with close-ups.

        Parameters:
            pixels: (H, W), the frame.
            stretch: the stretch of its sky.
        """
        plan = TilePlan.of(stretch.shape)
        streak = np.empty(tuple(-(-size // CELL_PX) for size in stretch.shape), np.float32)
        binned_adu = np.empty(tuple(size // CELL_PX for size in stretch.shape), np.float32)

        def map_tile(tile: Tile) -> tuple[Points, Closeups]:
            return self._detect_in_tile(pixels, stretch, plan, tile, streak, binned_adu)

        if self._model.workers == 1:
            parts = [map_tile(tile) for tile in plan]
        else:
            with ThreadPoolExecutor(self._model.workers, "detect") as threads:
                parts = list(threads.map(map_tile, plan))
        points, views = Points.join([part[0] for part in parts]), Closeups.join([part[1] for part in parts])
        single = not_twice(points, plan.core_shape)
        points, views = points.chosen(single), views.chosen(single)
        return Candidates(reclassified_by_profile(points, views.cores()), views, streak, binned_adu)

    def _detect_in_tile(
        self,
        pixels: Pixels,
        stretch: Stretch,
        plan: TilePlan,
        tile: Tile,
        streak: NDArray[np.float32],
        binned_adu: NDArray[np.float32],
    ) -> tuple[Points, Closeups]:
        """Run the network on a tile, fill its part of the streak map, and return its core's sources and close-ups."""
        seen = self._buffer(plan.tile_shape)
        try:
            stretch.window(pixels, tile.top, tile.left, seen, binned_adu)
            maps = self._model.run({INPUT: seen[None, :, :, None], ROWS_INPUT: _LEAST_ROWS, STAR_INPUT: _LEAST_STAR})[
                OUTPUT
            ][0]
            points = centred(find_peaks(maps, LEAST_CENTRE), seen)
            views = closeups(points, seen)
        finally:
            self._free_buffers.put(seen)
        rows, columns = slice(tile.core_top, tile.core_bottom), slice(tile.core_left, tile.core_right)
        core = streak[_cells_of_pixels(rows), _cells_of_pixels(columns)]
        top, left = (tile.core_top - tile.top) // CELL_PX, (tile.core_left - tile.left) // CELL_PX
        core[...] = maps[STREAK, top : top + core.shape[0], left : left + core.shape[1]]
        x, y = points.x_px + np.float32(tile.left), points.y_px + np.float32(tile.top)
        # Pixel 0 extends from -0.5 to 0.5, so each point lies in exactly one core.
        in_core = (
            (x >= columns.start - 0.5) & (x < columns.stop - 0.5) & (y >= rows.start - 0.5) & (y < rows.stop - 0.5)
        )
        return replace(points, x_px=x, y_px=y).chosen(in_core), views.chosen(in_core)

    def _buffer(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return a free buffer of this shape; buffers of other shapes are released."""
        with suppress(Empty):
            while True:
                buffer = self._free_buffers.get_nowait()
                if buffer.shape == shape:
                    return buffer
        return np.empty(shape, np.float32)


def _cells_of_pixels(pixels: slice) -> slice:
    """Return the slice of cells of the streak map that covers a slice of network pixels."""
    return slice(pixels.start // CELL_PX, -(-pixels.stop // CELL_PX))
