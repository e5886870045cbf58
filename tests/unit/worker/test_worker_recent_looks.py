"""The looks of the last frames are kept within their bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from astro_monitor.records import Arrival, BaselineKey
from astro_monitor.worker import Looked, RecentLooks

KEY = BaselineKey(rig="r", target="t", filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def looked(frame_id: str, length: int) -> Looked:
    arrival = Arrival(path=Path("/n/a"), root=Path("/n"), size_bytes=1, mtime_ns=2, first_seen_utc=MOMENT,
                      settled_utc=MOMENT, how="scan")  # fmt: skip
    return Looked(arrival=arrival, frame_id=frame_id, key=KEY, look=bytes(length))


def test_the_oldest_looks_go_when_there_is_no_room() -> None:
    looks = RecentLooks(most_bytes=100)
    for frame_id in ("a", "b", "c"):
        looks.keep(looked(frame_id, 40))
    assert [bool(looks.kept(frame_id)) for frame_id in ("a", "b", "c")] == [False, True, True]


def test_a_look_replaces_the_one_of_the_same_frame() -> None:
    looks = RecentLooks(most_bytes=100)
    for length in (90, 60, 30):
        looks.keep(looked("a", length))
    looks.keep(looked("b", 70))
    assert [len(kept.look) for frame_id in ("a", "b") for kept in looks.kept(frame_id)] == [30, 70]


def test_a_look_larger_than_the_room_is_not_kept() -> None:
    looks = RecentLooks(most_bytes=100)
    looks.keep(looked("a", 101))
    assert looks.kept("a") == []
