"""Short commands that show or rebuild something: ``lists``, ``models``, ``keys``, ``config``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console

from ..errors import ConfigError
from ..files import copy_weighted
from ..inference import list_models, open_model
from ..listing import listed_frames, not_lights, siril_version
from ..lists import owner_of, refuse_capture_folder, stacks, write_lists
from ..monitor import lists_folder, rig_folder
from ..nightlog import NightLogReader
from ..plain import because, counted, duration
from ..publish import make_keys
from ..settings import Settings, as_toml, default_file
from .page import Page, Piece, Row, print_value


def run_lists(folder: Path, output: Path | None, settings: Settings, *, copies: Path | None, out: Console) -> None:
    """Rebuild the lists of a watched folder from its night log.

    Parameters:
        copies: also copy the kept frames there, each with its weight in its header.

    Raises:
        ConfigError: there is no night log for this folder, or an output lies inside it.
        NightLogError: it is in use or of a newer version.
    """
    page = Page.on(out)
    if copies is not None:
        refuse_capture_folder(copies, [folder], "the folder for weighted copies")
    place, path = night_log_of(folder, settings)
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not there, so its lists stay as they are; connect its disk or check the path")
    target = output or lists_folder(settings, folder)
    with NightLogReader.read(path) as night_log:
        frames, others = listed_frames(night_log), not_lights(night_log)
    if not frames and not others:
        raise ConfigError(f"the night log of {folder} has no frames yet; run 'astro-monitor watch' first")
    body = write_lists(
        frames,
        target,
        settings.lists.formats,
        not_lights=others,
        merge=settings.lists.merge,
        siril=siril_version(settings.lists.siril),
        watch_roots=[folder],
        owner=owner_of(place),
    )
    target = Path(body["folder"])
    page.line(
        f"{body['kept']} kept, {body['review']} to review, {body['rejected']} rejected, "
        f"{body['skipped']} skipped (no lights) → {target}"
    )
    gone = sum(not frame.present for frame in frames)
    if gone:
        page.line(f"{counted(gone, 'judged frame')} no longer in {folder}, so in no list.")
    for note in body["notes"]:
        page.line(note, style="yellow")
    offered = [stack for stack in stacks(frames, settings.lists.merge) if not stack.not_offered]
    for stack in offered:
        share = f"{len(stack.decided('keep'))} of {counted(len(stack.frames), 'frame')} kept"
        kept_s, worth_s = 3600 * stack.kept_hours, 3600 * stack.equivalent_good_hours
        depth = f", {duration(kept_s)}, as much as {duration(worth_s, like_s=kept_s)} at full weight" if kept_s else ""
        page.line(f"{stack.folder}: {share}{depth}")
    page.line("Files there:", style="dim")
    for inside, files in _by_folder(body["files"]).items():
        page.line(f"  {inside}{', '.join(files)}", indent=4, style="dim")
    if copies is not None:
        kept = [(Path(frame.file), frame.weight) for stack in offered for frame in stack.decided("keep")]
        done = 0
        for path, sentence in copy_weighted(kept, copies):
            done += not sentence
            if sentence:
                page.line(f"{path.name}: {sentence}", style="yellow")
        page.line(f"{done} of {counted(len(kept), 'kept frame')} copied to {copies}, each with its weight as SSWEIGHT")


def _by_folder(files: Sequence[str]) -> dict[str, list[str]]:
    """Put paths with ``/`` together by their first part, which ends in ``/``; files without a folder come last."""
    found: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda one: ("/" not in one, one)):
        folder, slash, name = file.partition("/")
        found.setdefault(f"{folder}/: " if slash else "", []).append(name if slash else folder)
    return found


def night_log_of(folder: Path, settings: Settings) -> tuple[Path, Path]:
    """Find the state folder and the night log of a watched folder.

    Raises:
        ConfigError: there is none.
    """
    place = rig_folder(settings, folder)
    path = place / "nightlog.sqlite"
    if not path.is_file():
        raise ConfigError(
            f"no night log for {folder} in {settings.state_folder}; run 'astro-monitor watch {folder}' first"
        )
    return place, path


def _scores(scores: Mapping[str, JsonValue]) -> str:
    """Write the scores of a card: those of all frames, or where it has only scores of groups, those of the first group.

    ``--json`` has all of them.
    """
    plain = ", ".join(f"{key} {value:.3g}" for key, value in scores.items() if isinstance(value, float))
    groups = ((key, _scores(value)) for key, value in scores.items() if isinstance(value, Mapping))
    return plain or next((f"{key.replace('_', ' ')}: {inner}" for key, inner in groups if inner), "")


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


def run_keys(folder: Path, clients: list[str], renew: list[str], *, out: Console) -> None:
    """Make the keys that are missing, and those that are to be renewed; all others are kept.

    Raises:
        PublishError: the folder is readable by others or cannot be written.
    """
    for path in make_keys(folder, clients, renew):
        out.print(f"made {path}")
    out.print(
        f"Set publish.keys_folder to {folder.absolute()}; give each client its own secret file "
        "and the daemon's public one."
    )


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
