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

_NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
"""Offsets (row, column) of the eight neighbouring cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Sources as (N,) arrays, with positions in network pixels.

    Attributes:
        centre: probability that a source is centred at the position.
        score: ``centre`` times the probability of its kind: an artefact, or not.
    """

    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.uint8]
    centre: NDArray[np.float32]

    @classmethod
    def join(cls, parts: list[Points]) -> Points:
        """Concatenate the sources of several tiles."""
        return cls(
            np.concatenate([part.x_px for part in parts]),
            np.concatenate([part.y_px for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.centre for part in parts]),
        )

    def chosen(self, selected: NDArray[np.bool_]) -> Points:
        """Return the selected sources.

        Parameters:
            selected: (N,) mask.
        """
        return Points(
            self.x_px[selected], self.y_px[selected], self.score[selected], self.kind[selected], self.centre[selected]
        )


def find_peaks(maps: NDArray[np.float32], min_probability: float) -> Points:
    """Return the sources in the maps of one tile.

    Parameters:
        maps: (8, h, w), the channels of ``CHANNELS``.
        min_probability: smallest probability that a source is centred at the position.
    """
    heat = maps[HEAT]
    height, width = heat.shape
    # Two neighbouring cells of this heat together can reach the threshold.
    lowest = 0.5 * min_probability
    row, column = np.divmod(np.flatnonzero(heat > math.log(lowest / (1 - lowest))), width)
    peak_heat = heat[row, column]
    x, y = _positions(maps[OFFSET], row, column)
    best = np.ones(len(row), bool)
    missed = _sigmoid(-peak_heat)
    for dy, dx in _NEIGHBOURS:
        other_row, other_column = np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)
        inside = (other_row == row + dy) & (other_column == column + dx)
        other = heat[other_row, other_column]
        other_x, other_y = _positions(maps[OFFSET], other_row, other_column)
        same = inside & ((other_x - x) ** 2 + (other_y - y) ** 2 < SAME_SOURCE_PX**2)
        # Of two equal peaks the first in reading order remains.
        best &= ~(same & ((other > peak_heat) | ((other == peak_heat) & ((dy, dx) < (0, 0)))))
        # The probability of a source near the border of two cells is divided between them.
        missed = np.where(same, missed * _sigmoid(-other), missed)
    kinds = np.exp(maps[KINDS, row, column].astype(np.float64))
    artefact = kinds[KIND_ARTEFACT] / kinds.sum(axis=0)
    kind = np.argmax(kinds, axis=0).astype(np.uint8)
    centre = (1 - missed).astype(np.float32)
    score = (np.where(kind == KIND_ARTEFACT, artefact, 1 - artefact) * centre).astype(np.float32)
    return Points(x, y, score, kind, centre).chosen(best & (centre > min_probability))


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


def without_duplicates(points: Points, core_shape: tuple[int, int]) -> Points:
    """Return the peaks without duplicates of one source found in two neighbouring tiles: the better score remains.

    Two tiles have slightly different surroundings, so each can locate the source on its own side.

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
    return points.chosen(keep)


def _sigmoid(log_odds: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probabilities of log-odds from the network."""
    return 1 / (1 + np.exp(-log_odds.astype(np.float64)))


def _positions(
    offset: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the positions of peaks, centre of the cell plus the network's offset, in network pixels of the tile."""
    x = (column + 0.5 + offset[0, row, column]) * CELL_PX - 0.5
    y = (row + 0.5 + offset[1, row, column]) * CELL_PX - 0.5
    return x.astype(np.float32), y.astype(np.float32)
