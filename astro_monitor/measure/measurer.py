"""All numbers of one frame, put together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..records import (
    KIND_ARTEFACT,
    KIND_EXTENDED,
    KIND_STAR,
    Baseline,
    Detections,
    Frame,
    Measurements,
    ReferenceStar,
    Stars,
    Streak,
)
from . import stamps as cutouts
from .background import Background, background
from .grid import dead_cell_fraction, field_grid, fwhm_spread_fraction
from .moments import FWHM_PER_SIGMA, Shapes, measure_stamps
from .shape import field_shape
from .transparency import MIN_MATCHES, match

MAX_REFERENCE_STARS = 150
SATURATION_STRIDE = 8
"""Saturated pixels are counted on every eighth row and column."""


@dataclass
class _Numbers:
    """Collects values; what is never set stays missing, with the reason that was given for its group."""

    values: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(metrics.KEYS))
    why_missing: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: float) -> None:
        if np.isfinite(value):
            self.values[key] = float(value)

    def explain(self, reason: str, *keys: str) -> None:
        for key in keys:
            if self.values[key] is None:
                self.why_missing.setdefault(key, reason)


class Measurer:
    """Measures frames; keeps nothing from one to the next."""

    def measure(self, frame: Frame, detections: Detections, baseline: Baseline) -> tuple[Stars, Measurements]:
        """Measure one frame.

        Parameters:
            frame: the frame; its pixels are only read where the chosen stars are.
            detections: from the star finder.
            baseline: its reference stars serve for transparency.

        Returns:
            the measured stars, and all numbers; a missing number is ``None`` with its reason.
        """
        stars = _stars(frame, detections)
        numbers = _Numbers()
        ground = background(detections.sky, frame.meta, frame.sensor_px_per_px)
        _put_background(numbers, ground, frame)
        _put_counts(numbers, detections, stars, frame)
        cells = field_grid(detections, stars, _shape(frame), frame.sensor_px_per_px)
        bright = _bright_stars(stars, frame)
        if stars.x_px.size:
            _put_shapes(numbers, stars, frame)
            _put_optional(numbers, "field_fwhm_spread_fraction", fwhm_spread_fraction(cells))
            _put_transparency(numbers, bright, baseline, frame)
        _put_optional(numbers, "dead_cell_fraction", dead_cell_fraction(cells))
        _explain_missing(numbers, ground, stars, baseline)
        scale = float(frame.sensor_px_per_px)
        return stars, Measurements(
            frame_id=frame.frame_id,
            values=numbers.values,
            why_missing=numbers.why_missing,
            field_grid=cells,
            bright_stars=bright,
            streaks=tuple(_on_sensor(streak, scale) for streak in detections.streaks),
        )


def _shape(frame: Frame) -> tuple[int, int]:
    return frame.pixels.shape[0], frame.pixels.shape[1]


def _stars(frame: Frame, detections: Detections) -> Stars:
    chosen = cutouts.select(frame, detections)
    light = cutouts.cut(frame, detections, chosen)
    shapes = measure_stamps(light)
    noise = detections.sky.noise_adu / detections.bin_factor
    snr = _snr(shapes, noise, frame)
    trusted = np.flatnonzero(shapes.converged & (snr >= 4))
    order = trusted[np.argsort(-shapes.flux[trusted], kind="stable")]
    binning = detections.bin_factor
    a, b, theta = shapes.axes()
    first_x = cutouts.corners(detections.x_px[chosen], binning)
    first_y = cutouts.corners(detections.y_px[chosen], binning)
    middle = cutouts.SIDE_PX // 2
    # The centre of binned pixel i lies at binning * (i + 1/2) - 1/2.
    x = first_x + binning * (middle + shapes.dx + 0.5) - 0.5
    y = first_y + binning * (middle + shapes.dy + 0.5) - 0.5
    width = FWHM_PER_SIGMA * np.sqrt((a**2 + b**2) / 2)
    peak = light.max(axis=(1, 2)) if light.size else np.zeros(0, np.float32)
    sky = cutouts.sky_at(detections.sky, detections.x_px[chosen], detections.y_px[chosen])
    single = {
        "x_px": x, "y_px": y, "flux_adu": shapes.flux * binning**2, "fwhm_px": width * binning, "a_px": a * binning,
        "b_px": b * binning, "theta_deg": theta, "hfr_px": shapes.hfr * binning, "snr": snr,
        "dip": shapes.dip,
    }  # fmt: skip
    return Stars(
        frame_id=frame.frame_id,
        **{name: _frozen(values[order].astype(np.float32)) for name, values in single.items()},
        saturated=_frozen((peak + sky >= 0.98 * frame.saturation_adu)[order]),
        kind=_frozen(detections.kind[chosen][order]),
        stamps=_frozen(light[order]),
        stamp_bin=binning,
    )


def _snr(shapes: Shapes, noise_adu: float, frame: Frame) -> NDArray[np.float64]:
    """Aperture signal to noise: sky noise in the aperture, and photon noise of the star when the gain is known."""
    variance = shapes.aperture_px2 * noise_adu**2
    gain = frame.meta.e_per_adu
    if gain is not None and gain > 0:
        variance = variance + np.maximum(shapes.flux, 0) / (gain * frame.sensor_px_per_px**2)
    return np.asarray(shapes.flux / np.sqrt(np.maximum(variance, 1e-12)), np.float64)


def _frozen(values: NDArray) -> NDArray:  # type: ignore[type-arg]  # any dtype goes through unchanged
    values.flags.writeable = False
    return values


def _put_background(numbers: _Numbers, ground: Background, frame: Frame) -> None:
    numbers.put("background_adu", ground.level_adu)
    numbers.put("background_noise_adu", ground.noise_adu)
    numbers.put("background_gradient_adu", ground.gradient_adu)
    numbers.put("background_gradient_angle_deg", ground.gradient_angle_deg)
    numbers.put("bad_pixel_fraction", frame.bad_pixel_fraction)
    sample = frame.pixels[::SATURATION_STRIDE, ::SATURATION_STRIDE]
    numbers.put("saturated_pixel_fraction", float((sample >= frame.saturation_adu).mean()))
    if ground.pedestal_adu is None:
        return
    above = ground.level_adu - ground.pedestal_adu
    numbers.put("pedestal_adu", ground.pedestal_adu)
    numbers.put("sky_above_pedestal_adu", above)
    if above > ground.noise_adu:
        numbers.put("background_gradient_fraction", ground.gradient_adu / above)
        numbers.put("background_patchiness_fraction", ground.rough_adu / above)
    if frame.meta.exposure_s:
        numbers.put("sky_adu_s", above / frame.meta.exposure_s)


def _put_counts(numbers: _Numbers, detections: Detections, stars: Stars, frame: Frame) -> None:
    count = int(np.count_nonzero(detections.kind == KIND_STAR))
    numbers.put("star_count", count)
    numbers.put("star_count_measured", stars.x_px.size)
    numbers.put("star_density_mpx", count / (frame.pixels.size / 1e6))
    numbers.put("extended_count", int(np.count_nonzero(detections.kind == KIND_EXTENDED)))
    numbers.put("artefact_count", int(np.count_nonzero(detections.kind == KIND_ARTEFACT)))
    numbers.put("streak_count", len(detections.streaks))


def _put_shapes(numbers: _Numbers, stars: Stars, frame: Frame) -> None:
    px = float(frame.sensor_px_per_px)
    arcsec = frame.meta.scale_arcsec_px
    a, b = stars.a_px.astype(np.float64), stars.b_px.astype(np.float64)
    fwhm = float(np.median(stars.fwhm_px)) * px
    hfr = float(np.median(stars.hfr_px)) * px
    numbers.put("fwhm_px", fwhm)
    numbers.put("fwhm_mad_px", 1.4826 * float(np.median(np.abs(stars.fwhm_px * px - fwhm))))
    numbers.put("fwhm_minor_px", FWHM_PER_SIGMA * float(np.median(b)) * px)
    numbers.put("hfr_px", hfr)
    if arcsec is not None:
        numbers.put("fwhm_arcsec", fwhm * arcsec)
        numbers.put("hfr_arcsec", hfr * arcsec)
    numbers.put("eccentricity", float(np.median(np.sqrt(np.maximum(1 - (b / a) ** 2, 0)))))
    numbers.put("elongation", float(np.median(a / b)))
    numbers.put("central_dip_fraction", _median_dip(stars))
    numbers.put("snr_median", float(np.median(stars.snr)))
    numbers.put("saturated_star_fraction", float(stars.saturated.mean()))
    found = field_shape(
        stars.x_px.astype(np.float64),
        stars.y_px.astype(np.float64),
        a,
        b,
        stars.theta_deg.astype(np.float64),
        _shape(frame),
    )
    numbers.put("elongation_angle_deg", found.angle_deg)
    numbers.put("angle_coherence", found.coherence)
    numbers.put("trail_length_px", found.trail_length_px * px)
    numbers.put("rotation_coherence", found.rotation_coherence)
    numbers.put("radial_elongation", found.radial_elongation)


def _median_dip(stars: Stars) -> float:
    """Hollowness of the brighter half: noise makes faint stars look hollow or peaked at random."""
    return float(np.median(stars.dip[: max(1, stars.x_px.size // 2)]))


def _bright_stars(stars: Stars, frame: Frame) -> tuple[ReferenceStar, ...]:
    px = float(frame.sensor_px_per_px)
    seconds = frame.meta.exposure_s or 1.0
    usable = np.flatnonzero(~stars.saturated)[:MAX_REFERENCE_STARS]
    half = (px - 1) / 2
    return tuple(
        ReferenceStar(
            x_px=round(float(stars.x_px[i]) * px + half, 2),
            y_px=round(float(stars.y_px[i]) * px + half, 2),
            flux_adu_s=round(float(stars.flux_adu[i]) / seconds, 4),
        )
        for i in usable
    )


def _put_transparency(numbers: _Numbers, bright: tuple[ReferenceStar, ...], baseline: Baseline, frame: Frame) -> None:
    if not baseline.reference_stars:
        return
    found = match(bright, baseline.reference_stars, frame.sensor_shape, numbers.values["fwhm_px"] or 3.0)
    numbers.put("matched_star_count", found.count)
    if found.count >= MIN_MATCHES:
        numbers.put("transparency", found.transparency)
        numbers.put("extinction_mag", -2.5 * float(np.log10(found.transparency)))
        numbers.put("offset_px", found.offset_px)


def _put_optional(numbers: _Numbers, key: str, value: float | None) -> None:
    if value is not None:
        numbers.put(key, value)


def _explain_missing(numbers: _Numbers, ground: Background, stars: Stars, baseline: Baseline) -> None:
    if ground.pedestal_adu is None:
        numbers.explain(ground.pedestal_source, "pedestal_adu", "sky_above_pedestal_adu", "sky_adu_s")
        reason = "the level of no light is unknown"
        numbers.explain(reason, "background_gradient_fraction", "background_patchiness_fraction")
    numbers.explain(
        "the sky is too dark to compare with", "background_gradient_fraction", "background_patchiness_fraction"
    )
    numbers.explain("the header tells no exposure time", "sky_adu_s")
    if stars.x_px.size:
        numbers.explain("the header tells no pixel scale", "fwhm_arcsec", "hfr_arcsec")
        if not baseline.reference_stars:
            reason = "no earlier frame of this target to compare with"
        else:
            reason = "too few stars in common with the reference frame"
        numbers.explain(reason, "transparency", "extinction_mag", "matched_star_count", "offset_px")
    else:
        numbers.explain("no star could be measured", *metrics.KEYS)
    numbers.explain("too few stars over the field", "field_fwhm_spread_fraction", "dead_cell_fraction")
    numbers.explain(
        "it could not be measured on this frame", *[key for key, value in numbers.values.items() if value is None]
    )


def _on_sensor(streak: Streak, scale: float) -> Streak:
    half = (scale - 1) / 2
    return Streak(
        x0_px=streak.x0_px * scale + half,
        y0_px=streak.y0_px * scale + half,
        x1_px=streak.x1_px * scale + half,
        y1_px=streak.y1_px * scale + half,
        angle_deg=streak.angle_deg,
        length_px=streak.length_px * scale,
        width_px=streak.width_px * scale,
    )
