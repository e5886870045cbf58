"""Where the night log of a watched folder is."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from ..monitor import rig_folder
from ..settings import Settings


def night_log_of(folder: Path, settings: Settings) -> tuple[Path, Path]:
    """Find the state folder and the night log of a watched folder.

    Raises:
        ConfigError: there is none.
    """
    state_folder = rig_folder(settings, folder)
    path = state_folder / "nightlog.sqlite"
    if not path.is_file():
        raise ConfigError(
            f"no night log for {folder} in {settings.state_folder}; run 'astro-monitor watch {folder}' first"
        )
    return state_folder, path
