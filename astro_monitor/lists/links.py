"""Folders of links to frames: each link is recorded, and only recorded links are ever removed or replaced.

A person may put files of their own among the links: a frame of another night, a master, notes. They stay, under their
names; links get other names. The record is a hidden file next to the folder of links. It is written before the links
change, with the old and the new ones, and again afterwards: after a crash at any moment it names every link that this
program may have made.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ..openfile import read_plain
from .files import own_file, own_folder, replace_file, sync_folder

_LINK_NAME = re.compile(r"([a-z]+)_\d{5}((?:\.[a-z][a-z0-9]*){1,2})")
"""Names that this program gives to links: kind of frame, number, ending."""

_OLD_LINK_NAME = re.compile(r"([a-z]+)_\d{5}((?:\.[a-z]+){1,2})")
"""Names that version 0.1 gave to links, which it did not record."""

MAX_LINKS = 99_999


@dataclass(frozen=True, slots=True)
class Links:
    """What a folder of links holds now.

    Attributes:
        changed: whether anything had to change.
        foreign: names of what this program did not make; it stays there.
    """

    changed: bool
    foreign: tuple[str, ...] = ()


def replace_links(folder: Path, targets: Mapping[str, str], *, legacy: bool = False) -> Links:
    """Make a folder contain links to exactly these files, in addition to foreign files in it.

    Parameters:
        folder: the folder of links; its parent exists.
        targets: name of each link, such as ``light_00001.fit``, and the path it points to. Numbers that are taken by
            foreign files are ignored.
        legacy: version 0.1, which kept no record of single links, made the folder.

    Returns:
        what has changed and what else is there.

    Raises:
        OSError: links cannot be made here; those that were made are recorded.
    """
    own_folder(folder)
    record = record_of(folder)
    own_file(record)
    there = {entry.name: _state(entry) for entry in os.scandir(folder)}
    recorded = _read(record)
    own = {name for name, state in there.items() if _is_own(name, state, recorded, legacy)}
    # A link that is exactly the wanted one counts as made by this program, even without a record.
    own |= {name for name, target in targets.items() if there.get(name) == str(Path(target))}
    foreign = {name for name in there if name not in own}
    wanted = _renamed(targets, foreign)
    kept = {name for name in own if name in wanted and _points_to(there[name], wanted[name])}
    if kept == own and len(kept) == len(wanted):
        changed = replace_file(record, _written(folder, wanted)) and recorded is not None
        return Links(changed, tuple(sorted(foreign)))
    legacy_links = {name: state for name in own if isinstance(state := there[name], str)}
    replace_file(record, _written(folder, wanted, recorded, legacy_links))
    for name in own - kept:
        (folder / name).unlink(missing_ok=True)
    for name, target in wanted.items():
        if name not in kept:
            _link(folder / name, target)
    sync_folder(folder)
    replace_file(record, _written(folder, wanted))
    return Links(True, tuple(sorted(foreign)))


def remove_links(folder: Path, *, legacy: bool = False) -> tuple[str, ...]:
    """Remove the links that this program made, their record, and the folder when nothing else is in it.

    Parameters:
        folder: the folder of links.
        legacy: version 0.1 made the folder.

    Returns:
        names of what this program did not make; it stays there.
    """
    record = record_of(folder)
    foreign: tuple[str, ...] = ()
    if folder.is_dir() and not folder.is_symlink():
        recorded = _read(record)
        there = {entry.name: _state(entry) for entry in os.scandir(folder)}
        for name, state in there.items():
            if _is_own(name, state, recorded, legacy):
                (folder / name).unlink(missing_ok=True)
            else:
                foreign = (*foreign, name)
        if not foreign:
            folder.rmdir()
    if record.is_file() and not record.is_symlink():
        record.unlink()
    return tuple(sorted(foreign))


def record_of(folder: Path) -> Path:
    """Return the path of the record of a folder of links."""
    return folder.with_name(f".{folder.name}.json")


_State = str | tuple[int, int] | None
"""Where a link points to; device and number of a file; ``None`` for a folder."""


def _state(entry: os.DirEntry[str]) -> _State:
    if entry.is_symlink():
        return str(Path(entry.path).readlink())
    if entry.is_dir():
        return None
    status = Path(entry.path).lstat()
    return status.st_dev, status.st_ino


def _is_own(name: str, state: _State, recorded: Mapping[str, Any] | None, legacy: bool) -> bool:
    """Return whether something in the folder is a link that this program made."""
    if state is None:
        return False
    if recorded is not None:
        return (state if isinstance(state, str) else list(state)) in recorded.get(name, [])
    return legacy and isinstance(state, str) and _OLD_LINK_NAME.fullmatch(name) is not None


def _points_to(state: _State, target: str) -> bool:
    if state is None or isinstance(state, str):
        return state == target
    try:
        status = Path(target).stat()
    except OSError:
        return False
    return state == (status.st_dev, status.st_ino)


def _renamed(targets: Mapping[str, str], foreign: set[str]) -> dict[str, str]:
    """Choose other numbers for links whose names are taken by foreign files, in any case and with any ending."""
    taken = {name.casefold().split(".")[0] for name in foreign}
    links: dict[str, str] = {}
    numbers = count(1)
    for name, target in targets.items():
        stem, ending = _LINK_NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        number = next(one for one in numbers if f"{stem}_{one:05d}" not in taken)
        if number > MAX_LINKS:
            break
        links[f"{stem}_{number:05d}{ending}"] = str(Path(target))
    return links


def _link(link: Path, goal: str) -> None:
    """Make a symbolic link to a frame; where that needs a privilege (Windows), a hard link."""
    try:
        link.symlink_to(goal)
    except OSError:
        if os.name == "posix":
            raise
        os.link(goal, link)


def _read(record: Path) -> dict[str, list[Any]] | None:
    """Return the possible targets of each recorded link; ``None`` when there is no record, or a damaged one."""
    try:
        found = json.loads(read_plain(record))["links"]
        return {str(name): list(states) for name, states in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _written(
    folder: Path,
    links: Mapping[str, str],
    before: Mapping[str, list[Any]] | None = None,
    there: Mapping[str, str] | None = None,
) -> bytes:
    """Write the record: for each link all possible targets, including those recorded before."""
    known: dict[str, list[Any]] = {name: list(states) for name, states in (before or {}).items()}
    for name, target in (*(there or {}).items(), *links.items()):
        states = known.setdefault(name, [])
        for state in (target, _hard(folder / name)):
            if state is not None and state not in states:
                states.append(state)
    return json.dumps({"schema": "astro-monitor/links/1", "links": known}, sort_keys=True, indent=1).encode("ascii")


def _hard(link: Path) -> list[int] | None:
    """Return device and file number of a hard link; nothing for symbolic links."""
    if os.name == "posix":
        return None
    try:
        status = link.stat(follow_symlinks=False)
    except OSError:
        return None
    return None if link.is_symlink() else [status.st_dev, status.st_ino]
