"""``astro-monitor grade``: files in time order, with a progress bar and a table, or documents for programs."""

from __future__ import annotations

import threading
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..archive import find_frames, grade_files
from ..clock import SystemClock
from ..messages import Document
from ..session import Counts
from ..settings import Settings
from .show import DECISION_STYLE, number
from .watching import print_json

COLUMNS = ("file", "decision", "class", "stars", "FWHM px", "FWHM ″", "ecc", "sky", "weight", "why")


def run_grade(
    paths: list[Path], settings: Settings, stop: threading.Event, *, as_json: bool, out: Console, err: Console
) -> None:
    """Grade and print.

    Raises:
        ConfigError: a path does not exist or holds no frames.
        ModelError: a model is missing or altered.
    """
    arrivals = find_frames(paths)
    table = Table(*COLUMNS)
    counts = Counts()
    shown = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[file]}"))
    with Progress(*shown, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("grade", total=len(arrivals), file="")
        for arrival, document, so_far in grade_files(arrivals, settings, SystemClock()):
            counts = so_far
            progress.update(task, advance=1, file=arrival.path.name)
            if as_json:
                print_json(document)
            else:
                table.add_row(*_row(document), style=DECISION_STYLE.get(document.body.get("decision", ""), "magenta"))
            if stop.is_set():
                break
    if not as_json:
        out.print(table)
    err.print(
        f"{counts.judged} judged: {counts.kept} kept, {counts.review} to review, {counts.rejected} rejected; "
        f"{counts.failed} failed."
    )


def _row(document: Document) -> tuple[str, ...]:
    body = document.body
    if document.kind == "frame.failed":
        return (body["relative_path"], "failed", body["kind"], "", "", "", "", "", "", body["sentence"])
    values = body["measurements"]
    why = body["reasons"][0]["sentence"] if body["reasons"] and body["decision"] != "keep" else ", ".join(body["flags"])
    return (
        body["relative_path"],
        body["decision"],
        body["class"],
        number(values["star_count"], ".0f"),
        number(values["fwhm_px"], ".2f"),
        number(values["fwhm_arcsec"], ".2f"),
        number(values["eccentricity"], ".2f"),
        number(values["background_adu"], ".0f"),
        f"{body['weight']:.2f}",
        why,
    )
