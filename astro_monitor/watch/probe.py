"""A bounded check of a file: the length by its header, whether its data are written, and a digest of its content.

A program may make a file in its full length before it writes the data. Unwritten parts read as zeros, which cameras
hardly write: holes known to the file system are queried first (``lseek`` with ``SEEK_HOLE``), then pages of the data
area are read. The digest of the same pages identifies the content later.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import FrameError
from ..fitsheader import BLOCK_BYTES
from ..formats import Declared, FormatTable, built_in_formats
from ..openfile import open_plain
from .settle import Look

log = logging.getLogger(__name__)

HEAD_BYTES = 64 << 10
"""Bytes at the start that are always read: headers of capture programs are shorter, so a changed card is detected."""
PAGE_BYTES = 4096
"""Size of a page: file systems allocate and programs write in multiples of it, starting at a multiple."""
SAMPLES = 128
"""Pages between head and end that are read: 0.5 MB, fast on a slow share, too. Two exposures differ in every page."""
RUN_BYTES = 256
"""Zero bytes in a row that mean unwritten data: no camera reads 128 adjacent pixels at exactly half scale, and
compressed data have no such run."""
TAIL_BYTES = 32
"""Bytes at the end, 8 or 16 pixels: a copy that fills an allocated file from its start writes them last."""
_ZEROS = bytes(RUN_BYTES)


def look_into(path: str, size_bytes: int, formats: FormatTable | None = None) -> Look:
    """Check a file without trusting it; at most its headers and some pages are read.

    Parameters:
        path: a regular file, at the last check.
        size_bytes: its size at that check.
        formats: which formats are known; ``None``: those of astro-monitor.

    Raises:
        OSError: the file cannot be opened or read, or is no longer a regular file.
    """
    if size_bytes == 0:
        return Look(missing="is empty")
    with open_regular(path) as file:
        declared = _declared_size(file, path, size_bytes, formats or built_in_formats())
        if declared.missing:
            return Look(missing=declared.missing, knows_length=True)
        end = min(declared.data_end or declared.declared_bytes or size_bytes, size_bytes)
        sampled = _sample(file, declared.data_offset, end, size_bytes)
        hole = _has_hole(file, declared.data_offset, end)
        if declared.never_zero and (hole or sampled.has_zeros):
            return Look(missing="has parts that were never written", knows_length=True, digest=sampled.digest)
        # Some programs leave the padding out; none writes a part of it and stops there.
        padded_bytes = -(-declared.declared_bytes // BLOCK_BYTES) * BLOCK_BYTES
        padding_is_cut = declared.declared_bytes < size_bytes < padded_bytes
        ends_in_zeros = declared.declared_bytes > 0 and _ends_in_zeros(file, declared.data_offset, end)
        return Look(
            knows_length=declared.declared_bytes > 0,
            unfilled=padding_is_cut or hole,
            zeros=sampled.has_zeros or ends_in_zeros,
            digest=sampled.digest,
        )


def open_regular(path: str) -> BinaryIO:
    """Open a file for reading, without waiting for a writer if the name has become that of a pipe.

    Raises:
        OSError: the file cannot be opened, or is not a regular file.
    """
    # Unbuffered: single pages are read, without read-ahead.
    return cast("BinaryIO", FileIO(open_plain(Path(path), os.O_RDONLY, follow=True), "rb"))


def digest_of(path: str, size_bytes: int) -> str:
    """Return the digest of a file's head, its end, and pages in between.

    Parameters:
        path: a regular file.
        size_bytes: its size at the last check.

    Raises:
        OSError: the file cannot be opened or read, or is no longer a regular file.
    """
    with open_regular(path) as file:
        return _sample(file, 0, size_bytes, size_bytes).digest


@dataclass(frozen=True, slots=True)
class _Sampled:
    digest: str
    has_zeros: bool


def _declared_size(file: BinaryIO, path: str, size_bytes: int, formats: FormatTable) -> Declared:
    """Return the data offset and length that a file's header declares; empty when the header cannot be read."""

    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    try:
        return formats.declared(path, read_at, size_bytes)
    except FrameError:
        # Not a file of this format, or a damaged header: the reader reports it once the file no longer changes.
        return Declared()
    except OSError:
        raise
    except Exception:
        # A defect of this program must not end the watch; the reader opens the same file in a process that may die.
        log.exception("the header of %r cannot be scanned; please report this file", path)
        return Declared()


def _sample(file: BinaryIO, begin: int, end: int, size_bytes: int) -> _Sampled:
    """Read the head of a file, its last page, and pages in between.

    Parameters:
        begin, end: byte range of the data; zeros elsewhere are ignored.
    """
    digest = hashlib.blake2b(size_bytes.to_bytes(8, "little"), digest_size=16)
    has_zeros = False
    for offset, count in _sample_ranges(size_bytes):
        file.seek(offset)
        piece = file.read(count)
        digest.update(piece)
        # Fast, because a search for a run of zeros skips ahead at every other byte.
        has_zeros = has_zeros or piece.find(_ZEROS, max(begin - offset, 0), max(end - offset, 0)) >= 0
    return _Sampled(digest.hexdigest(), has_zeros)


def _sample_ranges(size_bytes: int) -> list[tuple[int, int]]:
    """Return (offset, length) of the parts of a file that are sampled: head, pages in between, and last page."""
    if size_bytes <= HEAD_BYTES + SAMPLES * PAGE_BYTES:
        return [(offset, HEAD_BYTES) for offset in range(0, size_bytes, HEAD_BYTES)]
    pages = (size_bytes - HEAD_BYTES) // PAGE_BYTES
    middle = [(HEAD_BYTES + pages * number // SAMPLES * PAGE_BYTES, PAGE_BYTES) for number in range(SAMPLES)]
    return [(0, HEAD_BYTES), *middle, (size_bytes - PAGE_BYTES, PAGE_BYTES)]


def _has_hole(file: BinaryIO, begin: int, end: int) -> bool:
    """Whether the file system reports a part that was never written; not all file systems can."""
    if not hasattr(os, "SEEK_HOLE") or end <= begin:
        return False
    try:
        hole = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
    except OSError:
        return False
    if hole >= end:
        return False
    # The hole is verified: a file system that does not know all about fresh data must not delay a frame.
    file.seek(hole)
    return not any(file.read(min(PAGE_BYTES, end - hole)))


def _ends_in_zeros(file: BinaryIO, begin: int, end: int) -> bool:
    """Return whether the last bytes, at most ``TAIL_BYTES``, between two offsets of a file are all zero."""
    count = min(TAIL_BYTES, end - begin)
    if count <= 0:
        return False
    file.seek(end - count)
    return not any(file.read(count))
