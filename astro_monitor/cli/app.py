"""The Typer application: collects the commands of ``commands/`` and turns errors into one sentence and an exit code.

A command is imported when it is typed, so that each starts as fast as what it needs allows.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import AstroMonitorError
from ..version import __version__
from . import commands
from .options import SECTIONS, err, out
from .page import Page, as_paragraphs, never_fail_on_letters

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


class Commands(TyperGroup):
    """The files of ``commands/``, each a command of its name with ``-`` for ``_``."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return all names, by section of the help page."""
        names = [module.name.replace("_", "-") for module in pkgutil.iter_modules(commands.__path__)]
        return sorted(names, key=lambda name: (SECTIONS.index(_module_of(name).SECTION), name))

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return the command of a name; ``None`` is Click's word for one that does not exist."""
        if cmd_name.replace("-", "_") not in {module.name for module in pkgutil.iter_modules(commands.__path__)}:
            return None
        module = _module_of(cmd_name)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=HELP_OPTIONS)
        # Typer would keep the line breaks of the source, whatever the width of the terminal.
        text = as_paragraphs(module.command.__doc__ or "")
        single.command(name=cmd_name, help=text, rich_help_panel=module.SECTION)(module.command)
        return cast(TyperCommand, typer.main.get_command(single))


app = typer.Typer(
    name="astro-monitor",
    cls=Commands,
    help="Frame quality monitoring for telescopes: grades every frame as it is written, and says what is wrong.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
    epilog="First time? Run 'astro-monitor demo'. Then 'astro-monitor watch FOLDER' with your capture folder.",
)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Print the version and exit when ``--version`` is given to the program without a command."""
    if version:
        out.print(f"astro-monitor {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command that was typed; an error is one sentence on standard error and its exit code."""
    never_fail_on_letters()
    try:
        app()
    except AstroMonitorError as error:
        _fail(error)
    except BrokenPipeError:
        # The reader of standard output has gone (for instance 'head'): that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _module_of(name: str) -> ModuleType:
    """Return the module of ``cli/commands`` for the name of a command, imported."""
    return import_module(f".{name.replace('-', '_')}", commands.__name__)


def _fail(error: AstroMonitorError) -> None:
    """Print an error of astro-monitor as one sentence and exit with its exit code."""
    Page.on(err).line(f"astro-monitor: {error}", style="red")
    sys.exit(error.exit_code)
