"""One worker process after another: every file ends in exactly one answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from astro_monitor.errors import ConfigError, ModelError
from astro_monitor.records import Arrival, Baseline, BaselineKey, Examined, Failed, Outcome, Skipped, Spread
from astro_monitor.settings import ModelSettings, Settings, WorkerSettings
from astro_monitor.testing.worker_faults import FAULTY_PIPELINE
from astro_monitor.worker import Looked, WorkerLane
from astro_monitor.worker.process import WorkerProcess
from astro_monitor.worker.wire import Compare

KEY = BaselineKey(rig="r", target="t", filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)


def arrival(name: str, folder: Path = Path("/night")) -> Arrival:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Arrival(
        path=folder / name, root=folder, size_bytes=1, mtime_ns=2, first_seen_utc=moment, settled_utc=moment,
        how="scan",
    )  # fmt: skip


def chosen(star_finder: str = "fine", **worker: float) -> Settings:
    return Settings(models=ModelSettings(star_finder=star_finder), worker=WorkerSettings(**worker))


@pytest.fixture
def lane() -> Iterator[WorkerLane]:
    with WorkerLane(chosen(), pipeline=FAULTY_PIPELINE) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = psutil.Process().children(recursive=True)  # what other tests' libraries keep, such as resource trackers
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []
    assert [process for process in psutil.Process().children(recursive=True) if process not in before] == []


def test_a_worker_without_a_frame_has_no_preview(lane: WorkerLane) -> None:
    looked = seen(lane)
    assert lane.show(looked.frame_id) == b""
    lane.compare(looked, Baseline(key=looked.key))
    assert lane.show("another frame") == b""


def process_of(answer: Looked | Outcome) -> float:
    assert not isinstance(answer, Looked)
    return answer.timings_s["process"]


def seen(lane: WorkerLane, name: str = "seen.fine.fits") -> Looked:
    looked = lane.look(arrival(name))
    assert isinstance(looked, Looked)
    return looked


def test_a_file_without_a_look_has_its_outcome_at_once(lane: WorkerLane) -> None:
    outcome = lane.look(arrival("plain.fits"))
    assert isinstance(outcome, Skipped)
    assert outcome.arrival == arrival("plain.fits")


def test_a_look_says_which_baseline_it_is_compared_with(lane: WorkerLane) -> None:
    looked = seen(lane)
    assert (looked.key.target, looked.key.filter, looked.key.height) == ("m 31", "l", 40)
    outcome = lane.compare(looked, Baseline(key=looked.key, size=3))
    assert isinstance(outcome, Examined)
    assert (outcome.frame_id, outcome.timings_s["baseline"]) == (looked.frame_id, 3)


def test_another_worker_compares_a_look_as_well(lane: WorkerLane) -> None:
    looked = seen(lane)
    with WorkerLane(chosen(), pipeline=FAULTY_PIPELINE) as other:
        outcome = other.compare(looked, Baseline(key=looked.key))
    assert outcome.frame_id == looked.frame_id


def test_a_baseline_travels_to_a_worker_once_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    ask = WorkerProcess.ask

    def listen(self: WorkerProcess, question, number, timeout_s):
        if isinstance(question, Compare):
            sent.append(len(question.baseline))
        return ask(self, question, number, timeout_s)

    monkeypatch.setattr(WorkerProcess, "ask", listen)
    with WorkerLane(chosen(recycle_frames=1), pipeline=FAULTY_PIPELINE) as lane:
        looked = seen(lane)
        first, changed, other = Baseline(key=KEY, size=1), Baseline(key=KEY, size=2), Baseline(key=looked.key, size=9)
        sizes = [
            lane.compare(looked, one).timings_s["baseline"] for one in (first, first, other, changed, first, other)
        ]
        assert sizes == [1, 1, 9, 2, 1, 9]
        assert sent == [1, 0, 1, 1, 1, 0]
        seen(lane)  # by a new worker
        lane.compare(looked, other)
    assert sent[-1] == 1


def test_a_history_with_a_number_without_an_end_is_left_out(lane: WorkerLane, caplog: pytest.LogCaptureFixture) -> None:
    spoilt = Baseline(key=KEY, size=5, spreads={"fwhm_px": Spread(median=float("inf"), mad=0.0)})
    with caplog.at_level(logging.ERROR, "astro_monitor.worker"):
        outcome = lane.compare(seen(lane), spoilt)
    assert outcome.timings_s["baseline"] == 0
    assert "a history is left out" in caplog.text


def test_a_look_that_is_damaged_is_said_to_be_unusable(lane: WorkerLane) -> None:
    looked = seen(lane)
    spoilt = Looked(arrival=looked.arrival, frame_id=looked.frame_id, key=looked.key, look=looked.look[:-1])
    outcome = lane.compare(spoilt, Baseline(key=looked.key))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.known) == ("look_unusable", True)


def test_models_are_described_each_time_they_are_asked_for(lane: WorkerLane) -> None:
    assert lane.start() == lane.start()
    assert lane.start()[0]["name"] == "faulty"


def test_an_error_that_must_not_be_is_one_outcome(lane: WorkerLane) -> None:
    outcome = lane.look(arrival("raise.fits"))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.known, outcome.retryable) == ("unforeseen", False, False)
    assert "must not raise" in outcome.sentence
    assert isinstance(lane.look(arrival("plain.fits")), Skipped)


@pytest.mark.parametrize(
    ("name", "error", "word"), [("missing", ModelError, "not there"), ("misnamed", ConfigError, "no such name")]
)
def test_what_prevents_the_start_is_raised_with_its_sentence(name: str, error: type[Exception], word: str) -> None:
    lane = WorkerLane(chosen(name), pipeline=FAULTY_PIPELINE)
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
        processes = [process_of(lane.look(arrival("plain.fits"))) for _ in range(5)]
    assert processes[0] == processes[1] != processes[2] == processes[3] != processes[4]


def test_a_worker_that_died_between_two_frames_is_replaced_without_a_word_about_the_file() -> None:
    with WorkerLane(chosen(tries=1), pipeline=FAULTY_PIPELINE) as lane:
        first = lane.look(arrival("plain.fits"))
        worker = psutil.Process(int(process_of(first)))
        worker.kill()
        psutil.wait_procs([worker])
        second = lane.look(arrival("plain.fits"))
    assert isinstance(second, Skipped)
    assert process_of(first) != process_of(second)


def test_a_stopped_lane_grades_nothing_and_says_so() -> None:
    lane = WorkerLane(chosen(), pipeline=FAULTY_PIPELINE)
    lane.start()
    lane.stop()
    lane.stop()
    outcome = lane.look(arrival("plain.fits"))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == ("stopped", True)


def test_the_process_identifier_is_known_while_there_is_one() -> None:
    lane = WorkerLane(chosen(), pipeline=FAULTY_PIPELINE)
    assert lane.process_id is None
    with lane:
        assert process_of(lane.look(arrival("plain.fits"))) == lane.process_id
    assert lane.process_id is None
