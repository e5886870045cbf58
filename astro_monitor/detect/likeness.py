"""Star or artefact: the frame's own stars say what a star looks like.

All stars of a frame have one profile. In a frame whose stars are hardly wider than a pixel the network takes many for
hot pixels; among well-sampled stars it now and then takes a hot pixel for a star. Both show at once beside the profile
of the others: the light in the 3 × 3 pixels around a source is fitted with a Gaussian integrated over pixels, of the
one width that fits the frame's stars best, centred anywhere in the brightest pixel.

Where the network has called nearly all of them artefacts, the artefacts themselves may show that they are stars: ten or
more that all have one profile wider than a pixel, caught at different places in their pixels. Hot pixels are a single
pixel, and tracks of cosmic rays are all different.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from .peaks import Points
from .prepare import signal_to_noise

WIDTHS_SIGMA_PX = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
"""Widths that are tried. Wider stars fill the 3 × 3 pixels evenly; the network separates those from artefacts."""

LEAST_STARS = 5
LEAST_MISTAKEN, ALIKE_MISTAKEN, SPREAD_MISTAKEN = 10, 0.01, 0.1
"""When artefacts may be stars after all: least number, largest deviation from a common profile, least spread of the
share of light in the middle pixel."""
MOST_STARS = 300
CLEAR, TELLING = 20.0, 10.0
"""Least signal to noise of the 3 × 3 pixels: of stars that define the profile, and of sources that are tested."""

ALIKE = 0.03
"""Largest residual of a star from the profile, as a share of the squared light."""

UNLIKE = 0.06
SHARPER = 1.1
"""An artefact has a larger residual than the first, and its middle is brighter than a star's by the second factor."""

CENTRED_PX, CENTRED_SHARE = 0.12, 0.045
"""The centres of stars are distributed evenly over their pixels, so the second number (the area of the circle) is the
share within the first distance from the middle. A hot pixel that leaks charge into its neighbours, or was interpolated
into them, looks like a narrow star, but its centre is always there."""
LEAST_CENTRED, MORE_CENTRED = 5, 3.0
"""Some sources are hot pixels if more are centred than the first number plus the second factor times the share expected
for stars."""
MOSTLY_HOT, AS_SHARP = 4.0, 0.7
"""Where there are more of them per star than the first number, sources with at least this share of their sharpness are
overlapping hot pixels."""
NEARLY_CENTRED_PX = 0.2
"""Sources within this distance from the middle that look like the centred ones are hot pixels."""

_FREEDOMS = 7
"""Nine pixels less height and place, as far as two places can be chosen within one pixel."""


def cores(points: Points, seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut out the light around each source.

    Parameters:
        points: positions in pixels of ``seen``.
        seen: (h, w), a tile as the network saw it; at least 3 × 3.

    Returns:
        (N, 3, 3) signal to noise around the brightest pixel within one pixel of each position.
    """
    height, width = seen.shape
    row, column = np.rint(points.y_px).astype(np.intp), np.rint(points.x_px).astype(np.intp)
    row, column = np.clip(row, 1, height - 2), np.clip(column, 1, width - 2)
    brightest = _squares(seen, row, column).reshape(-1, 9).argmax(axis=1)
    row = np.clip(row + brightest // 3 - 1, 1, height - 2)
    column = np.clip(column + brightest % 3 - 1, 1, width - 2)
    return signal_to_noise(_squares(seen, row, column))


def _squares(seen: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float32]:
    return np.asarray(seen[row[:, None, None] + _AROUND[:, None], column[:, None, None] + _AROUND], np.float32)


def by_likeness(points: Points, light: NDArray[np.float32]) -> Points:
    """Call artefacts stars that look like the stars, and stars artefacts that are sharper than the stars.

    Parameters:
        points: of the whole frame.
        light: (N, 3, 3), from :func:`cores`.

    Returns:
        The same sources with other kinds, and with scores that no longer doubt the kind where the light has shown it;
        unchanged where the frame has too few clear stars, or no common profile.
    """
    pixels = light.reshape(-1, 9)
    hot = _hot_with_neighbours(points, pixels)
    if hot.any():
        kind, score = points.kind.copy(), points.score.copy()
        rest = by_likeness(points.chosen(~hot), light[~hot])
        kind[hot], score[hot] = KIND_ARTEFACT, points.centre[hot]
        kind[~hot], score[~hot] = rest.kind, rest.score
        return replace(points, kind=kind, score=score)
    power = (pixels**2).sum(axis=1)
    best = _usual_profile(points, pixels, power)
    if best is None:
        return points
    telling = np.flatnonzero(power > TELLING**2)
    left, middle = _left_over(pixels[telling], _PROFILES[best])
    # What noise alone leaves over scatters by sqrt(2 × freedoms); two such scatters are allowed.
    noise = 2 * math.sqrt(2 * _FREEDOMS) / power[telling]
    single = points.kind[telling] != KIND_EXTENDED
    alike = single & (left < ALIKE + noise)
    sharp = single & (left > UNLIKE + noise) & (middle > SHARPER)
    kind, score = points.kind.copy(), points.score.copy()
    kind[telling[alike]], kind[telling[sharp]] = KIND_STAR, KIND_ARTEFACT
    shown = telling[alike | sharp]
    score[shown] = points.centre[shown]
    return replace(points, kind=kind, score=score)


def _hot_with_neighbours(points: Points, pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N,) which sources are hot pixels with light in their neighbours; none where no more are centred than by chance.

    Parameters:
        pixels: (N, 9) the light around each, signal to noise.
    """
    power = np.maximum((pixels**2).sum(axis=1), 1e-6)
    away = np.hypot(points.x_px - np.rint(points.x_px), points.y_px - np.rint(points.y_px))
    star = points.kind == KIND_STAR
    clear = star & (power > CLEAR**2)
    centred = clear & (away < CENTRED_PX)
    if np.count_nonzero(centred) <= LEAST_CENTRED + MORE_CENTRED * CENTRED_SHARE * np.count_nonzero(clear):
        return np.zeros(len(star), np.bool_)
    shape = np.median(pixels[centred] / np.sqrt(power[centred])[:, None], axis=0)
    shape /= max(float(np.linalg.norm(shape)), 1e-6)
    left = np.maximum(power - (pixels @ shape) ** 2 - _FREEDOMS, 0) / power
    # Noise moves the centres of faint ones farther, and leaves more over.
    near = away < NEARLY_CENTRED_PX + 1.5 / np.sqrt(power)
    hot = star & near & (left < UNLIKE + 2 * math.sqrt(2 * _FREEDOMS) / power)
    if np.count_nonzero(hot & clear) > MOSTLY_HOT * np.count_nonzero(clear & ~hot):
        # What is as sharp as they are, but not alone in its pixel, is two of them.
        middle = pixels[:, 4] / np.maximum(pixels.sum(axis=1), 1e-6)
        hot |= star & (middle > AS_SHARP * np.median(middle[centred]))
    return np.asarray(hot, np.bool_)


def _usual_profile(points: Points, pixels: NDArray[np.float32], power: NDArray[np.float32]) -> int | None:
    """Index of the width that fits the frame's stars; ``None`` where there are too few, or they have no one profile."""
    clear = power > CLEAR**2
    stars = np.flatnonzero((points.kind == KIND_STAR) & clear)
    stars = stars[np.argsort(-points.score[stars], kind="stable")[:MOST_STARS]]
    if len(stars) >= LEAST_STARS:
        best, left = _best_profile(pixels[stars])
        return best if left <= ALIKE and best < len(_PROFILES) - 1 else None
    single = pixels[(points.kind != KIND_EXTENDED) & clear]
    if len(single) < LEAST_MISTAKEN:
        return None
    best, left = _best_profile(single)
    middle = single[:, 4] / np.maximum(single.sum(axis=1), 1e-6)
    varied = np.subtract(*np.quantile(middle, (0.85, 0.15))) >= SPREAD_MISTAKEN
    return best if left <= ALIKE_MISTAKEN and varied and 0 < best < len(_PROFILES) - 1 else None


def _best_profile(pixels: NDArray[np.float32]) -> tuple[int, float]:
    typical = [float(np.median(_left_over(pixels, profiles)[0])) for profiles in _PROFILES]
    best = int(np.argmin(typical))
    return best, typical[best]


def _left_over(
    pixels: NDArray[np.float32], profiles: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share of the power that the best profile leaves over, less that of noise; and the middle pixel over its own."""
    power = np.maximum((pixels**2).sum(axis=1), 1e-6)
    height = pixels @ profiles.T
    best = height.argmax(axis=1)
    most = np.maximum(height[np.arange(len(height)), best], 1e-3)
    left = np.maximum(power - most**2 - _FREEDOMS, 0) / power
    return left, pixels[:, 4] / (most * profiles[best, 4])


def _profiles(sigma_px: float) -> NDArray[np.float32]:
    """(49, 9) Gaussians integrated over 3 × 3 pixels, centred on a grid over the middle one; each of power 1."""
    edges = np.array([-1.5, -0.5, 0.5, 1.5])
    rows = []
    for centre in np.linspace(-0.5, 0.5, 7):
        below = [math.erf((edge - centre) / (sigma_px * math.sqrt(2))) for edge in edges]
        rows.append(np.diff(below) / 2)
    grid = np.einsum("ai,bj->abij", np.array(rows), np.array(rows)).reshape(-1, 9)
    return np.asarray(grid / np.linalg.norm(grid, axis=1, keepdims=True), np.float32)


_AROUND = np.arange(-1, 2)
_PROFILES = tuple(_profiles(sigma) for sigma in WIDTHS_SIGMA_PX)
