"""What is put off, and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from astro_monitor.monitor.retries import ACCESS_STEP_S, LAST_STEP_S, Retries, WorkerPause
from astro_monitor.records import Arrival, Failed
from astro_monitor.testing.folders import ScriptedClock

NOW = datetime(2026, 3, 20, 21, tzinfo=UTC)
PATH = Path("/night/a.fits")


def failed(kind: str, size_bytes: int = 9) -> Failed:
    arrival = Arrival(path=PATH, root=PATH.parent, size_bytes=size_bytes, mtime_ns=1, first_seen_utc=NOW,
                      settled_utc=NOW, how="scan")  # fmt: skip
    return Failed(arrival=arrival, frame_id=None, stage="read", kind=kind, known=True, retryable=True,
                  sentence="It failed.", timings_s={})  # fmt: skip


class Clock(ScriptedClock):
    """One that a test moves."""

    def move(self, seconds: float) -> None:
        self._now_s += seconds


def tries(kind: str, count: int, clock: Clock) -> tuple[list[float], list[bool]]:
    """Let a file fail so often; the times at which it was asked for, and whether something was said each time."""
    retries, times, reported = Retries(clock), [0.0], []
    for _ in range(count):
        reported.append(not retries.put_off(failed(kind)))
        while not (due := retries.take_due()):
            clock.move(0.5)
        assert due == [PATH]
        times.append(clock.monotonic())
    return times, reported


def test_a_file_that_changed_while_it_was_read_is_tried_often_before_anything_is_said() -> None:
    times, reported = tries("incomplete", 7, Clock())
    assert [later - earlier for earlier, later in pairwise(times)] == [1, 2, 4, 8, 16, 15, 30]
    assert reported == [False] * 5 + [True] * 2


def test_pauses_double_up_to_an_hour_and_never_end() -> None:
    times, reported = tries("worker_lost", 12, Clock())
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[:4] == [15, 30, 60, 120]
    assert pauses[-2:] == [LAST_STEP_S, LAST_STEP_S]
    assert all(reported)


def test_a_file_without_permission_is_asked_for_each_minute() -> None:
    times, _ = tries("no_access", 12, Clock())
    assert times[-1] - times[-2] == ACCESS_STEP_S


def test_a_file_that_does_not_answer_is_forgotten_and_so_is_one_that_has_its_outcome() -> None:
    clock = Clock()
    retries = Retries(clock)
    retries.put_off(failed("worker_lost"))
    asked = 0
    for _ in range(100):
        asked += len(retries.take_due())
        clock.move(60.0)
    assert asked == 3
    retries.put_off(failed("no_access"))
    assert retries.unreported() == 1
    retries.settle(PATH)
    clock.move(1e6)
    assert (retries.take_due(), retries.unreported()) == ([], 0)


def test_a_file_that_is_gone_is_looked_for_a_few_times() -> None:
    clock = Clock()
    retries = Retries(clock)
    for _ in range(5):
        assert not retries.put_off(failed("vanished"))
    clock.move(1e6)
    assert retries.take_due() == []


def test_another_version_of_the_file_begins_from_the_start() -> None:
    retries = Retries(Clock())
    assert retries.failures(PATH) == 0
    reported = [not retries.put_off(failed("incomplete")) for _ in range(6)]
    assert reported[-1]
    assert retries.failures(PATH) == 6
    assert retries.put_off(failed("incomplete", size_bytes=10))
    assert retries.failures(PATH) == 1


def test_the_pause_without_a_worker_grows_and_says_why() -> None:
    clock = Clock()
    pause = WorkerPause(clock)
    assert (pause.holds(), pause.why) == (False, "")
    for seconds in (1.0, 2.0, 4.0, 8.0, 15.0, 15.0):
        pause.begin("no worker process can be started")
        assert pause.why == "No worker process can be started. Frames wait for a worker."
        assert pause.holds()
        clock.move(seconds - 0.1)
        assert pause.holds()
        clock.move(0.2)
        assert not pause.holds()
    pause.end()
    assert (pause.holds(), pause.why) == (False, "")
    pause.begin("again")
    clock.move(1.1)
    assert not pause.holds()
