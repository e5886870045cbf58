"""From the network's maps of one tile to points: peaks of the heat map, moved by their offsets, each found once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT
from .tiles import CELL_PX

CHANNELS = ("heat", "dx", "dy", "star", "streak", "kind_star", "kind_extended", "kind_artefact")
"""Maps of the network, in order: log-odds that something is centred in this cell; where from the centre of the cell,
in cells; log-odds of star light and of a streak; logits of the kind."""

HEAT, OFFSET, STAR, STREAK, KINDS = 0, slice(1, 3), 3, 4, slice(5, 8)

SAME_SOURCE_PX = 2.5
"""Peaks of neighbouring cells that point to places nearer than this are one source."""

_NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Sources, (N,) arrays. Positions in network pixels.

    Attributes:
        centre: probability that something is centred here.
        score: the same times the probability that it is what ``kind`` says: no artefact, or one.
    """

    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.uint8]
    centre: NDArray[np.float32]

    @classmethod
    def join(cls, parts: list[Points]) -> Points:
        """Put the points of several tiles together."""
        return cls(
            np.concatenate([part.x_px for part in parts]),
            np.concatenate([part.y_px for part in parts]),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.kind for part in parts]),
            np.concatenate([part.centre for part in parts]),
        )

    def chosen(self, which: NDArray[np.bool_]) -> Points:
        """Give some of the sources.

        Parameters:
            which: (N,).
        """
        return Points(self.x_px[which], self.y_px[which], self.score[which], self.kind[which], self.centre[which])


def find_peaks(maps: NDArray[np.float32], least: float) -> Points:
    """Find the sources in the maps of one tile.

    Parameters:
        maps: (8, h, w), the channels of ``CHANNELS``.
        least: least probability that something is centred here.
    """
    heat = maps[HEAT]
    height, width = heat.shape
    # Two neighbours of this heat together could reach the threshold.
    lowest = 0.5 * least
    row, column = np.divmod(np.flatnonzero(heat > math.log(lowest / (1 - lowest))), width)
    found = heat[row, column]
    x, y = _decode(maps[OFFSET], row, column)
    best = np.ones(len(row), bool)
    missed = _sigmoid(-found)
    for dy, dx in _NEIGHBOURS:
        other_row, other_column = np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)
        inside = (other_row == row + dy) & (other_column == column + dx)
        other = heat[other_row, other_column]
        other_x, other_y = _decode(maps[OFFSET], other_row, other_column)
        same = inside & ((other_x - x) ** 2 + (other_y - y) ** 2 < SAME_SOURCE_PX**2)
        # Of two equal ones the first in reading order stays.
        best &= ~(same & ((other > found) | ((other == found) & ((dy, dx) < (0, 0)))))
        # A source near the border of two cells divides its probability between them.
        missed = np.where(same, missed * _sigmoid(-other), missed)
    kinds = np.exp(maps[KINDS, row, column].astype(np.float64))
    artefact = kinds[KIND_ARTEFACT] / kinds.sum(axis=0)
    kind = np.argmax(kinds, axis=0).astype(np.uint8)
    centre = (1 - missed).astype(np.float32)
    score = (np.where(kind == KIND_ARTEFACT, artefact, 1 - artefact) * centre).astype(np.float32)
    return Points(x, y, score, kind, centre).chosen(best & (centre > least))


def certain(points: Points, star_threshold: float, artefact_threshold: float) -> Points:
    """Give the sources whose score reaches the threshold of their kind.

    Parameters:
        star_threshold: least score of a star or extended source.
        artefact_threshold: least score of an artefact.
    """
    return points.chosen(
        points.score
        > np.where(points.kind == KIND_ARTEFACT, np.float32(artefact_threshold), np.float32(star_threshold))
    )


def without_doubles(points: Points, core_shape: tuple[int, int]) -> Points:
    """Drop what two tiles found of one source on their common border: the better score stays.

    Two tiles see slightly different surroundings, so each can place the source on its own side.

    Parameters:
        points: of the whole frame, network pixels.
        core_shape: (rows, columns) of the parts that the tiles answered for.
    """
    near = np.zeros(len(points.x_px), bool)
    for position, size in ((points.y_px, core_shape[0]), (points.x_px, core_shape[1])):
        beyond = (position + 0.5) % size
        near |= np.minimum(beyond, size - beyond) < SAME_SOURCE_PX
    place = np.flatnonzero(near)
    place = place[np.argsort(points.x_px[place], kind="stable")]
    x, y, score = points.x_px[place], points.y_px[place], points.score[place]
    keep = np.ones(len(near), bool)
    # Sorted by x, a partner lies a few places on: step until no pair is that near in x any more.
    for step in range(1, len(place)):
        close = x[step:] - x[:-step] < SAME_SOURCE_PX
        if not close.any():
            break
        pair = np.flatnonzero(close & (np.hypot(x[step:] - x[:-step], y[step:] - y[:-step]) < SAME_SOURCE_PX))
        keep[np.where(score[pair] >= score[pair + step], place[pair + step], place[pair])] = False
    return points.chosen(keep)


def _sigmoid(log_odds: NDArray[np.float32]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds.astype(np.float64)))


def _decode(
    offset: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre of the cell plus the offset, in network pixels of the tile."""
    x = (column + 0.5 + offset[0, row, column]) * CELL_PX - 0.5
    y = (row + 0.5 + offset[1, row, column]) * CELL_PX - 0.5
    return x.astype(np.float32), y.astype(np.float32)
