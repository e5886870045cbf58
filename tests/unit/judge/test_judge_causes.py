"""Causes from the course of a night: what one frame cannot tell, several can."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from astro_monitor.judge import Judge
from astro_monitor.settings import JudgeSettings, SiteSettings

START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
EXPOSURE_S, EVERY_S = 50.0, 60.0


def shot(frame, number, *, place=(0.0, 0.0), turn_deg=0.0, length_px=6.0, angle_deg=30.0, cause="drift", **more):
    """A trailed frame a minute, with the field at some place."""
    meta = {
        "date_obs_utc": START + timedelta(seconds=EVERY_S * number),
        "exposure_s": EXPOSURE_S,
        **more.pop("meta", {}),
    }
    values = {
        "trail_length_px": length_px, "elongation_angle_deg": angle_deg, "elongation": 1.8, "angle_coherence": 0.95,
        "offset_x_px": place[0], "offset_y_px": place[1], "field_turn_deg": turn_deg,
    }  # fmt: skip
    likely = more.pop("probabilities", {"bad_tracking": 0.95, "good": 0.05})
    return frame(number, probabilities=likely, cause=cause, meta=meta, **{**values, **more})


def settle(judge, frame, count=10):
    for number in range(count):
        meta = {"date_obs_utc": START + timedelta(seconds=EVERY_S * number), "exposure_s": EXPOSURE_S}
        judge.judge(frame(number, offset_x_px=0.0, offset_y_px=0.0, field_turn_deg=0.0, meta=meta))
    return judge


def along(length_px, angle_deg=30.0):
    return length_px * math.cos(math.radians(angle_deg)), length_px * math.sin(math.radians(angle_deg))


def course(judge, frame, plan, start=10):
    """Judge trailed frames; give the last verdict."""
    for number, changes in enumerate(plan, start):
        verdict, _ = judge.judge(shot(frame, number, **changes))
    return verdict


def reason(verdict, rule):
    return next(one for one in verdict.reasons if one.rule == rule)


def test_a_field_that_moves_along_the_trails_is_a_drift_whatever_the_model_says(judge, frame):
    moving = [{"place": along(7.2 * step), "cause": "periodic"} for step in range(6)]
    verdict = course(settle(judge, frame), frame, moving)
    assert (verdict.label, verdict.cause) == ("bad_tracking", "drift")
    told = reason(verdict, "field_drifts")
    assert (told.value, told.unit) == (pytest.approx(7.2, rel=0.02), "px/min")


def test_a_field_that_stays_leaves_the_model_its_opinion(judge, frame):
    verdict = course(settle(judge, frame), frame, [{"cause": "periodic"}] * 6)
    assert verdict.cause == "periodic"
    assert "field_drifts" not in [one.rule for one in verdict.reasons]


def test_dithers_are_no_drift(judge, frame):
    dithered = [
        {"place": place, "cause": "periodic"} for place in ((5, -7), (-9, 3), (8, 8), (-2, -10), (10, 1), (-6, 5))
    ]
    assert course(settle(judge, frame), frame, dithered).cause == "periodic"


def test_a_drift_is_seen_through_dithers_and_a_new_centring(judge, frame):
    shifts = ((3, -2), (-3, 2), (2, 3), (-2, -3), (3, 1), (-1, 3), (2, -2), (0, 2), (-3, 1), (1, 1), (2, 0), (-2, 2))
    moving = []
    for step, (dx, dy) in enumerate(shifts):
        x, y = along(7.2 * (step if step < 8 else step - 8))
        moving.append({"place": (x + dx, y + dy), "cause": "jump"})
    assert course(settle(judge, frame), frame, moving).cause == "drift"


@pytest.mark.parametrize(("east_deg", "axis"), [(30.0, "right ascension"), (120.0, "declination"), (75.0, "both axes")])
def test_drift_is_given_against_right_ascension_where_the_header_allows(judge, frame, east_deg, axis):
    solved = {"meta": {"east_angle_deg": east_deg, "scale_arcsec_px": 2.0}}
    moving = [{"place": along(7.2 * step), **solved} for step in range(6)]
    told = reason(course(settle(judge, frame), frame, moving), "field_drifts")
    assert axis in told.sentence
    assert "14.4 arcsec a minute" in told.sentence


def test_a_periodic_error_is_reported_with_its_period(judge, frame):
    """480 s, 20 px from peak to valley, seen by a frame a minute."""
    judge = settle(judge, frame)
    swinging = []
    for step in range(20):
        moment = EVERY_S * step + 0.5 * EXPOSURE_S
        swinging.append({"place": along(10 * math.sin(2 * math.pi * moment / 480.0)), "cause": "drift"})
    verdict = course(judge, frame, swinging)
    assert verdict.cause == "periodic"
    assert reason(verdict, "field_swings").value == pytest.approx(480.0, rel=0.05)


def test_trails_in_all_directions_are_wind(judge, frame):
    gusts = [{"angle_deg": angle, "cause": "jump"} for angle in (10.0, 95.0, 50.0, 150.0, 120.0, 75.0)]
    assert course(settle(judge, frame), frame, gusts).cause == "wind"


def test_a_field_that_turns_is_rotation(judge, frame):
    turning = [{"turn_deg": 0.4 * step, "cause": "wind"} for step in range(6)]
    verdict = course(settle(judge, frame), frame, turning)
    assert verdict.cause == "rotation"
    assert reason(verdict, "field_turns").value == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize(("wider", "cause"), [(1.0, "cloud"), (1.12, "dew")])
def test_light_that_is_lost_from_sharp_stars_is_cloud_and_from_soft_ones_dew(settled, frame, wider, cause):
    between = {"extinction_mag": 0.9, "transparency": 0.44, "fwhm_px": 3.0 * wider, "fwhm_minor_px": 2.9 * wider,
               "probabilities": {"background_issue": 0.95, "good": 0.05},
               "causes": {"dew": 0.55, "cloud": 0.45}}  # fmt: skip
    assert settled.judge(frame(10, **between))[0].cause == cause


@pytest.mark.parametrize(("sun_deg", "cause"), [(-8.0, "twilight"), (-40.0, "moon")])
def test_the_sun_distinguishes_dawn_from_the_moon(settled, frame, sun_deg, cause):
    bright = {"sky_above_pedestal_adu": 9000.0, "background_noise_adu": 90.0, "sun_altitude_deg": sun_deg,
              "probabilities": {"background_issue": 0.95, "good": 0.05},
              "causes": {"twilight": 0.5, "leak": 0.5}}  # fmt: skip
    verdict, _ = settled.judge(frame(10, **bright))
    assert (verdict.decision, verdict.label, verdict.cause) == ("keep", "background_issue", cause)


def test_a_bright_sky_without_sun_and_moon_is_a_leak_when_the_model_sees_one(settled, frame):
    bright = {"sky_above_pedestal_adu": 9000.0, "background_noise_adu": 90.0, "sun_altitude_deg": -40.0,
              "moon_altitude_deg": -20.0, "moon_illumination": 0.9, "causes": {"moon": 0.5, "leak": 0.5}}  # fmt: skip
    assert settled.judge(frame(10, **bright))[0].cause == "leak"


def test_a_bright_sky_names_the_moon(settled, frame):
    lit = {"sky_above_pedestal_adu": 4800.0, "background_noise_adu": 66.0, "sun_altitude_deg": -40.0,
           "moon_altitude_deg": 35.0, "moon_illumination": 0.8, "moon_separation_deg": 25.0}  # fmt: skip
    told = reason(settled.judge(frame(10, **lit))[0], "bright_sky")
    assert "the moon is up (35 degrees high, 80 % lit, 25 degrees away)" in told.sentence


def test_the_warning_contains_what_the_course_showed(judge, frame):
    judge = settle(judge, frame)
    alerts = []
    for step in range(8):
        place = along(7.2 * step)
        alerts += judge.judge(shot(frame, 10 + step, place=place, cause="periodic"))[1]
    assert alerts[-1].cause == "drift"
    assert "drift (7.2 px a minute)" in alerts[-1].sentence


def test_the_course_survives_a_restart(judge, frame):
    judge = settle(judge, frame)
    course(judge, frame, [{"place": along(7.2 * step), "cause": "periodic"} for step in range(4)])
    again = Judge.restore(JudgeSettings(), SiteSettings(), json.loads(json.dumps(judge.state())))
    last = {"place": along(7.2 * 4), "cause": "periodic"}
    assert course(again, frame, [last], start=14) == course(judge, frame, [last], start=14)


def test_a_clock_that_runs_backwards_changes_no_course(judge, frame):
    judge = settle(judge, frame)
    moving = [{"place": along(7.2 * step), "cause": "periodic"} for step in range(6)]
    course(judge, frame, moving)
    verdict, _ = judge.judge(shot(frame, 3, place=(300.0, -200.0), cause="periodic"))
    assert verdict.decision == "reject"
    assert course(judge, frame, [{"place": along(7.2 * 6), "cause": "periodic"}], start=16).cause == "drift"
