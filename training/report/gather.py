"""Everything the report says, measured: one document of plain numbers."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.inference import open_model
from training.iqa.evaluate import Judged, all_scores, firm_frames, judge_folder, open_head, scores_of
from training.iqa.lookset import load_looks
from training.iqa.traditional import judge_folder_by_limits, tune
from training.report import slices

log = logging.getLogger(__name__)

QUALITY, STARS = "quality", "star-unet"

STRANGE_SEED = 1000
"""First seed of the strange pictures of the report; earlier ones may be learnt from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A frame that the program took for something else.

    Attributes:
        title: what it is, and what was said.
        pixels: (H, W), or ``None`` when it is not rendered again.
        stack: (49, 49) mean star of the frame.
    """

    title: str
    pixels: NDArray[np.uint16] | NDArray[np.float32] | None
    stack: NDArray[np.float32]


def quality_scores(models: Path, looks: Path) -> tuple[dict[str, Any], list[Judged]]:
    """Score the program with the shipped quality model, and the tuned limits, on the test rigs.

    Parameters:
        models: folder of models.
        looks: folder of looks with ``train`` and ``test``.
    """
    grader, card = open_head(models, QUALITY)
    judged = judge_folder(grader, looks / "test")
    scores, firm = all_scores(judged, "test"), firm_frames(judged)
    log.info("verdicts: accuracy %.4f", scores["verdicts"]["accuracy"])
    limits = tune(looks / "train")
    traditional = scores_of(firm_frames(judge_folder_by_limits(looks / "test", limits)))
    log.info("tuned limits: accuracy %.4f", traditional["accuracy"])
    kinds = {number: _kind(path) for number, path in enumerate(sorted((looks / "test").glob("*.looks")))}
    return {
        "model": f"{card.name}.{card.version}+{card.sha256[:12]}",
        "card": scores,
        "traditional": traditional,
        "by_cause": slices.by_cause(firm),
        "by_kind": slices.by_kind(firm, kinds),
        "by_stars": slices.by_stars(firm),
        "by_margin": slices.by_margin(firm),
        "by_rig": slices.by_rig(firm),
        "reliability": slices.reliability(firm),
    }, judged


def _kind(path: Path) -> str:
    """Return what kind of night a rig takes."""
    return str(load_looks(path).rig.get("kind", "night"))


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


def failures(judged: list[Judged], looks: Path, count: int) -> list[Failure]:
    """Collect the worst failures with their pictures, which are rendered again.

    Parameters:
        judged: all frames of the test rigs.
        looks: folder of looks with ``test``.
        count: how many, at most one of each rig.
    """
    from training.iqa.rigs import sequence

    paths = sorted((looks / "test").glob("*.looks"))
    found = []
    for one in slices.worst(firm_frames(judged), count):
        path = paths[one.rig]
        look, truth = load_looks(path).frames[one.index]
        chance = one.grade.probabilities
        title = (
            f"{path.stem}, frame {one.index}: {truth['label']} ({truth['cause']}, margin {truth['margin']:.2f}), "
            f"said {one.label}, {one.decision}; {truth['label']} {100 * chance[truth['label']]:.0f} %, "
            f"baseline {one.baseline_size}"
        )
        frame = next(islice(sequence("test", int(path.stem)), one.index, None))
        found.append(Failure(title=title, pixels=frame.pixels, stack=look.source_features.stack))
    return found
