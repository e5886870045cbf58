"""For PixInsight: the table of SubframeSelector, and links to the kept frames for the batch script (WBPP)."""

from __future__ import annotations

from collections.abc import Mapping

from .. import pixinsight
from ..stacktask import StackTask
from ..writer import ListWriter

FOLDER = "pixinsight"


def _render_wbpp(task: StackTask) -> Mapping[str, bytes]:
    """Make the links to the kept frames of a stack for WBPP; return its SubframeSelector table."""
    if batch := pixinsight.batch_links(task.stack):
        task.links(FOLDER, "lights", batch)
    task.folder(FOLDER)
    return {f"{FOLDER}/subframes.csv": pixinsight.subframes_csv(task.stack)}


WRITERS = (
    ListWriter(
        key="pixinsight",
        meaning="pixinsight/: the table of SubframeSelector, and links for WBPP",
        render=_render_wbpp,
        folders=(FOLDER,),
        order=20,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
