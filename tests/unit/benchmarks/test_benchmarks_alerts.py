"""The nights that warnings are measured on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("galsim", reason="needs the 'train' extra")
from benchmarks import alerts
from training.iqa.rigs import load_rig, rig_seeds

pytestmark = pytest.mark.training


def test_a_night_is_rendered_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "FRAMES", (4, 5))
    monkeypatch.setattr(alerts, "SHAPE", (96, 128))
    (seed,) = rig_seeds("validation", 1)
    path = alerts.render_night(tmp_path, "validation", seed, 0)
    takes = load_rig(path)
    assert len(takes) == 4
    assert all(take.pixels.shape == (96, 128) and take.pixels.dtype == np.uint16 for take in takes)
    times = [datetime.fromisoformat(take.truth["time"]) for take in takes]
    assert times == sorted(times)
    written_ns = path.stat().st_mtime_ns
    assert alerts.render_night(tmp_path, "validation", seed, 0) == path
    assert path.stat().st_mtime_ns == written_ns
