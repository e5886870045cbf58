"""Hot pixels: single pixels, pairs and short lines that are too sharp for a star, whose light is blurred by the optics.

A star is blurred by the air and the optics before the pixels sample it. Even a Gaussian of 1.1 pixels full width at
half maximum, wherever its centre lies in a pixel, gives the third and fourth brightest neighbours of its brightest
pixel together 0.23 of that pixel's light. A hot pixel gives its neighbours nothing, and two hot neighbours still leave
the third and the fourth dark.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..records import NO_HOT_PIXELS, HotPixels, SkyMap
from .sky import Pixels

NARROWEST = 0.2
"""Largest light of the third and fourth brightest of the eight neighbours over that of a hot pixel; stars have more."""

HOT_SNR = 10.0
"""Fainter pixels are not tested: the noise of their neighbours is as large as the light that is expected there."""

INFESTED = 2e-4
"""Fraction of hot pixels above which a frame is cleaned before the star finder runs. With fewer, less than one in eight
cut-outs of 25 × 25 pixels contains one, and the network was trained on such frames."""

WHITE_ADU = 65535
"""Largest value of a frame in whole numbers."""

LEAK_NOISES = 2.0
"""Charge leaks from some hot pixels into the four pixels at their sides. It is removed where the sides are brighter
than the corners, which starlight would not cause, by this many times the noise of a pixel."""

_SAMPLED_BANDS = 48
"""Rows from which the fraction is estimated; in a frame of 24 megapixels they contain 290 000 pixels."""

_SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def hot_pixels(pixels: Pixels, sky: SkyMap) -> HotPixels:
    """Find the hot pixels of a frame that has many of them.

    Parameters:
        pixels: (H, W), at least 8 × 8.
        sky: of the same frame.

    Returns:
        All hot pixels, and the pixels that they leak into, but those in the outermost rows and columns; none where
        fewer than ``INFESTED`` of the pixels in a sample of rows are hot: such a frame is left as it is.
    """
    height, width = pixels.shape
    search = _Search(pixels, sky)
    rows = np.unique(np.linspace(1, height - 2, min(height - 2, _SAMPLED_BANDS)).astype(np.intp))
    places = [search.bright(row, row + 1) for row in rows.tolist()]
    sampled = search.hot(*(np.concatenate([place[axis] for place in places]) for axis in (0, 1)))
    if np.count_nonzero(sampled[3]) <= INFESTED * len(rows) * width:
        return NO_HOT_PIXELS
    # In parts, because of a nebula much is bright.
    parts = [search.hot(*search.bright(top, bottom)) for top, bottom in search.strips()]
    y, x, usual, peak = (np.concatenate([part[i] for part in parts]) for i in range(4))
    # Where two replace one pixel, the last one counts: that of the pixel that is hot itself.
    order = np.argsort(peak, kind="stable")
    return HotPixels(y=y[order], x=x[order], usual_adu=usual[order], peak=peak[order])


class _Search:
    """Hot pixels of parts of one frame."""

    def __init__(self, pixels: Pixels, sky: SkyMap) -> None:
        self._pixels, self._sky = pixels, sky
        bright = sky.level_adu + np.float32(HOT_SNR * sky.noise_adu)
        self._bright = np.ceil(np.clip(bright, 0, WHITE_ADU)).astype(np.uint16) if pixels.dtype.kind == "u" else bright
        self._column = np.minimum(np.arange(pixels.shape[1]) // sky.cell_px, sky.level_adu.shape[1] - 1)

    def strips(self) -> list[tuple[int, int]]:
        """First and last row, exclusive, of parts that lie in one row of the sky's mesh each."""
        inner, cell = self._pixels.shape[0] - 1, self._sky.cell_px
        edges = [1, *range(cell, inner, cell), inner]
        return [(top, bottom) for top, bottom in pairwise(edges) if bottom > top]

    def bright(self, top: int, bottom: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of bright pixels, those at the left and right border left out."""
        limit = self._bright[min(top // self._sky.cell_px, len(self._bright) - 1)][self._column]
        row, column = np.divmod(np.flatnonzero(self._pixels[top:bottom] > limit), len(limit))
        inside = (column > 0) & (column < len(limit) - 1)
        return row[inside] + top, column[inside]

    def hot(
        self, row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
        """Columns of ``HotPixels`` for the hot ones among bright pixels."""
        mesh = self._sky.level_adu
        level = mesh[np.minimum(row // self._sky.cell_px, len(mesh) - 1), self._column[column]]
        return _of_bright(self._pixels, row, column, level, self._sky.noise_adu)


def _of_bright(
    pixels: Pixels, row: NDArray[np.intp], column: NDArray[np.intp], level: NDArray[np.float32], noise: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]:
    """Columns of ``HotPixels`` for the hot ones among bright pixels; ``level`` is the sky at each."""
    around = np.stack([pixels[row + dy, column + dx] for dy, dx in (*_SIDES, *_CORNERS)]).astype(np.float32)
    ordered = np.sort(around, axis=0)
    hot = is_hot(pixels[row, column].astype(np.float32) - level, ordered[-3] + ordered[-4] - 2 * level, noise)
    row, column, around, ordered = row[hot], column[hot], around[:, hot], ordered[:, hot]
    usual = (ordered[3] + ordered[4]) / 2
    sides, corners = np.sort(around[:4], axis=0), np.sort(around[4:], axis=0)
    # The two sides in the middle of the order, unless one of them may be hot itself.
    side = np.minimum((sides[1] + sides[2]) / 2, sides[1] + np.float32(noise))
    leak = side - (corners[1] + corners[2]) / 2
    leaky = leak > LEAK_NOISES * noise
    usual[leaky] -= leak[leaky] / 2
    rows, columns, values = [row], [column], [usual]
    for (dy, dx), side in zip(_SIDES, around, strict=False):
        rows.append(row[leaky] + dy)
        columns.append(column[leaky] + dx)
        values.append((side - leak)[leaky])
    alone = np.zeros(sum(map(len, rows)), np.bool_)
    alone[: len(row)] = True
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values), alone


def is_hot(above: NDArray[np.float32], third_and_fourth: NDArray[np.float32], noise: float) -> NDArray[np.bool_]:
    """Distinguish hot pixels from the brightest pixels of stars.

    Parameters:
        above: (N,) pixels above the sky.
        third_and_fourth: (N,) sum of the third and fourth brightest neighbours of each, above the sky.
        noise: of one pixel, in the same unit.
    """
    return np.asarray(third_and_fourth + np.float32(noise) < np.float32(NARROWEST) * above, np.bool_)
