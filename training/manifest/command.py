"""``python -m training manifest``: what the models are made from, and a check that nothing is on two sides."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.manifest.collect import collect
from training.manifest.entries import Entry, ManifestError, read_manifest, write_manifest
from training.manifest.overlap import duplicates, overlaps
from training.manifest.real import import_folder

log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Parameters:
        argv: without the program's name.

    Returns:
        0; 1 when something is in two splits or cannot be used.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return int(options.run(options))
    except ManifestError as error:
        log.error("%s", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training manifest", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=Path("runs/manifest.jsonl"))
    commands = parser.add_subparsers(required=True)
    gather = commands.add_parser("collect", help="list what other commands have made, replacing what was listed before")
    gather.add_argument("folders", nargs="+", type=Path)
    gather.set_defaults(run=_collect)
    real = commands.add_parser("import", help="add a folder of real frames that has a labels.csv")
    real.add_argument("folder", type=Path)
    real.add_argument("--labels", default="labels.csv", help="name of the table")
    real.add_argument("--split", choices=("train", "validation", "test"), help="one for all, in place of by group")
    real.set_defaults(run=_import)
    check = commands.add_parser("check", help="fail when a frame, rig, night or target is in two splits")
    check.set_defaults(run=_check)
    return parser


def _collect(options: argparse.Namespace) -> int:
    found = [entry for folder in options.folders for entry in collect(folder)]
    kept = [entry for entry in _before(options.manifest) if entry.kind == "real"]
    return _finish(options.manifest, [*kept, *found])


def _import(options: argparse.Namespace) -> int:
    found = import_folder(options.folder, options.labels, options.split)
    hashes = {entry.sha256 for entry in found}
    kept = [entry for entry in _before(options.manifest) if entry.kind != "real" or entry.sha256 not in hashes]
    return _finish(options.manifest, [*kept, *found])


def _check(options: argparse.Namespace) -> int:
    return _report(read_manifest(options.manifest))


def _before(manifest: Path) -> list[Entry]:
    return read_manifest(manifest) if manifest.exists() else []


def _finish(manifest: Path, entries: list[Entry]) -> int:
    write_manifest(manifest, entries)
    log.info("%s", manifest)
    return _report(entries)


def _report(entries: list[Entry]) -> int:
    for (kind, split), files in sorted(Counter((entry.kind, entry.split) for entry in entries).items()):
        log.info("%-10s %-11s %6d files", kind, split, files)
    for first, again in duplicates(entries):
        log.warning("%s is a copy of %s", again, first)
    found = overlaps(entries)
    for overlap in found:
        log.error("%s", overlap)
    log.info("%s", f"{len(found)} overlaps" if found else "no overlap")
    return 1 if found else 0
