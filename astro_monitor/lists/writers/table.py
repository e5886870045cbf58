"""A table of all frames, and one of the files that are no light frames: CSV after RFC 4180."""

from __future__ import annotations

from .. import render
from ..writer import ListWriter

WRITERS = (
    ListWriter(
        key="csv",
        meaning="frames.csv: all frames with decision, weight, reasons and numbers, for spreadsheets",
        render=lambda task: {"frames.csv": render.csv_bytes(task.stack.frames)},
        not_lights=lambda files: {"not_lights.csv": render.not_lights_csv(files)},
        every_stack=True,
        order=40,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
