"""Rows of the quality model's vector that need no other frame: what a frame is by itself, and against its site.

The model says from these alone whether it knows such frames, so they must never look at a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from .known import DEFAULT_NORMAL_FWHM_ARCSEC, Known
from .profile import PROFILE_NUMBERS
from .stretches import Stretch, asinh, at_most, identity, log, log1p, over, product, tenfold

Row = Callable[[Known], float | None]
"""Returns one number of the vector; ``None`` is unknown."""

LONGEST_TRAIL = 6.0
"""Trail lengths in widths are cut off here where they are not stretched."""

_MEASURED: Mapping[str, Stretch] = {
    "fwhm_px": log,
    "fwhm_minor_px": log,
    "hfr_px": log,
    "elongation": log,
    "eccentricity": identity,
    "angle_coherence": identity,
    "rotation_coherence": identity,
    "radial_elongation": tenfold,
    "central_dip_fraction": identity,
    "star_count": log1p,
    "star_count_measured": log1p,
    "star_density_mpx": log1p,
    "star_separation_fwhm": log1p,
    "extended_count": log1p,
    "artefact_count": log1p,
    "snr_median": log,
    "saturated_star_fraction": identity,
    "saturated_pixel_fraction": log,
    "sky_saturation_fraction": log,
    "field_fwhm_spread_fraction": identity,
    "dead_cell_fraction": identity,
    "background_gradient_fraction": log,
    "background_patchiness_fraction": log,
    "effective_sky_error_fraction": log1p,
}
"""Metrics of the frame itself, and how each is stretched."""


def _measured(key: str, stretch: Stretch, known: Known) -> float | None:
    """Return a stretched metric of the frame."""
    return stretch(known.now(key))


def _profile(key: str, known: Known) -> float | None:
    """Return a number of what the sources of the frame have in common."""
    return known.profile.get(key)


def _trail_over_width(known: Known) -> float | None:
    """Return L / F."""
    return over(known.now("trail_length_px"), known.width_px())


def _minor_over_site(known: Known) -> float | None:
    """Return the width across the elongation over the site's normal FWHM."""
    minor_arcsec = over(product(known.now("fwhm_arcsec"), known.width_px()), known.now("fwhm_px"))
    return over(minor_arcsec, known.context.normal_fwhm_arcsec)


_DERIVED: Mapping[str, Row] = {
    "log_trail_over_width": lambda known: log1p(_trail_over_width(known)),
    "trail_over_width": lambda known: at_most(_trail_over_width(known), LONGEST_TRAIL),
    "log_fwhm_scatter": lambda known: log(over(known.now("fwhm_mad_px"), known.now("fwhm_px"))),
    "log_sky_over_noise": lambda known: log(over(known.sky_adu(), known.now("background_noise_adu"))),
    "log_gradient_over_noise": lambda known: log(
        over(known.now("background_gradient_adu"), known.now("background_noise_adu"))
    ),
    "log_gradient_over_sky": lambda known: log(over(known.now("background_gradient_adu"), known.sky_adu())),
    "effective_over_raw_sky": lambda known: asinh(
        over(known.now("effective_sky_adu"), known.now("sky_above_pedestal_adu"))
    ),
    "log_fwhm_over_site": lambda known: log(over(known.now("fwhm_arcsec"), known.context.normal_fwhm_arcsec)),
    "log_minor_over_site": lambda known: log(_minor_over_site(known)),
    "log_site_over_default": lambda known: math.log(known.context.normal_fwhm_arcsec / DEFAULT_NORMAL_FWHM_ARCSEC),
    "log2_stamp_bin": lambda known: math.log2(known.stamp_bin),
}
"""Rows that combine several metrics, or a metric with the site."""

ALONE: Mapping[str, Row] = {
    **{key: partial(_measured, key, stretch) for key, stretch in _MEASURED.items()},
    **_DERIVED,
    **{key: partial(_profile, key) for key in PROFILE_NUMBERS},
}
"""All rows of a frame by itself, by name, in the order of the vector."""
