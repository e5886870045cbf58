"""Another unit is no cloud; a sky near saturation is looked at until the rig is known."""

from __future__ import annotations

OTHER = {"unit_ratio": 1 / 65535, "background_adu": 0.02, "sky_above_pedestal_adu": 0.015, "sky_adu_s": 2.5e-4,
         "background_noise_adu": 0.0005, "background_gradient_adu": 6e-4, "transparency": None,
         "extinction_mag": None}  # fmt: skip


def test_a_change_of_units_is_reported_and_not_condemned(settled, frame) -> None:
    verdict, alerts = settled.judge(frame(10, **OTHER))
    assert (verdict.decision, alerts) == ("keep", ())
    said = [reason.sentence for reason in verdict.reasons if reason.rule == "based_anew"]
    assert said == [
        "The pixel values are 65,535 times smaller than before with the same stars in place: another unit, no cloud. "
        "The baseline starts again from this frame."
    ]


def test_what_is_usual_is_learnt_again_in_the_new_unit(settled, frame) -> None:
    settled.judge(frame(10, **OTHER))
    for number in range(11, 17):
        verdict, alerts = settled.judge(frame(number, **(OTHER | {"unit_ratio": None, "extinction_mag": 0.0})))
        assert (verdict.decision, alerts) == ("keep", ())
    key = next(iter(settled.all_baselines())).key
    assert settled.baseline_for(key).spreads["background_adu"].median == 0.02


def test_a_second_look_at_a_frame_in_the_old_unit_condemns_it_no_more(settled, frame) -> None:
    verdict = settled.judge_again(frame(3, unit_ratio=65535.0, extinction_mag=None, transparency=None))
    assert verdict.decision == "keep"


def test_a_sky_near_full_scale_is_looked_at_until_the_rig_is_known(judge, frame) -> None:
    verdict, _ = judge.judge(frame(0, sky_saturation_fraction=0.42, background_adu=27500.0))
    assert verdict.decision == "review"
    assert verdict.reasons[0].sentence.startswith("The sky is at 42 % of saturation")
    assert judge.judge(frame(1, sky_saturation_fraction=0.3))[0].decision == "keep"


def test_a_known_rig_may_have_a_bright_sky(settled, frame) -> None:
    assert settled.judge(frame(10, sky_saturation_fraction=0.42))[0].decision == "keep"


def test_a_camera_that_is_always_exposed_so_far_is_known_after_five_frames(judge, frame) -> None:
    decisions = [judge.judge(frame(n, sky_saturation_fraction=0.45))[0].decision for n in range(7)]
    assert decisions == ["review"] * 5 + ["keep"] * 2


def test_flats_with_a_few_stars_never_become_usual(judge, frame) -> None:
    for number in range(12):
        verdict, _ = judge.judge(frame(number, sky_saturation_fraction=0.45, star_count_measured=18.0, star_count=20.0))
        assert verdict.decision == "review"


def test_a_sky_that_fills_the_scale_within_seconds_is_looked_at(judge, frame) -> None:
    verdict, _ = judge.judge(frame(0, sky_saturation_fraction=0.36, meta={"exposure_s": 5.0}))
    assert verdict.decision == "review"
    assert "36 % of saturation after 5 s" in verdict.reasons[0].sentence
    assert judge.judge(frame(1, sky_saturation_fraction=0.36, meta={"exposure_s": 30.0}))[0].decision == "keep"
