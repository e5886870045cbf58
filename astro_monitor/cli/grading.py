"""``astro-monitor grade``: files in time order, with a progress bar and a table, or documents for programs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..archive import find_frames, grade_files
from ..clock import SystemClock
from ..messages import Document
from ..session import Counts
from ..settings import Settings
from .show import DECISION_STYLE, number
from .watching import print_json, summary

WIDE = 120
"""From this many letters a line has room for every number."""
PAPER = 160
"""Width of the table in a file or a pipe."""
NUMBERS = ("stars", "FWHM px", "FWHM ″", "ecc", "sky", "weight")
NARROW_NUMBERS = ("stars", "FWHM px")


def run_grade(
    paths: list[Path], settings: Settings, stop: threading.Event, *, as_json: bool, out: Console, err: Console
) -> None:
    """Grade and print.

    Raises:
        ConfigError: a path does not exist or holds no frames.
        ModelError: a model is missing or altered.
    """
    arrivals = find_frames(paths)
    paper = out if out.is_terminal else Console(file=out.file, width=PAPER)
    names = NUMBERS if paper.width >= WIDE else NARROW_NUMBERS
    judged: list[Document] = []
    revised: dict[str, Document] = {}
    counts = Counts()

    def on_revised(document: Document) -> None:
        revised[document.body["frame_id"]] = document
        if as_json:
            print_json(document)

    shown = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[file]}"))
    with Progress(*shown, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("grade", total=len(arrivals), file="")
        for arrival, document, so_far in grade_files(arrivals, settings, SystemClock(), on_revised=on_revised):
            counts = so_far
            progress.update(task, advance=1, file=arrival.path.name)
            judged.append(document)
            if as_json:
                print_json(document)
            if stop.is_set():
                break
    if not as_json:
        table = _table(names)
        for document in judged:
            _add_row(table, document, revised.get(document.body["frame_id"] or ""), names)
        paper.print(table)
    err.print(summary(counts))


def _table(numbers: tuple[str, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("file", overflow="fold", min_width=12)
    for name in ("decision", "class"):
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("why", overflow="fold", min_width=16)
    return table


def _add_row(table: Table, document: Document, revised: Document | None, numbers: tuple[str, ...]) -> None:
    """Add a frame as it stands at the end.

    Parameters:
        table: from :func:`_table`.
        document: ``frame.judged``, ``frame.skipped`` or ``frame.failed``.
        revised: its ``frame.revised``, when a second look decided otherwise.
        numbers: the columns that there is room for.
    """
    body = document.body
    if document.kind == "frame.skipped":
        table.add_row(body["relative_path"], "skipped", body["type"], *("" for _ in numbers), body["why"], style="dim")
        return
    if document.kind == "frame.failed":
        texts = (body["relative_path"], "failed", body["kind"], *("" for _ in numbers), body["sentence"])
        table.add_row(*texts, style="magenta")
        return
    if revised is not None:
        reason = {"sentence": revised.body["why"]}
        body = {**body, "decision": revised.body["new_decision"], "weight": revised.body["weight"], "reasons": [reason]}
    table.add_row(*_row(body, numbers), style=DECISION_STYLE[body["decision"]])


def _row(body: dict[str, Any], numbers: tuple[str, ...]) -> tuple[str, ...]:
    values = body["measurements"]
    why = body["reasons"][0]["sentence"] if body["reasons"] and body["decision"] != "keep" else ", ".join(body["flags"])
    texts = {
        "stars": number(values["star_count"], ".0f"),
        "FWHM px": number(values["fwhm_px"], ".2f"),
        "FWHM ″": number(values["fwhm_arcsec"], ".2f"),
        "ecc": number(values["eccentricity"], ".2f"),
        "sky": number(values["background_adu"], ".0f"),
        "weight": f"{body['weight']:.2f}",
    }
    return (body["relative_path"], body["decision"], body["class"], *(texts[name] for name in numbers), why)
