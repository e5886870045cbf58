"""The stage: what becomes of the network's answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from astro_monitor.errors import GradeFailed, ModelError
from astro_monitor.grade import Grader, SourceGrader, require_pair
from astro_monitor.grade.domain import in_domain
from astro_monitor.grade.inputs import INPUTS
from astro_monitor.records import CLASSES, Baseline, BaselineKey, Spread

KEY = BaselineKey(rig="", target="", filter="", exposure_s=60.0, gain=0.0, binning=1, height=600, width=800)
EMPTY = Baseline(key=KEY)
FIRM = Baseline(key=KEY, size=9, spreads={"star_count": Spread(median=80.0, mad=3.0)})
FRAME = SimpleNamespace(frame_id="ab" * 8, pixels=np.zeros((600, 800), np.uint16))


def grade(model, stars, sky, measured, baseline=EMPTY):
    features = SourceGrader(model).features(FRAME, SimpleNamespace(sky=sky), stars)
    return Grader(model, normal_fwhm_arcsec=3.0).grade(features, measured, baseline)


def test_a_certain_answer_is_given(fake_model, stars, sky, measurements):
    answer = grade(fake_model(), stars(40), sky, measurements())
    assert (answer.label, answer.cause, answer.why_unknown) == ("good", "none", "")
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert tuple(answer.probabilities) == CLASSES
    assert answer.fault_scores == pytest.approx({"tracking": 0.1, "seeing": 0.2, "background": 0.3})
    assert answer.in_domain == 1


def test_an_uncertain_answer_is_unknown(fake_model, stars, sky, measurements):
    answer = grade(fake_model((0.4, 0.3, 0.1, 0.1, 0.1)), stars(40), sky, measurements())
    assert answer.label == "unknown"
    assert answer.why_unknown == "no class is certain enough (best: good, 40 %)."


def test_which_of_two_faults_it_is_need_not_be_certain(fake_model, stars, sky, measurements):
    answer = grade(fake_model((0.1, 0.45, 0.43, 0.01, 0.01)), stars(40), sky, measurements())
    assert (answer.label, answer.why_unknown) == ("bad_tracking", "")


def test_a_strange_frame_is_unknown(fake_model, stars, sky, measurements):
    answer = grade(fake_model(error=5.0), stars(40), sky, measurements())
    assert (answer.label, answer.in_domain) == ("unknown", 0)
    assert "trained" in answer.why_unknown


def test_a_picture_that_the_model_knows_for_something_else_is_unknown(fake_model, stars, sky, measurements):
    answer = grade(fake_model(familiar=0.1), stars(40), sky, measurements())
    assert (answer.label, answer.in_domain) == ("unknown", pytest.approx(0.1))
    assert "trained" in answer.why_unknown


def test_the_head_sees_all_of_its_inputs_with_an_axis_for_the_frame(fake_model, stars, sky, measurements):
    model = fake_model()
    grade(model, stars(40), sky, measurements(), FIRM)
    assert set(model.asked[-1]) == set(INPUTS)
    assert all(values.shape[0] == 1 and values.dtype == np.float32 for values in model.asked[-1].values())


@pytest.mark.parametrize(("count", "word"), [(0, "no star"), (1, "only one star"), (2, "only two stars")])
def test_few_stars_are_unknown_without_a_baseline(fake_model, stars, sky, measurements, count, word):
    answer = grade(fake_model((0.0, 0.0, 0.0, 0.0, 1.0)), stars(count), sky, measurements())
    assert answer.label == "unknown"
    assert answer.why_unknown.startswith(word)


def test_one_plainly_defocused_star_is_enough(fake_model, stars, sky, measurements):
    plain = (0.01, 0.01, 0.01, 0.97, 0.0)
    assert grade(fake_model(plain), stars(1), sky, measurements(star_count=1.0)).label == "bad_seeing"
    assert grade(fake_model(plain), stars(0), sky, measurements(star_count=0.0)).label == "unknown"
    unsure = fake_model((0.04, 0.01, 0.02, 0.93, 0.0))
    assert grade(unsure, stars(1), sky, measurements(star_count=1.0)).label == "unknown"
    strange = fake_model(plain, error=4.5)
    assert grade(strange, stars(1), sky, measurements(star_count=1.0)).label == "unknown"


def test_thick_cloud_is_detected_without_stars_when_the_rig_is_known(fake_model, stars, sky, measurements):
    model = fake_model((0.02, 0.0, 0.0, 0.03, 0.95), cause="cloud")
    answer = grade(model, stars(0), sky, measurements(star_count=0.0), FIRM)
    assert (answer.label, answer.cause) == ("background_issue", "cloud")


def test_without_stars_no_frame_is_good_and_a_fault_must_be_certain(fake_model, stars, sky, measurements):
    good = fake_model((1.0, 0.0, 0.0, 0.0, 0.0))
    assert grade(good, stars(0), sky, measurements(star_count=0.0), FIRM).label == "unknown"
    assert grade(good, stars(2), sky, measurements(star_count=2.0), FIRM).label == "good"
    assert grade(good, stars(2), sky, measurements(star_count=2.0)).label == "unknown"
    trailed = fake_model((0.0, 0.0, 1.0, 0.0, 0.0), cause="drift")
    assert grade(trailed, stars(0), sky, measurements(star_count=0.0), FIRM).label == "very_bad_tracking"
    unsure = fake_model((0.1, 0.1, 0.8, 0.0, 0.0), cause="drift")
    assert grade(unsure, stars(0), sky, measurements(star_count=0.0), FIRM).label == "unknown"


def test_the_cause_belongs_to_the_class(fake_model, stars, sky, measurements):
    model = fake_model((0.0, 1.0, 0.0, 0.0, 0.0), cause="cloud")
    answer = grade(model, stars(40), sky, measurements())
    assert answer.cause in ("drift", "periodic", "jump", "wind", "rotation")


def test_a_failing_model_is_a_failed_grade(fake_model, stars, sky, measurements):
    with pytest.raises(GradeFailed, match="out of memory"):
        grade(fake_model(failure=ModelError("out of memory")), stars(3), sky, measurements())


def test_a_model_that_gives_no_numbers_is_a_failed_grade(fake_model, stars, sky, measurements):
    with pytest.raises(GradeFailed):
        grade(fake_model((float("nan"),) * 5), stars(3), sky, measurements())


CALIBRATION = {"error_median": 1.0, "error_edge": 2.0}


def test_the_domain_falls_linearly_and_is_wider_for_few_sources():
    assert in_domain(0.5, 50, None, 1.0, CALIBRATION) == 1
    assert in_domain(2.0, 50, None, 1.0, CALIBRATION) == 0.5
    assert in_domain(3.5, 50, None, 1.0, CALIBRATION) == 0
    assert in_domain(2.0, 5, None, 1.0, CALIBRATION) == 0.75
    assert in_domain(0.0, 0, None, 1.0, CALIBRATION) == 0


def test_sources_within_each_other_are_no_stars():
    assert in_domain(0.5, 50, 3.0, 1.0, CALIBRATION) == 1
    assert in_domain(0.5, 50, 0.2, 1.0, CALIBRATION) == 0.5
    assert in_domain(2.0, 50, 0.2, 1.0, CALIBRATION) == 0.25


def test_the_domain_is_at_most_what_the_model_says():
    assert in_domain(0.5, 50, 3.0, 0.3, CALIBRATION) == pytest.approx(0.3)
    assert in_domain(2.0, 50, 3.0, 0.9, CALIBRATION) == 0.5


def test_features_of_another_source_part_are_not_graded(stars, sky, measurements, fake_model):
    model = fake_model()
    features = SourceGrader(model).features(FRAME, SimpleNamespace(sky=sky), stars(5))
    grader = Grader(model, normal_fwhm_arcsec=3.0)
    assert grader.fits(features)
    other = replace(features, model="quality-sources.9+ffffffffffff")
    assert not grader.fits(other)
    with pytest.raises(GradeFailed, match="looked at with quality-sources"):
        grader.grade(other, measurements(), EMPTY)


def test_two_parts_of_different_models_are_refused(fake_model):
    head, part = fake_model(), SimpleNamespace(card=SimpleNamespace(sha256="abc"), identity="s.0+abc")
    require_pair(part, head)
    part.card.sha256 = "abd"
    with pytest.raises(ModelError, match="do not belong together"):
        require_pair(part, head)
