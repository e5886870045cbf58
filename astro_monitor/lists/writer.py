"""A kind of list, as one row: its name in the settings, and what it writes for the frames of one stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..complaints import nearest
from ..errors import ConfigError
from ..plain import shown
from ..plugins import Guard, Plugins, Registered
from .frames import ListedNotLight
from .grouping import Stack
from .stacktask import StackTask

_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)?[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)
"""A file of a list: a plain name, in one sub-folder at most."""


def _no_files(files: Sequence[ListedNotLight]) -> Mapping[str, bytes]:
    """Return no lists about files that are no lights: the default of a writer."""
    return {}


def _no_notes(stack: Stack) -> Sequence[str]:
    """Return no sentences about a stack: the default of a writer."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWriter:
    """A kind of list.

    Attributes:
        key: its name in the setting ``lists.formats``.
        meaning: what it is and which program reads it.
        render: returns the files of one stack: name relative to the folder of the stack, and content. A pure function
            of the frames; called in the thread of the lists.
        folders: sub-folders of a stack that it uses.
        notes: sentences about a stack, known before anything is written.
        not_lights: returns files about darks, flats and the like: name relative to the folder of all lists.
        every_stack: also written for frames that are not offered for stacking.
        calibrates: uses darks, flats and biases that fit the stack.
        order: writers are called in rising order; 1000 is the one that lists the notes of all others.
    """

    key: str
    meaning: str
    render: Callable[[StackTask], Mapping[str, bytes]]
    folders: tuple[str, ...] = ()
    notes: Callable[[Stack], Sequence[str]] = _no_notes
    not_lights: Callable[[Sequence[ListedNotLight]], Mapping[str, bytes]] = _no_files
    every_stack: bool = False
    calibrates: bool = False
    order: int = 100


class ListWriters:
    """The kinds of list that can be chosen.

    Parameters:
        rows: those of astro-monitor first, each with the guard of its plugin.

    Attributes:
        keys: their names for the setting ``lists.formats``.
        folders: sub-folders of a stack that any of them uses.
    """

    def __init__(self, rows: Iterable[Registered[ListWriter]]) -> None:
        self._rows = sorted(rows, key=lambda registered: registered.row.order)
        self.keys = tuple(registered.row.key for registered in self._rows)
        self.folders = tuple(dict.fromkeys(name for registered in self._rows for name in registered.row.folders))

    @classmethod
    def of(cls, plugins: Plugins) -> ListWriters:
        """Collect the writers of astro-monitor and of the plugins that are on.

        Raises:
            ConfigError: a plugin returned what is no writer, or a key or sub-folder that is taken.
        """
        rows = plugins.registered(
            "register_list_writers",
            ListWriter,
            lambda row: (row.key, *(f"the folder {name}" for name in row.folders)),
        )
        for registered in rows:
            if registered.guard is not None and not all(map(_NAME.fullmatch, registered.row.folders)):
                raise ConfigError(
                    f"the plugin {registered.guard.name} is wrong: a folder of the list {registered.row.key} is no "
                    "plain name; update it, or take it out of plugins.on"
                )
        return cls(rows)

    def chosen(self, formats: Collection[str]) -> tuple[Registered[ListWriter], ...]:
        """Return the writers of some kinds, in the order in which they are called.

        Parameters:
            formats: their keys.

        Raises:
            ConfigError: one does not exist.
        """
        for key in formats:
            if key not in self.keys:
                near = nearest(key, self.keys)
                meant = f"; did you mean {near}?" if near else f"; there are {', '.join(self.keys)}"
                raise ConfigError(f"lists.formats names {shown(key)}, which is no kind of list{meant}")
        return tuple(registered for registered in self._rows if registered.row.key in formats)


def rendered(writer: Registered[ListWriter], task: StackTask, taken: Collection[str]) -> Mapping[str, bytes]:
    """Return the files of one stack.

    Parameters:
        writer: the kind of list.
        task: the stack.
        taken: names of files that other writers have.

    An error of a plugin is noted; its files are missing then.
    """
    row, guard = writer.row, writer.guard
    if guard is None:
        return row.render(task)

    def missing(why: str) -> Mapping[str, bytes]:
        task.trouble(f"The list {row.key} is missing: {why}.")
        return {}

    return guard.call(
        f"{task.stack.folder}: the list {row.key}",
        lambda: _checked(row.render(task), row, taken),
        missing,
        (OSError,),
    )


def rendered_not_lights(writer: Registered[ListWriter], files: Sequence[ListedNotLight]) -> Mapping[str, bytes]:
    """Return the files about darks, flats and the like; none after an error of a plugin.

    Parameters:
        writer: the kind of list.
        files: in order.
    """
    row, guard = writer.row, writer.guard
    if guard is None:
        return row.not_lights(files)
    return _guarded_not_lights(row, guard, files)


def _guarded_not_lights(row: ListWriter, guard: Guard, files: Sequence[ListedNotLight]) -> Mapping[str, bytes]:
    """Return the lists of one writer about files that are no lights; none if its plugin fails."""
    return guard.call(
        f"the list {row.key} of files that are no lights", lambda: _checked(row.not_lights(files), row, ()),
        lambda why: {},
    )  # fmt: skip


def _checked(files: Mapping[str, bytes], row: ListWriter, taken: Collection[str]) -> Mapping[str, bytes]:
    """Return the files of a plugin.

    Raises:
        TypeError, ValueError: a name could lead elsewhere, is taken, or a content is no bytes.
    """
    for name, content in files.items():
        if not isinstance(content, bytes):
            raise TypeError(f"the content of {name!r} is a {type(content).__name__}, not bytes")
        if not _NAME.fullmatch(name) or ("/" in name and name.split("/")[0] not in row.folders):
            raise ValueError(f"the name {name!r} is no plain name, or in a sub-folder that the row does not name")
        if name in taken:
            raise ValueError(f"the name {name!r} is that of another list")
    return files
