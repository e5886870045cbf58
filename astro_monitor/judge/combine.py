"""The rules and the model together give one decision.

For each of the three faults the strongest finding of the rules meets the opinion of the model:

=============  ========  ==========  =============  ============
rules          model: P(fault) of the quality model
-------------  -------------------------------------------------
of this fault  ≥ limit   ≥ 0.2       below 0.2      unknown
=============  ========  ==========  =============  ============
absolute       reject    reject      reject         reject
decisive       reject    reject      reject         reject
firm           reject    reject      review         review
suspect        reject    review      review (1)     review
silent         reject(2) keep        keep           keep
bright         keep      keep        keep           keep
clear          keep(3)   keep        keep           keep
=============  ========  ==========  =============  ============

``limit`` is the setting ``reject_probability``. (1) kept, with the reason, when the model gives ``good`` at least 0.8.
(2) when the model is as certain as its cost asks for (``limits.MODEL_REJECTS``), else review; review as well, when
stars are missing, or too few to judge their shape, and when an even trail was measured and is shorter than a bad one.
(3) review, when the model is certain (0.97), and for a tracking fault as long as only the cores of the stars are
measured, which stay round when wind or a jump draws out the rest.

Why so: the classes are *defined* by E / F, FWHM / F0, extinction, gradient and sky level, so a measurement beyond its
border, on enough stars and against a real baseline, is the definition itself and needs no second opinion. Near the
border the model decides between noise and fault. Where the measurement clearly denies the fault, the model does not
reject, and only its certainty is worth a look. A bright sky alone takes weight from a frame, and nothing else.

Three limits hold for all of that. Before the rig is known, only absolute findings and limits set by the user reject;
other rejections become reviews. What is measured against a sky that is not known well enough is for review, unless the
model is certain (0.97). And no frame is rejected for its tracking unless a person who looks at it sees elongated stars.

Shapes of stars are not condemned by measurements alone when the model sees another fault that spoils them (a trail, a
bright sky) and gives this one a score below 0.5.

On top of that: a strange frame (in-domain < 0.5), a fault score of 0.8 that nothing else supports, and a frame of which
the model doubts that it is good, ``unknown`` ones included, go to review. The doubt is the probability of all faults
that no measurement denies, and 0.25 is too much; before the rig is known, an ``unknown`` frame is for review whatever
the doubt. A limit set by the user rejects. The decision is the worst of all reasons; the class is the worst rejected
fault in the order of the label document, or the fault that sends the frame to review.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..documents.vocabulary import CLASSES_OF_FAULT, WORST_FAULT_FIRST, Decision
from ..records import FAULTS, Grade, Reason
from . import limits
from .evidence import Case, Finding, Strength
from .trails import trail_of, visible_ratio

Opinion = Literal["bad", "leans", "no", "unknown"]

SEVERITY: dict[Decision, int] = {"keep": 0, "review": 1, "reject": 2}
"""Order of the decisions, the worst last."""

_TABLE: dict[Strength, dict[Opinion, Decision]] = {
    "absolute": {"bad": "reject", "leans": "reject", "no": "reject", "unknown": "reject"},
    "decisive": {"bad": "reject", "leans": "reject", "no": "reject", "unknown": "reject"},
    "firm": {"bad": "reject", "leans": "reject", "no": "review", "unknown": "review"},
    "suspect": {"bad": "reject", "leans": "review", "no": "review", "unknown": "review"},
    "note": {"bad": "reject", "leans": "keep", "no": "keep", "unknown": "keep"},
    "bright": {"bad": "keep", "leans": "keep", "no": "keep", "unknown": "keep"},
    "clear": {"bad": "keep", "leans": "keep", "no": "keep", "unknown": "keep"},
}
_SURE: tuple[Strength, ...] = ("absolute", "decisive", "firm")
_AGAINST: tuple[Strength, ...] = (*_SURE, "suspect")
_EVIDENCE_ORDER: tuple[Strength, ...] = (*_AGAINST, "bright", "clear", "note")
_DENIED: tuple[Strength, ...] = ("bright", "clear")
"""Evidence that the fault takes nothing from the frame that a person would throw it away for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The outcome of combining.

    Attributes:
        fault: the one that decided, or that the class names; empty when there is none.
        fault_decisions: what was decided about each fault.
        severe: the faults that are severe enough for a warning at once.
        suspected: the fault that the class names, when the frame goes to review for it with a baseline, and no
            measurement denies it unless the model is certain.
        bright: the sky is so bright that the frame is a background issue, and nothing else is wrong with its sky.
        fits_baseline: nothing at all was found against the frame, so its numbers may be part of a trend.
    """

    label: str
    fault: str
    flags: tuple[str, ...]
    decision: Decision
    reasons: tuple[Reason, ...]
    fault_decisions: dict[str, Decision]
    severe: frozenset[str]
    suspected: frozenset[str]
    bright: bool
    fits_baseline: bool


def combine(case: Case, findings: Sequence[Finding]) -> Ruling:
    """Weigh all findings of the rules against the model and return the decision on a frame.

    Parameters:
        case: the frame and its baseline.
        findings: of the rules.
    """
    grade = case.examined.grade
    evidence = {fault: _strongest(findings, fault) for fault in FAULTS}
    decided = {fault: _decide(case, fault, evidence[fault], findings) for fault in FAULTS}
    reasons = [_worded(finding, decided) for finding in findings]
    reasons += _model_reasons(case, evidence, decided)
    decision: Decision = max((reason.decision for reason in reasons), key=lambda word: SEVERITY[word])
    bright = evidence["background"] == "bright" or _seen_bright(case, evidence["background"])
    label = _label(grade, findings, decided, decision, bright=bright)
    against = {f.rule for f in findings if f.strength in (*_AGAINST, "bright", "limit", "review")}
    if case.count("star_count_measured") >= limits.STARS_OF_A_LIGHT:
        # Some cameras are always exposed so far: five such frames are the baseline.
        against.discard("bright_ground")
    suspected = any(grade.fault_scores.get(fault, 0.0) >= limits.FAULT_NOTED for fault in FAULTS)
    likely = grade.label == "unknown" or (grade.label == "good" and _good(case) >= limits.MODEL_NORMAL)
    unharmed = likely and not against and not suspected and "bad" not in {_opinion(case, fault) for fault in FAULTS}
    return Ruling(
        label=label,
        fault=_fault(label, decided, decision),
        flags=tuple(dict.fromkeys(finding.flag for finding in findings if finding.flag)),
        decision=decision,
        reasons=tuple(sorted(reasons, key=_worst_first)),
        fault_decisions=decided,
        severe=_severe(case, findings, decided),
        suspected=frozenset(
            fault
            for fault in FAULTS
            if decided[fault] == "review"
            and case.has_baseline
            and label in (*CLASSES_OF_FAULT[fault], "good")
            and (evidence[fault] != "clear" or _probability(grade, fault) >= limits.MODEL_CERTAIN)
        ),
        bright=bright,
        fits_baseline=(decision == "keep" and not bright) or unharmed,
    )


def _opinion(case: Case, fault: str) -> Opinion:
    """Return the quality model's opinion on a fault of a frame: bad, leans, no, or unknown."""
    grade = case.examined.grade
    if grade.label == "unknown":
        return "unknown"
    probability = _probability(grade, fault)
    if probability >= case.settings.reject_probability:
        return "bad"
    return "leans" if probability >= limits.MODEL_LEANS else "no"


def _probability(grade: Grade, fault: str) -> float:
    """Return the quality model's probability of all classes that belong to a fault."""
    return sum(grade.probabilities.get(name, 0.0) for name in CLASSES_OF_FAULT[fault])


def _strongest(findings: Sequence[Finding], fault: str) -> Strength:
    """Return the strongest evidence for a fault among the findings of the rules; ``note`` when there is none."""
    strengths = {finding.strength for finding in findings if finding.fault == fault}
    return next((strength for strength in _EVIDENCE_ORDER if strength in strengths), "note")


def _decide(case: Case, fault: str, evidence: Strength, findings: Sequence[Finding]) -> Decision:
    """Return the decision on one fault of a frame from the evidence of the rules and the model's opinion."""
    if evidence == "absolute":
        return "reject"
    decision = _by_table(case, fault, evidence)
    if decision != "reject":
        return decision
    strongest = [finding for finding in findings if finding.fault == fault and finding.strength == evidence]
    unsure = evidence in _AGAINST and all(finding.unsure for finding in strongest)
    unseen = fault == "tracking" and evidence != "decisive" and visible_ratio(case) < limits.TRAIL_VISIBLE
    unsure = unsure and _probability(case.examined.grade, fault) < limits.MODEL_CERTAIN
    return "review" if unsure or unseen or not case.has_baseline else "reject"


def _by_table(case: Case, fault: str, evidence: Strength) -> Decision:
    """Return the decision on one fault by the table of this module and its notes."""
    opinion, probability = _opinion(case, fault), _probability(case.examined.grade, fault)
    if evidence == "suspect" and opinion == "no" and _good(case) >= limits.MODEL_SURE_GOOD:
        return "keep"
    if evidence == "clear" and opinion == "bad":
        # Doubled stars and swinging ones have a round core, and a turning field looks like optics.
        cores_only = fault == "tracking" and case.value("kernel_length_px") is None
        certain = probability >= limits.MODEL_CERTAIN and not (fault == "background" and _seen_bright(case, evidence))
        return "review" if cores_only or certain else "keep"
    if fault != "background" and evidence != "clear" and _elsewhere(case, fault):
        return "keep"
    if evidence == "note" and opinion == "bad":
        no_stars = case.count("star_count") == 0
        thin = fault != "background" and case.count("star_count_measured") < limits.THIN_STARS
        # A long trail is one, in however few stars it is seen.
        thin = thin and (fault != "tracking" or visible_ratio(case) < limits.TRAIL_ALWAYS_BAD)
        unsupported = no_stars or thin or probability < limits.MODEL_REJECTS[fault]
        return "review" if unsupported or (fault == "tracking" and _within_border(case)) else "reject"
    return _TABLE[evidence][opinion]


def _within_border(case: Case) -> bool:
    """Return whether the even trail of a frame was measured against the usual of its rig, and is within the border.

    The border is where people disagree; there the model alone throws no frame away. Stars that are drawn out in
    different directions, as by rotation, have no even trail.
    """
    trail = trail_of(case)
    even = (case.value("angle_coherence") or 0.0) >= limits.COHERENT
    return trail is not None and even and trail.beyond_usual and trail.most_ratio < limits.TRAIL_BAD


def _seen_bright(case: Case, evidence: Strength) -> bool:
    """Return whether the model calls a sky bad that is only brighter than usual, though within the border."""
    brighter = (case.sky_ratio or 0.0) >= limits.SKY_BRIGHTER
    return evidence == "clear" and brighter and _opinion(case, "background") == "bad"


def _elsewhere(case: Case, fault: str) -> bool:
    """Return whether the model sees another fault that spoils the shapes of stars, and none of this one.

    Paths widen stars by their curves, and a bright sky drowns all but the widest and longest sources.
    """
    scores = case.examined.grade.fault_scores
    others = ("tracking", "background") if fault == "seeing" else ("background",)
    seen = any(_opinion(case, other) == "bad" for other in others)
    trailed = fault == "seeing" and scores.get("tracking", 0.0) >= limits.FAULT_REVIEW
    return (seen or trailed) and scores.get(fault, 0.0) < limits.FAULT_NOTED


def _good(case: Case) -> float:
    """Return the quality model's probability of good, to be combined with the rules."""
    return case.examined.grade.probabilities.get("good", 0.0)


def _worded(finding: Finding, decided: dict[str, Decision]) -> Reason:
    """Return the reason of a finding: its decision is that about its fault, or follows from its own strength."""
    decision: Decision = "keep"
    if finding.strength in _AGAINST:
        decision = decided[finding.fault]
    elif finding.strength == "limit":
        decision = "reject"
    elif finding.strength == "review":
        decision = "review"
    return Reason(
        rule=finding.rule,
        decision=decision,
        metric=finding.metric,
        value=finding.value,
        limit=None if finding.limit is None else float(f"{finding.limit:.4g}"),
        unit=finding.unit,
        sentence=finding.sentence,
    )


def _model_reasons(case: Case, evidence: dict[str, Strength], decided: dict[str, Decision]) -> list[Reason]:
    """Return the opinion of the model, and what follows from it."""
    grade, good, limit = case.examined.grade, _good(case), case.settings.reject_probability
    doubt = sum(_probability(grade, fault) for fault in FAULTS if evidence[fault] not in _DENIED)
    doubted = doubt > 1.0 - limits.MODEL_GOOD
    reasons = []
    bad = [fault for fault in FAULTS if _opinion(case, fault) == "bad"]
    for fault in bad:
        name = max(CLASSES_OF_FAULT[fault], key=lambda label: grade.probabilities.get(label, 0.0))
        probability = _probability(grade, fault)
        but = ", but the measurements deny it" if evidence[fault] in _DENIED else ""
        sentence = f"The quality model sees {name.replace('_', ' ')} ({_percent(probability)}){but}."
        metric = f"class_probabilities.{name}"
        reasons.append(_model_reason("model_class", decided[fault], metric, probability, limit, sentence))
    if grade.label == "unknown":
        give_way = case.has_baseline and not doubted and grade.in_domain >= limits.IN_DOMAIN
        why = grade.why_unknown or "the model cannot place this frame"
        reasons.append(
            _model_reason("model_unknown", "keep" if give_way else "review", "in_domain", grade.in_domain, None,
                          f"No class from the model: {why.rstrip('.')}.")
        )  # fmt: skip
    elif not bad:
        opinion = "is not sure of any class" if good < limits.MODEL_GOOD else "sees a good frame"
        reasons.append(
            _model_reason("model_class", "review" if doubted else "keep", "class_probabilities.good", good,
                          limits.MODEL_GOOD, f"The quality model {opinion} (good: {_percent(good)}).")
        )  # fmt: skip
    for fault in FAULTS:
        score = grade.fault_scores.get(fault, 0.0)
        if fault not in bad and score >= limits.FAULT_NOTED:
            look = score >= limits.FAULT_REVIEW and evidence[fault] not in _DENIED and decided[fault] == "keep"
            reasons.append(
                _model_reason("fault_score", "review" if look else "keep", f"fault_scores.{fault}", score,
                              limits.FAULT_REVIEW, f"The quality model's score for a {fault} fault is {score:.2f}.")
            )  # fmt: skip
    return reasons


def _model_reason(
    rule: str, decision: Decision, metric: str, value: float, limit: float | None, sentence: str
) -> Reason:
    """Return a reason of a verdict that comes from a probability of the quality model."""
    return Reason(rule=rule, decision=decision, metric=metric, value=value, limit=limit, unit="1", sentence=sentence)


def _percent(probability: float) -> str:
    """Return a probability of the quality model as text in percent."""
    return f"{100 * min(probability, 1.0):.0f} %"


def _worst_first(reason: Reason) -> int:
    """Return the sort key that puts the reasons of the worst decision first."""
    return -SEVERITY[reason.decision]


def _label(
    grade: Grade, findings: Sequence[Finding], decided: dict[str, Decision], decision: Decision, *, bright: bool
) -> str:
    """Return the class of a frame in its verdict: that of the fault it is rejected for, or that asks for a look; else
    the model's.
    """
    if decision == "keep":
        return "background_issue" if bright else "good"
    rejected = [fault for fault in WORST_FAULT_FIRST if decided[fault] == "reject"]
    if any(grade.label in CLASSES_OF_FAULT[fault] for fault in rejected):
        return _by_length(grade.label, findings)
    for fault in rejected:
        by_model = max(CLASSES_OF_FAULT[fault], key=lambda name: grade.probabilities.get(name, 0.0))
        return next(iter(_labels(findings, fault, _AGAINST)), by_model)
    if grade.label not in ("good", "unknown"):
        return grade.label
    # Any measured suspicion says more than nothing.
    strengths: tuple[Strength, ...] = (*_AGAINST, "bright") if grade.label == "unknown" else (*_SURE, "bright")
    doubted = [name for fault in WORST_FAULT_FIRST for name in _labels(findings, fault, strengths)]
    return doubted[0] if doubted else grade.label


def _labels(findings: Sequence[Finding], fault: str, strengths: Sequence[Strength]) -> list[str]:
    """Return the classes that findings of some strengths name for a fault."""
    return [f.label for f in findings if f.fault == fault and f.label and f.strength in strengths]


def _by_length(label: str, findings: Sequence[Finding]) -> str:
    """Return the model's class, or very bad tracking where the trails are measured to be far beyond its border.

    The model weighs several faults, and very bad against bad, better than single limits do near their borders.
    """
    far = any(f.severe and f.strength in ("absolute", "decisive") and f.label == "very_bad_tracking" for f in findings)
    return "very_bad_tracking" if far and label == "bad_tracking" else label


def _fault(label: str, decided: dict[str, Decision], decision: Decision) -> str:
    """Name the fault whose cause is worth naming."""
    rejected = next((fault for fault in WORST_FAULT_FIRST if decided[fault] == "reject"), "")
    if decision != "keep" and rejected:
        return rejected
    return next((fault for fault in WORST_FAULT_FIRST if label in CLASSES_OF_FAULT[fault]), "")


def _severe(case: Case, findings: Sequence[Finding], decided: dict[str, Decision]) -> frozenset[str]:
    """Return the faults of a frame that are severe, by the findings of the rules or by the quality model."""
    severe = {f.fault for f in findings if f.severe and decided.get(f.fault) == "reject"}
    if decided["tracking"] != "keep":
        severe.discard("seeing")  # stars that are drawn out are wide as well
    very_bad = case.examined.grade.probabilities.get("very_bad_tracking", 0.0)
    if decided["tracking"] == "reject" and very_bad >= max(case.settings.reject_probability, 0.5):
        severe.add("tracking")
    return frozenset(severe)
