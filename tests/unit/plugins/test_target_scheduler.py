"""Grades for N.I.N.A.'s Target Scheduler: dry run first, nobody else's decisions, all of it reversible."""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from astro_monitor.lists import ListedFrame, write_lists

NIGHT = datetime(2026, 3, 1, 20, tzinfo=UTC).timestamp()

# As in NINA.Plugin.TargetScheduler, schema 22, the tables that matter here.
SCHEMA = """
PRAGMA user_version = 22;
CREATE TABLE acquiredimage (
    Id INTEGER NOT NULL, projectId INTEGER NOT NULL, targetId INTEGER NOT NULL, acquireddate INTEGER,
    filtername TEXT NOT NULL, "gradingStatus" INTEGER NOT NULL, metadata TEXT NOT NULL, rejectreason TEXT,
    profileId TEXT, exposureId INTEGER DEFAULT 0, guid TEXT, PRIMARY KEY(Id)
);
CREATE TABLE exposureplan (
    Id INTEGER NOT NULL, profileId TEXT NOT NULL, exposure REAL NOT NULL, desired INTEGER, acquired INTEGER,
    accepted INTEGER, targetid INTEGER, exposureTemplateId INTEGER, enabled INTEGER DEFAULT 1, guid TEXT,
    PRIMARY KEY(Id)
);
INSERT INTO exposureplan VALUES (7, 'p', 60.0, 20, 6, 1, 1, 1, 1, 'g');
"""


@pytest.fixture
def command(repository, monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(repository / "plugins" / "nina-target-scheduler"))
    return importlib.import_module("astro_monitor_target_scheduler.command")


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "schedulerdb.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        for number, (status, minutes) in enumerate([(0, 1), (0, 2), (2, 3), (1, 4), (0, 500), (0, 6)], 1):
            connection.execute(
                "INSERT INTO acquiredimage VALUES (?, 1, 1, ?, 'L', ?, ?, ?, 'p', 7, ?)",
                (number, int(NIGHT + 60 * minutes), status,
                 json.dumps({"FileName": f"C:\\capture\\light {number}.fits"}), "HFR" if status == 2 else None, number),
            )  # fmt: skip
    connection.close()
    return path


@pytest.fixture
def lists(tmp_path) -> Path:
    decisions = ["keep", "reject", "keep", "reject", "keep", "review"]
    frames = [
        ListedFrame(
            file=f"/mnt/capture/light {number}.fits", frame_id=f"{number:016x}", decision=decision, target="M 31",
            filter="L", exposure_s=60.0, reasons=("Stars are elongated.",), seq=number,
            date_obs_utc=f"2026-03-01T20:{number:02d}:00.000Z",
        )
        for number, decision in enumerate(decisions, 1)
    ]  # fmt: skip
    write_lists(frames, tmp_path / "lists")
    return tmp_path / "lists"


def state(database: Path) -> tuple[list[tuple[int, str | None]], int]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT gradingStatus, rejectreason FROM acquiredimage ORDER BY Id").fetchall()
        (accepted,) = connection.execute("SELECT accepted FROM exposureplan").fetchone()
    connection.close()
    return rows, accepted


def test_a_dry_run_says_what_would_change_and_changes_nothing(command, database, lists, capsys) -> None:
    before = database.read_bytes()
    assert command.main(["grade", str(lists), str(database)]) == 0
    said = capsys.readouterr().out
    assert "light 1.fits: pending → accepted" in said
    assert "light 2.fits: pending → rejected  [Auto] astro-monitor: Stars are elongated." in said
    assert "2 of 4 images would be graded; nothing was changed" in said
    assert database.read_bytes() == before


def everything(database: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in database.parent.glob("schedulerdb*")}


@pytest.mark.parametrize("journal", ["wal", "delete", "truncate"])
@pytest.mark.parametrize("in_use", [True, False])
def test_a_dry_run_leaves_the_database_and_its_side_files_as_they_are(
    command, database, lists, capsys, journal, in_use
) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("UPDATE acquiredimage SET gradingStatus = 0 WHERE Id = 4")
        if not in_use:
            connection.close()
        before = everything(database)
        assert ("schedulerdb.sqlite-wal" in before) == (in_use and journal == "wal")
        assert command.main(["grade", str(lists), str(database)]) == 0
        assert everything(database) == before
    assert "light 4.fits: pending → rejected" in capsys.readouterr().out, "what is in the -wal file counts"


def test_a_dry_run_of_a_database_that_a_crash_left_shows_what_holds_and_mends_nothing(
    command, database, lists, capsys, tmp_path
) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("UPDATE acquiredimage SET gradingStatus = 0 WHERE Id = 4")
        for path in database.parent.glob("schedulerdb*"):
            shutil.copy2(path, crashed)
    before = everything(crashed / database.name)
    assert set(before) > {database.name}
    assert command.main(["grade", str(lists), str(crashed / database.name)]) == 0
    assert everything(crashed / database.name) == before
    assert "light 4.fits: pending → rejected" in capsys.readouterr().out


@pytest.mark.parametrize("date", ["2026-03-01 20:01:00", "", "yesterday", b"\x00"])
@pytest.mark.parametrize("option", [[], ["--apply"]])
def test_a_date_that_is_no_number_is_one_sentence(command, database, lists, capsys, date, option) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE acquiredimage SET acquireddate = ? WHERE Id = 2", (date,))
    connection.close()
    before = state(database)
    assert command.main(["grade", str(lists), str(database), *option]) == 1
    said = capsys.readouterr().err
    assert "image 2 has the date" in said
    assert said.count("\n") == 1
    assert state(database) == before


def test_only_pending_images_of_the_same_name_and_time_are_graded(command, database, lists) -> None:
    assert command.main(["grade", str(lists), str(database), "--apply"]) == 0
    rows, accepted = state(database)
    # 3 and 4 were decided by others, 5 was taken at another time, 6 waits for a look.
    assert [status for status, _ in rows] == [1, 2, 2, 1, 0, 0]
    assert rows[1][1] == "[Auto] astro-monitor: Stars are elongated."
    assert rows[2][1] == "HFR"
    assert accepted == 2
    assert command.main(["grade", str(lists), str(database), "--apply"]) == 0
    assert state(database) == (rows, accepted)


def test_a_later_decision_follows_but_not_over_the_users(command, database, lists, tmp_path) -> None:
    command.main(["grade", str(lists), str(database), "--apply"])
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE acquiredimage SET gradingStatus = 1 WHERE Id = 2")
    connection.close()
    path = next(lists.glob("*/frames.json"))
    path.write_text(path.read_text("utf-8").replace('"decision": "keep"', '"decision": "reject"'), "utf-8")
    command.main(["grade", str(lists), str(database), "--apply"])
    rows, accepted = state(database)
    assert [status for status, _ in rows] == [2, 1, 2, 1, 0, 0]
    assert accepted == 1


def test_all_of_it_can_be_taken_back(command, database, lists) -> None:
    before = state(database)
    command.main(["grade", str(lists), str(database), "--apply"])
    assert state(database) != before
    assert command.main(["undo", str(database)]) == 0
    assert state(database) == before


def test_a_failure_in_the_middle_leaves_nothing(command, database, lists) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE UPDATE ON acquiredimage WHEN NEW.Id = 2 BEGIN SELECT RAISE(ABORT, 'disk'); END"
        )
    connection.close()
    before = state(database)
    assert command.main(["grade", str(lists), str(database), "--apply"]) == 1
    assert state(database) == before


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(b"no database at all" * 100), "cannot be used"),
        (lambda path: _old(path), "update Target Scheduler"),
    ],
)
def test_a_wrong_database_is_one_sentence(command, database, lists, capsys, spoil, words) -> None:
    spoil(database)
    assert command.main(["grade", str(lists), str(database)]) == 1
    assert words in capsys.readouterr().err


def test_lists_that_are_not_there_are_one_sentence(command, database, tmp_path, capsys) -> None:
    assert command.main(["grade", str(tmp_path / "nothing"), str(database)]) == 1
    assert "no frames.json" in capsys.readouterr().err


def _old(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE acquiredimage (Id INTEGER, accepted INTEGER, metadata TEXT)")
    connection.close()
