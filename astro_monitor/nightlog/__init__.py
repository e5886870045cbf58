"""The truth of the night: every document, every frame's one outcome and the judge's memory, in one SQLite file.

A document is durable before it is announced. Whatever else the program shows or writes can be rebuilt from here.
"""

from ..documents import Decision
from .effects import Sighting
from .localdisk import network_kind
from .log import NightLog
from .nights import night_of
from .patience import PatientWriter
from .reader import NightLogReader
from .rows import BY_RULES, OUTCOMES, Draft, FrameRow, LogBlocked, LogDamaged, LogFull, SkippedRow

__all__ = [
    "BY_RULES",
    "OUTCOMES",
    "Decision",
    "Draft",
    "FrameRow",
    "LogBlocked",
    "LogDamaged",
    "LogFull",
    "NightLog",
    "NightLogReader",
    "PatientWriter",
    "Sighting",
    "SkippedRow",
    "network_kind",
    "night_of",
]
