"""Close-ups: each source of a frame compared with the frame's own stars, for the network of kinds.

The maps show patterns, and no lengths: whether a spot is as wide as the stars of this frame, whether it is a knot of a
nebula, the wing of a saturated star or a piece of a trail, they do not say. Here each source is cut out of the
stretched frame, and compared with the median of the frame's clear stars at more than one scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, KIND_STAR
from .peaks import Points
from .prepare import signal_to_noise

REACH_PX = 5
"""Network pixels on each side of the middle of a cut-out: more than the width of the widest stars, 4.5 pixels."""
SIDE_PX = 2 * REACH_PX + 1
"""Side of a cut-out in network pixels."""
RADII_PX = (7, 10, 14)
"""Radii in network pixels of the rings on which the surroundings are sampled."""
DIRECTIONS = 8
"""Samples on each ring."""

HIGHEST = 20.0
"""Largest stretched value, at 5e9 times the noise, so that squares of floating-point pixels stay finite."""

CLEAR_SNR, LEAST_SCORE = 12.0, 0.6
"""Of stars that define the frame's profile: smallest signal to noise of the brightest pixel, and smallest score."""
MOST_STARS = 100
"""Most stars that define the profile, for speed."""
MOST_STRETCHED = 5.0
"""Stretched value from which a star is left out of the profile: 1500 times the noise; it may be saturated."""
PARTS, LEAST_IN_PART = 3, 6
"""Parts of each side of the frame in which the stars' sizes are compared, and fewest stars for this: the optics draw
wider stars in the corners."""

_BETWEEN = np.arange(-REACH_PX, REACH_PX + 1)
"""Offsets of the pixels of a cut-out."""
_SQUARED = (_BETWEEN[:, None] ** 2 + _BETWEEN**2).ravel()
"""(121,) squared distances of the pixels from the middle."""
_DISCS = np.stack([radius**2 >= _SQUARED for radius in (0.5, 1.1, 1.5, 2.3, 3.2, 4.3)], axis=1).astype(np.float32)
"""(121, 6) discs of growing radius: the curve of growth."""
_WINDOWS = np.stack([np.exp(-_SQUARED / (2 * sigma**2)) for sigma in (1.0, 2.0, 3.2)], axis=1).astype(np.float32)
"""(121, 3) Gaussian windows of the sizes at three scales."""
_MOMENTS = np.concatenate([_WINDOWS, _WINDOWS * _SQUARED[:, None].astype(np.float32)], axis=1)
"""(121, 6) windows, and windows times squared distance."""

NUMBERS = 3 + 3 + 1 + 2 + 4 + 6 + 6 + 3 + 3 + 3 + 4
"""Numbers of each source besides its pixels."""
ROW = 2 * SIDE_PX**2 + DIRECTIONS * len(RADII_PX) + NUMBERS
"""Numbers of each source: stretched pixels, pixels of power 1, surroundings, and the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Closeups:
    """Pixels around the sources of a frame or a tile.

    Attributes:
        seen: (N, 121) stretched cut-outs, row by row, around the brightest pixel within one pixel of the source.
        around: (N, 24) stretched samples of the surroundings, ring by ring.
        phase_px: (N, 2) position (x, y) of the source from the middle of its cut-out, in network pixels.
    """

    seen: NDArray[np.float32]
    around: NDArray[np.float32]
    phase_px: NDArray[np.float32]

    @classmethod
    def join(cls, parts: list[Closeups]) -> Closeups:
        """Concatenate the close-ups of several tiles."""
        return cls(
            np.concatenate([part.seen for part in parts]),
            np.concatenate([part.around for part in parts]),
            np.concatenate([part.phase_px for part in parts]),
        )

    def chosen(self, selected: NDArray[np.bool_]) -> Closeups:
        """Return the close-ups of the selected sources.

        Parameters:
            selected: (N,) mask.
        """
        return Closeups(self.seen[selected], self.around[selected], self.phase_px[selected])

    def cores(self) -> NDArray[np.float32]:
        """Return (N, 3, 3) signal to noise in the middle of each cut-out."""
        return signal_to_noise(np.minimum(self.seen[:, _CORE], HIGHEST)).reshape(-1, 3, 3)

    def light(self) -> NDArray[np.float32]:
        """Return (N, 121) signal to noise of the cut-outs."""
        return signal_to_noise(np.minimum(self.seen, HIGHEST))


def closeups(points: Points, seen: NDArray[np.float32]) -> Closeups:
    """Cut out the sources of a tile.

    Parameters:
        points: positions in pixels of ``seen``.
        seen: (h, w), a stretched tile; at least 32 × 32.
    """
    height, width = seen.shape
    row, column = np.rint(points.y_px).astype(np.intp), np.rint(points.x_px).astype(np.intp)
    row, column = np.clip(row, 1, height - 2), np.clip(column, 1, width - 2)
    flat = seen.reshape(-1)
    near = flat[(row * width + column)[:, None] + (_NEAR[:, 0] * width + _NEAR[:, 1])]
    brightest = near.argmax(axis=1)
    row, column = row + _NEAR[brightest, 0], column + _NEAR[brightest, 1]
    inner_row = np.clip(row, REACH_PX, height - 1 - REACH_PX)
    inner_column = np.clip(column, REACH_PX, width - 1 - REACH_PX)
    offsets = (_BETWEEN[:, None] * width + _BETWEEN).ravel()
    stamps = flat[(inner_row * width + inner_column)[:, None] + offsets]
    ring_row = np.clip(row[:, None] + _RINGS[:, 0], 0, height - 1)
    ring_column = np.clip(column[:, None] + _RINGS[:, 1], 0, width - 1)
    around = flat[ring_row * width + ring_column]
    phase = np.stack([points.x_px - column, points.y_px - row], axis=1).astype(np.float32)
    return Closeups(stamps, around, phase)


def clear_stars(points: Points, views: Closeups) -> NDArray[np.bool_]:
    """Return (N,) which sources are bright stars below saturation."""
    peak = views.seen[:, _MIDDLE]
    clear = (points.kind == KIND_STAR) & (points.score > LEAST_SCORE)
    return np.asarray(clear & (peak > math.log1p(CLEAR_SNR / 10)) & (peak < MOST_STRETCHED), np.bool_)


def typical_star(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of cut-outs of stars, of power 1.

    Parameters:
        light: (M, 121) signal to noise around stars.

    Returns:
        (121,), all 0 without a star.
    """
    if not len(light):
        return np.zeros(SIDE_PX**2, np.float32)
    star = np.median(light / np.maximum(light[:, _CORE].sum(axis=1), 1)[:, None], axis=0)
    return np.asarray(star / max(float(np.linalg.norm(star)), 1e-6), np.float32)


def described(
    points: Points, views: Closeups, shape: tuple[int, int], bin_factor: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network reads: one row for each source, and the typical star.

    Parameters:
        points: (N,) sources of the frame.
        views: their close-ups.
        shape: (H, W) of the frame in network pixels.
        bin_factor: frame pixels per network pixel.

    Returns:
        (N, ROW) and (1, 121).
    """
    clear = clear_stars(points, views)
    stars = int(np.count_nonzero(clear))
    light = views.light()
    best = np.flatnonzero(clear)
    star = typical_star(light[best[np.argsort(-points.score[best], kind="stable")[:MOST_STARS]]])
    power = np.sqrt(np.maximum((light**2).sum(axis=1), 1))
    unit = light / power[:, None]
    likeness = unit @ star
    core = np.maximum(unit[:, _CORE].sum(axis=1), 0.05)
    star_core = max(float(star[_CORE].sum()), 0.05)
    growth = np.clip(unit @ _DISCS / core[:, None], -3, 6)
    star_growth = star @ _DISCS / star_core
    sizes, star_sizes = _sizes(unit), _sizes(star[None])
    count = len(points.x_px)
    artefacts = float(np.mean(points.kind == KIND_ARTEFACT)) if count else 0.0
    significance = np.log(power) / 4
    frame = np.array([math.log1p(count) / 8, math.log1p(stars) / 5, artefacts, math.log2(bin_factor) / 4], np.float32)
    numbers = np.concatenate(
        [
            points.kinds,
            np.eye(3, dtype=np.float32)[points.kind],
            np.log(points.centre / (1 - np.minimum(points.centre, 0.9999)))[:, None] / 4,
            views.phase_px,
            np.stack([likeness, 1 - likeness**2, significance, views.seen[:, _MIDDLE] / 4], axis=1),
            growth - 1,
            growth - star_growth,
            sizes,
            sizes - star_sizes,
            sizes - _sizes_in_parts(sizes, clear, points, shape, star_sizes),
            np.broadcast_to(frame, (count, 4)),
        ],
        axis=1,
    )
    rows = np.concatenate([views.seen, unit * 3, views.around, numbers], axis=1).astype(np.float32)
    return rows, star[None] * 3


def _sizes(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, 3) mean squared radii under the windows, as fractions of those of even light."""
    sums = unit @ _MOMENTS
    flat = _MOMENTS.sum(axis=0)
    return np.asarray(np.clip(sums[:, 3:] / np.maximum(sums[:, :3], 0.05) * (flat[:3] / flat[3:]), -2, 4), np.float32)


def _sizes_in_parts(
    sizes: NDArray[np.float32],
    clear: NDArray[np.bool_],
    points: Points,
    shape: tuple[int, int],
    star_sizes: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return (N, 3) median sizes of the clear stars in the same ninth of the frame; of all where it has too few."""
    row = np.clip((points.y_px * (PARTS / shape[0])).astype(np.intp), 0, PARTS - 1)
    column = np.clip((points.x_px * (PARTS / shape[1])).astype(np.intp), 0, PARTS - 1)
    part = row * PARTS + column
    table = np.repeat(np.median(sizes[clear], axis=0)[None] if clear.any() else star_sizes, PARTS**2, axis=0)
    for index in range(PARTS**2):
        here = clear & (part == index)
        if np.count_nonzero(here) >= LEAST_IN_PART:
            table[index] = np.median(sizes[here], axis=0)
    return np.asarray(table[part], np.float32)


_NEAR = np.array([(0, 0), *((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))])
"""Offsets (row, column) of a pixel and its neighbours."""
_RINGS = np.array(
    [
        (round(radius * math.sin(turn * math.tau / DIRECTIONS)), round(radius * math.cos(turn * math.tau / DIRECTIONS)))
        for radius in RADII_PX
        for turn in range(DIRECTIONS)
    ]
)
"""(24, 2) offsets (row, column) of the samples of the surroundings."""
_MIDDLE = SIDE_PX**2 // 2
"""Index of the middle pixel of a cut-out."""
_CORE = np.flatnonzero(_SQUARED <= 2)
"""Indices of the middle 3 × 3 pixels."""
