"""Grade a frame with the learned quality model: classes, fault scores, cause, and whether it knows such frames."""

from .grader import Grader, SourceGrader
from .sources import sources
from .statistics import statistics

__all__ = ["Grader", "SourceGrader", "sources", "statistics"]
