"""The models before pictures that are no night sky."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import astro_monitor

pytest.importorskip("keras", reason="needs the 'train' extra")
from training.iqa import strange
from training.iqa.strange import FIRST_TEST_SEED, ask, keep_looks
from training.simulate.strange import KINDS

MODELS = Path(astro_monitor.__file__).parent / "models"


def test_each_picture_gets_one_answer_and_nothing_at_all_is_unknown(monkeypatch) -> None:
    monkeypatch.setattr(strange, "KINDS", {kind: KINDS[kind] for kind in ("planet", "noise", "flat")})
    found = ask(MODELS, 2)
    assert set(found["said"]) == {"planet", "noise", "flat"}
    assert all(sum(said.values()) == 2 for said in found["said"].values())
    assert found["said"]["noise"] == found["said"]["flat"] == {"unknown": 2}
    low, high = found["unknown_95"]
    assert low <= found["unknown"] <= high


def test_pictures_to_learn_from_are_looked_at_once_and_never_those_of_the_report(tmp_path, monkeypatch) -> None:
    from training.iqa.familiar import load_strange

    with pytest.raises(ValueError, match="later seeds are for the report"):
        keep_looks(MODELS, tmp_path, FIRST_TEST_SEED + 1)
    monkeypatch.setattr(strange, "KINDS", {kind: KINDS[kind] for kind in ("text", "dark")})
    keep_looks(MODELS, tmp_path, 2)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    keep_looks(MODELS, tmp_path, 2)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == first
    kept = load_strange(tmp_path)
    assert "text" in kept.kinds
    assert all(np.isfinite(values).all() for values in kept.inputs.values())
