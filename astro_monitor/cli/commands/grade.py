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
from ...documents import Document
from ...plain import shown
from ...plugins import load_plugins
from ...settings import Settings
from ..options import FILES, ConfigOption, JsonOption, LogOption, UtcOption, err, out, settings_of
from ..page import Page, Piece, Row
from ..printing import print_json, summary
from ..show import DECISION_STYLE, FAILED_STYLE, SKIPPED_STYLE, WIDE, flags, number, reasons
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
    judged: list[Document] = []
    revised: dict[str, Document] = {}
    counts = Counts()

    def on_revised(document: Document) -> None:
        revised[document.body["frame_id"]] = document
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
            judged.append(document)
            if as_json:
                print_json(document)
            if stop.is_set():
                break
    if not as_json:
        page = Page.on(out)
        names = NUMBERS if page.width == 0 or page.width >= WIDE else NARROW_NUMBERS
        base = _base(judged)
        rows = [_row(document, revised.get(document.body["frame_id"] or ""), names, base) for document in judged]
        page.table(("decision", "class", *names, "file, flags, reasons"), rows, right=names)
    err.print(summary(counts))


def _base(documents: list[Document]) -> str:
    """Return the folder that all files lie in, where they are of several folders; else no text."""
    roots = {document.body["root"] for document in documents}
    try:
        return os.path.commonpath(roots) if len(roots) > 1 else ""
    except ValueError:
        return ""  # on several drives


def _row(document: Document, revised: Document | None, names: tuple[str, ...], base: str) -> Row:
    """Write a frame as it stands at the end.

    Parameters:
        document: ``frame.judged``, ``frame.skipped`` or ``frame.failed``.
        revised: its ``frame.revised``, when a second look decided otherwise.
        names: of the numbers that there is room for.
        base: what paths are relative to, where files are of several folders; else empty.
    """
    body = document.body
    name = body["relative_path"]
    if base:
        name = os.path.relpath(Path(body["root"]) / name, base)
    path = Piece(name, "bold", flows=True)
    blank = ("" for _ in names)
    if document.kind == "frame.skipped":
        return Row(("skipped", body["type"], *blank), (path, Piece(body["why"], flows=True)), SKIPPED_STYLE)
    if document.kind == "frame.failed":
        return Row(("failed", body["kind"], *blank), (path, Piece(body["sentence"], flows=True)), FAILED_STYLE)
    decision, weight, why = body["decision"], body["weight"], " ".join(reasons(body))
    label = body["class"]
    if revised is not None:
        decision, weight, why = revised.body["new_decision"], revised.body["weight"], revised.body["why"]
        label = revised.body.get("class") or label
    numbers = _numbers(body["measurements"], weight)
    cells = (decision, label, *(numbers[name] for name in names))
    return Row(cells, (path, flags(body), Piece(why, flows=True)), DECISION_STYLE[decision])


def _numbers(values: Mapping[str, float | None], weight: float) -> dict[str, str]:
    return {
        "stars": number(values.get("star_count"), ".0f"),
        "FWHM px": number(values.get("fwhm_px"), ".2f"),
        "Gauss px": number(values.get("fwhm_gauss_px"), ".2f"),
        "FWHM ″": number(values.get("fwhm_arcsec"), ".2f"),
        "ecc": number(values.get("eccentricity"), ".2f"),
        "sky ADU": number(values.get("background_adu"), ".0f"),
        "weight": f"{weight:.2f}",
    }
