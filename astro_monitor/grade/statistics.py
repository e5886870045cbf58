"""One vector of numbers for a frame: its measurements, the same against the rig's baseline, and against the site.

The only copy, for training and serving. Every number may be missing; then it is 0 and its flag is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..baseline import excess_trail_px, sky_change, sky_unit_adu, usual_trail_px
from ..records import FieldCell, Spread
from .profile import PROFILE_NUMBERS

FIRM_BASELINE = 5
"""A baseline of fewer frames is a hint, not a measure."""

FULL_BASELINE = 10
"""More frames do not make a baseline better known."""

DEFAULT_NORMAL_FWHM_ARCSEC = 3.0
"""FWHM of a rig without a baseline: seeing and optics of an amateur site."""
MAP_COLUMNS, MAP_ROWS = 8, 6
"""Cells of the field grid."""
LARGEST = 12.0
"""Numbers are cut off here: beyond lies nothing to learn from."""

STEADY_ANGLE_DEG = 25.0
"""The usual direction of the gradient is known when it scatters less."""

LEAST_RATIO = 1e-3
"""A field that lost all its stars still has a logarithm."""

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a frame's numbers are compared with.

    Attributes:
        spreads, size, sky_pattern, turned_sky_pattern, ...: of the baseline; size 0 when there is none.
        normal_fwhm_arcsec: FWHM of a good frame at this site.
    """

    spreads: Mapping[str, Spread]
    size: int
    sky_pattern: Sequence[float] = ()
    sky_stray: float = 0.0
    turned_sky_pattern: Sequence[float] = ()
    sky_pattern_level_adu: float = 0.0
    normal_fwhm_arcsec: float = DEFAULT_NORMAL_FWHM_ARCSEC


def _identity(value: float) -> float:
    """Return a metric unchanged, for the quality model's vector."""
    return value


def _log(value: float) -> float:
    """Return the logarithm of a metric of at least 1e-4, for the quality model's vector."""
    return math.log(max(value, 1e-4))


def _log1p(value: float) -> float:
    """Return the logarithm of 1 plus a metric, for the quality model's vector."""
    return math.log1p(max(value, 0.0))


def _tenfold(value: float) -> float:
    """Return ten times a metric, for the quality model's vector."""
    return 10 * value


_OWN: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("fwhm_px", _log),
    ("fwhm_minor_px", _log),
    ("hfr_px", _log),
    ("elongation", _log),
    ("eccentricity", _identity),
    ("angle_coherence", _identity),
    ("rotation_coherence", _identity),
    ("radial_elongation", _tenfold),
    ("central_dip_fraction", _identity),
    ("star_count", _log1p),
    ("star_count_measured", _log1p),
    ("star_density_mpx", _log1p),
    ("extended_count", _log1p),
    ("artefact_count", _log1p),
    ("snr_median", _log),
    ("saturated_star_fraction", _identity),
    ("saturated_pixel_fraction", _log),
    ("streak_count", _log1p),
    ("field_fwhm_spread_fraction", _identity),
    ("dead_cell_fraction", _identity),
    ("background_gradient_fraction", _log),
    ("background_patchiness_fraction", _log),
    ("extinction_mag", _identity),
    ("matched_star_count", _log1p),
)
"""A number of the frame itself and how it is stretched."""

_RATIOS = (
    "fwhm_px",
    "fwhm_minor_px",
    "hfr_px",
    "elongation",
    "sky_above_pedestal_adu",
    "background_adu",
    "background_noise_adu",
    "background_gradient_adu",
    "star_count",
    "snr_median",
    "matched_star_count",
)
"""Logarithm of the number over the baseline's median."""

_DIFFERENCES = (
    "eccentricity",
    "central_dip_fraction",
    "angle_coherence",
    "rotation_coherence",
    "radial_elongation",
    "field_fwhm_spread_fraction",
    "dead_cell_fraction",
    "extinction_mag",
    "background_gradient_fraction",
    "background_patchiness_fraction",
)
"""The number minus the baseline's median."""

_DEVIATIONS = (
    ("fwhm_minor_px", 0.03),
    ("elongation", 0.02),
    ("sky_above_pedestal_adu", 0.03),
    ("background_gradient_adu", 0.1),
    ("star_count", 0.05),
)
"""Difference over the baseline's spread, which is at least this fraction of the median."""

_SPREADS = ("fwhm_minor_px", "sky_above_pedestal_adu", "star_count", "background_gradient_adu")
"""How unsteady the baseline itself is: its spread over its median."""

_DERIVED = (
    "log_trail_over_width",
    "trail_over_width",
    "log_fwhm_scatter",
    "log_sky_over_noise",
    "log_gradient_over_noise",
    "log_trail_over_normal_width",
    "log_gradient_over_normal_sky",
    "log_gradient_change_over_normal_sky",
    "normal_gradient_over_normal_sky",
    "log_fwhm_over_site",
    "log_minor_over_site",
    "log_normal_fwhm_over_site",
    "log_site_over_default",
    "log_excess_trail_over_width",
    "log_excess_trail_over_normal_width",
    "excess_trail_deviation",
    "normal_trail_over_width",
)
_MAP = tuple(f"sky_cell_{row}_{column}" for row in range(MAP_ROWS) for column in range(MAP_COLUMNS))
_CHANGE = tuple(f"sky_change_{row}_{column}" for row in range(MAP_ROWS) for column in range(MAP_COLUMNS))
_MAP_SUMMARY = ("lowest", "tenth", "quarter", "three_quarters", "nine_tenths", "highest", "rms")

NUMBERS: tuple[str, ...] = (
    *(key for key, _ in _OWN),
    *_DERIVED,
    *(f"ratio_{key}" for key in _RATIOS),
    *(f"difference_{key}" for key in _DIFFERENCES),
    *(f"deviation_{key}" for key, _ in _DEVIATIONS),
    *(f"spread_{key}" for key in _SPREADS),
    "log_baseline_size",
    "firm_baseline",
    "log2_stamp_bin",
    *PROFILE_NUMBERS,
)
"""Names of the numbers that may be missing, in the order of the vector."""

_CHANGE_SUMMARY = (*_MAP_SUMMARY, "slope", "range", "rms_over_stray", "range_over_noise", "stray")
# Offsets of the parts of the vector.
_MAP_START = 2 * len(NUMBERS)
_CHANGE_START = _MAP_START + len(_MAP) + len(_MAP_SUMMARY)
STATISTICS_LENGTH = _CHANGE_START + len(_CHANGE) + len(_CHANGE_SUMMARY)
MAP_SLICES = (slice(_MAP_START, _MAP_START + len(_MAP)), slice(_CHANGE_START, _CHANGE_START + len(_CHANGE)))
"""Where the map of the sky and the map of its changes lie in the vector, each row by row."""

_QUANTILES = (0, 0.1, 0.25, 0.75, 0.9, 1)
"""Quantiles that sum up a map; its median is 0 by definition."""
# Rows and columns of the cells, from -1 to 1.
_ROW, _COLUMN = (
    axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, MAP_ROWS), np.linspace(-1, 1, MAP_COLUMNS), indexing="ij")
)


def statistics(
    values: Values,
    cells_adu: NDArray[np.float64],
    stamp_bin: int,
    profile: Sequence[float | None],
    context: Context,
) -> NDArray[np.float32]:
    """Return the vector of one frame for the quality model.

    Parameters:
        values: ``Measurements.values``.
        cells_adu: (48,) sky level of the cells of the field grid, row by row.
        stamp_bin: binning of the cut-outs.
        profile: from :func:`~astro_monitor.grade.profile.profile_numbers`.
        context: what to compare with.

    Returns:
        (``STATISTICS_LENGTH``,) float32: ``NUMBERS``, a flag for each (1: known), the sky map and its summary, the map
        of what has changed against the baseline and its summary (0 while there is none).
    """
    known = {key: value for key, value in values.items() if value is not None and math.isfinite(value)}
    medians = {key: spread.median for key, spread in context.spreads.items() if math.isfinite(spread.median)}
    numbers: list[float | None] = [_apply(stretch, known.get(key)) for key, stretch in _OWN]
    numbers += _derived(known, medians, context.spreads, context.normal_fwhm_arcsec)
    numbers += [_log_ratio(known.get(key), medians.get(key)) for key in _RATIOS]
    numbers += [_difference(known.get(key), medians.get(key)) for key in _DIFFERENCES]
    numbers += [_deviation(known.get(key), context.spreads.get(key), floor) for key, floor in _DEVIATIONS]
    numbers += [_unsteady(context.spreads.get(key)) for key in _SPREADS]
    numbers += [
        math.log1p(min(context.size, FULL_BASELINE)),
        float(context.size >= FIRM_BASELINE),
        math.log2(stamp_bin),
    ]
    numbers += profile
    flags = [0.0 if number is None else 1.0 for number in numbers]
    relative = _sky_map(cells_adu, known, medians)
    change = _change(cells_adu, known, context)
    change_map = np.arcsinh(5 * change)
    vector = np.array(
        [
            *(number or 0.0 for number in numbers),
            *flags,
            *relative,
            *_summary(relative),
            *change_map,
            *_summary(change_map),
            _slope(change_map),
            *_size_of_change(change, known, medians, context),
        ],
        np.float64,
    )
    return np.clip(np.nan_to_num(vector), -LARGEST, LARGEST).astype(np.float32)


def cells_sky_adu(grid: Sequence[FieldCell]) -> NDArray[np.float64]:
    """Return the sky levels of a field grid, (48,), row by row."""
    return np.array([cell.sky_adu for cell in grid], np.float64)


def _derived(
    known: dict[str, float], medians: dict[str, float], spreads: Mapping[str, Spread], site_arcsec: float
) -> list[float | None]:
    """Return the entries of the quality model's vector that combine metrics, baseline and site."""
    trail, minor = known.get("trail_length_px"), known.get("fwhm_minor_px")
    noise, sky = known.get("background_noise_adu"), known.get("sky_above_pedestal_adu")
    gradient = known.get("background_gradient_adu")
    normal_sky = medians.get("sky_above_pedestal_adu")
    trail_over_width = _over(trail, minor)
    return [
        _apply(_log1p, trail_over_width),
        None if trail_over_width is None else min(trail_over_width, 6.0),
        _apply(_log, _over(known.get("fwhm_mad_px"), known.get("fwhm_px"))),
        _apply(_log, _over(sky, noise)),
        _apply(_log, _over(gradient, noise)),
        _apply(_log1p, _over(trail, medians.get("fwhm_minor_px"))),
        _apply(_log, _over(gradient, normal_sky)),
        _apply(_log, _over(_gradient_change(known, spreads), normal_sky)),
        _over(medians.get("background_gradient_adu"), normal_sky),
        _apply(_log, _over(known.get("fwhm_arcsec"), site_arcsec)),
        _apply(_log, _over(_over(_times(known.get("fwhm_arcsec"), minor), known.get("fwhm_px")), site_arcsec)),
        _apply(_log, _over(medians.get("fwhm_arcsec"), site_arcsec)),
        math.log(site_arcsec / DEFAULT_NORMAL_FWHM_ARCSEC),
        *_excess(known, spreads),
    ]


def _excess(known: dict[str, float], spreads: Mapping[str, Spread]) -> tuple[float | None, ...]:
    """Elongation beyond the rig's usual one, over the width, and over how much it varies."""
    excess, minor = excess_trail_px(known, spreads), known.get("fwhm_minor_px")
    normal = spreads.get("fwhm_minor_px")
    normal_minor = normal.median if normal else None
    plus, cross = spreads.get("trail_plus_px2"), spreads.get("trail_cross_px2")
    deviation = None
    if excess is not None and plus is not None and cross is not None and normal_minor:
        deviation = math.asinh(excess**2 / max(math.hypot(plus.mad, cross.mad), (0.2 * normal_minor) ** 2))
    usual = _over(usual_trail_px(spreads), normal_minor)
    return (
        _apply(_log1p, _over(excess, minor)),
        _apply(_log1p, _over(excess, normal_minor)),
        deviation,
        None if usual is None else min(usual, 6.0),
    )


def _gradient_change(known: dict[str, float], spreads: Mapping[str, Spread]) -> float | None:
    """Length of the difference between two gradients as vectors; unknown while the usual direction is."""
    size, angle = known.get("background_gradient_adu"), known.get("background_gradient_angle_deg")
    usual_size, usual_angle = spreads.get("background_gradient_adu"), spreads.get("background_gradient_angle_deg")
    if size is None or angle is None or usual_size is None or usual_angle is None:
        return None
    if usual_angle.mad > STEADY_ANGLE_DEG:
        return None
    turn = math.radians(angle - usual_angle.median)
    return math.sqrt(max(size**2 + usual_size.median**2 - 2 * size * usual_size.median * math.cos(turn), 0.0))


def _sky_map(cells_adu: NDArray[np.float64], known: dict[str, float], medians: dict[str, float]) -> NDArray[np.float64]:
    """Sky of the cells against their median, in units of the normal sky: of the baseline, else of the frame itself."""
    sky = medians.get("sky_above_pedestal_adu") or known.get("sky_above_pedestal_adu") or 0.0
    floor = 3 * known.get("background_noise_adu", 1.0)
    relative = (cells_adu - np.median(cells_adu)) / max(sky, floor, 1e-6)
    return np.asarray(np.arcsinh(3 * relative), np.float64)


def _change(cells_adu: NDArray[np.float64], known: dict[str, float], context: Context) -> NDArray[np.float64]:
    """Sky beyond the usual pattern in units of the usual sky; all 0 while nothing is usual."""
    turned, level_adu = context.turned_sky_pattern, context.sky_pattern_level_adu
    change = sky_change(cells_adu.tolist(), known, context.sky_pattern, context.spreads, turned, level_adu)
    return np.zeros(cells_adu.size) if change is None else np.array(change, np.float64)


def _size_of_change(
    change: NDArray[np.float64], known: dict[str, float], medians: dict[str, float], context: Context
) -> list[float]:
    """Return a change in units of the sky of the baseline, of its scatter, and of the noise of one pixel.

    The sky is not always known: without the level of no light it is a guess.
    """
    if not change.any():
        return [0.0, 0.0, 0.0, 0.0]
    low, high = np.quantile(change, (0.02, 0.98))
    unit = sky_unit_adu(medians.get("sky_above_pedestal_adu"), medians.get("background_noise_adu"))
    noise = max(known.get("background_noise_adu", 0.0), 1e-6)
    return [
        math.asinh(5 * (high - low)),
        math.asinh(float(np.sqrt(np.mean(change**2))) / max(context.sky_stray, 0.002)),
        math.asinh(5 * (high - low) * unit / noise),
        math.asinh(50 * context.sky_stray),
    ]


def _summary(cells: NDArray[np.float64]) -> list[float]:
    """Return the quantiles and the root mean square of the cells of a field grid."""
    return [*np.quantile(cells, _QUANTILES), float(np.sqrt(np.mean(cells**2)))]


def _slope(cells: NDArray[np.float64]) -> float:
    """Size of the linear part of a map."""
    return float(np.hypot((cells * _ROW).mean() / (_ROW**2).mean(), (cells * _COLUMN).mean() / (_COLUMN**2).mean()))


def _apply(stretch: Callable[[float], float], value: float | None) -> float | None:
    """Return a metric after its stretch; ``None`` stays ``None``."""
    return None if value is None else stretch(value)


def _over(value: float | None, by: float | None) -> float | None:
    """Return the ratio of two metrics; ``None`` when either is unknown or the divisor is not positive."""
    return value / by if value is not None and by is not None and by > 0 else None


def _times(value: float | None, by: float | None) -> float | None:
    """Return the product of two metrics; ``None`` when either is unknown."""
    return value * by if value is not None and by is not None else None


def _log_ratio(value: float | None, median: float | None) -> float | None:
    """Return the logarithm of a metric over its baseline median; ``None`` when either is unknown."""
    if value is None or median is None or median <= 0:
        return None
    return math.log(max(value / median, LEAST_RATIO))


def _difference(value: float | None, median: float | None) -> float | None:
    """Return a metric minus its baseline median; ``None`` when either is unknown."""
    return value - median if value is not None and median is not None else None


def _deviation(value: float | None, spread: Spread | None, floor: float) -> float | None:
    """Return the distance of a metric from its baseline median in units of its scatter, compressed by asinh."""
    if value is None or spread is None:
        return None
    return math.asinh((value - spread.median) / max(spread.mad, floor * abs(spread.median), 1e-6))


def _unsteady(spread: Spread | None) -> float | None:
    """Return the scatter of a metric in its baseline relative to its median, at most 3."""
    return None if spread is None else min(spread.mad / max(abs(spread.median), 1e-6), 3.0)
