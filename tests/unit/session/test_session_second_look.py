"""The first frames of a night are judged when nothing is known yet; they are looked at again once it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astro_monitor import metrics
from astro_monitor.baseline import MIN_BASELINE_FRAMES
from astro_monitor.records import CLASSES, FAULTS, Arrival, Examined, Failed, FrameMeta, Grade, Measurements
from astro_monitor.sinks import listed_frames

NOW = datetime(2026, 3, 20, 21, tzinfo=UTC)


def examined(number: int, good: float = 0.96, transparency: float = 1.0) -> Examined:
    sha256 = f"{number:016x}" * 4
    rest = (1 - good) / (len(CLASSES) - 1)
    arrival = Arrival(path=Path(f"/night/{number}.fits"), root=Path("/night"), size_bytes=9, mtime_ns=1,
                      first_seen_utc=NOW, settled_utc=NOW, how="scan")  # fmt: skip
    return Examined(
        arrival=arrival, frame_id=sha256[:16], sha256=sha256,
        meta=FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0, date_obs_utc=NOW),
        sensor_shape=(64, 80), sensor_px_per_px=1,
        measurements=Measurements(frame_id=sha256[:16], values=dict.fromkeys(metrics.KEYS) | {
                                      "star_count": 50.0, "matched_star_count": 40.0, "transparency": transparency},
                                  why_missing={}, field_grid=(), bright_stars=(), streaks=()),
        grade=Grade(frame_id=sha256[:16], label="good", probabilities={**dict.fromkeys(CLASSES, rest), "good": good},
                    fault_scores=dict.fromkeys(FAULTS, 0.0), cause="none", cause_probability=1.0, in_domain=1.0,
                    why_unknown="", model="quality.1+aa"),
        models=("quality.1+aa",), timings_s={"total": 0.1},
    )  # fmt: skip


def session_frames(night_log):
    return {frame.frame_id: frame for frame in listed_frames(night_log)}


def begin(session, doubtful=2):
    """Two doubtful frames, then good ones, until five that agree make the rig known."""
    for number in range(doubtful):
        assert session.take(examined(number, good=0.6)).body["decision"] == "review"
    assert session.second_looks() == []
    for number in range(doubtful, MIN_BASELINE_FRAMES):
        session.take(examined(number))


def test_the_first_frames_are_looked_at_again_once_each(session, announced):
    begin(session)
    due = session.second_looks()
    assert [arrival.path.name for arrival, _ in due] == [f"{number}.fits" for number in range(MIN_BASELINE_FRAMES)]
    assert session.second_looks() == []
    session.look_again(examined(0))
    revised = announced[-1]
    assert (revised.kind, revised.body["new_decision"], revised.body["by"]) == ("frame.revised", "keep", "rules")
    assert "Judged again with a baseline of" in revised.body["why"]
    assert (session.counts.kept, session.counts.review) == (MIN_BASELINE_FRAMES - 1, 1)


def test_a_second_look_gives_the_lists_its_weight_and_its_reason_and_is_what_the_rules_say(session, night_log):
    begin(session)
    session.look_again(examined(0, transparency=0.9))
    row, listed = night_log.frame(examined(0).frame_id), session_frames(night_log)[examined(0).frame_id]
    assert (row.first_decision, row.rules_decision, row.decided_by) == ("review", "keep", "rules")
    assert (row.label, row.cause, listed.label) == ("good", "none", "good")
    assert row.weight == listed.weight == pytest.approx(0.81)
    assert listed.reasons[0].startswith("Judged again with a baseline of")
    session.revise(row.frame_id, "reject", "astronomer", "a plane")
    row, listed = night_log.frame(row.frame_id), session_frames(night_log)[row.frame_id]
    assert (row.rules_decision, row.decision, row.weight, listed.weight) == ("keep", "reject", 0.0, 0.0)
    assert listed.reasons[0] == "Decided by hand: a plane"
    session.revise(row.frame_id, "keep", "astronomer", "no plane")
    assert session_frames(night_log)[row.frame_id].weight == 1.0


def test_a_frame_whose_file_was_replaced_since_is_not_judged_again(session, night_log):
    begin(session)
    assert len(session.second_looks()) == MIN_BASELINE_FRAMES
    session.take(replace(examined(50), arrival=examined(0).arrival))
    assert night_log.frame(examined(0).frame_id).replaced_by
    session.look_again(examined(0))
    assert night_log.frame(examined(0).frame_id).decision == "reject"


def test_a_frame_that_is_as_doubtful_as_before_stays_for_review(session, announced):
    begin(session)
    count = len(announced)
    session.look_again(examined(0, good=0.6))
    assert len(announced) == count


def test_what_a_person_has_decided_stays(session, announced):
    begin(session)
    session.revise(examined(0).frame_id, "reject", "astronomer", "a plane")
    session.look_again(examined(0))
    assert announced[-1].body["by"] == "astronomer"


def test_a_frame_that_has_gone_or_changed_stays_as_it_was_judged(session, announced):
    begin(session)
    count = len(announced)
    gone = Failed(arrival=examined(0).arrival, frame_id=None, stage="read", kind="vanished", known=True,
                  retryable=False, sentence="It is gone.", timings_s={})  # fmt: skip
    session.look_again(gone)
    session.look_again(replace(examined(0), frame_id="f" * 16, sha256="f" * 64))
    assert len(announced) == count


def test_a_second_look_teaches_and_warns_nothing(session):
    begin(session)
    before = session.baselines()
    session.look_again(examined(0))
    assert session.baselines() == before


def test_a_first_frame_that_was_kept_may_be_rejected(session, announced):
    begin(session, doubtful=0)
    kept = session.counts.kept
    cloudy = examined(0, transparency=0.3)
    values = cloudy.measurements.values | {"extinction_mag": 1.3, "extinction_scatter_mag": 0.05}
    session.look_again(replace(cloudy, measurements=replace(cloudy.measurements, values=values)))
    assert (announced[-1].kind, announced[-1].body["new_decision"]) == ("frame.revised", "reject")
    assert (session.counts.kept, session.counts.rejected) == (kept - 1, 1)


def test_frames_that_are_doubtful_against_a_history_get_no_second_look(session):
    begin(session, doubtful=0)
    assert len(session.second_looks()) == MIN_BASELINE_FRAMES
    session.take(examined(50, good=0.6))
    assert session.second_looks() == []
