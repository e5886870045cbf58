"""Nights that are in a night log, judged again with other models or limits; and limits learned from decisions by hand.

Nothing is written.
"""

from .learning import Lesson, by_hand, followed, lessons
from .replay import JudgedAgain, chosen_rows, judge_again, judge_only, moves

__all__ = [
    "JudgedAgain",
    "Lesson",
    "by_hand",
    "chosen_rows",
    "followed",
    "judge_again",
    "judge_only",
    "lessons",
    "moves",
]
