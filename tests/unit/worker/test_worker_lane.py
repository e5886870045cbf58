"""The contract of a lane: every file ends in exactly one outcome, in a process or without one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from astro_monitor.errors import ConfigError, ModelError
from astro_monitor.records import Arrival, Baseline, BaselineKey, Failed, Outcome, Skipped, Spread
from astro_monitor.settings import ModelSettings, Settings, WorkerSettings
from astro_monitor.testing.worker_faults import FAULTY_PIPELINE
from astro_monitor.worker import InProcessLane, Lane, WorkerLane

KEY = BaselineKey(rig="r", target="t", filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)
LANES = [WorkerLane, InProcessLane]


def arrival(name: str, folder: Path = Path("/night")) -> Arrival:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Arrival(
        path=folder / name, root=folder, size_bytes=1, mtime_ns=2, first_seen_utc=moment, settled_utc=moment,
        how="scan",
    )  # fmt: skip


def chosen(star_finder: str = "fine", **worker: float) -> Settings:
    return Settings(models=ModelSettings(star_finder=star_finder), worker=WorkerSettings(**worker))


@pytest.fixture(params=LANES, ids=lambda lane: lane.__name__)
def lane(request: pytest.FixtureRequest) -> Iterator[Lane]:
    opened: AbstractContextManager[Lane] = request.param(chosen(), pipeline=FAULTY_PIPELINE)
    with opened as lane:
        yield lane


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = psutil.Process().children(recursive=True)  # what other tests' libraries keep, such as resource trackers
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []
    assert [process for process in psutil.Process().children(recursive=True) if process not in before] == []


def process_of(outcome: Outcome) -> float:
    return outcome.timings_s["process"]


def test_a_file_is_examined(lane: Lane) -> None:
    outcome = lane.examine(arrival("plain.fits"), (Baseline(key=KEY), Baseline(key=KEY, size=3)))
    assert isinstance(outcome, Skipped)
    assert outcome.arrival == arrival("plain.fits")
    assert outcome.timings_s["baselines"] == 2


def test_baselines_may_be_any_iterable(lane: Lane) -> None:
    outcome = lane.examine(arrival("plain.fits"), iter([Baseline(key=KEY)]))
    assert outcome.timings_s["baselines"] == 1


def test_a_history_with_a_number_without_an_end_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    spoilt = Baseline(key=KEY, spreads={"fwhm_px": Spread(median=float("inf"), mad=0.0)})
    with caplog.at_level(logging.ERROR, "astro_monitor.worker"), WorkerLane(chosen(), pipeline=FAULTY_PIPELINE) as lane:
        outcome = lane.examine(arrival("plain.fits"), (Baseline(key=KEY), spoilt, Baseline(key=KEY)))
    assert outcome.timings_s["baselines"] == 2
    assert "1 history is left out" in caplog.text


def test_models_are_described_each_time_they_are_asked_for(lane: Lane) -> None:
    assert lane.start() == lane.start()
    assert lane.start()[0]["name"] == "faulty"


def test_an_error_that_must_not_be_is_one_outcome(lane: Lane) -> None:
    outcome = lane.examine(arrival("raise.fits"), ())
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.known, outcome.retryable) == ("unforeseen", False, False)
    assert "must not raise" in outcome.sentence
    assert isinstance(lane.examine(arrival("plain.fits"), ()), Skipped)


@pytest.mark.parametrize("make", LANES)
@pytest.mark.parametrize(
    ("name", "error", "word"), [("missing", ModelError, "not there"), ("misnamed", ConfigError, "no such name")]
)
def test_what_prevents_the_start_is_raised_with_its_sentence(
    make: type[WorkerLane] | type[InProcessLane], name: str, error: type[Exception], word: str
) -> None:
    lane = make(chosen(name), pipeline=FAULTY_PIPELINE)
    with pytest.raises(error, match=word):
        lane.start()
    lane.stop()


def test_a_worker_that_dies_while_it_starts_is_a_model_error() -> None:
    lane = WorkerLane(chosen("crashing"), pipeline=FAULTY_PIPELINE)
    with pytest.raises(ModelError, match="SIGSEGV"):
        lane.start()


def test_a_pipeline_that_is_not_there_is_a_model_error() -> None:
    lane = WorkerLane(chosen(), pipeline="astro_monitor.testing.worker_faults:Nothing")
    with pytest.raises(ModelError, match=r"exit code 1 .*Nothing"):
        lane.start()


def test_a_worker_is_renewed_after_so_many_frames() -> None:
    with WorkerLane(chosen(recycle_frames=2), pipeline=FAULTY_PIPELINE) as lane:
        processes = [process_of(lane.examine(arrival("plain.fits"), ())) for _ in range(5)]
    assert processes[0] == processes[1] != processes[2] == processes[3] != processes[4]


def test_a_worker_that_died_between_two_frames_is_replaced_without_a_word_about_the_file() -> None:
    with WorkerLane(chosen(tries=1), pipeline=FAULTY_PIPELINE) as lane:
        first = lane.examine(arrival("plain.fits"), ())
        worker = psutil.Process(int(process_of(first)))
        worker.kill()
        psutil.wait_procs([worker])
        second = lane.examine(arrival("plain.fits"), ())
    assert isinstance(second, Skipped)
    assert process_of(first) != process_of(second)


def test_a_stopped_lane_grades_nothing_and_says_so() -> None:
    lane = WorkerLane(chosen(), pipeline=FAULTY_PIPELINE)
    lane.start()
    lane.stop()
    lane.stop()
    outcome = lane.examine(arrival("plain.fits"), ())
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == ("stopped", True)


def test_the_process_identifier_is_known_while_there_is_one() -> None:
    lane = WorkerLane(chosen(), pipeline=FAULTY_PIPELINE)
    assert lane.process_id is None
    with lane:
        assert process_of(lane.examine(arrival("plain.fits"), ())) == lane.process_id
    assert lane.process_id is None
