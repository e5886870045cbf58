"""Rows of the quality model's vector that compare a frame with its rig: widths, excess elongation, sky, light.

The excess E over the usual elongation is measured in three ways, each over F and over F0: from the second moments of
all stars, from the same stars in frame and reference, and from the kernel that turns the usual profile into this one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from ..baseline import excess_trail_px, usual_trail_px
from .alone import LONGEST_TRAIL, Row
from .known import FULL_BASELINE, Known
from .stretches import Stretch, asinh, at_most, identity, length_of, log, log1p, log_ratio, minus, over

STEADY_ANGLE_DEG = 25.0
"""The usual direction of the gradient is known when it scatters less."""

_MEASURED: Mapping[str, Stretch] = {
    "extinction_mag": identity,
    "extinction_scatter_mag": identity,
    "extinction_patch_mag": identity,
    "matched_star_count": log1p,
    "streak_count": log1p,
    "kernel_halo_fraction": identity,
    "kernel_peak_count": log1p,
    "kernel_gap_fraction": identity,
    "kernel_end_brightness": log1p,
}
"""Metrics that are measured against the baseline, and how each is stretched."""

_RATIOS: Sequence[str] = (
    "fwhm_px",
    "fwhm_minor_px",
    "hfr_px",
    "elongation",
    "sky_above_pedestal_adu",
    "effective_sky_adu",
    "background_adu",
    "background_noise_adu",
    "background_gradient_adu",
    "star_count",
    "snr_median",
    "matched_star_count",
)
"""Logarithm of the number over the baseline's median."""

_DIFFERENCES: Sequence[str] = (
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

_DEVIATIONS: Mapping[str, float] = {
    "fwhm_minor_px": 0.03,
    "elongation": 0.02,
    "sky_above_pedestal_adu": 0.03,
    "background_gradient_adu": 0.1,
    "star_count": 0.05,
    "matched_width_ratio": 0.02,
}
"""Difference over the baseline's spread, which is at least this fraction of the median."""

_SPREADS: Sequence[str] = ("fwhm_minor_px", "sky_above_pedestal_adu", "star_count", "background_gradient_adu")
"""How unsteady the baseline itself is: its spread over its median."""


def _measured(key: str, stretch: Stretch, known: Known) -> float | None:
    """Return a stretched metric that is relative by itself."""
    return stretch(known.now(key))


def _ratio(key: str, known: Known) -> float | None:
    """Return the logarithm of a metric over its usual value."""
    return log_ratio(known.now(key), known.usual(key))


def _difference(key: str, known: Known) -> float | None:
    """Return a metric minus its usual value."""
    return minus(known.now(key), known.usual(key))


def _deviation(key: str, floor: float, known: Known) -> float | None:
    """Return the distance of a metric from its usual value in units of its scatter, compressed by asinh."""
    value, spread = known.now(key), known.context.spreads.get(key)
    if value is None or spread is None:
        return None
    return math.asinh((value - spread.median) / max(spread.mad, floor * abs(spread.median), 1e-6))


def _unsteady(key: str, known: Known) -> float | None:
    """Return the scatter of a metric in its baseline relative to its median, at most 3."""
    spread = known.context.spreads.get(key)
    return None if spread is None else min(spread.mad / max(abs(spread.median), 1e-6), 3.0)


def _excess_px(known: Known) -> float | None:
    """Return E from the second moments of all stars of the frame."""
    return excess_trail_px(known.values, known.context.spreads)


def _excess_of_same_stars_px(known: Known) -> float | None:
    """Return E from the stars that are in the frame and in the reference."""
    return length_of(known.now("matched_trail_plus_px2"), known.now("matched_trail_cross_px2"))


def _scatter_of_same_stars(known: Known) -> float | None:
    """Return how differently elongated the same stars are over the field, as a length over F: a field that turns."""
    return over(length_of(known.now("matched_trail_scatter_px2"), 0.0), known.width_px())


def _kernel_px(known: Known) -> float | None:
    """Return E from the kernel between the usual profile and this one."""
    return known.now("kernel_length_px")


_EXCESSES: Mapping[str, Row] = {"moments": _excess_px, "same_stars": _excess_of_same_stars_px, "kernel": _kernel_px}


def _over_width(excess_px: Row, known: Known) -> float | None:
    """Return E / F, at most ``LONGEST_TRAIL``."""
    return at_most(over(excess_px(known), known.width_px()), LONGEST_TRAIL)


def _log_over_width(excess_px: Row, known: Known) -> float | None:
    """Return the stretched E / F."""
    return log1p(over(excess_px(known), known.width_px()))


def _log_over_usual_width(excess_px: Row, known: Known) -> float | None:
    """Return the stretched E / F0."""
    return log1p(over(excess_px(known), known.usual_width_px()))


def _excess_deviation(known: Known) -> float | None:
    """Return how much E squared is against the usual variation of the elongation vector."""
    excess_px, usual_width_px, spreads = _excess_px(known), known.usual_width_px(), known.context.spreads
    plus, cross = spreads.get("trail_plus_px2"), spreads.get("trail_cross_px2")
    if excess_px is None or plus is None or cross is None or not usual_width_px:
        return None
    return math.asinh(excess_px**2 / max(math.hypot(plus.mad, cross.mad), (0.2 * usual_width_px) ** 2))


def _gradient_change_adu(known: Known) -> float | None:
    """Length of the difference between two gradients as vectors; unknown while the usual direction is."""
    spreads = known.context.spreads
    size, angle = known.now("background_gradient_adu"), known.now("background_gradient_angle_deg")
    usual_size, usual_angle = spreads.get("background_gradient_adu"), spreads.get("background_gradient_angle_deg")
    if size is None or angle is None or usual_size is None or usual_angle is None:
        return None
    if usual_angle.mad > STEADY_ANGLE_DEG:
        return None
    turn = math.radians(angle - usual_angle.median)
    return math.sqrt(max(size**2 + usual_size.median**2 - 2 * size * usual_size.median * math.cos(turn), 0.0))


def _brightening(known: Known) -> float | None:
    """Return by how many S the sky is brighter than usual; no level of no light enters the difference."""
    return over(minus(known.now("background_adu"), known.usual("background_adu")), known.usual_sky_adu())


_DERIVED: Mapping[str, Row] = {
    "log_trail_over_normal_width": lambda known: log1p(over(known.now("trail_length_px"), known.usual_width_px())),
    "normal_trail_over_width": lambda known: at_most(
        over(usual_trail_px(known.context.spreads), known.usual_width_px()), LONGEST_TRAIL
    ),
    "excess_deviation": _excess_deviation,
    **{f"{name}_excess_over_width": partial(_over_width, excess) for name, excess in _EXCESSES.items()},
    **{f"log_{name}_excess_over_width": partial(_log_over_width, excess) for name, excess in _EXCESSES.items()},
    **{
        f"log_{name}_excess_over_normal_width": partial(_log_over_usual_width, excess)
        for name, excess in _EXCESSES.items()
    },
    "log_kernel_minor_over_width": lambda known: log1p(over(known.now("kernel_minor_px"), known.width_px())),
    "log_same_stars_scatter_over_width": lambda known: log1p(_scatter_of_same_stars(known)),
    "log_matched_width_ratio": lambda known: log(known.now("matched_width_ratio")),
    "log_normal_fwhm_over_site": lambda known: log(over(known.usual("fwhm_arcsec"), known.context.normal_fwhm_arcsec)),
    "log_gradient_over_normal_sky": lambda known: log(
        over(known.now("background_gradient_adu"), known.usual_sky_adu())
    ),
    "log_gradient_change_over_normal_sky": lambda known: log(over(_gradient_change_adu(known), known.usual_sky_adu())),
    "normal_gradient_over_normal_sky": lambda known: asinh(
        over(known.usual("background_gradient_adu"), known.usual_sky_adu())
    ),
    "brightening_over_normal_sky": lambda known: asinh(_brightening(known), 0.3),
    "normal_sky_error_fraction": lambda known: log1p(known.usual("effective_sky_error_fraction")),
    "log_baseline_size": lambda known: math.log1p(min(known.context.size, FULL_BASELINE)),
    "firm_baseline": lambda known: float(known.is_firm()),
}
"""Rows that combine several metrics, or a metric with its usual value."""

COMPARED: Mapping[str, Row] = {
    **{key: partial(_measured, key, stretch) for key, stretch in _MEASURED.items()},
    **_DERIVED,
    **{f"ratio_{key}": partial(_ratio, key) for key in _RATIOS},
    **{f"difference_{key}": partial(_difference, key) for key in _DIFFERENCES},
    **{f"deviation_{key}": partial(_deviation, key, floor) for key, floor in _DEVIATIONS.items()},
    **{f"spread_{key}": partial(_unsteady, key) for key in _SPREADS},
}
"""All rows of a frame against its rig, by name, in the order of the vector."""
