"""Grade a frame with the learned quality model: classes, fault scores, cause, and whether it knows such frames."""

from .grader import Grader, SourceGrader, require_pair
from .sources import sources
from .statistics import statistics

__all__ = ["Grader", "SourceGrader", "require_pair", "sources", "statistics"]
