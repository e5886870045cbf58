"""Keeping never raises, and trouble is reported once."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from astro_monitor.errors import NotKept
from astro_monitor.framestore import FrameStore
from astro_monitor.settings import KeepSettings

FRAME = "77ab0c1d9e8f6a54"
JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


def test_looks_and_previews_lie_next_to_the_night_log(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, KeepSettings())
    assert store.keep_look(FRAME, b"look")
    assert store.keep_preview(FRAME, JPEG)
    assert (store.look(FRAME), store.preview(FRAME)) == (b"look", JPEG)
    assert store.frames_with_look() == {FRAME}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {
        str(Path("looks", f"{FRAME}.look")),
        str(Path("previews", f"{FRAME}.jpg")),
    }


def test_nothing_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, KeepSettings(looks_mb=0, previews_mb=0))
    assert not store.keeps_looks
    assert not store.keeps_previews
    assert not store.keep_look(FRAME, b"look")
    assert not store.keep_preview(FRAME, JPEG)
    assert not list(tmp_path.iterdir())


def test_trouble_is_said_once_until_it_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = FrameStore(tmp_path, KeepSettings())
    (tmp_path / "looks").write_text("in the way")
    assert [store.keep_look(FRAME, b"look") for _ in range(3)] == [False] * 3
    assert [(r.levelname, FRAME in r.getMessage(), "looks" in r.getMessage()) for r in caplog.records] == [
        ("WARNING", True, True)
    ]
    assert store.keep_preview(FRAME, JPEG), "the other kind is not concerned"
    (tmp_path / "looks").unlink()
    assert store.keep_look(FRAME, b"look")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_frame_id_that_is_none_costs_the_look_alone(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, KeepSettings())
    assert not store.keep_look("../../x", b"look")
    with pytest.raises(NotKept):
        store.look("../../x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_folder_without_permission_costs_the_look_alone(tmp_path: Path) -> None:
    store = FrameStore(tmp_path, KeepSettings())
    tmp_path.chmod(0o500)
    try:
        assert not store.keep_look(FRAME, b"look")
    finally:
        tmp_path.chmod(0o700)
