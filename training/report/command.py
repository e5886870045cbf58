"""``python -m training evaluate``: the report on the shipped models, with plots and a file of scores."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DEFAULT_MODELS = Path(__file__).parents[2] / "astro_monitor" / "models"
PREFACE = (
    "Written by `python -m training evaluate`; every figure is in [scores.json](scores.json), from which the scores of "
    "the models' cards are taken."
)

log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Measure, draw, write.

    Parameters:
        argv: without the program's name.
    """
    options = _parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.out.mkdir(parents=True, exist_ok=True)
    before = _before(options.out / "scores.json")
    scores = before | {"preface": PREFACE}
    for part, measure in (("quality", _quality), ("stars", _stars)):
        if part in options.only:
            scores |= measure(options, before)
            _write(options.out, scores)
    if options.cards:
        _write_cards(options.models, scores)
    log.info("%s", options.out / "README.md")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training evaluate", description=__doc__)
    parser.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    parser.add_argument("--folder", type=Path, default=Path("runs/iqa"), help="of the quality model's data")
    parser.add_argument("--looks", type=Path, help="where the looks are; default FOLDER/looks")
    parser.add_argument("--ablation", type=Path, help="what 'iqa ablate' wrote; default FOLDER/ablation.json")
    parser.add_argument("--star-frames", type=int, default=250)
    parser.add_argument("--rival-frames", type=int, default=60, help="of each kind of field")
    parser.add_argument("--strange-frames", type=int, default=25, help="of each kind of picture that is no night sky")
    parser.add_argument("--failures", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=("quality", "stars"), default=("quality", "stars"),
                        help="leave the other part of the report as it is")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("docs/reports/models"))
    parser.add_argument("--cards", action="store_true", help="write the scores into the models' cards")
    return parser


def _quality(options: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    from training.report import gather, plots

    looks, out = options.looks or options.folder / "looks", options.out
    quality, judged = gather.quality_scores(options.models, looks)
    if (options.folder / "map.npz").exists():
        quality["map"] = gather.map_figures(options.folder, out)
    elif "map" in before.get("quality", {}):
        quality["map"] = before["quality"]["map"]  # the source part ships as it was
    quality["strange"] = gather.strange_scores(options.models, options.strange_frames)
    for old in out.glob("failure-*.png"):
        old.unlink()
    for number, one in enumerate(gather.failures(judged, looks, options.failures), 1):
        plots.draw_failure(out / f"failure-{number:02d}.png", one.pixels, one.stack, one.title)
    return {
        "quality": quality,
        "ablation": gather.ablation_scores(options.ablation or options.folder / "ablation.json"),
    }


def _stars(options: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    from training.report import gather

    return {"stars": gather.star_scores(options.models, options.star_frames, options.rival_frames, options.workers)}


def _draw(out: Path, scores: dict[str, Any]) -> None:
    """Draw everything that the file of scores is enough for."""
    from training.report import plots
    from training.unet.rivals import SNR_EDGES

    if quality := scores.get("quality"):
        plots.draw_confusion(out / "confusion.png", quality["card"]["verdicts"]["confusion"])
        plots.draw_reliability(out / "reliability.png", quality["reliability"])
        plots.draw_rigs(out / "rigs.png", quality["by_rig"])
        causes = {name: row["right_class"] for name, row in quality["by_cause"].items()}
        plots.draw_bars(out / "causes.png", causes, "share with the right class", reference=0.98)
    if stars := scores.get("stars"):
        curves = {
            kind: {finder: row["completeness_by_snr"] for finder, row in finders.items()}
            for kind, finders in stars["rivals"].items()
        }
        plots.draw_completeness(out / "completeness.png", curves, SNR_EDGES)


def _write(out: Path, scores: dict[str, Any]) -> None:
    from training.report.page import write_page

    (out / "scores.json").write_text(json.dumps(scores, indent=1, ensure_ascii=False) + "\n", "utf-8")
    _draw(out, scores)
    pictures = sorted(path.name for path in out.glob("failure-*.png"))
    (out / "README.md").write_text(write_page(scores, pictures).rstrip() + "\n", "utf-8")


def _write_cards(models: Path, scores: dict[str, Any]) -> None:
    from astro_monitor.inference import open_model
    from training.export import write_card

    for part, name in (("quality", "quality"), ("stars", "star-unet")):
        if scores.get(part):
            card = open_model(name, folder=models, provider="cpu").card
            write_card(card.model_copy(update={"scores": scores[part]["card"]}), models)


def _before(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
