"""Write all lists of a night into their own folder.

::

    lists/
      index.json                        table of contents, generation, and notes
      not_lights.csv, not_lights.json   darks, flats and similar files, listed and never graded
      m_31_l_60s_3000x2000/             one folder for frames that can be stacked together
        frames.csv, frames.json         all frames, with decision, weight and reasons
        deepskystacker.dssfilelist      the accepted ones
        siril/lights/light_00001.fit …  links to the accepted ones
        siril/darks/, flats/, biases/ … links to the calibration frames that fit
        siril/stack.ssf                 calibrates, registers and stacks them: result.fit
        siril/stack_two_pass.ssf        the same with Siril 1.2 or later: registers in two passes
        pixinsight/subframes.csv        all frames as SubframeSelector saves them
        pixinsight/lights/light_00001.fits …  links to the accepted ones, for WBPP
        accepted.txt                    their paths, one on each line (ASTAP, AstroPixelProcessor)

Everything but the generation number and the notes is a pure function of the frames. Unchanged files are not rewritten,
and files that this program did not write are never overwritten or removed. Frames that are not offered for stacking
have ``frames.csv`` and ``frames.json`` only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..documents import ListWritten
from ..errors import AstroMonitorError, ConfigError
from ..plain import because, shown
from ..settings import Merge
from . import render
from .builtin import built_in_writers
from .frames import ListedFrame, ListedNotLight, Row, each_once
from .grouping import stacks
from .index import INDEX, read_index
from .owner import Owner, own_place, turn
from .replacing import replace_file, set_aside
from .siril import Version
from .task import Task, Written
from .weighing import weighed
from .writer import ListWriters

FORMATS = ("csv", "json", "dss", "siril", "pixinsight", "text")
"""The formats that can be requested."""


_ODD_PATH = re.compile(r"//|/\.(/|$)|/$")
"""Parts of an absolute path that are not normalised."""


class ListError(AstroMonitorError, OSError):
    """The lists cannot be written; the earlier ones are still there."""


def write_lists(
    frames: Iterable[ListedFrame],
    folder: Path,
    formats: Sequence[str] = FORMATS,
    *,
    not_lights: Iterable[ListedNotLight] = (),
    merge: Collection[Merge] = (),
    min_weight: float = 0.0,
    siril: Version | None = None,
    watch_roots: Sequence[Path] = (),
    written: Written | None = None,
    owner: Owner | None = None,
    writers: ListWriters | None = None,
) -> ListWritten:
    """Write the lists of these frames into a folder, and remove those of earlier frames.

    Files and links that this program did not make are never removed or overwritten: they stay, or are renamed where a
    list needs their name, and the notes mention them.

    Parameters:
        frames: all judged frames of the night with their latest decision, in any order.
        folder: the folder of lists; made when missing. Lists of another watch in it are left alone: see :mod:`.owner`.
        formats: the ones of ``FORMATS`` to write.
        not_lights: files that are not light frames, in any order.
        merge: properties in which frames of one stack may differ.
        min_weight: kept frames with a smaller weight are put up for review.
        siril: version of the Siril that will run the scripts; ``None`` when it is not known.
        watch_roots: capture folders; the lists may not lie inside one.
        written: the lists of the last update, with the same folder and formats; kept up to date. Stacks that have not
            changed since, and whose lists still exist, are skipped, so that a log of many nights costs no more than
            tonight's stack.
        owner: the watch that owns the lists; ``None``: the folder is not shared.
        writers: all kinds of list that there are; ``None``: those of astro-monitor.

    Returns:
        the body of a ``list.written`` document. Its ``generation`` stays the same when nothing has changed.

    Raises:
        ConfigError: the folder lies inside a capture folder, or a kind of list does not exist.
        ListError: the folder cannot be written.
    """
    refuse_capture_folder(folder, watch_roots)
    grouped = stacks((_with_absolute_path(frame) for frame in frames), merge)
    lights = tuple(weighed(stack, min_weight, merge) for stack in grouped)
    offered = [stack for stack in lights if not stack.not_offered]
    others, _ = each_once(_with_absolute_path(file) for file in not_lights)
    try:
        target = own_place(folder, owner)
        refuse_capture_folder(target, watch_roots)
        with turn(target):
            before = read_index(target)
            task = Task(
                target, formats, before, {} if written is None else written, siril, writers or built_in_writers()
            )
            task.write_all(lights, others)
            task.remove_stale()
            body = ListWritten(
                folder=str(target).encode("utf-8", "replace").decode("utf-8"),
                files=sorted(task.names),
                kept=sum(len(stack.decided("keep")) for stack in offered),
                review=sum(len(stack.decided("review")) for stack in offered),
                rejected=sum(len(stack.decided("reject")) for stack in offered),
                skipped=len(others),
                generation=before.generation
                + (1 if task.changed or before.is_new or task.notes != before.notes else 0),
                notes=task.notes,
            )
            index = {"schema": "astro-monitor/list/1", **body.model_dump(exclude={"folder"}), "made": task.made}
            if before.is_new and os.path.lexists(target / INDEX) and (target / INDEX).lstat().st_size:
                set_aside(target / INDEX)  # a file of this name that is no table of contents, or a damaged one
            replace_file(target / INDEX, render.index_json(index))
    except OSError as error:
        if written is not None:
            written.clear()
        where = error.filename or folder
        raise ListError(f"stacking lists cannot be written to {where}: {because(error)}; "
                        "check the disk and the rights of the folder") from error  # fmt: skip
    return body


_FOUND_OUTSIDE: set[tuple[str, tuple[str, ...]]] = set()
"""Folders already compared with capture folders, which may be on a network share that hangs by the next update."""


def refuse_capture_folder(folder: Path, watch_roots: Sequence[Path], what: str = "the folder for lists") -> None:
    """Raise an error if a folder lies inside a capture folder.

    Parameters:
        folder: the folder to write to.
        watch_roots: capture folders.
        what: description of the folder, for the message.

    Raises:
        ConfigError: the folder is, or lies in, one of them. Links are followed, and a folder with two names (a bind
            mount, upper and lower case) is recognised.
    """
    real = Path(os.path.realpath(folder))
    checked = (str(real), tuple(str(root) for root in watch_roots))
    if checked in _FOUND_OUTSIDE:
        return
    for root in watch_roots:
        if real.is_relative_to(os.path.realpath(root)) or any(
            _is_same(folder_above, root) for folder_above in (real, *real.parents)
        ):
            raise ConfigError(
                f"{what} {shown(str(folder))} lies inside the capture folder {shown(str(root))}, which is never "
                "written to; choose a place outside it"
            )
    _FOUND_OUTSIDE.add(checked)


def _is_same(first: Path, other: Path) -> bool:
    """Return whether two paths are the same folder on disk; ``False`` if either cannot be read."""
    try:
        return first.samefile(other)
    except OSError:
        return False


def _with_absolute_path(frame: Row) -> Row:
    """Return the row with an absolute path; the row itself if it is absolute already, so that comparisons are fast."""
    if os.sep == "/" and frame.file.startswith("/") and not _ODD_PATH.search(frame.file):
        return frame
    path = str(Path(frame.file).absolute())
    return frame if path == frame.file else replace(frame, file=path)
