"""What a careful observer does without a model: limits on FWHM, elongation, sky and star count, tuned on training rigs.

The yardstick for the quality model: the same measurements of the same frames, the same baselines, and the best limits
that can be found for them, in the order in which observers apply them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.grade.statistics import Context
from astro_monitor.records import CLASSES, FAULTS, Grade
from training.iqa.dataset import RigFrames, load_examined
from training.iqa.evaluate import Graded
from training.iqa.variants import NEEDS_REFERENCE, context_of, without

log = logging.getLogger(__name__)

NUMBERS = ("trail", "fwhm_ratio", "fwhm_arcsec", "sky_ratio", "star_ratio", "gradient_ratio", "gradient_fraction")
ROUNDS = 3
STEPS = 24

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From here on a frame is at fault; ratios are to the median of the frames accepted before.

    Attributes:
        trail, very_trail: trail length over width.
        fwhm_ratio, fwhm_arcsec: the latter while there is no baseline.
        sky_ratio, star_ratio, gradient_ratio: sky level, star count (from here down), gradient over normal sky.
        gradient_fraction: gradient over the frame's own sky while there is no baseline.
    """

    trail: float = 0.8
    very_trail: float = 3.0
    fwhm_ratio: float = 1.5
    fwhm_arcsec: float = 5.0
    sky_ratio: float = 3.0
    star_ratio: float = 0.5
    gradient_ratio: float = 0.5
    gradient_fraction: float = 0.5


def numbers_of(values: dict[str, float | None], context: Context) -> Array:
    """Give ``NUMBERS`` of a frame; NaN for what is not known."""
    normal = {key: spread.median for key, spread in context.spreads.items()}

    def over(key: str, by: float | None) -> float:
        value = values.get(key)
        return np.nan if value is None or not by or by <= 0 else value / by

    firm = context.size > 0
    return np.array(
        [
            over("trail_length_px", values.get("fwhm_minor_px")),
            over("fwhm_minor_px", normal.get("fwhm_minor_px")) if firm else np.nan,
            np.nan if firm or values.get("fwhm_arcsec") is None else values["fwhm_arcsec"],
            over("sky_above_pedestal_adu", normal.get("sky_above_pedestal_adu")) if firm else np.nan,
            over("star_count", normal.get("star_count")) if firm else np.nan,
            over("background_gradient_adu", normal.get("sky_above_pedestal_adu")) if firm else np.nan,
            np.nan if firm else over("background_gradient_adu", values.get("sky_above_pedestal_adu")),
        ],
        np.float64,
    )


def classify(numbers: Array, limits: Limits) -> NDArray[np.int64]:
    """Give the class of each row of (N, 7) numbers, as an index into ``CLASSES``; what is unknown condemns nothing."""
    column = {name: numbers[:, place] for place, name in enumerate(NUMBERS)}
    with np.errstate(invalid="ignore"):
        said = np.zeros(len(numbers), np.int64)
        background = (
            (column["sky_ratio"] >= limits.sky_ratio)
            | (column["star_ratio"] <= limits.star_ratio)
            | (column["gradient_ratio"] >= limits.gradient_ratio)
            | (column["gradient_fraction"] >= limits.gradient_fraction)
        )
        said[background] = CLASSES.index("background_issue")
        wide = (column["fwhm_ratio"] >= limits.fwhm_ratio) | (column["fwhm_arcsec"] >= limits.fwhm_arcsec)
        said[wide] = CLASSES.index("bad_seeing")
        said[column["trail"] >= limits.trail] = CLASSES.index("bad_tracking")
        said[column["trail"] >= limits.very_trail] = CLASSES.index("very_bad_tracking")
    return said


def tune(folder: Path, rigs: int = 600) -> Limits:
    """Find the limits of best accuracy, one after the other, on rigs for training.

    Parameters:
        folder: of examined rigs; their truly good frames make the baselines here.
        rigs: how many of them.
    """
    rows, labels = [], []
    for path in sorted(folder.glob("*.npz"))[:rigs]:
        rig = load_examined(path)
        accepted: list[dict[str, Any]] = []
        for frame in rig.facts:
            hidden = () if accepted else NEEDS_REFERENCE
            if frame["truth"]["label"] in CLASSES:
                rows.append(numbers_of(without(frame["values"], hidden), context_of(accepted)))
                labels.append(CLASSES.index(frame["truth"]["label"]))
            if frame["truth"]["label"] == "good":
                accepted.append(frame)
    return best_limits(np.array(rows), np.array(labels))


def best_limits(numbers: Array, truth: NDArray[np.int64]) -> Limits:
    """Find limits by going through them in turn, each over the values that occur."""
    limits = Limits()
    column_of = {name: name for name in NUMBERS} | {"very_trail": "trail"}
    for _ in range(ROUNDS):
        for name in asdict(limits):
            column = numbers[:, NUMBERS.index(column_of[name])]
            known = column[np.isfinite(column)]
            if not len(known):
                continue
            tries = [getattr(limits, name), *np.unique(np.quantile(known, np.linspace(0.01, 0.999, STEPS)))]
            hits = [(classify(numbers, replace(limits, **{name: float(value)})) == truth).mean() for value in tries]
            limits = replace(limits, **{name: float(tries[int(np.argmax(hits))])})
    log.info("tuned limits: %s", limits)
    return limits


def grade_by_limits(rig: RigFrames, number: int, limits: Limits) -> list[Graded]:
    """Grade the frames of one rig in the order of time, as :func:`training.iqa.evaluate.grade_rig` does."""
    accepted: list[dict[str, Any]] = []
    graded = []
    for index, frame in enumerate(rig.facts):
        hidden = () if accepted else NEEDS_REFERENCE
        numbers = numbers_of(without(frame["values"], hidden), context_of(accepted))
        label = CLASSES[int(classify(numbers[None], limits)[0])]
        graded.append(
            Graded(rig=number, index=index, truth=frame["truth"], grade=_grade(label), baseline_size=len(accepted))
        )
        if label == "good":
            accepted.append(frame)
    return graded


def grade_folder(folder: Path, limits: Limits) -> list[Graded]:
    """Grade all rigs of a folder."""
    paths: Sequence[Path] = sorted(folder.glob("*.npz"))
    return [one for number, path in enumerate(paths) for one in grade_by_limits(load_examined(path), number, limits)]


def _grade(label: str) -> Grade:
    """A limit knows no doubt."""
    return Grade(
        frame_id="", label=label, probabilities={name: float(name == label) for name in CLASSES},
        fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=0.0, in_domain=1.0, why_unknown="",
        model="tuned limits",
    )  # fmt: skip
