"""Hot pixels: single pixels, pairs and short lines that are sharper than the point spread function.

The light of a star is blurred by atmosphere and optics before the pixels sample it. Even for a Gaussian of 1.1 pixels
full width at half maximum, at any position within a pixel, the third and fourth brightest neighbours of the brightest
pixel together have 0.23 of its light. A hot pixel does not brighten its neighbours, and two hot neighbours still leave
the third and the fourth dark.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..records import NO_HOT_PIXELS, HotPixels, SkyMap
from .sky import Pixels

NARROWEST = 0.2
"""Largest ratio of the light of the third and fourth brightest of the eight neighbours to that of a hot pixel; it is
larger for stars."""

HOT_SNR = 10.0
"""Signal to noise below which pixels are not tested: the noise of their neighbours is as large as the expected
light."""

INFESTED = 2e-4
"""Fraction of hot pixels above which a frame is cleaned before the star finder runs. Below it, less than one in eight
cut-outs of 25 × 25 pixels contains a hot pixel, and the network was trained on such frames."""

WHITE_ADU = 65535
"""Full scale of 16 bits, in ADU."""

LEAK_NOISES = 2.0
"""Excess of the four side neighbours over the corner neighbours, in units of the noise of a pixel, from which leaked
charge is removed. Charge leaks from some hot pixels into the sides; starlight would brighten the corners as well."""

_SAMPLED_BANDS = 48
"""Rows in which the fraction of hot pixels is estimated; in a frame of 24 megapixels they contain 290 000 pixels."""

_SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""Offsets (row, column) of the neighbours at the sides."""
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
"""Offsets (row, column) of the neighbours at the corners."""


def hot_pixels(pixels: Pixels, sky: SkyMap) -> HotPixels:
    """Return the hot pixels of a frame that has many of them.

    Parameters:
        pixels: (H, W), at least 8 × 8.
        sky: sky of the same frame.

    Returns:
        All hot pixels, and the pixels that they leak into, except in the outermost rows and columns; none where a
        smaller fraction than ``INFESTED`` of the pixels in a sample of rows is hot: such a frame is not cleaned.
    """
    height, width = pixels.shape
    search = _Search(pixels, sky)
    rows = np.unique(np.linspace(1, height - 2, min(height - 2, _SAMPLED_BANDS)).astype(np.intp))
    bright_parts = [search.bright(row, row + 1) for row in rows.tolist()]
    sampled = search.hot(*(np.concatenate([part[axis] for part in bright_parts]) for axis in (0, 1)))
    if np.count_nonzero(sampled[3]) <= INFESTED * len(rows) * width:
        return NO_HOT_PIXELS
    # In parts, to bound the memory where a nebula makes many pixels bright.
    parts = [search.hot(*search.bright(top, bottom)) for top, bottom in search.strips()]
    y, x, replacement, peak = (np.concatenate([part[i] for part in parts]) for i in range(4))
    # Where two entries replace one pixel, the last one counts: that of the hot pixel itself.
    order = np.argsort(peak, kind="stable")
    return HotPixels(y=y[order], x=x[order], usual_adu=replacement[order], peak=peak[order])


class _Search:
    """Search for hot pixels in parts of one frame."""

    def __init__(self, pixels: Pixels, sky: SkyMap) -> None:
        self._pixels, self._sky = pixels, sky
        bright = sky.level_adu + np.float32(HOT_SNR * sky.noise_adu)
        self._bright = np.ceil(np.clip(bright, 0, WHITE_ADU)).astype(np.uint16) if pixels.dtype.kind == "u" else bright
        self._column = np.minimum(np.arange(pixels.shape[1]) // sky.cell_px, sky.level_adu.shape[1] - 1)

    def strips(self) -> list[tuple[int, int]]:
        """Return the half-open ranges of rows that each lie in one row of the sky's mesh."""
        inner, cell = self._pixels.shape[0] - 1, self._sky.cell_px
        edges = [1, *range(cell, inner, cell), inner]
        return [(top, bottom) for top, bottom in pairwise(edges) if bottom > top]

    def bright(self, top: int, bottom: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return rows and columns of bright pixels, except at the left and right border."""
        limit = self._bright[min(top // self._sky.cell_px, len(self._bright) - 1)][self._column]
        row, column = np.divmod(np.flatnonzero(self._pixels[top:bottom] > limit), len(limit))
        inside = (column > 0) & (column < len(limit) - 1)
        return row[inside] + top, column[inside]

    def hot(
        self, row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
        """Return the columns of ``HotPixels`` for the hot ones among bright pixels."""
        mesh = self._sky.level_adu
        level = mesh[np.minimum(row // self._sky.cell_px, len(mesh) - 1), self._column[column]]
        return _hot_among_bright(self._pixels, row, column, level, self._sky.noise_adu)


def _hot_among_bright(
    pixels: Pixels, row: NDArray[np.intp], column: NDArray[np.intp], level: NDArray[np.float32], noise: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the columns of ``HotPixels`` for the hot ones among bright pixels; ``level`` is the sky at each."""
    around = np.stack([pixels[row + dy, column + dx] for dy, dx in (*_SIDES, *_CORNERS)]).astype(np.float32)
    ordered = np.sort(around, axis=0)
    hot = is_hot(pixels[row, column].astype(np.float32) - level, ordered[-3] + ordered[-4] - 2 * level, noise)
    row, column, around, ordered = row[hot], column[hot], around[:, hot], ordered[:, hot]
    replacement = (ordered[3] + ordered[4]) / 2
    sides, corners = np.sort(around[:4], axis=0), np.sort(around[4:], axis=0)
    # The mean of the two middle sides, unless one of them may be hot itself.
    side = np.minimum((sides[1] + sides[2]) / 2, sides[1] + np.float32(noise))
    leak = side - (corners[1] + corners[2]) / 2
    leaky = leak > LEAK_NOISES * noise
    replacement[leaky] -= leak[leaky] / 2
    rows, columns, values = [row], [column], [replacement]
    for (dy, dx), side in zip(_SIDES, around, strict=False):
        rows.append(row[leaky] + dy)
        columns.append(column[leaky] + dx)
        values.append((side - leak)[leaky])
    alone = np.zeros(sum(map(len, rows)), np.bool_)
    alone[: len(row)] = True
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values), alone


def is_hot(above: NDArray[np.float32], third_and_fourth: NDArray[np.float32], noise: float) -> NDArray[np.bool_]:
    """Return which bright pixels are hot, not peaks of stars.

    Parameters:
        above: (N,) pixels above the sky.
        third_and_fourth: (N,) sum of the third and fourth brightest neighbours of each, above the sky.
        noise: noise of a pixel, in the same unit.
    """
    return np.asarray(third_and_fourth + np.float32(noise) < np.float32(NARROWEST) * above, np.bool_)
