"""Nothing may be on two sides of a split: no file, no frame, no rig, no night, no target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.manifest.entries import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One thing that is in more than one split.

    Attributes:
        key: what kind of thing: ``content``, ``rig``, ``night`` or ``target``.
        value: which one.
        files: one file of each split.
    """

    key: str
    value: str
    files: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        where = ", ".join(f"{split} ({file})" for split, file in self.files)
        return f"the same {self.key} is in {where}: {self.value}"


def overlaps(entries: Iterable[Entry]) -> list[Overlap]:
    """Find everything that is in more than one split; an empty list is what a data set needs.

    Parameters:
        entries: all of them, of all kinds: a survey field and a real night may show the same target.
    """
    seen: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for entry in entries:
        for key, value in _keys(entry):
            seen[key, value].setdefault(entry.split, entry.file)
    return [
        Overlap(key=key, value=value, files=tuple(sorted(files.items())))
        for (key, value), files in sorted(seen.items())
        if len(files) > 1
    ]


def duplicates(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Find files whose frames are all in an earlier one: harmless within a split, but they count twice."""
    first: dict[tuple[str, ...], str] = {}
    twice = []
    for entry in entries:
        content = entry.content or (entry.sha256,)
        if content in first:
            twice.append((first[content], entry.file))
        else:
            first[content] = entry.file
    return twice


def _keys(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "content", entry.sha256
    for key, values in (
        ("content", entry.content),
        ("rig", entry.rigs),
        ("night", entry.nights),
        ("target", entry.targets),
    ):
        for value in values:
            yield key, value
