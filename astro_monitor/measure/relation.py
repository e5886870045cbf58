"""Measurements relative to other frames: transparency, offset, unit of the pixels, and new trails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..baseline import pedestal_values
from ..records import NO_PROFILE, Baseline, Camera, Measurements, ReferenceStar, StarProfile, split_streaks
from .kernel import on_scale, path_of
from .numbers import OUT_OF_RANGE, Numbers
from .transparency import match

KERNEL = (
    "kernel_length_px", "kernel_minor_px", "kernel_angle_deg", "kernel_halo_fraction", "kernel_peak_count",
    "kernel_gap_fraction", "kernel_end_brightness",
)  # fmt: skip
"""Metrics of the kernel between the usual mean star of the rig and that of the frame."""
SHAPES = (
    "matched_width_ratio", "matched_trail_plus_px2", "matched_trail_cross_px2", "matched_trail_scatter_px2",
)  # fmt: skip
"""Metrics that compare the shapes of the same stars."""
OF_STARS = (
    "transparency", "extinction_mag", "extinction_scatter_mag", "extinction_patch_mag", "matched_star_count",
    "offset_px", "offset_x_px", "offset_y_px", "field_turn_deg", "unit_ratio", *SHAPES,
)  # fmt: skip
"""Metrics of stars that are matched with those of the reference frame."""
RELATIVE = (*OF_STARS, *KERNEL)
"""Metrics that are missing until the frame is compared with a baseline."""
LIGHT = RELATIVE[:4]
"""Metrics that are missing where the pixel values have another unit than those of earlier frames."""
NOT_COMPARED = "the frame has not been compared with other frames"
UNIT_JUMP_MAG, UNIT_JUMP_ERROR_MAG = 2.5, 0.6
"""Change of the flux of matched stars from which another unit is considered, and largest difference between it and the
change of the sky noise, which a unit changes by the same factor."""
FEWEST_STARS = 4
"""A mean image of fewer stars may show a neighbour of one of them as a part of a path."""
SCALE_FACTORS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Ratios of the pixels of two stacks that can be brought to one scale."""
MOST_TURN_DEG = 90.0
"""Rotation of the field above which it is upside down, as after a meridian flip."""


def relate(
    measurements: Measurements, sensor_shape: tuple[int, int], baseline: Baseline, profile: StarProfile = NO_PROFILE
) -> Measurements:
    """Return the measurements of a frame with those relative to other frames.

    Parameters:
        measurements: of the frame alone, the result of :meth:`~.measurer.Measurer.measure`.
        sensor_shape: (height, width) of the sensor image.
        baseline: its reference stars serve for transparency and shapes, its profile for the kernel; its fixed lines are
            not trails.
        profile: mean star of the frame.

    Returns:
        all measurements; the streaks are divided into trails and fixed lines of the rig.
    """
    reasons = {key: reason for key, reason in measurements.why_missing.items() if reason != NOT_COMPARED}
    numbers = Numbers(dict(measurements.values), reasons)
    _put_camera(numbers, baseline.camera)
    if numbers.values["star_count_measured"]:
        _put_transparency(numbers, measurements.bright_stars, baseline, sensor_shape)
        _put_kernel(numbers, profile, baseline.profile)
    trails, fixed = split_streaks(measurements.streaks, baseline.fixed_lines, _field_offset(numbers))
    numbers.put("streak_count", len(trails))
    numbers.explain(OUT_OF_RANGE, *RELATIVE)
    return replace(
        measurements, values=numbers.values, why_missing=numbers.why_missing, streaks=trails, fixed_streaks=fixed
    )


def _put_camera(numbers: Numbers, camera: Camera) -> None:
    """Put the metrics that depend on pedestal and gain again, from all frames of the camera."""
    above, rate = numbers.values.get("sky_above_pedestal_adu"), numbers.values.get("sky_adu_s")
    exposure_s = above / rate if above and rate else 0.0
    for key, value in pedestal_values(numbers.values, camera, exposure_s).items():
        numbers.put(key, value)


def _put_transparency(
    numbers: Numbers, bright: tuple[ReferenceStar, ...], baseline: Baseline, sensor_shape: tuple[int, int]
) -> None:
    """Put the metrics relative to the reference stars of the target: transparency, extinction, offset and rotation."""
    if not baseline.reference_stars:
        numbers.explain("there is no earlier frame of this target to compare with", *OF_STARS)
        return
    matched = match(bright, baseline.reference_stars, sensor_shape, numbers.values["fwhm_px"] or 0.0)
    if matched is None:
        # Zero would be a statement about the sky; a frame of another field does not match either.
        numbers.explain("too few stars agree with those of the reference frame", *OF_STARS)
        return
    numbers.put("matched_star_count", matched.count)
    if _in_another_unit(matched.transparency, numbers.values["background_noise_adu"], baseline):
        numbers.put("unit_ratio", matched.transparency)
        numbers.explain("the pixel values are in another unit than those of earlier frames", *LIGHT)
    else:
        numbers.put("transparency", matched.transparency)
        if baseline.reference_light_adu_s is not None:
            # The ten brightest change with pointing and saturation; all matched stars keep the scale of the first one.
            numbers.put("star_light_adu_s", matched.transparency * baseline.reference_light_adu_s)
        numbers.put("extinction_mag", -2.5 * float(np.log10(matched.transparency)))
        numbers.put("extinction_scatter_mag", matched.scatter_mag)
        numbers.put("extinction_patch_mag", matched.patch_mag)
        numbers.explain("the pixel values are in the unit of earlier frames", "unit_ratio")
    numbers.put("offset_px", float(np.hypot(matched.offset_x_px, matched.offset_y_px)))
    numbers.put("offset_x_px", matched.offset_x_px)
    numbers.put("offset_y_px", matched.offset_y_px)
    numbers.put("field_turn_deg", matched.turn_deg)
    if matched.shapes is not None:
        numbers.put("matched_width_ratio", matched.shapes.width_ratio)
        numbers.put("matched_trail_plus_px2", matched.shapes.trail_plus_px2)
        numbers.put("matched_trail_cross_px2", matched.shapes.trail_cross_px2)
        numbers.put("matched_trail_scatter_px2", matched.shapes.trail_scatter_px2)
    numbers.explain("the shapes of too few stars of the reference frame are known", *SHAPES)


def _put_kernel(numbers: Numbers, now: StarProfile, usual: StarProfile) -> None:
    """Put the metrics of the kernel between the usual mean star of the rig and that of the frame."""
    if now.count < FEWEST_STARS:
        numbers.explain("too few stars are clear, unsaturated and away from the border for a mean image", *KERNEL)
        return
    if not usual.packed:
        numbers.explain("no usual mean star of this rig is known yet", *KERNEL)
        return
    px = max(now.px, usual.px)
    factors = px / now.px, px / usual.px
    if any(factor not in SCALE_FACTORS for factor in factors):
        numbers.explain("the mean star of the rig is known on another scale only", *KERNEL)
        return
    path = path_of(on_scale(now.stack(), int(factors[0])), on_scale(usual.stack(), int(factors[1])))
    numbers.put("kernel_length_px", path.length * px)
    numbers.put("kernel_minor_px", path.minor * px)
    numbers.put("kernel_angle_deg", path.angle_deg)
    numbers.put("kernel_halo_fraction", path.halo_fraction)
    if path.shape is not None:
        numbers.put("kernel_peak_count", path.shape.peak_count)
        numbers.put("kernel_gap_fraction", path.shape.gap_fraction)
        numbers.put("kernel_end_brightness", path.shape.end_brightness)
    numbers.explain("the path is too short to show how the light lies along it", *KERNEL)


def _field_offset(numbers: Numbers) -> tuple[float, float] | None:
    """Return the offset of the reference field, for lines fixed relative to the stars; ``None`` when it is unknown."""
    x, y, turn = (numbers.values[key] for key in ("offset_x_px", "offset_y_px", "field_turn_deg"))
    return None if x is None or y is None or turn is None or abs(turn) > MOST_TURN_DEG else (x, y)


def _in_another_unit(light: float, noise_adu: float | None, baseline: Baseline) -> bool:
    """Return whether the flux of the stars changed because all pixel values are multiplied by one factor.

    Cloud reduces the flux of stars, but hardly the noise of the sky; a factor changes both.
    """
    baseline_noise = baseline.spreads.get("background_noise_adu")
    if noise_adu is None or baseline_noise is None or min(light, noise_adu, baseline_noise.median) <= 0.0:
        return False
    factor_mag, noise_mag = (2.5 * float(np.log10(ratio)) for ratio in (light, noise_adu / baseline_noise.median))
    return abs(factor_mag) >= UNIT_JUMP_MAG and abs(factor_mag - noise_mag) <= UNIT_JUMP_ERROR_MAG
