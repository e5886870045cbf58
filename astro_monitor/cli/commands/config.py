"""``astro-monitor config``: show the settings in force, or write the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from ...errors import ConfigError
from ...plain import because
from ...settings import Settings, as_toml, default_file, load
from ..options import SET_UP, ConfigOption, out

SECTION = SET_UP


def command(
    write: Annotated[
        Path | None, typer.Option(help="Write the defaults to this file; an existing one is kept.")
    ] = None,
    config_file: ConfigOption = None,
    action: Annotated[Literal["show", "default"], typer.Option(help="Settings in force, or the defaults.")] = "show",
) -> None:
    """Show the settings in force as TOML with what each means, or write a file with the defaults.

    Your own file is read by itself when it lies at the place that this command names first. Every setting with its
    meaning, unit, range, environment variable and an example: docs/reference/settings.md.
    """
    in_force = action == "show" and write is None
    run_config(load(config_file) if in_force else Settings(), write, portable=not in_force, out=out)


def run_config(settings: Settings, write: Path | None, *, portable: bool, out: Console) -> None:
    """Print the settings, or write them to a new file.

    Raises:
        ConfigError: the file exists or cannot be written.
    """
    text = as_toml(settings, portable=portable)
    if write is None:
        if not portable:
            own = default_file()
            out.print(f"# Your own settings file: {own} ({'it is there' if own.is_file() else 'it is not there'}).")
        out.print(text, end="")
        return
    try:
        with write.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{write} exists already and is kept; choose another name") from error
    except OSError as error:
        raise ConfigError(f"{write} cannot be written: {because(error)}; choose another place") from error
    out.print(f"wrote {write}; use it with --config {write}")
