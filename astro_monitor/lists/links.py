"""Folders of links to frames: each link is recorded, and only recorded links are removed or replaced.

Users may put their own files among the links: a frame of another night, a master, notes. These stay under their names,
and links get other names. The record is a hidden file next to the folder of links. It is written before the links
change, with the old and the new ones, and again afterwards: after a crash at any moment it lists every link that this
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
from .replacing import make_own_folder, replace_file, set_aside_if_not_plain, sync_folder

_LINK_NAME = re.compile(r"([a-z]+)_\d{5}((?:\.[a-z][a-z0-9]*){1,2})")
"""Names of links: kind of frame, number of five digits, ending."""

_OLD_LINK_NAME = re.compile(r"([a-z]+)_\d{5}((?:\.[a-z]+){1,2})")
"""Names of the links of version 0.1, which it did not record."""

MAX_LINKS = 99_999
"""The largest number of five digits: names stay in order of time when they are sorted as text."""


@dataclass(frozen=True, slots=True)
class Links:
    """The result of an update of a folder of links.

    Attributes:
        changed: whether a link or the record changed.
        foreign: names of files that this program did not make; they stay there.
    """

    changed: bool
    foreign: tuple[str, ...] = ()


def replace_links(folder: Path, targets: Mapping[str, str], *, legacy: bool = False) -> Links:
    """Update a folder so that it holds links to exactly these files, in addition to foreign files.

    Parameters:
        folder: the folder of links; its parent exists.
        targets: name of each link, such as ``light_00001.fit``, and the path it points to. Numbers in use by foreign
            files are skipped.
        legacy: whether version 0.1, which kept no record of single links, made the folder.

    Returns:
        what has changed, and the foreign files.

    Raises:
        OSError: links cannot be made in this folder; those that were made are recorded.
    """
    make_own_folder(folder)
    record = record_of(folder)
    set_aside_if_not_plain(record)
    entries = {entry.name: _state_of_entry(entry) for entry in os.scandir(folder)}
    recorded = _read(record)
    own_links = {name for name, state in entries.items() if _is_own_link(name, state, recorded, legacy)}
    # A link with the wanted name and target counts as made by this program, even without a record.
    own_links |= {name for name, target in targets.items() if entries.get(name) == str(Path(target))}
    foreign = {name for name in entries if name not in own_links}
    wanted_links = _renamed(targets, foreign)
    unchanged = {name for name in own_links if name in wanted_links and _points_to(entries[name], wanted_links[name])}
    if unchanged == own_links and len(unchanged) == len(wanted_links):
        changed = replace_file(record, _written(folder, wanted_links)) and recorded is not None
        return Links(changed, tuple(sorted(foreign)))
    legacy_links = {name: state for name in own_links if isinstance(state := entries[name], str)}
    replace_file(record, _written(folder, wanted_links, recorded, legacy_links))
    for name in own_links - unchanged:
        (folder / name).unlink(missing_ok=True)
    for name, target in wanted_links.items():
        if name not in unchanged:
            _link(folder / name, target)
    sync_folder(folder)
    replace_file(record, _written(folder, wanted_links))
    return Links(True, tuple(sorted(foreign)))


def remove_links(folder: Path, *, legacy: bool = False) -> tuple[str, ...]:
    """Remove the links that this program made, their record, and the folder when nothing else is in it.

    Parameters:
        folder: the folder of links.
        legacy: whether version 0.1 made the folder.

    Returns:
        names of files that this program did not make; they stay there.
    """
    record = record_of(folder)
    foreign: tuple[str, ...] = ()
    if folder.is_dir() and not folder.is_symlink():
        recorded = _read(record)
        entries = {entry.name: _state_of_entry(entry) for entry in os.scandir(folder)}
        for name, state in entries.items():
            if _is_own_link(name, state, recorded, legacy):
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
"""Target of a symbolic link; device and inode number of a file; ``None`` for a folder."""


def _state_of_entry(entry: os.DirEntry[str]) -> _State:
    """Return what an entry in a folder of links is: link target, device and inode, or ``None`` for a folder."""
    if entry.is_symlink():
        return str(Path(entry.path).readlink())
    if entry.is_dir():
        return None
    status = Path(entry.path).lstat()
    return status.st_dev, status.st_ino


def _is_own_link(name: str, state: _State, recorded: Mapping[str, Any] | None, legacy: bool) -> bool:
    """Return whether an entry of the folder is a link that this program made."""
    if state is None:
        return False
    if recorded is not None:
        return (state if isinstance(state, str) else list(state)) in recorded.get(name, [])
    return legacy and isinstance(state, str) and _OLD_LINK_NAME.fullmatch(name) is not None


def _points_to(state: _State, target: str) -> bool:
    """Return whether an entry of a folder of links is a symbolic or hard link to a frame."""
    if state is None or isinstance(state, str):
        return state == target
    try:
        status = Path(target).stat()
    except OSError:
        return False
    return state == (status.st_dev, status.st_ino)


def _renamed(targets: Mapping[str, str], foreign: set[str]) -> dict[str, str]:
    """Renumber links whose names are in use by foreign files, in upper or lower case and with any ending."""
    stems_taken = {name.casefold().split(".")[0] for name in foreign}
    links: dict[str, str] = {}
    numbers = count(1)
    for name, target in targets.items():
        stem, ending = _LINK_NAME.fullmatch(name).groups()  # type: ignore[union-attr]  # all names match
        number = next(free_number for free_number in numbers if f"{stem}_{free_number:05d}" not in stems_taken)
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
    """Return the possible targets of each recorded link; ``None`` when the record is missing or damaged."""
    try:
        recorded_links = json.loads(read_plain(record))["links"]
        return {str(name): list(states) for name, states in recorded_links.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _written(
    folder: Path,
    links: Mapping[str, str],
    recorded: Mapping[str, list[Any]] | None = None,
    legacy_links: Mapping[str, str] | None = None,
) -> bytes:
    """Return the content of the record: for each link all possible targets, including those recorded before."""
    known: dict[str, list[Any]] = {name: list(states) for name, states in (recorded or {}).items()}
    for name, target in (*(legacy_links or {}).items(), *links.items()):
        states = known.setdefault(name, [])
        for state in (target, _hard(folder / name)):
            if state is not None and state not in states:
                states.append(state)
    return json.dumps({"schema": "astro-monitor/links/1", "links": known}, sort_keys=True, indent=1).encode("ascii")


def _hard(link: Path) -> list[int] | None:
    """Return device and inode number of a hard link; ``None`` for symbolic links."""
    if os.name == "posix":
        return None
    try:
        status = link.stat(follow_symlinks=False)
    except OSError:
        return None
    return None if link.is_symlink() else [status.st_dev, status.st_ino]
