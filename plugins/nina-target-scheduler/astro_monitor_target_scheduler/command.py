"""``astro-monitor-target-scheduler grade|undo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .database import NAMES, DatabaseError, apply, changes, gradable, opened, opened_copy, undo
from .lists import ListsError, read_lists


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; an error is one sentence on standard error and exit code 1."""
    options = _parser().parse_args(argv)
    try:
        return int(options.act(options))
    except (DatabaseError, ListsError) as error:
        sys.stderr.write(f"astro-monitor-target-scheduler: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="astro-monitor-target-scheduler",
        description="Writes astro-monitor's decisions into the database of N.I.N.A.'s Target Scheduler.",
    )
    commands = parser.add_subparsers(required=True)
    grade = commands.add_parser("grade", help="show what would change; with --apply, change it")
    grade.add_argument("lists", type=Path, help="folder of the stacking lists")
    grade.add_argument("database", type=Path, help="schedulerdb.sqlite")
    grade.add_argument("--apply", action="store_true", help="write the grades")
    grade.set_defaults(act=_grade)
    back = commands.add_parser("undo", help="take back all grades that are still as they were written here")
    back.add_argument("database", type=Path, help="schedulerdb.sqlite")
    back.set_defaults(act=_undo)
    return parser


def _grade(options: argparse.Namespace) -> int:
    frames = read_lists(options.lists)
    # Only who wants to write opens the database itself.
    with (opened if options.apply else opened_copy)(options.database) as connection:
        images = gradable(connection)
        wanted = changes(images, frames)
        for change in wanted:
            reason = f"  {change.reason}" if change.reason else ""
            _say(f"{change.image.name}: {NAMES[change.image.status]} → {NAMES[change.status]}{reason}")
        if not options.apply:
            count = _counted(len(images), "image")
            _say(f"{len(wanted)} of {count} would be graded; nothing was changed. Use --apply to write.")
            return 0
        _say(f"{_counted(apply(connection, wanted), 'image')} graded; use 'undo' to reverse it.")
    return 0


def _undo(options: argparse.Namespace) -> int:
    with opened(options.database) as connection:
        _say(f"{_counted(undo(connection), 'grade')} taken back.")
    return 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _say(line: str) -> None:
    """Write a line; what a terminal would run, such as an escape sequence in a file name, is shown escaped."""
    safe = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in line)
    sys.stdout.write(f"{''.join(safe)}\n")
