"""Write all lists of a night into their own folder.

::

    lists/
      index.json                        what is here, and the generation
      not_lights.csv, not_lights.json   darks, flats and the like, noted and never graded
      m_31_l_60s_3000x2000/             one folder for frames that can be stacked together
        frames.csv, frames.json         all of them, with decision, weight and reasons
        deepskystacker.dssfilelist      the accepted ones
        siril/lights/light_00001.fit …  links to the accepted ones
        siril/stack.ssf                 links, registers and stacks them: result.fit
        siril/stack_two_pass.ssf        the same with Siril 1.2 or later: registers in two passes
        pixinsight/subframes.csv        all frames as SubframeSelector saves them
        pixinsight/lights/light_00001.fits …  links to the accepted ones, for WBPP
        accepted.txt                    their paths, one on each line (ASTAP, AstroPixelProcessor)

Everything but the generation number is a pure function of the frames; what has not changed is not written again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import AstroMonitorError, ConfigError
from ..messages import ListWritten, body_json
from . import pixinsight, render
from .files import own_folder, remove_folder, replace_file, replace_links
from .frames import ListedFrame, NotLight, Row, Stack, each_once, stacks

FORMATS = ("csv", "json", "dss", "siril", "pixinsight", "text")
"""The kinds of list that can be asked for."""

INDEX = "index.json"
LEAST_FOR_A_STACK = 2

Written = dict[str, tuple[Stack, list[str]]]
"""What was written last: each stack by its folder, with the names of its lists and folders of links."""


class ListError(AstroMonitorError, OSError):
    """The lists cannot be written; those of before are still there."""


def write_lists(
    frames: Iterable[ListedFrame],
    folder: Path,
    formats: Sequence[str] = FORMATS,
    *,
    not_lights: Iterable[NotLight] = (),
    watch_roots: Sequence[Path] = (),
    written: Written | None = None,
) -> dict[str, Any]:
    """Make the folder hold the lists of these frames, and nothing of earlier ones.

    Parameters:
        frames: all judged frames of the night with their latest decision, in any order.
        folder: where lists go; made when missing.
        formats: which of ``FORMATS`` to write.
        not_lights: files that are no light frames, in any order.
        watch_roots: capture folders; the lists may not lie inside one.
        written: what was written last, with the same folder and formats; kept up to date. Stacks that have not changed
            since, and whose lists are still there, are passed over, so that a log of many nights costs no more than
            tonight's stack.

    Returns:
        the body of a ``list.written`` document. Its ``generation`` is that of before when nothing has changed.

    Raises:
        ConfigError: the folder lies inside a capture folder.
        ListError: the folder cannot be written.
    """
    refuse_capture_folder(folder, watch_roots)
    lights = stacks(_with_absolute_path(frame) for frame in frames)
    others, _ = each_once(_with_absolute_path(file) for file in not_lights)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = _index(folder)
        files, changed = _write_all(folder, lights, others, formats, {} if written is None else written)
        changed |= _remove_stale(folder, before.get("files", []), files)
        body = ListWritten(
            folder=str(folder).encode("utf-8", "replace").decode("utf-8"),
            files=files,
            kept=sum(len(stack.decided("keep")) for stack in lights),
            review=sum(len(stack.decided("review")) for stack in lights),
            rejected=sum(len(stack.decided("reject")) for stack in lights),
            skipped=len(others),
            generation=before.get("generation", 0) + (1 if changed or not before else 0),
        )
        index = {"schema": "astro-monitor/list/1", **body.model_dump(exclude={"folder"})}
        replace_file(folder / INDEX, render.index_json(index))
    except OSError as error:
        if written is not None:
            written.clear()
        where = error.filename or folder
        raise ListError(f"stacking lists cannot be written to {where}: {error.strerror or error}; "
                        "check the disk and the rights of the folder") from error  # fmt: skip
    return body_json(body)


def refuse_capture_folder(folder: Path, watch_roots: Sequence[Path]) -> None:
    """See to it that lists never get into a capture folder.

    Parameters:
        folder: where lists are to go.
        watch_roots: capture folders.

    Raises:
        ConfigError: the folder is, or lies in, one of them, links followed.
    """
    real = Path(os.path.realpath(folder))
    for root in watch_roots:
        if real.is_relative_to(os.path.realpath(root)):
            raise ConfigError(f"the folder for lists {folder} lies inside the capture folder {root}; set lists.folder")


def _with_absolute_path(frame: Row) -> Row:
    """Give the very same row where its path is absolute already, so that stacks are compared fast."""
    path = str(Path(frame.file).absolute())
    return frame if path == frame.file else replace(frame, file=path)


def _index(folder: Path) -> dict[str, Any]:
    """Read the table of contents of before; one that is missing or damaged counts as empty."""
    try:
        found = json.loads((folder / INDEX).read_bytes())
        return {"generation": int(found["generation"]), "files": [str(name) for name in found["files"]]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write_all(
    folder: Path,
    lights: Sequence[Stack],
    others: Sequence[NotLight],
    formats: Sequence[str],
    written: Written,
) -> tuple[list[str], bool]:
    """Write every list; give their names relative to the folder, and whether any had changed."""
    names: list[str] = []
    changed = False
    fresh: Written = {}
    for stack in lights:
        before, before_names = written.get(stack.folder, (None, []))
        if before == stack and all((folder / name).exists() for name in before_names):
            fresh[stack.folder] = stack, before_names
        else:
            stack_names, stack_changed = _write_stack(folder, stack, formats)
            changed |= stack_changed
            fresh[stack.folder] = stack, stack_names
        names += fresh[stack.folder][1]
    written.clear()
    written.update(fresh)
    contents: dict[str, bytes] = {}
    if others and "csv" in formats:
        contents["not_lights.csv"] = render.not_lights_csv(others)
    if others and "json" in formats:
        contents["not_lights.json"] = render.not_lights_json(others)
    for name, content in contents.items():
        changed |= replace_file(folder / name, content)
    return sorted([*names, *contents]), changed


def _write_stack(folder: Path, stack: Stack, formats: Sequence[str]) -> tuple[list[str], bool]:
    """Write the lists of one stack; give their names relative to the folder, and whether any had changed."""
    contents: dict[str, bytes] = {}
    links: list[str] = []
    changed = False
    notes = _siril_notes(stack) if "siril" in formats else []
    wanted: dict[str, dict[str, str]] = {}
    if "siril" in formats and len(render.siril_links(stack)) >= LEAST_FOR_A_STACK:
        wanted["siril"] = render.siril_links(stack)
    if "pixinsight" in formats:
        wanted["pixinsight"] = pixinsight.batch_links(stack)
        contents[f"{stack.folder}/pixinsight/subframes.csv"] = pixinsight.subframes_csv(stack)
    for program, targets in wanted.items():
        own_folder(folder / stack.folder)
        own_folder(folder / stack.folder / program)
        if not targets:
            continue
        try:
            changed |= replace_links(folder / stack.folder / program / "lights", targets)
        except OSError as error:
            notes.append(f"Links to frames for {program} cannot be made here ({error.strerror}).")
            continue
        links.append(f"{stack.folder}/{program}/lights")
        if program == "siril":
            for name, two_pass in (("stack", False), ("stack_two_pass", True)):
                script = render.siril_script(targets, bool(stack.bayer), two_pass=two_pass)
                contents[f"{stack.folder}/siril/{name}.ssf"] = script
    if "text" in formats:
        contents[f"{stack.folder}/accepted.txt"] = render.text_bytes(stack)
    if "csv" in formats:
        contents[f"{stack.folder}/frames.csv"] = render.csv_bytes(stack.frames)
    if "dss" in formats:
        contents[f"{stack.folder}/deepskystacker.dssfilelist"] = render.dss_bytes(stack)
    if "json" in formats:
        contents[f"{stack.folder}/frames.json"] = render.stack_json(stack, notes)
    for name, content in contents.items():
        own_folder(folder / stack.folder)
        changed |= replace_file(folder / name, content)
    return [*contents, *links], changed


def _siril_notes(stack: Stack) -> list[str]:
    other = [frame for frame in stack.decided("keep") if render.siril_ending(frame.file) is None]
    notes = []
    if other:
        notes.append(f"{len(other)} accepted frames are no plain FITS files, so Siril gets no link to them.")
    if len(render.siril_links(stack)) < LEAST_FOR_A_STACK:
        notes.append("Siril needs at least two accepted frames for a stack, so there is no script yet.")
    return notes


def _remove_stale(folder: Path, before: Sequence[str], now: Sequence[str]) -> bool:
    """Remove lists of before that are no more; only names this program gave, only inside the folder."""
    gone = [name for name in before if name not in now and ".." not in name.split("/") and not Path(name).is_absolute()]
    for name in gone:
        path = folder / name
        if name.endswith("/lights"):
            remove_folder(path)
        else:
            path.unlink(missing_ok=True)
        for parent in (path.parent, path.parent.parent):
            if parent != folder and parent.is_relative_to(folder):
                _remove_if_empty(parent)
    return bool(gone)


def _remove_if_empty(folder: Path) -> None:
    """Remove an empty folder; results that the user made there stay."""
    try:
        folder.rmdir()
    except OSError:
        return
