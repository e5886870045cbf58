"""A folder as a stream of whole files, on a scripted clock: how capture programs write, and what must come of it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astro_monitor.errors import ConfigError
from astro_monitor.records import Arrival, Failed
from astro_monitor.settings import WatchSettings
from astro_monitor.testing.folders import ScriptedClock, ScriptedWatcher, put, small_fits, watch_until
from astro_monitor.watch import FolderSource, Hint

WHOLE = small_fits()
Items = list[tuple[float, Arrival | Failed]]


class Night:
    """A folder, a clock, a watcher, and a source on all three."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = ScriptedClock()
        self.watcher = ScriptedWatcher()
        self.done: set[tuple[str, int]] = set()
        self.source: FolderSource

    def run(self, until_s: float, *, remote: bool = False, **watch: object) -> Items:
        self.source = FolderSource(
            self.root,
            WatchSettings.model_validate(watch),
            self.clock,
            already_done=lambda path, sighting, digest: (path.name, sighting.size_bytes) in self.done,
            start_watcher=self.watcher,
            is_remote=lambda root: remote,
            jitter=random.Random(1),
        )
        return watch_until(self.source, self.clock, until_s)

    def write(self, at_s: float, name: str, content: bytes, hint: Hint | None = None) -> None:
        path = self.root / name
        self.clock.at(at_s, lambda: put(self.clock, path, content))
        self.hint(at_s, name, hint)

    def hint(self, at_s: float, name: str, hint: Hint | None) -> None:
        if hint is not None:
            self.clock.at(at_s, lambda: self.watcher.tell(self.root / name, hint))

    def do(self, at_s: float, action: Callable[[], object]) -> None:
        self.clock.at(at_s, action)


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(tmp_path)


def only(items: Items) -> tuple[float, Arrival]:
    ((at_s, item),) = items
    assert isinstance(item, Arrival)
    return at_s, item


def test_a_file_written_and_closed_arrives_at_once(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE[:4000], Hint.TOUCHED)
    night.write(3.5, "a.fits", WHOLE, Hint.CLOSED)
    at_s, arrival = only(night.run(30))
    assert 3.55 <= at_s < 3.65
    assert arrival.path == night.root / "a.fits"
    assert arrival.root == night.root
    assert arrival.size_bytes == len(WHOLE)
    assert arrival.mtime_ns == (night.root / "a.fits").stat().st_mtime_ns
    assert arrival.how == "event"
    assert 0.5 <= (arrival.settled_utc - arrival.first_seen_utc).total_seconds() < 0.7


def test_a_file_renamed_into_place_arrives_at_once(night: Night) -> None:
    night.write(3.0, "a.fits.tmp", WHOLE, Hint.CLOSED)
    night.do(4.0, lambda: (night.root / "a.fits.tmp").rename(night.root / "a.fits"))
    night.hint(4.0, "a.fits", Hint.CLOSED)
    at_s, arrival = only(night.run(30))
    assert 4.05 <= at_s < 4.15
    assert arrival.path.name == "a.fits"


def test_a_file_under_a_temporary_unique_name_waits_for_its_final_one(night: Night) -> None:
    unique = "3f2504e0-4f89-11d3-9a0c-0305e82c3301.fits"
    night.write(3.0, unique, WHOLE, Hint.CLOSED)
    night.do(5.0, lambda: (night.root / unique).rename(night.root / "a.fits"))
    night.hint(5.0, "a.fits", Hint.CLOSED)
    at_s, arrival = only(night.run(60))
    assert at_s > 5.0
    assert arrival.path.name == "a.fits"


def test_without_any_event_the_rescan_finds_all(night: Night) -> None:
    for number in range(50):
        night.write(1.0 + number / 10, f"{number}.fits", WHOLE)
    items = night.run(60)
    assert sorted(
        item.arrival.path.name if isinstance(item, Failed) else item.path.name for _, item in items
    ) == sorted(f"{number}.fits" for number in range(50))
    assert {item.how for _, item in items if isinstance(item, Arrival)} == {"scan"}
    assert max(at_s for at_s, _ in items) < 6.0 + 12.5 + 3.0


def test_more_events_than_fit_into_the_box_lose_nothing(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def flood() -> None:
        for number in range(70_000):
            night.watcher.tell(night.root / f"{number}.fits", Hint.CLOSED)

    night.write(3.0, "a.fits", WHOLE)
    night.do(3.0, flood)
    at_s, _ = only(night.run(20))
    assert at_s < 6.0


def test_a_header_that_is_rewritten_after_the_declared_length_is_reached_is_waited_for(night: Night) -> None:
    final = small_fits(cards=60)
    night.write(3.0, "a.fits", WHOLE, Hint.TOUCHED)
    night.write(3.26, "a.fits", final[:5000], Hint.TOUCHED)
    night.write(4.2, "a.fits", final, Hint.TOUCHED)
    at_s, arrival = only(night.run(30))
    assert at_s >= 4.2 + 2.0
    assert arrival.size_bytes == len(final)


def test_the_same_is_seen_without_events(night: Night) -> None:
    final = small_fits(cards=60)
    night.write(0.0, "a.fits", WHOLE)
    night.write(1.9, "a.fits", final[:5000])
    night.write(3.7, "a.fits", final)
    at_s, arrival = only(night.run(30, mode="polling"))
    assert at_s >= 3.7 + 2.0
    assert arrival.size_bytes == len(final)
    assert arrival.how == "poll"


def test_a_file_that_is_allocated_first_is_waited_for_until_it_is_filled(night: Night) -> None:
    night.write(3.0, "a.fits", small_fits(value=0), Hint.TOUCHED)
    night.write(40.0, "a.fits", WHOLE[:5000] + bytes(len(WHOLE) - 5000), Hint.TOUCHED)
    night.write(80.0, "a.fits", WHOLE, Hint.CLOSED)
    at_s, _ = only(night.run(200))
    assert at_s >= 80.05


def test_a_frame_that_is_really_all_zero_at_its_end_arrives_a_little_later(night: Night) -> None:
    night.write(3.0, "a.fits", small_fits(value=0), Hint.CLOSED)
    at_s, _ = only(night.run(200))
    assert 13.0 <= at_s < 16.0


def test_without_events_it_may_be_a_file_that_is_filled_later(night: Night) -> None:
    night.write(3.0, "a.fits", small_fits(value=0))
    at_s, _ = only(night.run(200, mode="polling"))
    assert 93.0 <= at_s < 100.0


def test_a_file_that_was_allocated_and_closed_is_given_as_long(night: Night) -> None:
    """As over SMB, where each piece is written, and the file closed."""

    def allocate() -> None:
        with (night.root / "a.fits").open("wb") as file:
            file.write(small_fits(300)[:100_000])
            file.truncate(len(small_fits(300)))

    night.do(3.0, allocate)
    night.hint(3.0, "a.fits", Hint.CLOSED)
    at_s, _ = only(night.run(200))
    assert 93.0 <= at_s < 100.0


def test_a_file_without_a_close_event_is_waited_for(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.WRITTEN)
    night.hint(33.0, "a.fits", Hint.CLOSED)
    at_s, _ = only(night.run(200))
    assert 33.0 <= at_s < 33.2


def test_but_not_for_ever_as_some_programs_forget_to_close(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.WRITTEN)
    at_s, _ = only(night.run(200))
    assert 63.0 <= at_s < 70.0


def test_with_parts_that_are_not_written_it_is_waited_for_until_it_is_given_up(night: Night) -> None:
    night.write(3.0, "a.fits", small_fits(value=0), Hint.WRITTEN)
    at_s, _ = only(night.run(900))
    assert 603.0 <= at_s < 640.0


def test_a_closing_that_was_lost_with_other_events_is_not_waited_for(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.WRITTEN)
    night.do(10.0, lambda: setattr(night.watcher, "alive", False))
    at_s, _ = only(night.run(200))
    assert at_s < 20.0


def test_a_change_of_rights_alone_does_not_look_like_writing(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.CLOSED)
    night.do(3.03, lambda: (night.root / "a.fits").chmod(0o600))
    night.hint(3.03, "a.fits", Hint.TOUCHED)
    at_s, _ = only(night.run(60))
    assert at_s < 3.2


def test_a_file_that_is_cut_and_written_again_arrives_in_both_versions(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.CLOSED)
    night.write(10.0, "a.fits", b"", Hint.TOUCHED)
    night.write(11.0, "a.fits", small_fits(50), Hint.CLOSED)
    items = night.run(60)
    assert [item.size_bytes for _, item in items if isinstance(item, Arrival)] == [len(WHOLE), len(small_fits(50))]


def test_a_file_that_is_moved_away_and_elsewhere_arrives_again_under_its_new_name(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.CLOSED)
    night.do(10.0, lambda: (night.root / "a.fits").rename(night.root / "b.fits"))
    night.hint(10.0, "b.fits", Hint.CLOSED)
    items = night.run(60)
    assert [item.path.name for _, item in items if isinstance(item, Arrival)] == ["a.fits", "b.fits"]


def test_a_new_folder_is_scanned_at_its_event_and_once_more(night: Night) -> None:
    folder = night.root / "2026-01-02"
    night.do(3.0, folder.mkdir)
    night.hint(3.0, folder.name, Hint.FOLDER)
    night.write(3.5, "2026-01-02/late.fits", WHOLE)
    at_s, _ = only(night.run(9))
    assert at_s < 4.1 + 2.7


def test_a_folder_moved_in_is_scanned_with_all_in_it(night: Night, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "night"
    for number in range(20):
        (other / f"{number}" / "lights").mkdir(parents=True)
        (other / f"{number}" / "lights" / "a.fits").write_bytes(WHOLE)
    night.do(3.0, lambda: other.rename(night.root / "night"))
    night.hint(3.0, "night", Hint.FOLDER)
    items = night.run(9)
    assert len({item.path for _, item in items if isinstance(item, Arrival)}) == len(items) == 20


def test_a_file_that_stays_short_is_one_failure_and_is_opened_again_by_a_change(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE[:4000], Hint.CLOSED)
    night.write(2000.0, "a.fits", WHOLE, Hint.CLOSED)
    (failed_s, failed), (arrived_s, arrival) = night.run(3000)
    assert isinstance(failed, Failed)
    assert 603.0 <= failed_s < 640.0
    assert (failed.kind, failed.stage, failed.retryable, failed.known) == ("incomplete", "watch", True, True)
    assert failed.sentence.startswith("the file has 4,000 of 6,080 bytes and has not changed for 600 s")
    assert failed.arrival.size_bytes == 4000
    assert isinstance(arrival, Arrival)
    assert 2000.0 < arrived_s < 2001.0


def test_an_empty_file_is_a_failure_too_when_it_stays_empty(night: Night) -> None:
    night.write(3.0, "a.fits", b"", Hint.CLOSED)
    ((_, failed),) = night.run(3000)
    assert isinstance(failed, Failed)
    assert "is empty" in failed.sentence


def test_what_is_no_fits_file_arrives_when_it_is_quiet_so_that_the_reader_can_say_so(night: Night) -> None:
    night.write(3.0, "a.fits", b"no FITS at all", Hint.CLOSED)
    at_s, _ = only(night.run(30))
    assert at_s >= 5.0


def test_a_compressed_file_arrives_only_when_it_is_quiet(night: Night) -> None:
    night.write(3.0, "a.fits.gz", b"\x1f\x8b one", Hint.CLOSED)
    night.write(4.9, "a.fits.gz", b"\x1f\x8b one two", Hint.CLOSED)
    at_s, arrival = only(night.run(30))
    assert at_s >= 6.9
    assert arrival.size_bytes == len(b"\x1f\x8b one two")


def test_a_file_that_vanishes_is_forgotten(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE[:4000], Hint.TOUCHED)
    night.do(4.0, (night.root / "a.fits").unlink)
    night.write(20.0, "b.fits", WHOLE, Hint.TOUCHED)
    night.do(20.5, (night.root / "b.fits").unlink)
    night.hint(20.5, "b.fits", Hint.TOUCHED)
    assert night.run(900) == []


def test_a_file_the_night_log_knows_does_not_arrive(night: Night) -> None:
    put(night.clock, night.root / "a.fits", WHOLE)
    put(night.clock, night.root / "b.fits", WHOLE)
    night.done.add(("a.fits", len(WHOLE)))
    _, arrival = only(night.run(30))
    assert arrival.path.name == "b.fits"


def test_frames_that_are_there_at_the_start_can_be_ignored_until_they_change(night: Night) -> None:
    put(night.clock, night.root / "old.fits", WHOLE)
    night.write(5.0, "new.fits", WHOLE, Hint.CLOSED)
    night.write(20.0, "old.fits", small_fits(50), Hint.CLOSED)
    items = night.run(60, existing="ignore")
    assert [item.path.name for _, item in items if isinstance(item, Arrival)] == ["new.fits", "old.fits"]


def test_a_file_that_is_removed_and_comes_back_is_asked_for_in_the_night_log_again(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE, Hint.CLOSED)
    night.do(5.0, (night.root / "a.fits").unlink)
    night.write(60.0, "a.fits", WHOLE, Hint.CLOSED)
    night.do(60.0, lambda: os.utime(night.root / "a.fits", ns=(1, 1)))
    assert len(night.run(90)) == 2


def test_a_share_is_polled_with_a_longer_quiet_time(night: Night) -> None:
    night.write(3.0, "a.fits", WHOLE)
    night.do(20.0, lambda: states.append(night.source.state()))
    states: list[str] = []
    at_s, arrival = only(night.run(30, remote=True))
    assert at_s >= 8.0
    assert arrival.how == "poll"
    assert night.watcher.started == 0
    assert states == ["looking each 2 s, because this is a network share"]


def test_events_can_be_demanded_on_a_share(night: Night) -> None:
    night.run(5, remote=True, mode="events")
    assert night.watcher.started == 1


def test_a_rescan_can_be_asked_for(night: Night) -> None:
    night.write(11.0, "a.fits", WHOLE)
    night.do(12.0, lambda: night.source.rescan())
    at_s, _ = only(night.run(300, rescan_s=200))
    assert at_s < 15.0


def test_the_state_says_what_is_watched_and_how(night: Night) -> None:
    states: list[str] = []
    night.do(1.0, lambda: states.append(night.source.state()))
    night.run(2)
    assert states == ["watching by events"]
    assert night.source.state() == "stopped"
    assert not night.watcher.running


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ConfigError, match="is a file"):
        FolderSource(tmp_path / "a", WatchSettings(), ScriptedClock())


def test_the_plain_stream_holds_arrivals_only(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    put(night.clock, night.root / "short.fits", WHOLE[:4000])
    put(night.clock, night.root / "whole.fits", WHOLE)
    stop = threading.Event()
    night.clock.at(700.0, stop.set)
    source = FolderSource(night.root, WatchSettings(), night.clock, start_watcher=night.watcher)
    assert [arrival.path.name for arrival in source.arrivals(stop)] == ["whole.fits"]
    assert "has not changed" in caplog.text


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps_s=st.lists(st.floats(0.01, 1.9), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, len(WHOLE)), min_size=6, max_size=6),
    ending=st.sampled_from(["fits", "fits.gz"]),
    told=st.booleans(),
    closed=st.booleans(),
    mode=st.sampled_from(["events", "polling"]),
)
def test_no_file_arrives_before_its_writer_has_finished(
    tmp_path_factory: pytest.TempPathFactory, gaps_s: list[float], cuts: list[int], ending: str, told: bool,
    closed: bool, mode: str,
) -> None:  # fmt: skip
    night = Night(tmp_path_factory.mktemp("night"))
    at_s = 1.0
    for gap_s, cut in zip(gaps_s, cuts, strict=False):
        night.write(at_s, f"a.{ending}", WHOLE[:cut], Hint.TOUCHED if told else None)
        at_s += gap_s
    night.write(at_s, f"a.{ending}", WHOLE, Hint.CLOSED if closed else None)
    arrived_s, arrival = only(night.run(at_s + 120, mode=mode))
    assert arrived_s >= at_s
    assert arrival.size_bytes == len(WHOLE)


def test_files_that_are_not_read_are_said_once_for_each_kind_and_folder(night: Night, caplog) -> None:
    night.write(1.0, "moon.ser", b"LUCAM-RECORDER", Hint.CLOSED)
    night.write(2.0, "jupiter.ser", b"LUCAM-RECORDER")
    (night.root / "sub").mkdir()
    night.write(3.0, "sub/mars.ser", b"LUCAM-RECORDER")
    night.write(4.0, "a.jpg", b"\xff\xd8\xff")
    night.write(4.0, "\x1b[31m.png", b"\x89PNG", Hint.CLOSED)
    night.write(5.0, "notes.txt", b"clear", Hint.CLOSED)
    night.write(5.0, ".hidden.jpg", b"\xff\xd8\xff", Hint.CLOSED)
    night.write(6.0, "a.fits", WHOLE, Hint.CLOSED)
    only(night.run(40, rescan_s=5))
    messages = sorted(record.getMessage() for record in caplog.records if record.name.endswith("watch.unread"))
    root = night.root.name
    fits_advice = "let the capture program write single FITS frames"
    assert messages == sorted(
        [
            f"{root}: SER videos are not read; {fits_advice} (such as moon.ser)",
            f"sub: SER videos are not read; {fits_advice} (such as mars.ser)",
            f"{root}: JPEG pictures are not read; let the camera write raw files, or the capture program FITS "
            "(such as a.jpg)",
            f"{root}: PNG pictures are not read; let the capture program write FITS (such as \\x1b[31m.png)",
        ]
    )


def test_files_in_folders_that_are_not_looked_into_are_not_spoken_of(night: Night, caplog) -> None:
    (night.root / "previews").mkdir()
    night.write(1.0, "previews/a.jpg", b"\xff\xd8\xff", Hint.CLOSED)
    assert night.run(30, ignore=["previews"]) == []
    assert not [record for record in caplog.records if record.name.endswith("watch.unread")]


def test_files_that_are_not_whole_when_the_watch_ends_are_named(night: Night) -> None:
    assert night.run(1) == []
    assert night.source.unfinished() == ""
    night.write(3.0, "cut.fits", WHOLE[:4000], Hint.TOUCHED)
    night.write(3.0, "whole.fits", WHOLE, Hint.CLOSED)
    assert only(night.run(30))[1].path.name == "whole.fits"
    assert (
        night.source.unfinished() == "1 file not complete yet; it is graded by the next watch, once complete: cut.fits"
    )
    for number in range(6):
        night.write(31.0, f"{number}.fits", WHOLE[:4000], Hint.TOUCHED)
    night.run(60)
    assert night.source.unfinished().startswith(
        "7 files not complete yet; they are graded by the next watch, once complete: "
    )
    assert night.source.unfinished().endswith("4.fits, …")
