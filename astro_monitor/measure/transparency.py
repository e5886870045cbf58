"""Transparency: the light of the same stars, compared with the best frame of this target.

Star counts can rise in cloud; the flux of matched stars cannot. Frames are matched by a shift alone, also turned by
180° as after a meridian flip: all pairs vote for the shift between them, and only the true one gathers votes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import ReferenceStar

MIN_MATCHES = 6
MAX_SHIFT = 0.35
"""Part of the frame's side by which the pointing may differ."""
VOTE_CELLS = 400
"""The voting grid has cells of 1/400 of the frame's width."""


@dataclass(frozen=True, slots=True)
class Match:
    """Stars in common. ``count`` below ``MIN_MATCHES`` means that the frames could not be matched."""

    count: int
    transparency: float
    offset_px: float


NO_MATCH = Match(0, float("nan"), float("nan"))


def match(
    stars: tuple[ReferenceStar, ...],
    reference: tuple[ReferenceStar, ...],
    sensor_shape: tuple[int, int],
    fwhm_px: float,
) -> Match:
    """Match this frame's bright stars with the reference and compare their flux rates.

    Parameters:
        stars, reference: bright stars, sensor pixels and ADU per second.
        sensor_shape: (height, width) of the sensor image.
        fwhm_px: sets how close two positions must be.
    """
    if len(stars) < MIN_MATCHES or len(reference) < MIN_MATCHES:
        return NO_MATCH
    mine = np.array([(star.x_px, star.y_px, star.flux_adu_s) for star in stars])
    theirs = np.array([(star.x_px, star.y_px, star.flux_adu_s) for star in reference])
    height, width = sensor_shape
    turned = theirs.copy()
    turned[:, 0], turned[:, 1] = width - 1 - theirs[:, 0], height - 1 - theirs[:, 1]
    return max(
        (_match_shifted(mine, candidate, (height, width), fwhm_px) for candidate in (theirs, turned)),
        key=lambda found: found.count,
    )


def _match_shifted(
    mine: NDArray[np.float64], theirs: NDArray[np.float64], shape: tuple[int, int], fwhm_px: float
) -> Match:
    height, width = shape
    dx = mine[:, None, 0] - theirs[None, :, 0]
    dy = mine[:, None, 1] - theirs[None, :, 1]
    near = (np.abs(dx) < MAX_SHIFT * width) & (np.abs(dy) < MAX_SHIFT * height)
    cell_px = max(4.0, width / VOTE_CELLS)
    columns = int(2 * MAX_SHIFT * width / cell_px) + 3
    rows = int(2 * MAX_SHIFT * height / cell_px) + 3
    column = ((dx[near] + MAX_SHIFT * width) / cell_px).astype(np.intp) + 1
    row = ((dy[near] + MAX_SHIFT * height) / cell_px).astype(np.intp) + 1
    votes = np.bincount(row * columns + column, minlength=rows * columns).reshape(rows, columns)
    # A shift on the edge of a cell splits its votes, so each 2 × 2 block votes together.
    blocks = votes[:-1, :-1] + votes[1:, :-1] + votes[:-1, 1:] + votes[1:, 1:]
    best_row, best_column = np.unravel_index(int(np.argmax(blocks)), blocks.shape)
    shift_x = float(best_column * cell_px - MAX_SHIFT * width)
    shift_y = float(best_row * cell_px - MAX_SHIFT * height)
    close = near & (np.abs(dx - shift_x) <= 1.5 * cell_px) & (np.abs(dy - shift_y) <= 1.5 * cell_px)
    if np.count_nonzero(close) < MIN_MATCHES:
        return NO_MATCH
    shift_x, shift_y = float(np.median(dx[close])), float(np.median(dy[close]))
    distance = np.hypot(dx - shift_x, dy - shift_y)
    partner = np.argmin(distance, axis=1)
    alone = np.argmin(distance, axis=0)[partner] == np.arange(len(mine))
    matched = alone & (distance[np.arange(len(mine)), partner] <= max(3.0, fwhm_px))
    ratio = mine[matched, 2] / theirs[partner[matched], 2]
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    # By chance a few pairs agree anywhere; a true match explains a good part of the shorter list.
    if ratio.size < max(MIN_MATCHES, 0.2 * min(len(mine), len(theirs))):
        return NO_MATCH
    return Match(int(ratio.size), float(np.median(ratio)), float(np.hypot(shift_x, shift_y)))
