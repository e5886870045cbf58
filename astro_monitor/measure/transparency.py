"""Transparency: the flux of the same stars, compared with the best frame of this target.

Star counts can rise in cloud; the flux of matched stars cannot. Frames are matched by a shift, also with a rotation by
180° as after a meridian flip, and only if that fails by a shift and a rotation, as of an alt-azimuth mount: all pairs
vote for the shift between them, and only the true one accumulates votes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import ReferenceStar

Table = NDArray[np.float64]

MIN_MATCHES = 6
"""Fewest matched stars for a transparency."""
MIN_SHARE = 0.2
"""Smallest fraction of the shorter list that a match must contain: a few pairs agree by chance at any shift."""
PLAIN_SHARE = 0.75
"""Fraction of the shorter list from which a match is accepted at once: too few stars remain for a better one with the
field rotated by 180°."""
MAX_SHIFT = 0.35
"""Largest difference of the pointing, as a fraction of the side of the frame."""
VOTE_CELLS, MIN_VOTE_CELL_PX = 400, 4.0
"""Cells of the voting grid along the longer side of the frame, and smallest side of a cell in pixels."""
VOTERS = 70
"""Brightest stars that vote when rotations are tried; all are matched afterwards."""
TURNS_DEG = tuple(sign * step / 2 for step in range(1, 31) for sign in (1, -1))
"""Rotations that are tried, in degrees: up to 15, as of an alt-azimuth mount between frames of one target."""
AXIS_PX = 1000.0
"""Length of the vector from which the rotation of the field is calculated; its value does not matter."""
MIN_STARS_FOR_TURNS = 12
"""Fewest stars when rotations are tried: with fewer, one of so many rotations would match enough by chance."""
PARTS = (3, 4)
"""Rows and columns of the parts of the field in which small clouds are searched."""
MIN_STARS_OF_A_PART = 4
"""Fewest stars for the loss of a part."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
MATCH_PX, MAX_MATCH_PX = 3.0, 12.0
"""Limits of the largest distance between matched stars, which is their FWHM in between, in pixels."""


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """How the same stars look now against the reference frame: medians over the stars.

    Attributes:
        width_ratio: width now over width then.
        trail_plus_px2, trail_cross_px2: change of the elongation as a vector of twice the angle, 12 (a² - b²) times its
            cosine and sine, square sensor pixels.
        trail_scatter_px2: scaled median length of what remains of each star's change: a field that turns differs from
            place to place.
    """

    width_ratio: float
    trail_plus_px2: float
    trail_cross_px2: float
    trail_scatter_px2: float


@dataclass(frozen=True, slots=True)
class Match:
    """Matched stars; the offset is the position of the reference field's centre, the turn the rotation of the field.

    ``scatter_mag`` is the scaled median absolute deviation of the stars' losses; ``patch_mag`` is the loss, in excess
    of that of the field, of the part of the field that has lost most, less twice its error. ``shapes`` compares the
    stars themselves; ``None``: too few of them have known shapes.
    """

    count: int
    transparency: float
    scatter_mag: float
    patch_mag: float
    offset_x_px: float
    offset_y_px: float
    turn_deg: float
    shapes: ShapeChange | None = None


@dataclass(frozen=True, slots=True)
class _Pairs:
    mine: NDArray[np.intp]
    theirs: NDArray[np.intp]
    offset_x_px: float = 0.0
    offset_y_px: float = 0.0
    turn_deg: float = 0.0


def match(
    stars: tuple[ReferenceStar, ...],
    reference: tuple[ReferenceStar, ...],
    sensor_shape: tuple[int, int],
    fwhm_px: float,
) -> Match | None:
    """Return the match of the bright stars with the reference, and the ratio of their flux rates.

    Parameters:
        stars, reference: bright stars, brightest first, sensor pixels and ADU per second.
        sensor_shape: (height, width) of the sensor image.
        fwhm_px: width of the stars, which is the largest distance between matched positions.

    Returns:
        ``None`` when no shift matches enough stars.
    """
    mine, theirs = _star_table(stars, sensor_shape), _star_table(reference, sensor_shape)
    if min(len(mine), len(theirs)) < MIN_MATCHES:
        return None
    needed = max(MIN_MATCHES, MIN_SHARE * min(len(mine), len(theirs)))
    radius_px = min(max(MATCH_PX, fwhm_px), MAX_MATCH_PX)
    best = _match_at_turn(mine, theirs, 0.0, sensor_shape, radius_px)
    if best.mine.size < PLAIN_SHARE * min(len(mine), len(theirs)):
        flipped = _match_at_turn(mine, theirs, 180.0, sensor_shape, radius_px)
        best = max(best, flipped, key=lambda pairs: pairs.mine.size)
    if best.mine.size < needed and min(len(mine), len(theirs)) >= MIN_STARS_FOR_TURNS:
        best = _match_at_best_turn(mine, theirs, sensor_shape, radius_px)
    if best.mine.size < needed:
        return None
    light, their_light = mine[best.mine, 2], theirs[best.theirs, 2]
    transparency = _weighted_median(light / their_light, np.sqrt(their_light))
    losses = -2.5 * np.log10(light / their_light / transparency)
    scatter = MAD_TO_SIGMA * float(_median(np.abs(losses)))
    patch = _worst_patch(mine[best.mine], losses, scatter, sensor_shape)
    return Match(
        int(best.mine.size),
        transparency,
        scatter,
        patch,
        best.offset_x_px,
        best.offset_y_px,
        best.turn_deg,
        _shape_change(mine[best.mine], theirs[best.theirs]),
    )


def _shape_change(mine: Table, theirs: Table) -> ShapeChange | None:
    """Return how the shapes of matched stars have changed; ``None`` where too few are known.

    Elongations are compared as they lie on the sensor: a flip by 180° does not change a vector of twice the angle, and
    what the optics do stays where it is when the field turns.

    Parameters:
        mine, theirs: (N, 6) of the same stars, from :func:`_star_table`.
    """
    known = (mine[:, 3] > 0) & (theirs[:, 3] > 0)
    if np.count_nonzero(known) < MIN_MATCHES:
        return None
    now, then = mine[known], theirs[known]
    weights = np.sqrt(then[:, 2])
    ratio = _weighted_median(now[:, 3] / then[:, 3], weights)
    plus, cross = (_weighted_median(now[:, axis] - then[:, axis], weights) for axis in (4, 5))
    left = np.hypot(now[:, 4] - then[:, 4] - plus, now[:, 5] - then[:, 5] - cross)
    return ShapeChange(ratio, plus, cross, MAD_TO_SIGMA * _weighted_median(left, weights))


def _worst_patch(stars: Table, losses_mag: Table, scatter_mag: float, shape: tuple[int, int]) -> float:
    """Return the loss of the worst part of the field, less twice its error; 0 where no part has enough stars."""
    (height, width), (rows, columns) = shape, PARTS
    column = np.clip((stars[:, 0] / width + 0.5) * columns, 0, columns - 1).astype(np.intp)
    row = np.clip((stars[:, 1] / height + 0.5) * rows, 0, rows - 1).astype(np.intp)
    worst = 0.0
    for part in range(rows * columns):
        inside = losses_mag[row * columns + column == part]
        if inside.size >= MIN_STARS_OF_A_PART:
            middle = float(_median(inside))
            own_scatter = MAD_TO_SIGMA * float(_median(np.abs(inside - middle)))
            error = 1.2533 * max(own_scatter, scatter_mag) / np.sqrt(inside.size)
            worst = max(worst, middle - 2.0 * error)
    return worst


def _star_table(stars: tuple[ReferenceStar, ...], sensor_shape: tuple[int, int]) -> Table:
    """Return (N, 6) for stars with positive flux: position relative to the centre of the field, flux rate, shape."""
    height, width = sensor_shape
    rows = [
        (
            star.x_px - (width - 1) / 2,
            star.y_px - (height - 1) / 2,
            star.flux_adu_s,
            star.fwhm_px,
            star.plus_px2,
            star.cross_px2,
        )
        for star in stars
        if star.flux_adu_s > 0
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def _match_at_best_turn(mine: Table, theirs: Table, shape: tuple[int, int], radius_px: float) -> _Pairs:
    """Return the match at the rotation with the most votes of the brightest stars."""
    votes = {
        angle + flip: _best_shift(mine[:VOTERS], _rotated_stars(theirs[:VOTERS], angle + flip), shape)[2]
        for flip in (0.0, 180.0)
        for angle in TURNS_DEG
    }
    return _match_at_turn(mine, theirs, max(votes, key=lambda angle: votes[angle]), shape, radius_px)


def _match_at_turn(mine: Table, theirs: Table, angle_deg: float, shape: tuple[int, int], radius_px: float) -> _Pairs:
    """Return the match at one rotation: by votes for the shift, then by nearest stars, refined twice."""
    turned = _rotated_stars(theirs, angle_deg)
    shift_x, shift_y, _ = _best_shift(mine, turned, shape)
    # The last rows are the centre of the reference field and a point on its x axis, for offset and rotation.
    axis = _rotated_stars(np.array([[0.0, 0.0, 0.0], [AXIS_PX, 0.0, 0.0]]), angle_deg)
    moved = np.vstack([turned[:, :2], axis[:, :2]])
    moved += (shift_x, shift_y)
    reach = max(radius_px, 1.5 * _vote_cell_px(shape))
    for _ in range(2):
        a, b = _nearest(mine[:, :2], moved[:-2], reach)
        if a.size < MIN_MATCHES:
            return _Pairs(a[:0], b[:0])
        moved = _realigned(mine[a, :2], moved[b], moved)
        reach = radius_px
    a, b = _nearest(mine[:, :2], moved[:-2], reach)
    middle, along = moved[-2], moved[-1] - moved[-2]
    return _Pairs(a, b, float(middle[0]), float(middle[1]), float(np.degrees(np.arctan2(along[1], along[0]))))


def _rotated_stars(stars: Table, angle_deg: float) -> Table:
    """Return a table of star positions and fluxes, rotated by an angle about the centre."""
    if angle_deg == 0.0:
        return stars
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    x, y = stars[:, 0], stars[:, 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, stars[:, 2]], axis=1)


def _vote_cell_px(shape: tuple[int, int]) -> float:
    """Return the side in pixels of the cells in which pairs of stars vote for a shift between two frames."""
    return max(MIN_VOTE_CELL_PX, max(shape) / VOTE_CELLS)


def _best_shift(mine: Table, theirs: Table, shape: tuple[int, int]) -> tuple[float, float, int]:
    """Return the shift of the reference with the most votes, and their number."""
    cell_px = _vote_cell_px(shape)
    most_y, most_x = MAX_SHIFT * shape[0], MAX_SHIFT * shape[1]
    (x, y), (their_x, their_y) = mine[:, :2].T.copy(), theirs[:, :2].T.copy()
    dx, dy = np.subtract.outer(x, their_x).ravel(), np.subtract.outer(y, their_y).ravel()
    near = np.flatnonzero((np.abs(dx) < most_x) & (np.abs(dy) < most_y))
    columns, rows = int(2 * most_x / cell_px) + 2, int(2 * most_y / cell_px) + 2
    column = ((dx[near] + most_x) / cell_px).astype(np.int32)
    row = ((dy[near] + most_y) / cell_px).astype(np.int32)
    votes = np.bincount(row * columns + column, minlength=rows * columns).astype(np.int32).reshape(rows, columns)
    # The votes for a shift at the border of a cell are divided, so each 2 × 2 block is summed.
    pairs_of_rows = votes[:-1] + votes[1:]
    blocks = pairs_of_rows[:, :-1] + pairs_of_rows[:, 1:]
    best = int(np.argmax(blocks))
    best_row, best_column = divmod(best, columns - 1)
    return (best_column + 1) * cell_px - most_x, (best_row + 1) * cell_px - most_y, int(blocks.flat[best])


def _nearest(mine: Table, theirs: Table, reach_px: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of stars that are each other's nearest, at most ``reach_px`` apart."""
    distance2 = (mine[:, None, 0] - theirs[None, :, 0]) ** 2 + (mine[:, None, 1] - theirs[None, :, 1]) ** 2
    partner = np.argmin(distance2, axis=1)
    rows = np.arange(len(mine))
    mutual = np.argmin(distance2, axis=0)[partner] == rows
    paired = np.flatnonzero(mutual & (distance2[rows, partner] <= reach_px**2))
    return paired, partner[paired]


def _realigned(mine: Table, theirs: Table, moved: Table) -> Table:
    """Return ``moved`` with a small rotation and shift that aligns the matched stars."""
    middle, their_middle = _median(mine), _median(theirs)
    p, q = mine - middle, theirs - their_middle
    rotation = _median(q[:, 0] * p[:, 1] - q[:, 1] * p[:, 0]) / max(float(_median((q**2).sum(axis=1))), 1.0)
    cosine, sine = np.cos(rotation), np.sin(rotation)
    return np.asarray((moved - their_middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle, np.float64)


def _median(values: Table) -> Table:
    """Median along the first axis, as ``np.median`` computes it, at a fifth of its cost for a few dozen stars."""
    ordered = np.sort(values, axis=0)
    half = len(ordered) // 2
    return np.asarray(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2, np.float64)


def _weighted_median(values: Table, weights: Table) -> float:
    """Return the median of values with weights."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])
