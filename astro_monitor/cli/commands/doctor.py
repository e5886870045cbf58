"""``astro-monitor doctor``: run the checks and print what each found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...settings import Settings
from ..checks import CHECKS, Finding
from ..options import NIGHT, ArrayOption, ConfigOption, StateOption, out, settings_of
from ..page import Page, Piece, print_value
from ..running import findings_about_the_running

SECTION = NIGHT


def command(
    folder: Annotated[Path | None, typer.Argument(help="The capture folder you are going to watch.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Ask the daemon that runs now how it is.")] = False,
    address: Annotated[str | None, typer.Option(help="With --running: its broadcast address.")] = None,
    control: Annotated[str | None, typer.Option(help="With --running: its control address.")] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    as_json: ArrayOption = False,
) -> None:
    """Check folder, watcher, models, provider, ports, disk and clock; say what is wrong and what to do.

    With --running: ask the daemon itself; the exit code is 1 when something keeps it from its work.
    """
    flags = {**({"address": address} if address else {}), **({"control_address": control} if control else {})}
    run_doctor(folder, settings_of(config, state, "ERROR", publish=flags), running=running, as_json=as_json, out=out)


MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "fault": ("FAULT", "red")}
INDENT = 22
"""Columns before the further lines of a finding: its sentence stays apart from level and check."""


def _findings_of_checks(settings: Settings, folder: Path | None) -> Iterator[Finding]:
    """Return an iterator over the findings of ``doctor``, one for each check in the table."""
    return (check(settings, folder) for check in CHECKS)


def run_doctor(folder: Path | None, settings: Settings, *, running: bool, as_json: bool, out: Console) -> None:
    """Check everything; exit code 1 when something is at fault.

    Parameters:
        folder: the capture folder, when one was given.
        settings: the whole tree.
        running: ask the daemon that runs now, instead of checking what it would need.
        as_json: findings for programs.
        out: where to.

    Raises:
        typer.Exit: with code 1 when a check found a fault.
    """
    findings = []
    for finding in findings_about_the_running(settings) if running else _findings_of_checks(settings, folder):
        findings.append(finding)
        if not as_json:
            word, style = MARKS[finding.level]
            pieces = Piece(f"{word:7}", style), Piece(f"{finding.check:11}"), finding.sentence
            Page.on(out).line(*pieces, indent=INDENT)
    if as_json:
        print_value([asdict(finding) for finding in findings])
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(1)
