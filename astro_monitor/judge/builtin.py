"""The rules of astro-monitor, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Iterable

from ..hookspecs import hookimpl
from .remarks import REMARKS
from .rulebook import RuleRow
from .rules import RULES


@hookimpl
def register_rules() -> Iterable[RuleRow]:
    """Return the judge's own rules: those about faults, then those about everything else."""
    return tuple(RuleRow(rule.__name__, rule) for rule in (*RULES, *REMARKS))
