"""Baselines: what enters, what stays out, and how a lasting change becomes normal."""

from __future__ import annotations

import json

import pytest

from astro_monitor.baseline import WINDOW_FRAMES
from astro_monitor.judge import Judge
from astro_monitor.judge.memory import MAX_HISTORIES
from astro_monitor.records import ReferenceStar, baseline_key
from astro_monitor.settings import JudgeSettings, SiteSettings


def key_of(examined):
    return baseline_key(examined.meta, examined.sensor_shape)


def test_baseline_is_median_and_mad_of_accepted_frames(judge, frame):
    for number, width in enumerate([3.0, 3.1, 2.9, 3.2, 2.8]):
        judge.judge(frame(number, fwhm_px=width))
    baseline = judge.baseline_for(key_of(frame(0)))
    assert baseline.size == 5
    assert baseline.spreads["fwhm_px"].median == pytest.approx(3.0)
    assert baseline.spreads["fwhm_px"].mad == pytest.approx(1.4826 * 0.1)
    assert judge.all_baselines() == (baseline,)


def test_nothing_known_is_an_empty_baseline(judge, frame):
    baseline = judge.baseline_for(key_of(frame(0)))
    assert (baseline.size, baseline.spreads, baseline.reference_stars) == (0, {}, ())


def test_frames_that_agree_are_usual_whatever_was_decided(judge, frame):
    """What the model says does not matter: a night whose first frames go to review must not stay there."""
    doubted = {"good": 0.45, "background_issue": 0.35, "bad_seeing": 0.2}
    assert {judge.judge(frame(number, probabilities=doubted))[0].decision for number in range(5)} == {"review"}
    assert judge.judge(frame(5))[0].baseline_size == 5


def test_frames_with_a_fault_that_no_rig_has_say_nothing_of_it(judge, frame):
    trailed = {"trail_length_px": 9.0, "elongation": 2.0, "angle_coherence": 0.95}
    for number in range(8):
        judge.judge(frame(number, **trailed))
    assert judge.baseline_for(key_of(frame(0))).size == 0


def test_a_night_that_begins_cloudy_forgets_it_once_five_clear_frames_agree(judge, frame):
    cloudy = {"extinction_mag": 0.0, "transparency": 1.0}
    for number in range(8):
        judge.judge(frame(number, **cloudy))
    clear = {"extinction_mag": -0.8, "transparency": 2.09}
    judge.judge(frame(8, **clear))
    for number in range(9, 14):
        judge.judge(frame(number))
    baseline = judge.baseline_for(key_of(frame(0)))
    assert (baseline.size, baseline.number) == (6, 2)


def test_a_likely_good_frame_says_what_is_normal_though_it_is_for_review(judge, frame):
    likely = {"good": 0.6, "background_issue": 0.15, "bad_seeing": 0.15, "bad_tracking": 0.1}
    assert {judge.judge(frame(number, probabilities=likely))[0].decision for number in range(4)} == {"review"}
    assert judge.baseline_for(key_of(frame(0))).size == 4


def test_rig_the_model_does_not_know_still_gets_a_history(judge, frame):
    """All frames are for review, but nothing was found against them: the measured rules need a normal to work."""
    decisions = {judge.judge(frame(n, label="unknown", in_domain=0.05))[0].decision for n in range(6)}
    assert decisions == {"review"}
    blurred, _ = judge.judge(frame(6, label="unknown", in_domain=0.05, fwhm_px=7.0, fwhm_minor_px=7.0, fwhm_arcsec=7.0))
    assert (blurred.decision, blurred.label) == ("reject", "bad_seeing")


def test_window_is_bounded_and_a_frame_counts_once(judge, frame):
    for number in range(60):
        judge.judge(frame(number))
        judge.judge(frame(number))
    assert judge.baseline_for(key_of(frame(0))).size == WINDOW_FRAMES


def test_interleaved_targets_and_filters_have_their_own(judge, frame):
    for number in range(12):
        target = ("M 31", "M 42")[number % 2]
        width = (3.0, 4.4)[number % 2]
        verdict, _ = judge.judge(frame(number, fwhm_px=width, fwhm_minor_px=width, meta={"target": target}))
        assert verdict.decision == "keep"
    assert {baseline.key.target for baseline in judge.all_baselines()} == {"m 31", "m 42"}


def test_memory_is_bounded_over_many_targets(judge, frame):
    for number in range(MAX_HISTORIES + 10):
        judge.judge(frame(number, meta={"target": f"T {number}"}))
    assert len(judge.all_baselines()) == MAX_HISTORIES


def test_reference_is_the_frame_with_most_light(judge, frame):
    judge.judge(frame(0, extinction_mag=None, transparency=None, matched_star_count=None))
    first = judge.all_baselines()[0].reference_stars
    judge.judge(frame(1, transparency=1.01))
    assert judge.all_baselines()[0].reference_stars is first
    judge.judge(frame(2, transparency=1.2, extinction_mag=-0.2))
    assert judge.all_baselines()[0].reference_stars is not first


def test_reference_follows_a_flip_and_a_field_that_stays_elsewhere(judge, frame):
    judge.judge(frame(0, meta={"pier_side": "west"}))
    west = judge.all_baselines()[0].reference_stars
    judge.judge(frame(1, meta={"pier_side": "east"}, matched_star_count=0.0, extinction_mag=None))
    east = judge.all_baselines()[0].reference_stars
    assert east is not west
    lost = {"meta": {"pier_side": "east"}, "matched_star_count": 0.0, "extinction_mag": None}
    judge.judge(frame(2, **lost))
    judge.judge(frame(3, **lost))
    assert judge.all_baselines()[0].reference_stars is east
    judge.judge(frame(4, **lost))
    assert judge.all_baselines()[0].reference_stars is not east


def test_moonlight_shift_is_not_counted_across_other_faults(settled, frame):
    moonlit = {"sky_above_pedestal_adu": 5000.0, "sky_adu_s": 83.0}
    for number in range(20):
        trailed = {"trail_length_px": 9.0, "elongation": 2.0, "angle_coherence": 0.95}
        settled.judge(frame(10 + number, **moonlit, **trailed))
    assert settled.baseline_for(key_of(frame(0))).spreads["sky_adu_s"].median == pytest.approx(16.7)


def test_state_survives_json_and_gives_the_same_verdicts(settled, frame):
    state = json.loads(json.dumps(settled.state(), allow_nan=False))
    again = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert again.all_baselines() == settled.all_baselines()
    assert isinstance(again.all_baselines()[0].reference_stars[0], ReferenceStar)
    for number in range(10, 30):
        examined = frame(number, fwhm_px=3.0 + 0.2 * (number - 10), extinction_mag=0.05 * (number - 10))
        assert again.judge(examined) == settled.judge(examined)
    assert again.state() == settled.state()


def test_only_histories_that_a_frame_changed_are_sent_again(judge, frame):
    other = {"meta": {"target": "ngc 7000"}}
    for number in range(6):
        judge.judge(frame(number))
        judge.judge(frame(100 + number, **other))
    kept = judge.changed_histories()
    assert sorted(kept) == sorted(judge.outline()["histories"])
    assert judge.changed_histories() == {}
    judge.judge(frame(6))
    (name,) = changed = judge.changed_histories()
    assert name == judge.outline()["histories"][-1]
    judge.forget(frame(103, **other).frame_id)
    changed |= judge.changed_histories()
    assert sorted(changed) == sorted(kept)
    kept |= changed
    state = {**judge.outline(), "histories": [kept[name] for name in judge.outline()["histories"]]}
    assert json.loads(json.dumps(state)) == json.loads(json.dumps(judge.state()))


@pytest.mark.parametrize(
    "state", [{}, {"version": 99}, {"version": 1}, {"version": 1, "histories": [3], "warnings": []}]
)
def test_state_that_cannot_be_read_is_a_fresh_start(frame, state):
    judge = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert judge.all_baselines() == ()
    assert judge.judge(frame(0))[0].decision == "keep"


def test_baselines_of_another_meaning_are_dropped_and_warnings_stay(judge, frame, caplog):
    for number in range(6):
        judge.judge(frame(number))
    for number in range(6, 9):
        judge.judge(frame(number, probabilities={"very_bad_tracking": 0.99}, trail_length_px=20.0, elongation=4.0))
    assert judge.open_alerts()
    state = {**json.loads(json.dumps(judge.state())), "meaning": 1}
    later = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert later.all_baselines() == ()
    assert later.open_alerts() == judge.open_alerts()
    assert "learned again" in caplog.text
    assert Judge.restore(JudgeSettings(), SiteSettings(), judge.state()).all_baselines() == judge.all_baselines()


def test_a_rig_that_always_draws_stars_out_has_its_own_normal(judge, frame):
    own = {"trail_length_px": 4.2, "elongation": 1.4, "angle_coherence": 0.8}
    unsure = {"good": 0.55, "bad_tracking": 0.45}
    first = [judge.judge(frame(n, probabilities=unsure, **own))[0].decision for n in range(5)]
    assert first == ["review"] * 5
    later, _ = judge.judge(frame(5, probabilities={"good": 0.9}, **own))
    assert (later.decision, later.label, later.baseline_size) == ("keep", "good", 5)
    assert any("as is usual for this rig" in reason.sentence for reason in later.reasons)
    for number in range(6, 12):
        judge.judge(frame(number, probabilities={"good": 0.9}, **own))
    across = {**own, "trail_length_px": 4.5, "elongation": 1.5, "elongation_angle_deg": 120.0}
    assert judge.judge(frame(12, **across))[0].label == "bad_tracking"
    round_stars = {**own, "trail_length_px": 0.3, "elongation": 1.03}
    assert judge.judge(frame(13, **round_stars))[0].decision == "keep"


def test_elongation_in_changing_directions_never_becomes_normal(judge, frame):
    unsure = {"good": 0.55, "bad_tracking": 0.45}
    for number in range(12):
        own = {"trail_length_px": 4.2, "elongation": 1.4, "angle_coherence": 0.8, "elongation_angle_deg": 45.0 * number}
        verdict, _ = judge.judge(frame(number, probabilities=unsure, **own))
        assert (verdict.decision, verdict.baseline_size) == ("review", min((number + 3) // 4, 4))


def test_what_was_learnt_of_elongation_survives_a_restart(judge, frame):
    own = {"trail_length_px": 4.2, "elongation": 1.4, "angle_coherence": 0.8}
    for number in range(4):
        judge.judge(frame(number, probabilities={"good": 0.55, "bad_tracking": 0.45}, **own))
    again = Judge.restore(JudgeSettings(), SiteSettings(), json.loads(json.dumps(judge.state())))
    again.judge(frame(4, probabilities={"good": 0.55, "bad_tracking": 0.45}, **own))
    assert again.judge(frame(5, probabilities={"good": 0.9}, **own))[0].baseline_size == 5


def test_a_state_of_version_1_is_learned_again_and_warnings_stay(settled, frame, caplog):
    state = json.loads(json.dumps(settled.state())) | {"version": 1}
    again = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert again.all_baselines() == ()
    assert "learned again" in caplog.text


def test_an_autofocus_makes_the_new_width_usual_within_a_few_frames(judge, frame):
    """After 30 frames with creeping focus it is sharp again: a fifth wider than that is soon told."""
    for number in range(30):
        wide = 3.0 + 0.02 * number
        judge.judge(frame(number, fwhm_px=wide, fwhm_minor_px=wide, meta={"focuser_position": 12000.0}))
    sharp = {"fwhm_px": 2.5, "fwhm_minor_px": 2.5, "meta": {"focuser_position": 12350.0}}
    verdict, _ = judge.judge(frame(30, **sharp))
    assert "After the autofocus the baseline starts again, with 5 frames so far." in verdict.reasons[-1].sentence
    for number in range(31, 37):
        verdict, _ = judge.judge(frame(number, **sharp))
        assert "based_anew" not in [reason.rule for reason in verdict.reasons]
    assert judge.baseline_for(key_of(frame(0))).spreads["fwhm_minor_px"].median == pytest.approx(2.5)


def test_a_focuser_that_follows_the_temperature_changes_no_baseline(judge, frame):
    for number in range(20):
        judge.judge(frame(number, meta={"focuser_position": 12000.0 + 3 * number}))
    assert judge.baseline_for(key_of(frame(0))).size == 20


@pytest.mark.parametrize(
    ("before", "after"),
    [({"meta": {"pier_side": "east"}}, {"meta": {"pier_side": "west"}}),
     ({"field_turn_deg": 0.1}, {"field_turn_deg": 179.8})],
)  # fmt: skip
def test_after_a_flip_the_sky_may_run_the_other_way(judge, frame, before, after):
    slope = {"background_gradient_adu": 400.0, "background_gradient_fraction": 0.4}
    for number in range(10):
        judge.judge(frame(number, **slope, **before))
    turned = {**slope, "background_gradient_adu": -400.0}
    verdict, _ = judge.judge(frame(10, **turned, **after))
    assert verdict.decision == "keep"
    assert verdict.baseline_size == 10
    assert "meridian flip" in verdict.reasons[-1].sentence
    now = {"field_turn_deg": -0.1} if "field_turn_deg" in after else after  # the reference is from this side now
    later = [judge.judge(frame(11 + n, **turned, **now))[0] for n in range(6)]
    assert {one.decision for one in later} == {"keep"}
    assert not any("flip" in reason.sentence for one in later for reason in one.reasons)


def test_a_target_without_a_name_is_known_by_its_place(frame):
    here = {"target": None, "ra_deg": 10.68, "dec_deg": 41.27}
    dithered = {**here, "ra_deg": 10.70}
    elsewhere = {**here, "ra_deg": 83.8, "dec_deg": -5.4}
    assert key_of(frame(0, meta=here)) == key_of(frame(1, meta=dithered)) != key_of(frame(2, meta=elsewhere))
    assert key_of(frame(3, meta={"target": None})).target == ""
    assert key_of(frame(4, meta={**here, "target": "M 31"})).target == "m 31"


def test_stars_that_trail_alike_on_a_target_that_moves_are_no_fault(judge, frame):
    comet = {"meta": {"target": "C/2023 P1"}, "elongation": 4.0, "angle_coherence": 0.95}
    first = [judge.judge(frame(number, trail_length_px=12.0, **comet))[0] for number in range(5)]
    assert "reject" not in {verdict.decision for verdict in first}
    later = [
        judge.judge(frame(number, trail_length_px=12.0 + 0.3 * (number % 2), **comet))[0] for number in range(5, 9)
    ]
    assert {(verdict.decision, verdict.label) for verdict in later} == {("keep", "good")}
    across, _ = judge.judge(frame(9, trail_length_px=12.0, elongation_angle_deg=120.0, **comet))
    assert across.label in ("bad_tracking", "very_bad_tracking")
