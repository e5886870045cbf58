"""Each content has one outcome, whatever its names, its failures and the state of the disk."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from astro_monitor import metrics
from astro_monitor.clock import SystemClock
from astro_monitor.counts import Counts
from astro_monitor.nightlog import LogBlocked, NightLog
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, Failed, FrameMeta, Grade, Measurements, Skipped
from astro_monitor.session import Session
from astro_monitor.settings import ListSettings, Settings
from astro_monitor.sinks import ListSink
from astro_monitor.testing.bodies import body_of

NOW = datetime(2026, 3, 20, 21, tzinfo=UTC)
SHA256 = "ab" * 32


def arrival(name: str) -> Arrival:
    root = Path("/night")
    return Arrival(
        path=root / name, root=root, size_bytes=9, mtime_ns=1, first_seen_utc=NOW, settled_utc=NOW, how="scan"
    )


def failed(name: str, *, frame_id: str | None = SHA256[:16], retryable: bool = False) -> Failed:
    return Failed(
        arrival=arrival(name),
        frame_id=frame_id,
        stage="read",
        kind="truncated",
        known=True,
        retryable=retryable,
        sentence="The file ends early: it was cut off; copy it again.",
        timings_s={"total": 0.1},
    )


def examined(name: str) -> Examined:
    probabilities = {**dict.fromkeys(CLASSES, 0.01), "good": 0.96}
    return Examined(
        arrival=arrival(name),
        frame_id=SHA256[:16],
        sha256=SHA256,
        meta=FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0, date_obs_utc=NOW),
        sensor_shape=(64, 80),
        sensor_px_per_px=1,
        measurements=Measurements(
            frame_id=SHA256[:16],
            values=dict.fromkeys(metrics.KEYS),
            why_missing=dict.fromkeys(metrics.KEYS, "not measured here"),
            field_grid=(),
            bright_stars=(),
            streaks=(),
        ),
        grade=Grade(
            frame_id=SHA256[:16],
            label="good",
            probabilities=probabilities,
            fault_scores=dict.fromkeys(FAULTS, 0.0),
            cause="none",
            cause_probability=1.0,
            in_domain=1.0,
            why_unknown="",
            model="quality.1+aa",
        ),
        models=("quality.1+aa",),
        timings_s={"total": 0.1},
    )


def skipped(name: str) -> Skipped:
    return Skipped(
        arrival=arrival(name),
        frame_id=SHA256[:16],
        sha256=SHA256,
        meta=FrameMeta(kind="dark"),
        sensor_shape=(64, 80),
        sentence="IMAGETYP says this is a dark frame, so it is not graded.",
        timings_s={"total": 0.1},
    )


@pytest.mark.parametrize("first", [failed, examined, skipped])
@pytest.mark.parametrize("second", [failed, examined, skipped])
def test_known_content_under_another_name_is_noted_not_judged(session, night_log, announced, first, second) -> None:
    original = session.take(first("a.fits"))
    again = session.take(second("copy/b.fits"))
    assert announced == [original]
    assert again.doc_id == original.doc_id
    assert again.kind == original.kind
    assert again.body["relative_path"] == "copy/b.fits"
    assert night_log.already_done(Path("/night/copy/b.fits"), 9, 1)


def lists_of(session: Session, night_log: NightLog, folder: Path) -> ListSink:
    report = partial(session.record, "list.written")
    return ListSink(night_log, folder / "lists", ListSettings(), report=report)


def test_a_file_that_is_no_light_frame_is_skipped_and_counted_apart(night_log, announced, tmp_path) -> None:
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    lists = lists_of(session, night_log, tmp_path)
    document = session.take(skipped("a.fits"))
    assert (document.kind, document.body["type"]) == ("frame.skipped", "dark")
    assert document.body["why"] == "IMAGETYP says this is a dark frame, so it is not graded."
    assert session.counts == Counts(skipped=1)
    lists.flush()
    session.stop("stopped", "The end.")
    written, stopped = (document.body for document in announced[-2:])
    assert [written[word] for word in ("kept", "review", "rejected", "skipped")] == [0, 0, 0, 1]
    assert [stopped[f"frames_{word}"] for word in ("judged", "skipped", "failed")] == [0, 1, 0]
    (entry,) = json.loads((tmp_path / "lists" / "not_lights.json").read_bytes())["not_lights"]
    assert (Path(entry["file"]).name, entry["type"]) == ("a.fits", "dark")


@pytest.mark.parametrize("frame_id", [None, SHA256[:16]])
@pytest.mark.parametrize("second", [examined, skipped, failed])
def test_a_failure_that_may_pass_makes_room_for_an_outcome_that_names_it(
    session, night_log, announced, frame_id, second
) -> None:
    first = session.take(failed("a.fits", retryable=True, frame_id=frame_id))
    assert not night_log.already_done(Path("/night/a.fits"), 9, 1)
    assert night_log.unfinished() == [Path("/night/a.fits")]
    outcome = session.take(second("a.fits"))
    assert announced == [first, outcome]
    assert outcome.cause == first.doc_id
    assert night_log.already_done(Path("/night/a.fits"), 9, 1)
    assert night_log.unfinished() == []
    assert session.counts.judged + session.counts.skipped + session.counts.failed == 1


def test_the_same_passing_failure_is_reported_once(session, announced) -> None:
    first = session.take(failed("a.fits", retryable=True, frame_id=None))
    for _ in range(3):
        assert session.take(failed("a.fits", retryable=True, frame_id=None)) == first
    assert announced == [first]
    assert session.counts.failed == 1


def test_a_passing_failure_of_an_earlier_session_is_not_taken_back_in_this_one(night_log, announced) -> None:
    Session(Settings(), night_log, SystemClock(), announce=announced.append).take(
        failed("a.fits", retryable=True, frame_id=None)
    )
    night_log.session_id = "t" * 32
    later = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    later.take(examined("a.fits"))
    assert (later.counts.failed, later.counts.judged) == (0, 1)


def test_a_lost_session_counts_a_file_that_recovered_once(night_log, announced) -> None:
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    session.start("watch", Path("/night"), [])
    session.take(failed("a.fits", retryable=True, frame_id=None))
    session.take(failed("b.fits", retryable=True, frame_id=None))
    session.take(examined("a.fits"))
    night_log.session_id = "t" * 32
    (stopped,) = night_log.close_lost_sessions()
    assert (stopped.body["frames_judged"], stopped.body["frames_failed"]) == (1, 1)


def test_a_copy_of_a_known_frame_that_could_not_be_read_is_no_failure_any_more(session) -> None:
    session.take(examined("a.fits"))
    session.take(failed("b.fits", retryable=True, frame_id=None))
    assert session.counts.failed == 1
    session.take(examined("b.fits"))
    assert (session.counts.judged, session.counts.failed) == (1, 0)


def test_an_outcome_that_cannot_be_used_costs_its_file_alone(session, night_log, announced) -> None:
    session.take(examined("a.fits"))
    before = session.baselines()
    odd = replace(examined("b.fits"), frame_id="cd" * 8, sha256="cd" * 32)
    grade = replace(odd.grade, cause_probability=float("nan"))
    failure = session.take(replace(odd, grade=grade))
    assert (failure.kind, failure.body["kind"], failure.body["known"]) == ("frame.failed", "unforeseen", False)
    assert "please report this file" in failure.body["sentence"]
    assert session.baselines() == before, "nothing was learnt from it"
    third = replace(examined("c.fits"), frame_id="ef" * 8, sha256="ef" * 32)
    assert session.take(third).kind == "frame.judged"
    assert [document.kind for document in announced] == ["frame.judged", "frame.failed", "frame.judged"]


def test_files_that_could_not_be_read_fail_each_by_themselves(session, announced) -> None:
    session.take(failed("a.fits", frame_id=None))
    session.take(failed("b.fits", frame_id=None))
    assert [document.kind for document in announced] == ["frame.failed", "frame.failed", "alert.opened"]
    assert [document.body["relative_path"] for document in announced[:2]] == ["a.fits", "b.fits"]


def test_a_full_disk_holds_the_verdict_until_there_is_room(night_log, announced, monkeypatch) -> None:
    waits: list[float] = []

    class Waiting(SystemClock):
        def wait(self, event: threading.Event, timeout_s: float) -> bool:
            waits.append(timeout_s)
            return event.is_set()

    commit, blocked = night_log.commit, iter([True, True, False])

    def full_at_first(*arguments, **named):
        if next(blocked):
            raise LogBlocked("the disk is full; free some space")
        return commit(*arguments, **named)

    monkeypatch.setattr(night_log, "commit", full_at_first)
    session = Session(Settings(), night_log, Waiting(), announce=announced.append)
    session.take(examined("a.fits"))
    assert len(waits) == 2
    assert [document.kind for document in announced] == ["frame.judged"]


def test_a_stop_ends_the_waiting_for_room(night_log, announced, monkeypatch) -> None:
    def full(*_arguments, **_named):
        raise LogBlocked("the disk is full; free some space")

    monkeypatch.setattr(night_log, "commit", full)
    stop = threading.Event()
    stop.set()
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append, stop=stop)
    with pytest.raises(LogBlocked):
        session.take(examined("a.fits"))
    assert announced == []


def test_a_session_that_never_said_good_bye_is_closed_at_the_next_start(night_log, announced) -> None:
    Session(Settings(), night_log, SystemClock(), announce=announced.append).start("watch", Path("/night"), [])
    night_log.session_id = "t" * 32
    Session(Settings(), night_log, SystemClock(), announce=announced.append).start("watch", Path("/night"), [])
    kinds = [(document.kind, document.session_id[0]) for document in announced]
    assert kinds == [
        ("session.started", "s"),
        ("metrics.described", "s"),
        ("session.stopped", "s"),
        ("session.started", "t"),
        ("metrics.described", "t"),
    ]
    assert announced[2].body["reason"] == "lost"


def test_the_log_keeps_the_first_name_and_knows_the_others(session, night_log) -> None:
    session.take(examined("a.fits"))
    session.take(examined("b.fits"))
    (row,) = night_log.judged_frames()
    assert row.body.relative_path == "a.fits"
    assert [path.rpartition("/")[2] for path in row.paths] == ["b.fits", "a.fits"]


def test_a_person_decides_and_the_lists_follow(night_log, announced, tmp_path) -> None:
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    lists = lists_of(session, night_log, tmp_path)
    sound = examined("a.fits")
    values = {**sound.measurements.values, "star_count": 300.0, "star_count_measured": 200.0}
    judged = session.take(replace(sound, measurements=replace(sound.measurements, values=values)))
    assert [one.size for one in session.baselines()] == [1]
    revised = session.revise(judged.body["frame_id"], "reject", "ana", "a plane went through")
    assert announced[-1] == revised
    assert (revised.body["old_decision"], revised.body["new_decision"]) == ("keep", "reject")
    assert [one.size for one in session.baselines()] == [0]
    lists.flush()
    (table,) = (tmp_path / "lists").rglob("frames.json")
    assert [row["reasons"][0] for row in json.loads(table.read_bytes())["rejected"]] == [
        "Decided by hand: a plane went through"
    ]
    session.revise(judged.body["frame_id"], "keep", "ana", "no, it is fine")
    lists.flush()
    assert json.loads(table.read_bytes())["rejected"] == []


@pytest.mark.parametrize("how", ["check", "stop"])
def test_what_a_person_has_rejected_is_not_back_in_the_baseline_after_a_restart(night_log, announced, how) -> None:
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    sound = examined("a.fits")
    values = {**sound.measurements.values, "star_count": 300.0, "star_count_measured": 200.0}
    judged = session.take(replace(sound, measurements=replace(sound.measurements, values=values)))
    session.revise(judged.body["frame_id"], "reject", "ana", "a plane went through")
    if how == "check":
        session.check()
    else:
        session.stop("stopped", "The watch was stopped.")
    after = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    assert [one.size for one in after.baselines()] == [0]


def test_a_client_cannot_decide_in_the_name_of_the_rules(session, night_log) -> None:
    judged = session.take(examined("a.fits"))
    session.revise(judged.body["frame_id"], "reject", "rules", "")
    (row,) = night_log.judged_frames()
    assert (row.decided_by, row.rules_decision) == ("rules (by hand)", judged.body["decision"])


def test_a_frame_without_a_verdict_cannot_be_decided_on(session) -> None:
    with pytest.raises(KeyError):
        session.revise("0" * 16, "keep", "ana", "")


def test_a_warning_whose_memory_is_lost_is_closed_at_the_start(night_log, announced):
    golden = json.loads((Path(__file__).parents[2] / "contract/goldens/v1.3/alert.opened.json").read_text("utf-8"))
    opened = night_log.append("alert.opened", body_of("alert.opened", golden["body"]))
    session = Session(Settings(), night_log, SystemClock(), announce=announced.append)
    session.start("watch", Path("/night"), [])
    (closed,) = [document for document in announced if document.kind == "alert.closed"]
    assert (closed.body["alert_id"], closed.cause) == (golden["body"]["alert_id"], opened.doc_id)
    assert [document.kind for document in night_log.snapshot()] == ["session.started", "metrics.described"]
