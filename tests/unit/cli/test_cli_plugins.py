"""``astro-monitor plugins`` says what is installed, what is on, and how to turn the rest on."""

from __future__ import annotations

import json
from io import StringIO

import pytest
import typer
from rich.console import Console

from astro_monitor.cli.commands import plugins as command_module
from astro_monitor.cli.commands.plugins import run_plugins
from astro_monitor.plugins import NOT_INSTALLED, OFF, ON, PluginState
from astro_monitor.settings import Settings


def state(name: str, word: str, *hooks: str) -> PluginState:
    return PluginState(name=name, distribution=f"astro-monitor-{name}", version="1.2", hooks=hooks, state=word)


@pytest.fixture
def shown(monkeypatch):
    def show(*states: PluginState, on: tuple[str, ...] = (), as_json: bool = False) -> str:
        monkeypatch.setattr(command_module, "installed_plugins", lambda names: list(states))
        text = StringIO()
        run_plugins(Settings(plugins={"on": on}), as_json=as_json, out=Console(file=text, width=200))
        return text.getvalue()

    return show


def test_none_installed(shown) -> None:
    assert shown() == "No plugin is installed. docs/how-to/extend.md says how to write one.\n"


def test_the_line_that_turns_the_others_on_is_printed(shown) -> None:
    text = shown(state("dim", ON, "register_rules"), state("pgm", OFF), on=("dim",))
    assert "register_rules" in text
    assert 'on = ["dim", "pgm"]' in text


def test_one_that_is_on_and_cannot_be_used_ends_with_exit_code_1(shown) -> None:
    with pytest.raises(typer.Exit) as ended:
        shown(state("dim", NOT_INSTALLED), on=("dim",))
    assert ended.value.exit_code == 1


def test_json_has_all_fields(shown, capsys) -> None:
    shown(state("dim", ON, "document"), on=("dim",), as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"name": "dim", "distribution": "astro-monitor-dim", "version": "1.2", "hooks": ["document"], "state": "on"}
    ]
