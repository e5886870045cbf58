"""One vocabulary: types, tuples, the simulator, the rules, the advice and the page of the classes say the same."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from astro_monitor.documents import vocabulary as words
from astro_monitor.judge import limits
from astro_monitor.judge.advice import advice_for
from astro_monitor.records import borders

PAGE = "docs/explanations/classes.md"


@pytest.fixture(scope="module")
def page(repository) -> str:
    return (repository / PAGE).read_text("utf-8")


def row_of(page: str, name: str) -> str:
    """Return the row of a class in the table of rules."""
    return next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))


@pytest.mark.parametrize(
    ("names", "of_type"),
    [
        (words.CLASSES, words.ClassName),
        (words.FAULTS, words.Fault),
        (words.CAUSES, words.CauseName),
        (words.FLAGS, words.Flag),
        (words.DECISIONS, words.Decision),
    ],
)
def test_a_tuple_of_words_holds_those_of_its_type_in_the_same_order(names, of_type):
    assert names == get_args(of_type)


def test_every_class_has_a_fault_and_every_cause_belongs_to_one_fault():
    assert (
        set(words.CLASSES_OF_FAULT) == set(words.CAUSES_OF_FAULT) == set(words.FAULTS) == set(words.WORST_FAULT_FIRST)
    )
    assert sorted(sum(words.CLASSES_OF_FAULT.values(), ("good",))) == sorted(words.CLASSES)
    assert sorted(sum(words.CAUSES_OF_FAULT.values(), ("none",))) == sorted(words.CAUSES)
    assert set(words.CAUSES_OF_CLASS) == set(words.CLASSES) == set(words.WORST_CLASS_FIRST)


def test_alerts_are_about_the_faults_the_field_and_files_that_fail():
    assert get_args(words.AlertKind) == (*words.FAULTS, "obstruction", "pointing", "failures")
    assert len({advice_for(kind, "none") for kind in get_args(words.AlertKind)}) == len(get_args(words.AlertKind))


@pytest.mark.parametrize("fault", words.FAULTS)
def test_every_cause_has_advice_of_its_own(fault):
    advice = [advice_for(fault, cause) for cause in words.CAUSES_OF_FAULT[fault]]
    assert len(set(advice)) == len(advice)
    assert advice_for(fault, "none") not in advice


def test_the_page_names_every_class_cause_and_flag(page):
    for name in words.CLASSES:
        assert row_of(page, name)
    causes = re.search(r"\*\*Causes\.\*\* (.*?)\n\n", page, re.DOTALL)[1].replace("\n", " ")
    for fault, names in words.CAUSES_OF_FAULT.items():
        assert f"{fault.capitalize()}: {', '.join(names)}." in causes
    flags = re.search(r"\*\*Flags\.\*\* (.*?)\. A flag", page, re.DOTALL)[1]
    assert tuple(re.findall(r"`(\w+)`", flags)) == words.FLAGS


def test_the_page_has_the_borders(page):
    assert f"E ≤ {borders.TRAIL_GOOD} F, FWHM ≤ {borders.FWHM_GOOD} F0" in row_of(page, "good")
    assert f"{borders.TRAIL_BAD} F ≤ E < {borders.TRAIL_VERY_BAD:g} F" in row_of(page, "bad_tracking")
    assert f"L ≥ {borders.TRAIL_ALWAYS_BAD:g} F whatever is usual" in row_of(page, "bad_tracking")
    assert f"E ≥ {borders.TRAIL_VERY_BAD:g} F" in row_of(page, "very_bad_tracking")
    assert f"less than {100 * borders.GHOST_FRACTION:g} % of the light" in row_of(page, "very_bad_tracking")
    assert f"FWHM ≥ {borders.FWHM_BAD} F0" in row_of(page, "bad_seeing")
    background = row_of(page, "background_issue")
    assert f"extinction ≥ {borders.EXTINCTION_BAD_MAG} mag" in background
    assert f"gradient ≥ {100 * borders.GRADIENT_BAD:g} % of S" in background
    assert f"glow ≥ {100 * borders.LEAK_BAD:g} % of S" in background
    assert f"sky ≥ {borders.SKY_BAD:g} S" in background


def test_the_page_has_the_ambiguous_bands(page):
    bands = re.search(r"These are the bands: (.*?)\. \*With", page, re.DOTALL)[1].replace("\n", " ")
    low, high = borders.TRAIL_VERY_BAD_AMBIGUOUS
    least, most = borders.GHOST
    assert bands.split("; ") == [
        f"{borders.TRAIL_GOOD} F < E < {borders.TRAIL_BAD} F",
        f"{low} F < E < {high} F",
        f"{borders.FWHM_GOOD} F0 < FWHM < {borders.FWHM_BAD} F0",
        f"within {100 * borders.BACKGROUND_AMBIGUOUS:g} % of a border of the background",
        f"a ghost with {100 * least:g} to {100 * most:g} % of the light",
    ]


def test_the_rules_judge_by_the_borders():
    shared = [name for name in vars(borders) if name.isupper() and hasattr(limits, name)]
    assert len(shared) == 9
    assert all(getattr(limits, name) == getattr(borders, name) for name in shared)


@pytest.mark.training
def test_the_simulator_labels_by_the_same_words_and_borders():
    simulate = pytest.importorskip("training.simulate")
    from training.simulate import conditions, nights

    made = {name: set(causes) - {None} for name, causes in conditions._CAUSES_OF.items() if name in words.CLASSES}
    assert made == {name: set(causes) for name, causes in words.CAUSES_OF_CLASS.items()}
    assert nights.CLASS_OF_CAUSE == {
        cause: words.CLASSES_OF_FAULT[fault][0] for fault, causes in words.CAUSES_OF_FAULT.items() for cause in causes
    }
    normal = {"fwhm_px": 3.0, "normal_fwhm_px": 3.0}
    at_border = {
        "bad_tracking": simulate.Strengths(**normal, path_length_px=3.0 * borders.TRAIL_BAD),
        "very_bad_tracking": simulate.Strengths(**normal, path_length_px=3.001 * borders.TRAIL_VERY_BAD_AMBIGUOUS[1]),
        "bad_seeing": simulate.Strengths(fwhm_px=3.0 * borders.FWHM_BAD, normal_fwhm_px=3.0),
        "background_issue": simulate.Strengths(**normal, gradient_fraction=1.1 * borders.GRADIENT_BAD),
        "good": simulate.Strengths(**normal, path_length_px=3.0 * borders.TRAIL_GOOD),
    }
    assert {name: simulate.classify(strengths).label for name, strengths in at_border.items()} == {
        name: name for name in words.CLASSES
    }
