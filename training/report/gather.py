"""Everything the report says, measured: one document of plain numbers."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.inference import open_model
from training.iqa.dataset import load_examined
from training.iqa.evaluate import Graded, evaluate, open_quality, scores_of
from training.iqa.grouping import STAMP_LENGTH
from training.iqa.rigs import load_rig
from training.iqa.traditional import grade_folder, tune
from training.report import slices

log = logging.getLogger(__name__)

QUALITY, STARS = "quality", "star-unet"

STRANGE_SEED = 1000
"""First seed of the strange pictures of the report; those before it are for looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A frame that the quality model took for something else.

    Attributes:
        pixels: (H, W), or ``None`` when the rendered frames are not there.
        stamps: (N, 25, 25) cut-outs as the model saw them, brightest first.
    """

    title: str
    pixels: NDArray[np.uint16] | NDArray[np.float32] | None
    stamps: NDArray[np.float32]


def quality_scores(models: Path, data: Path) -> tuple[dict[str, Any], list[Graded]]:
    """Score the shipped quality model and the tuned limits on the test rigs.

    Parameters:
        models: folder of models.
        data: folder of examined rigs with ``train`` and ``test``.
    """
    describer, grader, card = open_quality(models, QUALITY, threads=0)
    scores, graded = evaluate(describer, grader, data / "test")
    firm = slices.firm(graded)
    log.info("quality model: accuracy %.4f", scores["all_frames"]["accuracy"])
    limits = tune(data / "train")
    traditional = scores_of(slices.firm(grade_folder(data / "test", limits)))
    log.info("tuned limits: accuracy %.4f", traditional["accuracy"])
    return {
        "model": f"{card.name}.{card.version}+{card.sha256[:12]}",
        "card": scores,
        "traditional": traditional,
        "by_cause": slices.by_cause(firm),
        "by_margin": slices.by_margin(firm),
        "by_rig": slices.by_rig(firm),
        "reliability": slices.reliability(firm),
    }, graded


def map_figures(folder: Path, out: Path) -> dict[str, Any]:
    """Draw the map of sources, and give its errors and how its hits are spread.

    Parameters:
        folder: with ``map.npz`` and the vectors it was trained on.
        out: where the pictures go.
    """
    from training.iqa.grouping import SourceMap
    from training.iqa.map_pictures import draw_map, hits

    source_map = SourceMap.load(folder / "map.npz")
    vectors = np.load(folder / "som" / "vectors.npy", allow_pickle=False).astype(np.float32)
    draw_map(out, source_map, vectors)
    counts = hits(vectors, source_map.codebook)
    clusters = np.bincount(source_map.cluster_of_unit, weights=counts)
    return {
        "vectors": len(vectors),
        "quantisation_error": round(source_map.quantisation_error, 4),
        "topographic_error": round(source_map.topographic_error, 4),
        "least_hits": int(counts.min()),
        "most_hits": int(counts.max()),
        "least_share_of_a_cluster": round(float(clusters.min() / clusters.sum()), 4),
        "most_share_of_a_cluster": round(float(clusters.max() / clusters.sum()), 4),
    }


def strange_scores(models: Path, each: int) -> dict[str, Any]:
    """Show the models what is no night sky.

    Parameters:
        each: pictures of each kind.
    """
    from training.iqa.strange import ask

    found = ask(models, each, STRANGE_SEED)
    log.info("strange pictures: %.4f unknown", found["unknown"])
    return found


def ablation_scores(path: Path) -> dict[str, Any] | None:
    """Read what ``iqa ablate`` found; ``None`` when it has not run."""
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def star_scores(models: Path, frames: int, rival_frames: int, workers: int) -> dict[str, Any]:
    """Score the shipped star finder on test rigs, and beside others.

    Parameters:
        frames: for the scores of the card.
        rival_frames: of each kind of field.
    """
    from training.unet.evaluate import evaluate as evaluate_stars
    from training.unet.rivals import compare, summary
    from training.unet.seeds import RIVALS_SEED, TEST_SEED

    model = open_model(STARS, folder=models, provider="cpu")
    card = evaluate_stars(model, "test", TEST_SEED, frames)
    log.info("star finder: purity %.4f", card["star_finder"]["all"]["purity"])
    tuned = compare(models, "validation", rival_frames, RIVALS_SEED, workers)
    shown = compare(models, "test", rival_frames, RIVALS_SEED, workers)
    return {"model": model.identity, "card": card, "rivals": summary(tuned, shown), "rival_frames": rival_frames}


def failures(graded: list[Graded], data: Path, rendered: Path, count: int) -> list[Failure]:
    """Collect the worst failures with their pictures.

    Parameters:
        data: folder of examined rigs.
        rendered: folder of rendered frames, which may be missing.
    """
    paths = sorted((data / "test").glob("*.npz"))
    found = []
    for one in slices.worst(slices.firm(graded), count):
        rig, picture = load_examined(paths[one.rig]), rendered / "test" / paths[one.rig].name
        stamps = rig.rows[one.index][rig.valid[one.index] > 0][:, :STAMP_LENGTH].astype(np.float32)
        chance = one.grade.probabilities
        title = (
            f"{paths[one.rig].stem}, frame {one.index}: {one.truth['label']} ({one.truth['cause']}, margin "
            f"{one.truth['margin']:.2f}), said {one.grade.label}; {one.truth['label']} "
            f"{100 * chance[one.truth['label']]:.0f} %, baseline {one.baseline_size}"
        )
        pixels = load_rig(picture)[one.index].pixels if picture.exists() else None
        found.append(Failure(title=title, pixels=pixels, stamps=stamps.reshape(-1, 25, 25)))
    return found
