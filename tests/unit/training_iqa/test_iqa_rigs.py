"""The frames of one rig."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def test_optics_that_draw_all_stars_out_change_no_label():
    from training.iqa.rigs import ELONGATED, rig_seeds, sequence

    number = ELONGATED["train"].start
    frame = next(iter(sequence("train", rig_seeds("train", number + 1)[number], number)))
    assert frame.labels.label == "good"
    assert frame.condition.motion.drift_px > 0.3 * frame.rig.f0_px


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
