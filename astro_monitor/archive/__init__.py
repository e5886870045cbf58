"""Files that are already there, graded in time order by the same pipeline as a live session."""

from .batch import find_frames, grade_files

__all__ = ["find_frames", "grade_files"]
