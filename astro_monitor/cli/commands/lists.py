"""``astro-monitor lists``: rebuild the stacking lists of a watched folder from its night log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...errors import ConfigError
from ...files import copy_weighted
from ...lists import ListWriters, owner_of, refuse_capture_folder, stacks, weighed, write_lists
from ...monitor import lists_folder
from ...nightlog import NightLogReader
from ...plain import counted, duration
from ...plugins import load_plugins
from ...settings import Settings
from ...sinks import listed_frames, not_lights, siril_version
from ..nightlogs import night_log_of
from ..options import NIGHT, ConfigOption, LogOption, StateOption, out, settings_of
from ..page import Page

SECTION = NIGHT


def command(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    state: StateOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the lists into this folder; else where watch writes them.")
    ] = None,
    copies: Annotated[
        Path | None,
        typer.Option("--weighted-copies", help="Also copy the kept frames here, with SSWEIGHT in their headers."),
    ] = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Rebuild the stacking lists of a watched folder from its night log, and say where they are."""
    run_lists(folder, output, settings_of(config, state, log_level), copies=copies, out=out)


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
    state_folder, path = night_log_of(folder, settings)
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
        min_weight=settings.lists.min_weight,
        siril=siril_version(settings.lists.siril),
        watch_roots=[folder],
        owner=owner_of(state_folder),
        writers=ListWriters.of(load_plugins(settings)),
    )
    target = Path(body.folder)
    page.line(
        f"{body.kept} kept, {body.review} to review, {body.rejected} rejected, "
        f"{body.skipped} skipped (no lights) → {target}"
    )
    gone = sum(not frame.present for frame in frames)
    if gone:
        page.line(f"{counted(gone, 'judged frame')} no longer in {folder}, so in no list.")
    for note in body.notes:
        page.line(note, style="yellow")
    min_weight, merge = settings.lists.min_weight, settings.lists.merge
    offered = [weighed(stack, min_weight, merge) for stack in stacks(frames, merge) if not stack.not_offered]
    for stack in offered:
        share = f"{len(stack.decided('keep'))} of {counted(len(stack.frames), 'frame')} kept"
        kept_s, worth_s = 3600 * stack.kept_hours, 3600 * stack.equivalent_good_hours
        depth = f", {duration(kept_s)}, as much as {duration(worth_s, like_s=kept_s)} at full weight" if kept_s else ""
        page.line(f"{stack.folder}: {share}{depth}")
    page.line("Files there:", style="dim")
    for inside, files in _by_folder(body.files).items():
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
    by_folder: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda path: ("/" not in path, path)):
        folder, slash, name = file.partition("/")
        by_folder.setdefault(f"{folder}/: " if slash else "", []).append(name if slash else folder)
    return by_folder
