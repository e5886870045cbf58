"""Reports of files that are not read, once per format and folder, so that nothing is ignored silently."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..formats import Format
from ..plain import shown

log = logging.getLogger(__name__)

MAX_REPORTED = 10_000
"""Most pairs of format and folder that are reported."""


class UnreadFiles:
    """The pairs of format and folder that have been reported.

    Parameters:
        root: the watched folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._reported: set[tuple[str, str]] = set()

    def note(self, path: str, kind: Format) -> None:
        """Report that a file is not read, unless this was reported for its format and folder.

        Parameters:
            path: the file, in the watched folder.
            kind: the result of ``kind_not_read``.
        """
        folder, name = os.path.split(path)
        if (folder, kind.name) in self._reported or len(self._reported) >= MAX_REPORTED:
            return
        self._reported.add((folder, kind.name))
        log.warning("%s", unread_sentence(Path(self._root), Path(folder), name, kind))


def unread_sentence(root: Path, folder: Path, name: str, kind: Format) -> str:
    """Return the reason why files of a format in a folder are not graded.

    Parameters:
        root: the folder that the user named.
        folder: folder of the file.
        name: name of the file, as an example.
        kind: the result of ``kind_not_read``.
    """
    try:
        inside = folder.relative_to(root)
    except ValueError:
        inside = folder
    where = root.name or str(root) if inside == Path() else str(inside)
    return f"{shown(where)}: {kind.sentence} (such as {shown(name)})"
