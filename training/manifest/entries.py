"""The manifest: one line of JSON for each file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class ManifestError(Exception):
    """A manifest, or what it is made from, cannot be used; the sentence says where and why."""


def as_split(name: str) -> Split:
    """Give the split of this name.

    Raises:
        ManifestError: there is none.
    """
    for split in SPLITS:
        if name == split:
            return split
    raise ManifestError(f"{name!r} is no split; there are {', '.join(SPLITS)}")


class Entry(BaseModel):
    """One file.

    Attributes:
        file: its path within the data folder.
        content: names that belong to one frame each, of the frames inside; empty when the file is one frame.
        rigs, nights, targets: what its frames have in common with others; the three keys of the split. Empty when
            nothing tells, never a guess.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    kind: Literal["simulated", "survey", "real"]
    split: Split
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    content: tuple[str, ...] = ()
    source: str
    licence: str
    rigs: tuple[str, ...] = ()
    nights: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    label: str | None = None
    confidence: float | None = Field(None, ge=0, le=1)
    labelled_by: str | None = None


def write_manifest(path: Path, entries: Iterable[Entry]) -> None:
    """Write entries in the order of their files, atomically."""
    lines = [entry.model_dump_json(exclude_none=True) for entry in sorted(entries, key=lambda e: (e.kind, e.file))]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text("".join(line + "\n" for line in lines), "utf-8")
    partial.replace(path)


def read_manifest(path: Path) -> list[Entry]:
    """Read what :func:`write_manifest` wrote.

    Raises:
        ManifestError: there is no such file, or a line of it is no entry.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}; make it with 'collect'") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ManifestError(f"{path}, line {number}: {where}: {first['msg']}") from error
    return entries


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
