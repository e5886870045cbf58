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
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import AstroMonitorError, ConfigError
from ..messages import ListWritten, body_json
from . import pixinsight, render
from .files import (
    ASIDE_MARK,
    digest,
    own_folder,
    remove_if_empty,
    remove_own_file,
    replace_file,
    replace_own_file,
    set_aside,
)
from .frames import ListedFrame, NotLight, Row, each_once
from .grouping import Merge, Stack, stacks
from .links import remove_links, replace_links
from .names import shown
from .owner import Owner, own_place, turn

FORMATS = ("csv", "json", "dss", "siril", "pixinsight", "text")
"""The kinds of list that can be asked for."""

INDEX = "index.json"
LEAST_FOR_A_STACK = 2


@dataclass(frozen=True, slots=True)
class StackWritten:
    """What was written for one stack.

    Attributes:
        made: digest of each list, by its name relative to the folder.
        links: names in each folder of links.
        notes: sentences about what others have put there.
    """

    stack: Stack
    made: dict[str, str]
    links: dict[str, frozenset[str]]
    notes: tuple[str, ...]


Written = dict[str, StackWritten]
"""What was written last, by the folder of each stack."""


class ListError(AstroMonitorError, OSError):
    """The lists cannot be written; those of before are still there."""


def write_lists(
    frames: Iterable[ListedFrame],
    folder: Path,
    formats: Sequence[str] = FORMATS,
    *,
    not_lights: Iterable[NotLight] = (),
    merge: Collection[Merge] = (),
    watch_roots: Sequence[Path] = (),
    written: Written | None = None,
    owner: Owner | None = None,
) -> dict[str, Any]:
    """Make the folder hold the lists of these frames, and nothing of earlier ones.

    Files and links that this program did not make are never removed or overwritten: they stay, or are renamed where a
    list has their name, and the notes mention them.

    Parameters:
        frames: all judged frames of the night with their latest decision, in any order.
        folder: where lists go; made when missing. Lists of another watch there are left alone: see :mod:`.owner`.
        formats: which of ``FORMATS`` to write.
        not_lights: files that are no light frames, in any order.
        merge: what frames of one stack may differ in.
        watch_roots: capture folders; the lists may not lie inside one.
        written: what was written last, with the same folder and formats; kept up to date. Stacks that have not changed
            since, and whose lists are still there, are passed over, so that a log of many nights costs no more than
            tonight's stack.
        owner: the watch whose lists they are; ``None``: the folder is not shared.

    Returns:
        the body of a ``list.written`` document. Its ``generation`` is that of before when nothing has changed.

    Raises:
        ConfigError: the folder lies inside a capture folder.
        ListError: the folder cannot be written.
    """
    refuse_capture_folder(folder, watch_roots)
    lights = stacks((_with_absolute_path(frame) for frame in frames), merge)
    offered = [stack for stack in lights if not stack.not_offered]
    others, _ = each_once(_with_absolute_path(file) for file in not_lights)
    try:
        place = own_place(folder, owner)
        refuse_capture_folder(place, watch_roots)
        with turn(place):
            before = _index(place)
            task = _Task(place, formats, before, {} if written is None else written)
            task.write_all(lights, others)
            task.remove_stale()
            body = ListWritten(
                folder=str(place).encode("utf-8", "replace").decode("utf-8"),
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
            if before.is_new and os.path.lexists(place / INDEX) and (place / INDEX).stat().st_size:
                set_aside(place / INDEX)  # a file of this name that is no table of contents, or a damaged one
            replace_file(place / INDEX, render.index_json(index))
    except OSError as error:
        if written is not None:
            written.clear()
        where = error.filename or folder
        raise ListError(f"stacking lists cannot be written to {where}: {error.strerror or error}; "
                        "check the disk and the rights of the folder") from error  # fmt: skip
    return body_json(body)


def refuse_capture_folder(folder: Path, watch_roots: Sequence[Path], what: str = "the folder for lists") -> None:
    """See to it that nothing is ever written into a capture folder.

    Parameters:
        folder: where something is to go.
        watch_roots: capture folders.
        what: goes there, for the sentence.

    Raises:
        ConfigError: the folder is, or lies in, one of them; links are followed, and one folder with two names (a bind
            mount, upper and lower case) is known as one.
    """
    real = Path(os.path.realpath(folder))
    for root in watch_roots:
        if real.is_relative_to(os.path.realpath(root)) or any(_is_same(one, root) for one in (real, *real.parents)):
            raise ConfigError(
                f"{what} {shown(str(folder))} lies inside the capture folder {shown(str(root))}, which is never "
                "written to; choose a place outside it"
            )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _with_absolute_path(frame: Row) -> Row:
    """Return the very same row where its path is absolute already, so that stacks are compared fast."""
    path = str(Path(frame.file).absolute())
    return frame if path == frame.file else replace(frame, file=path)


@dataclass(frozen=True, slots=True)
class _Index:
    """The table of contents of before.

    Attributes:
        made: digest of each list, as it was written; ``None`` where version 0.1 wrote it, which kept no digests.
        is_new: there was none, or it was damaged.
    """

    generation: int = 0
    made: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_new: bool = True


def _index(folder: Path) -> _Index:
    """Read the table of contents of before; one that is missing or damaged counts as empty."""
    try:
        found = json.loads((folder / INDEX).read_bytes())
        names = [str(name) for name in found["files"] if _is_inside(str(name))]
        digests = {str(name): str(value) for name, value in found.get("made", {}).items()}
        notes = [str(note) for note in found.get("notes", [])]
        return _Index(int(found["generation"]), {name: digests.get(name) for name in names}, notes, is_new=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Index()


def _is_inside(name: str) -> bool:
    return ".." not in name.split("/") and not Path(name).is_absolute()


class _Task:
    """One writing of all lists.

    Parameters:
        folder: where they go.
        formats: which.
        before: the table of contents of before.
        written: what was written last; kept up to date.

    Attributes:
        names: of the lists and folders of links, relative to the folder.
        made: digest of each list.
        notes: sentences about what others have put among the lists.
        changed: whether anything had to change.
    """

    def __init__(self, folder: Path, formats: Sequence[str], before: _Index, written: Written) -> None:
        self._folder = folder
        self._formats = formats
        self._before = before
        self._written = written
        self.names: list[str] = []
        self.made: dict[str, str] = {}
        self.notes: list[str] = []
        self.changed = False

    def write_all(self, lights: Sequence[Stack], others: Sequence[NotLight]) -> None:
        """Write every list."""
        fresh: Written = {}
        for stack in lights:
            last = self._written.get(stack.folder)
            if last is None or last.stack != stack or not self._is_there(last):
                last = self._write_stack(stack)
            fresh[stack.folder] = last
            self.names += [*last.made, *last.links]
            self.made |= last.made
            self.notes += last.notes
        self._written.clear()
        self._written.update(fresh)
        self.notes += self._renamed(lights)
        if others and "csv" in self._formats:
            self._write("not_lights.csv", render.not_lights_csv(others), self.made)
            self.names.append("not_lights.csv")
        if others and "json" in self._formats:
            self._write("not_lights.json", render.not_lights_json(others), self.made)
            self.names.append("not_lights.json")
        self.notes += self._tell_kept("")

    def remove_stale(self) -> None:
        """Remove lists of before that are no more, unless somebody has changed them since."""
        for name in sorted(set(self._before.made) - set(self.names)):
            self.changed = True
            path = self._folder / name
            if any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(self._folder)):
                continue
            if path.name == "lights":
                self._tell_foreign(name, remove_links(path, legacy=True), self.notes)
            elif not remove_own_file(path, self._before.made[name], legacy=True):
                self.notes.append(f"{name} is no longer kept up; it was changed by hand, so it stays.")
            for parent in (path.parent, path.parent.parent):
                if parent != self._folder and parent.is_relative_to(self._folder):
                    remove_if_empty(parent)

    def _renamed(self, lights: Sequence[Stack]) -> list[str]:
        """Tell which stacks have another name than in version 0.1, while the old folder or its lists are there."""
        now = {stack.folder for stack in lights}
        before = {name.split("/")[0] for name in self._before.made if "/" in name}
        names: dict[str, list[str]] = {}
        for stack in lights:
            old = stack.legacy_folder
            if old not in now and (old in before or (self._folder / old).is_dir()):
                names.setdefault(old, []).append(stack.folder)
        return [
            f"The stack {old} is called {' and '.join(new[:3])} now; what you have put into the old folder stays there."
            for old, new in names.items()
        ]

    def _is_there(self, last: StackWritten) -> bool:
        """Whether all lists and links of a stack are still as they were written, going by their names."""
        if not all((self._folder / name).exists() for name in last.made):
            return False
        return all(_names_in(self._folder / name) == names for name, names in last.links.items())

    def _write_stack(self, stack: Stack) -> StackWritten:
        made: dict[str, str] = {}
        notes = [f"{stack.folder}: {stack.not_offered}"] if stack.not_offered else []
        links = {}
        formats = [one for one in self._formats if one in ("csv", "json")] if stack.not_offered else self._formats
        said = _siril_notes(stack) if "siril" in formats else []
        contents: dict[str, bytes] = {}
        for program, targets in _wanted_links(stack, formats).items():
            own_folder(self._folder / stack.folder)
            own_folder(self._folder / stack.folder / program)
            name = f"{stack.folder}/{program}/lights"
            try:
                done = replace_links(self._folder / name, targets, legacy=name in self._before.made)
            except OSError as error:
                said.append(f"Links to frames for {program} cannot be made here ({error.strerror}).")
                continue
            self.changed |= done.changed
            self._tell_foreign(name, done.foreign, notes)
            links[name] = _names_in(self._folder / name)
            if program == "siril":
                for script, two_pass in (("stack", False), ("stack_two_pass", True)):
                    script_text = render.siril_script(targets, bool(stack.bayer), two_pass=two_pass)
                    contents[f"{stack.folder}/siril/{script}.ssf"] = script_text
        if "pixinsight" in formats:
            own_folder(self._folder / stack.folder)
            own_folder(self._folder / stack.folder / "pixinsight")
            contents[f"{stack.folder}/pixinsight/subframes.csv"] = pixinsight.subframes_csv(stack)
        if "text" in formats:
            contents[f"{stack.folder}/accepted.txt"] = render.text_bytes(stack)
        if "csv" in formats:
            contents[f"{stack.folder}/frames.csv"] = render.csv_bytes(stack.frames)
        if "dss" in formats:
            contents[f"{stack.folder}/deepskystacker.dssfilelist"] = render.dss_bytes(stack)
        if "json" in formats:
            contents[f"{stack.folder}/frames.json"] = render.stack_json(stack, said)
        for name, content in contents.items():
            own_folder(self._folder / stack.folder)
            self._write(name, content, made)
        for place in ("", "/siril", "/pixinsight"):
            notes += self._tell_kept(stack.folder + place)
        return StackWritten(stack, made, links, tuple(notes))

    def _write(self, name: str, content: bytes, made: dict[str, str]) -> None:
        known, legacy = self._before.made.get(name), name in self._before.made
        self.changed |= replace_own_file(self._folder / name, content, known, legacy)
        made[name] = digest(content)

    def _tell_kept(self, name: str) -> list[str]:
        """Tell of files that stood in the place of a list."""
        kept = sorted(one for one in _names_in(self._folder / name) if ASIDE_MARK in one)
        where = f"{name}/" if name else ""
        return [f"{where}{shown(one)} was changed or put there by hand, so it is kept under this name." for one in kept]

    def _tell_foreign(self, name: str, foreign: Sequence[str], notes: list[str]) -> None:
        if foreign:
            some = ", ".join(shown(one) for one in foreign[:3]) + (", …" if len(foreign) > 3 else "")
            holds = "1 file that is" if len(foreign) == 1 else f"{len(foreign)} files that are"
            notes.append(f"{name} holds {holds} not from this program and will be stacked, too: {some}.")


def _wanted_links(stack: Stack, formats: Sequence[str]) -> dict[str, dict[str, str]]:
    wanted: dict[str, dict[str, str]] = {}
    if "siril" in formats and len(siril := render.siril_links(stack)) >= LEAST_FOR_A_STACK:
        wanted["siril"] = siril
    if "pixinsight" in formats and (batch := pixinsight.batch_links(stack)):
        wanted["pixinsight"] = batch
    return wanted


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except OSError:
        return frozenset()


def _siril_notes(stack: Stack) -> list[str]:
    other = [frame for frame in stack.decided("keep") if render.siril_ending(frame.file) is None]
    notes = []
    if other:
        notes.append(f"{len(other)} accepted frames are no plain FITS files, so Siril gets no link to them.")
    if len(render.siril_links(stack)) < LEAST_FOR_A_STACK:
        notes.append("Siril needs at least two accepted frames for a stack, so there is no script yet.")
    return notes
