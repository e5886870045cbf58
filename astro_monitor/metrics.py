"""Every number that is measured on a frame, as a table: a new number is a new row.

``better`` tells a reader (or a plot) which way is good. All lengths in pixels are *sensor pixels* (binning of the
file included, super-pixels of a colour filter array undone).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .documents.vocabulary import Better
from .hookspecs import hookimpl
from .plugins import Plugins, Registered
from .records import KIND_EXTENDED, KIND_STAR, Scene

MEANING_VERSION = 3
"""Raised whenever a number of an old frame would come out differently: baselines of another version are not used.

2: frames are read without overscan and borders, calibrated frames have no pedestal, hot pixels are no stars, and widths
hold from 1.3 to 12 pixels.
3: pedestal and gain are worked out from noise and level; gradient and patchiness are fractions of S.
"""


class NoValueError(ValueError):
    """A number cannot be measured on this frame. The message is the reason, a clause without a full stop."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row.

    Attributes:
        key: name with the unit in it.
        unit: of the number; ``1`` for a pure number.
        better: which way is good.
        meaning: what it is, in one line.
        extract: measures the number; raises :class:`NoValueError` where there is none. Runs in the worker. ``None``:
            the number is measured together with others, see :mod:`astro_monitor.measure.measurer`.
    """

    key: str
    unit: str
    better: Better
    meaning: str
    extract: Callable[[Scene], float] | None = None


def _of_stars(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of the measured stars.

    Raises:
        NoValueError: there is none.
    """
    if not values.size:
        raise NoValueError("no star could be measured")
    return values


METRICS = (
    Metric("background_adu", "ADU", "near", "Median sky level as stored in the file"),
    Metric("sky_above_pedestal_adu", "ADU", "near", "Sky level above the level of no light"),
    Metric("pedestal_adu", "ADU", "none", "Level of no light: from the header, else from noise and level"),
    Metric("effective_sky_adu", "ADU", "near", "S, the sky that noise can see: sky, dark current, squared read noise"),
    Metric("effective_sky_error_fraction", "1", "lower", "Standard error of S / S: large where it is guessed"),
    Metric("pixel_noise_adu", "ADU", "lower", "Noise of one sensor pixel, by differences of pixels close together"),
    Metric("background_noise_adu", "ADU", "lower", "Standard deviation of the sky in one pixel"),
    Metric("background_gradient_adu", "ADU", "lower", "Peak to valley of the smooth sky over the field"),
    Metric("background_gradient_fraction", "1", "lower", "The same as a fraction of S"),
    Metric("background_gradient_angle_deg", "deg", "none", "Direction in which the sky brightens, from +x to +y"),
    Metric("background_patchiness_fraction", "1", "lower", "Rms of sky structure left after the smooth fit / S"),
    Metric("sky_adu_s", "ADU/s", "near", "Sky above pedestal per second of exposure"),
    Metric("fwhm_px", "px", "lower", "Median FWHM of the stars' light before the pixels widen it"),
    Metric("fwhm_gauss_px", "px", "lower", "Median FWHM of Gaussians fitted at pixel centres, as Siril measures it"),
    Metric("fwhm_arcsec", "arcsec", "lower", "fwhm_px in arcseconds"),
    Metric("fwhm_mad_px", "px", "lower", "Scaled median absolute deviation of the FWHM over the stars"),
    Metric("fwhm_minor_px", "px", "lower", "Median FWHM along the minor axis: the width without elongation"),
    Metric("hfr_px", "px", "lower", "Median half-flux radius of the stars"),
    Metric("hfr_arcsec", "arcsec", "lower", "The same in arcseconds"),
    Metric("eccentricity", "1", "lower", "Median of sqrt(1 - (b/a)^2) of the stars"),
    Metric("elongation", "1", "lower", "Median of a/b of the stars"),
    Metric("elongation_angle_deg", "deg", "none", "Axial mean direction of the major axes, from +x to +y"),
    Metric("angle_coherence", "1", "none", "Axial mean resultant length of those directions: 1 = all the same"),
    Metric(
        "trail_length_px",
        "px",
        "lower",
        "Path length that explains the coherent elongation, sqrt(12 (a^2-b^2))",
    ),
    Metric("trail_plus_px2", "px2", "none", "The same as a vector of twice the angle: L^2 cos 2t; rigs subtract in it"),
    Metric("trail_cross_px2", "px2", "none", "Its second component: L^2 sin 2t"),
    Metric("rotation_coherence", "1", "none", "How well directions turn around one point of the field (0 to 1)"),
    Metric("radial_elongation", "1", "near", "Radial (+) or tangential (-) part of the elongation over the field"),
    Metric("central_dip_fraction", "1", "lower", "How hollow or flat-topped the stars are: 0 Gaussian, 1 ring"),
    Metric("star_count", "1", "near", "Stars found in the whole frame"),
    Metric("star_count_measured", "1", "none", "Stars that shape numbers are based on"),
    Metric(
        "star_density_mpx", "1/Mpx", "near", "Stars found per million frame pixels",
        lambda scene: scene.count(KIND_STAR) / (scene.picture_px / 1e6),
    ),
    Metric("star_separation_fwhm", "FWHM", "none", "Median distance of a measured star to the next, in star widths"),
    Metric("extended_count", "1", "none", "Extended objects found", lambda scene: scene.count(KIND_EXTENDED)),
    Metric("artefact_count", "1", "none", "Cosmic rays, hot pixels and other artefacts found"),
    Metric(
        "snr_median", "1", "higher", "Median signal to noise of the measured stars",
        lambda scene: float(np.median(_of_stars(scene.stars.snr))),
    ),
    Metric(
        "saturated_star_fraction", "1", "lower", "Part of the measured stars that touch saturation",
        lambda scene: float(_of_stars(scene.stars.saturated).mean()),
    ),
    Metric("saturated_pixel_fraction", "1", "lower", "Part of the frame at saturation"),
    Metric("sky_saturation_fraction", "1", "none", "Sky level as stored, as a fraction of saturation"),
    Metric("transparency", "1", "higher", "Flux of matched stars relative to the best frame of this target"),
    Metric("star_light_adu_s", "ADU/s", "higher", "Flux of a standard star of the field: of ten stars, by all matched"),
    Metric("extinction_mag", "mag", "lower", "The same in magnitudes, -2.5 log10"),
    Metric("extinction_scatter_mag", "mag", "lower", "Scatter of the loss among the matched stars"),
    Metric("extinction_patch_mag", "mag", "lower", "Loss of the worst twelfth of the field beyond the whole, as sure"),
    Metric("unit_ratio", "1", "none", "Pixel values against earlier frames, where they came in another unit"),
    Metric("matched_star_count", "1", "higher", "Stars matched to the reference frame"),
    Metric("matched_width_ratio", "1", "lower", "Width of matched stars over that in the reference frame, median"),
    Metric("matched_trail_plus_px2", "px2", "none", "Median change of 12 (a^2-b^2) cos 2t of matched stars"),
    Metric("matched_trail_cross_px2", "px2", "none", "Median change of 12 (a^2-b^2) sin 2t of matched stars"),
    Metric("matched_trail_scatter_px2", "px2", "lower", "Scatter of these changes over the stars: a field that turns"),
    Metric("kernel_length_px", "px", "lower", "Path beyond the usual mean star, wider seeing included: sqrt12 x rms"),
    Metric("kernel_minor_px", "px", "lower", "The same across the path: wider seeing alone adds as much to both"),
    Metric("kernel_angle_deg", "deg", "none", "Direction of that path, from +x to +y"),
    Metric("kernel_halo_fraction", "1", "lower", "Light that the path holds farther than one width from its middle"),
    Metric("kernel_peak_count", "1", "none", "Separate places where the stars stood: 2 after a jump"),
    Metric("kernel_gap_fraction", "1", "none", "Depth between the two highest of them: 0 a straight path, 1 a jump"),
    Metric("kernel_end_brightness", "1", "none", "Light at the path's ends over that in its middle; periodic: above 1"),
    Metric("offset_px", "px", "near", "Shift of the field relative to the reference frame"),
    Metric("offset_x_px", "px", "none", "Its part along x: where the middle of the reference field is now"),
    Metric("offset_y_px", "px", "none", "Its part along y"),
    Metric("field_turn_deg", "deg", "none", "Turn of the field relative to the reference frame, from +x to +y"),
    Metric("sun_altitude_deg", "deg", "lower", "Altitude of the sun above the horizon of the site"),
    Metric("moon_altitude_deg", "deg", "lower", "Altitude of the moon"),
    Metric("moon_illumination", "1", "lower", "Part of the moon's disc that is lit"),
    Metric("moon_separation_deg", "deg", "higher", "Angle between the moon and the middle of the field"),
    Metric("streak_count", "1", "lower", "Satellite and aircraft trails"),
    Metric("field_fwhm_spread_fraction", "1", "lower", "Spread of the cells' FWHM over the field / median"),
    Metric("dead_cell_fraction", "1", "lower", "Part of the field grid with far fewer stars than the rest"),
    Metric(
        "bad_pixel_fraction", "1", "lower", "Part of the frame that was NaN or infinite",
        lambda scene: scene.frame.bad_pixel_fraction,
    ),
)  # fmt: skip
"""All metrics of astro-monitor, in the order of the documents."""

KEYS = tuple(metric.key for metric in METRICS)
BY_KEY = {metric.key: metric for metric in METRICS}
_KEY = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
"""A key in lower case with underscores, such as ``ring_radius_px``."""


@hookimpl
def register_metrics() -> Iterable[Metric]:
    """Return the metric table."""
    return METRICS


def registered_metrics(plugins: Plugins) -> list[Registered[Metric]]:
    """Collect the metrics of astro-monitor and of the plugins that are on.

    Raises:
        ConfigError: a plugin returned what is no metric, one without an extractor, or a key that is taken.
    """
    return plugins.registered("register_metrics", Metric, _key)


def _key(row: Metric) -> tuple[str]:
    """Return the key of a row.

    Raises:
        ValueError: the row cannot work.
    """
    if row in METRICS:
        return (row.key,)
    if not _KEY.fullmatch(row.key):
        raise ValueError(f"the key {row.key!r} is not in lower case with underscores, such as ring_radius_px")
    if row.extract is None or not row.unit or not row.meaning or row.better not in get_args(Better):
        raise ValueError(f"the metric {row.key} has no unit, no meaning, no extractor, or an unknown 'better'")
    return (row.key,)
