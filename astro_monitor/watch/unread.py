"""Files of kinds that are not read are reported once for each kind and folder: nothing is ignored silently."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ..formats import Format
from ..plain import shown

log = logging.getLogger(__name__)

MAX_SAID = 10_000
"""Most pairs of kind and folder that are reported; further ones are not."""


class UnreadFiles:
    """What has been reported.

    Parameters:
        root: the watched folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._said: set[tuple[str, str]] = set()

    def note(self, path: str, kind: Format) -> None:
        """Report that a file is not read, unless that was reported for its kind and folder.

        Parameters:
            path: the file, in the watched folder.
            kind: from ``kind_not_read``.
        """
        folder, name = os.path.split(path)
        if (folder, kind.name) in self._said or len(self._said) >= MAX_SAID:
            return
        self._said.add((folder, kind.name))
        log.warning("%s", unread_sentence(Path(self._root), Path(folder), name, kind))


def unread_sentence(root: Path, folder: Path, name: str, kind: Format) -> str:
    """Return why files of a kind in a folder are not graded.

    Parameters:
        root: the folder that the user named.
        folder: where the file lies.
        name: of the file, as an example.
        kind: from ``kind_not_read``.
    """
    try:
        inside = folder.relative_to(root)
    except ValueError:
        inside = folder
    where = root.name or str(root) if inside == Path() else str(inside)
    return f"{shown(where)}: {kind.sentence} (such as {shown(name)})"
