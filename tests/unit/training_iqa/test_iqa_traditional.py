"""The yardstick: limits without a model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from astro_monitor.grade.known import Context, Known
from astro_monitor.grade.profile import PROFILE_NUMBERS
from astro_monitor.records import CLASSES, Spread
from training.iqa.traditional import NUMBERS, Limits, best_limits, classify, judge_by_limits, numbers_of

FINE = {
    "trail_length_px": 0.3, "fwhm_minor_px": 3.0, "fwhm_arcsec": 3.0, "sky_above_pedestal_adu": 500.0,
    "star_count": 200.0, "background_gradient_adu": 20.0,
}  # fmt: skip
FIRM = Context(spreads={key: Spread(median=value, mad=0.0) for key, value in FINE.items()}, size=5)
ALONE = Context(spreads={}, size=0)


def said(values, context):
    known = Known.of(values, 1, [None] * len(PROFILE_NUMBERS), context)
    return CLASSES[int(classify(numbers_of(known)[None], Limits())[0])]


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
    assert said(FINE | change, FIRM) == label


def test_without_a_baseline_only_absolute_limits_speak():
    assert said(FINE | {"star_count": 2.0}, ALONE) == "good"
    assert said(FINE | {"fwhm_arcsec": 9.0}, ALONE) == "bad_seeing"


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


def test_frames_that_agree_make_the_baseline(rig_of):
    rig = rig_of(["good"] * 5 + ["bad_seeing"], {5: {"fwhm_px": 6.0, "fwhm_minor_px": 6.0}})
    judged = judge_by_limits(rig, 0, Limits(fwhm_arcsec=7.0))
    assert [one.label for one in judged] == ["good"] * 5 + ["bad_seeing"]
    assert [one.baseline_size for one in judged] == [0, 1, 2, 3, 4, 5]
    assert [one.decision for one in judged][-1] == "reject"
