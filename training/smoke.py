"""``python -m training smoke``: all commands from nothing to a report, with so little data that it takes minutes.

The models it makes are worth nothing; that they come out at the end is what it shows. Everything goes into one folder.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)


def steps(folder: Path) -> list[list[str]]:
    """Give the commands in their order, as they would be typed after ``python -m training``."""
    pool, unet, iqa, models = (str(folder / name) for name in ("pool", "unet", "iqa", "models"))
    quick_unet = ["--set", "minutes=1", "--set", "round_steps=4", "--set", "batch=8", "--set", "patience=1"]
    quick_iqa = ["--set", "epochs=2", "--set", "heads=1", "--set", "batch=32"]
    quick_map = ["--rigs", "6", "--vectors", "4000", "--rough", "2", "--fine", "2"]
    return [
        ["unet", "pool", "--folder", pool, "--frames", "12"],
        ["unet", "train", "--pool", pool, "--folder", unet, *quick_unet],
        ["unet", "ship", "--pool", pool, "--folder", unet, "--models", models, "--version", "0.0.0", "--frames", "4"],
        ["iqa", "--folder", iqa, "som", "--models", models, "--version", "0.0.0", *quick_map],
        ["iqa", "--folder", iqa, "dataset", "--train", "8", "--validation", "4", "--test", "3", "--models", models],
        ["iqa", "--folder", iqa, "strange-looks", "--models", models, "--each", "2"],
        ["iqa", "--folder", iqa, "contexts"],
        ["iqa", "--folder", iqa, "train", *quick_iqa],
        ["iqa", "--folder", iqa, "export", *quick_iqa, "--models", models, "--version", "0.0.0"],
        ["manifest", "--manifest", str(folder / "manifest.jsonl"), "collect", pool, iqa],
        ["evaluate", "--models", models, "--folder", iqa, "--out", str(folder / "report"), "--cards",
         "--star-frames", "4", "--rival-frames", "1", "--failures", "2", "--strange-frames", "1"],
    ]  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run all steps; the first that fails ends it.

    Parameters:
        argv: without the program's name.
    """
    parser = argparse.ArgumentParser(prog="training smoke", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/smoke"), help="everything goes here")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    commands = importlib.import_module("training.__main__").COMMANDS
    for arguments in steps(options.folder):
        log.info("python -m training %s", " ".join(arguments))
        started = time.monotonic()
        run: Callable[[Sequence[str]], int] = importlib.import_module(commands[arguments[0]][0]).main
        status = int(run(arguments[1:]) or 0)
        log.info("%.0f s", time.monotonic() - started)
        if status:
            return status
    return 0
