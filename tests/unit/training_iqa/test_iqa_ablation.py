"""What the ablation compares with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the 'train' extra")
pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from astro_monitor.grade.sources import SOURCE_LENGTH  # noqa: E402
from astro_monitor.records import CLASSES  # noqa: E402
from training.iqa.ablation import random_groups, score  # noqa: E402
from training.iqa.grouping import STAMP_LENGTH  # noqa: E402


def tables(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    rows = rng.random((len(counts), 64, SOURCE_LENGTH), np.float32)
    valid = (np.arange(64) < np.array(counts)[:, None]).astype(np.float32)
    return rows, valid


def test_random_groups_have_the_form_of_the_map():
    rows, valid = tables([64, 7, 0])
    image, mask, histogram, error = random_groups(rows, valid, 9)
    assert (image.shape, mask.shape, error.shape) == ((3, 21, 25, 25), (3, 21), (3, 1))
    assert mask.sum(axis=1).tolist() == [21, 8, 0]
    assert histogram.sum(axis=1) == pytest.approx([1, 1, 0])
    everyone = rows[0, :, :STAMP_LENGTH].mean(axis=0)
    assert image[0, -1].ravel() == pytest.approx(everyone, abs=1e-5)
    assert not image[2].any()


def test_random_groups_are_seeded_and_use_only_sources():
    rows, valid = tables([30])
    first, again, other = (random_groups(rows, valid, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    changed = rows.copy()
    changed[0, 30:] = 99
    assert np.array_equal(random_groups(changed, valid, 1)[0], first)


def test_scores_are_over_firm_labels_and_whole_rigs():
    label = np.array([0, 1, 2, 3, 4, -1] * 10)

    class Head:
        def predict(self, inputs, **_):
            image = inputs[0]
            said = image[:, 0].astype(int)
            return {"class_logits": np.eye(len(CLASSES))[said]}

    said = np.maximum(label, 0).astype(np.float32)
    said[:6] = 0
    check = SimpleNamespace(
        label=label, image=said[:, None], mask=said, histogram=said, statistics=np.zeros((60, 2, 3)),
        rig=np.repeat(np.arange(10), 6),
    )  # fmt: skip
    scores = score(Head(), check)
    assert scores["frames"] == 50
    assert scores["accuracy"] == pytest.approx(46 / 50)
    assert scores["accuracy_95"][0] < 46 / 50 <= scores["accuracy_95"][1] <= 1
