"""Grade files that are already there: the same pipeline, judged in time order as the live session would have."""

from .batch import find_frames, grade_files

__all__ = ["find_frames", "grade_files"]
