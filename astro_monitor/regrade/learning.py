"""What a person's decisions say about the limits: tried without effect, applied by the owner alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..memory import Past
from ..nightlog import BY_RULES
from ..records import Examined
from ..settings import JudgeSettings, Settings
from .replay import JudgedAgain, judge_only

LEAST_DECISIONS = 5
"""Fewer decisions by hand teach nothing."""

PROBABILITIES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Values of ``judge.reject_probability`` that are tried."""
LIMITS = {"max_fwhm_px": "fwhm_px", "max_fwhm_arcsec": "fwhm_arcsec", "max_elongation": "elongation"}
"""Setting, and the metric that it limits. No limit on the sky is learnt: the moon would teach it."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One setting, tried.

    Attributes:
        followed: decisions by hand that the rules would have come to by themselves.
        others: frames without a decision by hand that would be decided otherwise.
    """

    setting: str
    value: float
    followed: int
    others: tuple[JudgedAgain, ...]


def by_hand(seen: Sequence[JudgedAgain]) -> list[JudgedAgain]:
    """Return the frames that a person kept or rejected and that could be judged again."""
    return [
        again
        for again in seen
        if again.verdict is not None and again.row.decided_by != BY_RULES and again.row.decision in ("keep", "reject")
    ]


def followed(seen: Sequence[JudgedAgain]) -> int:
    """Count the decisions by hand that the rules come to as well, over frames judged again."""
    return sum(again.verdict is not None and again.verdict.decision == again.row.decision for again in by_hand(seen))


def lessons(seen: Sequence[JudgedAgain], settings: Settings, past: Past | None = None) -> list[Lesson]:
    """Try settings of the judge on frames that a person decided on, each setting by itself.

    Parameters:
        seen: frames judged again with ``settings``.
        settings: as they are in force.
        past: what else happened to the judge.

    Returns:
        those settings with which more decisions by hand are followed than now, the best first: most decisions, then
        fewest other changes; none when there are too few decisions.
    """
    taught = by_hand(seen)
    if len(taught) < LEAST_DECISIONS:
        return []
    now = followed(seen)
    hands = {again.row.frame_id for again in taught}
    learned = []
    for setting, value in _candidates(taught, settings.judge):
        judged = JudgeSettings.model_validate({**settings.judge.model_dump(), setting: value})
        tried = judge_only(seen, settings.model_copy(update={"judge": judged}), past)
        others = tuple(
            again
            for again, before in zip(tried, seen, strict=True)
            if again.verdict and before.verdict and again.row.frame_id not in hands
            and again.verdict.decision != before.verdict.decision
        )  # fmt: skip
        if followed(tried) > now:
            learned.append(Lesson(setting, value, followed(tried), others))
    return sorted(learned, key=lambda lesson: (-lesson.followed, len(lesson.others)))


def _candidates(taught: Sequence[JudgedAgain], now: JudgeSettings) -> Iterator[tuple[str, float]]:
    """Yield settings of the judge with values to try: probabilities, and limits between kept and rejected frames."""
    for probability in PROBABILITIES:
        if probability != now.reject_probability:
            yield "reject_probability", probability
    for setting, metric in LIMITS.items():
        kept, rejected = _values(taught, metric, "keep"), _values(taught, metric, "reject")
        if len(rejected) >= 3 and kept:
            above = [value for value in rejected if value > max(kept)]
            if above:
                yield setting, float(f"{0.5 * (max(kept) + min(above)):.3g}")


def _values(taught: Sequence[JudgedAgain], metric: str, word: str) -> list[float]:
    """Return the known values of a metric over the frames that a person has kept, or has rejected."""
    values: list[Any] = [
        again.outcome.measurements.values.get(metric)
        for again in taught
        if isinstance(again.outcome, Examined) and again.row.decision == word
    ]
    return [float(value) for value in values if value is not None]
