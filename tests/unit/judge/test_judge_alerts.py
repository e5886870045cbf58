"""Warnings: opened, updated and closed once each, never a flood, never twice after a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astro_monitor.judge import Judge
from astro_monitor.judge.advice import advice_for
from astro_monitor.judge.alerts import MAX_EVIDENCE, AlertState
from astro_monitor.judge.causes import NO_CAUSE
from astro_monitor.records import CAUSES, baseline_key
from astro_monitor.settings import JudgeSettings, SiteSettings

DRIFT = {"trail_length_px": 4.5, "elongation": 1.5, "angle_coherence": 0.95,
         "probabilities": {"bad_tracking": 0.9, "good": 0.1}, "cause": "drift"}  # fmt: skip
CLOUD = {"extinction_mag": 0.8, "transparency": 0.48, "cause": "cloud",
         "probabilities": {"background_issue": 0.9, "good": 0.1}}  # fmt: skip


def noted(judge, frame, plan, start):
    """Judge frames in order, one a minute; give each change of a warning with the number of its frame."""
    return [(n, alert) for n, changes in enumerate(plan, start) for alert in judge.judge(frame(n, **changes))[1]]


def run(judge, frame, plan, start=10):
    return [(number, alert.change, alert.kind) for number, alert in noted(judge, frame, plan, start)]


def repeats(judge, frame, plan, start=10):
    return [(number, alert.change, alert.repeat) for number, alert in noted(judge, frame, plan, start)]


def test_mild_fault_opens_at_the_second_bad_frame_and_closes_after_two_good_ones(settled, frame):
    happened = run(settled, frame, [DRIFT, DRIFT, DRIFT, {}, {}, {}, {}])
    assert happened == [(11, "opened", "tracking"), (14, "closed", "tracking")]


def test_warning_names_evidence_cause_and_advice(settled, frame):
    settled.judge(frame(10, **DRIFT))
    _, (alert,) = settled.judge(frame(11, **DRIFT))
    assert (alert.severity, alert.cause, alert.change) == ("warning", "drift", "opened")
    assert alert.evidence == (f"{10:016x}", f"{11:016x}")
    assert "2 of the last 3 frames" in alert.sentence
    assert "drift" in alert.sentence
    assert "polar alignment" in alert.advice


def test_a_warning_names_its_rig_its_beginning_and_its_first_and_last_frame(settled, frame):
    frames = [frame(number, **DRIFT) for number in range(10, 10 + 2 * MAX_EVIDENCE)]
    alerts = [alert for one in frames for alert in settled.judge(one)[1]]
    opened = alerts[0]
    began_s = frames[1].meta.date_obs_utc.timestamp()
    assert (opened.first_frame, opened.last_frame) == (frames[0].frame_id, frames[1].frame_id)
    assert (opened.rig, opened.opened_at_s) == (baseline_key(frames[0].meta, frames[0].sensor_shape).rig, began_s)
    closed = next(alert for number in (40, 41) for alert in settled.judge(frame(number))[1])
    assert (closed.change, closed.opened_at_s) == ("closed", began_s)
    assert (closed.first_frame, closed.last_frame) == (frames[0].frame_id, frames[-1].frame_id)
    assert closed.first_frame not in closed.evidence, "only the latest frames are listed"


def test_a_warning_of_an_older_state_has_no_beginning_but_its_known_frames(settled, frame):
    for number in (10, 11):
        settled.judge(frame(number, **DRIFT))
    state = json.loads(json.dumps(settled.state()))
    for warden in state["warnings"]:
        del warden["opened_at_s"], warden["first_frame"]
    judge = Judge.restore(JudgeSettings(), SiteSettings(), state)
    closed = next(alert for number in (12, 13) for alert in judge.judge(frame(number))[1])
    assert (closed.opened_at_s, closed.first_frame) == (None, f"{10:016x}")


def test_one_bad_frame_is_no_warning(settled, frame):
    assert run(settled, frame, [DRIFT, {}, {}, DRIFT, {}, {}]) == []


def test_one_severe_frame_is_a_warning(settled, frame):
    severe = {**CLOUD, "extinction_mag": 2.5, "transparency": 0.1}
    _, (alert,) = settled.judge(frame(10, **severe))
    assert (alert.kind, alert.severity, alert.change) == ("background", "severe", "opened")


def test_open_warning_is_updated_once_when_it_becomes_severe(settled, frame):
    worse = {**DRIFT, "trail_length_px": 14.0, "elongation": 4.0}
    happened = run(settled, frame, [DRIFT, DRIFT, worse, worse, worse])
    assert happened == [(11, "opened", "tracking"), (12, "updated", "tracking")]


def test_open_warning_is_updated_when_the_likely_cause_changes(settled, frame):
    jump = {**DRIFT, "cause": "jump"}
    happened = run(settled, frame, [DRIFT, DRIFT, *[jump] * 8])
    assert happened == [(11, "opened", "tracking"), (16, "updated", "tracking")]


def test_good_frames_between_do_not_close_it_too_early(settled, frame):
    happened = run(settled, frame, [DRIFT, DRIFT, {}, DRIFT, {}, DRIFT, {}, {}, {}])
    assert happened == [(11, "opened", "tracking"), (17, "closed", "tracking")]


def test_trouble_that_comes_back_at_once_is_reported_but_only_as_a_repeat(settled, frame):
    told = repeats(settled, frame, [DRIFT, DRIFT, {}, {}, DRIFT, DRIFT, {}, {}])
    assert told == [(11, "opened", False), (13, "closed", False), (15, "opened", True), (17, "closed", True)]


def test_a_repeat_that_stays_is_news_after_the_cooldown(settled, frame):
    told = repeats(settled, frame, [DRIFT, DRIFT, {}, {}, *[DRIFT] * 12])
    assert told[2:] == [(15, "opened", True), (23, "updated", False)]


def test_trouble_that_comes_back_after_the_cooldown_is_news(settled, frame):
    told = repeats(settled, frame, [DRIFT, DRIFT, *[{}] * 13, DRIFT, DRIFT])
    assert told[-1] == (26, "opened", False)


@pytest.mark.parametrize("worse", [{"cause": "wind"}, {"trail_length_px": 14.0, "elongation": 4.0}])
def test_worse_trouble_or_another_cause_is_no_repeat(settled, frame, worse):
    news = {**DRIFT, **worse}
    told = repeats(settled, frame, [DRIFT, DRIFT, {}, {}, news, news])
    assert (told[2][1], told[2][2]) == ("opened", False)


def test_four_suspect_frames_in_a_row_are_a_warning(settled, frame):
    near = {**DRIFT, "trail_length_px": 3.6, "elongation": 1.3, "probabilities": {"good": 0.97}}
    assert run(settled, frame, [near, near, near, {}, near, near, near]) == []
    assert run(settled, frame, [near], start=17) == [(17, "opened", "tracking")]


def test_frames_for_review_for_another_reason_open_nothing(settled, frame):
    unsure = {"probabilities": {"good": 0.6}, "in_domain": 0.1, "label": "unknown"}
    assert run(settled, frame, [unsure] * 12) == []


def test_two_faults_are_two_warnings(settled, frame):
    both = {**CLOUD, "trail_length_px": 4.5, "elongation": 1.5, "angle_coherence": 0.95, "extinction_mag": 1.4,
            "faults": {"tracking": 0.9, "background": 0.9}}  # fmt: skip
    happened = run(settled, frame, [both, both])
    assert sorted(happened) == [(11, "opened", "background"), (11, "opened", "tracking")]


def test_identifiers_differ_and_stay_while_open(settled, frame):
    seen = []
    for number, changes in enumerate([DRIFT, DRIFT, {}, {}, {}, *[DRIFT] * 12], 10):
        seen += [alert.alert_id for alert in settled.judge(frame(number, **changes))[1]]
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("cut", range(1, 8))
def test_restart_repeats_nothing(settled, frame, cut):
    plan = [DRIFT, DRIFT, DRIFT, {}, {}, {}, DRIFT, {}]
    happened = run(settled, frame, plan[:cut])
    again = Judge.restore(JudgeSettings(), SiteSettings(), json.loads(json.dumps(settled.state())))
    happened += run(again, frame, plan[cut:], start=10 + cut)
    assert happened == [(11, "opened", "tracking"), (14, "closed", "tracking")]


def test_repeated_failures_are_a_warning_and_a_frame_that_was_read_ends_it(judge, frame, failed):
    assert judge.note_failure(failed(0)) == ()
    (alert,) = judge.note_failure(failed(1))
    assert (alert.kind, alert.change) == ("failures", "opened")
    assert alert.sentence == "2 of the last 2 files could not be read."
    happened = run(judge, frame, [{}, {}, {}], start=2)
    assert happened == [(3, "closed", "failures")]


def test_foreign_files_are_no_failures_of_the_rig(judge, failed):
    for number in range(6):
        assert judge.note_failure(failed(number, kind="unsupported")) == ()
        assert judge.note_failure(failed(number, kind="vanished")) == ()


def test_two_rigs_have_their_own_warnings(judge, frame):
    for number in range(20):
        judge.judge(frame(number, meta={"camera": ("one", "two")[number % 2]}))
    plan = [{**DRIFT, "meta": {"camera": "one"}}, {"meta": {"camera": "two"}}] * 2
    happened = run(judge, frame, plan, start=20)
    assert happened == [(22, "opened", "tracking")]


def test_clock_that_runs_backwards_is_no_exception(settled, frame):
    for number in (10, 4, 11, 3, 500, 12):
        settled.judge(frame(number, **DRIFT))


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_advice(cause):
    for kind in ("tracking", "seeing", "background", "failures"):
        assert advice_for(kind, cause).endswith(".")


def test_what_comes_with_a_fault_that_was_reported_is_no_second_warning(settled, frame):
    """Trailed stars are wide; for a frame or two the model takes them for blurred ones."""
    wide = {**DRIFT, "fwhm_px": 9.0, "fwhm_minor_px": 8.0}
    assert run(settled, frame, [DRIFT, DRIFT, wide, wide, wide]) == [(11, "opened", "tracking")]


def test_a_severe_fault_beside_another_is_reported_at_its_second_frame(settled, frame):
    thick = {**CLOUD, "extinction_mag": 2.5, "transparency": 0.1}
    happened = run(settled, frame, [DRIFT, DRIFT, thick, thick])
    assert [one for one in happened if one[1] == "opened"] == [(11, "opened", "tracking"), (13, "opened", "background")]


def test_a_state_of_the_version_before_has_no_names_and_is_read() -> None:
    old = {key: value for key, value in AlertState(kind="seeing", rig="a").state().items() if key != "frames"}
    warden = AlertState.restore({**old, "recent": ["bad", "good"], "evidence": [["f", "none"]], "alert_id": "seeing-1"})
    assert list(warden.frames) == ["", ""]
    assert not warden.retract("g")
    assert warden.retract("f")
    assert AlertState.restore(json.loads(json.dumps(warden.state()))).state() == warden.state()


SIGNS = st.sampled_from(["good", "doubtful", "suspect", "bad", "severe"])


@given(signs=st.lists(SIGNS, max_size=30), taken=st.integers(0, 29), again=SIGNS)
def test_a_withdrawn_frame_leaves_no_trace_in_later_alerts(signs: list[str], taken: int, again: str) -> None:
    warden, rules = AlertState(kind="seeing", rig="a"), JudgeSettings()
    for number, sign in enumerate(signs):
        warden.note(sign, str(number), NO_CAUSE, 60.0 * number, rules)
    was_open = bool(warden.alert_id)
    rested = warden.retract(str(taken))
    assert len(warden.frames) == len(warden.recent)
    assert str(taken) not in {*warden.frames, *(name for name, _, _ in warden.evidence)}
    assert warden.good_in_a_row >= 0
    change = warden.reconsider(rules) if rested else None
    assert was_open or change is None
    if change is not None:
        assert change.change in ("closed", "updated")
        assert bool(warden.alert_id) is (change.change == "updated")
    warden.note(again, "again", NO_CAUSE, 3600.0, rules)
    assert len(warden.frames) == len(warden.recent) <= 4


def test_alerts_about_failures_count_files(judge, frame, failed):
    judge.note_failure(failed(0))
    judge.note_failure(failed(1))
    alerts = [alert for number in (2, 3) for alert in judge.judge(frame(number))[1]]
    judge.note_failure(failed(4))
    alerts += judge.note_failure(failed(5))
    assert [alert.sentence for alert in alerts] == [
        "Over: the last 2 files could be read.",
        "Again, 2 of the last 2 files could not be read.",
    ]
