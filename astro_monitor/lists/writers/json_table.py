"""Everything about a stack as JSON, with the notes of all other lists: called last."""

from __future__ import annotations

from .. import render
from ..writer import ListWriter

WRITERS = (
    ListWriter(
        key="json",
        meaning="frames.json: everything about the stack, for programs",
        render=lambda task: {"frames.json": render.stack_json(task.stack, task.notes)},
        not_lights=lambda files: {"not_lights.json": render.not_lights_json(files)},
        every_stack=True,
        order=1000,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
