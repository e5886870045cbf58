"""What commands print of a session: documents as they come, and a summary at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console

from ..counts import Counts
from ..documents import Document, encode
from ..settings import Settings
from .page import Page, Times
from .show import print_document


def summary(counts: Counts) -> str:
    """Return what a session did, as one sentence whose numbers add up."""
    return (
        f"{counts.judged} judged: {counts.kept} kept, {counts.review} to review, {counts.rejected} rejected; "
        f"{counts.skipped} skipped (no lights); {counts.failed} failed."
    )


def print_json(document: Document) -> None:
    """Write one document as one line on standard output, at once."""
    sys.stdout.buffer.write(encode(document) + b"\n")
    sys.stdout.buffer.flush()


def document_printer(as_json: bool, out: Console, settings: Settings) -> Callable[[Document], None]:
    """Return a function that prints a document, for people or for programs."""
    times = Times(utc=settings.times == "utc")

    def for_people(document: Document) -> None:
        if document.kind not in ("metrics.described", "list.written"):
            # A page for each line, so that a terminal that was made wider or narrower is used as it is now.
            print_document(document, Page.on(out), times)

    return print_json if as_json else for_people
