"""``astro-monitor tail``: a subscriber that finds and fills its own gaps."""

from __future__ import annotations

import threading

from rich.console import Console

from ..publish import tail
from ..settings import Settings
from .watching import document_printer


def run_tail(settings: Settings, stop: threading.Event, *, history: bool, as_json: bool, out: Console) -> None:
    """Print documents until ``stop`` is set.

    Raises:
        PublishError: the address or the keys are wrong.
    """
    show = document_printer(as_json, out, settings)
    for document in tail(settings.publish, stop, history=history):
        show(document)
