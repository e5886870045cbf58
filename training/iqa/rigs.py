"""Which frames a rig takes for the quality model, and what is true about each of them.

The frames of one rig show one field of stars in the order of time, because half of what a grade says is relative to
the frames before. Training rigs take short *courses* (:mod:`training.simulate.courses`); those for validation and test
take longer ones and *nights* with slow weather and episodes that grow and fade.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from training.simulate import Rig, SimFrame, StarField, draw_field, render, rig_from_seed, rig_split, simulate_night
from training.simulate.conditions import elongation_px2, strengths
from training.simulate.courses import COURSE_SHARES, draw_course
from training.simulate.nights import CLASS_OF_CAUSE, SATELLITE
from training.simulate.psf import usual_elongation_px2

Split = Literal["train", "validation", "test"]

SHAPES = ((480, 672), (448, 608), (512, 512), (400, 640), (560, 560), (384, 576))
SMALL_SHAPES = ((160, 160), (256, 256), (320, 400))
SMALL_SHARE = 0.08
"""Rigs that keep only a cut-out around their target."""

NIGHT = "night"
NIGHT_SHARE = 0.6
"""Validation and test rigs that take a night."""

TRAIN_FRAMES, TEST_FRAMES = 8, 20
LOST_LIGHT_MAG = 0.2
"""Extinction from which starlight counts as lost: the transparency of clear nights varies by less."""

_FIRST_SEED = {"train": 40_000_000, "validation": 50_000_000, "test": 60_000_000}
"""Those below 40 million belong to earlier generations of rigs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One rendered frame and what is true about it.

    Attributes:
        pixels: (H, W) uint16 or float32.
        truth: see :func:`truth_of`.
        rig: the rig's own numbers, by the names of ``Rig``.
    """

    pixels: NDArray[np.uint16] | NDArray[np.float32]
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


def sequence_kind(split: Split, seed: int) -> str:
    """Return what a rig takes: ``NIGHT`` or a key of ``COURSE_SHARES``.

    Parameters:
        split: that the rig belongs to.
        seed: of the rig.
    """
    rng = np.random.default_rng([seed, 0x71D])
    if split != "train" and rng.random() < NIGHT_SHARE:
        return NIGHT
    return str(rng.choice(list(COURSE_SHARES), p=list(COURSE_SHARES.values())))


def sequence(split: Split, seed: int) -> Iterator[SimFrame]:
    """Yield all frames of one rig in the order of time.

    Parameters:
        split: that the rig belongs to.
        seed: of the rig.
    """
    rng = np.random.default_rng([seed, 0x10A])
    shapes = SMALL_SHAPES if rng.random() < SMALL_SHARE else SHAPES
    shape = shapes[int(rng.integers(len(shapes)))]
    kind, frames = sequence_kind(split, seed), TRAIN_FRAMES if split == "train" else TEST_FRAMES
    if kind == NIGHT:
        yield from simulate_night(seed, frames, shape, _faults(rng), wander=bool(rng.random() < 0.5))
        return
    rig = rig_from_seed(seed)
    field = _wide_field(rng, rig, shape)
    start = datetime(2025, 1, 1, 18, tzinfo=UTC) + timedelta(
        days=int(rng.integers(365)), seconds=float(rng.uniform(0, 4 * 3600))
    )
    cadence_s = rig.exposure_s + float(rng.uniform(1, 15))
    for number, condition in enumerate(draw_course(rng, rig, frames, kind)):
        taken = render(rig, field, condition, rng, shape)
        yield replace(taken, date_obs_utc=start + timedelta(seconds=number * cadence_s))


def _faults(rng: np.random.Generator) -> list[str]:
    """Draw the faults of a night: two of tracking, one of seeing, two of the background, in any order."""
    causes = list(CLASS_OF_CAUSE)
    faults = [*rng.choice(causes[:5], 2, replace=False), str(rng.choice(causes[5:7])),
              *rng.choice(causes[7:], 2, replace=False)]  # fmt: skip
    if rng.random() < 0.3:
        faults.append(SATELLITE)
    rng.shuffle(faults)
    return [str(fault) for fault in faults]


def _wide_field(rng: np.random.Generator, rig: Rig, shape: tuple[int, int]) -> StarField:
    """Draw a field that still fills the frame when the camera is turned: it reaches as far as the corners."""
    side = math.ceil(math.hypot(*shape))
    field = draw_field(rng, rig, (side, side))
    right_px, down_px = 0.5 * (side - shape[1]), 0.5 * (side - shape[0])
    galaxies = tuple(replace(one, x_px=one.x_px - right_px, y_px=one.y_px - down_px) for one in field.galaxies)
    return replace(field, x_px=field.x_px - right_px, y_px=field.y_px - down_px, galaxies=galaxies)


def render_rig(folder: Path, split: Split, seed: int) -> Path:
    """Render the frames of one rig into ``folder`` unless they are there already.

    Returns:
        Path of the file: an ``.npz`` with ``pixels`` (n, H, W) uint16 or float32 and ``facts``, JSON text.
    """
    path = folder / split / f"{seed:08d}.npz"
    if path.exists():
        return path
    store_rig(path, sequence(split, seed))
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
        truths.append(truth_of(frame))
        rig = rig_facts(frame.rig)
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


def rig_facts(rig: Rig) -> dict[str, Any]:
    """Return the numbers of a rig, with what follows from them and decides about its frames: plain data for JSON."""
    plus_px2, cross_px2 = usual_elongation_px2(rig)
    return _plain(asdict(rig)) | {
        "usual_plus_px2": plus_px2, "usual_cross_px2": cross_px2, "effective_sky_e": rig.effective_sky_e,
        "effective_sky_adu": rig.effective_sky_e / rig.gain_e_adu, "cells": rig.cells,
    }  # fmt: skip


def truth_of(frame: SimFrame) -> dict[str, Any]:
    """Return what is true about a frame, as plain data for JSON.

    Returns:
        ``label``, ``faults``, ``cause``, ``flags``, ``margin`` as the simulator gives them; ``time``; in units of the
        class rules ``excess_f`` (E / F), ``severe_excess_f`` (the same with ambiguous ghosts), ``length_f`` (L / F),
        ``width_ratio`` (F / F0), ``extinction_mag``, ``gradient_s``, ``leak_s`` and ``sky_s`` (over S);
        ``fwhm_px`` and ``normal_fwhm_px`` (F and F0), ``effective_sky_adu`` (S), ``sky_adu`` (of this frame, above
        the pedestal), ``noise_adu``, ``pedestal_adu``, ``gain_e_adu``; ``plus_px2`` and ``cross_px2``, the elongation
        vector of the rig in this frame; ``light_lost``; ``moon``; and some strengths of the condition as they were
        drawn.
    """
    rig, condition = frame.rig, frame.condition
    aspect = frame.pixels.shape[0] / frame.pixels.shape[1]
    strong = strengths(rig, condition, aspect)
    plus_px2, cross_px2 = elongation_px2(rig, condition)
    return _plain({
        "label": frame.labels.label,
        "faults": _plain(dict(frame.labels.faults)),
        "cause": frame.labels.cause,
        "flags": list(frame.labels.flags),
        "margin": min(frame.labels.margin, 99.0),
        "time": frame.date_obs_utc.isoformat() if frame.date_obs_utc else "",
        "excess_f": strong.excess_f,
        "severe_excess_f": strong.severe_excess_f,
        "length_f": strong.length_f,
        "width_ratio": strong.fwhm_px / strong.normal_fwhm_px,
        "extinction_mag": condition.extinction_mag,
        "gradient_s": strong.gradient_fraction,
        "leak_s": strong.leak_fraction,
        "sky_s": strong.sky_factor,
        "light_lost": condition.extinction_mag >= LOST_LIGHT_MAG,
        "moon": condition.moon,
        "fwhm_px": frame.fwhm_px,
        "normal_fwhm_px": rig.f0_px,
        "effective_sky_adu": rig.effective_sky_e / rig.gain_e_adu,
        "sky_adu": frame.sky_adu,
        "noise_adu": frame.noise_adu,
        "pedestal_adu": frame.pedestal_adu,
        "gain_e_adu": rig.gain_e_adu,
        "plus_px2": plus_px2,
        "cross_px2": cross_px2,
        "path_px": strong.path_length_px,
        "motion": {cause: float(length) for cause, length in condition.motion.shares().items()},
        "defocus_px": condition.defocus_px,
        "dew": condition.dew,
        "turn_deg": condition.turn_deg,
        "offset_px": [condition.dither_x_px, condition.dither_y_px],
    })  # fmt: skip


def _plain(numbers: dict[str, Any]) -> dict[str, Any]:
    return {key: _finite(value) if isinstance(value, float) else value for key, value in numbers.items()}


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0
