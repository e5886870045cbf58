"""Scores on rigs that training never saw, in the loop: the shipped model, the real comparison, the real judge.

The looks of a rig are compared and judged in the order of time from the first frame on, with the baselines that the
judge has learnt by then; frames are judged again once what is usual is known, or is another, as the program does.
Confidence intervals draw whole rigs again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from astro_monitor.grade import Grader
from astro_monitor.grade.known import FIRM_BASELINE
from astro_monitor.inference import Card, open_model
from astro_monitor.judge import Judge, SecondLooks
from astro_monitor.pipeline import Comparer
from astro_monitor.records import CLASSES, Baseline, Examined, Grade, Look, Verdict, baseline_key, fitting_baseline
from astro_monitor.settings import Settings
from astro_monitor.stages import FrameGrader
from training.iqa.calibration import expected_calibration_error
from training.iqa.intervals import interval_95
from training.iqa.lookset import LookSet, Truth, load_looks

Test = Callable[["Judged"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One frame with its truth and what was decided.

    Attributes:
        rig, index: number of the rig, and of the frame in it.
        truth: from the simulator.
        grade: of the model.
        label, decision, cause: of the verdict.
        baseline_size: frames in the baseline of the verdict.
        stars: sources that the model sees, at most 128.
    """

    rig: int
    index: int
    truth: Truth
    grade: Grade
    label: str
    decision: str
    cause: str
    baseline_size: int
    stars: int = 0


def open_head(models: Path, name: str = "quality", threads: int = 1) -> tuple[Grader, Card]:
    """Open the head of the quality model on the processor.

    Parameters:
        models: its folder.
        name: of the head.
        threads: cores for one call; 0 for all.
    """
    head = open_model(name, folder=models, provider="cpu", threads=threads)
    return Grader(head, normal_fwhm_arcsec=Settings().site.normal_fwhm_arcsec), head.card


def judge_rig(grader: FrameGrader, rig: LookSet, number: int) -> list[Judged]:
    """Judge the frames of one rig in the order of time.

    Parameters:
        grader: the head of the quality model.
        rig: its looks.
        number: of the rig, for drawing whole rigs again.
    """
    settings = Settings()
    comparer, judge, again = Comparer(grader), Judge(settings.judge, settings.site), SecondLooks()
    looks = {look.frame_id: (index, look) for index, (look, _) in enumerate(rig.frames)}
    judged: list[Judged] = []
    for index, (look, _) in enumerate(rig.frames):
        examined, baseline = _compared(comparer, judge, look)
        verdict, _ = judge.judge(examined)
        again.note(examined, baseline)
        judged.append(_judged(number, index, rig.frames[index], examined.grade, verdict))
        for due in again.due(judge.all_baselines()):
            place, earlier = looks[due.frame_id]
            examined, _ = _compared(comparer, judge, earlier)
            judged[place] = _judged(number, place, rig.frames[place], examined.grade, judge.judge_again(examined))
    return judged


def _compared(comparer: Comparer, judge: Judge, look: Look) -> tuple[Examined, Baseline]:
    """Return a look compared with what the judge has learnt so far, and what that is."""
    baseline = fitting_baseline(baseline_key(look.meta, look.sensor_shape), judge.all_baselines())
    outcome = comparer.compare(look, baseline)
    if not isinstance(outcome, Examined):
        raise RuntimeError(outcome.sentence)
    return outcome, baseline


def _judged(rig: int, index: int, frame: tuple[Look, Truth], grade: Grade, verdict: Verdict) -> Judged:
    look, truth = frame
    return Judged(
        rig=rig, index=index, truth=truth, grade=grade, label=verdict.label, decision=verdict.decision,
        cause=verdict.cause, baseline_size=verdict.baseline_size, stars=look.source_features.source_count,
    )  # fmt: skip


def judge_folder(grader: FrameGrader, folder: Path) -> list[Judged]:
    """Judge all rigs of a folder.

    Parameters:
        grader: the head of the quality model.
        folder: of looks.
    """
    return [
        one
        for number, path in enumerate(sorted(folder.glob("*.looks")))
        for one in judge_rig(grader, load_looks(path), number)
    ]


def by_model(judged: Sequence[Judged]) -> list[Judged]:
    """Return the frames as if the model alone decided: its class, its cause, review where it says unknown."""
    decisions = {"good": "keep", "unknown": "review"}
    return [
        replace(one, label=one.grade.label, cause=one.grade.cause, decision=decisions.get(one.grade.label, "reject"))
        for one in judged
    ]


def all_scores(judged: Sequence[Judged], split: str) -> dict[str, Any]:
    """Return the scores of the card.

    Parameters:
        judged: all frames of a split.
        split: its name.
    """
    firm = firm_frames(judged)
    unsure = [one for one in judged if one.truth["label"] not in CLASSES]
    return {
        "split": split,
        "rigs": len({one.rig for one in judged}),
        "verdicts": scores_of(firm),
        "verdicts_with_baseline": scores_of([one for one in firm if one.baseline_size >= FIRM_BASELINE]),
        "model": scores_of(by_model(firm)),
        "ambiguous_frames": {
            "frames": len(unsure),
            **{word: _share(unsure, _decided(word)) for word in ("keep", "review", "reject")},
        },
    }


def firm_frames(judged: Sequence[Judged]) -> list[Judged]:
    """Return the frames that are not ambiguous."""
    return [one for one in judged if one.truth["label"] in CLASSES]


def scores_of(frames: Sequence[Judged]) -> dict[str, Any]:
    """Return all scores of frames with firm labels, with 95 % intervals over rigs.

    A frame under the moon whose stars lost no light is kept by the rules, so it does not count as a bad frame kept.
    """
    if not frames:
        return {"frames": 0}
    good = [one for one in frames if one.truth["label"] == "good"]
    bad = [one for one in frames if one.truth["label"] != "good" and not is_moonlit(one)]
    very_bad = [one for one in frames if one.truth["label"] == "very_bad_tracking"]
    named = [one for one in frames if is_right(one) and one.truth["label"] != "good"]
    best = np.array([max(one.grade.probabilities.values()) for one in frames])
    argmax = [max(one.grade.probabilities, key=one.grade.probabilities.__getitem__) for one in frames]
    hits = np.array([said == one.truth["label"] for said, one in zip(argmax, frames, strict=True)])
    shares: dict[str, tuple[Sequence[Judged], Test]] = {
        "accuracy": (frames, is_right),
        "good_rejected": (good, _decided("reject")),
        "bad_kept": (bad, _decided("keep")),
        "good_kept": (good, _decided("keep")),
        "review": (frames, _decided("review")),
        "cause_given_class": (named, lambda one: one.cause == one.truth["cause"]),
        "very_bad_called_bad": (very_bad, lambda one: one.label == "bad_tracking"),
    }
    scores: dict[str, Any] = {"frames": len(frames), "macro_f1": round(_macro_f1(frames), 4)}
    for name, (some, test) in shares.items():
        scores[name], scores[f"{name}_95"] = _share(some, test), _interval(some, test)
    return scores | {
        "accuracy_if_forced": round(float(hits.mean()), 4),
        "calibration_error": round(expected_calibration_error(best, hits), 4),
        "confusion": _confusion(frames),
    }


def is_right(one: Judged) -> bool:
    """Return whether the class is the true one; "unknown" is not."""
    return bool(one.label == one.truth["label"])


def is_moonlit(one: Judged) -> bool:
    """Return whether all that is wrong with a frame is the light of the moon."""
    truth = one.truth
    return bool(truth["cause"] == "moon" and truth["label"] == "background_issue" and not truth["light_lost"])


def _decided(word: str) -> Test:
    """Return a test for a decision."""
    return lambda one: one.decision == word


def _share(frames: Sequence[Judged], test: Test) -> float | None:
    return round(sum(map(test, frames)) / len(frames), 4) if frames else None


def _interval(frames: Sequence[Judged], test: Test) -> list[float] | None:
    """95 % interval of a share, drawing whole rigs again."""
    rigs = sorted({one.rig for one in frames})
    if len(rigs) < 2:
        return None
    place = {rig: number for number, rig in enumerate(rigs)}
    count, hits = np.zeros(len(rigs), np.int64), np.zeros(len(rigs), np.int64)
    for one in frames:
        count[place[one.rig]] += 1
        hits[place[one.rig]] += test(one)
    return interval_95(hits, count)


def _macro_f1(frames: Sequence[Judged]) -> float:
    scores = []
    for name in CLASSES:
        true = sum(one.truth["label"] == name for one in frames)
        said = sum(one.label == name for one in frames)
        both = sum(one.truth["label"] == name == one.label for one in frames)
        if true + said:
            scores.append(2 * both / (true + said))
    return float(np.mean(scores)) if scores else math.nan


def _confusion(frames: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Truth, then what was said, with the numbers of frames."""
    table = {truth: dict.fromkeys((*CLASSES, "unknown"), 0) for truth in CLASSES}
    for one in frames:
        table[one.truth["label"]][one.label] += 1
    return table
