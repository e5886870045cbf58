"""One update of all lists: files, links and scripts of each stack; those of stacks that no longer exist are removed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..plain import because, counted, shown
from .calibration import Calibration, calibration_for
from .frames import ListedNotLight
from .grouping import Stack
from .index import Index
from .links import remove_links, replace_links
from .names import is_listable
from .replacing import (
    ASIDE_MARK,
    TORN_PREFIX,
    TORN_SUFFIX,
    digest,
    make_own_folder,
    remove_if_empty,
    remove_own_file,
    replace_own_file,
)
from .siril import FOLDERS, Version, siril_ending
from .writer import ListWriters, rendered, rendered_not_lights

LINK_FOLDERS = ("lights", *FOLDERS.values())
OTHER_DRIVE = (
    "Such links cannot cross drives: set lists.folder to a folder on the drive of the captures, or lists.beside; "
    "accepted.txt lists the paths."
)


@dataclass(slots=True)
class StackWritten:
    """The lists that were written for one stack.

    Attributes:
        made: digest of each list, by its name relative to the folder.
        others: identity and path of the files that were available for its calibration.
        calibration: the calibration frames that were selected.
        links: names in each folder of links.
        notes: sentences about foreign files there.
    """

    stack: Stack
    calibration: Calibration
    made: dict[str, str]
    links: dict[str, frozenset[str]]
    notes: list[str]
    others: tuple[tuple[str, str], ...] = ()


Written = dict[str, StackWritten]
"""The lists of the last update, by the folder of each stack."""


class _StackTask:
    """The frames of one stack, for the writers."""

    def __init__(self, task: Task, written: StackWritten, notes: list[str]) -> None:
        self.stack = written.stack
        self.calibration = written.calibration
        self.siril = task.siril
        self.notes = notes
        self._task = task
        self._written = written

    def links(self, program: str, folder: str, targets: dict[str, str]) -> tuple[str, ...] | None:
        """Make links to frames in a sub-folder."""
        return self._task.make_links(self._written, program, folder, targets, self.trouble)

    def trouble(self, sentence: str) -> None:
        """Note what could not be written."""
        self.notes.append(sentence)
        self._written.notes.append(f"{self.stack.folder}: {sentence}")

    def folder(self, program: str) -> None:
        """Make the sub-folder of the stack for a program."""
        self._task.make_folder(self.stack, program)


class Task:
    """One update of all lists.

    Parameters:
        folder: the folder of lists.
        formats: the formats to write.
        before: the table of contents of the last update.
        written: the lists of the last update; kept up to date.
        siril: version of the Siril that will run the scripts.
        writers: all kinds of list that there are.

    Attributes:
        siril: as above.
        names: names of the lists and folders of links, relative to the folder.
        made: digest of each list.
        notes: sentences about foreign files among the lists.
        changed: whether any list or link changed.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        before: Index,
        written: Written,
        siril: Version | None,
        writers: ListWriters,
    ) -> None:
        self._folder = folder
        self._writers = writers
        self._chosen = writers.chosen(formats)
        self._before = before
        self._written = written
        self.siril = siril
        self.names: list[str] = []
        self.made: dict[str, str] = {}
        self.notes: list[str] = []
        self.changed = False

    def write_all(self, lights: Sequence[Stack], others: Sequence[ListedNotLight]) -> None:
        """Write every list."""
        fresh: Written = {}
        if not self._written:
            self._remove_torn(lights)
        known = tuple((file.frame_id, file.file) for file in others)
        for stack in lights:
            last = self._written.get(stack.folder)
            if last is None or last.others != known or last.stack != stack or not self._is_there(last):
                fitting = self._calibration(stack, others)
                if last is None or (last.stack, last.calibration) != (stack, fitting) or not self._is_there(last):
                    last = self._write_stack(stack, fitting)
                last.others = known
            fresh[stack.folder] = last
            self.names += [*last.made, *last.links]
            self.made |= last.made
            self.notes += last.notes
        self._written.clear()
        self._written.update(fresh)
        self.notes += self._renamed(lights)
        for writer in self._chosen if others else ():
            for name, content in rendered_not_lights(writer, others).items():
                self._write(name, content, self.made)
                self.names.append(name)
        self.notes += self._kept_aside("")

    def _remove_torn(self, lights: Sequence[Stack]) -> None:
        """Remove temporary files of this program that remain after a kill."""
        folders = ("", *(f"/{name}" for name in self._writers.folders))
        for subfolder in ("", *(f"{stack.folder}{folder}" for stack in lights for folder in folders)):
            for name in names_in(self._folder / subfolder):
                if name.startswith(TORN_PREFIX) and name.endswith(TORN_SUFFIX):
                    (self._folder / subfolder / name).unlink(missing_ok=True)

    def remove_stale(self) -> None:
        """Remove lists of stacks that no longer exist, unless a user changed them."""
        for name in sorted(set(self._before.made) - set(self.names)):
            self.changed = True
            path = self._folder / name
            if any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(self._folder)):
                continue
            if path.name in LINK_FOLDERS:
                self.notes += _foreign_notes(
                    name, remove_links(path, legacy=True), "is no longer updated, but holds", used=False
                )
            elif not remove_own_file(path, self._before.made[name], legacy=True):
                self.notes.append(f"{name} is no longer updated; it was changed by hand, so it stays.")
            for parent in (path.parent, path.parent.parent):
                if parent != self._folder and parent.is_relative_to(self._folder):
                    remove_if_empty(parent)

    def _renamed(self, lights: Sequence[Stack]) -> list[str]:
        """Return notes about stacks with another name than in version 0.1, while the old folder or its lists exist."""
        current_names = {stack.folder for stack in lights}
        recorded_names = {name.split("/")[0] for name in self._before.made if "/" in name}
        names: dict[str, list[str]] = {}
        for stack in lights:
            old = stack.legacy_folder
            if old not in current_names and (old in recorded_names or (self._folder / old).is_dir()):
                names.setdefault(old, []).append(stack.folder)
        return [
            f"The stack {old} is called {' and '.join(new[:3])} now; your own files in the old folder stay there."
            for old, new in names.items()
        ]

    def _is_there(self, last: StackWritten) -> bool:
        """Whether all lists and links of a stack still exist, by their names."""
        if not all((self._folder / name).exists() for name in last.made):
            return False
        return all(names_in(self._folder / name) == names for name, names in last.links.items())

    def _calibration(self, stack: Stack, others: Sequence[ListedNotLight]) -> Calibration:
        """Return the calibration frames that fit a stack; none if no chosen writer uses them or it is not offered."""
        if stack.not_offered or not any(writer.row.calibrates for writer in self._chosen):
            return Calibration()
        return calibration_for(stack, others, siril_ending)

    def _write_stack(self, stack: Stack, calibration: Calibration) -> StackWritten:
        """Write all lists, links and scripts of one stack; return what was written."""
        notes = [f"{stack.folder}: {stack.not_offered}"] if stack.not_offered else []
        written = StackWritten(stack, calibration, {}, {}, notes)
        chosen = [writer for writer in self._chosen if writer.row.every_stack or not stack.not_offered]
        task = _StackTask(self, written, [note for writer in chosen for note in writer.row.notes(stack)])
        unlistable = sum(not is_listable(frame.file) for frame in stack.decided("keep"))
        if unlistable:
            kept = counted(unlistable, "kept frame")
            task.trouble(f"{kept} with a name that no text list can hold: linked, and in frames.json.")
        contents: dict[str, bytes] = {}
        for writer in chosen:
            contents |= rendered(writer, task, contents)
        for name, content in contents.items():
            make_own_folder(self._folder / stack.folder)
            if "/" in name:
                task.folder(name.split("/")[0])
            self._write(f"{stack.folder}/{name}", content, written.made)
        for subfolder in ("", *self._writers.folders):
            notes += self._kept_aside(f"{stack.folder}/{subfolder}".rstrip("/"))
        return written

    def make_folder(self, stack: Stack, program: str) -> None:
        """Make the sub-folder of a stack for a program."""
        make_own_folder(self._folder / stack.folder)
        make_own_folder(self._folder / stack.folder / program)

    def make_links(
        self, written: StackWritten, program: str, folder: str, targets: dict[str, str], trouble: Callable[[str], None]
    ) -> tuple[str, ...] | None:
        """Make the links of one folder; return its foreign files, ``None`` when links cannot be made.

        Parameters:
            written: the lists of the stack.
            program: sub-folder of the stack.
            folder: below it; one of ``LINK_FOLDERS``.
            targets: name of each link, and path of its frame.
            trouble: called with a sentence when links cannot be made.

        Raises:
            ValueError: links cannot be in a folder of this name.
        """
        if folder not in LINK_FOLDERS:
            raise ValueError(f"links cannot be in a folder {folder!r}, only in {', '.join(LINK_FOLDERS)}")
        name = f"{written.stack.folder}/{program}/{folder}"
        self.make_folder(written.stack, program)
        try:
            result = replace_links(self._folder / name, targets, legacy=name in self._before.made)
        except OSError as error:
            sentence = f"Links to frames for {program} cannot be made here ({because(error)})."
            if error.errno == errno.EXDEV or os.name == "nt":
                sentence += f" {OTHER_DRIVE}"
            trouble(sentence)
            return None
        self.changed |= result.changed
        written.notes += _foreign_notes(name, result.foreign, "holds", used=True)
        written.links[name] = names_in(self._folder / name)
        return result.foreign

    def _write(self, name: str, content: bytes, made: dict[str, str]) -> None:
        """Write one list into the folder of lists, and record its digest."""
        known, legacy = self._before.made.get(name), name in self._before.made
        self.changed |= replace_own_file(self._folder / name, content, known, legacy)
        made[name] = digest(content)

    def _kept_aside(self, name: str) -> list[str]:
        """Return sentences about foreign files that had the name of a list and were renamed."""
        renamed = sorted(filename for filename in names_in(self._folder / name) if ASIDE_MARK in filename)
        where = f"{name}/" if name else ""
        return [
            f"{where}{shown(filename)} was changed or put there by hand, so it is kept under this name."
            for filename in renamed
        ]


def _foreign_notes(name: str, foreign: Sequence[str], holds: str, *, used: bool) -> list[str]:
    """Return sentences about foreign files in a folder of links."""
    if not foreign:
        return []
    examples = ", ".join(shown(alone) for alone in foreign[:3]) + (", …" if len(foreign) > 3 else "")
    alone = len(foreign) == 1
    fate = f"{'stays' if alone else 'stay'} there" + (f" and {'is' if alone else 'are'} used, too" if used else "")
    return [f"{name} {holds} {counted(len(foreign), 'file')} not made by this program, which {fate}: {examples}."]


def names_in(folder: Path) -> frozenset[str]:
    """Return the names in a folder; an empty set when it cannot be read."""
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except OSError:
        return frozenset()
