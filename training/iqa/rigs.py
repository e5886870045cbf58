"""Which frames a rig takes for the quality model, rendered once and kept, so that later steps can run again cheaply.

The frames of one rig show one field of stars in the order of time, because half of what a grade says is relative to
the frames before. Two kinds of sequence: *draws* begin with good frames and then show every class under independent
conditions; *nights* have slow weather and episodes that grow and fade.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.simulate import (
    Condition,
    SimFrame,
    draw_condition,
    draw_field,
    render,
    rig_from_seed,
    rig_split,
    simulate_night,
)
from training.simulate.conditions import label, still_fwhm_px
from training.simulate.nights import CLASS_OF_CAUSE, SATELLITE

Split = Literal["train", "validation", "test"]

SHAPES = ((640, 896), (576, 832), (704, 704), (512, 768), (768, 1024))
FIRST_GOOD = 5
ELONGATED = {"train": range(400, 490), "validation": range(80, 98), "test": range(100, 120)}
"""Rigs with these numbers have optics that draw every star out alike, all the time, and more than others: astigmatism,
a pinched mirror. That belongs to the point-spread function without a fault, so it changes no label; a baseline tells it
from tracking."""
RESTLESS = range(2932, 3532)
"""Training rigs whose own elongation grows with the seeing and is a little different in each frame, as on real rigs
that flex, or whose stars are hardly wider than a pixel."""
DRAWN = ("good", "good", "good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue", "ambiguous")
NIGHT_FRAMES, TEST_NIGHT_FRAMES = 16, 30
_FIRST_SEED = {"train": 0, "validation": 10_000_000, "test": 20_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One rendered frame and what is true about it; ``pixels`` is (H, W) uint16.

    Attributes:
        truth: label, faults, cause, flags and margin as the simulator gives them, plus strengths of the condition.
        rig: the rig's own numbers.
    """

    pixels: NDArray[np.uint16]
    truth: dict[str, Any]
    rig: dict[str, Any]


def rig_seeds(split: Split, count: int) -> list[int]:
    """The first ``count`` rig seeds that belong to a split; always the same ones."""
    seeds: list[int] = []
    seed = _FIRST_SEED[split]
    while len(seeds) < count:
        if rig_split(seed) == split:
            seeds.append(seed)
        seed += 1
    return seeds


def sequence(split: Split, seed: int, index: int) -> Iterator[SimFrame]:
    """All frames of one rig in the order of time.

    Parameters:
        seed: of the rig.
        index: number of the rig within its split; decides the kind of sequence.
    """
    rng = np.random.default_rng([seed, 0x10A])
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    restless = split == "train" and index in RESTLESS
    elongated = restless or index in ELONGATED[split]
    if not elongated and index % 5 < (4 if split == "test" else 2):
        causes = list(CLASS_OF_CAUSE)
        # Two tracking causes, one of seeing, two of the background, in any order: every class in every night.
        faults = [*rng.choice(causes[:5], 2, replace=False), str(rng.choice(causes[5:7])),
                  *rng.choice(causes[7:], 2, replace=False)]  # fmt: skip
        if rng.random() < 0.3:
            faults.append(SATELLITE)
        rng.shuffle(faults)
        frames = TEST_NIGHT_FRAMES if split == "test" else NIGHT_FRAMES
        yield from simulate_night(seed, frames, shape, [str(fault) for fault in faults])
        return
    rig = rig_from_seed(seed)
    always_px, always_deg = float(rng.uniform(0.35, 1.0)) * rig.f0_px, float(rng.uniform(0, 360))
    field = draw_field(rng, rig, shape)
    later = list(DRAWN)
    rng.shuffle(later)
    later.append(str(rng.choice(["background_issue", "bad_seeing", "bad_tracking"])))
    dither_px = float(rng.uniform(0, 12))
    growth, stray = (float(rng.uniform(0, 1)), float(rng.uniform(0.05, 0.35))) if restless else (0.0, 0.0)
    for wanted in ["good"] * FIRST_GOOD + later:
        condition = draw_condition(rng, rig, wanted)
        shift = rng.uniform(-dither_px, dither_px, 2)
        condition = replace(condition, dither_x_px=float(shift[0]), dither_y_px=float(shift[1]))
        if elongated:
            truth = label(rig, condition, shape[0] / shape[1])
            wider = min(still_fwhm_px(rig, condition) / rig.f0_px, 2.0)
            own = _strayed(rng, always_px * wider**growth, always_deg, stray) if restless else (always_px, always_deg)
            taken = render(rig, field, _drawn_out(condition, *own), rng, shape)
            yield replace(taken, labels=replace(truth, flags=taken.labels.flags))
        else:
            yield render(rig, field, condition, rng, shape)


def _strayed(rng: np.random.Generator, length_px: float, angle_deg: float, stray: float) -> tuple[float, float]:
    """Change a path at random by a share of itself, as second moments do: squared length along twice the angle."""
    twice = 2 * math.radians(angle_deg)
    plus, cross = length_px**2 * (np.array([math.cos(twice), math.sin(twice)]) + stray * rng.normal(size=2))
    return math.sqrt(math.hypot(plus, cross)), 0.5 * math.degrees(math.atan2(cross, plus))


def _drawn_out(condition: Condition, length_px: float, angle_deg: float) -> Condition:
    """Add an even path that has nothing to do with the mount: the image is the same as that of such optics."""
    motion = condition.motion
    own, always = math.radians(motion.drift_angle_deg), math.radians(angle_deg)
    x = motion.drift_px * math.cos(own) + length_px * math.cos(always)
    y = motion.drift_px * math.sin(own) + length_px * math.sin(always)
    drift = replace(motion, drift_px=math.hypot(x, y), drift_angle_deg=math.degrees(math.atan2(y, x)))
    return replace(condition, motion=drift)


def render_rig(folder: Path, split: Split, seed: int, index: int) -> Path:
    """Render the frames of one rig into ``folder`` unless they are there already.

    Returns:
        Path of the file: an ``.npz`` with ``pixels`` (n, H, W) uint16 and ``facts``, JSON text.
    """
    path = folder / split / f"{seed:08d}.npz"
    if path.exists():
        return path
    store_rig(path, sequence(split, seed, index))
    return path


def store_rig(path: Path, taken: Iterable[SimFrame]) -> None:
    """Keep rendered frames of one rig; whole or not at all.

    Parameters:
        path: of the file that :func:`load_rig` reads.
        taken: the frames in the order of time, at least one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels, truths, rig = [], [], {}
    for frame in taken:  # their masks would fill the memory, were all kept
        pixels.append(frame.pixels)
        truths.append(_truth(frame))
        rig = _plain(asdict(frame.rig))
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, pixels=np.stack(pixels), facts=np.array(json.dumps({"rig": rig, "frames": truths})))
    partial.replace(path)


def load_rig(path: Path) -> list[Take]:
    """Read what :func:`render_rig` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(str(stored["facts"]))
        pixels = stored["pixels"]
    return [Take(pixels=image, truth=truth, rig=facts["rig"])
            for image, truth in zip(pixels, facts["frames"], strict=True)]  # fmt: skip


def _truth(frame: SimFrame) -> dict[str, Any]:
    condition = frame.condition
    return {
        "label": frame.labels.label,
        "faults": _plain(dict(frame.labels.faults)),
        "cause": frame.labels.cause,
        "flags": list(frame.labels.flags),
        "margin": min(frame.labels.margin, 99.0),
        "time": str(frame.date_obs_utc or ""),
        "fwhm_px": frame.fwhm_px,
        "pedestal_adu": frame.pedestal_adu,
        "extinction_mag": condition.extinction_mag,
        "gradient_fraction": condition.gradient_fraction,
        "leak_fraction": condition.leak_fraction,
        "sky_factor": condition.sky_factor,
        "defocus_px": condition.defocus_px,
        "path_px": condition.motion.length_px(frame.pixels.shape[0] / frame.pixels.shape[1]),
    }


def _plain(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: _finite(value) if isinstance(value, float) else value for key, value in numbers.items()}


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0
