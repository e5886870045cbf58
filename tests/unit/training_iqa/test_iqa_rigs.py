"""The frames of one rig."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def test_optics_that_draw_all_stars_out_change_no_label():
    from training.iqa.rigs import ELONGATED, rig_seeds, sequence

    number = ELONGATED["train"].start
    frame = next(iter(sequence("train", rig_seeds("train", number + 1)[number], number)))
    assert frame.labels.label == "good"
    assert frame.condition.motion.drift_px > 0.3 * frame.rig.f0_px


def test_a_restless_rig_draws_its_stars_out_a_little_differently_each_time():
    from training.iqa.rigs import RESTLESS, rig_seeds, sequence

    frames = sequence("train", rig_seeds("train", RESTLESS.start + 1)[RESTLESS.start], RESTLESS.start)
    first, second = next(frames), next(frames)
    assert first.labels.label == second.labels.label == "good"
    assert first.condition.motion.drift_px != pytest.approx(second.condition.motion.drift_px, rel=1e-3)


def test_a_path_strays_by_a_share_of_its_second_moments():
    from training.iqa.rigs import _strayed

    rng = np.random.default_rng(3)
    drawn = np.array([_strayed(rng, 2.0, 30.0, 0.2) for _ in range(2000)])
    twice = 2 * np.radians(drawn[:, 1])
    moments = drawn[:, 0] ** 2 * np.array([np.cos(twice), np.sin(twice)])
    assert moments.mean(axis=1) == pytest.approx([4 * math.cos(math.pi / 3), 4 * math.sin(math.pi / 3)], abs=0.06)
    assert moments.std(axis=1) == pytest.approx([0.8, 0.8], rel=0.06)


def test_an_even_path_adds_as_a_vector():
    from training.iqa.rigs import _drawn_out
    from training.simulate import Condition, Motion

    condition = Condition(motion=Motion(drift_px=3.0, drift_angle_deg=90.0))
    motion = _drawn_out(condition, 4.0, 0.0).motion
    assert motion.drift_px == pytest.approx(5.0)
    assert motion.drift_angle_deg == pytest.approx(math.degrees(math.atan2(3, 4)))


def test_a_rig_is_rendered_once_and_read_back(tmp_path, monkeypatch):
    from training.iqa import rigs

    real = rigs.sequence
    monkeypatch.setattr(rigs, "sequence", lambda *wanted: [next(iter(real(*wanted)))])
    seed = rigs.rig_seeds("validation", 3)[2]
    path = rigs.render_rig(tmp_path, "validation", seed, 2)
    (take,) = rigs.load_rig(path)
    assert take.rig["seed"] == seed
    assert take.truth["label"] == "good"
    assert take.pixels.ndim == 2
    monkeypatch.setattr(rigs, "sequence", None)
    assert rigs.render_rig(tmp_path, "validation", seed, 2) == path
