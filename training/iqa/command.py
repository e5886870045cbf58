"""The commands of the quality model, in the order they are used. Each continues where it was stopped."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from training.recipes import with_changes

if TYPE_CHECKING:
    from training.iqa.train import Recipe
    from training.simulate.rigs import Split

DEFAULT_MODELS = Path(__file__).parents[2] / "astro_monitor" / "models"
NAME = "quality"
RIGS: dict[Split, int] = {"validation": 200, "test": 150, "train": 10_000}

LOOKS = "looks"
"""Folder of the data set in the folder of everything."""

log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Parameters:
        argv: without the program's name.
    """
    options = _parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.run(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training iqa", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/iqa"), help="where everything is kept")
    commands = parser.add_subparsers(required=True)

    dataset = commands.add_parser("dataset", help="render rigs and keep the looks of their frames with the truth")
    for split, count in RIGS.items():
        dataset.add_argument(f"--{split}", type=int, default=count, help="number of rigs")
    dataset.add_argument("--models", type=Path, help="folder of models; without it, the shipped ones look")
    dataset.add_argument("--workers", type=int, default=2)
    dataset.set_defaults(run=_dataset)

    som = commands.add_parser("som", help="train the map of sources with IntraSOM and group its units, anew")
    som.add_argument("--vectors", type=int, default=50_000)
    som.add_argument("--rough", type=int, default=8, help="epochs")
    som.add_argument("--fine", type=int, default=12, help="epochs")
    som.add_argument("--seed", type=int, default=5)
    som.set_defaults(run=_som)

    train = commands.add_parser("train", help="train the map, unless it is there, and the dual-input network")
    export = commands.add_parser("export", help="calibrate, export with tf2onnx, compare, write model and card")
    ablate = commands.add_parser("ablate", help="what image, statistics and map are worth each; trains four networks")
    ablate.set_defaults(run=_ablate)
    for command in (train, export, ablate):
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    train.set_defaults(run=_train)
    export.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    export.add_argument("--version", required=True)
    export.set_defaults(run=_export)

    cut = commands.add_parser("cut", help="cut a whole model that was exported earlier into source part and head")
    cut.add_argument("whole", type=Path, help="the .onnx file, with its card next to it")
    cut.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    cut.set_defaults(run=_cut)

    score = commands.add_parser("evaluate", help="score the shipped model and write the scores into its card")
    score.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    score.add_argument("--split", choices=("validation", "test"), default="test")
    score.set_defaults(run=_evaluate)

    real = commands.add_parser("real", help="grade a folder of real frames that has a labels.csv")
    real.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    real.add_argument("--frames", type=Path, required=True)
    real.set_defaults(run=_real)

    strange = commands.add_parser("strange", help="what the models say of planets, darks, spectra, daylight")
    strange.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    strange.add_argument("--each", type=int, default=24, help="pictures of each kind")
    strange.add_argument("--seed", type=int, default=0, help="of the first picture of each kind")
    strange.set_defaults(run=_strange)
    return parser


def _dataset(options: argparse.Namespace) -> None:
    from training.iqa.lookset import build_set

    counts: dict[Split, int] = {split: getattr(options, split) for split in RIGS}
    build_set(options.folder / LOOKS, counts, options.models, options.workers)


def _som(options: argparse.Namespace) -> None:
    from training.iqa.grouping import make_map, some_rows

    rows = some_rows(options.folder / "examined" / "train", options.vectors, options.seed)
    made = make_map(
        rows, options.folder / "som", seed=options.seed, rough_epochs=options.rough, fine_epochs=options.fine
    )
    made.save(options.folder / "map.npz")
    log.info("quantisation error %.4f, topographic error %.4f", made.quantisation_error, made.topographic_error)


def _train(options: argparse.Namespace) -> None:
    from training.iqa.grouping import SourceMap
    from training.iqa.train import train_heads

    if not (options.folder / "map.npz").exists():
        _som(_parser().parse_args(["--folder", str(options.folder), "som"]))
    source_map = SourceMap.load(options.folder / "map.npz")
    train_heads(_recipe(options.set), options.folder / "examined", source_map, options.folder / "network")


def _ablate(options: argparse.Namespace) -> None:
    from training.iqa.ablation import ablate
    from training.iqa.grouping import SourceMap

    source_map = SourceMap.load(options.folder / "map.npz")
    recipe = _recipe(options.set)
    scores = ablate(recipe, options.folder / "examined", source_map, options.folder / "network")
    found = {"recipe": asdict(recipe), "networks": scores}
    (options.folder / "ablation.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _export(options: argparse.Namespace) -> None:
    from training.iqa.grouping import SourceMap
    from training.iqa.ship import export
    from training.iqa.train import train_heads

    recipe, data = _recipe(options.set), options.folder / "examined"
    source_map = SourceMap.load(options.folder / "map.npz")
    heads = train_heads(recipe, data, source_map, options.folder / "network")
    card = export(recipe, heads, source_map, data, options.models, options.version)
    log.info("%s.%s: %d bytes", card.name, card.version, card.size_bytes)


def _cut(options: argparse.Namespace) -> None:
    from training.iqa.cut import cut_file

    log.info("largest difference between the whole and its parts: %.3g", cut_file(options.whole, options.models))


def _evaluate(options: argparse.Namespace) -> None:
    from training.export import write_card
    from training.iqa.evaluate import evaluate, open_quality

    describer, grader, card = open_quality(options.models, NAME)
    scores, _ = evaluate(describer, grader, options.folder / "examined" / options.split)
    log.info("%s", json.dumps(scores, indent=1))
    if options.split == "test":
        write_card(card.model_copy(update={"scores": scores}), options.models)


def _real(options: argparse.Namespace) -> None:
    from training.iqa.real import grade_folder

    grade_folder(options.frames, options.models)


def _strange(options: argparse.Namespace) -> None:
    from training.iqa.strange import ask

    log.info("%s", json.dumps(ask(options.models, options.each, options.seed), indent=1))


def _recipe(changes: Sequence[str]) -> Recipe:
    from training.iqa.train import Recipe

    return with_changes(Recipe(), changes)
