"""Nights that are in a night log, judged again with other models or limits; and limits learned from decisions by hand.

Nothing is written.
"""

from .again import Again, chosen_rows, judge_again, judge_only, moves
from .learning import Lesson, by_hand, followed, lessons

__all__ = [
    "Again",
    "Lesson",
    "by_hand",
    "chosen_rows",
    "followed",
    "judge_again",
    "judge_only",
    "lessons",
    "moves",
]
