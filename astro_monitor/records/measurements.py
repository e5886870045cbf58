"""Numbers of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .noise import NOT_MEASURED, SkyNoise
from .stacks import NO_STACKS, StarStacks
from .stars import Stars, Streak


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceStar:
    """A bright star of the frame, for matching with other frames of the target.

    Attributes:
        x_px, y_px: centre in sensor pixels.
        flux_adu_s: ADU per second.
        fwhm_px: width in sensor pixels; 0: not known, as of a star that was kept by an earlier version.
        plus_px2, cross_px2: elongation as a vector of twice the angle in square sensor pixels, 12 (a² - b²) times the
            cosine and the sine of twice the direction of the major axis; 0 for round.
    """

    x_px: float
    y_px: float
    flux_adu_s: float
    fwhm_px: float = 0.0
    plus_px2: float = 0.0
    cross_px2: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCell:
    """One cell of the field grid (8 columns × 6 rows). ``None``: too few stars in the cell."""

    column: int
    row: int
    star_count: int
    sky_adu: float
    fwhm_px: float | None
    elongation: float | None
    angle_deg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Numbers of one frame. ``values`` has every key of ``metrics.METRICS``; a missing one is ``None`` and has an
    entry in ``why_missing``.

    Attributes:
        field_grid: 48 cells, row by row.
        bright_stars: at most 150, brightest first.
        streaks: trails, in sensor pixels.
        fixed_streaks: lines that the rig is known for, in sensor pixels: no trails.
        sky_noise: level and noise of the sky in 24 parts of the field, for pedestal and gain.
    """

    frame_id: str
    values: dict[str, float | None]
    why_missing: dict[str, str]
    field_grid: tuple[FieldCell, ...]
    bright_stars: tuple[ReferenceStar, ...]
    streaks: tuple[Streak, ...]
    fixed_streaks: tuple[Streak, ...] = ()
    sky_noise: SkyNoise = NOT_MEASURED


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured on one frame by itself.

    Attributes:
        stars: the measured stars, with their cut-outs.
        which: (N,) index of each of them among the detections.
        measurements: numbers of the frame; what is relative to other frames is missing.
        stacks: mean images of the stars.
    """

    stars: Stars
    which: NDArray[np.intp]
    measurements: Measurements
    stacks: StarStacks = NO_STACKS
