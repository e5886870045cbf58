"""Files graded one after the other: the doubtful first ones are looked at again, as in the live watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astro_monitor.archive import batch
from astro_monitor.clock import SystemClock
from astro_monitor.errors import WorkerUnavailable
from astro_monitor.records import Arrival, Failed
from astro_monitor.session import SECOND_LOOK_FRAMES
from astro_monitor.settings import Settings
from astro_monitor.testing.light import invented

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def arrival(number: int) -> Arrival:
    return Arrival(path=Path(f"/night/{number}.fits"), root=Path("/night"), size_bytes=9, mtime_ns=1,
                   first_seen_utc=NOW, settled_utc=NOW, how="named")  # fmt: skip


class Lane:
    """Sees the first frame as doubtful until the rig is known."""

    models = ()

    def __init__(self, settings):
        self.asked = []

    def __enter__(self):
        return self

    def __exit__(self, *gone):
        return

    def examine(self, arrived, baselines):
        self.asked.append(arrived.path.name)
        known = any(baseline.size >= SECOND_LOOK_FRAMES for baseline in baselines)
        good = 0.96 if known or arrived.path.name != "0.fits" else 0.6
        return invented(arrived, arrived.path.name.encode(), good=good)


@pytest.fixture
def lane(monkeypatch):
    made = Lane(Settings())
    monkeypatch.setattr(batch, "WorkerLane", lambda settings: made)
    return made


def graded(count, revised):
    files = [arrival(number) for number in range(count)]
    return list(batch.grade_files(files, Settings(), SystemClock(), on_revised=revised.append))


def test_a_doubtful_first_frame_is_looked_at_again_once_the_rig_is_known(lane):
    revised = []
    seen = graded(SECOND_LOOK_FRAMES + 3, revised)
    assert [document.body["decision"] for _, document, _ in seen] == ["review"] + ["keep"] * (SECOND_LOOK_FRAMES + 2)
    (document,) = revised
    assert (document.body["frame_id"], document.body["new_decision"]) == (seen[0][1].body["frame_id"], "keep")
    assert lane.asked.count("0.fits") == 2
    assert (seen[-1][2].kept, seen[-1][2].review) == (SECOND_LOOK_FRAMES + 3, 0)


def test_a_rig_that_stays_unknown_has_no_second_looks(lane):
    revised = []
    graded(SECOND_LOOK_FRAMES - 1, revised)
    assert revised == []
    assert lane.asked.count("0.fits") == 1


def test_files_in_two_places_are_two_files(lane):
    again = replace(arrival(1), root=Path("/elsewhere"))
    seen = list(batch.grade_files([arrival(1), again], Settings(), SystemClock()))
    assert [document.body["root"] for _, document, _ in seen] == ["/night", "/elsewhere"]


class Passing(Lane):
    """Fails at the first sight of some files."""

    def examine(self, arrived, baselines):
        name = arrived.path.name
        self.asked.append(name)
        first = self.asked.count(name) == 1
        if name == "1.fits" and first:
            raise WorkerUnavailable("no worker process can be started")
        if name in ("0.fits", "3.fits") and (first or name == "3.fits"):
            return Failed(arrival=arrived, frame_id=None, stage="worker", kind="worker_lost", known=True,
                          retryable=True, sentence="It is tried again later.", timings_s={})  # fmt: skip
        return invented(arrived, name.encode(), good=0.96)


def test_what_fails_for_a_reason_that_may_pass_is_tried_once_more_at_the_end(monkeypatch):
    made = Passing(Settings())
    monkeypatch.setattr(batch, "WorkerLane", lambda settings: made)
    monkeypatch.setattr(batch, "PAUSE_S", 0.0)
    seen = list(batch.grade_files([arrival(number) for number in range(5)], Settings(), SystemClock()))
    assert [(one.path.name, document.kind) for one, document, _ in seen] == [
        ("1.fits", "frame.judged"),
        ("2.fits", "frame.judged"),
        ("4.fits", "frame.judged"),
        ("0.fits", "frame.judged"),
        ("3.fits", "frame.failed"),
    ]
    assert (seen[-1][2].judged, seen[-1][2].failed) == (4, 1)


def test_without_a_worker_a_batch_ends_in_one_sentence(monkeypatch, lane):
    monkeypatch.setattr(batch, "PAUSE_S", 0.0)

    def none(arrived, baselines):
        raise WorkerUnavailable("no worker process can be started")

    monkeypatch.setattr(lane, "examine", none)
    with pytest.raises(WorkerUnavailable):
        graded(3, [])
