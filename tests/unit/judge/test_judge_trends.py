"""What creeps is told while every frame is still good; scatter and single frames are no trend."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from astro_monitor.judge import Judge
from astro_monitor.settings import JudgeSettings, SiteSettings

START = datetime(2026, 3, 1, 20, tzinfo=UTC)


def told(judge, frame, values, every_s=120.0, temperatures=None):
    """Judge a frame every two minutes; give the trends that the last one tells."""
    for number, changes in enumerate(values):
        meta = {"date_obs_utc": START + timedelta(seconds=every_s * number)}
        if temperatures:
            meta["focuser_temp_c"] = temperatures[number]
        verdict, _ = judge.judge(frame(number, meta=meta, **changes))
        assert verdict.decision == "keep"
    return [reason for reason in verdict.reasons if reason.rule == "creeping"]


def widths(rates, scatter=0.0, seed=1):
    rng = random.Random(seed)
    found = []
    for rate in rates:
        width = 3.0 + rate + rng.gauss(0, scatter)
        found.append({"fwhm_px": width, "fwhm_minor_px": 0.97 * width, "fwhm_arcsec": width})
    return found


def test_focus_that_creeps_with_the_temperature_asks_for_a_refocus(judge, frame):
    """0.6 arcsec an hour over 40 minutes, 2 degrees an hour colder."""
    creeping = widths([0.02 * n for n in range(20)], scatter=0.03)
    (reason,) = told(judge, frame, creeping, temperatures=[10 - n / 15 for n in range(20)])
    assert (reason.metric, reason.unit) == ("fwhm_arcsec", "arcsec/h")
    assert reason.value == pytest.approx(0.6, rel=0.2)
    assert "while the temperature falls by 2.0 °C an hour: refocus." in reason.sentence


def test_without_a_scale_it_is_given_in_pixels(judge, frame):
    creeping = [{**one, "fwhm_arcsec": None} for one in widths([0.02 * n for n in range(20)])]
    assert told(judge, frame, creeping)[0].unit == "px/h"


@pytest.mark.parametrize("seed", range(8))
def test_scatter_is_no_trend(judge, frame, seed):
    assert told(judge, frame, widths([0.0] * 30, scatter=0.15, seed=seed)) == []


def test_one_wide_frame_at_the_end_is_no_trend(judge, frame):
    assert told(judge, frame, widths([0.0] * 20 + [0.8])) == []


def test_stars_that_become_sharper_are_no_reason_to_say_anything(judge, frame):
    assert told(judge, frame, widths([-0.02 * n for n in range(20)])) == []


def test_an_autofocus_starts_the_baseline_again(judge, frame):
    for number, changes in enumerate(widths([0.02 * n for n in range(20)])):
        meta = {"date_obs_utc": START + timedelta(seconds=120 * number), "focuser_position": 500.0}
        judge.judge(frame(number, meta=meta, **changes))
    meta = {"date_obs_utc": START + timedelta(seconds=2500), "focuser_position": 900.0}
    verdict, _ = judge.judge(frame(21, meta=meta))
    assert "creeping" not in [reason.rule for reason in verdict.reasons]


def test_a_sky_that_climbs_is_reported(judge, frame):
    dawn = [{"sky_above_pedestal_adu": 1000.0 * 1.05**n, "sky_adu_s": 16.7 * 1.05**n} for n in range(20)]
    (reason,) = told(judge, frame, dawn)
    assert "The sky rises" in reason.sentence


def test_trends_survive_a_restart(judge, frame):
    creeping = widths([0.02 * n for n in range(20)])
    first = told(judge, frame, creeping)
    again = Judge.restore(JudgeSettings(), SiteSettings(), json.loads(json.dumps(judge.state())))
    last = {"meta": {"date_obs_utc": START + timedelta(seconds=2400)}, **creeping[-1]}
    assert first
    assert again.judge(frame(20, **last)) == judge.judge(frame(20, **last))
