"""From logits to honest probabilities, and from probabilities to "unknown": everything is found on validation rigs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import CLASSES
from training.iqa.train import Examples

Array = NDArray[np.float64]

CERTAIN = 0.5
"""Least probability of being good at which a frame is called so, and of being bad at which a fault is named. With
calibrated probabilities this is where no answer costs half of a wrong one. A class is not yet a decision: the judge
keeps no frame on a low probability of ``good``, and sends to review what is only leaning to a fault."""

TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(3.0), 61))
IN_DOMAIN = 0.5
"""Below the edge of what training saw a frame is strange. Real frames had 0.86 and more."""

FEW_STARS = 0.85
"""A fault must be this certain to be told when fewer than three stars could be measured."""

EDGE_SHARE = 0.999


def mean_logits(heads: list[keras.Model], data: Examples, variant: int) -> dict[str, Array]:
    """Logits of all frames beside one of their baselines, averaged over the networks."""
    inputs = [data.image.astype(np.float32), data.mask, data.histogram, data.statistics[:, variant]]
    answers = [head.predict(inputs, batch_size=512, verbose=0) for head in heads]
    return {name: np.mean([answer[name] for answer in answers], axis=0, dtype=np.float64) for name in answers[0]}


def calibrate(heads: list[keras.Model], check: Examples) -> tuple[dict[str, float], dict[str, float], dict[str, Any]]:
    """Find temperatures, thresholds and the edge of the domain.

    Parameters:
        heads: the trained networks.
        check: validation rigs; each frame beside several baselines.

    Returns:
        temperatures for ``class``, ``fault`` and ``cause``; thresholds for the card; calibration for the card.
    """
    stacked: dict[str, list[Array]] = {}
    for variant in range(check.statistics.shape[1]):
        for name, values in mean_logits(heads, check, variant).items():
            stacked.setdefault(name, []).append(values)
    logits = {name: np.concatenate(values) for name, values in stacked.items()}
    repeat = check.statistics.shape[1]
    label, cause = np.tile(check.label, repeat), np.tile(check.cause, repeat)
    faults = np.tile(check.faults, (repeat, 1))
    firm = label >= 0
    temperatures = {
        "class": _best_temperature(logits["class_logits"][firm], label[firm]),
        "fault": _best_sigmoid_temperature(logits["fault_logits"], faults),
        "cause": _best_temperature(logits["cause_logits"][firm], cause[firm]),
    }
    thresholds = dict.fromkeys(CLASSES, CERTAIN)
    thresholds["in_domain"] = IN_DOMAIN
    thresholds["few_stars"] = FEW_STARS
    seen = check.error[check.mask.any(axis=1)]
    calibration = {
        "class_temperature": temperatures["class"],
        "fault_temperature": temperatures["fault"],
        "cause_temperature": temperatures["cause"],
        "error_median": float(np.median(seen)),
        "error_edge": float(np.quantile(seen, EDGE_SHARE)),
    }
    return temperatures, thresholds, calibration


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def expected_calibration_error(chance: Array, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over bins of confidence, weighted by their frames.

    Parameters:
        chance: (N,) probability of the class that was given.
        right: (N,) whether it was the true one.
    """
    where = np.minimum((chance * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        some = where == number
        if some.any():
            total += abs(float(chance[some].mean()) - float(right[some].mean())) * float(some.mean())
    return total


def _best_temperature(logits: Array, truth: NDArray[np.int64]) -> float:
    def loss(temperature: float) -> float:
        chance = softmax(logits / temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chance, 1e-12)).mean())

    return float(min(TEMPERATURES, key=loss))


def _best_sigmoid_temperature(logits: Array, truth: NDArray[np.float32]) -> float:
    def loss(temperature: float) -> float:
        chance = np.clip(1 / (1 + np.exp(-logits / temperature)), 1e-9, 1 - 1e-9)
        return float(-(truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).mean())

    return float(min(TEMPERATURES, key=loss))
