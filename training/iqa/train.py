"""Train the dual-input network on the examined rigs, with early stopping on the validation rigs."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.grade.statistics import MAP_COLUMNS, MAP_ROWS, MAP_SLICES
from astro_monitor.records import CAUSES, CLASSES, FAULTS
from training.iqa.dataset import load_examined
from training.iqa.grouping import SourceMap
from training.iqa.network import grouping_model, head_model
from training.iqa.variants import random_vectors

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the network is trained.

    Attributes:
        variants: random baselines for each training frame; every epoch uses another one.
        parts: ``both``, ``image`` or ``statistics``.
        heads: networks of different seeds whose logits are averaged.
        start: folder of networks to go on from, as when the star finder has changed and the data were made anew; empty:
            from nothing.
    """

    seed: int = 7
    variants: int = 10
    epochs: int = 30
    patience: int = 30
    batch: int = 160
    learning_rate: float = 2e-3
    dropout: float = 0.2
    parts: str = "both"
    heads: int = 4
    start: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Frames ready for the network; n frames, v statistics each."""

    image: NDArray[np.float16]
    mask: NDArray[np.float32]
    histogram: NDArray[np.float32]
    error: NDArray[np.float32]
    statistics: NDArray[np.float32]
    label: NDArray[np.int64]
    faults: NDArray[np.float32]
    cause: NDArray[np.int64]
    rig: NDArray[np.int64]


def examples(
    folder: Path, source_map: SourceMap, variants: int, seed: int, grouping: Callable[..., Any] | None = None
) -> Examples:
    """Load a split: group its sources, and put each frame beside random baselines.

    Parameters:
        folder: of the examined rigs of one split.
        variants: baselines for each frame.
        seed: of the baselines.
        grouping: takes the place of the map, for the ablation: from source tables, their validity and a seed to image,
            mask, histogram and error.
    """
    by_map = grouping_model(source_map)
    parts: list[tuple[Any, ...]] = []
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        rig = load_examined(path)
        rng = np.random.default_rng([seed, rig.rig["seed"]])
        tables = [rig.rows.astype(np.float32), rig.valid.astype(np.float32)]
        seen = grouping(*tables, rig.rig["seed"]) if grouping else by_map.predict_on_batch(tables)
        image, mask, histogram, error = (np.asarray(part) for part in seen)
        truths = [frame["truth"] for frame in rig.facts]
        parts.append(
            (
                image.astype(np.float16), mask, histogram, error[:, 0],
                np.stack([random_vectors(rig, index, variants, rng) for index in range(len(rig.facts))]),
                np.array([_index(CLASSES, truth["label"]) for truth in truths]),
                np.array([[truth["faults"][fault] for fault in FAULTS] for truth in truths], np.float32),
                np.array([_index(CAUSES, truth["cause"]) for truth in truths]),
                np.full(len(truths), number),
            )
        )  # fmt: skip
    return Examples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def train_heads(
    recipe: Recipe, data: Path, source_map: SourceMap, folder: Path, grouping: Callable[..., Any] | None = None
) -> list[keras.Model]:
    """Train all networks of a recipe; those that are there already are loaded.

    Parameters:
        data: folder with ``train`` and ``validation``.
        folder: for networks and the run log (JSON lines).
        grouping: see :func:`examples`.

    Returns:
        The networks, each with its best weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"head-{recipe.parts}-{number}.keras" for number in range(recipe.heads)]
    if all(path.exists() for path in paths):
        return _loaded(paths)
    learn = examples(data / "train", source_map, recipe.variants, recipe.seed, grouping)
    check = examples(data / "validation", source_map, 4, recipe.seed + 1, grouping)
    log.info("%d frames to learn from, %d to check", len(learn.label), len(check.label))
    with (folder / "log.jsonl").open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({"recipe": asdict(recipe), "git": _revision(), "frames": len(learn.label)}) + "\n")
        for number, path in enumerate(paths):
            if not path.exists():
                _train_one(recipe, number, learn, check, path, journal)
    return _loaded(paths)


def _loaded(paths: list[Path]) -> list[keras.Model]:
    heads = [keras.models.load_model(path) for path in paths]
    for number, head in enumerate(heads):
        head.name = f"head_{number}"  # two that were trained in different processes may have the same one
    return heads


def _train_one(recipe: Recipe, number: int, learn: Examples, check: Examples, path: Path, journal: Any) -> None:
    keras.utils.set_random_seed(recipe.seed + 100 * number)
    rng = np.random.default_rng([recipe.seed, number])
    flat = learn.statistics.reshape(-1, learn.statistics.shape[-1])
    model = head_model(
        flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-3), parts=recipe.parts, dropout=recipe.dropout
    )
    if recipe.start:
        # The normalisation of the inputs is among the weights: it stays that of the networks gone on from.
        model.set_weights(keras.models.load_model(Path(recipe.start) / path.name).get_weights())
    model.compile(
        optimizer=keras.optimizers.AdamW(recipe.learning_rate, weight_decay=1e-4),
        loss={
            "class_logits": keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.02),
            "fault_logits": keras.losses.BinaryCrossentropy(from_logits=True),
            "cause_logits": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"class_logits": 1.0, "fault_logits": 0.7, "cause_logits": 0.5},
    )
    steps = max(1, len(learn.label) // recipe.batch)
    best, since = np.inf, 0
    unfinished = path.with_suffix(".unfinished.keras")
    for epoch in range(recipe.epochs):
        started = time.monotonic()
        model.optimizer.learning_rate.assign(_rate(recipe, epoch))
        losses = [_step(model, *batch) for batch in _batches(recipe, learn, rng, steps)]
        loss, accuracy = _validate(model, check)
        journal.write(
            json.dumps({"head": number, "epoch": epoch, "loss": round(float(np.mean(losses)), 4),
                        "validation_loss": round(loss, 4), "validation_accuracy": round(accuracy, 4),
                        "seconds": round(time.monotonic() - started, 1)}) + "\n"
        )  # fmt: skip
        journal.flush()
        since += 1
        if loss < best:
            best, since = loss, 0
            model.save(unfinished)
        if since > recipe.patience:
            break
    unfinished.replace(path)  # an interrupted training leaves no network that looks whole


def _step(model: keras.Model, x: Any, y: Any, weights: Any) -> float:
    result = model.train_on_batch(x, y, sample_weight=weights)
    return float(result[0] if isinstance(result, list) else result)


def _batches(recipe: Recipe, learn: Examples, rng: np.random.Generator, steps: int) -> Iterator[tuple[Any, Any, Any]]:
    order = rng.permutation(len(learn.label))
    for step in range(steps):
        some = order[step * recipe.batch : (step + 1) * recipe.batch]
        chosen = learn.statistics[some, rng.integers(0, learn.statistics.shape[1], len(some))]
        firm = (learn.label[some] >= 0).astype(np.float32)
        inputs = [learn.image[some].astype(np.float32), learn.mask[some], learn.histogram[some]]
        targets = {
            "class_logits": _one_hot(learn.label[some]),
            "fault_logits": learn.faults[some],
            "cause_logits": np.maximum(learn.cause[some], 0),
        }
        # Ambiguous frames teach the fault scores alone.
        weights = {"class_logits": firm, "fault_logits": np.ones_like(firm), "cause_logits": firm}
        yield [*inputs, _mirrored(chosen, rng)], targets, weights


def _mirrored(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Sky maps mirrored at random: no side of the sky is special."""
    mirrored = vectors.copy()
    upside, sideways = rng.random(len(vectors)) < 0.5, rng.random(len(vectors)) < 0.5
    for where in MAP_SLICES:
        maps = mirrored[:, where].reshape(-1, MAP_ROWS, MAP_COLUMNS)
        maps[upside] = maps[upside, ::-1]
        maps[sideways] = maps[sideways, :, ::-1]
        mirrored[:, where] = maps.reshape(len(maps), -1)
    return mirrored


def _validate(model: keras.Model, check: Examples) -> tuple[float, float]:
    losses, hits, seen = [], 0, 0
    firm = check.label >= 0
    for variant in range(check.statistics.shape[1]):
        answer = model.predict(
            [check.image[firm].astype(np.float32), check.mask[firm], check.histogram[firm],
             check.statistics[firm, variant]], batch_size=512, verbose=0,
        )  # fmt: skip
        logits = answer["class_logits"] - answer["class_logits"].max(axis=1, keepdims=True)
        chance = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        truth = check.label[firm]
        losses.append(-chance[np.arange(len(truth)), truth].mean())
        hits += int((chance.argmax(axis=1) == truth).sum())
        seen += len(truth)
    return float(np.mean(losses)), hits / max(seen, 1)


def _rate(recipe: Recipe, epoch: int) -> float:
    """Cosine from the full rate to a fiftieth."""
    return float(recipe.learning_rate * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * epoch / recipe.epochs))))


def _one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    hot: NDArray[np.float32] = np.eye(len(CLASSES), dtype=np.float32)[np.maximum(labels, 0)]
    return hot


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
