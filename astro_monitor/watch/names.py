"""Selection of files by name: frames, but no temporary, hidden or foreign files. It precedes every other test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..formats import Format, FormatTable, built_in_formats

SYSTEM_FOLDERS = ("$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle", "#snapshot")

_TEMPORARY = re.compile(
    r"""
    [.~]                                # hidden files; office and editor copies; ~syncthing~ on Windows
    | .*\.(tmp|part|partial|filepart)$  # browsers, rsync, WinSCP
    | .*\.(tmp|part|partial|filepart)\. # the same, with the final ending already there
    | .*\.syncthing\.
    """,
    re.VERBOSE,
)
_UUID_STEM = re.compile(r"\{?[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}\}?\.")
"""Temporary names of N.I.N.A. up to 3.0, which renames the file when it is complete."""


@dataclass(frozen=True, slots=True)
class NameRules:
    """Rules for names of files and folders.

    Attributes:
        ignore: shell patterns of ignored files and folders, such as ``*_test*``, in upper or lower case.
        formats: the known formats.
    """

    ignore: tuple[str, ...] = ()
    formats: FormatTable = field(default_factory=built_in_formats)

    def is_frame(self, name: str) -> bool:
        """Return whether a file of this name is a frame by its ending, and neither temporary nor ignored."""
        lower = name.lower()
        return lower.endswith(self.formats.endings) and self._is_selected(lower)

    def unread_kind(self, name: str) -> Format | None:
        """Return the format of a file that is selected by its name, but not read; else ``None``."""
        kind = self.formats.kind_not_read(name)
        return kind if kind is not None and self._is_selected(name.lower()) else None

    def is_folder(self, name: str) -> bool:
        """Return whether a folder of this name is searched."""
        lower = name.lower()
        return not lower.startswith(".") and lower not in SYSTEM_FOLDERS and not self._is_ignored(lower)

    def allow(self, folders: Sequence[str]) -> bool:
        """Return whether all of these nested folders are searched."""
        return all(self.is_folder(name) for name in folders)

    def _is_selected(self, lower: str) -> bool:
        """Return whether a file name in lower case is neither temporary nor ignored."""
        return not _TEMPORARY.match(lower) and not _UUID_STEM.match(lower) and not self._is_ignored(lower)

    def _is_ignored(self, lower: str) -> bool:
        """Return whether a name in lower case matches a pattern of ignored files and folders."""
        return any(fnmatchcase(lower, pattern.lower()) for pattern in self.ignore)
