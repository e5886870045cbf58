"""Files that are already there: graded by the same pipeline in time order, as the live session would have; and, on
request, rejected ones moved aside.
"""

from .batch import find_frames, grade_files
from .moving import Move, carry_out, plan, undo

__all__ = ["Move", "carry_out", "find_frames", "grade_files", "plan", "undo"]
