"""Trouble below a running daemon: it goes on by itself, and says what happened."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from importlib import resources
from pathlib import Path

import pytest

from astro_monitor.errors import ModelError, NightLogError
from astro_monitor.nightlog import NightLogReader
from astro_monitor.sinks import lists as list_sink
from astro_monitor.testing.folders import small_fits
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings

CHANGE_COUNTER = 24
"""Offset in an SQLite file of the number by which other connections see that it was changed."""


def frame(folder: Path, number: int) -> Path:
    path = folder / f"frame_{number:04d}.fits"
    path.write_bytes(small_fits()[:-8] + (1 + number).to_bytes(8, "big"))
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def damage(place: Path) -> None:
    """Overwrite all pages but the first, as a failing disk might, so that SQLite must notice."""
    data = bytearray(place.read_bytes())
    counter = int.from_bytes(data[CHANGE_COUNTER : CHANGE_COUNTER + 4], "big")
    data[CHANGE_COUNTER : CHANGE_COUNTER + 4] = (counter + 1).to_bytes(4, "big")
    data[4096:] = b"\xa5" * (len(data) - 4096)
    with place.open("r+b") as file:
        file.write(data)


def test_a_night_log_damaged_while_it_is_written_is_rebuilt_and_the_night_goes_on(tmp_path, caplog):
    captures = tmp_path / "captures"
    captures.mkdir()
    # The ports stay the same, as clients know them.
    ports = {"address": f"tcp://127.0.0.1:{free_port()}", "control_address": f"tcp://127.0.0.1:{free_port()}"}
    settings = private_settings(tmp_path / "state", publish=ports)
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        for number in range(5):
            frame(captures, number)
        before = {document.doc_id: document.body for document in running.wait_for_outcomes(5)}
        place = running.monitor.night_log_path
        damage(place)
        late = [str(frame(captures, number)) for number in range(5, 8)]
        running.wait_for(
            lambda: set(late) <= {document.body["file"] for document in running.outcomes()}, "the later frames"
        )
    assert "watching starts again" in caplog.text
    assert "brought back" in caplog.text
    assert set(running.monitor.addresses) == set(ports.values())
    (evidence,) = place.parent.glob("nightlog.sqlite.corrupt.*Z")
    assert evidence.stat().st_size > 0
    with NightLogReader.read(place) as log:
        documents = list(log.documents())
        kept = {document.doc_id: document.body for document in documents if document.kind == "frame.judged"}
        assert before.items() <= kept.items()
        assert len(kept) == 8, "each frame has one verdict, before and after"
        assert documents[-1].body["reason"] == "stopped"


def test_a_daemon_whose_log_was_removed_writes_it_again_at_the_next_start(tmp_path):
    captures = tmp_path / "captures"
    captures.mkdir()
    settings = private_settings(tmp_path / "state")
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        frame(captures, 1)
        (first,) = running.wait_for_outcomes(1)
    running.monitor.night_log_path.unlink()
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as again:
        frame(captures, 2)
        (second,) = again.wait_for_outcomes(1)
    assert second.body["relative_path"] == "frame_0002.fits", "the first one is known from the trail"
    with NightLogReader.read(again.monitor.night_log_path) as log:
        assert {row.body.file for row in log.judged_frames()} == {first.body["file"], second.body["file"]}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
@pytest.mark.parametrize("ending", [".sqlite.lock", ".sqlite", ".sqlite-wal", ".trail"])
def test_a_daemon_never_follows_a_link_in_its_state_folder(tmp_path, ending):
    captures, victim = tmp_path / "captures", tmp_path / "victim"
    captures.mkdir()
    victim.write_bytes(b"4711")
    settings = private_settings(tmp_path / "state")
    running = RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE)
    place = running.monitor.night_log_path
    place.parent.mkdir(parents=True)
    link = place.with_name(place.stem + ending)
    link.symlink_to(victim)
    with pytest.raises(NightLogError, match="it is a link, not a plain file") as refused, running:
        pass
    assert str(link) in str(refused.value)
    assert victim.read_bytes() == b"4711"
    link.unlink()
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as again:
        frame(captures, 1)
        again.wait_for_outcomes(1)


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
def test_a_daemon_does_not_wait_for_a_model_that_is_a_pipe(tmp_path):
    captures, models = tmp_path / "captures", tmp_path / "models"
    captures.mkdir()
    shutil.copytree(str(resources.files("astro_monitor") / "models"), models)
    (models / "quality.onnx").unlink()
    os.mkfifo(models / "quality.onnx")
    settings = private_settings(tmp_path / "state", models={"folder": models})
    with pytest.raises(ModelError, match=r"model quality cannot be used: .* not a plain file"):
        with RunningMonitor(captures, settings):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="open files keep their folder there")
def test_a_state_folder_that_is_away_for_a_moment_is_reported(tmp_path, caplog):
    captures, away = tmp_path / "captures", tmp_path / "away"
    captures.mkdir()
    with RunningMonitor(captures, private_settings(tmp_path / "state"), pipeline=LIGHT_PIPELINE) as running:
        frame(captures, 1)
        running.wait_for_outcomes(1)
        state, folder = running.monitor.state, running.monitor.folder
        folder.rename(away)
        health = state.health()
        assert "cannot be reached any more" in health.not_ready
        assert health.heartbeat.trouble == health.not_ready
        assert health.heartbeat.free_disk_bytes == 0
        away.rename(folder)
        running.wait_until(lambda: not state.health().not_ready, "the end of the trouble")
        frame(captures, 2)
        running.wait_for_outcomes(2)
    assert "Traceback" not in caplog.text


def test_lists_that_could_not_be_written_are_told_and_written_without_a_further_frame(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(list_sink, "RETRY_S", 0.1)
    captures, lists = tmp_path / "captures", tmp_path / "lists"
    captures.mkdir()
    lists.write_text("in the place of the folder")
    with RunningMonitor(
        captures, private_settings(tmp_path / "state", lists={"folder": lists}), pipeline=LIGHT_PIPELINE
    ) as running:
        frame(captures, 1)
        running.wait_for_outcomes(1)
        state = running.monitor.state
        running.wait_until(lambda: "lists cannot be written" in state.heartbeat().trouble, "the trouble")
        lists.unlink()
        running.wait_until(lambda: not state.heartbeat().trouble, "the end of the trouble")
        assert list(lists.glob("*/frames.csv"))
        assert len(running.outcomes()) == 1
    assert caplog.text.count("lists cannot be written") == 1
