"""What each part of the quality model is worth: image or numbers alone, and the map against a random choice of sources.

One network for each, all with the same recipe, on the same frames beside the same baselines.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from astro_monitor.grade.sources import STAMP_PX
from astro_monitor.records import CLASSES
from training.iqa.evaluate import interval_95
from training.iqa.grouping import CLUSTERS, STAMP_LENGTH, SourceMap
from training.iqa.network import MEMBERS, TILES
from training.iqa.train import Examples, Recipe, examples, train_heads

log = logging.getLogger(__name__)

VARIANTS = 4

Grouped = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def random_groups(rows: NDArray[np.float32], valid: NDArray[np.float32], seed: int) -> Grouped:
    """Make a representative image as the map does, but from sources that chance puts into its tiles.

    Parameters:
        rows: (n, S, 636) source tables of n frames.
        valid: (n, S).
        seed: of the choice.

    Returns:
        image (n, 21, 25, 25), mask (n, 21), histogram (n, 20) and error (n, 1), as of the grouping network.
    """
    rng = np.random.default_rng([seed, len(rows)])
    frames = len(rows)
    image = np.zeros((frames, TILES, STAMP_LENGTH), np.float32)
    mask, histogram = np.zeros((frames, TILES), np.float32), np.zeros((frames, CLUSTERS), np.float32)
    for frame in range(frames):
        used = rng.permutation(np.flatnonzero(valid[frame] > 0))
        for tile in range(min(CLUSTERS, len(used))):
            members = used[tile::CLUSTERS]
            image[frame, tile] = rows[frame, members[:MEMBERS], :STAMP_LENGTH].mean(axis=0)
            mask[frame, tile], histogram[frame, tile] = 1, len(members) / len(used)
        if len(used):
            image[frame, -1], mask[frame, -1] = rows[frame, used, :STAMP_LENGTH].mean(axis=0), 1
    return image.reshape(frames, TILES, STAMP_PX, STAMP_PX), mask, histogram, np.zeros((frames, 1), np.float32)


def ablate(recipe: Recipe, data: Path, source_map: SourceMap, folder: Path) -> dict[str, Any]:
    """Train what is missing, and score all on the test rigs.

    Parameters:
        recipe: of the shipped model; one network of it is compared.
        data: folder with ``train``, ``validation`` and ``test``.
        folder: of the networks.

    Returns:
        for each part: accuracy when a class must be named, its 95 % interval over rigs, and macro-F1.
    """
    one = replace(recipe, heads=1)
    scores = {}
    parts: dict[str, tuple[Recipe, Path, Callable[..., Grouped] | None]] = {
        "both": (one, folder, None),
        "image alone": (replace(one, parts="image"), folder, None),
        "statistics alone": (replace(one, parts="statistics"), folder, None),
        "both, random choice of sources": (one, folder / "random", random_groups),
        "image alone, random choice of sources": (replace(one, parts="image"), folder / "random", random_groups),
    }
    for name, (changed, place, grouping) in parts.items():
        (head,) = train_heads(changed, data, source_map, place, grouping)
        check = examples(data / "test", source_map, VARIANTS, recipe.seed + 3, grouping)
        scores[name] = score(head, check)
        log.info("%s: %s", name, json.dumps(scores[name]))
    return scores


def score(head: keras.Model, check: Examples) -> dict[str, Any]:
    """Score one network on firm labels, each frame beside several baselines."""
    firm = check.label >= 0
    inputs = [check.image[firm].astype(np.float32), check.mask[firm], check.histogram[firm]]
    said = np.stack(
        [
            head.predict([*inputs, check.statistics[firm, variant]], batch_size=512, verbose=0)["class_logits"].argmax(
                1
            )
            for variant in range(check.statistics.shape[1])
        ],
        axis=1,
    )
    truth, rig = check.label[firm], check.rig[firm]
    right = said == truth[:, None]
    rigs = np.unique(rig)
    hits = np.array([right[rig == number].sum() for number in rigs])
    count = np.array([right[rig == number].size for number in rigs])
    f1 = []
    for number in range(len(CLASSES)):
        true, called = truth[:, None] == number, said == number
        total = np.broadcast_to(true, said.shape).sum() + called.sum()
        if total:
            f1.append(2 * (true & called).sum() / total)
    return {
        "frames": len(truth),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_95": interval_95(hits, count),
        "macro_f1": round(float(np.mean(f1)), 4),
    }
