"""One frame next to many baselines: the memory of the running program, over the looks of a rig in several orders.

What a rig knows of itself changes over the night, and depends on what came before. So the real history takes note of
the frames in the order of time, as it does in the night; and again shuffled, with the good frames first, and with a
few of them only. Training then meets each frame next to baselines that are empty, short, contaminated and ripe.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.baseline import History
from astro_monitor.grade.inputs import HeadInputs, head_inputs
from astro_monitor.grade.known import DEFAULT_NORMAL_FWHM_ARCSEC
from astro_monitor.pipeline import Comparer
from astro_monitor.records import CLASSES, Examined, Look, baseline_key
from training.inmemory import Ungraded
from training.iqa.lookset import LookSet, load_looks
from training.iqa.targets import Target, target_of

log = logging.getLogger(__name__)

IN_TIME, SHUFFLED, GOOD_FIRST, SHORT = range(4)
"""Where a baseline comes from."""
NEEDS_SCALE = ("fwhm_arcsec", "hfr_arcsec")
"""Measurements that a header without a pixel scale does not allow."""
SCALE_FORGOTTEN = 0.1
"""Part of the orders in which the headers tell no pixel scale, beyond the rigs that have none."""
SITE_SET = 0.5
"""Part of the orders in which the user has set the normal width of the site."""
MOST_SHORT = 4
"""Most frames of a short baseline."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Frames next to baselines, ready for the network: V of them, of N frames.

    Attributes:
        statistics, clusters, quantisation_error, profiles, field, sky: (V, ...) float16, as ``HeadInputs`` names them.
        features: (V, 256) float16, the representative image as the source part of the model sees it; for the ablation.
        frame: (V,) which frame each belongs to, 0 to N - 1.
        origin: (V,) where its baseline comes from: ``IN_TIME``, ``SHUFFLED``, ``GOOD_FIRST`` or ``SHORT``.
        size: (V,) frames in its baseline.
        classes, weight, firm, faults, cause, physical: (N, ...) of the frames, as ``Target`` names them.
        rig: (N,) number of its rig.
    """

    statistics: NDArray[np.float16]
    clusters: NDArray[np.float16]
    quantisation_error: NDArray[np.float16]
    profiles: NDArray[np.float16]
    field: NDArray[np.float16]
    sky: NDArray[np.float16]
    features: NDArray[np.float16]
    frame: NDArray[np.int32]
    origin: NDArray[np.int8]
    size: NDArray[np.int16]
    classes: NDArray[np.float32]
    weight: NDArray[np.float32]
    firm: NDArray[np.bool_]
    faults: NDArray[np.float32]
    cause: NDArray[np.int32]
    physical: NDArray[np.float32]
    rig: NDArray[np.int32]

    def inputs(self, chosen: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return the inputs of the network for some examples, as float32.

        Parameters:
            chosen: (B,) their indices.
        """
        return {name: getattr(self, name)[chosen].astype(np.float32) for name in (*INPUTS, "features")}


INPUTS = tuple(field.name for field in fields(HeadInputs))
_OF_EXAMPLES = tuple(field.name for field in fields(Examples))
_OF_FRAMES = _OF_EXAMPLES[_OF_EXAMPLES.index("classes") :]


def examples_of(rig: LookSet, number: int, seed: int, *, only_in_time: bool = False) -> Examples:
    """Return each frame of a rig next to several baselines.

    Parameters:
        rig: its looks, with what is true about them.
        number: of the rig.
        seed: of the orders.
        only_in_time: leave out all orders but that of time: for checking, as the program meets the frames.
    """
    rng = np.random.default_rng([seed, number])
    looks = [look for look, _ in rig.frames]
    targets = [target_of(truth) for _, truth in rig.frames]
    rows = [
        _row(index, origin, size, looks[index], inputs)
        for origin, order, learnt in _orders(targets, rng)
        if origin == IN_TIME or not only_in_time
        for index, size, inputs in _in_order(looks, order, learnt, rng, _site(rig.rig, rng))
    ]
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Examples(
        **columns,
        **{name: np.stack([np.asarray(getattr(target, name)) for target in targets]) for name in _OF_FRAMES[:-1]},
        rig=np.full(len(targets), number, np.int32),
    )


def _row(index: int, origin: int, size: int, look: Look, inputs: HeadInputs) -> dict[str, NDArray[Any]]:
    """Return one example as arrays."""
    arrays = {name: getattr(inputs, name).astype(np.float16) for name in INPUTS}
    return arrays | {
        "features": look.source_features.features.astype(np.float16),
        "frame": np.int32(index),
        "origin": np.int8(origin),
        "size": np.int16(size),
    }


def _orders(targets: Sequence[Target], rng: np.random.Generator) -> Iterator[tuple[int, list[int], int]]:
    """Return orders of the frames of a rig: what kind, which frames, and how many of the first are learnt from."""
    count = len(targets)
    good = [index for index, target in enumerate(targets) if target.classes[CLASSES.index("good")] > 0.5]
    bad = [index for index in range(count) if index not in good]
    yield IN_TIME, list(range(count)), count
    yield SHUFFLED, rng.permutation(count).tolist(), count
    yield GOOD_FIRST, [*rng.permutation(good).tolist(), *rng.permutation(bad).tolist()], count
    short = int(rng.integers(1, MOST_SHORT + 1))
    yield SHORT, rng.permutation(count).tolist(), short


def _in_order(
    looks: Sequence[Look], order: Sequence[int], learnt: int, rng: np.random.Generator, site_arcsec: float
) -> Iterator[tuple[int, int, HeadInputs]]:
    """Compare frames in some order, each with the baseline as it stands then.

    Parameters:
        looks: of the rig.
        order: indices of the looks.
        learnt: so many of the first are noted by the history, and not returned when the others are not.

    Returns:
        index of the frame, frames in the baseline, and what the head sees.
    """
    comparer = Comparer(Ungraded())
    forget = NEEDS_SCALE if rng.random() < SCALE_FORGOTTEN else ()
    history = History(key=baseline_key(looks[0].meta, looks[0].sensor_shape), normal_fwhm_arcsec=site_arcsec)
    for place, index in enumerate(order):
        look = _forgetful(looks[index], forget)
        baseline = history.baseline()
        examined = comparer.compare(look, baseline)
        if not isinstance(examined, Examined):
            continue
        if place >= learnt or learnt == len(order):
            inputs = head_inputs(look.source_features, examined.measurements, baseline, site_arcsec)
            yield index, baseline.size, inputs
        if place < learnt:
            history.arrive(examined)
            history.note(examined)


def _forgetful(look: Look, keys: Sequence[str]) -> Look:
    """Return a look whose header did not tell what some measurements need."""
    if not keys:
        return look
    values = {**look.measurements.values, **dict.fromkeys(keys)}
    return replace(look, measurements=replace(look.measurements, values=values))


def _site(rig: dict[str, Any], rng: np.random.Generator) -> float:
    """What the user has set as the normal FWHM: half of them never touch it."""
    if rng.random() < 1 - SITE_SET or "f0_px" not in rig:
        return DEFAULT_NORMAL_FWHM_ARCSEC
    return float(np.clip(rig["f0_px"] * rig["scale_arcsec_px"] * np.exp(rng.normal(0, 0.12)), 0.2, 200.0))


def build_examples(looks: Path, path: Path, number: int, seed: int, *, only_in_time: bool = False) -> Path:
    """Compare the frames of one rig with many baselines and keep the result, unless it is there already.

    Parameters:
        looks: file of :func:`~training.iqa.lookset.store_looks`.
        path: of the result, ``.npz``.
        number: of the rig.
        seed: of the orders.
        only_in_time: see :func:`examples_of`.
    """
    if path.exists():
        return path
    made = examples_of(load_looks(looks), number, seed, only_in_time=only_in_time)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as file:
        np.savez(file, **{name: getattr(made, name) for name in _OF_EXAMPLES})
    partial.replace(path)
    return path


def load_examples(paths: Sequence[Path]) -> Examples:
    """Read and join what :func:`build_examples` kept of several rigs.

    Parameters:
        paths: at least one.
    """
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in _OF_EXAMPLES}
    frames = 0
    for number, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as stored:
            for name in _OF_EXAMPLES:
                parts[name].append(stored[name])
        parts["frame"][-1] = parts["frame"][-1] + frames
        parts["rig"][-1] = np.full_like(parts["rig"][-1], number)
        frames += len(parts["rig"][-1])
    return Examples(**{name: np.concatenate(columns) for name, columns in parts.items()})
