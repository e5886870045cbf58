"""From nothing to models, cards and a report: every training command runs, with very little data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from astro_monitor.inference import verify_model
from training.manifest import overlaps, read_manifest

pytest.importorskip("tensorflow", reason="needs the 'train' extra")
pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.timeout(1500)]


def test_all_commands_lead_from_nothing_to_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "smoke"
    done = subprocess.run(
        [sys.executable, "-m", "training", "smoke", "--folder", str(folder)],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=1400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    models = {name: verify_model(name, folder=folder / "models") for name in ("quality", "star-unet")}
    scores = json.loads((folder / "report" / "scores.json").read_text("utf-8"))
    assert models["quality"].scores == scores["quality"]["card"]
    assert models["star-unet"].scores == scores["stars"]["card"]
    assert models["quality"].parity_max_abs_diff < 2e-2
    entries = read_manifest(folder / "manifest.jsonl")
    assert {entry.split for entry in entries} == {"train", "validation", "test"}
    assert overlaps(entries) == []
    text = (folder / "report" / "README.md").read_text("utf-8")
    assert all(picture.name in text for picture in (folder / "report").glob("*.png"))
