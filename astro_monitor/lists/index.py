"""The table of contents of a folder of lists: the files that this program has written there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..openfile import read_plain

INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Index:
    """The table of contents of the last writing.

    Attributes:
        made: digest of each list as written; ``None`` for lists of version 0.1, which kept no digests.
        is_new: whether it was missing or damaged.
    """

    generation: int = 0
    made: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_new: bool = True


def read_index(folder: Path) -> Index:
    """Read the table of contents; a missing or damaged one counts as empty."""
    try:
        content = json.loads(read_plain(folder / INDEX))
        names = [str(name) for name in content["files"] if _is_inside(str(name))]
        digests = {str(name): str(value) for name, value in content.get("made", {}).items()}
        notes = [str(note) for note in content.get("notes", [])]
        return Index(int(content["generation"]), {name: digests.get(name) for name in names}, notes, is_new=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Index()


def _is_inside(name: str) -> bool:
    """Return whether the name of a list from the table of contents stays inside the folder of lists."""
    return ".." not in name.split("/") and not Path(name).is_absolute()
