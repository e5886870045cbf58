"""One update of all lists: files, links and scripts of each stack; those of stacks that no longer exist are removed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..plain import because, counted, shown
from . import pixinsight, render
from .calibration import Calibration, calibration_for
from .files import (
    ASIDE_MARK,
    TORN_PREFIX,
    TORN_SUFFIX,
    digest,
    own_folder,
    remove_if_empty,
    remove_own_file,
    replace_own_file,
)
from .frames import NotLight
from .grouping import Stack
from .index import Index
from .links import remove_links, replace_links
from .names import is_listable
from .siril import FOLDERS, Version, part_links, siril_ending, siril_links, siril_script

LEAST_FOR_A_STACK = 2
"""Siril refuses to stack fewer frames."""
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


class Task:
    """One update of all lists.

    Parameters:
        folder: the folder of lists.
        formats: the formats to write.
        before: the table of contents of the last update.
        written: the lists of the last update; kept up to date.
        siril: version of the Siril that will run the scripts.

    Attributes:
        names: names of the lists and folders of links, relative to the folder.
        made: digest of each list.
        notes: sentences about foreign files among the lists.
        changed: whether any list or link changed.
    """

    def __init__(
        self, folder: Path, formats: Sequence[str], before: Index, written: Written, siril: Version | None
    ) -> None:
        self._folder = folder
        self._formats = formats
        self._before = before
        self._written = written
        self._siril_version = siril
        self.names: list[str] = []
        self.made: dict[str, str] = {}
        self.notes: list[str] = []
        self.changed = False

    def write_all(self, lights: Sequence[Stack], others: Sequence[NotLight]) -> None:
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
        if others and "csv" in self._formats:
            self._write("not_lights.csv", render.not_lights_csv(others), self.made)
            self.names.append("not_lights.csv")
        if others and "json" in self._formats:
            self._write("not_lights.json", render.not_lights_json(others), self.made)
            self.names.append("not_lights.json")
        self.notes += self._kept_aside("")

    def _remove_torn(self, lights: Sequence[Stack]) -> None:
        """Remove temporary files of this program that remain after a kill."""
        for subfolder in ("", *(f"{stack.folder}{sub}" for stack in lights for sub in ("", "/siril", "/pixinsight"))):
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

    def _calibration(self, stack: Stack, others: Sequence[NotLight]) -> Calibration:
        if "siril" not in self._formats or stack.not_offered:
            return Calibration()
        return calibration_for(stack, others, siril_ending)

    def _write_stack(self, stack: Stack, calibration: Calibration) -> StackWritten:
        notes = [f"{stack.folder}: {stack.not_offered}"] if stack.not_offered else []
        written = StackWritten(stack, calibration, {}, {}, notes)
        formats = [name for name in self._formats if name in ("csv", "json")] if stack.not_offered else self._formats
        stack_notes = siril_notes(stack) if "siril" in formats else []
        unlistable = sum(not is_listable(frame.file) for frame in stack.decided("keep"))
        if unlistable:
            kept = counted(unlistable, "kept frame")
            stack_notes.append(f"{kept} with a name that no text list can hold: linked, and in frames.json.")
            notes.append(f"{stack.folder}: {stack_notes[-1]}")
        contents: dict[str, bytes] = {}
        if "siril" in formats and len(lights := siril_links(stack)) >= LEAST_FOR_A_STACK:
            contents |= self._siril(written, lights, stack_notes)
        if "pixinsight" in formats:
            if batch := pixinsight.batch_links(stack):
                self._links(written, "pixinsight", "lights", batch, stack_notes)
            own_folder(self._folder / stack.folder)
            own_folder(self._folder / stack.folder / "pixinsight")
            contents["pixinsight/subframes.csv"] = pixinsight.subframes_csv(stack)
        if "text" in formats:
            contents["accepted.txt"] = render.text_bytes(stack)
        if "csv" in formats:
            contents["frames.csv"] = render.csv_bytes(stack.frames)
        if "dss" in formats:
            contents["deepskystacker.dssfilelist"] = render.dss_bytes(stack)
        if "json" in formats:
            contents["frames.json"] = render.stack_json(stack, stack_notes)
        for name, content in contents.items():
            own_folder(self._folder / stack.folder)
            self._write(f"{stack.folder}/{name}", content, written.made)
        for subfolder in ("", "/siril", "/pixinsight"):
            notes += self._kept_aside(stack.folder + subfolder)
        return written

    def _siril(self, written: StackWritten, lights: dict[str, str], stack_notes: list[str]) -> dict[str, bytes]:
        """Make the links for Siril; return its scripts."""
        foreign = self._links(written, "siril", "lights", lights, stack_notes)
        if foreign is None:
            return {}
        calibration = written.calibration
        for part, folder in FOLDERS.items():
            links = part_links(part, getattr(calibration, part))
            if links and self._links(written, "siril", folder, links, stack_notes) is None:
                calibration = Calibration()
        if calibration:
            stack_notes.append(calibration.comment)
        scripts = {}
        for name, two_pass in (("stack", False), ("stack_two_pass", True)):
            scripts[f"siril/{name}.ssf"] = siril_script(
                lights, bool(written.stack.bayer), two_pass=two_pass, calibration=calibration,
                installed=self._siril_version, foreign=foreign,
            )  # fmt: skip
        return scripts

    def _links(
        self, written: StackWritten, program: str, folder: str, targets: dict[str, str], stack_notes: list[str]
    ) -> tuple[str, ...] | None:
        """Make the links of one folder; return its foreign files, ``None`` when links cannot be made."""
        name = f"{written.stack.folder}/{program}/{folder}"
        own_folder(self._folder / written.stack.folder)
        own_folder(self._folder / written.stack.folder / program)
        try:
            result = replace_links(self._folder / name, targets, legacy=name in self._before.made)
        except OSError as error:
            sentence = f"Links to frames for {program} cannot be made here ({because(error)})."
            if error.errno == errno.EXDEV or os.name == "nt":
                sentence += f" {OTHER_DRIVE}"
            stack_notes.append(sentence)
            written.notes.append(f"{written.stack.folder}: {sentence}")
            return None
        self.changed |= result.changed
        written.notes += _foreign_notes(name, result.foreign, "holds", used=True)
        written.links[name] = names_in(self._folder / name)
        return result.foreign

    def _write(self, name: str, content: bytes, made: dict[str, str]) -> None:
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
    examples = ", ".join(shown(one) for one in foreign[:3]) + (", …" if len(foreign) > 3 else "")
    one = len(foreign) == 1
    fate = f"{'stays' if one else 'stay'} there" + (f" and {'is' if one else 'are'} used, too" if used else "")
    return [f"{name} {holds} {counted(len(foreign), 'file')} not made by this program, which {fate}: {examples}."]


def names_in(folder: Path) -> frozenset[str]:
    """Return the names in a folder; an empty set when it cannot be read."""
    try:
        return frozenset(entry.name for entry in os.scandir(folder))
    except OSError:
        return frozenset()


def siril_notes(stack: Stack) -> list[str]:
    """Return sentences about frames without a link for Siril, and about a missing script."""
    other = [frame for frame in stack.decided("keep") if siril_ending(frame.file) is None]
    notes = []
    if other:
        notes.append(f"{len(other)} accepted frames are XISF or gzip files, so Siril gets no link to them.")
    if len(siril_links(stack)) < LEAST_FOR_A_STACK:
        notes.append("Siril needs at least two accepted frames for a stack, so there is no script yet.")
    return notes
