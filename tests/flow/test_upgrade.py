"""A state folder that version 0.1.0 made (``tests/fixtures/state_0_1_0/make.py``) goes on in this one."""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.monitor import Monitor
from astro_monitor.monitor.daemon import rig_folder
from astro_monitor.nightlog import NightLog, NightLogReader
from astro_monitor.nightlog.rows import checksum
from astro_monitor.nightlog.schema import VERSION
from astro_monitor.nightlog.trail import Kept
from astro_monitor.session import Session
from astro_monitor.settings import ListSettings, Settings, load
from astro_monitor.sinks import ListSink

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "state_0_1_0" / "state-0.1.0.tar.xz"
FOLDER_THEN = "/captures/night"
"""The capture folder of that night, on the machine that made the fixture."""
VERSION_OF_0_1_0 = 1


@pytest.fixture
def place(tmp_path) -> Path:
    """The state folder as version 0.1.0 would have written it for a capture folder that exists on this machine."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="fully_trusted")
    folder_of(tmp_path).mkdir()
    (state,) = (tmp_path / "state").glob("night-*")
    move_log(state / "nightlog.sqlite", folder_of(tmp_path))
    for file in (state / "nightlog.trail").iterdir():
        file.write_bytes(b"".join(moved_line(line, folder_of(tmp_path)) for line in file.read_bytes().splitlines()))
    for path in list((state / "lists").rglob("*")):
        if path.is_symlink():
            target = str(path.readlink()).replace(FOLDER_THEN, str(folder_of(tmp_path)))
            path.unlink()
            path.symlink_to(target)
    state.rename(rig_folder(Settings(state_folder=tmp_path / "state"), folder_of(tmp_path)))
    return tmp_path


def folder_of(place: Path) -> Path:
    return place / "night"


def move_log(log_file: Path, folder: Path) -> None:
    with sqlite3.connect(log_file) as connection:
        for row in connection.execute("SELECT * FROM documents").fetchall():
            seq, doc_id, session_id, _night, kind, time, cause, body, _ = row
            body = body.replace(FOLDER_THEN, str(folder))
            crc32 = checksum((seq, doc_id, session_id, kind, time, cause, body))
            connection.execute("UPDATE documents SET body = ?, crc32 = ? WHERE seq = ?", (body, crc32, seq))
        for seen, path in connection.execute("SELECT seen, path FROM sightings").fetchall():
            path = path.replace(os.fsencode(FOLDER_THEN), os.fsencode(folder))
            connection.execute("UPDATE sightings SET path = ? WHERE seen = ?", (path, seen))
    connection.close()


def moved_line(line: bytes, folder: Path) -> bytes:
    (row, night, where), _ = json.loads(line.replace(FOLDER_THEN.encode(), str(folder).encode())).values()
    sighting = None if where is None else (os.fsencode(where[0]), *where[1:])
    return Kept(tuple(row), night, sighting).line()


@pytest.fixture
def log_file(place) -> Path:
    (found,) = (place / "state").glob("night-*/nightlog.sqlite")
    return found


def as_written(log_file: Path) -> list[dict[str, object]]:
    """The documents as the old program wrote them, from its trail: another file than the one that is tested."""
    files = sorted(log_file.with_name("nightlog.trail").iterdir())
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    return sorted((document_of(line) for line in lines), key=lambda document: document["seq"])


def document_of(line: bytes) -> dict[str, object]:
    (seq, doc_id, _, kind, _, _, body), _, _ = json.loads(line)["document"]
    return {"seq": seq, "doc_id": doc_id, "kind": kind, "body": json.loads(body)}


def decisions_of(documents: list[dict[str, object]]) -> dict[str, str]:
    found = {}
    for document in documents:
        body = document["body"]
        if document["kind"] == "frame.judged" and "not_a_light" not in body["flags"]:
            found[body["frame_id"]] = body["decision"]
        elif document["kind"] == "frame.revised":
            found[body["frame_id"]] = body["new_decision"]
    return found


def opened(log_file: Path) -> NightLog:
    return NightLog.open(log_file, "later", SystemClock())


def test_the_fixture_is_a_night_of_that_version(log_file) -> None:
    documents = as_written(log_file)
    kinds = [document["kind"] for document in documents]
    assert kinds.count("frame.judged") == 26
    assert kinds.count("frame.failed") == 1
    assert kinds.count("frame.revised") == 2
    assert {d["body"]["software_version"] for d in documents if d["kind"] == "session.started"} == {"0.1.0"}
    with sqlite3.connect(log_file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION_OF_0_1_0,)
    connection.close()


def test_every_document_decision_and_override_is_unchanged(log_file) -> None:
    before = as_written(log_file)
    with opened(log_file) as log:
        after = [document.model_dump() for document in log.after(0, 1000)]
        frames = {row.frame_id: row for row in log.judged_frames()}
        skipped = list(log.skipped_frames())
    assert [{key: one[key] for key in ("seq", "doc_id", "kind", "body")} for one in after] == before
    assert {frame_id: row.decision for frame_id, row in frames.items()} == decisions_of(before)
    assert (len(frames), len(skipped)) == (24, 2)
    by_hand = sorted(row.why for row in frames.values() if row.decided_by != "rules")
    assert by_hand == ["fine for me", "plane lights"]


def test_the_log_is_kept_as_it_was_before_it_is_brought_up(log_file) -> None:
    before = log_file.read_bytes()
    opened(log_file).close()
    copies = list(log_file.parent.glob("nightlog.sqlite.version-*"))
    if VERSION == VERSION_OF_0_1_0:
        assert copies == []
        return
    (copy,) = copies
    with sqlite3.connect(copy) as kept, sqlite3.connect(":memory:") as old:
        old.deserialize(before)
        assert list(kept.iterdump()) == list(old.iterdump())
    kept.close()
    old.close()


def test_a_step_that_fails_leaves_the_old_log_whole(log_file, monkeypatch) -> None:
    broken = (*[("SELECT 1",)] * VERSION, ("CREATE TABLE half (a)", "this is no SQL"))
    with monkeypatch.context() as patch:
        patch.setattr("astro_monitor.nightlog.opening.MIGRATIONS", broken)
        patch.setattr("astro_monitor.nightlog.opening.VERSION", VERSION + 1)
        with pytest.raises(Exception, match="cannot be opened"):
            opened(log_file)
    with sqlite3.connect(log_file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION_OF_0_1_0,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    connection.close()
    with opened(log_file) as log:
        assert log.last_seq() == len(as_written(log_file))


def test_what_was_usual_is_learned_again_because_numbers_are_measured_differently(log_file, caplog) -> None:
    with opened(log_file) as log:
        session = Session(Settings(), log, SystemClock(), announce=lambda document: None)
        assert session.baselines() == ()
    assert "learned again" in caplog.text


def test_a_log_that_is_lost_is_rebuilt_from_the_old_trail(log_file) -> None:
    before = as_written(log_file)
    log_file.unlink()
    with opened(log_file) as log:
        assert log.last_seq() == len(before)
        assert {row.frame_id: row.decision for row in log.judged_frames()} == decisions_of(before)


def test_the_old_settings_file_is_still_understood(place) -> None:
    settings = load(place / "settings.toml")
    assert settings.watch.give_up_s == 5.0
    assert settings.judge.reject_probability == 0.5


def test_the_daemon_starts_on_it_and_ends_in_order(place, log_file) -> None:
    settings = load(place / "settings.toml", {"state_folder": place / "state", "log_file": False})
    before = as_written(log_file)
    seen = []
    stop = threading.Event()

    def on_document(document) -> None:
        seen.append(document)
        if document.kind == "session.started":
            stop.set()

    monitor = Monitor(folder_of(place), settings, on_document=on_document)
    assert monitor.night_log_path == log_file
    monitor.run(stop)
    assert [document.kind for document in seen][-1] == "session.stopped"
    assert seen[0].seq > len(before)
    with NightLogReader.read(log_file) as log:
        assert {row.frame_id: row.decision for row in log.judged_frames()} == decisions_of(before)


def test_old_lists_are_replaced_and_their_links_with_them(place, log_file) -> None:
    lists = log_file.with_name("lists")
    old = {path.relative_to(lists) for path in lists.rglob("*") if not path.is_dir()}
    mine = lists / "demo_field_l_120s_1280x960" / "siril" / "lights" / "my own.fit"
    mine.write_bytes(b"mine")
    with opened(log_file) as log:
        ListSink(log, lists, ListSettings(), roots=(folder_of(place),)).write(force=True)
    assert mine.read_bytes() == b"mine"
    left = {path.relative_to(lists) for path in lists.rglob("*") if path.is_symlink() and not path.exists()}
    assert left == set(), sorted(old)
