"""From trained networks to the shipped file: calibrate, put the chain together, export, compare, write the card."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
import onnx

from astro_monitor.grade.grader import PREPROCESSING_VERSION, SOURCE_PART_SHA256
from astro_monitor.grade.statistics import NUMBERS
from astro_monitor.inference import Card, open_model, source_part_of
from astro_monitor.records import CAUSES, CLASSES, FAULTS
from training.export import Arrays, from_keras, parity, ship
from training.iqa.calibration import calibrate
from training.iqa.contexts import INPUTS, Examples, load_examples
from training.iqa.familiar import edge_and_scale
from training.iqa.network import whole_model
from training.iqa.train import Recipe

log = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 1e-4
"""An export is not shipped when it differs by more from the network."""
PARITY_EXAMPLES = 300
"""Frames of validation rigs on which the file is compared with the network."""
SUMMARY = (
    "Grades a frame next to its rig: five classes, three fault scores, cause, and whether it is a night sky. It sees "
    "the numbers of the frame and what they are against the baseline, the groups of the self-organising map that its "
    "sources fall into, the mean star now, as it usually is, and the kernel between the two, the mean star in nine "
    "parts of the field, and maps of the sky as it is, as it usually is, and what has changed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What becomes one file.

    Attributes:
        recipe: of the heads.
        heads: their logits are averaged.
        familiar: tells night skies from other pictures.
    """

    recipe: Recipe
    heads: list[keras.Model]
    familiar: keras.Model


def export(trained: Trained, examples: Path, models: Path, version: str) -> Card:
    """Ship the head of the quality model; return its card.

    Parameters:
        trained: the networks.
        examples: folder with ``train`` and ``validation``.
        models: where model and card go; the source part is there already.
        version: of the model.

    Raises:
        RuntimeError: the exported file differs from the network.
        ValueError: the networks need the representative image, which the shipped head does not see.
        ModelError: the source part is missing, or the written model cannot be opened.
    """
    if trained.recipe.image or trained.recipe.without:
        raise ValueError("only networks with the shipped sides can be exported")
    check = load_examples(sorted((examples / "validation").glob("*.npz")))
    temperatures, thresholds, calibration = calibrate(trained.heads, check)
    edge, scale = edge_and_scale(trained.familiar, check)
    network = whole_model(trained.heads, trained.familiar, temperatures, edge, scale)
    proto = from_keras(network)
    difference = float(parity(lambda inputs: _reference(network, inputs), proto, _samples(check)).max())
    log.info("largest difference between network and file: %.2g", difference)
    if difference > LARGEST_DIFFERENCE:
        raise RuntimeError(f"the exported model differs from the network by {difference:.2g}")
    source_part = open_model(source_part_of("quality"), folder=models, provider="cpu", threads=1).card
    return ship(
        proto,
        models,
        _shapes(proto),
        name="quality",
        version=version,
        summary=SUMMARY,
        licence="BSD-3-Clause",
        preprocessing_version=PREPROCESSING_VERSION,
        class_names={"class": CLASSES, "fault": FAULTS, "cause": CAUSES},
        calibration=calibration | {"familiar_edge": edge, "familiar_scale": scale},
        thresholds=thresholds,
        parameters={"statistics": list(NUMBERS), SOURCE_PART_SHA256: source_part.sha256},
        recipe=json.loads(json.dumps(asdict(trained.recipe))),
        data_manifest_sha256=manifest_sha256([examples / "train", examples / "validation"]),
        parity_max_abs_diff=difference,
    )


def manifest_sha256(folders: Sequence[Path]) -> str:
    """Return the digest of the names and contents of all files of a data set.

    Parameters:
        folders: with the examples of each split.
    """
    lines = []
    for folder in folders:
        for path in sorted(folder.glob("*.npz")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(f"{folder.name}/{path.name} {digest}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _samples(check: Examples) -> list[Arrays]:
    """Return the inputs of some frames, one after the other."""
    chosen = np.linspace(0, len(check.frame) - 1, min(PARITY_EXAMPLES, len(check.frame))).astype(int)
    inputs = check.inputs(chosen)
    return [{name: inputs[name][row : row + 1] for name in INPUTS} for row in range(len(chosen))]


def _reference(network: keras.Model, inputs: Arrays) -> Arrays:
    """Return what the network itself says."""
    return {
        name: np.asarray(value) for name, value in network([inputs[name] for name in INPUTS], training=False).items()
    }


def _shapes(proto: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of each input for one frame."""
    return {
        value.name: tuple(size.dim_value or 1 for size in value.type.tensor_type.shape.dim)
        for value in proto.graph.input
    }
