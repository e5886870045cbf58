"""What goes into the night log comes out again: documents, frames, sightings, memory."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from astro_monitor.documents import FrameSkippedView
from astro_monitor.errors import NightLogError
from astro_monitor.nightlog import Draft, NightLog, NightLogReader, Sighting
from astro_monitor.testing.bodies import body_of


def test_documents_are_numbered_from_one_without_a_hole_over_sessions(place, clock, body):
    with NightLog.open(place, "a", clock) as log:
        first = log.append("session.started", body_of("session.started", body("session.started")))
        log.append("list.written", body_of("list.written", body("list.written")), first.doc_id)
        assert log.last_seq() == 2
    with NightLog.open(place, "b", clock) as log:
        third = log.append("session.started", body_of("session.started", body("session.started")))
        assert (third.seq, third.session_id) == (3, "b")
        assert [d.seq for d in log.after(0, 10)] == [1, 2, 3]
        assert [d.seq for d in log.after(1, 1)] == [2]
        assert log.after(1, 1)[0].cause == first.doc_id
        assert len({d.doc_id for d in log.after(0, 10)}) == 3


def test_a_document_comes_back_as_it_was_given(night_log, judged):
    given = night_log.append("frame.judged", body_of("frame.judged", judged("δ „quoted“ \n\t 星")))
    assert night_log.after(0, 1) == [given]
    assert given.time.endswith("Z")


@pytest.mark.parametrize("kind", ["session.heartbeat", "frame.unknown", ""])
def test_kinds_that_are_not_logged_are_refused(night_log, body, kind):
    with pytest.raises(ValueError, match="not logged"):
        night_log.append(kind, body_of(kind, body("session.heartbeat")))
    assert night_log.last_seq() == 0


def test_a_body_that_does_not_fit_is_refused_and_nothing_of_its_commit_stays(night_log, judged, body):
    with pytest.raises(ValidationError):
        night_log.commit(
            [
                Draft("list.written", body_of("list.written", body("list.written"))),
                Draft("frame.judged", body_of("frame.judged", {"file": "x"})),
            ]
        )
    with pytest.raises(ValidationError):
        night_log.append("frame.judged", body_of("frame.judged", judged("nan", weight=float("nan"))))
    assert night_log.after(0, 10) == []


def test_one_commit_holds_the_frame_its_alert_and_the_memory(night_log, judged, body):
    drafts = [
        Draft("frame.judged", body_of("frame.judged", judged("one"))),
        Draft("alert.opened", body_of("alert.opened", body("alert.opened")), cause_index=0),
    ]
    frame, alert = night_log.commit(
        drafts,
        baselines={"rig": {"n": 1}, "old": {"n": 0}},
        states={"judge": {"bad": 2}},
        sighting=Sighting(b"/capture/one.fits", 5, 7),
    )
    assert alert.cause == frame.doc_id
    assert night_log.baselines() == {"old": {"n": 0}, "rig": {"n": 1}}
    night_log.commit([], baselines={"rig": {"n": 2}}, keep_baselines=["rig"])
    assert night_log.baselines() == {"rig": {"n": 2}}
    assert night_log.state("judge") == {"bad": 2}
    assert night_log.state("other") is None
    assert night_log.already_done(Path("/capture/one.fits"), 5, 7)


def test_a_failing_commit_leaves_nothing_behind(night_log, judged, body):
    night_log.commit([Draft("frame.judged", body_of("frame.judged", judged("one")))], states={"judge": {"n": 1}})
    drafts = [
        Draft("list.written", body_of("list.written", body("list.written"))),
        Draft("frame.judged", body_of("frame.judged", judged("one"))),
    ]
    with pytest.raises(NightLogError, match="has its outcome already"):
        night_log.commit(drafts, states={"judge": {"n": 2}}, sighting=Sighting(b"/elsewhere", 1, 1))
    assert night_log.last_seq() == 1
    assert night_log.state("judge") == {"n": 1}
    assert not night_log.already_done(Path("/elsewhere"), 1, 1)
    assert night_log.append("list.written", body_of("list.written", body("list.written"))).seq == 2


def test_each_content_has_one_outcome(night_log, judged):
    one = judged("one")
    assert not night_log.has_content(one["sha256"])
    with pytest.raises(KeyError):
        night_log.outcome_of(one["sha256"])
    with pytest.raises(KeyError):
        night_log.note_sighting(one["sha256"], Sighting(b"/x", 1, 1))
    document = night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", one))], sighting=Sighting(b"/capture/one.fits", 5, 7)
    )[0]
    assert night_log.has_content(one["sha256"])
    assert night_log.outcome_of(one["sha256"]) == document


def test_a_moved_copy_is_the_same_frame_under_its_newest_path(night_log, judged):
    one = judged("one")
    night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", one))], sighting=Sighting(b"/capture/one.fits", 5, 7)
    )
    night_log.note_sighting(one["sha256"], Sighting(b"/moved/one.fits", 5, 8))
    assert night_log.already_done(Path("/moved/one.fits"), 5, 8)
    assert not night_log.already_done(Path("/moved/one.fits"), 6, 8)
    (row,) = night_log.judged_frames()
    assert row.paths == ("/moved/one.fits", "/capture/one.fits")


def test_new_content_under_an_old_path_takes_the_path_from_the_old_frame(night_log, judged):
    night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", judged("old")))], sighting=Sighting(b"/capture/a.fits", 5, 7)
    )
    night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", judged("new")))], sighting=Sighting(b"/capture/a.fits", 5, 9)
    )
    assert not night_log.already_done(Path("/capture/a.fits"), 5, 7)
    assert [row.paths for row in night_log.judged_frames()] == [(), ("/capture/a.fits",)]


def test_a_path_that_is_no_unicode_is_kept_byte_for_byte(night_log, judged):
    night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", judged("one")))],
        sighting=Sighting(b"/capture/\xff\xfe.fits", 5, 7),
    )
    assert night_log.already_done(Path("/capture/\udcff\udcfe.fits"), 5, 7)


def test_an_unreadable_file_is_done_but_has_no_content(night_log, body):
    night_log.commit(
        [Draft("frame.failed", body_of("frame.failed", body("frame.failed")))],
        sighting=Sighting(b"/capture/bad.fits", 3, 4),
    )
    assert night_log.already_done(Path("/capture/bad.fits"), 3, 4)
    assert not night_log.already_done(Path("/capture/bad.fits"), 9, 4)
    assert list(night_log.judged_frames()) == []


def body_of_version_1_0(skipped):
    """Return the body that protocol 1.0 had for a file that is no light frame."""
    reason = {"rule": "not_a_light", "decision": "review", "metric": "", "value": None, "limit": None, "unit": "",
              "sentence": skipped["why"]}  # fmt: skip
    same = {name: value for name, value in skipped.items() if name not in ("type", "why", "keyword")}
    return same | {
        "class": "unknown", "class_probabilities": {"good": 0.0}, "fault_scores": {"seeing": 0.0}, "cause": "none",
        "cause_probability": 0.0, "in_domain": 0.0, "flags": ["not_a_light"], "decision": "review",
        "reasons": [reason], "weight": 0.0, "measurements": {"fwhm_px": None},
        "why_missing": {"fwhm_px": "not measured: no light frame by its header"}, "streaks": [],
        "baseline": {"size": 0, "fwhm_px": None, "background_adu": None, "star_count": None}, "models": [],
        "rules_version": "1.4",
    }  # fmt: skip


@pytest.mark.parametrize("old", [False, True], ids=["1.1", "1.0"])
def test_a_file_that_is_no_light_frame_is_no_judged_frame_in_documents_of_each_version(place, clock, judged, body, old):
    dark = body("frame.skipped")
    flagged = judged("a", flags=["streak"], reasons=[], target='"flags":["not_a_light"]')
    with NightLog.open(place, "session-1", clock) as log:
        log.append("session.started", body_of("session.started", body("session.started")))
        log.commit(
            [
                Draft("frame.judged", body_of("frame.judged", body_of_version_1_0(dark)))
                if old
                else Draft("frame.skipped", body_of("frame.skipped", dark))
            ]
        )
        log.append(
            "frame.judged", body_of("frame.judged", {key: value for key, value in flagged.items() if key != "target"})
        )
        (row,) = log.skipped_frames()
        assert (row.body, row.frame_id, row.paths) == (
            FrameSkippedView.of(dark), dark["frame_id"], (dark["file"],)
        )  # fmt: skip
        assert log.skipped_frame(dark["frame_id"]) == row
        assert [frame.frame_id for frame in log.judged_frames()] == [flagged["frame_id"]]
        assert log.has_content(dark["sha256"])
        with pytest.raises(KeyError):
            log.frame(dark["frame_id"])
        with pytest.raises(KeyError):
            log.revise(dark["frame_id"], "keep", "ana", "")
        with pytest.raises(KeyError):
            log.skipped_frame(flagged["frame_id"])
        assert list(log.skipped_frames(night="1999-01-01")) == []
        assert list(log.skipped_frames(night=row.night)) == [row]
    with NightLog.open(place, "session-2", clock) as log:
        (lost,) = log.close_lost_sessions()
    counts = [lost.body[f"frames_{word}"] for word in ("judged", "skipped", "failed")]
    assert counts == [1, 1, 0]


def test_a_retryable_failure_may_get_another_outcome_and_a_final_one_may_not(night_log, judged, body):
    one = judged("one")
    lost = body("frame.failed") | {"frame_id": one["frame_id"], "retryable": True, "kind": "worker_lost"}
    night_log.commit(
        [Draft("frame.failed", body_of("frame.failed", lost))], sighting=Sighting(b"/capture/one.fits", 3, 4)
    )
    assert night_log.outcome_of(one["sha256"]).kind == "frame.failed"
    night_log.commit(
        [Draft("frame.judged", body_of("frame.judged", one))], sighting=Sighting(b"/capture/one.fits", 3, 4)
    )
    assert night_log.outcome_of(one["sha256"]).kind == "frame.judged"
    with pytest.raises(NightLogError, match="outcome already"):
        night_log.append("frame.failed", body_of("frame.failed", lost))


def test_frames_come_in_the_order_of_exposure(night_log, judged):
    for content, date_obs in (("c", "2026-11-20T21:03:00.000Z"), ("a", "2026-11-20T21:01:00Z"), ("n", None)):
        night_log.append("frame.judged", body_of("frame.judged", judged(content, date_obs=date_obs)))
    night_log.append("frame.judged", body_of("frame.judged", judged("b", date_obs="2026-11-20T21:02:00.500+00:00")))
    # Without a header time the moment of judging counts: the clock stands at 21:00.
    names = [Path(row.body.file).stem for row in night_log.judged_frames()]
    assert names == ["n", "a", "b", "c"]


def test_walking_through_many_frames_misses_none(night_log, judged, monkeypatch):
    monkeypatch.setattr("astro_monitor.nightlog.reader._PAGE", 3)
    with night_log.transaction():
        for number in range(10):
            night_log.append("frame.judged", body_of("frame.judged", judged(str(number))))
    assert [row.seq for row in night_log.judged_frames()] == list(range(1, 11))
    assert [d.seq for d in night_log.documents()] == list(range(1, 11))


def test_documents_can_be_chosen_by_kind_session_and_night(place, clock, judged, body):
    with NightLog.open(place, "a", clock, longitude_deg=0.0) as log:
        log.append("session.started", body_of("session.started", body("session.started")))
        log.append("frame.judged", body_of("frame.judged", judged("early", date_obs="2026-11-19T23:00:00.000Z")))
    with NightLog.open(place, "b", clock, longitude_deg=0.0) as log:
        late = log.append("frame.judged", body_of("frame.judged", judged("late", date_obs="2026-11-21T03:00:00.000Z")))
        log.append(
            "alert.opened",
            body_of("alert.opened", body("alert.opened")),
            log.outcome_of(judged("early")["sha256"]).doc_id,
        )
        assert [d.seq for d in log.documents(kind="frame.judged")] == [2, 3]
        assert [d.seq for d in log.documents(session="a")] == [1, 2]
        assert [d.seq for d in log.documents(night="2026-11-20")] == [1, 3]
        # An alert belongs to the night of the frame that caused it.
        assert [d.seq for d in log.documents(night="2026-11-19")] == [2, 4]
        assert [d.seq for d in log.documents(kind="frame.judged", session="b", night="2026-11-20")] == [late.seq]
        assert [row.seq for row in log.judged_frames(night="2026-11-19")] == [2]


def test_a_revision_changes_the_decision_and_keeps_the_first(night_log, judged):
    one = judged("one", decision="reject")
    outcome = night_log.append("frame.judged", body_of("frame.judged", one))
    document = night_log.revise(one["frame_id"], "keep", "user", "good enough")
    assert document.kind == "frame.revised"
    assert document.cause == outcome.doc_id
    assert document.body["old_decision"] == "reject"
    row = night_log.frame(one["frame_id"])
    assert (row.decision, row.first_decision, row.decided_by, row.why) == ("keep", "reject", "user", "good enough")
    assert night_log.revise(one["frame_id"], "review", "user", "second look").body["old_decision"] == "keep"
    assert [row.decision for row in night_log.judged_frames()] == ["review"]
    with pytest.raises(KeyError):
        night_log.revise("0" * 16, "keep", "user", "")


def test_a_revision_of_an_unknown_frame_cannot_be_committed(night_log, body):
    with pytest.raises(NightLogError, match="never judged"):
        night_log.append("frame.revised", body_of("frame.revised", body("frame.revised")))
    assert night_log.last_seq() == 0


def test_grouped_calls_are_all_or_nothing_and_an_inner_failure_can_be_survived(night_log, body):
    def fail_after_writing() -> None:
        with night_log.transaction():
            night_log.append("list.written", body_of("list.written", body("list.written")))
            raise RuntimeError("outer")

    with pytest.raises(RuntimeError, match="outer"):
        fail_after_writing()
    assert night_log.last_seq() == 0
    with night_log.transaction():
        night_log.append("list.written", body_of("list.written", body("list.written")))
        with pytest.raises(NightLogError):
            night_log.append("frame.revised", body_of("frame.revised", body("frame.revised")))
        night_log.append("list.written", body_of("list.written", body("list.written")))
        assert night_log.last_seq() == 0, "not durable yet"
    assert night_log.last_seq() == 2
    assert [d.seq for d in night_log.after(0, 9)] == [1, 2]


def test_the_snapshot_holds_what_is_true_now(night_log, judged, body):
    night_log.append("session.started", body_of("session.started", body("session.started")))
    night_log.append("metrics.described", body_of("metrics.described", body("metrics.described")))
    alert = body("alert.opened")
    night_log.append("alert.opened", body_of("alert.opened", alert))
    night_log.append("alert.opened", body_of("alert.opened", alert | {"alert_id": "second"}))
    for content in "ab":
        night_log.append("frame.judged", body_of("frame.judged", judged(content)))
    night_log.append("list.written", body_of("list.written", body("list.written")))
    night_log.append("list.written", body_of("list.written", body("list.written")))
    night_log.append("alert.updated", body_of("alert.updated", alert | {"severity": "severe"}))
    night_log.append("alert.closed", body_of("alert.closed", alert | {"alert_id": "second"}))
    kinds = [(d.kind, d.seq) for d in night_log.snapshot()]
    assert kinds == [
        ("session.started", 1), ("metrics.described", 2), ("frame.judged", 6), ("list.written", 8),
        ("alert.updated", 9),
    ]  # fmt: skip


def test_a_session_that_never_stopped_is_closed_as_lost(place, clock, judged, body):
    with NightLog.open(place, "a", clock) as log:
        log.append("session.started", body_of("session.started", body("session.started")))
        log.append("frame.judged", body_of("frame.judged", judged("one")))
    with NightLog.open(place, "b", clock) as log:
        (stopped,) = log.close_lost_sessions()
        assert (stopped.session_id, stopped.seq) == ("a", 3)
        assert stopped.body["reason"] == "lost"
        assert (stopped.body["frames_judged"], stopped.body["last_seq"]) == (1, 2)
        log.append("session.started", body_of("session.started", body("session.started")))
        assert log.close_lost_sessions() == []


def test_a_log_in_memory_works_the_same(clock, judged):
    with NightLog.open(":memory:", "s", clock) as log:
        log.append("frame.judged", body_of("frame.judged", judged("one")))
        assert log.has_content(judged("one")["sha256"])
        assert log.last_seq() == 1


def test_threads_take_turns(night_log, body):
    def write() -> None:
        for _ in range(20):
            night_log.append("list.written", body_of("list.written", body("list.written")))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [d.seq for d in night_log.after(0, 1000)] == list(range(1, 81))


def test_a_reader_sees_what_the_writer_has_finished(night_log, place, judged, body):
    night_log.append("frame.judged", body_of("frame.judged", judged("one")))
    with NightLogReader.read(place) as reader:
        assert reader.last_seq() == 1
        night_log.append("list.written", body_of("list.written", body("list.written")))
        assert [d.seq for d in reader.after(0, 9)] == [1, 2]
        assert [row.decision for row in reader.judged_frames()] == ["reject"]
        assert reader.log_id == night_log.log_id


def test_a_closed_log_says_so(night_log, body):
    night_log.close()
    night_log.close()
    with pytest.raises(NightLogError, match="closed"):
        night_log.append("list.written", body_of("list.written", body("list.written")))


def test_a_second_look_changes_the_class_and_a_person_does_not(night_log, judged):
    doubtful = judged("a", decision="review", **{"class": "unknown", "cause": "none"})
    night_log.append("frame.judged", body_of("frame.judged", doubtful))
    frame_id = doubtful["frame_id"]
    assert (night_log.frame(frame_id).label, night_log.frame(frame_id).cause) == ("unknown", "none")
    night_log.revise(frame_id, "reject", "rules", "It is blurred.", label="bad_seeing", cause="defocus")
    assert (night_log.frame(frame_id).label, night_log.frame(frame_id).cause) == ("bad_seeing", "defocus")
    by_hand = night_log.revise(frame_id, "keep", "ana", "good enough")
    assert (by_hand.body["class"], by_hand.body["cause"]) == ("bad_seeing", "defocus")
    assert night_log.frame(frame_id).label == "bad_seeing"
