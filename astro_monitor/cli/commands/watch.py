"""``astro-monitor watch``: the daemon in the foreground, a line per document."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ... import logs
from ...monitor import Monitor
from ...settings import Settings
from ..options import NIGHT, ConfigOption, JsonOption, LogOption, StateOption, UtcOption, err, out, settings_of
from ..page import Page
from ..printing import document_printer, summary
from ..stopping import stop_on_signals

SECTION = NIGHT


def command(
    folder: Annotated[Path, typer.Argument(help="The folder into which frames are written (sub-folders included).")],
    state: StateOption = None,
    config: ConfigOption = None,
    address: Annotated[
        str | None, typer.Option(help="ZeroMQ address of the broadcast; port 0 picks one; else publish.address.")
    ] = None,
    control: Annotated[
        str | None, typer.Option(help="ZeroMQ address for snapshot and replay; else publish.control_address.")
    ] = None,
    polling: Annotated[
        bool, typer.Option("--polling", help="Look at the folder regularly: for network shares.")
    ] = False,
    ignore_existing: Annotated[bool, typer.Option(help="Leave frames alone that are already there.")] = False,
    utc: UtcOption = False,
    as_json: JsonOption = False,
    log_level: LogOption = None,
) -> None:
    """Watch FOLDER for a night: grade each new frame, warn, and keep the stacking lists. Ctrl-C ends it.

    Nothing is ever written into FOLDER. Frames already there are graded first; a restart continues where it stopped.
    """
    settings = settings_of(
        config,
        state,
        log_level,
        utc=utc,
        watch={
            **({"mode": "polling"} if polling else {}),
            **({"existing": "ignore"} if ignore_existing else {}),
        },
        publish={
            **({"address": address} if address else {}),
            **({"control_address": control} if control else {}),
        },
    )
    run_watch(folder, settings, stop_on_signals(), as_json=as_json, out=out, err=err)


def run_watch(
    folder: Path, settings: Settings, stop: threading.Event, *, as_json: bool, out: Console, err: Console
) -> None:
    """Watch until ``stop`` is set, then say where everything is.

    Raises:
        ConfigError, ModelError, NightLogError, PublishError: nothing was started.
    """
    monitor = Monitor(folder, settings, on_document=document_printer(as_json, out, settings))
    if settings.log_file:
        monitor.make_folder()
        logs.to_file(monitor.folder / "astro-monitor.log")
    counts = monitor.run(stop)
    page = Page.on(err if as_json else out)
    page.line(summary(counts))
    page.line(f"Stacking lists: {monitor.lists_folder}")
    page.line(f"Night log:      {monitor.night_log_path}")
