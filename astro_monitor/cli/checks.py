"""What ``doctor`` looks at: a table of checks, each one sentence about what is and, when wrong, what to do."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ..clock import SystemClock
from ..errors import AstroMonitorError, ConfigError
from ..formats import built_in_formats
from ..inference import list_models, open_model, source_part_of
from ..monitor import check_root, rig_folder
from ..nightlog import NightLog
from ..plain import because
from ..settings import Settings
from ..watch import FolderSource

Level = Literal["ok", "warning", "fault"]

LOW_DISK_BYTES = 2 << 30
"""Free space in bytes below which a night of frames may fill the disk."""
WATCHER_PATIENCE_S = 15.0
"""Longest wait in seconds for the watcher to see a new file; a polled folder is read every few seconds."""
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"""No night can be before this program was made: an earlier clock has not been set."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's word."""

    check: str
    level: Level
    sentence: str


def check_folder(settings: Settings, folder: Path | None) -> Finding:
    """Whether the capture folder can be watched."""
    if folder is None:
        return Finding(
            "folder", "warning", "No capture folder was given; run 'astro-monitor doctor FOLDER' to check yours."
        )
    try:
        check_root(settings, folder)
    except ConfigError as error:
        return Finding("folder", "fault", f"{error}.")
    return Finding("folder", "ok", f"{folder} can be read and lies outside the state folder.")


def check_state(settings: Settings, folder: Path | None) -> Finding:
    """Whether the night log can be opened and written."""
    folder_of_log = rig_folder(settings, folder) if folder else settings.state_folder
    try:
        folder_of_log.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder_of_log) as scratch:
            NightLog.open(Path(scratch) / "probe.sqlite", session_id="doctor", clock=SystemClock()).close()
    except (OSError, AstroMonitorError) as error:
        why = error if isinstance(error, AstroMonitorError) else because(error)
        return Finding(
            "night log", "fault", f"{folder_of_log} cannot hold the night log: {why}; set state_folder to another."
        )
    return Finding("night log", "ok", f"{folder_of_log} can be written.")


def check_watcher(settings: Settings, folder: Path | None) -> Finding:
    """Whether a new file in a scratch folder is seen."""
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        source = FolderSource(root, settings.watch, SystemClock(), already_done=lambda path, sighting, digest: False)
        seen = threading.Event()

        def look() -> None:
            for _ in source.arrivals(stop):
                seen.set()
                return

        looker = threading.Thread(target=look, name="doctor-watch", daemon=True)
        looker.start()
        (root / "probe.fits").write_bytes(b"not a frame, but a file that is whole")
        was_seen = seen.wait(WATCHER_PATIENCE_S)
        stop.set()
        looker.join(timeout=5.0)
    if not was_seen:
        sentence = "A new file was not seen; start with --polling, or raise fs.inotify.max_user_instances."
        return Finding("watcher", "fault", sentence)
    return Finding("watcher", "ok", "New files are seen.")


def check_models(settings: Settings, folder: Path | None) -> Finding:
    """Whether all models have the hash on their card, load and run."""
    chosen = settings.models
    try:
        opened = [
            open_model(name, folder=chosen.folder, provider=chosen.provider, threads=1)
            for name in (chosen.star_finder, source_part_of(chosen.quality), chosen.quality)
        ]
    except AstroMonitorError as error:
        return Finding("models", "fault", f"{error}; install astro-monitor again.")
    names = ", ".join(model.identity for model in opened)
    count = len(list_models(chosen.folder))
    return Finding("models", "ok", f"{names} load and run on {opened[0].provider} ({count} models installed).")


def check_runtime(settings: Settings, folder: Path | None) -> Finding:
    """Whether exactly one onnxruntime wheel is installed: two overwrite each other's files."""
    wheels = [name for name in ("onnxruntime", "onnxruntime-gpu") if _installed(name)]
    if len(wheels) > 1:
        sentence = (
            "Both onnxruntime and onnxruntime-gpu are installed; uninstall both, then install astro-monitor again."
        )
        return Finding("onnxruntime", "fault", sentence)
    if not wheels:
        return Finding("onnxruntime", "fault", "onnxruntime is missing; install astro-monitor again.")
    return Finding("onnxruntime", "ok", f"{wheels[0]} {metadata.version(wheels[0])}.")


def check_formats(settings: Settings, folder: Path | None) -> Finding:
    """Whether the package of each extra that reads files is installed."""
    rows = (registered.row for registered in built_in_formats().rows)
    missing = [row for row in rows if row.package and not row.is_read]
    if missing:
        sentence = "; ".join(kind.sentence for kind in missing)
        return Finding("formats", "ok", f"FITS, XISF and TIFF are read; {sentence}.")
    return Finding("formats", "ok", "FITS, XISF, TIFF and camera raw files are read.")


def check_ports(settings: Settings, folder: Path | None) -> Finding:
    """Whether the two sockets can be bound."""
    for address in (settings.publish.address, settings.publish.control_address):
        parts = urlsplit(address)
        if parts.scheme != "tcp" or parts.hostname is None:
            continue
        try:
            with socket.create_server((parts.hostname, parts.port or 0)):
                pass
        except OSError as error:
            sentence = f"{address} cannot be bound ({because(error)}); is a daemon running already? Else use --address."
            return Finding("ports", "fault", sentence)
    return Finding("ports", "ok", f"{settings.publish.address} and {settings.publish.control_address} are free.")


def check_disk(settings: Settings, folder: Path | None) -> Finding:
    """Whether there is room for the night log, and for frames."""
    for checked in [settings.state_folder, *([folder] if folder and folder.is_dir() else [])]:
        existing = next((p for p in (checked, *checked.parents) if p.exists()), Path.cwd())
        free = shutil.disk_usage(existing).free
        if free < LOW_DISK_BYTES:
            return Finding(
                "disk", "warning", f"Only {free / 1e9:.1f} GB are free at {checked}; make room before the night."
            )
    return Finding("disk", "ok", "There is room.")


def check_clock(settings: Settings, folder: Path | None) -> Finding:
    """Whether the clock can be right at all."""
    now = datetime.now(UTC)
    if now < BUILT:
        return Finding(
            "clock", "fault", f"The clock says {now:%Y-%m-%d}, which is past; set it, or wait for time sync."
        )
    return Finding("clock", "ok", f"It is {now:%Y-%m-%d %H:%M} UTC by this computer.")


CHECKS: tuple[Callable[[Settings, Path | None], Finding], ...] = (
    check_folder,
    check_state,
    check_watcher,
    check_runtime,
    check_models,
    check_formats,
    check_ports,
    check_disk,
    check_clock,
)


def _installed(name: str) -> bool:
    """Return whether a Python package (distribution) is installed."""
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
