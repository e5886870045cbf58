"""What the program says of pictures that are no light frames of a night sky, though their headers say they are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from astro_monitor.records import Baseline, Frame, FrameMeta, Grade, baseline_key
from training import arrivals
from training.inmemory import InMemory
from training.iqa.evaluate import interval_95
from training.simulate.strange import KINDS, strange_frame


def ask(models: Path, each: int, first_seed: int = 0) -> dict[str, Any]:
    """Grade strange frames as the first ones of a rig.

    Parameters:
        models: folder of models.
        each: frames of each kind.
        first_seed: of each kind.

    Returns:
        for each kind how many were called what, and the share called unknown over all.
    """
    stages = InMemory.shipped(models)
    said: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        counts: dict[str, int] = {}
        for seed in range(first_seed, first_seed + each):
            label = _grade(_frame(kind, seed), stages).label
            counts[label] = counts.get(label, 0) + 1
        said[kind] = dict(sorted(counts.items()))
    unknown = np.array([counts.get("unknown", 0) for counts in said.values()])
    # Kinds are not frames: intervals draw frames anew, as if they were one population.
    hits = np.repeat(np.tile([1, 0], len(unknown)), np.stack([unknown, each - unknown], axis=1).ravel())
    return {
        "each": each,
        "said": said,
        "unknown": round(float(hits.mean()), 4),
        "unknown_95": interval_95(hits, np.ones_like(hits)),
    }


def _grade(frame: Frame, stages: InMemory) -> Grade:
    baseline = Baseline(key=baseline_key(frame.meta, frame.sensor_shape))
    return stages.compare(stages.look(frame), baseline).grade


def _frame(kind: str, seed: int) -> Frame:
    pixels = strange_frame(kind, seed)
    name = f"{kind}-{seed}"
    shape = (pixels.shape[0], pixels.shape[1])
    return Frame(
        frame_id=name, sha256=hashlib.sha256(name.encode()).hexdigest(), arrival=arrivals.simulated(name),
        meta=FrameMeta(kind="light", camera="simulated", exposure_s=60.0), pixels=pixels, sensor_px_per_px=1,
        sensor_shape=shape, saturation_adu=65535.0,
    )  # fmt: skip
