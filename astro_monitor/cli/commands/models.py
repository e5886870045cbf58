"""``astro-monitor models``: list the models; load and run each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from ...inference import list_models, open_model
from ...settings import Settings
from ..options import SET_UP, ArrayOption, ConfigOption, out, settings_of
from ..page import Page, Piece, Row, print_value

SECTION = SET_UP


def command(
    verify: Annotated[bool, typer.Option("--verify", help="Load each model and run it once.")] = False,
    config: ConfigOption = None,
    as_json: ArrayOption = False,
) -> None:
    """List the models with their versions, hashes and scores."""
    run_models(settings_of(config, None, "WARNING"), verify=verify, as_json=as_json, out=out)


def run_models(settings: Settings, *, verify: bool, as_json: bool, out: Console) -> None:
    """List the models; with ``verify``, open and run each.

    Raises:
        ModelError: a model is missing, altered or does not fit its card.
    """
    cards = list_models(settings.models.folder)
    if verify:
        for card in cards:
            open_model(card.name, folder=settings.models.folder, provider=settings.models.provider, threads=1)
    if as_json:
        print_value([card.model_dump(mode="json") for card in cards])
        return
    rows = []
    for card in cards:
        scores = Piece(_scores(card.scores), flows=True)
        rows.append(Row((card.name, card.version, card.sha256[:12], card.licence), (scores,)))
    Page.on(out).table(("name", "version", "sha256", "licence", "scores"), rows)
    if verify:
        out.print("Every model has the hash on its card, and runs.")


def _scores(scores: Mapping[str, JsonValue]) -> str:
    """Write the scores of a card: those of all frames, or where it has only scores of groups, those of the first group.

    ``--json`` has all of them.
    """
    plain = ", ".join(f"{key} {value:.3g}" for key, value in scores.items() if isinstance(value, float))
    groups = ((key, _scores(value)) for key, value in scores.items() if isinstance(value, Mapping))
    return plain or next((f"{key.replace('_', ' ')}: {inner}" for key, inner in groups if inner), "")
