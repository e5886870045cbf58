"""Train, export and tune the network that settles the kinds of the star finder's candidates.

::

    python -m training unet closeups      10 minutes on two cores
    python -m training unet kinds --version 0.3.0
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from astro_monitor.detect.closeup import DIRECTIONS, RADII_PX, ROW, SIDE_PX
from astro_monitor.detect.kinds import FEW_ARTEFACT, FEW_STAR, NOTHING
from astro_monitor.detect.peaks import CHANNELS
from astro_monitor.detect.unet import KINDS_OUTPUT, OUTPUT, ROWS_INPUT, STAR_INPUT
from astro_monitor.inference import Card, open_model
from astro_monitor.inference.store import load as load_shipped
from astro_monitor.records import KIND_ARTEFACT, KIND_EXTENDED, KIND_STAR
from training import export
from training.unet.closeups import Examples, load
from training.unet.evaluate import KIND_SNR, evaluate
from training.unet.merge import joined
from training.unet.seeds import NAME, TEST_SEED
from training.unet.ship import CLASSES, EXAMPLES

log = logging.getLogger(__name__)

SUMMARY = "Finds stars, extended sources, artefacts and trails in a frame, and settles what each of them is."
"""Summary in the card."""
LEAST_SCORE, LEAST_SCORE_ARTEFACT = 0.6, 0.5
"""Thresholds of light and of artefacts. On validation rigs the first leaves 0.96 of the detections on untrailed frames
right (0.95 before there was a network of kinds) and 0.83 in nebulae full of filaments (0.75), with as many stars found
in ordinary fields and more in nebulae."""
SIGNIFICANCE = 2 * SIDE_PX**2 + DIRECTIONS * len(RADII_PX) + 11
"""Column of a quarter of the logarithm of the signal to noise."""

PIXELS = SIDE_PX**2
"""Pixels of a cut-out."""
PHASE = 2 * PIXELS + DIRECTIONS * len(RADII_PX) + 7
"""Column of the position in the pixel (x, then y)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindsRecipe:
    """Everything that decides what comes out, besides the data.

    Attributes:
        hidden: units of the two hidden layers.
        epochs: passes over the examples, each in a random orientation.
    """

    hidden: tuple[int, int] = (64, 48)
    epochs: int = 14
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 2e-4
    dropout: float = 0.1
    smallest_share: float = 0.03
    seed: int = 1


def build(recipe: KindsRecipe) -> keras.Model:
    """Return the network: the typical star enters the first layer once for all candidates of a frame."""
    rows = keras.Input((ROW,), name=ROWS_INPUT)
    star = keras.Input((PIXELS,), name=STAR_INPUT)
    x = layers.Add()([layers.Dense(recipe.hidden[0])(rows), layers.Dense(recipe.hidden[0], use_bias=False)(star)])
    x = layers.Dropout(recipe.dropout)(layers.ReLU()(x))
    x = layers.Dropout(recipe.dropout)(layers.Dense(recipe.hidden[1], activation="relu")(x))
    return keras.Model([rows, star], layers.Dense(4, name=KINDS_OUTPUT)(x), name="star-unet-kinds")


def train(recipe: KindsRecipe, examples: Examples, held_out: Examples) -> keras.Model:
    """Return the network with the best loss on the held-out examples.

    Parameters:
        recipe: how.
        examples: of the training rigs.
        held_out: of the validation rigs.
    """
    keras.utils.set_random_seed(recipe.seed)
    network = build(recipe)
    steps = recipe.epochs * (len(examples.kinds) // recipe.batch)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, global_clipnorm=2.0)
    optimizer.build(network.trainable_variables)
    weights = class_weights(examples, recipe.smallest_share)

    step = _compiled_step(network, optimizer)
    best, kept = math.inf, network.get_weights()
    rng = np.random.default_rng(recipe.seed)
    for epoch in range(recipe.epochs):
        losses = [
            float(step(*(tf.constant(part) for part in batch)))
            for batch in _batches(examples, weights, recipe.batch, rng)
        ]
        said = network.predict(
            [held_out.rows.astype(np.float32), held_out.stars.astype(np.float32)], batch_size=8192, verbose=0
        )
        entropy = np.asarray(tf.nn.sparse_softmax_cross_entropy_with_logits(held_out.kinds.astype(np.int32), said))
        score = float(np.average(entropy, weights=held_out.weights * weights[held_out.kinds]))
        if score < best:
            best, kept = score, network.get_weights()
        log.info("epoch %d: loss %.4f, validation %.4f, best %.4f %s", epoch, np.mean(losses), score, best,
                 confusion(held_out, said).tolist())  # fmt: skip
    network.set_weights(kept)
    return network


def class_weights(examples: Examples, smallest_share: float) -> NDArray[np.float32]:
    """Return (4,) weights of the kinds: the root of how rare each is, limited by a smallest share."""
    shares = np.bincount(examples.kinds, minlength=NOTHING + 1) / len(examples.kinds)
    return np.asarray(1 / np.sqrt(np.maximum(shares, smallest_share)) / 2, np.float32)


def confusion(examples: Examples, said: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (4, 4) counts of what is there by what the largest of the network's logits says."""
    counts = np.zeros((4, 4), np.int64)
    np.add.at(counts, (examples.kinds, said.argmax(axis=1)), 1)
    return counts


def orientations() -> list[tuple[NDArray[np.intp], NDArray[np.intp], tuple[int, int]]]:
    """Return the eight orientations of a candidate: order of its columns, order of the star's, signs of (x, y)."""
    found = []
    pixels = np.arange(PIXELS).reshape(SIDE_PX, SIDE_PX)
    turns = np.arange(DIRECTIONS)
    for which in range(8):
        # A direction t is the angle from +x towards +y; the mirrors below act on it like on the pixels.
        square, direction, signs = pixels, turns, [1, 1]
        if which & 1:
            square, direction, signs[0] = square[:, ::-1], (DIRECTIONS // 2 - direction) % DIRECTIONS, -1
        if which & 2:
            square, direction, signs[1] = square[::-1], (-direction) % DIRECTIONS, -1
        swapped = bool(which & 4)
        if swapped:
            square = square.T
            direction = direction[(DIRECTIONS // 4 - turns) % DIRECTIONS]
        star = square.ravel()
        rings = np.concatenate([ring * DIRECTIONS + direction for ring in range(len(RADII_PX))])
        columns = np.arange(ROW)
        columns[:PIXELS], columns[PIXELS : 2 * PIXELS] = star, PIXELS + star
        columns[2 * PIXELS : 2 * PIXELS + len(rings)] = 2 * PIXELS + rings
        if swapped:
            columns[[PHASE, PHASE + 1]] = PHASE + 1, PHASE
            signs = signs[::-1]
        found.append((columns, star, (signs[0], signs[1])))
    return found


def _compiled_step(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Any:
    """Return one step of training: of rows, typical stars, kinds and weights to the loss."""

    @tf.function(reduce_retracing=True)
    def step(rows: tf.Tensor, star: tf.Tensor, kinds: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = network([rows, star], training=True)
            entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(kinds, logits)
            loss = tf.reduce_sum(entropy * weight) / tf.reduce_sum(weight)
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    return step


def _batches(
    examples: Examples, weights: NDArray[np.float32], size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Yield whole batches in random order, each in a random orientation."""
    order = rng.permutation(len(examples.kinds))
    every = orientations()
    for first in range(0, len(order) - size + 1, size):
        some = np.sort(order[first : first + size])
        columns, star, signs = every[int(rng.integers(8))]
        rows = examples.rows[some].astype(np.float32)[:, columns]
        rows[:, PHASE : PHASE + 2] *= signs
        yield (
            rows,
            examples.stars[some].astype(np.float32)[:, star],
            examples.kinds[some].astype(np.int32),
            examples.weights[some] * weights[examples.kinds[some]],
        )


def extended_limit(examples: Examples, logits: NDArray[np.float32]) -> float:
    """Return the part of an extended source's probability in that of all light from which its F1 is best.

    Parameters:
        examples: of the validation rigs.
        logits: (N, 4), what the network says of them.
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    light = shares[:, KIND_STAR] + shares[:, KIND_EXTENDED]
    said = (light > shares[:, KIND_ARTEFACT]) & (light > shares[:, NOTHING])
    bright = (examples.kinds != NOTHING) & (examples.rows[:, SIGNIFICANCE] >= math.log(KIND_SNR) / 4)
    there = bright & (examples.kinds == KIND_EXTENDED)
    part = shares[:, KIND_EXTENDED] / np.maximum(light, 1e-6)

    def f1(limit: float) -> float:
        chosen = bright & said & (part > limit)
        both, all_ = int(np.count_nonzero(chosen & there)), int(np.count_nonzero(chosen)) + int(np.count_nonzero(there))
        return 2 * both / max(1, all_)

    return max((round(float(limit), 2) for limit in np.arange(0.2, 0.96, 0.05)), key=f1)


def graph_of(network: keras.Model) -> onnx.ModelProto:
    """Return the exported network of kinds."""
    return export.from_keras(network)


def ship_kinds(recipe: KindsRecipe, pool: Path, models: Path, version: str, frames: int) -> Card:
    """Train the network of kinds, put it into the shipped star finder, and score.

    Parameters:
        recipe: how.
        pool: folder of the examples.
        models: folder of the star finder, which is replaced.
        version: of the star finder.
        frames: number of frames for the scores.
    """
    before, content = load_shipped(NAME, models)
    examples, held_out = load(pool, "train"), load(pool, "validation")
    network = train(recipe, examples, held_out)
    inputs = [held_out.rows.astype(np.float32), held_out.stars.astype(np.float32)]
    logits = network.predict(inputs, batch_size=8192, verbose=0)
    kinds = graph_of(network)
    samples = [{ROWS_INPUT: inputs[0][:500], STAR_INPUT: inputs[1][:1]}]

    def reference(fed: export.Arrays) -> export.Arrays:
        star = np.repeat(fed[STAR_INPUT], len(fed[ROWS_INPUT]), axis=0)
        return {KINDS_OUTPUT: np.asarray(network([fed[ROWS_INPUT], star], training=False))}

    parity = float(export.parity(reference, kinds, samples).max())
    proto = joined(onnx.load_from_string(content), kinds)
    card = {key: getattr(before, key) for key in ("name", "licence", "preprocessing_version", "concurrency")}
    card |= {
        "version": version,
        "summary": SUMMARY,
        "class_names": {OUTPUT: CHANNELS, KINDS_OUTPUT: CLASSES},
        "recipe": {**dict(before.recipe), "kinds": asdict(recipe) | {"examples": len(examples.kinds)}},
        "data_manifest_sha256": before.data_manifest_sha256,
        "parity_max_abs_diff": max(before.parity_max_abs_diff, parity),
    }
    limits = {"star": LEAST_SCORE, "artefact": LEAST_SCORE_ARTEFACT, "extended": extended_limit(held_out, logits)}
    kept = {name: before.thresholds[name] for name in ("streak", FEW_STAR, FEW_ARTEFACT)}
    card["thresholds"] = limits | kept
    log.info("thresholds %s", card["thresholds"])
    with TemporaryDirectory() as scratch:
        export.ship(proto, Path(scratch), EXAMPLES, **card)
        tuned = open_model(NAME, folder=Path(scratch), provider="cpu")
        card["scores"] = evaluate(tuned, "test", TEST_SEED, frames)
        log.info("scores %s", json.dumps(card["scores"]))
    return export.ship(proto, models, EXAMPLES, **card)
