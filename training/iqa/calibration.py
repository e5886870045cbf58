"""From logits to honest probabilities, and from probabilities to "unknown": everything is found on validation rigs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import CLASSES
from training.iqa.contexts import IN_TIME, Examples

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
"""Part of the validation frames whose quantisation error lies below the edge of the domain."""


def mean_logits(heads: list[keras.Model], data: Examples, chosen: NDArray[Any]) -> dict[str, Array]:
    """Return logits of some examples, averaged over the networks.

    Parameters:
        chosen: (B,) indices of the examples.
    """
    parts: dict[str, list[Array]] = {}
    for start in range(0, len(chosen), 2048):
        inputs = data.inputs(chosen[start : start + 2048])
        answers = [head(inputs, training=False) for head in heads]
        for name in answers[0]:
            mean = np.mean([np.asarray(answer[name]) for answer in answers], axis=0, dtype=np.float64)
            parts.setdefault(name, []).append(np.asarray(mean))
    return {name: np.concatenate(values) for name, values in parts.items()}


def calibrate(heads: list[keras.Model], check: Examples) -> tuple[dict[str, float], dict[str, float], dict[str, Any]]:
    """Find temperatures, thresholds and the edge of the domain.

    Parameters:
        heads: the trained networks.
        check: frames of validation rigs; those next to the baselines of the running program are used.

    Returns:
        temperatures for ``class``, ``fault`` and ``cause``; thresholds for the card; calibration for the card.
    """
    chosen = np.flatnonzero(check.origin == IN_TIME)
    logits = mean_logits(heads, check, chosen)
    frame = check.frame[chosen]
    firm = check.firm[frame]
    temperatures = {
        "class": best_temperature(logits["class"][firm], check.classes[frame[firm]].argmax(axis=1)),
        "fault": best_sigmoid_temperature(logits["fault"], check.faults[frame]),
        "cause": best_temperature(logits["cause"][firm], check.cause[frame[firm]]),
    }
    thresholds = dict.fromkeys(CLASSES, CERTAIN)
    thresholds["in_domain"] = IN_DOMAIN
    thresholds["few_stars"] = FEW_STARS
    error = check.quantisation_error[chosen, 0].astype(np.float64)
    seen = error[error > 0]
    calibration = {
        "class_temperature": temperatures["class"],
        "fault_temperature": temperatures["fault"],
        "cause_temperature": temperatures["cause"],
        "error_median": float(np.median(seen)),
        "error_edge": float(np.quantile(seen, EDGE_SHARE)),
    }
    return temperatures, thresholds, calibration


def softmax(logits: Array) -> Array:
    """Return probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def expected_calibration_error(chance: Array, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the mean distance between confidence and accuracy over bins of confidence, weighted by their frames.

    Parameters:
        chance: (N,) probability of the class that was given.
        right: (N,) whether it was the true one.
        bins: of equal width.
    """
    where = np.minimum((chance * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        some = where == number
        if some.any():
            total += abs(float(chance[some].mean()) - float(right[some].mean())) * float(some.mean())
    return total


def best_temperature(logits: Array, truth: NDArray[Any]) -> float:
    """Return the temperature at which the probabilities of the true classes are best.

    Parameters:
        logits: (N, C).
        truth: (N,) indices.
    """

    def loss(temperature: float) -> float:
        chance = softmax(logits / temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chance, 1e-12)).mean())

    return float(min(TEMPERATURES, key=loss))


def best_sigmoid_temperature(logits: Array, truth: NDArray[np.float32]) -> float:
    """Return the temperature at which independent scores are best.

    Parameters:
        logits: (N, F).
        truth: (N, F) scores, 0 to 1.
    """

    def loss(temperature: float) -> float:
        chance = np.clip(1 / (1 + np.exp(-logits / temperature)), 1e-9, 1 - 1e-9)
        return float(-(truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).mean())

    return float(min(TEMPERATURES, key=loss))
