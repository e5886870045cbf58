"""``astro-monitor tail``: a subscriber that finds and fills its own gaps."""

from __future__ import annotations

import threading
from typing import Annotated

import typer
from rich.console import Console

from ...publish import tail
from ...settings import Settings
from ..options import NIGHT, ConfigOption, JsonOption, LogOption, UtcOption, out, settings_of
from ..printing import document_printer
from ..stopping import stop_on_signals

SECTION = NIGHT


def command(
    address: Annotated[str | None, typer.Option(help="Broadcast address of the daemon; else publish.address.")] = None,
    control: Annotated[
        str | None, typer.Option(help="Control address of the daemon; else publish.control_address.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Show what was logged before, too.")] = False,
    config: ConfigOption = None,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = None,
) -> None:
    """Subscribe to a running daemon and print its documents as they come. Ctrl-C ends it."""
    flags = {**({"address": address} if address else {}), **({"control_address": control} if control else {})}
    settings = settings_of(config, None, log_level, utc=utc, publish=flags)
    run_tail(settings, stop_on_signals(), history=history, as_json=as_json, out=out)


def run_tail(settings: Settings, stop: threading.Event, *, history: bool, as_json: bool, out: Console) -> None:
    """Print documents until ``stop`` is set.

    Raises:
        PublishError: the address or the keys are wrong.
    """
    show = document_printer(as_json, out, settings)
    for document in tail(settings.publish, stop, history=history):
        show(document)
