"""Numbers of a frame by itself, and those that need other frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from astro_monitor.measure import Measurer, relate
from astro_monitor.measure.measurer import star_light_adu_s
from astro_monitor.measure.relation import NOT_COMPARED, RELATIVE
from astro_monitor.metrics import KEYS
from astro_monitor.records import NO_PROFILE, STACK_PX, Baseline, FixedLine, ReferenceStar, StarProfile, Streak

STREAK = Streak(x0_px=10.0, y0_px=20.0, x1_px=300.0, y1_px=200.0, angle_deg=31.8, length_px=341.0, width_px=4.0)
OFFSET = np.arange(STACK_PX) - STACK_PX // 2
STACK = np.exp(-(OFFSET[:, None] ** 2 + OFFSET[None, :] ** 2) / 3.2).astype(np.float32)
KNOWN = StarProfile.packed_from(STACK / STACK.sum(), 1, 1, 40)
LINE = FixedLine(x0_px=10.0, y0_px=20.0, x1_px=300.0, y1_px=200.0, width_px=4.0, on_sky=False)


def measured_alone(make_frame, make_detections, field, profile):
    image = field.image(profile(3.0))
    frame = make_frame(image)
    found = replace(make_detections(field.x, field.y, field.peak), streaks=(STREAK,))
    return frame, Measurer().measure(frame, found).measurements


def test_a_frame_by_itself_lacks_only_what_is_relative(make_frame, make_detections, field, profile):
    _, alone = measured_alone(make_frame, make_detections, field, profile)
    assert tuple(alone.values) == KEYS
    assert {key for key, reason in alone.why_missing.items() if reason == NOT_COMPARED} == set(RELATIVE)
    assert alone.values["streak_count"] == 1


def test_what_is_not_relative_stays_as_it_was_measured(make_frame, make_detections, field, profile, no_baseline):
    frame, alone = measured_alone(make_frame, make_detections, field, profile)
    baseline = Baseline(key=no_baseline.key, size=3, reference_stars=alone.bright_stars, fixed_lines=(LINE,))
    related = relate(alone, frame.sensor_shape, baseline)
    unchanged = set(KEYS) - {*RELATIVE, "streak_count"}
    assert {key: related.values[key] for key in unchanged} == {key: alone.values[key] for key in unchanged}
    assert (related.field_grid, related.bright_stars) == (alone.field_grid, alone.bright_stars)
    assert related.values["transparency"] == 1.0
    assert NOT_COMPARED not in related.why_missing.values()
    assert (related.streaks, related.fixed_streaks, related.values["streak_count"]) == ((), (STREAK,), 0)


def test_one_frame_is_related_to_one_baseline_after_the_other(make_frame, make_detections, field, profile, no_baseline):
    frame, alone = measured_alone(make_frame, make_detections, field, profile)
    reference = Baseline(key=no_baseline.key, size=3, reference_stars=alone.bright_stars)
    first = relate(alone, frame.sensor_shape, no_baseline)
    second = relate(alone, frame.sensor_shape, reference)
    assert first.values["transparency"] is None
    assert "no earlier frame" in first.why_missing["transparency"]
    assert second.values["transparency"] == 1.0
    assert relate(alone, frame.sensor_shape, no_baseline) == first


def test_starlight_keeps_its_scale_when_another_frame_becomes_the_reference(
    make_frame, make_detections, field, profile, no_baseline
):
    """Half of the light of a reference whose standard star has 40 ADU/s, though its own ten brightest say otherwise."""
    frame, alone = measured_alone(make_frame, make_detections, field, profile)
    own = alone.values["star_light_adu_s"]
    brighter = tuple(replace(star, flux_adu_s=2.0 * star.flux_adu_s) for star in alone.bright_stars)
    baseline = Baseline(key=no_baseline.key, size=3, reference_stars=brighter, reference_light_adu_s=40.0)
    assert own > 0
    assert own != 20.0
    assert relate(alone, frame.sensor_shape, baseline).values["star_light_adu_s"] == pytest.approx(20.0)
    assert relate(alone, frame.sensor_shape, no_baseline).values["star_light_adu_s"] == own


def test_the_standard_star_is_the_mean_of_the_ten_brightest():
    stars = [ReferenceStar(x_px=1.0, y_px=1.0, flux_adu_s=flux) for flux in (*[400.0, 100.0] * 5, 1.0)]
    assert star_light_adu_s(stars) == pytest.approx(200.0)
    assert star_light_adu_s(stars[:1]) == pytest.approx(400.0)


def test_a_trailed_frame_is_compared_with_the_usual_star_and_the_same_stars(
    make_frame, make_detections, field, profile, no_baseline
):
    def look(star):
        frame = make_frame(field.image(star))
        measured = Measurer().measure(frame, make_detections(field.x, field.y, field.peak))
        stacks = measured.stacks
        return frame, measured, StarProfile.packed_from(stacks.stack, stacks.bin_px, 1, stacks.count)

    _, usual, usual_profile = look(profile(3.0))
    frame, trailed, own_profile = look(profile(3.0, trail=9.0, angle_deg=30.0))
    baseline = replace(no_baseline, reference_stars=usual.measurements.bright_stars, profile=usual_profile)
    values = relate(trailed.measurements, frame.sensor_shape, baseline, own_profile).values
    assert values["kernel_length_px"] == pytest.approx(9.0, rel=0.1)
    assert values["kernel_angle_deg"] == pytest.approx(30.0, abs=4)
    trail = np.hypot(values["matched_trail_plus_px2"], values["matched_trail_cross_px2"])
    assert np.sqrt(trail) == pytest.approx(9.0, rel=0.25)
    assert values["matched_width_ratio"] > 1.3


@pytest.mark.parametrize(
    ("own", "usual", "why"),
    [
        (NO_PROFILE, NO_PROFILE, "too few stars"),
        (KNOWN, NO_PROFILE, "no usual mean star"),
        (KNOWN, replace(KNOWN, sensor_px_per_px=3), "another scale"),
        (replace(KNOWN, count=2), KNOWN, "too few stars"),
        (KNOWN, KNOWN, ""),
    ],
)
def test_a_kernel_that_cannot_be_is_missing_with_a_reason(
    make_frame, make_detections, field, profile, no_baseline, own, usual, why
):
    frame, alone = measured_alone(make_frame, make_detections, field, profile)
    related = relate(alone, frame.sensor_shape, replace(no_baseline, profile=usual), own)
    assert why in related.why_missing.get("kernel_length_px", "")
    assert bool(why) == (related.values["kernel_length_px"] is None)
    assert "kernel_peak_count" in related.why_missing
