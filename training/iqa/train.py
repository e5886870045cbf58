"""Train the networks of the head on frames next to their baselines, with early stopping on the validation rigs."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from astro_monitor.grade.compared import COMPARED
from astro_monitor.grade.statistics import ALONE_LENGTH, STATISTICS_LENGTH
from training.iqa.contexts import IN_TIME, Examples, load_examples
from training.iqa.network import SHIPPED_PARTS, head_model

log = logging.getLogger(__name__)

FAULT_LOSS, CAUSE_LOSS, PHYSICAL_LOSS = 0.7, 0.5, 0.3
"""Weights of the other losses; that of the class is 1."""
LEAST_DEVIATION = 1e-3
"""Numbers that never change are divided by this."""
SLOWEST = 0.02
"""The learning rate falls to this share of its start."""

SAME_STARS = "same_stars"
"""Part of the recipe's ``without``: the numbers that need the same stars in two frames are hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the networks are trained.

    Attributes:
        without: sides of the network that are left out, separated by commas: some of ``training.iqa.network.PARTS``,
            or ``same_stars``.
        image: whether the network sees the representative image, too.
        heads: networks of different seeds whose logits are averaged.
        smoothing: share of the probability of a firm class that goes to all five alike.
        start: folder of networks to go on from; empty: from nothing.
        extra: folder of further examples, such as real frames with faults added; empty: none.
        extra_weight: of those in the loss.
    """

    seed: int = 7
    epochs: int = 34
    patience: int = 14
    batch: int = 128
    learning_rate: float = 2e-3
    dropout: float = 0.25
    smoothing: float = 0.01
    heads: int = 4
    without: str = ""
    image: int = 0
    start: str = ""
    extra: str = ""
    extra_weight: float = 1.0

    @property
    def parts(self) -> tuple[str, ...]:
        """Sides of the network."""
        out = self.without.split(",")
        return (*(part for part in SHIPPED_PARTS if part not in out), *(("image",) if self.image else ()))


def train_heads(recipe: Recipe, examples: Path, folder: Path) -> list[keras.Model]:
    """Train all networks of a recipe; those that are there already are loaded.

    Parameters:
        examples: folder with ``train`` and ``validation``, from ``iqa contexts``.
        folder: for networks and the run log (JSON lines).

    Returns:
        the networks, each with its best weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"head-{number}.keras" for number in range(recipe.heads)]
    if not all(path.exists() for path in paths):
        learn, check = learning_set(recipe, examples), load_examples(sorted((examples / "validation").glob("*.npz")))
        log.info("%d frames to learn from, %d to check", len(learn.weight), len(check.weight))
        with (folder / "log.jsonl").open("a", encoding="utf-8") as journal:
            head = {"recipe": asdict(recipe), "git": _revision(), "frames": len(learn.weight)}
            journal.write(json.dumps(head) + "\n")
            for number, path in enumerate(paths):
                if not path.exists():
                    _train_one(recipe, number, learn, check, path, journal)
    heads = [keras.models.load_model(path) for path in paths]
    for number, head_network in enumerate(heads):
        head_network.name = f"head_{number}"  # two that were trained in different processes may have the same one
    return heads


def learning_set(recipe: Recipe, examples: Path) -> Examples:
    """Return all examples to learn from, those of the second source with their own weight.

    Parameters:
        recipe: names the second source.
        examples: folder with ``train``.
    """
    own = load_examples(sorted((examples / "train").glob("*.npz")))
    if not recipe.extra:
        return own
    paths = sorted(Path(recipe.extra).glob("*.npz"))
    more = load_examples(paths)
    more = replace(
        more,
        weight=more.weight * np.float32(recipe.extra_weight),
        frame=more.frame + len(own.weight),
        rig=more.rig + int(own.rig.max()) + 1,
    )
    return Examples(*(np.concatenate([getattr(own, name), getattr(more, name)]) for name in Examples.__slots__))


def standard(statistics: NDArray[np.float16]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and deviation of the statistics, for the first layer of the networks."""
    some = statistics[:: max(1, len(statistics) // 20_000)].astype(np.float32)
    return some.mean(axis=0), np.maximum(some.std(axis=0), LEAST_DEVIATION)


def hidden_numbers(recipe: Recipe) -> NDArray[np.float32]:
    """Return a mask (``STATISTICS_LENGTH``,) that is 0 for the numbers that the recipe leaves out."""
    mask = np.ones(STATISTICS_LENGTH, np.float32)
    words = [word for word in (SAME_STARS, "kernel") if word in recipe.without.split(",")]
    for place, name in enumerate(COMPARED):
        same_stars = "matched_width" in name or SAME_STARS in name
        if (SAME_STARS in words and same_stars) or ("kernel" in words and "kernel" in name):
            mask[[ALONE_LENGTH + place, ALONE_LENGTH + len(COMPARED) + place]] = 0.0
    return mask


def _train_one(recipe: Recipe, number: int, learn: Examples, check: Examples, path: Path, journal: Any) -> None:
    keras.utils.set_random_seed(recipe.seed + 100 * number)
    rng = np.random.default_rng([recipe.seed, number])
    mean, deviation = standard(learn.statistics)
    model = head_model(mean, deviation, parts=recipe.parts, dropout=recipe.dropout)
    if recipe.start:
        # The normalisation of the inputs is among the weights: it stays that of the networks gone on from.
        model.set_weights(keras.models.load_model(Path(recipe.start) / path.name).get_weights())
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=1e-4)
    step = _stepper(model, optimizer, recipe.smoothing)
    mask = hidden_numbers(recipe)
    best, since = np.inf, 0
    unfinished = path.with_suffix(".unfinished.keras")
    for epoch in range(recipe.epochs):
        started = time.monotonic()
        optimizer.learning_rate.assign(_rate(recipe, epoch))
        losses = [float(step(*batch)) for batch in _batches(recipe, learn, mask, rng)]
        loss, accuracy = validate(model, check, mask)
        line = {"head": number, "epoch": epoch, "loss": round(float(np.mean(losses)), 4),
                "validation_loss": round(loss, 4), "validation_accuracy": round(accuracy, 4),
                "seconds": round(time.monotonic() - started, 1)}  # fmt: skip
        journal.write(json.dumps(line) + "\n")
        journal.flush()
        log.info("%s", line)
        since += 1
        if loss < best:
            best, since = loss, 0
            model.save(unfinished)
        if since > recipe.patience:
            break
    unfinished.replace(path)  # an interrupted training leaves no network that looks whole


def _stepper(model: keras.Model, optimizer: Any, smoothing: float) -> Any:
    """Return a function that learns from one batch and returns its loss."""

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # tensorflow has no types
    def step(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            said = model(inputs, training=True)
            loss = _loss(said, targets, smoothing) + tf.add_n(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 5.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step


def _loss(said: Any, targets: Any, smoothing: float) -> Any:
    """Return the loss of a batch: class, fault scores, cause, physical quantities."""
    weight, source = targets["weight"], targets["source"]
    classes = targets["classes"] * (1 - smoothing) + smoothing / targets["classes"].shape[-1]
    of_class = tf.nn.softmax_cross_entropy_with_logits(classes, said["class"])
    of_fault = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets["faults"], said["fault"]), axis=-1)
    of_cause = tf.nn.sparse_softmax_cross_entropy_with_logits(targets["cause"], said["cause"])
    known = tf.math.is_finite(targets["physical"])
    error = tf.where(known, said["physical"] - tf.where(known, targets["physical"], 0.0), 0.0)
    of_physical = tf.reduce_mean(tf.sqrt(1.0 + error**2) - 1.0, axis=-1)
    return tf.reduce_mean(
        weight * (of_class + CAUSE_LOSS * of_cause) + source * (FAULT_LOSS * of_fault + PHYSICAL_LOSS * of_physical)
    )


def _batches(
    recipe: Recipe, learn: Examples, mask: NDArray[np.float32], rng: np.random.Generator
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the batches of one epoch: each frame once, next to one of its baselines."""
    chosen = np.zeros(len(learn.weight), np.int64)
    order = rng.permutation(len(learn.frame))
    chosen[learn.frame[order]] = order  # the last of a frame's examples in random order stays
    frames = rng.permutation(len(chosen))
    for start in range(0, len(frames) - recipe.batch + 1, recipe.batch):
        frame = frames[start : start + recipe.batch]
        inputs = mirrored(learn.inputs(chosen[frame]), rng)
        inputs["statistics"] *= mask
        weight = learn.weight[frame]
        targets = {"classes": learn.classes[frame], "faults": learn.faults[frame], "cause": learn.cause[frame],
                   "physical": learn.physical[frame], "weight": weight,
                   "source": np.where(learn.firm[frame], weight, 1.0).astype(np.float32)}  # fmt: skip
        yield inputs, targets


def mirrored(inputs: dict[str, NDArray[np.float32]], rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return the inputs with their pictures mirrored and turned at random: no direction is special.

    The profile, the kernel, the parts of the field and the sky are mirrored together; profiles are also transposed.

    Parameters:
        inputs: of a batch, as ``HeadInputs`` names them.
    """
    profiles, sky = inputs["profiles"].copy(), inputs["sky"].copy()
    count = len(profiles)
    field = inputs["field"].reshape(count, 3, 3, *inputs["field"].shape[2:]).copy()
    upside, sideways, turned = (rng.random(count) < 0.5 for _ in range(3))
    profiles[upside], sky[upside] = profiles[upside, ::-1], sky[upside, ::-1]
    field[upside] = field[upside, ::-1, :, ::-1]
    profiles[sideways], sky[sideways] = profiles[sideways, :, ::-1], sky[sideways, :, ::-1]
    field[sideways] = field[sideways, :, ::-1, :, ::-1]
    profiles[turned] = profiles[turned].transpose(0, 2, 1, 3)
    field[turned] = field[turned].transpose(0, 2, 1, 4, 3)
    return inputs | {"profiles": profiles, "sky": sky, "field": field.reshape(inputs["field"].shape)}


def validate(model: keras.Model, check: Examples, mask: NDArray[np.float32]) -> tuple[float, float]:
    """Return loss and accuracy of the class over the firm frames, next to the baselines of the running program.

    Parameters:
        check: of rigs that the network does not learn from.
        mask: from :func:`hidden_numbers`.
    """
    chosen = np.flatnonzero((check.origin == IN_TIME) & check.firm[check.frame])
    chance = log_chances(model, check, chosen, mask)
    truth = check.classes[check.frame[chosen]].argmax(axis=1)
    return float(-chance[np.arange(len(truth)), truth].mean()), float((chance.argmax(axis=1) == truth).mean())


def log_chances(
    model: keras.Model, data: Examples, chosen: NDArray[Any], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the logarithms of the probabilities of the classes, (B, 5).

    Parameters:
        chosen: (B,) examples.
        mask: from :func:`hidden_numbers`.
    """
    logits = []
    for start in range(0, len(chosen), 2048):
        inputs = data.inputs(chosen[start : start + 2048])
        inputs["statistics"] *= mask
        logits.append(np.asarray(model(inputs, training=False)["class"]))
    joined = np.concatenate(logits)
    joined = joined - joined.max(axis=1, keepdims=True)
    return np.asarray(joined - np.log(np.exp(joined).sum(axis=1, keepdims=True)), np.float32)


def _rate(recipe: Recipe, epoch: int) -> float:
    """Cosine from the full rate to a fiftieth."""
    share = SLOWEST + (1 - SLOWEST) * 0.5 * (1 + np.cos(np.pi * epoch / recipe.epochs))
    return float(recipe.learning_rate * share)


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
