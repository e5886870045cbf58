"""``astro-monitor doctor``: run the checks and print what each found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from ..settings import Settings
from .checks import CHECKS, Finding
from .page import Page, Piece, print_value
from .running import findings_about_the_running

MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "fault": ("FAULT", "red")}
INDENT = 22
"""Columns before the further lines of a finding: its sentence stays apart from level and check."""


def _findings(settings: Settings, folder: Path | None) -> Iterator[Finding]:
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
    for finding in findings_about_the_running(settings) if running else _findings(settings, folder):
        findings.append(finding)
        if not as_json:
            word, style = MARKS[finding.level]
            pieces = Piece(f"{word:7}", style), Piece(f"{finding.check:11}"), finding.sentence
            Page.on(out).line(*pieces, indent=INDENT)
    if as_json:
        print_value([asdict(finding) for finding in findings])
    if any(finding.level == "fault" for finding in findings):
        raise typer.Exit(1)
