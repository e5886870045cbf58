"""Real frames with labels: grade them as a live session would, and compare. They are never trained on here."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astro_monitor.baseline import History
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import BaselineKey, Examined, Outcome, baseline_key
from astro_monitor.settings import Settings
from training import arrivals

log = logging.getLogger(__name__)

FIRM = 0.7
"""Labels of less confidence are hints and do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealFrame:
    """One labelled file and what became of it."""

    file: str
    label: str
    confidence: float
    baseline_size: int
    outcome: Outcome

    @property
    def said(self) -> str:
        """Label of the grade, or the kind of the outcome when there is none."""
        return self.outcome.grade.label if isinstance(self.outcome, Examined) else type(self.outcome).__name__.lower()


def grade_folder(folder: Path, models: Path) -> list[RealFrame]:
    """Grade all files of ``labels.csv``, folder by folder in the order of their names, and log a line for each.

    Parameters:
        folder: with ``labels.csv`` (file, label, flags, confidence, ...).
        models: folder of models.
    """
    pipeline = Pipeline.open(Settings.model_validate({"models": {"folder": models, "provider": "cpu"}}))
    histories: dict[BaselineKey, History] = {}
    done = []
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as table:
        rows = sorted(csv.DictReader(table), key=lambda row: row["file"])
    for row in rows:
        outcome = pipeline.examine(
            arrivals.named(folder / row["file"], folder), [h.baseline() for h in histories.values()]
        )
        size = _remember(outcome, histories)
        one = RealFrame(file=row["file"], label=row["label"], confidence=float(row["confidence"] or 0),
                        baseline_size=size, outcome=outcome)  # fmt: skip
        done.append(one)
        log.info("%s", _line(one))
    firm = [one for one in done if one.confidence >= FIRM and isinstance(one.outcome, Examined)]
    right = sum(one.said == one.label for one in firm)
    log.info("%d of %d firm labels agree", right, len(firm))
    return done


def _remember(outcome: Outcome, histories: dict[BaselineKey, History]) -> int:
    """Let the memory of the rig take note of a frame; return how many frames it was compared with."""
    if not isinstance(outcome, Examined):
        return 0
    key = baseline_key(outcome.meta, outcome.sensor_shape)
    history = histories.setdefault(key, History(key=key))
    size = history.baseline().size
    history.note(outcome)
    return size


def _line(one: RealFrame) -> str:
    if not isinstance(one.outcome, Examined):
        return f"{one.file:42} {one.label:18} -> {one.said}: {getattr(one.outcome, 'sentence', '')}"
    grade, values = one.outcome.grade, one.outcome.measurements.values
    numbers = _numbers(values, ("star_count_measured", "fwhm_px", "elongation", "trail_length_px", "extinction_mag",
                                "background_gradient_fraction"))  # fmt: skip
    chances = " ".join(f"{100 * chance:3.0f}" for chance in grade.probabilities.values())
    mark = " " if grade.label == one.label else "*" if one.confidence >= FIRM else "?"
    return (
        f"{mark} {one.file:42} {one.label:18} -> {grade.label:18} {grade.cause:9} [{chances}] "
        f"domain {grade.in_domain:.2f} base {one.baseline_size:2d} {numbers}"
    )


def _numbers(values: dict[str, float | None], keys: Sequence[str]) -> str:
    return " ".join("-" if values[key] is None else f"{values[key]:.2f}" for key in keys)
