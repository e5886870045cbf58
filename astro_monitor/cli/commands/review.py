"""``astro-monitor review``: show the frames to review, and record decisions by hand."""

from __future__ import annotations

import fnmatch
import getpass
import shlex
import uuid
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...clock import SystemClock
from ...documents import Decision
from ...errors import ConfigError, NightLogInUse
from ...lists import ListWriters
from ...monitor import lists_folder
from ...nightlog import BY_RULES, FrameRow, NightLog, NightLogReader
from ...plain import counted
from ...plugins import load_plugins
from ...publish import revise
from ...session import Session
from ...settings import Settings
from ...sinks import ListSink
from ..nightlogs import night_log_of
from ..options import NIGHT, ConfigOption, LogOption, StateOption, out, settings_of
from ..page import Page, Piece, Row
from ..show import DECISION_STYLE, flags, reasons

SECTION = NIGHT


def command(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    frames: Annotated[
        list[str] | None, typer.Argument(help="File names, patterns such as '*_L_*', paths or frame ids.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Put these frames on the list of frames to stack.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Take these frames off it.")] = False,
    undecided: Annotated[bool, typer.Option("--undecided", help="Put these frames up for a look again.")] = False,
    why: Annotated[str, typer.Option(help="One sentence, kept with the decision.")] = "",
    show_all: Annotated[bool, typer.Option("--all", help="Show every frame, not only those that wait.")] = False,
    state: StateOption = None,
    control: Annotated[str | None, typer.Option(help="Control address of the daemon, while it runs.")] = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Show which frames wait for a look, or decide on some by hand. Lists follow at once, and no frame is touched.

    Works during and after a watch. The first verdict stays in the log, so every decision can be undone.
    """
    asked: dict[Decision, bool] = {"keep": keep, "reject": reject, "review": undecided}
    words = [word for word, wanted in asked.items() if wanted]
    if len(words) > 1:
        raise ConfigError("give one of --keep, --reject and --undecided")
    settings = settings_of(config, state, log_level, publish={"control_address": control} if control else {})
    run_review(folder, frames or [], words[0] if words else None, why, settings, everything=show_all, out=out)


def run_review(
    folder: Path,
    names: list[str],
    word: Decision | None,
    why: str,
    settings: Settings,
    *,
    everything: bool,
    out: Console,
) -> None:
    """Show frames that wait for a look, or decide on some.

    Parameters:
        folder: the watched folder.
        names: file names, patterns with ``*``, paths, or frame ids; empty with ``word`` unset: show.
        word: the decision; ``None`` shows.
        why: one sentence, kept with the decision.
        everything: show all frames, not only those that wait.

    Raises:
        ConfigError: there is no night log, no frame of this name, or a decision without frames.
        NightLogError, PublishError: the decision cannot be written down.
    """
    state_folder, path = night_log_of(folder, settings)
    with NightLogReader.read(path) as night_log:
        rows = list(night_log.judged_frames())
    if word is None:
        shown = chosen_frames(rows, names) if names else [row for row in rows if everything or _is_to_review(row)]
        _print_frames(shown, len(rows), folder, out)
        return
    if not names:
        raise ConfigError("name the frames to decide on: file names, patterns such as '*_L_*', or frame ids")
    chosen = [row for row in chosen_frames(rows, names) if row.decision != word]
    by = _user()
    try:
        with NightLog.open(path, uuid.uuid4().hex, SystemClock(), longitude_deg=settings.site.longitude_deg) as own:
            plugins = load_plugins(settings)
            session = Session(settings, own, SystemClock(), announce=lambda document: None, plugins=plugins)
            for row in chosen:
                session.revise(row.frame_id, word, by, why)
            report = partial(session.record, "list.written")
            goal = lists_folder(settings, folder)
            writers = ListWriters.of(plugins)
            lists = ListSink(
                own, goal, settings.lists, roots=(folder,), state=state_folder, report=report, writers=writers
            )
            lists.write(last=True)
    except NightLogInUse:
        # The watch is running: it holds the log, and writes the lists itself.
        for row in chosen:
            revise(settings.publish, row.frame_id, word, by=by, why=why)
    page = Page.on(out)
    for row in chosen:
        page.line(f"{row.body.relative_path}: {row.decision} → {word}", style=DECISION_STYLE[word])
    done = f"{counted(len(chosen), 'frame')} decided; the log keeps the first verdicts."
    page.line(done if chosen else "That was decided already.")


def _is_to_review(row: FrameRow) -> bool:
    """Return whether a frame of the night log awaits a decision by hand and its file is still there."""
    return row.decision == "review" and _is_there(row)


def _is_there(row: FrameRow) -> bool:
    """Return whether a file of a frame in the night log still exists at any of its recorded paths."""
    return any(Path(path).is_file() for path in row.paths)


def chosen_frames(rows: list[FrameRow], names: list[str]) -> list[FrameRow]:
    """Return the judged frames of some names, in their order.

    Parameters:
        rows: every judged frame.
        names: file names, patterns with ``*``, paths or frame ids.

    Raises:
        ConfigError: a name that no frame has.
    """
    by_frame: dict[str, FrameRow] = {}
    for name in names:
        some = [row for row in rows if _is_named(row, name)]
        if not some:
            raise ConfigError(f"no judged frame is called {name!r}; see 'astro-monitor review FOLDER --all'")
        by_frame |= {row.frame_id: row for row in some}
    return [row for row in rows if row.frame_id in by_frame]


def _is_named(row: FrameRow, name: str) -> bool:
    """Return whether a frame of the night log is meant by a name: frame identity, path, or pattern of file names."""
    paths = [Path(row.body.relative_path), *map(Path, row.paths)]
    return row.frame_id == name or any(
        str(path) == name or fnmatch.fnmatchcase(path.name, name) or fnmatch.fnmatchcase(str(path), name)
        for path in paths
    )


def _print_frames(rows: list[FrameRow], judged: int, folder: Path, out: Console) -> None:
    """Print the table of frames to review, and the command that records a decision."""
    page = Page.on(out)
    if not rows:
        page.line(f"No frame is to be reviewed: {counted(judged, 'frame')} judged.")
        return
    page.table(("decision", "class", "file, flags, reasons"), [_row(row) for row in rows])
    page.line(f"Decide with: astro-monitor review {shlex.quote(str(folder))} FILE --keep (or --reject) --why '…'")


def _row(row: FrameRow) -> Row:
    """Return the table row of a frame to review as it stands now: of a revised one the new reason."""
    why = " ".join(reasons(row.body))
    if row.decided_by != BY_RULES:
        why = f"Decided by {row.decided_by}: {row.why or 'no reason given'}"
    elif row.why:
        why = row.why
    path = Piece(row.body.relative_path, "bold", flows=True)
    gone = Piece("" if _is_there(row) else "(no longer there)", "dim")
    tail = (path, gone, flags(row.body), Piece(why, flows=True))
    return Row((row.decision, row.label), tail, DECISION_STYLE[row.decision])


def _user() -> str:
    """Return the login name of the user who decides by hand; ``somebody`` where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
