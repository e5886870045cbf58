"""The format PGM: a text header, then pixels row by row, 16-bit numbers with the high byte first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from astro_monitor.errors import Unreadable
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.formats import Declared, Format, Magic
from astro_monitor.formats.contents import FileBytes, FileContents, Pixels
from astro_monitor.formats.limits import Limits
from astro_monitor.records import Arrival, FrameMeta

HEADER_BYTES = 16 << 10
"""Longest header that is read; cameras write some hundred bytes."""
MOST_DIGITS = 9
"""Digits of a number in the header: more would be no size of an image."""
LARGEST_VALUE = 65_535
"""Largest value that PGM allows for full scale."""
_GAP = rb"(?:\s|#[^\n]*\n)+"
_HEAD = re.compile(rb"P5" + rb"".join(_GAP + rb"(\d{1,%d})" % MOST_DIGITS for _ in range(3)) + rb"\s")
_COMMENT = re.compile(rb"^#[ \t]*([A-Z][A-Z0-9_-]{0,7})[ \t]*=(.*)$", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class PgmHeader:
    """What the header says.

    Attributes:
        width, height: of the image, in pixels.
        full_scale: value of a white pixel.
        data_offset: where the pixels begin, in bytes.
        cards: the comment lines ``# KEY = value`` as a FITS header.
    """

    width: int
    height: int
    full_scale: int
    data_offset: int
    cards: Header

    @property
    def item_bytes(self) -> int:
        """Bytes of a pixel."""
        return 1 if self.full_scale < 256 else 2

    @property
    def length(self) -> int:
        """Length of the file up to the last pixel, in bytes."""
        return self.data_offset + self.width * self.height * self.item_bytes


def read_header(read_at: ReadAt) -> PgmHeader:
    """Read the header.

    Parameters:
        read_at: returns bytes of the file.

    Raises:
        Unreadable: it is damaged, or no PGM header.
    """
    front = read_at(0, HEADER_BYTES)
    head = _HEAD.match(front)
    if head is None:
        raise Unreadable("The header of the PGM file is damaged; copy the file again.", kind="bad_header")
    width, height, full_scale = (int(number) for number in head.groups())
    if not 0 < full_scale <= LARGEST_VALUE:
        raise Unreadable(f"The PGM file has {full_scale} for white; it must be 1 to 65535.", kind="bad_header")
    cards: dict[str, tuple[str, ...]] = {}
    for key, text in _COMMENT.findall(front[: head.end()]):
        value = text.strip().decode("ascii", "replace").replace("'", "''")
        cards.setdefault(key.decode("ascii"), (f" {value}" if _NUMBER.fullmatch(value) else f" '{value}'",))
    return PgmHeader(width, height, full_scale, head.end(), Header(cards))


def pgm_length(read_at: ReadAt, size_bytes: int) -> Declared:
    """Return how long the file must be: what the watcher waits for.

    Parameters:
        read_at: returns bytes of the file.
        size_bytes: its length now.

    Raises:
        Unreadable: the header is damaged, or not complete yet.
    """
    header = read_header(read_at)
    missing = f"has {size_bytes:,} of {header.length:,} bytes" if size_bytes < header.length else ""
    return Declared(
        missing=missing, declared_bytes=header.length, data_offset=header.data_offset, data_end=header.length
    )


class PgmReader:
    """Reads PGM files, in the worker process."""

    def find(self, arrival: Arrival, read_at: ReadAt, size_bytes: int, limits: Limits) -> PgmHeader:
        """Read the header, before there is memory for the file."""
        return read_header(read_at)

    def open(self, arrival: Arrival, file: FileBytes, found: Any, limits: Limits) -> FileContents:
        """Check the length; the pixels are unpacked later.

        Raises:
            Unreadable: the file was cut off.
        """
        header: PgmHeader = found
        if len(file.data) < header.length:
            raise Unreadable(
                f"The file ends after {len(file.data)} of {header.length} bytes: it was cut off; copy it again.",
                kind="truncated",
            )

        def decode() -> tuple[Pixels, float]:
            raw = file.data[header.data_offset : header.length]
            stored = raw if header.item_bytes == 1 else raw.view(np.dtype(">u2"))
            return stored.astype(np.uint16).reshape(header.height, header.width), 0.0

        def amend(meta: FrameMeta) -> FrameMeta:
            if meta.saturation_adu is not None:
                return meta
            sources = {**meta.sources, "saturation_adu": "the PGM header"}
            return replace(meta, saturation_adu=float(header.full_scale), sources=sources)

        return FileContents(headers=(header.cards,), shape=(header.height, header.width), decode=decode, amend=amend)

    def headers(self, read_at: ReadAt) -> Iterator[tuple[Header, ...]]:
        """Yield the comment lines as a header."""
        yield (read_header(read_at).cards,)


PGM = Format(
    "PGM files",
    "a PGM file",
    (".pgm",),
    (Magic(b"P5\n"), Magic(b"P5 "), Magic(b"P5\r"), Magic(b"P5\t"), Magic(b"P5#")),
    reader=f"{__name__}:PgmReader",
    completeness=pgm_length,
    tells_length=True,
)
