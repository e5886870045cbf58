"""The commands of the quality model, in the order they are used. Each continues where it was stopped."""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
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
STRANGE = "strange"
"""Folder of the looks at pictures that are no night sky."""
CONTEXT_SEED = 11
"""Of the orders in which the frames of a rig are met."""

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
    parser.add_argument("--looks", type=Path, help="where the looks are; default FOLDER/looks")
    commands = parser.add_subparsers(required=True)

    dataset = commands.add_parser("dataset", help="render rigs and keep the looks of their frames with the truth")
    for split, count in RIGS.items():
        dataset.add_argument(f"--{split}", type=int, default=count, help="number of rigs")
    dataset.add_argument("--models", type=Path, help="folder of models; without it, the shipped ones look")
    dataset.add_argument("--workers", type=int, default=2)
    dataset.set_defaults(run=_dataset)

    som = commands.add_parser("som", help="train the map of sources with IntraSOM and write a new source part")
    som.add_argument("--models", type=Path, required=True, help="folder of models that the source part goes to")
    som.add_argument("--version", required=True)
    som.add_argument("--rigs", type=int, default=400, help="training rigs that are rendered for it")
    som.add_argument("--vectors", type=int, default=80_000)
    som.add_argument("--rough", type=int, default=8, help="epochs")
    som.add_argument("--fine", type=int, default=12, help="epochs")
    som.add_argument("--seed", type=int, default=5)
    som.set_defaults(run=_som)

    strange_looks = commands.add_parser("strange-looks", help="look at pictures that are no night sky, to learn them")
    strange_looks.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    strange_looks.add_argument("--each", type=int, default=120, help="pictures of each kind")
    strange_looks.set_defaults(run=_strange_looks)

    contexts = commands.add_parser("contexts", help="put each frame next to many baselines")
    contexts.add_argument("--workers", type=int, default=2)
    contexts.add_argument("--rigs", type=int, default=0, help="of each split; 0: all there are")
    contexts.add_argument(
        "--follow-s", type=float, default=0.0, help="wait so long for looks that are still being made"
    )
    contexts.set_defaults(run=_contexts)

    train = commands.add_parser("train", help="train the networks of the head")
    export = commands.add_parser("export", help="calibrate, export with tf2onnx, compare, write model and card")
    ablate = commands.add_parser("ablate", help="what each side of the head is worth; trains a network without each")
    for command in (train, export, ablate):
        command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    train.set_defaults(run=_train)
    export.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    export.add_argument("--version", required=True)
    export.set_defaults(run=_export)
    ablate.set_defaults(run=_ablate)

    costs = commands.add_parser("costs", help="thresholds of keeping and rejecting, and the review they leave")
    score = commands.add_parser("evaluate", help="score the shipped model and write the scores into its card")
    for command in (costs, score):
        command.add_argument("--models", type=Path, default=DEFAULT_MODELS)
        command.add_argument("--split", choices=("validation", "test"), default="validation")
    costs.set_defaults(run=_costs)
    score.set_defaults(run=_evaluate)

    real = commands.add_parser("real", help="grade a folder of real frames that has a labels.csv")
    real.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    real.add_argument("--frames", type=Path, required=True)
    real.set_defaults(run=_real)

    strange = commands.add_parser("strange", help="what the models say of planets, darks, spectra, daylight")
    strange.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    strange.add_argument("--each", type=int, default=24, help="pictures of each kind")
    strange.add_argument("--seed", type=int, default=1000, help="of the first picture of each kind")
    strange.set_defaults(run=_strange)
    unseen = commands.add_parser("unseen-kinds", help="how well a kind of strange picture is known that was not learnt")
    unseen.set_defaults(run=_unseen)
    return parser


def _looks(options: argparse.Namespace) -> Path:
    return Path(options.looks or options.folder / LOOKS)


def _examples(options: argparse.Namespace) -> Path:
    return Path(options.folder / "examples")


def _dataset(options: argparse.Namespace) -> None:
    from training.iqa.lookset import build_set

    counts: dict[Split, int] = {split: getattr(options, split) for split in RIGS}
    build_set(_looks(options), counts, options.models, options.workers)


def _som(options: argparse.Namespace) -> None:
    from training.iqa.grouping import make_map, some_rows
    from training.iqa.rigs import rig_seeds
    from training.iqa.source_part import export_source_part

    rows = some_rows(rig_seeds("train", options.rigs), options.models, options.vectors)
    made = make_map(
        rows, options.folder / "som", seed=options.seed, rough_epochs=options.rough, fine_epochs=options.fine
    )
    made.save(options.folder / "map.npz")
    log.info("quantisation error %.4f, topographic error %.4f", made.quantisation_error, made.topographic_error)
    export_source_part(made, options.models, options.version)


def _strange_looks(options: argparse.Namespace) -> None:
    from training.iqa.strange import keep_looks

    keep_looks(options.models, options.folder / STRANGE, options.each)


def _contexts(options: argparse.Namespace) -> None:
    until = time.monotonic() + options.follow_s
    with ProcessPoolExecutor(options.workers) as pool:
        while True:
            jobs = _missing(options)
            for number, _ in enumerate(pool.map(_one_rig, jobs, chunksize=4), 1):
                if number % 100 == 0:
                    log.info("%d of %d rigs", number, len(jobs))
            if time.monotonic() >= until:
                return
            if not jobs:
                time.sleep(5.0)


def _missing(options: argparse.Namespace) -> list[tuple[Path, Path, int]]:
    """Return the looks that have not been put next to baselines, where the result goes, and the number of the rig."""
    jobs = []
    for split in RIGS:
        paths = sorted((_looks(options) / split).glob("*.looks"))
        for path in paths[: options.rigs] if options.rigs else paths:
            made = _examples(options) / split / f"{path.stem}.npz"
            if not made.exists():
                jobs.append((path, made, int(path.stem)))
    return jobs


def _one_rig(job: tuple[Path, Path, int]) -> None:
    from training.iqa.contexts import build_examples

    looks, path, number = job
    build_examples(looks, path, number, CONTEXT_SEED, only_in_time=path.parent.name != "train")


def _train(options: argparse.Namespace) -> None:
    from training.iqa.train import train_heads

    train_heads(_recipe(options.set), _examples(options), options.folder / "network")


def _ablate(options: argparse.Namespace) -> None:
    from training.iqa.ablation import ablate

    recipe = _recipe(options.set)
    scores = ablate(recipe, _examples(options), options.folder / "ablation")
    found = {"recipe": asdict(recipe), "networks": scores}
    (options.folder / "ablation.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _export(options: argparse.Namespace) -> None:
    from training.iqa.familiar import load_strange, train_familiar
    from training.iqa.ship import Trained, export
    from training.iqa.train import learning_set, train_heads

    recipe, examples = _recipe(options.set), _examples(options)
    heads = train_heads(recipe, examples, options.folder / "network")
    strange = load_strange(options.folder / STRANGE)
    familiar = train_familiar(learning_set(recipe, examples), strange.inputs, recipe.seed)
    card = export(Trained(recipe=recipe, heads=heads, familiar=familiar), examples, options.models, options.version)
    log.info("%s.%s: %d bytes", card.name, card.version, card.size_bytes)


def _costs(options: argparse.Namespace) -> None:
    from training.iqa.costs import curve_of, fault_thresholds
    from training.iqa.evaluate import judge_folder, open_head

    judged = judge_folder(open_head(options.models, NAME)[0], _looks(options) / options.split)
    found = {"curve": [asdict(row) for row in curve_of(judged)], "faults": fault_thresholds(judged)}
    log.info("%s", json.dumps(found, indent=1))


def _evaluate(options: argparse.Namespace) -> None:
    from training.export import write_card
    from training.iqa.evaluate import all_scores, judge_folder, open_head

    grader, card = open_head(options.models, NAME)
    scores = all_scores(judge_folder(grader, _looks(options) / options.split), options.split)
    log.info("%s", json.dumps(scores, indent=1))
    if options.split == "test":
        write_card(card.model_copy(update={"scores": scores}), options.models)


def _real(options: argparse.Namespace) -> None:
    from training.iqa.real import grade_folder

    grade_folder(options.frames, options.models)


def _strange(options: argparse.Namespace) -> None:
    from training.iqa.strange import ask

    log.info("%s", json.dumps(ask(options.models, options.each, options.seed), indent=1))


def _unseen(options: argparse.Namespace) -> None:
    from training.iqa.contexts import load_examples
    from training.iqa.familiar import load_strange, of_unseen_kinds

    learn, check = (
        load_examples(sorted((_examples(options) / split).glob("*.npz"))) for split in ("train", "validation")
    )
    of_unseen_kinds(learn, check, load_strange(options.folder / STRANGE), 7)


def _recipe(changes: Sequence[str]) -> Recipe:
    from training.iqa.train import Recipe

    return with_changes(Recipe(), changes)
