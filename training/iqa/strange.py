"""What the program says of pictures that are no light frames of a night sky, though their headers say they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from astro_monitor.records import Baseline, Examined, Frame, FrameMeta, Look, baseline_key
from training import arrivals
from training.inmemory import InMemory
from training.iqa.intervals import interval_95
from training.iqa.lookset import store_looks
from training.simulate.strange import KINDS, strange_frame

FIRST_TEST_SEED = 1000
"""Seeds from here on are for the report; nothing learns from them."""
FRAMES_A_FILE = 20
"""Looks in one file."""


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
            look = stages.look(_frame(kind, seed))
            label = _examined(stages, look).grade.label
            counts[label] = counts.get(label, 0) + 1
        said[kind] = dict(sorted(counts.items()))
    unknown = np.array([counts.get("unknown", 0) for counts in said.values()])
    # Kinds are not frames: intervals draw frames again, as if they were one population.
    hits = np.repeat(np.tile([1, 0], len(unknown)), np.stack([unknown, each - unknown], axis=1).ravel())
    return {
        "each": each,
        "said": said,
        "unknown": round(float(hits.mean()), 4),
        "unknown_95": interval_95(hits, np.ones_like(hits)),
    }


def keep_looks(models: Path, folder: Path, each: int) -> None:
    """Look at strange pictures and keep the looks, those that are there already left alone.

    Parameters:
        models: folder of models; only those that look are used.
        folder: where to; one file for some pictures of a kind.
        each: pictures of each kind, at most ``FIRST_TEST_SEED``.

    Raises:
        ValueError: more pictures than there are seeds to learn from.
    """
    if each > FIRST_TEST_SEED:
        raise ValueError(f"at most {FIRST_TEST_SEED} pictures of a kind: later seeds are for the report")
    stages = InMemory.looking(models)
    for kind in KINDS:
        for first in range(0, each, FRAMES_A_FILE):
            path = folder / f"{kind}-{first:04d}.looks"
            if not path.exists():
                store_looks(path, {"kind": kind}, _looks(stages, kind, range(first, min(first + FRAMES_A_FILE, each))))


def _looks(stages: InMemory, kind: str, seeds: range) -> Iterator[tuple[Look, dict[str, Any]]]:
    """Return the looks at some pictures of one kind."""
    for seed in seeds:
        yield stages.look(_frame(kind, seed)), {"label": "unknown", "kind": kind}


def _examined(stages: InMemory, look: Look) -> Examined:
    return stages.compare(look, Baseline(key=baseline_key(look.meta, look.sensor_shape)))


def _frame(kind: str, seed: int) -> Frame:
    """Return a picture with a header that tells more or less, as headers do."""
    pixels = strange_frame(kind, seed)
    name = f"{kind}-{seed}"
    shape = (pixels.shape[0], pixels.shape[1])
    rng = np.random.default_rng([seed, 0x4EAD])
    known = rng.random(3)
    meta = FrameMeta(
        kind="light",
        camera="simulated",
        exposure_s=float(np.exp(rng.uniform(np.log(0.05), np.log(300)))),
        pedestal_adu=float(rng.uniform(100, 900)) if known[0] < 0.3 else None,
        e_per_adu=1.0 if known[1] < 0.4 else None,
        scale_arcsec_px=float(np.exp(rng.uniform(np.log(0.3), np.log(30)))) if known[2] < 0.7 else None,
    )
    return Frame(
        frame_id=name, sha256=hashlib.sha256(name.encode()).hexdigest(), arrival=arrivals.simulated(name),
        meta=meta, pixels=pixels, sensor_px_per_px=1, sensor_shape=shape, saturation_adu=65535.0,
    )  # fmt: skip
