"""The watcher is lost, blind or refused, or the folder goes away: nothing is missed, and no thread is left."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
)

from astro_monitor.clock import SystemClock
from astro_monitor.errors import NightLogError
from astro_monitor.plain import because
from astro_monitor.records import Arrival, Failed
from astro_monitor.settings import WatchSettings
from astro_monitor.testing.folders import ScriptedClock, ScriptedWatcher, put, small_fits, watch_until
from astro_monitor.watch import EventWatcher, FolderSource, Hint, Hints, Sighting
from astro_monitor.watch import candidates as candidates_module
from astro_monitor.watch import scan as scan_module
from astro_monitor.watch.events import REPORTS_WRITING, read_event
from astro_monitor.watch.probe import look_into
from astro_monitor.watch.settle import Settling

WHOLE = small_fits()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()


@pytest.fixture
def clock() -> ScriptedClock:
    return ScriptedClock()


@pytest.fixture
def watcher() -> ScriptedWatcher:
    return ScriptedWatcher()


def source_on(root: Path, clock: ScriptedClock, watcher: ScriptedWatcher) -> FolderSource:
    return FolderSource(root, WatchSettings(), clock, start_watcher=watcher, jitter=random.Random(1))


def names(items: list[tuple[float, object]]) -> list[str]:
    return [item.path.name for _, item in items if isinstance(item, Arrival)]


def test_a_dead_watcher_is_replaced_and_the_folder_scanned(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    def die() -> None:
        watcher.alive = False

    clock.at(12.0, die)
    clock.at(12.5, lambda: put(clock, tmp_path / "a.fits", WHOLE))
    clock.at(12.5, lambda: watcher.tell(tmp_path / "a.fits", Hint.CLOSED))
    items = watch_until(source_on(tmp_path, clock, watcher), clock, 60)
    assert watcher.started == 2
    assert names(items) == ["a.fits"]
    assert items[0][0] < 12.0 + 5.0 + 3.0


def test_a_folder_that_is_removed_and_made_again_is_watched_again(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    root = tmp_path / "night"
    root.mkdir()
    states: list[str] = []
    source = source_on(root, clock, watcher)
    clock.at(12.0, root.rmdir)
    clock.at(19.0, lambda: states.append(source.state()))
    clock.at(30.0, root.mkdir)
    clock.at(30.0, lambda: put(clock, root / "a.fits", WHOLE))
    clock.at(37.0, lambda: states.append(source.state()))
    items = watch_until(source, clock, 60)
    assert states == [f"the folder {str(root)!r} is missing", "watching by events"]
    assert names(items) == ["a.fits"]
    assert items[0][0] < 38.0


def test_another_folder_in_the_place_of_the_first_is_noticed(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    root, other = tmp_path / "night", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    put(clock, other / "a.fits", WHOLE)
    clock.at(12.0, lambda: root.rename(tmp_path / "old"))
    clock.at(12.0, lambda: other.rename(root))
    items = watch_until(source_on(root, clock, watcher), clock, 60)
    assert watcher.started == 2
    assert names(items) == ["a.fits"]
    assert items[0][0] < 20.0


def test_a_folder_that_is_not_there_at_the_start_is_waited_for(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    root = tmp_path / "share" / "night"
    clock.at(20.0, lambda: root.mkdir(parents=True))
    clock.at(22.0, lambda: put(clock, root / "a.fits", WHOLE))
    assert names(watch_until(source_on(root, clock, watcher), clock, 60)) == ["a.fits"]


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances"), (errno.EIO, "says")]
)
def test_a_system_that_allows_no_watcher_is_polled_and_asked_again(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, number: int, word: str
) -> None:
    watcher.refuses = OSError(number, os.strerror(number))
    states: list[str] = []
    source = source_on(tmp_path, clock, watcher)

    def allow() -> None:
        watcher.refuses = None

    clock.at(20.0, lambda: put(clock, tmp_path / "a.fits", WHOLE))
    clock.at(50.0, lambda: states.append(source.state()))
    clock.at(51.0, allow)
    clock.at(90.0, lambda: states.append(source.state()))
    items = watch_until(source, clock, 91)
    assert word in states[0]
    assert states[1] == "watching by events"
    assert names(items) == ["a.fits"]
    assert items[0][0] < 20.0 + 2.5 + 3.0


def test_a_watcher_that_reports_no_new_files_is_replaced(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    for number in range(30):
        clock.at(100.0 + 10 * number, lambda number=number: put(clock, tmp_path / f"{number}.fits", WHOLE))
    items = watch_until(source_on(tmp_path, clock, watcher), clock, 450)
    assert len(names(items)) == 30
    assert 4 <= watcher.started <= 7


def test_an_event_about_another_place_is_not_believed(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    put(clock, other / "a.fits", WHOLE)
    for path in (other / "a.fits", root / "gone.fits", root, tmp_path, Path("/")):
        clock.at(3.0, lambda path=path: watcher.tell(path, Hint.CLOSED))
        clock.at(4.0, lambda path=path: watcher.tell(path, Hint.FOLDER))
    assert watch_until(source_on(root, clock, watcher), clock, 30) == []


def test_a_folder_that_cannot_be_listed_for_a_while_costs_nothing(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(clock, tmp_path / "a.fits", WHOLE)
    real = os.scandir

    def broken(path: str) -> object:
        if 10.0 < clock.monotonic() < 60.0:
            raise OSError(errno.ESTALE, "stale file handle")
        return real(path)

    monkeypatch.setattr("astro_monitor.watch.scan.os.scandir", broken)
    clock.at(20.0, lambda: put(clock, tmp_path / "b.fits", WHOLE))
    items = watch_until(source_on(tmp_path, clock, watcher), clock, 100)
    assert names(items) == ["a.fits", "b.fits"]


@pytest.mark.parametrize("denied", ["the list", "the files"])
def test_a_folder_without_permission_is_reported_until_it_can_be_read(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch, denied: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    (tmp_path / "sub").mkdir()
    put(clock, tmp_path / "a.fits", WHOLE)
    put(clock, tmp_path / "sub" / "b.fits", WHOLE)
    real_list, real_sight = os.scandir, scan_module.sighting_of
    inode = (tmp_path / "sub" / "b.fits").stat().st_ino

    def refuse() -> None:
        if clock.monotonic() < 60.0:
            raise PermissionError(errno.EACCES, "Permission denied")

    def listed(path: str) -> object:
        if denied == "the list" and path.endswith("sub"):
            refuse()
        return real_list(path)

    def sighted(status: os.stat_result) -> Sighting:
        if denied == "the files" and status.st_ino == inode:
            refuse()
        return real_sight(status)

    monkeypatch.setattr("astro_monitor.watch.scan.os.scandir", listed)
    monkeypatch.setattr(scan_module, "sighting_of", sighted)
    source = source_on(tmp_path, clock, watcher)
    said: list[tuple[str, str]] = []
    for at_s in (30.0, 90.0):
        clock.at(at_s, lambda: said.append((source.blind_spots(), source.trouble())))
    items = watch_until(source, clock, 100)
    assert names(items) == ["a.fits", "b.fits"]
    assert items[1][0] >= 60.0
    assert said == [("New frames in sub are not seen: permission is denied; check the permissions.", ""), ("", "")]
    assert caplog.text.count("New frames in sub are not seen") == 1


def test_a_file_the_system_cannot_read_for_a_while_arrives_later(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = look_into

    def broken(path: str, *known: Any) -> object:
        if clock.monotonic() < 60.0:
            raise OSError(errno.EIO, "input/output error")
        return real(path, *known)

    monkeypatch.setattr(candidates_module, "look_into", broken)
    put(clock, tmp_path / "a.fits", WHOLE)
    items = watch_until(source_on(tmp_path, clock, watcher), clock, 100)
    assert names(items) == ["a.fits"]
    assert items[0][0] >= 60.0


def test_a_file_that_must_not_be_read_is_left_to_the_reader_to_complain_about(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: str, *known: Any) -> object:
        raise PermissionError(errno.EACCES, "permission denied")

    monkeypatch.setattr("astro_monitor.watch.candidates.look_into", forbidden)
    put(clock, tmp_path / "a.fits", WHOLE)
    assert names(watch_until(source_on(tmp_path, clock, watcher), clock, 10)) == ["a.fits"]


def test_a_night_log_that_does_not_answer_for_a_while_delays_files_and_loses_none(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, caplog: pytest.LogCaptureFixture
) -> None:
    def busy(path: Path, sighting: Sighting, digest: object) -> bool:
        if clock.monotonic() < 60.0:
            raise NightLogError("the night log is busy")
        return path.name == "done.fits"

    for name in ("a.fits", "done.fits"):
        put(clock, tmp_path / name, WHOLE)
    clock.at(20.0, lambda: watcher.tell(tmp_path / "a.fits", Hint.CLOSED))
    source = FolderSource(
        tmp_path, WatchSettings(), clock, already_done=busy, start_watcher=watcher, jitter=random.Random(1)
    )
    items = watch_until(source, clock, 100)
    assert names(items) == ["a.fits"]
    assert items[0][0] >= 60.0
    assert caplog.text.count("new files wait until it can") == 1


def test_nothing_is_written_into_the_folder(tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher) -> None:
    put(clock, tmp_path / "a.fits", WHOLE)
    put(clock, tmp_path / "short.fits", WHOLE[:4000])
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes()) for path in tmp_path.iterdir()}
    folder_ns = tmp_path.stat().st_mtime_ns
    tmp_path.chmod(0o555)
    watch_until(source_on(tmp_path, clock, watcher), clock, 700)
    tmp_path.chmod(0o755)
    after = {path: (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes()) for path in tmp_path.iterdir()}
    assert (after, tmp_path.stat().st_mtime_ns) == (before, folder_ns)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (FileCreatedEvent("/n/a.fits"), [("/n/a.fits", Hint.TOUCHED)]),
        (FileModifiedEvent("/n/a.fits"), [("/n/a.fits", Hint.WRITTEN if REPORTS_WRITING else Hint.TOUCHED)]),
        (FileClosedEvent("/n/a.fits"), [("/n/a.fits", Hint.CLOSED)]),
        (FileMovedEvent("/n/t.tmp", "/n/a.fits"), [("/n/a.fits", Hint.CLOSED)]),
        (FileMovedEvent("/n/a.fits", ""), []),
        (FileDeletedEvent("/n/a.fits"), []),
        (DirCreatedEvent("/n/d"), [("/n/d", Hint.FOLDER)]),
        (DirMovedEvent("/n/c", "/n/d"), [("/n/d", Hint.FOLDER)]),
        (DirDeletedEvent("/n/d"), []),
        (FileClosedEvent(b"/n/\xff.fits"), [("/n/\udcff.fits", Hint.CLOSED)]),
    ],
)
def test_events_are_read(event: FileSystemEvent, expected: list[tuple[str, Hint]]) -> None:
    assert read_event(event) == expected


def test_an_unknown_event_does_not_end_the_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = iter([RuntimeError("once")])

    def broken(event: FileSystemEvent) -> list[tuple[str, Hint]]:
        for error in calls:
            raise error
        return read_event(event)

    monkeypatch.setattr("astro_monitor.watch.events.read_event", broken)
    hints = Hints()
    watcher = EventWatcher(str(tmp_path), hints)
    try:
        (tmp_path / "a.fits").write_bytes(WHOLE)
        assert hints.wake.wait(10)
        assert watcher.healthy()
    finally:
        watcher.stop()
    assert "could not be processed" in caplog.text
    assert not watcher.healthy()


def test_a_watcher_that_lost_one_of_its_threads_is_not_healthy(tmp_path: Path) -> None:
    root = tmp_path / "night"
    root.mkdir()
    watcher = EventWatcher(str(root), Hints())
    try:
        assert watcher.healthy()
        emitters = [thread for thread in threading.enumerate() if "Emitter" in type(thread).__name__]
        assert emitters
        root.rmdir()
        for emitter in emitters:
            emitter.join(10)
        assert not watcher.healthy()
    finally:
        watcher.stop()


def test_a_watcher_that_cannot_be_started_leaves_no_thread(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        EventWatcher(str(tmp_path / "gone"), Hints())


def test_hints_are_merged_and_bounded() -> None:
    hints = Hints(limit=2)
    hints.put("a", Hint.TOUCHED)
    hints.put("a", Hint.CLOSED)
    hints.put("a", Hint.TOUCHED)
    assert hints.take_all() == ({"a": Hint.CLOSED}, False)
    assert hints.take_all() == ({}, False)
    for name in "abc":
        hints.put(name, Hint.TOUCHED)
    assert hints.take_all() == ({"c": Hint.TOUCHED}, True)
    assert not hints.wake.is_set()


def test_a_real_folder_with_real_events_and_a_real_clock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A capture program of our own: sub-folder, direct write, rename, and a burst; then all threads end."""
    stop, items = threading.Event(), []
    started = threading.Event()
    settings = WatchSettings(quiet_s=0.2, rescan_s=1.0)
    source = FolderSource(tmp_path, settings, SystemClock())

    def consume() -> None:
        for arrival in source.arrivals(stop):
            items.append(arrival)
            if arrival.path.name == "first.fits":
                started.set()
            if len(items) == 103:
                stop.set()

    thread = threading.Thread(target=consume)
    with caplog.at_level(logging.WARNING):
        thread.start()
        (tmp_path / "first.fits").write_bytes(WHOLE)
        assert started.wait(20)
        (tmp_path / "a.fits").write_bytes(WHOLE)
        (tmp_path / "b.tmp").write_bytes(WHOLE)
        (tmp_path / "b.tmp").rename(tmp_path / "b.fits")
        for number in range(100):
            folder = tmp_path / f"{number}"
            folder.mkdir()
            (folder / "c.fits").write_bytes(WHOLE)
        thread.join(60)
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert len({item.path for item in items}) == len(items) == 103
    assert caplog.records == []


def test_a_source_shows_that_it_goes_round_also_in_the_middle_of_long_work(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    for number in range(30):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        put(clock, folder / "a.fits", WHOLE)
    turns: list[float] = []
    source = FolderSource(
        tmp_path, WatchSettings(), clock, start_watcher=watcher, jitter=random.Random(1),
        on_turn=lambda: turns.append(clock.monotonic()),
    )  # fmt: skip
    assert len(watch_until(source, clock, 20.0)) == 30
    assert turns.count(0.0) > 30, "once for each folder of a scan"
    assert max(after - before for before, after in itertools.pairwise(turns)) <= 0.5


def test_a_share_that_has_hung_for_an_hour_is_looked_at_again_soon(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hung = os.scandir, iter([3600.0])

    def hanging(path: str) -> object:
        if clock.monotonic() > 30.0:
            clock._now_s += next(hung, 0.0)
        return real(path)

    monkeypatch.setattr("astro_monitor.watch.scan.os.scandir", hanging)
    source = FolderSource(
        tmp_path, WatchSettings(mode="polling"), clock, start_watcher=watcher, jitter=random.Random(1)
    )
    clock.at(3640.0, lambda: put(clock, tmp_path / "a.fits", WHOLE))
    items = watch_until(source, clock, 4000.0)
    assert names(items) == ["a.fits"]
    assert items[0][0] < 3640.0 + 30.0 + 5.0


def test_polling_says_when_folders_are_deeper_than_it_goes(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, caplog: pytest.LogCaptureFixture
) -> None:
    deep = tmp_path.joinpath(*("d" * 65))
    deep.mkdir(parents=True)
    put(clock, deep / "a.fits", WHOLE)
    states: list[str] = []
    source = FolderSource(tmp_path, WatchSettings(mode="polling"), clock, jitter=random.Random(1))
    clock.at(20.0, lambda: states.append(source.state()))
    clock.at(21.0, (deep / "a.fits").unlink)
    clock.at(22.0, deep.rmdir)
    clock.at(40.0, lambda: states.append(source.state()))
    assert watch_until(source, clock, 60) == []
    assert states == [
        f"looking each 2 s; folders deeper than 64 are not searched: {str(deep)!r}",
        "looking each 2 s",
    ]
    assert caplog.text.count("folders deeper than 64 are not searched") == 1


def test_a_deep_file_known_by_an_event_is_not_forgotten_by_the_next_scan(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher
) -> None:
    deep = tmp_path.joinpath(*("d" * 66))
    deep.mkdir(parents=True)
    clock.at(3.0, lambda: put(clock, deep / "a.fits", WHOLE))
    for at_s in (3.0, 50.0):
        clock.at(at_s, lambda: watcher.tell(deep / "a.fits", Hint.TOUCHED))
    assert names(watch_until(source_on(tmp_path, clock, watcher), clock, 100)) == ["a.fits"]


@pytest.mark.parametrize("place", ["look_into", "Settling.decide", "sighting_of", "sighting_of for a walk"])
def test_an_error_about_one_file_costs_that_file_once(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    put(clock, tmp_path / "odd.fits", WHOLE)
    put(clock, tmp_path / "a.fits", WHOLE + b"tail")
    clock.at(20.0, lambda: put(clock, tmp_path / "b.fits", WHOLE + b"tail"))
    if place == "look_into":
        look = look_into

        def looking(path: str, *known: Any) -> object:
            if path.endswith("odd.fits"):
                raise ZeroDivisionError("nonsense")
            return look(path, *known)

        monkeypatch.setattr(candidates_module, "look_into", looking)
    elif place == "Settling.decide":
        decide = Settling.decide

        def deciding(self: Any, *arguments: Any, **options: Any) -> object:
            if self.sighting.size_bytes == len(WHOLE):
                raise OverflowError("int too large")
            return decide(self, *arguments, **options)

        monkeypatch.setattr(Settling, "decide", deciding)
    else:
        sighting = scan_module.sighting_of

        def seeing(status: os.stat_result) -> Sighting:
            if status.st_size == len(WHOLE):
                raise OverflowError("int too large")
            return sighting(status)

        monkeypatch.setattr(scan_module, "sighting_of", seeing)
        if place == "sighting_of":
            clock.at(0.0, lambda: watcher.tell(tmp_path / "odd.fits", Hint.CLOSED))
    items = watch_until(source_on(tmp_path, clock, watcher), clock, 100)
    assert sorted(names(items)) == ["a.fits", "b.fits"]
    (failed,) = [item for _, item in items if isinstance(item, Failed)]
    assert (failed.arrival.path.name, failed.kind, failed.stage, failed.known) == (
        "odd.fits",
        "unforeseen",
        "watch",
        False,
    )


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
@pytest.mark.parametrize("call", ["scandir", "open"])
def test_a_program_that_may_open_no_more_files_says_so_and_goes_on_by_itself(
    tmp_path: Path,
    clock: ScriptedClock,
    watcher: ScriptedWatcher,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    call: str,
) -> None:
    """For longer than a file may stay short: its failure is not the file's."""
    real = getattr(os, call)

    def exhausted(*arguments: Any, **options: Any) -> object:
        if 10.0 < clock.monotonic() < 900.0:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    target = "astro_monitor.watch.scan.os.scandir" if call == "scandir" else "astro_monitor.watch.probe.os.open"
    monkeypatch.setattr(target, exhausted)
    troubles: list[str] = []
    source = source_on(tmp_path, clock, watcher)
    clock.at(5.0, lambda: troubles.append(source.trouble()))
    clock.at(20.0, lambda: put(clock, tmp_path / "a.fits", WHOLE))
    clock.at(800.0, lambda: troubles.append(source.trouble()))
    clock.at(990.0, lambda: troubles.append(source.trouble()))
    items = watch_until(source, clock, 1000)
    assert names(items) == ["a.fits"]
    assert items[0][0] > 900.0
    assert troubles[0] == troubles[2] == ""
    assert because(OSError(number, os.strerror(number))) in troubles[1]
    assert troubles[1].startswith("New frames may not be seen: ")


@pytest.mark.parametrize("refusal", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_watcher_for_which_there_is_no_thread_is_started_as_soon_as_there_is(
    tmp_path: Path, clock: ScriptedClock, watcher: ScriptedWatcher, refusal: Exception
) -> None:
    watcher.refuses = refusal
    states: list[tuple[str, str]] = []
    source = source_on(tmp_path, clock, watcher)

    def allow() -> None:
        watcher.refuses = None

    clock.at(20.0, lambda: put(clock, tmp_path / "a.fits", WHOLE))
    clock.at(29.0, lambda: states.append((source.state(), source.trouble())))
    clock.at(30.0, allow)
    clock.at(36.0, lambda: states.append((source.state(), source.trouble())))
    items = watch_until(source, clock, 60)
    assert names(items) == ["a.fits"]
    assert items[0][0] < 20.0 + 2.5 + 3.0
    assert states[0][0] == "looking each 2 s, because no thread can be started"
    assert "watcher of events cannot be started" in states[0][1]
    assert states[1] == ("watching by events", "")
