"""Whatever a file system says of a file: it is bounded before anything is made of it, and ends nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from hypothesis import example, given
from hypothesis import strategies as st

from astro_monitor.archive.order import exposure_started
from astro_monitor.bounds import INT64_MAX, INT64_MIN, folded_int64, int64
from astro_monitor.clock import SystemClock
from astro_monitor.nightlog import Draft, NightLog, Sighting, night_of
from astro_monitor.nightlog.trail import Kept
from astro_monitor.records import Arrival
from astro_monitor.testing.bodies import body_of
from astro_monitor.watch import Look, SettleRules, Settling
from astro_monitor.watch.scan import sighting_of
from astro_monitor.watch.settle import State

NOW = datetime(2026, 1, 2, 20, tzinfo=UTC)
NUMBERS = st.one_of(
    st.integers(-(2**130), 2**130),
    st.sampled_from([0, -1, INT64_MAX, INT64_MAX + 1, INT64_MIN, INT64_MIN - 1, 2**64 - 1, 10413792000 * 10**9,
                     253402300800 * 10**9, -62135596801 * 10**9]),
)  # fmt: skip
STATUS = st.builds(
    lambda size, mtime, ctime, number, device: SimpleNamespace(
        st_size=size, st_mtime_ns=mtime, st_ctime_ns=ctime, st_ino=number, st_dev=device
    ),
    NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS,
)  # fmt: skip
YEAR_2300 = SimpleNamespace(
    st_size=2**63 - 1, st_mtime_ns=10413792000 * 10**9, st_ctime_ns=10413792000 * 10**9, st_ino=2**64 - 1, st_dev=5
)


def failed(size_bytes: int) -> Draft:
    body = {
        "file": "/n/a.fits", "root": "/n", "relative_path": "a.fits", "size_bytes": size_bytes, "frame_id": None,
        "stage": "read", "kind": "unreadable", "known": True, "retryable": False, "sentence": "It is an example.",
        "timings_s": {},
    }  # fmt: skip
    return Draft("frame.failed", body_of("frame.failed", body))


@given(status=STATUS)
@example(status=YEAR_2300)
def test_what_the_file_system_says_goes_into_the_night_log_and_is_found_there(status: os.stat_result) -> None:
    seen = sighting_of(status)
    for number in (seen.size_bytes, seen.mtime_ns, seen.ctime_ns, *seen.file_id):
        assert INT64_MIN <= number <= INT64_MAX
    assert seen.size_bytes >= 0
    with NightLog.open(":memory:", "s", SystemClock()) as log:
        where = Sighting(b"/n/a.fits", seen.size_bytes, seen.mtime_ns, seen.ctime_ns, seen.file_id[1], "ab")
        document = log.commit([failed(seen.size_bytes)], sighting=where)[0]
        assert next(log.documents()).doc_id == document.doc_id
        assert log.already_done(
            Path("/n/a.fits"), seen.size_bytes, seen.mtime_ns, seen.ctime_ns, seen.file_id[1], lambda: "cd"
        )
        kept = Kept((1, "a", "s", "frame.failed", "t", "", "{}"), "2026-01-01", where)
        assert Kept.read(kept.line()).sighting == where


@given(size_bytes=NUMBERS, mtime_ns=NUMBERS, ctime_ns=NUMBERS, file_no=NUMBERS)
def test_the_door_of_the_night_log_bounds_them_too(size_bytes: int, mtime_ns: int, ctime_ns: int, file_no: int) -> None:
    with NightLog.open(":memory:", "s", SystemClock()) as log:
        log.commit([failed(0)], sighting=Sighting(b"/n/a.fits", size_bytes, mtime_ns, ctime_ns, file_no, "ab"))
        assert log.already_done(Path("/n/a.fits"), size_bytes, mtime_ns, ctime_ns, file_no, lambda: "ab")


@given(status=STATUS, now_s=st.floats(0, 1e9))
def test_any_size_and_time_is_settled_in_the_end(status: os.stat_result, now_s: float) -> None:
    settling = Settling(SettleRules(2.0, 600.0), sighting_of(status), now_s)
    assert settling.quiet_needed_s() <= 100.0
    assert now_s < settling.next_check_s(now_s) <= now_s + 100.0
    assert settling.decide(Look(knows_length=True), now_s + 100.0) is State.READY


@given(mtime_ns=NUMBERS)
def test_files_of_any_time_are_put_in_order(mtime_ns: int) -> None:
    arrival = Arrival(
        path=Path("/there/is/no/such.fits"), root=Path("/"), size_bytes=1, mtime_ns=mtime_ns, first_seen_utc=NOW,
        settled_utc=NOW, how="named",
    )  # fmt: skip
    assert exposure_started(arrival).tzinfo is UTC


@given(moment=st.datetimes(timezones=st.just(UTC)), longitude_deg=st.none() | st.floats(-180, 180))
@example(moment=datetime.min.replace(tzinfo=UTC), longitude_deg=None)
@example(moment=datetime.max.replace(tzinfo=UTC), longitude_deg=180.0)
def test_every_moment_has_its_night(moment: datetime, longitude_deg: float | None) -> None:
    assert len(night_of(moment, longitude_deg)) == 10


@given(number=NUMBERS)
def test_numbers_within_64_bits_stay_as_they_are(number: int) -> None:
    assert INT64_MIN <= int64(number) <= INT64_MAX
    assert INT64_MIN <= folded_int64(number) <= INT64_MAX
    if INT64_MIN <= number <= INT64_MAX:
        assert int64(number) == number
    if 0 <= number <= INT64_MAX:
        assert folded_int64(number) == number
