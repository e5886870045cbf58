"""Stacking lists made from verdicts, for every stacking program; no frame is touched.

This package turns the judged frames of a night into lists, as a pure function: the same frames, in any order, produce
the same bytes. It reads documents only. It writes into its own folder only, never into a capture folder; frames are
linked, never copied, moved or changed.
"""

from .frames import ListedFrame, ListedNotLight, listed_frame
from .grouping import Stack, stacks
from .owner import Owner, owner_of
from .siril import Version as SirilVersion
from .stacktask import StackTask
from .task import Written
from .weighing import weighed
from .write import FORMATS, ListError, refuse_capture_folder, write_lists
from .writer import ListWriter, ListWriters

__all__ = [
    "FORMATS",
    "ListError",
    "ListWriter",
    "ListWriters",
    "ListedFrame",
    "ListedNotLight",
    "Owner",
    "SirilVersion",
    "Stack",
    "StackTask",
    "Written",
    "listed_frame",
    "owner_of",
    "refuse_capture_folder",
    "stacks",
    "weighed",
    "write_lists",
]
