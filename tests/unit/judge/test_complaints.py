"""What users of other programs complain about most when frames are graded; each complaint is a promise here."""

from __future__ import annotations

import json

import pytest

from astro_monitor.judge import Judge
from astro_monitor.settings import JudgeSettings, SiteSettings

MOONLIT = {"sky_above_pedestal_adu": 3100.0, "sky_adu_s": 52.0, "background_noise_adu": 58.0}
DARK = {"sky_above_pedestal_adu": 385.0, "sky_adu_s": 6.4, "background_noise_adu": 22.0}


def decisions(judge, frames):
    return [judge.judge(one)[0].decision for one in frames]


def settled_on(frame, count=10, settings=None, **values):
    judge = Judge(settings or JudgeSettings(), SiteSettings())
    for number in range(count):
        judge.judge(frame(number, **values))
    return judge


def test_01_a_sudden_change_of_the_width_or_of_the_sky_drops_the_frame(settled, frame):
    blurred, _ = settled.judge(frame(10, fwhm_px=6.0, fwhm_minor_px=5.9, fwhm_arcsec=6.0))
    bad = {"background_issue": 0.9, "good": 0.1}
    flooded, _ = settled.judge(
        frame(11, sky_above_pedestal_adu=9000.0, sky_adu_s=150.0, extinction_mag=1.0, transparency=0.4,
              probabilities=bad)
    )  # fmt: skip
    assert (blurred.decision, flooded.decision) == ("reject", "reject")


def test_02_absolute_limits_hold_whatever_is_usual(frame):
    """A percentage throws away the best of a superb night and keeps the mediocre of a poor one."""
    limits = JudgeSettings(max_fwhm_arcsec=4.05, max_elongation=1.22)
    poor = settled_on(frame, settings=limits, fwhm_px=4.5, fwhm_minor_px=4.4, fwhm_arcsec=4.5)
    superb = settled_on(frame, settings=limits, fwhm_px=1.8, fwhm_minor_px=1.75, fwhm_arcsec=1.8)
    best_of_the_bad = frame(10, fwhm_px=4.2, fwhm_minor_px=4.1, fwhm_arcsec=4.2)
    second_best = frame(10, fwhm_px=2.3, fwhm_minor_px=2.2, fwhm_arcsec=2.3)
    assert poor.judge(best_of_the_bad)[0].decision == "reject"
    assert superb.judge(second_best)[0].decision == "keep"


def test_03_slow_degradation_does_not_become_the_baseline(judge, frame):
    decisions = []
    for number in range(120):
        width = 3.0 * 1.008**number
        lean = {"good": 0.7, "bad_seeing": 0.3} if width > 4.5 else None
        grown = {"fwhm_px": width, "fwhm_minor_px": width, "fwhm_arcsec": width}
        decisions.append(judge.judge(frame(number, probabilities=lean, **grown))[0].decision)
    assert decisions[:40] == ["keep"] * 40
    assert "keep" not in decisions[62:]


def test_04_moonlight_does_not_condemn_a_night(frame):
    """426 of 980 frames were lost elsewhere only because the sky had 1350 to 4900 ADU in place of 300 to 470."""
    judge = settled_on(frame, **DARK)
    found = decisions(judge, [frame(10 + n, **MOONLIT) for n in range(40)])
    assert "reject" not in found
    assert set(found[16:]) == {"keep"}


def test_04_a_nebula_in_a_narrow_band_is_no_cloud_and_no_gradient(judge, frame):
    nebula = {"filter": "Ha"}
    glow = {"background_gradient_adu": 30.0, "background_gradient_fraction": 0.9, "background_patchiness_fraction": 0.4,
            "sky_above_pedestal_adu": 35.0, "background_noise_adu": 14.0, "sky_adu_s": 0.6}  # fmt: skip
    assert set(decisions(judge, [frame(n, meta=nebula, **glow) for n in range(27)])) == {"keep"}


def test_05_a_tree_in_a_corner_is_reported_while_all_global_numbers_are_good(settled, frame):
    verdict, _ = settled.judge(frame(10, dead_cell_fraction=0.3))
    assert (verdict.decision, verdict.flags) == ("review", ("obstructed",))


def test_05_a_veil_that_takes_37_percent_of_the_light_is_reported_while_counts_and_widths_are_good(settled, frame):
    verdict, _ = settled.judge(frame(10, transparency=0.63, extinction_mag=0.502))
    assert verdict.decision != "keep"
    assert "lost_light" in [reason.rule for reason in verdict.reasons]


@pytest.mark.parametrize(
    "better",
    [
        {"fwhm_px": 1.5, "fwhm_minor_px": 1.45, "fwhm_arcsec": 1.5},
        {"sky_above_pedestal_adu": 300.0, "sky_adu_s": 5.0, "background_noise_adu": 16.0},
        {"star_count": 2000.0, "star_count_measured": 400.0},
        {"transparency": 1.4, "extinction_mag": -0.37},
        {"elongation": 1.0, "trail_length_px": 0.0},
    ],
)
def test_06_the_best_frame_is_never_rejected(settled, frame, better):
    verdict, _ = settled.judge(frame(10, **better))
    assert verdict.decision == "keep"
    assert verdict.weight == pytest.approx(1.0, abs=0.01)


def test_06_no_frame_is_rejected_silently(settled, frame):
    bad = {"trail_length_px": 9.0, "elongation": 2.5, "angle_coherence": 0.95}
    verdict, _ = settled.judge(frame(10, **bad))
    worst = verdict.reasons[0]
    assert worst.decision == verdict.decision == "reject"
    assert worst.sentence
    assert worst.value > worst.limit > 0
    assert worst.unit == "px"


def test_07_more_stars_than_usual_do_not_hide_a_cloud(settled, frame):
    verdict, _ = settled.judge(frame(10, star_count=600.0, transparency=0.4, extinction_mag=1.0))
    assert (verdict.decision, verdict.label) == ("reject", "background_issue")


def test_07_no_stars_at_all_are_not_perfect(settled, frame):
    gone = dict.fromkeys(("fwhm_px", "fwhm_minor_px", "fwhm_arcsec", "elongation", "trail_length_px"))
    verdict, _ = settled.judge(frame(10, star_count=0.0, star_count_measured=0.0, matched_star_count=None, **gone))
    assert verdict.decision != "keep"
    assert verdict.weight == 0.0


def test_08_a_wrong_scale_condemns_nothing(judge, frame):
    """10,000 arcsec after a failed plate solution: the stars on the sensor are as they should be."""
    found = decisions(judge, [frame(n, fwhm_arcsec=10_000.0) for n in range(8)])
    assert "reject" not in found


def test_09_every_verdict_says_which_rules_made_it_and_how_much_they_knew(settled, frame):
    verdict, _ = settled.judge(frame(10))
    assert verdict.rules_version
    assert verdict.baseline_size == 10


def test_11_a_rejection_names_its_cause(settled, frame):
    cloudy = {"extinction_mag": 1.2, "transparency": 0.33, "cause": "cloud"}
    verdict, _ = settled.judge(frame(10, probabilities={"background_issue": 0.9, "good": 0.1}, **cloudy))
    assert verdict.cause == "cloud"


def test_12_a_trail_through_a_good_frame_is_no_reject(settled, frame):
    for count in (1.0, 2.0, 5.0):
        verdict, _ = settled.judge(frame(10 + int(count), streak_count=count))
        assert (verdict.decision, verdict.flags) == ("keep", ("streak",))


def test_13_lost_guiding_is_reported_with_the_first_frame(settled, frame):
    lost = {"trail_length_px": 25.0, "elongation": 6.0, "angle_coherence": 0.99,
            "probabilities": {"very_bad_tracking": 0.98, "good": 0.02}}  # fmt: skip
    _, (alert,) = settled.judge(frame(10, **lost))
    assert (alert.kind, alert.severity, alert.change) == ("tracking", "severe", "opened")
    assert alert.advice


def test_20_frames_are_judged_alike_whether_they_were_there_before_or_come_now(frame):
    plan = [frame(n, fwhm_px=3.0 + 0.3 * (n % 4), fwhm_minor_px=2.9 + 0.3 * (n % 4)) for n in range(30)]
    at_once = Judge(JudgeSettings(), SiteSettings())
    first = [at_once.judge(one)[0] for one in plan]
    one_by_one, second = Judge(JudgeSettings(), SiteSettings()), []
    for one in plan:
        second.append(one_by_one.judge(one)[0])
        state = json.loads(json.dumps(one_by_one.state()))
        one_by_one = Judge.restore(JudgeSettings(), SiteSettings(), state)
    assert first == second


def test_27_clouds_that_come_and_go_are_no_flood_of_warnings(settled, frame):
    """Twelve clouds in an hour: one is news, the others are marked as repeats."""
    cloud = {"extinction_mag": 0.9, "transparency": 0.44, "cause": "cloud",
             "probabilities": {"background_issue": 0.9, "good": 0.1}}  # fmt: skip
    news = 0
    for number in range(60):
        changes = cloud if number % 5 < 2 else {}
        _, alerts = settled.judge(frame(10 + number, **changes))
        news += sum(alert.change == "opened" and not alert.repeat for alert in alerts)
    assert news == 1


def test_29_another_target_has_its_own_baseline(settled, frame):
    """A star-poor field after a rich one is no cloud."""
    poor = {"star_count": 30.0, "star_count_measured": 20.0, "matched_star_count": None, "transparency": None,
            "extinction_mag": None}  # fmt: skip
    verdict, _ = settled.judge(frame(10, meta={"target": "NGC 7331"}, **poor))
    assert verdict.decision == "keep"
    unnamed, _ = settled.judge(frame(11, meta={"target": None, "ra_deg": 339.3, "dec_deg": 34.4}, **poor))
    assert unnamed.decision == "keep"
    assert {baseline.key.target: baseline.size for baseline in settled.all_baselines()} == {
        "m 31": 10, "ngc 7331": 1, "ra 338.3 dec +34.0": 1,
    }  # fmt: skip
