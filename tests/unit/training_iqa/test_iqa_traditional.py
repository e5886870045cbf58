"""The yardstick: limits without a model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytest.importorskip("keras", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from astro_monitor.grade.statistics import Context  # noqa: E402
from astro_monitor.records import CLASSES, Spread  # noqa: E402
from training.iqa.dataset import RigFrames  # noqa: E402
from training.iqa.traditional import (  # noqa: E402
    NUMBERS,
    Limits,
    best_limits,
    classify,
    grade_by_limits,
    numbers_of,
)

FINE = {
    "trail_length_px": 0.3, "fwhm_minor_px": 3.0, "fwhm_arcsec": 3.0, "sky_above_pedestal_adu": 500.0,
    "star_count": 200.0, "background_gradient_adu": 20.0,
}  # fmt: skip
FIRM = Context(spreads={key: Spread(median=value, mad=0.0) for key, value in FINE.items()}, size=5)


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, "good"),
        ({"trail_length_px": 4.5}, "bad_tracking"),
        ({"trail_length_px": 12.0}, "very_bad_tracking"),
        ({"fwhm_minor_px": 6.0}, "bad_seeing"),
        ({"star_count": 20.0}, "background_issue"),
        ({"sky_above_pedestal_adu": 4000.0}, "background_issue"),
        ({"background_gradient_adu": 900.0}, "background_issue"),
    ],
)
def test_each_limit_condemns_what_it_is_for(change, label):
    assert CLASSES[int(classify(numbers_of(FINE | change, FIRM)[None], Limits())[0])] == label


def test_without_a_baseline_only_absolute_limits_speak():
    alone = Context(spreads={}, size=0)
    assert CLASSES[int(classify(numbers_of(FINE | {"star_count": 2.0}, alone)[None], Limits())[0])] == "good"
    assert CLASSES[int(classify(numbers_of(FINE | {"fwhm_arcsec": 9.0}, alone)[None], Limits())[0])] == "bad_seeing"


@given(arrays.arrays(np.float64, (4, len(NUMBERS)), elements=st.floats(allow_nan=True, allow_infinity=False)))
def test_unknown_numbers_condemn_nothing(numbers):
    assert classify(np.full((1, len(NUMBERS)), math.nan), Limits())[0] == CLASSES.index("good")
    assert set(classify(numbers, Limits())) <= set(range(len(CLASSES)))


def test_limits_are_found_where_the_classes_part():
    rng = np.random.default_rng(5)
    numbers = np.full((400, len(NUMBERS)), np.nan)
    numbers[:, NUMBERS.index("trail")] = rng.uniform(0, 4, 400)
    truth = np.where(numbers[:, 0] > 2.0, CLASSES.index("bad_tracking"), CLASSES.index("good"))
    found = best_limits(numbers, truth)
    assert found.trail == pytest.approx(2.0, abs=0.25)
    assert (classify(numbers, found) == truth).mean() > 0.93


def test_accepted_frames_make_the_baseline():
    facts = [{"values": dict(FINE), "cells_adu": [500.0] * 48, "truth": {"label": "good"}} for _ in range(3)]
    facts.append({"values": FINE | {"fwhm_minor_px": 6.0}, "cells_adu": [500.0] * 48, "truth": {"label": "bad_seeing"}})
    rig = RigFrames(np.zeros((4, 1, 1)), np.zeros((4, 1)), facts, {"seed": 1})
    graded = grade_by_limits(rig, 0, Limits())
    assert [one.grade.label for one in graded] == ["good", "good", "good", "bad_seeing"]
    assert [one.baseline_size for one in graded] == [0, 1, 2, 3]
