"""Files that are already there: graded by the same pipeline in time order, as the live session would have; judged again
with other models or limits; and, on request, rejected ones moved aside.
"""

from .again import Again, chosen_rows, judge_again, judge_only, moves
from .batch import find_frames, grade_files
from .learning import Lesson, by_hand, followed, lessons
from .manifest import key_of
from .moving import Move, carry_out, plan, undo
from .weighting import copy_weighted

__all__ = [
    "Again",
    "Lesson",
    "Move",
    "by_hand",
    "carry_out",
    "chosen_rows",
    "copy_weighted",
    "find_frames",
    "followed",
    "grade_files",
    "judge_again",
    "judge_only",
    "key_of",
    "lessons",
    "moves",
    "plan",
    "undo",
]
