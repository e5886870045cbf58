"""A watched folder as a stream of complete files: events are hints, the rescan is authoritative.

Nothing is written into the folder, and an event alone is never evidence that a file is complete.
"""

from .events import EventWatcher, Hint, Hints, Watcher
from .names import NameRules
from .settle import Look, SettleRules, Settling, Sighting
from .source import FolderSource
from .unread import unread_sentence

__all__ = [
    "EventWatcher",
    "FolderSource",
    "Hint",
    "Hints",
    "Look",
    "NameRules",
    "SettleRules",
    "Settling",
    "Sighting",
    "Watcher",
    "unread_sentence",
]
