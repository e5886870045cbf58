"""The decision table, cell by cell, as its module documents it."""

from __future__ import annotations

import re

import pytest

from astro_monitor.judge import combine as module
from astro_monitor.judge.combine import combine
from astro_monitor.judge.evidence import Case, Finding
from astro_monitor.records import Baseline, baseline_key
from astro_monitor.settings import JudgeSettings, SiteSettings

OPINIONS = {
    "bad": {"bad_seeing": 0.9, "good": 0.1},
    "leans": {"bad_seeing": 0.3, "good": 0.7},
    "no": {"bad_seeing": 0.1, "bad_tracking": 0.15, "good": 0.75},
    "unknown": {"good": 1.0},
}


def ruling(frame, strength, opinion, size=9, *, unsure=False, **changes):
    label = "unknown" if opinion == "unknown" else None
    examined = frame(0, probabilities=OPINIONS[opinion], label=label, **changes)
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key, size=size), settings=JudgeSettings(), site=SiteSettings())
    found = Finding(
        rule="test", fault="seeing", strength=strength, metric="fwhm_px", value=5.0, limit=4.0, unit="px",
        sentence="A test.", label="bad_seeing", cause="defocus", unsure=unsure,
    )  # fmt: skip
    return combine(case, [found])


def documented() -> list[tuple[str, str, str]]:
    """Read the table in the module's own documentation."""
    cells = []
    for line in module.__doc__.splitlines():
        words = re.sub(r"\(\d\)", "", line).split()
        if len(words) == 5 and words[0] in ("absolute", "decisive", "firm", "suspect", "silent", "bright", "clear"):
            strength = "note" if words[0] == "silent" else words[0]
            cells += [(strength, opinion, word) for opinion, word in zip(OPINIONS, words[1:], strict=True)]
    return cells


def test_the_documented_table_is_whole():
    assert len(documented()) == 28


@pytest.mark.parametrize(("strength", "opinion", "decision"), documented())
def test_table(frame, strength, opinion, decision):
    assert ruling(frame, strength, opinion).fault_decisions["seeing"] == decision


@pytest.mark.parametrize("size", [0, 4])
@pytest.mark.parametrize("strength", ["decisive", "firm", "suspect", "note"])
def test_before_the_rig_is_known_only_what_holds_for_any_rig_rejects(frame, strength, size):
    assert ruling(frame, strength, "bad", size=size).fault_decisions["seeing"] == "review"
    assert ruling(frame, "absolute", "no", size=size).decision == "reject"


def test_what_is_measured_against_a_sky_that_is_not_known_well_is_for_review_at_most(frame):
    assert ruling(frame, "decisive", "bad", unsure=True).fault_decisions["seeing"] == "review"
    assert ruling(frame, "clear", "no", unsure=True).fault_decisions["seeing"] == "keep"


@pytest.mark.parametrize(("probability", "decision"), [(0.6, "review"), (0.9, "reject")])
def test_the_model_alone_must_be_certain_to_reject(frame, probability, decision):
    examined = frame(0, probabilities={"bad_seeing": probability, "good": 1 - probability})
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key, size=9), settings=JudgeSettings(), site=SiteSettings())
    assert combine(case, []).decision == decision


@pytest.mark.parametrize(
    ("elongation", "trail_length_px", "decision"), [(1.03, 0.5, "review"), (1.2, 0.5, "reject"), (1.03, 2.3, "reject")]
)
def test_no_frame_is_rejected_for_its_tracking_unless_its_stars_are_seen_to_be_elongated(
    frame, elongation, trail_length_px, decision
):
    examined = frame(0, probabilities={"bad_tracking": 1.0}, elongation=elongation, trail_length_px=trail_length_px)
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key, size=9), settings=JudgeSettings(), site=SiteSettings())
    assert combine(case, []).decision == decision


def test_the_models_class_is_given_when_its_fault_is_rejected(frame):
    examined = frame(0, probabilities={"very_bad_tracking": 0.8, "good": 0.2})
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key, size=9), settings=JudgeSettings(), site=SiteSettings())
    short = Finding(
        rule="test", fault="tracking", strength="decisive", metric="trail_length_px", value=5.0, limit=4.0, unit="px",
        sentence="A test.", label="bad_tracking",
    )  # fmt: skip
    assert combine(case, [short]).label == "very_bad_tracking"


def test_weak_evidence_is_only_noted_when_the_model_is_sure(frame):
    examined = frame(0, probabilities={"good": 0.85, "bad_seeing": 0.15})
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key), settings=JudgeSettings(), site=SiteSettings())
    weak = Finding(
        rule="test", fault="seeing", strength="suspect", metric="fwhm_px", value=5.0, limit=4.0, unit="px",
        sentence="A test.",
    )  # fmt: skip
    found = combine(case, [weak])
    assert found.decision == "keep"
    assert "test" in [reason.rule for reason in found.reasons]
    assert not found.fits_baseline or found.label == "good"


def test_worst_fault_gives_the_class(frame):
    examined = frame(0, probabilities={"good": 1.0})
    key = baseline_key(examined.meta, examined.sensor_shape)
    case = Case(examined=examined, baseline=Baseline(key=key, size=9), settings=JudgeSettings(), site=SiteSettings())
    found = [
        Finding(
            rule=fault, fault=fault, strength="decisive", metric="m", value=1.0, limit=1.0, unit="1",
            sentence="Bad.", label=label,
        )
        for fault, label in (("seeing", "bad_seeing"), ("background", "background_issue"), ("tracking", "bad_tracking"))
    ]  # fmt: skip
    assert combine(case, found).label == "bad_tracking"
    assert combine(case, found[:2]).label == "background_issue"
    assert combine(case, found[:1]).label == "bad_seeing"


def test_the_fault_that_decided_is_reported(frame):
    assert ruling(frame, "decisive", "no", cause="wind").fault == "seeing"
    assert ruling(frame, "note", "no", cause="wind").fault == ""
