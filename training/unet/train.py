"""Train the star U-Net.

::

    python -m training unet pool      6 minutes on two cores
    python -m training unet train     50 minutes, as the recipe tells; resumes when called again

What it wrote to ``runs/unet/<name>/``: ``last.keras`` after each round, ``best.keras`` by validation loss, and
``log.jsonl``: one line with the recipe, then one line a round.
"""

from __future__ import annotations

import json
import logging
import math
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.unet.data import Tiles, batches, load_pool, manifest_digest
from training.unet.losses import star_loss
from training.unet.network import build

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides what comes out, besides the data.

    Attributes:
        minutes: the learning rate falls to nothing over this time.
        patience: rounds without a better validation loss after which it ends early.
        round_steps: batches in a round; after each the validation loss is taken.
    """

    stem: int = 16
    wide: int = 32
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    minutes: float = 50.0
    warm_up_steps: int = 300
    round_steps: int = 300
    patience: int = 40
    seed: int = 1


def train(recipe: Recipe, pool: Path, folder: Path) -> Path:
    """Train until the time is over or nothing gets better.

    Parameters:
        recipe: how.
        pool: tiles of the ``train`` and ``validation`` splits.
        folder: results; a ``last.keras`` in it is continued.

    Returns:
        The path of the best network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    tiles, held_out = load_pool(pool, "train"), load_pool(pool, "validation")
    state = _State.load(folder)
    network = keras.models.load_model(folder / "last.keras", compile=False) if state.rounds else build(
        recipe.stem, recipe.wide
    )  # fmt: skip
    optimizer = keras.optimizers.AdamW(
        recipe.learning_rate, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm
    )
    step = _compiled_step(network, optimizer)
    run = {"recipe": asdict(recipe), "tiles": len(tiles), "data": manifest_digest(pool), "revision": revision()}
    _write(folder, run | {"parameters": network.count_params(), "resumed_after_rounds": state.rounds})
    feed = batches(tiles, recipe.batch, np.random.default_rng([recipe.seed, state.rounds]), augment=True)
    started, spent_before = time.monotonic(), state.seconds
    stale = 0
    while stale < recipe.patience:
        spent = spent_before + time.monotonic() - started
        if spent >= 60 * recipe.minutes:
            break
        loss = _round(recipe, step, optimizer, feed, state, spent_before, started)
        score = _validate(network, held_out, recipe.batch)
        state.rounds += 1
        state.seconds = spent_before + time.monotonic() - started
        network.save(folder / "last.keras")
        stale += 1
        if score < state.best:
            state.best, stale = score, 0
            network.save(folder / "best.keras")
        state.save(folder)
        _write(folder, {"round": state.rounds, "seconds": round(state.seconds), "loss": loss, "validation": score})
        log.info("round %d: loss %.4f, validation %.4f, best %.4f", state.rounds, loss, score, state.best)
    return folder / "best.keras"


@dataclass(slots=True)
class _State:
    rounds: int = 0
    steps: int = 0
    seconds: float = 0.0
    best: float = math.inf

    @classmethod
    def load(cls, folder: Path) -> _State:
        path = folder / "state.json"
        return cls(**json.loads(path.read_text("utf-8"))) if path.exists() else cls()

    def save(self, folder: Path) -> None:
        (folder / "state.json").write_text(json.dumps(asdict(self)), "utf-8")


def _compiled_step(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Any:
    optimizer.build(network.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(seen: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = star_loss(wanted, network(seen, training=True))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    return step


def _round(
    recipe: Recipe,
    step: Any,
    optimizer: keras.optimizers.Optimizer,
    feed: Iterator[tuple[np.ndarray, np.ndarray]],
    state: _State,
    spent_before: float,
    started: float,
) -> float:
    """One round of steps; the learning rate warms up by steps and falls as a cosine of the time spent."""
    total = 0.0
    for _ in range(recipe.round_steps):
        part = min(1.0, (spent_before + time.monotonic() - started) / (60 * recipe.minutes))
        rate = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * part))
        optimizer.learning_rate.assign(max(1e-6, rate) * min(1.0, (state.steps + 1) / recipe.warm_up_steps))
        seen, wanted = next(feed)
        total += float(step(tf.constant(seen), tf.constant(wanted)))
        state.steps += 1
    return total / recipe.round_steps


def _validate(network: keras.Model, held_out: Tiles, size: int) -> float:
    """Mean loss over all whole batches of the held-out tiles."""
    feed = batches(held_out, size, np.random.default_rng(0), augment=False)
    losses = []
    for _ in range(len(held_out) // size):
        seen, wanted = next(feed)
        losses.append(float(star_loss(tf.constant(wanted), network(seen, training=False))))
    return float(np.mean(losses))


def revision() -> str:
    """Git revision of this checkout; ``unknown`` outside of one."""
    answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _write(folder: Path, line: dict[str, object]) -> None:
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
