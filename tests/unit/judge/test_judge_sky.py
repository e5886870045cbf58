"""Rules about the sky near their borders: what is measured surely is told from what only looks like it."""

from __future__ import annotations

import pytest


def _rules(verdict):
    return [reason.rule for reason in verdict.reasons]


@pytest.mark.parametrize(
    "slight",
    [
        {"extinction_mag": 0.35, "transparency": 0.72},
        {"extinction_mag": 0.47, "transparency": 0.65, "extinction_scatter_mag": 0.1},
        {"background_gradient_adu": 180.0},
        {"sky_above_pedestal_adu": 2900.0, "sky_adu_s": 48.0},
    ],
)
def test_slight_faults_of_the_sky_within_the_borders_are_never_rejected(settled, frame, slight):
    """The model calls thin cloud and slight gradients by the same name as bad ones; borders are measured."""
    verdict, _ = settled.judge(frame(10, probabilities={"background_issue": 0.95, "good": 0.05}, **slight))
    assert verdict.decision == "keep"
    assert any("deny" in reason.sentence for reason in verdict.reasons)
    certain, _ = settled.judge(frame(11, probabilities={"background_issue": 0.99, "good": 0.01}, **slight))
    assert certain.decision == "review"


@pytest.mark.parametrize(
    ("patch_mag", "decision", "flagged"), [(0.1, "keep", False), (0.3, "keep", True), (0.9, "review", True)]
)
def test_a_small_cloud_is_reported_and_rejects_no_frame(settled, frame, patch_mag, decision, flagged):
    verdict, _ = settled.judge(frame(10, extinction_patch_mag=patch_mag))
    assert (verdict.decision, "small_cloud" in verdict.flags) == (decision, flagged)
    from_the_other_side, _ = settled.judge(frame(11, extinction_patch_mag=0.9, field_turn_deg=179.8))
    assert "small_cloud" not in from_the_other_side.flags


def test_near_the_border_a_loss_is_denied_only_as_surely_as_it_is_measured(settled, frame):
    near = {"extinction_mag": 0.47, "transparency": 0.65, "extinction_scatter_mag": 0.4, "matched_star_count": 30.0}
    verdict, _ = settled.judge(frame(10, probabilities={"background_issue": 0.95, "good": 0.05}, **near))
    assert verdict.decision == "reject"


@pytest.mark.parametrize(
    ("extinction_mag", "causes", "decision"),
    [
        (0.7, {"dew": 0.6, "cloud": 0.3}, "keep"),
        (0.7, {"dew": 0.1, "cloud": 0.8}, "reject"),
        (0.7, {}, "reject"),
        (1.0, {"dew": 0.9, "cloud": 0.1}, "reject"),
    ],
)
def test_dew_spreads_light_so_that_stars_seem_to_lose_more_than_they_do(
    settled, frame, extinction_mag, causes, decision
):
    """Dew of 0.4 mag takes 0.7 mag out of the aperture: that is no reason to throw the frame away unseen."""
    dim = {"extinction_mag": extinction_mag, "transparency": 10 ** (-0.4 * extinction_mag)}
    sees = {"background_issue": 0.95, "good": 0.05}
    verdict, _ = settled.judge(frame(10, probabilities=sees, cause="dew", causes=causes, **dim))
    assert verdict.decision == decision


def test_estimates_of_the_pedestal_that_scatter_make_no_bright_sky(judge, frame):
    """Without a pedestal in the header the estimate jumps; the noise tells whether the sky is brighter."""
    for number in range(10):
        judge.judge(frame(number, background_adu=2000.0, sky_above_pedestal_adu=60.0))
    jumped = {"background_adu": 2001.0, "sky_above_pedestal_adu": 400.0, "sky_adu_s": 6.7}
    assert "bright_sky" not in _rules(judge.judge(frame(10, **jumped))[0])
    assert "bright_sky" in _rules(judge.judge(frame(11, **{**jumped, "background_noise_adu": 66.0}))[0])


@pytest.mark.parametrize(("scatter_mag", "decision"), [(0.05, "reject"), (2.0, "keep")])
def test_light_is_only_lost_for_sure_when_the_stars_agree(settled, frame, scatter_mag, decision):
    """Knots of a nebula taken for stars have lost anything from nothing to two magnitudes."""
    verdict, _ = settled.judge(
        frame(10, extinction_mag=0.9, transparency=0.44, matched_star_count=25.0, extinction_scatter_mag=scatter_mag)
    )
    assert verdict.decision == decision


def test_a_sky_that_the_model_calls_bad_and_that_is_only_brighter_is_kept_as_a_background_issue(settled, frame):
    """Within the border of a bright sky, too: the stars have lost no light."""
    brighter = {"sky_above_pedestal_adu": 3000.0, "background_noise_adu": 53.0, "moon_altitude_deg": 40.0,
                "moon_illumination": 0.9, "sun_altitude_deg": -40.0}  # fmt: skip
    verdict, _ = settled.judge(frame(10, probabilities={"background_issue": 0.98, "good": 0.02}, **brighter))
    assert (verdict.decision, verdict.label, verdict.cause) == ("keep", "background_issue", "moon")


def test_a_few_stars_that_are_left_wide_are_suspected_of_a_lost_focus(settled, frame):
    left = {"fwhm_px": 9.0, "fwhm_minor_px": 8.8, "star_count_measured": 4.0, "star_count": 60.0}
    verdict, _ = settled.judge(frame(10, label="unknown", in_domain=0.9, **left))
    assert (verdict.decision, verdict.label) == ("review", "bad_seeing")
