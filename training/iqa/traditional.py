"""The yardstick: hand-made limits on the classical numbers, tuned on training rigs, and no learning.

The frames, their numbers and their baselines are those of the model, so the comparison is of judgement alone. The rules
are those that observers apply.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astro_monitor.baseline import History
from astro_monitor.grade.known import Context, Known
from astro_monitor.grade.stretches import over
from astro_monitor.pipeline import Comparer
from astro_monitor.records import CLASSES, FAULTS, Examined, Grade, baseline_key
from training.inmemory import Ungraded
from training.iqa.evaluate import Judged
from training.iqa.lookset import LookSet, Truth, load_looks

log = logging.getLogger(__name__)

NUMBERS = ("trail", "fwhm_ratio", "fwhm_arcsec", "sky_ratio", "star_ratio", "gradient_ratio", "gradient_fraction")
ROUNDS = 3
STEPS = 24

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From here on a frame is at fault; ratios are to the median of the baseline.

    Attributes:
        trail, very_trail: trail length over width.
        fwhm_ratio, fwhm_arcsec: the latter while there is no baseline.
        sky_ratio, star_ratio, gradient_ratio: sky level, star count (from here down), gradient over normal sky.
        gradient_fraction: gradient over the frame's own sky while there is no baseline.
    """

    trail: float = 1.2
    very_trail: float = 3.0
    fwhm_ratio: float = 1.5
    fwhm_arcsec: float = 5.0
    sky_ratio: float = 4.0
    star_ratio: float = 0.5
    gradient_ratio: float = 0.35
    gradient_fraction: float = 0.5


def numbers_of(known: Known) -> Array:
    """Return ``NUMBERS`` of a frame; NaN for what is not known.

    Parameters:
        known: numbers of the frame and its baseline.
    """
    firm = known.context.size > 0
    column: dict[str, float | None] = {
        "trail": over(known.now("trail_length_px"), known.width_px()),
        "fwhm_ratio": over(known.width_px(), known.usual_width_px()),
        "fwhm_arcsec": None if firm else known.now("fwhm_arcsec"),
        "sky_ratio": over(known.now("sky_above_pedestal_adu"), known.usual("sky_above_pedestal_adu")),
        "star_ratio": over(known.now("star_count"), known.usual("star_count")),
        "gradient_ratio": over(known.now("background_gradient_adu"), known.usual_sky_adu()),
        "gradient_fraction": None if firm else over(known.now("background_gradient_adu"), known.sky_adu()),
    }
    return np.array([np.nan if column[name] is None else column[name] for name in NUMBERS], np.float64)


def classify(numbers: Array, limits: Limits) -> NDArray[np.int64]:
    """Return the class of each row of (N, 7) numbers, as an index into ``CLASSES``; unknown ones condemn nothing."""
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


def numbers_in_time(rig: LookSet) -> Iterator[tuple[Array, int, Truth]]:
    """Return the numbers of the frames of a rig in the order of time, with the size of the baseline and the truth.

    Parameters:
        rig: its looks.
    """
    comparer = Comparer(Ungraded())
    first = rig.frames[0][0]
    history = History(key=baseline_key(first.meta, first.sensor_shape))
    for look, truth in rig.frames:
        baseline = history.baseline()
        examined = comparer.compare(look, baseline)
        if not isinstance(examined, Examined):
            continue
        context = Context(spreads=baseline.spreads, size=baseline.size)
        features = look.source_features
        known = Known.of(examined.measurements.values, features.stamp_bin, features.profile, context)
        yield numbers_of(known), baseline.size, truth
        history.arrive(examined)
        history.note(examined)


def tune(folder: Path, rigs: int = 500) -> Limits:
    """Find the limits of best accuracy, one after the other, on rigs for training.

    Parameters:
        folder: of looks.
        rigs: how many of them.
    """
    rows, labels = [], []
    for path in sorted(folder.glob("*.looks"))[:rigs]:
        for numbers, _, truth in numbers_in_time(load_looks(path)):
            if truth["label"] in CLASSES:
                rows.append(numbers)
                labels.append(CLASSES.index(truth["label"]))
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


def judge_by_limits(rig: LookSet, number: int, limits: Limits) -> list[Judged]:
    """Judge the frames of one rig in the order of time, as :func:`training.iqa.evaluate.judge_rig` does.

    Parameters:
        rig: its looks.
        number: of the rig.
        limits: that condemn.
    """
    judged = []
    for index, (numbers, size, truth) in enumerate(numbers_in_time(rig)):
        label = CLASSES[int(classify(numbers[None], limits)[0])]
        judged.append(
            Judged(rig=number, index=index, truth=truth, grade=_grade(label), label=label, cause="none",
                   decision="keep" if label == "good" else "reject", baseline_size=size)
        )  # fmt: skip
    return judged


def judge_folder_by_limits(folder: Path, limits: Limits) -> list[Judged]:
    """Judge all rigs of a folder.

    Parameters:
        folder: of looks.
        limits: that condemn.
    """
    paths: Sequence[Path] = sorted(folder.glob("*.looks"))
    return [one for number, path in enumerate(paths) for one in judge_by_limits(load_looks(path), number, limits)]


def _grade(label: str) -> Grade:
    """A limit knows no doubt."""
    return Grade(
        frame_id="", label=label, probabilities={name: float(name == label) for name in CLASSES},
        fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=0.0, in_domain=1.0, why_unknown="",
        model="tuned limits",
    )  # fmt: skip
