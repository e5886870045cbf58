"""The processes that can be lost: child processes parse and grade, so that no file can take the monitor down.

A crash, a hang or a bomb costs that one file, after a bounded number of tries, with a visible reason. Answers
come back as JSON and bytes over a pipe, never as pickles: a file that takes over a worker must not reach the monitor.
"""

from .inprocess import InProcessPool
from .interfaces import BaselineFor, Examiner, Source
from .pool import WorkerPool
from .recent_looks import KeepPreview, LookKeeper, RecentLooks
from .supervised import PIPELINE, WorkerLane
from .wire import Looked, WireError

__all__ = [
    "PIPELINE",
    "BaselineFor",
    "Examiner",
    "InProcessPool",
    "KeepPreview",
    "LookKeeper",
    "Looked",
    "RecentLooks",
    "Source",
    "WireError",
    "WorkerLane",
    "WorkerPool",
]
