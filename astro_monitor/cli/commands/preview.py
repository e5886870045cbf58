"""``astro-monitor preview``: write the preview that was kept of a frame to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...errors import ConfigError
from ...framestore import FrameStore
from ...lists import refuse_capture_folder
from ...nightlog import NightLogReader
from ...plain import because
from ...settings import Settings
from ..nightlogs import night_log_of
from ..options import NIGHT, ConfigOption, LogOption, StateOption, out, settings_of
from ..page import Page
from .review import chosen_frames

SECTION = NIGHT


def command(
    folder: Annotated[Path, typer.Argument(help="The capture folder that was watched.")],
    frame: Annotated[str, typer.Argument(help="File name, path or frame id.")],
    output: Annotated[
        Path | None, typer.Option(help="The JPEG file to write; else the name of the frame, in the present folder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    log_level: LogOption = "WARNING",
) -> None:
    """Write the preview of a frame, a stretched JPEG picture, to a file. The frame may be gone."""
    run_preview(folder, frame, output, settings_of(config, state, log_level), overwrite=overwrite, out=out)


def run_preview(
    folder: Path, frame: str, output: Path | None, settings: Settings, *, overwrite: bool, out: Console
) -> None:
    """Write a kept preview to a file.

    Parameters:
        folder: the watched folder.
        frame: file name, path or frame id of one frame.
        output: the file; ``None``: named after the frame, in the present folder.
        settings: say where the night log is.
        overwrite: replace a file that is there.
        out: the screen.

    Raises:
        ConfigError: no night log, not one frame of this name, or the output cannot be written.
        NotKept: there is no preview of the frame.
    """
    state_folder, path = night_log_of(folder, settings)
    with NightLogReader.read(path) as night_log:
        rows = chosen_frames(list(night_log.judged_frames()), [frame])
    if len(rows) > 1:
        raise ConfigError(f"{len(rows)} frames are called {frame!r}; give a path or a frame id")
    jpeg = FrameStore(state_folder, settings.keep).preview(rows[0].frame_id)
    target = output or Path(Path(rows[0].body.relative_path).name).with_suffix(".jpg")
    refuse_capture_folder(target.absolute().parent, [folder], "the folder for previews")
    if target.exists() and not overwrite:
        raise ConfigError(f"{target} is there already; choose another name, or give --overwrite")
    try:
        target.write_bytes(jpeg)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {because(error)}; check the folder") from error
    Page.on(out).line(f"Preview: {target}")
