"""Numbers of a frame by itself, and those that need other frames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from astro_monitor.measure import Measurer, relate
from astro_monitor.measure.measurer import star_light_adu_s
from astro_monitor.measure.relation import NOT_COMPARED, RELATIVE
from astro_monitor.metrics import KEYS
from astro_monitor.records import Baseline, FixedLine, ReferenceStar, Streak

STREAK = Streak(x0_px=10.0, y0_px=20.0, x1_px=300.0, y1_px=200.0, angle_deg=31.8, length_px=341.0, width_px=4.0)
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
