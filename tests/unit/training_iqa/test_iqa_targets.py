"""What the network is to say."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.records import CAUSES, CLASSES
from training.iqa.targets import AMBIGUOUS_WEIGHT, PHYSICAL, shared, target_of


def test_a_firm_frame_is_its_class_and_counts_fully(truth_of):
    target = target_of(truth_of("bad_seeing", cause="defocus", width_ratio=2.0))
    assert target.classes[CLASSES.index("bad_seeing")] == target.weight == 1
    assert target.firm
    assert CAUSES[target.cause] == "defocus"
    assert target.physical[PHYSICAL.index("log_width_over_usual")] == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize(
    ("key", "low", "high", "label"),
    [
        ("excess_f", 0.7, 1.2, "bad_tracking"),
        ("width_ratio", 1.3, 1.6, "bad_seeing"),
        ("extinction_mag", 0.45, 0.55, "background_issue"),
        ("gradient_s", 0.315, 0.385, "background_issue"),
        ("sky_s", 3.6, 4.4, "background_issue"),
    ],
)
def test_between_two_borders_the_probability_moves_evenly_to_the_other_class(truth_of, key, low, high, label):
    also = ["severe_excess_f"] if key == "excess_f" else []
    bad = [
        shared(truth_of("ambiguous", **dict.fromkeys([key, *also], value)))[CLASSES.index(label)]
        for value in np.linspace(low, high, 5)
    ]
    assert bad == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=1e-6)
    target = target_of(truth_of("ambiguous", **dict.fromkeys([key, *also], 0.5 * (low + high))))
    assert not target.firm
    assert target.weight == pytest.approx(AMBIGUOUS_WEIGHT)
    assert target.classes.sum() == pytest.approx(1)


def test_a_ghost_that_is_neither_faint_nor_bright_counts_half(truth_of):
    chance = shared(truth_of("ambiguous", excess_f=0.1, severe_excess_f=2.0))
    assert chance[CLASSES.index("good")] == chance[CLASSES.index("bad_tracking")] == pytest.approx(0.5)


def test_the_worst_fault_comes_first(truth_of):
    chance = shared(truth_of("ambiguous", excess_f=3.0, severe_excess_f=3.0, width_ratio=2.0))
    assert chance[CLASSES.index("very_bad_tracking")] == pytest.approx(0.5)
    assert chance[CLASSES.index("bad_tracking")] == pytest.approx(0.5)
