"""Which files are opened, which are refused untouched, which are set aside."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from astro_monitor.errors import NightLogError
from astro_monitor.nightlog import NightLog, NightLogReader, localdisk, opening
from astro_monitor.nightlog.schema import APPLICATION_ID, MIGRATIONS, VERSION
from astro_monitor.testing.bodies import body_of


def some_log(place: Path, clock, body) -> str:
    with NightLog.open(place, "a", clock) as log:
        log.append("session.started", body_of("session.started", body("session.started")))
        return log.log_id


def test_durability_settings_are_what_the_version_of_sqlite_allows(night_log, place):
    connection = night_log._database._connection
    asked = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "cell_size_check", "mmap_size")
    }
    journal = "wal" if opening.wal_is_safe(sqlite3.sqlite_version_info) else "truncate"
    assert asked == {
        "journal_mode": journal, "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1,
        "mmap_size": 0,
    }  # fmt: skip
    assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    assert connection.execute("PRAGMA user_version").fetchone()[0] == VERSION


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 6), False),
        ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 52, 0), True),
    ],
)  # fmt: skip
def test_wal_is_used_only_where_the_reset_bug_is_mended(version, safe):
    assert opening.wal_is_safe(version) is safe


@pytest.mark.parametrize("safe", [True, False])
def test_both_journals_work_and_follow_each_other(place, clock, body, monkeypatch, safe):
    for now_safe in (safe, not safe):
        monkeypatch.setattr(opening, "wal_is_safe", lambda version, now_safe=now_safe: now_safe)
        with NightLog.open(place, "a", clock) as log:
            log.append("list.written", body_of("list.written", body("list.written")))
            with NightLogReader.read(place) as reader:
                assert reader.last_seq() == log.last_seq()


def test_a_second_program_is_refused_and_may_follow_the_first(place, clock, night_log, body):
    with pytest.raises(NightLogError, match=r"another astro-monitor \(process \d+\)"):
        NightLog.open(place, "b", clock)
    night_log.append("list.written", body_of("list.written", body("list.written")))
    night_log.close()
    NightLog.open(place, "b", clock).close()


def test_a_lock_file_left_behind_does_not_block(place, clock):
    place.parent.mkdir()
    place.with_name(place.name + ".lock").write_text("99999999\n")
    NightLog.open(place, "a", clock).close()


def test_a_newer_log_is_refused_untouched(place, clock, body):
    some_log(place, clock, body)
    connection = sqlite3.connect(place)
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = place.read_bytes()
    for attempt in (lambda: NightLog.open(place, "b", clock), lambda: NightLogReader.read(place)):
        with pytest.raises(NightLogError, match="newer astro-monitor"):
            attempt()
    assert place.read_bytes() == before


@pytest.mark.parametrize("application_id", [0, 7])
def test_another_programs_database_is_refused_untouched(place, clock, application_id):
    place.parent.mkdir()
    connection = sqlite3.connect(place)
    connection.executescript(f"PRAGMA application_id={application_id}; CREATE TABLE stamps (name TEXT);")
    connection.close()
    before = place.read_bytes()
    with pytest.raises(NightLogError, match="another program"):
        NightLog.open(place, "a", clock)
    assert place.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all", b"x" * 5000], ids=["short", "long"])
def test_what_is_no_database_is_set_aside(place, clock, content):
    place.parent.mkdir()
    place.write_bytes(content)
    with NightLog.open(place, "a", clock) as log:
        assert log.set_aside is not None
        assert ".corrupt.20261120T21" in log.set_aside.name
        assert log.set_aside.read_bytes() == content
    with NightLog.open(place, "b", clock) as log:
        assert log.set_aside is not None, "it is remembered"


def test_a_damaged_log_is_set_aside_and_a_new_one_begins(place, clock, body):
    first = some_log(place, clock, body)
    data = bytearray(place.read_bytes())
    data[100:4096] = b"\xff" * 3996
    place.write_bytes(data)
    with NightLog.open(place, "b", clock) as log:
        assert log.log_id != first
        assert log.last_seq() == log.rebuilt == 1, "the document comes back from the trail"
        assert log.set_aside is not None
        assert log.set_aside.read_bytes() == bytes(data)


def test_a_hole_in_the_numbers_is_damage(place, clock, body):
    some_log(place, clock, body)
    connection = sqlite3.connect(place)
    connection.execute("UPDATE documents SET seq = 5")
    connection.commit()
    connection.close()
    with NightLog.open(place, "b", clock) as log:
        assert log.set_aside is not None


def test_a_changed_row_is_noticed_when_it_is_read_and_set_aside_at_the_next_start(place, clock, body):
    some_log(place, clock, body)
    with NightLog.open(place, "b", clock) as log:
        log.append("session.stopped", body_of("session.stopped", body("session.stopped")))
    change_a_row(place, 1)
    with (
        NightLog.open(place, "b", clock) as log,
        pytest.raises(NightLogError, match="document 1 of the night log is damaged"),
    ):
        log.after(0, 1)
    with NightLog.open(place, "c", clock) as log:
        assert log.set_aside is not None
        assert [document.body.get("mode") for document in log.documents()] == ["watch", None], "as it was"


def test_a_changed_newest_row_is_noticed_at_once_and_comes_back_as_it_was(place, clock, body):
    some_log(place, clock, body)
    change_a_row(place, 1)
    with NightLog.open(place, "b", clock) as log:
        assert log.set_aside is not None
        assert [document.body["mode"] for document in log.documents()] == ["watch"]


def change_a_row(place: Path, seq: int) -> None:
    connection = sqlite3.connect(place)
    connection.execute("UPDATE documents SET body = replace(body, 'watch', 'grade') WHERE seq = ?", (seq,))
    connection.commit()
    connection.close()


def test_an_empty_file_is_a_new_log(place, clock):
    place.parent.mkdir()
    place.touch()
    with NightLog.open(place, "a", clock) as log:
        assert (log.last_seq(), log.set_aside) == (0, None)


def test_a_failed_migration_leaves_nothing(place, clock, monkeypatch):
    monkeypatch.setattr(opening, "MIGRATIONS", (("CREATE TABLE about (x)", "CREATE NONSENSE"),))
    with pytest.raises(NightLogError, match="cannot be opened"):
        NightLog.open(place, "a", clock)
    monkeypatch.undo()
    with NightLog.open(place, "a", clock) as log:
        assert log.set_aside is None


def test_reading_needs_a_log_that_is_there(tmp_path, clock):
    with pytest.raises(NightLogError, match="no night log at"):
        NightLogReader.read(tmp_path / "none.sqlite")
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 200)
    with pytest.raises(NightLogError, match="cannot be read"):
        NightLogReader.read(tmp_path / "bad.sqlite")


def test_a_reader_cannot_write(night_log, place):
    with NightLogReader.read(place) as reader, pytest.raises(NightLogError):
        reader._database.rows("DELETE FROM documents")


def test_a_state_folder_that_cannot_be_made_is_reported(tmp_path, clock):
    (tmp_path / "file").touch()
    with pytest.raises(NightLogError, match="cannot be made"):
        NightLog.open(tmp_path / "file" / "night.sqlite", "a", clock)


def test_a_network_share_is_refused(place, clock, monkeypatch):
    monkeypatch.setattr(opening, "network_kind", lambda folder: "nfs4")
    with pytest.raises(NightLogError, match=r"network share \(nfs4\)"):
        NightLog.open(place, "a", clock)
    assert not place.exists()


MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/x /mnt/nas nfs4 rw 0 0
/dev/sdb1 /mnt/nas/local ext4 rw 0 0
//nas/share /media/my\040share cifs rw 0 0
user@host: /home/me/remote fuse.sshfs rw 0 0
/dev/sdc1 /media/stick fuseblk rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me", None), ("/mnt/nas/state", "nfs4"), ("/mnt/nas", "nfs4"), ("/mnt/nasty", None),
        ("/mnt/nas/local/state", None), ("/media/my share/x", "cifs"), ("/home/me/remote/x", "fuse.sshfs"),
        ("/media/stick", None),
    ],
)  # fmt: skip
def test_the_mount_table_distinguishes_network_from_local(folder, kind):
    assert localdisk.kind_in_mounts(folder, MOUNTS) == kind


def test_this_computers_temporary_folder_is_local(tmp_path):
    assert localdisk.network_kind(tmp_path) is None


def test_a_log_of_an_earlier_version_is_brought_up_and_kept_as_it_was(place, clock, body, monkeypatch):
    some_log(place, clock, body)
    later = (*MIGRATIONS, ("CREATE TABLE moods (mood TEXT)",))
    monkeypatch.setattr(opening, "MIGRATIONS", later)
    monkeypatch.setattr(opening, "VERSION", VERSION + 1)
    with NightLog.open(place, "b", clock) as log:
        assert log.last_seq() == 1
        log.append("session.stopped", body_of("session.stopped", body("session.stopped")))
    monkeypatch.undo()
    with pytest.raises(NightLogError, match="newer astro-monitor"):
        NightLog.open(place, "c", clock)
    place.with_name(f"night.sqlite.version-{VERSION}").rename(place)
    with NightLog.open(place, "d", clock) as log:
        assert log.set_aside is None
        assert log.rebuilt == 1, "what the newer program has written since comes back from the trail"
        assert log.last_seq() == 2


def test_a_log_that_was_closed_in_order_is_checked_whole_each_week(place, clock, body):
    some_log(place, clock, body)
    with NightLog.open(place, "b", clock) as log:
        log.append("session.stopped", body_of("session.stopped", body("session.stopped")))
    change_a_row(place, 1)
    with NightLog.open(place, "c", clock) as log:
        assert log.set_aside is None, "a week is not over"
    clock.now += timedelta(days=8)
    with NightLog.open(place, "d", clock) as log:
        assert log.set_aside is not None
        assert log.rebuilt == 2
