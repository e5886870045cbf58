"""All numbers of one frame, put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..baseline import PEDESTAL_KEYS, Exposed, estimate, pedestal_values
from ..plugins import Registered
from ..records import (
    KIND_ARTEFACT,
    KIND_STAR,
    NO_HOT_PIXELS,
    SUPERPIXEL_SATURATION,
    Detections,
    Frame,
    Measured,
    Measurements,
    NoiseCell,
    ReferenceStar,
    Scene,
    SkyNoise,
    Stars,
    Streak,
)
from .background import Background, background
from .ephemeris import KEYS as EPHEMERIS
from .ephemeris import Site, sun_and_moon
from .grid import dead_cell_fraction, field_grid, fwhm_spread_fraction
from .noise import UNSURE_PAIRS, sky_noise
from .numbers import OUT_OF_RANGE, Numbers
from .relation import NOT_COMPARED, RELATIVE
from .separation import separation_px
from .shape import field_shape
from .stacks import star_stacks
from .stamps import covered_cells, select
from .stars import measure_chosen, neighbour_distance
from .widths import widths

MAX_REFERENCE_STARS = 150
"""Most bright stars that are kept for matching with other frames."""
STANDARD_STARS = 10
"""Brightest stars whose mean is the standard star of the field: few fields have fewer, and cloud hides none of them."""
WIDTHS = ("fwhm_px", "fwhm_gauss_px", "fwhm_arcsec", "fwhm_mad_px", "fwhm_minor_px", "star_separation_fwhm")
"""Missing together, where the width of the stars cannot be measured."""
SATURATION_STRIDE = 8
"""Saturated pixels are counted on every eighth row and column."""
MANY_ARTEFACTS = 10
"""With at least so many artefacts, they are the likely reason that no star could be measured."""
SHAPE_DIGITS = 3
"""Decimal places of the width and elongation of these stars: a tenth of the error of the best."""
MIN_FLUX_ADU_S = 1e-12
"""Smallest flux rate that is divided by: below the faintest star of any unit of the pixels."""


class Measurer:
    """Measures frames; keeps nothing from one to the next.

    Parameters:
        site: where the telescope is, for the sun and the moon; ``None``: where the header says.
        rows: all metrics, each with the guard of its plugin; ``None``: those of astro-monitor.
    """

    def __init__(self, site: Site | None = None, rows: Sequence[Registered[metrics.Metric]] | None = None) -> None:
        self._site = site
        self._rows = [Registered(row, None) for row in metrics.METRICS] if rows is None else list(rows)
        self._keys = tuple(registered.row.key for registered in self._rows)

    def measure(self, frame: Frame, detections: Detections) -> Measured:
        """Measure one frame, by itself.

        Parameters:
            frame: the frame; its pixels are read around the chosen stars, and thinly all over.
            detections: from the star finder.

        Returns:
            the measured stars, and all numbers; a missing number is ``None`` with its reason. What is relative to other
            frames is missing until :func:`~.relation.relate` adds it.
        """
        # All measurements around stars use cleaned pixels; a frame with few hot pixels is not copied.
        clean = replace(frame, pixels=detections.hot.cleaned(frame.pixels))
        found = replace(detections, hot=NO_HOT_PIXELS)
        stars, which, _ = measure_chosen(clean, found, select(clean, found))
        bright = _bright_stars(stars, frame)
        cells = field_grid(detections, stars, _frame_shape(frame), frame.sensor_px_per_px)
        numbers = Numbers(dict.fromkeys(self._keys))
        noise = _noise_of(frame, detections)
        ground = background(detections.sky)
        _put_background(numbers, frame, ground)
        _put_effective_sky(numbers, frame, ground, noise)
        _put_counts(numbers, detections, stars)
        _put_sun_and_moon(numbers, frame, self._site)
        if stars.x_px.size:
            apart = neighbour_distance(which, found, float(np.median(stars.fwhm_px)))
            _put_widths(numbers, clean, stars, apart)
        else:
            numbers.explain(_why_no_star(detections), *metrics.KEYS)
        streaks = tuple(on_sensor(streak, float(frame.sensor_px_per_px)) for streak in detections.streaks)
        numbers.put("streak_count", len(streaks))
        numbers.put("field_fwhm_spread_fraction", fwhm_spread_fraction(cells))
        numbers.put(
            "dead_cell_fraction", dead_cell_fraction(cells, None if frame.border is None else covered_cells(frame))
        )
        numbers.explain("there are too few stars over the field", "field_fwhm_spread_fraction", "dead_cell_fraction")
        if bright:
            numbers.put("star_light_adu_s", star_light_adu_s(bright))
        numbers.explain("no unsaturated star was found", "star_light_adu_s")
        numbers.explain(NOT_COMPARED, *RELATIVE)
        scene = Scene(frame=frame, detections=detections, stars=stars, values=MappingProxyType(numbers.values))
        for registered in self._rows:
            _extract_metric(registered, scene, numbers)
        numbers.explain(OUT_OF_RANGE, *self._keys)
        missing = {key: reason for key, reason in numbers.why_missing.items() if numbers.values[key] is None}
        measurements = Measurements(
            frame_id=frame.frame_id,
            values=numbers.values,
            why_missing=missing,
            field_grid=cells,
            bright_stars=bright,
            streaks=streaks,
            sky_noise=noise,
        )
        stacks = star_stacks(clean, found, stars, which)
        return Measured(stars=stars, which=which, measurements=measurements, stacks=stacks)


def _extract_metric(registered: Registered[metrics.Metric], scene: Scene, numbers: Numbers) -> None:
    """Measure the number of one row by itself; an error of a plugin costs this number alone."""
    row, guard = registered.row, registered.guard
    if row.extract is None:
        return
    extract = row.extract
    try:
        if guard is None:
            numbers.put(row.key, extract(scene))
            return

        def missing(why: str) -> None:
            numbers.explain(why, row.key)

        what = f"{scene.frame.frame_id}: metric {row.key}"
        found = guard.call(what, lambda: float(extract(scene)), missing, (metrics.NoValueError, MemoryError))
        numbers.put(row.key, found)
    except metrics.NoValueError as error:
        numbers.explain(str(error) or OUT_OF_RANGE, row.key)


def _frame_shape(frame: Frame) -> tuple[int, int]:
    """Return (height, width) of a frame's pixels."""
    return frame.pixels.shape[0], frame.pixels.shape[1]


def _why_no_star(detections: Detections) -> str:
    """Return the reason for which no star of the frame could be measured, for people."""
    if np.count_nonzero(detections.kind == KIND_ARTEFACT) >= MANY_ARTEFACTS:
        return "no star could be distinguished from the hot pixels and other artefacts"
    if np.count_nonzero(detections.kind == KIND_STAR) >= MANY_ARTEFACTS:
        return "the sources are no wider than a pixel, so stars cannot be distinguished from hot pixels"
    return "no star could be measured"


def _put_background(numbers: Numbers, frame: Frame, ground: Background) -> None:
    """Put the metrics of the background: sky level, noise, gradient, and fractions of saturation."""
    numbers.put("background_adu", ground.level_adu)
    numbers.put("background_noise_adu", ground.noise_adu)
    numbers.put("background_gradient_adu", ground.gradient_adu)
    numbers.put("background_gradient_angle_deg", ground.gradient_angle_deg)
    thinned = frame.pixels[::SATURATION_STRIDE, ::SATURATION_STRIDE]
    numbers.put("saturated_pixel_fraction", float((thinned >= frame.saturation_adu).mean()))
    full = frame.saturation_adu / (SUPERPIXEL_SATURATION if frame.sensor_px_per_px > 1 else 1.0)
    if frame.pixels.dtype == np.uint16 or full <= 1.0:
        numbers.put("sky_saturation_fraction", ground.level_adu / full)
    numbers.explain("the full scale of these numbers is not known", "sky_saturation_fraction")


def _noise_of(frame: Frame, detections: Detections) -> SkyNoise:
    """Return level and noise of the sky in the parts of the frame; of the whole where no part could be measured."""
    noise, sky = sky_noise(frame), detections.sky
    if noise.cells or not sky.level_adu.size:
        return noise
    variance_adu2 = float(sky.noise_adu) ** 2 * float(frame.sensor_px_per_px) ** 2
    whole = NoiseCell(
        place=0, level_adu=float(np.median(sky.level_adu)), variance_adu2=variance_adu2, pairs=UNSURE_PAIRS
    )
    return replace(noise, cells=(whole,))


def _put_effective_sky(numbers: Numbers, frame: Frame, ground: Background, noise: SkyNoise) -> None:
    """Put the metrics that depend on pedestal and gain, as far as one frame can tell them by itself."""
    exposed = Exposed.of(frame.frame_id, frame.meta, noise)
    if exposed.cells:
        numbers.put("pixel_noise_adu", math.sqrt(exposed.variance_adu2))
    # The patchiness as a fraction of one ADU: that of S follows.
    known = {**numbers.values, "background_patchiness_fraction": ground.rough_adu, "effective_sky_adu": 1.0}
    for key, value in pedestal_values(known, estimate([exposed]), frame.meta.exposure_s or 0.0).items():
        numbers.put(key, value)
    if not frame.meta.exposure_s:
        numbers.explain("the header tells no exposure time", "sky_adu_s")
    numbers.explain("the noise of the sky cannot be measured", "pixel_noise_adu", *PEDESTAL_KEYS)


def _put_counts(numbers: Numbers, detections: Detections, stars: Stars) -> None:
    """Put the numbers of stars, of measured stars, and of artefacts."""
    count = int(np.count_nonzero(detections.kind == KIND_STAR))
    numbers.put("star_count", count)
    numbers.put("star_count_measured", stars.x_px.size)
    numbers.put("artefact_count", int(np.count_nonzero(detections.kind == KIND_ARTEFACT)))


def _put_widths(numbers: Numbers, frame: Frame, stars: Stars, apart: NDArray[np.float32]) -> None:
    """Put the metrics of star shapes: FWHM, HFR, elongation, and the pattern of elongation over the field."""
    px = float(frame.sensor_px_per_px)
    found = widths(frame, stars, apart, int(numbers.values["artefact_count"] or 0))
    clear = found.clear
    a, b = stars.a_px[clear].astype(np.float64), stars.b_px[clear].astype(np.float64)
    scale = frame.meta.scale_arcsec_px
    numbers.explain(found.why_missing, *WIDTHS)
    if not found.why_missing:
        numbers.put("fwhm_px", found.fwhm_px * px)
        numbers.put("fwhm_gauss_px", found.fwhm_gauss_px * px)
        numbers.explain("no Gaussian fits the stars", "fwhm_gauss_px")
        numbers.put("fwhm_mad_px", found.fwhm_mad_px * px)
        numbers.put("fwhm_minor_px", found.fwhm_minor_px * px)
        if stars.x_px.size > 1:
            numbers.put("star_separation_fwhm", separation_px(stars.x_px, stars.y_px) / found.fwhm_px)
        numbers.explain("only one star could be measured", "star_separation_fwhm")
        if scale is not None:
            numbers.put("fwhm_arcsec", found.fwhm_px * px * scale)
    hfr = float(np.median(stars.hfr_px[found.chosen]))
    numbers.put("hfr_px", hfr * px)
    if scale is not None:
        numbers.put("hfr_arcsec", hfr * px * scale)
    numbers.explain("the header tells no pixel scale", "fwhm_arcsec", "hfr_arcsec")
    numbers.put("eccentricity", float(np.median(np.sqrt(np.maximum(1 - (b / a) ** 2, 0)))))
    numbers.put("elongation", float(np.median(a / b)))
    numbers.put("central_dip_fraction", float(np.median(stars.dip[clear])))
    x, y, theta = (values[clear].astype(np.float64) for values in (stars.x_px, stars.y_px, stars.theta_deg))
    pattern = field_shape(x, y, a, b, theta, _frame_shape(frame), found.fwhm_minor_px)
    numbers.put("elongation_angle_deg", pattern.angle_deg)
    numbers.put("angle_coherence", pattern.coherence)
    length, double = pattern.trail_length_px * px, 2 * np.radians(pattern.angle_deg)
    numbers.put("trail_length_px", length)
    numbers.put("trail_plus_px2", length**2 * float(np.cos(double)))
    numbers.put("trail_cross_px2", length**2 * float(np.sin(double)))
    numbers.put("rotation_coherence", pattern.rotation_coherence)
    numbers.put("radial_elongation", pattern.radial_elongation)


def star_light_adu_s(stars: Sequence[ReferenceStar]) -> float:
    """Return the flux of a standard star of the field: the geometric mean over the ten brightest, in ADU per second.

    Parameters:
        stars: brightest first, at least one.
    """
    return float(np.exp(np.mean([np.log(star.flux_adu_s) for star in stars[:STANDARD_STARS]])))


def _bright_stars(stars: Stars, frame: Frame) -> tuple[ReferenceStar, ...]:
    """Return the brightest unsaturated stars, in sensor pixels and ADU per second, for comparison with other frames."""
    px = float(frame.sensor_px_per_px)
    seconds = frame.meta.exposure_s or 1.0
    half = (px - 1) / 2
    split_px2 = 12 * (stars.a_px.astype(np.float64) ** 2 - stars.b_px.astype(np.float64) ** 2) * px**2
    double = 2 * np.radians(stars.theta_deg.astype(np.float64))
    plus_px2, cross_px2 = split_px2 * np.cos(double), split_px2 * np.sin(double)
    return tuple(
        ReferenceStar(
            x_px=round(float(stars.x_px[i]) * px + half, 2),
            y_px=round(float(stars.y_px[i]) * px + half, 2),
            flux_adu_s=max(float(f"{float(stars.flux_adu[i]) / seconds:.6g}"), MIN_FLUX_ADU_S),
            fwhm_px=round(float(stars.fwhm_px[i]) * px, SHAPE_DIGITS),
            plus_px2=round(float(plus_px2[i]), SHAPE_DIGITS),
            cross_px2=round(float(cross_px2[i]), SHAPE_DIGITS),
        )
        for i in np.flatnonzero(~stars.saturated)[:MAX_REFERENCE_STARS]
    )


def _put_sun_and_moon(numbers: Numbers, frame: Frame, site: Site | None) -> None:
    """Put the metrics of Sun and Moon, or the reason for which they are unknown."""
    found = sun_and_moon(frame.meta, site)
    if isinstance(found, str):
        numbers.explain(found, *EPHEMERIS)
        return
    for key, value in found.items():
        numbers.put(key, round(value, 3))
    numbers.explain("the header does not tell where the telescope points", *EPHEMERIS)


def on_sensor(streak: Streak, scale: float) -> Streak:
    """Return a measured trail in sensor pixels, from one in frame pixels of ``scale`` sensor pixels each."""
    half = (scale - 1) / 2
    return replace(
        streak,
        x0_px=streak.x0_px * scale + half,
        y0_px=streak.y0_px * scale + half,
        x1_px=streak.x1_px * scale + half,
        y1_px=streak.y1_px * scale + half,
        length_px=streak.length_px * scale,
        width_px=streak.width_px * scale,
    )
