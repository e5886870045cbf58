"""Classes and fault scores of simulated frames grow with the strength of each fault."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("galsim", reason="needs the 'train' extra")
pytestmark = pytest.mark.training

from astro_monitor.documents.vocabulary import WORST_CLASS_FIRST  # noqa: E402
from training.simulate.labels import AMBIGUOUS, Strengths, classify, severities  # noqa: E402

STRENGTHS = {
    "path_length_px": (0.0, 30.0),
    "extinction_mag": (0.0, 2.0),
    "gradient_fraction": (0.0, 2.0),
    "leak_fraction": (0.0, 2.0),
    "sky_factor": (0.5, 12.0),
}
FAULT_OF = {"path_length_px": "tracking"} | dict.fromkeys(
    ("extinction_mag", "gradient_fraction", "leak_fraction", "sky_factor"), "background"
)
SLOW_MACHINE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
frames = st.fixed_dictionaries({name: st.floats(*limits) for name, limits in STRENGTHS.items()})


@SLOW_MACHINE
@given(frames, st.sampled_from(list(STRENGTHS)), st.floats(0, 1))
def test_a_stronger_fault_never_has_a_better_class_or_a_lower_score(numbers, name, more):
    low, high = STRENGTHS[name]
    stronger = {**numbers, name: numbers[name] + more * (high - low)}
    before, after = (Strengths(fwhm_px=3.0, normal_fwhm_px=3.0, **values) for values in (numbers, stronger))
    fault = FAULT_OF[name]
    assert severities(after)[fault] >= severities(before)[fault]
    first, second = classify(before), classify(after)
    assert second.faults[fault] >= first.faults[fault]
    if AMBIGUOUS not in (first.label, second.label):
        assert WORST_CLASS_FIRST.index(second.label) <= WORST_CLASS_FIRST.index(first.label)


@SLOW_MACHINE
@given(frames)
def test_only_a_firm_frame_has_a_margin(numbers):
    labels = classify(Strengths(fwhm_px=3.0, normal_fwhm_px=3.0, **numbers))
    assert (labels.margin == 0.0) == (labels.label == AMBIGUOUS) or labels.margin < 1e-6
