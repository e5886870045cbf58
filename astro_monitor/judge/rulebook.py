"""All rules that are run on a frame: those of astro-monitor, then those of plugins.

A rule of a plugin may object to a frame, never speak for it: it rejects (``limit``), asks for a look (``review``),
lowers the stacking weight, or adds a note. It names no fault, so that it neither outweighs nor silences a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..plugins import Plugins, Registered
from .evidence import Case, Finding
from .rules import Rule

OBJECTIONS = ("limit", "review", "note")
"""What the finding of a plugin's rule may be."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule.

    Attributes:
        key: its name, which the reasons of verdicts give.
        check: returns what it finds about a frame; ``None``: nothing.
    """

    key: str
    check: Rule


class RuleBook:
    """The rules in their order.

    Parameters:
        rules: to run on each frame, each with the guard of its plugin.

    Attributes:
        suffix: name and version of each plugin that has rules, for the version in a verdict; empty when none has.
    """

    def __init__(self, rules: Iterable[Registered[RuleRow]]) -> None:
        self._rules = tuple(rules)
        guards = {rule.guard.name: rule.guard for rule in self._rules if rule.guard is not None}
        self.suffix = "".join(f"+{guard.name}-{guard.version or 'unknown'}" for guard in guards.values())

    @classmethod
    def of(cls, plugins: Plugins) -> RuleBook:
        """Collect the rules of astro-monitor and of the plugins that are on.

        Raises:
            ConfigError: a plugin returned what is no rule, or a name that is taken.
        """
        return cls(plugins.registered("register_rules", RuleRow, lambda row: (row.key,)))

    def findings(self, case: Case) -> list[Finding]:
        """Run every rule on a frame.

        Parameters:
            case: the frame and the baseline of its rig.
        """
        answers = (_answer(rule, case) for rule in self._rules)
        return [finding for finding in answers if finding is not None]


def _answer(rule: Registered[RuleRow], case: Case) -> Finding | None:
    """Return the finding of one rule on a frame; errors of a rule of a plugin are caught by its guard."""
    if rule.guard is None:
        return rule.row.check(case)
    row, guard = rule.row, rule.guard
    return guard.call(
        f"{case.examined.frame_id}: rule {row.key}",
        lambda: _objection(row.key, row.check(case)),
        lambda why: _silent(row.key, why),
    )


def _objection(key: str, finding: Finding | None) -> Finding | None:
    """Return the finding of a plugin's rule.

    Raises:
        ValueError, TypeError: it is more than an objection, or no finding.
    """
    if finding is None:
        return None
    if not isinstance(finding, Finding):
        raise TypeError(f"it returned a {type(finding).__name__}, not a Finding")
    texts = (finding.rule, finding.strength, finding.metric, finding.unit, finding.sentence)
    numbers = [number for number in (finding.value, finding.limit, finding.weight_factor) if number is not None]
    if not all(isinstance(text, str) for text in texts) or not finding.sentence:
        raise TypeError("rule, strength, metric, unit and sentence are texts, the sentence is not empty")
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise TypeError("value, limit and weight factor are finite numbers")
    if finding.rule != key:
        raise ValueError(f"the finding is named {finding.rule!r}, not after its rule {key!r}")
    if finding.strength not in OBJECTIONS:
        raise ValueError(f"the strength is {finding.strength!r}, not one of {', '.join(OBJECTIONS)}")
    if finding.fault or finding.label or finding.cause or finding.flag or finding.severe:
        raise ValueError("fault, label, cause, flag and severe are left to the rules of astro-monitor")
    if not 0.0 < finding.weight_factor <= 1.0:
        raise ValueError(f"the weight factor {finding.weight_factor} is not above 0 and at most 1")
    return finding


def _silent(key: str, why: str) -> Finding:
    """Return the note that a rule had no answer: a verdict says what it lacks."""
    return Finding(
        rule=key, strength="note", metric="", value=None, limit=None, unit="1",
        sentence=f"The rule {key} was not applied: {why}.",
    )  # fmt: skip
