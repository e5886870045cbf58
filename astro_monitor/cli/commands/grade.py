"""``astro-monitor grade``: files in time order, with a progress bar and a table, or documents for programs."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...archive import find_frames, grade_files
from ...clock import SystemClock
from ...counts import Counts
from ...documents import Document, FrameFailedView, FrameJudgedView, FrameRevisedView, FrameSkippedView, view
from ...plain import shown
from ...plugins import load_plugins
from ...settings import Settings
from ..options import FILES, ConfigOption, JsonOption, LogOption, UtcOption, err, out, settings_of
from ..page import Page, Piece, Row
from ..printing import print_json, summary
from ..show import DECISION_STYLE, FAILED_STYLE, SKIPPED_STYLE, WIDE, flags, number, reasons
from ..skysource import sky_remarks
from ..stopping import stop_on_signals

SECTION = FILES


def command(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders with frames (sub-folders included).")],
    config: ConfigOption = None,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = "WARNING",
) -> None:
    """Grade files that are already there, in the order of their exposures, as the live watch would have.

    Prints a table, or with --json a frame.judged, frame.skipped or frame.failed document per line, and a frame.revised
    where a second look decided otherwise. Files are only read.
    """
    run_grade(
        paths, settings_of(config, None, log_level, utc=utc), stop_on_signals(), as_json=as_json, out=out, err=err
    )


OutcomeView = FrameJudgedView | FrameSkippedView | FrameFailedView
"""A file ends in one of these."""

NUMBERS = ("stars", "FWHM px", "Gauss px", "FWHM ″", "ecc", "sky ADU", "weight")
NARROW_NUMBERS = ("stars", "FWHM px")


def run_grade(
    paths: list[Path], settings: Settings, stop: threading.Event, *, as_json: bool, out: Console, err: Console
) -> None:
    """Grade and print.

    Raises:
        ConfigError: a path does not exist or holds no frames.
        ModelError: a model is missing or altered.
    """
    plugins = load_plugins(settings)
    arrivals = find_frames(paths, lambda sentence: err.print(f"{sentence}.", markup=False), plugins)
    outcomes: list[OutcomeView] = []
    revised: dict[str, FrameRevisedView] = {}
    counts = Counts()

    def on_revised(document: Document) -> None:
        revision = FrameRevisedView.of(document.body)
        revised[revision.frame_id] = revision
        if as_json:
            print_json(document)

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[file]}", markup=False),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("grade", total=len(arrivals), file="")
        for arrival, document, so_far in grade_files(arrivals, settings, SystemClock(), on_revised=on_revised):
            counts = so_far
            progress.update(task, advance=1, file=shown(arrival.path.name))
            outcomes.append(_outcome(document))
            if as_json:
                print_json(document)
            if stop.is_set():
                break
    if not as_json:
        page = Page.on(out)
        names = NUMBERS if page.width == 0 or page.width >= WIDE else NARROW_NUMBERS
        base = _base(outcomes)
        rows = [_row(outcome, revised.get(outcome.frame_id or ""), names, base) for outcome in outcomes]
        page.table(("decision", "class", *names, "file, flags, reasons"), rows, right=names)
    verbose = settings.log_level in ("DEBUG", "INFO")
    judged = [outcome for outcome in outcomes if isinstance(outcome, FrameJudgedView)]
    for remark in sky_remarks(judged, verbose=verbose) if not as_json else ():
        err.print(remark, markup=False)
    err.print(summary(counts))


def _outcome(document: Document) -> OutcomeView:
    """Return the view of a document about a file."""
    match view(document):
        case FrameJudgedView() | FrameSkippedView() | FrameFailedView() as outcome:
            return outcome
    raise ValueError(f"document {document.doc_id} of kind {document.kind} is about no file")


def _base(outcomes: list[OutcomeView]) -> str:
    """Return the folder that all files lie in, where they are of several folders; else no text."""
    roots = {outcome.root for outcome in outcomes}
    try:
        return os.path.commonpath(roots) if len(roots) > 1 else ""
    except ValueError:
        return ""  # on several drives


def _row(outcome: OutcomeView, revised: FrameRevisedView | None, names: tuple[str, ...], base: str) -> Row:
    """Write a frame as it stands at the end.

    Parameters:
        outcome: of the file.
        revised: its revision, when a second look decided otherwise.
        names: of the numbers that there is room for.
        base: what paths are relative to, where files are of several folders; else empty.
    """
    name = outcome.relative_path
    if base:
        name = os.path.relpath(Path(outcome.root) / name, base)
    path = Piece(name, "bold", flows=True)
    blank = ("" for _ in names)
    if isinstance(outcome, FrameSkippedView):
        return Row(("skipped", outcome.type, *blank), (path, Piece(outcome.why, flows=True)), SKIPPED_STYLE)
    if isinstance(outcome, FrameFailedView):
        return Row(("failed", outcome.kind, *blank), (path, Piece(outcome.sentence, flows=True)), FAILED_STYLE)
    decision, label, weight, why = outcome.decision, outcome.class_, outcome.weight, " ".join(reasons(outcome))
    if revised is not None:
        decision, why = revised.new_decision, revised.why
        label = revised.class_ or label
        weight = weight if revised.weight is None else revised.weight
    numbers = _number_columns(outcome.measurements, weight)
    cells = (decision, label, *(numbers[name] for name in names))
    return Row(cells, (path, flags(outcome), Piece(why, flows=True)), DECISION_STYLE[decision])


def _number_columns(values: Mapping[str, float | None], weight: float) -> dict[str, str]:
    """Return the measurements of a frame and its weight as the texts of the columns that ``grade`` prints."""
    return {
        "stars": number(values.get("star_count"), ".0f"),
        "FWHM px": number(values.get("fwhm_px"), ".2f"),
        "Gauss px": number(values.get("fwhm_gauss_px"), ".2f"),
        "FWHM ″": number(values.get("fwhm_arcsec"), ".2f"),
        "ecc": number(values.get("eccentricity"), ".2f"),
        "sky ADU": number(values.get("background_adu"), ".0f"),
        "weight": f"{weight:.2f}",
    }
