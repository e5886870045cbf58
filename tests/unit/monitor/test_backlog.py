"""Frames wait in the order the settings ask for, and none is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from astro_monitor.monitor.backlog import Backlog
from astro_monitor.records import Arrival

STARTED = datetime(2026, 3, 20, 21, tzinfo=UTC)
STARTED_NS = int(STARTED.timestamp() * 1e9)


def arrival(name: str, written_s: float) -> Arrival:
    moment = STARTED + timedelta(seconds=written_s)
    return Arrival(
        path=Path("/night") / name, root=Path("/night"), size_bytes=1, mtime_ns=int(moment.timestamp() * 1e9),
        first_seen_utc=moment, settled_utc=moment, how="scan",
    )  # fmt: skip


def taken(backlog: Backlog) -> list[str]:
    names = []
    while found := backlog.take():
        names.append(found[0].path.name)
    return names


def test_newest_first_serves_live_frames_then_the_past_in_order() -> None:
    backlog = Backlog("newest_first", STARTED_NS)
    for name, written_s in [("old2", -50), ("live1", 10), ("old1", -90), ("live2", 20)]:
        backlog.put(arrival(name, written_s))
    assert taken(backlog) == ["live2", "live1", "old1", "old2"]


def test_in_order_serves_by_time() -> None:
    backlog = Backlog("in_order", STARTED_NS)
    for name, written_s in [("c", 20), ("a", -90), ("b", 10)]:
        backlog.put(arrival(name, written_s))
    assert backlog.depth() == 3
    assert backlog.oldest_settled()[0].path.name == "a"
    assert taken(backlog) == ["a", "b", "c"]


def test_a_frame_put_back_keeps_its_place() -> None:
    backlog = Backlog("in_order", STARTED_NS)
    backlog.put(arrival("a", 0))
    backlog.put(arrival("b", 1))
    backlog.put(backlog.take()[0])
    assert taken(backlog) == ["a", "b"]
