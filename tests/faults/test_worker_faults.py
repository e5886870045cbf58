"""Files that crash, hang or fill the memory cost the worker, never the monitor, and never another file."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from astro_monitor.errors import ModelError, WorkerUnavailable
from astro_monitor.records import Arrival, Baseline, BaselineKey, Examined, Failed, Outcome, Skipped
from astro_monitor.settings import ModelSettings, Settings, WorkerSettings
from astro_monitor.testing.worker_faults import FAULTY_PIPELINE
from astro_monitor.worker import Looked, WorkerLane
from astro_monitor.worker.blame import Machine


def arrival(name: str, folder: Path = Path("/night")) -> Arrival:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Arrival(
        path=folder / name, root=folder, size_bytes=1, mtime_ns=2, first_seen_utc=moment, settled_utc=moment,
        how="scan",
    )  # fmt: skip


def lane_with(**worker: float) -> WorkerLane:
    return WorkerLane(Settings(worker=WorkerSettings(**{"tries": 2, **worker})), pipeline=FAULTY_PIPELINE)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("worker")] == []
    assert psutil.Process().children(recursive=True) == []


def lost(outcome: Looked | Outcome, *, again: bool = False) -> str:
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.stage, outcome.known, outcome.retryable) == ("worker_lost", "worker", True, again)
    return outcome.sentence


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("crash.fits", "was ended by SIGSEGV"),
        ("exit.fits", "exit code 7"),
        ("words.fits", "was ended by SIGABRT"),
        ("nonsense.fits", "answered nonsense"),
        ("other.fits", "answered for another file"),
    ],
)
def test_a_file_on_which_the_worker_dies_fails_after_bounded_tries(name: str, word: str) -> None:
    with lane_with() as lane:
        sentence = lost(lane.look(arrival(name)))
        assert isinstance(lane.look(arrival("plain.fits")), Skipped)
    assert word in sentence
    assert "lost 2 times" in sentence


def test_what_a_crashing_worker_says_last_is_reported_without_its_control_characters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "astro_monitor.worker"), lane_with(tries=1) as lane:
        lost(lane.look(arrival("words.fits")), again=True)
    assert "\\x1b[2J the last words" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_file_on_which_the_worker_dies_once_is_graded_at_the_second_try(tmp_path: Path) -> None:
    (tmp_path / "crash_once.fits").touch()
    with lane_with() as lane:
        assert isinstance(lane.look(arrival("crash_once.fits", tmp_path)), Skipped)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the processor time of other processes")
def test_a_file_that_keeps_the_worker_busy_is_given_up_after_two_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other programs may leave it only a part of the processor.
    monkeypatch.setattr("astro_monitor.worker.blame.WORKING_SHARE", 0.02)
    with lane_with(tries=5, timeout_s=0.5) as lane:
        sentence = lost(lane.look(arrival("spin.fits")))
    assert "longer than 0.5 s" in sentence
    assert "lost 2 times" in sentence


def test_a_file_for_which_the_worker_waits_in_vain_is_put_off_after_two_limits() -> None:
    with lane_with(tries=5, timeout_s=0.2) as lane:
        sentence = lost(lane.look(arrival("hang.fits")), again=True)
    assert "waited for a disk, a share or memory" in sentence
    assert "lost 2 times" in sentence


def test_a_file_that_crashes_is_given_up_at_the_second_crash_also_when_asked_at_different_times() -> None:
    with lane_with(tries=1) as lane:
        lost(lane.look(arrival("crash.fits")), again=True)
        assert isinstance(lane.look(arrival("plain.fits")), Skipped)
        # This worker had another file before, so that its end is not counted.
        lost(lane.look(arrival("crash.fits")), again=True)
        lost(lane.look(arrival("crash.fits")))


@pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
def test_a_worker_killed_from_outside_never_condemns_its_file(tmp_path: Path) -> None:
    for number in range(1, 8):
        (tmp_path / f"killed.fits.{number}").touch()
    with lane_with(tries=3) as lane:
        for _ in range(2):
            sentence = lost(lane.look(arrival("killed.fits", tmp_path)), again=True)
            assert "SIGKILL" in sentence
        assert isinstance(lane.look(arrival("killed.fits", tmp_path)), Skipped)


@pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
def test_kills_for_want_of_memory_count_once_in_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 8):
        (tmp_path / f"killed.fits.{number}").touch()
    kills = itertools.count()
    monkeypatch.setattr(Machine, "now", lambda: Machine(ample_memory=True, oom_kills=next(kills)))
    with lane_with(tries=3) as lane:
        lost(lane.look(arrival("killed.fits", tmp_path)), again=True)
        sentence = lost(lane.look(arrival("killed.fits", tmp_path)))
    assert "lost once" in sentence


@pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
def test_when_the_worker_is_lost_with_one_file_after_another_no_file_is_named(tmp_path: Path) -> None:
    for name in ("killed.a.fits", "killed.b.fits"):
        for number in range(1, 3):
            (tmp_path / f"{name}.{number}").touch()
    with lane_with(tries=1) as lane:
        lost(lane.look(arrival("killed.a.fits", tmp_path)), again=True)
        with pytest.raises(WorkerUnavailable, match="one frame after another"):
            lane.look(arrival("killed.b.fits", tmp_path))
        lost(lane.look(arrival("killed.b.fits", tmp_path)), again=True)
        assert isinstance(lane.look(arrival("killed.b.fits", tmp_path)), Skipped)
        lost(lane.look(arrival("killed.a.fits", tmp_path)), again=True)
        assert isinstance(lane.look(arrival("killed.a.fits", tmp_path)), Skipped)


def test_what_an_old_worker_could_not_do_is_asked_of_a_new_one() -> None:
    with lane_with() as lane:
        first = lane.look(arrival("weary.fits"))
        second = lane.look(arrival("weary.fits"))
    assert isinstance(second, Skipped)
    assert first.timings_s["process"] != second.timings_s["process"]


@pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")
@pytest.mark.parametrize("kills", [1, 2, 3])
def test_a_worker_killed_while_it_loads_the_models_is_started_again(tmp_path: Path, kills: int) -> None:
    for number in range(kills):
        (tmp_path / f"killed.{number}").touch()
    lane = WorkerLane(
        Settings(models=ModelSettings(star_finder="killed", folder=tmp_path)), pipeline=FAULTY_PIPELINE
    )  # fmt: skip
    if kills < 3:
        with lane:
            assert isinstance(lane.look(arrival("plain.fits")), Skipped)
    else:
        with pytest.raises(ModelError, match=r"SIGKILL.*while it loaded the models"):
            lane.start()
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_a_process_to_spare_costs_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    with lane_with() as lane:
        first = lane.look(arrival("plain.fits"))
        worker = psutil.Process(int(first.timings_s["process"]))
        worker.kill()
        psutil.wait_procs([worker])
        with monkeypatch.context() as patch:
            patch.setattr("subprocess.Popen", refuse(OSError(11, "Resource temporarily unavailable")))
            with pytest.raises(WorkerUnavailable, match="temporarily unavailable"):
                lane.look(arrival("plain.fits"))
        with monkeypatch.context() as patch:
            patch.setattr("threading.Thread.start", refuse(RuntimeError("can't start new thread")))
            with pytest.raises(WorkerUnavailable, match="new thread"):
                lane.look(arrival("plain.fits"))
        assert isinstance(lane.look(arrival("plain.fits")), Skipped)


def refuse(error: Exception) -> Callable[..., NoReturn]:
    def refused(*_arguments: object, **_named: object) -> NoReturn:
        raise error

    return refused


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
@pytest.mark.parametrize("star_finder", ["fine", "reserving"])
def test_a_bomb_is_refused_by_the_system_and_the_worker_is_renewed(star_finder: str) -> None:
    chosen = Settings(worker=WorkerSettings(memory_mb=256), models=ModelSettings(star_finder=star_finder))
    with WorkerLane(chosen, pipeline=FAULTY_PIPELINE) as lane:
        outcome = lane.look(arrival("bomb.fits"))
        after = lane.look(arrival("plain.fits"))
    assert isinstance(outcome, Failed)
    assert outcome.kind == "out_of_memory"
    assert after.timings_s["process"] != outcome.timings_s["process"]


def test_what_a_library_prints_does_not_get_between_the_answers() -> None:
    with lane_with() as lane:
        assert isinstance(lane.look(arrival("print.fits")), Skipped)
        assert isinstance(lane.look(arrival("plain.fits")), Skipped)


def test_an_answer_with_a_nan_is_a_visible_defect() -> None:
    with lane_with() as lane:
        outcome = lane.look(arrival("nan.fits"))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.known) == ("unforeseen", False)


def test_the_worker_cannot_write_files(tmp_path: Path) -> None:
    with lane_with() as lane:
        outcome = lane.look(arrival("write.fits", tmp_path))
    assert isinstance(outcome, Skipped)
    assert outcome.sentence.startswith("refused")
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


def test_what_the_worker_started_ends_with_it() -> None:
    with lane_with(tries=1) as lane:
        lost(lane.look(arrival("child.fits")), again=True)


def test_interrupts_are_for_the_monitor_alone() -> None:
    with lane_with() as lane:
        assert isinstance(lane.look(arrival("interrupt.fits")), Skipped)


def test_stop_ends_a_worker_that_hangs_and_the_file_is_not_judged() -> None:
    lane = lane_with()
    lane.start()
    outcomes: list[Looked | Outcome] = []
    grading = threading.Thread(target=lambda: outcomes.append(lane.look(arrival("hang.fits"))))
    grading.start()
    lane.stop(grace_s=0.1)
    grading.join(10)
    assert not grading.is_alive()
    (outcome,) = outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.retryable) == ("stopped", True)


LOOK_KEY = BaselineKey(rig="r", target="t", filter="f", exposure_s=1.0, gain=0.0, binning=1, height=1, width=1)


def looked(lane: WorkerLane, name: str, folder: Path = Path("/night")) -> Looked:
    answer = lane.look(arrival(name, folder))
    assert isinstance(answer, Looked)
    return answer


@pytest.mark.parametrize(("word", "sentence"), [("crash", "SIGSEGV"), ("exit", "exit code 7"), ("other", "another")])
def test_a_look_on_which_the_worker_dies_fails_after_bounded_tries(word: str, sentence: str) -> None:
    with lane_with(tries=3) as lane:
        seen = looked(lane, f"seen.{word}.fits")
        assert sentence in lost(lane.compare(seen, Baseline(key=LOOK_KEY)))
        fine = lane.compare(looked(lane, "seen.fine.fits"), Baseline(key=LOOK_KEY))
    assert isinstance(fine, Examined)


def test_a_look_that_survives_its_worker_is_compared_by_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "seen.crash_once.fits").touch()
    with lane_with() as lane:
        seen = looked(lane, "seen.crash_once.fits", tmp_path)
        assert isinstance(lane.compare(seen, Baseline(key=LOOK_KEY)), Examined)
