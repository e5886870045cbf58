"""What the quality model is to say of a frame, from what is true about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import CAUSES, CLASSES, FAULTS
from astro_monitor.records.borders import (
    BACKGROUND_AMBIGUOUS,
    EXTINCTION_BAD_MAG,
    FWHM_BAD,
    FWHM_GOOD,
    GRADIENT_BAD,
    LEAK_BAD,
    SKY_BAD,
    TRAIL_BAD,
    TRAIL_GOOD,
    TRAIL_VERY_BAD_AMBIGUOUS,
)

AMBIGUOUS_WEIGHT = 0.3
"""Weight of a frame between two classes in the loss of the class; a firm one has 1."""

PHYSICAL = ("log_excess_over_width", "log_width_over_usual", "extinction_mag", "log_gradient", "log_leak", "log_sky")
"""Quantities that the network also learns to tell in training, all of order 1; the shipped file does not have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the network is to say of one frame.

    Attributes:
        classes: probability of each of ``CLASSES``; shared between neighbours where the frame is ambiguous.
        weight: of the class in the loss.
        firm: whether the frame counts in figures of accuracy.
        faults: score of each of ``FAULTS``.
        cause: index into ``CAUSES``.
        physical: one for each of ``PHYSICAL``; NaN is unknown.
    """

    classes: NDArray[np.float32]
    weight: np.float32
    firm: bool
    faults: NDArray[np.float32]
    cause: np.int32
    physical: NDArray[np.float32]


def target_of(truth: Mapping[str, Any]) -> Target:
    """Return what the network is to say of a frame.

    Parameters:
        truth: from the simulator, see ``training.iqa.rigs``.
    """
    label = truth["label"]
    firm = label in CLASSES
    classes = np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index(label)] if firm else shared(truth)
    return Target(
        classes=classes,
        weight=np.float32(1.0 if firm else AMBIGUOUS_WEIGHT),
        firm=firm,
        faults=np.array([truth["faults"][fault] for fault in FAULTS], np.float32),
        cause=np.int32(CAUSES.index(truth["cause"])),
        physical=_physical(truth),
    )


def shared(truth: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return the probability of each class of an ambiguous frame: it moves evenly from border to border.

    A ghost that is neither faint nor bright counts half.

    Parameters:
        truth: of the frame.
    """
    readings = [_shared(truth, float(truth[key])) for key in ("excess_f", "severe_excess_f")]
    return np.asarray(np.mean(readings, axis=0), np.float32)


def _shared(truth: Mapping[str, Any], excess: float) -> NDArray[np.float64]:
    """Return the probability of each class of an ambiguous frame whose excess E / F is given."""
    width = float(truth["width_ratio"])
    very_bad = _between(excess, *TRAIL_VERY_BAD_AMBIGUOUS)
    tracking = _between(excess, TRAIL_GOOD, TRAIL_BAD)
    background = max(_between(value, *_band(border)) for value, border in _backgrounds(truth))
    seeing = _between(width, FWHM_GOOD, FWHM_BAD)
    left = 1.0
    chance = dict.fromkeys(CLASSES, 0.0)
    for name, share in (
        ("very_bad_tracking", very_bad),
        ("bad_tracking", tracking),
        ("background_issue", background),
        ("bad_seeing", seeing),
    ):
        chance[name] = left * share
        left -= chance[name]
    chance["good"] = left
    return np.array([chance[name] for name in CLASSES])


def _backgrounds(truth: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return the strength of each fault of the background, and its border."""
    return [
        (float(truth["extinction_mag"]), EXTINCTION_BAD_MAG),
        (float(truth["gradient_s"]), GRADIENT_BAD),
        (float(truth["leak_s"]), LEAK_BAD),
        (float(truth["sky_s"]), SKY_BAD),
    ]


def _band(border: float) -> tuple[float, float]:
    """Return where the ambiguous band around a border of the background begins and ends."""
    return border * (1 - BACKGROUND_AMBIGUOUS), border * (1 + BACKGROUND_AMBIGUOUS)


def _between(value: float, low: float, high: float) -> float:
    """Return how far a value is from one border to the other, 0 to 1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _physical(truth: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return the physical quantities of a frame, stretched to the order of 1."""
    extinction, gradient, leak, sky = (value for value, _ in _backgrounds(truth))
    return np.array(
        [
            math.log1p(max(float(truth["excess_f"]), 0.0)),
            2 * math.log(max(float(truth["width_ratio"]), 0.1)),
            min(extinction, 3.0),
            math.log1p(5 * max(gradient, 0.0)),
            math.log1p(5 * max(leak, 0.0)),
            math.log(max(sky, 0.1)),
        ],
        np.float32,
    )
