"""Crashes, hangs and kills in one of several workers cost their file alone; no other is lost, repeated or moved."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from astro_monitor.errors import WorkerUnavailable
from astro_monitor.records import Arrival, Baseline, Examined, Failed, Outcome, Skipped
from astro_monitor.settings import ModelSettings, Settings, WorkerSettings
from astro_monitor.testing.passing import PASSING_TROUBLE
from astro_monitor.testing.worker_faults import FAULTY_PIPELINE
from astro_monitor.worker import WorkerPool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
NIGHT = [
    "seen.fine.1.fits", "plain.fits", "crash.fits", "seen.fine.2.fits", "seen.crash.fits", "seen.fine.3.fits",
    "exit.fits", "seen.fine.4.fits", "nonsense.fits", "raise.fits", "seen.exit.fits", "seen.fine.5.fits",
    "hang.fits", "seen.fine.6.fits", "other.fits", "seen.fine.7.fits", "nan.fits", "seen.fine.8.fits",
]  # fmt: skip

TRIES_OF_A_MONITOR = 12
"""Calls for an outcome: one for each of four files, and some that report a start which failed before."""


def arrival(name: str, folder: Path = Path("/night")) -> Arrival:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Arrival(
        path=folder / name, root=folder, size_bytes=1, mtime_ns=2, first_seen_utc=moment, settled_utc=moment,
        how="scan",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = psutil.Process().children(recursive=True)
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []
    assert [process for process in psutil.Process().children(recursive=True) if process not in before] == []


def pool_of(arrivals: list[Arrival], **worker: float) -> WorkerPool:
    waiting = deque(arrivals)
    chosen = WorkerSettings(**{"processes": 2, "tries": 3, "timeout_s": 1.5, **worker})
    return WorkerPool(
        Settings(worker=chosen), lambda: [waiting.popleft()] if waiting else [], pipeline=FAULTY_PIPELINE
    )  # fmt: skip


def told(outcome: Outcome) -> str:
    return outcome.kind if isinstance(outcome, Failed) else type(outcome).__name__


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_file_of_a_night_of_faults_has_one_outcome_in_its_place(processes: int) -> None:
    with pool_of([arrival(name) for name in NIGHT], processes=processes) as pool:
        outcomes = [outcome for _ in NIGHT for outcome in pool.take(lambda key: Baseline(key=key), 120.0)]
    assert [outcome.arrival.path.name for outcome in outcomes] == NIGHT
    fine = {name: told(outcome) for name, outcome in zip(NIGHT, outcomes, strict=True) if name.startswith("seen.fine")}
    assert set(fine.values()) == {"Examined"}
    lost = {name for name, outcome in zip(NIGHT, outcomes, strict=True) if told(outcome) == "worker_lost"}
    assert lost == {
        "crash.fits", "seen.crash.fits", "exit.fits", "nonsense.fits", "seen.exit.fits", "hang.fits", "other.fits"
    }  # fmt: skip
    assert told(outcomes[NIGHT.index("raise.fits")]) == told(outcomes[NIGHT.index("nan.fits")]) == "unforeseen"


def test_a_worker_that_dies_while_it_looks_ahead_neither_loses_nor_repeats_the_frame_before(tmp_path: Path) -> None:
    (tmp_path / "crash_once.fits").touch()
    names = ["seen.fine.1.fits", "crash_once.fits", "seen.fine.2.fits"]
    baselines: list[int] = []

    def baseline_for(key) -> Baseline:
        baselines.append(len(baselines))
        return Baseline(key=key, size=baselines[-1])

    with pool_of([arrival(name, tmp_path) for name in names], processes=1) as pool:
        outcomes = [outcome for _ in names for outcome in pool.take(baseline_for, 60.0)]
    assert [told(outcome) for outcome in outcomes] == ["Examined", "Skipped", "Examined"]
    assert [one.timings_s["baseline"] for one in outcomes if isinstance(one, Examined)] == [0, 1]
    assert baselines == [0, 1]


def test_a_look_outlives_the_worker_that_made_it() -> None:
    with pool_of([arrival("seen.fine.fits"), arrival("plain.fits")], processes=1) as pool:
        killed = threading.Event()

        def baseline_for(key) -> Baseline:
            if not killed.is_set():
                for process_id in pool.process_ids:
                    psutil.Process(process_id).kill()
                psutil.wait_procs([psutil.Process(one) for one in pool.process_ids], 10)
                killed.set()
            return Baseline(key=key)

        first, second = (outcome for _ in range(2) for outcome in pool.take(baseline_for, 60.0))
    assert isinstance(first, Examined)
    assert isinstance(second, Skipped)


def test_all_processes_end_with_the_pool_also_while_a_file_hangs() -> None:
    names = ["hang.1.fits", "hang.2.fits", "seen.fine.fits"]
    pool = pool_of([arrival(name) for name in names], timeout_s=60.0)
    with pool:
        assert pool.take(lambda key: Baseline(key=key), 1.0) == []
        pool.stop(grace_s=0.1)
        assert {told(outcome) for outcome in pool.take(lambda key: Baseline(key=key))} <= {"stopped"}


def test_without_any_worker_files_wait_and_are_graded_when_there_is_one(tmp_path: Path) -> None:
    marks, captures = tmp_path / "marks", tmp_path / "captures"
    marks.mkdir(), captures.mkdir()
    waiting: deque[Arrival] = deque()
    settings = Settings(worker=WorkerSettings(processes=2), models=ModelSettings(folder=marks))
    with WorkerPool(
        settings, lambda: [waiting.popleft()] if waiting else [], pipeline=PASSING_TROUBLE
    ) as pool:  # fmt: skip
        (marks / "no-worker").touch()
        for process_id in pool.process_ids:
            psutil.Process(process_id).kill()
        for number in range(4):
            (captures / f"{number}.fits").write_bytes(bytes([number]) * 100)
            waiting.append(arrival(f"{number}.fits", captures))
        pool.ring()
        with pytest.raises(WorkerUnavailable):
            pool.take(lambda key: Baseline(key=key), 60.0)
        assert pool.in_hand
        (marks / "no-worker").unlink()
        outcomes: list[Outcome] = []
        for _ in range(TRIES_OF_A_MONITOR):
            # The other lane may still report a start that failed before; a monitor asks again, and so does this test.
            with suppress(WorkerUnavailable):
                outcomes += pool.take(lambda key: Baseline(key=key), 60.0)
            if len(outcomes) == 4:
                break
    assert [outcome.arrival.path.name for outcome in outcomes] == [f"{number}.fits" for number in range(4)]
    assert {told(outcome) for outcome in outcomes} == {"Examined"}
