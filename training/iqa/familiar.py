"""Train the network that tells night skies from other pictures, and say how well it knows kinds it never saw."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.grade.inputs import head_inputs
from astro_monitor.grade.known import DEFAULT_NORMAL_FWHM_ARCSEC
from astro_monitor.records import Baseline, baseline_key
from training.iqa.contexts import INPUTS, Examples
from training.iqa.lookset import load_looks
from training.iqa.network import FEATURES, familiar_model
from training.iqa.train import standard

log = logging.getLogger(__name__)

EDGE_SHARE = 0.001
"""Part of the frames of validation rigs that fall below 0.5, and are called unknown for that."""
MEDIAN_SCORE_LOGIT = 4.0
"""Logit of the median frame of validation rigs: a score of 0.98."""
LEAST_STARS = 3
"""Pictures with fewer stars are unknown for that reason, and teach nothing about night skies."""
EPOCHS, BATCH = 40, 256

Inputs = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Strange:
    """Pictures that are no night sky, as first frames of a rig.

    Attributes:
        inputs: of the network, (N, ...) each.
        kind: (N,) number of the kind.
        kinds: their names.
    """

    inputs: Inputs
    kind: NDArray[np.int64]
    kinds: tuple[str, ...]

    def chosen(self, which: NDArray[np.bool_]) -> Inputs:
        """Return the inputs of some of the pictures."""
        return {name: values[which] for name, values in self.inputs.items()}


def load_strange(folder: Path) -> Strange:
    """Read the looks at strange pictures that ``iqa strange-looks`` kept; those with too few stars are left out.

    Parameters:
        folder: with a file for each kind and part.

    Raises:
        FileNotFoundError: there are none.
    """
    pictures = [
        (kept.rig["kind"], look) for kept in map(load_looks, sorted(folder.glob("*.looks"))) for look, _ in kept.frames
    ]
    if not pictures:
        raise FileNotFoundError(
            f"no strange pictures in {folder}; make them with 'python -m training iqa strange-looks'"
        )
    starry = [(kind, look) for kind, look in pictures if look.source_features.source_count >= LEAST_STARS]
    rows: list[dict[str, Any]] = []
    # A star finder that finds nothing at all, as the untrained one of a trial run, leaves no choice.
    for _, look in starry or pictures:
        empty = Baseline(key=baseline_key(look.meta, look.sensor_shape))
        inputs = head_inputs(look.source_features, look.measurements, empty, DEFAULT_NORMAL_FWHM_ARCSEC)
        rows.append({name: getattr(inputs, name) for name in INPUTS})
    kinds = [kind for kind, _ in starry or pictures]
    names = tuple(sorted(set(kinds)))
    stacked: Inputs = {name: np.stack([row[name] for row in rows]) for name in INPUTS}
    stacked["features"] = np.zeros((len(rows), FEATURES), np.float32)
    return Strange(stacked, np.array([names.index(kind) for kind in kinds]), names)


def train_familiar(learn: Examples, strange: Inputs, seed: int) -> keras.Model:
    """Train the network on frames of rigs and on strange pictures.

    Parameters:
        learn: frames of training rigs.
        strange: pictures that are no night sky.
        seed: of the training.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = familiar_model(*standard(learn.statistics))
    model.compile(
        optimizer=keras.optimizers.AdamW(2e-3, weight_decay=1e-3),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    count = len(strange["statistics"])
    for epoch in range(EPOCHS):
        model.optimizer.learning_rate.assign(2e-3 * 0.5 * (1.02 + np.cos(np.pi * epoch / EPOCHS)))
        night = learn.inputs(rng.integers(0, len(learn.frame), 4 * count))
        joined = {name: np.concatenate([values, strange[name]]) for name, values in night.items()}
        truth = np.r_[np.ones(4 * count), np.zeros(count)].astype(np.float32)[:, None]
        order = rng.permutation(len(truth))
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            model.train_on_batch({name: values[some] for name, values in joined.items()}, truth[some])
    return model


def logits(model: keras.Model, inputs: Inputs) -> NDArray[np.float64]:
    """Return the logit of each frame, (N,)."""
    parts = [
        np.asarray(model({name: values[start : start + 2048] for name, values in inputs.items()}, training=False))
        for start in range(0, len(inputs["statistics"]), 2048)
    ]
    return np.concatenate(parts)[:, 0].astype(np.float64)


def edge_and_scale(model: keras.Model, check: Examples) -> tuple[float, float]:
    """Return the logit that becomes a score of 0.5, and by how much logits are divided.

    Parameters:
        check: frames of validation rigs.
    """
    seen = logits(model, check.inputs(_one_of_each(check)))
    edge, middle = np.quantile(seen, (EDGE_SHARE, 0.5))
    return float(edge), float(max((middle - edge) / MEDIAN_SCORE_LOGIT, 0.05))


def of_unseen_kinds(learn: Examples, check: Examples, strange: Strange, seed: int) -> dict[str, float]:
    """Return for each kind the share that a network knows for strange which never saw one of that kind.

    Parameters:
        learn, check: frames of training and of validation rigs.
        strange: pictures of all kinds.
        seed: of the trainings.
    """
    found = {}
    for number, kind in enumerate(strange.kinds):
        model = train_familiar(learn, strange.chosen(strange.kind != number), seed)
        edge, _ = edge_and_scale(model, check)
        found[kind] = round(float((logits(model, strange.chosen(strange.kind == number)) < edge).mean()), 4)
    log.info("known for strange without having seen the kind: %s", found)
    return found


def _one_of_each(data: Examples) -> NDArray[np.int64]:
    """Return one example of each frame: what a frame is by itself does not depend on its baseline."""
    chosen = np.zeros(len(data.weight), np.int64)
    chosen[data.frame] = np.arange(len(data.frame))
    return chosen


def shares_known(model: keras.Model, edge: float, strange: Strange, kinds: Sequence[str]) -> dict[str, float]:
    """Return for each kind the share that is known for strange."""
    seen = logits(model, strange.inputs) < edge
    return {kind: round(float(seen[strange.kind == strange.kinds.index(kind)].mean()), 4) for kind in kinds}
