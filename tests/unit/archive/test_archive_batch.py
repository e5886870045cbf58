"""Files graded one after the other: the doubtful first ones are looked at again, as in the live watch."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astro_monitor.archive import batch, grade_files
from astro_monitor.baseline import MIN_BASELINE_FRAMES
from astro_monitor.clock import SystemClock
from astro_monitor.errors import WorkerUnavailable
from astro_monitor.records import Arrival, Failed
from astro_monitor.settings import Settings
from astro_monitor.testing.inventing import graded, invented_look
from astro_monitor.worker import InProcessPool

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def arrival(number: int) -> Arrival:
    return Arrival(path=Path(f"/night/{number}.fits"), root=Path("/night"), size_bytes=9, mtime_ns=1,
                   first_seen_utc=NOW, settled_utc=NOW, how="named")  # fmt: skip


class Stages:
    """See the first frame as doubtful until the rig is known."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.compared: list[str] = []

    def models(self):
        return []

    def look(self, arrived):
        self.looked.append(arrived.path.name)
        return invented_look(arrived, arrived.path.name.encode())

    def compare(self, look, baseline):
        name = look.arrival.path.name
        self.compared.append(name)
        return graded(look, good=0.96 if baseline.size >= MIN_BASELINE_FRAMES or name != "0.fits" else 0.6)


@pytest.fixture
def stages():
    return Stages()


def graded_files(stages, files, revised=lambda document: None):
    return list(
        grade_files(
            files, Settings(), SystemClock(), on_revised=revised,
            open_workers=lambda settings, source: InProcessPool(settings, source, pipeline=stages),
        )
    )  # fmt: skip


def numbered(count):
    return [arrival(number) for number in range(count)]


def test_a_doubtful_first_frame_is_compared_again_once_the_rig_is_known(stages):
    revised = []
    seen = graded_files(stages, numbered(MIN_BASELINE_FRAMES + 3), revised.append)
    assert [document.body["decision"] for _, document, _ in seen] == ["review"] + ["keep"] * (MIN_BASELINE_FRAMES + 2)
    (document,) = revised
    assert (document.body["frame_id"], document.body["new_decision"]) == (seen[0][1].body["frame_id"], "keep")
    assert (stages.looked.count("0.fits"), stages.compared.count("0.fits")) == (1, 2)
    assert (seen[-1][2].kept, seen[-1][2].review) == (MIN_BASELINE_FRAMES + 3, 0)


def test_a_rig_that_stays_unknown_has_no_second_looks(stages):
    revised = []
    graded_files(stages, numbered(MIN_BASELINE_FRAMES - 1), revised.append)
    assert revised == []
    assert stages.compared.count("0.fits") == 1


def test_files_in_two_places_are_two_files(stages):
    again = replace(arrival(1), root=Path("/elsewhere"))
    seen = graded_files(stages, [arrival(1), again])
    assert [document.body["root"] for _, document, _ in seen] == ["/night", "/elsewhere"]


class Passing(Stages):
    """Fails at the first sight of some files."""

    def look(self, arrived):
        name = arrived.path.name
        looked = super().look(arrived)
        if name in ("0.fits", "3.fits") and (self.looked.count(name) == 1 or name == "3.fits"):
            return Failed(arrival=arrived, frame_id=None, stage="worker", kind="worker_lost", known=True,
                          retryable=True, sentence="It is tried again later.", timings_s={})  # fmt: skip
        return looked


class Sparse(InProcessPool):
    """Has no worker at the first call."""

    calls = 0

    def take(self, baseline_for, timeout_s=math.inf):
        self.calls += 1
        if self.calls == 1:
            raise WorkerUnavailable("no worker process can be started")
        return super().take(baseline_for, timeout_s)


def test_what_fails_for_a_reason_that_may_pass_is_tried_once_more_at_the_end(monkeypatch):
    monkeypatch.setattr(batch, "PAUSE_S", 0.0)
    seen = list(
        grade_files(
            numbered(5), Settings(), SystemClock(),
            open_workers=lambda settings, source: Sparse(settings, source, pipeline=Passing()),
        )
    )  # fmt: skip
    assert [(one.path.name, document.kind) for one, document, _ in seen] == [
        ("1.fits", "frame.judged"),
        ("2.fits", "frame.judged"),
        ("4.fits", "frame.judged"),
        ("0.fits", "frame.judged"),
        ("3.fits", "frame.failed"),
    ]
    assert (seen[-1][2].judged, seen[-1][2].failed) == (4, 1)


class Deserted(InProcessPool):
    """Has no worker."""

    def take(self, baseline_for, timeout_s=math.inf):
        raise WorkerUnavailable("no worker process can be started")


def test_without_a_worker_a_batch_ends_in_one_sentence(monkeypatch, stages):
    monkeypatch.setattr(batch, "PAUSE_S", 0.0)
    with pytest.raises(WorkerUnavailable):
        list(
            grade_files(
                numbered(3), Settings(), SystemClock(),
                open_workers=lambda settings, source: Deserted(settings, source, pipeline=stages),
            )
        )  # fmt: skip
