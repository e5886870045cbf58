"""The file list of DeepSkyStacker."""

from __future__ import annotations

from .. import render
from ..writer import ListWriter

WRITERS = (
    ListWriter(
        key="dss",
        meaning="deepskystacker.dssfilelist: the kept frames, the best as reference",
        render=lambda task: {"deepskystacker.dssfilelist": render.dss_bytes(task.stack)},
        order=50,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
