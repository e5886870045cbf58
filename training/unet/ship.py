"""From a trained network to the shipped model: export, parity, thresholds, scores, card."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import onnx

from astro_monitor.detect.closeup import ROW, SIDE_PX
from astro_monitor.detect.kinds import EXTENDED, FEW_ARTEFACT, FEW_STAR
from astro_monitor.detect.peaks import CHANNELS
from astro_monitor.detect.prepare import PREPROCESSING_VERSION
from astro_monitor.detect.unet import INPUT, KINDS_OUTPUT, OUTPUT, ROWS_INPUT, STAR_INPUT
from astro_monitor.inference import Card, open_model
from astro_monitor.inference.store import load as load_shipped
from training import export
from training.unet import network as _network  # registers the layer that the saved network needs
from training.unet.data import load_pool, manifest_digest
from training.unet.evaluate import evaluate
from training.unet.merge import joined
from training.unet.seeds import NAME, TEST_SEED, TUNE_SEED
from training.unet.tune import scan_all, thresholds

log = logging.getLogger(__name__)

EXAMPLES = {INPUT: (1, 512, 512, 1), ROWS_INPUT: (1, ROW), STAR_INPUT: (1, SIDE_PX**2)}
"""Shapes that the model accepts."""
CLASSES = ("star", "extended", "artefact", "nothing")
"""Names of the classes of a candidate."""
LOOSE = {"star": 0.1, "artefact": 0.1, "streak": 0.5}
"""Thresholds far below the ones that will be found."""


def ship(run: Path, pool: Path, models: Path, version: str, frames: int) -> Card:
    """Export the best network of a run, find its thresholds, score it, and write it with its card.

    Parameters:
        run: folder of the training run.
        pool: what it was trained on.
        models: folder that gets ``star-unet.onnx`` and ``star-unet.json``.
        version: of the model.
        frames: number of frames for tuning, and for the scores.
    """
    network = keras.models.load_model(run / "best.keras", custom_objects={"Double": _network.Double}, compile=False)
    proto = export.from_keras(network, nchw_outputs=[OUTPUT])

    def reference(inputs: export.Arrays) -> export.Arrays:
        return {OUTPUT: np.asarray(network(inputs[INPUT], training=False)).transpose(0, 3, 1, 2)}

    tiles = load_pool(pool, "validation").seen[:8]
    samples = [{INPUT: tile.astype(np.float32)[None, ..., None]} for tile in tiles]
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    card: dict[str, Any] = {
        "name": NAME,
        "version": version,
        "summary": "Finds stars, extended sources, artefacts and trails in a frame; quarter-resolution U-Net.",
        "licence": "BSD-3-Clause",
        "preprocessing_version": PREPROCESSING_VERSION,
        "concurrency": "callers",
        "class_names": {OUTPUT: CHANNELS, "kind": ("star", "extended", "artefact")},
        "recipe": {**next(line for line in lines if "recipe" in line), "rounds": lines[-1].get("round", 0)},
        "data_manifest_sha256": manifest_digest(pool),
        "parity_max_abs_diff": float(export.parity(reference, proto, samples).max()),
    }
    # The kinds of before stay until "kinds" has learnt from the candidates of the new maps; a folder without a star
    # finder begins with those of the package.
    before, content = load_shipped(NAME, models if (models / f"{NAME}.json").is_file() else None)
    proto = joined(proto, onnx.load_from_string(content))
    card["class_names"][KINDS_OUTPUT] = CLASSES
    limits = {name: before.thresholds[name] for name in (EXTENDED, FEW_STAR, FEW_ARTEFACT)}
    examples = EXAMPLES
    with TemporaryDirectory() as scratch:
        export.ship(proto, Path(scratch), examples, **card, thresholds=LOOSE | limits)
        loose = open_model(NAME, folder=Path(scratch), provider="cpu")
        scanned = list(scan_all(loose, "validation", range(TUNE_SEED, TUNE_SEED + frames)))
        card["thresholds"] = thresholds(scanned) | limits
        log.info("thresholds %s", card["thresholds"])
        export.ship(proto, Path(scratch), examples, **card)
        tuned = open_model(NAME, folder=Path(scratch), provider="cpu")
        card["scores"] = evaluate(tuned, "test", TEST_SEED, frames)
        log.info("scores %s", json.dumps(card["scores"]))
    return export.ship(proto, models, examples, **card)
