"""What the ablation compares."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from astro_monitor.grade.compared import COMPARED  # noqa: E402
from astro_monitor.grade.statistics import NUMBERS, STATISTICS_LENGTH  # noqa: E402
from astro_monitor.records import CLASSES  # noqa: E402
from training.iqa.ablation import CHANGES, score  # noqa: E402
from training.iqa.network import SHIPPED_PARTS  # noqa: E402
from training.iqa.train import Recipe, hidden_numbers  # noqa: E402


class Head:
    """Says the class that its first number names."""

    def __call__(self, inputs, training):
        return {"class": np.eye(len(CLASSES))[inputs["statistics"][:, 0].astype(int)]}


class Data:
    """Sixty frames of ten rigs, the last of each six ambiguous."""

    classes = np.eye(len(CLASSES))[np.array([0, 1, 2, 3, 4, 0] * 10)]
    firm = np.array([True] * 5 + [False]).repeat(1).tolist() * 10
    rig = np.repeat(np.arange(10), 6)
    frame = np.arange(60)

    def inputs(self, chosen):
        numbers = np.zeros((len(chosen), STATISTICS_LENGTH))
        numbers[:, 0] = np.where(chosen < 6, 0, self.classes[chosen].argmax(axis=1))
        return {"statistics": numbers}


def test_scores_are_over_firm_labels_and_whole_rigs():
    data = Data()
    chosen = np.flatnonzero(data.firm)
    right, scores = score(Head(), data, chosen, np.ones(STATISTICS_LENGTH))
    assert scores["frames"] == len(right) == 50
    assert scores["accuracy"] == pytest.approx(46 / 50)
    assert scores["accuracy_95"][0] < 46 / 50 <= scores["accuracy_95"][1] <= 1


def test_numbers_of_a_side_that_is_left_out_are_hidden_with_their_flags():
    everything = hidden_numbers(Recipe())
    assert everything.all()
    mask = hidden_numbers(Recipe(without="kernel"))
    hidden = {name for name, shown in zip(NUMBERS, mask, strict=True) if not shown}
    named = {name for name in COMPARED if "kernel" in name}
    assert hidden == named | {f"knows_{name}" for name in named}
    assert len(named) > 5


def test_every_network_of_the_ablation_can_be_built():
    for change in CHANGES.values():
        recipe = Recipe(**change)
        assert set(recipe.parts) <= {*SHIPPED_PARTS, "image"}
        assert "statistics" in recipe.parts
    assert Recipe().parts == SHIPPED_PARTS
