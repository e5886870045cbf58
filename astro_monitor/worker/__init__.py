"""The process that can be lost: a child process parses and grades, so that no file can take the monitor down.

A crash, a hang or a bomb costs that one file, after a bounded number of tries, with a visible reason. Answers
come back as JSON over a pipe, never as pickles: a file that takes over the worker must not reach the monitor.
"""

from .inprocess import InProcessLane
from .lane import PIPELINE, Lane, WorkerLane
from .wire import WireError

__all__ = ["PIPELINE", "InProcessLane", "Lane", "WireError", "WorkerLane"]
