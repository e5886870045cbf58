"""The paths of the kept frames, for programs that take a plain list."""

from __future__ import annotations

from .. import render
from ..writer import ListWriter

WRITERS = (
    ListWriter(
        key="text",
        meaning="accepted.txt: the paths of the kept frames, one on each line (ASTAP, AstroPixelProcessor)",
        render=lambda task: {"accepted.txt": render.text_bytes(task.stack)},
        order=30,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
