"""For Siril: links to the kept frames and to what calibrates them, and scripts that stack them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..calibration import Calibration
from ..grouping import Stack
from ..siril import FOLDERS, part_links, siril_ending, siril_links, siril_script
from ..stacktask import StackTask
from ..writer import ListWriter

FOLDER = "siril"
LEAST_FOR_A_STACK = 2
"""Siril registers a frame against another one."""


def _render_scripts(task: StackTask) -> Mapping[str, bytes]:
    """Make the links; return the scripts."""
    lights = siril_links(task.stack)
    if len(lights) < LEAST_FOR_A_STACK:
        return {}
    foreign = task.links(FOLDER, "lights", lights)
    if foreign is None:
        return {}
    calibration = task.calibration
    for part, folder in FOLDERS.items():
        links = part_links(part, getattr(calibration, part))
        if links and task.links(FOLDER, folder, links) is None:
            calibration = Calibration()
    if calibration:
        task.notes.append(calibration.comment)
    return {
        f"{FOLDER}/{name}.ssf": siril_script(
            lights, bool(task.stack.bayer), two_pass=two_pass, calibration=calibration, installed=task.siril,
            foreign=foreign,
        )
        for name, two_pass in (("stack", False), ("stack_two_pass", True))
    }  # fmt: skip


def siril_notes(stack: Stack) -> Sequence[str]:
    """Return sentences about frames that Siril gets no link to, and a script that is not there."""
    other = [frame for frame in stack.decided("keep") if siril_ending(frame.file) is None]
    notes = []
    if other:
        notes.append(f"{len(other)} accepted frames are XISF or gzip files, so Siril gets no link to them.")
    if len(siril_links(stack)) < LEAST_FOR_A_STACK:
        notes.append("Siril needs at least two accepted frames for a stack, so there is no script yet.")
    return notes


WRITERS = (
    ListWriter(
        key="siril",
        meaning="siril/: links to the kept frames and their darks, flats and biases, and scripts that stack them",
        render=_render_scripts,
        folders=(FOLDER,),
        notes=siril_notes,
        calibrates=True,
        order=10,
    ),
)
"""The row of this module. ``order``: Siril, PixInsight, paths, tables, and the list of all notes last."""
