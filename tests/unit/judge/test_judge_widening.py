"""A focus that drifts slowly is reported before frames are lost; air that comes and goes is not."""

from __future__ import annotations

import json
import math
import random

import pytest

from astro_monitor.judge import Judge
from astro_monitor.judge.widening import STEPS, Widening
from astro_monitor.settings import JudgeSettings, SiteSettings


def widths(factors, *, scatter: float = 0.05, sharp_px: float = 3.0, seed: int = 1) -> list[float]:
    """Widths of a night, scattered as they are from frame to frame."""
    rng = random.Random(seed)
    return [sharp_px * factor * math.exp(scatter * rng.gauss(0.0, 1.0)) for factor in factors]


def drifting(start: int, count: int, rate: float = 0.02) -> list[float]:
    return [1.0 + rate * max(number - start, 0) for number in range(count)]


def opened(judge, frame, night, *, meta=lambda number: {}, kind="seeing"):
    """Judge a night; give number and alert of each seeing warning that opens."""
    return [
        (number, alert)
        for number, width in enumerate(night)
        for alert in judge.judge(
            frame(number, fwhm_px=width, fwhm_minor_px=width, fwhm_arcsec=width, meta=meta(number))
        )[1]
        if (alert.kind, alert.change) == (kind, "opened")
    ]


@pytest.mark.parametrize("start", [0, 10, 30])
def test_a_drift_is_reported_before_the_width_is_one_and_four_tenths_of_the_usual(judge, frame, start):
    factors = drifting(start, start + 40)
    (number, alert), *_ = opened(judge, frame, widths(factors))
    assert 1.15 < factors[number] < 1.4
    assert alert.severity == "warning"


def test_the_warning_says_how_much_since_when_which_frames_why_and_what_to_do(judge, frame):
    cooling = lambda number: {"focuser_temp_c": 12.0 - 0.15 * number}  # noqa: E731
    (number, alert), *_ = opened(judge, frame, widths(drifting(10, 40)), meta=cooling)
    first = int(alert.first_frame, 16)
    assert f"% since 20:{first:02d} UTC ({number - first + 1} frames, light_{first:04d} to light_{number:04d})" in (
        alert.sentence
    )
    assert "while the temperature fell by" in alert.sentence
    assert ": refocus (cam)." in alert.sentence
    assert (alert.cause, alert.last_frame) == ("defocus", f"{number:016x}")
    assert "autofocus" in alert.advice


def test_the_trend_is_evidence_in_the_verdict_and_changes_no_decision(judge, frame):
    night = widths(drifting(10, 40))
    for number, width in enumerate(night):
        verdict, alerts = judge.judge(frame(number, fwhm_px=width, fwhm_minor_px=width, fwhm_arcsec=width))
        if alerts:
            break
    (reason,) = [reason for reason in verdict.reasons if reason.rule == "widening"]
    assert reason.decision == "keep"
    assert reason.value >= 1.3
    assert reason.sentence.startswith("FWHM has risen by")


def test_air_that_wanders_by_a_tenth_is_no_drift(judge, frame):
    wander = [1.0 + 0.1 * math.sin(2 * math.pi * number / 60) for number in range(150)]
    assert opened(judge, frame, widths(wander)) == []


def test_a_warning_stays_open_while_the_focus_is_off_and_closes_when_it_is_back(judge, frame):
    factors = [*drifting(5, 28), *[1.45] * 20, *[1.0] * 4]
    changes = [
        (number, alert.change)
        for number, width in enumerate(widths(factors, scatter=0.02))
        for alert in judge.judge(frame(number, fwhm_px=width, fwhm_minor_px=width, fwhm_arcsec=width))[1]
        if alert.kind == "seeing" and alert.change != "updated"
    ]
    assert [change for _, change in changes] == ["opened", "closed"]
    assert changes[0][0] < 27
    assert changes[1][0] >= 49


def test_one_measurement_that_went_wrong_makes_no_slope(frame):
    night, widening = widths([1.0] * 40), Widening()
    night[20] = 9.0
    frames = [frame(number, fwhm_px=width, fwhm_minor_px=width) for number, width in enumerate(night)]
    assert not any(widening.note(one, 60.0 * number, "name") for number, one in enumerate(frames))


def test_a_target_that_sinks_is_not_out_of_focus(judge, frame):
    """Air mass 1 to 2 widens the stars by half; the header says so."""
    masses = [1.0 + number / 60 for number in range(60)]
    night = widths([mass**0.6 for mass in masses])
    assert opened(judge, frame, night, meta=lambda number: {"airmass": masses[number]}) == []


def test_a_slower_drift_is_seen_in_groups_of_frames(frame):
    widening, factors = Widening(), drifting(20, 150, rate=0.006)
    found = [
        (number, rise)
        for number, width in enumerate(widths(factors))
        if (rise := widening.note(frame(number, fwhm_px=width, fwhm_minor_px=width), 120.0 * number, "name"))
    ]
    assert factors[found[0][0]] < 1.5


def test_short_exposures_count_as_one_within_a_minute(frame):
    widening = Widening()
    for number in range(40):
        widening.note(frame(number, fwhm_px=3.0, fwhm_minor_px=3.0), 10.0 * number, "name")
    assert [step.frames for step in widening.fine] == [6] * 6 + [4]


def test_an_autofocus_begins_a_new_level(judge, frame):
    moved = lambda number: {"focuser_position": 5000.0 + (number >= 24)}  # noqa: E731
    assert opened(judge, frame, widths([*drifting(10, 24), *[1.3] * 40], scatter=0.02), meta=moved) == []


def test_it_goes_on_after_a_restart_and_never_grows(frame):
    night, whole, halved = widths(drifting(30, 130, rate=0.01)), Widening(), Widening()
    found = []
    for number, width in enumerate(night):
        one = frame(number, fwhm_px=width, fwhm_minor_px=width)
        halved = Widening.restore(json.loads(json.dumps(halved.state())))
        found.append((whole.note(one, 60.0 * number, "n"), halved.note(one, 60.0 * number, "n")))
    assert all(first == second for first, second in found)
    assert any(first for first, _ in found)
    assert len(whole.fine) == STEPS
    with pytest.raises(KeyError):
        Widening.restore({})


def test_the_judge_keeps_it_in_its_state(judge, frame):
    night = widths(drifting(5, 60))
    for number, width in enumerate(night[:12]):
        judge.judge(frame(number, fwhm_px=width, fwhm_minor_px=width, fwhm_arcsec=width))
    again = Judge.restore(JudgeSettings(), SiteSettings(), json.loads(json.dumps(judge.state())))
    numbers = [
        number
        for number, width in enumerate(night[12:40], 12)
        for alert in again.judge(frame(number, fwhm_px=width, fwhm_minor_px=width, fwhm_arcsec=width))[1]
        if (alert.kind, alert.change) == ("seeing", "opened")
    ]
    assert numbers
    assert 1.0 + 0.02 * (numbers[0] - 5) < 1.4
