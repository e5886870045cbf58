"""From trained networks to the shipped file: calibrate, put the chain together, export, compare, write the card."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from astro_monitor.grade.grader import PREPROCESSING_VERSION
from astro_monitor.grade.sources import SOURCE_NUMBERS
from astro_monitor.grade.statistics import NUMBERS
from astro_monitor.inference import Card
from astro_monitor.records import CAUSES, CLASSES, FAULTS
from training.export import Arrays, from_keras, parity
from training.iqa.calibration import calibrate
from training.iqa.cut import cut, ship_parts
from training.iqa.cut import difference as cut_difference
from training.iqa.dataset import load_examined, manifest_sha256
from training.iqa.grouping import CLUSTERS, SourceMap
from training.iqa.network import whole_model
from training.iqa.train import Recipe, examples
from training.iqa.variants import random_vectors

log = logging.getLogger(__name__)

USUAL_DIFFERENCE, LARGEST_DIFFERENCE = 1e-4, 2e-2
"""An export is not shipped when it differs by more than the first on more than one frame in twenty, or by more than the
second on any. A source that lies midway between two units of the map may go to the one in the network and to the
other in the file, by the last bit of a sum: its frame then has one member of up to 128 in another cluster."""

PARITY_FRAMES = 300


def export(
    recipe: Recipe, heads: list[keras.Model], source_map: SourceMap, data: Path, models: Path, version: str
) -> Card:
    """Ship the quality model, cut in two; return the card of its head.

    Parameters:
        heads: the trained networks.
        data: folder of examined rigs with ``train`` and ``validation``.
        models: where model and card go.

    Raises:
        RuntimeError: the exported file differs from the network, or its parts from it.
        ModelError: the written model cannot be opened.
    """
    temperatures, thresholds, calibration = calibrate(
        heads, examples(data / "validation", source_map, 4, recipe.seed + 2)
    )
    network = whole_model(source_map, heads, temperatures)
    proto = from_keras(network)
    samples = _samples(data / "validation", recipe.seed)
    differences = parity(lambda inputs: _reference(network, inputs), proto, samples)
    usual, largest = float(np.quantile(differences, 0.95)), float(differences.max())
    log.info("difference between network and file: %.2g at most in 95 %% of frames, %.2g in all", usual, largest)
    if usual > USUAL_DIFFERENCE or largest > LARGEST_DIFFERENCE:
        raise RuntimeError(f"the exported model differs from the network by {usual:.2g}, at most {largest:.2g}")
    apart = cut_difference(proto, *cut(proto), samples)
    if apart > 0:
        raise RuntimeError(f"the parts of the exported model differ from the whole by {apart:.2g}")
    _, card = ship_parts(
        proto,
        models,
        "quality",
        version=version,
        summary="Grades a frame: five classes, three fault scores, cause. Sources are grouped by a self-organising map "
        "(15 x 15, hexagonal, 20 clusters) into a representative image, which a dual-input network sees beside the "
        "statistics of the frame, what they are against the rig's baseline, and the change of the sky over the field.",
        licence="BSD-3-Clause",
        preprocessing_version=PREPROCESSING_VERSION,
        class_names={"class": CLASSES, "fault": FAULTS, "cause": CAUSES},
        calibration=calibration,
        thresholds=thresholds,
        parameters={
            "map": [15, 15],
            "clusters": CLUSTERS,
            "source_numbers": list(SOURCE_NUMBERS),
            "statistics": list(NUMBERS),
            "map_quantisation_error": source_map.quantisation_error,
            "map_topographic_error": source_map.topographic_error,
        },
        recipe={**json.loads(json.dumps(asdict(recipe))), "map": _map_settings(source_map)},
        data_manifest_sha256=manifest_sha256(data),
        parity_max_abs_diff=largest,
    )
    return card


def _map_settings(source_map: SourceMap) -> dict[str, int | str]:
    settings = ("vectors", "seed", "rough_epochs", "fine_epochs")
    return {"with": "IntraSOM", **{name: getattr(source_map, name) for name in settings}}


def _samples(folder: Path, seed: int) -> list[Arrays]:
    samples: list[Arrays] = []
    for path in sorted(folder.glob("*.npz")):
        rig = load_examined(path)
        rng = np.random.default_rng([seed, rig.rig["seed"]])
        for index in range(len(rig.facts)):
            samples.append(
                {
                    "sources": rig.rows[index : index + 1].astype(np.float32),
                    "valid": rig.valid[index : index + 1].astype(np.float32),
                    "statistics": random_vectors(rig, index, 1, rng),
                }
            )
        if len(samples) >= PARITY_FRAMES:
            break
    return samples


def _reference(network: keras.Model, inputs: Arrays) -> Arrays:
    answer = network([inputs["sources"], inputs["valid"], inputs["statistics"]], training=False)
    return {name: np.asarray(value) for name, value in answer.items()}
