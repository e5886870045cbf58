"""From rendered frames to what the quality model learns from: the real pipeline, run in the order of time.

Detection, measurement and the baseline's reference stars are those of the running program. What a baseline does to the
statistics is worked out later, from the stored measurements, so that one frame serves with many baselines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.baseline import History
from astro_monitor.detect import Detector
from astro_monitor.grade.profile import profile_numbers
from astro_monitor.grade.sources import Sources, mean_image, sources
from astro_monitor.grade.statistics import cells_sky_adu
from astro_monitor.inference import open_model
from astro_monitor.measure import Measurer
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import (
    CLASSES,
    FAULTS,
    Baseline,
    Detections,
    Frame,
    Grade,
    Measurements,
    SourceFeatures,
    Stars,
    baseline_key,
)
from astro_monitor.stages import FrameMeasurer, StarFinder
from training.inmemory import FrameInHand, InMemory
from training.iqa.headers import dressed
from training.iqa.rigs import Take, load_rig

_NO_GRADE = Grade(
    frame_id="", label="unknown", probabilities=dict.fromkeys(CLASSES, 0.2), fault_scores=dict.fromkeys(FAULTS, 0.0),
    cause="none", cause_probability=0.0, in_domain=0.0, why_unknown="", model="",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RigFrames:
    """All frames of one rig in the order of time.

    Attributes:
        rows: (n, 128, 636) float16, tables of sources.
        valid: (n, 128) uint8.
        facts: for each frame ``values``, ``cells_adu``, ``stamp_bin``, ``profile`` and ``truth``.
        rig: numbers of the rig.
    """

    rows: NDArray[np.float16]
    valid: NDArray[np.uint8]
    facts: list[dict[str, Any]]
    rig: dict[str, Any]


def frames_of(takes: Iterable[Take]) -> Iterator[Frame]:
    """Dress simulated pixels as frames that were read from files, with headers that tell more or less."""
    for number, take in enumerate(takes):
        take.pixels.flags.writeable = False
        yield dressed(take.pixels, take.rig, take.truth, number)


class _TableKeeper:
    """Keeps the table of sources of each frame, which a look does not hold; there is no model yet that sees it."""

    table: Sources

    def features(self, frame: Frame, detections: Detections, stars: Stars) -> SourceFeatures:
        shape = (frame.pixels.shape[0], frame.pixels.shape[1])
        self.table = sources(stars, detections.sky, shape)
        return SourceFeatures(
            features=np.zeros(0, np.float32), clusters=np.zeros(0, np.float32), quantisation_error=0.0,
            source_count=int(self.table.valid.sum()), stamp_bin=stars.stamp_bin,
            profile=tuple(profile_numbers(self.table, stars, shape)), mean_image=mean_image(self.table), model="",
        )  # fmt: skip


class _Ungraded:
    """In place of the head of the quality model, while there is none."""

    def fits(self, features: SourceFeatures) -> bool:
        return True

    def grade(self, features: SourceFeatures, measurements: Measurements, baseline: Baseline) -> Grade:
        return _NO_GRADE


def examine(takes: list[Take], finder: StarFinder, measurer: FrameMeasurer) -> RigFrames:
    """Run the pipeline over the frames of one rig; frames that are truly good make the baseline.

    Parameters:
        takes: in the order of time.
        finder, measurer: stages of the pipeline.
    """
    hand, keeper = FrameInHand(), _TableKeeper()
    stages = InMemory(Pipeline(hand, finder, measurer, keeper, _Ungraded()), hand)
    history: History | None = None
    rows, valid, facts = [], [], []
    for take, frame in zip(takes, frames_of(takes), strict=True):
        history = history or History(key=baseline_key(frame.meta, frame.sensor_shape))
        look = stages.look(frame)
        examined = stages.compare(look, history.baseline())
        rows.append(keeper.table.rows.astype(np.float16))
        valid.append(keeper.table.valid.astype(np.uint8))
        facts.append(
            {
                "values": examined.measurements.values,
                "cells_adu": cells_sky_adu(examined.measurements.field_grid).tolist(),
                "stamp_bin": look.source_features.stamp_bin,
                "profile": list(look.source_features.profile),
                "truth": take.truth,
            }
        )
        history.note(examined)
    return RigFrames(np.stack(rows), np.stack(valid), facts, takes[0].rig)


def build_rig(rendered: Path, path: Path) -> Path:
    """Examine one rendered rig with the shipped star finder and store the result, unless it is there already."""
    if path.exists():
        return path
    done = examine(load_rig(rendered), shipped_finder(), Measurer())
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    facts = json.dumps({"frames": done.facts, "rig": done.rig})
    with partial.open("wb") as file:
        np.savez(file, rows=done.rows, valid=done.valid, facts=np.array(facts))
    partial.replace(path)
    return path


def load_examined(path: Path) -> RigFrames:
    """Read what :func:`build_rig` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(str(stored["facts"]))
        return RigFrames(stored["rows"], stored["valid"], facts["frames"], facts["rig"])


def manifest_sha256(folder: Path) -> str:
    """Digest of the names and contents of all files of a data set."""
    lines = []
    for path in sorted(folder.rglob("*.npz")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{path.relative_to(folder).as_posix()} {digest}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


_FINDER: list[Detector] = []


def shipped_finder() -> Detector:
    """The shipped star finder, opened once in each process."""
    if not _FINDER:
        _FINDER.append(Detector(open_model("star-unet", provider="cpu", threads=1)))
    return _FINDER[0]
