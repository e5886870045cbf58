"""What each side of the head is worth: one network without it, the same recipe, the same frames and baselines."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import CLASSES
from training.iqa.contexts import IN_TIME, Examples, load_examples
from training.iqa.intervals import interval_95
from training.iqa.train import SAME_STARS, Recipe, hidden_numbers, log_chances, train_heads

log = logging.getLogger(__name__)

CHANGES: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "with the representative image": {"image": 1},
    "without the mean star": {"without": "profile,field"},
    "without the kernel": {"without": "kernel"},
    "without the same stars": {"without": SAME_STARS},
    "without mean star, kernel and same stars": {"without": f"profile,kernel,field,{SAME_STARS}"},
    "without the maps of the sky": {"without": "sky"},
    "without the map of sources": {"without": "map"},
}
"""Networks that are compared: what the report calls them, and what their recipe has otherwise."""


def ablate(recipe: Recipe, examples: Path, folder: Path) -> dict[str, Any]:
    """Train what is missing, and score all on the test rigs.

    Parameters:
        recipe: one network of it is compared.
        examples: folder with ``train``, ``validation`` and ``test``.
        folder: of the networks.

    Returns:
        for each network its scores, see :func:`score`, and the difference of its accuracy from the one as shipped.
    """
    check = load_examples(sorted((examples / "test").glob("*.npz")))
    chosen = np.flatnonzero((check.origin == IN_TIME) & check.firm[check.frame])
    scores: dict[str, Any] = {}
    reference: NDArray[np.bool_] | None = None
    for name, change in CHANGES.items():
        changed = replace(recipe, heads=1, **change)
        (head,) = train_heads(changed, examples, folder / name.replace(" ", "-"))
        right, scores[name] = score(head, check, chosen, hidden_numbers(changed))
        reference = right if reference is None else reference
        points = 100 * (right.astype(float) - reference)
        rigs = check.rig[check.frame[chosen]]
        scores[name]["points"] = round(float(points.mean()), 2)
        scores[name]["points_95"] = _interval_of_points(points, rigs)
        log.info("%s: %s", name, json.dumps(scores[name]))
    return scores


def score(
    head: keras.Model, check: Examples, chosen: NDArray[Any], mask: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Return which frames one network gets right when it must name a class, and its scores.

    Parameters:
        head: the network.
        check: examples with firm labels among others.
        chosen: (B,) those that count.
        mask: of the numbers that the network may see.
    """
    said = log_chances(head, check, chosen, mask).argmax(axis=1)
    frame = check.frame[chosen]
    truth, rig = check.classes[frame].argmax(axis=1), check.rig[frame]
    right = np.asarray(said == truth)
    rigs = np.unique(rig)
    hits = np.array([right[rig == number].sum() for number in rigs])
    count = np.array([(rig == number).sum() for number in rigs])
    f1 = []
    for number in range(len(CLASSES)):
        true, called = truth == number, said == number
        if true.any() or called.any():
            f1.append(2 * (true & called).sum() / (true.sum() + called.sum()))
    return right, {
        "frames": len(truth),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_95": interval_95(hits, count),
        "macro_f1": round(float(np.mean(f1)), 4),
    }


def _interval_of_points(points: NDArray[np.float64], rig: NDArray[Any]) -> list[float]:
    """Return the 95 % interval of a mean difference, drawing whole rigs again."""
    rigs = np.unique(rig)
    sums = np.array([points[rig == number].sum() for number in rigs])
    count = np.array([(rig == number).sum() for number in rigs])
    drawn = np.random.default_rng(1).integers(0, len(rigs), (300, len(rigs)))
    means = sums[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    return [round(float(edge), 2) for edge in np.quantile(means, (0.025, 0.975))]
