"""Other content under the same name, size and time is seen; a chmod, a link or a new mount is no new frame."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import Draft, NightLog, Sighting
from astro_monitor.records import Arrival
from astro_monitor.settings import WatchSettings
from astro_monitor.testing.bodies import body_of
from astro_monitor.testing.folders import ScriptedClock, ScriptedWatcher, small_fits, watch_until
from astro_monitor.watch import FolderSource, Hint
from astro_monitor.watch import candidates as candidates_module
from astro_monitor.watch.probe import HEAD_BYTES, PAGE_BYTES, SAMPLES, digest_of, look_into
from astro_monitor.watch.scan import sighting_of

FIRST, SECOND = small_fits(value=7), small_fits(value=8)
TIME_NS = 1_700_000_000_123_456_789


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(TIME_NS, TIME_NS))


def swap(path: Path, content: bytes) -> None:
    """As a copier does that keeps times: another file of the same length takes the name."""
    other = path.with_name(".other")
    put(other, content)
    other.replace(path)


def rewrite(path: Path, content: bytes) -> None:
    """In place, and the time is set back."""
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(TIME_NS, TIME_NS))


class Place:
    """A folder that is watched, one session after the other, with one night log."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "night"
        self.root.mkdir()
        self.frame = self.root / "a.fits"
        self.log = NightLog.open(":memory:", "s", SystemClock())

    def watch(self, *actions: Callable[[], object], remote: bool = False) -> list[str]:
        """Watch while things happen, each half a minute after the one before; return what arrived."""
        clock, watcher = ScriptedClock(), ScriptedWatcher()
        source = FolderSource(
            self.root, WatchSettings(), clock, start_watcher=watcher, jitter=random.Random(1),
            is_remote=lambda root: remote,
            already_done=lambda path, seen, digest: self.log.already_done(
                path, seen.size_bytes, seen.mtime_ns, seen.ctime_ns, seen.file_id[1], digest
            ),
        )  # fmt: skip
        for number, action in enumerate(actions):
            clock.at(30.0 + 30.0 * number, action)
        arrived = []
        for _, item in watch_until(source, clock, 60.0 + 30.0 * len(actions)):
            assert isinstance(item, Arrival)
            arrived.append(item.path.name)
            body = {
                "file": str(item.path), "root": "/", "relative_path": "a", "size_bytes": item.size_bytes,
                "frame_id": None, "stage": "read", "kind": "unreadable", "known": True, "retryable": False,
                "sentence": "It is only an example.", "timings_s": {},
            }  # fmt: skip
            seen = Sighting(os.fsencode(item.path), item.size_bytes, item.mtime_ns, item.ctime_ns, item.file_no,
                            item.digest)  # fmt: skip
            self.log.commit([Draft("frame.failed", body_of("frame.failed", body))], sighting=seen)
        return arrived


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("change", [swap, rewrite])
@pytest.mark.parametrize("remote", [False, True])
def test_other_content_under_the_same_size_and_time_arrives(
    place: Place, change: Callable[[Path, bytes], None], remote: bool
) -> None:
    put(place.frame, FIRST)
    assert place.watch(lambda: change(place.frame, SECOND), remote=remote) == ["a.fits", "a.fits"]


@pytest.mark.parametrize("change", [swap, rewrite])
def test_it_is_seen_after_a_restart_too(place: Place, change: Callable[[Path, bytes], None]) -> None:
    put(place.frame, FIRST)
    assert place.watch() == ["a.fits"]
    change(place.frame, SECOND)
    assert place.watch() == ["a.fits"]
    assert place.watch() == []


def test_what_does_not_change_the_bytes_is_no_new_frame(place: Place, tmp_path: Path) -> None:
    put(place.frame, FIRST)

    def link() -> None:
        (tmp_path / "link.fits").hardlink_to(place.frame)

    assert place.watch(lambda: place.frame.chmod(0o600), link, lambda: swap(place.frame, FIRST)) == ["a.fits"]
    place.frame.chmod(0o644)
    assert place.watch(lambda: rewrite(place.frame, FIRST)) == []


def test_digests_are_not_taken_again_and_again(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hard link, as the stacking lists make it, changes the time of the last change of each frame once."""
    put(place.frame, FIRST)
    place.watch()
    (tmp_path / "link.fits").hardlink_to(place.frame)
    digested: list[str] = []

    def counted(path: str, size_bytes: int) -> str:
        digested.append(path)
        return digest_of(path, size_bytes)

    monkeypatch.setattr(candidates_module, "digest_of", counted)
    assert place.watch() == []
    assert len(digested) == 1
    place.log.commit([])
    assert place.watch() == []
    assert len(digested) == 1


def test_a_share_that_makes_file_numbers_up_is_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(10**6))

    def made_up(status: os.stat_result) -> object:
        return replace(sighting_of(status), file_id=(1, next(numbers)), ctime_ns=5)

    digested: list[str] = []

    def counted(path: str, size_bytes: int) -> str:
        digested.append(path)
        return digest_of(path, size_bytes)

    put(tmp_path / "a.fits", FIRST)
    clock = ScriptedClock()
    source = FolderSource(tmp_path, WatchSettings(), clock, is_remote=lambda root: True, jitter=random.Random(1))

    def begin_to_make_up() -> None:
        monkeypatch.setattr("astro_monitor.watch.scan.sighting_of", made_up)
        monkeypatch.setattr(candidates_module, "digest_of", counted)

    clock.at(30.0, begin_to_make_up)
    assert len(watch_until(source, clock, 600.0)) == 1
    assert 0 < len(digested) <= candidates_module.MANY_NUMBERS + 1


def test_a_file_that_was_mapped_and_is_closed_after_its_outcome_is_compared(tmp_path: Path) -> None:
    """On some file systems a mapped write changes neither size nor time."""
    clock, watcher = ScriptedClock(), ScriptedWatcher()
    path = tmp_path / "a.fits"
    put(path, FIRST)
    frozen = path.stat()

    def mapped_write() -> None:
        rewrite(path, SECOND)
        watcher.tell(path, Hint.CLOSED)

    source = FolderSource(tmp_path, WatchSettings(), clock, start_watcher=watcher, jitter=random.Random(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("astro_monitor.watch.scan.sighting_of", lambda status: sighting_of(frozen))
        clock.at(30.0, mapped_write)
        clock.at(40.0, lambda: watcher.tell(path, Hint.CLOSED))
        assert len(watch_until(source, clock, 80.0)) == 2


def test_a_log_of_version_1_knows_no_identities_and_is_believed(place: Place) -> None:
    put(place.frame, FIRST)
    place.watch()
    place.log._database.rows("UPDATE sightings SET ctime_ns = 0, file_no = 0, digest = ''")
    assert place.watch() == []
    place.log.commit([])
    swap(place.frame, SECOND)
    assert place.watch() == ["a.fits"]


def test_a_change_in_any_part_of_a_large_file_that_is_another_picture_changes_the_digest(tmp_path: Path) -> None:
    chance, path = random.Random(3), tmp_path / "a.fits"
    size_bytes = HEAD_BYTES + 3 * SAMPLES * PAGE_BYTES + 77
    digests = set()
    for _ in range(3):
        path.write_bytes(chance.randbytes(size_bytes))
        digests |= {digest_of(str(path), size_bytes), look_into(str(path), size_bytes).digest}
    assert len(digests) == 3
    with path.open("r+b") as file:
        file.seek(size_bytes - 1)
        file.write(b"end")
    assert digest_of(str(path), size_bytes) not in digests
