"""The order of the stages: look at a frame, by itself; compare it with a baseline.

This room alone knows the order. Every arrival ends in exactly one outcome, and errors are caught at one place.
"""

from .comparer import Comparer
from .current import has_the_same_sky, is_current, models_that_look
from .looker import Looker, OnPicture
from .pipeline import FoundSources, Pipeline, find_sources

__all__ = [
    "Comparer",
    "FoundSources",
    "Looker",
    "OnPicture",
    "Pipeline",
    "find_sources",
    "has_the_same_sky",
    "is_current",
    "models_that_look",
]
