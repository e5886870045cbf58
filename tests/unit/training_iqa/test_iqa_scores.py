"""Calibration and scores."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.records import CLASSES, Grade

pytest.importorskip("keras", reason="needs the 'train' extra")
pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def graded(truth, said, chance=0.9, rig=0, baseline=9):
    from training.iqa.evaluate import Graded

    rest = (1 - chance) / 4
    probabilities = {name: chance if name == said else rest for name in CLASSES}
    grade = Grade(
        frame_id="", label=said, probabilities=probabilities, fault_scores={}, cause="none", cause_probability=1.0,
        in_domain=1.0, why_unknown="", model="",
    )  # fmt: skip
    return Graded(rig=rig, index=0, truth={"label": truth, "cause": "none"}, grade=grade, baseline_size=baseline)


def test_scores_count_what_matters_to_the_user():
    from training.iqa.evaluate import scores_of

    frames = [graded("good", "good", rig=number) for number in range(6)]
    frames += [graded("good", "bad_seeing", rig=6), graded("good", "unknown", rig=7)]
    frames += [graded("bad_seeing", "good", rig=8), graded("bad_seeing", "bad_seeing", rig=9)]
    scores = scores_of(frames)
    assert scores["accuracy"] == 0.7
    assert scores["bad_kept"] == 0.5
    assert scores["good_rejected"] == 0.125
    assert scores["unknown"] == 0.1
    low, high = scores["accuracy_95"]
    assert low < 0.7 < high
    assert scores["confusion"]["good"]["unknown"] == 1


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    from training.iqa.calibration import expected_calibration_error

    chance = np.full(1000, 0.8)
    right = np.arange(1000) % 10 < 6
    assert expected_calibration_error(chance, right) == pytest.approx(0.2)
    assert expected_calibration_error(chance, np.arange(1000) % 10 < 8) == pytest.approx(0.0, abs=1e-9)


def test_temperature_undoes_overconfidence():
    from training.iqa.calibration import _best_temperature

    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 5))
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(5, p=row) for row in chance])
    assert _best_temperature(2 * logits, truth) == pytest.approx(2.0, abs=0.15)


def test_an_unknown_frame_without_any_fault_says_what_is_normal():
    from dataclasses import replace

    from training.iqa.evaluate import says_normal

    bad = graded("good", "bad_seeing").grade
    assert says_normal(graded("good", "good").grade)
    assert not says_normal(bad)
    assert says_normal(replace(bad, label="unknown", fault_scores={"seeing": 0.4}))
    assert not says_normal(replace(bad, label="unknown", fault_scores={"seeing": 0.6}))


def test_neighbours_of_a_hexagonal_map():
    from training.iqa.som import COLUMNS, ROWS, hexagonal_neighbours

    touching = hexagonal_neighbours()
    assert (touching == touching.T).all()
    inner = (ROWS // 2) * COLUMNS + COLUMNS // 2
    assert touching[inner].sum() == 6
    assert touching[0].sum() in (2, 3)
