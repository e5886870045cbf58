"""``astro-monitor watch``: the daemon in the foreground, a line per document."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from .. import logs
from ..messages import Document, encode
from ..monitor import Monitor
from ..session import Counts
from ..settings import Settings
from .show import line


def run_watch(
    folder: Path, settings: Settings, stop: threading.Event, *, as_json: bool, out: Console, err: Console
) -> None:
    """Watch until ``stop`` is set, then say where everything is.

    Raises:
        ConfigError, ModelError, NightLogError, PublishError: nothing was started.
    """
    monitor = Monitor(folder, settings, on_document=document_printer(as_json, out))
    if settings.log_file:
        monitor.make_folder()
        logs.to_file(monitor.folder / "astro-monitor.log")
    counts = monitor.run(stop)
    said = out if not as_json else err
    said.print(f"{summary(counts)}\nStacking lists: {monitor.lists_folder}\nNight log: {monitor.night_log_path}")


def summary(counts: Counts) -> str:
    """Say what a session did in one sentence whose numbers add up."""
    return (
        f"{counts.judged} judged: {counts.kept} kept, {counts.review} to review, {counts.rejected} rejected; "
        f"{counts.skipped} skipped (no lights); {counts.failed} failed."
    )


def print_json(document: Document) -> None:
    """Write one document as one line on standard output, at once."""
    sys.stdout.buffer.write(encode(document) + b"\n")
    sys.stdout.buffer.flush()


def document_printer(as_json: bool, out: Console) -> Callable[[Document], None]:
    """Give a function that prints a document, for people or for programs."""

    def for_people(document: Document) -> None:
        if document.kind not in ("metrics.described", "list.written"):
            out.print(line(document))

    return print_json if as_json else for_people
