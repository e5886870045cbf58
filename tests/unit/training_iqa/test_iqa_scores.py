"""Calibration and scores."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.records import CLASSES, Grade

pytest.importorskip("keras", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def judged(truth, said, chance=0.9, rig=0, baseline=9, decision="", **more):
    from training.iqa.evaluate import Judged

    rest = (1 - chance) / 4
    probabilities = {name: chance if name == said else rest for name in CLASSES}
    grade = Grade(
        frame_id="", label=said, probabilities=probabilities, fault_scores={}, cause="none", cause_probability=1.0,
        in_domain=1.0, why_unknown="", model="",
    )  # fmt: skip
    usual = {"good": "keep", "unknown": "review"}.get(said, "reject")
    return Judged(
        rig=rig, index=0, truth={"label": truth, "cause": "none", "light_lost": False} | more, grade=grade, label=said,
        decision=decision or usual, cause="none", baseline_size=baseline,
    )  # fmt: skip


def test_scores_count_what_matters_to_the_user():
    from training.iqa.evaluate import scores_of

    frames = [judged("good", "good", rig=number) for number in range(6)]
    frames += [judged("good", "bad_seeing", rig=6), judged("good", "unknown", rig=7)]
    frames += [judged("bad_seeing", "good", rig=8), judged("bad_seeing", "bad_seeing", rig=9)]
    scores = scores_of(frames)
    assert scores["accuracy"] == 0.7
    assert scores["bad_kept"] == 0.5
    assert scores["good_rejected"] == 0.125
    assert scores["good_kept"] == 0.75
    assert scores["review"] == 0.1
    low, high = scores["accuracy_95"]
    assert low < 0.7 < high
    assert scores["confusion"]["good"]["unknown"] == 1


def test_a_frame_that_only_the_moon_lights_is_kept_without_an_error():
    from training.iqa.evaluate import scores_of

    moonlit = judged("background_issue", "background_issue", decision="keep", cause="moon")
    hazy = judged("background_issue", "good", decision="keep", cause="moon", light_lost=True)
    assert scores_of([moonlit, moonlit])["bad_kept"] is None
    assert scores_of([moonlit, hazy])["bad_kept"] == 1.0


def test_the_model_alone_keeps_and_rejects_by_its_class():
    from training.iqa.evaluate import by_model

    (one,) = by_model([judged("good", "good", decision="review")])
    assert one.decision == "keep"


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    from training.iqa.calibration import expected_calibration_error

    chance = np.full(1000, 0.8)
    right = np.arange(1000) % 10 < 6
    assert expected_calibration_error(chance, right) == pytest.approx(0.2)
    assert expected_calibration_error(chance, np.arange(1000) % 10 < 8) == pytest.approx(0.0, abs=1e-9)


def test_temperature_undoes_overconfidence():
    from training.iqa.calibration import best_temperature

    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 5))
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(5, p=row) for row in chance])
    assert best_temperature(2 * logits, truth) == pytest.approx(2.0, abs=0.15)


def test_a_rig_is_judged_in_the_loop_and_its_first_frames_again(rig_of):
    from training.inmemory import Ungraded
    from training.iqa.evaluate import judge_rig

    answers = judge_rig(Ungraded(), rig_of(["good"] * 7), 2)
    assert [one.index for one in answers] == list(range(7))
    assert {one.rig for one in answers} == {2}
    assert answers[-1].baseline_size >= 5


def test_neighbours_of_a_hexagonal_map():
    from training.iqa.som import COLUMNS, ROWS, hexagonal_neighbours

    touching = hexagonal_neighbours()
    assert (touching == touching.T).all()
    inner = (ROWS // 2) * COLUMNS + COLUMNS // 2
    assert touching[inner].sum() == 6
    assert touching[0].sum() in (2, 3)
