"""``astro-monitor plugins``: list the installed plugins, which of them are on, and their hooks."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console

from ...plugins import OFF, ON, PluginState, installed_plugins
from ...settings import Settings
from ..options import SET_UP, ArrayOption, ConfigOption, out, settings_of
from ..page import Page, Piece, Row, print_value

SECTION = SET_UP


def command(config: ConfigOption = None, as_json: ArrayOption = False) -> None:
    """List the installed plugins. The setting plugins.on turns them on; the others are never loaded."""
    run_plugins(settings_of(config, None, "WARNING"), as_json=as_json, out=out)


def run_plugins(settings: Settings, *, as_json: bool, out: Console) -> None:
    """List the plugins.

    Raises:
        typer.Exit: with code 1 when one that is on cannot be used.
    """
    states = installed_plugins(settings.plugins.on)
    if as_json:
        print_value([asdict(state) for state in states])
    elif not states:
        out.print("No plugin is installed. docs/how-to/extend.md says how to write one.")
    else:
        rows = [
            Row((state.name, state.version, state.state), (Piece(", ".join(state.hooks), flows=True),))
            for state in states
        ]
        Page.on(out).table(("name", "version", "state", "hooks"), rows)
        if any(state.state == OFF for state in states):
            names = ", ".join(f'"{name}"' for name in [*settings.plugins.on, *_names_of_off(states)])
            out.print(f"To turn all of them on, set in the section [plugins] of the settings file: on = [{names}]")
    if any(state.state not in (ON, OFF) for state in states):
        raise typer.Exit(1)


def _names_of_off(states: list[PluginState]) -> list[str]:
    """Return the names of the installed plugins that are switched off."""
    return [state.name for state in states if state.state == OFF]
