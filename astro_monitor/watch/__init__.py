"""A folder becomes a stream of whole files: events are hints, the rescan is the truth.

Nothing is ever written into the folder, and no file is believed to be whole because an event said so.
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
