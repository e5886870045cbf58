"""The document trail: what was published comes back after damage, loss and deletion, and nothing else does."""

from __future__ import annotations

import errno
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from astro_monitor.nightlog import Draft, NightLog, Sighting
from astro_monitor.nightlog import reserve as reserve_module
from astro_monitor.nightlog.trail import Kept, Trail
from astro_monitor.testing.bodies import body_of


@pytest.fixture
def folder(place):
    return place.with_name("night.trail")


def write(place, clock, judged, names, session="s"):
    """Judge frames and have a person reject the first; give everything as it stood at the end."""
    with NightLog.open(place, session, clock) as log:
        for name in names:
            log.commit(
                [Draft("frame.judged", body_of("frame.judged", judged(name)))],
                sighting=Sighting(f"/c/{name}".encode() + b"\xff", 5, 7),
            )
        log.revise(judged(names[0])["frame_id"], "reject", "astronomer", "a plane")
        return log.log_id, list(log.documents()), list(log.judged_frames())


@pytest.mark.parametrize("loss", ["deleted", "emptied", "nonsense"])
def test_everything_comes_back_when_the_log_is_gone(place, clock, judged, loss):
    log_id, documents, frames = write(place, clock, judged, ["a", "b", "c"])
    match loss:
        case "deleted":
            place.unlink()
        case "emptied":
            place.write_bytes(b"")
        case "nonsense":
            place.write_bytes(b"no database " * 1000)
    with NightLog.open(place, "again", clock) as log:
        assert log.rebuilt == len(documents) == 4
        assert list(log.documents()) == documents
        assert list(log.judged_frames()) == frames
        assert frames[0].decision == "reject"
        assert log.already_done(os.fsdecode(b"/c/b\xff"), 5, 7), "no frame is read again for it"
        assert log.log_id != log_id, "numbers may be given anew, so that clients must not trust the ones they know"
        assert log.append("list.written", body_of("list.written", LISTS)).seq == 5
    with NightLog.open(place, "later", clock) as log:
        assert (log.rebuilt, log.last_seq()) == (0, 5)


def test_a_log_that_has_lost_its_newest_documents_gets_them_back(place, clock, judged):
    """As when the write-ahead log was removed, or an old copy was put back."""
    log_id, _, _ = write(place, clock, judged, ["a", "b"])
    old = place.with_name("old")
    shutil.copy(place, old)
    _, documents, _ = write(place, clock, judged, ["c", "d"], "t")
    shutil.copy(old, place)
    with NightLog.open(place, "again", clock) as log:
        assert log.rebuilt == 3
        assert list(log.documents()) == documents
        assert log.log_id != log_id


def test_a_log_from_before_there_was_a_trail_gets_one(place, clock, judged, folder):
    _, documents, _ = write(place, clock, judged, ["a", "b"])
    shutil.rmtree(folder)
    with NightLog.open(place, "again", clock) as log:
        assert [kept.doc_id for kept in Trail(folder).documents()] == [document.doc_id for document in documents]
        assert log.rebuilt == 0


def test_the_trail_of_another_log_is_kept_aside(place, clock, judged, folder, tmp_path):
    write(place, clock, judged, ["a", "b"])
    other = tmp_path / "other" / "night.sqlite"
    _, documents, _ = write(other, clock, judged, ["x", "y", "z"])
    shutil.rmtree(folder)
    shutil.copytree(other.with_name("night.trail"), folder)
    with NightLog.open(place, "again", clock) as log:
        assert log.rebuilt == 0
        assert log.last_seq() == 3
    (aside,) = place.parent.glob("night.trail.replaced.*")
    assert [kept.doc_id for kept in Trail(aside).documents()] == [document.doc_id for document in documents]
    assert [kept.seq for kept in Trail(folder).documents()] == [1, 2, 3]


def test_a_line_cut_short_is_left_out_and_later_files_go_on(place, clock, judged, folder):
    write(place, clock, judged, ["a", "b"])
    (first,) = folder.iterdir()
    data = first.read_bytes()
    first.write_bytes(data[:-20])
    trail = Trail(folder)
    assert trail.last_seq == 2
    with NightLog.open(place, "again", clock) as log:
        log.append("list.written", body_of("list.written", LISTS))
    assert [kept.seq for kept in Trail(folder).documents()] == [1, 2, 3, 4]


def test_a_flipped_letter_ends_what_is_believed(place, clock, judged, folder):
    write(place, clock, judged, ["a", "b", "c"])
    (path,) = folder.iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"frame.judged" in lines[2]
    lines[2] = lines[2].replace(b"frame.judged", b"frame.judgee", 1)
    path.write_bytes(b"".join(lines))
    place.unlink()
    with NightLog.open(place, "again", clock) as log:
        assert log.rebuilt == 2


def test_a_trail_that_cannot_be_written_is_made_up_for_and_delays_nothing(place, clock, judged, folder, monkeypatch):
    failing = [True]
    real = os.fsync

    def fsync(descriptor):
        if failing[0] and ".trail" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "no space left on device")
        real(descriptor)

    monkeypatch.setattr("astro_monitor.nightlog.trail.os.fsync", fsync)
    with NightLog.open(place, "s", clock) as log:
        for name in "abc":
            log.commit([Draft("frame.judged", body_of("frame.judged", judged(name)))])
        assert log.last_seq() == 3
        assert list(Trail(folder).documents()) == []
        failing[0] = False
        log.commit([Draft("frame.judged", body_of("frame.judged", judged("d")))])
        assert [kept.seq for kept in Trail(folder).documents()] == [1, 2, 3, 4]


def test_files_of_the_trail_stay_small(place, clock, judged, folder, monkeypatch):
    monkeypatch.setattr("astro_monitor.nightlog.trail.MAX_FILE_BYTES", 5_000)
    _, documents, _ = write(place, clock, judged, [f"{number}" for number in range(12)])
    assert len(list(folder.iterdir())) > 3
    assert [kept.doc_id for kept in Trail(folder).documents()] == [document.doc_id for document in documents]
    assert Trail(folder).last_seq == 13


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b'{"document":[],"crc32":0}', b"\xff", b"[" * 100_000])
def test_what_is_no_line_of_a_trail_is_a_value_error(line):
    with pytest.raises(ValueError, match=r".*"):
        Kept.read(line)


def test_the_reserve_is_given_up_when_the_disk_is_full_and_laid_in_again(place, clock, judged, monkeypatch):
    monkeypatch.setattr(reserve_module, "RESERVE_BYTES", 1 << 20)
    with NightLog.open(place, "s", clock) as log:
        reserve = place.with_name("night.reserve")
        assert reserve.stat().st_size == 1 << 20
        connection = log._database._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        real = reserve_module.DiskReserve.drop

        def drop(self):
            # What the deleted file gives back to a disk, page by page.
            connection.execute(f"PRAGMA max_page_count={pages + 200}")
            return real(self)

        monkeypatch.setattr(reserve_module.DiskReserve, "drop", drop)
        for name in "abcdefgh":
            log.commit([Draft("frame.judged", body_of("frame.judged", judged(name)))])
        assert log.last_seq() == 8
        assert not reserve.exists()
    with NightLog.open(place, "t", clock):
        assert reserve.exists()


LISTS = {"folder": "/lists", "files": [], "kept": 0, "review": 0, "rejected": 0, "generation": 1}


def test_a_trail_damaged_in_an_older_file_is_written_again_when_the_log_is_checked(place, clock, judged, folder):
    _, documents, _ = write(place, clock, judged, ["a", "b", "c"])
    write(place, clock, judged, ["d"], "t")
    older = sorted(folder.iterdir())[0]
    lines = older.read_bytes().splitlines(keepends=True)
    older.write_bytes(b"".join([lines[0], lines[1][:-30] + b"\n", *lines[2:]]))
    assert not Trail(folder).is_whole()
    with NightLog.open(place, "soon", clock):
        assert not Trail(folder).is_whole(), "the log was checked a moment ago"
    clock.now += timedelta(days=8)
    with NightLog.open(place, "later", clock) as log:
        assert log.rebuilt == 0
        assert Trail(folder).is_whole()
        assert [kept.doc_id for kept in Trail(folder).documents()] == [document.doc_id for document in log.documents()]
    assert len(list(place.parent.glob("night.trail.replaced.*"))) == 1
    assert len(documents) == 4
