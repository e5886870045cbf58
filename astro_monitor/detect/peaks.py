"""Sources in the network's maps of one tile: peaks of the heat map, moved by their offsets, without duplicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT
from .tiles import CELL_PX

CHANNELS = ("heat", "dx", "dy", "star", "streak", "kind_star", "kind_extended", "kind_artefact")
"""Maps of the network, in order: log-odds that a source is centred in the cell; its offset from the centre of the cell,
in cells; log-odds of starlight and of a streak; logits of the kind."""

HEAT, OFFSET, STAR, STREAK, KINDS = 0, slice(1, 3), 3, 4, slice(5, 8)
"""Indices of the channels."""

SAME_SOURCE_PX = 2.5
"""Distance in network pixels below which peaks of neighbouring cells are one source."""

_FAR = -1e6
"""Position outside of the tile that is near nothing, in network pixels."""
_NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
"""Offsets (row, column) of the eight neighbouring cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Sources as (N,) arrays, with positions in network pixels.

    Attributes:
        centre: probability that a source is centred at the position.
        score: ``centre`` times the probability of its kind: an artefact, or not.
        kinds: (N, 3) probabilities of star, extended and artefact.
    """

    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.uint8]
    centre: NDArray[np.float32]
    kinds: NDArray[np.float32]

    @classmethod
    def join(cls, parts: list[Points]) -> Points:
        """Concatenate the sources of several tiles."""
        return cls(
            np.concatenate([part.x_px for part in parts]),
            np.concatenate([part.y_px for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.centre for part in parts]),
            np.concatenate([part.kinds for part in parts]),
        )

    def chosen(self, selected: NDArray[np.bool_]) -> Points:
        """Return the selected sources.

        Parameters:
            selected: (N,) mask.
        """
        return Points(
            self.x_px[selected],
            self.y_px[selected],
            self.score[selected],
            self.kind[selected],
            self.centre[selected],
            self.kinds[selected],
        )


def find_peaks(maps: NDArray[np.float32], min_probability: float) -> Points:
    """Return the sources in the maps of one tile.

    Parameters:
        maps: (8, h, w), the channels of ``CHANNELS``.
        min_probability: smallest probability that a source is centred at the position.
    """
    width = maps.shape[2]
    # A border of cells that are never warm: neighbours are found by adding to an index.
    heat = np.pad(maps[HEAT], 1, constant_values=-np.inf)
    place_x, place_y = _positions(maps[OFFSET])
    # Two neighbouring cells of this heat together can reach the threshold.
    lowest = 0.5 * min_probability
    warm = np.flatnonzero(heat.reshape(-1) > math.log(lowest / (1 - lowest)))
    heat = heat.reshape(-1)
    best = np.ones(len(warm), bool)
    steps = [dy * (width + 2) + dx for dy, dx in _NEIGHBOURS]
    own = heat[warm], place_x[warm], place_y[warm]
    for step in steps:
        other = heat[warm + step]
        # Of two equal peaks the first in reading order remains.
        rival = (other > own[0]) | ((other == own[0]) & (step < 0))
        best &= ~(rival & _near(own, (place_x[warm + step], place_y[warm + step])))
    warm, own = warm[best], (own[0][best], own[1][best], own[2][best])
    missed = _sigmoid(-own[0])
    for step in steps:
        # The probability of a source near the border of two cells is divided between them.
        same = _near(own, (place_x[warm + step], place_y[warm + step]))
        missed = np.where(same, missed * _sigmoid(-heat[warm + step]), missed)
    centre = (1 - missed).astype(np.float32)
    sure = centre > min_probability
    warm, centre = warm[sure], centre[sure]
    row, column = np.divmod(warm, width + 2)
    row, column = row - 1, column - 1
    kinds = np.exp(maps[KINDS, row, column].astype(np.float64))
    kinds /= kinds.sum(axis=0)
    artefact = kinds[KIND_ARTEFACT]
    kind = np.argmax(kinds, axis=0).astype(np.uint8)
    score = (np.where(kind == KIND_ARTEFACT, artefact, 1 - artefact) * centre).astype(np.float32)
    return Points(place_x[warm], place_y[warm], score, kind, centre, kinds.T.astype(np.float32))


def certain(points: Points, star_threshold: float, artefact_threshold: float) -> Points:
    """Return the sources whose score reaches the threshold of their kind.

    Parameters:
        star_threshold: smallest score of a star or extended source.
        artefact_threshold: smallest score of an artefact.
    """
    return points.chosen(
        points.score
        > np.where(points.kind == KIND_ARTEFACT, np.float32(artefact_threshold), np.float32(star_threshold))
    )


def not_twice(points: Points, core_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (N,) which peaks remain without duplicates of one source found in two neighbouring tiles.

    Of two, that with the better score remains. Two tiles have slightly different surroundings, so each can locate the
    source on its own side.

    Parameters:
        points: all sources of the frame, in network pixels.
        core_shape: (rows, columns) of the cores of the tiles.
    """
    near = np.zeros(len(points.x_px), bool)
    for position, size in ((points.y_px, core_shape[0]), (points.x_px, core_shape[1])):
        beyond = (position + 0.5) % size
        near |= np.minimum(beyond, size - beyond) < SAME_SOURCE_PX
    near_border = np.flatnonzero(near)
    near_border = near_border[np.argsort(points.x_px[near_border], kind="stable")]
    x, y, score = points.x_px[near_border], points.y_px[near_border], points.score[near_border]
    keep = np.ones(len(near), bool)
    # Sorted by x, a duplicate is a few positions later: step until no pair is that near in x.
    for step in range(1, len(near_border)):
        close = x[step:] - x[:-step] < SAME_SOURCE_PX
        if not close.any():
            break
        pair = np.flatnonzero(close & (np.hypot(x[step:] - x[:-step], y[step:] - y[:-step]) < SAME_SOURCE_PX))
        keep[np.where(score[pair] >= score[pair + step], near_border[pair + step], near_border[pair])] = False
    return keep


def _sigmoid(log_odds: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probabilities of log-odds from the network."""
    return 1 / (1 + np.exp(-log_odds.astype(np.float64)))


def _near(
    own: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    other: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> NDArray[np.bool_]:
    """Return which peaks (heat, x, y) are the same source as others at (x, y)."""
    return np.asarray((other[0] - own[1]) ** 2 + (other[1] - own[2]) ** 2 < np.float32(SAME_SOURCE_PX**2), np.bool_)


def _positions(offset: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the positions of the peaks of all cells, with a border of cells far away, in network pixels of the tile.

    Parameters:
        offset: (2, h, w), the network's offsets from the centres of the cells, in cells.
    """
    centres = [(np.arange(size, dtype=np.float32) + 0.5) * CELL_PX - 0.5 for size in offset.shape[1:]]
    x = offset[0] * np.float32(CELL_PX) + centres[1]
    y = offset[1] * np.float32(CELL_PX) + centres[0][:, None]
    return np.pad(x, 1, constant_values=_FAR).reshape(-1), np.pad(y, 1, constant_values=_FAR).reshape(-1)
