"""A frame's way through the daemon, and what does not end it."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from astro_monitor.errors import NightLogError, WorkerUnavailable
from astro_monitor.judge import SecondLook
from astro_monitor.monitor.backlog import Backlog
from astro_monitor.monitor.grading import GradingLoop
from astro_monitor.monitor.retries import Retries, WorkerPause
from astro_monitor.records import Arrival, Failed, FrameMeta, Outcome, Skipped
from astro_monitor.testing.folders import ScriptedClock

NOW = datetime(2026, 3, 20, 21, tzinfo=UTC)


def arrival(name: str, mtime_ns: int = 1) -> Arrival:
    return Arrival(path=Path("/night") / name, root=Path("/night"), size_bytes=9, mtime_ns=mtime_ns,
                   first_seen_utc=NOW, settled_utc=NOW, how="scan")  # fmt: skip


def failed(one: Arrival, kind: str, *, retryable: bool = True) -> Failed:
    return Failed(arrival=one, frame_id=None, stage="worker", kind=kind, known=True, retryable=retryable,
                  sentence="It failed.", timings_s={})  # fmt: skip


class Parts:
    """Source, backlog, workers and session in one, as far as a grading needs them."""

    def __init__(self) -> None:
        self.answers: list[Outcome | Exception] = []
        self.asked: list[str] = []
        self.again: list[str] = []
        self.kept_open: list[str] = []
        self.taken: list[Outcome] = []
        self.looks: list[SecondLook] = []
        self.closed = False
        self.line: list[Arrival] = []
        self.backlog = Backlog("in_order", 0)
        self.fault: Exception | None = None
        self.reopened = self

    def ask(self, path: Path) -> None:
        self.again.append(path.name)

    def keep_open(self, path: Path) -> None:
        self.kept_open.append(path.name)

    @property
    def in_hand(self) -> int:
        return len(self.line)

    def take(self, *arguments: Any) -> Any:
        """Both a worker pool and a session have a method of this name."""
        return self.judge(*arguments) if len(arguments) == 1 else self.examine_next()

    def examine_next(self) -> list[Outcome]:
        if not self.line and not self.closed:
            self.line += self.backlog.take()
        if not self.line:
            return []
        outcome = self.examine(self.line[0])
        del self.line[0]
        return [outcome]

    def examine_again(self, one: Arrival, frame_id: str, baseline_for: Any, on_wait: Any) -> Outcome:
        return self.examine(one)

    def comparing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        self.closed = True

    def examine(self, one: Arrival) -> Outcome:
        self.asked.append(one.path.name)
        answer = self.answers.pop(0) if self.answers else Skipped(
            arrival=one, frame_id="ab", sha256="ab", meta=FrameMeta(), sensor_shape=(1, 1), sentence="", timings_s={}
        )  # fmt: skip
        if isinstance(answer, Exception):
            raise answer
        return answer

    def baseline_for(self, key: Any) -> None:
        return

    def judge(self, outcome: Outcome) -> None:
        self.taken.append(outcome)

    def second_looks(self) -> list[SecondLook]:
        found, self.looks = self.looks, []
        return found

    def look_again(self, outcome: Outcome) -> None:
        if self.fault is not None:
            raise self.fault
        self.taken.append(outcome)


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def grading(parts: Parts) -> GradingLoop:
    clock = ScriptedClock()
    whole: Any = parts
    return GradingLoop(whole, parts.backlog, whole, whole, Retries(clock), WorkerPause(clock))


def test_without_a_worker_a_frame_keeps_its_place(grading: GradingLoop, parts: Parts) -> None:
    grading.backlog.put(arrival("a.fits", 1))
    grading.backlog.put(arrival("b.fits", 2))
    parts.answers = [WorkerUnavailable("no worker process can be started (no memory)")]
    assert grading.grade_next(0.0)
    assert grading.pause.holds()
    assert grading.pause.why == "No worker process can be started (no memory). Frames wait for a worker."
    assert (grading.backlog.depth(), parts.in_hand, parts.taken) == (1, 1, [])
    for _ in range(2):
        assert grading.grade_next(0.0)
    assert parts.asked == ["a.fits", "a.fits", "b.fits"]
    assert grading.pause.why == ""


def test_a_second_look_waits_for_a_worker_too(grading: GradingLoop, parts: Parts) -> None:
    parts.looks = [SecondLook(arrival("a.fits"), "ab")]
    parts.answers = [WorkerUnavailable("none")]
    for _ in range(2):
        assert grading.grade_next(0.0)
    assert parts.asked == ["a.fits", "a.fits"]
    assert len(parts.taken) == 1


def test_a_worker_that_is_lost_again_does_not_end_the_pause(grading: GradingLoop, parts: Parts) -> None:
    grading.pause.begin("the worker process is lost with one frame after another")
    grading.backlog.put(arrival("a.fits"))
    parts.answers = [failed(arrival("a.fits"), "worker_lost")]
    assert grading.grade_next(0.0)
    assert grading.pause.holds()
    assert parts.kept_open == ["a.fits"]
    assert len(parts.taken) == 1


def test_a_file_that_could_not_be_read_is_said_to_have_failed_after_some_tries(
    grading: GradingLoop, parts: Parts
) -> None:
    for _ in range(6):
        assert parts.taken == []
        grading.backlog.put(arrival("a.fits"))
        parts.answers = [failed(arrival("a.fits"), "no_access")]
        assert grading.grade_next(0.0)
    assert len(parts.taken) == 1
    assert parts.kept_open == ["a.fits"] * 6


def test_at_the_end_frames_in_hand_are_judged_and_no_other_is_taken_up(grading: GradingLoop, parts: Parts) -> None:
    parts.line = [arrival("a.fits"), arrival("b.fits")]
    grading.backlog.put(arrival("c.fits"))
    grading.finish(60.0)
    assert [outcome.arrival.path.name for outcome in parts.taken] == ["a.fits", "b.fits"]
    assert grading.backlog.depth() == 1


def test_the_end_waits_for_no_worker(grading: GradingLoop, parts: Parts) -> None:
    parts.line = [arrival("a.fits")]
    parts.answers = [WorkerUnavailable("none")]
    grading.finish(60.0)
    assert parts.taken == []


def test_a_lane_that_was_stopped_ends_the_work_and_judges_nothing(grading: GradingLoop, parts: Parts) -> None:
    grading.backlog.put(arrival("a.fits"))
    parts.answers = [failed(arrival("a.fits"), "stopped")]
    assert not grading.grade_next(0.0)
    assert parts.taken == []


def test_defects_in_second_looks_are_logged_and_the_night_goes_on(grading, parts, caplog) -> None:
    parts.fault = OverflowError("a number")
    parts.looks = [SecondLook(arrival("a.fits"), "ab")]
    with caplog.at_level(logging.ERROR, "astro_monitor.monitor"):
        assert grading.grade_next(0.0)
    assert "a.fits stays as it was judged first" in caplog.text


def test_trouble_of_the_night_log_is_no_defect_of_a_frame(grading: GradingLoop, parts: Parts) -> None:
    parts.fault = NightLogError("the disk is gone")
    parts.looks = [SecondLook(arrival("a.fits"), "ab")]
    with pytest.raises(NightLogError):
        grading.grade_next(0.0)
