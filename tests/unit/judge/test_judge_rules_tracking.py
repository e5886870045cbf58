"""What the judge decides about trails: measured against the usual of the rig, seen by the model, or both."""

from __future__ import annotations

import pytest

from astro_monitor.judge import Judge
from astro_monitor.settings import JudgeSettings, SiteSettings


@pytest.mark.parametrize("label", ["bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue"])
def test_before_the_rig_is_known_the_model_alone_rejects_nothing(judge, frame, label):
    numbers = {"elongation": 1.5, "trail_length_px": 4.0, "angle_coherence": 0.9, "fwhm_px": 6.0, "fwhm_minor_px": 6.0}
    verdict, _ = judge.judge(frame(0, probabilities={label: 1.0}, **numbers))
    assert (verdict.decision, verdict.label) == ("review", label)


def test_probability_of_both_tracking_classes_counts_together(settled, frame):
    split = {"bad_tracking": 0.45, "very_bad_tracking": 0.4, "good": 0.15}
    shape = {"trail_length_px": 2.5, "elongation": 1.2}
    verdict, _ = settled.judge(frame(10, probabilities=split, angle_coherence=0.4, **shape))
    assert (verdict.decision, verdict.label) == ("reject", "bad_tracking")


def test_model_alone_rejects_no_even_trail_that_is_shorter_than_a_bad_one(settled, frame):
    sure = {"bad_tracking": 0.99, "good": 0.01}
    shape = {"trail_length_px": 2.5, "elongation": 1.2}
    verdict, _ = settled.judge(frame(10, probabilities=sure, angle_coherence=0.8, **shape))
    assert (verdict.decision, verdict.label) == ("review", "bad_tracking")


def test_trail_beyond_the_border_rejects_against_the_model(settled, frame):
    verdict, _ = settled.judge(frame(10, trail_length_px=4.0, elongation=1.4, angle_coherence=0.95))
    assert (verdict.decision, verdict.label) == ("reject", "bad_tracking")
    worst = verdict.reasons[0]
    assert (worst.rule, worst.unit, worst.value) == ("trailed_stars", "px", pytest.approx(4.0, abs=0.02))
    assert worst.limit == pytest.approx(1.2 * 2.9)


def test_a_rejection_for_tracking_says_how_long_the_trail_is_against_what_and_in_which_direction(settled, frame):
    trailed = {"trail_length_px": 4.4, "elongation": 1.4, "angle_coherence": 0.95, "elongation_angle_deg": 120.0}
    worst = settled.judge(frame(10, **trailed))[0].reasons[0]
    assert worst.sentence == (
        "Stars are drawn out by 4.4 px beyond the usual of this rig, 1.5 times their width, 120 degrees from the x "
        "axis towards the y axis; 1.2 times (3.5 px) is the border: check guiding, balance and wind."
    )


def test_trail_near_the_border_is_for_review_when_the_model_sees_a_good_frame(settled, frame):
    verdict, _ = settled.judge(frame(10, trail_length_px=3.6, elongation=1.3, angle_coherence=0.95))
    assert (verdict.decision, verdict.label) == ("review", "bad_tracking")


@pytest.mark.parametrize("trail_length_px", [2.0, 2.9])
def test_trail_within_the_border_is_kept_when_the_model_sees_a_good_frame(settled, frame, trail_length_px):
    """Up to 0.7 F it is good, up to 1.2 F it may be either."""
    verdict, _ = settled.judge(frame(10, trail_length_px=trail_length_px, elongation=1.15, angle_coherence=0.95))
    assert (verdict.decision, verdict.label) == ("keep", "good")


def test_a_trail_of_twice_the_width_is_bad_for_any_rig_even_the_first_frame_and_whatever_is_usual(judge, frame):
    trails = {"trail_length_px": 6.2, "elongation": 1.8, "angle_coherence": 0.9}
    verdicts = [judge.judge(frame(number, **trails))[0] for number in range(8)]
    assert {(verdict.decision, verdict.label) for verdict in verdicts} == {("reject", "bad_tracking")}
    assert verdicts[0].reasons[0].rule == "long_trails"


@pytest.mark.parametrize("target", ["C/2023 P1 (Nishimura)", "12P/Pons-Brooks", "comet Lemmon", "Vesta"])
def test_stars_that_trail_on_purpose_are_no_fault_of_a_target_that_moves(frame, target):
    judge = Judge(JudgeSettings(moving_targets=("vesta",)), SiteSettings())
    trails = {"trail_length_px": 20.0, "elongation": 6.0, "angle_coherence": 0.99, "meta": {"target": target}}
    first, _ = judge.judge(frame(0, probabilities={"very_bad_tracking": 0.99, "good": 0.01}, **trails))
    assert first.decision == "review"


@pytest.mark.parametrize(
    ("kernel_length_px", "probabilities", "decision"),
    [
        (5.0, {"bad_tracking": 0.6, "good": 0.4}, "reject"),
        (5.0, {"good": 0.97}, "review"),
        (1.0, {"bad_tracking": 0.6, "good": 0.4}, "keep"),
    ],
)
def test_light_that_wind_puts_around_round_cores_is_seen_by_the_kernel(
    settled, frame, kernel_length_px, probabilities, decision
):
    cores = {"trail_length_px": 2.2 if kernel_length_px > 2 else 0.3, "elongation": 1.1, "angle_coherence": 0.7}
    verdict, _ = settled.judge(
        frame(10, probabilities=probabilities, kernel_length_px=kernel_length_px, kernel_minor_px=0.5, **cores)
    )
    assert verdict.decision == decision


def test_very_bad_tracking_by_length(settled, frame):
    verdict, alerts = settled.judge(frame(10, trail_length_px=12.0, elongation=3.0, angle_coherence=0.99))
    assert verdict.label == "very_bad_tracking"
    assert [(alert.kind, alert.severity, alert.change) for alert in alerts] == [("tracking", "severe", "opened")]


def test_rejection_of_round_stars_by_the_model_becomes_a_review(settled, frame):
    verdict, _ = settled.judge(frame(10, probabilities={"bad_tracking": 0.95, "good": 0.05}))
    assert verdict.decision == "review"
    assert "deny" in verdict.reasons[0].sentence


def test_elongation_that_follows_the_field_is_optics_never_tracking(settled, frame):
    verdict, _ = settled.judge(
        frame(10, elongation=1.25, trail_length_px=1.0, angle_coherence=0.15, radial_elongation=0.2,
              probabilities={"bad_tracking": 0.8, "good": 0.2})
    )  # fmt: skip
    assert verdict.decision == "review"
    assert "optics" in verdict.flags


def test_rotation_of_few_stars_needs_the_model_to_lean_to_it(settled, frame):
    numbers = {"elongation": 1.4, "trail_length_px": 0.8, "angle_coherence": 0.2, "rotation_coherence": 0.95,
               "radial_elongation": -0.25, "star_count_measured": 20.0}  # fmt: skip
    assert settled.judge(frame(10, **numbers))[0].decision == "keep"
    many, _ = settled.judge(frame(12, **{**numbers, "star_count_measured": 90.0}))
    assert (many.decision, many.label, many.cause) == ("reject", "bad_tracking", "rotation")
    leaning, _ = settled.judge(frame(11, probabilities={"bad_tracking": 0.9, "good": 0.1}, **numbers))
    assert (leaning.decision, leaning.cause) == ("reject", "rotation")


def test_a_few_stars_that_seem_drawn_out_in_a_gradient_are_no_long_trails(settled, frame):
    """The same stars as in the reference frame have kept their shapes."""
    for number in range(10, 16):
        settled.judge(frame(number, matched_trail_plus_px2=0.0, matched_trail_cross_px2=0.0))
    seeming = {"trail_length_px": 6.6, "elongation": 1.8, "angle_coherence": 0.95, "star_count_measured": 14.0,
               "matched_trail_plus_px2": 0.1, "matched_trail_cross_px2": 0.1}  # fmt: skip
    assert settled.judge(frame(16, **seeming))[0].decision != "reject"


def test_a_reference_frame_that_is_trailed_itself_makes_no_trails_of_usual_frames(frame):
    judge = Judge(JudgeSettings(), SiteSettings())
    against_it = {"matched_trail_plus_px2": -20.0, "matched_trail_cross_px2": 3.0}
    assert {judge.judge(frame(number, **against_it))[0].decision for number in range(12)} == {"keep"}


def test_wider_seeing_is_no_trail_of_the_kernel(settled, frame):
    """It widens the mean star as much along any direction as across it."""
    wide = {"fwhm_px": 4.2, "fwhm_minor_px": 4.1, "kernel_length_px": 5.8, "kernel_minor_px": 5.7}
    verdict, _ = settled.judge(frame(10, **wide))
    assert (verdict.decision, "trailed_stars" in {reason.rule for reason in verdict.reasons}) == ("keep", False)


def test_a_model_that_is_certain_of_doubled_stars_asks_for_a_look_at_round_cores(settled, frame):
    certain = {"very_bad_tracking": 0.99, "good": 0.01}
    verdict, _ = settled.judge(frame(10, probabilities=certain, in_domain=0.95))
    assert (verdict.decision, verdict.label) == ("review", "very_bad_tracking")


def test_stars_widened_by_their_own_path_are_no_bad_seeing(settled, frame):
    trailed = {"trail_length_px": 14.0, "elongation": 3.0, "angle_coherence": 0.9, "fwhm_px": 9.0,
               "fwhm_minor_px": 6.0, "probabilities": {"very_bad_tracking": 0.9, "good": 0.1}}  # fmt: skip
    verdict, alerts = settled.judge(frame(10, faults={"tracking": 0.95, "seeing": 0.1, "background": 0.0}, **trailed))
    assert verdict.label == "very_bad_tracking"
    assert [reason.decision for reason in verdict.reasons if reason.rule == "wide_stars"] == ["keep"]
    assert [alert.kind for alert in alerts] == ["tracking"]


def test_elongation_around_a_point_beyond_the_usual_is_rotation_not_optics(settled, frame):
    turned = {"elongation": 1.8, "trail_length_px": 2.0, "angle_coherence": 0.2, "rotation_coherence": 0.6,
              "radial_elongation": -0.3, "probabilities": {"very_bad_tracking": 0.9, "good": 0.1}}  # fmt: skip
    verdict, _ = settled.judge(frame(10, **turned))
    assert (verdict.decision, "optics" in verdict.flags) == ("reject", False)
