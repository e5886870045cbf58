"""One frame next to many baselines."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.grade.statistics import NUMBERS, STATISTICS_LENGTH
from training.iqa.contexts import GOOD_FIRST, IN_TIME, SHORT, SHUFFLED, build_examples, examples_of, load_examples
from training.iqa.lookset import store_looks

LABELS = ["good", "bad_seeing", "good", "good", "ambiguous", "good", "good", "bad_tracking"]
WIDE = {1: {"fwhm_px": 7.0, "fwhm_minor_px": 7.0}, 7: {"trail_length_px": 9.0, "trail_plus_px2": 81.0}}


def column(examples, name):
    return examples.statistics[:, NUMBERS.index(name)].astype(float)


def test_each_frame_meets_baselines_of_every_origin(rig_of):
    made = examples_of(rig_of(LABELS, WIDE), 3, 1)
    for origin in (IN_TIME, SHUFFLED, GOOD_FIRST):
        assert sorted(made.frame[made.origin == origin]) == list(range(8))
    assert 1 <= (made.origin == SHORT).sum() < 8
    assert made.statistics.shape == (len(made.frame), STATISTICS_LENGTH)
    assert made.rig.tolist() == [3] * 8
    assert made.firm.tolist() == [label != "ambiguous" for label in LABELS]


def test_the_first_frame_has_no_baseline_and_none_is_in_its_own(rig_of):
    made = examples_of(rig_of(LABELS, WIDE), 3, 1)
    first = (made.origin == IN_TIME) & (made.frame == 0)
    assert made.size[first] == 0
    assert made.size.max() <= 7
    assert column(made, "knows_ratio_fwhm_px")[first] == 0


def test_with_the_good_frames_first_a_bad_one_is_seen_against_them(rig_of):
    made = examples_of(rig_of(LABELS, WIDE), 3, 1)
    wide = (made.origin == GOOD_FIRST) & (made.frame == 1)
    assert made.size[wide] >= 5
    assert column(made, "ratio_fwhm_minor_px")[wide] == pytest.approx(np.log(7 / 3), abs=0.02)


def test_orders_are_seeded(rig_of):
    rig = rig_of(LABELS, WIDE)
    first, again, other = (examples_of(rig, 3, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.frame, again.frame)
    assert not np.array_equal(first.frame[first.origin == SHUFFLED], other.frame[other.origin == SHUFFLED])


def test_examples_are_kept_once_and_joined(rig_of, tmp_path):
    for number in range(2):
        rig = rig_of(LABELS, WIDE)
        store_looks(tmp_path / f"{number}.looks", rig.rig, rig.frames)
        path = build_examples(tmp_path / f"{number}.looks", tmp_path / f"{number}.npz", number, 1)
        before = path.stat().st_mtime_ns
        assert build_examples(tmp_path / "gone.looks", path, number, 1).stat().st_mtime_ns == before
    joined = load_examples(sorted(tmp_path.glob("*.npz")))
    assert len(joined.weight) == 16
    assert joined.frame.max() == 15
    assert joined.rig.tolist() == [0] * 8 + [1] * 8
    assert joined.inputs(np.array([0, 3]))["profiles"].dtype == np.float32
