"""The preview of a frame is written to a file, and nothing else is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from astro_monitor.cli.commands.preview import run_preview
from astro_monitor.errors import ConfigError, NotKept
from astro_monitor.framestore import FrameStore
from astro_monitor.testing.folders import small_fits
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def test_a_kept_preview_is_written_and_no_file_is_replaced(tmp_path: Path) -> None:
    captures, target, screen = tmp_path / "captures", tmp_path / "a.jpg", io.StringIO()
    captures.mkdir()
    settings = private_settings(tmp_path / "state")
    out = Console(file=screen, width=200)
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        (captures / "a.fits").write_bytes(small_fits())
        (document,) = running.wait_for_outcomes(1)
    with pytest.raises(NotKept, match="no preview of frame"):
        run_preview(captures, "a.fits", target, settings, overwrite=False, out=out)
    FrameStore(running.monitor.folder, settings.keep).keep_preview(document.body["frame_id"], JPEG)
    run_preview(captures, "a.fits", target, settings, overwrite=False, out=out)
    assert target.read_bytes() == JPEG
    assert "a.jpg" in screen.getvalue()
    with pytest.raises(ConfigError, match="--overwrite"):
        run_preview(captures, document.body["frame_id"], target, settings, overwrite=False, out=out)
    run_preview(captures, document.body["frame_id"], target, settings, overwrite=True, out=out)
    with pytest.raises(ConfigError, match="the folder for previews"):
        run_preview(captures, "a.fits", captures / "a.jpg", settings, overwrite=False, out=out)
    with pytest.raises(ConfigError, match="no judged frame"):
        run_preview(captures, "b.fits", target, settings, overwrite=False, out=out)
