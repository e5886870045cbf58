"""Scores on rigs that training never saw, graded as a live session would grade them.

The shipped file and the shipped code grade the frames in the order of time; frames that the model has nothing against
make the baseline for the frames after. Confidence intervals come from drawing whole rigs anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.grade import Grader, SourceGrader
from astro_monitor.grade.sources import Sources
from astro_monitor.grade.statistics import FIRM_BASELINE
from astro_monitor.inference import Card, open_model, source_part_of
from astro_monitor.judge.limits import FAULT_NOTED
from astro_monitor.records import CLASSES, Grade
from training.iqa.calibration import expected_calibration_error
from training.iqa.dataset import RigFrames, load_examined
from training.iqa.variants import NEEDS_REFERENCE, NEEDS_SCALE, context_of, vector

SCALE_KNOWN = 0.75
"""Part of the rigs whose headers tell the pixel scale."""

_RESAMPLES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One frame with its truth and its grade."""

    rig: int
    index: int
    truth: dict[str, Any]
    grade: Grade
    baseline_size: int


def grade_rig(describer: SourceGrader, grader: Grader, rig: RigFrames, number: int) -> list[Graded]:
    """Grade the frames of one rig in the order of time.

    Parameters:
        describer, grader: both parts of the quality model.
        rig: its examined frames.
        number: of the rig, for drawing whole rigs anew.
    """
    rng = np.random.default_rng([rig.rig["seed"], 0xE7A])
    hidden = () if rng.random() < SCALE_KNOWN else NEEDS_SCALE
    accepted: list[dict[str, Any]] = []
    graded = []
    for index, frame in enumerate(rig.facts):
        forget = (*hidden, *(() if accepted else NEEDS_REFERENCE))
        context = context_of(accepted, hidden)
        table = Sources(rig.rows[index].astype(np.float32), rig.valid[index].astype(np.float32))
        separation = frame["values"].get("star_separation_fwhm")
        features = describer.features_of(table, frame["stamp_bin"], frame["profile"])
        numbers = vector(frame, context, forget)
        grade = grader.grade_inputs(f"{index:016x}", features, numbers, separation, len(accepted))
        graded.append(Graded(rig=number, index=index, truth=frame["truth"], grade=grade, baseline_size=len(accepted)))
        if says_normal(grade):
            accepted.append(frame)
    return graded


def open_quality(models: Path, name: str = "quality", threads: int = 1) -> tuple[SourceGrader, Grader, Card]:
    """Open both parts of the quality model on the processor.

    Parameters:
        models: their folder.
        name: of the head.
        threads: cores for one call; 0 for all.

    Returns:
        both parts, and the card of the head.
    """
    sources, head = (
        open_model(part, folder=models, provider="cpu", threads=threads) for part in (source_part_of(name), name)
    )
    return SourceGrader(sources), Grader(head, normal_fwhm_arcsec=3.0), head.card


def says_normal(grade: Grade) -> bool:
    """Tell whether the judge would let a frame say what is normal, had it no measured finding against it either."""
    if max(grade.probabilities, key=grade.probabilities.__getitem__) == "good":
        return True
    return grade.label == "unknown" and all(score < FAULT_NOTED for score in grade.fault_scores.values())


def evaluate(describer: SourceGrader, grader: Grader, folder: Path) -> tuple[dict[str, Any], list[Graded]]:
    """Score the model on all rigs of a folder.

    Parameters:
        describer, grader: both parts of the quality model.
        folder: of examined rigs.

    Returns:
        scores for the card, and all graded frames.
    """
    graded: list[Graded] = []
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        graded += grade_rig(describer, grader, load_examined(path), number)
    firm = [one for one in graded if one.truth["label"] in CLASSES]
    unsure = [one for one in graded if one.truth["label"] not in CLASSES]
    with_baseline = [one for one in firm if one.baseline_size >= FIRM_BASELINE]
    without_baseline = [one for one in firm if one.baseline_size < FIRM_BASELINE]
    scores = {
        "split": folder.name,
        "rigs": len({one.rig for one in graded}),
        "all_frames": scores_of(firm),
        "with_baseline": scores_of(with_baseline),
        "without_baseline": scores_of(without_baseline),
        "ambiguous_frames": {
            "frames": len(unsure),
            "called_good": _share(unsure, lambda one: one.grade.label == "good"),
            "unknown": _share(unsure, lambda one: one.grade.label == "unknown"),
        },
    }
    return scores, graded


def scores_of(frames: Sequence[Graded]) -> dict[str, Any]:
    """Give all scores of frames with firm labels, with 95 % intervals over rigs."""
    if not frames:
        return {"frames": 0}
    right = [one for one in frames if one.grade.label == one.truth["label"]]
    bad = [one for one in frames if one.truth["label"] != "good"]
    good = [one for one in frames if one.truth["label"] == "good"]
    named = [one for one in right if one.truth["label"] != "good"]
    best = np.array([max(one.grade.probabilities.values()) for one in frames])
    argmax = [max(one.grade.probabilities, key=one.grade.probabilities.__getitem__) for one in frames]
    hits = np.array([said == one.truth["label"] for said, one in zip(argmax, frames, strict=True)])
    return {
        "frames": len(frames),
        "accuracy": _share(frames, is_right),
        "accuracy_95": _interval(frames, is_right),
        "accuracy_if_forced": round(float(hits.mean()), 4),
        "macro_f1": round(_macro_f1(frames), 4),
        "bad_kept": _share(bad, lambda one: one.grade.label == "good"),
        "bad_kept_95": _interval(bad, lambda one: one.grade.label == "good"),
        "good_rejected": _share(good, lambda one: one.grade.label not in ("good", "unknown")),
        "good_rejected_95": _interval(good, lambda one: one.grade.label not in ("good", "unknown")),
        "unknown": _share(frames, lambda one: one.grade.label == "unknown"),
        "calibration_error": round(expected_calibration_error(best, hits), 4),
        "cause_given_class": _share(named, lambda one: one.grade.cause == one.truth["cause"]),
        "confusion": _confusion(frames),
    }


def is_right(one: Graded) -> bool:
    """Tell whether the class is the true one; "unknown" is not."""
    return bool(one.grade.label == one.truth["label"])


def _share(frames: Sequence[Graded], test: Callable[[Graded], bool]) -> float | None:
    return round(sum(map(test, frames)) / len(frames), 4) if frames else None


def _interval(frames: Sequence[Graded], test: Callable[[Graded], bool]) -> list[float] | None:
    """95 % interval of a share, drawing whole rigs anew."""
    rigs = sorted({one.rig for one in frames})
    if len(rigs) < 2:
        return None
    count = np.array([sum(one.rig == rig for one in frames) for rig in rigs])
    hits = np.array([sum(test(one) for one in frames if one.rig == rig) for rig in rigs])
    return interval_95(hits, count)


def interval_95(hits: NDArray[np.int64], count: NDArray[np.int64]) -> list[float]:
    """Give the 95 % interval of a share, drawing whole rigs anew.

    Parameters:
        hits, count: (R,) frames of each rig that count as hits, and all of them; without any the share may be anything.
    """
    if not len(count):
        return [0.0, 1.0]
    drawn = np.random.default_rng(1).integers(0, len(count), (_RESAMPLES, len(count)))
    shares = hits[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return [round(float(edge), 4) for edge in np.quantile(shares, (0.025, 0.975))]


def _macro_f1(frames: Sequence[Graded]) -> float:
    scores = []
    for name in CLASSES:
        true = sum(one.truth["label"] == name for one in frames)
        said = sum(one.grade.label == name for one in frames)
        both = sum(one.truth["label"] == name == one.grade.label for one in frames)
        if true + said:
            scores.append(2 * both / (true + said))
    return float(np.mean(scores)) if scores else math.nan


def _confusion(frames: Sequence[Graded]) -> dict[str, dict[str, int]]:
    """Truth, then what was said, with the numbers of frames."""
    table = {truth: dict.fromkeys((*CLASSES, "unknown"), 0) for truth in CLASSES}
    for one in frames:
        table[one.truth["label"]][one.grade.label] += 1
    return table
