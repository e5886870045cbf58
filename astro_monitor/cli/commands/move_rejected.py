"""``astro-monitor move-rejected``: rejected frames aside, and back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...files import Move, carry_out, key_of, plan, undo
from ...nightlog import NightLogReader
from ...plain import counted
from ...settings import Settings
from ..nightlogs import night_log_of
from ..options import FILES, ConfigOption, LogOption, StateOption, out, settings_of
from ..page import Page

SECTION = FILES


def command(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    to: Annotated[Path | None, typer.Option(help="Where they go; default: rejected/ in FOLDER.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Move them; without this nothing is touched.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what was moved.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Move rejected frames aside: the only command that touches your files, and only with --apply or --undo.

    Files are renamed, never copied, changed or overwritten; a manifest next to them records where each one was.
    """
    run_move(folder, to, settings_of(config, state, log_level), apply=apply, take_back=undo, out=out)


FOLDER = "rejected"


def run_move(
    folder: Path, goal: Path | None, settings: Settings, *, apply: bool, take_back: bool, out: Console
) -> None:
    """Show what would move, move it, or bring it back.

    Raises:
        ConfigError: there is no night log or manifest, or the folder cannot be written.
    """
    root = folder.absolute()
    goal_folder = (goal or root / FOLDER).absolute()
    state, path = night_log_of(folder, settings)
    if take_back:
        _print_moves(undo(root, goal_folder, key_of(state)), root, "back", out)
        return
    with NightLogReader.read(path) as night_log:
        rejected = {}
        for row in night_log.judged_frames():
            here = next((path for path in map(Path, row.paths) if path.is_file()), None)
            if row.decision == "reject" and here is not None:
                rejected[here] = row.body.sha256
    moves = plan(rejected, root, goal_folder)
    if apply:
        _print_moves(carry_out(moves, root, goal_folder, key_of(state)), root, "moved", out)
        return
    page = Page.on(out)
    if not moves:
        page.line(f"No rejected frame is in {folder}; there is nothing to move.")
        return
    for move in moves:
        page.line(f"{_path_from_root(move.source, root)} → {_path_from_root(move.goal, root)}", indent=4)
    page.line(f"{counted(len(moves), 'file')} would be moved; nothing was. Use --apply to move, --undo to move back.")


def _print_moves(moves: Iterable[Move], root: Path, word: str, out: Console) -> None:
    """Print one line for each frame moved or left where it was, and the number of frames moved."""
    page, done = Page.on(out), 0
    for move in moves:
        done += not move.sentence
        result = move.sentence or word
        page.line(f"{_path_from_root(move.source, root)}: {result}", indent=4, style="yellow" if move.sentence else "")
    page.line(f"{counted(done, 'file')} {word}.")


def _path_from_root(path: Path, root: Path) -> str:
    """Return the path of a frame relative to the capture folder, or as it is when it is outside."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
