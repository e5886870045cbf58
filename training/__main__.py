"""``python -m training COMMAND``: the way from nothing to shipped models."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    "survey": ("training.survey.command", "fields of the real sky with catalogue truth: fetch, crossmatch"),
    "manifest": ("training.manifest.command", "what all of it is made from: collect, import, check"),
    "unet": ("training.unet.command", "the star finder: pool, train, tune, ship, evaluate"),
    "iqa": (
        "training.iqa.command",
        "the quality model: dataset, contexts, train, export, evaluate, ablate, costs, real, strange",
    ),
    "smoke": ("training.smoke", "all of it with very little data, to see that it works"),
    "evaluate": ("training.report.command", "the report on both shipped models"),
}


def main(arguments: list[str]) -> int:
    """Hand over to a command; without a known one, say which there are."""
    if arguments and arguments[0] in COMMANDS:
        module = importlib.import_module(COMMANDS[arguments[0]][0])
        return int(module.main(arguments[1:]) or 0)
    lines = [f"  {name:8} {what}" for name, (_, what) in COMMANDS.items()]
    sys.stdout.write("usage: python -m training COMMAND [--help]\n\n" + "\n".join(lines) + "\n")
    return 0 if arguments in ([], ["--help"], ["-h"]) else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
