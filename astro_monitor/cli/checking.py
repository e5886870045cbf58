"""``astro-monitor doctor``: run the checks and print what each found."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from ..settings import Settings
from .checks import CHECKS

MARKS = {"ok": "[green]ok[/green]     ", "warning": "[yellow]warning[/yellow]", "fault": "[red]FAULT[/red]  "}


def run_doctor(folder: Path | None, settings: Settings, *, as_json: bool, out: Console) -> None:
    """Check everything; exit code 1 when something is at fault.

    Raises:
        typer.Exit: with code 1 when a check found a fault.
    """
    findings = []
    for check in CHECKS:
        finding = check(settings, folder)
        findings.append(finding)
        if not as_json:
            out.print(f"{MARKS[finding.level]} {finding.check:11}", end=" ")
            out.print(finding.sentence, markup=False)
    if as_json:
        out.print_json(json.dumps([asdict(finding) for finding in findings]))
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(1)
