"""Whatever the numbers are, a verdict holds together, and judging never fails."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from astro_monitor.judge import Judge
from astro_monitor.metrics import KEYS
from astro_monitor.records import (
    CAUSES,
    CLASSES,
    FAULTS,
    FLAGS,
    Arrival,
    Examined,
    FrameMeta,
    Grade,
    Measurements,
    ReferenceStar,
    baseline_key,
)
from astro_monitor.settings import JudgeSettings, SiteSettings

START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
ORDER = {"reject": 2, "review": 1, "keep": 0}
NUMBERS = st.one_of(st.none(), st.floats(), st.floats(0, 5), st.sampled_from([0.0, 0.5, 0.8, 1.0, 3.0, 100.0, 1000.0]))
SHARES = st.lists(st.floats(0.001, 1), min_size=5, max_size=5).map(
    lambda parts: dict(zip(CLASSES, (part / sum(parts) for part in parts), strict=True))
)


@st.composite
def frames(draw: st.DrawFn) -> Examined:
    number = draw(st.integers(0, 100_000))
    moment = START + timedelta(seconds=draw(st.integers(-100_000, 100_000)))
    probabilities = draw(SHARES)
    frame_id = f"{number:016x}"
    return Examined(
        arrival=Arrival(
            path=Path("/night/a.fits"), root=Path("/night"), size_bytes=1, mtime_ns=0, first_seen_utc=moment,
            settled_utc=moment, how="event",
        ),
        frame_id=frame_id, sha256=frame_id * 4,
        meta=FrameMeta(
            target=draw(st.sampled_from(["M 31", "M 42", None])), airmass=draw(NUMBERS),
            exposure_s=draw(st.sampled_from([None, 0.0, 1e-6, 60.0, 86_400.0])),
            ra_deg=draw(st.sampled_from([None, 0.0, 359.99])), dec_deg=draw(st.sampled_from([None, -90.0, 41.3])),
            focuser_position=draw(st.sampled_from([None, 100.0, 900.0])),
            focuser_temp_c=draw(st.sampled_from([None, -80.0, 12.5])),
            scale_arcsec_px=draw(st.sampled_from([None, 0.05, 60.0])),
            east_angle_deg=draw(st.sampled_from([None, 0.0, 359.0])),
            altitude_deg=draw(NUMBERS), pier_side=draw(st.sampled_from([None, "east", "west"])),
            date_obs_utc=draw(st.sampled_from([None, moment, moment.replace(tzinfo=None)])),
        ),
        sensor_shape=(100, 200), sensor_px_per_px=1,
        measurements=Measurements(
            frame_id=frame_id, values={key: draw(NUMBERS) for key in KEYS}, why_missing={}, field_grid=(), streaks=(),
            bright_stars=(ReferenceStar(x_px=1.0, y_px=2.0, flux_adu_s=3.0),) * draw(st.integers(0, 20)),
        ),
        grade=Grade(
            frame_id=frame_id, label=draw(st.sampled_from(["unknown", max(CLASSES, key=probabilities.__getitem__)])),
            probabilities=probabilities, fault_scores={fault: draw(st.floats(0, 1)) for fault in FAULTS},
            cause=draw(st.sampled_from(CAUSES)), cause_probability=draw(st.floats(0, 1)),
            in_domain=draw(st.floats(0, 1)), why_unknown="", model="m",
            cause_probabilities=draw(st.sampled_from([{}, dict.fromkeys(CAUSES, 1 / len(CAUSES))])),
        ),
        models=(), timings_s={},
    )  # fmt: skip


def check(verdict, examined) -> None:
    decisions = [ORDER[reason.decision] for reason in verdict.reasons]
    assert decisions
    assert decisions == sorted(decisions, reverse=True)
    assert ORDER[verdict.decision] == decisions[0]
    assert (verdict.weight > 0) == (verdict.decision == "keep")
    assert 0 <= verdict.weight <= 1
    assert verdict.label in (*CLASSES, "unknown")
    assert verdict.decision != "keep" or verdict.label in ("good", "background_issue")
    assert (verdict.decision, verdict.label) != ("keep", "background_issue") or verdict.cause != "none"
    assert verdict.cause in CAUSES
    assert set(verdict.flags) <= set(FLAGS)
    assert len(set(verdict.flags)) == len(verdict.flags)
    for reason in verdict.reasons:
        assert reason.sentence.endswith(".")
        assert "nan" not in reason.sentence.lower().split()
    only_model = {reason.rule for reason in verdict.reasons if reason.decision == "reject"} <= {"model_class"}
    assert verdict.decision != "reject" or examined.grade.label != "unknown" or not only_model


@settings(max_examples=80, deadline=None)
@given(night=st.lists(frames(), min_size=1, max_size=12))
def test_verdicts_hold_together_and_a_restart_changes_nothing(night):
    judge = again = Judge(JudgeSettings(), SiteSettings())
    for examined in night:
        state = json.loads(json.dumps(judge.state(), allow_nan=False))
        again = Judge.restore(JudgeSettings(), SiteSettings(), state)
        verdict, alerts = judge.judge(examined)
        check(verdict, examined)
        assert again.judge(examined) == (verdict, alerts)
        assert all(alert.sentence and alert.alert_id and alert.evidence for alert in alerts)


@settings(max_examples=30, deadline=None)
@given(night=st.lists(frames(), min_size=2, max_size=12))
def test_two_targets_taken_in_turns_are_judged_as_each_by_itself(night):
    """Warnings are about the rig and see both; verdicts see their own target only."""
    night = [dataclasses.replace(one, frame_id=f"{number:016x}") for number, one in enumerate(night)]
    together, alone = Judge(JudgeSettings(), SiteSettings()), {}
    for examined in night:
        key = baseline_key(examined.meta, examined.sensor_shape)
        own = alone.setdefault(key, Judge(JudgeSettings(), SiteSettings()))
        assert together.judge(examined)[0] == own.judge(examined)[0]


@settings(max_examples=30, deadline=None)
@given(night=st.lists(frames(), min_size=1, max_size=8))
def test_a_frame_that_comes_twice_teaches_nothing_new(night):
    """The log keeps a second copy away from the judge; were it to come, what is normal would stay the same."""
    judge = Judge(JudgeSettings(), SiteSettings())
    for examined in night:
        judge.judge(examined)
        key = baseline_key(examined.meta, examined.sensor_shape)
        before = judge.baseline_for(key).size
        judge.judge(examined)
        assert judge.baseline_for(key).size <= before


def after_six_good_ones(examined: Examined, fwhm_px: float):
    """The verdict on a frame of this width, whose rig has shown six round frames of 3 pixels before."""
    judge = Judge(JudgeSettings(), SiteSettings())
    sure = Grade(
        frame_id="", label="good", probabilities=dict.fromkeys(CLASSES, 0.0) | {"good": 1.0},
        fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=1.0, in_domain=1.0, why_unknown="",
        model="m",
    )  # fmt: skip
    verdict = None
    for number in range(7):
        width = fwhm_px if number == 6 else 3.0
        values: dict[str, float | None] = dict.fromkeys(KEYS)
        values |= {"star_count": 300.0, "star_count_measured": 200.0, "trail_length_px": 0.2, "angle_coherence": 0.1}
        values |= {"fwhm_px": width, "fwhm_minor_px": width, "fwhm_arcsec": width, "elongation": 1.0}
        measured = dataclasses.replace(examined.measurements, values=values)
        grade = examined.grade if number == 6 else sure
        frame_id = f"{number:016x}"
        verdict, _ = judge.judge(dataclasses.replace(examined, frame_id=frame_id, measurements=measured, grade=grade))
    return verdict


@settings(max_examples=100, deadline=None)
@given(ratios=st.tuples(st.floats(0.5, 4.0), st.floats(0.5, 4.0)), examined=frames())
def test_a_wider_frame_is_never_judged_better(ratios, examined):
    narrow, wide = (after_six_good_ones(examined, 3.0 * ratio) for ratio in sorted(ratios))
    assert ORDER[wide.decision] >= ORDER[narrow.decision]
    assert wide.weight <= narrow.weight
