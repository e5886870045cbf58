"""The models before pictures that are no night sky."""

from __future__ import annotations

from pathlib import Path

import pytest

import astro_monitor

pytest.importorskip("keras", reason="needs the 'train' extra")
from training.iqa.strange import ask
from training.simulate.strange import KINDS

MODELS = Path(astro_monitor.__file__).parent / "models"


def test_each_picture_gets_one_answer_and_nothing_at_all_is_unknown() -> None:
    found = ask(MODELS, 2)
    assert set(found["said"]) == set(KINDS)
    assert all(sum(said.values()) == 2 for said in found["said"].values())
    assert found["said"]["noise"] == found["said"]["flat"] == {"unknown": 2}
    low, high = found["unknown_95"]
    assert low <= found["unknown"] <= high
