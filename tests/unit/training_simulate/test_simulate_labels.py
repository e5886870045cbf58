"""The rules of the class rules, border by border."""

import math

import numpy as np
import pytest

from astro_monitor.records import CAUSES, FAULTS

pytest.importorskip("galsim")

from training.simulate.labels import AMBIGUOUS, Labels, Strengths, classify, path_length_px, score, severities

pytestmark = pytest.mark.training


def strengths(**changes):
    return Strengths(**({"fwhm_px": 3.0, "normal_fwhm_px": 3.0} | changes))


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "good"),
        ({"path_length_px": 2.09}, "good"),
        ({"path_length_px": 2.11}, AMBIGUOUS),
        ({"path_length_px": 3.59}, AMBIGUOUS),
        ({"path_length_px": 3.61}, "bad_tracking"),
        ({"path_length_px": 8.09}, "bad_tracking"),
        ({"path_length_px": 8.11}, AMBIGUOUS),
        ({"path_length_px": 9.89}, AMBIGUOUS),
        ({"path_length_px": 9.91}, "very_bad_tracking"),
        ({"path_length_px": 5.0, "excess_px": 1.0}, "good"),
        ({"path_length_px": 6.1, "excess_px": 1.0}, "bad_tracking"),
        ({"path_length_px": 1.0, "excess_px": 4.0}, "bad_tracking"),
        ({"excess_px": 1.0, "severe_excess_px": 4.0}, AMBIGUOUS),
        ({"fwhm_px": 3.9}, "good"),
        ({"fwhm_px": 3.95}, AMBIGUOUS),
        ({"fwhm_px": 4.79}, AMBIGUOUS),
        ({"fwhm_px": 4.81}, "bad_seeing"),
        ({"extinction_mag": 0.44}, "good"),
        ({"extinction_mag": 0.46}, AMBIGUOUS),
        ({"extinction_mag": 0.56}, "background_issue"),
        ({"gradient_fraction": 0.31}, "good"),
        ({"gradient_fraction": 0.35}, AMBIGUOUS),
        ({"gradient_fraction": 0.39}, "background_issue"),
        ({"leak_fraction": 0.26}, "good"),
        ({"leak_fraction": 0.3}, AMBIGUOUS),
        ({"leak_fraction": 0.34}, "background_issue"),
        ({"sky_factor": 3.59}, "good"),
        ({"sky_factor": 4.0}, AMBIGUOUS),
        ({"sky_factor": 4.41}, "background_issue"),
    ],
)
def test_each_border(changes, label):
    assert classify(strengths(**changes)).label == label


def test_the_worst_of_several_faults_names_the_class():
    everything = {"fwhm_px": 6.0, "extinction_mag": 2.0}
    assert classify(strengths(**everything, path_length_px=20.0)).label == "very_bad_tracking"
    assert classify(strengths(**everything, path_length_px=10.0)).label == "bad_tracking"
    assert classify(strengths(**everything)).label == "background_issue"
    assert classify(strengths(fwhm_px=6.0)).label == "bad_seeing"


def test_a_doubt_that_cannot_change_the_class_is_no_doubt():
    assert classify(strengths(fwhm_px=4.2, extinction_mag=1.0)).label == "background_issue"
    assert classify(strengths(path_length_px=3.0, extinction_mag=1.0)).label == AMBIGUOUS
    assert classify(strengths(fwhm_px=4.2, path_length_px=6.0)).label == "bad_tracking"
    assert classify(strengths(extinction_mag=0.5, path_length_px=6.0)).label == "bad_tracking"


def test_a_trail_is_measured_against_the_stars_of_that_frame():
    assert classify(strengths(fwhm_px=6.0, path_length_px=2.9)).label == "bad_seeing"


@pytest.mark.parametrize(
    ("changes", "fault", "cause"),
    [
        ({"path_length_px": 6.0, "motion": {"drift": 1.0, "wind": 5.0}}, "tracking", "wind"),
        ({"fwhm_px": 7.0, "defocus_px": 6.5}, "seeing", "defocus"),
        ({"fwhm_px": 7.0, "defocus_px": 0.5}, "seeing", "seeing"),
        ({"extinction_mag": 1.0}, "background", "cloud"),
        ({"extinction_mag": 1.0, "dew": True}, "background", "dew"),
        ({"gradient_fraction": 1.0, "extinction_mag": 0.6}, "background", "gradient"),
        ({"leak_fraction": 1.0}, "background", "leak"),
        ({"sky_factor": 9.0}, "background", "twilight"),
        ({"sky_factor": 9.0, "moon": True}, "background", "moon"),
    ],
)
def test_causes_and_scores_agree(changes, fault, cause):
    labels = classify(strengths(**changes))
    assert labels.cause == cause
    assert cause in CAUSES
    assert labels.faults[fault] > 0.5
    assert all(labels.faults[other] < 0.5 for other in FAULTS if other != fault)


def test_scores_are_zero_without_a_fault_and_grow_with_it():
    assert classify(strengths()).faults == dict.fromkeys(FAULTS, 0.0)
    values = [score(severity) for severity in np.linspace(0, 20, 50)]
    assert values == sorted(values)
    assert score(1.0) == 0.5
    assert values[-1] < 1


def test_severity_is_one_between_the_two_borders():
    middle = strengths(path_length_px=3.0 * math.sqrt(0.7 * 1.2))
    assert severities(middle)["tracking"] == pytest.approx(1.0)


def test_length_of_a_steady_drift_is_its_length():
    x = (np.arange(10_000) + 0.5) / 10_000 * 7.0
    assert path_length_px(float(np.var(x))) == pytest.approx(7.0, rel=1e-4)


def test_margin_marks_hard_cases():
    assert classify(strengths(extinction_mag=0.44)).margin < 0.03
    assert classify(strengths(path_length_px=3.0)).margin == 0.0


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="no such label"):
        Labels(label="fine", faults={}, cause="none")
