"""Trouble that passes never condemns a frame: it is tried again, in this session and the next, and has one verdict.

Long form: ``pytest --long tests/faults/test_passing_trouble.py`` (nine minutes).
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
import pytest

from astro_monitor.documents import Document
from astro_monitor.monitor import retries
from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.folders import small_fits
from astro_monitor.testing.passing import PASSING_TROUBLE
from astro_monitor.testing.running import RunningMonitor, private_settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    folder = tmp_path / "captures"
    folder.mkdir()
    return folder


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps, a hundred times as fast."""
    monkeypatch.setattr(retries, "QUIET_STEPS_S", tuple(step_s / 100 for step_s in retries.QUIET_STEPS_S))
    monkeypatch.setattr(retries, "PAUSES_S", tuple(step_s / 100 for step_s in retries.PAUSES_S))
    monkeypatch.setattr(retries, "FIRST_STEP_S", retries.FIRST_STEP_S / 100)
    monkeypatch.setattr(retries, "ACCESS_STEP_S", retries.ACCESS_STEP_S / 100)


def frame(folder: Path, name: str) -> Path:
    path = folder / name
    number = int.from_bytes(name.encode()[-8:], "big") % 1_000_003
    path.write_bytes(small_fits()[:-8] + number.to_bytes(8, "big"))
    return path


def watching(captures: Path, marks: Path, tmp_path: Path, **sections) -> RunningMonitor:
    settings = private_settings(
        tmp_path / "state", models={"folder": marks}, health={"address": "127.0.0.1:0"}, **sections
    )
    return RunningMonitor(captures, settings, pipeline=PASSING_TROUBLE)


def page(running: RunningMonitor, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.monitor.health_port}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def of(documents: list[Document], name: str) -> list[Document]:
    return [document for document in documents if document.body["relative_path"] == name]


def assert_judged_once_each(running: RunningMonitor, names: set[str]) -> None:
    with NightLogReader.read(running.monitor.night_log_path) as log:
        judged = Counter(document.body["relative_path"] for document in log.documents(kind="frame.judged"))
        assert log.unfinished() == []
    assert judged == dict.fromkeys(names, 1)


def test_without_a_worker_the_queue_waits_and_says_so_and_no_frame_fails(captures, marks, tmp_path):
    with watching(captures, marks, tmp_path) as running:
        frame(captures, "a.fits")
        running.wait_for_outcomes(1)
        assert page(running, "/healthz") == (200, "ok\n")
        (marks / "no-worker").touch()
        for worker in psutil.Process().children():
            worker.kill()
        names = {f"{letter}.fits" for letter in "bcdefg"}
        for name in sorted(names):
            frame(captures, name)
        running.wait_until(lambda: page(running, "/healthz")[0] == 503, "a health that is not well")
        assert "No worker process can be started" in page(running, "/readyz")[1]
        assert len(running.outcomes()) == 1
        (marks / "no-worker").unlink()
        running.wait_for_outcomes(7)
        running.wait_until(lambda: page(running, "/healthz") == (200, "ok\n"), "a health that is well again")
        assert {document.kind for document in running.outcomes()} == {"frame.judged"}
    assert_judged_once_each(running, names | {"a.fits"})


def test_a_worker_that_does_not_finish_its_start_is_reported(captures, marks, tmp_path, monkeypatch):
    monkeypatch.setattr("astro_monitor.monitor.state.SLOW_START_S", 0.2)
    with watching(captures, marks, tmp_path) as running:
        (marks / "slow-worker").touch()
        for worker in psutil.Process().children():
            worker.kill()
        frame(captures, "a.fits")
        running.wait_until(lambda: "has been starting for" in page(running, "/readyz")[1], "a word about it")
        (marks / "slow-worker").unlink()
        (verdict,) = running.wait_for_outcomes(1)
        assert verdict.kind == "frame.judged"
        assert page(running, "/readyz") == (200, "ok\n")


def test_frames_with_which_the_worker_is_killed_from_outside_are_judged_afterwards(captures, marks, tmp_path):
    for name in ("b.fits", "c.fits"):
        for number in range(5):
            (marks / f"{name}.kill.{number}").touch()
    names = {f"{letter}.fits" for letter in "abcd"}
    with watching(captures, marks, tmp_path) as running:
        for name in sorted(names):
            frame(captures, name)
        running.wait_for(
            lambda: {d.body["relative_path"] for d in running.outcomes() if d.kind == "frame.judged"} == names,
            "a verdict on each",
        )
    failures = [document for document in running.outcomes() if document.kind == "frame.failed"]
    assert failures
    assert all(document.body["retryable"] for document in failures)
    for name in names:
        *before, verdict = of(running.outcomes(), name)
        assert verdict.cause == (before[-1].doc_id if before else ""), "the verdict names the failure that it overtakes"
    stopped = running.documents[-1]
    assert (stopped.body["frames_judged"], stopped.body["frames_failed"]) == (4, 0)
    assert_judged_once_each(running, names)


def test_a_file_on_which_workers_crash_is_final_and_the_others_are_judged(captures, marks, tmp_path):
    (marks / "b.fits.crash").touch()
    with watching(captures, marks, tmp_path) as running:
        for name in ("a.fits", "b.fits", "c.fits"):
            frame(captures, name)
        running.wait_for_outcomes(3)
    (failure,) = of(running.outcomes(), "b.fits")
    assert (failure.body["kind"], failure.body["retryable"]) == ("worker_lost", False)
    (marks / "b.fits.crash").unlink()
    with watching(captures, marks, tmp_path) as again:
        frame(captures, "d.fits")
        (verdict,) = again.wait_for_outcomes(1)
    assert verdict.body["relative_path"] == "d.fits"
    assert_judged_once_each(again, {"a.fits", "c.fits", "d.fits"})


@pytest.mark.parametrize("existing", ["grade", "ignore"])
def test_what_could_not_be_read_in_one_session_is_read_in_the_next(captures, marks, tmp_path, existing):
    (marks / "a.fits.denied").touch()
    with watching(captures, marks, tmp_path) as running:
        frame(captures, "a.fits")
        frame(captures, "b.fits")
        running.wait_for_outcomes(2)
    (failure,) = of(running.outcomes(), "a.fits")
    assert (failure.body["kind"], failure.body["retryable"]) == ("no_access", True)
    assert running.documents[-1].body["frames_failed"] == 1
    with watching(captures, marks, tmp_path) as still:
        frame(captures, "c.fits")
        still.wait_for_outcomes(1)
    assert of(still.outcomes(), "a.fits") == [], "the same failure is not reported twice"
    (marks / "a.fits.denied").unlink()
    with watching(captures, marks, tmp_path, watch={"existing": existing}) as again:
        (verdict,) = again.wait_for_outcomes(1)
    assert (verdict.kind, verdict.cause) == ("frame.judged", failure.doc_id)
    assert_judged_once_each(again, {"a.fits", "b.fits", "c.fits"})


def test_a_warning_about_failures_ends_when_the_files_can_be_read(captures, marks, tmp_path):
    names = {"a.fits", "b.fits", "c.fits"}
    for name in names:
        (marks / f"{name}.denied").touch()
    with watching(captures, marks, tmp_path) as running:
        for name in sorted(names):
            frame(captures, name)
        running.wait_for(lambda: [d for d in running.documents if d.kind == "alert.opened"] != [], "a warning")
        for name in names:
            (marks / f"{name}.denied").unlink()
        running.wait_for(lambda: [d for d in running.documents if d.kind == "alert.closed"] != [], "its end")
        running.wait_for(lambda: sum(d.kind == "frame.judged" for d in running.documents) == 3, "three verdicts")
    alerts = [document for document in running.documents if document.kind.startswith("alert.")]
    assert {document.body["kind"] for document in alerts} == {"failures"}
    assert_judged_once_each(running, names)


def test_a_frame_that_was_away_for_a_moment_is_judged_when_it_is_back(captures, marks, tmp_path):
    with watching(captures, marks, tmp_path) as running:
        (marks / "no-worker").touch()
        for worker in psutil.Process().children():
            worker.kill()
        path = frame(captures, "a.fits")
        running.wait_until(lambda: page(running, "/healthz")[0] == 503, "a queue that waits")
        away = path.rename(tmp_path / "away.fits")
        (marks / "no-worker").unlink()
        (failure,) = running.wait_for_outcomes(1)
        assert (failure.body["kind"], failure.body["retryable"]) == ("vanished", True)
        away.rename(path)
        verdict = running.wait_for_outcomes(2)[1]
    assert (verdict.kind, verdict.cause) == ("frame.judged", failure.doc_id)
    assert_judged_once_each(running, {"a.fits"})


def test_a_change_of_access_is_noticed_at_once(captures, marks, tmp_path, monkeypatch):
    # Long after the test, so that only the event can be what brings the frame back.
    monkeypatch.setattr(retries, "FIRST_STEP_S", 1e6)
    monkeypatch.setattr(retries, "ACCESS_STEP_S", 1e6)
    (marks / "a.fits.denied").touch()
    with watching(captures, marks, tmp_path, watch={"mode": "events"}) as running:
        path = frame(captures, "a.fits")
        running.wait_for_outcomes(1)
        (marks / "a.fits.denied").unlink()
        os.chmod(path, 0o640)  # noqa: PTH101
        failure, verdict = running.wait_for_outcomes(2)
    assert (verdict.kind, verdict.cause) == ("frame.judged", failure.doc_id)


def test_no_mixture_of_passing_troubles_costs_a_frame(captures, marks, tmp_path, rounds, figures):
    """Frames arrive while access, worker and the program itself come and go at random; then all trouble ends."""
    chance = random.Random(12)
    names = [f"{number:04d}.fits" for number in range(rounds(24, 180))]
    arriving = iter(names)
    documents: list[Document] = []
    sessions = rounds(3, 6)
    for session in range(sessions):
        with watching(captures, marks, tmp_path) as running:
            for place, name in enumerate(itertools.islice(arriving, len(names) // sessions)):
                trouble = chance.random() if place else 0.0
                if trouble < 0.25:
                    (marks / f"{name}.denied").touch()
                elif trouble < 0.5:
                    for number in range(chance.randint(1, 8)):
                        (marks / f"{name}.kill.{number}").touch()
                elif trouble < 0.55:
                    (marks / "no-worker").touch()
                    for worker in psutil.Process().children():
                        worker.kill()
                frame(captures, name)
                if chance.random() < 0.3:
                    (marks / "no-worker").unlink(missing_ok=True)
            (marks / "no-worker").unlink(missing_ok=True)
            denied = {mark.name.removesuffix(".denied") for mark in marks.glob("*.denied")}
            running.wait_for(
                lambda: denied <= {d.body["relative_path"] for d in (*documents, *running.outcomes())},  # noqa: B023
                "a failure of each frame without permission",
            )
            for mark in sorted(marks.iterdir()):
                if session == sessions - 1 or chance.random() < 0.5:
                    mark.unlink(missing_ok=True)
            if session == sessions - 1:
                for name in arriving:
                    frame(captures, name)
                running.wait_for(
                    lambda: sum(d.kind == "frame.judged" for d in (*documents, *running.outcomes())) >= len(names),  # noqa: B023
                    "a verdict on each frame",
                )
        documents += running.outcomes()
    assert_judged_once_each(running, set(names))
    failures = {document.doc_id: document for document in documents if document.kind == "frame.failed"}
    assert all(document.body["retryable"] for document in failures.values())
    overtaken = Counter(document.cause for document in documents if document.cause)
    assert overtaken == dict.fromkeys(failures, 1), "each failure is overtaken once"
    what = f"{len(names)} frames in {sessions} sessions of passing trouble"
    figures(f"{what}: {len(failures)} failures reported, all replaced by a verdict; 0 lost, 0 doubled")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_judged_when_it_may_be_read(captures, marks, tmp_path):
    with watching(captures, marks, tmp_path) as running:
        path = frame(captures, "a.fits")
        path.chmod(0)
        running.wait_for_outcomes(1)
        path.chmod(0o600)
        failure, verdict = running.wait_for_outcomes(2)
    assert (failure.kind, verdict.kind) == ("frame.failed", "frame.judged")
