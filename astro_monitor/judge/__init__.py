"""Numbers and history become a verdict: keep, review or reject with all reasons, and warnings.

The one job of this room is to decide. It reads records, never pixels, and keeps the only memory of the night that a
verdict depends on: the baselines and the state of the warnings. The same frames in the same order give the same
verdicts.
"""

from .evidence import Case, Finding
from .judge import RULES_VERSION, Judge
from .rulebook import RuleBook, RuleRow
from .secondlooks import SecondLook, SecondLooks
from .surroundings import Surroundings

__all__ = [
    "RULES_VERSION",
    "Case",
    "Finding",
    "Judge",
    "RuleBook",
    "RuleRow",
    "SecondLook",
    "SecondLooks",
    "Surroundings",
]
