"""One frame beside many baselines."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor import metrics
from astro_monitor.grade.profile import PROFILE_NUMBERS
from astro_monitor.grade.statistics import NUMBERS, STATISTICS_LENGTH

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training


def make_rig(labels):
    from training.iqa.dataset import RigFrames

    facts = []
    for number, label in enumerate(labels):
        values = dict.fromkeys(metrics.KEYS) | {
            "fwhm_px": 3.0 + 0.01 * number, "fwhm_arcsec": 6.0, "extinction_mag": 0.1, "sky_above_pedestal_adu": 100.0,
            "background_noise_adu": 4.0,
        }  # fmt: skip
        facts.append(
            {"values": values, "cells_adu": [500.0] * 48, "stamp_bin": 1, "profile": [None] * len(PROFILE_NUMBERS),
             "truth": {"label": label}}
        )  # fmt: skip
    rows = np.zeros((len(labels), 128, 636), np.float16)
    return RigFrames(
        rows, np.zeros((len(labels), 128), np.uint8), facts, {"f0_px": 3.0, "scale_arcsec_px": 2.0, "seed": 4}
    )


def flag(vectors, name):
    return vectors[:, len(NUMBERS) + NUMBERS.index(name)]


def test_a_context_has_the_spreads_of_the_program():
    from astro_monitor.baseline import spreads
    from training.iqa.variants import context_of

    facts = make_rig(["good"] * 6).facts
    facts[2]["values"]["fwhm_px"] = None
    context = context_of(facts, ("extinction_mag",))
    known = [{key: value for key, value in frame["values"].items() if value is not None} for frame in facts]
    expected = {key: spread for key, spread in spreads(known).items() if key != "extinction_mag"}
    assert context.spreads == expected
    assert context_of([]).spreads == {}


def test_variants_cover_all_that_happens():
    from training.iqa.variants import random_vectors

    rig = make_rig(["good"] * 9 + ["bad_seeing"] * 3)
    vectors = random_vectors(rig, 9, 300, np.random.default_rng(2))
    assert vectors.shape == (300, STATISTICS_LENGTH)
    ratio, firm, scale = (flag(vectors, name) for name in ("ratio_fwhm_px", "firm_baseline", "log_fwhm_over_site"))
    assert 0.8 < ratio.mean() < 0.95
    assert firm.all()
    assert 0.6 < scale.mean() < 0.8
    without = vectors[ratio == 0]
    assert not flag(without, "extinction_mag").any()


def test_a_frame_is_never_in_its_own_baseline():
    from training.iqa.variants import random_vectors

    rig = make_rig(["good"] + ["bad_seeing"] * 3)
    vectors = random_vectors(rig, 0, 100, np.random.default_rng(3))
    size = vectors[:, NUMBERS.index("log_baseline_size")]
    assert size.max() <= np.log1p(3) + 1e-6


def test_sequences_never_share_a_rig_between_splits():
    from training.iqa.rigs import rig_seeds

    seeds = [set(rig_seeds(split, 40)) for split in ("train", "validation", "test")]
    assert not seeds[0] & seeds[1]
    assert not seeds[0] & seeds[2]
    assert not seeds[1] & seeds[2]
    assert rig_seeds("train", 5) == rig_seeds("train", 40)[:5]
