"""The commands of the star U-Net, in the order they are used."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from training.recipes import with_changes
from training.unet.seeds import KINDS_POOLS, NAME, POOLS, RIVALS_SEED, TEST_SEED

DEFAULT_MODELS = Path(__file__).parents[2] / "astro_monitor" / "models"
DEFAULT_RUN = Path("runs/unet/network")
CLOSEUPS = Path("runs/unet/closeups")


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
    parser = argparse.ArgumentParser(prog="training.unet", description=__doc__)
    commands = parser.add_subparsers(required=True)

    pool = commands.add_parser("pool", help="render the tiles to train on and to check with; goes on where it stopped")
    pool.add_argument("--split", choices=tuple(POOLS), help="only this one; both when not given")
    pool.add_argument("--frames", type=int, help="in place of the usual number")
    pool.add_argument("--seed", type=int, help="of the first frame, in place of the usual one")
    pool.add_argument("--workers", type=int, default=2)
    pool.add_argument("--folder", type=Path, default=Path("runs/unet/pool"))
    pool.set_defaults(run=_pool)

    train = commands.add_parser("train", help="train, or go on training")
    train.add_argument("--pool", type=Path, default=Path("runs/unet/pool"))
    train.add_argument("--folder", type=Path, default=DEFAULT_RUN)
    train.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one value of the recipe")
    train.set_defaults(run=_train)

    ship = commands.add_parser("ship", help="export, find the thresholds, score, write model and card")
    ship.add_argument("--folder", type=Path, default=DEFAULT_RUN, help="folder of the training run")
    ship.add_argument("--pool", type=Path, default=Path("runs/unet/pool"))
    ship.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    ship.add_argument("--version", required=True)
    ship.add_argument("--frames", type=int, default=250, help="frames for tuning, and as many for the scores")
    ship.set_defaults(run=_ship)

    closeups = commands.add_parser("closeups", help="candidates of the shipped star finder, to train the kinds on")
    closeups.add_argument("--folder", type=Path, default=CLOSEUPS)
    closeups.add_argument("--workers", type=int, default=2)
    closeups.set_defaults(run=_closeups)

    kinds = commands.add_parser("kinds", help="train the network of kinds and put it into the shipped star finder")
    kinds.add_argument("--pool", type=Path, default=CLOSEUPS)
    kinds.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    kinds.add_argument("--version", required=True)
    kinds.add_argument("--frames", type=int, default=250, help="frames for the scores")
    kinds.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one value of the recipe")
    kinds.set_defaults(run=_kinds)

    score = commands.add_parser("evaluate", help="score the shipped model")
    score.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    score.add_argument("--split", choices=("validation", "test"), default="test")
    score.add_argument("--seed", type=int, default=TEST_SEED)
    score.add_argument("--frames", type=int, default=300)
    score.add_argument("--card", action="store_true", help="write the scores into the model's card, too")
    score.add_argument("--out", type=Path, help="write the scores here as JSON")
    score.set_defaults(run=_evaluate)

    rivals = commands.add_parser("rivals", help="the shipped model, tuned sep and DAOStarFinder on the same frames")
    rivals.add_argument("--models", type=Path, default=DEFAULT_MODELS)
    rivals.add_argument("--frames", type=int, default=60, help="of each kind of field, to tune on and to report")
    rivals.add_argument("--workers", type=int, default=2)
    rivals.add_argument("--out", type=Path, help="write the figures here as JSON")
    rivals.set_defaults(run=_rivals)
    return parser


def _pool(options: argparse.Namespace) -> None:
    from training.unet.data import build_pool

    for split in [options.split] if options.split else POOLS:
        frames, seed = POOLS[split]
        build_pool(
            options.folder,
            split,
            frames if options.frames is None else options.frames,
            seed if options.seed is None else options.seed,
            options.workers,
        )


def _train(options: argparse.Namespace) -> None:
    from training.unet.train import Recipe, train

    train(with_changes(Recipe(), options.set), options.pool, options.folder)


def _ship(options: argparse.Namespace) -> None:
    from training.unet.ship import ship

    ship(options.folder, options.pool, options.models, options.version, options.frames)


def _closeups(options: argparse.Namespace) -> None:
    from training.unet.closeups import build

    for split, (frames, seed) in KINDS_POOLS.items():
        build(options.folder, split, seed, frames, options.workers)


def _kinds(options: argparse.Namespace) -> None:
    from training.unet.kinds import KindsRecipe, ship_kinds

    recipe = with_changes(KindsRecipe(), options.set)
    ship_kinds(recipe, options.pool, options.models, options.version, options.frames)


def _evaluate(options: argparse.Namespace) -> None:
    from astro_monitor.inference import open_model
    from training.export import write_card
    from training.unet.evaluate import evaluate

    model = open_model(NAME, folder=options.models, provider="cpu")
    scores = evaluate(model, options.split, options.seed, options.frames)
    logging.getLogger(__name__).info("%s", json.dumps(scores, indent=1))
    if options.card:
        write_card(model.card.model_copy(update={"scores": scores}), options.models)
    if options.out is not None:
        options.out.write_text(json.dumps(scores, indent=1) + "\n", "utf-8")


def _rivals(options: argparse.Namespace) -> None:
    from training.unet.rivals import compare, markdown, summary

    tuned = compare(options.models, "validation", options.frames, RIVALS_SEED, options.workers)
    test = compare(options.models, "test", options.frames, RIVALS_SEED, options.workers)
    table = summary(tuned, test)
    logging.getLogger(__name__).info("\n%s", markdown(table))
    if options.out:
        options.out.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
