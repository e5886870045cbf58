"""Hot pixels: single pixels, pairs and short lines of them that no star can be, because light comes through pixels.

A star is blurred by the air and the optics before the pixels sample it. Even a Gaussian of 1.1 pixels full width at
half maximum, wherever its centre lies in a pixel, gives the third and fourth brightest neighbours of its brightest
pixel together 0.23 of that pixel's light. A hot pixel gives its neighbours nothing, and two hot neighbours still leave
the third and the fourth dark.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import NO_HOT_PIXELS, HotPixels, SkyMap
from .sky import Pixels

NARROWEST = 0.2
"""Light of the third and fourth brightest of the eight neighbours over that of the pixel; stars have more."""

HOT_SNR = 10.0
"""Fainter pixels are left alone: the noise of their neighbours is as large as the light that is looked for there."""

INFESTED = 2e-4
"""Share of hot pixels from which on a frame is cleaned before the star finder sees it. With fewer, not one cut-out of
25 × 25 pixels in eight holds one, and the network knows them."""

WHITE_ADU = 65535
"""Largest value of a frame in whole numbers."""

LEAK_NOISES = 2.0
"""Charge leaks from some hot pixels into the four pixels at their sides. It is taken away where the sides are brighter
than the corners, of which light would make no such difference, by so many noises of one pixel."""

_SAMPLED_BANDS = 48
"""Rows that are searched to learn the share; in a frame of 24 megapixels they hold 290 000 pixels."""

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
    rows = np.unique(np.linspace(1, height - 2, min(height - 2, _SAMPLED_BANDS)).astype(np.intp))
    if np.count_nonzero(_hot_in(pixels, sky, rows).peak) <= INFESTED * len(rows) * width:
        return NO_HOT_PIXELS
    return _hot_in(pixels, sky, np.arange(1, height - 1))


def _hot_in(pixels: Pixels, sky: SkyMap, rows: NDArray[np.intp]) -> HotPixels:
    width = pixels.shape[1]
    mesh_rows = np.minimum(rows // sky.cell_px, len(sky.level_adu) - 1)
    columns = np.minimum(np.arange(width) // sky.cell_px, sky.level_adu.shape[1] - 1)
    found = []
    for mesh_row in np.unique(mesh_rows):
        mine = rows[mesh_rows == mesh_row]
        level = sky.level_adu[mesh_row][columns]
        bright = level + np.float32(HOT_SNR * sky.noise_adu)
        if pixels.dtype.kind == "u":
            bright = np.ceil(np.clip(bright, 0, WHITE_ADU)).astype(np.uint16)
        # Neighbouring rows are one slice, which is read without a copy.
        whole = len(mine) == mine[-1] - mine[0] + 1
        block = pixels[mine[0] : mine[-1] + 1] if whole else pixels[mine]
        row, column = np.divmod(np.flatnonzero(block > bright), width)
        inside = (column > 0) & (column < width - 1)
        row, column = mine[row[inside]], column[inside]
        found.append(_of_bright(pixels, row, column, level[column], sky.noise_adu))
    y, x, usual, alone = (np.concatenate([part[i] for part in found]) for i in range(4))
    # Where two replace one pixel, the last one counts: that of the pixel that is hot itself.
    order = np.argsort(alone, kind="stable")
    return HotPixels(y=y[order], x=x[order], usual_adu=usual[order], peak=alone[order])


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
    for (dy, dx), beside in zip(_SIDES, around, strict=False):
        rows.append(row[leaky] + dy)
        columns.append(column[leaky] + dx)
        values.append((beside - leak)[leaky])
    alone = np.zeros(sum(map(len, rows)), np.bool_)
    alone[: len(row)] = True
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values), alone


def is_hot(above: NDArray[np.float32], third_and_fourth: NDArray[np.float32], noise: float) -> NDArray[np.bool_]:
    """Tell hot pixels from the brightest pixels of stars.

    Parameters:
        above: (N,) pixels above the sky.
        third_and_fourth: (N,) sum of the third and fourth brightest neighbours of each, above the sky.
        noise: of one pixel, in the same unit.
    """
    return np.asarray(third_and_fourth + np.float32(noise) < np.float32(NARROWEST) * above, np.bool_)
