"""Star or artefact, by comparison with the profile of the frame's own stars.

All stars of a frame have one profile. Where stars are hardly wider than a pixel, the network classifies many as hot
pixels; among well-sampled stars it sometimes classifies a hot pixel as a star. Both are corrected by the profile of the
other stars: the light in the 3 × 3 pixels around a source is fitted with a Gaussian integrated over pixels, of the
width that fits the frame's stars best, centred anywhere in the brightest pixel.

Where the network has classified nearly all stars as artefacts, the artefacts themselves can reveal it: ten or more with
one profile wider than a pixel, at different positions within their pixels. Hot pixels are single pixels, and the tracks
of cosmic rays are all different.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from .peaks import Points

WIDTHS_SIGMA_PX = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
"""Standard deviations of the fitted Gaussians. Wider stars fill the 3 × 3 pixels evenly; the network separates those
from artefacts."""

LEAST_STARS = 5
"""Fewest clear stars that define a profile."""
LEAST_MISTAKEN, ALIKE_MISTAKEN, SPREAD_MISTAKEN = 10, 0.01, 0.1
"""Conditions for artefacts to be stars: smallest number, largest deviation from a common profile, smallest spread of
the fraction of light in the middle pixel."""
MOST_STARS = 300
"""Most stars that define a profile, for speed."""
CLEAR, TELLING = 20.0, 10.0
"""Smallest signal to noise of the 3 × 3 pixels: of stars that define the profile, and of sources that are tested."""

ALIKE = 0.03
"""Largest residual of a star from the profile, as a fraction of the squared light."""

UNLIKE = 0.06
"""Smallest residual of an artefact, in the same unit: twice that of a star, so that the network decides in
between."""
SHARPER = 1.1
"""Smallest ratio of the middle pixel of an artefact to that of a star."""

CENTRED_PX, CENTRED_SHARE = 0.12, 0.045
"""Distance from the middle of a pixel, and the fraction of stars within it: the area of the circle, because the centres
of stars are uniformly distributed over their pixels. A hot pixel that leaks charge into its neighbours, or was
interpolated, resembles a narrow star, but its centre is always there."""
LEAST_CENTRED, MORE_CENTRED = 5, 3.0
"""Some sources are hot pixels if more are centred than the first number plus the second factor times the expected
number of stars."""
MOSTLY_HOT, AS_SHARP = 4.0, 0.7
"""Ratio of hot pixels to stars above which sources with at least the second fraction of their sharpness count as
overlapping hot pixels."""
NEARLY_CENTRED_PX = 0.2
"""Largest distance from the middle of the pixel, in pixels, of further hot pixels with the profile of the centred
ones."""

_FREEDOMS = 7
"""Effective degrees of freedom: nine pixels less amplitude and position, which is limited to one pixel."""


def reclassified_by_profile(points: Points, light: NDArray[np.float32]) -> Points:
    """Return the sources with artefacts that match the stars' profile as stars, and sharper ones as artefacts.

    Parameters:
        points: all sources of the frame.
        light: (N, 3, 3) signal to noise around each source: ``Closeups.cores``.

    Returns:
        The same sources with corrected kinds, and with scores without the uncertainty of the kind where the profile has
        decided it; unchanged where the frame has too few clear stars, or no common profile.
    """
    pixels = light.reshape(-1, 9)
    hot = _hot_with_neighbours(points, pixels)
    if hot.any():
        kind, score = points.kind.copy(), points.score.copy()
        others = reclassified_by_profile(points.chosen(~hot), light[~hot])
        kind[hot], score[hot] = KIND_ARTEFACT, points.centre[hot]
        kind[~hot], score[~hot] = others.kind, others.score
        return replace(points, kind=kind, score=score)
    power = (pixels**2).sum(axis=1)
    best = _common_profile(points, pixels, power)
    if best is None:
        return points
    tested = np.flatnonzero(power > TELLING**2)
    residual, middle = _residuals(pixels[tested], _PROFILES[best])
    # The residual of pure noise scatters by sqrt(2 × degrees of freedom); twice that is allowed.
    noise = 2 * math.sqrt(2 * _FREEDOMS) / power[tested]
    single = points.kind[tested] != KIND_EXTENDED
    alike = single & (residual < ALIKE + noise)
    sharp = single & (residual > UNLIKE + noise) & (middle > SHARPER)
    kind, score = points.kind.copy(), points.score.copy()
    kind[tested[alike]], kind[tested[sharp]] = KIND_STAR, KIND_ARTEFACT
    decided = tested[alike | sharp]
    score[decided] = points.centre[decided]
    return replace(points, kind=kind, score=score)


def _hot_with_neighbours(points: Points, pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (N,) which sources are hot pixels with light in their neighbours; none if few are centred in their pixels.

    Parameters:
        pixels: (N, 9) the light around each source, signal to noise.
    """
    power = np.maximum((pixels**2).sum(axis=1), 1e-6)
    offset_px = np.hypot(points.x_px - np.rint(points.x_px), points.y_px - np.rint(points.y_px))
    star = points.kind == KIND_STAR
    clear = star & (power > CLEAR**2)
    centred = clear & (offset_px < CENTRED_PX)
    if np.count_nonzero(centred) <= LEAST_CENTRED + MORE_CENTRED * CENTRED_SHARE * np.count_nonzero(clear):
        return np.zeros(len(star), np.bool_)
    shape = np.median(pixels[centred] / np.sqrt(power[centred])[:, None], axis=0)
    shape /= max(float(np.linalg.norm(shape)), 1e-6)
    residual = np.maximum(power - (pixels @ shape) ** 2 - _FREEDOMS, 0) / power
    # Noise moves the centres of faint sources farther, and increases their residuals.
    near = offset_px < NEARLY_CENTRED_PX + 1.5 / np.sqrt(power)
    hot = star & near & (residual < UNLIKE + 2 * math.sqrt(2 * _FREEDOMS) / power)
    if np.count_nonzero(hot & clear) > MOSTLY_HOT * np.count_nonzero(clear & ~hot):
        # A source that is as sharp, but not a single pixel, is a pair of hot pixels.
        middle = pixels[:, 4] / np.maximum(pixels.sum(axis=1), 1e-6)
        hot |= star & (middle > AS_SHARP * np.median(middle[centred]))
    return np.asarray(hot, np.bool_)


def _common_profile(points: Points, pixels: NDArray[np.float32], power: NDArray[np.float32]) -> int | None:
    """Return the index of the width that fits the frame's stars; ``None`` for too few stars, or no common profile."""
    clear = power > CLEAR**2
    stars = np.flatnonzero((points.kind == KIND_STAR) & clear)
    stars = stars[np.argsort(-points.score[stars], kind="stable")[:MOST_STARS]]
    if len(stars) >= LEAST_STARS:
        best, residual = _best_profile(pixels[stars])
        return best if residual <= ALIKE and best < len(_PROFILES) - 1 else None
    single = pixels[(points.kind != KIND_EXTENDED) & clear]
    if len(single) < LEAST_MISTAKEN:
        return None
    best, residual = _best_profile(single)
    middle = single[:, 4] / np.maximum(single.sum(axis=1), 1e-6)
    varied = np.subtract(*np.quantile(middle, (0.85, 0.15))) >= SPREAD_MISTAKEN
    return best if residual <= ALIKE_MISTAKEN and varied and 0 < best < len(_PROFILES) - 1 else None


def _best_profile(pixels: NDArray[np.float32]) -> tuple[int, float]:
    """Return the index of the profile width with the smallest median residual of all sources, and this residual."""
    typical = [float(np.median(_residuals(pixels, profiles)[0])) for profiles in _PROFILES]
    best = int(np.argmin(typical))
    return best, typical[best]


def _residuals(
    pixels: NDArray[np.float32], profiles: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the residual of the best profile as a fraction of the power, less that of noise; and the ratio of the
    middle pixel to that of the profile.
    """
    power = np.maximum((pixels**2).sum(axis=1), 1e-6)
    height = pixels @ profiles.T
    best = height.argmax(axis=1)
    amplitude = np.maximum(height[np.arange(len(height)), best], 1e-3)
    residual = np.maximum(power - amplitude**2 - _FREEDOMS, 0) / power
    return residual, pixels[:, 4] / (amplitude * profiles[best, 4])


def _profiles(sigma_px: float) -> NDArray[np.float32]:
    """Return (49, 9) Gaussians integrated over 3 × 3 pixels, centred on a grid over the middle one; each of power 1."""
    edges = np.array([-1.5, -0.5, 0.5, 1.5])
    rows = []
    for centre in np.linspace(-0.5, 0.5, 7):
        below = [math.erf((edge - centre) / (sigma_px * math.sqrt(2))) for edge in edges]
        rows.append(np.diff(below) / 2)
    grid = np.einsum("ai,bj->abij", np.array(rows), np.array(rows)).reshape(-1, 9)
    return np.asarray(grid / np.linalg.norm(grid, axis=1, keepdims=True), np.float32)


_PROFILES = tuple(_profiles(sigma) for sigma in WIDTHS_SIGMA_PX)
