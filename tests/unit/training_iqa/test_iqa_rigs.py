"""The frames of one rig."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def test_no_rig_is_in_two_splits():
    from training.iqa.rigs import rig_seeds
    from training.simulate import rig_split

    for split in ("train", "validation", "test"):
        seeds = rig_seeds(split, 40)
        assert len(set(seeds)) == 40
        assert {rig_split(seed) for seed in seeds} == {split}
        assert min(seeds) >= 40_000_000, "seeds below belong to earlier generations"


def test_a_rig_is_rendered_once_and_read_back(tmp_path, monkeypatch):
    from training.iqa import rigs

    real = rigs.sequence
    monkeypatch.setattr(rigs, "sequence", lambda *wanted: islice(real(*wanted), 1))
    seed = rigs.rig_seeds("train", 3)[2]
    path = rigs.render_rig(tmp_path, "train", seed)
    (take,) = rigs.load_rig(path)
    assert take.rig["seed"] == seed
    assert take.truth["normal_fwhm_px"] == take.rig["f0_px"]
    assert take.truth["effective_sky_adu"] == pytest.approx(take.rig["effective_sky_adu"])
    assert take.pixels.ndim == 2
    monkeypatch.setattr(rigs, "sequence", None)
    assert rigs.render_rig(tmp_path, "train", seed) == path


def test_headers_of_a_rig_tell_the_same_in_every_frame():
    from training.iqa.headers import dressed
    from training.iqa.rigs import rig_facts, rig_seeds
    from training.simulate import rig_from_seed

    pixels = np.zeros((20, 30), np.uint16)
    told = []
    for seed in rig_seeds("train", 8):
        rig = rig_facts(rig_from_seed(seed))
        truth = {"time": "2025-01-01T20:00:00+00:00", "turn_deg": 0.0}
        first, second = (dressed(pixels, rig, truth, number).meta for number in (0, 1))
        assert (first.pedestal_adu, first.e_per_adu, first.scale_arcsec_px) == (
            second.pedestal_adu, second.e_per_adu, second.scale_arcsec_px
        )  # fmt: skip
        told.append(first.scale_arcsec_px is not None)
    assert any(told)


@pytest.mark.parametrize("kind", ["begins well", "begins badly", "lasting", "single", "sky", "focus", "flip"])
def test_each_kind_of_course_has_good_frames_and_faults(kind):
    from training.simulate import rig_from_seed
    from training.simulate.conditions import label
    from training.simulate.courses import draw_course

    rig = rig_from_seed(40_000_003)
    labels = [label(rig, one).label for seed in range(3)
              for one in draw_course(np.random.default_rng(seed), rig, 8, kind)]  # fmt: skip
    assert labels.count("good") > 2
    assert len(set(labels)) > 1
