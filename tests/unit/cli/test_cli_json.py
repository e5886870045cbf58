"""What --json prints is what docs/reference/json-output.md says, field by field."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from astro_monitor.cli import jsonpage
from astro_monitor.cli.app import app
from astro_monitor.cli.checks import Finding
from astro_monitor.cli.commands.diff import _json_row
from astro_monitor.cli.commands.models import run_models
from astro_monitor.cli.page import print_value
from astro_monitor.cli.printing import print_json
from astro_monitor.documents import BODIES, Document, FrameJudgedView, decode
from astro_monitor.nightlog import FrameRow
from astro_monitor.regrade import JudgedAgain
from astro_monitor.settings import Settings

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens" / "v1.3"
SECTIONS = re.split(r"^##+ ", jsonpage.page(), flags=re.MULTILINE)


def fields(*words: str) -> set[str]:
    """Return the fields that the page lists under the one heading that has these words."""
    (section,) = [one for one in SECTIONS if all(word in one.split("\n", 1)[0] for word in words)]
    return set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))


def golden(kind: str) -> Document:
    return decode((GOLDENS / f"{kind}.json").read_bytes())


@pytest.mark.parametrize("kind", [kind for kind in BODIES if kind != "session.heartbeat"])
def test_a_document_is_as_the_page_says(kind, capfdbinary) -> None:
    document = golden(kind)
    print_json(document)
    (line,) = capfdbinary.readouterr().out.splitlines()
    plain = json.loads(line)
    assert set(plain) == fields("A document")
    known = {field.alias or name for name, field in BODIES[kind].model_fields.items()}
    assert set(plain["body"]) <= known == fields("Body of", f"`{kind}`")


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (golden("frame.judged").body["reasons"][0], "A reason of"),
        (golden("frame.judged").body["baseline"], "`baseline` of"),
        (golden("session.started").body["models"][0], "A model of"),
        (golden("metrics.described").body["metrics"][0], "A row of"),
    ],
)
def test_a_part_of_a_document_is_as_the_page_says(part, title) -> None:
    assert set(part) == fields(title)


def test_a_line_of_diff_is_as_the_page_says(capsys) -> None:
    body = golden("frame.judged").body
    row = FrameRow(
        seq=1, doc_id="d", frame_id="f", time="", night="2026-03-01", paths=(), decision="keep", first_decision="keep",
        rules_decision="keep", decided_by="rules", why="", weight=1.0, body=FrameJudgedView.of(body),
    )  # fmt: skip
    print_value(_json_row(JudgedAgain(row, None, None, "it is gone")))
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(line) == fields("A line of `diff")
    assert (line["now"], line["changed"], line["would_be"]) == ("", False, None)


def test_models_and_checks_are_as_the_page_says(capsys) -> None:
    run_models(Settings(), verify=False, as_json=True, out=Console(file=io.StringIO()))
    (cards,) = map(json.loads, capsys.readouterr().out.splitlines())
    section = next(section for section in SECTIONS if section.startswith("A card of"))
    assert all(set(card) == set(re.findall(r"`(\w+)`", section.split("\n", 1)[1])) for card in cards)
    assert set(Finding.__dataclass_fields__) == fields("A check of")


def test_every_field_has_a_meaning() -> None:
    """A field that is added needs its row in ``jsonpage.MEANINGS``."""
    silent = [line for line in jsonpage.page().splitlines() if re.match(r"\| `\w+` \|.*\|\s+\|$", line)]
    assert silent == []


def test_every_command_with_json_is_on_the_page() -> None:
    import typer

    group: Any = typer.main.get_command(app)
    commands = {name: group.get_command(None, name) for name in group.list_commands(None)}
    with_json = {
        name for name, command in commands.items() if any("--json" in option.opts for option in command.params)
    }
    assert with_json == set(jsonpage.COMMANDS)
