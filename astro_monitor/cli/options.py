"""Options that several commands have, the settings they lead to, and the two streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .. import logs
from ..settings import Settings, load
from .page import Screen

out = Screen()
err = Screen(stderr=True)

NIGHT = "A night"
FILES = "Files and past nights"
SET_UP = "Set up"
SECTIONS = (NIGHT, FILES, SET_UP)
"""Parts of the help page, in their order."""

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML); see 'astro-monitor config'.")
]
StateOption = Annotated[
    Path | None, typer.Option("--state", help="Where night log and lists are kept; else the setting state_folder.")
]
LogOption = Annotated[
    str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR: what goes to standard error.")
]
UtcOption = Annotated[bool, typer.Option("--utc", help="Times in UTC in place of local time.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Documents, one JSON object per line, on standard output.")]
ArrayOption = Annotated[bool, typer.Option("--json", help="A JSON array on standard output.")]


def settings_of(
    config: Path | None, state: Path | None, log_level: str | None, *, utc: bool = False, **flags: Any
) -> Settings:
    """Load the settings, with the options of the command line on top, and send the log to standard error.

    Parameters:
        config: the settings file; ``None``: the user's own, if there is one.
        state: the state folder; ``None``: that of the settings.
        log_level: what goes to standard error; ``None``: as the settings say.
        utc: times in UTC.
        flags: sections of the settings with the values that were typed; empty ones are left out.

    Raises:
        ConfigError: a setting is unknown or out of range, or the file cannot be read.
    """
    typed: dict[str, Any] = {key: value for key, value in flags.items() if value not in (None, {})}
    if utc:
        typed["times"] = "utc"
    if state is not None:
        typed["state_folder"] = state
    if log_level is not None:
        typed["log_level"] = log_level.upper()
    settings = load(config, typed)
    logs.to_stderr(settings.log_level, utc=settings.times == "utc")
    return settings
